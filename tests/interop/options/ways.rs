//! A client made of nothing but sockets, that knows no more of SIP than what is in a line: UDP, TCP, TLS by rustls, and
//! WebSockets by the letter of RFC 6455 and RFC 7118.

use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rove_phone::Transport;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use crate::stage::PATIENCE;

/// A way to a peer that stands.
pub(crate) enum Way {
    Datagrams(UdpSocket),
    Bytes(SocketAddr, Box<dyn Pipe>),
    Messages(SocketAddr, Box<dyn Pipe>),
}

pub(crate) trait Pipe: Read + Write {}
impl<T: Read + Write> Pipe for T {}

impl Way {
    /// Opens one to `peer`, whose certificate is of `authority`.
    pub(crate) fn open(transport: Transport, peer: SocketAddr, authority: &Path) -> Self {
        if transport == Transport::Udp {
            let socket = UdpSocket::bind(SocketAddr::new(any_like(peer.ip()), 0)).unwrap();
            socket.connect(peer).unwrap();
            socket.set_read_timeout(Some(RESEND)).unwrap();
            return Self::Datagrams(socket);
        }
        let tcp = TcpStream::connect(peer).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let local = tcp.local_addr().unwrap();
        let mut pipe: Box<dyn Pipe> = match transport {
            Transport::Tls | Transport::Wss => Box::new(secured(tcp, authority)),
            _ => Box::new(tcp),
        };
        if matches!(transport, Transport::Ws | Transport::Wss) {
            shake(&mut pipe, peer);
            return Self::Messages(local, pipe);
        }
        Self::Bytes(local, pipe)
    }

    /// Our end.
    pub(crate) fn local(&self) -> SocketAddr {
        match self {
            Self::Datagrams(socket) => socket.local_addr().unwrap(),
            Self::Bytes(local, _) | Self::Messages(local, _) => *local,
        }
    }

    /// Says `text`, a whole message, and answers the whole message that comes back.
    pub(crate) fn ask(&mut self, text: &str) -> String {
        match self {
            Self::Datagrams(socket) => {
                let began = Instant::now();
                let mut buffer = vec![0; 65_536];
                while began.elapsed() < PATIENCE {
                    socket.send(text.as_bytes()).unwrap();
                    if let Ok(len) = socket.recv(&mut buffer) {
                        return String::from_utf8(buffer[..len].to_vec()).unwrap();
                    }
                }
                panic!("no answer to {text}");
            }
            Self::Bytes(_, pipe) => {
                pipe.write_all(text.as_bytes()).unwrap();
                let mut heard = head(pipe);
                let length = value(&heard, "Content-Length").expect("a stream needs it").parse().unwrap();
                let mut body = vec![0; length];
                pipe.read_exact(&mut body).unwrap();
                heard.push_str(&String::from_utf8(body).unwrap());
                heard
            }
            Self::Messages(_, pipe) => {
                pipe.write_all(&frame(text)).unwrap();
                unframed(pipe)
            }
        }
    }
}

/// The value of the first header of that name.
pub(crate) fn value<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let lines = message.lines().skip(1).take_while(|line| !line.is_empty());
    let mut pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim_end().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

const fn any_like(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
    }
}

fn secured(tcp: TcpStream, authority: &Path) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::IpAddress(tcp.peer_addr().unwrap().ip().into());
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), tcp)
}

/// With the nonce of RFC 6455 §1.3, whose answer is told there.
fn shake(pipe: &mut impl Pipe, host: SocketAddr) {
    let asked = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: sip\r\n\r\n"
    );
    pipe.write_all(asked.as_bytes()).unwrap();
    let heard = head(pipe);
    assert!(heard.starts_with("HTTP/1.1 101 "), "{heard}");
    assert_eq!(value(&heard, "Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(value(&heard, "Sec-WebSocket-Protocol"), Some("sip"));
}

/// Up to the empty line.
fn head(pipe: &mut impl Pipe) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        pipe.read_exact(&mut byte).unwrap();
        heard.push(byte[0]);
    }
    String::from_utf8(heard).unwrap()
}

/// One text frame, masked as a client must (RFC 6455 §5.2, §5.3).
fn frame(text: &str) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend(mask);
    frame.extend(text.bytes().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The text of one frame, which a server must not mask.
fn unframed(pipe: &mut impl Pipe) -> String {
    let mut head = [0; 2];
    pipe.read_exact(&mut head).unwrap();
    assert_eq!(head[0], 0x81, "one final text frame");
    assert_eq!(head[1] & 0x80, 0, "not masked");
    let mut length = usize::from(head[1]);
    if length == 126 {
        let mut long = [0; 2];
        pipe.read_exact(&mut long).unwrap();
        length = u16::from_be_bytes(long).into();
    }
    let mut text = vec![0; length];
    pipe.read_exact(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// Datagrams are lost now and then.
const RESEND: Duration = Duration::from_millis(500);
