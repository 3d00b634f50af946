//! The main job: a name is published, called by another phone, talked with and withdrawn.

use core::time::Duration;

use rove_phone::{PhoneEvent, TargetError};
use rove_tests::{Impairments, Jitter, Loss, Owner, Spread};

use crate::scene::{BOB, Scene, phone};

const TALK: Duration = Duration::from_secs(10);

/// 20 ms each way, jitter, 3 % loss in bursts, a few duplicates and overtakings, and a rate that a call fits.
fn bad_network() -> Impairments {
    let jitter =
        Jitter { spread: Spread::Gamma { shape: 2.0, mean: Duration::from_millis(4) }, correlation: 0.3 };
    Impairments::delay(Duration::from_millis(20))
        .with_jitter(jitter)
        .with_loss(Loss::Bursts(rove_tests::GilbertElliott::bursts(0.03, 2.0)))
        .with_duplicates(0.01)
        .with_reorder(0.01, Duration::from_millis(30))
        .with_rate(1_000_000, 20_000)
}

fn whole_call(seed: u64) -> Scene {
    let mut scene = Scene::new(seed, phone(2), phone(3), Owner::Answers);
    scene.world.set_default_link(bad_network());
    scene.register();
    let report = scene.call(BOB, TALK);
    assert!(report.succeeded(), "{report:#?}");
    scene.world.act(scene.bob, |bob, now| bob.phone.unregister(now));
    let bob = scene.bob;
    let withdrawn = scene.world.wait_for(Duration::from_secs(20), |world| {
        world.get(bob).saw(|event| matches!(event, PhoneEvent::Unregistered { .. }))
    });
    assert!(withdrawn);
    scene
}

#[test]
fn a_call_by_name_over_a_bad_network_is_replayed_exactly_by_its_seed() {
    let (first, again, other) = (whole_call(7), whole_call(7), whole_call(8));
    assert_eq!(first.world.trace().lines(), again.world.trace().lines());
    assert_eq!(first.world.trace().hash(), again.world.trace().hash());
    assert_ne!(first.world.trace().hash(), other.world.trace().hash());
    assert!(first.world.trace().events() > 1_000);
}

#[test]
fn the_report_agrees_with_what_the_links_did() {
    let mut scene = Scene::new(3, phone(2), phone(3), Owner::Answers);
    scene.register();
    let impaired = Impairments::delay(Duration::from_millis(40)).with_loss(Loss::Independent(0.05));
    scene.world.set_link_one_way(scene.bob, scene.alice, impaired);
    scene.world.set_link_one_way(scene.alice, scene.bob, Impairments::delay(Duration::from_millis(40)));
    let report = scene.call(BOB, Duration::from_secs(60));
    let link = scene.world.stats(scene.bob, scene.alice);
    let truth = link.loss().expect("packets were sent") * 100.0;
    let loss = report.loss_percent.expect("measured");
    // The link also carries a few messages of SIP and RTCP.
    assert!((loss - truth).abs() < 0.3, "reported {loss} %, true {truth} %");
    assert!((2_950..=3_050).contains(&report.sent.expect("measured")), "60 s of 20 ms: {:?}", report.sent);
    let delay = report.delay_ms.expect("measured");
    // 40 ms of network, 20 of packet, 6.5 of look-ahead, and a playout that waits for copies, and for pauses to wait less.
    assert!((90.0..160.0).contains(&delay), "{delay}");
    let callee = scene.world.get(scene.bob).reports().next().expect("over").clone();
    assert_eq!((callee.lost, callee.side.as_str()), (Some(0), "callee"));
    assert!(callee.mos > report.mos, "5 % loss is heard: {:?} {:?}", callee.mos, report.mos);
    assert!(callee.resolve_ms.is_none() && callee.setup_ms.is_none(), "the callee measures neither");
}

#[test]
fn what_is_withdrawn_cannot_be_called() {
    let mut scene = whole_call(9);
    // Longer than anybody may remember the name.
    scene.world.run_for(Duration::from_secs(6));
    let call = scene.world.act(scene.alice, |alice, now| alice.phone.dial(now, BOB)).expect("can be dialled");
    let alice = scene.alice;
    scene.world.wait_for(Duration::from_secs(20), |world| world.get(alice).reports().count() == 2);
    let report = scene.world.get(scene.alice).reports().nth(1).expect("the second call is over");
    assert!(matches!(report.cause.as_str(), "no_such_name" | "no_address"), "{call:?} {report:?}");
}

#[test]
fn a_call_goes_over_ipv6_as_well() {
    let v6 = |host: u16| std::net::IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host));
    let config = |host| rove_phone::virtual_time::VirtualConfig::at(v6(host));
    let mut scene = Scene::new(4, config(2), config(3), Owner::Answers);
    let report = scene.call("[2001:db8::3]", Duration::from_secs(3));
    assert!(report.succeeded() && report.lost == Some(0), "{report:#?}");
}

#[test]
fn a_number_that_no_zone_knows_is_not_called_and_one_without_its_country_is_refused_at_once() {
    let mut scene = Scene::new(5, phone(2), phone(3), Owner::Answers);
    let alice = scene.alice;
    let local = scene.world.act(alice, |alice, now| alice.phone.dial(now, "tel:030123456")).unwrap_err();
    assert!(matches!(local, TargetError::Number { .. }), "{local}");
    scene.world.act(alice, |alice, now| alice.phone.dial(now, "+49 30 123456")).expect("looked up first");
    scene.world.wait_for(Duration::from_secs(30), |world| world.get(alice).reports().count() == 1);
    let report = scene.world.get(alice).reports().next().expect("over");
    assert!(!report.succeeded() && report.setup_ms.is_none(), "{report:?}");
}
