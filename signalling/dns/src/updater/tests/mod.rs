mod scripted;

use core::{net::IpAddr, time::Duration};

use hickory_proto::rr::{DNSClass, RecordType};
use proptest::{collection::vec, prelude::*};

use super::{Event, Rcode};
use crate::wire::rcode;
use scripted::{Desk, ONE_WAY, OURS, SERVER, Trick};

const BOB: &str = "bob.home.example";
const PORT: Option<u16> = Some(5_070);

fn v4(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn v6(last: u16) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last])
}

fn published(reverse: &[IpAddr]) -> Event {
    Event::Published { name: BOB.into(), reverse: reverse.to_vec() }
}

#[test]
fn publishing_replaces_the_addresses_and_the_service_and_points_back() {
    let mut desk = Desk::new();
    desk.updater.publish(desk.now, BOB, vec![v4(1), v6(1)], PORT);
    assert_eq!(desk.finish(), published(&[v4(1)]));
    assert_eq!(desk.elapsed(), 4 * ONE_WAY, "one round trip for the zones, one for the updates");
    let lines = desk.update_of("home.example.");
    assert_eq!(
        lines,
        [
            "bob.home.example. ANY A",
            "bob.home.example. ANY AAAA",
            "bob.home.example. IN A 192.0.2.1",
            "bob.home.example. IN AAAA 2001:db8::1",
            "_sip._udp.bob.home.example. ANY SRV",
            "_sip._udp.bob.home.example. IN SRV 10 0 5070 bob.home.example.",
        ]
    );
    let lines = desk.update_of("2.0.192.in-addr.arpa.");
    assert_eq!(
        lines,
        ["1.2.0.192.in-addr.arpa. ANY PTR", "1.2.0.192.in-addr.arpa. IN PTR bob.home.example."]
    );
}

#[test]
fn a_zone_that_is_known_is_not_asked_for() {
    let mut desk = Desk::new();
    desk.configure(|config| config.zone = Some("home.example".into()));
    desk.updater.publish(desk.now, BOB, vec![v6(1)], None);
    assert_eq!(desk.finish(), published(&[]));
    assert_eq!(desk.asked, ["1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. SOA"]);
}

#[test]
fn a_move_points_the_old_address_away() {
    let mut desk = Desk::new();
    desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
    desk.finish();
    desk.updates.clear();
    desk.updater.publish(desk.now, BOB, vec![v4(2)], None);
    assert_eq!(desk.finish(), published(&[v4(2)]));
    let forward = desk.update_of("home.example.");
    assert!(
        forward.contains(&"_sip._udp.bob.home.example. ANY SRV".to_owned()),
        "the service goes: {forward:?}"
    );
    let reverse = desk.update_of("2.0.192.in-addr.arpa.");
    assert!(
        reverse.contains(&"1.2.0.192.in-addr.arpa. NONE PTR bob.home.example.".to_owned()),
        "{reverse:?}"
    );
}

#[test]
fn withdrawing_names_exactly_what_was_published_as_its_condition() {
    let mut desk = Desk::new();
    desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
    desk.finish();
    desk.updates.clear();
    desk.updater.withdraw(desk.now, BOB);
    assert_eq!(desk.finish(), Event::Withdrawn { name: BOB.into() });
    assert_eq!(
        desk.conditions_of("home.example."),
        ["bob.home.example. IN A 192.0.2.1", "bob.home.example. NONE AAAA"]
    );
    assert_eq!(
        desk.update_of("home.example."),
        [
            "bob.home.example. NONE A 192.0.2.1",
            "_sip._udp.bob.home.example. NONE SRV 10 0 5070 bob.home.example.",
        ]
    );
    assert_eq!(
        desk.update_of("2.0.192.in-addr.arpa."),
        ["1.2.0.192.in-addr.arpa. NONE PTR bob.home.example."]
    );
}

#[test]
fn withdrawing_what_was_never_published_or_is_withdrawn_already_asks_nobody() {
    let mut desk = Desk::new();
    desk.updater.withdraw(desk.now, BOB);
    assert_eq!(desk.finish(), Event::Withdrawn { name: BOB.into() });
    assert_eq!(desk.elapsed(), Duration::ZERO);
}

