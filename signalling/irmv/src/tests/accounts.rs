//! Accounts that come, change and go while the server runs.

use super::world::{World, key};
use crate::{
    Identifier, Name, Number, Reason, Status,
    client::ClientEvent,
    server::{Account, ServerConfig, ServerEvent},
};

const ALICE: &str = "alice@a.example";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Where accounts alone register.
fn closed() -> ServerConfig {
    ServerConfig { open: false, ..ServerConfig::open("a.example") }
}

fn of_key(client: usize) -> Account {
    Account { uid: Some(key(client).uid()), ..Account::default() }
}

/// Whether somebody is dismissed by that.
fn set(world: &mut World, account: Option<Account>) -> bool {
    let now = world.now;
    world.servers[0].machine.as_mut().unwrap().set_account(now, &name(ALICE), account)
}

fn is_there(world: &World) -> bool {
    let machine = world.servers[0].machine.as_ref().unwrap();
    machine.present(&Identifier::Name(name(ALICE))).is_some()
}

fn last_news(world: &mut World, client: usize) -> Option<Result<(), Reason>> {
    world.clients[client].events.drain(..).rev().find_map(|event| match event {
        ClientEvent::Registered { .. } => Some(Ok(())),
        ClientEvent::NotRegistered { reason } => Some(Err(reason)),
        _ => None,
    })
}

fn register(world: &mut World, client: usize) -> Option<Result<(), Reason>> {
    world.register(client, world.presence(client, ALICE));
    world.run(1.0);
    last_news(world, client)
}

fn dismissed(world: &World) -> usize {
    let told = ServerEvent::Dismissed { name: name(ALICE), kept: true };
    world.servers[0].events.iter().filter(|event| **event == told).count()
}

#[test]
fn an_account_lets_its_key_register_at_once_and_whoever_it_let_in_leaves_with_it_and_hears_of_it() {
    let mut world = World::with(vec![closed()]);
    let (alice, mallory, bob) =
        (world.client("alice", 0), world.client("mallory", 0), world.client("bob", 0));
    assert_eq!(register(&mut world, alice), Some(Err(Reason::Taken)));
    assert!(!set(&mut world, Some(of_key(alice))), "there is nobody to dismiss");
    assert_eq!(register(&mut world, mallory), Some(Err(Reason::Taken)));
    assert_eq!(register(&mut world, alice), Some(Ok(())));
    let now = world.now;
    world.clients[bob].machine.watch(now, ALICE.parse().unwrap());
    world.run(1.0);
    world.clients[bob].events.clear();
    assert!(set(&mut world, None));
    assert!(is_there(&world), "until it is durable");
    world.run(10.0);
    assert!(!is_there(&world) && dismissed(&world) == 1);
    let gone = |event: &ClientEvent| matches!(event, ClientEvent::Seen { record: None, .. });
    assert_eq!(world.clients[bob].events.iter().filter(|event| gone(event)).count(), 1);
    assert_eq!(last_news(&mut world, alice), Some(Err(Reason::Taken)), "it has come back, and hears");
}

#[test]
fn who_was_dismissed_does_not_come_back_by_the_journal_or_by_an_old_claim_and_may_come_anew() {
    let mut world = World::with(vec![closed()]);
    set(&mut world, Some(of_key(0)));
    let alice = world.client("alice", 0);
    assert_eq!(register(&mut world, alice), Some(Ok(())));
    let old = world.servers[0].journal[0].clone();
    // The key is lost: whoever comes first is let in next.
    world.silent = true;
    assert!(set(&mut world, Some(Account::default())));
    world.run(0.1);
    assert!(!is_there(&world));
    let snapshot = world.servers[0].machine.as_ref().unwrap().snapshot().unwrap();
    assert_eq!(snapshot.len(), 1, "that the old claim counts no more");
    for len in 0..snapshot[0].len() {
        let torn = world.servers[0].machine.as_mut().unwrap().replay(&snapshot[0][..len]);
        assert!(torn.is_err(), "cut to {len} bytes");
    }
    let all = core::mem::take(&mut world.servers[0].journal);
    for journal in [all, snapshot] {
        world.servers[0].journal = journal;
        world.kill(0);
        world.restart(0, ServerConfig::open("a.example"));
        assert!(!is_there(&world));
        let now = world.now;
        let machine = world.servers[0].machine.as_mut().unwrap();
        assert_eq!(machine.learned(now, &old), Ok(false));
    }
    let now = world.now;
    let machine = world.servers[0].machine.as_mut().unwrap();
    machine.set_account(now, &name(ALICE), Some(Account::default()));
    world.run(60.0);
    assert!(is_there(&world), "the same user again, by a claim of today");
}

