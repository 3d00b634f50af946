use rove_base::{Connect, StreamId, Transport};

use super::*;
use crate::{Listener, StreamEvent, Streams, Tls};

const PROTOCOL: &[u8] = b"test/1";

/// An authority, and certificates that it gave to two domains.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        for name in ["a", "b"] {
            let key = rcgen::KeyPair::generate().unwrap();
            let names = vec![format!("{name}.example")];
            let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
            std::fs::write(folder.path().join(format!("{name}.pem")), own.pem()).unwrap();
            std::fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        Self { folder }
    }

    /// Trusts the authority, and shows the certificate of `name`, if one is named.
    fn tls(&self, name: Option<&str>) -> Tls {
        let path = |file: String| self.folder.path().join(file);
        let shown = name
            .map(|name| Certificate { chain: path(format!("{name}.pem")), key: path(format!("{name}.key")) });
        Tls::default().with_quic(Some(&path("ca.pem".into())), shown.as_ref(), PROTOCOL).unwrap()
    }
}

/// What the one that is connected to is told, when `ours` connects to the server of `expected` at `theirs`.
fn told(ours: Tls, theirs: Tls, expected: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let meeting = async {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), Transport::Quic).unwrap();
        let remote = listener.local_addr();
        let (mut ours, mut theirs) = (Streams::new(ours), Streams::new(theirs));
        theirs.accept_from(listener).unwrap();
        let stream = StreamId(2);
        let name = Some(expected.to_owned());
        ours.connect(Connect { stream, remote, transport: Transport::Quic, name });
        let mut told = Vec::new();
        loop {
            tokio::select! {
                event = ours.next() => match event {
                    StreamEvent::Connected { stream, .. } => ours.send(stream, b"asked"),
                    StreamEvent::Bytes { bytes, .. } => {
                        told.push(format!("back: {}", String::from_utf8_lossy(&bytes)));
                        return told;
                    }
                    StreamEvent::Closed { .. } => return told,
                    StreamEvent::Identified { .. } => {}
                },
                event = theirs.next() => match event {
                    StreamEvent::Connected { transport, .. } => told.push(transport.to_string()),
                    StreamEvent::Identified { name, .. } => told.push(name),
                    StreamEvent::Bytes { stream, bytes } => {
                        told.push(String::from_utf8_lossy(&bytes).into_owned());
                        theirs.read_on();
                        theirs.send(stream, b"answered");
                    }
                    StreamEvent::Closed { .. } => {}
                },
            }
        }
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), meeting).await.expect("it ends") })
}

#[test]
fn bytes_go_both_ways_and_whoever_shows_a_certificate_is_named() {
    let authority = Authority::new();
    let server = || authority.tls(Some("b"));
    assert_eq!(told(authority.tls(None), server(), "b.example"), ["quic", "asked", "back: answered"]);
    assert_eq!(
        told(authority.tls(Some("a")), server(), "b.example"),
        ["quic", "a.example", "asked", "back: answered"]
    );
}

#[test]
fn a_server_of_another_domain_or_of_another_authority_is_not_spoken_with() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let nothing: [String; 0] = [];
    assert_eq!(told(authority.tls(None), authority.tls(Some("b")), "a.example"), nothing);
    assert_eq!(told(authority.tls(None), stranger.tls(Some("b")), "b.example"), nothing);
}

#[test]
fn who_shows_a_certificate_that_is_not_trusted_is_turned_away() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    // The stranger trusts the server, but shows what its own authority gave.
    std::fs::copy(authority.folder.path().join("ca.pem"), stranger.folder.path().join("ca.pem")).unwrap();
    let said = told(stranger.tls(Some("a")), authority.tls(Some("b")), "b.example");
    assert!(!said.contains(&"a.example".to_owned()) && !said.contains(&"asked".to_owned()), "{said:?}");
}
