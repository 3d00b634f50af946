//! Connectivity checks.

use rove_base::{Candidate, Entropy, IceCredentials, IcePlan, IceRole, Instant, UdpFlow};
use rove_nat::{ice::Ice, stun::Message};

/// Bytes that nobody sealed are never believed, and leave an agent as it is, whatever they claim.
///
/// # Panics
///
/// When that does not hold.
pub fn check(datagram: &[u8]) {
    if let Ok(message) = Message::parse(datagram) {
        assert!(!message.is_authentic("a password that nobody knows"));
        let _ = (message.has_fingerprint(), message.class(), message.is_binding(), message.attributes());
    }
    let [here, there] = [4_000, 5_000].map(|port| ([127, 0, 0, 1], port).into());
    let mut entropy = Entropy::from_number(1);
    let plan = IcePlan {
        local: IceCredentials::draw(&mut entropy),
        remote: IceCredentials::draw(&mut entropy),
        local_candidates: vec![Candidate::host(here, 65_535)],
        remote_candidates: vec![Candidate::host(there, 65_535)],
        complete: true,
        role: IceRole::Controlled,
        lite_peer: false,
        stun_server: None,
    };
    let mut ice = Ice::new(Instant::ZERO, &plan, entropy);
    let before = format!("{ice:?}");
    let flow = UdpFlow { local: here, remote: there };
    ice.receive(Instant::ZERO, flow, datagram);
    assert_eq!((format!("{ice:?}"), ice.next_datagram(), ice.hears(&flow)), (before, None, false));
}
