//! The three networks of the demo, their certificates and their one subscriber.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv6Addr, SocketAddr},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use rove_node::{Node, NodeConfig, RunningNode};
use serde_json::{Value, json};

use super::{
    super::made::{certificates, write},
    NAME,
    ground::{Ground, NETWORKS, Place},
    resolver::Resolver,
};
use crate::failure::Failure;

/// The visited networks' domains.
pub(super) const VISITED: [&str; 2] = ["a.example", "b.example"];
const DOMAINS: [&str; 3] = ["home.example", "a.example", "b.example"];
const IMSI: &str = "001010000000001";

/// All of it at work.
pub(super) struct Networks {
    _nodes: Vec<RunningNode>,
    _resolver: Option<Resolver>,
    /// Where each network answers for names; the home first.
    pub(super) names: [SocketAddr; 3],
    /// Whom phones ask for names.
    pub(super) resolver: SocketAddr,
    /// Where terminals attach.
    pub(super) attach: [SocketAddr; 2],
    /// Where the terminal takes calls.
    pub(super) sip_port: u16,
    pub(super) sim: PathBuf,
    pub(super) authority: PathBuf,
}

fn fail(error: impl std::fmt::Display) -> Failure {
    Failure::environment(error.to_string())
}

impl Networks {
    pub(super) fn start(dir: &Path, ground: &Ground, dhcp: bool) -> Result<Self, Failure> {
        certificates(dir, &DOMAINS)?;
        let each = |port: u16| {
            Ok::<_, Failure>([ground.listen(0, port)?, ground.listen(1, port)?, ground.listen(2, port)?])
        };
        let (names, links) = (each(53)?, each(2_905)?);
        let attach = [ground.attach(1)?, ground.attach(2)?];
        let sip_port = ground.sip_port()?;
        let plan = Plan { ground, names, links, attach: attach.map(|(here, _)| here), sip_port, dhcp };
        let mut nodes = Vec::new();
        for (network, domain) in DOMAINS.iter().enumerate() {
            // What an earlier demo left there is not this one's.
            let _ = std::fs::remove_file(dir.join(format!("{domain}.journal")));
            let path = dir.join(format!("{domain}.toml"));
            write(&path, &plan.config(network))?;
            nodes.push(start(ground, NETWORKS[network], &path)?);
        }
        let (mut resolver, mut asked) = (None, names[0]);
        if ground.is_real() {
            let path = dir.join("root.toml");
            write(&path, &plan.root())?;
            nodes.push(start(ground, Place::Core, &path)?);
            asked = SocketAddr::from(([10, 40, 0, 1], 53));
            let started = ground.at(Place::Core, || Resolver::start(asked, SocketAddr::from((ROOT, 53))))?;
            resolver = Some(started.map_err(fail)?);
        }
        let sim = dir.join("sim.toml");
        let _ = std::fs::remove_file(dir.join("sim.toml.taken"));
        let (k, opc) = ("465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf");
        write(&sim, &format!("imsi = \"{IMSI}\"\nk = \"{k}\"\nopc = \"{opc}\"\n"))?;
        subscribe(
            &dir.join("home.sock"),
            &json!({ "add": { "imsi": IMSI, "name": NAME, "k": k, "opc": opc } }),
        )?;
        Ok(Self {
            _nodes: nodes,
            _resolver: resolver,
            names,
            resolver: asked,
            attach: attach.map(|(_, there)| there),
            sip_port,
            sim,
            authority: dir.join("ca.pem"),
        })
    }
}

fn start(ground: &Ground, place: Place, path: &Path) -> Result<RunningNode, Failure> {
    let config = NodeConfig::read(path).map_err(fail)?;
    ground.at(place, || Node::start(config))?.map_err(fail)
}

/// Who listens where.
struct Plan<'a> {
    ground: &'a Ground,
    names: [SocketAddr; 3],
    links: [SocketAddr; 3],
    attach: [SocketAddr; 2],
    sip_port: u16,
    dhcp: bool,
}

