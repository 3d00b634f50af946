use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    fixture::{Message, home, key, name, update, zone},
    tsig::Mac,
    wire::rcode as rc,
};

fn evaluated(message: &Message) -> Result<Vec<String>, u16> {
    let zone = Zone::new(&home()).unwrap();
    let change = evaluate(&zone, &message.bytes, &key()).map_err(|error| error.rcode())?;
    let Some(change) = change else { return Ok(Vec::new()) };
    let show = |sign: char, record: &Record| format!("{sign}{} {} {}", record.name, record.rtype, record.ttl);
    let deleted = change.deleted.iter().filter(|record| record.rtype != rtype::SOA).map(|r| show('-', r));
    let added = change.added.iter().filter(|record| record.rtype != rtype::SOA).map(|r| show('+', r));
    Ok(deleted.chain(added).collect())
}

#[test]
fn prerequisites_are_those_of_rfc2136_2_4() {
    let alice = "alice.home.example";
    let a1: &[u8] = &[192, 0, 2, 1];
    let prerequisite = |owner: &str, rtype, class, ttl, rdata: &[u8]| {
        update(1).record(1, owner, rtype, class, ttl, rdata).add("new A 192.0.2.8")
    };
    let cases: &[(&str, Message, u16)] = &[
        ("set exists: yes", prerequisite(alice, rtype::A, class::ANY, 0, &[]), 0),
        ("set exists: no", prerequisite(alice, rtype::MX, class::ANY, 0, &[]), rc::NXRRSET),
        ("set is exactly: yes", prerequisite(alice, rtype::A, class::IN, 0, a1), 0),
        (
            "set is exactly: other contents",
            prerequisite(alice, rtype::A, class::IN, 0, &[1, 2, 3, 4]),
            rc::NXRRSET,
        ),
        ("set is absent: yes", prerequisite(alice, rtype::MX, class::NONE, 0, &[]), 0),
        ("set is absent: no", prerequisite(alice, rtype::A, class::NONE, 0, &[]), rc::YXRRSET),
        ("name in use: yes", prerequisite(alice, rtype::ANY, class::ANY, 0, &[]), 0),
        ("name in use: no", prerequisite("x.home.example", rtype::ANY, class::ANY, 0, &[]), rc::NXDOMAIN),
        (
            "a name between is not in use",
            prerequisite("tree.home.example", rtype::ANY, class::ANY, 0, &[]),
            rc::NXDOMAIN,
        ),
        ("name unused: yes", prerequisite("x.home.example", rtype::ANY, class::NONE, 0, &[]), 0),
        ("name unused: no", prerequisite(alice, rtype::ANY, class::NONE, 0, &[]), rc::YXDOMAIN),
        ("of another zone", prerequisite("x.example", rtype::A, class::ANY, 0, &[]), rc::NOTZONE),
        ("with a TTL", prerequisite(alice, rtype::A, class::ANY, 5, &[]), rc::FORMERR),
        ("ANY with contents", prerequisite(alice, rtype::A, class::ANY, 0, a1), rc::FORMERR),
        ("of another class", prerequisite(alice, rtype::A, 3, 0, &[]), rc::FORMERR),
        ("of a meta type", prerequisite(alice, rtype::AXFR, class::ANY, 0, &[]), rc::FORMERR),
        ("contents that do not fit", prerequisite(alice, rtype::A, class::IN, 0, &[1]), rc::FORMERR),
    ];
    for (what, message, expected) in cases {
        let rcode = evaluated(message).err().unwrap_or(rc::NOERROR);
        assert_eq!(rcode, *expected, "{what}");
    }
}

#[test]
fn sets_are_compared_whole() {
    let two = zone("home.example", &["m A 192.0.2.1", "m A 192.0.2.2"]);
    let zone = Zone::new(&two).unwrap();
    let exactly = |last: &[u8]| {
        let mut message = update(1);
        for &byte in last {
            message = message.record(1, "m.home.example", rtype::A, class::IN, 0, &[192, 0, 2, byte]);
        }
        evaluate(&zone, &message.bytes, &key()).map(|_| ()).map_err(|error| error.rcode())
    };
    assert_eq!(exactly(&[2, 1]), Ok(()), "in any order");
    assert_eq!(exactly(&[1]), Err(rc::NXRRSET), "fewer");
    assert_eq!(exactly(&[1, 2, 3]), Err(rc::NXRRSET), "more");
}

