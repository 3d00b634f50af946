//! Several desks, and what they tell each other.

use std::collections::BTreeSet;

use rove_nat::stun::turn::Method;

use super::world::{Client, WALL, World, config};
use crate::turn::*;

struct Desks(Vec<World>);

impl Desks {
    fn new(count: u8, config: &TurnConfig) -> Self {
        Self((0..count).map(|index| World::among(config.clone(), index, count)).collect())
    }

    /// Tells all others what each has to say, and what follows from that.
    fn tell(&mut self) {
        while let Some((from, tiding)) = self.next() {
            for (index, world) in self.0.iter_mut().enumerate() {
                if index != from {
                    world.told(&tiding);
                }
            }
        }
        assert!(self.0.iter().all(|world| !world.server.has_tidings()));
    }

    fn next(&mut self) -> Option<(usize, Tiding)> {
        let mut desks = self.0.iter_mut().enumerate();
        desks.find_map(|(index, world)| Some((index, world.server.next_tiding()?)))
    }

    /// A client of a desk wants an address: it, and what it is answered.
    fn ask(&mut self, desk: usize, user: &str, password: &str) -> (Client, Option<u16>) {
        let world = &mut self.0[desk];
        let mut client = world.client(user, password);
        let error = world.ask(&mut client, Method::Allocate, |ask| ask.transport(17)).error;
        self.tell();
        (client, error)
    }

    fn alice(&mut self, desk: usize) -> Option<u16> {
        self.ask(desk, "alice", "secret of alice").1
    }

    /// An even port at the first desk, and the token for the next one.
    fn keeps(&mut self) -> (SocketAddr, [u8; 8]) {
        let mut alice = self.0[0].alice();
        let said = self.0[0].ask(&mut alice, Method::Allocate, |ask| ask.transport(17).even_port(true));
        self.tell();
        (said.relayed.unwrap(), said.reservation.unwrap())
    }

    /// A client of a desk shows a token.
    fn shows(&mut self, desk: usize, token: [u8; 8]) -> (Client, Option<u16>) {
        let mut alice = self.0[desk].alice();
        let said = self.0[desk].ask(&mut alice, Method::Allocate, |ask| ask.transport(17).reservation(token));
        assert!(!said.success);
        (alice, said.error)
    }
}

#[test]
fn each_desk_lends_ports_of_its_own_and_all_together_every_port() {
    for (count, ports) in
        [(1, 50_000..=50_099), (3, 50_000..=50_099), (2, 50_000..=50_003), (7, 50_001..=50_100)]
    {
        let mut config = config();
        (config.limits.per_user, config.ports) = (1_000, ports.clone());
        let mut desks = Desks::new(count, &config);
        let mut seen = BTreeSet::new();
        for desk in 0..usize::from(count) {
            while desks.alice(desk).is_none() {}
            let own: BTreeSet<u16> = desks.0[desk].bound.values().map(SocketAddr::port).collect();
            assert!(own.first().is_some_and(|first| first % 2 == ports.start() % 2), "{own:?}");
            assert!(own.is_disjoint(&seen), "{own:?} {seen:?}");
            seen.extend(own);
        }
        assert_eq!(seen, ports.collect::<BTreeSet<u16>>());
    }
}

#[test]
fn one_account_and_all_together_have_as_many_as_they_may_at_all_desks() {
    let mut config = config();
    (config.limits.per_user, config.limits.allocations) = (3, 5);
    let mut desks = Desks::new(2, &config);
    assert_eq!([desks.alice(0), desks.alice(0), desks.alice(1)], [None; 3]);
    assert_eq!([desks.alice(0), desks.alice(1)], [Some(486); 2]);
    let (mut bob, error) = desks.ask(1, "bob", "secret of bob");
    assert_eq!((error, desks.ask(0, "bob", "secret of bob").1), (None, None));
    assert_eq!(desks.ask(0, "bob", "secret of bob").1, Some(508));
    assert_eq!(desks.ask(1, "bob", "secret of bob").1, Some(508));
    // What is given back at one desk is there at the other.
    assert!(desks.0[1].ask(&mut bob, Method::Refresh, |ask| ask.lifetime(0)).success);
    desks.tell();
    assert_eq!(desks.ask(0, "bob", "secret of bob").1, None);
    // And what is over as well.
    desks.0[0].later(601);
    desks.tell();
    assert_eq!([desks.0[1].server.lent.all(), desks.0[1].server.others.as_ref().unwrap().lent.all()], [1, 0]);
    assert_eq!([desks.alice(1), desks.alice(1), desks.alice(0)], [None, None, Some(486)]);
}

