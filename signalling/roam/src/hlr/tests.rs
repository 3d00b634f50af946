//! One home, scripted partners.

#![allow(clippy::indexing_slicing, reason = "a test")]

mod bench;
mod causes;

use core::time::Duration;

use bench::{Bench, HOME, T1, VISITED_A, VISITED_B, subscriber};

use super::*;
use crate::{
    CancelReason, NameChange, Services,
    subscriber::{Credential, Networks},
};

#[test]
fn a_terminal_that_proves_itself_is_bound_and_one_that_leaves_is_not() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    let generation = bench.attach(&mut terminal, VISITED_A);
    assert_eq!(generation, Ok(Generation(1)));
    assert_eq!(bench.bind(&terminal, "10.1.0.5", 30), Ok(30));
    assert_eq!(bench.names(), [(T1.to_owned(), vec!["10.1.0.5".parse().unwrap()])]);
    assert_eq!(bench.purge(VISITED_A, 1, 1), Ok(()));
    assert_eq!(bench.names(), []);
    assert!(bench.home.serving(bench::imsi(1)).is_none());
}

#[test]
fn a_stay_that_is_not_proven_takes_nothing_away_and_one_that_is_cancels_the_one_before() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    let at_a = terminal.clone_claim("10.1.0.5");
    bench.attach(&mut terminal, VISITED_B).unwrap();
    assert_eq!(bench.rebind(&at_a, 30), Ok(30), "still there for all the home knows");
    assert_eq!(bench.told(VISITED_A, "CancelLocation"), 0);
    assert_eq!(bench.bind(&terminal, "10.2.0.5", 30), Ok(30));
    assert_eq!(bench.names(), [(T1.to_owned(), vec!["10.2.0.5".parse().unwrap()])]);
    assert_eq!(bench.told(VISITED_A, "CancelLocation"), 1);
    assert_eq!(bench.rebind(&at_a, 30), Err(Cause::StaleGeneration));
    assert_eq!(bench.purge(VISITED_A, 1, 1), Err(Cause::StaleGeneration));
    assert_eq!(
        bench.names(),
        [(T1.to_owned(), vec!["10.2.0.5".parse().unwrap()])],
        "a late purge changes nothing"
    );
}

#[test]
fn a_lease_that_nobody_renews_is_over_on_time_and_may_be_bound_again_in_its_stay() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    bench.wait(Duration::from_secs(20));
    assert_eq!(bench.bind(&terminal, "10.1.0.5", 30), Ok(30));
    bench.wait(Duration::from_millis(29_999));
    assert_eq!(bench.names().len(), 1);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.names(), []);
    assert_eq!(bench.bind(&terminal, "10.1.0.5", 30), Ok(30));
}

#[test]
fn a_step_of_the_walls_clock_moves_no_lease() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    let hour = Now::default().later(Duration::from_secs(3_600)).wall.as_nanos();
    let wall = bench.now.wall.as_nanos();
    for stepped in [wall.saturating_add(hour), wall.saturating_sub(hour)] {
        bench.now.wall = rove_base::UnixTime::from_nanos(stepped);
        bench.wait(Duration::from_secs(10));
        assert_eq!(bench.names().len(), 1);
    }
    bench.restart();
    assert_eq!(bench.names().len(), 1, "the clock was put back: the lease seems to be longer");
    bench.wait(Duration::from_secs(300));
    assert_eq!(bench.names(), [], "but never longer than leases are");
}

#[test]
fn a_stay_that_is_never_proven_is_over_when_its_time_is() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.wait(Duration::from_secs(300));
    assert!(bench.home.arriving(bench::imsi(1)).is_none());
    assert_eq!(bench.told(VISITED_A, "CancelLocation"), 1);
    assert_eq!(bench.bind(&terminal, "10.1.0.5", 30), Err(Cause::NotServing));
}

