//! Data both ways, and whom it goes to.

use rove_nat::stun::turn::{ChannelData, Method, TurnMessage};

use super::world::{World, config, peer};
use crate::{counts::Cause, turn::*};

fn channel(number: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ChannelData { channel: number, data }.write(&mut bytes, false);
    bytes
}

#[test]
fn data_goes_both_ways_by_address_and_by_number() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    let relayed = world.allocate(&mut alice);
    assert_eq!(world.permit(&mut alice, peer(5)), None);
    let send = alice.send_to(peer(5), b"by address");
    world.left.clear();
    world.heard(alice.flow, &send);
    assert_eq!(world.last(), Some((Flow::udp(relayed, peer(5)), b"by address".to_vec())));
    world.peer_sends(peer(6), relayed, b"back");
    let (to, bytes) = world.last().unwrap();
    let message = TurnMessage::parse(&bytes).unwrap();
    assert_eq!((to, message.method()), (alice.flow, Method::Data));
    assert_eq!((message.attributes().peer, message.attributes().data), (Some(peer(6)), Some(&b"back"[..])));
    assert_eq!(world.bind(&mut alice, 0x4abc, peer(5)), None);
    world.heard(alice.flow, &channel(0x4abc, b"by number"));
    assert_eq!(world.last(), Some((Flow::udp(relayed, peer(5)), b"by number".to_vec())));
    world.peer_sends(peer(5), relayed, b"back again");
    assert_eq!(world.last(), Some((alice.flow, channel(0x4abc, b"back again"))));
    let counts = world.server.counts();
    assert_eq!((counts.packets_out, counts.packets_in, counts.bytes_out), (2, 2, 19));
}

#[test]
fn on_a_stream_data_is_padded() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    world.stream(&mut alice);
    let relayed = world.allocate(&mut alice);
    assert_eq!(world.bind(&mut alice, 0x4000, peer(5)), None);
    world.peer_sends(peer(5), relayed, b"12345");
    assert_eq!(world.last(), Some((alice.flow, b"\x40\x00\x00\x0512345\0\0\0".to_vec())));
    world.heard(alice.flow, b"\x40\x00\x00\x0512345\0\0\0\x40\x00\x00\x01x\0\0\0");
    let left: Vec<_> = world.left.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    assert!(left.ends_with(&[b"12345", b"x"]));
}

#[test]
fn without_permission_nothing_passes_and_permissions_and_numbers_end() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    let relayed = world.allocate(&mut alice);
    world.left.clear();
    let send = alice.send_to(peer(5), b"too early");
    world.heard(alice.flow, &send);
    world.heard(alice.flow, &channel(0x4000, b"too early"));
    world.peer_sends(peer(5), relayed, b"uninvited");
    assert!(world.left.is_empty());
    assert_eq!(world.bind(&mut alice, 0x4000, peer(5)), None);
    world.later(299);
    world.left.clear();
    world.peer_sends(peer(9), relayed, b"another port is let in");
    world.heard(alice.flow, &channel(0x4000, b"out"));
    assert_eq!(world.left.len(), 2);
    world.later(2);
    world.left.clear();
    world.peer_sends(peer(5), relayed, b"late");
    world.heard(alice.flow, &channel(0x4000, b"late"));
    assert!(world.left.is_empty());
    assert_eq!(world.permit(&mut alice, peer(1)), None);
    world.heard(alice.flow, &channel(0x4000, b"again"));
    assert_eq!(world.left.len(), 1);
    world.ask(&mut alice, Method::Refresh, |ask| ask.lifetime(3_000));
    world.later(300);
    assert_eq!(world.permit(&mut alice, peer(1)), None);
    world.left.clear();
    world.heard(alice.flow, &channel(0x4000, b"the number is over"));
    assert!(world.left.is_empty());
    let counts = world.server.counts();
    assert!(counts.refused(Cause::NoPermission) >= 2 && counts.refused(Cause::NoChannel) == 2);
    assert_eq!(counts.refused(Cause::Uninvited), 2);
}

