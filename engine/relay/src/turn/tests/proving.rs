//! Who is believed, and what whoever is not costs.

use rove_nat::stun::turn::{Algorithm, Method, TurnMessage};

use super::world::{WALL, World, config, listen};
use crate::{accounts::timed, counts::Cause, turn::*};

#[test]
fn an_address_is_lent_to_users_and_to_whoever_shows_a_word_that_is_good_for_a_time() {
    let mut world = World::new(config());
    let (user, password) =
        timed("north", "carol", rove_base::UnixTime::from_secs(WALL), Duration::from_secs(60));
    for (user, password) in
        [("alice", "secret of alice"), ("bob", "secret of bob"), (user.as_str(), password.as_str())]
    {
        let mut client = world.client(user, password);
        world.allocate(&mut client);
    }
    assert_eq!((world.server.lent(), world.bound.len()), (3, 3));
}

#[test]
fn whoever_is_not_known_or_whose_time_is_over_hears_the_same_401() {
    let mut world = World::new(config());
    let wall = rove_base::UnixTime::from_secs(WALL);
    let (old, of_old) = timed("north", "carol", wall, Duration::ZERO);
    let (foreign, of_foreign) = timed("south", "carol", wall, Duration::from_secs(60));
    let cases = [
        ("alice", "guess"),
        ("nobody", "guess"),
        ("nobody", ""),
        (old.as_str(), of_old.as_str()),
        (foreign.as_str(), of_foreign.as_str()),
        ("", ""),
    ];
    for (user, password) in cases {
        let mut client = world.client(user, password);
        let said = world.ask(&mut client, Method::Allocate, |ask| ask.transport(17));
        assert_eq!((said.error, said.sealed, said.nonce.len()), (Some(401), false, 29), "{user}");
    }
    assert_eq!(world.server.lent(), 0);
    assert_eq!(world.server.counts().refused(Cause::Unauthorized), cases.len() as u64);
}

#[test]
fn every_kind_of_seal_is_taken_and_answered_in_kind() {
    for algorithm in [None, Some(Algorithm::Md5), Some(Algorithm::Sha256)] {
        for newer in [false, true] {
            let mut world = World::new(config());
            let mut client = world.alice();
            (client.algorithm, client.newer) = (algorithm, newer);
            let said = world.ask(&mut client, Method::Allocate, |ask| ask.transport(17));
            assert!(said.success, "{algorithm:?} {newer} {said:?}");
            let answer = TurnMessage::parse(&said.bytes).unwrap();
            // Our own side of the key is found only when the answer tells it; what is tested is that it is sealed by it.
            let found = answer.is_sealed(&client.key);
            assert_eq!(found.is_some(), algorithm != Some(Algorithm::Sha256), "{algorithm:?} {newer}");
            assert!(said.sealed);
        }
    }
}

#[test]
fn whoever_was_offered_less_than_we_offer_has_been_lied_to() {
    let mut world = World::new(config());
    let mut client = world.alice();
    world.allocate(&mut client);
    let mut other = world.alice();
    other.nonce = world.plain(&mut other, Method::Allocate, |ask| ask.transport(17)).nonce;
    // A list without the better one, and a choice without a list.
    let said = world.ask(&mut other, Method::Allocate, |ask| {
        ask.transport(17).algorithms(&[Algorithm::Md5]).algorithm(Algorithm::Md5)
    });
    assert_eq!(said.error, Some(400));
    let said = world.ask(&mut other, Method::Allocate, |ask| ask.transport(17).algorithm(Algorithm::Md5));
    assert_eq!(said.error, Some(400));
}