#[test]
fn changes_are_those_of_rfc2136_3_4_2() {
    let alice = "alice.home.example";
    let plus = |text: &str| vec![text.to_owned()];
    let cases: &[(&str, Message, Vec<String>)] = &[
        ("add", update(1).add("bob 5 A 192.0.2.7"), plus("+bob.home.example. 1 5")),
        ("add what is there", update(1).add("alice 30 A 192.0.2.1"), vec![]),
        (
            "add with another TTL",
            update(1).add("alice 31 A 192.0.2.1"),
            vec!["-alice.home.example. 1 30".to_owned(), "+alice.home.example. 1 31".to_owned()],
        ),
        ("add beside an alias: left out", update(1).add("www A 192.0.2.1"), vec![]),
        ("add an alias beside others: left out", update(1).add("alice CNAME www"), vec![]),
        (
            "replace an alias",
            update(1).add("www CNAME ns"),
            vec!["-www.home.example. 5 60".to_owned(), "+www.home.example. 5 60".to_owned()],
        ),
        ("delete a set", update(1).delete(alice, rtype::A), plus("-alice.home.example. 1 30")),
        ("delete a set that is not there", update(1).delete(alice, rtype::MX), vec![]),
        ("delete a record", update(1).delete_one("alice A 192.0.2.1"), plus("-alice.home.example. 1 30")),
        ("delete a record that is not there", update(1).delete_one("alice A 192.0.2.2"), vec![]),
        (
            "delete names without case",
            update(1).delete_one("www CNAME ALICE"),
            plus("-www.home.example. 5 60"),
        ),
        ("the last NS of a zone stays", update(1).delete_one("@ NS ns"), vec![]),
        ("NS of a zone stay", update(1).delete("home.example", rtype::NS), vec![]),
        ("SOA stays", update(1).delete("home.example", rtype::SOA), vec![]),
        (
            "delete all at the origin",
            update(1).delete("home.example", rtype::ANY),
            plus("-home.example. 35 60"),
        ),
        ("add and delete again", update(1).add("x A 192.0.2.1").delete("x.home.example", rtype::ANY), vec![]),
        (
            "delete and add again: a new address",
            update(1).delete(alice, rtype::A).add("alice A 192.0.2.99"),
            vec!["-alice.home.example. 1 30".to_owned(), "+alice.home.example. 1 60".to_owned()],
        ),
    ];
    for (what, message, expected) in cases {
        assert_eq!(evaluated(message).as_ref(), Ok(expected), "{what}");
    }
    let all = evaluated(&update(1).delete(alice, rtype::ANY)).unwrap();
    assert_eq!(all.len(), 3, "delete a name");
}

#[test]
fn an_update_is_applied_whole_or_not_at_all() {
    let cases: &[(&str, Message, u16)] = &[
        ("of another zone", update(1).add("x A 192.0.2.1").add("x.example. A 192.0.2.1"), rc::NOTZONE),
        ("a meta type", update(1).record(2, "x.home.example", 255, class::IN, 0, &[]), rc::FORMERR),
        ("OPT", update(1).record(2, "x.home.example", rtype::OPT, class::IN, 0, &[]), rc::FORMERR),
        ("another class", update(1).record(2, "x.home.example", 1, 3, 0, &[1, 2, 3, 4]), rc::FORMERR),
        ("a set deleted with TTL", update(1).record(2, "x.home.example", 1, class::ANY, 1, &[]), rc::FORMERR),
        (
            "a set deleted with contents",
            update(1).record(2, "x.home.example", 1, class::ANY, 0, &[1]),
            rc::FORMERR,
        ),
        (
            "a record deleted with TTL",
            update(1).record(2, "x.home.example", 1, class::NONE, 1, &[1, 2, 3, 4]),
            rc::FORMERR,
        ),
        (
            "contents cut short",
            update(1).record(2, "x.home.example", 1, class::IN, 0, &[1, 2, 3]),
            rc::FORMERR,
        ),
        ("a name cut short", update(1).record(2, "x.home.example", 12, class::IN, 0, b"\x05ab"), rc::FORMERR),
    ];
    for (what, message, expected) in cases {
        assert_eq!(evaluated(message), Err(*expected), "{what}");
    }
}

