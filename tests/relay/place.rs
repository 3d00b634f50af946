//! Two phones' networks and a server that both reach: three network namespaces. Between the phones nothing passes.

use std::{
    ffi::OsStr,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use rove_tests::programs::{Running, ip, peer};

use crate::stage::PATIENCE;

/// Goes away when it is dropped.
pub(crate) struct Place {
    spaces: [String; 3],
}

/// Where a program runs.
#[derive(Clone, Copy)]
pub(crate) enum At {
    Alice,
    Bob,
    Server,
}

/// The server's address, which both phones reach.
pub(crate) const SERVER: &str = "10.81.0.1";

impl At {
    /// A phone's address.
    pub(crate) const fn address(self) -> &'static str {
        match self {
            Self::Alice => "10.81.1.2",
            Self::Bob => "10.81.2.2",
            Self::Server => SERVER,
        }
    }
}

impl Place {
    /// `None`, said aloud, where namespaces may not be made.
    pub(crate) fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = Self { spaces: ["a", "b", "s"].map(|name| format!("rove-relay-{name}-{id}")) };
        let made = place.spaces.iter().all(|name| ip(&["netns", "add", name]))
            && place.inside(At::Server, &["link", "set", "lo", "up"])
            && place.inside(At::Server, &["address", "add", "10.81.0.1/32", "dev", "lo"])
            && place.cable(At::Alice, "alice", "10.81.1", "10.81.2.0/24")
            && place.cable(At::Bob, "bob", "10.81.2", "10.81.1.0/24");
        if !made {
            println!("skipped: no network namespaces may be made here");
        }
        made.then_some(place)
    }

    /// From a phone to the server, and nowhere else: what it sends to the other phone's network is lost there.
    fn cable(&self, phone: At, device: &str, net: &str, other: &str) -> bool {
        let (near, far, gate) = (format!("{net}.2/24"), format!("{net}.1/24"), format!("{net}.1"));
        let peer = ["type", "veth", "peer", "name", "uplink", "netns", self.name(phone)];
        self.inside(At::Server, &[&["link", "add", device], &peer[..]].concat())
            && self.inside(At::Server, &["address", "add", &far, "dev", device])
            && self.inside(At::Server, &["link", "set", device, "up"])
            && self.inside(At::Server, &["rule", "add", "iif", device, "to", other, "blackhole"])
            && self.inside(phone, &["link", "set", "lo", "up"])
            && self.inside(phone, &["address", "add", &near, "dev", "uplink"])
            && self.inside(phone, &["link", "set", "uplink", "up"])
            && self.inside(phone, &["route", "add", "default", "via", &gate])
    }

    /// From now on UDP passes neither to the phones nor from them; what a relay passes on to itself does. `None`, said aloud,
    /// without nftables.
    pub(crate) fn without_udp(&self, folder: &Path) -> Option<()> {
        let nft = peer("nft")?;
        let rules = folder.join("without-udp.nft");
        // Where it comes in, so that whoever sends is told nothing, as in a network that does so.
        let cables = "iifname { \"alice\", \"bob\", \"uplink\" }";
        let chain = format!("type filter hook input priority 0; {cables} meta l4proto udp drop;");
        std::fs::write(&rules, format!("table inet place {{\nchain input {{\n{chain}\n}}\n}}\n")).unwrap();
        for at in [At::Alice, At::Bob, At::Server] {
            let rules = ["-f", rules.to_str().unwrap()];
            let (code, _, complaints) = self.start(at, &nft, rules).outcome(PATIENCE);
            assert_eq!(code, 0, "{complaints}");
        }
        Some(())
    }

    fn inside(&self, at: At, args: &[&str]) -> bool {
        ip(&[&["-n", self.name(at)], args].concat())
    }

    fn name(&self, at: At) -> &str {
        &self.spaces[at as usize]
    }

    /// Starts `program` there.
    pub(crate) fn start<S: AsRef<OsStr>>(
        &self,
        at: At,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Running {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.name(at)]).arg(program).args(args);
        Running::spawn(command)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for name in &self.spaces {
            let _ = ip(&["netns", "delete", name]);
        }
    }
}
