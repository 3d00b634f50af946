//! Debian's Knot and BIND as secondaries of a real node, and `knsupdate` as client: a change is there within
//! milliseconds, step by step, signed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

use std::{
    fs,
    io::Write as _,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use rove_base::UnixTime;
use rove_dns::{
    tsig::{TsigKey, sign},
    wire::{Name, Reader},
};
use rove_node::{Node, NodeConfig, RunningNode};
use rove_tests::{ports, programs::peer};

const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=";
const TRANSFER: &str = "dHJhbnNmZXIgdHJhbnNmZXIgdHJhbnNmZXIhISE=";
const PATIENCE: Duration = Duration::from_secs(30);

/// An address that is free for UDP and TCP.
fn free(ip: &str) -> SocketAddr {
    ports::free(ip.parse::<IpAddr>().unwrap())
}

fn node(folder: &Path, secondary: SocketAddr) -> RunningNode {
    let text = format!(
        r#"
[journal]
path = "journal"
[dns]
listen = ["127.0.0.1:0"]
[[dns.zone]]
origin = "home.example"
records = ["ns A 127.0.0.1", "alice A 192.0.2.1", "_sip._udp.alice SRV 10 0 5060 alice"]
secondary = [{{ address = "{secondary}", key = "transfer.example" }}]
[[dns.key]]
name = "transfer.example"
secret = "{TRANSFER}"
[[dns.key]]
name = "update.example"
secret = "{SECRET}"
[[dns.key.allow]]
zone = "home.example"
types = ["A", "AAAA"]
"#
    );
    let file = folder.join("roved.toml");
    fs::write(&file, text).unwrap();
    Node::start(NodeConfig::read(&file).unwrap()).unwrap()
}

/// A foreign server; ended with the test.
struct Secondary {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Secondary {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(program: &Path, arguments: &[&str], address: SocketAddr, folder: tempfile::TempDir) -> Secondary {
    let process = Command::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.path().join("log")).unwrap())
        .spawn()
        .expect("the server starts");
    Secondary { process, address, _folder: folder }
}

fn knot(primary: SocketAddr, address: SocketAddr) -> Option<Secondary> {
    let program = peer("knotd")?;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display();
    let (ip, port) = (address.ip(), address.port());
    let text = format!(
        "server:\n  rundir: {here}\n  listen: {ip}@{port}\ndatabase:\n  storage: {here}\n\
         key:\n  - id: transfer.example\n    algorithm: hmac-sha256\n    secret: {TRANSFER}\n\
         remote:\n  - id: primary\n    address: {}@{}\n    key: transfer.example\n\
         acl:\n  - id: told\n    address: 127.0.0.1\n    key: transfer.example\n    action: notify\n\
         zone:\n  - domain: home.example\n    storage: {here}\n    master: primary\n    acl: told\n",
        primary.ip(),
        primary.port()
    );
    let file = folder.path().join("knot.conf");
    fs::write(&file, text).unwrap();
    Some(spawn(&program, &["-c", &file.display().to_string()], address, folder))
}

/// As it comes BIND asks for the serials of all its zones 20 times a second, in bursts half a second apart, so that a
/// second change in quick succession waits that long; its manual names the option for that.
fn bind(primary: SocketAddr, address: SocketAddr) -> Option<Secondary> {
    let program = peer("named")?;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display();
    let (ip, port) = (address.ip(), address.port());
    let text = format!(
        "options {{ directory \"{here}\"; pid-file none; listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }};\n\
         recursion no; dnssec-validation no; session-keyfile none; serial-query-rate 1000; }};\ncontrols {{ }};\n\
         key \"transfer.example\" {{ algorithm hmac-sha256; secret \"{TRANSFER}\"; }};\n\
         zone \"home.example\" {{ type secondary; file \"home\"; masterfile-format text;\n\
         primaries {{ {} port {} key \"transfer.example\"; }}; }};\n",
        primary.ip(),
        primary.port()
    );
    let file = folder.path().join("named.conf");
    fs::write(&file, text).unwrap();
    Some(spawn(&program, &["-g", "-n", "1", "-c", &file.display().to_string()], address, folder))
}

fn exchange(server: SocketAddr, message: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send_to(message, server).unwrap();
    let mut answer = [0; 4_096];
    let (len, _) = socket.recv_from(&mut answer).ok()?;
    Some(answer[..len].to_vec())
}

/// The address of `host` at `server`.
fn address(server: SocketAddr, host: &str) -> Option<Vec<u8>> {
    let name: Name = host.parse().unwrap();
    let mut question = [5, 0, 1, 0, 0, 0].map(u16::to_be_bytes).concat();
    question.extend_from_slice(name.as_wire());
    question.extend_from_slice(&[0, 1, 0, 1]);
    let answer = exchange(server, &question, Duration::from_millis(200))?;
    let mut reader = Reader::new(&answer);
    let header = reader.header().ok()?;
    reader.question().ok()?;
    let record = if header.counts[1] > 0 { reader.record().ok()? } else { return None };
    answer.get(record.rdata).map(<[u8]>::to_vec)
}

fn wait_for(server: SocketAddr, host: &str, expected: &[u8]) -> Duration {
    let start = Instant::now();
    while address(server, host).as_deref() != Some(expected) {
        assert!(start.elapsed() < PATIENCE, "{host} never was {expected:?} at {server}");
    }
    start.elapsed()
}

/// Moves `bob`, and answers when that was acknowledged.
fn move_bob(server: SocketAddr, id: u16, last: u8) -> Instant {
    let (zone, bob): (Name, Name) = ("home.example".parse().unwrap(), "bob.home.example".parse().unwrap());
    let mut message = [id, 0x2800, 1, 0, 2, 0].map(u16::to_be_bytes).concat();
    message.extend_from_slice(zone.as_wire());
    message.extend_from_slice(&[0, 6, 0, 1]);
    message.extend_from_slice(bob.as_wire());
    message.extend_from_slice(&[0, 1, 0, 255, 0, 0, 0, 0, 0, 0]);
    message.extend_from_slice(bob.as_wire());
    message.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 192, 0, 2, last]);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let key = TsigKey::from_base64("update.example", SECRET).unwrap();
    sign(&mut message, &key, UnixTime::from_secs(now.as_secs()), None);
    let answer = exchange(server, &message, PATIENCE).expect("the node answers");
    assert_eq!(answer[3] & 0x0f, 0, "the update is taken");
    Instant::now()
}