#[test]
fn a_key_changes_nothing_outside_its_scope() {
    let zone = Zone::new(&home()).unwrap();
    let bob = TsigKey::from_base64("bob", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=")
        .unwrap()
        .allowing(name("bob.home.example"));
    let outcome = |message: Message| evaluate(&zone, &message.bytes, &bob).map(|_| ());
    assert_eq!(outcome(update(1).add("bob A 192.0.2.7").add("_sip._udp.bob SRV 0 0 5060 bob")), Ok(()));
    let refused = outcome(update(1).add("bob A 192.0.2.7").add("alice A 192.0.2.7"));
    assert_eq!(refused.map_err(|error| error.rcode()), Err(rc::REFUSED));
}

#[test]
fn serials_move_on_by_one_or_to_a_later_one_given() {
    let zone = Zone::new(&home()).unwrap();
    let serial =
        |message: Message| evaluate(&zone, &message.bytes, &key()).unwrap().map(|change| change.serial);
    let soa = |serial: u32| update(1).add(&format!("@ 60 SOA ns hostmaster {serial} 1 1 1 15"));
    assert_eq!(serial(update(1).add("bob A 192.0.2.7")), Some(2));
    assert_eq!(serial(update(1)), None, "nothing asked for");
    assert_eq!(serial(soa(9)), Some(9));
    assert_eq!(serial(soa(1)), None, "the same one is left out");
    assert_eq!(serial(soa(1 << 31)), Some(1 << 31), "farthest ahead on the circle");
    assert_eq!(serial(soa((1 << 31) + 1)), None, "neither before nor after");
    assert_eq!(serial(soa(0)), None, "before");
}

#[test]
fn an_update_that_changes_more_than_the_journal_can_hold_is_refused() {
    let mut zone = Zone::new(&home()).unwrap();
    for low in 0..20_u8 {
        let text = [&[255][..], &[low; 255]].concat().repeat(200);
        let message = update(1).record(2, "large.home.example", rtype::TXT, class::IN, 60, &text);
        let change = evaluate(&zone, &message.bytes, &key()).unwrap().unwrap();
        zone.commit(change, rove_base::Ticket(1));
    }
    let refused =
        evaluate(&zone, &update(1).delete("large.home.example", rtype::TXT).bytes, &key()).unwrap_err();
    assert_eq!(refused, UpdateError::TooLarge { zone: name("home.example") });
    assert_eq!(refused.rcode(), rc::REFUSED);
}

#[test]
fn a_set_that_grows_too_large_is_refused() {
    let mut zone = Zone::new(&home()).unwrap();
    for low in 0..16_u8 {
        let mut message = update(1);
        for high in 0..64_u8 {
            message = message.record(2, "many.home.example", rtype::A, class::IN, 60, &[10, 0, low, high]);
        }
        let change = evaluate(&zone, &message.bytes, &key()).unwrap().unwrap();
        zone.commit(change, rove_base::Ticket(1));
    }
    let one_more = update(1).record(2, "many.home.example", rtype::A, class::IN, 60, &[10, 1, 1, 1]);
    let refused = evaluate(&zone, &one_more.bytes, &key()).unwrap_err();
    assert_eq!(refused, UpdateError::Full { name: name("many.home.example") });
}

fn origin() -> Origin {
    Origin { key: name("k.example"), time: rove_base::UnixTime::from_secs(5), mac: Mac([7; 32]) }
}

#[test]
fn a_journal_record_does_again_what_the_update_did() {
    let mut zone = Zone::new(&home()).unwrap();
    let message = update(1)
        .delete("alice.home.example", rtype::ANY)
        .add("bob 5 A 192.0.2.7")
        .add("alice 9 A 192.0.2.3");
    let change = evaluate(&zone, &message.bytes, &key()).unwrap().unwrap();
    let mut bytes = Vec::new();
    let entry = Entry {
        origin: Some(origin()),
        zone: zone.origin().clone(),
        serial: change.serial,
        deleted: change.deleted.as_slice(),
        added: change.added.as_slice(),
    };
    write_record(&mut bytes, &entry);
    let replayed = read_record(&bytes).unwrap();
    let entry = &replayed.zones[0];
    assert_eq!((replayed.origins, entry.serial, replayed.zones.len()), (vec![origin()], 2, 1));
    let mut again = zone.clone();
    again.replay(&entry.deleted, entry.added.clone());
    again.replay(&entry.deleted, entry.added.clone());
    zone.commit(change, rove_base::Ticket(1));
    assert_eq!(zone.records(), again.records());
    assert_eq!(again.serial(), 2);
    assert_eq!(read_record(&[9]), Err(ReplayError::Version(9)));
    assert!(matches!(read_record(&bytes[..bytes.len() - 1]), Err(ReplayError::Damaged(_))));
}

proptest! {
    #[test]
    fn evaluating_and_replaying_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        let zone = Zone::new(&home()).unwrap();
        let _ = (zone_of(&bytes), evaluate(&zone, &bytes, &key()), read_record(&bytes));
        let mut message = update(1).bytes;
        (message[7], message[9]) = (1, 2);
        message.extend_from_slice(&bytes);
        let _ = evaluate(&zone, &message, &key());
    }
}
