//! `roved` of two operators, each for a domain of its own, found by DNS; and `rove` as their users.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use rove_tests::{
    networks::Networks,
    programs::{Running, program},
};

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    nodes: [Option<Running>; 2],
    pub(crate) irmv: [SocketAddr; 2],
    pub(crate) sip: [SocketAddr; 2],
    names: SocketAddr,
    /// Where users' phones are.
    pub(crate) phones: [Ipv4Addr; 2],
    /// Where everybody has a network of his own.
    pub(crate) networks: Option<Networks>,
}

/// The places of servers and of phones, where these have networks of their own.
const SERVERS: [&str; 2] = ["server-a", "server-b"];
const PHONES: [&str; 2] = ["phone-a", "phone-b"];

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

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn certificates(folder: &Path) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    write(&folder.join("ca.pem"), &issuer.pem());
    for (name, called) in [("a", "a.example"), ("b", "b.example"), ("c", "c.example"), ("store", "localhost")]
    {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec![called.to_owned()];
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        write(&folder.join(format!("{name}.pem")), &own.pem());
        write(&folder.join(format!("{name}.key")), &key.serialize_pem());
    }
}

/// The records that lead to the server of a domain.
pub(crate) fn zone(domain: &str, at: SocketAddr) -> String {
    format!(
        "[[dns.zone]]\norigin = \"{domain}\"\nnegative_ttl = 1\n\
         records = [\"_irmv._udp SRV 0 0 {} irmv\", \"irmv A {}\"]\n",
        at.port(),
        at.ip()
    )
}

/// The configuration of one operator's server. To SIP clients A is a proxy, and B tells them where to go.
fn server(name: &str, which: usize, irmv: SocketAddr, sip: SocketAddr, names: SocketAddr) -> String {
    format!(
        "[journal]\npath = \"{name}.journal\"\n\
         [irmv]\nlisten = [\"{irmv}\"]\ndomain = \"{name}.example\"\ncertificate = \"{name}.pem\"\n\
         key = \"{name}.key\"\nauthorities = \"ca.pem\"\nsigning_key = \"{name}.signing\"\nopen = true\nshown_to = \"anybody\"\n\
         dns_servers = [\"{names}\"]\n\
         [[irmv.user]]\nname = \"number@{name}.example\"\nnumber = \"+4670123456{which}\"\n\
         [[irmv.user]]\nname = \"listed@{name}.example\"\nlisted = true\n\
         [sip]\ndomains = [\"{name}.example\"]\nauth = false\nmode = \"{}\"\ndns_servers = [\"{names}\"]\n\
         [sip.listen]\nudp = [\"{sip}\"]\n",
        ["proxy", "redirect"][which]
    )
}

impl Stage {
    /// All on the loopback interface.
    pub(crate) fn new() -> Self {
        // Addresses of its own: a server that is started again finds its ports free.
        static COUNT: AtomicU8 = AtomicU8::new(0);
        let own = COUNT.fetch_add(1, Ordering::Relaxed);
        let ips = [30, 40].map(|net| Ipv4Addr::new(127, net, own, 1));
        let phones = [30, 40].map(|net| Ipv4Addr::new(127, net, own, 9));
        Self::with(None, ips.map(free), ips.map(free), free(ips[A]), phones)
    }

    /// Both servers and both users' phones in networks of their own, with a router between them. `None`, said aloud, where
    /// these may not be made.
    pub(crate) fn in_networks() -> Option<Self> {
        let networks = Networks::around_a_core(&[SERVERS, PHONES].concat())?;
        let at = |n: u8, port: u16| SocketAddr::from(([10, 60, n, 2], port));
        let phones = [3, 4].map(|n| Ipv4Addr::new(10, 60, n, 2));
        let (irmv, sip) = ([at(1, 5_064), at(2, 5_064)], [at(1, 5_060), at(2, 5_060)]);
        Some(Self::with(Some(networks), irmv, sip, at(1, 53), phones))
    }

    fn with(
        networks: Option<Networks>,
        irmv: [SocketAddr; 2],
        sip: [SocketAddr; 2],
        names: SocketAddr,
        phones: [Ipv4Addr; 2],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let dns = format!("[dns]\nlisten = [\"{names}\"]\n")
            + &zone("a.example", irmv[A])
            + &zone("b.example", irmv[B]);
        let own = |which: usize| server(["a", "b"][which], which, irmv[which], sip[which], names);
        write(&folder.path().join("a.toml"), &(own(A) + &dns));
        write(&folder.path().join("b.toml"), &own(B));
        let mut stage = Self { folder, nodes: [None, None], irmv, sip, names, phones, networks };
        for which in [A, B] {
            stage.start(which);
        }
        stage
    }

