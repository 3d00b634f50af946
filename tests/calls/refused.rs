//! Calls that do not come about: each ends with its cause, on both sides, and leaves nothing behind.

use core::time::Duration;

use rove_phone::{CodecId, PhoneEvent, Progress, virtual_time::VirtualConfig};
use rove_tests::{Impairments, Loss, Owner};

use crate::scene::{BOB, Scene, ip, phone};

#[test]
fn each_refusal_has_its_cause() {
    let pcma = || VirtualConfig { codecs: vec![CodecId::Pcma], ..phone(2) };
    let pcmu = || VirtualConfig { codecs: vec![CodecId::Pcmu], ..phone(3) };
    let impatient = || VirtualConfig { ring_for: Duration::from_secs(3), ..phone(2) };
    let cases: Vec<(&str, VirtualConfig, VirtualConfig, Owner, &str, &str)> = vec![
        ("busy", phone(2), phone(3), Owner::IsBusy, "192.0.2.3", "busy"),
        ("declined", phone(2), phone(3), Owner::Declines, "192.0.2.3", "declined"),
        ("nobody picks up", impatient(), phone(3), Owner::IsAway, "192.0.2.3", "no_answer"),
        ("no codec in common", pcma(), pcmu(), Owner::Answers, "192.0.2.3", "no_common_codec"),
        ("nobody at that address", phone(2), phone(3), Owner::Answers, "192.0.2.99", "unreachable"),
        ("nobody at that port", phone(2), phone(3), Owner::Answers, "192.0.2.3:5999", "unreachable"),
        ("no such name", phone(2), phone(3), Owner::Answers, "nobody.home.example", "no_such_name"),
    ];
    for (what, alice, bob, owner, target, cause) in cases {
        let mut scene = Scene::new(2, alice, bob, owner);
        let report = scene.call(target, Duration::ZERO);
        assert_eq!(report.cause, cause, "{what}: {report:?}");
        assert!(
            !report.cause_text.is_empty() && report.seconds.is_none() && report.mos.is_none(),
            "{what}: {report:?}"
        );
    }
}

#[test]
fn a_call_is_set_up_and_ended_although_half_of_all_packets_are_lost() {
    let mut answered = 0;
    for seed in 0..20 {
        let mut scene = Scene::new(seed, phone(2), phone(3), Owner::Answers);
        scene.world.set_default_link(
            Impairments::delay(Duration::from_millis(30)).with_loss(Loss::Independent(0.5)),
        );
        let report = scene.call("192.0.2.3", Duration::from_secs(2));
        answered += usize::from(report.succeeded());
        let bob = scene.bob;
        let over =
            scene.world.wait_for(Duration::from_secs(120), |world| world.get(bob).reports().count() == 1);
        assert!(over, "the callee's side hangs with seed {seed}: {:#?}", scene.world.trace().lines());
    }
    assert!(answered >= 18, "{answered} of 20");
}

#[test]
fn the_name_server_that_is_dead_is_named() {
    let mut scene = Scene::new(6, phone(2), phone(3), Owner::Answers);
    scene.world.act(scene.names, |names, _| names.crash());
    let report = scene.call("bob.home.example", Duration::ZERO);
    assert_eq!(report.cause, "lookup_failed");
    assert!(report.cause_text.contains("192.0.2.1"), "{}", report.cause_text);
}

#[test]
fn a_dead_address_is_left_for_the_next_one_within_seconds() {
    let mut slowest = Duration::ZERO;
    for seed in 0..8 {
        let mut scene = Scene::new(seed, phone(2), phone(3), Owner::Answers);
        scene.register_at(vec![ip(99), ip(3)]);
        let began = scene.world.now().mono;
        let report = scene.call(BOB, Duration::from_secs(1));
        assert!(report.succeeded(), "{report:?}");
        let answered = scene.world.get(scene.alice).events.iter().find_map(|(at, event)| {
            matches!(event, PhoneEvent::Call { progress: Progress::Answered { .. }, .. }).then_some(*at)
        });
        slowest = slowest.max(answered.unwrap().since(began));
    }
    // With eight seeds one of them tries the dead address first.
    assert!((4.0..5.0).contains(&slowest.as_secs_f64()), "{slowest:?}");
}
