//! A relay between two nodes that ends TLS on both of its sides, with the certificates of both, which the tests have
//! made: it sees in the clear what goes over the wire, and passes it on.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};

/// Who sent what: 0 the node that was dialled, 1 the one that dialled.
type Seen = Arc<Mutex<Vec<(usize, Vec<u8>)>>>;

/// The relay.
pub(crate) struct Tap {
    address: SocketAddr,
    seen: Seen,
}

/// What it shows to each side, and whom it believes.
struct Faces {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tap {
    /// Listens at `at` for the node `dialler`, and passes on to the node `dialled` at `to`.
    pub(crate) fn new(
        folder: &Path,
        at: SocketAddr,
        (dialled, to): (&str, SocketAddr),
        dialler: &str,
    ) -> Self {
        let listener = TcpListener::bind(at).unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
        let faces = Arc::new(Faces::new(folder, dialled, dialler));
        let all = Arc::clone(&seen);
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(to)) else { continue };
                let (faces, seen) = (Arc::clone(&faces), Arc::clone(&all));
                std::thread::spawn(move || relay(near, far, &faces, &seen));
            }
        });
        Self { address, seen }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every whole message so far; `length` says how long the first of some bytes is.
    pub(crate) fn messages(&self, length: impl Fn(&[u8]) -> Option<usize>) -> Vec<(usize, Vec<u8>)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = [Vec::new(), Vec::new()];
        let mut messages = Vec::new();
        for (sender, bytes) in seen.iter() {
            let rest = &mut rest[*sender];
            rest.extend_from_slice(bytes);
            while let Some(len) = length(rest).filter(|len| *len <= rest.len()) {
                messages.push((*sender, rest.drain(..len).collect()));
            }
        }
        messages
    }
}

impl Faces {
    fn new(folder: &Path, dialled: &str, dialler: &str) -> Self {
        let show = |name: &str| {
            let label = name.split('.').next().unwrap();
            let chain = CertificateDer::pem_file_iter(folder.join(format!("{label}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(folder.join(format!("{label}.key"))).unwrap();
            (chain.collect::<Result<Vec<_>, _>>().unwrap(), key)
        };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
        let provider = || Arc::new(ring::default_provider());
        let versions = [&rustls::version::TLS13];
        let (chain, key) = show(dialled);
        let server =
            ServerConfig::builder_with_provider(provider()).with_protocol_versions(&versions).unwrap();
        let server = server.with_no_client_auth().with_single_cert(chain, key).unwrap();
        let (chain, key) = show(dialler);
        let client =
            ClientConfig::builder_with_provider(provider()).with_protocol_versions(&versions).unwrap();
        let client = client.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap();
        let name = ServerName::try_from(dialled.to_owned()).unwrap();
        Self { server: Arc::new(server), client: Arc::new(client), name }
    }
}

fn relay(near: TcpStream, far: TcpStream, faces: &Faces, seen: &Seen) {
    for stream in [&near, &far] {
        stream.set_read_timeout(Some(TURN)).unwrap();
        stream.set_nodelay(true).unwrap();
    }
    let mut near = StreamOwned::new(ServerConnection::new(Arc::clone(&faces.server)).unwrap(), near);
    let far_end = ClientConnection::new(Arc::clone(&faces.client), faces.name.clone()).unwrap();
    let mut far = StreamOwned::new(far_end, far);
    while pass(&mut near, &mut far, 1, seen) && pass(&mut far, &mut near, 0, seen) {}
}

/// Passes on what has come; `false` when a side is gone.
fn pass(from: &mut impl Read, to: &mut impl Write, sender: usize, seen: &Seen) -> bool {
    let mut buffer = [0; 16_384];
    match from.read(&mut buffer) {
        Ok(0) => false,
        Ok(count) => {
            let bytes = &buffer[..count];
            seen.lock().unwrap_or_else(PoisonError::into_inner).push((sender, bytes.to_vec()));
            to.write_all(bytes).and_then(|()| to.flush()).is_ok()
        }
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// How long one side is listened to before the other.
const TURN: Duration = Duration::from_millis(2);
