//! A running `roved` with a configuration of the test's own.

use std::{
    net::{SocketAddr, UdpSocket},
    path::Path,
    time::Duration,
};

use rove_sip::message::Message;
use rove_tests::programs::{Running, program};

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that has said where it is.
pub(crate) struct Server {
    pub(crate) process: Running,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
}

impl Server {
    /// A registrar for these domains, with what else its section says.
    pub(crate) fn start(domains: &[&str], more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roved.toml");
        let text = format!(
            "[sip]\ndomains = {domains:?}\n{more}\n[sip.listen]\nudp = [\"127.0.0.1:0\"]\ntcp = [\"127.0.0.1:0\"]\n\
             [sip.limits]\nrequests_per_second = 0\n"
        );
        std::fs::write(&file, text).unwrap();
        Self::with_file(folder, &file)
    }

    fn with_file(folder: tempfile::TempDir, file: &Path) -> Self {
        let file = file.display().to_string();
        let mut process = Running::start(&program("roved"), ["--config", &file, "--ready-json"]);
        let ready = process.ready(PATIENCE);
        let uri = ready["sip"][0].as_str().expect("an address");
        let address = uri.trim_start_matches("sip:").split(';').next().unwrap().parse().unwrap();
        Self { process, address, folder }
    }
}

/// A client at an address of its own.
pub(crate) struct Client {
    pub(crate) socket: UdpSocket,
}

impl Client {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket }
    }

    /// Sends this and hears the next message.
    pub(crate) fn ask(&self, server: SocketAddr, bytes: &[u8]) -> Message {
        self.socket.send_to(bytes, server).unwrap();
        self.hear()
    }

    pub(crate) fn hear(&self) -> Message {
        let mut buffer = vec![0; 65_536];
        let (len, _) = self.socket.recv_from(&mut buffer).expect("an answer in time");
        Message::parse(&buffer[..len]).expect("well formed")
    }
}
