//! The torture messages of RFC 4475 and RFC 5118, sent to running programs over the transport that each names: what is
//! answered, and that whoever sent it is heard afterwards.
//!
//! The messages lie beside the repository, in `../shared/vectors`; without them this test says so and passes. Messages of
//! our own making for every class of them are in `malformed`.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    process::Command,
    time::{Duration, Instant},
};

use rove_sip::message::Message;
use rove_tests::programs::{Running, program, root};
use serde_json::Value;

use crate::stage::{PATIENCE, answer};

#[test]
fn every_torture_message_is_answered_as_its_standard_recommends_and_its_sender_is_heard_afterwards() {
    let Some(vectors) = vectors() else { return };
    assert_eq!(vectors.len(), 61);
    let mut phone = Target::phone();
    let mut registrar = Target::registrar();
    let (mut wrong, mut pending) = (Vec::new(), Vec::new());
    for (number, vector) in vectors.iter().enumerate() {
        let expected = EXPECTED.iter().find(|(name, _)| *name == vector.name).expect(&vector.name).1;
        let target = match &mut registrar {
            Some(registrar) if vector.is_register() => registrar,
            None if vector.is_register() => {
                pending.push(format!("{}: no registrar here", vector.name));
                continue;
            }
            _ => &mut phone,
        };
        match target.answer(number, vector) {
            Ok(said) if fits(expected, said.as_ref()) => {}
            Ok(said) => wrong.push(format!("{}: {expected:?} expected, {said:?}", vector.name)),
            Err(Trouble::NoWay(why)) => pending.push(format!("{}: {why}", vector.name)),
            Err(Trouble::Deaf) => wrong.push(format!("{}: its sender is not heard any more", vector.name)),
        }
        assert!(target.process.is_alive(), "{}", vector.name);
    }
    println!("answered as recommended: {} of 61", 61 - wrong.len() - pending.len());
    pending.iter().for_each(|what| println!("skipped: {what}"));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether this is an answer that the standard allows; nothing is expected of what is to be passed over.
pub(crate) fn fits(expected: &[u16], said: Option<&Said>) -> bool {
    let Some(said) = said else { return expected.is_empty() };
    let helps = |name: &str| said.header(name).is_some_and(|value| !value.is_empty());
    expected.contains(&said.status)
        && match said.status {
            405 | 501 => helps("Allow"),
            415 => helps("Accept"),
            420 => helps("Unsupported"),
            _ => true,
        }
}

/// A response, read without a parser: it copies what is wrong with its request.
#[derive(Debug)]
pub(crate) struct Said {
    status: u16,
    head: String,
    /// Bytes of it, with its body.
    len: usize,
}

impl Said {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
        let mut said = Self { status, head, len: end };
        said.len += said.header("Content-Length").and_then(|len| len.parse().ok()).unwrap_or(0);
        (said.len <= bytes.len()).then_some(said)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    fn is_of_probe(&self) -> bool {
        self.header("Call-ID") == Some(PROBE) && self.status >= 200
    }
}

/// What may be answered to each; nothing to responses. An INVITE that is to be processed rings, is answered, or is
/// refused for what it offers; `wsinv` names a dialog that is not there (RFC 3261 §12.2.2).
const EXPECTED: &[(&str, &[u16])] = &[
    ("wsinv", &[180, 200, 481, 486, 488]),
    ("intmeth", &[501]),
    ("esc01", PROCESSED),
    ("escnull", &[200]),
    ("esc02", &[501]),
    ("lwsdisp", &[200]),
    ("longreq", PROCESSED),
    ("dblreq", &[200]),
    ("semiuri", &[200]),
    ("transports", &[200]),
    ("mpart01", &[200, 202, 415]),
    ("unreason", &[]),
    ("noreason", &[]),
    ("badinv01", &[400]),
    ("clerr", &[400]),
    ("ncl", &[400]),
    ("scalar02", &[400]),
    ("scalarlg", &[]),
    ("quotbal", &[400]),
    ("ltgtruri", &[400]),
    ("lwsruri", &[400]),
    ("lwsstart", &[400]),
    ("trws", &[400, 200]),
    ("escruri", &[400]),
    ("baddate", &[180, 200, 400]),
    ("regbadct", &[400, 200]),
    ("badaspec", &[400]),
    ("baddn", &[400]),
    ("badvers", &[505]),
    ("mismatch01", &[400]),
    ("mismatch02", &[501, 400]),
    ("bigcode", &[]),
    ("badbranch", &[200, 400]),
    ("insuf", &[400]),
    ("unkscm", &[416]),
    ("novelsc", &[416]),
    ("unksm2", &[400]),
    ("bext01", &[420]),
    ("invut", &[415]),
    ("regaut01", &[200, 401]),
    ("multi01", &[400]),
    ("mcl01", &[400]),
    ("bcast", &[]),
    ("zeromf", &[200]),
    ("cparam01", &[200]),
    ("cparam02", &[200]),
    ("regescrt", &[200]),
    ("sdp01", &[406]),
    ("inv2543", PROCESSED),
    ("ipv6-good", &[200]),
    ("ipv6-bad", &[400]),
    ("port-ambiguous", &[200]),
    ("port-unambiguous", &[200]),
    ("via-received-param-with-delim", &[481]),
    ("via-received-param-no-delim", &[200]),
    ("ipv6-in-sdp", PROCESSED),
    ("mult-ip-in-header", &[481]),
    ("mult-ip-in-sdp", PROCESSED),
    ("ipv4-mapped-ipv6", PROCESSED),
    ("ipv6-bug-abnf-3-colons", &[200]),
    ("ipv6-correct-abnf-2-colons", &[200]),
];
pub(crate) const PROCESSED: &[u16] = &[180, 183, 200, 480, 486, 488];

/// A message and the transport that its Via names.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) over_tcp: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Vector {
    fn is_register(&self) -> bool {
        self.bytes.trim_ascii_start().starts_with(b"REGISTER ")
    }

    /// The port that an answer goes to.
    fn answered_at(&self) -> u16 {
        let via = match Message::parse(&self.bytes) {
            Ok(message) => message.headers().via().ok(),
            Err(error) => error.rejection.and_then(|rejection| rejection.headers.via().ok()),
        };
        via.and_then(|via| via.port).unwrap_or(5060)
    }
}

