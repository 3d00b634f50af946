//! `rove lookup` from the root on: whom it asks, what it is told, and what scripts are told.

use std::net::{Ipv4Addr, SocketAddr};

use rove_tests::programs::{Running, program};
use serde_json::Value;

use crate::programs::{HOME, PATIENCE, Stage, VISITED, free, free_beside, write};

const ROOT: Ipv4Addr = Ipv4Addr::new(127, 0, 30, 1);

/// Two networks and a root above them, all at one port: delegations name none.
fn world() -> (Stage, Running, SocketAddr) {
    loop {
        let stage = Stage::named(free(Ipv4Addr::new(127, 0, 10, 1)), "", "");
        let port = stage.names[HOME].port();
        let root = free_beside(ROOT, port);
        if root.port() != port || stage.names[VISITED].port() != port {
            continue;
        }
        let records = [
            "root.servers. A 127.0.30.1",
            "home.example. NS ns.home.example.",
            "ns.home.example. A 127.0.10.1",
            "20.0.127.in-addr.arpa. NS ns.visited.example.",
            "ns.visited.example. A 127.0.20.1",
        ];
        let text = format!(
            "[journal]\npath = \"root.journal\"\n[dns]\nlisten = [\"{root}\"]\n[[dns.zone]]\norigin = \".\"\n\
             primary = \"root.servers.\"\nttl = 5\nnegative_ttl = 1\nrecords = {records:?}\n"
        );
        let path = stage.path("root.toml");
        write(&path, &text);
        let mut node =
            Running::start(&program("roved"), ["--config", path.to_str().unwrap(), "--ready-json"]);
        node.ready(PATIENCE);
        return (stage, node, root);
    }
}

fn lookup(args: &[&str]) -> (i32, String, String) {
    let args: Vec<&str> = ["lookup"].iter().chain(args).copied().collect();
    Running::start(&program("rove"), args).outcome(PATIENCE)
}

#[test]
fn a24_a_look_up_walks_from_the_root_to_the_home_for_names_and_to_the_visited_network_for_addresses() {
    let (stage, _node, root) = world();
    stage.subscribe();
    let (_terminal, ip) = stage.attached();
    let (at, ip) = (root.to_string(), ip.to_string());
    let report = stage.path("lookup.json");
    let json = report.to_str().unwrap();
    let (home, visited) = (stage.names[HOME], stage.names[VISITED]);

    let (code, said, complaints) = lookup(&["t1.home.example", "--root", &at, "--trace", "--json", json]);
    assert_eq!(code, 0, "{said} {complaints}");
    let referral = format!("home.example is at ns.home.example 127.0.10.1 ({root} of ., ");
    assert!(said.contains(&referral), "{said}");
    assert!(said.contains(&format!("t1.home.example A ? {ip} ({home} of home.example, ")), "{said}");
    assert!(said.contains(&format!("{ip}:5060")), "{said}");
    let told: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let steps = told["steps"].as_array().unwrap();
    let first = (&steps[0]["server"], &steps[0]["zone"]);
    assert_eq!(first, (&Value::from(root.to_string()), &Value::from(".")), "{told}");
    assert!(steps.iter().all(|step| step["ms"].is_f64() && step["question"].is_string()), "{told}");
    let asked = |server: SocketAddr| steps.iter().filter(|step| step["server"] == server.to_string()).count();
    assert_eq!(asked(root), 1, "the way to the zone is gone once: {told}");
    assert_eq!(told["addresses"][0]["address"], format!("{ip}:5060"), "{told}");

    let (code, said, complaints) = lookup(&["--reverse", &ip, "--root", &at, "--trace", "--json", json]);
    assert_eq!(code, 0, "{said} {complaints}");
    let referral = format!("20.0.127.in-addr.arpa is at ns.visited.example 127.0.20.1 ({root} of ., ");
    assert!(
        said.contains(&referral) && said.contains(&format!("({visited} of 20.0.127.in-addr.arpa, ")),
        "{said}"
    );
    assert_eq!(said.lines().last(), Some("t1.home.example"), "{said}");
    let told: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(
        (&told["names"][0], &told["reverse"]),
        (&Value::from("t1.home.example"), &Value::from(ip.as_str()))
    );

    let by_resolver = lookup(&["--reverse", &ip, "--dns-server", &visited.to_string(), "--trace"]);
    assert_eq!(
        (by_resolver.0, by_resolver.1.lines().last()),
        (0, Some("t1.home.example")),
        "{by_resolver:?}"
    );
    let (code, _, complaints) = lookup(&["--reverse", "127.0.20.250", "--root", &at]);
    assert_eq!(code, 1, "nobody is there: {complaints}");
    assert!(complaints.contains("does not exist"), "{complaints}");
    let (code, _, complaints) = lookup(&["--reverse", &ip, "t1.home.example"]);
    assert_eq!(code, 2, "one or the other: {complaints}");
}
