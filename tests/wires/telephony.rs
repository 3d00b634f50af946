//! GSM-MAP and ANSI-41 at once.

use rove_roam::private::m3ua;
use rove_tests::programs::peer;

use crate::{
    pcap::{M3UA, fields, pcap},
    stage::{Guest, Stage, Visited},
};

const MAP: Guest = Guest { name: "europe", protocol: "map", net: 20, plmn: "00102", title: "46700000002" };
const ANSI: Guest =
    Guest { name: "america", protocol: "ansi41", net: 30, plmn: "00103", title: "12025550100" };

#[test]
fn a13_one_running_home_serves_a_map_network_and_an_ansi_41_network_at_once() {
    let stage = Stage::new(&[MAP, ANSI], &[]);
    let mut terminals = Vec::new();
    for (digit, visited) in (1..).zip(&stage.guests) {
        stage.subscribe(digit);
        terminals.push(stage.attached(digit, visited));
    }
    for (digit, (visited, (_, ip))) in (1..).zip(stage.guests.iter().zip(&terminals)) {
        assert_eq!(ip.octets()[2], visited.guest.net);
        assert_eq!(stage.forward(digit), [ip.octets().to_vec()], "while the other is attached, too");
        assert_eq!(stage.reverse(visited, *ip), 1);
    }
    for (digit, (terminal, _)) in (1..).zip(&mut terminals) {
        stage.detach(digit, terminal);
        assert_eq!(stage.forward(digit), Vec::<Vec<u8>>::new(), "nothing is left");
    }
    let [europe, america] = stage.guests.as_slice() else { panic!() };
    let map = messages(europe);
    let ansi = messages(america);
    let Some(tshark) = peer("tshark") else { return };
    let written = |name: &str, messages: &[(usize, Vec<u8>)]| {
        let file = stage.path(name);
        std::fs::write(&file, pcap(M3UA, messages)).unwrap();
        file
    };
    let (map, ansi) = (written("map.pcap", &map), written("ansi41.pcap", &ansi));
    let info = |file, filter| fields(&tshark, file, filter, &["_ws.col.Info"]).join("\n");
    let said = info(&map, "gsm_map");
    let operations = ["sendAuthenticationInfo", "updateLocation", "insertSubscriberData", "purgeMS"];
    for operation in operations {
        assert!(said.contains(operation), "no {operation} in\n{said}");
    }
    let said = info(&ansi, "ansi_map");
    for operation in
        ["Authentication Request", "Registration Notification", "Qualification Directive", "MS Inactive"]
    {
        assert!(said.contains(operation), "no {operation} in\n{said}");
    }
    assert_eq!((info(&map, "ansi_map"), info(&ansi, "gsm_map")), (String::new(), String::new()));
    assert_eq!(info(&map, "_ws.malformed or (_ws.expert.severity == error)"), "");
    // The one private parameter is called malformed because its number is unknown; nothing else is minded.
    let minded =
        fields(&tshark, &ansi, "_ws.malformed or (_ws.expert.severity == error)", &["_ws.expert.message"]);
    let known = ["BER Error: Unknown field in SET class:CONTEXT(2) tag:16256", "Unknown invokeData blob"];
    let other = minded.iter().flat_map(|row| row.split(',')).filter(|message| !known.contains(message));
    assert_eq!(other.collect::<Vec<_>>(), Vec::<&str>::new());
}

fn messages(visited: &Visited) -> Vec<(usize, Vec<u8>)> {
    let messages = visited.tap.messages(|bytes| m3ua::length(bytes).unwrap());
    println!("{}: {} messages", visited.guest.name, messages.len());
    messages
}