#[test]
fn the_profile_decides_who_may_be_where_and_have_an_address() {
    let only_b = Networks::Only(vec![VISITED_B.parse().unwrap()]);
    let cases = [
        ("all granted", true, true, Networks::All, VISITED_A, Ok(30)),
        ("no right to roam", false, true, Networks::All, VISITED_A, Err(Cause::RoamingNotAllowed)),
        ("no right to roam, at home", false, true, Networks::All, HOME, Ok(30)),
        ("may be elsewhere", true, true, only_b.clone(), VISITED_A, Err(Cause::RoamingNotAllowed)),
        ("may be there", true, true, only_b.clone(), VISITED_B, Ok(30)),
        ("may be elsewhere, at home", true, true, only_b, HOME, Ok(30)),
        ("no packet data", true, false, Networks::All, VISITED_A, Err(Cause::NoPacketData)),
        ("nothing", false, false, Networks::All, VISITED_A, Err(Cause::RoamingNotAllowed)),
    ];
    for (what, roaming, packet_data, networks, network, expected) in cases {
        let mut one = subscriber(1);
        one.profile.services = Services { roaming, packet_data, ..Services::default() };
        one.networks = networks;
        let mut bench = Bench::with(&[one]);
        let mut terminal = bench.terminal(1);
        let attached = bench.attach(&mut terminal, network);
        let bound = attached.and_then(|_| bench.bind(&terminal, bench::address_in(network), 30));
        assert_eq!(bound, expected, "{what}");
        let refused: u64 = bench.home.refusals().iter().map(|(_, count)| count).sum();
        assert_eq!(refused, u64::from(expected.is_err()), "{what}");
    }
}

#[test]
fn a_changed_profile_goes_where_the_subscriber_is_and_a_lost_right_ends_the_stay() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    let mut one = subscriber(1);
    one.profile.services.three_way = false;
    assert_eq!(bench.administer(Command::Change(Box::new(one.clone()))), Ok(()));
    assert_eq!(bench.told(VISITED_A, "DeleteSubscriberData"), 1);
    one.profile.forwarding.always = Some("voicemail.home.example".to_owned());
    assert_eq!(bench.administer(Command::Change(Box::new(one.clone()))), Ok(()));
    assert_eq!(bench.told(VISITED_A, "InsertSubscriberData"), 2, "one at the beginning of the stay");
    assert_eq!(bench.names().len(), 1, "the stay goes on");
    one.profile.services.roaming = false;
    assert_eq!(bench.administer(Command::Change(Box::new(one))), Ok(()));
    assert_eq!(bench.names(), []);
    assert_eq!(bench.told(VISITED_A, "CancelLocation"), 1);
    assert_eq!(bench.bind(&terminal, "10.1.0.5", 30), Err(Cause::NotServing));
}

#[test]
fn a_removed_subscriber_is_known_nowhere_and_may_not_be_bound_by_old_proofs_when_it_comes_again() {
    let mut one = subscriber(1);
    let key = crate::aka::TerminalKey::from_seed(&[4; 32]);
    one.credential = Credential::Ed25519 { public_key: key.public() };
    let mut bench = Bench::with(std::slice::from_ref(&one));
    let mut terminal = bench.terminal_with_key(1, key);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    let old = terminal.clone_claim("10.1.0.5");
    assert_eq!(bench.administer(Command::Remove(one.imsi)), Ok(()));
    assert_eq!(bench.names(), []);
    assert_eq!(bench.told(VISITED_A, "CancelLocation"), 1);
    assert_eq!(bench.rebind(&old, 30), Err(Cause::UnknownSubscriber));
    assert_eq!(bench.administer(Command::Add(Box::new(one))), Ok(()));
    bench.attach(&mut terminal, VISITED_A).unwrap();
    assert_eq!(bench.rebind(&old, 30), Err(Cause::StaleGeneration));
}

#[test]
fn what_is_taken_or_foreign_is_no_subscriber() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let with = |change: fn(&mut Subscriber)| {
        let mut two = subscriber(2);
        change(&mut two);
        Command::Add(Box::new(two))
    };
    let cases: [(&str, Command, AdministerError); 9] = [
        ("identity", Command::Add(Box::new(subscriber(1))), AdministerError::IdentityTaken),
        ("name", with(|two| two.name = subscriber(1).name), AdministerError::NameTaken),
        ("number", with(|two| two.msisdn = subscriber(1).msisdn), AdministerError::NumberTaken),
        ("domain", with(|two| two.name = "t2.example".parse().unwrap()), AdministerError::ForeignName),
        (
            "network",
            with(|two| two.imsi = "999010000000001".parse().unwrap()),
            AdministerError::ForeignIdentity,
        ),
        ("ttl", with(|two| two.ttl = Some(0)), AdministerError::Ttl),
        (
            "key",
            with(|two| two.credential = Credential::Ed25519 { public_key: [0; 32] }),
            AdministerError::Key,
        ),
        (
            "forwarding",
            with(|two| two.profile.forwarding.busy = Some("a b".to_owned())),
            AdministerError::Forwarding,
        ),
        ("unknown", Command::Remove(subscriber(2).imsi), AdministerError::Unknown),
    ];
    for (what, command, error) in cases {
        assert_eq!(bench.administer(command), Err(error), "{what}");
    }
    assert_eq!(bench.home.subscribers().count(), 1);
}

