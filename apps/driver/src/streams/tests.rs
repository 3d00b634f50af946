use std::path::PathBuf;

use super::*;
use crate::Certificate;

/// An authority, and a certificate that it gave to localhost.
struct Trust {
    _folder: tempfile::TempDir,
    authority: PathBuf,
    certificate: Certificate,
}

impl Trust {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let authority = write("ca.pem", issuer.pem());
        let certificate =
            Certificate { chain: write("cert.pem", own.pem()), key: write("key.pem", key.serialize_pem()) };
        Self { _folder: folder, authority, certificate }
    }

    fn tls(&self) -> Tls {
        Tls::new(Some(&self.authority), Some(&self.certificate)).unwrap()
    }
}

const ALL: [Transport; 4] = [Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

fn listener(ip: &str, transport: Transport) -> Option<Listener> {
    Listener::bind(SocketAddr::new(ip.parse().unwrap(), 0), transport).ok()
}

fn connect(remote: SocketAddr, transport: Transport, name: Option<&str>) -> Connect {
    Connect { stream: StreamId(2), remote, transport, name: name.map(str::to_owned) }
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await.expect("it goes on") });
}

async fn connected(streams: &mut Streams) -> (StreamId, Transport) {
    match streams.next().await {
        StreamEvent::Connected { stream, transport, .. } => (stream, transport),
        other => panic!("{other:?}"),
    }
}

async fn bytes(streams: &mut Streams) -> Vec<u8> {
    match streams.next().await {
        StreamEvent::Bytes { bytes, .. } => {
            streams.read_on();
            bytes
        }
        other => panic!("{other:?}"),
    }
}

