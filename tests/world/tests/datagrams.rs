use core::time::Duration;
use std::{cell::Cell, rc::Rc};

use rove_base::{Instant, UdpFlow};

use super::{Parrot, socket};
use crate::{Handle, Impairments, Jitter, Loss, Spread, World};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn two_parrots(seed: u64) -> (World, Handle<Parrot>, Handle<Parrot>) {
    let mut world = World::new(seed);
    let alice = world.add("alice", Parrot::at("192.0.2.1"));
    let bob = world.add("bob", Parrot { echo: true, ..Parrot::at("192.0.2.2") });
    (world, alice, bob)
}

const ALICE: &str = "192.0.2.1:5060";
const BOB: &str = "192.0.2.2:5060";

#[test]
fn a_datagram_arrives_after_the_delay_and_its_flow_is_turned_round() {
    let (mut world, alice, bob) = two_parrots(1);
    world.set_link_one_way(alice, bob, Impairments::delay(ms(30)));
    world.act(alice, |host, _| host.say(ALICE, BOB, b"hello"));
    world.run_for(ms(100));
    let here = |local, remote| UdpFlow { local: socket(local), remote: socket(remote) };
    let heard = vec![(Instant::ZERO + ms(30), here(BOB, ALICE), b"hello".to_vec())];
    assert_eq!(world.get(bob).heard, heard);
    let echo = vec![(Instant::ZERO + ms(35), here(ALICE, BOB), b"hello".to_vec())];
    assert_eq!(world.get(alice).heard, echo);
    assert_eq!(world.now().mono, Instant::ZERO + ms(100));
}

#[test]
fn what_nobody_can_receive_is_lost_and_the_trace_says_why() {
    let (mut world, alice, _) = two_parrots(1);
    world.keep_packets(true);
    world.act(alice, |host, _| host.say(ALICE, "192.0.2.9:1", b"anyone?"));
    world.act(alice, |host, _| host.say("192.0.2.7:1", BOB, b"forged"));
    world.run_for(ms(100));
    assert_eq!(
        world.trace().lines(),
        [
            "0.000000000s unroutable 192.0.2.1:5060 -> 192.0.2.9:1 7 bytes",
            "0.000000000s not-ours 192.0.2.7:1 -> 192.0.2.2:5060 6 bytes"
        ]
    );
}

#[test]
fn datagrams_of_one_instant_arrive_in_the_order_of_sending() {
    let (mut world, alice, bob) = two_parrots(1);
    let said: Vec<_> = (0..200_u8).map(|n| vec![n]).collect();
    for bytes in &said {
        world.act(alice, |host, _| host.say(ALICE, BOB, bytes));
    }
    world.run_for(ms(100));
    let heard: Vec<_> = world.get(bob).heard.iter().map(|(_, _, bytes)| bytes.clone()).collect();
    assert_eq!(heard, said);
}

#[test]
fn hosts_are_woken_when_they_asked_and_never_twice() {
    let (mut world, alice, _) = two_parrots(1);
    let wakes: Vec<_> = [70, 10, 10, 40].map(|at| Instant::ZERO + ms(at)).into();
    world.act(alice, |host, _| host.wakes = wakes);
    world.run_for(ms(50));
    world.act(alice, |host, _| host.wakes.push(Instant::ZERO + ms(60)));
    world.run_for(ms(50));
    let woken: Vec<_> = world.get(alice).woken.iter().map(|now| now.mono.since(Instant::ZERO)).collect();
    assert_eq!(woken, [ms(10), ms(40), ms(60), ms(70)]);
}

#[test]
#[should_panic(expected = "alice asks to be woken at 0.010000000s again and again")]
fn a_deadline_that_does_not_advance_is_loud() {
    let (mut world, alice, _) = two_parrots(1);
    world.act(alice, |host, _| {
        host.never_satisfied = true;
        host.wakes.push(Instant::ZERO + ms(10));
    });
    world.run_for(ms(50));
}

/// A noisy conversation of ten seconds.
fn noisy(seed: u64) -> World {
    let (mut world, alice, bob) = two_parrots(seed);
    let jitter = Jitter::independent(Spread::Uniform { half_width: ms(10) });
    let noisy = Impairments::delay(ms(20)).with_jitter(jitter).with_loss(Loss::Independent(0.1));
    world.set_link(alice, bob, noisy);
    for _ in 0..500 {
        world.act(alice, |host, _| host.say(ALICE, BOB, b"hello"));
        world.run_for(ms(20));
    }
    world
}

