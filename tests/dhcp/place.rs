//! A visited network and a terminal: two network namespaces and a cable between them.

use std::{
    ffi::OsStr,
    fs::File,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use rove_tests::programs::{Running, ip};
use rustix::{
    fd::AsFd as _,
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

/// Goes away when it is dropped.
pub(crate) struct Place {
    network: String,
    terminal: String,
}

/// The network's end of the cable; it has [`SERVER`].
pub(crate) const NETWORK: &str = "net0";
/// The terminal's end; it has no address but the link-local one.
pub(crate) const TERMINAL: &str = "air0";
/// The network's own address.
pub(crate) const SERVER: [u8; 4] = [10, 9, 0, 1];

impl Place {
    /// `None`, said aloud, where namespaces may not be made.
    pub(crate) fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = Self { network: format!("rove-dhcp-n-{id}"), terminal: format!("rove-dhcp-t-{id}") };
        let made =
            ip(&["netns", "add", &place.network]) && ip(&["netns", "add", &place.terminal]) && place.cable();
        if !made {
            println!("skipped: no network namespaces may be made here");
        }
        made.then_some(place)
    }

    fn cable(&self) -> bool {
        let (network, terminal) = (self.network.as_str(), self.terminal.as_str());
        let peer = ["type", "veth", "peer", "name", TERMINAL, "netns", terminal];
        ip(&[&["-n", network, "link", "add", NETWORK], &peer[..]].concat())
            && ip(&["-n", network, "address", "add", "10.9.0.1/24", "dev", NETWORK])
            && ip(&["-n", network, "link", "set", NETWORK, "up"])
            && ip(&["-n", network, "link", "set", "lo", "up"])
            && inside(terminal, || settle_at_once(TERMINAL))
            && ip(&["-n", terminal, "link", "set", TERMINAL, "up"])
            && ip(&["-n", terminal, "address", "add", "fe80::7/64", "dev", TERMINAL, "nodad"])
            && ip(&["-n", network, "address", "add", "fe80::1/64", "dev", NETWORK, "nodad"])
            && ip(&["-n", terminal, "link", "set", "lo", "up"])
    }

    /// Starts `program` at the terminal.
    pub(crate) fn terminal<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Running {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.terminal]).arg(program).args(args);
        Running::spawn(command)
    }

    /// Starts `program` in the network.
    pub(crate) fn network_program<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Running {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.network]).arg(program).args(args);
        Running::spawn(command)
    }

    /// What `make` opens in the network stays there, whoever uses it.
    pub(crate) fn in_network<T: Send + 'static>(&self, make: impl FnOnce() -> T + Send + 'static) -> T {
        inside(&self.network, make)
    }

    /// The same at the terminal.
    pub(crate) fn in_terminal<T: Send + 'static>(&self, make: impl FnOnce() -> T + Send + 'static) -> T {
        inside(&self.terminal, make)
    }
}

pub(crate) fn inside<T: Send + 'static>(name: &str, make: impl FnOnce() -> T + Send + 'static) -> T {
    let space = File::open(Path::new("/run/netns").join(name)).expect("the namespace has a name");
    // Only a thread can move, and there is no way back.
    let inside = std::thread::spawn(move || {
        move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).expect("it may move");
        make()
    });
    inside.join().expect("it is made")
}

impl Drop for Place {
    fn drop(&mut self) {
        for name in [&self.network, &self.terminal] {
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

/// Addresses of `device` are good from the beginning, without the seconds that are spent on looking for another host that has
/// the same: `dhclient -6` binds whichever link-local address it finds first, and ends when that one is not good yet.
pub(crate) fn settle_at_once(device: &str) -> bool {
    std::fs::write(format!("/proc/sys/net/ipv6/conf/{device}/accept_dad"), "0").is_ok()
}
