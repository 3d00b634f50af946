//! The sequences by which terminals register, are found and called.

use core::time::Duration;

use rove_base::Transport;

use super::world::{World, key};
use crate::{
    Carry, CarryId, Identifier, Number, Proof, Reason, Stage, Status,
    client::ClientEvent,
    server::{Account, ServerConfig},
};

fn two_operators() -> (World, usize, usize) {
    let mut world = World::new(&["a.example", "b.example"]);
    let (alice, bob) = (world.client("alice", 0), world.client("bob", 1));
    (world, alice, bob)
}

#[test]
fn b4_a_terminal_that_is_turned_on_registers_and_is_acknowledged_once_that_is_durable() {
    let (mut world, alice, _) = two_operators();
    world.servers[0].disk = Duration::from_millis(200);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(0.15);
    assert_eq!(world.arrows, ["alice -> a.example register"], "on its way to the disk");
    let name = Identifier::Name("alice@a.example".parse().unwrap());
    assert_eq!(world.servers[0].machine.as_ref().unwrap().present(&name), None, "so it does not show");
    world.run(0.3);
    assert_eq!(world.arrows, ["alice -> a.example register", "a.example -> alice registered"]);
    let events: Vec<_> = world.clients[alice].events.drain(..).collect();
    let [ClientEvent::Up, ClientEvent::Registered { record }] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(record.verify(None, world.now.wall), Ok(()));
    assert_eq!(record.claim.uid(), key(alice).uid());
}

#[test]
fn b5_what_is_asked_about_another_operators_user_is_passed_on_and_answered_as_in_figure_3() {
    let (mut world, alice, bob) = two_operators();
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(1.0);
    world.register(bob, world.presence(bob, "bob@b.example"));
    world.run(1.0);
    let now = world.now;
    world.clients[alice].machine.query(now, "bob@b.example".parse().unwrap());
    world.run(1.0);
    assert_eq!(
        world.arrows,
        [
            "alice -> a.example register",
            "a.example -> alice registered",
            "bob -> b.example register",
            "b.example -> bob registered",
            "alice -> a.example query",
            "a.example -> b.example query",
            "b.example -> a.example answer",
            "a.example -> alice answer",
        ]
    );
    let Some(ClientEvent::Answer { result: Ok(Some(record)), .. }) = world.clients[alice].events.pop_back()
    else {
        panic!("an answer")
    };
    let contact = record.claim.contacts[0];
    assert_eq!(
        (contact.transport, contact.address.to_string().as_str()),
        (Transport::Udp, "198.51.100.1:5060")
    );

    let before = world.now.mono;
    let now = world.now;
    world.clients[alice].machine.query(now, "bob@b.example".parse().unwrap());
    world.run(0.040);
    assert!(matches!(
        world.clients[alice].events.pop_back(),
        Some(ClientEvent::Answer { result: Ok(Some(_)), .. })
    ));
    assert_eq!(world.now.mono.since(before), Duration::from_millis(40), "two round trips: the link stays");
}

#[test]
fn b6_a_user_is_found_by_name_number_unique_id_and_fixed_address_with_what_stands_behind_each() {
    let number: Number = "+46701234567".parse().unwrap();
    let mut config = ServerConfig::open("a.example");
    let account = Account { uid: Some(key(0).uid()), number: Some(number), ..Account::default() };
    config.accounts.insert("alice@a.example".parse().unwrap(), account);
    let mut world = World::with(vec![config]);
    let (alice, carol) = (world.client("alice", 0), world.client("carol", 0));
    let fixed = "198.51.100.0".parse().unwrap();
    let mut presence = world.presence(alice, "alice@a.example");
    (presence.number, presence.fixed) = (Some(number), Some(fixed));
    world.register(alice, presence);
    world.run(1.0);
    let uid = key(alice).uid().to_string();
    for text in ["alice@a.example", "+46701234567", uid.as_str(), "198.51.100.0"] {
        let now = world.now;
        world.clients[carol].machine.query(now, text.parse().unwrap());
        world.run(1.0);
        let Some(ClientEvent::Answer { result: Ok(Some(record)), .. }) =
            world.clients[carol].events.pop_back()
        else {
            panic!("{text}")
        };
        assert_eq!(record.claim.name.as_str(), "alice@a.example", "{text}");
        assert_eq!(record.attestation.number, Proof::Attested);
        assert_eq!(record.attestation.fixed, Proof::Routable);
    }
    let now = world.now;
    world.clients[carol].machine.query(now, "+46701234568".parse().unwrap());
    world.run(1.0);
    assert!(matches!(
        world.clients[carol].events.pop_back(),
        Some(ClientEvent::Answer { result: Ok(None), .. })
    ));
}

#[test]
fn b6_a_number_an_id_and_an_address_of_another_operators_user_are_asked_of_all_that_the_operator_names() {
    let number: Number = "+46701234567".parse().unwrap();
    let mut configs = ["a.example", "b.example", "c.example"].map(ServerConfig::open);
    configs[0].asked = vec!["c.example".into(), "nowhere.example".into(), "b.example".into()];
    let account = Account { number: Some(number), ..Account::default() };
    configs[1].accounts.insert("bob@b.example".parse().unwrap(), account);
    let mut world = World::with(configs.into());
    let (alice, bob) = (world.client("alice", 0), world.client("bob", 1));
    let mut presence = world.presence(bob, "bob@b.example");
    (presence.number, presence.fixed) = (Some(number), Some("198.51.100.1".parse().unwrap()));
    world.register(bob, presence);
    world.run(1.0);
    let nobody = (key(9).uid().to_string(), false);
    let known = ["+46701234567".to_owned(), key(bob).uid().to_string(), "198.51.100.1".to_owned()];
    for (text, there) in known.into_iter().map(|text| (text, true)).chain([nobody]) {
        let now = world.now;
        world.clients[alice].machine.query(now, text.parse().unwrap());
        world.run(6.0);
        let answers: Vec<_> = world.clients[alice].events.drain(..).collect();
        let answered = |event: &&ClientEvent| match event {
            ClientEvent::Answer { result: Ok(record), .. } => record.is_some() == there,
            _ => false,
        };
        assert_eq!(answers.iter().filter(answered).count(), 1, "{text}: {answers:?}");
    }
}

