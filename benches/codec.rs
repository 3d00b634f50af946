//! What does 20 ms of speech cost in each codec: encoded, decoded, and concealed when it was lost?
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_codecs::{
    Decoder, Encoder,
    g711::{PcmaDecoder, PcmaEncoder, PcmuDecoder, PcmuEncoder},
    opus::{OpusDecoder, OpusEncoder, OpusEncoderConfig},
};

type Codec = (&'static str, Box<dyn Encoder>, Box<dyn Decoder>);

fn codecs() -> Vec<Codec> {
    let mut codecs: Vec<Codec> = vec![
        ("pcmu", Box::new(PcmuEncoder::new()), Box::new(PcmuDecoder::new())),
        ("pcma", Box::new(PcmaEncoder::new()), Box::new(PcmaDecoder::new())),
    ];
    if let (Ok(encoder), Ok(decoder)) = (OpusEncoder::new(OpusEncoderConfig::default()), OpusDecoder::new()) {
        codecs.push(("opus", Box::new(encoder), Box::new(decoder)));
    }
    codecs
}

fn speech(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    for (name, mut encoder, mut decoder) in codecs() {
        let frame = encoder.sample_rate() as usize / 50;
        let voice = rove_benches::voice(encoder.sample_rate(), frame * 100);
        group.throughput(Throughput::Elements(frame as u64));
        let mut frames = voice.chunks_exact(frame).cycle();
        let mut payload = [0; 1_275];
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

criterion_group!(benches, speech);
criterion_main!(benches);
