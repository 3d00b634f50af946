//! What does a packet cost between its arrival and its samples: over the ring, into the window, out of a playout that need
//! not decode? And what does the ring cost per sample?
//!
//! Means by criterion, and, because a mean hides what a call hears, percentiles over a million single packets and pulls as
//! JSON on standard output.
#![allow(missing_docs, reason = "criterion's macros")]

use core::time::Duration;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, SeqNumber, Ssrc};
use rove_codecs::{CodecError, Decoder};
use rove_core::{
    jitter::{PacketSink, PacketSource, Slot, Window},
    playout::{Formats, Playout, PlayoutConfig},
    rtp::{RtpHeader, RtpView},
};
use rove_io::bridge::{latest, packet_ring, pcm_ring};

/// Packet `n` of a stream of G.711 in packets of 20 ms.
fn write(n: u32, datagram: &mut [u8; 172]) {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType::from_header(0),
        seq: SeqNumber(n as u16),
        timestamp: RtpTimestamp(n.wrapping_mul(160)),
        ssrc: Ssrc(7),
    };
    _ = header.write(datagram);
}

fn arrival(n: u32) -> Instant {
    Instant::from_nanos(u64::from(n) * 20_000_000)
}

/// Counts its samples and leaves them as they are: what remains is the playout's own cost.
struct Free;

impl Decoder for Free {
    fn sample_rate(&self) -> u32 {
        8_000
    }
    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        Ok(payload.len())
    }
    fn decode(&mut self, payload: &[u8], _: &mut [f32]) -> Result<usize, CodecError> {
        Ok(payload.len())
    }
    fn conceal(&mut self, _: &mut [f32]) {}
    fn reset(&mut self) {}
}

fn window(c: &mut Criterion) {
    let mut group = c.benchmark_group("jitter/window");
    group.throughput(Throughput::Elements(1));
    let mut datagram = [0x55; 172];
    write(0, &mut datagram);
    let Some(slot) = RtpView::parse(&datagram).ok().and_then(|packet| Slot::new(arrival(0), &packet)) else {
        return;
    };
    for (name, order) in [("in_order", [0_u16, 0, 0, 0]), ("reordered", [3, 1, 0xffff, 0xfffd])] {
        group.bench_function(format!("accept_and_pass/{name}"), |b| {
            let (mut window, mut slot, mut n) = (Window::new(128), slot.clone(), 0_u16);
            b.iter(|| {
                n = n.wrapping_add(1);
                slot.seq = SeqNumber(n.wrapping_add(order[usize::from(n % 4)]));
                let verdict = window.accept(black_box(&slot));
                if window.len() > 4 {
                    window.pass();
                }
                verdict
            });
        });
    }
    group.finish();
}

fn playout(c: &mut Criterion) {
    let mut group = c.benchmark_group("jitter/playout");
    group.throughput(Throughput::Elements(1));
    for (name, lost_every) in [("all_arrive", u32::MAX), ("a_tenth_lost", 10)] {
        group.bench_function(format!("packet_in_pull_without_decoding/{name}"), |b| {
            let (mut tx, rx) = packet_ring(64);
            let mut playout = Playout::new(
                rx,
                Box::new(Free),
                Formats::speech(PayloadType::from_header(0), ClockRate::TELEPHONE),
                PlayoutConfig::default(),
            );
            let (mut out, mut datagram, mut n) = ([0.0; 160], [0x55; 172], 0_u32);
            b.iter(|| {
                n = n.wrapping_add(1);
                write(n, &mut datagram);
                if n % lost_every != 0
                    && let Ok(packet) = RtpView::parse(&datagram)
                {
                    _ = tx.push(arrival(n), &packet);
                }
                playout.pull(arrival(n) + Duration::from_millis(1), black_box(&mut out));
            });
        });
    }
    group.finish();
}