#[test]
fn a_restarted_home_is_what_it_was_and_numbers_of_challenges_go_on() {
    let mut bench = Bench::with(&[subscriber(1), subscriber(2)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    bench.attach(&mut terminal, VISITED_B).unwrap();
    let snapshot: Vec<_> = bench.home.snapshot().collect();
    bench.restart();
    assert_eq!(bench.home.snapshot().collect::<Vec<_>>(), snapshot);
    assert_eq!(bench.told(VISITED_A, "Reset") + bench.told(VISITED_B, "Reset"), 2);
    assert_eq!(
        bench.bind(&terminal, "10.2.0.5", 30),
        Ok(30),
        "proof of an authentication before the restart"
    );
    let generation = bench.attach(&mut terminal, VISITED_A).unwrap();
    assert_eq!(generation, Generation(3), "none is given twice");
    bench.compact();
    bench.restart();
    assert_eq!(bench.attach(&mut terminal, VISITED_A).unwrap(), Generation(4));
}

#[test]
fn a_snapshot_holds_what_is_under_way_as_the_journal_does() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    let (claim, proof) = terminal.clone_claim("10.1.0.5");
    let bind = Operation::Bind { claim, proof, lease: 30 };
    bench.home.asked(bench.now, bench.home.config.agreements[1].partner, DialogueId(1_000), bind);
    bench.compact();
    assert!(bench.home.serving(bench::imsi(1)).is_none());
    bench.restart();
    assert!(bench.home.serving(bench::imsi(1)).is_some_and(|stay| stay.binding.is_some()));
}

#[test]
fn a_lease_that_ended_while_the_home_was_down_is_over_when_it_starts() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    bench.now = bench.now.later(Duration::from_secs(31));
    bench.restart();
    assert_eq!(bench.names(), []);
}

#[test]
fn a_change_that_cannot_be_made_durable_is_refused_and_leaves_nothing() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.disk_fails = true;
    let before: Vec<_> = bench.home.snapshot().collect();
    assert_eq!(bench.bind(&terminal, "10.1.0.5", 30), Err(Cause::SystemFailure));
    assert_eq!(bench.purge(VISITED_A, 1, 1), Err(Cause::SystemFailure));
    assert_eq!(bench.home.snapshot().collect::<Vec<_>>(), before);
    bench.disk_fails = false;
    assert_eq!(bench.bind(&terminal, "10.1.0.5", 30), Ok(30));
}

#[test]
fn a_terminal_ahead_of_its_home_brings_it_back_into_step() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    terminal.seen([50_000; 32]);
    assert!(bench.attach(&mut terminal, VISITED_A).is_ok());
    assert_eq!(bench.resynchronised, 1);
    assert_eq!(bench.bind(&terminal, "10.1.0.5", 30), Ok(30));
}

#[test]
fn a_network_that_lost_its_memory_gets_the_profile_again_and_another_gets_nothing() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    let restore = Operation::RestoreData { imsi: bench::imsi(1) };
    let hlr = bench::home_number();
    assert_eq!(bench.ask(VISITED_A, restore.clone()), Ok(Outcome::Restored { hlr }));
    assert_eq!(bench.ask(VISITED_B, restore), Err(Cause::NotServing));
    assert_eq!(bench.told(VISITED_A, "InsertSubscriberData"), 2);
}

#[test]
fn what_a_network_has_to_hear_is_told_again_until_it_has_or_time_is_up() {
    let mut bench = Bench::with(&[subscriber(1)]);
    let mut terminal = bench.terminal(1);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    bench.deaf.insert(VISITED_A.to_owned());
    assert_eq!(bench.administer(Command::Remove(bench::imsi(1))), Ok(()));
    bench.wait(Duration::from_secs(4));
    assert_eq!(bench.told(VISITED_A, "CancelLocation"), 3, "at 0, 1 and 3 s");
    bench.wait(Duration::from_secs(100));
    assert_eq!(bench.untold, 1);
    let in_all = bench.told(VISITED_A, "CancelLocation");
    bench.wait(Duration::from_secs(1_000));
    assert_eq!(bench.told(VISITED_A, "CancelLocation"), in_all);
    let reason = CancelReason::SubscriptionWithdrawn;
    let last = Operation::CancelLocation { imsi: bench::imsi(1), reason, generation: Generation(1) };
    assert_eq!(bench.asked.last(), Some(&(VISITED_A.to_owned(), last)));
}