#[test]
fn one_seed_gives_one_trace_and_another_seed_another() {
    let (one, same, other) = (noisy(1), noisy(1), noisy(2));
    assert!(one.trace().events() > 1_000);
    assert_eq!(one.trace().hash(), same.trace().hash());
    assert_ne!(one.trace().hash(), other.trace().hash());
}

#[test]
fn the_hash_depends_on_every_byte() {
    let said = |bytes: &[u8]| {
        let (mut world, alice, _) = two_parrots(1);
        world.act(alice, |host, _| host.say(ALICE, BOB, bytes));
        world.run_for(ms(100));
        world.trace().hash()
    };
    let cases: &[&[u8]] =
        &[b"hello world", b"hello worle", b"iello world", b"hello worl", b"hello world\0", b""];
    let mut hashes: Vec<_> = cases.iter().map(|bytes| said(bytes)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), cases.len());
}

#[test]
fn a_host_added_later_does_not_change_the_chances_of_the_others() {
    let lost = |extra: bool| {
        let (mut world, alice, bob) = two_parrots(3);
        if extra {
            let carol = world.add("carol", Parrot::at("192.0.2.3"));
            world.set_link(alice, carol, Impairments::default().with_loss(Loss::Independent(0.5)));
        }
        world.set_link(alice, bob, Impairments::default().with_loss(Loss::Independent(0.5)));
        for _ in 0..100 {
            world.act(alice, |host, _| host.say(ALICE, BOB, b"x"));
            world.run_for(ms(1));
        }
        world.stats(alice, bob)
    };
    assert_eq!(lost(false), lost(true));
}

#[test]
fn after_a_move_what_was_on_the_way_to_the_old_address_is_lost() {
    let (mut world, alice, bob) = two_parrots(1);
    world.act(alice, |host, _| host.say(ALICE, BOB, b"too late"));
    world.run_for(ms(1));
    world.act(bob, |host, _| host.addresses = vec!["198.51.100.2".parse().unwrap()]);
    world.run_for(ms(100));
    assert_eq!(world.get(bob).heard, vec![]);
    world.act(alice, |host, _| host.say(ALICE, "198.51.100.2:5060", b"there you are"));
    world.run_for(ms(100));
    assert_eq!(world.get(bob).heard.len(), 1);
}

#[test]
fn waiting_ends_with_the_condition_or_with_patience() {
    let (mut world, alice, bob) = two_parrots(1);
    world.act(alice, |host, _| host.say(ALICE, BOB, b"hello"));
    assert!(world.wait_for(ms(1_000), |world| !world.get(alice).heard.is_empty()));
    assert_eq!(world.now().mono, Instant::ZERO + ms(10));
    assert!(!world.wait_for(ms(1_000), |world| world.get(bob).heard.len() > 1));
    assert_eq!(world.now().mono, Instant::ZERO + ms(1_010));
}

#[test]
fn the_wall_can_be_set_apart_from_the_rest() {
    let (mut world, ..) = two_parrots(1);
    let start = world.now();
    world.run_for(ms(500));
    assert_eq!(world.now(), start.later(ms(500)));
    world.clock().step_wall_forward(Duration::from_secs(3_600));
    assert_eq!(world.now().wall, start.wall + Duration::from_secs(3_600) + ms(500));
    world.clock().step_wall_back(Duration::from_secs(7_200));
    assert_eq!(world.now().wall.as_secs(), start.wall.as_secs() - 3_600);
    assert_eq!(world.now().mono, Instant::ZERO + ms(500));
}

#[test]
fn planned_actions_happen_at_their_time() {
    let (mut world, alice, bob) = two_parrots(1);
    let happened = Rc::new(Cell::new(None));
    let told = Rc::clone(&happened);
    world.at(Instant::ZERO + ms(40), move |world| {
        told.set(Some(world.now().mono));
        world.set_link(alice, bob, Impairments::default().with_cut(Instant::ZERO, None));
    });
    for _ in 0..10 {
        world.act(alice, |host, _| host.say(ALICE, BOB, b"x"));
        world.run_for(ms(10));
    }
    assert_eq!(happened.get(), Some(Instant::ZERO + ms(40)));
    assert_eq!(world.get(bob).heard.len(), 4);
    assert_eq!(world.stats(alice, bob).cut, 6);
}

#[test]
#[should_panic(expected = "192.0.2.1 belongs to two hosts")]
fn two_hosts_cannot_share_an_address() {
    let (mut world, ..) = two_parrots(1);
    world.add("eve", Parrot::at("192.0.2.1"));
}
