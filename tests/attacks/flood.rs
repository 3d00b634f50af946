//! Requests without proof, of seven methods, over UDP, TCP and TLS at once, from many addresses.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::{
    idle::{connect, raise_the_number_of_files},
    stage::{Client, PATIENCE, Server, extent, report, request, stranger},
};

const METHODS: [&str; 7] = ["REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "PUBLISH", "BYE"];

/// What the node may hold of what others send, in KiB.
const CAP: u64 = 16 * 1_024;

#[test]
fn a_flood_over_all_transports_costs_no_call_and_no_more_memory_than_was_set() {
    raise_the_number_of_files();
    let mut server = Server::start(&format!("memory = {}", CAP * 1_024));
    let bob = server.bob(&["--calls", "1"]);
    let before = server.process.resident_kib().unwrap();
    let flooded = extent(Duration::from_secs(10), Duration::from_secs(600));
    let (mut alice, file) = server.alice(flooded.as_secs() + 2);
    let flood = Flood::default();
    let (udp, tcp, tls, sent) = (server.udp, server.tcp, server.tls, &flood);
    let most = std::thread::scope(|scope| {
        for part in 0..2 {
            scope.spawn(move || sent.datagrams(udp, 1_000 * part));
        }
        scope.spawn(move || sent.streams(tcp, false));
        scope.spawn(move || sent.streams(tls, true));
        let began = Instant::now();
        let mut most = before;
        while began.elapsed() < flooded {
            std::thread::park_timeout(Duration::from_millis(100));
            most = most.max(server.process.resident_kib().unwrap_or(u64::MAX));
        }
        flood.over.store(true, Relaxed);
        most
    });
    let registered = server.register();
    let status = alice.wait(PATIENCE);
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{}", alice.complaints());
    let report = report(&file);
    let call = &report["calls"][0];
    let [udp, tcp, tls, answers] =
        [&flood.udp, &flood.tcp, &flood.tls, &flood.answers].map(|count| count.load(Relaxed));
    println!(
        "{udp} over UDP, {tcp} over TCP, {tls} over TLS, {answers} answers; {before} KiB before, {most} at most; \
         registered in {registered:?}; {} of the call's packets came, {} lost",
        call["received"], call["lost"]
    );
    for count in [udp, tcp, tls] {
        assert!(count > 1_000, "{udp} {tcp} {tls}");
    }
    assert!((most - before) * 10 <= CAP * 12, "{} KiB of {CAP}", most - before);
    assert!(registered <= Duration::from_secs(1), "{registered:?}");
    let (received, seconds) = (call["received"].as_u64().unwrap(), call["seconds"].as_f64().unwrap());
    assert!(seconds >= flooded.as_secs_f64() && received as f64 > seconds * 45.0, "{call:#}");
    assert!(call["loss_percent"].as_f64().unwrap() < 2.0, "{call:#}");
    drop(bob);
    assert!(server.process.is_alive());
}

/// What was sent, and whether it is over.
#[derive(Default)]
struct Flood {
    over: AtomicBool,
    udp: AtomicU64,
    tcp: AtomicU64,
    tls: AtomicU64,
    answers: AtomicU64,
}

impl Flood {
    fn goes_on(&self) -> bool {
        !self.over.load(Relaxed)
    }

    fn datagrams(&self, server: SocketAddr, first: u64) {
        let clients: Vec<Client> = (0..200).map(|n| Client::at(stranger(first + n))).collect();
        for client in &clients {
            client.socket.set_nonblocking(true).unwrap();
        }
        let mut buffer = [0; 4_096];
        for n in 0_usize.. {
            if !self.goes_on() {
                return;
            }
            let client = &clients[n % clients.len()];
            let text = unproven("UDP", client.address(), n);
            self.udp.fetch_add(u64::from(client.socket.send_to(text.as_bytes(), server).is_ok()), Relaxed);
            while client.socket.recv(&mut buffer).is_ok() {
                self.answers.fetch_add(1, Relaxed);
            }
            if n % 8 == 0 {
                std::thread::park_timeout(BREATH);
            }
        }
    }

    /// Half of the streams never read what they are answered.
    fn streams(&self, server: SocketAddr, secured: bool) {
        let count = if secured { &self.tls } else { &self.tcp };
        let mut streams: Vec<Option<Box<dyn Talk>>> = (0..100).map(|_| None).collect();
        let mut opened = 0;
        for n in 0_usize.. {
            if !self.goes_on() {
                return;
            }
            let at = n % streams.len();
            if streams[at].is_none() {
                opened += 1;
                streams[at] = open(server, opened, secured);
            }
            let Some(stream) = &mut streams[at] else { continue };
            let text = unproven(if secured { "TLS" } else { "TCP" }, stream.address(), n);
            match stream.say(text.as_bytes(), at.is_multiple_of(2)) {
                Some(answers) => {
                    count.fetch_add(1, Relaxed);
                    self.answers.fetch_add(answers, Relaxed);
                }
                None => streams[at] = None,
            }
            if n % 4 == 0 {
                std::thread::park_timeout(BREATH);
            }
        }
    }
}

fn unproven(transport: &str, at: SocketAddr, n: usize) -> String {
    let method = METHODS[n / 3 % METHODS.len()];
    let uri = if method == "REGISTER" { "sip:home.example" } else { "sip:bob@home.example" };
    let more =
        format!("Contact: <sip:eve@{at}>\r\nEvent: presence\r\nSubject: {}\r\n", "x".repeat(n % 7 * 100));
    request(transport, at, method, uri, "alice", "", &more)
}

fn open(server: SocketAddr, n: u64, secured: bool) -> Option<Box<dyn Talk>> {
    let stream = connect(stranger(5_000 + n / 20 % 100), server)?;
    if secured {
        return Some(Box::new(TlsClient::new(stream)?));
    }
    stream.set_nonblocking(true).ok()?;
    Some(Box::new(stream))
}

/// One end of a stream.
trait Talk {
    fn address(&self) -> SocketAddr;
    /// Sends, and reads what is there if it is to; answers how many reads brought something, or `None` once it is closed.
    /// What does not fit is not sent: it must not be waited for.
    fn say(&mut self, bytes: &[u8], read: bool) -> Option<u64>;
}

impl Talk for TcpStream {
    fn address(&self) -> SocketAddr {
        self.local_addr().unwrap()
    }

    fn say(&mut self, bytes: &[u8], read: bool) -> Option<u64> {
        match self.write(bytes) {
            Ok(len) if len == bytes.len() => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && read => {}
            // Cut off in the middle, closed, or full because it does not read: another one instead.
            _ => return None,
        }
        if !read {
            return Some(0);
        }
        let mut answers = 0;
        let mut buffer = [0; 16_384];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return None,
                Ok(_) => answers += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return None,
            }
        }
        Some(answers)
    }
}

