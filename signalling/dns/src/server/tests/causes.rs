//! Every cause of refusal is provoked and counted under its name.

use rove_base::Entropy;

use super::*;
use crate::{
    tsig::{Scope, TsigKey},
    update::OwnSet,
    wire::class,
};

/// A key for one name, another for addresses, and who may have the zone.
fn bench() -> Bench {
    let mut bench = Bench::new();
    let mut config = config();
    config.keys.push(narrow().allowing(name("sub.home.example")));
    config.keys.push(addresses().allowing_only(Scope::below(name("home.example")).types([rtype::A])));
    bench.server = Server::new(config).unwrap();
    bench
}

fn narrow() -> TsigKey {
    TsigKey::from_base64("narrow", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=").unwrap()
}

fn addresses() -> TsigKey {
    TsigKey::from_base64("addresses", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=").unwrap()
}

fn good() -> Message {
    update(1).add("bob A 192.0.2.7")
}

/// A signed update whose MAC has that many bytes less.
fn cut(less: u8) -> Vec<u8> {
    let mut message = good().signed(&key(), NOON).0;
    // The end of a TSIG: 2 bytes of MAC size, 32 of MAC, 6 of the rest; 61 bytes of RDATA in all, their length before.
    let end = message.len();
    message[end - 62] -= less;
    message[end - 39] -= less;
    message.drain(end - 6 - usize::from(less)..end - 6);
    message
}

fn send(bench: &mut Bench, bytes: &[u8]) {
    bench.datagram(bytes);
}

fn signed(bench: &mut Bench, message: &Message) {
    send(bench, &message.signed(&key(), NOON).0);
}

/// Asks for a zone on so many streams at once.
fn transfers(streams: u64) -> Bench {
    let mut bench = transfers::served();
    let (local, remote) = ("192.0.2.53:53".parse().unwrap(), "192.0.2.66:4000".parse().unwrap());
    let axfr = framed(&Message::new(9, 0, "home.example", rtype::AXFR).bytes);
    for stream in (1..=streams).map(|n| StreamId(2 * n + 1)) {
        let transport = Transport::Tcp;
        bench.server.handle(bench.now, Arrival::Connected { stream, local, remote, transport });
        bench.server.handle(bench.now, Arrival::Stream { stream, bytes: &axfr });
    }
    bench
}

/// What provokes a cause.
type Provoke = fn(&mut Bench);

const TABLE: &[(&str, Provoke)] = &[
    ("malformed", |bench| {
        bench.datagram(&[0, 1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0]).unwrap();
    }),
    ("not supported", |bench| send(bench, &Message::new(1, 0x0800, "alice.home.example", rtype::A).bytes)),
    ("rate", |bench| {
        let config = ServerConfig { rate: Some(RateLimit::new(1)), ..config() };
        bench.server = Server::new(config).unwrap().with_entropy(Entropy::from_number(1));
        while bench.server.counts().of("rate") == 0 {
            send(bench, &question(1, "alice.home.example", rtype::A));
        }
    }),
    ("not signed", |bench| send(bench, &good().bytes)),
    ("malformed signature", |bench| send(bench, &cut(17))),
    ("truncated signature", |bench| send(bench, &cut(16))),
    ("unknown key", |bench| {
        let stranger = TsigKey::from_base64("stranger", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=").unwrap();
        send(bench, &good().signed(&stranger, NOON).0);
    }),
    ("bad signature", |bench| {
        let impostor = TsigKey::from_base64("update.home.example", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=").unwrap();
        send(bench, &good().signed(&impostor, NOON).0);
    }),
    ("bad time", |bench| {
        let late = rove_base::UnixTime::from_secs(NOON.as_secs() - 301);
        send(bench, &good().signed(&key(), late).0);
    }),
    ("repeat", |bench| {
        signed(bench, &good());
        bench.durable(1);
        signed(bench, &good());
    }),
    ("not our zone", |bench| signed(bench, &Message::new(1, 0x2800, "example.net", rtype::SOA))),
    ("name of another zone", |bench| signed(bench, &update(1).add("bob.example. A 192.0.2.7"))),
    ("prerequisite", |bench| {
        signed(bench, &update(1).record(1, "alice.home.example", rtype::A, class::NONE, 0, &[]));
    }),
    ("name out of scope", |bench| send(bench, &good().signed(&narrow(), NOON).0)),
    ("type out of scope", |bench| {
        send(bench, &update(1).add("bob TXT \"x\"").signed(&addresses(), NOON).0);
    }),
    ("alias", |bench| {
        let sets = OwnSet::addresses(&name("www.home.example"), 5, &["192.0.2.7".parse().unwrap()]);
        bench.server.stage_own(&sets).unwrap_err();
    }),
    ("too large", |bench| {
        let one = |n: u32| OwnSet::a(name(&format!("h{n}.home.example")), 5, [[192, 0, 2, 7].into()]);
        let sets: Vec<_> = (0..60_000).map(one).collect();
        bench.server.stage_own(&sets).unwrap_err();
    }),
    ("no room", |bench| {
        for third in 0..6_u8 {
            let add = |message: Message, last: u8| message.add(&format!("many A 10.0.{third}.{last}"));
            signed(bench, &(0..200).fold(update(third.into()), add));
        }
    }),
    ("busy", |bench| {
        let flow = Flow::udp("192.0.2.53:53".parse().unwrap(), CLIENT.parse().unwrap());
        let large = [good().bytes, vec![0; 60_000]].concat();
        for _ in 0..300 {
            bench.server.handle(bench.now, Arrival::Datagram { flow, bytes: &large });
            if bench.server.counts().of("busy") > 0 {
                break;
            }
        }
    }),
    ("no journal", |bench| {
        bench.server.journal_failed(bench.now);
        signed(bench, &good());
    }),
    ("transfer", |bench| send(bench, &Message::new(9, 0, "home.example", rtype::AXFR).bytes)),
    ("transfer busy", |bench| *bench = transfers(5)),
];

#[test]
fn every_cause_that_the_server_refuses_for_is_provoked_and_counted_once_under_its_name() {
    for (cause, provoke) in TABLE {
        let mut bench = bench();
        provoke(&mut bench);
        let counted: Vec<_> = bench.server.counts().iter().collect();
        assert_eq!(counted, [(*cause, 1)]);
    }
    for (cause, _) in Bench::new().server.counts().all() {
        assert!(TABLE.iter().any(|(known, _)| *known == cause), "nobody has provoked {cause:?}");
    }
}

/// The words of `fn cause` in a source.
fn words(source: &str) -> Vec<&str> {
    let (_, from) = source.split_once("fn cause(").expect("it tells its causes");
    let (body, _) = from.split_once("\n    }\n").expect("which end");
    body.split('"').skip(1).step_by(2).collect()
}

#[test]
fn every_word_by_which_a_refusal_is_counted_is_in_the_list_of_causes() {
    let sources = [
        include_str!("../refusal.rs"),
        include_str!("../request.rs"),
        include_str!("../../update/mod.rs"),
        include_str!("../../tsig/mod.rs"),
    ];
    let server = include_str!("../mod.rs").split("refused(\"").skip(1);
    let said = server.filter_map(|rest| rest.split('"').next());
    let known: Vec<_> = Bench::new().server.counts().all().map(|(cause, _)| cause).collect();
    for word in sources.into_iter().flat_map(words).chain(said) {
        // That is said to clients alone.
        assert!(known.contains(&word) || word == "answered with an error", "{word:?}");
    }
}