/// A program that listens for SIP.
pub(crate) struct Target {
    pub(crate) process: Running,
    address: SocketAddr,
    /// Each program is written to from addresses of its own.
    network: u8,
}

#[derive(Debug)]
pub(crate) enum Trouble {
    /// The program does not listen in this transport.
    NoWay(String),
    /// OPTIONS from the same source gets no answer.
    Deaf,
}

impl Target {
    pub(crate) fn phone() -> Self {
        let (process, address) = answer(&[]);
        Self { process, address, network: 71 }
    }

    /// A node that anybody may register at, also for the addresses that the messages name; `None` where nodes have no
    /// registrar.
    fn registrar() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("registrar.toml");
        fs::write(&config, REGISTRAR).expect("written");
        let roved = program("roved");
        let fine = Command::new(&roved).args(["config", "check", "--config"]).arg(&config).output();
        if !fine.is_ok_and(|check| check.status.success()) {
            return None;
        }
        let flags = ["--ready-json".as_ref(), "--config".as_ref(), config.as_os_str()];
        let mut process = Running::start(&roved, flags);
        let ready = process.ready(PATIENCE);
        let uri = ready["sip"][0].as_str()?;
        let address = uri.trim_start_matches("sip:").split(';').next()?.parse().ok()?;
        Some(Self { process, address, network: 72 })
    }

    /// What is answered to a message that comes from a source of its own, and whether that source is heard afterwards.
    pub(crate) fn answer(&self, number: usize, vector: &Vector) -> Result<Option<Said>, Trouble> {
        let source = IpAddr::V4(Ipv4Addr::new(127, self.network, 0, u8::try_from(number + 1).unwrap()));
        if vector.over_tcp { self.over_tcp(source, vector) } else { self.over_udp(source, vector) }
    }

    fn over_udp(&self, source: IpAddr, vector: &Vector) -> Result<Option<Said>, Trouble> {
        let socket = UdpSocket::bind(SocketAddr::new(source, vector.answered_at()))
            .map_err(|error| Trouble::NoWay(format!("port {}: {error}", vector.answered_at())))?;
        socket.send_to(&vector.bytes, self.address).unwrap();
        let said = first(SILENCE, || receive(&socket), |_| true);
        let probe = probe("UDP", socket.local_addr().unwrap());
        socket.send_to(probe.as_bytes(), self.address).unwrap();
        first(PATIENCE, || receive(&socket), Said::is_of_probe).ok_or(Trouble::Deaf)?;
        Ok(said)
    }

    fn over_tcp(&self, source: IpAddr, vector: &Vector) -> Result<Option<Said>, Trouble> {
        let mut stream =
            connect(source, self.address).map_err(|error| Trouble::NoWay(format!("no TCP: {error}")))?;
        stream.write_all(&vector.bytes).unwrap();
        let mut inbox = Vec::new();
        let said = first(SILENCE, || read(&mut stream, &mut inbox), |_| true);
        let mut stream = connect(source, self.address).map_err(|_| Trouble::Deaf)?;
        stream.write_all(probe("TCP", stream.local_addr().unwrap()).as_bytes()).unwrap();
        let mut inbox = Vec::new();
        first(PATIENCE, || read(&mut stream, &mut inbox), Said::is_of_probe).ok_or(Trouble::Deaf)?;
        Ok(said)
    }
}