/// A client of TLS that believes any certificate.
pub(crate) struct TlsClient {
    stream: TcpStream,
    tls: ClientConnection,
}

impl TlsClient {
    /// Shakes hands.
    pub(crate) fn new(mut stream: TcpStream) -> Option<Self> {
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.set_write_timeout(Some(Duration::from_secs(1))).ok()?;
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Believer(provider)))
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").ok()?;
        let mut tls = ClientConnection::new(Arc::new(config), name).ok()?;
        while tls.is_handshaking() {
            tls.complete_io(&mut stream).ok()?;
        }
        Some(Self { stream, tls })
    }

    /// Whether a request of `method` is answered with 200.
    pub(crate) fn ask(&mut self, method: &str) -> bool {
        let text = request("TLS", self.address(), method, "sip:home.example", "eve", "", "");
        let mut talk = rustls::Stream::new(&mut self.tls, &mut self.stream);
        let mut heard = [0; 12];
        talk.write_all(text.as_bytes()).is_ok()
            && talk.read_exact(&mut heard).is_ok()
            && &heard == b"SIP/2.0 200 "
    }
}

impl Talk for TlsClient {
    fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    fn say(&mut self, bytes: &[u8], read: bool) -> Option<u64> {
        self.stream.set_nonblocking(true).ok()?;
        self.tls.writer().write_all(bytes).ok()?;
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && read => break,
                Err(_) => return None,
            }
        }
        if !read {
            return Some(0);
        }
        let mut answers = 0;
        loop {
            match self.tls.read_tls(&mut self.stream) {
                Ok(0) => return None,
                Ok(_) => {
                    let waiting = self.tls.process_new_packets().ok()?.plaintext_bytes_to_read();
                    let mut plain = vec![0; waiting];
                    self.tls.reader().read_exact(&mut plain).ok()?;
                    answers += 1;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return None,
            }
        }
        Some(answers)
    }
}

/// Believes any certificate: here it is the server that is attacked.
#[derive(Debug)]
struct Believer(Arc<CryptoProvider>);

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

const BREATH: Duration = Duration::from_millis(1);
