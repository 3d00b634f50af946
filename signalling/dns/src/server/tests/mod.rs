mod bench;
mod causes;
mod floods;
mod own;
mod transfers;
mod updates;

use std::time::Duration;

use hickory_proto::{op::Message as Reply, serialize::binary::BinDecodable};
use proptest::{collection::vec, prelude::*};
use rove_base::{ClosedBy, StreamId, Transport};

use super::*;
use crate::{
    fixture::{Message, NOON, home, key, name, question, update, zone},
    tsig::{self, Mac},
    wire::rtype,
};
use bench::{Bench, CLIENT, config};

fn rcode_of(bytes: &[u8]) -> u16 {
    u16::from(bytes[3] & 0x0f)
}

fn show(reply: &Reply) -> String {
    let section = |records: &[hickory_proto::rr::Record]| {
        let one = |record: &hickory_proto::rr::Record| format!("{} {}", record.name, record.record_type());
        records.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let flag = |on: bool, text: &'static str| if on { text } else { "" };
    let flags = [flag(reply.metadata.authoritative, "aa "), flag(reply.metadata.truncation, "tc ")].concat();
    let code = reply.metadata.response_code;
    let (answers, authority) = (section(&reply.answers), section(&reply.authorities));
    format!("{flags}{code:?} [{answers}] [{authority}] [{}]", section(&reply.additionals))
}

#[test]
fn questions_are_answered_as_the_zones_say() {
    let glue = "[ns.lab.home.example. A]";
    let cut = "lab.home.example. NS, lab.home.example. NS";
    let soa = "[home.example. SOA]";
    let found = "_sip._udp.alice.home.example. SRV, alice.home.example. A, alice.home.example. AAAA";
    let cases: &[(&str, &str, u16, String)] = &[
        ("a host", "alice.home.example", rtype::A, "aa NoError [alice.home.example. A] [] []".into()),
        ("reverse", "1.2.0.192.in-addr.arpa", rtype::PTR, "aa NoError [1.2.0.192.in-addr.arpa. PTR] [] []".into()),
        ("no such name", "carol.home.example", rtype::A, format!("aa NXDomain [] {soa} []")),
        ("no such set", "alice.home.example", rtype::MX, format!("aa NoError [] {soa} []")),
        ("a name between", "tree.home.example", rtype::A, format!("aa NoError [] {soa} []")),
        ("alias", "www.home.example", rtype::A, "aa NoError [www.home.example. CNAME, alice.home.example. A] [] []".into()),
        ("the alias itself", "www.home.example", rtype::CNAME, "aa NoError [www.home.example. CNAME] [] []".into()),
        ("alias without the set", "www.home.example", rtype::MX, format!("aa NoError [www.home.example. CNAME] {soa} []")),
        ("alias to elsewhere", "out.home.example", rtype::A, "aa NoError [out.home.example. CNAME] [] []".into()),
        ("referral with glue", "x.lab.home.example", rtype::A, format!("NoError [] [{cut}] {glue}")),
        (
            "a service with its host's addresses",
            "_sip._udp.alice.home.example",
            rtype::SRV,
            "aa NoError [_sip._udp.alice.home.example. SRV] [] [alice.home.example. A, alice.home.example. AAAA]".into(),
        ),
        ("NAPTR with all that follows", "home.example", rtype::NAPTR, format!("aa NoError [home.example. NAPTR] [] [{found}]")),
        ("ANY is answered with one set", "alice.home.example", rtype::ANY, "aa NoError [alice.home.example. A] [] []".into()),
        ("not ours", "example.net", rtype::A, "Refused [] [] []".into()),
        ("no transfers", "home.example", rtype::AXFR, "Refused [] [] []".into()),
    ];
    let mut bench = Bench::new();
    for (what, asked, rtype, expected) in cases {
        assert_eq!(show(&bench.ask(asked, *rtype)), *expected, "{what}");
    }
    let looped = bench.ask("loop1.home.example", rtype::A);
    assert_eq!(looped.answers.len(), MAX_ALIASES_SHOWN, "an alias that leads to itself comes to an end");
}

const MAX_ALIASES_SHOWN: usize = 8;

#[test]
fn an_answer_repeats_the_question_as_it_was_asked() {
    let mut bench = Bench::new();
    let bytes = bench.datagram(&question(0xabcd, "home.example", rtype::A)).unwrap();
    assert_eq!(bytes[..2], [0xab, 0xcd]);
    let mut mixed = question(1, "alice.home.example", rtype::A);
    mixed[13..18].copy_from_slice(b"aLiCe");
    let bytes = bench.datagram(&mixed).unwrap();
    assert_eq!(bytes[13..18], *b"aLiCe");
    assert_eq!(Reply::from_bytes(&bytes).unwrap().answers.len(), 1);
}

#[test]
fn denials_may_be_cached_as_long_as_the_zone_says() {
    let denied = Bench::new().ask("carol.home.example", rtype::A);
    assert_eq!(denied.authorities[0].ttl, 15);
}

#[test]
fn requests_that_make_no_sense_are_answered_with_why_or_not_at_all() {
    let patch = |at: usize, byte: u8| {
        let mut bytes = question(1, "home.example", rtype::A);
        bytes[at] = byte;
        bytes
    };
    let class_ch = patch(12 + 14 + 3, 3);
    let cases: &[(&str, Vec<u8>, Option<u16>)] = &[
        ("an answer", patch(2, 0x80), None),
        ("shorter than a header", vec![0; 11], None),
        ("a header alone", question(1, "home.example", rtype::A)[..12].to_vec(), Some(rcode::FORMERR)),
        ("no question", patch(5, 0), Some(rcode::FORMERR)),
        ("two questions", patch(5, 2), Some(rcode::FORMERR)),
        ("bytes at the end", [question(1, "home.example", rtype::A), vec![0]].concat(), Some(rcode::FORMERR)),
        ("another class", class_ch, Some(rcode::REFUSED)),
        ("opcode NOTIFY", patch(2, 0x20), Some(rcode::NOTIMP)),
        ("opcode STATUS", patch(2, 0x10), Some(rcode::NOTIMP)),
    ];
    let mut bench = Bench::new();
    for (what, bytes, expected) in cases {
        let answered = bench.datagram(bytes).map(|bytes| rcode_of(&bytes));
        assert_eq!(answered, *expected, "{what}");
    }
}

fn with_opt(payload: u16, version: u8) -> Vec<u8> {
    let flags = u32::from_be_bytes([0, version, 0x80, 0]);
    Message::new(1, 0, "many.home.example", rtype::A).record(3, ".", rtype::OPT, payload, flags, &[]).bytes
}

#[test]
fn an_answer_that_does_not_fit_says_so_and_fits_a_stream() {
    let mut bench = Bench::new();
    let mut many = update(1);
    for n in 0..70 {
        many = many.add(&format!("many A 10.0.0.{n}"));
    }
    bench.datagram(&many.signed(&key(), NOON).0);
    bench.durable(1);
    let plain = bench.datagram(&question(1, "many.home.example", rtype::A)).unwrap();
    assert!(plain.len() <= 512);
    assert_eq!(show(&Reply::from_bytes(&plain).unwrap()), "aa tc NoError [] [] []");
    let large = bench.datagram(&with_opt(1_232, 0)).unwrap();
    let reply = Reply::from_bytes(&large).unwrap();
    assert_eq!(reply.answers.len(), 70, "70 × 16 bytes fit in 1232");
    let edns = reply.edns.unwrap();
    assert!(edns.flags().dnssec_ok && edns.max_payload() == ServerConfig::UDP_PAYLOAD);
    let greedy = bench.datagram(&with_opt(u16::MAX, 0)).unwrap();
    assert!(greedy.len() <= usize::from(ServerConfig::UDP_PAYLOAD));
    let version = bench.datagram(&with_opt(1_232, 1)).unwrap();
    let reply = Reply::from_bytes(&version).unwrap();
    assert_eq!(u16::from(reply.metadata.response_code), rcode::BADVERS);
    let twice = Message { bytes: with_opt(512, 0) }.record(3, ".", rtype::OPT, 512, 0, &[]).bytes;
    assert_eq!(rcode_of(&bench.datagram(&twice).unwrap()), rcode::FORMERR);
}

#[test]
fn signed_questions_get_signed_answers() {
    let mut bench = Bench::new();
    let (bytes, mac) = Message::new(5, 0, "alice.home.example", rtype::A).signed(&key(), NOON);
    let answer = bench.datagram(&bytes).unwrap();
    assert!(tsig::verify(&answer, &[key()], NOON, Some(mac.as_bytes())).is_ok());
    let other: Mac = tsig::sign(&mut vec![0; 12], &key(), NOON, None);
    assert!(tsig::verify(&answer, &[key()], NOON, Some(other.as_bytes())).is_err());
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

#[test]
fn messages_on_a_stream_are_found_however_it_is_cut() {
    let stream = StreamId(1);
    let (local, remote) = ("192.0.2.53:53".parse().unwrap(), CLIENT.parse().unwrap());
    let bytes =
        [framed(&question(1, "alice.home.example", 1)), framed(&question(2, "ns.home.example", 1))].concat();
    for cut in 1..=bytes.len() {
        let mut bench = Bench::new();
        bench.handle(Arrival::Connected { stream, local, remote, transport: Transport::Tcp });
        for piece in bytes.chunks(cut) {
            bench.handle(Arrival::Stream { stream, bytes: piece });
        }
        let ids: Vec<u8> = bench.sent.iter().map(|(_, sent)| sent[3]).collect();
        assert_eq!(ids, [1, 2], "pieces of {cut} bytes");
        let (flow, sent) = &bench.sent[0];
        assert_eq!((*flow, usize::from(sent[1])), (Flow::Stream(stream), sent.len() - 2));
    }
}

#[test]
fn silent_streams_are_closed_and_crowded_ones_make_room() {
    let mut bench = Bench::new();
    let (local, remote) = ("192.0.2.53:53".parse().unwrap(), CLIENT.parse().unwrap());
    for n in 0..256 {
        bench.handle(Arrival::Connected {
            stream: StreamId(2 * n + 1),
            local,
            remote,
            transport: Transport::Tcp,
        });
        bench.now = bench.now.later(Duration::from_millis(1));
    }
    let busy = framed(&question(1, "alice.home.example", 1));
    bench.handle(Arrival::Stream { stream: StreamId(1), bytes: &busy });
    bench.handle(Arrival::Connected { stream: StreamId(9_001), local, remote, transport: Transport::Tcp });
    assert_eq!(bench.closed, [StreamId(3)], "the one that was silent longest");
    bench.now = bench.now.later(Duration::from_secs(11));
    bench.server.tick(bench.now);
    assert_eq!(bench.drain(), None);
    assert_eq!(bench.closed.len(), 257, "all are closed when they stay silent");
    bench.handle(Arrival::Closed { stream: StreamId(1), by: ClosedBy::Us });
    bench.handle(Arrival::Stream { stream: StreamId(1), bytes: &busy });
}

proptest! {
    #[test]
    fn no_datagram_makes_it_panic_or_answer_twice(bytes in vec(any::<u8>(), 0..200), opcode in 0..16_u8) {
        let mut bench = Bench::new();
        bench.datagram(&bytes);
        let mut message = update(1).bytes;
        message[2] = opcode << 3;
        message[5..12].copy_from_slice(&[1, 0, 1, 0, 1, 0, 1]);
        message.extend_from_slice(&bytes);
        bench.datagram(&message);
        let (signed, _) = (Message { bytes: message }).signed(&key(), NOON);
        bench.datagram(&signed);
        bench.durable(1);
    }

    #[test]
    fn every_answer_is_well_formed(asked in "[a-d]{1,3}(\\.[a-d]{1,3}){0,2}\\.home\\.example", wanted in 1..60_u16) {
        let mut bench = Bench::new();
        let bytes = bench.datagram(&question(1, &asked, wanted)).unwrap();
        prop_assert!(Reply::from_bytes(&bytes).is_ok());
    }
}
