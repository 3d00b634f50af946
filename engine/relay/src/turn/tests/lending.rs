//! Addresses from the question to their end.

use rove_nat::stun::turn::{Family, Method};

use super::world::{WALL, World, config, peer};
use crate::{counts::Cause, turn::*};

#[test]
fn the_same_question_is_answered_alike_and_another_one_by_437() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    let relayed = world.allocate(&mut alice);
    alice.transaction -= 1;
    let again = alice.sealed(Method::Allocate, |ask| ask.transport(17));
    assert_eq!(world.exchange(alice.flow, &again).relayed, Some(relayed));
    assert_eq!(world.ask(&mut alice, Method::Allocate, |ask| ask.transport(17)).error, Some(437));
    assert_eq!((world.server.lent(), world.bound.len()), (1, 1));
}

#[test]
fn all_that_leaves_is_marked_as_the_configuration_says_and_as_a_new_one_does() {
    let mut world = World::new(TurnConfig { dscp: Dscp::EF, ..config() });
    let mut alice = world.alice();
    world.allocate(&mut alice);
    assert_eq!(world.mark, Some(Dscp::EF));
    world.server.reconfigure(config());
    world.ask(&mut alice, Method::Refresh, |ask| ask);
    assert_eq!(world.mark, Some(Dscp::DEFAULT));
}

#[test]
fn wishes_that_cannot_be_met_are_refused_each_by_its_code() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    let mut code = |say: fn(rove_nat::stun::turn::TurnWriter<'_>) -> rove_nat::stun::turn::TurnWriter<'_>| {
        let said = world.ask(&mut alice, Method::Allocate, say);
        assert!(said.sealed);
        said.error
    };
    assert_eq!(code(|ask| ask), Some(400), "no transport");
    assert_eq!(code(|ask| ask.transport(6)), Some(442), "TCP toward peers");
    assert_eq!(code(|ask| ask.transport(17).attribute(0x001a, &[])), Some(420), "DONT-FRAGMENT");
    assert_eq!(code(|ask| ask.transport(17).attribute(0x7abc, &[])), Some(420), "unknown");
    assert_eq!(code(|ask| ask.transport(17).family(Family::V6)), Some(440), "no IPv6 here");
    assert_eq!(code(|ask| ask.transport(17).family(Family::Unknown(3))), Some(440), "no such family");
    assert_eq!(code(|ask| ask.transport(17).reservation([1; 8])), Some(508), "a token of nobody");
    assert_eq!(code(|ask| ask.transport(17).reservation([1; 8]).even_port(false)), Some(400));
    assert_eq!(code(|ask| ask.transport(17).reservation([1; 8]).family(Family::V4)), Some(400));
    assert_eq!(code(|ask| ask.transport(17).family(Family::V4).additional_family(Family::V6)), Some(400));
    assert_eq!(code(|ask| ask.transport(17).additional_family(Family::V4)), Some(400));
    assert_eq!(world.server.lent(), 0);
    let mut asked = |method, said: Option<u16>| {
        let mut stranger = world.alice();
        assert_eq!(world.ask(&mut stranger, method, |ask| ask.peer(peer(1))).error, said, "{method:?}");
    };
    asked(Method::Refresh, Some(437));
    asked(Method::CreatePermission, Some(437));
    asked(Method::ChannelBind, Some(437));
    asked(Method::Other(0x0a), Some(400));
}

#[test]
fn a_second_address_is_refused_beside_the_first() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    let said = world.ask(&mut alice, Method::Allocate, |ask| ask.transport(17).additional_family(Family::V6));
    assert!(said.success && said.relayed.is_some());
    let refused = [0x80, 0x01, 0, 4, 2, 0, 4, 40];
    assert!(said.bytes.windows(8).any(|window| window == refused));
}

#[test]
fn families_are_kept_apart() {
    let mut config = config();
    config.addresses.push(RelayAddress::from(std::net::IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])));
    let mut world = World::new(config);
    let (mut four, mut six) = (world.alice(), world.alice());
    assert!(world.allocate(&mut four).is_ipv4());
    let said = world.ask(&mut six, Method::Allocate, |ask| ask.transport(17).family(Family::V6));
    assert!(said.relayed.unwrap().is_ipv6());
    let there = SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7], 5));
    assert_eq!((world.permit(&mut four, there), world.permit(&mut six, there)), (Some(443), None));
    assert_eq!((world.permit(&mut four, peer(1)), world.permit(&mut six, peer(1))), (None, Some(443)));
    assert_eq!(world.bind(&mut four, 0x4000, there), Some(443));
    let mut wrong = |family| world.ask(&mut four, Method::Refresh, |ask| ask.family(family)).error;
    assert_eq!((wrong(Family::V6), wrong(Family::V4)), (Some(443), None));
}

