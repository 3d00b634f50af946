//! A node dies at each of its writes in turn, with the record kept and with it lost.

use std::{net::IpAddr, time::Duration};

use rove_base::Entropy;

use crate::{
    private::Link,
    seat::{Seat, subscriber},
    world::{Crash, World},
};

const SECOND: Duration = Duration::from_secs(1);

/// Three terminals attach, roam, leave and come again, each in its own rhythm.
fn world(seed: u64, crash: Option<Crash>) -> World {
    let mut world = World::new(seed, Link::default(), |_, _, _| {});
    for home in 0..3 {
        world.subscribe(subscriber(home, 1));
        let dhcp = if home == 1 { Some(None) } else { None };
        world.sit(Seat::new(home, 1, None, dhcp));
    }
    world.crash = crash;
    let mut entropy = Entropy::from_number(seed);
    for round in 0..5_usize {
        for seat in 0..3 {
            match round {
                3 => world.detach(seat),
                _ => world.attach(seat, (seat + round) % 3),
            }
            world.run(SECOND.mul_f64(0.4 * entropy.unit()));
        }
    }
    // The crash may have been at the last write: a second until the process is back, and two to be consistent.
    world.run(SECOND * 3);
    world
}

/// Two seconds after the restart: who was told that it is attached is found by its name, and who is found by reverse
/// look-up is here.
fn assert_consistent(world: &World, what: &str) {
    for seat in &world.seats {
        let held: Vec<IpAddr> = seat.place().map(|(held, ..)| held.iter().collect()).unwrap_or_default();
        if !held.is_empty() {
            let (name, trace) = (&seat.name, &world.trace);
            assert_eq!(world.resolve(name.as_str()), held, "{what}: {name} {trace:?}");
        }
        for address in held {
            assert_eq!(world.reverse(address).as_deref(), Some(seat.name.as_str()), "{what}");
        }
    }
    for network in &world.networks {
        assert!(network.alive, "{what}");
        let here: Vec<_> = network.vlr.holders().collect();
        for (address, name) in &network.zone.reverse {
            let known =
                here.iter().any(|(_, of, held, _)| *of == name && held.iter().any(|ip| ip == *address));
            assert!(known, "{what}: {address} is {name}'s, who is not at {}", network.name);
        }
        for (imsi, _, held, _) in here {
            assert_eq!(network.pool.addresses_of(imsi), Some(held), "{what}: register and pool differ");
        }
    }
}

#[test]
fn a7_a_node_that_dies_at_any_of_its_writes_is_consistent_two_seconds_after_its_restart() {
    let seeds = if std::env::var_os("ROVE_PROVE").is_some() { 12 } else { 1 };
    let mut points = 0;
    for seed in 0..seeds {
        let calm = world(seed, None);
        assert!(calm.seats.iter().all(|seat| seat.place().is_some()), "seed {seed}");
        for network in 0..3 {
            for at in 0..calm.networks[network].journal.len() {
                for kept in [false, true] {
                    let crash = Crash { network, at, kept };
                    let what = format!("seed {seed}, {crash:?}");
                    let mut world = world(seed, Some(crash));
                    assert_consistent(&world, &what);
                    points += usize::from(world.crash.is_none());
                    world.run(SECOND * 90);
                    assert_consistent(&world, &what);
                    (0..3).for_each(|seat| world.detach(seat));
                    world.run(SECOND * 90);
                    world.assert_empty(&what);
                }
            }
        }
    }
    println!("{points} crashes");
    assert!(points >= seeds as usize * 100, "{points} crashes");
}
