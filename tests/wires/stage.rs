//! A home and visited networks on loopback addresses of their own, each a running `roved`, and a relay between each
//! visited one and the home.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, program};

use crate::tap::Tap;

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

/// A visited network: what it speaks with the home, and the third octet of its addresses.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) net: u8,
    pub(crate) plmn: &'static str,
    pub(crate) title: &'static str,
}

/// All of it; ends when dropped.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    /// Where the home listens for partners.
    pub(crate) link: SocketAddr,
    names: SocketAddr,
    nodes: Vec<Running>,
    pub(crate) guests: Vec<Visited>,
}

/// A visited network that runs.
pub(crate) struct Visited {
    pub(crate) guest: Guest,
    pub(crate) tap: Tap,
    attach: SocketAddr,
    names: SocketAddr,
}

/// An address of this machine that nobody listens at.
pub(crate) fn free(ip: Ipv4Addr) -> SocketAddr {
    loop {
        let tcp = TcpListener::bind((ip, 0)).unwrap();
        let address = tcp.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// An authority, and a certificate of it for each network.
fn certificates(folder: &Path, names: &[&str]) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::DigitalSignature];
    let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    write(&folder.join("ca.pem"), &issuer.pem());
    for name in names {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![format!("{name}.example")]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("{name}.example"));
        let own = params.signed_by(&key, &issuer).unwrap();
        write(&folder.join(format!("{name}.pem")), &own.pem());
        write(&folder.join(format!("{name}.key")), &key.serialize_pem());
    }
}

fn own(name: &str, plmn: &str, title: &str, link: SocketAddr) -> String {
    format!(
        "[journal]\npath = \"{name}.journal\"\n[roaming]\nnetwork = \"{name}.example\"\nplmn = \"{plmn}\"\n\
         title = \"{title}\"\nlisten = [\"{link}\"]\ncertificate = \"{name}.pem\"\nkey = \"{name}.key\"\n\
         authorities = [\"ca.pem\"]\n"
    )
}

impl Stage {
    /// The home, and the networks that are to run; `strangers` are partners too, but no program of ours.
    pub(crate) fn new(guests: &[Guest], strangers: &[Guest]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<&Guest> = guests.iter().chain(strangers).collect();
        let labels: Vec<&str> = ["home"].into_iter().chain(all.iter().map(|guest| guest.name)).collect();
        certificates(folder.path(), &labels);
        let ip = Ipv4Addr::new(127, 0, 10, 1);
        let (link, names) = (free(ip), free(ip));
        let mut text = own("home", "00101", "46700000001", link)
            + &format!(
                "[dns]\nlisten = [\"{names}\"]\n[[dns.zone]]\norigin = \"home.example\"\nnegative_ttl = 1\n\
                 [home]\ncontrol = \"home.sock\"\n"
            );
        for Guest { name, protocol, net, plmn, title } in all {
            text += &format!(
                "[[partner]]\nname = \"{name}.example\"\nplmn = \"{plmn}\"\ntitle = \"{title}\"\n\
                 prefixes = [\"127.0.{net}.0/24\"]\nprotocol = \"{protocol}\"\n"
            );
        }
        write(&folder.path().join("home.toml"), &text);
        let keys = format!("k = \"{K}\"\nopc = \"{OPC}\"\n");
        write(&folder.path().join("keys.toml"), &keys);
        let mut stage = Self { folder, link, names, nodes: Vec::new(), guests: Vec::new() };
        stage.start("home");
        for guest in guests {
            stage.invite(*guest);
        }
        stage
    }

