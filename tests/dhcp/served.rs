//! Debian's DHCP clients against `roved` itself: what they get is bound at home and named in reverse, and all of it goes.

use std::{path::Path, process::Command};

use rove_tests::programs::{Running, peer, program};
use serde_json::Value;

use crate::{
    lab::{AIR, HOME, Lab, NAME},
    server::PATIENCE,
};

const VISITED: &str = "10.21.0.1";

fn addresses(told: &Value) -> (String, String) {
    let text = |at: usize| told["addresses"][at].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    (text(0), text(1))
}

fn signal(process: &Running, name: &str) {
    let sent = Command::new("kill").args([name, &process.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// The terminal attaches to a visited network and has its address there from `udhcpc`: both, and the address.
pub(crate) fn leased(lab: &Lab, client: &Path, network: usize) -> ([Running; 2], String) {
    let device = AIR[network];
    let (attach, told) = lab.attach(network, &["--dhcp"]);
    let (token, v4) = (told["token"].as_str().unwrap(), told["addresses"][0].as_str().unwrap());
    let dhcp = udhcpc(lab, client, device, &["-x", &format!("0x3d:{token}")]);
    let mine = || lab.terminal_ip(&["address", "show", "dev", device]).contains(&format!("{v4}/"));
    lab.wait_for("a lease", mine);
    ([attach, dhcp], v4.to_owned())
}

/// `udhcpc`, which sets what it gets.
pub(crate) fn udhcpc(lab: &Lab, udhcpc: &Path, device: &str, more: &[&str]) -> Running {
    let script = lab.file(
        "udhcpc.sh",
        "#!/bin/sh\ncase $1 in\nbound|renew) ip address replace $ip/24 dev $interface\n\
         ip route replace default via $router dev $interface;;\n\
         deconfig) ip address flush dev $interface scope global;;\nesac\n",
    );
    lab.terminal(udhcpc, &[&["-f", "-i", device, "-C", "-s", &script, "-T", "1"], more].concat())
}

/// `dhclient` of one family, which sets what it gets; its options without the last, so that it can be told to release.
fn dhclient(lab: &Lab, token: &str, family: &str) -> Vec<String> {
    let bytes: Vec<u8> =
        (0..16).map(|at| u8::from_str_radix(&token[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let colons = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    let octal: String = [&[0, 4], &bytes[..]].concat().iter().map(|byte| format!("\\{byte:03o}")).collect();
    let settings =
        lab.file(&format!("dhclient{family}.conf"), &format!("send dhcp-client-identifier {colons};\n"));
    let known = if family == "-6" { format!("default-duid \"{octal}\";\n") } else { "\n".into() };
    let leases = lab.file(&format!("leases{family}"), &known);
    let script = lab.file(
        "dhclient.sh",
        "#!/bin/sh\ncase $reason in\nBOUND|RENEW) ip address replace $new_ip_address/24 dev $interface;;\n\
         BOUND6) ip -6 address replace $new_ip6_address/128 dev $interface nodad;;\n\
         RELEASE|RELEASE6) ip address flush dev $interface scope global;;\nesac\n",
    );
    let pid = lab.path(&format!("pid{family}"));
    [family, "-cf", &settings, "-lf", &leases, "-pf", &pid, "-sf", &script, AIR[0]]
        .map(str::to_owned)
        .to_vec()
}

fn has(lab: &Lab, address: &str) -> bool {
    lab.terminal_ip(&["address", "show", "dev", AIR[0]]).contains(&format!("{address}/"))
}

#[test]
fn a1_a3_a7_a27_real_clients_get_both_families_named_both_ways_and_a_release_takes_all_of_it_back() {
    let (Some(client4), Some(client6), Some(dig)) = (peer("udhcpc"), peer("dhclient"), peer("dig")) else {
        return;
    };
    let Some(lab) = Lab::new(3_600) else { return };
    let (attach, told) = lab.attach(0, &["--dhcp"]);
    assert_eq!(told["event"], "token", "{told}");
    let ((v4, v6), token) = (addresses(&told), told["token"].as_str().unwrap());
    assert!(lab.dig(&dig, HOME, &[NAME]).is_empty(), "nothing before DHCP was asked");
    let option = format!("0x3d:{token}");
    let client = udhcpc(&lab, &client4, AIR[0], &["-x", &option]);
    lab.wait_for("a lease", || has(&lab, &v4));
    // What stands before the client knows of its address stands now.
    assert_eq!(lab.dig(&dig, HOME, &[NAME]), core::slice::from_ref(&v4));
    assert_eq!(lab.dig(&dig, HOME, &[NAME, "AAAA"]), core::slice::from_ref(&v6));
    for address in [&v4, &v6] {
        assert_eq!(lab.dig(&dig, VISITED, &["-x", address]), [format!("{NAME}.")]);
    }
    assert!(attach.said().contains("attached"), "the terminal was told too");
    // The router says where IPv6 goes, and that DHCP is to be asked.
    lab.wait_for("a way for IPv6", || {
        lab.terminal_ip(&["-6", "route", "show", "default"]).contains("proto ra")
    });
    let made = lab.terminal_ip(&["-6", "address", "show", "dev", AIR[0], "scope", "global"]);
    assert!(made.is_empty(), "hosts make themselves no address: {made}");
    let common = dhclient(&lab, token, "-6");
    let common: Vec<&str> = common.iter().map(String::as_str).collect();
    let mut second = lab.terminal(&client6, &[&["-d"], &common[..]].concat());
    lab.wait_for("the lease of IPv6", || {
        assert!(second.is_alive(), "the client has given up: {}", second.complaints());
        has(&lab, &v6)
    });
    signal(&client, "-USR2");
    lab.wait_for("nothing is left", || {
        let forward = [&["A"], &["AAAA"]].iter().all(|kind| lab.dig(&dig, HOME, &[NAME, kind[0]]).is_empty());
        forward && [&v4, &v6].iter().all(|address| lab.dig(&dig, VISITED, &["-x", address]).is_empty())
    });
    drop((client, second));
}

#[test]
fn a3_a7_dhclient_is_served_by_the_node_renews_and_gives_back() {
    let (Some(client), Some(dig)) = (peer("dhclient"), peer("dig")) else { return };
    let Some(lab) = Lab::new(8) else { return };
    let (_attach, told) = lab.attach(0, &["--dhcp"]);
    let ((v4, _), token) = (addresses(&told), told["token"].as_str().unwrap());
    let common = dhclient(&lab, token, "-4");
    let common: Vec<&str> = common.iter().map(String::as_str).collect();
    let running = lab.terminal(&client, &[&["-d"], &common[..]].concat());
    lab.wait_for("a lease", || has(&lab, &v4));
    assert_eq!(lab.dig(&dig, HOME, &[NAME]), core::slice::from_ref(&v4));
    // It says so by itself, at half of its eight seconds, and again.
    let mut said = String::new();
    lab.wait_for("two renewals", || {
        said += &running.complaints();
        said.matches("bound to").count() >= 3
    });
    assert_eq!(lab.dig(&dig, HOME, &[NAME]), core::slice::from_ref(&v4));
    let mut releasing = lab.terminal(&client, &[&["-r"], &common[..]].concat());
    assert!(releasing.wait(PATIENCE).is_some_and(|status| status.success()), "{}", releasing.complaints());
    lab.wait_for("nothing is left", || {
        lab.dig(&dig, HOME, &[NAME]).is_empty() && lab.dig(&dig, VISITED, &["-x", &v4]).is_empty()
    });
}

#[test]
fn a2_who_shows_no_token_gets_no_lease_of_a_node_and_who_is_attached_is_served_beside() {
    let (Some(client), Some(dig)) = (peer("udhcpc"), peer("dig")) else { return };
    let Some(lab) = Lab::new(3_600) else { return };
    let (_attach, told) = lab.attach(0, &["--dhcp"]);
    let ((v4, _), token) = (addresses(&told), told["token"].as_str().unwrap().to_owned());
    for id in [&[][..], &["-x", "0x3d:00112233445566778899aabbccddeeff"]] {
        let (code, said, complaints) =
            udhcpc(&lab, &client, AIR[0], &[&["-n", "-q", "-t", "2"], id].concat()).outcome(PATIENCE);
        assert_ne!(code, 0, "{said} {complaints}");
    }
    assert!(!has(&lab, &v4) && lab.dig(&dig, HOME, &[NAME]).is_empty());
    let option = format!("0x3d:{token}");
    let _client = udhcpc(&lab, &client, AIR[0], &["-x", &option]);
    lab.wait_for("a lease", || has(&lab, &v4));
    assert_eq!(lab.dig(&dig, HOME, &[NAME]), [v4]);
    // The terminal leaves by its own word; the lease falls with the stay.
    let sim = lab.path("sim.toml");
    let (code, _, complaints) = Running::start(&program("rove"), ["detach", "--sim", &sim]).outcome(PATIENCE);
    assert_eq!(code, 0, "{complaints}");
    lab.wait_for("nothing is left", || lab.dig(&dig, HOME, &[NAME]).is_empty());
}