    /// Starts one of our programs, at `place` where there are networks.
    fn spawn<'a>(&self, place: &str, name: &str, args: impl IntoIterator<Item = &'a str>) -> Running {
        let program = program(name);
        let Some(networks) = &self.networks else { return Running::start(&program, args) };
        let mut command = networks.command(place, &program);
        command.args(args);
        Running::spawn(command)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a server, again if it ran before.
    pub(crate) fn start(&mut self, which: usize) -> serde_json::Value {
        let config = self.path(["a.toml", "b.toml"][which]);
        let args = ["--config", config.to_str().unwrap(), "--ready-json", "--log", "info"];
        let mut node = self.spawn(SERVERS[which], "roved", args);
        let ready = node.ready(PATIENCE);
        assert_eq!(ready["irmv"][0], self.irmv[which].to_string(), "{ready}");
        self.nodes[which] = Some(node);
        ready
    }

    /// Adds a zone to what A's name server has; starts A again.
    pub(crate) fn add_zone(&mut self, text: &str) {
        self.kill(A);
        let path = self.path("a.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        write(&path, &format!("{config}{text}"));
        self.start(A);
    }

    /// Starts both servers again, as part of the search network: the second begins with the first.
    pub(crate) fn join_search(&mut self) {
        let mut peers = String::new();
        for (which, file) in [(A, "a.toml"), (B, "b.toml")] {
            self.kill(which);
            let (path, ip) = (self.path(file), self.irmv[which].ip());
            let text = std::fs::read_to_string(&path).unwrap();
            write(&path, &format!("{text}\n[irmv.search]\nlisten = \"{ip}:0\"\npeers = [{peers}]\n"));
            let ready = self.start(which);
            peers = format!("\"{}\"", ready["search"].as_str().unwrap_or_else(|| panic!("{ready}")));
        }
    }

    /// Starts a server again with one line more in its section `[irmv]`.
    pub(crate) fn say(&mut self, which: usize, line: &str) {
        self.change(which, "[irmv]\n", &format!("[irmv]\n{line}\n"));
    }

    /// Starts a server again with something else in its configuration.
    pub(crate) fn change(&mut self, which: usize, from: &str, to: &str) {
        self.kill(which);
        let path = self.path(["a.toml", "b.toml"][which]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        write(&path, &text.replacen(from, to, 1));
        self.start(which);
    }

    /// Ends a server as a power failure would.
    pub(crate) fn kill(&mut self, which: usize) {
        self.nodes[which] = None;
    }

    /// A phone's command, with what it has to know of its operator's server.
    pub(crate) fn rove(&self, which: usize, key: &str, args: &[&str]) -> Running {
        let listen = format!("{}:0", self.phones[which]);
        let (server, ca) = (self.irmv[which].to_string(), self.path("ca.pem"));
        let names = self.names.to_string();
        let (domain, key) = (["a.example", "b.example"][which], self.path(key));
        let own = [
            ("--listen", listen.as_str()),
            ("--dns-server", &names),
            ("--irmv-server", &server),
            ("--irmv-domain", domain),
            ("--irmv-key", key.to_str().unwrap()),
            ("--tls-ca", ca.to_str().unwrap()),
        ];
        let own = own.iter().flat_map(|(flag, value)| [*flag, *value]);
        self.spawn(PHONES[which], "rove", args.iter().copied().chain(own))
    }

    /// Somebody who answers calls. Tells where.
    pub(crate) fn answers(&self, which: usize, name: &str, more: &[&str]) -> (Running, SocketAddr) {
        let args = [&["answer", "--register", name, "--ready-json"], more].concat();
        let mut phone = self.rove(which, &format!("{name}.key"), &args);
        let ready = phone.ready(PATIENCE);
        let at = ready["sip"][0].as_str().unwrap_or_else(|| panic!("{}", phone.complaints()));
        (phone, at.parse().unwrap())
    }

    /// What the server of somebody says of a target: exit code and lines.
    pub(crate) fn looks_up(&self, which: usize, target: &str) -> (i32, String) {
        let (code, said, complaints) = self.rove(which, "asker.key", &["lookup", target]).outcome(PATIENCE);
        (code, said + &complaints)
    }

    /// Asks until nobody is there.
    pub(crate) fn gone(&self, which: usize, target: &str) {
        self.until(|| self.looks_up(which, target), |(code, _)| *code != 0);
    }

    /// Asks until the answer has `part` in it.
    pub(crate) fn sees(&self, which: usize, target: &str, part: &str) -> String {
        self.until(|| self.looks_up(which, target), |(_, said)| said.contains(part)).1
    }

    /// Asks until the answer, which is an exit code and lines, is as it should be.
    pub(crate) fn until(
        &self,
        ask: impl Fn() -> (i32, String),
        is_right: impl Fn(&(i32, String)) -> bool,
    ) -> (i32, String) {
        // Who asks too often is not answered any more.
        let (until, mut pause) = (Instant::now() + PATIENCE, Duration::from_millis(100));
        loop {
            let answer = ask();
            if is_right(&answer) {
                return answer;
            }
            let nodes =
                || self.nodes.iter().flatten().map(Running::complaints).collect::<Vec<_>>().join("\n--\n");
            assert!(Instant::now() < until, "{answer:?}\n{}", nodes());
            std::thread::park_timeout(pause);
            pause = (2 * pause).min(Duration::from_secs(4));
        }
    }
}