async fn closed(streams: &mut Streams) -> ClosedBy {
    match streams.next().await {
        StreamEvent::Closed { by, .. } => by,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bytes_go_both_ways_in_every_transport_and_family() {
    let trust = Trust::new();
    for (ip, transport) in
        ["127.0.0.1", "::1"].into_iter().flat_map(|ip| ALL.map(|transport| (ip, transport)))
    {
        let Some(listener) = listener(ip, transport) else {
            println!("skipped: {ip} is not here");
            continue;
        };
        run(async {
            let remote = listener.local_addr();
            let (mut ours, mut theirs) = (Streams::new(trust.tls()), Streams::new(trust.tls()));
            theirs.accept_from(listener).unwrap();
            ours.connect(connect(remote, transport, Some("localhost")));
            let ((mine, over), (other, also)) = tokio::join!(connected(&mut ours), connected(&mut theirs));
            assert_eq!((mine, over, also), (StreamId(2), transport, transport));
            assert_eq!(other.0 % 2, 1, "accepted streams have odd names");
            ours.send(mine, b"asked");
            assert_eq!(bytes(&mut theirs).await, b"asked", "{ip} {transport}");
            theirs.send(other, b"answered");
            theirs.close(other);
            assert_eq!(bytes(&mut ours).await, b"answered", "what was sent before closing arrives");
            assert_eq!(closed(&mut ours).await, ClosedBy::Peer, "{ip} {transport}");
        });
    }
}

#[test]
fn one_message_of_a_websocket_arrives_as_one() {
    let trust = Trust::new();
    run(async {
        let listener = listener("127.0.0.1", Transport::Ws).unwrap();
        let remote = listener.local_addr();
        let (mut ours, mut theirs) = (Streams::new(trust.tls()), Streams::new(trust.tls()));
        theirs.accept_from(listener).unwrap();
        ours.connect(connect(remote, Transport::Ws, None));
        let ((mine, _), _) = tokio::join!(connected(&mut ours), connected(&mut theirs));
        let long = "x".repeat(30_000);
        for text in ["one", "two", &long] {
            ours.send(mine, text.as_bytes());
        }
        for text in ["one", "two", &long] {
            assert_eq!(bytes(&mut theirs).await, text.as_bytes());
        }
    });
}

#[test]
fn who_does_not_prove_the_name_is_not_talked_to() {
    let (trust, other) = (Trust::new(), Trust::new());
    for transport in [Transport::Tls, Transport::Wss] {
        let cases = [
            ("the name", trust.tls(), Some("localhost"), true),
            ("the address", trust.tls(), None, true),
            ("another name", trust.tls(), Some("bob.example"), false),
            ("another authority", other.tls(), Some("localhost"), false),
            ("the system's authorities", Tls::default(), Some("localhost"), false),
            ("no name at all", trust.tls(), Some("not a name"), false),
        ];
        for (what, tls, name, stands) in cases {
            run(async {
                let listener = listener("127.0.0.1", transport).unwrap();
                let remote = listener.local_addr();
                let (mut ours, mut theirs) = (Streams::new(tls), Streams::new(trust.tls()));
                theirs.accept_from(listener).unwrap();
                ours.connect(connect(remote, transport, name));
                let event = tokio::select! {
                    event = ours.next() => event,
                    () = async { loop { theirs.next().await; } } => unreachable!(),
                };
                let stood = matches!(event, StreamEvent::Connected { .. });
                assert_eq!(stood, stands, "{transport}, {what}: {event:?}");
            });
        }
    }
}

#[test]
fn handshakes_that_never_end_keep_nobody_out_and_tell_nothing() {
    let trust = Trust::new();
    run(async {
        let listener = listener("127.0.0.1", Transport::Tls).unwrap();
        let remote = listener.local_addr();
        let (mut ours, mut theirs) = (Streams::new(trust.tls()), Streams::new(trust.tls()));
        theirs.accept_from(listener).unwrap();
        let most = StreamBounds::default().shaking;
        let mut silent = Vec::new();
        for _ in 0..most + 100 {
            tokio::select! {
                tcp = tokio::net::TcpStream::connect(remote) => silent.push(tcp.unwrap()),
                event = theirs.next() => panic!("{event:?}"),
            }
        }
        ours.connect(connect(remote, Transport::Tls, Some("localhost")));
        let (_, (_, transport)) = tokio::join!(connected(&mut ours), connected(&mut theirs));
        assert_eq!(transport, Transport::Tls);
        assert!(theirs.len() <= most + 1, "{}", theirs.len());
    });
}

#[test]
fn a_websocket_for_something_else_is_refused() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    for (protocol, wanted) in
        [("sip", "HTTP/1.1 101"), ("chat", "HTTP/1.1 400"), ("chat, sip", "HTTP/1.1 101")]
    {
        run(async {
            let listener = listener("127.0.0.1", Transport::Ws).unwrap();
            let remote = listener.local_addr();
            let mut theirs = Streams::new(Tls::default());
            theirs.accept_from(listener).unwrap();
            let mut tcp = tokio::net::TcpStream::connect(remote).await.unwrap();
            let request = format!(
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
            );
            tcp.write_all(request.as_bytes()).await.unwrap();
            let mut answer = vec![0; 1_000];
            let count = loop {
                tokio::select! {
                    count = tcp.read(&mut answer) => break count.unwrap(),
                    event = theirs.next() => assert!(matches!(event, StreamEvent::Connected { .. })),
                }
            };
            let text = String::from_utf8_lossy(&answer[..count]).into_owned();
            assert!(text.starts_with(wanted), "{protocol}: {text}");
            if wanted.ends_with("101") {
                assert!(text.to_ascii_lowercase().contains("sec-websocket-protocol: sip\r\n"), "{text}");
            }
        });
    }
}

#[test]
fn a_peer_that_does_not_read_loses_its_stream_instead_of_filling_memory() {
    run(async {
        let listener = listener("127.0.0.1", Transport::Tcp).unwrap();
        let remote = listener.local_addr();
        let mut theirs = Streams::new(Tls::default());
        theirs.accept_from(listener).unwrap();
        let silent = tokio::net::TcpStream::connect(remote).await.unwrap();
        let (stream, _) = connected(&mut theirs).await;
        let piece = vec![0; 64 * 1_024];
        for _ in 0..1_000 {
            theirs.send(stream, &piece);
        }
        assert_eq!(closed(&mut theirs).await, ClosedBy::Failure);
        assert!(theirs.is_empty());
        drop(silent);
    });
}

#[test]
fn the_last_words_are_said_before_the_streams_end() {
    let trust = Trust::new();
    for transport in ALL {
        run(async {
            let listener = listener("127.0.0.1", transport).unwrap();
            let remote = listener.local_addr();
            let (mut ours, mut theirs) = (Streams::new(trust.tls()), Streams::new(trust.tls()));
            theirs.accept_from(listener).unwrap();
            ours.connect(connect(remote, transport, None));
            let ((mine, _), _) = tokio::join!(connected(&mut ours), connected(&mut theirs));
            ours.send(mine, b"farewell");
            let heard = async { (bytes(&mut theirs).await, closed(&mut theirs).await) };
            let ((heard, by), ()) = tokio::join!(heard, ours.finish(PATIENCE));
            assert_eq!((heard.as_slice(), by), (&b"farewell"[..], ClosedBy::Peer), "{transport}");
        });
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let trust = Trust::new();
    let nowhere = PathBuf::from("no/such.pem");
    let swapped = Certificate { chain: trust.certificate.key.clone(), key: trust.certificate.chain.clone() };
    let missing = Certificate { chain: nowhere.clone(), key: nowhere.clone() };
    let other = Trust::new();
    let alien = Certificate { key: other.certificate.key.clone(), ..trust.certificate.clone() };
    for (what, certificate, names) in [
        ("swapped", &swapped, "key.pem"),
        ("missing", &missing, "no/such.pem"),
        ("another's key", &alien, "cert.pem"),
    ] {
        let error = Tls::new(None, Some(certificate)).map(drop).expect_err(what).to_string();
        assert!(error.contains(names), "{what}: {error}");
    }
    assert!(Tls::new(Some(&nowhere), None).is_err());
}

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first line that a server says to a handshake of a page of `origin`.
async fn shaken(remote: SocketAddr, origin: Option<&str>) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(remote).await.unwrap();
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    let asked = format!(
        "GET / HTTP/1.1\r\nHost: {remote}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{origin}\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: sip\r\n\r\n"
    );
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut heard = [0; 12];
    stream.read_exact(&mut heard).await.unwrap();
    String::from_utf8_lossy(&heard).into_owned()
}

#[test]
fn pages_of_other_origins_than_those_named_get_no_websocket() {
    let cases: &[(&[&str], Option<&str>, &str)] = &[
        (&[], Some("https://evil.example"), "HTTP/1.1 101"),
        (&["https://phone.example"], Some("https://phone.example"), "HTTP/1.1 101"),
        (&["https://a.example", "https://phone.example"], Some("HTTPS://Phone.example"), "HTTP/1.1 101"),
        (&["https://phone.example"], Some("https://evil.example"), "HTTP/1.1 403"),
        (&["https://phone.example"], Some("https://phone.example.evil.example"), "HTTP/1.1 403"),
        (&["https://phone.example"], Some("http://phone.example"), "HTTP/1.1 403"),
        (&["https://phone.example"], Some("null"), "HTTP/1.1 403"),
        (&["https://phone.example"], None, "HTTP/1.1 101"),
    ];
    for (origins, origin, expected) in cases {
        run(async {
            let listener = listener("127.0.0.1", Transport::Ws).unwrap();
            let remote = listener.local_addr();
            let origins = origins.iter().map(|&one| one.to_owned()).collect();
            let bounds = StreamBounds { origins, ..StreamBounds::default() };
            let mut theirs = Streams::within(bounds, Tls::default());
            theirs.accept_from(listener).unwrap();
            let heard = tokio::select! {
                heard = shaken(remote, *origin) => heard,
                () = async { loop { theirs.next().await; } } => unreachable!("it goes on for ever"),
            };
            assert_eq!(heard, *expected, "{origin:?}");
        });
    }
}

#[test]
fn secrets_are_written_down_where_that_is_wanted_and_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let trust = Trust::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    std::fs::write(&path, "").unwrap();
    let logged = Tls::with_key_log(Some(&trust.authority), Some(&trust.certificate), Some(&path)).unwrap();
    run(async {
        let listener = listener("127.0.0.1", Transport::Tls).unwrap();
        let remote = listener.local_addr();
        let (mut ours, mut theirs) = (Streams::new(trust.tls()), Streams::new(logged));
        theirs.accept_from(listener).unwrap();
        ours.connect(connect(remote, Transport::Tls, None));
        tokio::join!(connected(&mut ours), connected(&mut theirs));
    });
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    for label in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0"] {
        let line = lines.iter().find(|line| line[0] == label).unwrap_or_else(|| panic!("{label}: {text}"));
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(line.len() == 3 && line[1].len() == 64 && hex(line[1]) && hex(line[2]), "{text}");
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn peers_that_do_not_read_share_one_bound() {
    run(async {
        let listener = listener("127.0.0.1", Transport::Tcp).unwrap();
        let remote = listener.local_addr();
        let bounds = StreamBounds { waiting: 300_000, ..StreamBounds::default() };
        let mut theirs = Streams::within(bounds, Tls::default());
        theirs.accept_from(listener).unwrap();
        let mut silent = Vec::new();
        let mut open = Vec::new();
        for _ in 0..8 {
            silent.push(tokio::net::TcpStream::connect(remote).await.unwrap());
            open.push(connected(&mut theirs).await.0);
        }
        // Nothing of this leaves: the streams' tasks have no turn before all is said.
        for _ in 0..10 {
            for stream in &open {
                theirs.send(*stream, &[b'x'; 10_000]);
            }
        }
        assert!(theirs.waiting.load(Ordering::Relaxed) <= 300_000 + 8 * FAIR, "{theirs:?}");
        assert!(theirs.len() < 8, "{theirs:?}");
    });
}
