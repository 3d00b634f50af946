//! How stays end, and that nothing is left of them. Each test names the row it shows.

use std::{net::IpAddr, time::Duration};

use rove_roam::{
    CancelReason, Cause, Operation,
    attach::Reason,
    hlr::Command,
    private::{DialogueId, PartnerId, Told},
    vlr::{Input, PoolTold},
};

use crate::{
    network::NAMES,
    seat::{Seat, subscriber},
    visited::{SECOND, assert_named, attached, enter, held, world},
    world::World,
};

type End = fn(&mut World, usize);

#[test]
fn a7_every_end_takes_both_names_and_the_address() {
    let ends: [(&str, Duration, End); 7] = [
        ("detach", SECOND, |world, seat| world.detach(seat)),
        ("DHCP RELEASE", SECOND, |world, seat| {
            let (now, holder) = (world.now, world.seats[seat].imsi);
            world.networks[1].pool.release(now, holder);
            world.tell(1, Input::Pool(PoolTold::Released { holder }));
        }),
        // Nobody renews the lease, which is of 300 s.
        ("lease expiry", SECOND * 310, |_, _| {}),
        ("the terminal dies", SECOND * 40, |world, seat| {
            world.switch_off(seat);
        }),
        ("the visited network dies, and the terminal with it", SECOND * 60, |world, seat| {
            world.kill(1);
            world.switch_off(seat);
            world.run(SECOND * 3);
            world.revive(1);
        }),
        ("the home ends the subscription", SECOND, |world, seat| {
            assert!(world.administer(0, Command::Remove(world.seats[seat].imsi)));
        }),
        ("the home takes the right away", SECOND, |world, _| {
            let mut one = subscriber(0, 2);
            one.profile.services.packet_data = false;
            assert!(world.administer(0, Command::Change(Box::new(one))));
        }),
    ];
    for (what, time, end) in ends {
        let mut world = world();
        world.subscribe(subscriber(0, 2));
        let seat = world.sit(Seat::new(0, 2, None, Some(None)));
        world.attach(seat, 1);
        world.run(SECOND);
        assert_named(&world, seat, 1);
        end(&mut world, seat);
        world.run(time);
        world.assert_empty(what);
        assert!(
            world.networks[0].hlr.serving(subscriber(0, 2).imsi).is_none_or(|stay| stay.binding.is_none())
        );
    }
}

#[test]
fn a7_a_visited_network_that_never_comes_back_leaves_no_name_at_home() {
    let (mut world, seat) = attached(0, 2, 1);
    let name = world.seats[seat].name.to_string();
    world.kill(1);
    world.run(SECOND * 31);
    assert_eq!(world.resolve(&name), [] as [IpAddr; 0]);
}

#[test]
fn a7_a_visited_network_that_was_killed_has_its_visitor_again_within_two_seconds() {
    let (mut world, seat) = attached(0, 2, 1);
    world.kill(1);
    world.run(SECOND * 4);
    world.revive(1);
    world.run(SECOND * 2);
    assert_named(&world, seat, 1);
    assert!(world.asked.iter().any(|(.., what)| what == "RestoreData"));
    world.run(SECOND * 600);
    assert_named(&world, seat, 1);
}

#[test]
fn a7_what_comes_late_from_the_old_network_harms_nothing() {
    let (mut world, seat) = attached(0, 2, 0);
    world.detach(seat);
    world.run(SECOND);
    world.attach(seat, 1);
    world.run(SECOND);
    let old = world.seats[seat].place().unwrap().2;
    let imsi = world.seats[seat].imsi;
    world.attach(seat, 2);
    world.run(SECOND);
    assert_named(&world, seat, 2);
    // The old network's farewell, and the home's order to end the older stay, once more.
    let visited =
        rove_roam::VisitedNetwork { vlr: "493001".parse().unwrap(), network: NAMES[1].parse().unwrap() };
    let purge = Operation::PurgeMs { imsi, visited, generation: old };
    world.networks[0].hlr.asked(world.now, PartnerId(1), DialogueId(u64::MAX), purge);
    let cancel = Operation::CancelLocation { imsi, reason: CancelReason::UpdateProcedure, generation: old };
    let asked = Told::Asked { partner: PartnerId(0), id: DialogueId(u64::MAX), operation: cancel };
    world.tell(2, Input::Told(asked));
    world.run(SECOND * 60);
    assert_named(&world, seat, 2);
    assert!(
        world.networks[0].hlr.refusals().of(Cause::StaleGeneration)
            + world.networks[0].hlr.refusals().of(Cause::NotServing)
            >= 1
    );
    assert_eq!(world.networks[2].vlr.metrics().stale_orders, 1);
    assert!(world.networks[1].holders().is_empty());
}

#[test]
fn a7_a_roam_moves_both_names_and_ends_the_older_stay() {
    let (mut world, seat) = attached(0, 1, 1);
    let before = held(&world, seat);
    world.attach(seat, 2);
    world.run(SECOND);
    assert_named(&world, seat, 2);
    assert_eq!(world.reverse(before[0]), None);
    assert_eq!(world.networks[1].vlr.metrics().ended(Reason::ServedElsewhere), 1);
    assert!(world.networks[1].holders().is_empty());
}

#[test]
fn a21_the_address_differs_from_stay_to_stay() {
    let (mut world, seat) = attached(0, 1, 1);
    let mut seen = vec![held(&world, seat)];
    for round in 0..8 {
        world.detach(seat);
        world.run(SECOND);
        world.attach(seat, 1);
        world.run(SECOND);
        let address = held(&world, seat);
        assert_ne!(seen.last(), Some(&address));
        // Who comes and goes too fast gets its own oldest one again, and nobody else's.
        assert!(round >= 3 || !seen.contains(&address), "{address:?} again in round {round}");
        seen.push(address);
    }
}

#[test]
fn a_disk_that_fails_at_home_or_in_the_visited_network_lets_no_address_out() {
    for broken in [0, 1] {
        let mut world = world();
        let seat = enter(&mut world, 0, 1);
        world.networks[broken].disk_full = true;
        world.attach(seat, 1);
        world.run(SECOND);
        assert_eq!(world.seats[seat].place(), None);
        assert!(!world.trace.contains(&"1 pool Confirm".to_owned()), "{broken}");
        let forward = |entry: &String| entry.contains("Hlr Forward");
        world.run(SECOND * 40);
        assert!(world.resolve("t1.north.example").is_empty(), "{broken}");
        assert!(broken == 1 || !world.trace.iter().any(forward));
    }
}
