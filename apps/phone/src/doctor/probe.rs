//! OPTIONS to one address, over UDP, TCP or TLS, and its answer.

use core::time::Duration;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    time::Instant,
};

use rove_driver::{Tls, address_toward};
use rove_session::Target;
use rove_sip::message::{Message, Response, ViaTransport};

use crate::{Candidate, Transport};

/// What was answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The address we have asked from.
    pub(super) local: SocketAddr,
    pub(super) response: Response,
    pub(super) took: Duration,
}

/// Why nothing was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Trouble {
    /// No address of ours leads there.
    NoRoute(String),
    /// The host says that nobody listens there.
    Refused,
    /// Nothing came in time.
    Silent,
    /// Who answers cannot show that it is who we look for.
    Certificate(String),
    /// Whatever answers does not speak SIP.
    NotSip,
    /// This transport cannot be tried.
    Untried,
    /// Anything else.
    Other(String),
}

/// Asks what `target` can do at `candidate`.
pub(super) fn options(
    target: &Target,
    candidate: &Candidate,
    tls: &Tls,
    patience: Duration,
) -> Result<Answer, Trouble> {
    let began = Instant::now();
    let ip = address_toward(candidate.address).map_err(|error| Trouble::NoRoute(error.to_string()))?;
    let (local, response) = match candidate.transport {
        Transport::Udp => over_udp(target, candidate, SocketAddr::new(ip, 0), patience)?,
        Transport::Tcp => {
            let mut stream = connect(candidate, patience)?;
            let local = stream.local_addr().map_err(trouble)?;
            (local, over_stream(target, candidate, local, &mut stream, patience)?)
        }
        Transport::Tls => {
            let stream = connect(candidate, patience)?;
            let local = stream.local_addr().map_err(trouble)?;
            let mut stream = tls.open(stream, target.name().as_deref()).map_err(trouble)?;
            (local, over_stream(target, candidate, local, &mut stream, patience)?)
        }
        _ => return Err(Trouble::Untried),
    };
    Ok(Answer { local, response, took: began.elapsed() })
}

fn over_udp(
    target: &Target,
    candidate: &Candidate,
    from: SocketAddr,
    patience: Duration,
) -> Result<(SocketAddr, Response), Trouble> {
    let socket = UdpSocket::bind(from).map_err(trouble)?;
    socket.connect(candidate.address).map_err(trouble)?;
    let local = socket.local_addr().map_err(trouble)?;
    let request = request(target, candidate, local);
    let (began, mut wait) = (Instant::now(), Duration::from_millis(500));
    let mut buffer = vec![0; 65_536];
    while began.elapsed() < patience {
        socket.send(request.as_bytes()).map_err(trouble)?;
        socket.set_read_timeout(Some(wait)).map_err(trouble)?;
        wait = wait.saturating_mul(2);
        match socket.recv(&mut buffer) {
            Ok(len) => {
                let response = buffer.get(..len).and_then(read).ok_or(Trouble::NotSip)?;
                return Ok((local, response));
            }
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(trouble(error)),
        }
    }
    Err(Trouble::Silent)
}

fn connect(candidate: &Candidate, patience: Duration) -> Result<TcpStream, Trouble> {
    let stream = TcpStream::connect_timeout(&candidate.address, patience).map_err(trouble)?;
    stream.set_read_timeout(Some(patience)).map_err(trouble)?;
    stream.set_write_timeout(Some(patience)).map_err(trouble)?;
    Ok(stream)
}

fn over_stream(
    target: &Target,
    candidate: &Candidate,
    local: SocketAddr,
    stream: &mut (impl Read + Write),
    patience: Duration,
) -> Result<Response, Trouble> {
    stream.write_all(request(target, candidate, local).as_bytes()).map_err(trouble)?;
    stream.flush().map_err(trouble)?;
    let (began, mut inbox, mut buffer) = (Instant::now(), Vec::new(), [0; 4_096]);
    while began.elapsed() < patience && inbox.len() < MOST_BYTES {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(if inbox.is_empty() { Trouble::Silent } else { Trouble::NotSip }),
            Ok(len) => inbox.extend_from_slice(buffer.get(..len).unwrap_or_default()),
            Err(error) => return Err(trouble(error)),
        }
        if let Some(response) = read(&inbox) {
            return Ok(response);
        }
    }
    Err(if inbox.is_empty() { Trouble::Silent } else { Trouble::NotSip })
}

fn request(target: &Target, candidate: &Candidate, local: SocketAddr) -> String {
    let (uri, transport) = (target.uri(), ViaTransport::from(candidate.transport));
    let number = u64::from(std::process::id()) << 16 | u64::from(local.port());
    format!(
        "OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} {local};branch=z9hG4bKdoctor{number:x};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:doctor@{local}>;tag=d{number:x}\r\nTo: <{uri}>\r\n\
         Call-ID: doctor{number:x}@{}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:doctor@{local}>\r\n\
         Accept: application/sdp\r\nContent-Length: 0\r\n\r\n",
        local.ip()
    )
}

/// The final response that these bytes are.
fn read(bytes: &[u8]) -> Option<Response> {
    match Message::parse(bytes) {
        Ok(Message::Response(response)) if response.status.is_final() => Some(response),
        _ => None,
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
fn trouble(error: io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Trouble::Refused,
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Trouble::Silent,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            Trouble::NoRoute(error.to_string())
        }
        io::ErrorKind::InvalidData => Trouble::Certificate(error.to_string()),
        _ => Trouble::Other(error.to_string()),
    }
}

/// An answer is shorter.
const MOST_BYTES: usize = 65_536;

/// The port that a STUN server was asked about, and how it sees that; `None` when it does not answer.
pub(super) fn stun(server: SocketAddr) -> Option<(SocketAddr, SocketAddr)> {
    let any: std::net::IpAddr = if server.is_ipv4() {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.set_nonblocking(true).ok()?;
    let port = socket.local_addr().ok()?.port();
    let ip = address_toward(server).ok()?;
    let mut transaction = [0; 12];
    rove_io::entropy::os_entropy().ok()?.fill(&mut transaction);
    let seen = crate::stun::ask(&socket, server, transaction, STUN_PATIENCE)?;
    Some((SocketAddr::new(ip, port), seen))
}

/// How long a STUN server may take to answer.
const STUN_PATIENCE: Duration = Duration::from_secs(2);
