use std::time::Duration;

use hickory_proto::{op::Message as Reply, serialize::binary::BinDecodable};
use proptest::{collection::vec, prelude::*};
use rove_base::{ClosedBy, StreamId, Ticket, UnixTime};

use super::*;
use crate::{
    fixture::{Message, NOON, home, key, name, question, update, zone},
    tsig::{self, Mac, Signature, code},
    wire::{class, rtype},
};

const CLIENT: &str = "192.0.2.200:4000";

fn config() -> ServerConfig {
    ServerConfig {
        zones: vec![home(), zone("2.0.192.in-addr.arpa", &["1 PTR alice.home.example."])],
        keys: vec![key()],
        udp_payload_max: ServerConfig::UDP_PAYLOAD,
    }
}

/// A server, a clock that stands still, and everything that came out.
struct Bench {
    server: Server,
    now: Now,
    sent: Vec<(Flow, Vec<u8>)>,
    records: Vec<(Ticket, Vec<u8>)>,
    events: Vec<Event>,
    closed: Vec<StreamId>,
}

impl Bench {
    fn new() -> Self {
        let now = Now { mono: Instant::ZERO, wall: NOON };
        let server = Server::new(config()).unwrap();
        Self { server, now, sent: vec![], records: vec![], events: vec![], closed: vec![] }
    }

    fn drain(&mut self) -> Option<Instant> {
        let mut scratch = Scratch::default();
        loop {
            match self.server.poll(&mut scratch) {
                Step::Send(transmit) => self.sent.push((transmit.flow, scratch.get(transmit.range).to_vec())),
                Step::Append(append) => {
                    self.records.push((append.ticket, scratch.get(append.range).to_vec()));
                }
                Step::Close(stream) => self.closed.push(stream),
                Step::Event(event) => self.events.push(event),
                Step::Wait(until) => return until,
                Step::Connect(_) => panic!("a server connects to nobody"),
            }
        }
    }

    fn handle(&mut self, input: Arrival<'_>) {
        self.server.handle(self.now, input);
        self.drain();
    }

    /// Sends a datagram; answers what came back at once.
    fn datagram(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let flow = Flow::udp("192.0.2.53:53".parse().unwrap(), CLIENT.parse().unwrap());
        self.sent.clear();
        self.handle(Arrival::Datagram { flow, bytes });
        assert!(self.sent.len() <= 1, "one question, one answer");
        self.sent.pop().map(|(_, bytes)| bytes)
    }

    fn ask(&mut self, asked: &str, rtype: u16) -> Reply {
        let bytes = self.datagram(&question(7, asked, rtype)).unwrap();
        Reply::from_bytes(&bytes).unwrap()
    }

    fn durable(&mut self, ticket: u64) -> Vec<Vec<u8>> {
        self.sent.clear();
        self.handle(Arrival::Durable { ticket: Ticket(ticket) });
        self.sent.drain(..).map(|(_, bytes)| bytes).collect()
    }

    fn addresses(&mut self, asked: &str) -> Vec<String> {
        let reply = self.ask(asked, rtype::A);
        reply.answers.iter().map(|record| record.data.to_string()).collect()
    }
}

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
        key: name("update.home.example"),
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
fn signed_questions_get_signed_answers() {
    let mut bench = Bench::new();
    let (bytes, mac) = Message::new(5, 0, "alice.home.example", rtype::A).signed(&key(), NOON);
    let answer = bench.datagram(&bytes).unwrap();
    assert!(tsig::verify(&answer, &[key()], NOON, Some(mac.as_bytes())).is_ok());
    let other: Mac = tsig::sign(&mut vec![0; 12], &key(), NOON, None);
    assert!(tsig::verify(&answer, &[key()], NOON, Some(other.as_bytes())).is_err());
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
    for n in 0..256 {
        assert_eq!(bench.datagram(&one(n)), None);
    }
    let refused = one(256);
    assert_eq!(rcode_of(&bench.datagram(&refused).unwrap()), rcode::SERVFAIL);
    assert_eq!(bench.durable(256).len(), 256);
    assert_eq!(
        bench.datagram(&refused),
        None,
        "the one that found no room was never taken, and may come again"
    );
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
        bench.handle(Arrival::Connected { stream, local, remote });
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
        bench.handle(Arrival::Connected { stream: StreamId(2 * n + 1), local, remote });
        bench.now = bench.now.later(Duration::from_millis(1));
    }
    let busy = framed(&question(1, "alice.home.example", 1));
    bench.handle(Arrival::Stream { stream: StreamId(1), bytes: &busy });
    bench.handle(Arrival::Connected { stream: StreamId(9_001), local, remote });
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
