#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_codecs::{
    g711::{PcmuDecoder, PcmuEncoder},
    g722::{G722Decoder, G722Encoder},
};

use super::*;

/// A second of a tone at half scale.
fn tone(hertz: f32, rate: u32) -> Vec<f32> {
    let at = |n: u32| 0.5 * (core::f32::consts::TAU * hertz * n as f32 / rate as f32).sin();
    (0..rate).map(at).collect()
}

/// Energy of the tone in what was heard after the first 100 ms, against the whole of it: 1 for the tone alone; and how
/// loud it is against half scale.
fn heard(pcm: &[f32], hertz: f32, rate: u32) -> (f32, f32) {
    let pcm = &pcm[rate as usize / 10..];
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, sample) in pcm.iter().enumerate() {
        let (sin, cos) = (core::f32::consts::TAU * hertz * n as f32 / rate as f32).sin_cos();
        (re, im, all) = (re + sample * cos, im + sample * sin, all + sample * sample);
    }
    let energy = 2.0 * (re * re + im * im) / pcm.len() as f32;
    (energy / all, (2.0 * energy / pcm.len() as f32).sqrt() / 0.5)
}

#[test]
fn a_tone_keeps_its_height_and_loudness_between_all_rates_of_the_codecs() {
    for (from, to) in [
        (8_000, 48_000),
        (16_000, 48_000),
        (8_000, 16_000),
        (48_000, 8_000),
        (48_000, 16_000),
        (16_000, 8_000),
    ] {
        for hertz in [300.0, 1_000.0, 3_000.0] {
            let mut converter = Converter::new(from, to).unwrap();
            let mut out = vec![0.0; to as usize];
            let chunk = from as usize / 100;
            for (pcm, out) in tone(hertz, from).chunks(chunk).zip(out.chunks_mut(to as usize / 100)) {
                converter.run(pcm, out);
            }
            let (share, loud) = heard(&out, hertz, to);
            assert!(share > 0.999, "{from} to {to}, {hertz} Hz: {share}");
            assert!((loud - 1.0).abs() < 0.03, "{from} to {to}, {hertz} Hz: {loud}");
        }
    }
    assert!(Converter::new(44_100, 48_000).is_none());
}

#[test]
fn what_the_lower_rate_cannot_carry_does_not_come_back_as_something_else() {
    let mut converter = Converter::new(48_000, 8_000).unwrap();
    let mut out = vec![0.0; 8_000];
    converter.run(&tone(6_000.0, 48_000), &mut out);
    let loudest = out[800..].iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
    assert!(loudest < 0.005, "{loudest}: 40 dB down");
}

#[test]
fn narrow_codecs_carry_a_tone_for_a_device_at_48_khz() {
    let pairs: [(Box<dyn Encoder>, Box<dyn Decoder>); 2] = [
        (Box::new(PcmuEncoder::new()), Box::new(PcmuDecoder::new())),
        (Box::new(G722Encoder::new()), Box::new(G722Decoder::new())),
    ];
    for (encoder, decoder) in pairs {
        let mut encoder = RatedEncoder::new(encoder, 48_000).unwrap();
        let mut decoder = RatedDecoder::new(decoder, 48_000).unwrap();
        let (mut payload, mut pcm) = ([0; 2_000], Vec::new());
        for frame in tone(1_000.0, 48_000).chunks(960) {
            let len = encoder.encode(frame, &mut payload).unwrap();
            assert_eq!(decoder.duration(&payload[..len]), Ok(960));
            let mut out = [0.0; 960];
            assert_eq!(decoder.decode(&payload[..len], &mut out), Ok(960));
            pcm.extend(out);
        }
        let (share, loud) = heard(&pcm, 1_000.0, 48_000);
        assert!(share > 0.98 && (loud - 1.0).abs() < 0.1, "{share} {loud}");
        let mut hidden = [9.0; 1_000];
        decoder.conceal(&mut hidden);
        assert!(hidden.iter().all(|sample| sample.abs() < 1.5), "all of it is filled");
        let small = decoder.decode(&payload[..160], &mut hidden[..100]);
        assert!(matches!(small, Err(CodecError::OutputTooSmall { .. })));
    }
}
