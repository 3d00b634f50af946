//! Calls whose signalling goes over streams.

use core::time::Duration;

use rove_phone::PhoneEvent;
use rove_tests::{Handle, Owner, PhoneHost, World};

use crate::scene::{BOB, Scene, ip, phone};

/// A call to `target` that stands for a second.
fn standing(target: &str) -> (Scene, rove_phone::CallId) {
    let mut scene = Scene::new(7, phone(2), phone(3), Owner::Answers);
    let call = scene.world.act(scene.alice, |alice, now| alice.phone.dial(now, target)).unwrap();
    let alice = scene.alice;
    let answered = scene.world.wait_for(Duration::from_secs(10), |world| is_answered(world, alice));
    assert!(answered, "{:#?}", scene.world.trace().lines());
    scene.world.run_for(Duration::from_secs(1));
    (scene, call)
}

fn is_answered(world: &World, phone: Handle<PhoneHost>) -> bool {
    let answered = |event: &PhoneEvent| {
        matches!(event, PhoneEvent::Call { progress: rove_phone::Progress::Answered { .. }, .. })
    };
    world.get(phone).saw(answered)
}

#[test]
fn a_call_over_a_stream_is_made_heard_and_ended() {
    let mut scene = Scene::new(7, phone(2), phone(3), Owner::Answers);
    let report = scene.call("sip:bob@192.0.2.3;transport=tcp", Duration::from_secs(5));
    assert!(report.succeeded() && report.received.is_some_and(|count| count > 200), "{report:?}");
    let bob = scene.bob;
    let over = scene.world.wait_for(Duration::from_secs(5), |world| world.get(bob).reports().count() == 1);
    assert!(over, "{:#?}", scene.world.trace().lines());
}

#[test]
fn a_stream_that_breaks_in_mid_call_is_opened_again_by_whoever_hangs_up() {
    for caller_ends in [true, false] {
        let (mut scene, call) = standing("sip:bob@192.0.2.3;transport=tcp");
        let (alice, bob) = (scene.alice, scene.bob);
        scene.world.break_streams(bob);
        scene.world.run_for(Duration::from_secs(3));
        assert_eq!(scene.world.get(alice).reports().count(), 0, "the call outlives its stream");
        if caller_ends {
            scene.world.act(alice, |alice, now| alice.phone.hang_up(now, call));
        } else {
            scene.world.act(bob, |bob, now| {
                let theirs = bob.events.iter().find_map(|(_, event)| match event {
                    PhoneEvent::Call { call, .. } => Some(*call),
                    _ => None,
                });
                bob.phone.hang_up(now, theirs.unwrap());
            });
        }
        let over = scene.world.wait_for(Duration::from_secs(5), |world| {
            [alice, bob].iter().all(|phone| world.get(*phone).reports().count() == 1)
        });
        assert!(over, "caller ends: {caller_ends}: {:#?}", scene.world.trace().lines());
    }
}

#[test]
fn an_address_that_takes_no_streams_is_left_for_the_next_one() {
    for seed in 0..4 {
        let mut scene = Scene::new(seed, phone(2), phone(3), Owner::Answers);
        scene.register_at(vec![ip(99), ip(1), ip(3)]);
        let report = scene.call(&format!("sip:{BOB};transport=tcp"), Duration::from_secs(1));
        assert!(report.succeeded(), "{report:?}");
    }
}

#[test]
fn a_transport_that_nobody_offers_is_unreachable() {
    let mut scene = Scene::new(3, phone(2), phone(3), Owner::Answers);
    let report = scene.call("sip:bob@192.0.2.3:5999;transport=tcp", Duration::ZERO);
    assert_eq!(report.cause, "unreachable", "{report:?}");
}