impl Plan<'_> {
    fn config(&self, network: usize) -> String {
        let domain = DOMAINS[network];
        let mut text = format!(
            "[journal]\npath = \"{domain}.journal\"\n[roaming]\nnetwork = \"{domain}\"\nplmn = \"0010{}\"\n\
             title = \"4670000000{}\"\nlisten = [\"{}\"]\ncertificate = \"{domain}.pem\"\nkey = \"{domain}.key\"\n\
             authorities = [\"ca.pem\"]\n[dns]\nlisten = [\"{}\"]\n",
            network + 1,
            network + 1,
            self.links[network],
            self.names[network]
        );
        let ip = self.ground.address(network);
        if network == 0 {
            let (host, port) = (NAME.split('.').next().unwrap_or_default(), self.sip_port);
            text += &format!(
                "[[dns.zone]]\norigin = \"{domain}\"\nnegative_ttl = 1\n\
                 records = [\"_sip._udp.{host} SRV 10 0 {port} {host}\"]\n[home]\ncontrol = \"home.sock\"\n"
            );
            return text + &self.partner(1) + &self.partner(2);
        }
        let [a, b, c, _] = ip.octets();
        let addresses = match self.ground.prefix6(network) {
            Some(prefix) => format!("prefix6 = \"{prefix}\""),
            None => format!("ranges = [\"{a}.{b}.{c}.100-{a}.{b}.{c}.199\"]"),
        };
        let dhcp = if self.dhcp { "interface = \"air\"\n" } else { "" };
        text += &format!(
            "[[dns.zone]]\norigin = \"{}\"\nnegative_ttl = 1\n[visited]\nlisten = [\"{}\"]\n\
             [pool]\n{addresses}\nserver = \"{ip}\"\n{dhcp}",
            self.reverse(network),
            self.attach[network - 1],
        );
        text + &self.partner(0)
    }

    fn partner(&self, other: usize) -> String {
        let [a, b, c, _] = self.ground.address(other).octets();
        format!(
            "[[partner]]\nname = \"{}\"\nplmn = \"0010{}\"\ntitle = \"4670000000{}\"\naddress = \"{}\"\n\
             prefixes = [\"{}\"]\n",
            DOMAINS[other],
            other + 1,
            other + 1,
            self.links[other],
            self.ground.prefix6(other).unwrap_or_else(|| format!("{a}.{b}.{c}.0/24"))
        )
    }

    /// The zone of a network's addresses.
    fn reverse(&self, network: usize) -> String {
        let [a, b, c, _] = self.ground.address(network).octets();
        match self.ground.prefix6(network) {
            Some(prefix) => {
                let prefix = prefix.trim_end_matches("/64").parse().unwrap_or(Ipv6Addr::UNSPECIFIED);
                let labels: Vec<_> = asked::nibbles(prefix).skip(16).collect();
                format!("{}.ip6.arpa", labels.join("."))
            }
            None => format!("{c}.{b}.{a}.in-addr.arpa"),
        }
    }

    /// The root of names, which knows who is responsible for what and nothing else.
    fn root(&self) -> String {
        let records: Vec<_> = (0..DOMAINS.len())
            .flat_map(|network| {
                let (domain, ip) = (DOMAINS[network], self.ground.address(network));
                let zone = if network == 0 { domain.to_owned() } else { self.reverse(network) };
                [format!("\"{zone}. NS ns.{domain}.\""), format!("\"ns.{domain}. A {ip}\"")]
            })
            .collect();
        format!(
            "[dns]\nlisten = [\"{ROOT}:53\"]\n[[dns.zone]]\norigin = \".\"\nprimary = \"root.\"\n\
             hostmaster = \"hostmaster.root.\"\nrecords = [{}]\n",
            records.join(", ")
        )
    }
}

/// Where the root of names is.
const ROOT: std::net::Ipv4Addr = std::net::Ipv4Addr::new(10, 9, 0, 53);

fn subscribe(socket: &Path, order: &Value) -> Result<(), Failure> {
    let mut stream = UnixStream::connect(socket).map_err(fail)?;
    stream.write_all(format!("{order}\n").as_bytes()).map_err(fail)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(fail)?;
    match serde_json::from_str::<Value>(&line).map_err(fail)?["error"].as_str() {
        Some(error) => Err(fail(error)),
        None => Ok(()),
    }
}

/// Questions for names, as any resolver asks them.
pub(super) mod asked {
    use std::{
        net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
        time::Duration,
    };

    /// The addresses of a name.
    pub(in super::super) fn forward(server: SocketAddr, name: &str) -> Vec<IpAddr> {
        let v4 = |rdata: Vec<u8>| Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(rdata).ok()?)));
        let v6 = |rdata: Vec<u8>| Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(rdata).ok()?)));
        let (a, aaaa) = (ask(server, name, 1), ask(server, name, 28));
        a.into_iter().filter_map(v4).chain(aaaa.into_iter().filter_map(v6)).collect()
    }

    /// The digits of an address, last first.
    pub(in super::super) fn nibbles(ip: Ipv6Addr) -> impl Iterator<Item = String> {
        ip.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]).map(|half| format!("{half:x}"))
    }

    /// How many names an address has.
    pub(in super::super) fn reverse(server: SocketAddr, ip: IpAddr) -> usize {
        let name = match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(ip) => format!("{}.ip6.arpa", nibbles(ip).collect::<Vec<_>>().join(".")),
        };
        ask(server, &name, 12).len()
    }

    /// The contents of each record of the answer; none when there is no answer.
    fn ask(server: SocketAddr, name: &str, rtype: u8) -> Vec<Vec<u8>> {
        try_ask(server, name, rtype).unwrap_or_default()
    }

    fn try_ask(server: SocketAddr, name: &str, rtype: u8) -> Option<Vec<Vec<u8>>> {
        let mut question = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            question.push(u8::try_from(label.len()).ok()?);
            question.extend_from_slice(label.as_bytes());
        }
        question.extend_from_slice(&[0, 0, rtype, 0, 1]);
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        socket.send_to(&question, server).ok()?;
        let mut buffer = [0; 1_500];
        let count = socket.recv(&mut buffer).ok()?;
        let answer = buffer.get(..count)?;
        let mut rest = answer.get(question.len()..)?;
        let mut found = Vec::new();
        for _ in 0..*answer.get(7)? {
            // The name is a pointer to that of the question.
            let length = usize::from(u16::from_be_bytes([*rest.get(10)?, *rest.get(11)?]));
            found.push(rest.get(12..12 + length)?.to_vec());
            rest = rest.get(12 + length..)?;
        }
        Some(found)
    }
}
