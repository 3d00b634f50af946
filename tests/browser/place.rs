//! Where the browser and its peers run: a network namespace with one address, as a browser has no candidates on loopback.

use std::{ffi::OsStr, fs::File, net::TcpListener, path::Path, process::Command};

use rove_tests::programs::{Running, ip};
use rustix::{
    fd::AsFd as _,
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

/// Goes away when it is dropped.
pub(crate) struct Place {
    name: String,
}

impl Place {
    /// The one address, besides loopback.
    pub(crate) const ADDRESS: &str = "10.77.0.1";

    /// `None` where namespaces are not allowed.
    pub(crate) fn new() -> Option<Self> {
        let name = format!("rove-browser-{}", std::process::id());
        if !ip(&["netns", "add", &name]) {
            return None;
        }
        let place = Self { name };
        let address = format!("{}/24", Self::ADDRESS);
        let made = place.ip(&["link", "set", "lo", "up"])
            && place.ip(&["link", "add", "only", "type", "veth", "peer", "name", "peer"])
            && place.ip(&["address", "add", &address, "dev", "only"])
            && place.ip(&["link", "set", "only", "up"])
            && place.ip(&["link", "set", "peer", "up"])
            && place.ip(&["route", "add", "default", "dev", "only"]);
        made.then_some(place)
    }

    fn ip(&self, args: &[&str]) -> bool {
        ip(&[&["-n", self.name.as_str()], args].concat())
    }

    /// Starts `program` there.
    pub(crate) fn start<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Running {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program).args(args);
        Running::spawn(command)
    }

    /// A listener on loopback there. Its socket stays there, whoever uses it.
    pub(crate) fn listen(&self) -> TcpListener {
        let space = File::open(Path::new("/run/netns").join(&self.name)).expect("the namespace has a name");
        // Only a thread can move, and there is no way back.
        let inside = std::thread::spawn(move || {
            move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).expect("it may move");
            TcpListener::bind("127.0.0.1:0").expect("a port")
        });
        inside.join().expect("a listener")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = ip(&["netns", "delete", &self.name]);
    }
}