#[test]
fn a_nonce_of_another_address_or_of_an_hour_ago_is_stale() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    world.allocate(&mut alice);
    let mut thief = world.alice();
    thief.nonce.clone_from(&alice.nonce);
    let bytes = thief.sealed(Method::Allocate, |ask| ask.transport(17));
    assert_eq!(world.exchange(thief.flow, &bytes).error, Some(438));
    world.later(550);
    world.ask(&mut alice, Method::Refresh, |ask| ask.lifetime(3_600));
    world.later(3_500);
    let bytes = alice.sealed(Method::Refresh, |ask| ask.lifetime(600));
    assert_eq!(world.exchange(alice.flow, &bytes).error, Some(438));
    assert!(world.ask(&mut alice, Method::Refresh, |ask| ask.lifetime(600)).success);
}

#[test]
fn nobody_unproved_gets_more_than_three_times_what_he_has_sent_nor_keeps_anything_here() {
    let mut worst = 0.0_f64;
    for realm in ["r", "relay.example", "a realm as long as it may be 1234"] {
        let mut config = config();
        config.accounts = Accounts::new(realm.get(..32).unwrap_or(realm));
        let mut world = World::new(config);
        let mut client = world.alice();
        type Say = fn(rove_nat::stun::turn::TurnWriter<'_>) -> rove_nat::stun::turn::TurnWriter<'_>;
        let shapes: [Say; 3] =
            [|ask| ask, |ask| ask.transport(17), |ask| ask.transport(17).attribute(0x8022, &[b'x'; 40])];
        for method in [
            Method::Binding,
            Method::Allocate,
            Method::Refresh,
            Method::CreatePermission,
            Method::Other(0x77),
        ] {
            for say in shapes {
                let mut bytes = Vec::new();
                let ask = rove_nat::stun::turn::TurnWriter::new(
                    &mut bytes,
                    rove_nat::stun::Class::Request,
                    method,
                    client.next(),
                );
                say(ask).done();
                world.left.clear();
                world.heard(client.flow, &bytes);
                let answered: usize = world.left.iter().map(|(_, bytes)| bytes.len()).sum();
                assert!(answered <= 3 * bytes.len(), "{method:?}: {answered} for {}", bytes.len());
                worst = worst.max(answered as f64 / bytes.len() as f64);
            }
        }
        assert_eq!((world.server.lent(), world.bound.len()), (0, 0));
        assert_eq!(world.server.ends.len(), 0);
    }
    println!("at worst {worst:.2} times the bytes");
    assert!(worst > 1.0, "something was answered");
}

#[test]
fn one_source_without_proof_is_answered_so_often_and_no_more() {
    let mut world = World::new(config());
    let mut client = world.alice();
    let mut answered = 0;
    for _ in 0..1_000 {
        let mut bytes = Vec::new();
        rove_nat::stun::turn::TurnWriter::new(
            &mut bytes,
            rove_nat::stun::Class::Request,
            Method::Allocate,
            [1; 12],
        )
        .transport(17)
        .done();
        world.left.clear();
        world.heard(client.flow, &bytes);
        answered += world.left.len();
    }
    assert_eq!((answered, world.server.counts().refused(Cause::Source)), (400, 600));
    // Whoever has proved where it is, is not meant.
    world.later(1);
    client.nonce = world.plain(&mut client, Method::Allocate, |ask| ask.transport(17)).nonce;
    for _ in 0..500 {
        world.heard(Flow::udp(listen(), client.remote), b"\x00\x01\x00\x00\x21\x12\xa4\x42AAAAAAAAAAAA");
    }
    world.allocate(&mut client);
}

#[test]
fn what_is_not_understood_is_counted_and_not_answered() {
    let mut world = World::new(config());
    let client = world.alice();
    let cases: [&[u8]; 6] = [
        b"",
        b"x",
        b"\x00\x01",
        b"\x80\x00 rtp",
        b"\x16\xfe\xfd dtls",
        b"\x00\x03\x00\x04\x21\x12\xa4\x42AAAAAAAAAAAA",
    ];
    for bytes in cases {
        world.heard(client.flow, bytes);
    }
    assert!(world.left.is_empty());
    assert_eq!(world.server.counts().refused(Cause::NotUnderstood), cases.len() as u64);
}
