//! The same roam with existing servers: names at BIND or Knot, addresses at Kea, told by `roved`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};

use rove_phone::roaming::{Access, AkaKeys, Attachment, SimCredential, TerminalConfig, TerminalEvent, Usim};
use rove_tests::programs::{Running, program};

use crate::{
    daemons::{Kea, Make, NameServer, SECRET, key_of},
    programs::{K, OPC, answers, free, write},
};

const PATIENCE: Duration = Duration::from_secs(30);
const ZONES: [&str; 3] = ["home.example", "20.0.127.in-addr.arpa", "30.0.127.in-addr.arpa"];
const NETWORKS: [&str; 3] = ["home", "a", "b"];

/// A home, two visited networks, and the servers that they had before.
struct Place {
    folder: tempfile::TempDir,
    names: NameServer,
    keas: Vec<Kea>,
    attach: [SocketAddr; 2],
    nodes: Vec<Running>,
}

fn certificates(folder: &Path) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    write(&folder.join("ca.pem"), &issuer.pem());
    for name in NETWORKS {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec![format!("{name}.example")];
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        write(&folder.join(format!("{name}.pem")), &own.pem());
        write(&folder.join(format!("{name}.key")), &key.serialize_pem());
    }
}

fn elsewhere(section: &str, server: SocketAddr, zone: &str) -> String {
    let key = key_of(zone);
    format!(
        "[{section}.rfc2136]\nserver = \"{server}\"\nzones = [\"{zone}\"]\n\
         key = {{ name = \"{key}\", secret = \"{SECRET}\" }}\n"
    )
}