#[test]
fn the_first_that_registers_may_be_made_the_one_and_only() {
    let mut world = World::with(vec![closed()]);
    let (alice, mallory) = (world.client("alice", 0), world.client("mallory", 0));
    assert!(!world.servers[0].machine.as_mut().unwrap().pin(&name(ALICE), key(alice).uid()), "no account");
    set(&mut world, Some(Account::default()));
    assert_eq!(register(&mut world, alice), Some(Ok(())));
    let machine = world.servers[0].machine.as_mut().unwrap();
    assert!(machine.pin(&name(ALICE), key(alice).uid()));
    assert!(!machine.pin(&name(ALICE), key(mallory).uid()), "it has a key");
    let now = world.now;
    world.clients[alice].machine.leave(now);
    world.run(7_300.0);
    assert_eq!(register(&mut world, mallory), Some(Err(Reason::Taken)));
    assert_eq!(register(&mut world, alice), Some(Ok(())));
}

#[test]
fn contacts_and_listing_show_at_once_and_a_number_that_is_taken_away_ends_what_was_vouched_for() {
    let mut config = closed();
    config.shown_to_all = false;
    let mut world = World::with(vec![config]);
    let number: Number = "+46701234567".parse().unwrap();
    let (alice, bob) = (world.client("alice", 0), world.client("bob", 0));
    let with_number = Account { number: Some(number), ..of_key(alice) };
    set(&mut world, Some(with_number.clone()));
    let mut presence = world.presence(alice, ALICE);
    presence.number = Some(number);
    world.register(alice, presence);
    let now = world.now;
    world.clients[bob].machine.watch(now, ALICE.parse().unwrap());
    world.run(1.0);
    let seen = |world: &mut World| {
        let seen = |event| match event {
            ClientEvent::Seen { record, .. } => Some(record.map(|record| record.claim.status)),
            _ => None,
        };
        world.clients[bob].events.drain(..).filter_map(seen).collect::<Vec<_>>()
    };
    assert_eq!(seen(&mut world), [None]);
    for (account, sees) in
        [(Account { listed: true, ..with_number.clone() }, Some(Status::Online)), (with_number.clone(), None)]
    {
        assert!(!set(&mut world, Some(account)));
        world.run(1.0);
        assert_eq!(seen(&mut world), [sees]);
    }
    let machine = world.servers[0].machine.as_ref().unwrap();
    assert_eq!(machine.whose_number(&number), Some(&name(ALICE)));
    assert!(set(&mut world, Some(of_key(alice))));
    world.run(10.0);
    assert_eq!(last_news(&mut world, alice), Some(Err(Reason::Unproved)));
    let machine = world.servers[0].machine.as_ref().unwrap();
    assert_eq!((machine.whose_number(&number), is_there(&world)), (None, false));
}

#[test]
fn a_server_that_starts_again_forgets_whom_its_accounts_do_not_bear() {
    let mut world = World::new(&["a.example"]);
    let (alice, bob) = (world.client("alice", 0), world.client("bob", 0));
    assert_eq!(register(&mut world, alice), Some(Ok(())));
    world.register(bob, world.presence(bob, "bob@a.example"));
    world.run(1.0);
    world.kill(0);
    let mut config = closed();
    config.accounts.insert(name("bob@a.example"), Account::default());
    world.restart(0, config);
    let machine = world.servers[0].machine.as_mut().unwrap();
    assert_eq!(machine.hold_to_accounts(), 1);
    assert_eq!(machine.hold_to_accounts(), 0);
    assert!(machine.present(&Identifier::Name(name("bob@a.example"))).is_some());
    assert!(!is_there(&world));
}

#[test]
fn where_nothing_can_be_kept_who_is_dismissed_goes_and_it_is_said_that_it_may_come_back() {
    let mut world = World::with(vec![closed()]);
    set(&mut world, Some(of_key(0)));
    let alice = world.client("alice", 0);
    assert_eq!(register(&mut world, alice), Some(Ok(())));
    assert!(set(&mut world, None));
    let now = world.now;
    world.servers[0].machine.as_mut().unwrap().journal_failed(now);
    world.run(0.1);
    let told = ServerEvent::Dismissed { name: name(ALICE), kept: false };
    assert!(world.servers[0].events.contains(&told) && !is_there(&world));
}
