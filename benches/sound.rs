//! What does it cost to make speech longer or shorter, and to mix 10 ms for each of N parties?
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rove_core::{
    mix::{Level, Mixer},
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

criterion_group!(benches, stretch, mix);
criterion_main!(benches);
