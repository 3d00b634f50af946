//! What does watching a call's way cost: one packet heard, in peace and while packets come by two routes?
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a bench")]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{
    ClockRate, CodecId, CodecPlan, Instant, MediaPlan, PayloadType, Route, RouteId, RouteKind, RtpTimestamp,
    SeqNumber, UdpFlow,
};
use rove_core::{
    path::Path,
    reroute::{Guard, Heard, Say, Word},
};

fn path() -> Path {
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
    let mut plan = MediaPlan::builder(codec, "name");
    for (id, kind) in [RouteKind::Direct, RouteKind::Other, RouteKind::Relay].into_iter().enumerate() {
        let at = |host: u8| ([192, 0, 2, host], 4_000 + 2 * id as u16).into();
        let rtp = UdpFlow { local: at(1), remote: at(2) };
        plan = plan.route(Route { id: RouteId(id as u32), kind, rtp, rtcp: rtp });
    }
    Path::new(&plan.build().unwrap()).unwrap()
}

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("reroute");
    group.throughput(Throughput::Elements(1));
    let path = path();
    for (name, ways) in [("calm", 1), ("by_two_routes", 2)] {
        let mut guard = Guard::new(Instant::ZERO, ClockRate::TELEPHONE);
        guard.on_word(Instant::ZERO, RouteId(0), Word { say: Say::Hello, number: 0 });
        let (mut now, mut number) = (Instant::ZERO, 0_u16);
        group.bench_function(format!("heard/{name}"), |b| {
            b.iter(|| {
                now += Duration::from_millis(20);
                number = number.wrapping_add(1);
                for by in 0..ways {
                    let timestamp = RtpTimestamp(160 * u32::from(number));
                    let heard = Heard { by: RouteId(by), seq: SeqNumber(number), timestamp, at: now };
                    guard.heard(black_box(&heard), &path);
                }
                guard.tick(now, &path);
                while let Some(word) = guard.next_word() {
                    black_box(word);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, packets);
criterion_main!(benches);