#[test]
fn no_address_has_two_owners() {
    let mut bench = Bench::with(&[subscriber(1), subscriber(2)]);
    let (mut one, mut two) = (bench.terminal(1), bench.terminal(2));
    bench.attach(&mut one, VISITED_A).unwrap();
    bench.attach(&mut two, VISITED_A).unwrap();
    bench.bind(&one, "10.1.0.5", 30).unwrap();
    assert_eq!(bench.bind(&two, "10.1.0.5", 30), Err(Cause::AddressNotAllowed));
    assert_eq!(bench.bind(&two, "10.1.0.6", 30), Ok(30));
    bench.purge(VISITED_A, 1, 1).unwrap();
    assert_eq!(bench.bind(&two, "10.1.0.5", 30), Ok(30));
}

#[test]
fn more_changes_at_a_time_than_there_may_be_are_refused() {
    let subscribers: Vec<_> = (1..=20).map(subscriber).collect();
    let mut bench = Bench::with(&subscribers);
    bench.limit_changes(10);
    let overloaded = bench.storm(VISITED_A, 1..=20);
    assert_eq!(overloaded, 10);
    assert_eq!(bench.home.refusals().of(Cause::Overload), 10);
    assert_eq!(bench.storm(VISITED_A, 1..=5), 0, "there is room again");
}

#[test]
fn services_act_on_calls() {
    let mut one = subscriber(1);
    one.profile.services.caller_id_restricted = true;
    let mut two = subscriber(2);
    two.profile.services.three_way = false;
    two.profile.forwarding.always = Some("sip:voicemail@home.example".to_owned());
    let mut bench = Bench::with(&[one.clone(), two.clone()]);
    let mut terminal = bench.terminal(1);
    let call = |parties| Call { network: Box::leak(Box::new(VISITED_A.parse().unwrap())), parties };
    assert_eq!(bench.home.authorise(one.imsi, call(2)), Err(Cause::NotServing));
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.5", 30).unwrap();
    assert_eq!(bench.home.authorise(one.imsi, call(3)), Ok(()));
    assert_eq!(bench.home.authorise(bench::imsi(3), call(2)), Err(Cause::UnknownSubscriber));
    let mut terminal = bench.terminal(2);
    bench.attach(&mut terminal, VISITED_A).unwrap();
    bench.bind(&terminal, "10.1.0.6", 30).unwrap();
    assert_eq!(bench.home.authorise(two.imsi, call(2)), Ok(()));
    assert_eq!(bench.home.authorise(two.imsi, call(3)), Err(Cause::NotSupported));
    let reachable = Destination::Terminal { name: &one.name, reachable: true };
    assert_eq!(bench.home.destination_of_name(&one.name), Some(reachable));
    assert_eq!(bench.home.destination_of_number(one.msisdn.unwrap()), Some(reachable));
    let forwarded = Destination::Forwarded("sip:voicemail@home.example");
    assert_eq!(bench.home.destination_of_name(&two.name), Some(forwarded));
    assert!(!bench.home.is_caller_shown(&one.name, &two.name));
    assert!(bench.home.is_caller_shown(&two.name, &one.name));
}

#[test]
fn names_live_as_long_as_home_or_subscriber_say() {
    let mut two = subscriber(2);
    two.ttl = Some(60);
    let mut bench = Bench::with(&[subscriber(1), two]);
    for n in [1, 2] {
        let mut terminal = bench.terminal(n);
        bench.attach(&mut terminal, VISITED_A).unwrap();
        bench.bind(&terminal, &format!("10.1.0.{n}"), 30).unwrap();
    }
    let ttl = |change: &NameChange| match change {
        NameChange::Forward { ttl, .. } | NameChange::Reverse { ttl, .. } => *ttl,
    };
    assert_eq!(bench.changes.iter().map(ttl).collect::<Vec<_>>(), [5, 60]);
}
