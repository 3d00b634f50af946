//! What do the packages that were asked for cost on the hot path, beside what does the work there?

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringbuf::traits::{Consumer, Producer, Split};
use rove_core::rtp::RtpView;
use rtc_rtp::packet::Packet;
use rtc_shared::marshal::Unmarshal;

/// One packet of 20 ms of G.711, or about that of Opus at 64 kb/s.
const PAYLOAD: usize = 160;

fn rtp(c: &mut Criterion) {
    let mut datagram = vec![0x55; 12 + PAYLOAD];
    datagram[..12].copy_from_slice(&[0x80, 96, 0x12, 0x34, 0, 0, 3, 0xc0, 0xde, 0xad, 0xbe, 0xef]);
    let mut group = c.benchmark_group("rivals/rtp_parse");
    group.throughput(Throughput::Bytes(datagram.len() as u64));
    group.bench_function("ours", |b| {
        b.iter(|| RtpView::parse(black_box(&datagram)).map(|view| (view.seq(), view.payload().len())));
    });
    group.bench_function("rtc-rtp", |b| {
        b.iter(|| {
            let packet = Packet::unmarshal(&mut black_box(datagram.as_slice()));
            packet.map(|packet| (packet.header.sequence_number, packet.payload.len()))
        });
    });
    group.finish();
}

fn sip(c: &mut Criterion) {
    let mut group = c.benchmark_group("rivals/sip_parse");
    group.throughput(Throughput::Bytes(rivals::INVITE.len() as u64));
    group.bench_function("ours", |b| b.iter(|| rivals::ours(black_box(rivals::INVITE))));
    let mut table = rove_sip::message::HeaderTable::new();
    group.bench_function("ours/view", |b| b.iter(|| rivals::view(black_box(rivals::INVITE), &mut table)));
    group.bench_function("rsipstack", |b| b.iter(|| rivals::rsipstack(black_box(rivals::INVITE))));
    group.bench_function("rsip", |b| b.iter(|| rivals::rsip(black_box(rivals::INVITE))));
    group.finish();
}

fn ring(c: &mut Criterion) {
    let mut group = c.benchmark_group("rivals/ring");
    group.throughput(Throughput::Elements(1));
    let (mut tx, mut rx) = ringbuf::HeapRb::<[u8; PAYLOAD]>::new(64).split();
    group.bench_function("ringbuf/item", |b| {
        b.iter(|| {
            let _ = tx.try_push(black_box([7; PAYLOAD]));
            rx.try_pop()
        });
    });
    let (mut tx, mut rx) = rtrb::RingBuffer::<[u8; PAYLOAD]>::new(64);
    group.bench_function("rtrb/item", |b| {
        b.iter(|| {
            let _ = tx.push(black_box([7; PAYLOAD]));
            rx.pop()
        });
    });
    group.finish();
}

criterion_group!(benches, rtp, sip, ring);
criterion_main!(benches);
