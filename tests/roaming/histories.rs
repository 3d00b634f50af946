//! Whatever happens, in whatever order: what must hold, holds.

use std::{net::IpAddr, time::Duration};

use rove_base::Entropy;
use rove_roam::attach::terminal::TerminalEvent;

use crate::{
    private::Link,
    seat::{Seat, subscriber},
    world::World,
};

const SECOND: Duration = Duration::from_secs(1);

/// Terminals of each home.
const EACH: u8 = 3;

/// A history: terminals come, go, roam and lose their streams, networks die and come back, messages are lost and
/// overtake each other. With every step `World` looks at owners and acknowledgements.
fn history(seed: u64) -> World {
    let mut entropy = Entropy::from_number(seed);
    let loss = [0.0, 0.02, 0.2][entropy.next_u32() as usize % 3];
    let link = Link { loss, way: (SECOND / 1_000, SECOND / 4), patience: SECOND * 2 };
    let mut world = World::new(seed, Link { loss: 0.0, ..link }, |_, _, _| {});
    for home in 0..3 {
        for number in 1..=EACH {
            world.subscribe(subscriber(home, number));
            let dhcp = if entropy.next_u32().is_multiple_of(2) { Some(None) } else { None };
            world.sit(Seat::new(home, number, None, dhcp));
        }
    }
    world.link = link;
    for _ in 0..30 {
        let seat = entropy.next_u32() as usize % world.seats.len();
        let network = entropy.next_u32() as usize % 3;
        match entropy.next_u32() % 20 {
            0..=10 => world.attach(seat, network),
            11..=13 => world.detach(seat),
            14..=15 => world.cut(seat),
            16 if world.networks.iter().all(|network| network.alive) => world.kill(network),
            _ => {
                if let Some(dead) = world.networks.iter().position(|network| !network.alive) {
                    world.revive(dead);
                }
            }
        }
        let pause = SECOND.mul_f64(4.0 * entropy.unit() * entropy.unit());
        world.run(pause);
    }
    if let Some(dead) = world.networks.iter().position(|network| !network.alive) {
        world.revive(dead);
    }
    world
}

#[test]
fn a7_after_any_history_names_are_those_of_who_is_attached_and_then_of_nobody() {
    let histories = if std::env::var_os("ROVE_PROVE").is_some() { 20_000 } else { 400 };
    let mut attached = 0;
    for seed in 0..histories {
        let mut world = history(seed);
        // The weather clears; what was lost is said again, and leases of those who are gone end.
        world.link.loss = 0.0;
        world.run(SECOND * 90);
        for seat in 0..world.seats.len() {
            let seat = &world.seats[seat];
            let resolved = world.resolve(seat.name.as_str());
            let held: Vec<IpAddr> = seat.place().map(|(held, ..)| held.iter().collect()).unwrap_or_default();
            assert_eq!(resolved, held, "seed {seed}: {} {:?}", seat.name, seat.events.last());
            for address in held {
                attached += 1;
                assert_eq!(world.reverse(address).as_deref(), Some(seat.name.as_str()), "seed {seed}");
            }
        }
        (0..world.seats.len()).for_each(|seat| world.detach(seat));
        world.run(SECOND * 90);
        world.assert_empty(&format!("seed {seed}"));
    }
    assert!(attached > histories, "{attached} terminals were attached in the end");
}

#[test]
fn a_seed_replays_its_history() {
    let (one, two) = (history(11), history(11));
    assert_eq!(one.trace, two.trace);
    let told = |world: &World| world.seats.iter().map(|seat| seat.events.len()).collect::<Vec<_>>();
    assert_eq!(told(&one), told(&two));
    assert!(
        one.seats
            .iter()
            .flat_map(|seat| &seat.events)
            .any(|event| matches!(event, TerminalEvent::Attached { .. }))
    );
}
