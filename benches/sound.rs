//! What does it cost to make speech longer or shorter, to mix 10 ms for each of N parties, and to hold a conference for 20 ms?
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rove_codecs::{
    Decoder as _, Encoder as _,
    opus::{OpusDecoder, OpusDecoderConfig, OpusEncoder, OpusEncoderConfig},
};
use rove_core::{
    mix::{Conference, Level, Mixer},
    playout::stretch::{Care, Stretcher},
};

fn stretch(c: &mut Criterion) {
    let mut group = c.benchmark_group("stretch");
    for rate in [8_000, 16_000, 48_000] {
        let ms = rate as usize / 1_000;
        let speech = rove_benches::voice(rate, 200 * ms);
        let mut stretcher = Stretcher::new(rate);
        for longer in [false, true] {
            let name = format!("{}/{rate}", if longer { "longer" } else { "shorter" });
            group.bench_function(name, |b| {
                b.iter_batched_ref(
                    || speech.clone(),
                    |pcm| {
                        let (pcm, care) = (black_box(pcm), Care::AnyRate);
                        if longer {
                            stretcher.lengthen(pcm, 120 * ms, 60 * ms, 20 * ms, care)
                        } else {
                            stretcher.shorten(pcm, 120 * ms, 60 * ms, 20 * ms, care)
                        }
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

/// The throughput per party shows that the work grows with the parties, not with their square.
fn mix(c: &mut Criterion) {
    const BLOCK: usize = 480;
    let mut group = c.benchmark_group("mix/10ms_48khz");
    let voice = rove_benches::voice(48_000, BLOCK);
    let mut out = [0.0; BLOCK];
    for parties in [3_usize, 10, 30, 100] {
        let mut mixer = Mixer::new(parties, BLOCK, 48_000);
        group.throughput(Throughput::Elements(parties as u64));
        group.bench_function(format!("{parties}_parties"), |b| {
            b.iter(|| {
                (0..parties).for_each(|party| mixer.say(party, black_box(&voice)));
                mixer.mix(BLOCK);
                (0..parties).for_each(|party| mixer.hear(party, &mut out));
                out[0]
            });
        });
    }
    group.finish();
    let mut level = Level::new(48_000);
    c.bench_function("level/10ms_48khz", |b| b.iter(|| level.measure(black_box(&voice))));
}

/// 20 ms of a conference in which everybody speaks and the loudest six are heard: the mixing alone, and with each party's
/// Opus decoded and encoded. A core bears as many parties as 20 ms have room for.
fn conference(c: &mut Criterion) {
    const BLOCK: usize = 960;
    let voice = rove_benches::voice(48_000, BLOCK);
    let mut out = [0.0; BLOCK];
    for (what, coded) in [("mixing", false), ("with_opus", true)] {
        let mut group = c.benchmark_group(format!("conference/20ms_48khz/{what}"));
        for parties in [3_usize, 8, 50] {
            let mut conference = Conference::new(parties, 6, BLOCK, 48_000);
            let mut legs: Vec<Leg> =
                (0..parties).map(|_| Leg::new(conference.join().expect("a seat"), &voice)).collect();
            group.throughput(Throughput::Elements(parties as u64));
            group.bench_function(format!("{parties}_parties"), |b| {
                b.iter(|| {
                    for leg in &mut legs {
                        if coded {
                            leg.decode(&mut out);
                        } else {
                            out.copy_from_slice(black_box(&voice));
                        }
                        conference.say(leg.seat, &out);
                    }
                    conference.mix(BLOCK);
                    for leg in &mut legs {
                        conference.hear(leg.seat, &mut out);
                        if coded {
                            leg.encode(&out);
                        }
                    }
                    out[0]
                });
            });
        }
        group.finish();
    }
}

/// A party on Opus.
struct Leg {
    seat: usize,
    decoder: OpusDecoder,
    encoder: OpusEncoder,
    packet: [u8; 400],
    len: usize,
}

impl Leg {
    fn new(seat: usize, voice: &[f32]) -> Self {
        let mut encoder = OpusEncoder::new(OpusEncoderConfig::default()).expect("an encoder");
        let mut packet = [0; 400];
        let len = encoder.encode(voice, &mut packet).expect("a packet");
        Self {
            seat,
            decoder: OpusDecoder::new(OpusDecoderConfig::default()).expect("a decoder"),
            encoder,
            packet,
            len,
        }
    }

    fn decode(&mut self, out: &mut [f32]) {
        self.decoder.decode(&self.packet[..self.len], out).expect("samples");
    }

    fn encode(&mut self, pcm: &[f32]) {
        let mut packet = [0; 400];
        black_box(self.encoder.encode(pcm, &mut packet).expect("a packet"));
    }
}

criterion_group!(benches, stretch, mix, conference);
criterion_main!(benches);
