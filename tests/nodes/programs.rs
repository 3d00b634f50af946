//! The programs themselves on loopback: `roved` as home and as visited network, `rove attach` as terminal.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rove_roam::{Cause, attach::Reason};
use rove_tests::{
    ports,
    programs::{Running, peer, program},
};
use serde_json::Value;

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const K: &str = "465b5ce8b199b49faa5f0a2ee238a6bc";
pub(crate) const OPC: &str = "cd63cb71954a9f4e48a5994e37a02baf";

/// Two networks, each a node of its own, and a terminal's SIM.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    home: Option<Running>,
    visited: Option<Running>,
    pub(crate) names: [SocketAddr; 2],
    /// Where partners call each.
    pub(crate) links: [SocketAddr; 2],
    pub(crate) attach: SocketAddr,
}

pub(crate) const HOME: usize = 0;
pub(crate) const VISITED: usize = 1;

/// An address of this machine that nobody listens at.
pub(crate) fn free(ip: Ipv4Addr) -> SocketAddr {
    ports::free(ip)
}

/// The same with that port, where it is to be had.
pub(crate) fn free_beside(ip: Ipv4Addr, port: u16) -> SocketAddr {
    let wanted = (ip, port);
    let is_free = TcpListener::bind(wanted).is_ok() && UdpSocket::bind(wanted).is_ok();
    if is_free { wanted.into() } else { free(ip) }
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// An authority, and a certificate of it for each network.
fn certificates(folder: &Path) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    write(&folder.join("ca.pem"), &issuer.pem());
    for name in ["home", "visited", "second", "third"] {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec![format!("{name}.example")];
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        write(&folder.join(format!("{name}.pem")), &own.pem());
        write(&folder.join(format!("{name}.key")), &key.serialize_pem());
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::named(free(Ipv4Addr::new(127, 0, 10, 1)), "", "")
    }

    /// The same with the home's name server at `names`, and more in the configurations of home and visited network.
    pub(crate) fn named(names: SocketAddr, home_more: &str, visited_more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let (home, visited) = (Ipv4Addr::new(127, 0, 10, 1), Ipv4Addr::new(127, 0, 20, 1));
        let links = [free(home), free(visited)];
        let names = [names, free_beside(visited, names.port())];
        let attach = free(visited);
        let own = |name: &str, plmn: &str, title: &str, link: SocketAddr| {
            format!(
                "[journal]\npath = \"{name}.journal\"\n[roaming]\nnetwork = \"{name}.example\"\nplmn = \"{plmn}\"\n\
                 title = \"{title}\"\nlisten = [\"{link}\"]\ncertificate = \"{name}.pem\"\nkey = \"{name}.key\"\n\
                 authorities = [\"ca.pem\"]\n"
            )
        };
        let home_text = own("home", "00101", "46700000001", links[HOME])
            + &format!(
                "[dns]\nlisten = [\"{}\"]\n[[dns.zone]]\norigin = \"home.example\"\nnegative_ttl = 1\n\
                 records = [\"fixed A 127.0.10.9\"]\n[home]\ncontrol = \"home.sock\"\n\
                 [[partner]]\nname = \"visited.example\"\nplmn = \"00102\"\ntitle = \"46700000002\"\n\
                 address = \"{}\"\nprefixes = [\"127.0.20.0/24\"]\n",
                names[HOME], links[VISITED]
            )
            + home_more;
        let visited_text = own("visited", "00102", "46700000002", links[VISITED])
            + &format!(
                "[dns]\nlisten = [\"{}\"]\n[[dns.zone]]\norigin = \"20.0.127.in-addr.arpa\"\nnegative_ttl = 1\n\
                 [visited]\nlisten = [\"{attach}\"]\ncontrol = \"visited.sock\"\n\
                 [pool]\nranges = [\"127.0.20.100-127.0.20.199\"]\nserver = \"127.0.20.1\"\n\
                 [[partner]]\nname = \"home.example\"\nplmn = \"00101\"\ntitle = \"46700000001\"\naddress = \"{}\"\n",
                names[VISITED], links[HOME]
            )
            + visited_more;
        write(&folder.path().join("home.toml"), &home_text);
        write(&folder.path().join("visited.toml"), &visited_text);
        let keys = format!("k = \"{K}\"\nopc = \"{OPC}\"\n");
        write(&folder.path().join("keys.toml"), &keys);
        write(&folder.path().join("sim.toml"), &format!("imsi = \"001010000000001\"\n{keys}"));
        let mut stage = Self { folder, home: None, visited: None, names, links, attach };
        stage.start(HOME);
        stage.start(VISITED);
        stage
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a node, again if it ran before.
    pub(crate) fn start(&mut self, which: usize) {
        let config = self.path(["home.toml", "visited.toml"][which]);
        let args = ["--config", config.to_str().unwrap(), "--ready-json", "--log", "info"];
        let mut node = Running::start(&program("roved"), args);
        node.ready(PATIENCE);
        *if which == HOME { &mut self.home } else { &mut self.visited } = Some(node);
    }

    /// The same once more, with what its configuration says now.
    pub(crate) fn restart(&mut self, which: usize) {
        self.kill(which);
        self.start(which);
    }

    /// Ends a node as a power failure would.
    pub(crate) fn kill(&mut self, which: usize) {
        drop(if which == HOME { self.home.take() } else { self.visited.take() });
    }

    pub(crate) fn roved(&self, args: &[&str]) -> (i32, String, String) {
        self.roved_of(HOME, args)
    }

    /// The same of either node.
    pub(crate) fn roved_of(&self, which: usize, args: &[&str]) -> (i32, String, String) {
        let config = self.path(["home.toml", "visited.toml"][which]);
        let mut all: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        all.extend(["--config".to_owned(), config.display().to_string()]);
        Running::start(&program("roved"), all).outcome(PATIENCE)
    }

    pub(crate) fn subscribe(&self) {
        self.subscribe_as("001010000000001", "t1.home.example");
    }

    pub(crate) fn subscribe_as(&self, imsi: &str, name: &str) {
        let keys = self.path("keys.toml").display().to_string();
        let args = ["subscriber", "add", imsi, name, "--sim", &keys];
        let (code, said, complaints) = self.roved(&args);
        assert_eq!(code, 0, "{said} {complaints}");
    }

    pub(crate) fn attach(&self) -> Running {
        self.attach_at(self.attach, "sim.toml")
    }

    pub(crate) fn attach_at(&self, at: SocketAddr, sim: &str) -> Running {
        let (sim, authority) = (self.path(sim), self.path("ca.pem"));
        let args = [
            "attach",
            &at.to_string(),
            "--sim",
            sim.to_str().unwrap(),
            "--authority",
            authority.to_str().unwrap(),
            "--json",
        ]
        .map(str::to_owned);
        Running::start(&program("rove"), args)
    }

    /// Attaches, as often as it takes while nodes find each other.
    pub(crate) fn attached(&self) -> (Running, Ipv4Addr) {
        self.attached_at(self.attach, "sim.toml")
    }

    pub(crate) fn attached_at(&self, at: SocketAddr, sim: &str) -> (Running, Ipv4Addr) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut terminal = self.attach_at(at, sim);
            let told = terminal.ready(PATIENCE);
            if told["event"] == "attached" {
                return (terminal, address(&told));
            }
            assert!(Instant::now() < deadline, "{told}");
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }

    /// What a node answers to a question, by its own wire: the last four bytes of an A, or the last labels of a PTR.
    pub(crate) fn asks(&self, which: usize, name: &str, rtype: u16) -> Vec<Vec<u8>> {
        answers(self.names[which], name, rtype)
    }

    /// The serial of the visited network's zone of addresses.
    fn serial(&self) -> u32 {
        let soa = self.asks(VISITED, "20.0.127.in-addr.arpa", 6).remove(0);
        u32::from_be_bytes(*soa.last_chunk::<20>().unwrap().first_chunk().unwrap())
    }

    pub(crate) fn forward(&self) -> Vec<Vec<u8>> {
        self.asks(HOME, "t1.home.example", 1)
    }

    pub(crate) fn reverse(&self, ip: Ipv4Addr) -> Vec<Vec<u8>> {
        let [a, b, c, d] = ip.octets();
        self.asks(VISITED, &format!("{d}.{c}.{b}.{a}.in-addr.arpa"), 12)
    }

    /// Waits until `done`; how long that took.
    pub(crate) fn wait_for(&self, what: &str, done: impl Fn(&Self) -> bool) -> Duration {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "{what}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        start.elapsed()
    }
}