#[test]
fn what_is_lent_ends_by_a_word_by_time_and_with_its_stream() {
    let mut world = World::new(config());
    let (mut one, mut two, mut three) = (world.alice(), world.alice(), world.alice());
    world.stream(&mut three);
    for client in [&mut one, &mut two, &mut three] {
        world.allocate(client);
    }
    assert_eq!(world.bound.len(), 3);
    let said = world.ask(&mut one, Method::Refresh, |ask| ask.lifetime(0));
    assert_eq!((said.lifetime, world.bound.len()), (Some(0), 2));
    assert_eq!(world.ask(&mut one, Method::Refresh, |ask| ask.lifetime(0)).error, Some(437));
    let Flow::Stream(stream) = three.flow else { panic!() };
    world.arrive(rove_base::Arrival::Closed { stream, by: rove_base::ClosedBy::Peer });
    assert_eq!(world.bound.len(), 1);
    world.later(590);
    assert_eq!(world.ask(&mut two, Method::Refresh, |ask| ask.lifetime(1_000)).lifetime, Some(1_000));
    world.later(999);
    assert_eq!(world.bound.len(), 1);
    // Again and again leaves one entry, not many.
    (0..50).for_each(|_| {
        assert!(world.ask(&mut two, Method::Refresh, |ask| ask.lifetime(9_999)).lifetime == Some(3_600));
    });
    assert_eq!(world.server.ends.len(), 1);
    world.later(3_601);
    assert!(world.bound.is_empty() && world.server.lent() == 0 && world.server.ends.is_empty());
    assert!(world.server.lent.all() == 0);
}

#[test]
fn another_user_of_the_same_address_is_refused() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    world.allocate(&mut alice);
    let mut bob = world.client("bob", "secret of bob");
    (bob.flow, bob.remote, bob.transaction) = (alice.flow, alice.remote, 100);
    for method in [Method::Refresh, Method::CreatePermission, Method::ChannelBind] {
        let said = world.ask(&mut bob, method, |ask| ask.peer(peer(1)).channel(0x4000));
        assert_eq!(said.error, Some(441), "{method:?}");
    }
    assert_eq!(world.ask(&mut bob, Method::Allocate, |ask| ask.transport(17)).error, Some(437));
}

#[test]
fn one_account_and_all_together_have_as_many_as_they_may() {
    let mut config = config();
    (config.limits.per_user, config.limits.allocations) = (3, 5);
    let mut world = World::new(config);
    let mut code = |user: &str, password: &str| {
        let mut client = world.client(user, password);
        world.ask(&mut client, Method::Allocate, |ask| ask.transport(17)).error
    };
    let answers: Vec<_> = (0..4).map(|_| code("alice", "secret of alice")).collect();
    assert_eq!(answers, [None, None, None, Some(486)]);
    let answers: Vec<_> = (0..3).map(|_| code("bob", "secret of bob")).collect();
    assert_eq!(answers, [None, None, Some(508)]);
    // A name that tells another time is the same account.
    world.later(601);
    let mut times = Vec::new();
    for life in 100..104 {
        let (user, password) =
            crate::accounts::timed("north", "carol", world.now.wall, Duration::from_secs(life));
        let mut client = world.client(&user, &password);
        times.push(world.ask(&mut client, Method::Allocate, |ask| ask.transport(17)).error);
    }
    assert_eq!(times, [None, None, None, Some(486)]);
}

#[test]
fn ports_are_of_the_range_never_twice_and_hard_to_guess() {
    let mut world = World::new(config());
    let mut seen = Vec::new();
    for _ in 0..60 {
        let mut alice = world.alice();
        seen.push(world.allocate(&mut alice).port());
    }
    assert!(seen.iter().all(|port| (50_000..=50_099).contains(port)));
    let ascending = seen.windows(2).filter(|two| two[1] == two[0] + 1).count();
    assert!(ascending < 20, "{seen:?}");
}

#[test]
fn a_port_that_the_system_refuses_is_replaced_and_none_left_is_508() {
    let mut world = World::new(config());
    world.refused = (50_000..=50_099).filter(|port| port % 2 == 0).collect();
    let mut lent = 0;
    for _ in 0..20 {
        let mut alice = world.alice();
        let said = world.ask(&mut alice, Method::Allocate, |ask| ask.transport(17));
        lent += usize::from(said.success);
    }
    assert!(lent >= 19, "{lent}");
    world.refused = (50_000..=50_099).collect();
    let mut alice = world.alice();
    assert_eq!(world.ask(&mut alice, Method::Allocate, |ask| ask.transport(17)).error, Some(508));
    assert_eq!((world.server.lent(), world.bound.len()), (lent, lent));
    assert_eq!(world.server.ports.taken().count(), lent);
}

