//! What may be registered, how long it lasts, and what a crash leaves.

use core::time::Duration;

use rove_base::UnixTime;

use super::world::{START, World, key};
use crate::{
    Claim, Identifier, Reason, Status,
    client::ClientEvent,
    server::{ServerConfig, ServerEvent},
};

fn refusals(world: &World) -> Vec<Reason> {
    let refused = |event: &ServerEvent| match event {
        ServerEvent::Refused { reason, .. } => Some(*reason),
        _ => None,
    };
    world.servers[0].events.iter().filter_map(refused).collect()
}

#[test]
fn a_name_is_its_first_users_and_belongs_to_its_domain() {
    let mut world = World::new(&["a.example"]);
    let (alice, mallory) = (world.client("alice", 0), world.client("mallory", 0));
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(1.0);
    world.register(mallory, world.presence(mallory, "alice@a.example"));
    world.run(1.0);
    world.register(mallory, world.presence(mallory, "mallory@b.example"));
    world.run(1.0);
    assert_eq!(refusals(&world), [Reason::Taken, Reason::Domain]);
}

#[test]
fn two_claims_of_one_name_that_wait_for_the_disk_together_do_not_both_stand() {
    let mut world = World::new(&["a.example"]);
    let (alice, mallory) = (world.client("alice", 0), world.client("mallory", 0));
    world.servers[0].disk = Duration::from_secs(1);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.register(mallory, world.presence(mallory, "alice@a.example"));
    world.run(3.0);
    assert_eq!(refusals(&world), [Reason::Taken]);
    assert_eq!(world.servers[0].machine.as_ref().unwrap().registry().lock().len(), 1);
}

#[test]
fn only_accounts_register_where_not_everybody_may() {
    let mut config = ServerConfig::open("a.example");
    config.open = false;
    let account = crate::server::Account { uid: Some(key(0).uid()), number: None };
    config.accounts.insert("alice@a.example".parse().unwrap(), account);
    let mut world = World::with(vec![config]);
    let (alice, mallory) = (world.client("alice", 0), world.client("mallory", 0));
    world.register(mallory, world.presence(mallory, "alice@a.example"));
    world.run(1.0);
    world.register(mallory, world.presence(mallory, "mallory@a.example"));
    world.run(1.0);
    assert_eq!(refusals(&world), [Reason::Taken, Reason::Taken]);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(1.0);
    assert!(matches!(world.clients[alice].events.pop_back(), Some(ClientEvent::Registered { .. })));
}

