use rove_base::{Arrival, StreamId};

use super::{desk::stay_of, *};
use crate::{
    CancelReason, Cause, Generation, Operation, Services,
    attach::{Frames, Reason, ToNetwork},
    private::{PartnerId, Told},
    vlr::{Input, PoolTold},
};

/// As [`one`], attached.
fn here() -> (Desk, Imsi, usize) {
    let (mut desk, imsi, seat) = one();
    desk.attach(seat);
    desk.run(SECOND);
    assert!(attached(&desk.terminals[seat].events), "{:?}", desk.terminals[seat].events);
    (desk, imsi, seat)
}

/// Nothing of the stay is anywhere.
fn assert_gone(desk: &Desk, imsi: Imsi, what: &str) {
    assert_eq!(desk.vlr.holders().count(), 0, "{what}");
    assert!(!desk.home.bound.contains_key(&imsi), "{what}: bound at home");
    assert!(!desk.pool.held.contains_key(&imsi), "{what}: holds an address");
    let last = desk.trace.iter().rfind(|entry| entry.starts_with("commit")).unwrap();
    assert!(last.contains("name: None"), "{what}: {last}");
}

#[test]
fn a_stay_is_renewed_by_terminal_and_home_for_a_day() {
    let (mut desk, imsi, seat) = here();
    desk.run(SECOND * 86_400);
    assert_eq!(
        desk.terminals[seat]
            .events
            .iter()
            .filter(|event| !matches!(event, TerminalEvent::Profile { .. }))
            .count(),
        2
    );
    let renewals = desk.vlr.metrics().renewals;
    assert!((86_400 / 18..=86_400 / 12).contains(&renewals), "{renewals} renewals of 30 s in a day");
    assert!(desk.home.bound.contains_key(&imsi));
}

/// The terminal's stream says so.
fn said(desk: &mut Desk, seat: usize, message: &[u8]) {
    let stream = StreamId(seat as u64 * 1_000_000 + 3);
    let bytes = &Frames::frame(message);
    desk.tell(Input::Arrival(Arrival::Stream { stream, bytes }));
}

/// What ends a stay.
type End = fn(&mut Desk, Imsi, usize);

#[test]
fn every_end_converges() {
    let ends: [(&str, Reason, End); 8] = [
        ("detach", Reason::Detached, |desk, _, seat| desk.with(seat, |terminal, now| terminal.detach(now))),
        ("release", Reason::Released, |desk, holder, _| {
            desk.tell(Input::Pool(PoolTold::Released { holder }));
        }),
        ("expiry", Reason::Expired, |desk, holder, _| desk.tell(Input::Pool(PoolTold::Expired { holder }))),
        ("the profile is withdrawn", Cause::NoPacketData.into(), |desk, imsi, _| {
            let services = Services { packet_data: true, ..Services::default() };
            desk.order(HOME, Operation::DeleteSubscriberData { imsi, services });
        }),
        ("the subscriber was renamed", Cause::NameMismatch.into(), |desk, imsi, _| {
            let subscriber = desk.home.subscribers.get_mut(&imsi).unwrap();
            subscriber.subscription.name = "t8.home.example".parse().ok();
            let order = desk.home.insert(imsi);
            desk.order(HOME, order);
        }),
        ("a message out of place", Reason::Protocol, |desk, _, seat| {
            said(desk, seat, &ToNetwork::SyncFailure { auts: [0; 14] }.encode());
        }),
        ("another version", Reason::Version, |desk, _, seat| said(desk, seat, &[9, 1])),
        ("the terminal declines", Reason::Distrusted, |desk, _, seat| {
            said(desk, seat, &ToNetwork::Decline { reason: Reason::Distrusted }.encode());
        }),
    ];
    for (what, reason, end) in ends {
        let (mut desk, imsi, seat) = here();
        end(&mut desk, imsi, seat);
        desk.run(SECOND);
        assert_gone(&desk, imsi, what);
        let last = desk.terminals[seat].events.last().unwrap();
        match reason {
            Reason::Detached => assert_eq!(*last, TerminalEvent::Detached),
            reason => assert_eq!(*last, TerminalEvent::Ended(reason), "{what}"),
        }
        assert_eq!(desk.vlr.metrics().ended(reason), 1, "{what}");
    }
}

#[test]
fn a_detached_terminal_is_told_when_home_and_journal_have_it() {
    let (mut desk, imsi, seat) = here();
    desk.with(seat, |terminal, now| terminal.detach(now));
    while desk.terminals[seat].events.last() != Some(&TerminalEvent::Detached) {
        desk.run(Duration::from_millis(1));
    }
    assert_gone(&desk, imsi, "told");
}