fn rings(c: &mut Criterion) {
    let mut group = c.benchmark_group("jitter/ring");
    let mut datagram = [0x55; 172];
    write(0, &mut datagram);
    let Ok(packet) = RtpView::parse(&datagram) else { return };
    group.throughput(Throughput::Elements(1));
    group.bench_function("packet_push_and_drain", |b| {
        let (mut tx, mut rx) = packet_ring(64);
        b.iter(|| {
            let pushed = tx.push(arrival(1), black_box(&packet));
            rx.drain(|slot| _ = black_box(slot.seq));
            pushed
        });
    });
    group.bench_function("latest_set_and_get", |b| {
        let (mut tx, mut rx) = latest([0_u64; 16]);
        b.iter(|| {
            tx.set(black_box([1; 16]));
            rx.get()
        });
    });
    group.throughput(Throughput::Elements(480));
    group.bench_function("pcm_10ms_push_and_read", |b| {
        let (mut tx, mut rx) = pcm_ring(9_600);
        let block = [0.1; 480];
        b.iter(|| {
            let pushed = tx.push(arrival(1), black_box(&block));
            rx.read(|captured| _ = black_box(captured));
            pushed
        });
    });
    group.finish();
}

/// Percentiles of single operations: a packet inserted, and 10 ms pulled without decoding, in the order of a call. On a busy
/// machine the highest are of whatever interrupted.
fn percentiles(_: &mut Criterion) {
    for (name, lost_every) in [("all_arrive", u32::MAX), ("a_tenth_lost", 10)] {
        let (mut insert, mut pull) = (Vec::with_capacity(PACKETS), Vec::with_capacity(2 * PACKETS));
        call(lost_every, &mut insert, &mut pull);
        let overhead = clock_overhead();
        for (what, nanos) in [("insert", &mut insert), ("pull_10ms", &mut pull)] {
            nanos.sort_unstable();
            let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize].saturating_sub(overhead);
            println!(
                r#"{{"bench": "jitter/{what}/{name}", "operations": {}, "p50_ns": {}, "p99_ns": {}, "p99.9_ns": {}, "clock_ns": {overhead}}}"#,
                nanos.len(),
                at(0.5),
                at(0.99),
                at(0.999),
            );
        }
    }
}

/// A call of [`PACKETS`] packets of 20 ms with jitter of up to 15 ms, timing each insertion and each pull of 10 ms.
fn call(lost_every: u32, insert: &mut Vec<u64>, pull: &mut Vec<u64>) {
    let (mut tx, rx) = packet_ring(64);
    let formats = Formats::speech(PayloadType::from_header(0), ClockRate::TELEPHONE);
    let mut playout = Playout::new(rx, Box::new(Free), formats, PlayoutConfig::default());
    let (mut out, mut datagram) = ([0.0; 80], [0x55; 172]);
    for n in 1..=PACKETS as u32 {
        write(n, &mut datagram);
        let came = arrival(n) + Duration::from_millis(u64::from(n.wrapping_mul(0x9e37_79b9) >> 28));
        for half in 0..2 {
            let now = arrival(n) + Duration::from_millis(16 + 10 * half);
            if half == 0
                && n % lost_every != 0
                && let Ok(packet) = RtpView::parse(&datagram)
            {
                let began = std::time::Instant::now();
                let pushed = tx.push(came, black_box(&packet));
                insert.push(began.elapsed().as_nanos() as u64);
                assert!(pushed, "the playout keeps up");
            }
            let began = std::time::Instant::now();
            playout.pull(now, black_box(&mut out));
            pull.push(began.elapsed().as_nanos() as u64);
        }
    }
}

/// What reading the clock twice takes by itself, which is in every single measurement.
fn clock_overhead() -> u64 {
    let mut nanos: Vec<u64> = (0..100_000)
        .map(|_| {
            let began = std::time::Instant::now();
            black_box(());
            began.elapsed().as_nanos() as u64
        })
        .collect();
    nanos.sort_unstable();
    nanos[nanos.len() / 2]
}

const PACKETS: usize = 1_000_000;

criterion_group!(benches, window, playout, rings, percentiles);
criterion_main!(benches);