#[test]
fn by_the_ticket_of_a_call_two_addresses_are_lent_wherever_its_client_comes_to() {
    let mut desks = Desks::new(2, &config());
    let (pair, wall) = (("alice@a.example", "bob@b.example"), rove_base::UnixTime::from_secs(WALL));
    let (user, password) = crate::accounts::ticket("north", pair, [1; 16], wall, Duration::from_secs(60));
    let answers: Vec<_> = [0, 1, 0, 1].map(|desk| desks.ask(desk, &user, &password).1).into();
    assert_eq!(answers, [None, None, Some(486), Some(486)]);
}

#[test]
fn a_port_that_one_desk_has_kept_is_lent_at_another_to_whoever_shows_its_token_there_once() {
    let mut desks = Desks::new(3, &config());
    let (first, token) = desks.keeps();
    let (alice, said) = desks.shows(2, token);
    assert_eq!(said, None, "its answer waits");
    desks.tell();
    let said = desks.0[2].answered(&alice).unwrap();
    assert_eq!(said.relayed.map(|at| at.port()), Some(first.port() + 1));
    let bound: Vec<_> =
        desks.0.iter().map(|world| world.bound.values().copied().collect::<Vec<_>>()).collect();
    assert_eq!(bound, [vec![first], vec![], vec![said.relayed.unwrap()]]);
    // Once.
    let (late, said) = desks.shows(1, token);
    assert_eq!(said, None);
    desks.tell();
    assert_eq!(desks.0[1].answered(&late).and_then(|said| said.error), Some(508));
    // Its own desk lends it at once, and knows of no other.
    let (_, said) = desks.shows(0, token);
    assert_eq!(said, Some(508));
    for world in &desks.0 {
        assert_eq!(world.server.lent.all(), world.server.lent());
        assert_eq!(world.server.ends.len(), world.bound.len());
        assert_eq!(world.server.ports.taken().count(), world.bound.len());
    }
}

#[test]
fn a_port_of_another_desk_that_the_system_refuses_or_that_nobody_gives_is_508_or_asked_for_again() {
    let mut desks = Desks::new(2, &config());
    let (first, token) = desks.keeps();
    desks.0[1].refused = [first.port() + 1].into();
    let (alice, _) = desks.shows(1, token);
    desks.tell();
    assert_eq!(desks.0[1].answered(&alice).and_then(|said| said.error), Some(508));
    let mut token = token;
    for nobodys in [1, 2, 255] {
        token[0] = nobodys;
        assert_eq!(desks.shows(1, token).1, Some(508), "{nobodys} has no such desk");
    }
    token[0] = 0;
    assert_eq!((desks.shows(1, token).1, desks.0[1].server.lent()), (None, 1));
    desks.0[1].later(3);
    assert_eq!((desks.0[1].server.lent(), desks.0[1].server.lent.all()), (0, 0));
    // Too late.
    desks.tell();
    assert!(desks.0[1].bound.is_empty() && desks.0[1].server.ends.is_empty());
}

#[test]
fn nothing_is_lent_while_too_much_waits_to_be_told() {
    let mut config = config();
    config.limits.per_user = 100_000;
    let mut world = World::among(config, 0, 2);
    let mut asked = 0;
    let error = loop {
        let mut alice = world.alice();
        match world.ask(&mut alice, Method::Allocate, |ask| ask.transport(17)).error {
            Some(error) => break error,
            None => assert!(world.ask(&mut alice, Method::Refresh, |ask| ask.lifetime(0)).success),
        }
        world.restart_clients();
        world.now = world.now.later(Duration::from_secs(1));
        asked += 1;
    };
    assert_eq!((error, asked), (508, 2_048));
    while world.server.next_tiding().is_some() {}
    let mut alice = world.alice();
    world.allocate(&mut alice);
}