#[test]
fn a_number_is_one_peers_and_a_peer_has_one_number() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    world.allocate(&mut alice);
    assert_eq!(world.bind(&mut alice, 0x4000, peer(5)), None);
    assert_eq!(world.bind(&mut alice, 0x4000, peer(5)), None);
    assert_eq!(world.bind(&mut alice, 0x4000, peer(6)), Some(400));
    assert_eq!(world.bind(&mut alice, 0x4001, peer(5)), Some(400));
    assert_eq!(world.bind(&mut alice, 0x3fff, peer(7)), Some(400));
    assert_eq!(world.bind(&mut alice, 0x8000, peer(7)), Some(400));
    assert_eq!(world.bind(&mut alice, 0x7fff, peer(7)), None);
    assert_eq!(world.ask(&mut alice, Method::ChannelBind, |ask| ask.channel(0x4002)).error, Some(400));
    assert_eq!(world.ask(&mut alice, Method::CreatePermission, |ask| ask).error, Some(400));
}

#[test]
fn nothing_goes_where_policy_or_this_server_forbids() {
    let mut world = World::new(config());
    let mut alice = world.alice();
    world.allocate(&mut alice);
    let forbidden =
        ["127.0.0.1:5", "10.0.0.1:5", "169.254.169.254:80", "0.0.0.0:5", "255.255.255.255:5", "100.64.0.1:5"];
    for text in forbidden {
        let there: SocketAddr = text.parse().unwrap();
        assert_eq!(world.permit(&mut alice, there), Some(403), "{text}");
        assert_eq!(world.bind(&mut alice, 0x4000, there), Some(403), "{text}");
        let send = alice.send_to(there, b"in spite of that");
        world.left.clear();
        world.heard(alice.flow, &send);
        assert!(world.left.is_empty(), "{text}");
    }
    // One of two is forbidden: neither is let in.
    let said = world
        .ask(&mut alice, Method::CreatePermission, |ask| ask.peer(peer(1)).peer(([10, 0, 0, 1], 1).into()));
    assert_eq!(said.error, Some(403));
    world.left.clear();
    let send = alice.send_to(peer(1), b"no");
    world.heard(alice.flow, &send);
    assert!(world.left.is_empty());
    // The server's own door.
    let own = super::world::listen();
    assert_eq!((world.permit(&mut alice, own), world.bind(&mut alice, 0x4000, own)), (None, Some(403)));
    let send = alice.send_to(own, b"to myself");
    world.left.clear();
    world.heard(alice.flow, &send);
    assert!(world.left.is_empty());
}

#[test]
fn one_client_lets_in_and_numbers_as_many_peers_as_it_may() {
    let mut config = config();
    (config.limits.permissions, config.limits.channels) = (3, 2);
    let mut world = World::new(config);
    let mut alice = world.alice();
    world.allocate(&mut alice);
    let host = |number: u8| SocketAddr::from(([192, 0, 2, number], 5));
    let answers: Vec<_> = (10..14).map(|number| world.permit(&mut alice, host(number))).collect();
    assert_eq!(answers, [None, None, None, Some(508)]);
    assert_eq!(world.permit(&mut alice, host(10)), None);
    let answers: Vec<_> =
        (0..3).map(|number| world.bind(&mut alice, 0x4000 + number, host(10 + number as u8))).collect();
    assert_eq!(answers, [None, None, Some(508)]);
    world.later(301);
    assert_eq!(world.permit(&mut alice, host(20)), None);
}

#[test]
fn two_clients_of_one_server_reach_each_other_by_their_addresses() {
    let mut config = config();
    config.addresses = vec![RelayAddress { bound: [10, 0, 0, 5].into(), told: [192, 0, 2, 1].into() }];
    let mut world = World::new(config);
    let (mut alice, mut bob) = (world.alice(), world.client("bob", "secret of bob"));
    let (of_alice, of_bob) = (world.allocate(&mut alice), world.allocate(&mut bob));
    assert_eq!([of_alice.ip(), of_bob.ip()], [std::net::IpAddr::from([192, 0, 2, 1]); 2]);
    assert_eq!((world.permit(&mut alice, of_bob), world.permit(&mut bob, of_alice)), (None, None));
    let send = alice.send_to(of_bob, b"hello");
    world.heard(alice.flow, &send);
    let (flow, _) = world.last().unwrap();
    assert_eq!(flow, Flow::udp(SocketAddr::from(([10, 0, 0, 5], of_alice.port())), of_bob));
    world.peer_sends(of_alice, SocketAddr::from(([10, 0, 0, 5], of_bob.port())), b"hello");
    let (to, bytes) = world.last().unwrap();
    assert_eq!((to, TurnMessage::parse(&bytes).unwrap().attributes().peer), (bob.flow, Some(of_alice)));
}
