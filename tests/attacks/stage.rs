//! A running `roved` and running phones, and what an attacker has: sockets of many addresses and texts of his own.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    time::{Duration, Instant},
};

use rove_base::Entropy;
use rove_sip::{
    digest::{Answerer, Asking, Login},
    message::{HeaderName, Message, Response},
};
use rove_tests::programs::{Running, program};
use serde_json::Value;
use zeroize::Zeroizing;

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// `short` in the plain run, `long` where everything is to be proven.
pub(crate) fn extent<T>(short: T, long: T) -> T {
    if std::env::var_os("ROVE_PROVE").is_some() { long } else { short }
}

/// A registrar and proxy for alice and bob of home.example, over UDP, TCP and TLS.
pub(crate) struct Server {
    pub(crate) process: Running,
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
}

impl Server {
    /// With more lines for its section `[sip.limits]`.
    pub(crate) fn start(limits: &str) -> Self {
        Self::with("", limits)
    }

    /// With more lines for its sections `[sip]` and `[sip.limits]`.
    pub(crate) fn with(section: &str, limits: &str) -> Self {
        // Datagrams and streams at one port, as calls that are too long for datagrams need it.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self::listening(section, limits, free, free)
    }

    /// One that has no stream where its datagrams go.
    pub(crate) fn of_datagrams() -> Self {
        Self::listening("", "", loopback(0), loopback(0))
    }

    fn listening(section: &str, limits: &str, udp: SocketAddr, tcp: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let text = format!(
            "[sip]\ndomains = [\"home.example\"]\n{section}\n[sip.listen]\nudp = [\"{udp}\"]\ntcp = [\"{tcp}\"]\n\
             tls = [\"127.0.0.1:0\"]\n[sip.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n[sip.limits]\n{limits}\n\
             [[sip.user]]\nname = \"alice\"\npassword = \"{PASSWORD}\"\n\
             [[sip.user]]\nname = \"bob\"\npassword = \"{PASSWORD}\"\n"
        );
        let file = folder.path().join("roved.toml");
        std::fs::write(&file, text).unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        let mut process =
            Running::start(&program("roved"), ["--config", &file.display().to_string(), "--ready-json"]);
        let ready = process.ready(PATIENCE);
        let at = |transport: &str| {
            let uris = ready["sip"].as_array().expect("addresses").iter().filter_map(Value::as_str);
            let mut parts = uris.filter_map(|uri| uri.strip_prefix("sip:")?.split_once(";transport="));
            let (address, _) = parts.find(|(_, name)| name.eq_ignore_ascii_case(transport)).expect(transport);
            address.parse().unwrap()
        };
        let (udp, tcp, tls) = (at("udp"), at("tcp"), at("tls"));
        Self { process, udp, tcp, tls, folder }
    }

    /// `rove answer`, registered as bob.
    pub(crate) fn bob(&self, more: &[&str]) -> Running {
        let password = self.folder.path().join("password").display().to_string();
        let server = self.udp.to_string();
        let mut args = words("answer --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --ready-json");
        args.extend(["--register", "sip:bob@home.example", "--server"].map(str::to_owned));
        args.extend([server, "--password-file".to_owned(), password]);
        args.extend(more.iter().map(|&word| word.to_owned()));
        let mut phone = Running::start(&program("rove"), &args);
        phone.ready(PATIENCE);
        phone
    }

    /// `rove call` of alice to bob by way of the server, for this long, with its report in the answered file.
    pub(crate) fn alice(&self, seconds: u64) -> (Running, PathBuf) {
        let folder = self.folder.path();
        let (settings, report) = (folder.join("rove.toml"), folder.join("alice.json"));
        let account = format!(
            "[[account]]\naddress = \"sip:alice@home.example\"\npassword_file = \"{}\"\nserver = \"sip:{}\"\n\
             register = false\nproxy = true\n",
            folder.join("password").display(),
            self.udp
        );
        std::fs::write(&settings, account).unwrap();
        let mut args =
            words("call sip:bob@home.example --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --config");
        args.extend([settings.display().to_string(), "--for".to_owned(), seconds.to_string()]);
        args.extend(["--json".to_owned(), report.display().to_string()]);
        (Running::start(&program("rove"), &args), report)
    }

