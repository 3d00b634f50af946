//! What does protection add to a packet of 20 ms of G.711, 172 bytes: AES-128-GCM ≤ 200 ns, AES-CM-SHA1-80 ≤ 500 ns?
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{PayloadType, RtpTimestamp, SeqNumber, Ssrc};
use rove_core::{
    rtp::RtpHeader,
    srtp::{MasterKey, Profile, SrtpContext},
};

const PACKET: usize = 172;

fn context(profile: Profile) -> SrtpContext {
    let master = MasterKey::new(profile, &[1; 32][..profile.key_len()], &[2; 14][..profile.salt_len()]);
    SrtpContext::new(profile, &master.unwrap()).unwrap()
}

fn packet(seq: u16) -> [u8; PACKET + 16] {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType::from_header(0),
        seq: SeqNumber(seq),
        timestamp: RtpTimestamp(960),
        ssrc: Ssrc(0xdead_beef),
    };
    let mut bytes = [0x55; PACKET + 16];
    _ = header.write(&mut bytes);
    bytes
}

fn media(c: &mut Criterion) {
    let mut group = c.benchmark_group("srtp");
    group.throughput(Throughput::Bytes(PACKET as u64));
    let profiles = [
        Profile::AesCm128HmacSha1_80,
        Profile::AesCm128HmacSha1_32,
        Profile::AeadAes128Gcm,
        Profile::AeadAes256Gcm,
    ];
    for profile in profiles {
        group.bench_function(BenchmarkId::new("protect", format!("{profile:?}")), |b| {
            let (mut sender, mut seq, mut bytes) = (context(profile), 0_u16, packet(0));
            b.iter(|| {
                seq = seq.wrapping_add(1);
                bytes[2..4].copy_from_slice(&seq.to_be_bytes());
                sender.protect_rtp(black_box(&mut bytes), PACKET)
            });
        });
        group.bench_function(BenchmarkId::new("unprotect", format!("{profile:?}")), |b| {
            let (mut sender, mut receiver, mut seq) = (context(profile), context(profile), 0_u16);
            b.iter_batched(
                || {
                    seq = seq.wrapping_add(1);
                    let mut bytes = packet(seq);
                    let len = sender.protect_rtp(&mut bytes, PACKET);
                    (bytes, len.unwrap())
                },
                |(mut bytes, len)| receiver.unprotect_rtp(black_box(&mut bytes[..len])),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, media);
criterion_main!(benches);
