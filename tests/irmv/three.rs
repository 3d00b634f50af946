//! Three operators' servers and a user of each, in six networks of their own with a router between them.

use std::net::SocketAddr;

use rove_tests::{
    networks::Networks,
    programs::{Running, program},
};
use serde_json::Value;

use crate::stage::{PATIENCE, certificates, write, zone};

const NAMES: [&str; 3] = ["a", "b", "c"];
const SERVERS: [&str; 3] = ["server-a", "server-b", "server-c"];
const PHONES: [&str; 3] = ["phone-a", "phone-b", "phone-c"];
const USERS: [&str; 3] = ["alice@a.example", "bob@b.example", "carol@c.example"];

struct Three {
    // Ended before their networks are gone.
    nodes: Vec<Running>,
    networks: Networks,
    folder: tempfile::TempDir,
}

/// Where a server is.
fn at(which: u8, port: u16) -> SocketAddr {
    ([10, 60, which + 1, 2], port).into()
}

impl Three {
    /// `None`, said aloud, where networks may not be made. The first server answers for all names.
    fn new() -> Option<Self> {
        let networks = Networks::around_a_core(&[SERVERS, PHONES].concat())?;
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let names = at(0, 53);
        let mut three = Self { nodes: Vec::new(), networks, folder };
        for (which, name) in (0..).zip(NAMES) {
            let zones =
                (0..).zip(NAMES).map(|(which, name)| zone(&format!("{name}.example"), at(which, 5_064)));
            let dns = format!("[dns]\nlisten = [\"{names}\"]\n") + &zones.collect::<String>();
            let config = format!(
                "[journal]\npath = \"{name}.journal\"\n\
                 [irmv]\nlisten = [\"{}\"]\ndomain = \"{name}.example\"\ncertificate = \"{name}.pem\"\n\
                 key = \"{name}.key\"\nauthorities = \"ca.pem\"\nsigning_key = \"{name}.signing\"\nopen = true\n\
                 shown_to = \"anybody\"\ndns_servers = [\"{names}\"]\n{}",
                at(which, 5_064),
                if which == 0 { &dns } else { "" }
            );
            let file = three.folder.path().join(format!("{name}.toml"));
            write(&file, &config);
            let args = ["--config", file.to_str().unwrap(), "--ready-json", "--log", "info"];
            let mut node = three.spawn(SERVERS[usize::from(which)], "roved", &args);
            node.ready(PATIENCE);
            three.nodes.push(node);
        }
        Some(three)
    }

    fn spawn(&self, place: &str, name: &str, args: &[&str]) -> Running {
        let mut command = self.networks.command(place, &program(name));
        command.args(args);
        Running::spawn(command)
    }

    /// A phone's command, of the user of an operator.
    fn rove(&self, which: usize, key: &str, args: &[&str]) -> Running {
        let number = u8::try_from(which).unwrap();
        let (listen, server, names) =
            (format!("10.60.{}.2:0", number + 4), at(number, 5_064).to_string(), at(0, 53).to_string());
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let (key, ca, domain) = (path(key), path("ca.pem"), format!("{}.example", NAMES[which]));
        let own =
            ["--listen", &listen, "--dns-server", &names, "--irmv-server", &server, "--irmv-domain", &domain];
        let own = [&own[..], &["--irmv-key", &key, "--tls-ca", &ca]].concat();
        self.spawn(PHONES[which], "rove", &[args, &own].concat())
    }

    fn answers(&self, which: usize, more: &[&str]) -> Running {
        let args = [&["answer", "--register", USERS[which], "--ready-json"], more].concat();
        let mut phone = self.rove(which, USERS[which], &args);
        phone.ready(PATIENCE);
        phone
    }

    /// Whether the server of one operator finds the user of another.
    fn finds(&self, which: usize, whom: usize) -> Result<(), String> {
        let (code, said, complaints) = self.rove(which, "asker", &["lookup", USERS[whom]]).outcome(PATIENCE);
        let there = code == 0 && said.contains("is online");
        if there { Ok(()) } else { Err(format!("{} by {}: {said} {complaints}", USERS[whom], NAMES[which])) }
    }
}

#[test]
fn b5_b12_users_of_three_operators_find_each_other_and_are_one_conversation_and_two_stay_when_one_server_is_gone()
 {
    let Some(mut three) = Three::new() else { return };
    let report = three.folder.path().join("bob.json");
    let json = report.to_str().unwrap().to_owned();
    let alice = three.answers(0, &[]);
    let carol = three.answers(2, &[]);
    let mut bob = three.answers(1, &["--conference", "--calls", "2", "--json", &json]);
    for (which, whom) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
        three.finds(which, whom).unwrap_or_else(|said| panic!("{said}"));
    }
    let call =
        |which: usize, seconds: &str| three.rove(which, "caller", &["call", USERS[1], "--for", seconds]);
    let calls = [call(0, "6"), call(2, "4")];
    for call in calls {
        let (code, said, complaints) = call.outcome(PATIENCE);
        assert_eq!(code, 0, "{said} {complaints}");
    }
    assert!(bob.wait(PATIENCE).is_some(), "{}", bob.complaints());
    let told: Value = serde_json::from_str(&std::fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!(told["conference"]["parties"], 3, "{told:#}");

    // The third server dies: the other two operators' users do not notice, and its own are found no more.
    three.nodes.truncate(2);
    let _bob = three.answers(1, &[]);
    three.finds(0, 1).unwrap_or_else(|said| panic!("{said}"));
    three.finds(1, 0).unwrap_or_else(|said| panic!("{said}"));
    assert!(three.finds(0, 2).is_err());
    drop((alice, carol));
}