#[test]
fn the_home_cancels_what_it_began_up_to_a_stay_and_nothing_newer() {
    let (mut desk, imsi, seat) = here();
    let stay = stay_of(&desk.terminals[seat].events).unwrap();
    let cancel =
        |generation| Operation::CancelLocation { imsi, reason: CancelReason::UpdateProcedure, generation };
    desk.order(HOME, cancel(Generation(stay.0 - 1)));
    desk.run(SECOND);
    assert_eq!((desk.vlr.holders().count(), desk.vlr.metrics().stale_orders), (1, 1));
    let purges = desk.home.count("PurgeMs");
    desk.order(HOME, cancel(stay));
    desk.run(SECOND);
    assert_eq!(desk.vlr.holders().count(), 0);
    assert_eq!(desk.terminals[seat].events.last(), Some(&TerminalEvent::Ended(Reason::ServedElsewhere)));
    assert_eq!(desk.home.count("PurgeMs"), purges, "the home knows");
    assert!(desk.trace.iter().filter(|entry| *entry == "answer Ok(Done)").count() >= 3);
}

#[test]
fn only_its_home_gives_orders_about_a_subscriber() {
    let (mut desk, imsi, seat) = here();
    let stay = stay_of(&desk.terminals[seat].events).unwrap();
    let stranger = PartnerId(8);
    desk.order(
        stranger,
        Operation::CancelLocation { imsi, reason: CancelReason::SubscriptionWithdrawn, generation: stay },
    );
    let insert = desk.home.insert(imsi);
    desk.order(stranger, insert);
    desk.order(
        stranger,
        Operation::DeleteSubscriberData {
            imsi,
            services: Services { packet_data: true, ..Services::default() },
        },
    );
    desk.run(SECOND);
    assert_eq!((desk.vlr.holders().count(), desk.vlr.metrics().foreign_orders), (1, 3));
    assert_eq!(desk.trace.iter().filter(|entry| *entry == "answer Err(UnknownSubscriber)").count(), 3);
}

#[test]
fn a_lost_stream_is_taken_up_again_with_the_ticket() {
    let (mut desk, imsi, seat) = here();
    desk.cut(seat);
    desk.run(SECOND * 5);
    assert_eq!(desk.vlr.metrics().moved, 1);
    assert!(desk.home.bound.contains_key(&imsi));
    assert_eq!(
        desk.terminals[seat]
            .events
            .iter()
            .filter(|event| matches!(event, TerminalEvent::Attached { .. }))
            .count(),
        2
    );
    desk.run(SECOND * 600);
    assert!(desk.terminals[seat].terminal.is_attached());
}

#[test]
fn a_terminal_that_is_gone_without_a_word_is_given_up() {
    let (mut desk, imsi, seat) = here();
    // Its stream breaks, and it never comes back.
    desk.terminals.remove(seat);
    let stream = StreamId(3);
    desk.tell(Input::Arrival(Arrival::Closed { stream, by: rove_base::ClosedBy::Failure }));
    desk.run(SECOND * 14);
    assert_eq!(desk.vlr.holders().count(), 1);
    desk.run(SECOND * 2);
    assert_gone(&desk, imsi, "lost");
    assert_eq!(desk.vlr.metrics().ended(Reason::Lost), 1);
}