    /// A REGISTER that bob proves; answers how long it took, challenge and all.
    pub(crate) fn register(&self) -> Duration {
        let began = Instant::now();
        let client = Client::new();
        let at = client.address();
        let uri = "sip:home.example";
        let unproven = client.request("REGISTER", uri, "bob", "", &format!("Contact: <sip:bob@{at}>\r\n"));
        let asked = client.ask(self.udp, unproven.as_bytes());
        assert_eq!(asked.status.code(), 401, "{asked:?}");
        let authorization = proof(&asked, "bob", "REGISTER", uri);
        let more = format!("Contact: <sip:bob@{at}>\r\nAuthorization: {authorization}\r\n");
        let proven = client.request("REGISTER", uri, "bob", "", &more).replace("CSeq: 1 ", "CSeq: 2 ");
        let answer = client.ask(self.udp, proven.as_bytes());
        assert_eq!(answer.status.code(), 200, "{answer:?}");
        began.elapsed()
    }
}

/// The right answer to the challenge in a response.
pub(crate) fn proof(asked: &Response, user: &str, method: &str, uri: &str) -> String {
    let login = Login { user: user.into(), password: Zeroizing::new(PASSWORD.into()), realm: None };
    let challenges: Vec<&str> = asked.headers.all(&HeaderName::WwwAuthenticate).collect();
    let mut entropy = Entropy::from_number(7);
    let mut answerer = Answerer::choose(&challenges, &login, &mut entropy).expect("a challenge");
    answerer.answer(&Asking { method, uri, body: &[] })
}

/// A client at an address of its own.
pub(crate) struct Client {
    pub(crate) socket: UdpSocket,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::at(Ipv4Addr::LOCALHOST)
    }

    /// At another address of this machine.
    pub(crate) fn at(ip: Ipv4Addr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Sends this and hears the next final response; the same again when nothing comes.
    pub(crate) fn ask(&self, server: SocketAddr, bytes: &[u8]) -> Response {
        self.socket.set_read_timeout(Some(RESEND)).unwrap();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            self.socket.send_to(bytes, server).unwrap();
            let mut buffer = vec![0; 65_536];
            while let Ok((len, _)) = self.socket.recv_from(&mut buffer) {
                if let Some(response) = final_answer(&buffer[..len], bytes) {
                    return response;
                }
            }
        }
        panic!("no answer to {}", String::from_utf8_lossy(bytes));
    }

    /// A request of this client over UDP. Each has a branch and a call of its own.
    pub(crate) fn request(&self, method: &str, uri: &str, user: &str, tag: &str, more: &str) -> String {
        request("UDP", self.address(), method, uri, user, tag, more)
    }
}

/// The final response to the request `asked`, if that is what `bytes` are: one to an INVITE comes again and again.
pub(crate) fn final_answer(bytes: &[u8], asked: &[u8]) -> Option<Response> {
    let Ok(Message::Response(response)) = Message::parse(bytes) else { return None };
    let asked = String::from_utf8_lossy(asked);
    let branch = asked.split("branch=").nth(1)?.split([';', '\r']).next()?;
    let ours = response.headers.get(&HeaderName::Via)?.contains(branch);
    (ours && response.status.code() >= 200).then_some(response)
}

/// A request with a branch and a call of its own; `more` are whole header lines.
pub(crate) fn request(
    transport: &str,
    at: SocketAddr,
    method: &str,
    uri: &str,
    user: &str,
    tag: &str,
    more: &str,
) -> String {
    let n = number();
    let to_tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} {at};branch=z9hG4bKa{n};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:{user}@home.example>;tag=f{n}\r\nTo: <sip:{user}@home.example>{to_tag}\r\nCall-ID: c{n}@{}\r\n\
         CSeq: 1 {method}\r\n{more}Content-Length: 0\r\n\r\n",
        at.ip()
    )
}

