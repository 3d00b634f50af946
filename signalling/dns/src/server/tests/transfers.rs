//! Other servers: who is told, who may have a zone, and what he is given.

use hickory_proto::rr::{RData, RecordType};

use super::*;
use crate::{
    server::transfer::{Secondary, ZoneTransfer},
    tsig::TsigKey,
    update::OwnSet,
    zones::Record,
};

const SECONDARY: &str = "192.0.2.66:53";
const STREAM: StreamId = StreamId(1);

fn transfer_key() -> TsigKey {
    TsigKey::from_base64("transfer.example", "dHJhbnNmZXIgdHJhbnNmZXIgdHJhbnNmZXI=").unwrap()
}

pub(super) fn served() -> Bench {
    let mut config = config();
    config.keys.push(transfer_key());
    config.transfers = vec![ZoneTransfer {
        zone: name("home.example"),
        keys: vec![name("transfer.example")],
        secondaries: vec![Secondary { address: SECONDARY.parse().unwrap(), key: None }],
    }];
    let mut bench = Bench::new();
    bench.server = Server::new(config).unwrap();
    bench
}

/// Opens a stream from `from`, asks on it, and answers what came back.
fn ask(bench: &mut Bench, from: &str, message: &[u8]) -> Vec<Vec<u8>> {
    let (local, remote) = ("192.0.2.53:53".parse().unwrap(), from.parse().unwrap());
    bench.handle(Arrival::Connected { stream: STREAM, local, remote, transport: Transport::Tcp });
    bench.sent.clear();
    bench.handle(Arrival::Stream { stream: STREAM, bytes: &framed(message) });
    let mut all = bench.sent.drain(..).map(|(_, bytes)| bytes[2..].to_vec()).collect::<Vec<_>>();
    while let Some(at) = bench.drain().filter(|at| *at < bench.now.mono.later(Duration::from_secs(1))) {
        bench.now = bench.now.later(at.since(bench.now.mono));
        bench.server.tick(bench.now);
        bench.drain();
        all.extend(bench.sent.drain(..).map(|(_, bytes)| bytes[2..].to_vec()));
    }
    bench.handle(Arrival::Closed { stream: STREAM, by: ClosedBy::Peer });
    all
}

fn ixfr(from_serial: u32) -> Message {
    let soa = [&[0, 0][..], &from_serial.to_be_bytes(), &[0; 16]].concat();
    Message::new(9, 0, "home.example", rtype::IXFR).record(2, "home.example", rtype::SOA, 1, 0, &soa)
}

fn bind(bench: &mut Bench, host: &str, last: u8) {
    let sets = OwnSet::addresses(&name(host), 5, &[[192, 0, 2, last].into()]);
    let (_, token) = bench.server.stage_own(&sets).unwrap();
    bench.server.commit_own(bench.now, token);
    bench.drain();
}

/// `+name TYPE` for each record, SOA with its serial.
fn listed(messages: &[Vec<u8>]) -> Vec<String> {
    let one = |record: &hickory_proto::rr::Record| match &record.data {
        RData::SOA(soa) => format!("SOA {}", soa.serial),
        data => format!("{} {data}", record.name),
    };
    let replies = messages.iter().map(|bytes| Reply::from_bytes(bytes).unwrap());
    replies.flat_map(|reply| reply.answers.iter().map(one).collect::<Vec<_>>()).collect()
}

fn rcode(messages: &[Vec<u8>]) -> u16 {
    rcode_of(&messages[0])
}