#[test]
fn a_ticket_of_another_stay_brings_nobody_back() {
    let (mut desk, imsi, _) = here();
    let ticket = crate::attach::Secret::new([0; 16]);
    let frame = Frames::frame(&ToNetwork::Moved { imsi, ticket }.encode());
    let stream = StreamId(99);
    desk.terminals[0].certificate.clear();
    let (local, remote) = (([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into());
    let connected = Arrival::Connected { stream, local, remote, transport: rove_base::Transport::Tls };
    desk.tell(Input::Arrival(connected));
    desk.tell(Input::Arrival(Arrival::Stream { stream, bytes: &frame }));
    assert_eq!(desk.vlr.metrics().refused(Reason::UnknownTicket), 1);
    assert_eq!(desk.vlr.holders().count(), 1);
}

#[test]
fn attaching_anew_ends_the_older_stay_and_its_late_end_harms_nothing() {
    let (mut desk, imsi, seat) = here();
    let first = stay_of(&desk.terminals[seat].events).unwrap();
    let before = desk.pool.held[&imsi];
    desk.attach(seat);
    desk.run(SECOND);
    let second = stay_of(&desk.terminals[seat].events).unwrap();
    assert!(second > first);
    assert_eq!(desk.home.bound.get(&imsi), Some(&second));
    assert_ne!(desk.pool.held[&imsi], before);
    assert_eq!(desk.vlr.metrics().ended(Reason::Superseded), 1);
    desk.order(
        HOME,
        Operation::CancelLocation { imsi, reason: CancelReason::UpdateProcedure, generation: first },
    );
    desk.run(SECOND * 60);
    assert_eq!(desk.vlr.holders().count(), 1);
}

#[test]
fn a_register_that_was_killed_keeps_its_visitors_and_asks_what_they_may_do() {
    let (mut desk, imsi, seat) = here();
    desk.crash();
    desk.run(SECOND * 2);
    assert_eq!((desk.home.count("RestoreData"), desk.vlr.metrics().moved), (1, 1));
    assert!(desk.vlr.metrics().renewals >= 1);
    assert!(desk.home.bound.contains_key(&imsi));
    desk.run(SECOND * 100);
    assert!(desk.terminals[seat].terminal.is_attached());
    desk.with(seat, |terminal, now| terminal.detach(now));
    desk.run(SECOND);
    assert_gone(&desk, imsi, "after the crash");
}

#[test]
fn a_visitor_whose_home_has_forgotten_it_is_gone_after_a_crash() {
    let (mut desk, imsi, _) = here();
    desk.home.refuses.extend([("RestoreData", Cause::NotServing), ("Bind", Cause::NotServing)]);
    desk.home.bound.clear();
    desk.crash();
    desk.run(SECOND * 2);
    assert_gone(&desk, imsi, "forgotten");
}

#[test]
fn the_journal_says_the_same_in_fewer_words() {
    let (mut desk, _, seat) = here();
    desk.attach(seat);
    desk.run(SECOND);
    let snapshot = desk.vlr.snapshot().unwrap();
    assert_eq!((desk.journal.len(), snapshot.len()), (3, 1));
    let mut again = super::super::Vlr::new(config(), rove_base::Entropy::from_number(3));
    snapshot.iter().for_each(|record| again.replay(record).unwrap());
    assert_eq!(again.holders().collect::<Vec<_>>(), desk.vlr.holders().collect::<Vec<_>>());
    let mut cut = snapshot[0].clone();
    while cut.pop().is_some() {
        assert!(again.replay(&cut).is_err(), "{} bytes", cut.len());
    }
}

#[test]
fn a_home_that_was_started_again_is_asked_soon() {
    let (mut desk, _, _) = here();
    let (binds, restores) = (desk.home.count("Bind"), desk.home.count("RestoreData"));
    desk.order(HOME, Operation::Reset { hlr: "41790000001".parse().unwrap() });
    desk.run(SECOND);
    assert_eq!((desk.home.count("Bind"), desk.home.count("RestoreData")), (binds + 1, restores + 1));
}

#[test]
fn a_renewal_that_the_home_refuses_ends_the_stay_and_one_that_it_cannot_answer_does_not() {
    for cause in Cause::ALL {
        let (mut desk, imsi, seat) = here();
        let purged = desk.home.count("PurgeMs");
        desk.home.refuses.insert("Bind", cause);
        // One renewal is due, and the patience for a home that is silent is not over.
        desk.run(SECOND * 20);
        let ended = desk.vlr.metrics().ended(cause);
        if matches!(cause, Cause::NoAnswer | Cause::Overload | Cause::SystemFailure) {
            assert_eq!((ended, desk.vlr.holders().count()), (0, 1), "{cause:?} is waited out");
            continue;
        }
        assert_eq!((ended, desk.vlr.holders().count()), (1, 0), "{cause:?}");
        assert_eq!(desk.terminals[seat].events.last(), Some(&TerminalEvent::Ended(cause.into())));
        // A home that knows of no such stay has nothing to take back.
        let disowned = matches!(cause, Cause::NotServing | Cause::StaleGeneration | Cause::UnknownSubscriber);
        assert_eq!(desk.home.count("PurgeMs") - purged, usize::from(!disowned), "{cause:?}");
        if !disowned {
            assert_gone(&desk, imsi, "renewal refused");
        }
    }
}

#[test]
fn a_home_out_of_reach_is_waited_for_and_then_given_up() {
    let (mut desk, imsi, seat) = here();
    desk.linked = false;
    desk.tell(Input::Told(Told::Down(HOME)));
    desk.run(SECOND * 60);
    assert_eq!(desk.vlr.holders().count(), 1, "bindings run out, the stay is kept");
    desk.linked = true;
    desk.tell(Input::Told(Told::Up(HOME)));
    let binds = desk.home.count("Bind");
    desk.run(SECOND);
    assert_eq!(desk.home.count("Bind"), binds + 1);
    desk.linked = false;
    desk.tell(Input::Told(Told::Down(HOME)));
    desk.run(SECOND * 100);
    assert_eq!(desk.vlr.holders().count(), 0);
    assert_eq!(desk.terminals[seat].events.last(), Some(&TerminalEvent::Ended(Cause::NoAnswer.into())));
    // What the home was not told it is told when it can be reached.
    desk.linked = true;
    desk.tell(Input::Told(Told::Up(HOME)));
    desk.run(SECOND * 30);
    assert_gone(&desk, imsi, "given up");
}

#[test]
fn a_flood_of_messages_ends_the_stay() {
    let (mut desk, _, _) = here();
    let frame = Frames::frame(&ToNetwork::Renew.encode());
    let flood = frame.repeat(100);
    desk.tell(Input::Arrival(Arrival::Stream { stream: StreamId(3), bytes: &flood }));
    assert_eq!(desk.vlr.metrics().ended(Cause::Overload), 1);
}
