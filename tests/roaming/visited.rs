//! What a visited network does, with homes, pools and terminals as they are. Each test names the row it shows.

use std::{net::IpAddr, time::Duration};

use rove_roam::{
    CancelReason, Cause, Generation, NameChange, Operation, Services,
    attach::{CallId, CallRequest, Reason, terminal::TerminalEvent},
    hlr::HlrConfig,
    private::{DialogueId, PartnerId, Told},
    vlr::{Input, NamePolicy, Terms, VlrConfig},
};

use crate::{
    network::NAMES,
    private::Link,
    seat::{Seat, subscriber},
    world::World,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn world() -> World {
    World::new(1, Link::default(), |_, _, _| {})
}

/// A world with subscriber `number` of `home` at a terminal that is attached to `network`.
pub(crate) fn attached(home: usize, number: u8, network: usize) -> (World, usize) {
    let mut world = world();
    let seat = enter(&mut world, home, number);
    world.attach(seat, network);
    world.run(SECOND);
    assert!(world.seats[seat].place().is_some(), "{:?}", world.seats[seat].events);
    (world, seat)
}

pub(crate) fn enter(world: &mut World, home: usize, number: u8) -> usize {
    world.subscribe(subscriber(home, number));
    world.sit(Seat::new(home, number, None, None))
}

pub(crate) fn held(world: &World, seat: usize) -> Vec<IpAddr> {
    world.seats[seat].place().map(|(addresses, ..)| addresses.iter().collect()).unwrap_or_default()
}

/// Both names of a terminal stand, and say where it is.
pub(crate) fn assert_named(world: &World, seat: usize, network: usize) {
    let (addresses, at, _) = world.seats[seat].place().expect("attached");
    let name = world.seats[seat].name.as_str();
    let addresses: Vec<IpAddr> = addresses.iter().collect();
    assert_eq!(at.as_str(), NAMES[network]);
    assert_eq!(world.resolve(name), addresses);
    addresses.iter().for_each(|address| assert_eq!(world.reverse(*address).as_deref(), Some(name)));
    assert!(addresses[0].to_string().starts_with(&format!("10.{network}.")));
    assert!(addresses[1].to_string().starts_with(&format!("2001:db8:{network}:")) || network == 0);
}

#[test]
fn a1_the_home_name_resolves_to_an_address_of_the_visited_network() {
    for number in [1, 2] {
        let (world, seat) = attached(0, number, 1);
        assert_named(&world, seat, 1);
    }
}

#[test]
fn a2_an_address_comes_only_after_authentication_profile_and_binding() {
    let (world, _) = attached(0, 2, 1);
    let order = [
        "1 ask SendAuthenticationInfo",
        "0 answer AuthenticationInfo",
        "1 ask UpdateLocation",
        "0 ask InsertSubscriberData",
        "1 answer Done",
        "0 answer Located",
        "1 pool Reserve",
        "1 pool Grant",
        "1 ask Bind",
        "0 Hlr Forward",
        "0 answer Bound",
        "1 pool Confirm",
        "1 Attached",
    ];
    let places = order.map(|what| world.place(what));
    assert!(places.is_sorted(), "{:#?}", world.trace);
    let reverse = world.place("1 Vlr Reverse");
    assert!((world.place("1 ask Bind")..world.place("1 pool Confirm")).contains(&reverse));
}

#[test]
fn a2_a_failed_authentication_leaves_no_lease_no_record_and_an_unchanged_pool() {
    for number in [1, 2] {
        let mut world = world();
        world.subscribe(subscriber(0, number));
        // The same subscriber by its word, another by its key.
        let mut thief = Seat::new(0, number + 10, None, None);
        thief.terminal = {
            let config = rove_roam::attach::terminal::TerminalConfig {
                imsi: subscriber(0, number).imsi,
                name: None,
                dhcp: false,
            };
            let credential = Seat::credential(number + 10);
            let entropy = rove_base::Entropy::from_number(5);
            rove_roam::attach::terminal::Terminal::new(config, credential, entropy)
        };
        let seat = world.sit(thief);
        let (pool, journal) = (world.networks[1].pool.occupancy(), world.networks[1].journal.len());
        world.attach(seat, 1);
        world.run(SECOND);
        let expected = if number == 1 { Reason::AuthenticationFailed } else { Reason::Distrusted };
        assert_eq!(world.seats[seat].refused(), Some(expected));
        assert_eq!(world.networks[1].vlr.metrics().refused(expected), 1);
        assert_eq!((world.networks[1].pool.occupancy(), world.networks[1].journal.len()), (pool, journal));
        assert!(!world.asked.iter().any(|(.., what)| what == "UpdateLocation"));
        world.assert_empty("a thief");
    }
}

#[test]
fn a3_an_address_that_dhcp_asks_for_has_both_names_before_the_acknowledgement() {
    let mut world = world();
    world.subscribe(subscriber(0, 2));
    let seat = world.sit(Seat::new(0, 2, None, Some(Some("t2".into()))));
    world.attach(seat, 1);
    // `World::check_confirmed` looks at both names at the moment of the acknowledgement.
    world.run(SECOND);
    assert_named(&world, seat, 1);
    assert_eq!(world.trace.iter().filter(|entry| *entry == "1 pool Confirm").count(), 1);
}

#[test]
fn a5_a_name_that_the_terminal_tells_is_checked_by_its_home() {
    for (told, bound) in
        [("t1.north.example", true), ("t9.north.example", false), ("t1.south.example", false)]
    {
        let mut world = world();
        let mut one = subscriber(0, 1);
        one.gives_name = false;
        world.subscribe(one);
        let seat = world.sit(Seat::new(0, 1, Some(told), None));
        world.attach(seat, 1);
        world.run(SECOND);
        if bound {
            assert_named(&world, seat, 1);
        } else {
            assert_eq!(world.seats[seat].refused(), Some(Cause::NameMismatch.into()), "{told}");
            assert_eq!(world.networks[1].vlr.metrics().refused(Cause::NameMismatch), 1, "{told}");
            world.assert_empty(told);
        }
    }
}

#[test]
fn a6_the_homes_name_wins_over_the_terminals_and_over_dhcps() {
    for (told, dhcp) in [(Some("t9.north.example"), None), (None, Some(Some("debian".to_owned())))] {
        for names in [NamePolicy::HomeWins, NamePolicy::Strict] {
            let mut world = World::new(1, Link::default(), |_, vlr: &mut VlrConfig, _| vlr.names = names);
            world.subscribe(subscriber(0, 1));
            let seat = world.sit(Seat::new(0, 1, told, dhcp.clone()));
            world.attach(seat, 1);
            world.run(SECOND);
            assert_eq!(world.networks[1].vlr.metrics().names_refused, 1);
            if names == NamePolicy::HomeWins {
                assert_named(&world, seat, 1);
            } else {
                assert_eq!(world.seats[seat].refused(), Some(Cause::NameMismatch.into()));
                world.assert_empty("strict");
            }
        }
    }
}

#[test]
fn a11_the_profile_admits_or_its_cause_is_told() {
    let bits = [(false, false), (false, true), (true, false), (true, true)];
    for ((roaming, packet_data), network) in bits.into_iter().flat_map(|bits| [(bits, 0), (bits, 1)]) {
        let mut world = world();
        let mut one = subscriber(0, 1);
        one.profile.services = Services { roaming, packet_data, ..Services::default() };
        world.subscribe(one);
        let seat = world.sit(Seat::new(0, 1, None, None));
        world.attach(seat, network);
        world.run(SECOND);
        let expected = match (roaming || network == 0, packet_data) {
            (false, _) => Some(Cause::RoamingNotAllowed),
            (true, false) => Some(Cause::NoPacketData),
            (true, true) => None,
        };
        let what = format!("roaming {roaming}, packet data {packet_data}, network {network}");
        assert_eq!(world.seats[seat].refused(), expected.map(Reason::Home), "{what}");
        match expected {
            None => assert_named(&world, seat, network),
            Some(_) => world.assert_empty(&what),
        }
    }
}

#[test]
fn a15_three_networks_are_homes_for_some_and_visited_by_others() {
    let mut world = world();
    let mut seats = Vec::new();
    for home in 0..3 {
        for number in 1..=4 {
            let seat = enter(&mut world, home, number);
            let network = (home + usize::from(number)) % 3;
            world.attach(seat, network);
            seats.push((seat, network));
        }
    }
    world.run(SECOND * 2);
    seats.iter().for_each(|(seat, network)| assert_named(&world, *seat, *network));
    assert!(world.networks.iter().all(|network| network.holders().len() == 4));
    world.run(SECOND * 300);
    seats.iter().for_each(|(seat, network)| assert_named(&world, *seat, *network));
    seats.iter().for_each(|(seat, _)| world.detach(*seat));
    world.run(SECOND);
    world.assert_empty("all left");
}

#[test]
fn a16_without_an_agreement_not_one_packet_goes_on_the_private_network() {
    let suspend = |number: u16, vlr: &mut VlrConfig, _: &mut HlrConfig| {
        if number == 1 {
            let agreement = rove_roam::vlr::Agreement {
                prefix: "00101".into(),
                partner: PartnerId(0),
                terms: Terms::Suspended,
                domains: vec![],
            };
            vlr.agreements = rove_roam::vlr::Agreements::new(vec![agreement]);
        }
    };
    let mut world = World::new(1, Link::default(), suspend);
    let (north, west) = (enter(&mut world, 0, 1), enter(&mut world, 2, 1));
    for seat in [north, west] {
        world.attach(seat, 1);
        world.run(SECOND);
        assert_eq!(world.seats[seat].refused(), Some(Cause::NoAgreement.into()));
    }
    assert!(!world.asked.iter().any(|(from, ..)| *from == 1), "{:?}", world.asked);
    assert_eq!(world.networks[1].vlr.metrics().refused(Cause::NoAgreement), 2);
}

#[test]
fn a22_a_terminal_attaches_at_home_too() {
    let (mut world, seat) = attached(0, 2, 0);
    assert_named(&world, seat, 0);
    world.attach(seat, 1);
    world.run(SECOND);
    assert_named(&world, seat, 1);
}

#[test]
fn a23_orders_about_a_visitor_are_taken_from_its_home_alone() {
    let (mut world, seat) = attached(0, 1, 1);
    let imsi = world.seats[seat].imsi;
    let orders = [
        Operation::CancelLocation {
            imsi,
            reason: CancelReason::SubscriptionWithdrawn,
            generation: Generation(u64::MAX),
        },
        Operation::InsertSubscriberData { imsi, subscription: subscriber(2, 1).subscription() },
        Operation::DeleteSubscriberData {
            imsi,
            services: Services { packet_data: true, ..Services::default() },
        },
    ];
    for operation in orders {
        let id = DialogueId(u64::MAX);
        world.tell(1, Input::Told(Told::Asked { partner: PartnerId(2), id, operation }));
    }
    world.run(SECOND);
    assert_named(&world, seat, 1);
    assert_eq!(world.networks[1].vlr.metrics().foreign_orders, 3);
}

#[test]
fn a26_a_call_is_allowed_or_refused_with_its_cause() {
    let cases: [(bool, bool, &str, Option<Reason>); 3] = [
        (false, true, "+4930999", None),
        (true, true, "bob.example.net", None),
        (true, false, "bob.example.net", Some(Reason::ServiceNotGranted)),
    ];
    for (third, three_way, dialled, refused) in cases {
        let mut world = world();
        let mut one = subscriber(0, 1);
        one.profile.services.three_way = three_way;
        one.profile.services.caller_id_restricted = true;
        world.subscribe(one);
        let seat = world.sit(Seat::new(0, 1, None, None));
        world.attach(seat, 1);
        world.run(SECOND);
        let call = CallRequest { id: CallId(3), dialled: dialled.parse().unwrap(), third };
        world.with(seat, |terminal, now| terminal.call(now, call));
        world.run(SECOND);
        let answer = match refused {
            None => TerminalEvent::CallAllowed { id: CallId(3), anonymous: true },
            Some(reason) => TerminalEvent::CallRefused { id: CallId(3), reason },
        };
        assert_eq!(world.seats[seat].events.last(), Some(&answer));
    }
}

#[test]
fn a27_one_name_has_an_address_of_each_family_and_both_have_the_name() {
    let (mut world, seat) = attached(0, 2, 1);
    let held = held(&world, seat);
    assert!(matches!(held[..], [IpAddr::V4(_), IpAddr::V6(_)]), "{held:?}");
    assert_named(&world, seat, 1);
    world.attach(seat, 2);
    world.run(SECOND);
    assert_named(&world, seat, 2);
    held.iter().for_each(|address| assert_eq!(world.reverse(*address), None));
}

#[test]
fn a28_two_roaming_terminals_find_each_other_by_name() {
    let mut world = world();
    let (one, two) = (enter(&mut world, 0, 1), enter(&mut world, 2, 2));
    world.attach(one, 1);
    world.attach(two, 0);
    world.run(SECOND);
    for (seat, network) in [(one, 1), (two, 0)] {
        assert_named(&world, seat, network);
    }
    // One roams; the other finds it at its new place by the same name.
    let name = world.seats[one].name.to_string();
    let before = world.resolve(&name);
    world.attach(one, 2);
    world.run(SECOND);
    assert_named(&world, one, 2);
    assert_ne!(world.resolve(&name), before);
}

#[test]
fn a29_a_call_attaches_a_detached_terminal() {
    let mut world = world();
    let seat = enter(&mut world, 0, 1);
    let call = CallRequest { id: CallId(9), dialled: "t2.west.example".parse().unwrap(), third: false };
    let access = world.access(1);
    world.with(seat, |terminal, now| terminal.attach_for(now, access, call));
    world.run(SECOND);
    assert_named(&world, seat, 1);
    assert!(
        world.seats[seat].events.contains(&TerminalEvent::CallAllowed { id: CallId(9), anonymous: false })
    );
}

#[test]
fn names_are_changed_with_a_time_to_live() {
    let (world, _) = attached(0, 1, 1);
    let changes: Vec<_> =
        world.networks.iter().flat_map(|network| &network.journal).flat_map(|entry| &entry.names).collect();
    assert!(!changes.is_empty());
    for change in changes {
        let (NameChange::Forward { ttl, .. } | NameChange::Reverse { ttl, .. }) = change;
        assert_eq!(*ttl, 5);
    }
}