fn follows(name: &str, start: impl Fn(SocketAddr, SocketAddr) -> Option<Secondary>) {
    let folder = tempfile::tempdir().unwrap();
    let at = free("127.0.0.1");
    let node = node(folder.path(), at);
    let primary = node.dns_addresses()[0];
    let Some(secondary) = start(primary, at) else { return };
    wait_for(secondary.address, "alice.home.example", &[192, 0, 2, 1]);
    let mut delays = Vec::new();
    for last in 1..=20_u8 {
        let acknowledged = move_bob(primary, u16::from(last), last);
        wait_for(secondary.address, "bob.home.example", &[192, 0, 2, last]);
        delays.push(acknowledged.elapsed());
        std::thread::yield_now();
    }
    delays.sort_unstable();
    println!("{name} has it {:?} (median), {:?} (longest) after", delays[10], delays[19]);
    assert!(delays[10] <= Duration::from_millis(50), "{delays:?}");
}

#[test]
fn knot_sees_a_change_within_50_ms() {
    follows("Knot", knot);
}

#[test]
fn bind_sees_a_change_within_50_ms() {
    follows("BIND", bind);
}

#[test]
fn knsupdate_changes_what_its_key_may_and_kdig_transfers_with_the_key_alone() {
    let (Some(knsupdate), Some(kdig)) = (peer("knsupdate"), peer("kdig")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path(), free("127.0.0.1"));
    let server = node.dns_addresses()[0];
    let update = |lines: &str| {
        let mut process = Command::new(&knsupdate)
            .args(["-y", &format!("hmac-sha256:update.example:{SECRET}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let script = format!("server {} {}\nzone home.example.\n{lines}\nsend\n", server.ip(), server.port());
        process.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    assert_eq!(update("add bob.home.example. 5 A 192.0.2.7"), "");
    assert_eq!(address(server, "bob.home.example"), Some(vec![192, 0, 2, 7]));
    let refused = update("add bob.home.example. 5 SRV 0 0 5060 bob.home.example.");
    assert!(refused.contains("REFUSED"), "its key is for addresses: {refused}");

    let dig = |options: &[&str]| {
        let at = format!("@{}", server.ip());
        let output = Command::new(&kdig)
            .args([&at, "-p", &server.port().to_string(), "+time=20", "+retry=0"])
            .args(options)
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let key = format!("hmac-sha256:transfer.example:{TRANSFER}");
    let whole = dig(&["-y", &key, "home.example", "AXFR"]);
    assert!(whole.contains("_sip._udp.alice.home.example.") && whole.contains("192.0.2.7"), "{whole}");
    assert!(!whole.contains("TSIG verification failed"), "{whole}");
    let steps = dig(&["-y", &key, "home.example", "IXFR=1"]);
    assert_eq!(steps.matches("SOA").count(), 4, "{steps}");
    let unsigned = dig(&["home.example", "AXFR"]);
    assert!(unsigned.contains("REFUSED") && !unsigned.contains("192.0.2.7"), "{unsigned}");
}
