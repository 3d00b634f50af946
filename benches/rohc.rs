//! What does header compression cost: one packet of 20 ms made smaller, the same packet given back, and both by whole ends of a link?
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench")]

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{Instant, Machine as _, Now, Scratch, Step, UnixTime};
use rove_rohc::{
    Compressor, Config, Decompressor, Mode, RtpFlow,
    link::{Link, LinkConfig, LinkEvent, LinkInput, Terms},
};

/// IP packets of a voice stream without pauses, 40 bytes of payload each.
fn stream(from: &str, to: &str) -> Vec<Vec<u8>> {
    let flow = RtpFlow::new(from.parse().expect("an address"), to.parse().expect("an address"));
    let flow = flow.expect("addresses of one kind");
    let packet = |n: u16| {
        let mut rtp = vec![0x80, 111];
        rtp.extend_from_slice(&n.to_be_bytes());
        rtp.extend_from_slice(&(u32::from(n) * 960).to_be_bytes());
        rtp.extend_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
        rtp.resize(52, 0x55);
        let mut packet = Vec::new();
        flow.packet(&rtp, &mut packet).expect("RTP");
        packet
    };
    (0..60_000).map(packet).collect()
}

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("rohc");
    group.throughput(Throughput::Elements(1));
    for (name, from, to) in
        [("ipv4", "192.0.2.1:4000", "192.0.2.2:5000"), ("ipv6", "[2001:db8::1]:4000", "[2001:db8::2]:5000")]
    {
        let stream = stream(from, to);
        let config = Config::default();
        let mut compressor = Compressor::new(config);
        let mut next = stream.iter().cycle();
        let mut wire = Vec::with_capacity(200);
        group.bench_function(format!("compress/{name}"), |b| {
            b.iter(|| next.next().map(|packet| compressor.compress(black_box(packet), &mut wire)));
        });
        let mut compressor = Compressor::new(config);
        let wires: Vec<Vec<u8>> = stream
            .iter()
            .map(|packet| {
                let mut wire = Vec::new();
                compressor.compress(packet, &mut wire).expect("an IP packet");
                wire
            })
            .collect();
        let mut out = Vec::with_capacity(200);
        group.bench_function(format!("decompress_1000/{name}"), |b| {
            b.iter_batched_ref(
                || Decompressor::new(config.cids, Mode::Unidirectional),
                |decompressor| {
                    wires
                        .iter()
                        .take(1_000)
                        .filter(|wire| decompressor.decompress(black_box(wire), &mut out).is_ok())
                        .count()
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Both ends of a link, between which frames take no time.
struct Ends {
    links: [Link; 2],
    scratches: [Scratch; 2],
    now: Instant,
    delivered: u64,
}

impl Ends {
    /// Both agree.
    fn new() -> Self {
        let terms = Terms::with_flows(15);
        let config = LinkConfig { terms, loss_run: 13, renumber: true, drop_checksums: false, shortest: 0 };
        let links = [1, 2].map(|instance| Link::new(config, instance));
        let scratches = [0, 1].map(|_| Scratch::with_capacity(4_096));
        let mut ends = Self { links, scratches, now: Instant::ZERO, delivered: 0 };
        for _ in 0..3 {
            let now = ends.wall();
            ends.links.iter_mut().for_each(|link| link.tick(now));
            ends.settle();
            ends.now += Duration::from_millis(100);
        }
        assert!(ends.links[0].agreed().is_some());
        ends
    }

    fn wall(&self) -> Now {
        Now { mono: self.now, wall: UnixTime::default() }
    }

    fn send(&mut self, packet: &[u8]) {
        self.now += Duration::from_millis(20);
        let now = self.wall();
        self.links[0].handle(now, LinkInput::Packet(packet));
        self.settle();
    }

    fn settle(&mut self) {
        let now = self.wall();
        let [one, other] = &mut self.links;
        let [first, second] = &mut self.scratches;
        while carry(now, one, other, first, &mut self.delivered)
            | carry(now, other, one, second, &mut self.delivered)
        {}
    }
}

/// Hands one end's frames to the other; whether there were any.
fn carry(now: Now, from: &mut Link, to: &mut Link, scratch: &mut Scratch, delivered: &mut u64) -> bool {
    let mut any = false;
    loop {
        match from.poll(scratch) {
            Step::Event(LinkEvent::Send { kind, range }) => {
                to.handle(now, LinkInput::Frame(kind, scratch.get(range)));
                any = true;
            }
            Step::Event(LinkEvent::Deliver { .. }) => *delivered += 1,
            Step::Wait(_) => break,
            _ => {}
        }
    }
    scratch.clear();
    any
}

fn ends(c: &mut Criterion) {
    let stream = stream("192.0.2.1:4000", "192.0.2.2:5000");
    let mut next = stream.iter().cycle();
    let mut ends = Ends::new();
    let mut group = c.benchmark_group("rohc");
    group.throughput(Throughput::Elements(1));
    group.bench_function("over_a_link_of_two_ends/ipv4", |b| {
        b.iter(|| next.next().map(|packet| ends.send(black_box(packet))));
    });
    group.finish();
    assert!(ends.delivered > 0);
}

criterion_group!(benches, packets, ends);
criterion_main!(benches);
