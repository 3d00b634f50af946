//! A name server, a callee and callers in one process, on real sockets of this machine's loopback.

use core::time::Duration;
use std::{net::SocketAddr, thread::JoinHandle};

use rove_node::{Dev, Node, RunningNode};
use rove_phone::{Audio, CallReport, DnsRegistration, Phone, PhoneConfig, PhoneEvent, Progress, TsigKey};

/// A name server, and a phone under [`Loopback::NAME`] that answers every call.
pub struct Loopback {
    server: SocketAddr,
    // Ends in order when dropped.
    _node: RunningNode,
    _folder: tempfile::TempDir,
    callee: Option<JoinHandle<()>>,
    hang_up: std::sync::mpsc::Sender<()>,
}

impl Loopback {
    /// Whom to call.
    pub const NAME: &'static str = "bob.home.example";

    /// Starts both and publishes the name.
    ///
    /// # Panics
    ///
    /// When this machine has no loopback, or it takes longer than 30 s.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dev = Dev::prepare(folder.path(), vec![ANY_PORT.into()]).expect("a configuration");
        let node = Node::start(dev.config).expect("a node");
        let server = node.dns_addresses()[0];
        let bob = Phone::start(config(server)).expect("a phone");
        let key = TsigKey::from_key_file(&std::fs::read_to_string(&dev.key_file).expect("a key file"))
            .expect("a key");
        // With a TTL of 1 s nearly every call asks the server anew.
        let ttl = Duration::from_secs(1);
        bob.register(DnsRegistration {
            name: Self::NAME.into(),
            server,
            key,
            addresses: Vec::new(),
            port: None,
            ttl,
        });
        while !matches!(bob.next_event(PATIENCE).expect("in time"), PhoneEvent::Registered { .. }) {}
        let (hang_up, done) = std::sync::mpsc::channel();
        let callee = std::thread::spawn(move || {
            while matches!(done.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)) {
                if let Some(PhoneEvent::Call { call, progress: Progress::Incoming { .. } }) =
                    bob.next_event(GLANCE)
                {
                    bob.answer(call);
                }
            }
        });
        Self { server, _node: node, _folder: folder, callee: Some(callee), hang_up }
    }

    /// A fresh phone, which remembers nothing, calls the name, hangs up as soon as the call stands, and reports.
    ///
    /// # Panics
    ///
    /// When the call fails or takes longer than 30 s.
    #[must_use]
    pub fn call(&self) -> CallReport {
        let alice = Phone::start(config(self.server)).expect("a phone");
        let call = alice.dial(Self::NAME).expect("a name");
        loop {
            match alice.next_event(PATIENCE).expect("the call goes on") {
                PhoneEvent::Call { progress: Progress::Answered { .. }, .. } => alice.hang_up(call),
                PhoneEvent::Ended { report, .. } => {
                    assert!(report.succeeded(), "{report:?}");
                    return *report;
                }
                _ => {}
            }
        }
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        let _ = self.hang_up.send(());
        if let Some(callee) = self.callee.take() {
            let _ = callee.join();
        }
    }
}

fn config(server: SocketAddr) -> PhoneConfig {
    PhoneConfig {
        listen: vec![ANY_PORT.into()],
        dns_servers: vec![server],
        audio: Audio::Null,
        ..PhoneConfig::default()
    }
}

const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);
const PATIENCE: Duration = Duration::from_secs(30);
const GLANCE: Duration = Duration::from_millis(20);