/// The first response but 100 that `next` gives within `patience`, and that is `wanted`.
fn first(
    patience: Duration,
    mut next: impl FnMut() -> Option<Said>,
    wanted: impl Fn(&Said) -> bool,
) -> Option<Said> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Some(response) = next().filter(|response| response.status > 100 && wanted(response)) {
            return Some(response);
        }
    }
    None
}

fn receive(socket: &UdpSocket) -> Option<Said> {
    let mut buffer = [0; 65_536];
    socket.set_read_timeout(Some(GLANCE)).unwrap();
    let (len, _) = socket.recv_from(&mut buffer).ok()?;
    Said::read(&buffer[..len])
}

/// The next whole message that a stream brings.
fn read(stream: &mut TcpStream, inbox: &mut Vec<u8>) -> Option<Said> {
    let mut buffer = [0; 65_536];
    stream.set_read_timeout(Some(GLANCE)).unwrap();
    let len = stream.read(&mut buffer).unwrap_or(0);
    inbox.extend_from_slice(&buffer[..len]);
    let said = Said::read(inbox)?;
    inbox.drain(..said.len);
    Some(said)
}

fn connect(source: IpAddr, target: SocketAddr) -> std::io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&stream, &SocketAddr::new(source, 0))?;
    connect(&stream, &target)?;
    Ok(stream.into())
}

fn probe(transport: &str, from: SocketAddr) -> String {
    format!(
        "OPTIONS sip:probe@example.com SIP/2.0\r\nVia: SIP/2.0/{transport} {from};branch=z9hG4bKprobe;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:probe@{from}>;tag=probe\r\nTo: <sip:probe@example.com>\r\n\
         Call-ID: {PROBE}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

fn vectors() -> Option<Vec<Vector>> {
    let folder = root().join("../shared/vectors/sip");
    let Ok(manifest) = fs::read(folder.join("manifest.json")) else {
        println!("skipped: ../shared/vectors is absent");
        return None;
    };
    let manifest: Value = serde_json::from_slice(&manifest).expect("the manifest is JSON");
    let text = |entry: &Value, key: &str| entry[key].as_str().expect(key).to_owned();
    let vector = |entry: &Value| Vector {
        name: text(entry, "name"),
        over_tcp: text(entry, "via_transport") == "TCP",
        bytes: fs::read(folder.join(text(entry, "file"))).expect("the manifest names files that are there"),
    };
    Some(manifest.as_array().expect("the manifest is a list").iter().map(vector).collect())
}

const REGISTRAR: &str = r#"
[sip]
domains = ["example.com", "[2001:db8::10]", "[2001:db8::10:5070]"]
auth = false
[sip.listen]
udp = ["127.0.0.1:0"]
tcp = ["127.0.0.1:0"]
"#;
const PROBE: &str = "still-there";
/// Nothing was answered within this time: nothing will be.
const SILENCE: Duration = Duration::from_millis(700);
const GLANCE: Duration = Duration::from_millis(50);
