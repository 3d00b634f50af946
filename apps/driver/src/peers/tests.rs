use core::time::Duration;
use std::{net::SocketAddr, path::Path};

use rove_base::{Arrival, ClosedBy, Connect, StreamId, Transport};

use super::*;
use crate::{Listener, StreamEvent, Streams, Tls};

/// An authority that gives certificates away.
struct Authority {
    folder: tempfile::TempDir,
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    fn trust(&self) -> Trust {
        Trust { authorities: vec![self.folder.path().join("ca.pem")], pinned: Vec::new() }
    }

    /// A certificate for `names`, under `file`.
    fn give(&self, file: &str, names: &[&str]) -> Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        write(self.folder.path(), file, &own.pem(), &key)
    }
}

/// A certificate that nobody else gave.
fn own(folder: &Path, file: &str, name: &str) -> Certificate {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    let own = params.self_signed(&key).unwrap();
    write(folder, file, &own.pem(), &key)
}

fn write(folder: &Path, file: &str, pem: &str, key: &rcgen::KeyPair) -> Certificate {
    let chain = folder.join(format!("{file}.pem"));
    let key_file = folder.join(format!("{file}.key"));
    std::fs::write(&chain, pem).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    Certificate { chain, key: key_file }
}

fn tls(trust: &Trust, certificate: Option<&Certificate>) -> Tls {
    Tls::default().with_peers(trust, certificate).unwrap()
}

/// What both ends were told, until one of them lost the stream or both know each other.
async fn meet(ours: Tls, theirs: Tls, name: Option<&str>) -> (Vec<String>, Vec<String>) {
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Transport::Tls).unwrap().for_peers();
    let remote = listener.local_addr();
    let (mut ours, mut theirs) = (Streams::new(ours), Streams::new(theirs));
    theirs.accept_from(listener).unwrap();
    let name = name.map(str::to_owned);
    ours.connect(Connect { stream: StreamId(2), remote, transport: Transport::Tls, name });
    let (mut we, mut they) = (Vec::new(), Vec::new());
    // A client is done before its certificate is judged: it asks, and is answered or not.
    let mut answered = false;
    while !answered {
        tokio::select! {
            event = ours.next() => {
                we.push(told(&event));
                match event {
                    StreamEvent::Connected { stream, .. } => ours.send(stream, b"asked"),
                    StreamEvent::Bytes { .. } | StreamEvent::Closed { .. } => answered = true,
                    StreamEvent::Identified { .. } => {}
                }
            },
            event = theirs.next() => {
                they.push(told(&event));
                if let StreamEvent::Bytes { stream, .. } = event {
                    theirs.send(stream, b"answered");
                }
            },
        }
    }
    (we, they)
}

/// As a machine is told, in a word.
fn told(event: &StreamEvent) -> String {
    match event.arrival() {
        Arrival::Connected { .. } => "stands".into(),
        Arrival::Identified { name, .. } => name.into(),
        Arrival::Stream { .. } => "bytes".into(),
        Arrival::Closed { by, .. } => format!("{by:?}"),
        other => panic!("{other:?}"),
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await.expect("it goes on") })
}

#[test]
fn both_ends_are_told_right_away_who_the_other_is() {
    let authority = Authority::new();
    let home = authority.give("home", &["Home.Example", "hlr.home.example"]);
    let visited = authority.give("visited", &["visited.example"]);
    let trust = authority.trust();
    let (we, they) = run(meet(tls(&trust, Some(&visited)), tls(&trust, Some(&home)), Some("home.example")));
    assert_eq!(we, ["stands", "home.example", "bytes"]);
    assert_eq!(they, ["stands", "visited.example", "bytes"]);
}

#[test]
fn only_those_with_a_certificate_that_is_trusted_get_in() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let home = authority.give("home", &["home.example"]);
    let visited = authority.give("visited", &["visited.example"]);
    let nameless = authority.give("nameless", &["192.0.2.1"]);
    let anything = authority.give("anything", &["*.example"]);
    let forged = stranger.give("forged", &["visited.example"]);
    let trust = authority.trust();
    let cases: [(&str, Option<&Certificate>, bool); 5] = [
        ("of the authority", Some(&visited), true),
        ("of another authority", Some(&forged), false),
        ("without a name", Some(&nameless), false),
        ("with a pattern for a name", Some(&anything), false),
        ("none", None, false),
    ];
    for (what, certificate, stands) in cases {
        let (we, they) = run(meet(tls(&trust, certificate), tls(&trust, Some(&home)), None));
        assert_eq!(we.last().unwrap() == "bytes", stands, "{what}: {we:?}");
        assert_eq!(they.is_empty(), !stands, "{what}: {they:?}");
    }
}