#[test]
fn b6_a_number_or_an_address_behind_which_nothing_stands_is_refused() {
    let mut world = World::new(&["a.example"]);
    let alice = world.client("alice", 0);
    let mut with_number = world.presence(alice, "alice@a.example");
    with_number.number = Some("+46701234567".parse().unwrap());
    let mut with_address = world.presence(alice, "alice@a.example");
    with_address.fixed = Some("203.0.113.9".parse().unwrap());
    for presence in [with_number, with_address] {
        world.register(alice, presence);
        world.run(1.0);
        let refused = ClientEvent::NotRegistered { reason: Reason::Unproved };
        assert_eq!(world.clients[alice].events.pop_back(), Some(refused));
    }
}

#[test]
fn b7_a_change_of_status_is_seen_by_who_watches_at_another_server_and_so_is_the_end() {
    let (mut world, alice, bob) = two_operators();
    let now = world.now;
    world.clients[alice].machine.watch(now, "bob@b.example".parse().unwrap());
    world.run(1.0);
    let mut presence = world.presence(bob, "bob@b.example");
    for status in [Status::Online, Status::Busy, Status::Idle, Status::Online] {
        presence.status = status;
        world.register(bob, presence.clone());
        world.run(0.5);
    }
    let now = world.now;
    world.clients[bob].machine.leave(now);
    world.run(1.0);
    let seen = world.clients[alice].events.drain(..).filter_map(|event| match event {
        ClientEvent::Seen { record, .. } => Some(record.map(|record| record.claim.status)),
        _ => None,
    });
    let seen: Vec<_> = seen.collect();
    let [online, busy, idle] = [Status::Online, Status::Busy, Status::Idle].map(Some);
    assert_eq!(seen, [None, online, busy, idle, online, None]);
}

#[test]
fn b7_a_thousand_watchers_of_another_servers_user_cost_that_server_one_subscription() {
    let mut world = World::new(&["a.example", "b.example"]);
    let bob = world.client("bob", 1);
    let watchers: Vec<usize> = (0..200).map(|_| world.client("watcher", 0)).collect();
    for watcher in &watchers {
        let now = world.now;
        world.clients[*watcher].machine.watch(now, "bob@b.example".parse().unwrap());
    }
    world.run(2.0);
    world.arrows.clear();
    world.register(bob, world.presence(bob, "bob@b.example"));
    world.run(1.0);
    let between = world.arrows.iter().filter(|arrow| arrow.starts_with("b.example -> a.example")).count();
    let out = world.arrows.iter().filter(|arrow| *arrow == "a.example -> watcher notify").count();
    assert_eq!((between, out), (1, 200));
}

#[test]
fn b8_a_set_up_is_passed_on_by_both_servers_and_its_answer_comes_back_the_same_way_as_in_figure_4() {
    let (mut world, alice, bob) = two_operators();
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.register(bob, world.presence(bob, "bob@b.example"));
    world.run(1.0);
    world.arrows.clear();
    let call = |from: &str, to: &str, stage| Carry {
        id: CarryId([7; 16]),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        stage,
        body: b"v=0".to_vec(),
    };
    let (a, b) = ("alice@a.example", "bob@b.example");
    for (client, from, to, stage) in [
        (alice, a, b, Stage::SetUp),
        (bob, b, a, Stage::Alert),
        (bob, b, a, Stage::Accept),
        (bob, b, a, Stage::End),
    ] {
        let now = world.now;
        assert!(world.clients[client].machine.carry(now, call(from, to, stage)));
        world.run(0.5);
        let other = if client == alice { bob } else { alice };
        let carried = ClientEvent::Carried(call(from, to, stage));
        assert_eq!(world.clients[other].events.pop_back(), Some(carried));
    }
    let there = ["alice -> a.example", "a.example -> b.example", "b.example -> bob"];
    let back = ["bob -> b.example", "b.example -> a.example", "a.example -> alice"];
    let expected: Vec<String> = [(there, "set-up"), (back, "alert"), (back, "accept"), (back, "end")]
        .iter()
        .flat_map(|(hops, kind)| hops.iter().map(move |hop| format!("{hop} {kind}")))
        .collect();
    assert_eq!(world.arrows, expected);
}

#[test]
fn b8_nobody_speaks_in_anothers_name_and_who_is_not_there_does_not_ring() {
    let (mut world, alice, bob) = two_operators();
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.register(bob, world.presence(bob, "bob@b.example"));
    world.run(1.0);
    let set_up = |from: &str, to: &str| Carry {
        id: CarryId([1; 16]),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        stage: Stage::SetUp,
        body: Vec::new(),
    };
    for (from, to) in [
        ("carol@a.example", "bob@b.example"),
        ("bob@b.example", "alice@a.example"),
        ("alice@a.example", "carol@b.example"),
        ("alice@a.example", "carol@nowhere.example"),
    ] {
        world.clients[bob].events.clear();
        let now = world.now;
        world.clients[alice].machine.carry(now, set_up(from, to));
        world.run(1.0);
        assert!(world.clients[bob].events.is_empty(), "{from} {to}");
    }
}