#[test]
fn what_someone_else_has_changed_is_left_alone() {
    for code in [rcode::NXRRSET, rcode::YXRRSET, rcode::NXDOMAIN] {
        let mut desk = Desk::new();
        desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
        desk.finish();
        desk.forward_code = code;
        desk.updater.withdraw(desk.now, BOB);
        assert_eq!(desk.finish(), Event::Superseded { name: BOB.into() });
    }
}

#[test]
fn a_withdrawal_whose_answer_was_lost_is_not_taken_for_someone_elses_change() {
    let mut desk = Desk::new();
    desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
    desk.finish();
    desk.tricks = vec![Trick::Lose, Trick::Lose];
    desk.forward_code = rcode::NXRRSET;
    desk.updater.withdraw(desk.now, BOB);
    assert_eq!(desk.finish(), Event::Withdrawn { name: BOB.into() });
}

#[test]
fn lost_answers_are_asked_for_again_with_a_new_signature() {
    let mut desk = Desk::new();
    desk.configure(|config| config.zone = Some("home.example".into()));
    desk.tricks = vec![Trick::Lose, Trick::Lose, Trick::Lose];
    desk.updater.publish(desk.now, BOB, vec![v4(1)], None);
    assert!(matches!(desk.finish(), Event::Published { .. }));
    let mut macs = desk.macs.clone();
    macs.sort();
    macs.dedup();
    assert_eq!(macs.len(), desk.macs.len(), "no two requests are equal");
}

#[test]
fn a_silent_server_is_given_up_after_13_5_seconds() {
    let mut desk = Desk::new();
    desk.silent = true;
    desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
    assert_eq!(desk.finish(), Event::Unreachable { name: BOB.into(), server: SERVER });
    assert_eq!(desk.elapsed(), Duration::from_millis(13_500));
}

#[test]
fn a_refusal_is_reported_with_its_meaning() {
    let cases: &[(u16, &str)] = &[
        (rcode::REFUSED, "the key may not change this name"),
        (rcode::NOTZONE, "the name is not in the zone"),
        (rcode::FORMERR, "the server could not read the update"),
    ];
    for &(code, why) in cases {
        let mut desk = Desk::new();
        desk.forward_code = code;
        desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
        assert_eq!(desk.finish(), Event::Refused { name: BOB.into(), code: Rcode(code), why: why.into() });
    }
}

#[test]
fn a_server_that_fails_is_asked_again_until_it_can() {
    let mut desk = Desk::new();
    desk.failures = 2;
    desk.updater.publish(desk.now, BOB, vec![v6(1)], PORT);
    assert_eq!(desk.finish(), published(&[]));
}

#[test]
fn a_name_outside_the_servers_zones_is_refused() {
    let mut desk = Desk::new();
    desk.updater.publish(desk.now, "bob.elsewhere", vec![v4(1)], None);
    let why = "the server does not hold the zone of bob.elsewhere".to_owned();
    assert_eq!(
        desk.finish(),
        Event::Refused { name: "bob.elsewhere".into(), code: Rcode(rcode::REFUSED), why }
    );
}

#[test]
fn a_wrong_key_is_told_after_half_a_second_of_hope_for_a_better_answer() {
    let cases: &[(Trick, &str)] = &[
        (Trick::BadKey, "the server does not know this key"),
        (Trick::BadSig, "the server holds another secret for this key"),
        (Trick::BadTime(3_600), "the clock of this host is 3600 s behind the server's"),
        (Trick::BadTime(-301), "the clock of this host is 301 s ahead of the server's"),
    ];
    for &(trick, expected) in cases {
        let mut desk = Desk::new();
        desk.configure(|config| config.zone = Some("home.example".into()));
        desk.tricks = vec![trick; 12];
        desk.updater.publish(desk.now, BOB, vec![v6(1)], None);
        match desk.finish() {
            Event::Refused { code, why, .. } => {
                assert_eq!((code.0, why.as_str()), (rcode::NOTAUTH, expected));
            }
            other => panic!("{trick:?}: {other:?}"),
        }
        assert!(desk.elapsed() < Duration::from_secs(1), "{trick:?}");
    }
}