#[test]
fn only_the_named_keys_and_addresses_get_a_zone() {
    let axfr = || Message::new(9, 0, "home.example", rtype::AXFR);
    let signed = |key: &TsigKey| axfr().signed(key, NOON).0;
    let elsewhere = Message::new(9, 0, "2.0.192.in-addr.arpa", rtype::AXFR).bytes;
    let cases: &[(&str, &str, Vec<u8>, u16)] = &[
        ("the secondary's address", "192.0.2.66:4000", axfr().bytes, 0),
        ("another address", "192.0.2.67:4000", axfr().bytes, rcode::REFUSED),
        ("another address with the key", "192.0.2.67:4000", signed(&transfer_key()), 0),
        ("another address with another key", "192.0.2.67:4000", signed(&key()), rcode::REFUSED),
        ("a zone without secondaries", "192.0.2.66:4000", elsewhere, rcode::REFUSED),
        ("below a zone", "192.0.2.66:4000", question(9, "alice.home.example", rtype::AXFR), rcode::REFUSED),
        ("no zone of ours", "192.0.2.66:4000", question(9, "example.net", rtype::AXFR), rcode::REFUSED),
    ];
    for (what, from, message, expected) in cases {
        let mut bench = served();
        assert_eq!(rcode(&ask(&mut bench, from, message)), *expected, "{what}");
        let refused = bench.server.counts().of("transfer");
        assert_eq!(refused, u64::from(*expected != 0 && !what.starts_with("no zone")), "{what}");
    }
    let mut bench = served();
    let datagram = bench.datagram(&axfr().bytes).unwrap();
    assert_eq!(rcode_of(&datagram), rcode::REFUSED, "over a datagram an address is no proof");
    assert_eq!(rcode_of(&bench.datagram(&signed(&transfer_key())).unwrap()), rcode::FORMERR);
}

#[test]
fn a_whole_zone_is_given_between_two_soa_records_and_every_message_is_signed() {
    let mut bench = served();
    for n in 0..120_u8 {
        let text = [&[255][..], &[n; 255]].concat();
        let at = format!("t{n}.home.example");
        let set = OwnSet { name: name(&at), rtype: rtype::TXT, ttl: 60, rdata: vec![text.into()] };
        let (_, token) = bench.server.stage_own(&[set]).unwrap();
        bench.server.commit_own(bench.now, token);
    }
    bench.drain();
    let (request, mac) = Message::new(9, 0, "home.example", rtype::AXFR).signed(&transfer_key(), NOON);
    let messages = ask(&mut bench, "192.0.2.67:4000", &request);
    assert!(messages.len() >= 3, "{} messages", messages.len());
    let records = listed(&messages);
    assert_eq!((records.first(), records.last()), (records.last(), records.first()));
    let held = bench.server.zones().get(&name("home.example")).unwrap().records().len();
    assert_eq!(records.len(), held + 1);
    assert!(tsig::verify(&messages[0], &[transfer_key()], NOON, Some(mac.as_bytes())).is_ok());
    assert!(messages.iter().all(|message| tsig::Signature::find(message).unwrap().is_some()));
}

#[test]
fn who_asks_what_he_missed_is_told_the_steps_or_else_the_whole() {
    let mut bench = served();
    bind(&mut bench, "bob.home.example", 7);
    bind(&mut bench, "bob.home.example", 8);
    bind(&mut bench, "alice.home.example", 9);
    let told = |bench: &mut Bench, serial: u32| listed(&ask(bench, "192.0.2.66:4000", &ixfr(serial).bytes));
    assert_eq!(told(&mut bench, 4), ["SOA 4"], "nothing is new");
    assert_eq!(told(&mut bench, 9), ["SOA 4"], "he is ahead");
    assert_eq!(
        told(&mut bench, 2),
        [
            "SOA 4",
            "SOA 2",
            "bob.home.example. 192.0.2.7",
            "SOA 3",
            "bob.home.example. 192.0.2.8",
            "SOA 3",
            "alice.home.example. 192.0.2.1",
            "alice.home.example. 2001:db8::1",
            "SOA 4",
            "alice.home.example. 192.0.2.9",
            "SOA 4"
        ]
    );
    let whole = told(&mut bench, 0);
    assert_eq!((whole[0].as_str(), whole[1].starts_with("SOA")), ("SOA 4", false), "too long ago: all of it");
    assert_eq!(rcode(&ask(&mut bench, "192.0.2.66:4000", &question(9, "home.example", 251))), rcode::FORMERR);

    let (request, _) = ixfr(2).signed(&transfer_key(), NOON);
    let small = bench.datagram(&request).unwrap();
    assert_eq!(
        listed(&[small]),
        ["SOA 4"],
        "what does not fit a datagram of 512 bytes is asked for by stream"
    );
    let (request, _) = ixfr(3).signed(&transfer_key(), NOON);
    assert_eq!(listed(&[bench.datagram(&request).unwrap()]).len(), 7, "what fits is there");
}