#[test]
fn an_even_port_keeps_the_next_one_for_whoever_shows_its_token() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    let said = world.ask(&mut alice, Method::Allocate, |ask| ask.transport(17).even_port(true));
    let (first, token) = (said.relayed.unwrap(), said.reservation.unwrap());
    assert_eq!((first.port() % 2, world.bound.len(), world.server.lent()), (0, 2, 1));
    let mut second = world.alice();
    let said = world.ask(&mut second, Method::Allocate, |ask| ask.transport(17).reservation(token));
    assert_eq!(said.relayed.unwrap().port(), first.port() + 1);
    let mut third = world.alice();
    assert_eq!(
        world.ask(&mut third, Method::Allocate, |ask| ask.transport(17).reservation(token)).error,
        Some(508)
    );
    // Nobody comes for it: it is free again.
    let said = world.ask(&mut third, Method::Allocate, |ask| ask.transport(17).even_port(true));
    assert_eq!(world.bound.len(), 4);
    world.later(31);
    assert_eq!(world.bound.len(), 3);
    let mut late = world.alice();
    let token = said.reservation.unwrap();
    assert_eq!(
        world.ask(&mut late, Method::Allocate, |ask| ask.transport(17).reservation(token)).error,
        Some(508)
    );
    // Neighbours that are taken: another pair, and nothing left behind.
    world.refused = (50_000..=50_099).filter(|port| port % 4 == 1).collect();
    let said = world.ask(&mut late, Method::Allocate, |ask| ask.transport(17).even_port(true));
    assert!(said.success && world.bound.len() == 5, "{said:?}");
    assert_eq!(world.server.ports.taken().count(), 5);
}

#[test]
fn streams_are_bounded_cut_anywhere_and_closed_when_they_say_nothing() {
    let mut config = config();
    config.limits.streams = 3;
    let mut world = World::new(config);
    let mut clients: Vec<_> = (0..4).map(|_| world.alice()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.flow = Flow::Stream(rove_base::StreamId(number as u64 * 2 + 101));
        let Flow::Stream(stream) = client.flow else { panic!() };
        let (local, remote, transport) = (super::world::listen(), client.remote, rove_base::Transport::Tls);
        world.arrive(rove_base::Arrival::Connected { stream, local, remote, transport });
    }
    assert_eq!(world.closed, [rove_base::StreamId(107)]);
    assert_eq!(world.server.counts().refused(Cause::Capacity), 1);
    let client = &mut clients[0];
    client.nonce = world.plain(client, Method::Allocate, |ask| ask.transport(17)).nonce;
    let bytes = client.sealed(Method::Allocate, |ask| ask.transport(17));
    world.left.clear();
    for byte in &bytes {
        world.heard(client.flow, core::slice::from_ref(byte));
    }
    assert_eq!((world.left.len(), world.server.lent()), (1, 1));
    world.heard(clients[1].flow, b"GET / HTTP/1.1\r\n");
    assert_eq!(world.closed.last(), Some(&rove_base::StreamId(103)));
    world.later(31);
    assert_eq!(world.closed, [107, 103, 105].map(rove_base::StreamId));
}

#[test]
fn by_the_ticket_of_a_call_two_addresses_are_lent_and_they_count_for_its_user() {
    let mut config = config();
    config.limits.per_user = 3;
    let mut world = World::new(config);
    let ticket = |call| {
        let pair = ("alice@a.example", "bob@b.example");
        crate::accounts::ticket(
            "north",
            pair,
            [call; 16],
            rove_base::UnixTime::from_secs(WALL),
            Duration::from_secs(60),
        )
    };
    let asks = |world: &mut World, call| {
        let (user, password) = ticket(call);
        let mut client = world.client(&user, &password);
        let said = world.ask(&mut client, Method::Allocate, |ask| ask.transport(17));
        (client, said.error)
    };
    let (mut first, error) = asks(&mut world, 1);
    assert_eq!(error, None);
    assert_eq!(asks(&mut world, 1).1, None);
    assert_eq!(asks(&mut world, 1).1, Some(486), "a call needs no third");
    assert_eq!(asks(&mut world, 2).1, None);
    assert_eq!(asks(&mut world, 3).1, Some(486), "the user has three");
    assert!(world.ask(&mut first, Method::Refresh, |ask| ask.lifetime(0)).success);
    assert_eq!(asks(&mut world, 1).1, None, "what is given back is there again");
    // Whoever changes the call, the pair or the user in the name has another password to know.
    let (user, password) = ticket(9);
    let changed = user.replacen("alice", "carol", 1);
    let mut thief = world.client(&changed, &password);
    assert_eq!(world.ask(&mut thief, Method::Allocate, |ask| ask.transport(17)).error, Some(401));
}
