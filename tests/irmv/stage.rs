//! `roved` of two operators, each for a domain of its own, found by DNS; and `rove` as their users.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, program};

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

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn certificates(folder: &Path) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    write(&folder.join("ca.pem"), &issuer.pem());
    for name in ["a", "b"] {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec![format!("{name}.example")];
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        write(&folder.join(format!("{name}.pem")), &own.pem());
        write(&folder.join(format!("{name}.key")), &key.serialize_pem());
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let ips = [Ipv4Addr::new(127, 0, 30, 1), Ipv4Addr::new(127, 0, 40, 1)];
        let (irmv, sip, names) = (ips.map(free), ips.map(free), free(ips[A]));
        let zone = |domain: &str, at: SocketAddr| {
            format!(
                "[[dns.zone]]\norigin = \"{domain}\"\nnegative_ttl = 1\n\
                 records = [\"_irmv._udp SRV 0 0 {} irmv\", \"irmv A {}\"]\n",
                at.port(),
                at.ip()
            )
        };
        let own = |name: &str, which: usize| {
            format!(
                "[journal]\npath = \"{name}.journal\"\n\
                 [irmv]\nlisten = [\"{}\"]\ndomain = \"{name}.example\"\ncertificate = \"{name}.pem\"\n\
                 key = \"{name}.key\"\nauthorities = \"ca.pem\"\nsigning_key = \"{name}.signing\"\nopen = true\nshown_to = \"anybody\"\n\
                 dns_servers = [\"{names}\"]\n\
                 [[irmv.user]]\nname = \"number@{name}.example\"\nnumber = \"+4670123456{which}\"\n\
                 [[irmv.user]]\nname = \"listed@{name}.example\"\nlisted = true\n\
                 [sip]\ndomains = [\"{name}.example\"]\nauth = false\nmode = \"redirect\"\n\
                 [sip.listen]\nudp = [\"{}\"]\n",
                irmv[which], sip[which]
            )
        };
        let dns = format!("[dns]\nlisten = [\"{names}\"]\n")
            + &zone("a.example", irmv[A])
            + &zone("b.example", irmv[B]);
        write(&folder.path().join("a.toml"), &(own("a", A) + &dns));
        write(&folder.path().join("b.toml"), &own("b", B));
        let phones = [Ipv4Addr::new(127, 0, 30, 9), Ipv4Addr::new(127, 0, 40, 9)];
        let mut stage = Self { folder, nodes: [None, None], irmv, sip, names, phones };
        for which in [A, B] {
            stage.start(which);
        }
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a server, again if it ran before.
    pub(crate) fn start(&mut self, which: usize) -> serde_json::Value {
        let config = self.path(["a.toml", "b.toml"][which]);
        let args = ["--config", config.to_str().unwrap(), "--ready-json", "--log", "info"];
        let mut node = Running::start(&program("roved"), args);
        let ready = node.ready(PATIENCE);
        assert_eq!(ready["irmv"][0], self.irmv[which].to_string(), "{ready}");
        self.nodes[which] = Some(node);
        ready
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
        Running::start(&program("rove"), args.iter().copied().chain(own))
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
        let until = Instant::now() + PATIENCE;
        while let (0, said) = self.looks_up(which, target) {
            assert!(Instant::now() < until, "{said}");
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Asks until the answer has `part` in it.
    pub(crate) fn sees(&self, which: usize, target: &str, part: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let (_, said) = self.looks_up(which, target);
            if said.contains(part) {
                return said;
            }
            assert!(Instant::now() < until, "{part}: {said}");
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}