#[test]
fn steps_survive_a_restart() {
    let mut bench = served();
    let sets = OwnSet::addresses(&name("bob.home.example"), 5, &["192.0.2.7".parse().unwrap()]);
    let (record, _) = bench.server.stage_own(&sets).unwrap();
    let mut again = served();
    assert_eq!(again.server.replay(&record), Ok(true));
    let told = listed(&ask(&mut again, "192.0.2.66:4000", &ixfr(1).bytes));
    assert_eq!(told, ["SOA 2", "SOA 1", "SOA 2", "bob.home.example. 192.0.2.7", "SOA 2"]);
}

/// NOTIFYs among what was sent, with their serials.
fn notified(bench: &mut Bench) -> Vec<(u16, u32)> {
    let to: SocketAddr = SECONDARY.parse().unwrap();
    let is_his = |flow: &Flow| matches!(flow, Flow::Udp(path) if path.remote == to);
    let told = bench.sent.drain(..).filter(|(flow, _)| is_his(flow)).map(|(_, bytes)| bytes);
    told.map(|bytes| {
        let reply = Reply::from_bytes(&bytes).unwrap();
        let RData::SOA(soa) = &reply.answers[0].data else { panic!("a SOA record") };
        assert_eq!((bytes[2], reply.queries[0].query_type()), (0x24, RecordType::SOA));
        (reply.metadata.id, soa.serial)
    })
    .collect()
}

fn answer(bench: &mut Bench, id: u16) {
    let mut bytes = question(id, "home.example", rtype::SOA);
    bytes[2] = 0xa4;
    let flow = Flow::udp("192.0.2.53:53".parse().unwrap(), SECONDARY.parse().unwrap());
    bench.handle(Arrival::Datagram { flow, bytes: &bytes });
}

#[test]
fn a_secondary_is_told_at_once_again_until_it_answers_and_given_up_after_31_seconds() {
    let mut bench = served();
    bench.server.notify_from(bench.now, |_| Some("192.0.2.53:53".parse().unwrap()));
    bench.drain();
    let first = notified(&mut bench);
    assert_eq!(first.iter().map(|(_, serial)| *serial).collect::<Vec<_>>(), [1], "we are here");
    answer(&mut bench, first[0].0 ^ 1);
    answer(&mut bench, first[0].0);
    bench.now = bench.now.later(Duration::from_millis(20));
    bind(&mut bench, "bob.home.example", 7);
    let told = notified(&mut bench);
    assert_eq!(told.len(), 1, "at once");
    bind(&mut bench, "bob.home.example", 8);
    assert_eq!(notified(&mut bench), [], "not before it can have answered");
    let start = bench.now;
    let mut times = Vec::new();
    while let Some(at) = bench.drain() {
        bench.now = bench.now.later(at.since(bench.now.mono));
        bench.server.tick(bench.now);
        bench.drain();
        let since = bench.now.mono.since(start.mono).as_millis();
        times.extend(notified(&mut bench).into_iter().map(|(_, serial)| (since, serial)));
    }
    assert_eq!(times, [(100, 3), (1_100, 3), (3_100, 3), (7_100, 3), (15_100, 3)]);
    assert_eq!(bench.now.mono.since(start.mono), Duration::from_millis(31_100));
    assert!(matches!(bench.events.last(), Some(Event::Unnotified { serial: 3, .. })));
    bind(&mut bench, "bob.home.example", 9);
    assert_eq!(notified(&mut bench).len(), 1, "the next change is told again");
}

/// How much came out of one turn: bytes on the stream, and whether the question was answered.
fn turn(bench: &mut Bench, asked: bool) -> (usize, bool, Option<Instant>) {
    bench.sent.clear();
    if asked {
        let flow = Flow::udp("192.0.2.53:53".parse().unwrap(), CLIENT.parse().unwrap());
        let bytes = question(9, "alice.home.example", rtype::A);
        bench.server.handle(bench.now, Arrival::Datagram { flow, bytes: &bytes });
    }
    let until = bench.drain();
    let on_stream = |(flow, _): &&(Flow, Vec<u8>)| matches!(flow, Flow::Stream(_));
    let bytes = bench.sent.iter().filter(on_stream).map(|(_, bytes)| bytes.len()).sum();
    (bytes, bench.sent.iter().any(|(flow, bytes)| matches!(flow, Flow::Udp(_)) && bytes[1] == 9), until)
}

