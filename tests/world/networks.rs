//! Networks of their own between programs: network namespaces around one that forwards, made by `ip`.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// Places with a cable each to the core, which forwards between them. Gone when it is dropped, with all that is in it.
pub struct Networks {
    id: String,
    places: Vec<String>,
}

/// The place between all others.
pub const CORE: &str = "core";

impl Networks {
    /// The n-th of `places`, counted from 1, has the address 10.60.n.2, and the core 10.60.n.1 at the other end of its cable,
    /// `to-PLACE`. `None`, said aloud, where namespaces may not be made.
    #[must_use]
    pub fn around_a_core(places: &[&str]) -> Option<Self> {
        let networks = Self::apart(&[&[CORE], places].concat())?;
        for (n, place) in (1..).zip(places) {
            networks.cable(n, place);
        }
        let forwards =
            networks.command(CORE, Path::new("sysctl")).args(["-q", "net.ipv4.ip_forward=1"]).status();
        assert!(forwards.is_ok_and(|status| status.success()), "the core forwards");
        Some(networks)
    }

    /// Places without any cable. `None`, said aloud, where namespaces may not be made.
    #[must_use]
    pub fn apart(places: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("rove-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut networks = Self { id, places: Vec::new() };
        for place in places {
            if !done(&["netns", "add", &networks.space(place)]) {
                println!("skipped: no network namespaces may be made here");
                return None;
            }
            networks.places.push((*place).to_owned());
            networks.ip(place, "link set lo up");
        }
        Some(networks)
    }

    fn cable(&self, n: usize, place: &str) {
        self.ip(CORE, &format!("link add to-{place} type veth peer name eth0 netns {}", self.space(place)));
        self.ip(CORE, &format!("address add 10.60.{n}.1/24 dev to-{place}"));
        self.ip(CORE, &format!("link set to-{place} up"));
        self.ip(place, &format!("address add 10.60.{n}.2/24 dev eth0"));
        self.ip(place, "link set eth0 up");
        self.ip(place, &format!("route add default via 10.60.{n}.1"));
    }

    /// Another cable, straight between two places: the first has the address `net`.1 on it, the second `net`.2.
    pub fn second_cable(&self, one: &str, other: &str, net: &str) {
        self.ip(one, &format!("link add eth1 type veth peer name eth1 netns {}", self.space(other)));
        for (place, last) in [(one, 1), (other, 2)] {
            self.ip(place, &format!("address add {net}.{last}/24 dev eth1"));
            self.ip(place, "link set eth1 up");
        }
    }

    /// A cable whose one end lies unused at `reel`, an interface `PLACEn` without addresses; the other, `ethN` of the place,
    /// has the address.
    pub fn reel(&self, reel: &str, place: &str, n: usize, address: &str) {
        let device = format!("{place}{n}");
        self.ip(reel, &format!("link add {device} type veth peer name eth{n} netns {}", self.space(place)));
        let quiet = format!("net.ipv6.conf.{device}.disable_ipv6=1");
        // Without IPv6 in its kernel a machine is quiet anyway.
        let _ = self.asks(reel, "sysctl", &format!("-q {quiet}"));
        self.ip(reel, &format!("link set {device} up"));
        self.ip(place, &format!("address add {address} dev eth{n}"));
        self.ip(place, &format!("link set eth{n} up"));
    }

    fn space(&self, place: &str) -> String {
        format!("{}-{place}", self.id)
    }

    /// `ip` at a place, with words in between blanks.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn ip(&self, place: &str, words: &str) {
        let space = self.space(place);
        let args: Vec<&str> = ["-n", &space].into_iter().chain(words.split(' ')).collect();
        assert!(done(&args), "at {place}: ip {words}");
    }

    /// A program that runs at a place.
    #[must_use]
    pub fn command(&self, place: &str, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space(place)]).arg(program);
        command
    }

    /// What a program says that runs at a place, with words in between blanks; `None` when it fails or is not there.
    #[must_use]
    pub fn asks(&self, place: &str, program: &str, words: &str) -> Option<String> {
        let output = self.command(place, Path::new(program)).args(words.split(' ')).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for place in &self.places {
            done(&["netns", "delete", &self.space(place)]);
        }
    }
}

fn done(args: &[&str]) -> bool {
    Command::new("ip").args(args).output().is_ok_and(|output| output.status.success())
}