    fn invite(&mut self, guest: Guest) {
        let Guest { name, protocol, net, plmn, title } = guest;
        let ip = Ipv4Addr::new(127, 0, net, 1);
        let tap =
            Tap::new(self.folder.path(), free(ip), ("home.example", self.link), &format!("{name}.example"));
        let (names, attach) = (free(ip), free(ip));
        let text = own(name, plmn, title, free(ip))
            + &format!(
                "[dns]\nlisten = [\"{names}\"]\n[[dns.zone]]\norigin = \"{net}.0.127.in-addr.arpa\"\n\
                 negative_ttl = 1\n[visited]\nlisten = [\"{attach}\"]\n\
                 [pool]\nranges = [\"127.0.{net}.100-127.0.{net}.199\"]\nserver = \"127.0.{net}.1\"\n\
                 [[partner]]\nname = \"home.example\"\nplmn = \"00101\"\ntitle = \"46700000001\"\n\
                 address = \"{}\"\nprotocol = \"{protocol}\"\n",
                tap.address()
            );
        write(&self.path(&format!("{name}.toml")), &text);
        self.start(name);
        self.guests.push(Visited { guest, tap, attach, names });
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// From now on the node of this name has its only partner at `partner`, by SCTP from `own`.
    pub(crate) fn turn_to_sctp(&self, name: &str, own: SocketAddr, partner: SocketAddr) {
        let path = self.path(&format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let kept = text.lines().filter(|line| !line.starts_with("address = "));
        let text: String = kept.map(|line| format!("{line}\n")).collect();
        let text = text.replace("[roaming]", &format!("[roaming]\nsctp_listen = \"{own}\""));
        write(&path, &(text + &format!("carrier = \"sctp\"\naddress = \"{partner}\"\n")));
    }

    /// Ends all nodes and starts these again.
    pub(crate) fn start_again(&mut self, names: &[&str]) {
        self.nodes.clear();
        names.iter().for_each(|name| self.start(name));
    }

    fn start(&mut self, name: &str) {
        let config = self.path(&format!("{name}.toml"));
        let args = ["--config", config.to_str().unwrap(), "--ready-json", "--log", "info"];
        let mut node = Running::start(&program("roved"), args);
        node.ready(PATIENCE);
        self.nodes.push(node);
    }

    /// A subscriber of the home with this last digit.
    pub(crate) fn subscribe(&self, digit: usize) {
        let (config, keys) = (self.path("home.toml"), self.path("keys.toml"));
        let (imsi, name) = (format!("00101000000000{digit}"), format!("t{digit}.home.example"));
        let args = ["subscriber", "add", &imsi, &name, "--sim", keys.to_str().unwrap(), "--config"];
        let args = args.map(str::to_owned).into_iter().chain([config.display().to_string()]);
        let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
        assert_eq!(code, 0, "{said} {complaints}");
        let text = std::fs::read_to_string(keys).unwrap();
        write(&self.path(&format!("sim{digit}.toml")), &format!("imsi = \"{imsi}\"\n{text}"));
    }

    /// Attaches the subscriber at a visited network, as often as it takes while nodes find each other.
    pub(crate) fn attached(&self, digit: usize, at: &Visited) -> (Running, Ipv4Addr) {
        let deadline = Instant::now() + PATIENCE;
        let (sim, authority) = (self.path(&format!("sim{digit}.toml")), self.path("ca.pem"));
        let address = at.attach.to_string();
        loop {
            let args = ["attach", &address, "--sim", sim.to_str().unwrap()];
            let more = ["--authority", authority.to_str().unwrap(), "--json"];
            let mut terminal = Running::start(&program("rove"), args.into_iter().chain(more));
            let told = terminal.ready(PATIENCE);
            if told["event"] == "attached" {
                return (terminal, told["addresses"][0].as_str().unwrap().parse().unwrap());
            }
            assert!(Instant::now() < deadline, "{told} {}", terminal.complaints());
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }

    /// Takes the subscriber's leave, and waits until the terminal has ended.
    pub(crate) fn detach(&self, digit: usize, terminal: &mut Running) {
        let sim = self.path(&format!("sim{digit}.toml")).display().to_string();
        let (code, _, complaints) =
            Running::start(&program("rove"), ["detach", "--sim", &sim]).outcome(PATIENCE);
        assert_eq!(code, 0, "{complaints}");
        assert!(terminal.wait(PATIENCE).is_some_and(|status| status.success()));
    }

    /// The addresses that a subscriber's name leads to.
    pub(crate) fn forward(&self, digit: usize) -> Vec<Vec<u8>> {
        answers(self.names, &format!("t{digit}.home.example"), 1)
    }

    /// The names that an address leads to: how many.
    pub(crate) fn reverse(&self, at: &Visited, ip: Ipv4Addr) -> usize {
        let [a, b, c, d] = ip.octets();
        answers(at.names, &format!("{d}.{c}.{b}.{a}.in-addr.arpa"), 12).len()
    }
}

/// The contents of the answers to one question; none where the name is not there.
fn answers(server: SocketAddr, name: &str, rtype: u16) -> Vec<Vec<u8>> {
    let mut question = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        question.push(u8::try_from(label.len()).unwrap());
        question.extend_from_slice(label.as_bytes());
    }
    question.push(0);
    question.extend_from_slice(&[rtype.to_be_bytes(), [0, 1]].concat());
    let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.send_to(&question, server).unwrap();
    let mut buffer = [0; 1_500];
    let count = socket.recv(&mut buffer).unwrap();
    let answer = &buffer[..count];
    let mut at = question.len();
    let mut found = Vec::new();
    for _ in 0..u16::from_be_bytes([answer[6], answer[7]]) {
        // The name is a pointer to the question's.
        at += 2;
        let length = usize::from(u16::from_be_bytes([answer[at + 8], answer[at + 9]]));
        at += 10;
        found.push(answer[at..at + length].to_vec());
        at += length;
    }
    found
}
