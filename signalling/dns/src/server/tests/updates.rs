//! Updates: what is believed, when it shows, what survives.

use rove_base::UnixTime;

use super::*;
use crate::{
    tsig::{Signature, TsigError, TsigKey, code},
    wire::class,
};

#[test]
fn an_update_is_answered_and_visible_when_it_is_durable_and_not_before() {
    let mut bench = Bench::new();
    let (bytes, mac) = update(1).add("bob A 192.0.2.7").signed(&key(), NOON);
    assert_eq!(bench.datagram(&bytes), None, "no answer yet");
    assert_eq!(bench.addresses("bob.home.example"), Vec::<String>::new());
    assert_eq!(bench.records.len(), 1);
    let answers = bench.durable(1);
    assert_eq!(bench.addresses("bob.home.example"), ["192.0.2.7"]);
    assert_eq!(rcode_of(&answers[0]), rcode::NOERROR);
    assert!(tsig::verify(&answers[0], &[key()], NOON, Some(mac.as_bytes())).is_ok(), "the answer is signed");
    let told = Event::Updated {
        key: Some(name("update.home.example")),
        zone: name("home.example"),
        names: vec![name("bob.home.example")],
        serial: 2,
    };
    assert_eq!(bench.events, [told]);
}

#[test]
fn an_answer_leaves_before_the_updates_that_came_with_it_are_worked_off() {
    let mut bench = Bench::new();
    let flow = Flow::udp("192.0.2.53:53".parse().unwrap(), CLIENT.parse().unwrap());
    for n in 0..100_u16 {
        let (bytes, _) = update(n).add(&format!("host{n} A 192.0.2.7")).signed(&key(), NOON);
        bench.server.handle(bench.now, Arrival::Datagram { flow, bytes: &bytes });
    }
    bench
        .server
        .handle(bench.now, Arrival::Datagram { flow, bytes: &question(7, "alice.home.example", rtype::A) });
    let mut out = Scratch::default();
    assert!(matches!(bench.server.poll(&mut out), Step::Send(_)), "the answer");
    assert!(matches!(bench.server.poll(&mut out), Step::Wait(Some(at)) if at == bench.now.mono));
    assert!(bench.server.is_resting(), "it leaves now");
    let mut records = 0;
    let until = loop {
        match bench.server.poll(&mut out) {
            Step::Append(_) => records += 1,
            Step::Wait(until) => break until,
            other => panic!("{other:?}"),
        }
    };
    assert!((1..50).contains(&records), "a few updates and then the sockets again: {records}");
    assert!(!bench.server.is_resting() && until == Some(bench.now.mono));
}

#[test]
fn updates_build_on_those_that_still_wait() {
    let mut bench = Bench::new();
    let first = update(1).add("bob A 192.0.2.7");
    let second = update(2)
        .record(1, "bob.home.example", rtype::A, class::ANY, 0, &[])
        .delete("bob.home.example", rtype::A)
        .add("bob A 192.0.2.8");
    for message in [first, second] {
        assert_eq!(bench.datagram(&message.signed(&key(), NOON).0), None);
    }
    assert_eq!(bench.durable(1).len(), 1);
    assert_eq!(bench.addresses("bob.home.example"), ["192.0.2.7"]);
    assert_eq!(rcode_of(&bench.durable(2)[0]), rcode::NOERROR, "its prerequisite was met by the first");
    assert_eq!(bench.addresses("bob.home.example"), ["192.0.2.8"]);
    assert_eq!(bench.server.zones().get(&name("home.example")).unwrap().serial(), 3);

    let third = update(3).add("carol A 192.0.2.9").signed(&key(), NOON).0;
    let fourth = update(4).add("carol A 192.0.2.10").signed(&key(), NOON).0;
    bench.datagram(&third);
    bench.datagram(&fourth);
    assert_eq!(bench.durable(4).len(), 2, "one ticket answers all before it");
    assert_eq!(bench.addresses("carol.home.example"), ["192.0.2.9", "192.0.2.10"]);
}

