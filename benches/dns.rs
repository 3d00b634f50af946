//! What a name server does with a datagram: one question answered, one signed update verified and applied.
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench")]

use std::{fmt::Write as _, hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{Arrival, Flow, Instant, Machine as _, Now, Scratch, Step, Ticket, UnixTime};
use rove_dns::{
    server::{Server, ServerConfig},
    tsig::{TsigKey, sign},
    wire::Name,
    zones::{Record, ZoneConfig},
};

const NOW: Now = Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_700_000_000) };
const HOSTS: u32 = 10_000;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn key() -> TsigKey {
    let key =
        TsigKey::from_base64("update.home.example", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=").unwrap();
    key.allowing(name("home.example"))
}

/// A server with ten thousand hosts in one zone.
fn server() -> Server {
    let origin = name("home.example");
    let mut line = String::new();
    let record = |host: u32| {
        line.clear();
        let _ = write!(line, "host{host} A 10.{}.{}.1", host >> 8, host & 0xff);
        Record::parse(&line, &origin, 60).unwrap()
    };
    let zone = ZoneConfig {
        primary: name("ns.home.example"),
        hostmaster: name("hostmaster.home.example"),
        ttl: 60,
        negative_ttl: 15,
        records: (0..HOSTS).map(record).collect(),
        origin: origin.clone(),
    };
    Server::new(ServerConfig::new(vec![zone], vec![key()])).unwrap()
}

fn question(asked: &str, rtype: u16) -> Vec<u8> {
    let mut message = [7, 0x0100, 1, 0, 0, 0].map(u16::to_be_bytes).concat();
    message.extend_from_slice(name(asked).as_wire());
    message.extend_from_slice(&[rtype.to_be_bytes(), [0, 1]].concat());
    message
}

/// A clock that passes a second every ten thousand updates.
fn time(number: u32) -> Now {
    NOW.later(Duration::from_secs(u64::from(number / 10_000)))
}

/// Moves one host: its addresses deleted, another added. No two are the same.
fn update(number: u32) -> Vec<u8> {
    let [_, wrap, id @ ..] = number.to_be_bytes();
    let mut message = [u16::from_be_bytes(id), 0x2800, 1, 0, 2, 0].map(u16::to_be_bytes).concat();
    message.extend_from_slice(name("home.example").as_wire());
    message.extend_from_slice(&[0, 6, 0, 1]);
    let host = name(&format!("host{}.home.example", number % HOSTS));
    message.extend_from_slice(host.as_wire());
    message.extend_from_slice(&[0, 1, 0, 255, 0, 0, 0, 0, 0, 0]);
    message.extend_from_slice(host.as_wire());
    message.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 172, wrap, id[0], id[1]]);
    sign(&mut message, &key(), time(number).wall, None);
    message
}

/// Hands a datagram over and drains; answers the bytes sent.
fn deliver(
    server: &mut Server,
    scratch: &mut Scratch,
    now: Now,
    input: Arrival<'_>,
) -> (usize, Option<Ticket>) {
    scratch.clear();
    server.handle(now, input);
    let (mut sent, mut newest) = (0, None);
    loop {
        match server.poll(scratch) {
            Step::Send(transmit) => sent += transmit.range.len(),
            Step::Append(append) => newest = Some(append.ticket),
            Step::Wait(_) => return (sent, newest),
            _ => {}
        }
    }
}

fn datagram(bytes: &[u8]) -> Arrival<'_> {
    let (server, client) = (([127, 0, 0, 1], 53).into(), ([127, 0, 0, 1], 4_000).into());
    Arrival::Datagram { flow: Flow::udp(server, client), bytes }
}

fn names(c: &mut Criterion) {
    let (mut server, mut scratch) = (server(), Scratch::with_capacity(4_096));
    let mut group = c.benchmark_group("dns/server");
    group.throughput(Throughput::Elements(1));
    let questions =
        [("question_answered", "host4711.home.example"), ("question_denied", "nobody.home.example")];
    for (what, asked) in questions {
        let bytes = question(asked, 1);
        group.bench_function(what, |b| {
            b.iter(|| deliver(&mut server, &mut scratch, NOW, datagram(black_box(&bytes))).0);
        });
    }
    let mut number = 0;
    let mut next = || {
        number += 1;
        (time(number), update(number))
    };
    group.bench_function("update_verified_and_applied", |b| {
        b.iter_batched(
            &mut next,
            |(now, bytes)| {
                let (_, ticket) = deliver(&mut server, &mut scratch, now, datagram(&bytes));
                let ticket = ticket.expect("the update is accepted");
                deliver(&mut server, &mut scratch, now, Arrival::Durable { ticket }).0
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, names);
criterion_main!(benches);
