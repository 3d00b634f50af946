//! Names as the world sees them: real resolvers (Unbound, BIND) that know nothing but a root, and follow its delegations
//! to the home network for names and to the visited network for addresses; `nsupdate` and `knsupdate` with keys of narrow
//! scope; and the serials of a zone, which tell what came and what went.
//!
//! Delegations name no port, so these servers have port 53 of loopback addresses; a system that does not allow that
//! skips the tests that need it, by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

use std::{
    fs,
    io::Write as _,
    net::{Ipv4Addr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rove_node::{Node, NodeConfig, RunningNode};
use rove_tests::{ports, programs::peer};

const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=";
const PATIENCE: Duration = Duration::from_secs(30);
const ROOT: &str = "127.0.53.1";
const HOME: &str = "127.0.53.2";
const VISITED: &str = "127.0.53.3";
const RESOLVER: &str = "127.0.53.4";

/// The addresses are there once, so that one test at a time has them.
static ADDRESSES: Mutex<()> = Mutex::new(());

/// A root, a home network and a visited network, each a node of its own.
struct World {
    _nodes: Vec<RunningNode>,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    /// `None` where port 53 is not to be had; that has been said.
    fn new() -> Option<Self> {
        let turn = ADDRESSES.lock().unwrap_or_else(PoisonError::into_inner);
        for address in [ROOT, HOME, VISITED, RESOLVER] {
            if let Err(error) = UdpSocket::bind((address, 53)) {
                println!("skipped: port 53 of {address}: {error}");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let root = root();
        let own = |name: &str, allow: &str| {
            format!("[[dns.key]]\nname = \"{name}\"\nsecret = \"{SECRET}\"\n{allow}")
        };
        let home_keys = [
            own("hlr.home.example", "scope = [\"home.example\"]\n"),
            own("bob.home.example", "[[dns.key.allow]]\nname = \"self\"\ntypes = [\"A\", \"AAAA\"]\n"),
        ];
        let glue = format!("ns A {HOME}");
        let home = zone(
            HOME,
            "home.example.",
            "ns.home.example.",
            &[&glue, "alice 5 A 192.0.2.1"],
            &home_keys.concat(),
        );
        let visited_key = own(
            "vlr.visited.example",
            "[[dns.key.allow]]\nzone = \"2.0.192.in-addr.arpa\"\ntypes = [\"PTR\"]\n",
        );
        let transfer = own("transfer.example", "");
        let visited = zone(
            VISITED,
            "2.0.192.in-addr.arpa.",
            "ns.visited.example.",
            &[],
            &format!("{visited_key}{transfer}"),
        );
        let visited = visited.replace(
            "[[dns.key]]\nname = \"vlr",
            "transfer_keys = [\"transfer.example\"]\n[[dns.key]]\nname = \"vlr",
        );
        let start = |(n, text): (usize, String)| {
            let place = folder.path().join(n.to_string());
            fs::create_dir(&place).unwrap();
            fs::write(place.join("roved.toml"), text).unwrap();
            Node::start(NodeConfig::read(&place.join("roved.toml")).unwrap()).unwrap()
        };
        let nodes = [root, home, visited].into_iter().enumerate().map(start).collect();
        Some(Self { _nodes: nodes, folder, _turn: turn })
    }

    /// A change signed with a key by one of the two programs: what it said.
    fn change(&self, program: &Path, key: &str, (server, zone): (&str, &str), lines: &str) -> String {
        let _ = &self.folder;
        let mut process = Command::new(program)
            .args(["-y", &format!("hmac-sha256:{key}:{SECRET}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let script = format!("server {server} 53\nzone {zone}\n{lines}\nsend\n");
        process.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

const AT_HOME: (&str, &str) = (HOME, "home.example.");
const IN_VISITED: (&str, &str) = (VISITED, "2.0.192.in-addr.arpa.");

/// The root: two names of servers, and who has which part.
fn root() -> String {
    zone(
        ROOT,
        ".",
        "root.servers.",
        &[
            &format!("root.servers. A {ROOT}"),
            "home.example. NS ns.home.example.",
            &format!("ns.home.example. A {HOME}"),
            "2.0.192.in-addr.arpa. NS ns.visited.example.",
            &format!("ns.visited.example. A {VISITED}"),
        ],
        "",
    )
}

/// The configuration of a node with one zone.
fn zone(listen: &str, origin: &str, primary: &str, records: &[&str], more: &str) -> String {
    let records: Vec<_> = records.iter().map(|line| format!("{line:?}")).collect();
    format!(
        "[journal]\npath = \"journal\"\n[dns]\nlisten = [\"{listen}:53\"]\n[[dns.zone]]\norigin = \"{origin}\"\n\
         primary = \"{primary}\"\nttl = 5\nnegative_ttl = 1\nrecords = [{}]\n{more}",
        records.join(", ")
    )
}

/// A recursive resolver that has heard of the root; ended with the test.
struct Resolver {
    process: Child,
    address: &'static str,
    port: u16,
}

impl Drop for Resolver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Resolver {
    /// Asks until it says what is expected: it may still be starting, or remember for a second what was.
    fn finds(&self, dig: &Path, question: &[&str], expected: &str) {
        let (start, mut said) = (Instant::now(), String::new());
        while start.elapsed() < PATIENCE {
            said = self.ask(dig, &[question, &["+short"]].concat());
            if said.trim() == expected {
                return;
            }
        }
        let whole = self.ask(dig, question);
        panic!("{question:?} is {said:?} and not {expected:?}: {whole}");
    }

    fn ask(&self, dig: &Path, question: &[&str]) -> String {
        ask_at(dig, self.address, self.port, question)
    }
}

fn resolver(world: &World, name: &str) -> Option<Resolver> {
    let program = peer(name)?;
    let place = world.folder.path().join(name);
    fs::create_dir(&place).unwrap();
    let here = place.display();
    // BIND listens where an interface has an address, and not wherever packets of one arrive.
    let (address, port) = match name {
        "named" => ("127.0.0.1", ports::free(Ipv4Addr::LOCALHOST).port()),
        _ => (RESOLVER, 53),
    };
    let hints = ". 3600000 NS root.servers.\nroot.servers. 3600000 A 127.0.53.1\n";
    fs::write(place.join("hints"), hints).unwrap();
    let (text, arguments): (String, &[&str]) = match name {
        "unbound" => (
            format!(
                "server:\n interface: {address}@{port}\n port: {port}\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n\
                 directory: \"{here}\"\n pidfile: \"\"\n use-syslog: no\n logfile: \"\"\n do-ip6: no\n\
                 do-not-query-localhost: no\n access-control: 127.0.0.0/8 allow\n module-config: \"iterator\"\n\
                 root-hints: \"{here}/hints\"\n local-zone: \"2.0.192.in-addr.arpa.\" nodefault\n\
                 remote-control:\n control-enable: no\n"
            ),
            &["-d", "-c", "conf"],
        ),
        _ => (
            format!(
                "options {{ directory \"{here}\"; pid-file none; session-keyfile none; listen-on port {port} {{ {address}; }};\n\
                 listen-on-v6 {{ none; }}; recursion yes; dnssec-validation no; empty-zones-enable no; }};\n\
                 controls {{ }};\nzone \".\" {{ type hint; file \"hints\"; }};\n"
            ),
            &["-g", "-n", "1", "-c", "conf"],
        ),
    };
    fs::write(place.join("conf"), text).unwrap();
    let process = Command::new(program)
        .args(arguments)
        .current_dir(&place)
        .stdout(Stdio::null())
        .stderr(fs::File::create(place.join("log")).unwrap())
        .spawn()
        .unwrap();
    Some(Resolver { process, address, port })
}

/// What `dig` or `kdig` has to say.
fn ask(program: &Path, server: &str, question: &[&str]) -> String {
    ask_at(program, server, 53, question)
}

fn ask_at(program: &Path, server: &str, port: u16, question: &[&str]) -> String {
    let (server, port) = (format!("@{server}"), port.to_string());
    let output = Command::new(program).args([&server, "-p", &port, "+time=5"]).args(question).output();
    String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
}

fn programs(names: &[&str]) -> Option<Vec<PathBuf>> {
    names.iter().map(|name| peer(name)).collect()
}

/// A name at home and its address in the visited network, by any resolver, from nothing but the root.
fn found_by(name: &str) {
    let Some(programs) = programs(&["dig", "nsupdate"]) else { return };
    let [dig, nsupdate] = programs.as_slice() else { panic!("two programs") };
    let Some(world) = World::new() else { return };
    let Some(resolver) = resolver(&world, name) else { return };
    resolver.finds(dig, &["alice.home.example", "A"], "192.0.2.1");
    let said =
        world.change(nsupdate, "hlr.home.example", AT_HOME, "update add bob.home.example. 5 A 192.0.2.7");
    assert_eq!(said, "");
    let ptr = "update add 7.2.0.192.in-addr.arpa. 5 PTR bob.home.example.";
    assert_eq!(world.change(nsupdate, "vlr.visited.example", IN_VISITED, ptr), "");
    resolver.finds(dig, &["bob.home.example", "A"], "192.0.2.7");
    resolver.finds(dig, &["-x", "192.0.2.7"], "bob.home.example.");
    let answer = resolver.ask(dig, &["bob.home.example", "A"]);
    let ttl = answer
        .lines()
        .find_map(|line| line.strip_prefix("bob.home.example.")?.split_whitespace().next()?.parse().ok());
    assert!(ttl.is_some_and(|ttl: u32| ttl <= 5), "no resolver keeps it longer than its TTL: {answer}");
    // He moves on: the old address has no name, and the name has the new address.
    let lines = "update delete bob.home.example. A\nupdate add bob.home.example. 5 A 192.0.2.8";
    assert_eq!(world.change(nsupdate, "hlr.home.example", AT_HOME, lines), "");
    let lines = "update delete 7.2.0.192.in-addr.arpa. PTR\nupdate add 8.2.0.192.in-addr.arpa. 5 PTR bob.home.example.";
    assert_eq!(world.change(nsupdate, "vlr.visited.example", IN_VISITED, lines), "");
    resolver.finds(dig, &["bob.home.example", "A"], "192.0.2.8");
    resolver.finds(dig, &["-x", "192.0.2.7"], "");
    resolver.finds(dig, &["-x", "192.0.2.8"], "bob.home.example.");
}

#[test]
fn a4_a24_unbound_follows_the_root_to_the_home_network_and_to_the_visited_one() {
    found_by("unbound");
}

#[test]
fn a4_a24_bind_follows_the_root_to_the_home_network_and_to_the_visited_one() {
    found_by("named");
}

#[test]
fn a24_each_server_answers_for_its_part_and_refers_for_the_rest() {
    let Some(world) = World::new() else { return };
    for program in ["dig", "kdig"] {
        let Some(program) = peer(program) else { continue };
        let cases: &[(&[&str], &str, &str)] =
            &[(&["alice.home.example", "A"], HOME, "192.0.2.1"), (&["-x", "192.0.2.9"], VISITED, "SOA")];
        for (question, server, expected) in cases {
            let referral = ask(&program, ROOT, &[question, &["+norecurse"][..]].concat());
            assert!(referral.contains("ANSWER: 0") && referral.contains(server), "{referral}");
            let answer = ask(&program, server, &[question, &["+norecurse"][..]].concat());
            assert!(answer.contains("qr aa") && answer.contains(expected), "{answer}");
        }
    }
    drop(world);
}

#[test]
fn a12_the_serials_of_the_visited_zone_tell_what_was_associated_and_disassociated() {
    let Some(programs) = programs(&["kdig", "knsupdate"]) else { return };
    let [kdig, knsupdate] = programs.as_slice() else { panic!("two programs") };
    let Some(world) = World::new() else { return };
    let change = |lines: &str| world.change(knsupdate, "vlr.visited.example", IN_VISITED, lines);
    assert_eq!(change("add 7.2.0.192.in-addr.arpa. 5 PTR bob.home.example."), "");
    assert_eq!(change("del 7.2.0.192.in-addr.arpa. PTR"), "");
    let key = format!("hmac-sha256:transfer.example:{SECRET}");
    let steps = ask(kdig, VISITED, &["-y", &key, "2.0.192.in-addr.arpa", "IXFR=1"]);
    let records: Vec<Vec<&str>> = steps
        .lines()
        .map(|line| line.split_whitespace().collect())
        // The signature, too, is printed, as of any class.
        .filter(|fields: &Vec<&str>| fields.get(2) == Some(&"IN") && !fields[0].starts_with(';'))
        .collect();
    let told: Vec<String> =
        records
            .iter()
            .map(|fields| {
                if fields[3] == "SOA" { fields[6].to_owned() } else { format!("{} {}", fields[3], fields[4]) }
            })
            .collect();
    let bob = "PTR bob.home.example.";
    // RFC 1995 §4: from 1 to 2 it came, from 2 to 3 it went.
    assert_eq!(told, ["3", "1", "2", bob, "2", bob, "3", "3"], "{steps}");
    let unsigned = ask(kdig, VISITED, &["2.0.192.in-addr.arpa", "IXFR=1"]);
    let told = unsigned.lines().any(|line| !line.trim().is_empty() && !line.starts_with(';'));
    assert!(!told, "without a signature nothing is told: {unsigned}");
}

#[test]
fn a_key_of_one_name_changes_addresses_at_that_name_and_nothing_else() {
    let Some(world) = World::new() else { return };
    let Some(dig) = peer("dig") else { return };
    for (program, add) in [("nsupdate", "update add"), ("knsupdate", "add")] {
        let Some(program) = peer(program) else { continue };
        // What it is, the key, the change, the server, the answer.
        type Case = (&'static str, &'static str, &'static str, (&'static str, &'static str), &'static str);
        let cases: &[Case] = &[
            ("its own name", "bob.home.example", "bob.home.example. 5 A 192.0.2.7", AT_HOME, ""),
            ("another name", "bob.home.example", "alice.home.example. 5 A 192.0.2.7", AT_HOME, "REFUSED"),
            ("below its name", "bob.home.example", "x.bob.home.example. 5 A 192.0.2.7", AT_HOME, "REFUSED"),
            ("another type", "bob.home.example", "bob.home.example. 5 TXT hello", AT_HOME, "REFUSED"),
            ("the zone's key", "hlr.home.example", "carol.home.example. 5 A 192.0.2.9", AT_HOME, ""),
            (
                "addresses in the visited zone",
                "vlr.visited.example",
                "9.2.0.192.in-addr.arpa. 5 A 192.0.2.9",
                IN_VISITED,
                "REFUSED",
            ),
            (
                "a key of another network",
                "vlr.visited.example",
                "dave.home.example. 5 A 192.0.2.9",
                AT_HOME,
                "BADKEY",
            ),
        ];
        for (what, key, record, place, expected) in cases {
            let said = world.change(&program, key, *place, &format!("{add} {record}"));
            let as_expected = if expected.is_empty() { said.is_empty() } else { said.contains(expected) };
            assert!(as_expected, "{what}, {}: {said}", program.display());
        }
        assert_eq!(ask(&dig, HOME, &["alice.home.example", "A", "+short", "+norecurse"]).trim(), "192.0.2.1");
        assert_eq!(ask(&dig, HOME, &["dave.home.example", "A", "+short", "+norecurse"]).trim(), "");
    }
}