pub(crate) fn address(told: &Value) -> Ipv4Addr {
    told["addresses"][0].as_str().unwrap().parse().unwrap()
}

/// The contents of the answers to one question; none where the name is not there.
pub(crate) fn answers(server: SocketAddr, name: &str, rtype: u16) -> Vec<Vec<u8>> {
    let IpAddr::V4(ip) = server.ip() else { unreachable!("all is IPv4 here") };
    answers_from(ip, server, name, rtype)
}

/// The same, asked from `ip`.
fn answers_from(ip: Ipv4Addr, server: SocketAddr, name: &str, rtype: u16) -> Vec<Vec<u8>> {
    let mut question = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        question.push(u8::try_from(label.len()).unwrap());
        question.extend_from_slice(label.as_bytes());
    }
    question.push(0);
    question.extend_from_slice(&[rtype.to_be_bytes(), [0, 1]].concat());
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    socket.send_to(&question, server).unwrap();
    let mut buffer = [0; 1_500];
    let Ok(count) = socket.recv(&mut buffer) else { return Vec::new() };
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

/// Whether a server answers for `zone`.
pub(crate) fn is_answered(server: SocketAddr, zone: &str) -> bool {
    !answers(server, zone, 6).is_empty()
}

#[test]
fn a4_a12_a19_a_terminal_is_found_both_ways_also_by_mobiles_and_leaves_nothing_when_it_detaches() {
    let stage = Stage::new();
    stage.subscribe();
    let before = stage.serial();
    let (mut terminal, ip) = stage.attached();
    let associated = stage.serial();
    assert!(associated > before, "the visited zone has a new serial: {before} {associated}");
    assert_eq!(ip.octets()[..3], [127, 0, 20]);
    assert_eq!(stage.forward(), [ip.octets().to_vec()], "when the terminal is told, the name leads there");
    assert_eq!(stage.reverse(ip).len(), 1);
    // The mobile asks for whom its own address is, and that name leads back to it.
    let [a, b, c, d] = ip.octets();
    let reverse = answers_from(ip, stage.names[VISITED], &format!("{d}.{c}.{b}.{a}.in-addr.arpa"), 12);
    assert!(reverse[0].starts_with(b"\x02t1\x04home\x07example"), "{reverse:?}");
    assert_eq!(answers_from(ip, stage.names[HOME], "t1.home.example", 1), [ip.octets().to_vec()]);
    if let Some(dig) = peer("dig") {
        let ask = |which: usize, question: &[&str]| {
            let server = stage.names[which];
            let output = Command::new(&dig)
                .args([&format!("@{}", server.ip()), "-p", &server.port().to_string(), "+short"])
                .args(question)
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        assert_eq!(ask(HOME, &["t1.home.example"]), ip.to_string());
        assert_eq!(ask(VISITED, &["-x", &ip.to_string()]), "t1.home.example.");
    }
    let (_, shown, _) = stage.roved(&["subscriber", "show"]);
    assert!(shown.contains(&format!("in visited.example at {ip}")), "{shown}");
    let (_, counted, _) = stage.roved(&["metrics"]);
    assert!(counted.contains("rove_home_subscribers 1"), "{counted}");
    let sim = stage.path("sim.toml").display().to_string();
    let (code, _, complaints) = Running::start(&program("rove"), ["detach", "--sim", &sim]).outcome(PATIENCE);
    assert_eq!(code, 0, "{complaints}");
    assert!(terminal.wait(PATIENCE).is_some_and(|status| status.success()));
    assert!(stage.forward().is_empty() && stage.reverse(ip).is_empty(), "both are gone when it has left");
    assert!(stage.serial() > associated, "and the visited zone has a new serial again");
}

#[test]
fn who_is_no_subscriber_or_shows_another_sim_gets_nothing() {
    let stage = Stage::new();
    stage.wait_for("the link stands", |stage| {
        let (code, _, complaints) = stage.attach().outcome(PATIENCE);
        assert_eq!(code, 1, "{complaints}");
        complaints.contains("the subscriber is not known")
    });
    stage.subscribe();
    let sim = stage.path("sim.toml");
    let other = std::fs::read_to_string(&sim).unwrap().replace(K, OPC);
    write(&sim, &other);
    let (code, _, complaints) = stage.attach().outcome(PATIENCE);
    assert_eq!(code, 1, "{complaints}");
    assert_eq!(stage.forward(), Vec::<Vec<u8>>::new());
}

#[test]
fn nodes_that_are_killed_know_all_that_was_acknowledged_when_they_are_started_again() {
    let mut stage = Stage::new();
    stage.subscribe();
    let (_terminal, ip) = stage.attached();
    let kills = if std::env::var_os("ROVE_PROVE").is_some() { 50 } else { 4 };
    for kill in 0..kills {
        let which = kill % 2;
        stage.kill(which);
        stage.start(which);
        let took = stage.wait_for("the names are there again", |stage| {
            stage.forward() == [ip.octets().to_vec()] && stage.reverse(ip).len() == 1
        });
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[test]
fn every_cause_of_refusal_has_its_line_before_anything_was_refused() {
    let stage = Stage::new();
    let causes: BTreeSet<String> = Cause::ALL.iter().map(ToString::to_string).collect();
    let shown = |which: usize, name: &str| -> BTreeSet<String> {
        let (_, text, _) = stage.roved_of(which, &["metrics"]);
        let begins = format!("rove_{name}{{");
        let lines = text.lines().filter(|line| line.starts_with(&begins));
        lines.map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(shown(HOME, "home_refused_total"), causes);
    assert_eq!(shown(HOME, "calls_refused_total"), causes);
    assert_eq!(shown(VISITED, "calls_refused_total"), causes);
    // What an attach can be refused for; the rest are ends of stays, or of calls.
    let ends = [
        Reason::Superseded,
        Reason::ServedElsewhere,
        Reason::Withdrawn,
        Reason::ServiceNotGranted,
        Reason::Expired,
        Reason::Released,
        Reason::Lost,
        Reason::Detached,
    ];
    let refuses = Reason::all().filter(|reason| !ends.contains(reason));
    let refuses: BTreeSet<String> = refuses.map(|reason| reason.to_string()).collect();
    assert_eq!(shown(VISITED, "visited_refused_total"), refuses);
    assert_eq!(shown(VISITED, "private_refused_total").len(), 2);
    assert!(shown(VISITED, "pool_refused_total").len() >= 8 && shown(HOME, "names_refused_total").len() >= 8);
}
