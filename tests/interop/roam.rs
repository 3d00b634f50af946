//! `rove demo --roam`: a terminal goes from network to network in mid-call, from one command.

use std::fs;

use serde_json::Value;

use crate::stage::rove;

#[test]
fn a_terminal_roams_in_mid_call_and_is_found_by_name_where_it_is_and_nowhere_once_it_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (json, html) = (path("roam.json"), path("roam.html"));
    let (code, said, complaints) =
        rove(&["demo", "--roam", "--dir", &path("files"), "--json", &json, "--html", &html]);
    assert_eq!(code, 0, "{said}\n{complaints}");
    let told = |what: &str| assert!(format!("{said}{complaints}").contains(what), "{said}\n{complaints}");
    told("loopback addresses stand for the networks");
    told("the second caller reached the terminal at 127.0.30.");
    told("no name and no reverse name is left");
    let report: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let roam = &report["roams"][0];
    assert_eq!((roam["from"].as_str(), roam["to"].as_str()), (Some("a.example"), Some("b.example")));
    for figure in ["resolvable_ms", "reverse_ms", "audio_gap_ms"] {
        let millis = roam[figure].as_f64().unwrap();
        assert!((0.0..2_000.0).contains(&millis), "{roam}");
    }
    assert!(roam["packets_lost"].as_u64().is_some(), "{roam}");
    assert!(roam["home_router_media_packets"].is_null(), "there is no router on loopback to count at");
    assert_eq!(report["calls"].as_array().unwrap().len(), 4, "two calls, both sides");
    assert!(fs::read_to_string(&html).unwrap().contains("t1.home.example"));
}
