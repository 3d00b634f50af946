use hickory_proto::{op::ResponseCode, rr::rdata::SOA};
use proptest::{collection::vec, prelude::*};

use super::*;

fn question() -> Question {
    Question { name: parse_name("bob.example").unwrap(), kind: RecordType::A }
}

fn answer() -> Message {
    let mut message = Message::response(7, OpCode::Query);
    message.add_query(Query::query(question().name, question().kind));
    message
}

fn read(message: &Message) -> Answer {
    match read_reply(&question(), &message.to_vec().unwrap()) {
        Ok(Reply::Answer(answer)) => *answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_query_asks_one_question_with_recursion_and_edns() {
    let bytes = write_query(0x1234, &question(), true, true).unwrap();
    let message = Message::from_vec(&bytes).unwrap();
    assert_eq!(message_id(&bytes), Some(0x1234));
    assert!(message.metadata.recursion_desired);
    assert_eq!(message.queries, [Query::query(question().name, RecordType::A)]);
    assert_eq!(message.max_payload(), 1_232);
}

#[test]
fn records_of_other_names_types_and_classes_do_not_count() {
    let mut message = answer();
    let address: RData = IpAddr::from([192, 0, 2, 9]).into();
    let good = Record::from_rdata(question().name, 30, address.clone());
    let mut chaos = good.clone();
    chaos.dns_class = DNSClass::CH;
    let eve = Record::from_rdata(parse_name("eve.example").unwrap(), 1, IpAddr::from([6, 6, 6, 6]).into());
    let other = Record::from_rdata(question().name, 1, IpAddr::from([0; 16]).into());
    message.add_answers([chaos, eve, other, good]);
    let answer = read(&message);
    assert_eq!((answer.outcome, answer.ttl.as_secs()), (Outcome::Records(vec![address]), 30));
}

#[test]
fn a_negative_answer_lasts_for_the_smaller_of_soa_ttl_and_minimum_and_without_soa_not_at_all() {
    let root = Name::root();
    for (ttl, minimum, expected) in [(30, 60, 30), (60, 30, 30), (0, 60, 0)] {
        let mut message = answer();
        message.metadata.response_code = ResponseCode::NXDomain;
        let soa = SOA::new(root.clone(), root.clone(), 1, 1, 1, 1, minimum);
        message.add_authority(Record::from_rdata(parse_name("example").unwrap(), ttl, RData::SOA(soa)));
        let answer = read(&message);
        assert_eq!((answer.outcome, answer.ttl.as_secs()), (Outcome::NoSuchName, expected));
        assert_eq!(answer.zone, parse_name("example"));
    }
    let answer = read(&answer());
    assert_eq!((answer.outcome, answer.ttl), (Outcome::NoData, Duration::ZERO));
}

#[test]
fn a_soa_of_a_zone_that_does_not_hold_the_name_is_ignored() {
    let mut message = answer();
    let root = Name::root();
    let soa = SOA::new(root.clone(), root, 1, 1, 1, 1, 9);
    message.add_authority(Record::from_rdata(parse_name("elsewhere").unwrap(), 9, RData::SOA(soa)));
    let answer = read(&message);
    assert_eq!((answer.zone, answer.ttl), (None, Duration::ZERO));
}

#[test]
fn a_stream_is_cut_into_messages_wherever_the_pieces_end() {
    let framed = frame(b"message");
    for cut in 0..framed.len() {
        let mut framer = Framer::default();
        let (first, second) = framed.split_at(cut);
        assert_eq!(framer.push(first), None, "cut at {cut}");
        assert_eq!(framer.push(second), Some(&b"message"[..]), "cut at {cut}");
    }
}

#[test]
fn names_are_taken_as_people_write_them() {
    let cases: &[(&str, Option<&str>)] = &[
        ("bob.home.example", Some("bob.home.example")),
        ("bob.home.example.", Some("bob.home.example")),
        ("_sip._udp.bob", Some("_sip._udp.bob")),
        ("bücher.example", Some("xn--bcher-kva.example")),
        ("", None),
        (".", None),
        ("a..b", None),
        (".a", None),
        ("a b", None),
    ];
    for &(text, expected) in cases {
        assert_eq!(parse_name(text).map(|name| plain(&name)).as_deref(), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_datagram_makes_the_reader_panic(bytes in vec(any::<u8>(), 0..600)) {
        let _ = read_reply(&question(), &bytes);
    }

    #[test]
    fn no_change_of_an_answer_makes_the_reader_panic(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), keep in any::<prop::sample::Index>(),
    ) {
        let mut message = answer();
        message.add_answer(Record::from_rdata(question().name, 30, IpAddr::from([192, 0, 2, 9]).into()));
        let mut bytes = message.to_vec().unwrap();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let _ = read_reply(&question(), &bytes);
        let _ = read_reply(&question(), &bytes[..keep.index(bytes.len())]);
    }

    #[test]
    fn a_stream_of_anything_is_held_to_one_message(pieces in vec(vec(any::<u8>(), 0..2_000), 0..100)) {
        let mut framer = Framer::default();
        for piece in pieces {
            let _ = framer.push(&piece);
            prop_assert!(framer.buffer.len() <= MAX_FRAME);
        }
    }
}
