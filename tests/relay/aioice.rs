//! aioice, a client library in Python.

use std::process::Command;

use rove_tests::programs::{Running, peer, root};

use crate::stage::{PASSWORD, PATIENCE, Relay, USER, echo};

#[test]
fn aioice_is_served_over_udp_and_tcp() {
    let Some(python) = peer("python3") else { return };
    let known = Command::new(&python).args(["-c", "import aioice"]).output().unwrap();
    if !known.status.success() {
        println!("skipped: aioice is not installed");
        return;
    }
    let relay = Relay::start("allow = [\"127.0.0.0/8\"]");
    let echo = echo().port().to_string();
    for transport in ["udp", "tcp"] {
        let mut command = Command::new(&python);
        let port = relay.udp.port().to_string();
        command.arg(root().join("tests/relay/aioice_client.py"));
        command.args([&port, transport, USER, PASSWORD, &echo]);
        let (code, said, complaints) = Running::spawn(command).outcome(PATIENCE);
        assert_eq!(code, 0, "{transport}: {said}\n{complaints}");
        assert!(said.contains("50 of 50 came back"), "{transport}: {said}");
    }
    assert!(relay.counted("rove_relay_packets_in_total{part=\"turn\"}") >= 100);
}
