//! The three networks of the demo, their certificates and their one subscriber.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
};

use rove_node::{Node, NodeConfig, RunningNode};
use serde_json::{Value, json};

use super::NAME;
use crate::failure::Failure;

/// The visited networks' domains.
pub(super) const VISITED: [&str; 2] = ["a.example", "b.example"];
const DOMAINS: [&str; 3] = ["home.example", "a.example", "b.example"];
const IMSI: &str = "001010000000001";

/// All of it at work.
pub(super) struct Networks {
    _nodes: Vec<RunningNode>,
    /// Where each network answers for names; the home first.
    pub(super) names: [SocketAddr; 3],
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

/// This network's own address.
const fn ip(network: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, [10, 20, 30][network], 1)
}

/// An address that nobody listens at, for datagrams and streams.
fn free(ip: Ipv4Addr) -> Result<SocketAddr, Failure> {
    for _ in 0..64 {
        let tcp = TcpListener::bind((ip, 0)).map_err(fail)?;
        let address = tcp.local_addr().map_err(fail)?;
        if UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(fail(format!("{ip} has no free port")))
}

impl Networks {
    pub(super) fn start(dir: &Path) -> Result<Self, Failure> {
        certificates(dir)?;
        let each = |network: usize| free(ip(network));
        let names = [each(0)?, each(1)?, each(2)?];
        let links = [each(0)?, each(1)?, each(2)?];
        let attach = [each(1)?, each(2)?];
        let sip_port = free(Ipv4Addr::UNSPECIFIED)?.port();
        let mut nodes = Vec::new();
        for (network, domain) in DOMAINS.iter().enumerate() {
            // What an earlier demo left there is not this one's.
            let _ = std::fs::remove_file(dir.join(format!("{domain}.journal")));
            let text = config(network, names, links, attach, sip_port);
            let path = dir.join(format!("{domain}.toml"));
            write(&path, &text)?;
            nodes.push(Node::start(NodeConfig::read(&path).map_err(fail)?).map_err(fail)?);
        }
        let sim = dir.join("sim.toml");
        let _ = std::fs::remove_file(dir.join("sim.toml.taken"));
        let (k, opc) = ("465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf");
        write(&sim, &format!("imsi = \"{IMSI}\"\nk = \"{k}\"\nopc = \"{opc}\"\n"))?;
        subscribe(
            &dir.join("home.sock"),
            &json!({ "add": { "imsi": IMSI, "name": NAME, "k": k, "opc": opc } }),
        )?;
        Ok(Self { _nodes: nodes, names, attach, sip_port, sim, authority: dir.join("ca.pem") })
    }
}

fn config(
    network: usize,
    names: [SocketAddr; 3],
    links: [SocketAddr; 3],
    attach: [SocketAddr; 2],
    sip_port: u16,
) -> String {
    let domain = DOMAINS[network];
    let mut text = format!(
        "[journal]\npath = \"{domain}.journal\"\n[roaming]\nnetwork = \"{domain}\"\nplmn = \"0010{}\"\n\
         title = \"4670000000{}\"\nlisten = [\"{}\"]\ncertificate = \"{domain}.pem\"\nkey = \"{domain}.key\"\n\
         authorities = [\"ca.pem\"]\n[dns]\nlisten = [\"{}\"]\n",
        network + 1,
        network + 1,
        links[network],
        names[network]
    );
    let partner = |other: usize| {
        let [a, b, c, _] = ip(other).octets();
        format!(
            "[[partner]]\nname = \"{}\"\nplmn = \"0010{}\"\ntitle = \"4670000000{}\"\naddress = \"{}\"\n\
             prefixes = [\"{a}.{b}.{c}.0/24\"]\n",
            DOMAINS[other],
            other + 1,
            other + 1,
            links[other]
        )
    };
    if network == 0 {
        let host = NAME.split('.').next().unwrap_or_default();
        text += &format!(
            "[[dns.zone]]\norigin = \"{domain}\"\nnegative_ttl = 1\n\
             records = [\"_sip._udp.{host} SRV 10 0 {sip_port} {host}\"]\n[home]\ncontrol = \"home.sock\"\n"
        );
        text += &(partner(1) + &partner(2));
    } else {
        let [a, b, c, _] = ip(network).octets();
        text += &format!(
            "[[dns.zone]]\norigin = \"{c}.{b}.{a}.in-addr.arpa\"\nnegative_ttl = 1\n\
             [visited]\nlisten = [\"{}\"]\n[pool]\nranges = [\"{a}.{b}.{c}.100-{a}.{b}.{c}.199\"]\n\
             server = \"{}\"\n",
            attach[network - 1],
            ip(network)
        );
        text += &partner(0);
    }
    text
}

/// An authority, and what it gives each network.
fn certificates(dir: &Path) -> Result<(), Failure> {
    let mut params = rcgen::CertificateParams::new(Vec::new()).map_err(fail)?;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().map_err(fail)?;
    let issuer = rcgen::CertifiedIssuer::self_signed(params, key).map_err(fail)?;
    write(&dir.join("ca.pem"), &issuer.pem())?;
    for domain in DOMAINS {
        let key = rcgen::KeyPair::generate().map_err(fail)?;
        let params = rcgen::CertificateParams::new(vec![domain.to_owned()]).map_err(fail)?;
        let own = params.signed_by(&key, &issuer).map_err(fail)?;
        write(&dir.join(format!("{domain}.pem")), &own.pem())?;
        write(&dir.join(format!("{domain}.key")), &key.serialize_pem())?;
    }
    Ok(())
}

/// Writes what its owner alone may read.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let named = |error: std::io::Error| fail(format!("{}: {error}", path.display()));
    std::fs::write(path, text).map_err(named)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(named)
}

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
        net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
        time::Duration,
    };

    /// The addresses of a name.
    pub(in super::super) fn forward(server: SocketAddr, name: &str) -> Vec<IpAddr> {
        let found = ask(server, name, 1).into_iter();
        found.filter_map(|rdata| Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(rdata).ok()?)))).collect()
    }

    /// How many names an address has.
    pub(in super::super) fn reverse(server: SocketAddr, ip: IpAddr) -> usize {
        let IpAddr::V4(ip) = ip else { return 0 };
        let [a, b, c, d] = ip.octets();
        ask(server, &format!("{d}.{c}.{b}.{a}.in-addr.arpa"), 12).len()
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
        let socket = UdpSocket::bind((server.ip(), 0)).ok()?;
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
