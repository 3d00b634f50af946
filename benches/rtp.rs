//! What does a packet cost before and after its codec: header written, datagram told apart, parsed and counted?
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, SeqNumber, Ssrc};
use rove_core::{
    demux,
    quality::ReceiveStats,
    rtcp::{self, ReportBlock},
    rtp::{RtpHeader, RtpView},
};

const HEADER: RtpHeader = RtpHeader {
    marker: false,
    payload_type: PayloadType::from_header(111),
    seq: SeqNumber(0x1234),
    timestamp: RtpTimestamp(960),
    ssrc: Ssrc(0xdead_beef),
};

/// A datagram with `payload` bytes behind its header.
fn datagram(payload: usize) -> Vec<u8> {
    let mut bytes = vec![0x55; 12 + payload];
    _ = HEADER.write(&mut bytes);
    bytes
}

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("rtp");
    for (name, payload) in [("opus_20ms_32kbps", 80), ("g711_20ms", 160)] {
        let mut bytes = datagram(payload);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("parse/{name}"), |b| {
            b.iter(|| RtpView::parse(black_box(&bytes)).map(|view| (view.seq(), view.payload().len())));
        });
        group.bench_function(format!("demux_and_parse/{name}"), |b| {
            b.iter(|| (demux::kind(black_box(&bytes)), RtpView::parse(&bytes).map(|view| view.timestamp())));
        });
        group.bench_function(format!("write/{name}"), |b| {
            b.iter(|| black_box(HEADER).write(black_box(&mut bytes)));
        });
    }
    group.finish();
}

fn statistics(c: &mut Criterion) {
    let mut group = c.benchmark_group("quality");
    group.throughput(Throughput::Elements(1));
    group.bench_function("on_packet", |b| {
        let mut stats = ReceiveStats::new(ClockRate::OPUS);
        let mut n = 0_u32;
        b.iter(|| {
            n = n.wrapping_add(1);
            let arrived = Instant::from_nanos(u64::from(n) * 20_000_000);
            stats.on_packet(black_box(arrived), SeqNumber(n as u16), RtpTimestamp(n.wrapping_mul(960)))
        });
    });
    group.finish();
}

fn reports(c: &mut Criterion) {
    let mut group = c.benchmark_group("rtcp");
    let mut bytes = Vec::with_capacity(512);
    let block = ReportBlock { ssrc: Ssrc(7), ..ReportBlock::default() };
    rtcp::write_report(&mut bytes, Ssrc(1), None, &[block], "alice@home.example");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("parse/rr_sdes", |b| {
        b.iter(|| rtcp::parse(black_box(&bytes)).map(|compound| compound.packets().count()));
    });
    group.bench_function("write/rr_sdes", |b| {
        b.iter(|| {
            bytes.clear();
            rtcp::write_report(&mut bytes, Ssrc(1), None, black_box(&[block]), "alice@home.example");
        });
    });
    group.finish();
}

criterion_group!(benches, packets, statistics, reports);
criterion_main!(benches);
