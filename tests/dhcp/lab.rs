//! A home, two visited networks and a caller's: the nodes are `roved`s in one namespace, which also forwards between the
//! cables to the terminal and to the caller.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, ip, program};
use serde_json::Value;

use crate::{
    place::{inside, settle_at_once},
    server::PATIENCE,
};

/// Three namespaces and the nodes between them. Goes away when it is dropped.
pub(crate) struct Lab {
    core: String,
    terminal: String,
    caller: String,
    pub(crate) folder: tempfile::TempDir,
    nodes: Vec<Option<Running>>,
}

/// Cables of the terminal, in the order of the visited networks.
pub(crate) const AIR: [&str; 2] = ["air-a", "air-b"];
const NET: [&str; 2] = ["net-a", "net-b"];
/// The home's name server.
pub(crate) const HOME: &str = "10.30.0.1";
pub(crate) const NAME: &str = "t1.home.example";
const DOMAINS: [&str; 3] = ["home.example", "a.example", "b.example"];
const KEYS: &str = "k = \"465b5ce8b199b49faa5f0a2ee238a6bc\"\nopc = \"cd63cb71954a9f4e48a5994e37a02baf\"\n";

impl Lab {
    /// Its nodes give address leases of so many seconds. `None`, said aloud, where namespaces may not be made.
    pub(crate) fn new(lease: u32) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let name = |what: &str| format!("rove-lab-{what}-{id}");
        let folder = tempfile::tempdir().unwrap();
        let mut lab =
            Self { core: name("c"), terminal: name("t"), caller: name("h"), folder, nodes: Vec::new() };
        let made = [&lab.core, &lab.terminal, &lab.caller].iter().all(|space| ip(&["netns", "add", space]));
        if !(made && lab.cables()) {
            println!("skipped: no network namespaces may be made here");
            return None;
        }
        certificates(lab.folder.path());
        lab.file("sim.toml", &format!("imsi = \"001010000000001\"\n{KEYS}"));
        lab.file("keys.toml", KEYS);
        for network in 0..DOMAINS.len() {
            lab.file(&format!("{network}.toml"), &lab.config(network, lease));
            lab.nodes.push(None);
            lab.start(network);
        }
        let (keys, config) = (lab.path("keys.toml"), lab.path("0.toml"));
        let args = ["subscriber", "add", "001010000000001", NAME, "--sim", &keys, "--config", &config];
        let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
        assert_eq!(code, 0, "{said} {complaints}");
        Some(lab)
    }

    fn cables(&self) -> bool {
        let (core, terminal, caller) = (self.core.as_str(), self.terminal.as_str(), self.caller.as_str());
        let cable = |here: &str, there: &str, space: &str| {
            let peer = ["type", "veth", "peer", "name", there, "netns", space];
            ip(&[&["-n", core, "link", "add", here], &peer[..]].concat())
        };
        let address = |space: &str, device: &str, text: &str| {
            let dad: &[&str] = if text.contains(':') { &["nodad"] } else { &[] };
            ip(&[&["-n", space, "address", "add", text, "dev", device], dad].concat())
        };
        let up = |space: &str, device: &str| ip(&["-n", space, "link", "set", device, "up"]);
        let visited = (0..2).all(|at| {
            let n = at + 21;
            cable(NET[at], AIR[at], terminal)
                && address(core, NET[at], &format!("10.{n}.0.1/24"))
                && address(core, NET[at], &format!("2001:db8:{n}::1/64"))
                && address(core, NET[at], "fe80::1/64")
                && address(terminal, AIR[at], "fe80::7/64")
                && up(core, NET[at])
                && inside(terminal, move || settle_at_once(AIR[at]))
                && up(terminal, AIR[at])
        });
        let forward = || {
            ["ipv4/ip_forward", "ipv6/conf/all/forwarding"]
                .iter()
                .all(|key| fs::write(format!("/proc/sys/net/{key}"), "1").is_ok())
        };
        visited
            && cable("net-h", "eth0", caller)
            && address(core, "net-h", "10.30.0.1/24")
            && address(caller, "eth0", "10.30.0.2/24")
            && [core, terminal, caller].iter().all(|space| up(space, "lo"))
            && up(core, "net-h")
            && up(caller, "eth0")
            && ip(&["-n", caller, "route", "add", "default", "via", "10.30.0.1"])
            && inside(core, forward)
    }

    fn config(&self, network: usize, lease: u32) -> String {
        let at =
            |network: usize| if network == 0 { HOME.to_owned() } else { format!("10.{}.0.1", network + 20) };
        let (own, domain) = (at(network), DOMAINS[network]);
        let mut text = format!(
            "[journal]\npath = \"{network}.journal\"\n[roaming]\nnetwork = \"{domain}\"\nplmn = \"0010{}\"\n\
             title = \"4670000000{}\"\nlisten = [\"{own}:2905\"]\ncertificate = \"{network}.pem\"\n\
             key = \"{network}.key\"\nauthorities = [\"ca.pem\"]\n[dns]\nlisten = [\"{own}:53\"]\n",
            network + 1,
            network + 1
        );
        let partner = |other: usize| {
            let n = other + 20;
            format!(
                "[[partner]]\nname = \"{}\"\nplmn = \"0010{}\"\ntitle = \"4670000000{}\"\naddress = \"{}:2905\"\n\
                 prefixes = [\"10.{n}.0.0/24\", \"2001:db8:{n}::/64\"]\n",
                DOMAINS[other],
                other + 1,
                other + 1,
                at(other)
            )
        };
        if network == 0 {
            text += "[[dns.zone]]\norigin = \"home.example\"\nnegative_ttl = 1\n[home]\ncontrol = \"home.sock\"\n";
            return text + &partner(1) + &partner(2);
        }
        let (n, device) = (network + 20, NET[network - 1]);
        let index = self.index(&self.core, device);
        text + &format!(
            "[[dns.zone]]\norigin = \"0.{n}.10.in-addr.arpa\"\nnegative_ttl = 1\n\
             [[dns.zone]]\norigin = \"0.0.0.0.{}.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa\"\nnegative_ttl = 1\n\
             [visited]\nlisten = [\"[fe80::1%{index}]:4043\"]\naddress_lease = {lease}\n\
             [pool]\ninterface = \"{device}\"\nranges = [\"10.{n}.0.100-10.{n}.0.199\"]\nserver = \"{own}\"\n\
             router = \"{own}\"\ndns = [\"{HOME}\"]\nprefix6 = \"2001:db8:{n}::/64\"\n",
            n - 20
        ) + &partner(0)
    }

    /// The number of an interface.
    fn index(&self, space: &str, device: &str) -> u32 {
        let shown = Command::new("ip").args(["-n", space, "-o", "link", "show", device]).output().unwrap();
        String::from_utf8(shown.stdout).unwrap().split(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        write(self.folder.path(), name, text);
        self.path(name)
    }

    fn start(&mut self, network: usize) {
        let (program, config) = (program("roved"), self.path(&format!("{network}.toml")));
        let mut node =
            self.run(&self.core, &program, &["--config", &config, "--ready-json", "--log", "info"]);
        node.ready(PATIENCE);
        self.nodes[network] = Some(node);
    }

    fn run(&self, space: &str, program: &Path, args: &[&str]) -> Running {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", space]).arg(program).args(args);
        Running::spawn(command)
    }

    /// Starts a program at the terminal.
    pub(crate) fn terminal(&self, program: &Path, args: &[&str]) -> Running {
        self.run(&self.terminal, program, args)
    }

    /// Starts a program at the caller.
    pub(crate) fn caller(&self, program: &Path, args: &[&str]) -> Running {
        self.run(&self.caller, program, args)
    }

    /// Where the terminal has things to do with its own hands.
    pub(crate) fn in_terminal<T: Send + 'static>(&self, make: impl FnOnce() -> T + Send + 'static) -> T {
        inside(&self.terminal, make)
    }

    /// `ip` at the terminal.
    pub(crate) fn terminal_ip(&self, args: &[&str]) -> String {
        let shown = Command::new("ip").args(["-n", &self.terminal]).args(args).output().unwrap();
        String::from_utf8(shown.stdout).unwrap()
    }

    /// `rove attach` to a visited network, as often as it takes while nodes find each other; its first event.
    pub(crate) fn attach(&self, network: usize, more: &[&str]) -> (Running, Value) {
        let (sim, authority) = (self.path("sim.toml"), self.path("ca.pem"));
        let at = format!("[fe80::1%{}]:4043", self.index(&self.terminal, AIR[network]));
        let args = ["attach", &at, "--sim", &sim, "--authority", &authority, "--json"];
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut attach = self.terminal(&program("rove"), &[&args[..], more].concat());
            let told = attach.ready(PATIENCE);
            if told["event"] != "refused" {
                return (attach, told);
            }
            assert!(Instant::now() < deadline, "{told}");
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }

    /// What `dig` at the caller prints of a question to a network's name server, sorted.
    pub(crate) fn dig(&self, dig: &Path, server: &str, question: &[&str]) -> Vec<String> {
        let at = format!("@{server}");
        let args = [&[&at[..], "+short", "+tries=2", "+time=5"], question].concat();
        let (_, said, _) = self.caller(dig, &args).outcome(PATIENCE);
        let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Waits until `done`.
    pub(crate) fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            let complaints = || {
                let last = self.nodes.iter().flatten().map(Running::complaints);
                last.collect::<Vec<_>>().join("\n--\n")
            };
            assert!(Instant::now() < deadline, "{what} did not happen\n{}", complaints());
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.nodes.clear();
        for space in [&self.core, &self.terminal, &self.caller] {
            let _ = ip(&["netns", "delete", space]);
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path: PathBuf = folder.join(name);
    fs::write(&path, text).unwrap();
    // What is a script must run, and the rest is for its owner alone.
    let mode = if text.starts_with("#!") { 0o700 } else { 0o600 };
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

/// An authority, and a certificate of it for each network.
fn certificates(folder: &Path) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    write(folder, "ca.pem", &issuer.pem());
    for (network, domain) in DOMAINS.iter().enumerate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec![(*domain).to_owned()];
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        write(folder, &format!("{network}.pem"), &own.pem());
        write(folder, &format!("{network}.key"), &key.serialize_pem());
    }
}
