//! Debian's `nsupdate` and `dig` against a real node: names change by signed update alone, and are found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

use std::{
    fs,
    io::Write as _,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use rove_node::{Dev, Node, NodeConfig, RunningNode};
use rove_tests::programs::peer;

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running node, its key, and the foreign programs.
struct Stage {
    node: RunningNode,
    key_file: PathBuf,
    folder: tempfile::TempDir,
    nsupdate: PathBuf,
    dig: PathBuf,
}

impl Stage {
    /// `None` when the foreign programs are not there; their names have been said.
    fn set() -> Option<Self> {
        let (nsupdate, dig) = (peer("nsupdate")?, peer("dig")?);
        let folder = tempfile::tempdir().unwrap();
        let (node, key_file) = start(folder.path());
        Some(Self { node, key_file, folder, nsupdate, dig })
    }

    fn server(&self) -> SocketAddr {
        self.node.dns_addresses()[0]
    }

    /// Runs `nsupdate` at the node: whether it was content, and what it complained about.
    fn update(&self, options: &[&str], lines: &str) -> (bool, String) {
        let key = self.key_file.display().to_string();
        self.update_at(self.server(), &[&["-k", &key], options].concat(), lines)
    }

    fn update_at(&self, server: SocketAddr, options: &[&str], lines: &str) -> (bool, String) {
        let script = format!("server {} {}\n{lines}\nsend\n", server.ip(), server.port());
        let mut process = Command::new(&self.nsupdate)
            .args(["-t", "20", "-u", "20", "-r", "0"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nsupdate starts");
        process.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// What `dig` prints for a question.
    fn dig(&self, question: &[&str]) -> String {
        let (at, port) = (format!("@{}", self.server().ip()), self.server().port().to_string());
        let output = Command::new(&self.dig)
            .args([&at, "-p", &port, "+time=20", "+tries=1", "+norecurse"])
            .args(question)
            .output()
            .expect("dig starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn short(&self, question: &[&str]) -> Vec<String> {
        let said = self.dig(&[question, &["+short"]].concat());
        said.lines().map(str::to_owned).collect()
    }

    /// A key file with another name or secret.
    fn other_key(&self, name: &str, secret: &str) -> String {
        let path = self.folder.path().join(format!("{name}.other"));
        let text = format!("key \"{name}\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};\n");
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

fn start(folder: &Path) -> (RunningNode, PathBuf) {
    let dev = Dev::prepare(folder, vec!["127.0.0.1:0".parse().unwrap()]).unwrap();
    (Node::start(dev.config).unwrap(), dev.key_file)
}

const BOB: &str = "zone home.example\nupdate add bob.home.example 5 A 127.0.0.7";

#[test]
fn a_name_is_added_moved_and_removed_and_dig_follows() {
    let Some(stage) = Stage::set() else { return };
    let bob = ["bob.home.example", "A"];
    assert!(stage.dig(&bob).contains("status: NXDOMAIN"));
    let steps: &[(&str, &str, &[&str])] = &[
        ("added", BOB, &["127.0.0.7"]),
        (
            "moved",
            "zone home.example\nupdate delete bob.home.example A\nupdate add bob.home.example 5 A 127.0.0.8",
            &["127.0.0.8"],
        ),
        (
            "moved only if where it was",
            "zone home.example\nprereq yxrrset bob.home.example A 127.0.0.8\n\
             update delete bob.home.example A\nupdate add bob.home.example 5 A 127.0.0.9",
            &["127.0.0.9"],
        ),
        ("removed", "zone home.example\nupdate delete bob.home.example", &[]),
    ];
    for (what, lines, expected) in steps {
        let (content, said) = stage.update(&[], lines);
        assert!(content, "{what}: {said}");
        assert_eq!(stage.short(&bob), *expected, "{what}");
        assert_eq!(stage.short(&[&bob[..], &["+tcp"]].concat()), *expected, "{what}, over TCP");
    }
    let (content, said) = stage.update(
        &["-v"],
        "zone home.example\nprereq nxdomain ns.home.example\nupdate add x.home.example 5 A 127.0.0.1",
    );
    assert!(!content && said.contains("YXDOMAIN"), "over TCP, with a prerequisite that fails: {said}");
    assert!(stage.dig(&["x.home.example"]).contains("status: NXDOMAIN"));
}

#[test]
fn dig_finds_forward_reverse_and_services_and_no_more_than_there_is() {
    let Some(stage) = Stage::set() else { return };
    let zones = [
        "zone home.example\nupdate add bob.home.example 5 A 127.0.0.7\nupdate add bob.home.example 5 AAAA ::1\n\
         update add _sip._udp.bob.home.example 5 SRV 10 0 5066 bob.home.example.",
        "zone 127.in-addr.arpa\nupdate add 7.0.0.127.in-addr.arpa 5 PTR bob.home.example.",
        "zone 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa\n\
         update add 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa 5 PTR bob.home.example.",
    ];
    for lines in zones {
        let (content, said) = stage.update(&[], lines);
        assert!(content, "{said}");
    }
    for transport in ["+notcp", "+tcp"] {
        assert_eq!(stage.short(&["bob.home.example", "AAAA", transport]), ["::1"]);
        assert_eq!(stage.short(&["-x", "127.0.0.7", transport]), ["bob.home.example."]);
        assert_eq!(stage.short(&["-x", "::1", transport]), ["bob.home.example."]);
        assert_eq!(
            stage.short(&["_sip._udp.bob.home.example", "SRV", transport]),
            ["10 0 5066 bob.home.example."]
        );
    }
    let services = stage.dig(&["_sip._udp.bob.home.example", "SRV"]);
    assert!(services.contains("flags: qr aa;") && services.contains("ADDITIONAL: 3"), "{services}");
    assert!(stage.dig(&["home.example", "AXFR"]).contains("Transfer failed"));
    assert!(stage.dig(&["example.net"]).contains("status: REFUSED"));
    assert!(stage.dig(&["bob.home.example", "MX"]).contains("home.example.\t\t1\tIN\tSOA"));
    let signed = stage.dig(&["-k", &stage.key_file.display().to_string(), "bob.home.example", "A"]);
    assert!(
        signed.contains("127.0.0.7") && signed.contains("TSIG") && !signed.contains("verify failure"),
        "{signed}"
    );
}

#[test]
fn who_has_not_the_key_is_refused() {
    let Some(stage) = Stage::set() else { return };
    let guess = "Z3Vlc3NlZCBzZWNyZXRzIGFyZSBubyBnb29kISE=";
    let impostor = stage.other_key("update.home.example", guess);
    let stranger = stage.other_key("stranger.example", guess);
    let cases: &[(&str, &[&str], &str)] = &[
        ("unsigned", &[], "REFUSED"),
        ("the right name, another secret", &["-k", &impostor], "BADSIG"),
        ("a key that is not known", &["-k", &stranger], "BADKEY"),
    ];
    for (what, options, expected) in cases {
        let (content, said) = stage.update_at(stage.server(), options, BOB);
        assert!(!content && said.contains(expected), "{what}: {said}");
        assert_eq!(stage.short(&["bob.home.example", "A"]), Vec::<String>::new(), "{what}");
    }
    let (content, said) = stage.update(&[], "zone example.net\nupdate add x.example.net 5 A 127.0.0.1");
    assert!(!content && said.contains("NOTAUTH"), "another zone: {said}");
}

/// Stands between `nsupdate` and the node and takes one signed update off the wire.
fn eavesdrop(stage: &Stage) -> Vec<u8> {
    let relay = UdpSocket::bind("127.0.0.1:0").unwrap();
    relay.set_read_timeout(Some(PATIENCE)).unwrap();
    let (here, server) = (relay.local_addr().unwrap(), stage.server());
    let (sender, caught) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut message = [0; 4_096];
        loop {
            let (len, from) = relay.recv_from(&mut message).expect("nsupdate sends its update");
            let is_update = message[2] >> 3 & 0x0f == 5;
            if is_update {
                sender.send(message[..len].to_vec()).unwrap();
                return;
            }
            let answer = exchange(server, &message[..len]);
            relay.send_to(&answer, from).unwrap();
        }
    });
    let key = stage.key_file.display().to_string();
    let (content, _) = stage.update_at(here, &["-k", &key, "-t", "1", "-u", "1"], BOB);
    assert!(!content, "nobody answered it");
    thread.join().unwrap();
    caught.recv().unwrap()
}

fn exchange(server: SocketAddr, message: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(message, server).unwrap();
    let mut answer = [0; 4_096];
    let (len, _) = socket.recv_from(&mut answer).expect("an answer");
    answer[..len].to_vec()
}

#[test]
fn a_changed_and_a_repeated_update_are_refused() {
    const NOERROR: u8 = 0;
    const NOTAUTH: u8 = 9;
    let Some(stage) = Stage::set() else { return };
    let update = eavesdrop(&stage);
    let rcode = |message: &[u8]| exchange(stage.server(), message)[3] & 0x0f;
    // The signature's last 32 bytes stand before original id, error and other length.
    let mac_at = update.len() - 6 - 32;
    for at in [mac_at, mac_at + 31, 40] {
        let mut changed = update.clone();
        changed[at] ^= 1;
        assert_eq!(rcode(&changed), NOTAUTH, "byte {at} changed");
    }
    assert_eq!(stage.short(&["bob.home.example", "A"]), Vec::<String>::new());
    assert_eq!(rcode(&update), NOERROR, "unchanged it is what nsupdate signed");
    assert_eq!(stage.short(&["bob.home.example", "A"]), ["127.0.0.7"]);
    let (content, said) = stage.update(&[], "zone home.example\nupdate delete bob.home.example");
    assert!(content, "{said}");
    assert_eq!(rcode(&update), NOTAUTH, "sent again, it would bring the old address back");
    assert_eq!(stage.short(&["bob.home.example", "A"]), Vec::<String>::new());
}

#[test]
fn what_was_acknowledged_survives_a_restart() {
    let Some(stage) = Stage::set() else { return };
    let (content, said) = stage.update(&[], BOB);
    assert!(content, "{said}");
    let serial = stage.short(&["home.example", "SOA"]);
    let Stage { node, folder, nsupdate, dig, .. } = stage;
    node.shutdown();
    let (node, key_file) = start(folder.path());
    let stage = Stage { node, key_file, folder, nsupdate, dig };
    assert_eq!(stage.short(&["bob.home.example", "A"]), ["127.0.0.7"]);
    assert_eq!(stage.short(&["home.example", "SOA"]), serial);
    let (content, said) = stage.update(&[], "zone home.example\nupdate add carol.home.example 5 A 127.0.0.8");
    assert!(content, "{said}");
}

/// A signed zone and its parent's view of it.
fn signed(folder: &Path) -> (RunningNode, String) {
    let text = "[journal]\npath = \"journal\"\n[dns]\nlisten = [\"127.0.0.1:0\"]\n[[dns.zone]]\norigin = \"home.example\"\n\
                signing_key = \"zone.key\"\nrecords = [\"ns A 127.0.0.1\", \"bob 5 A 127.0.0.7\", \"www CNAME bob\", \
                \"_sip._udp.bob SRV 10 0 5060 bob\", \"lab NS ns.lab\", \"ns.lab A 127.0.0.9\"]\n";
    let file = folder.join("roved.toml");
    fs::write(&file, text).unwrap();
    let config = NodeConfig::read(&file).unwrap();
    let ds = config.dns.as_ref().unwrap().ds_records().unwrap().join("\n");
    (Node::start(config).unwrap(), ds)
}

#[test]
fn delv_believes_a_signed_zone_by_its_ds_and_nothing_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(delv) = peer("delv") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (node, ds) = signed(folder.path());
    let mode = fs::metadata(folder.path().join("zone.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the key is its owner's alone");
    let at = node.dns_addresses()[0];
    let fields: Vec<&str> = ds.split_whitespace().collect();
    let ask = |digest: &str, question: &[&str]| {
        let anchors = format!(
            "trust-anchors {{ \"home.example.\" static-ds {} {} {} \"{digest}\"; }};\n",
            fields[3], fields[4], fields[5]
        );
        let file = folder.path().join("anchors");
        fs::write(&file, anchors).unwrap();
        let output = Command::new(&delv)
            .args([&format!("@{}", at.ip()), "-p", &at.port().to_string(), "-a"])
            .arg(&file)
            .arg("+root=home.example")
            .args(question)
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("an address", &["bob.home.example", "A"], &["; fully validated", "127.0.0.7"]),
        ("an alias", &["www.home.example", "A"], &["; fully validated", "127.0.0.7"]),
        ("a service", &["_sip._udp.bob.home.example", "SRV"], &["; fully validated", "5060"]),
        ("the keys", &["home.example", "DNSKEY"], &["; fully validated"]),
        ("no such type", &["bob.home.example", "AAAA"], &["; negative response, fully validated"]),
        ("no such name", &["nobody.home.example", "A"], &["; negative response, fully validated"]),
        ("no type at the apex", &["home.example", "MX"], &["; negative response, fully validated"]),
    ];
    for (what, question, parts) in cases {
        let said = ask(fields[6], question);
        for part in *parts {
            assert!(said.contains(part), "{what}: {said}");
        }
    }
    let other = format!("{}00", &fields[6][..62]);
    let said = ask(&other, &["bob.home.example", "A"]);
    assert!(!said.contains("fully validated"), "another anchor: {said}");
}
