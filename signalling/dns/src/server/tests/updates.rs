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
fn no_more_updates_wait_than_there_is_room_for() {
    let mut bench = Bench::new();
    let one = |n: u16| update(n).add(&format!("h{n} A 192.0.2.7")).signed(&key(), NOON).0;
    for n in 0..2_048 {
        assert_eq!(bench.datagram(&one(n)), None);
    }
    let refused = one(2_048);
    assert_eq!(rcode_of(&bench.datagram(&refused).unwrap()), rcode::SERVFAIL);
    assert_eq!(bench.durable(2_048).len(), 2_048);
    assert_eq!(
        bench.datagram(&refused),
        None,
        "the one that found no room was never taken, and may come again"
    );
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
