use core::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::timeout,
};

use super::*;
use crate::Certificate;

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(Duration::from_secs(20), work).await.expect("it goes on") });
}

/// What a server of this name shows.
fn shown(folder: &std::path::Path, name: &str) -> Certificate {
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let write = |end: &str, text: String| {
        let path = folder.join(format!("{name}.{end}"));
        std::fs::write(&path, text).unwrap();
        path
    };
    Certificate { chain: write("pem", own.pem()), key: write("key", key.serialize_pem()) }
}

/// A port at this address, and what is beside it.
fn beside(at: &str) -> (UdpSocket, Beside) {
    let port = UdpSocket::bind(at).unwrap();
    let beside = Beside::new(&port).unwrap();
    (port, beside)
}

#[test]
fn a_stream_for_voice_leaves_from_the_address_of_the_port_that_it_is_opened_beside() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let remote = listener.local_addr().unwrap();
        let (port, beside) = beside("127.0.0.2:0");
        let (opened, accepted) = tokio::join!(beside.stream(remote, None), listener.accept());
        let (mut accepted, from) = accepted.unwrap();
        assert_eq!(from.ip(), port.local_addr().unwrap().ip());
        let mut opened = opened.unwrap();
        opened.write_all(b"voice").await.unwrap();
        let mut heard = [0; 5];
        accepted.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"voice");
    });
}

#[test]
fn a_port_beside_another_hears_that_one_alone() {
    let (port, beside) = beside("127.0.0.2:0");
    let (stranger, near) = (UdpSocket::bind("127.0.0.2:0").unwrap(), beside.port().unwrap());
    near.set_nonblocking(false).unwrap();
    near.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let at = near.local_addr().unwrap();
    // Loopback keeps the order: had it heard the stranger, that would come first.
    stranger.send_to(b"other", at).unwrap();
    port.send_to(b"voice", at).unwrap();
    let mut heard = [0; 8];
    assert_eq!(near.recv(&mut heard).unwrap(), 5);
    assert_eq!(&heard[..5], b"voice");
    near.send(b"back").unwrap();
    port.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(port.recv_from(&mut heard).unwrap(), (4, at));
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn what_is_opened_beside_a_port_keeps_to_its_interface() {
    let (port, _) = beside("127.0.0.1:0");
    if let Err(error) = SockRef::from(&port).bind_device(Some(b"lo")) {
        println!("skipped: no socket may be kept to an interface here: {error}");
        return;
    }
    let beside = Beside::new(&port).unwrap();
    let near = beside.port().unwrap();
    assert_eq!(SockRef::from(&near).device().unwrap().as_deref(), Some(&b"lo"[..]));
    near.send(b"voice").unwrap();
    port.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(port.recv_from(&mut [0; 8]).unwrap(), (5, near.local_addr().unwrap()));
}

#[test]
fn a_stream_is_marked_as_media_is_and_keeps_little_that_has_not_left() {
    run(async {
        let socket = TcpSocket::new_v4().unwrap();
        let socket = SockRef::from(&socket);
        prepare(&socket, true);
        assert_eq!(socket.tos_v4().unwrap(), u32::from(Dscp::EF.traffic_class()));
        #[cfg(any(target_os = "linux", target_os = "android"))]
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), UNSENT);
    });
}

#[test]
fn a_secure_stream_stands_with_whom_it_was_asked_for_and_with_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = shown(folder.path(), "relay.example");
    let server = Tls::new(Some(&certificate.chain), Some(&certificate)).unwrap();
    let stranger = shown(folder.path(), "elsewhere.example");
    let cases = [
        ("its name, trusted", &certificate.chain, Some("relay.example"), true),
        ("another name", &certificate.chain, Some("relay2.example"), false),
        ("no name: its address, which is not in the certificate", &certificate.chain, None, false),
        ("trusted by somebody else", &stranger.chain, Some("relay.example"), false),
    ];
    let (_port, beside) = beside("127.0.0.1:0");
    run(async {
        for (what, authority, name, stands) in cases {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let remote = listener.local_addr().unwrap();
            let acceptor = server.acceptor(false).unwrap();
            let serving = async {
                let (tcp, _) = listener.accept().await.unwrap();
                let mut stream = acceptor.accept(tcp).await.ok()?;
                let mut heard = [0; 5];
                stream.read_exact(&mut heard).await.ok()?;
                Some(heard)
            };
            let client = Tls::new(Some(authority), None).unwrap();
            let asking = async {
                let mut stream = beside.stream(remote, Some((&client, name))).await?;
                stream.write_all(b"voice").await?;
                stream.flush().await
            };
            let (heard, asked) = tokio::join!(serving, asking);
            assert_eq!(heard.is_some(), stands, "{what}");
            let refused = asked.err().map(|error| error.kind());
            assert_eq!(refused, (!stands).then_some(io::ErrorKind::InvalidData), "{what}");
        }
    });
}