#[test]
fn a_forged_answer_changes_nothing() {
    for trick in [Trick::ForgeSuccess, Trick::ForgeRefusal, Trick::WrongSecret] {
        let mut desk = Desk::new();
        desk.tricks = vec![trick; 3];
        desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
        assert_eq!(desk.finish(), published(&[v4(1)]), "{trick:?}");
    }
}

#[test]
fn a_doubled_datagram_whose_copy_is_called_a_replay_does_no_harm() {
    let mut desk = Desk::new();
    desk.tricks = vec![Trick::ReplayFirst; 3];
    desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
    assert_eq!(desk.finish(), published(&[v4(1)]));
}

#[test]
fn a_request_called_a_replay_whose_own_answer_was_lost_is_sent_anew() {
    let mut desk = Desk::new();
    desk.tricks = vec![Trick::BadTime(0); 3];
    desk.updater.publish(desk.now, BOB, vec![v4(1)], PORT);
    assert_eq!(desk.finish(), published(&[v4(1)]));
}

#[test]
fn of_the_wishes_that_wait_only_the_last_counts() {
    let mut desk = Desk::new();
    desk.updater.publish(desk.now, BOB, vec![v4(1)], None);
    desk.updater.publish(desk.now, BOB, vec![v4(2)], None);
    desk.updater.withdraw(desk.now, BOB);
    assert_eq!(desk.finish(), published(&[v4(1)]));
    assert_eq!(desk.finish(), Event::Withdrawn { name: BOB.into() });
    assert!(desk.updates.iter().all(|update| !update.to_string().contains("192.0.2.2")));
}

#[test]
fn after_silence_a_withdrawal_still_tries_to_remove_what_may_be_there() {
    let mut desk = Desk::new();
    desk.silent = true;
    desk.updater.publish(desk.now, BOB, vec![v4(1)], None);
    assert!(matches!(desk.finish(), Event::Unreachable { .. }));
    desk.silent = false;
    desk.updater.withdraw(desk.now, BOB);
    assert_eq!(desk.finish(), Event::Withdrawn { name: BOB.into() });
    let removal = desk.updates.iter().flat_map(|update| &update.authorities);
    assert!(
        removal.into_iter().any(|one| one.dns_class == DNSClass::NONE && one.record_type() == RecordType::A)
    );
}

#[test]
fn what_cannot_be_published_is_refused_at_once() {
    let cases: &[(&str, &str, usize)] =
        &[("no address", BOB, 0), ("too many", BOB, 17), ("no name", "a..b", 1)];
    for &(what, name, count) in cases {
        let mut desk = Desk::new();
        desk.updater.publish(desk.now, name, vec![v4(1); count], None);
        assert!(matches!(desk.finish(), Event::Refused { .. }), "{what}");
        assert_eq!(desk.elapsed(), Duration::ZERO);
    }
}

#[test]
fn after_a_move_requests_leave_from_the_new_address() {
    let mut desk = Desk::new();
    let moved = "192.0.2.77:41000".parse().unwrap();
    assert_eq!(desk.last_local, None);
    desk.updater.publish(desk.now, BOB, vec![v4(1)], None);
    desk.finish();
    assert_eq!(desk.last_local, Some(OURS));
    desk.updater.rebind(moved);
    desk.updater.publish(desk.now, BOB, vec![v4(77)], None);
    desk.finish();
    assert_eq!(desk.last_local, Some(moved));
}

proptest! {
    #[test]
    fn no_answer_makes_the_updater_panic_and_a_changed_one_is_not_believed(
        changes in vec((any::<prop::sample::Index>(), 1..=255_u8), 1..8), keep in any::<prop::sample::Index>(),
    ) {
        let mut desk = Desk::new();
        desk.configure(|config| config.zone = Some("home.example".into()));
        // The first answer is damaged on the way, the second is not.
        desk.damage = Some(Box::new(move |bytes| {
            let end = 2 + keep.index(bytes.len() - 2);
            for (index, value) in &changes {
                let at = 2 + index.index(bytes.len() - 2);
                bytes[at] ^= value;
            }
            bytes.truncate(end.max(12));
        }));
        desk.updater.publish(desk.now, BOB, vec![v6(1)], None);
        let event = desk.finish();
        let refused = matches!(event, Event::Refused { .. });
        prop_assert!(refused || event == published(&[]), "{:?}", event);
    }
}
