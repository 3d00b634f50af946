//! sipsak against `rove answer`.

use std::process::Command;

use rove_tests::programs::{Running, peer};

use crate::stage::{PATIENCE, answer};

#[test]
fn sipsak_hears_what_a_phone_can_do_over_udp_and_tcp() {
    let Some(sipsak) = peer("sipsak") else { return };
    let (mut phone, address) = answer(&[]);
    for transport in ["udp", "tcp"] {
        let mut command = Command::new(&sipsak);
        command.args(["-vv", "-E", transport, "-s", &format!("sip:bob@{address}")]);
        let (code, said, complaints) = Running::spawn(command).outcome(PATIENCE);
        assert_eq!(code, 0, "{transport}: {said}\n{complaints}");
        assert!(said.contains("200 OK") && said.contains("Accept: application/sdp"), "{transport}: {said}");
    }
    assert!(phone.is_alive());
}
