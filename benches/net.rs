//! What one packet of voice costs on its way through the kernel: batches against single calls.
//!
//! The unit of work is one datagram of 172 bytes (12 of RTP, 160 of G.711: 20 ms) over the loopback; a batch is 32 of
//! them. Times are CPU time of the thread, so that they hold on a busy machine too. On the loopback the kernel does most of
//! the receiver's work inside the sender's call.
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a bench without a loopback has nothing to say")]

use std::{hint::black_box, net::UdpSocket as PlainSocket, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{Dscp, Flow, Instant, Scratch, Transmit};
use rove_io::{
    Clock,
    net::{BATCH, RecvBatch, SendBatch, UdpSocket},
};
use rustix::time::{ClockId, clock_gettime};

/// CPU time that this thread has used.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

const DATAGRAM: [u8; 172] = [0x80; 172];

fn local() -> UdpSocket {
    UdpSocket::bind(([127, 0, 0, 1], 0).into()).unwrap()
}

/// Fills `batch` with a full batch from `from` to `to`.
fn fill(batch: &mut SendBatch, scratch: &mut Scratch, from: &UdpSocket, to: &UdpSocket) {
    scratch.clear();
    let flow = Flow::udp(from.local_addr(), to.local_addr());
    for _ in 0..BATCH {
        let range = scratch.push(&DATAGRAM);
        assert!(batch.push(Transmit { flow, range, dscp: Dscp::EF }));
    }
}

/// Sending alone: what arrives is thrown away by a receiver whose buffer stays full.
fn send(c: &mut Criterion) {
    let mut group = c.benchmark_group("net/send");
    group.throughput(Throughput::Elements(BATCH as u64));
    let (from, to) = (local(), local());
    let (mut batch, mut scratch) = (SendBatch::new(BATCH), Scratch::with_capacity(BATCH * DATAGRAM.len()));
    group.bench_function("sendmmsg_32_marked", |b| {
        b.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                fill(&mut batch, &mut scratch, &from, &to);
                let start = cpu_time();
                batch.flush(&scratch, |_| Some(&from));
                spent += cpu_time() - start;
            }
            spent
        });
    });
    let plain = PlainSocket::bind("127.0.0.1:0").unwrap();
    group.bench_function("sendto_one_by_one", |b| {
        b.iter_custom(|rounds| {
            let start = cpu_time();
            for _ in 0..rounds * BATCH as u64 {
                let _ = black_box(plain.send_to(&DATAGRAM, to.local_addr()));
            }
            cpu_time() - start
        });
    });
    group.finish();
}

/// Receiving alone: the batch is sent outside of the measurement.
fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("net/receive");
    group.throughput(Throughput::Elements(BATCH as u64));
    let (from, to, clock) = (local(), local(), Clock::new());
    let (mut out, mut scratch) = (SendBatch::new(BATCH), Scratch::with_capacity(BATCH * DATAGRAM.len()));
    let mut batch = RecvBatch::new(BATCH, 2_048);
    group.bench_function("recvmmsg_32_stamped", |b| {
        b.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                fill(&mut out, &mut scratch, &from, &to);
                out.flush(&scratch, |_| Some(&from));
                let start = cpu_time();
                let mut newest = Instant::ZERO;
                let count = batch.recv(&to, clock, |received| newest = newest.max(received.arrived));
                spent += cpu_time() - start;
                black_box(newest);
                assert_eq!(count.unwrap(), BATCH);
            }
            spent
        });
    });
    let plain = PlainSocket::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    group.bench_function("recvfrom_one_by_one", |b| {
        b.iter_custom(|rounds| {
            let (mut spent, mut buffer) = (Duration::ZERO, [0; 2_048]);
            for _ in 0..rounds {
                for _ in 0..BATCH {
                    plain.send_to(&DATAGRAM, address).unwrap();
                }
                let start = cpu_time();
                for _ in 0..BATCH {
                    black_box(plain.recv_from(&mut buffer).unwrap());
                }
                spent += cpu_time() - start;
            }
            spent
        });
    });
    group.finish();
}

criterion_group!(benches, send, receive);
criterion_main!(benches);