#[test]
fn a_registration_is_renewed_while_its_terminal_is_there_and_ends_an_hour_after_it_is_not() {
    let mut world = World::new(&["a.example"]);
    let alice = world.client("alice", 0);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(86_400.0);
    let name = Identifier::Name("alice@a.example".parse().unwrap());
    assert!(world.servers[0].machine.as_ref().unwrap().present(&name).is_some());
    let registers = world.arrows.iter().filter(|arrow| arrow.ends_with("register")).count();
    assert!((40..=61).contains(&registers), "between two fifths and three fifths of an hour: {registers}");
    world.clients.clear();
    world.run(3_600.0);
    let machine = world.servers[0].machine.as_ref().unwrap();
    assert_eq!((machine.present(&name), machine.registry().lock().len()), (None, 0));
    let left = ServerEvent::Left { name: "alice@a.example".parse().unwrap() };
    assert_eq!(world.servers[0].events.last(), Some(&left));
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash_and_the_terminal_comes_back_by_itself() {
    let mut world = World::new(&["a.example"]);
    let (alice, bob) = (world.client("alice", 0), world.client("bob", 0));
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(1.0);
    world.kill(0);
    world.run(0.1);
    world.restart(0, ServerConfig::open("a.example"));
    let name = Identifier::Name("alice@a.example".parse().unwrap());
    let now = world.now;
    world.clients[bob].machine.query(now, name);
    world.run(0.1);
    assert!(matches!(
        world.clients[bob].events.pop_back(),
        Some(ClientEvent::Answer { result: Ok(Some(_)), .. })
    ));
    world.run(5.0);
    let back: Vec<_> = world.clients[alice].events.iter().skip(2).collect();
    assert!(
        matches!(back[..], [ClientEvent::Down, ClientEvent::Up, ClientEvent::Registered { .. }]),
        "{back:?}"
    );
}

#[test]
fn who_has_left_does_not_come_back_by_an_old_claim() {
    let mut world = World::new(&["a.example"]);
    let alice = world.client("alice", 0);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(1.0);
    let old = world.servers[0].journal[0].clone();
    let now = world.now;
    world.clients[alice].machine.leave(now);
    world.run(1.0);
    assert_eq!(world.clients[alice].events.pop_back(), Some(ClientEvent::Left));
    let machine = world.servers[0].machine.as_mut().unwrap();
    assert_eq!(machine.registry().lock().len(), 1, "remembered as long as the claim could come again");
    assert_eq!(machine.replay(&old), Ok(false));
    let name = Identifier::Name("alice@a.example".parse().unwrap());
    assert_eq!(machine.present(&name), None);
}

#[test]
fn a_snapshot_says_the_same_as_all_records_before_it() {
    let mut world = World::new(&["a.example"]);
    let clients: Vec<usize> = (0..20).map(|_| world.client("user", 0)).collect();
    for client in clients {
        let name = format!("user{client}@a.example");
        world.register(client, world.presence(client, &name));
        world.run(0.1);
        world.register(client, world.presence(client, &name));
        world.run(0.1);
    }
    assert_eq!(world.servers[0].journal.len(), 40);
    let snapshot = world.servers[0].machine.as_ref().unwrap().snapshot().unwrap();
    assert_eq!(snapshot.len(), 20);
    world.servers[0].journal = snapshot;
    world.restart(0, ServerConfig::open("a.example"));
    assert_eq!(world.servers[0].machine.as_ref().unwrap().registry().lock().len(), 20);
}

#[test]
fn a_claim_is_refused_that_is_not_signed_by_its_user_or_lasts_too_long() {
    let key = key(0);
    let claim = |expires: u64| Claim {
        key: key.public(),
        sequence: 1,
        expires: UnixTime::from_secs(expires),
        status: Status::Online,
        name: "alice@a.example".parse().unwrap(),
        number: None,
        fixed: None,
        contacts: Vec::new(),
    };
    let good = claim(START + 60);
    assert!(good.is_signed(&good.sign(&key)));
    assert!(!good.is_signed(&claim(START + 61).sign(&key)));
    assert!(!good.is_signed(&good.sign(&super::world::key(1))));
    let mut world = World::new(&["a.example"]);
    let alice = world.client("alice", 0);
    let mut presence = world.presence(alice, "alice@a.example");
    presence.lifetime = Duration::from_secs(7_300);
    world.register(alice, presence);
    world.run(1.0);
    assert_eq!(refusals(&world), [Reason::Lifetime]);
}

#[test]
fn a_server_that_cannot_be_found_is_an_answer_and_others_are_asked_meanwhile() {
    let mut world = World::new(&["a.example", "b.example"]);
    let (alice, bob) = (world.client("alice", 0), world.client("bob", 1));
    world.register(bob, world.presence(bob, "bob@b.example"));
    world.run(1.0);
    let now = world.now;
    let lost = world.clients[alice].machine.query(now, "carol@nowhere.example".parse().unwrap());
    let found = world.clients[alice].machine.query(now, "bob@b.example".parse().unwrap());
    world.run(6.0);
    let result = |wanted| {
        world.clients[alice].events.iter().find_map(|event| match event {
            ClientEvent::Answer { id, result, .. } if *id == wanted => {
                Some(result.as_ref().map(Option::is_some))
            }
            _ => None,
        })
    };
    assert_eq!(result(lost), Some(Err(&Reason::Unreachable)));
    assert_eq!(result(found), Some(Ok(true)));
}

#[test]
fn a_terminal_that_asks_too_much_is_refused_and_others_are_not() {
    let mut config = ServerConfig::open("a.example");
    config.limits.questions = 10;
    let mut world = World::with(vec![config]);
    let (alice, mallory) = (world.client("alice", 0), world.client("mallory", 0));
    for _ in 0..300 {
        let now = world.now;
        world.clients[mallory].machine.query(now, "bob@a.example".parse().unwrap());
    }
    let now = world.now;
    world.clients[alice].machine.query(now, "bob@a.example".parse().unwrap());
    world.run(1.0);
    let full = refusals(&world).iter().filter(|reason| **reason == Reason::Full).count();
    assert!((190..=200).contains(&full), "{full}");
    assert!(matches!(
        world.clients[alice].events.pop_back(),
        Some(ClientEvent::Answer { result: Ok(None), .. })
    ));
}