#[test]
fn whoever_is_opened_by_name_must_have_that_name() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let home = authority.give("home", &["home.example"]);
    let forged = stranger.give("forged", &["home.example"]);
    let visited = authority.give("visited", &["visited.example"]);
    let trust = authority.trust();
    let both = Trust {
        authorities: [&authority, &stranger].map(|one| one.trust().authorities[0].clone()).into(),
        ..Trust::default()
    };
    let cases: [(&str, &Certificate, Option<&str>, bool); 5] = [
        ("that name", &home, Some("home.example"), true),
        ("no name", &home, None, true),
        ("another name", &visited, Some("home.example"), false),
        ("that name by a stranger", &forged, Some("home.example"), false),
        ("no name, a stranger", &forged, None, false),
    ];
    for (what, certificate, name, stands) in cases {
        let (we, _) = run(meet(tls(&trust, Some(&visited)), tls(&both, Some(certificate)), name));
        assert_eq!(we.last().unwrap() == "bytes", stands, "{what}: {we:?}");
    }
}

#[test]
fn a_pinned_certificate_needs_no_authority_and_vouches_for_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let [home, visited, other] =
        ["home", "visited", "other"].map(|file| own(folder.path(), file, "home.example"));
    let pin = |certificate: &Certificate| Trust {
        authorities: Vec::new(),
        pinned: vec![certificate.chain.clone()],
    };
    for (what, shown, stands) in [("the pinned one", &visited, true), ("another of that name", &other, false)]
    {
        let ours = tls(&pin(&home), Some(shown));
        let (we, they) = run(meet(ours, tls(&pin(&visited), Some(&home)), Some("home.example")));
        assert_eq!(we.last().unwrap() == "bytes", stands, "{what}: {we:?}");
        assert_eq!(they.contains(&"home.example".to_owned()), stands, "{what}: {they:?}");
    }
    let ours = tls(&pin(&other), Some(&visited));
    let (we, _) = run(meet(ours, tls(&pin(&visited), Some(&home)), Some("home.example")));
    assert_eq!(we, [format!("{:?}", ClosedBy::Failure)]);
}

#[test]
fn a_terminal_without_a_certificate_learns_whose_network_it_reached() {
    let authority = Authority::new();
    let visited = authority.give("visited", &["visited.example"]);
    let theirs = Tls::new(None, Some(&visited)).unwrap();
    run(async {
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Transport::Tls).unwrap();
        let remote = listener.local_addr();
        let (mut ours, mut theirs) = (Streams::new(tls(&authority.trust(), None)), Streams::new(theirs));
        theirs.accept_from(listener).unwrap();
        ours.connect(Connect { stream: StreamId(2), remote, transport: Transport::Tls, name: None });
        let ours = async { [told(&ours.next().await), told(&ours.next().await)] };
        let (we, they) = tokio::join!(ours, async { told(&theirs.next().await) });
        assert_eq!((we, they.as_str()), (["stands".to_owned(), "visited.example".to_owned()], "stands"));
    });
}

#[test]
fn trust_that_is_read_again_holds_for_those_that_come_later() {
    let folder = tempfile::tempdir().unwrap();
    let [home, old, new] = ["home", "old", "new"].map(|file| own(folder.path(), file, "home.example"));
    let pin = |certificate: &Certificate| Trust {
        authorities: Vec::new(),
        pinned: vec![certificate.chain.clone()],
    };
    run(async {
        let listener =
            Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Transport::Tls).unwrap().for_peers();
        let remote = listener.local_addr();
        let mut theirs = Streams::new(tls(&pin(&old), Some(&home)));
        theirs.accept_from(listener).unwrap();
        for (certificate, stands) in
            [(&old, true), (&new, false)].into_iter().chain([(&new, true), (&old, false)])
        {
            if std::ptr::eq(certificate, &new) && stands {
                theirs.set_tls(tls(&pin(&new), Some(&home)));
            }
            let mut ours = Streams::new(tls(&pin(&home), Some(certificate)));
            ours.connect(Connect { stream: StreamId(2), remote, transport: Transport::Tls, name: None });
            let stood = loop {
                tokio::select! {
                    event = theirs.next() => if let StreamEvent::Identified { .. } = event { break true },
                    event = ours.next() => if let StreamEvent::Closed { .. } = event { break false },
                }
            };
            assert_eq!(stood, stands);
        }
    });
}

#[test]
fn trust_in_nobody_is_refused() {
    assert!(matches!(Tls::default().with_peers(&Trust::default(), None), Err(TlsError::NoTrust)));
    let nowhere = Trust { authorities: vec!["no/such.pem".into()], pinned: Vec::new() };
    let error = Tls::default().with_peers(&nowhere, None).map(drop).unwrap_err().to_string();
    assert!(error.contains("no/such.pem"), "{error}");
}

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