/// A zone of so many hosts, all of it being given away.
fn large(hosts: u32) -> Bench {
    let mut zone = home();
    let origin = zone.origin.clone();
    let host = |n: u32| Record {
        name: name(&format!("h{n}.home.example")),
        rtype: rtype::A,
        ttl: 60,
        rdata: (0x0a00_0000 | n).to_be_bytes().into(),
    };
    zone.records.extend((0..hosts).map(host));
    let mut bench = served();
    let mut config = ServerConfig::new(vec![zone], vec![key(), transfer_key()]);
    config.transfers =
        vec![ZoneTransfer { zone: origin, keys: vec![name("transfer.example")], secondaries: vec![] }];
    bench.server = Server::new(config).unwrap();
    let (request, _) = Message::new(7, 0, "home.example", rtype::AXFR).signed(&transfer_key(), NOON);
    let (local, remote) = ("192.0.2.53:53".parse().unwrap(), "192.0.2.66:4000".parse().unwrap());
    bench
        .server
        .handle(bench.now, Arrival::Connected { stream: STREAM, local, remote, transport: Transport::Tcp });
    bench.server.handle(bench.now, Arrival::Stream { stream: STREAM, bytes: &framed(&request) });
    bench
}

#[test]
fn while_a_zone_of_100_000_records_is_given_away_every_question_is_answered_in_its_turn() {
    let mut bench = large(100_000);
    let before = bench.server.zones().get(&name("home.example")).unwrap().records().len();
    let (start, mut turns, mut messages) = (bench.now.mono, 0_u64, Vec::new());
    loop {
        let (bytes, answered, until) = turn(&mut bench, true);
        assert!(answered && bytes < 100_000, "{bytes} bytes in one turn");
        let on_stream = bench.sent.iter().filter(|(flow, _)| matches!(flow, Flow::Stream(_)));
        messages.extend(on_stream.map(|(_, bytes)| bytes[2..].to_vec()));
        turns += 1;
        if turns == 20 {
            // Everything moves meanwhile; it is given as it was.
            for n in 0..500_u32 {
                let moved = update(1)
                    .delete(&format!("h{}.home.example", n * 199), rtype::A)
                    .add(&format!("new{n} A 192.0.2.7"));
                bench.datagram(&moved.signed(&key(), NOON).0);
            }
            bench.durable(500);
            while bench.drain().is_some_and(|at| at <= bench.now.mono) {}
            let on_stream = bench.sent.iter().filter(|(flow, _)| matches!(flow, Flow::Stream(_)));
            messages.extend(on_stream.map(|(_, bytes)| bytes[2..].to_vec()));
        }
        let soon = bench.now.mono.later(Duration::from_secs(1));
        let Some(at) = until.filter(|at| *at < soon) else { break };
        bench.now = bench.now.later(at.since(bench.now.mono));
        bench.server.tick(bench.now);
    }
    assert!(turns >= 40, "{turns} turns");
    assert!(bench.now.mono.since(start) < Duration::from_secs(1), "{:?}", bench.now.mono.since(start));
    let records = listed(&messages);
    assert_eq!((records.len(), records.first()), (before + 1, records.last()));
    assert!(!records.iter().any(|record| record.starts_with("new")), "nothing that came later");
    assert!(
        records.iter().any(|record| record == "h99500.home.example. 10.1.132.172"),
        "what went later is there"
    );
    assert!(messages.iter().all(|message| tsig::Signature::find(message).unwrap().is_some()));
}

#[test]
fn a_reader_who_does_not_read_is_waited_for() {
    let mut bench = large(20_000);
    assert!(turn(&mut bench, false).0 > 0);
    assert_eq!(bench.server.transfers().collect::<Vec<_>>(), [STREAM]);
    let later = |bench: &mut Bench| {
        bench.now = bench.now.later(Duration::from_millis(5));
        bench.server.tick(bench.now);
        turn(bench, false).0
    };
    bench.server.waits(STREAM, 300_000);
    assert_eq!([later(&mut bench), later(&mut bench)], [0, 0]);
    bench.server.waits(STREAM, 100_000);
    assert!(later(&mut bench) > 0);
    bench.handle(Arrival::Closed { stream: STREAM, by: ClosedBy::Peer });
    assert_eq!((bench.server.transfers().count(), later(&mut bench)), (0, 0), "gone with its stream");
}
