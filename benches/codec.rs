//! What does 20 ms of speech cost in each codec: encoded, decoded, concealed or recovered when it was lost? And does the worst
//! frame of a loss fit into a quarter of an audio callback of 10 ms?
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_codecs::{
    Decoder, Encoder, Redundancy,
    g711::{PcmaDecoder, PcmaEncoder, PcmuDecoder, PcmuEncoder},
    g722::{G722Decoder, G722Encoder},
    l16::{L16Decoder, L16Encoder},
    opus::{OpusDecoder, OpusDecoderConfig, OpusEncoder, OpusEncoderConfig},
};

type Codec = (&'static str, Box<dyn Encoder>, Box<dyn Decoder>);

fn codecs() -> Vec<Codec> {
    let mut codecs: Vec<Codec> = vec![
        ("pcmu", Box::new(PcmuEncoder::new()), Box::new(PcmuDecoder::new())),
        ("pcma", Box::new(PcmaEncoder::new()), Box::new(PcmaDecoder::new())),
        ("g722", Box::new(G722Encoder::new()), Box::new(G722Decoder::new())),
        ("l16", Box::new(L16Encoder::new()), Box::new(L16Decoder::new())),
    ];
    if let Some((encoder, decoder)) = opus(Redundancy::None) {
        codecs.push(("opus", Box::new(encoder), Box::new(decoder)));
    }
    codecs
}

fn opus(redundancy: Redundancy) -> Option<(OpusEncoder, OpusDecoder)> {
    let bitrate = Some(48_000);
    let encoder = OpusEncoder::new(OpusEncoderConfig { redundancy, bitrate, ..OpusEncoderConfig::default() });
    Some((encoder.ok()?, OpusDecoder::new(OpusDecoderConfig::default()).ok()?))
}

/// Deep redundancy: to read how far it reaches, to prepare its features for a loss of some length and speak the first frame
/// (the worst callback there is), and to speak each frame after that.
fn deep(c: &mut Criterion) {
    let Some((mut encoder, mut decoder)) = opus(Redundancy::Deep { loss_percent: 30, reach: 100 }) else {
        return;
    };
    let mut group = c.benchmark_group("deep_redundancy");
    let mut payload = [0; 1_275];
    let voice = rove_benches::voice(48_000, 48_000 * 4);
    let payloads: Vec<Vec<u8>> = voice
        .chunks_exact(960)
        .map(|pcm| {
            let len = encoder.encode(pcm, &mut payload).unwrap_or(0);
            payload[..len].to_vec()
        })
        .collect();
    let mut out = [0.0; 960];
    for payload in &payloads {
        _ = decoder.decode(payload, &mut out);
    }
    // Another payload each time: nothing may be found in memory.
    let mut late = payloads[100..].iter().cycle();
    let mut next = || late.next().map_or(&[][..], Vec::as_slice);
    group.bench_function("read", |b| b.iter(|| decoder.reach(black_box(next()))));
    let deepest = payloads[100..].iter().map(|payload| decoder.reach(payload)).min().unwrap_or(0);
    for frames in [1, 3, 10, deepest / 960] {
        group.bench_function(format!("first_frame_of_{}_ms", frames * 20), |b| {
            b.iter(|| decoder.recover(black_box(next()), frames * 960, &mut out));
        });
    }
    let payload = next();
    group.bench_function("each_further_frame", |b| {
        b.iter(|| decoder.recover(black_box(payload), 1_920, &mut out));
    });
    group.bench_function("each_further_half_frame", |b| {
        b.iter(|| decoder.recover(black_box(payload), 1_920, &mut out[..480]));
    });
    group.bench_function("concealed_frame", |b| b.iter(|| decoder.conceal(black_box(&mut out))));
    group.finish();
}

fn speech(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    for (name, mut encoder, mut decoder) in codecs() {
        let frame = encoder.sample_rate() as usize / 50;
        let voice = rove_benches::voice(encoder.sample_rate(), frame * 100);
        group.throughput(Throughput::Elements(frame as u64));
        let mut frames = voice.chunks_exact(frame).cycle();
        let mut payload = [0; 1_920];
        group.bench_function(format!("encode/{name}"), |b| {
            b.iter(|| encoder.encode(black_box(frames.next().unwrap_or_default()), &mut payload));
        });
        let payloads: Vec<Vec<u8>> = voice
            .chunks_exact(frame)
            .map(|pcm| {
                let len = encoder.encode(pcm, &mut payload).unwrap_or(0);
                payload[..len].to_vec()
            })
            .collect();
        let mut payloads = payloads.iter().cycle();
        let mut out = vec![0.0; frame];
        group.bench_function(format!("decode/{name}"), |b| {
            b.iter(|| decoder.decode(black_box(payloads.next().map_or(&[], Vec::as_slice)), &mut out));
        });
        group.bench_function(format!("one_in_ten_lost/{name}"), |b| {
            let mut n = 0;
            b.iter(|| {
                n += 1;
                let payload = payloads.next().map_or(&[][..], Vec::as_slice);
                if n % 10 == 0 {
                    decoder.conceal(&mut out);
                } else {
                    _ = decoder.decode(black_box(payload), &mut out);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, speech, deep);
criterion_main!(benches);