/// Another number each time.
pub(crate) fn number() -> u64 {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static NEXT: AtomicU64 = AtomicU64::new(100_000);
    NEXT.fetch_add(1, Relaxed)
}

/// What a program wrote as its report.
pub(crate) fn report(file: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("a report")).expect("JSON")
}

/// The ports of UDP that a program listens on.
pub(crate) fn udp_ports(process: &Running) -> Vec<u16> {
    let folder = format!("/proc/{}", process.id());
    let Ok(entries) = std::fs::read_dir(format!("{folder}/fd")) else { return Vec::new() };
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let sockets: Vec<String> = links.filter_map(|link| socket_number(&link.to_string_lossy())).collect();
    let lines = |name: &str| std::fs::read_to_string(format!("{folder}/net/{name}")).unwrap_or_default();
    let mut ports = Vec::new();
    for line in lines("udp").lines().chain(lines("udp6").lines()) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let port = columns.get(1).and_then(|local| local.rsplit_once(':'));
        if let (Some((_, port)), Some(inode)) = (port, columns.get(9))
            && sockets.iter().any(|socket| socket == inode)
        {
            ports.extend(u16::from_str_radix(port, 16));
        }
    }
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn socket_number(link: &str) -> Option<String> {
    Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
}

/// Waits until `done` answers something.
pub(crate) fn await_some<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = done() {
            return found;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("{what} did not come");
}

/// The `n`th of many addresses of this machine.
pub(crate) fn stranger(n: u64) -> Ipv4Addr {
    let [.., b, c] = (n % 60_000 + 512).to_be_bytes();
    Ipv4Addr::new(127, 9, b, c)
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

pub(crate) const PASSWORD: &str = "open sesame";
const RESEND: Duration = Duration::from_millis(500);

/// One that hears requests and answers them as it likes: the server or the peer that a phone should not have met.
pub(crate) struct Impostor(pub(crate) Client);

impl Impostor {
    pub(crate) fn new() -> Self {
        Self(Client::new())
    }

    /// The next request of `method` that is no repetition of `but`, with where it came from. Everything that comes
    /// meanwhile must be without credentials unless `proofs` are wanted.
    pub(crate) fn hear(&self, method: &str, within: Duration, proofs: bool) -> Option<(String, SocketAddr)> {
        let began = Instant::now();
        let mut buffer = vec![0; 65_536];
        while let Some(left) = within.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            self.0.socket.set_read_timeout(Some(left)).unwrap();
            let Ok((len, from)) = self.0.socket.recv_from(&mut buffer) else { break };
            let text = String::from_utf8_lossy(&buffer[..len]).into_owned();
            assert!(proofs || !text.contains("uthorization:"), "given away: {text}");
            if text.starts_with(&format!("{method} ")) {
                return Some((text, from));
            }
        }
        None
    }

    /// Answers a request that came from `to`; `more` are whole header lines.
    pub(crate) fn reply(&self, request: &str, to: SocketAddr, status: &str, more: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for line in request.lines().take_while(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default();
            if ["Via", "From", "Call-ID", "CSeq", "Record-Route"].contains(&name) {
                text.push_str(&format!("{line}\r\n"));
            } else if name == "To" {
                let tag = if line.contains("tag=") { "" } else { ";tag=impostor" };
                text.push_str(&format!("{line}{tag}\r\n"));
            }
        }
        text.push_str(&format!("{more}Content-Length: {}\r\n\r\n{body}", body.len()));
        self.0.socket.send_to(text.as_bytes(), to).unwrap();
    }
}

/// A challenge in this realm, as a header line of the name.
pub(crate) fn challenge(name: &str, realm: &str, nonce: &str) -> String {
    format!("{name}: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=SHA-256, qop=\"auth\"\r\n")
}
