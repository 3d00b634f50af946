//! A network that has an agreement and a good certificate, and says to a running node whatever a test wants.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use rove_base::{Arrival, Entropy, Machine as _, Scratch, Step, StreamId, Transport};
use rove_io::clock::Clock;
use rove_roam::{
    Cause, Operation, Outcome,
    private::{
        self, DialogueId, PartnerId, PrivateNetwork as _, Told,
        map::{Map, MapConfig},
    },
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};

use crate::programs::{PATIENCE, Stage};

/// `third.example`, on MAP over TLS.
pub(crate) struct Partner {
    wire: Map,
    tls: StreamOwned<ClientConnection, TcpStream>,
    stream: StreamId,
    clock: Clock,
    scratch: Scratch,
    asked: u64,
}

const NODE: PartnerId = PartnerId(0);

impl Partner {
    /// Calls a node of `stage`, which has it among its partners, until the link stands.
    pub(crate) fn of(stage: &Stage, which: usize) -> Self {
        let name = ["home.example", "visited.example"][which];
        let node = private::Partner {
            id: NODE,
            name: name.parse().unwrap(),
            plmn: ["00101", "00102"][which].parse().unwrap(),
            title: ["46700000001", "46700000002"][which].parse().unwrap(),
            address: Some(stage.links[which]),
            transport: Transport::Tls,
        };
        let config = MapConfig {
            network: "third.example".parse().unwrap(),
            title: "46700000003".parse().unwrap(),
            point_code: None,
            partners: vec![node],
        };
        let tcp = TcpStream::connect(stage.links[which]).unwrap();
        tcp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut partner = Self {
            wire: Map::new(config, Entropy::from_number(1)),
            tls: StreamOwned::new(connection(stage, name), tcp),
            stream: StreamId(0),
            clock: Clock::new(),
            scratch: Scratch::default(),
            asked: 0,
        };
        partner.until(|told| matches!(told, Told::Up(_)).then_some(()));
        partner
    }

    /// What the node says to a question.
    pub(crate) fn ask(&mut self, operation: Operation) -> Result<Outcome, Cause> {
        self.asked += 1;
        let ours = DialogueId(self.asked);
        self.wire.ask(self.clock.now(), NODE, ours, operation);
        self.until(|told| match told {
            Told::Answered { id, result, .. } if id == ours => Some(result),
            _ => None,
        })
    }

    fn until<T>(&mut self, mut want: impl FnMut(Told) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 4_096];
        loop {
            let now = self.clock.now();
            self.wire.tick(now);
            self.scratch.clear();
            loop {
                match self.wire.poll(&mut self.scratch) {
                    Step::Wait(_) => break,
                    Step::Send(transmit) => self.tls.write_all(self.scratch.get(transmit.range)).unwrap(),
                    Step::Connect(connect) => {
                        self.stream = connect.stream;
                        let (stream, transport) = (self.stream, Transport::Tls);
                        let (local, remote) = (self.tls.sock.local_addr().unwrap(), connect.remote);
                        self.wire.handle(now, Arrival::Connected { stream, local, remote, transport });
                    }
                    Step::Event(told) => {
                        if let Some(wanted) = want(told) {
                            return wanted;
                        }
                    }
                    step => panic!("{step:?}"),
                }
            }
            assert!(Instant::now() < deadline, "the node does not answer");
            match self.tls.read(&mut buffer) {
                Ok(0) => panic!("the node has closed the link"),
                Ok(count) => {
                    let (stream, bytes) = (self.stream, &buffer[..count]);
                    self.wire.handle(self.clock.now(), Arrival::Stream { stream, bytes });
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn connection(stage: &Stage, name: &str) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(stage.path("ca.pem")).unwrap()).unwrap();
    let chain = vec![CertificateDer::from_pem_file(stage.path("third.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(stage.path("third.key")).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap()
}
