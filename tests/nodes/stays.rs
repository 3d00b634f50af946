//! Terminals come, move and leave; nodes die and come back.

use core::time::Duration;
use std::net::IpAddr;

use rove_node::roam::RoamEvent;
use rove_roam::attach::terminal::TerminalEvent;
use rove_tests::{Impairments, Loss};

use crate::scene::{A, B, HOME, Network, Scene};

fn address(event: &TerminalEvent) -> IpAddr {
    match event {
        TerminalEvent::Attached { addresses, .. } => addresses.v4.unwrap().into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_leads_to_the_visited_network_and_back_from_there_and_to_nothing_when_the_terminal_has_left() {
    let mut scene = Scene::new(1);
    let mobile = scene.subscriber(HOME, 1);
    let ip = address(&scene.attach(mobile, A));
    assert_eq!(scene.resolves(HOME, 1), [format!("5 A {ip}")]);
    assert_eq!(scene.reverse(A, ip), ["5 PTR t1.home.example."]);
    assert_eq!(scene.bindings(), 2);
    scene.world.act(mobile, |mobile, now| mobile.terminal.detach(now));
    scene.world.run_for(Duration::from_secs(1));
    assert_eq!(scene.bindings(), 0, "both are gone");
}

#[test]
fn a_roam_moves_the_name_and_leaves_nothing_in_the_network_before() {
    let mut scene = Scene::new(2);
    let mobile = scene.subscriber(HOME, 1);
    let first = address(&scene.attach(mobile, A));
    let second = address(&scene.attach(mobile, B));
    assert_ne!(first, second);
    scene.world.run_for(Duration::from_secs(1));
    assert_eq!(scene.resolves(HOME, 1), [format!("5 A {second}")]);
    assert_eq!((scene.reverse(A, first).len(), scene.reverse(B, second).len()), (0, 1));
    assert_eq!(scene.bindings(), 2);
}

#[test]
fn a15_a22_three_networks_host_each_others_subscribers_and_their_own() {
    let mut scene = Scene::new(3);
    let homes = [(HOME, 1), (A, 2), (B, 3)];
    let mobiles = homes.map(|(home, n)| scene.subscriber(home, n));
    let visits: [[Network; 3]; 3] = [[A, B, HOME], [B, HOME, A], [HOME, A, B]];
    for places in visits {
        for ((mobile, at), (home, n)) in mobiles.into_iter().zip(places).zip(homes) {
            let ip = address(&scene.attach(mobile, at));
            assert_eq!(scene.resolves(home, n), [format!("5 A {ip}")]);
            assert_eq!(scene.reverse(at, ip).len(), 1);
        }
        scene.world.run_for(Duration::from_secs(2));
        assert_eq!(scene.bindings(), 6);
    }
}

#[test]
fn a_stay_outlives_a_crash_of_each_node_and_a_journal_that_was_written_anew() {
    for crashed in [HOME, A] {
        for compact in [false, true] {
            let mut scene = Scene::new(4);
            let mobile = scene.subscriber(HOME, 1);
            let ip = address(&scene.attach(mobile, A));
            scene.world.run_for(Duration::from_secs(1));
            if compact {
                let handle = scene.handle(crashed);
                scene.world.act(handle, |node, _| node.compact());
            }
            scene.crash(crashed);
            assert_eq!(scene.resolves(HOME, 1), [format!("5 A {ip}")], "right away");
            assert_eq!(scene.reverse(A, ip).len(), 1);
            scene.world.run_for(Duration::from_secs(120));
            assert_eq!(scene.bindings(), 2, "{} {compact}: renewed since", crashed.domain);
        }
    }
}

#[test]
fn a_stay_without_dhcp_outlives_the_lease_of_addresses_for_as_long_as_its_terminal_is_there() {
    for crashed in [None, Some(A)] {
        let mut scene = Scene::new(6);
        let mobile = scene.subscriber(HOME, 1);
        let ip = address(&scene.attach(mobile, A));
        scene.world.run_for(Duration::from_secs(1));
        if let Some(network) = crashed {
            scene.crash(network);
        }
        let lease = scene.node(A).roam.visited().unwrap().address_lease();
        scene.world.run_for(Duration::from_secs(u64::from(lease) * 2));
        assert_eq!(
            (scene.resolves(HOME, 1), scene.bindings()),
            (vec![format!("5 A {ip}")], 2),
            "{crashed:?}"
        );
    }
}

#[test]
fn names_of_a_visited_network_that_is_gone_for_good_fall_with_their_lease() {
    let mut scene = Scene::new(5);
    let mobile = scene.subscriber(HOME, 1);
    scene.attach(mobile, A);
    let (home, a) = (scene.handle(HOME), scene.handle(A));
    let from = scene.world.now().mono;
    let gone = Impairments::delay(Duration::from_millis(5)).with_cut(from, None);
    scene.world.set_link(home, a, gone);
    scene.world.run_for(Duration::from_secs(40));
    assert_eq!(scene.resolves(HOME, 1), Vec::<String>::new());
}

/// Whether the links to partners that a node was told of stand or not, one after the other.
fn links(scene: &Scene, of: Network) -> Vec<bool> {
    let link = |(_, event): &(_, RoamEvent)| match event {
        RoamEvent::Link { up, .. } => Some(*up),
        _ => None,
    };
    scene.node(of).events.iter().filter_map(link).collect()
}

#[test]
fn a13_by_sctp_a_stay_outlives_lost_packets_and_a_crash_of_each_node() {
    for crashed in [HOME, A] {
        let mut scene = Scene::by_sctp(7);
        let (home, a) = (scene.handle(HOME), scene.handle(A));
        let way = Impairments::delay(Duration::from_millis(5));
        scene.world.set_link(home, a, way.clone().with_loss(Loss::Independent(0.1)));
        let mobile = scene.subscriber(HOME, 1);
        let ip = address(&scene.attach(mobile, A));
        assert_eq!(scene.resolves(HOME, 1), [format!("5 A {ip}")]);
        scene.world.run_for(Duration::from_secs(1));
        scene.world.set_link(home, a, way);
        scene.crash(crashed);
        scene.world.run_for(Duration::from_secs(120));
        assert_eq!(scene.bindings(), 2, "{}: renewed since", crashed.domain);
        let other = if crashed.domain == HOME.domain { A } else { HOME };
        assert!(links(&scene, other).ends_with(&[false, true]), "down and up again");
        scene.world.act(mobile, |mobile, now| mobile.terminal.detach(now));
        scene.world.run_for(Duration::from_secs(1));
        assert_eq!(scene.bindings(), 0, "both are gone");
    }
}

#[test]
fn by_sctp_a_partner_that_cannot_be_reached_is_down_within_its_heartbeats_and_up_when_it_can() {
    let mut scene = Scene::by_sctp(8);
    let (home, a) = (scene.handle(HOME), scene.handle(A));
    let way = Impairments::delay(Duration::from_millis(5));
    let from = scene.world.now().mono;
    scene.world.set_link(home, a, way.clone().with_cut(from, None));
    let before = links(&scene, HOME);
    assert_eq!(before, [true, true], "both partners");
    scene.world.run_for(Duration::from_secs(20));
    assert_eq!(links(&scene, HOME), [true, true, false]);
    scene.world.set_link(home, a, way);
    scene.world.run_for(Duration::from_secs(60));
    assert_eq!(links(&scene, HOME), [true, true, false, true]);
    assert_eq!(links(&scene, A), [true, true, false, true]);
}
