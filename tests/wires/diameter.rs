//! Diameter between running nodes, and with a foreign one.

use std::{
    net::Ipv4Addr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rove_roam::private::diameter::{
    codes,
    message::{self, Message},
};
use rove_tests::programs::{Running, peer};

use crate::{
    pcap::{DIAMETER, fields, pcap},
    stage::{Guest, PATIENCE, Stage, free},
    tap::Tap,
};

const GUEST: Guest =
    Guest { name: "visited", protocol: "diameter", net: 40, plmn: "00102", title: "46700000002" };
const FOREIGN: Guest =
    Guest { name: "foreign", protocol: "diameter", net: 50, plmn: "00103", title: "46700000003" };

fn messages(tap: &Tap) -> Vec<(usize, Vec<u8>)> {
    tap.messages(|bytes| message::length(bytes).unwrap())
}

/// What tshark calls each message.
fn dissected(tshark: &Path, stage: &Stage, messages: &[(usize, Vec<u8>)]) -> String {
    let file = stage.path("diameter.pcap");
    std::fs::write(&file, pcap(DIAMETER, messages)).unwrap();
    let wrong = "_ws.malformed or (_ws.expert.severity == error)";
    let malformed = fields(tshark, &file, wrong, &["frame.number", "_ws.expert.message", "_ws.col.Info"]);
    assert_eq!(malformed, Vec::<String>::new());
    let rows = fields(tshark, &file, "diameter", &["_ws.col.Info"]);
    assert_eq!(rows.len(), messages.len());
    rows.join("\n")
}

#[test]
fn a14_a_terminal_attaches_where_the_private_network_is_diameter() {
    let stage = Stage::new(&[GUEST], &[]);
    let [visited] = stage.guests.as_slice() else { panic!() };
    stage.subscribe(1);
    let (mut terminal, ip) = stage.attached(1, visited);
    assert_eq!(ip.octets()[2], GUEST.net);
    assert_eq!(stage.forward(1), [ip.octets().to_vec()]);
    assert_eq!(stage.reverse(visited, ip), 1);
    stage.detach(1, &mut terminal);
    assert_eq!((stage.forward(1), stage.reverse(visited, ip)), (Vec::new(), 0), "nothing is left");
    let Some(tshark) = peer("tshark") else { return };
    let said = dissected(&tshark, &stage, &messages(&visited.tap));
    for name in [
        "Capabilities-Exchange Request",
        "Capabilities-Exchange Answer",
        "3GPP-Authentication-Information Request",
        "3GPP-Authentication-Information Answer",
        "3GPP-Update-Location Request",
        "3GPP-Update-Location Answer",
        "3GPP-Purge-UE Request",
        "3GPP-Purge-UE Answer",
    ] {
        assert!(said.contains(name), "no {name} in\n{said}");
    }
}

/// Whether the tap has seen this command asked, and answered with success, by whom.
fn settled(messages: &[(usize, Vec<u8>)], command: u32, asker: usize) -> bool {
    let of = |sender: usize, request: bool| {
        messages.iter().any(|(from, bytes)| {
            let message = Message::parse(bytes).unwrap();
            let header = message.header;
            let good = request || message.avps.number(codes::RESULT_CODE) == Ok(Some(2_001));
            *from == sender && header.command == command && header.is_request() == request && good
        })
    };
    of(asker, true) && of(1 - asker, false)
}

#[test]
fn a14_freediameter_exchanges_capabilities_and_watchdogs_with_a_running_home_over_tls() {
    let Some(foreign) = peer("freeDiameterd") else { return };
    let stage = Stage::new(&[], &[FOREIGN]);
    let ip = Ipv4Addr::new(127, 0, FOREIGN.net, 1);
    let tap = Tap::new(stage.path("").as_path(), free(ip), ("home.example", stage.link), "foreign.example");
    let path = |name: &str| stage.path(name).display().to_string();
    let config = format!(
        "Identity = \"foreign.example\";\nRealm = \"foreign.example\";\nPort = {};\nSecPort = {};\nNo_IPv6;\n\
         No_SCTP;\nListenOn = \"{ip}\";\nTwTimer = 6;\nTcTimer = 1;\n\
         TLS_Cred = \"{}\", \"{}\";\nTLS_CA = \"{}\";\n\
         ConnectPeer = \"home.example\" {{ ConnectTo = \"{}\"; Port = {}; }};\n",
        free(ip).port(),
        free(ip).port(),
        path("foreign.pem"),
        path("foreign.key"),
        path("ca.pem"),
        tap.address().ip(),
        tap.address().port(),
    );
    std::fs::write(stage.path("foreign.conf"), config).unwrap();
    let mut command = Command::new(foreign);
    command.args(["-c", &path("foreign.conf")]);
    let foreign = Running::spawn(command);
    let deadline = Instant::now() + PATIENCE;
    let wanted =
        [(codes::CAPABILITIES_EXCHANGE, 1, "capabilities"), (codes::DEVICE_WATCHDOG, 1, "its watchdog")];
    for (command, asker, what) in wanted {
        while !settled(&messages(&tap), command, asker) {
            let complaints = || format!("{what}: {} {}", foreign.said(), foreign.complaints());
            assert!(Instant::now() < deadline, "{}", complaints());
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
    let Some(tshark) = peer("tshark") else { return };
    let said = dissected(&tshark, &stage, &messages(&tap));
    assert!(said.contains("Device-Watchdog Answer"), "{said}");
}
