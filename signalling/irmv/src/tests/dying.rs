//! Servers that die, and terminals that know others of their domain.

use rove_base::{Entropy, UnixTime};

use super::world::{START, World, key, server_key};
use crate::{
    Claim, Proof, Record, Status, UserKey,
    client::ClientEvent,
    server::{ServerConfig, ServerEvent},
};

/// A domain with so many servers, and terminals that are registered with one of them each.
fn domain(servers: usize, terminals: usize) -> World {
    let mut world = World::with((0..servers).map(|_| ServerConfig::open("a.example")).collect());
    world.silent = true;
    for number in 0..terminals {
        let all: Vec<usize> = (0..servers).map(|at| (number + at) % servers).collect();
        let client = world.client_of("terminal", &all);
        let presence = world.presence(client, &format!("user{number}@a.example"));
        world.register(client, presence);
    }
    world.run(5.0);
    for client in &mut world.clients {
        let registered = client.events.iter().filter(|event| matches!(event, ClientEvent::Registered { .. }));
        assert_eq!(registered.count(), 1);
        client.events.clear();
    }
    world.servers.iter_mut().for_each(|server| server.events.clear());
    world
}

#[test]
fn b4_when_three_in_ten_servers_die_at_once_99_in_100_of_their_terminals_are_registered_again_in_a_minute() {
    let (servers, terminals) = if std::env::var_os("ROVE_PROVE").is_some() { (50, 2_000) } else { (20, 400) };
    let mut world = domain(servers, terminals);
    let mut entropy = Entropy::from_number(7);
    let mut dead = Vec::new();
    while dead.len() < servers * 3 / 10 {
        let at = usize::try_from(entropy.next_u64()).unwrap() % servers;
        if !dead.contains(&at) {
            dead.push(at);
            world.kill(at);
        }
    }
    world.run(60.0);
    let bereft = |client: &usize| dead.contains(&(client % servers));
    let (mut back, mut gone) = (0, 0);
    for client in 0..terminals {
        let events = &world.clients[client].events;
        if bereft(&client) {
            gone += 1;
            back += usize::from(matches!(events.back(), Some(ClientEvent::Registered { .. })));
        } else {
            assert!(events.is_empty(), "whose server lives notices nothing: {events:?}");
        }
    }
    println!("{servers} servers, {} dead: {back} of {gone} terminals registered again", dead.len());
    assert!(back * 100 >= gone * 99, "{back} of {gone}");
    // Those that live have each its part, and refuse nobody.
    let fair = gone / (servers - dead.len());
    for server in world.servers.iter().filter(|server| server.machine.is_some()) {
        let came =
            server.events.iter().filter(|event| matches!(event, ServerEvent::Registered { .. })).count();
        assert!(came <= fair * 3, "{came} have come to one, fair were {fair}");
        let refused = |event: &ServerEvent| matches!(event, ServerEvent::Refused { .. });
        assert!(!server.events.iter().any(refused));
    }
}

#[test]
fn who_is_refused_for_lack_of_room_goes_to_another_server() {
    let mut configs = vec![ServerConfig::open("a.example"), ServerConfig::open("a.example")];
    configs[0].limits.registry.records = 0;
    let mut world = World::with(configs);
    let alice = world.client_of("alice", &[0, 1]);
    let presence = world.presence(alice, "alice@a.example");
    world.register(alice, presence);
    world.run(3.0);
    assert!(matches!(world.clients[alice].events.back(), Some(ClientEvent::Registered { .. })));
}

#[test]
fn who_knows_one_server_alone_waits_for_it() {
    let mut world = domain(2, 0);
    let alice = world.client("alice", 0);
    let presence = world.presence(alice, "alice@a.example");
    world.register(alice, presence);
    world.run(1.0);
    world.kill(0);
    world.run(50.0);
    assert!(matches!(world.clients[alice].events.back(), Some(ClientEvent::Down)));
    world.restart(0, ServerConfig::open("a.example"));
    world.run(60.0);
    assert!(matches!(world.clients[alice].events.back(), Some(ClientEvent::Registered { .. })));
}

#[test]
fn what_another_server_of_the_domain_has_acknowledged_is_taken_in_if_the_same_key_has_signed_it() {
    let mut world = World::new(&["a.example"]);
    let bob = world.client("bob", 0);
    let (now, carol) = (world.now, world.presence(bob, "carol@a.example"));
    world.clients[bob].machine.watch(now, "carol@a.example".parse().unwrap());
    world.run(1.0);
    world.clients[bob].events.clear();
    let signed = |sequence, by: &UserKey, claimed: &UserKey| {
        let claim = Claim {
            key: key(7).public(),
            sequence,
            expires: UnixTime::from_secs(START + 600),
            status: Status::Online,
            listed: false,
            name: carol.name.clone(),
            number: None,
            fixed: None,
            contacts: carol.contacts.clone(),
        };
        let signature = claim.sign(&key(7));
        let mut record = Record::attest(claim, signature, (Proof::Nothing, Proof::Nothing), by);
        record.attestation.server = claimed.public();
        record
    };
    let (ours, other) = (server_key(0), server_key(1));
    let now = world.now;
    let server = world.servers[0].machine.as_mut().unwrap();
    let mut told = |record: &Record| server.learned(now, &record.encode());
    assert_eq!(told(&signed(5, &other, &other)), Ok(false), "another server's");
    assert_eq!(told(&signed(5, &other, &ours)), Ok(false), "forged");
    let good = signed(5, &ours, &ours);
    assert_eq!((told(&good), told(&good), told(&signed(4, &ours, &ours))), (Ok(true), Ok(false), Ok(false)));
    assert!(server.learned(now, b"nothing of the kind").is_err());
    world.run(1.0);
    let seen = world.clients[bob].events.pop_back();
    assert!(matches!(seen, Some(ClientEvent::Seen { record: Some(record), .. }) if *record == good));
    assert!(world.servers[0].journal.is_empty(), "it is kept where it was acknowledged");
}
