//! `rove demo --roam`: a terminal goes from network to network in mid-call, from one command.

use std::{fs, process::Command};

use rove_tests::programs::peer;
use serde_json::Value;

use crate::stage::rove;

/// The demo's report, and what it said.
fn demo(more: &[&str]) -> (Value, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (json, html, files) = (path("roam.json"), path("roam.html"), path("files"));
    let args = ["demo", "--roam", "--dir", &files, "--json", &json, "--html", &html];
    let (code, said, complaints) = rove(&[&args[..], more].concat());
    assert_eq!(code, 0, "{said}\n{complaints}");
    let report: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let page = fs::read_to_string(&html).unwrap();
    (report, page, format!("{said}\n{complaints}"))
}

/// What is true of every roam: names follow, the call goes on protected, nothing is left.
fn check(report: &Value, page: &str, told: &str, landed: &str) {
    for what in [
        &format!("the second caller reached the terminal at {landed}"),
        "no name and no reverse name is left",
    ] {
        assert!(told.contains(what), "{what}: {told}");
    }
    let roam = &report["roams"][0];
    assert_eq!((roam["from"].as_str(), roam["to"].as_str()), (Some("a.example"), Some("b.example")));
    for figure in ["resolvable_ms", "reverse_ms", "audio_gap_ms"] {
        let millis = roam[figure].as_f64().unwrap_or_else(|| panic!("{figure}: {roam}"));
        assert!((0.0..5_000.0).contains(&millis), "{roam}");
    }
    assert!(roam["packets_lost"].as_u64().is_some(), "{roam}");
    let calls = report["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 4, "two calls, both sides");
    for call in calls {
        assert!(call["media_security"].as_str().is_some_and(|keys| keys.contains("dtls")), "{call:#}");
    }
    assert!(page.contains("t1.home.example") && page.contains("<svg"));
}

#[test]
fn a_terminal_roams_in_mid_call_and_is_found_by_name_where_it_is_and_nowhere_once_it_has_left() {
    let (report, page, told) = demo(&["--loopback"]);
    assert!(told.contains("loopback addresses stand for the networks"), "{told}");
    check(&report, &page, &told, "127.0.30.");
    let roam = &report["roams"][0];
    for what in ["home_router_media_packets", "path_before", "path_after", "tunnel"] {
        assert!(roam[what].is_null(), "there is no router on loopback: {roam}");
    }
}

#[test]
fn a20_a22_a24_in_networks_of_their_own_sound_never_passes_the_home_and_names_are_found_from_the_root_on() {
    if !namespaces() {
        println!("skipped: no network namespaces may be made here");
        return;
    }
    let (report, page, told) = demo(&[]);
    assert!(told.contains("six networks of their own"), "{told}");
    check(&report, &page, &told, "10.30.0.");
    assert!(told.contains("from the root of names on, from delegation to delegation"), "{told}");
    let roam = &report["roams"][0];
    assert_eq!(roam["home_router_media_packets"], 0, "{roam:#}");
    assert_eq!(roam["home_router_media_bytes"], 0);
    // The same counters count, where there is something to count.
    let passed = |path: &str, router: usize| roam[path][router]["media_packets"].as_u64().unwrap();
    for (path, came, apart) in [("path_before", 2, 3), ("path_after", 3, 2)] {
        assert_eq!(roam[path][1]["router"], "home");
        assert!(passed(path, 0) > 200 && passed(path, came) > 200, "{path}: {roam:#}");
        assert!(passed(path, 1) == 0 && passed(path, apart) < 50, "{path}: {roam:#}");
    }
    // The baseline: there and back, every packet of the tunnel passes the home, and none of those that go straight.
    let tunnel = &roam["tunnel"];
    if tunnel.is_null() {
        println!("skipped: this system has no tunnel to compare with");
        return;
    }
    let number = |key: &str| tunnel[key].as_f64().unwrap_or_else(|| panic!("{key}: {tunnel}"));
    assert_eq!(number("home_router_packets_direct"), 0.0);
    assert!(number("packets_tunnel") > 150.0, "{tunnel}");
    let both_ways = 2.0 * number("packets_tunnel");
    assert!((both_ways..both_ways * 1.1).contains(&number("home_router_packets_tunnel")), "{tunnel}");
    // No wire is between these networks: what the detour takes is some microseconds, and a busy machine more, either way.
    assert!(number("tunnel_rtt_ms") > 0.0 && number("direct_rtt_ms") > 0.0, "{tunnel}");
    println!(
        "a tunnel through home adds {} ms one way, beside {} ms",
        tunnel["added_ms"], tunnel["direct_rtt_ms"]
    );
}

#[test]
fn a27_a20_in_networks_of_ipv6_name_call_and_sound_follow_the_terminal() {
    if !namespaces() {
        println!("skipped: no network namespaces may be made here");
        return;
    }
    // With DHCPv6 where there is a client.
    let dhcp = peer("dhclient").is_some();
    let (report, page, told) = demo(if dhcp { &["--ipv6", "--dhcp"] } else { &["--ipv6"] });
    assert!(told.contains("six networks of their own: core fd00:9::"), "{told}");
    check(&report, &page, &told, "fd00:30::");
    assert!(told.contains("from the root of names on, from delegation to delegation"), "{told}");
    assert_eq!(told.contains("dhclient has fd00:20:"), dhcp, "{told}");
    assert_eq!(told.contains("dhclient has fd00:30:"), dhcp, "{told}");
    let roam = &report["roams"][0];
    assert_eq!(roam["family"], "IPv6", "{roam}");
    assert_eq!(roam["home_router_media_packets"], 0, "{roam:#}");
    let passed = |path: &str, router: usize| roam[path][router]["media_packets"].as_u64().unwrap();
    assert!(passed("path_before", 2) > 200 && passed("path_after", 3) > 200, "{roam:#}");
    assert!(roam["tunnel"].is_null(), "the baseline is one of IPv4: {roam}");
    assert!(page.contains("IPv6"));
}

#[test]
fn a3_a_terminal_of_the_demo_has_its_addresses_from_a_dhcp_client() {
    if peer("udhcpc").is_none() || !namespaces() {
        println!("skipped: no DHCP client, or no network namespaces may be made here");
        return;
    }
    let (report, page, told) = demo(&["--dhcp"]);
    check(&report, &page, &told, "10.30.0.");
    for network in ["10.20.0.", "10.30.0."] {
        assert!(told.contains(&format!("udhcpc has {network}")), "{told}");
    }
    assert_eq!(report["roams"][0]["addresses_from"], "udhcpc");
    assert!(page.contains("udhcpc"));
}

/// Whether this user may have networks of its own, in whichever way, and there is a program to join them.
fn namespaces() -> bool {
    let may = |args: &[&str]| {
        let tried = Command::new("unshare").args(args).args(["ip", "link", "set", "lo", "up"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    may(&["-n"]) || may(&["-Urn"])
}
