use core::time::Duration;

use rove_base::{Connect, Flow, Instant, StreamId, Transport};

use super::{Parrot, socket};
use crate::{Handle, Impairments, World};

const OURS: StreamId = StreamId(2);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Alice, and Bob who listens, 10 ms apart.
fn world() -> (World, Handle<Parrot>, Handle<Parrot>) {
    let mut world = World::new(1);
    world.set_default_link(Impairments::delay(ms(10)));
    let alice = world.add("alice", Parrot::at("192.0.2.1"));
    let bob = world.add("bob", Parrot { listening: true, echo: true, ..Parrot::at("192.0.2.2") });
    (world, alice, bob)
}

fn connect(world: &mut World, from: Handle<Parrot>, to: &str) {
    let connect = Connect { stream: OURS, remote: socket(to), transport: Transport::Tcp, name: None };
    world.act(from, |host, _| host.to_connect.push(connect));
}

fn log(world: &World, host: Handle<Parrot>) -> Vec<(u128, String)> {
    let streams = &world.get(host).streams;
    streams.iter().map(|(at, kind, ..)| (at.since(Instant::ZERO).as_millis(), kind.clone())).collect()
}

fn line(at: u128, kind: &str) -> (u128, String) {
    (at, kind.to_owned())
}

#[test]
fn a_stream_takes_a_round_trip_to_open_and_carries_bytes_in_order() {
    let (mut world, alice, bob) = world();
    connect(&mut world, alice, "192.0.2.2:53");
    world.run_for(ms(20));
    let pieces = [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()];
    for piece in &pieces {
        world.act(alice, |host, _| host.to_say.push((Flow::Stream(OURS), piece.clone())));
    }
    world.run_for(ms(100));
    assert_eq!(log(&world, alice)[0], line(20, "connected"));
    assert_eq!(log(&world, bob)[..2], [line(10, "connected"), line(30, "bytes")]);
    let echoed: Vec<_> = world.get(alice).streams[1..].iter().map(|(.., bytes)| bytes.clone()).collect();
    assert_eq!(echoed, pieces);
    assert_eq!(world.get(bob).streams[0].2.0 % 2, 1, "accepted streams have odd names");
}

#[test]
fn closing_delivers_what_was_sent_before_and_tells_both() {
    let (mut world, alice, bob) = world();
    connect(&mut world, alice, "192.0.2.2:53");
    world.run_for(ms(20));
    world.act(alice, |host, _| {
        host.to_say.push((Flow::Stream(OURS), b"last words".to_vec()));
        host.to_close.push(OURS);
    });
    world.run_for(ms(100));
    assert_eq!(log(&world, bob), [line(10, "connected"), line(30, "bytes"), line(30, "closed by Peer")]);
    assert_eq!(log(&world, alice), [line(20, "connected"), line(20, "closed by Us")]);
}

#[test]
fn a_stream_nobody_takes_fails() {
    let cases: &[(&str, &str, u128)] = &[
        ("nobody listens: refused after a round trip", "192.0.2.1:53", 20),
        ("no such host: given up after 3 s", "192.0.2.9:53", 3_000),
        ("no address of the family", "[2001:db8::1]:53", 3_000),
    ];
    for &(what, to, at) in cases {
        let (mut world, _, bob) = world();
        connect(&mut world, bob, to);
        world.run_for(Duration::from_secs(10));
        assert_eq!(log(&world, bob), [line(at, "closed by Failure")], "{what}");
    }
}

#[test]
fn a_cut_breaks_streams_and_lets_none_be_opened() {
    let (mut world, alice, bob) = world();
    connect(&mut world, alice, "192.0.2.2:53");
    world.run_for(ms(20));
    world.set_link(alice, bob, Impairments::delay(ms(10)).with_cut(Instant::ZERO, None));
    world.act(alice, |host, _| host.to_say.push((Flow::Stream(OURS), b"x".to_vec())));
    world.run_for(ms(20));
    assert_eq!(log(&world, alice)[1], line(20, "closed by Failure"));
    assert_eq!(log(&world, bob)[1], line(20, "closed by Failure"));
    connect(&mut world, alice, "192.0.2.2:53");
    world.run_for(Duration::from_secs(5));
    assert_eq!(log(&world, alice)[2], line(3_040, "closed by Failure"));
}

#[test]
fn a_crashed_host_loses_its_streams() {
    let (mut world, alice, bob) = world();
    connect(&mut world, alice, "192.0.2.2:53");
    world.run_for(ms(20));
    world.break_streams(bob);
    world.run_for(ms(20));
    assert_eq!(log(&world, alice)[1], line(20, "closed by Failure"));
}
