//! The network loses messages, and the calls go on.

use core::time::Duration;

use rove_base::Entropy;

use super::world::*;
use crate::{
    message::StatusCode,
    ua::{Event, Failure, Party},
};

/// A call in which `finish` happens after both sides know that it stands.
fn talk_and(finish: impl Fn(&mut World, crate::ua::CallId, crate::ua::CallId)) -> impl Fn(&mut World) {
    move |world| {
        let (ours, theirs) = world.talking();
        finish(world, ours, theirs);
    }
}

/// Runs `scenario` once for each datagram of a loss-free run, which that run then loses; and with each two in a row.
fn survives_each_loss(scenario: impl Fn(&mut World)) {
    let mut world = World::pair();
    scenario(&mut world);
    world.finish();
    let messages = world.log.len();
    assert!(messages >= 3);
    for lost in 0..messages {
        for burst in [1, 2, 3] {
            let mut world = World::pair();
            world.lose = Box::new(move |number, _| (lost..lost + burst).contains(&number));
            scenario(&mut world);
            world.finish();
            assert!(world.log.len() > messages - burst, "{:?}", world.log);
        }
    }
}

#[test]
fn a_call_ended_by_the_caller_survives_the_loss_of_every_message() {
    survives_each_loss(talk_and(|world, ours, theirs| {
        world.with(0, |agent, now| agent.hang_up(now, ours));
        assert_eq!(world.event(1), ended(theirs, Party::Peer));
        loop {
            match world.event(0) {
                Event::Progress { .. } => {}
                event => return assert_eq!(event, ended(ours, Party::Us)),
            }
        }
    }));
}

#[test]
fn a_call_ended_by_the_callee_survives_the_loss_of_every_message() {
    survives_each_loss(talk_and(|world, ours, theirs| {
        world.with(1, |agent, now| agent.hang_up(now, theirs));
        assert_eq!(world.event(0), ended(ours, Party::Peer));
        assert_eq!(world.event(1), ended(theirs, Party::Us));
    }));
}

#[test]
fn a_refused_call_survives_the_loss_of_every_message() {
    survives_each_loss(|world| {
        world.call(1);
        let theirs = world.incoming(1);
        world.with(1, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
        world.with(1, |agent, now| agent.reject(now, theirs, StatusCode::BUSY_HERE, None));
        let mut event = world.event(0);
        while matches!(event, Event::Progress { .. }) {
            event = world.event(0);
        }
        assert_eq!(refused(&event), Some(486));
        assert_eq!(world.event(1), ended(theirs, Party::Us));
    });
}

#[test]
fn a_cancelled_call_survives_the_loss_of_every_message() {
    survives_each_loss(|world| {
        let ours = world.call(1);
        let theirs = world.incoming(1);
        world.with(1, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
        world.run(Duration::from_secs(3));
        world.with(0, |agent, now| agent.hang_up(now, ours));
        assert_eq!(world.event(1), Event::Failed { call: theirs, failure: Failure::Cancelled });
        let mut event = world.event(0);
        while matches!(event, Event::Progress { .. }) {
            event = world.event(0);
        }
        assert_eq!(event, Event::Failed { call: ours, failure: Failure::Cancelled });
    });
}

#[test]
fn whatever_is_lost_every_call_ends_once_on_both_sides_and_nothing_is_left() {
    for seed in 0..200 {
        let mut entropy = Entropy::from_number(seed);
        let loss = 0.1 + 0.8 * entropy.unit();
        let mut world = World::pair();
        world.lose = Box::new(move |_, _| entropy.unit() < loss);
        let ours = world.call(1);
        let mut ends = [0, 0];
        for step in 0..40 {
            world.run(Duration::from_secs(5));
            for side in [0, 1] {
                for event in world.events(side) {
                    match event {
                        Event::Incoming { call, .. } if seed % 3 == 0 => {
                            world.with(1, |agent, now| agent.reject(now, call, StatusCode::DECLINE, None));
                        }
                        Event::Incoming { call, .. } => {
                            world.with(1, |agent, now| agent.accept(now, call, ANSWER.to_vec()));
                        }
                        Event::Failed { .. } | Event::Ended { .. } => ends[side] += 1,
                        _ => {}
                    }
                }
            }
            if step == 8 {
                world.with(0, |agent, now| agent.hang_up(now, ours));
            }
        }
        let heard_of_it = world.phones[1].agent.last_call > 0;
        assert_eq!(ends, [1, usize::from(heard_of_it)], "seed {seed}: {:#?}", world.log);
        world.finish();
    }
}

#[test]
fn a_2xx_that_is_never_acknowledged_is_repeated_for_32_seconds_and_then_the_call_ends() {
    let mut world = World::pair();
    world.lose = Box::new(|_, text| text.starts_with("ACK"));
    world.delay = Duration::ZERO;
    let ours = world.call(1);
    let theirs = world.incoming(1);
    let accepted = world.now.mono.as_nanos() / 1_000_000;
    world.with(1, |agent, now| agent.accept(now, theirs, ANSWER.to_vec()));
    let reason = Some("no ACK".into());
    assert_eq!(world.event(1), Event::Ended { call: theirs, by: Party::Us, reason });
    assert!(matches!(world.event(0), Event::Answered { .. }));
    let reason = Some("SIP;cause=408;text=\"no ACK\"".into());
    assert_eq!(world.event(0), Event::Ended { call: ours, by: Party::Peer, reason });
    let sent = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500, 32_000];
    assert_eq!(world.timed("200"), sent.map(|ms| ms + accepted), "the last one answers BYE");
    assert_eq!(world.timed("BYE"), [accepted + 32_000]);
    assert_eq!(world.timed("ACK").len(), 11, "each of them got an ACK");
    world.finish();
}

#[test]
fn ringing_is_repeated_every_minute_so_that_no_proxy_gives_up() {
    let mut world = World::pair();
    world.delay = Duration::ZERO;
    let ours = world.call(1);
    let theirs = world.incoming(1);
    world.with(1, |agent, now| agent.ring(now, theirs, StatusCode::RINGING, None));
    let rang = world.now.mono.as_nanos() / 1_000_000;
    world.run(Duration::from_secs(200));
    assert_eq!(world.timed("180"), [0, 60_000, 120_000, 180_000].map(|ms| ms + rang));
    world.with(0, |agent, now| agent.hang_up(now, ours));
    world.finish();
}

#[test]
fn a_callee_that_never_answers_after_cancel_is_given_up_32_seconds_later() {
    let mut world = World::pair();
    world.delay = Duration::ZERO;
    let ours = world.call(1);
    world.run_ms(1_000);
    world.lose = Box::new(|_, _| true);
    world.with(0, |agent, now| agent.hang_up(now, ours));
    world.run_ms(31_999);
    assert!(!world.events(0).iter().any(|event| matches!(event, Event::Failed { .. })));
    world.run_ms(1);
    assert_eq!(world.events(0), [Event::Failed { call: ours, failure: Failure::Cancelled }]);
    assert_eq!(world.timed("CANCEL").len(), 11);
    let theirs = world.incoming(1);
    world.with(1, |agent, now| agent.hang_up(now, theirs));
    world.finish();
}