#[test]
fn updates_that_must_not_be_believed_are_refused_and_change_nothing() {
    let good = || update(1).add("bob A 192.0.2.7");
    let stranger = TsigKey::from_base64("stranger", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=").unwrap();
    let impostor = TsigKey::from_base64("update.home.example", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=").unwrap();
    let mut bad_mac = good().signed(&key(), NOON).0;
    let at = bad_mac.len() - 20;
    bad_mac[at] ^= 1;
    let late = UnixTime::from_secs(NOON.as_secs() - 301);
    let elsewhere = Message::new(1, 0x2800, "example.net", rtype::SOA).signed(&key(), NOON).0;
    let cases: &[(&str, Vec<u8>, u16, Option<u16>)] = &[
        ("unsigned", good().bytes, rcode::REFUSED, None),
        ("unknown key", good().signed(&stranger, NOON).0, rcode::NOTAUTH, Some(code::BADKEY)),
        ("wrong secret", good().signed(&impostor, NOON).0, rcode::NOTAUTH, Some(code::BADSIG)),
        ("bad MAC", bad_mac, rcode::NOTAUTH, Some(code::BADSIG)),
        ("too old", good().signed(&key(), late).0, rcode::NOTAUTH, Some(code::BADTIME)),
        ("another zone", elsewhere, rcode::NOTAUTH, Some(code::NOERROR)),
    ];
    let mut bench = Bench::new();
    for (what, bytes, rcode, tsig) in cases {
        let answer = bench.datagram(bytes).unwrap();
        let error = Signature::find(&answer).unwrap().map(|signature| signature.error);
        assert_eq!((rcode_of(&answer), error), (*rcode, *tsig), "{what}");
        assert!(matches!(bench.events.pop(), Some(Event::Refused { .. })), "{what}");
    }
    assert!(bench.records.is_empty());
    assert_eq!(bench.addresses("bob.home.example"), Vec::<String>::new());
}

#[test]
fn an_update_that_was_seen_before_is_refused_even_after_a_restart() {
    let mut bench = Bench::new();
    let (bytes, _) = update(1).add("bob A 192.0.2.7").signed(&key(), NOON);
    let (unmet, _) = update(2).record(1, "bob.home.example", 1, class::NONE, 0, &[]).signed(&key(), NOON);
    bench.datagram(&bytes);
    assert_eq!(bench.datagram(&bytes), None, "sent again while it waits: answered once");
    bench.durable(1);
    bench.datagram(&unmet);
    assert_eq!(rcode_of(&bench.durable(2)[0]), rcode::YXRRSET);
    let refused = |bench: &mut Bench, bytes: &[u8]| {
        let answer = bench.datagram(bytes).unwrap();
        (rcode_of(&answer), Signature::find(&answer).unwrap().unwrap().error)
    };
    assert_eq!(refused(&mut bench, &bytes), (rcode::NOTAUTH, code::BADTIME));
    assert_eq!(refused(&mut bench, &unmet), (rcode::NOTAUTH, code::BADTIME), "nor may it come back later");
    assert!(matches!(
        bench.events.pop(),
        Some(Event::Refused { reason: Refusal::Signature(TsigError::Replayed), .. })
    ));

    let mut again = Bench::new();
    for (_, record) in &bench.records {
        assert_eq!(again.server.replay(record), Ok(true));
    }
    assert_eq!(again.addresses("bob.home.example"), ["192.0.2.7"]);
    assert_eq!(refused(&mut again, &bytes), (rcode::NOTAUTH, code::BADTIME));
    assert_eq!(refused(&mut again, &unmet), (rcode::NOTAUTH, code::BADTIME));
}

#[test]
fn when_the_journal_fails_nothing_changes_any_more_but_names_are_answered() {
    let mut bench = Bench::new();
    bench.datagram(&update(1).add("bob A 192.0.2.7").signed(&key(), NOON).0);
    bench.sent.clear();
    bench.server.journal_failed(bench.now);
    bench.drain();
    assert_eq!(rcode_of(&bench.sent[0].1), rcode::SERVFAIL);
    assert_eq!(bench.durable(1), Vec::<Vec<u8>>::new());
    assert_eq!(bench.addresses("bob.home.example"), Vec::<String>::new());
    assert_eq!(bench.addresses("alice.home.example"), ["192.0.2.1"]);
    let later = bench.datagram(&update(2).add("bob A 192.0.2.7").signed(&key(), NOON).0).unwrap();
    assert_eq!(rcode_of(&later), rcode::SERVFAIL);
}

#[test]
fn updates_past_those_that_may_wait_for_the_journal_wait_before_it_and_none_is_refused() {
    let mut bench = Bench::new();
    let one = |n: u64| update(1).add(&format!("h{n} A 192.0.2.7")).signed(&key(), NOON).0;
    let text = [&[255][..], &[1; 255]].concat().repeat(240);
    for n in 0..400_u16 {
        let large = update(n).record(2, &format!("l{n}.home.example"), rtype::TXT, class::IN, 60, &text);
        assert_eq!(bench.datagram(&large.signed(&key(), NOON).0), None);
    }
    let taken = bench.records.len();
    assert!((100..350).contains(&taken), "{taken} of 60 KB wait for the journal, in 32 MiB");
    assert_eq!(bench.drain(), None, "nothing to do until some are durable");
    assert_eq!(bench.datagram(&one(1)), None);
    let mut answered = 0;
    while let Some((ticket, _)) = bench.records.last().filter(|(ticket, _)| ticket.0 > answered) {
        let ticket = *ticket;
        bench.sent.clear();
        bench.handle(Arrival::Durable { ticket });
        while bench.drain().is_some() {}
        answered += u64::try_from(bench.sent.len()).unwrap();
        assert_eq!(answered, ticket.0, "every one is answered");
    }
    assert_eq!(answered, 401);
    assert_eq!(bench.events.iter().filter(|event| matches!(event, Event::Refused { .. })).count(), 0);
    assert_eq!(bench.addresses("h1.home.example"), ["192.0.2.7"]);
}

#[test]
fn a_question_waits_for_a_few_updates_at_most_however_many_came_before_it() {
    let mut bench = Bench::new();
    let flow = Flow::udp("192.0.2.53:53".parse().unwrap(), CLIENT.parse().unwrap());
    let mut scratch = Scratch::default();
    for n in 0..2_000 {
        let bytes = update(n).add(&format!("h{n} A 192.0.2.7")).signed(&key(), NOON).0;
        bench.server.handle(bench.now, Arrival::Datagram { flow, bytes: &bytes });
    }
    let mut appended = 0;
    let mut turn = |bench: &mut Bench| {
        let bytes = question(0xffff, "alice.home.example", rtype::A);
        bench.server.handle(bench.now, Arrival::Datagram { flow, bytes: &bytes });
        let (mut work, mut before) = (0, None);
        loop {
            match bench.server.poll(&mut scratch) {
                Step::Send(transmit) if scratch.get(transmit.range).starts_with(&[0xff, 0xff]) => {
                    before = Some(work);
                }
                Step::Wait(until) => return (before, work, until),
                _ => work += 1,
            }
        }
    };
    let mut turns = 0;
    loop {
        let (before, work, until) = turn(&mut bench);
        assert_eq!(before, Some(0), "it is answered before any update is looked at");
        assert!(work <= 40, "{work} updates in one turn");
        (appended, turns) = (appended + work, turns + 1);
        match until {
            Some(at) => assert!(at <= bench.now.mono, "the next turn is at once"),
            None => break,
        }
    }
    assert_eq!((appended, turns >= 50), (2_000, true));
    bench.server.handle(bench.now, Arrival::Durable { ticket: rove_base::Ticket(2_000) });
    let (before, work, until) = turn(&mut bench);
    assert_eq!((before, until), (Some(0), Some(bench.now.mono)));
    assert!(work <= 150, "{work} answers and events of changes made visible in one turn");
    while bench.drain().is_some() {}
    assert_eq!(bench.addresses("h1999.home.example"), ["192.0.2.7"]);
}

/// What a name's records are, in no order.
fn held(bench: &Bench) -> Vec<String> {
    let zones = bench.server.zones().iter();
    let mut all: Vec<_> =
        zones.flat_map(crate::zones::Zone::records).map(|record| format!("{record:?}")).collect();
    all.sort_unstable();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A snapshot that was written while the zones changed, and the records that were asked for since it began, say what
    /// all records said.
    #[test]
    fn a_snapshot_may_be_written_while_the_zones_change(
        before in 0..40_u16,
        steps in vec((0..3_u8, 0..12_u16, 0..4_u8, any::<bool>()), 0..120),
    ) {
        let mut bench = Bench::new();
        let start = Zones::new(&config().zones).unwrap();
        let mut id = 0_u16;
        let mut change = |bench: &mut Bench, kind: u8, host: u16, settle: bool| {
            id += 1;
            let names = ["alice.home.example".to_owned(), format!("h{host}.home.example")];
            let at = &names[usize::from(host > 1)];
            let message = match kind {
                0 => update(id).delete(at, rtype::ANY),
                1 => update(id).add(&format!("{at}. {} A 192.0.2.{}", 30 + host, id % 5)),
                _ => update(id).delete(at, rtype::A).add(&format!("{at}. A 192.0.2.{}", id % 7)),
            };
            bench.datagram(&message.signed(&key(), NOON).0);
            if settle {
                bench.durable(u64::from(id));
            }
        };
        (0..before).for_each(|n| change(&mut bench, 2, n % 12, n % 3 > 0));
        let begun = bench.records.len();
        bench.server.begin_snapshot();
        let mut snapshot = Vec::new();
        for (kind, host, pieces, settle) in steps {
            change(&mut bench, kind, host, settle);
            for _ in 0..pieces / 3 {
                if let Piece::Records(records) = bench.server.continue_snapshot(&start) {
                    snapshot.extend(records);
                }
            }
        }
        let newest = bench.records.last().map_or(0, |(ticket, _)| ticket.0);
        bench.durable(newest);
        while let Piece::Records(records) = bench.server.continue_snapshot(&start) {
            snapshot.extend(records);
        }
        let since = bench.records.iter().skip(begun).map(|(_, record)| record.clone());
        let mut again = Bench::new();
        for record in snapshot.into_iter().chain(since) {
            prop_assert_eq!(again.server.replay(&record), Ok(true));
        }
        prop_assert_eq!(held(&again), held(&bench));
    }
}

#[test]
fn a_snapshot_says_what_all_the_records_said_and_is_shorter() {
    let mut bench = Bench::new();
    let mut replays = Vec::new();
    for n in 0..200 {
        let host = n % 7;
        let (bytes, _) = update(n)
            .delete(&format!("h{host}.home.example"), rtype::ANY)
            .add(&format!("h{host} A 192.0.2.{n}"))
            .delete("alice.home.example", if n > 100 { rtype::ANY } else { rtype::MX })
            .signed(&key(), NOON);
        bench.datagram(&bytes);
        assert_eq!(bench.server.snapshot(&config().zones), None, "updates wait");
        bench.durable(u64::from(n) + 1);
        replays.push(bytes);
    }
    let snapshot = bench.server.snapshot(&config().zones).unwrap();
    let bytes = |records: &[Vec<u8>]| records.iter().map(Vec::len).sum::<usize>();
    let all: Vec<_> = bench.records.iter().map(|(_, record)| record.clone()).collect();
    assert!(bytes(&snapshot) * 2 < bytes(&all), "{} of {}", bytes(&snapshot), bytes(&all));

    let mut again = Bench::new();
    for record in &snapshot {
        assert_eq!(again.server.replay(record), Ok(true));
    }
    for zone in bench.server.zones().iter() {
        assert_eq!(again.server.zones().get(zone.origin()).unwrap().records(), zone.records());
    }
    for replay in replays {
        assert_eq!(rcode_of(&again.datagram(&replay).unwrap()), rcode::NOTAUTH);
    }
}

#[test]
fn a_snapshot_of_much_is_cut_into_records_the_journal_can_hold() {
    let mut bench = Bench::new();
    for n in 0..30_u8 {
        let text = [&[255][..], &[n; 255]].concat().repeat(200);
        let message = update(u16::from(n)).record(2, "large.home.example", rtype::TXT, class::IN, 60, &text);
        bench.datagram(&message.signed(&key(), NOON).0);
        bench.durable(u64::from(n) + 1);
    }
    let snapshot = bench.server.snapshot(&config().zones).unwrap();
    assert!(snapshot.len() > 5 && snapshot.iter().all(|record| record.len() < 400_000));
    let mut again = Bench::new();
    snapshot.iter().for_each(|record| assert_eq!(again.server.replay(record), Ok(true)));
    let records = |bench: &Bench| bench.server.zones().get(&name("home.example")).unwrap().records();
    assert_eq!(records(&again), records(&bench));
}
