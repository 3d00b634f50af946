//! Whoever says what is not so is refused, counted, and changes nothing.

use std::net::IpAddr;

use rove_roam::{
    CancelReason, Cause, Challenge, Generation, Operation, Outcome, Proof, Resynchronisation,
    aka::{Usim, binding_proof},
};

use super::{
    desk::{Desk, Guest},
    fixture::{imsi, keys, name, network, subscriber, visited},
};

const HOME: usize = 0;
const A: usize = 1;
const B: usize = 2;
/// A network that the home has no agreement with.
const STRANGER: usize = 3;

/// Subscriber 1 is in network A, bound to 10.1.0.5; subscriber 2 is nowhere.
fn desk() -> (Desk, Guest) {
    let mut desk = Desk::with([subscriber(1), subscriber(2)]);
    let guest = desk.guest(1, A);
    let claim = guest.claim(address("10.1.0.5"));
    assert_eq!(desk.bind(A, &claim, &guest.proof(&claim)), Ok(Outcome::Bound { lease: 30 }));
    (desk, guest)
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Asks, and shows that nothing came of it but a number.
fn refused(desk: &mut Desk, over: usize, operation: Operation, cause: Cause) {
    let shown = format!("{operation:?}");
    let (zone, told, count) = (desk.zone.clone(), desk.told.len(), desk.home.refusals().of(cause));
    let all = desk.refusals();
    let before: Vec<_> = desk.home.snapshot().collect();
    assert_eq!(desk.ask(over, operation), Err(cause), "{shown}");
    assert_eq!(desk.home.refusals().of(cause), count + 1, "counted under its cause: {shown}");
    assert_eq!(desk.refusals(), all + 1, "and under no other: {shown}");
    assert_eq!((&desk.zone, desk.told.len()), (&zone, told), "{shown}");
    assert_eq!(desk.home.snapshot().collect::<Vec<_>>(), before, "{shown}");
}

fn bind(claim: rove_roam::BindClaim, proof: Proof) -> Operation {
    Operation::Bind { claim, proof, lease: 30 }
}

#[test]
fn a16_a23_a_network_without_agreement_learns_and_changes_nothing() {
    let (mut desk, _) = desk();
    let imsi = imsi(2);
    let ask = Operation::SendAuthenticationInfo {
        imsi,
        visited: visited(STRANGER),
        count: 1,
        resynchronisation: None,
        eps: None,
    };
    refused(&mut desk, STRANGER, ask, Cause::NoAgreement);
    refused(
        &mut desk,
        STRANGER,
        Operation::UpdateLocation { imsi, visited: visited(STRANGER) },
        Cause::NoAgreement,
    );
    refused(&mut desk, STRANGER, Operation::RestoreData { imsi }, Cause::NoAgreement);
    // It says it is a partner; the link is still its own.
    refused(&mut desk, STRANGER, Operation::UpdateLocation { imsi, visited: visited(A) }, Cause::NoAgreement);
}

#[test]
fn a23_a_partner_speaks_for_itself_alone() {
    let (mut desk, guest) = desk();
    refused(
        &mut desk,
        B,
        Operation::UpdateLocation { imsi: imsi(1), visited: visited(A) },
        Cause::WrongNetwork,
    );
    let purge = Operation::PurgeMs { imsi: imsi(1), visited: visited(A), generation: guest.generation };
    refused(&mut desk, B, purge, Cause::WrongNetwork);
    let claim = guest.claim(address("10.1.0.6"));
    let proof = guest.proof(&claim);
    refused(&mut desk, B, bind(claim, proof), Cause::WrongNetwork);
}

#[test]
fn a23_an_update_of_the_location_of_another_homes_subscriber_is_refused() {
    let (mut desk, _) = desk();
    let imsi = "999990000000001".parse().expect("an IMSI");
    refused(&mut desk, A, Operation::UpdateLocation { imsi, visited: visited(A) }, Cause::UnknownSubscriber);
    let ask = Operation::SendAuthenticationInfo {
        imsi,
        visited: visited(A),
        count: 1,
        resynchronisation: None,
        eps: None,
    };
    refused(&mut desk, A, ask, Cause::UnknownSubscriber);
}

#[test]
fn a23_an_address_outside_of_the_partners_networks_is_not_bound() {
    let (mut desk, guest) = desk();
    for outside in ["10.2.0.5", "192.0.2.1", "10.0.0.1", "2001:db8::1"] {
        let claim = guest.claim(address(outside));
        let proof = guest.proof(&claim);
        refused(&mut desk, A, bind(claim, proof), Cause::AddressNotAllowed);
    }
}

#[test]
fn a23_a_node_that_does_not_serve_a_subscriber_ends_nothing() {
    let (mut desk, guest) = desk();
    let purge = |imsi, there, generation| Operation::PurgeMs { imsi, visited: visited(there), generation };
    let later = Generation(guest.generation.0 + 7);
    refused(&mut desk, B, purge(imsi(1), B, guest.generation), Cause::NotServing);
    refused(&mut desk, B, purge(imsi(1), B, later), Cause::NotServing);
    refused(&mut desk, A, purge(imsi(2), A, Generation(1)), Cause::NotServing);
    let cancel = Operation::CancelLocation {
        imsi: imsi(1),
        reason: CancelReason::SubscriptionWithdrawn,
        generation: guest.generation,
    };
    refused(&mut desk, B, cancel, Cause::NotSupported);
    refused(&mut desk, B, Operation::Reset { hlr: "49300".parse().expect("a number") }, Cause::NotSupported);
    refused(&mut desk, B, Operation::RestoreData { imsi: imsi(1) }, Cause::NotServing);
}

#[test]
fn a23_an_update_without_its_terminal_takes_nobody_away() {
    let (mut desk, guest) = desk();
    let zone = desk.zone.clone();
    // B may ask for challenges and say that the subscriber is there; it cannot answer for it.
    let ask = Operation::SendAuthenticationInfo {
        imsi: imsi(1),
        visited: visited(B),
        count: 5,
        resynchronisation: None,
        eps: None,
    };
    assert!(desk.ask(B, ask).is_ok());
    let Ok(Outcome::Located { generation, .. }) =
        desk.ask(B, Operation::UpdateLocation { imsi: imsi(1), visited: visited(B) })
    else {
        panic!("a partner's update is taken");
    };
    let thief = Guest { generation, there: B, ..desk.guest(2, B) };
    let claim = Guest { who: 1, ..thief }.claim(address("10.2.0.5"));
    let proof = binding_proof(&desk.guest(2, B).secret, &claim.network, &claim);
    refused(&mut desk, B, bind(claim, proof), Cause::ProofInvalid);
    assert_eq!(desk.zone, zone, "the name stays where the terminal is");
    assert!(!desk.told.iter().any(|(to, told)| *to == 1 && matches!(told, Operation::CancelLocation { .. })));
    let claim = guest.claim(address("10.1.0.5"));
    assert!(desk.bind(A, &claim, &guest.proof(&claim)).is_ok(), "and its network renews it");
}

#[test]
fn a23_nothing_is_bound_without_a_fresh_proof() {
    let (mut desk, guest) = desk();
    let claim = guest.claim(address("10.1.0.6"));
    for proof in [vec![], vec![0; 32], vec![0; 64], guest.proof(&guest.claim(address("10.1.0.5"))).0] {
        refused(&mut desk, A, bind(claim.clone(), Proof(proof)), Cause::ProofInvalid);
    }
    // A proof of the stay before, for the same address.
    let old = guest.proof(&claim);
    let again = desk.guest(1, A);
    refused(&mut desk, A, bind(again.claim(address("10.1.0.6")), old), Cause::ProofInvalid);
    // Made for another network.
    let elsewhere = desk.guest(1, B);
    let claim = elsewhere.claim(address("10.2.0.6"));
    let proof = binding_proof(&elsewhere.secret, &network(A), &claim);
    refused(&mut desk, B, bind(claim, proof), Cause::ProofInvalid);
}

#[test]
fn a5_a23_a_right_proof_binds_no_wrong_name() {
    let (mut desk, guest) = desk();
    for wrong in [name(2), "www.home.example".parse().expect("a name"), network(HOME)] {
        let mut claim = guest.claim(address("10.1.0.6"));
        claim.name = wrong;
        let proof = guest.proof(&claim);
        refused(&mut desk, A, bind(claim, proof), Cause::NameMismatch);
    }
}

#[test]
fn a7_a23_what_is_said_of_an_older_stay_changes_nothing() {
    let (mut desk, guest) = desk();
    let claim = guest.claim(address("10.1.0.5"));
    let proof = guest.proof(&claim);
    let newer = desk.guest(1, B);
    let at_b = newer.claim(address("10.2.0.5"));
    assert!(desk.bind(B, &at_b, &newer.proof(&at_b)).is_ok());
    refused(&mut desk, A, bind(claim, proof), Cause::StaleGeneration);
    let purge = Operation::PurgeMs { imsi: imsi(1), visited: visited(A), generation: guest.generation };
    refused(&mut desk, A, purge, Cause::StaleGeneration);
    let ahead = Generation(newer.generation.0 + 1);
    let purge = Operation::PurgeMs { imsi: imsi(1), visited: visited(B), generation: ahead };
    refused(&mut desk, B, purge, Cause::StaleGeneration);
}

#[test]
fn a23_an_address_of_another_is_not_taken() {
    let (mut desk, _) = desk();
    let guest = desk.guest(2, A);
    let claim = guest.claim(address("10.1.0.5"));
    let proof = guest.proof(&claim);
    refused(&mut desk, A, bind(claim, proof), Cause::AddressNotAllowed);
}

#[test]
fn a23_what_makes_no_sense_is_refused() {
    let (mut desk, guest) = desk();
    let mut claim = guest.claim(address("10.1.0.5"));
    claim.addresses.v4 = None;
    let proof = guest.proof(&claim);
    refused(&mut desk, A, bind(claim, proof), Cause::DataMissing);
    let claim = guest.claim(address("10.1.0.5"));
    let (proof, lease) = (guest.proof(&claim), 0);
    refused(&mut desk, A, Operation::Bind { claim, proof, lease }, Cause::UnexpectedDataValue);
    for count in [0, 6, 255] {
        let (imsi, visited) = (imsi(1), visited(A));
        let ask =
            Operation::SendAuthenticationInfo { imsi, visited, count, resynchronisation: None, eps: None };
        refused(&mut desk, A, ask, Cause::UnexpectedDataValue);
    }
}

#[test]
fn a23_a_forged_resynchronisation_moves_no_number() {
    let (mut desk, _) = desk();
    let resynchronisation = Some(Resynchronisation { rand: [1; 16], auts: [2; 14] });
    let ask = Operation::SendAuthenticationInfo {
        imsi: imsi(1),
        visited: visited(A),
        count: 1,
        resynchronisation,
        eps: None,
    };
    refused(&mut desk, A, ask, Cause::ProofInvalid);
}

#[test]
fn a14_vectors_of_eps_carry_the_separation_bit_use_up_numbers_and_bind_nothing() {
    let (mut desk, guest) = desk();
    let eps = "00202".parse().ok();
    let ask = Operation::SendAuthenticationInfo {
        imsi: imsi(1),
        visited: visited(A),
        count: 5,
        resynchronisation: None,
        eps,
    };
    let Ok(Outcome::AuthenticationInfo(challenges)) = desk.ask(A, ask.clone()) else { panic!("no vectors") };
    assert_eq!(challenges.len(), 5);
    let mut usim = Usim::new(keys(1));
    for challenge in &challenges {
        let Challenge::Eps(vector) = challenge else { panic!("{challenge:?}") };
        assert_eq!(vector.autn[6] & 0x80, 0x80, "without it a terminal believes no node of EPS");
        let answer = usim.answer(&vector.rand, &vector.autn, &network(A)).expect("the home's, and fresh");
        assert_eq!(answer.res, vector.xres);
    }
    // Five of them drove out no secret: what the guest got before still proves where it is.
    let claim = guest.claim(address("10.1.0.6"));
    assert_eq!(desk.bind(A, &claim, &guest.proof(&claim)), Ok(Outcome::Bound { lease: 30 }));
    // And without an agreement there are none.
    refused(&mut desk, STRANGER, ask, Cause::NoAgreement);
}