impl Place {
    fn new(make: Make, with_kea: bool) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let names = NameServer::start(make, Ipv4Addr::LOCALHOST, folder.path(), &ZONES)?;
        let mut keas = Vec::new();
        for prefix in ["127.0.20", "127.0.30"].iter().filter(|_| with_kea) {
            keas.push(Kea::start(folder.path(), prefix)?);
        }
        certificates(folder.path());
        let ips = [10, 20, 30].map(|third| Ipv4Addr::new(127, 0, third, 1));
        let links = ips.map(free);
        let attach = [free(ips[1]), free(ips[2])];
        for (index, network) in NETWORKS.iter().enumerate() {
            let mut text = format!(
                "[journal]\npath = \"{network}.journal\"\n[roaming]\nnetwork = \"{network}.example\"\n\
                 plmn = \"0010{}\"\ntitle = \"4670000000{}\"\nlisten = [\"{}\"]\n\
                 certificate = \"{network}.pem\"\nkey = \"{network}.key\"\nauthorities = [\"ca.pem\"]\n",
                index + 1,
                index + 1,
                links[index]
            );
            if index == 0 {
                text += "[home]\ncontrol = \"home.sock\"\ndns = \"rfc2136\"\n";
                text += &elsewhere("home", names.address, ZONES[0]);
            } else {
                let pool = if with_kea { "pool = \"kea\"\n" } else { "" };
                text += &format!(
                    "[visited]\nlisten = [\"{}\"]\ncontrol = \"{network}.sock\"\ndns = \"rfc2136\"\n{pool}",
                    attach[index - 1]
                );
                text += &elsewhere("visited", names.address, ZONES[index]);
                if let Some(kea) = keas.get(index - 1) {
                    text += &format!("[visited.kea]\nsocket = \"{}\"\n", kea.socket.display());
                }
                let third = (index + 1) * 10;
                text += &format!(
                    "[pool]\nranges = [\"127.0.{third}.100-127.0.{third}.119\"]\nserver = \"127.0.{third}.1\"\n"
                );
            }
            for (other, name) in
                NETWORKS.iter().enumerate().filter(|(other, _)| (*other == 0) != (index == 0))
            {
                text += &format!(
                    "[[partner]]\nname = \"{name}.example\"\nplmn = \"0010{}\"\ntitle = \"4670000000{}\"\n\
                     address = \"{}\"\nprefixes = [\"127.0.{}.0/24\"]\n",
                    other + 1,
                    other + 1,
                    links[other],
                    (other + 1) * 10
                );
            }
            write(&folder.path().join(format!("{network}.toml")), &text);
        }
        let mut place = Self { folder, names, keas, attach, nodes: Vec::new() };
        place.nodes = NETWORKS.iter().map(|network| place.start(network)).collect();
        Some(place)
    }

    fn start(&self, network: &str) -> Running {
        let config = self.folder.path().join(format!("{network}.toml"));
        let args = ["--config", config.to_str().unwrap(), "--ready-json", "--log", "info"];
        let mut node = Running::start(&program("roved"), args);
        node.ready(PATIENCE);
        node
    }

    fn roved(&self, network: &str, args: &[&str]) -> String {
        let config = self.folder.path().join(format!("{network}.toml")).display().to_string();
        let args = args.iter().copied().chain(["--config", &config]);
        let (code, said, complaints) = Running::start(&program("roved"), args).outcome(PATIENCE);
        assert_eq!(code, 0, "{said} {complaints}");
        said
    }

    fn subscribe(&self) {
        let keys = self.folder.path().join("keys.toml");
        write(&keys, &format!("k = \"{K}\"\nopc = \"{OPC}\"\n"));
        let keys = keys.display().to_string();
        self.roved("home", &["subscriber", "add", "001010000000001", "t1.home.example", "--sim", &keys]);
    }

    fn terminal(&self) -> Attachment {
        let config = TerminalConfig { imsi: "001010000000001".parse().unwrap(), name: None, dhcp: false };
        let bits = |text| u128::from_str_radix(text, 16).unwrap().to_be_bytes();
        let credential = Box::new(SimCredential::new(Usim::new(AkaKeys::new(bits(K), bits(OPC)))));
        Attachment::start(config, credential, vec![self.folder.path().join("ca.pem")]).unwrap()
    }

    /// Attaches, as often as it takes while the servers find each other.
    fn attach(&self, terminal: &Attachment, which: usize) -> Ipv4Addr {
        let start = Instant::now();
        loop {
            terminal.attach(Access { address: self.attach[which], network: None });
            let told = wait(terminal, |event| {
                matches!(event, TerminalEvent::Attached { .. } | TerminalEvent::Refused(_))
            });
            match told {
                TerminalEvent::Attached { addresses, .. } => return addresses.v4.unwrap(),
                other => assert!(start.elapsed() < PATIENCE, "{other:?}"),
            }
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }

    fn forward(&self) -> Vec<Vec<u8>> {
        answers(self.names.address, "t1.home.example", 1)
    }

    fn reverse(&self, ip: Ipv4Addr) -> Vec<Vec<u8>> {
        let name = rove_dns::update::reverse_name(IpAddr::V4(ip)).to_string();
        answers(self.names.address, name.trim_end_matches('.'), 12)
    }

    /// What Kea has of an address soon, when there is a Kea.
    fn is_leased(&self, which: usize, ip: Ipv4Addr, wanted: bool) {
        let Some(kea) = self.keas.get(which) else { return };
        let start = Instant::now();
        loop {
            let lease = kea.lease(ip);
            if lease.is_some_and(|secs| (secs < u64::from(u32::MAX)) == wanted) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{ip}: {lease:?}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

fn wait(terminal: &Attachment, wanted: impl Fn(&TerminalEvent) -> bool) -> TerminalEvent {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match terminal.next_event(Duration::from_millis(100)) {
            Some(event) if wanted(&event) => return event,
            _ => {}
        }
    }
    panic!("nothing came of it");
}

/// Attach, resolve both ways, roam, crash, leave: with whatever servers.
fn whole_flow(place: Place) {
    let mut place = place;
    place.subscribe();
    let terminal = place.terminal();
    let first = place.attach(&terminal, 0);
    assert_eq!(place.forward(), [first.octets().to_vec()], "it is told when the name leads there");
    assert_eq!(place.reverse(first).len(), 1, "and back");
    place.is_leased(0, first, true);
    let second = place.attach(&terminal, 1);
    assert_eq!(place.forward(), [second.octets().to_vec()], "the name has moved");
    assert_eq!(place.reverse(second).len(), 1);
    place.is_leased(1, second, true);
    let start = Instant::now();
    while !place.reverse(first).is_empty() {
        assert!(start.elapsed() < PATIENCE, "what it left stays behind");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    place.is_leased(0, first, false);
    drop(place.nodes.remove(0));
    place.nodes.insert(0, place.start("home"));
    assert_eq!(
        place.forward(),
        [second.octets().to_vec()],
        "a home that was started again takes nothing away"
    );
    let told = place.roved("b", &["metrics"]);
    assert!(told.contains("rove_visited_attached_total 1"), "{told}");
    terminal.detach();
    wait(&terminal, |event| matches!(event, TerminalEvent::Detached));
    let start = Instant::now();
    // The home's link may still be on its way up.
    while !(place.forward().is_empty() && place.reverse(second).is_empty()) {
        assert!(start.elapsed() < PATIENCE, "names stay behind");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    place.is_leased(1, second, false);
}

#[test]
fn a25_a_roam_with_the_names_at_bind_and_the_addresses_at_kea() {
    if let Some(place) = Place::new(Make::Bind, true) {
        whole_flow(place);
    }
}

#[test]
fn a25_a_roam_with_the_names_at_knot() {
    if let Some(place) = Place::new(Make::Knot, false) {
        whole_flow(place);
    }
}
