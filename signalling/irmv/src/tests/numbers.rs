//! A number is a user's by its server's word, or by that of its network, which is shown as such.

use super::world::World;
use crate::{
    Name, NumberProof, Proof, Reason,
    client::{ClientEvent, Presence},
    server::ServerConfig,
};

const NUMBER: &str = "+46701234567";

fn world() -> World {
    World::with(vec![ServerConfig { verifies_numbers: true, ..ServerConfig::open("a.example") }])
}

fn proof(user: &str, identity: &str) -> NumberProof {
    let user: Name = user.parse().unwrap();
    let (identity, certificates) = (identity.to_owned(), vec![vec![1; 700], vec![2; 700]]);
    NumberProof { user, number: NUMBER.parse().unwrap(), identity, certificates }
}

fn numbered(world: &World, client: usize, name: &str) -> Presence {
    Presence { number: Some(NUMBER.parse().unwrap()), ..world.presence(client, name) }
}

/// What a terminal is told last of its registration.
fn told(world: &mut World, client: usize) -> Result<Proof, Reason> {
    world.run(1.0);
    let events = world.clients[client].events.drain(..).rev();
    let told = events.filter_map(|event| match event {
        ClientEvent::Registered { record } => Some(Ok(record.attestation.number)),
        ClientEvent::NotRegistered { reason } => Some(Err(reason)),
        _ => None,
    });
    told.into_iter().next().unwrap()
}

#[test]
fn b6_a_number_that_its_network_speaks_for_is_registered_and_shown_as_such() {
    let mut world = world();
    let bob = world.client("bob", 0);
    let presence = numbered(&world, bob, "bob@a.example");
    world.register(bob, presence.clone());
    assert_eq!(told(&mut world, bob), Err(Reason::Unproved), "nobody has said so");
    world.clients[bob].machine.prove(proof("bob@a.example", "good"));
    world.register(bob, presence);
    assert_eq!(told(&mut world, bob), Ok(Proof::Passport));
    let found = world.servers[0].machine.as_ref().unwrap().present(&NUMBER.parse().unwrap()).unwrap();
    assert_eq!((found.claim.name.as_str(), found.attestation.number), ("bob@a.example", Proof::Passport));
    assert_eq!(found.attestation.number.to_string(), "a PASSporT of its network");
    let other = world.client("other", 0);
    world.clients[other].machine.prove(proof("other@a.example", "good"));
    let presence = numbered(&world, other, "other@a.example");
    world.register(other, presence);
    assert_eq!(told(&mut world, other), Err(Reason::Taken), "as long as the first is there");
}

#[test]
fn b6_a_proof_that_does_not_hold_or_is_of_somebody_else_counts_for_nothing() {
    let mut world = world();
    for (user, shown_for, identity) in [
        ("bob", "bob@a.example", "wrong"),
        ("carol", "bob@a.example", "good"),
        ("dave", "dave@b.example", "good"),
    ] {
        let client = world.client("somebody", 0);
        world.clients[client].machine.prove(proof(shown_for, identity));
        let presence = numbered(&world, client, &format!("{user}@a.example"));
        world.register(client, presence);
        let expected = if user == "dave" { Reason::Domain } else { Reason::Unproved };
        assert_eq!(told(&mut world, client), Err(expected), "{user}");
    }
}

#[test]
fn b6_a_server_that_believes_nobody_for_numbers_takes_no_proof() {
    let mut world = World::new(&["a.example"]);
    let bob = world.client("bob", 0);
    world.clients[bob].machine.prove(proof("bob@a.example", "good"));
    let presence = numbered(&world, bob, "bob@a.example");
    world.register(bob, presence);
    assert_eq!(told(&mut world, bob), Err(Reason::Unproved));
}

#[test]
fn b6_a_proof_is_shown_once_and_counts_for_as_long_as_the_registration_lasts() {
    let mut world = world();
    let bob = world.client("bob", 0);
    world.clients[bob].machine.prove(proof("bob@a.example", "good"));
    let presence = numbered(&world, bob, "bob@a.example");
    world.register(bob, presence.clone());
    assert_eq!(told(&mut world, bob), Ok(Proof::Passport));
    world.run(20_000.0);
    assert_eq!(told(&mut world, bob), Ok(Proof::Passport), "renewed");
    let config = world.servers[0].machine.as_ref().unwrap().config().clone();
    world.kill(0);
    world.restart(0, config);
    world.run(20_000.0);
    assert_eq!(told(&mut world, bob), Ok(Proof::Passport), "also after a crash");
    assert_eq!(world.arrows.iter().filter(|arrow| arrow.ends_with(" prove")).count(), 1);
    let now = world.now;
    world.clients[bob].machine.leave(now);
    world.run(1.0);
    world.register(bob, presence);
    assert_eq!(told(&mut world, bob), Err(Reason::Unproved), "he has left, and shows nothing new");
}
