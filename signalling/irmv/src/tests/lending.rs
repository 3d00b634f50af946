//! By what relays lend addresses: who is told, and what.

use super::world::World;
use crate::{
    CarryId, Name, Reason, RelayTicket,
    client::{ClientEvent, RequestId},
    server::ServerEvent,
};

const CALL: CarryId = CarryId([7; 16]);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn ticket() -> RelayTicket {
    RelayTicket {
        user: "1800000600:x:alice@a.example".into(),
        password: "b2Y=".to_owned().into(),
        seconds: 600,
        relays: vec![([192, 0, 2, 7], 3_478).into(), "[2001:db8::7]:3478".parse().unwrap()],
    }
}

/// Answers what the first server was asked.
fn answer(world: &mut World, ticket: &RelayTicket) -> usize {
    let now = world.now;
    let asked: Vec<_> = world.servers[0].events.drain(..).collect();
    let machine = world.servers[0].machine.as_mut().unwrap();
    let mut count = 0;
    for event in asked {
        if let ServerEvent::Lend { stream, id, user, whom, call } = event {
            assert_eq!((user, whom, call), (name("alice@a.example"), name("bob@b.example"), CALL));
            machine.lent(now, stream, id, ticket.clone());
            count += 1;
        }
    }
    count
}

fn told(world: &mut World, client: usize, asked: RequestId) -> Option<Result<RelayTicket, Reason>> {
    world.clients[client].events.drain(..).find_map(|event| match event {
        ClientEvent::Lent { id, result } if id == asked => Some(result),
        _ => None,
    })
}

#[test]
fn whoever_is_registered_is_told_for_a_call_by_what_relays_lend_an_address() {
    for given in [ticket(), RelayTicket::default()] {
        let mut world = World::new(&["a.example"]);
        let alice = world.client("alice", 0);
        world.register(alice, world.presence(alice, "alice@a.example"));
        // Asked before the link stands, said when it does.
        let now = world.now;
        let asked = world.clients[alice].machine.lend(now, name("bob@b.example"), CALL);
        world.run(0.5);
        assert_eq!(answer(&mut world, &given), 1);
        world.run(0.5);
        assert_eq!(told(&mut world, alice, asked), Some(Ok(given.clone())));
        assert!(given.password.is_empty() || !format!("{given:?}").contains(given.password.as_str()));
    }
}

#[test]
fn nobody_is_told_in_the_name_of_somebody_else_and_silence_is_given_up() {
    let mut world = World::new(&["a.example"]);
    let alice = world.client("alice", 0);
    world.register(alice, world.presence(alice, "alice@a.example"));
    world.run(0.5);
    // Mallory has asked to be alice, and is not.
    let mallory = world.client("mallory", 0);
    world.register(mallory, world.presence(mallory, "alice@a.example"));
    world.run(0.5);
    let now = world.now;
    let stolen = world.clients[mallory].machine.lend(now, name("bob@b.example"), CALL);
    world.run(0.5);
    assert_eq!(told(&mut world, mallory, stolen), Some(Err(Reason::Taken)));
    assert_eq!(answer(&mut world, &ticket()), 0);
    let now = world.now;
    let asked = world.clients[alice].machine.lend(now, name("bob@b.example"), CALL);
    world.run(1.0);
    assert_eq!(told(&mut world, alice, asked), None);
    world.run(20.0);
    assert_eq!(told(&mut world, alice, asked), Some(Err(Reason::Unreachable)));
}
