mod rate;
mod redundancy;

use proptest::{collection::vec, prelude::*};

use super::{
    LONGEST_PAYLOAD, OpusDecoder, OpusDecoderConfig, OpusEncoder, OpusEncoderConfig, SAMPLE_RATE,
    SHORTEST_FRAME,
};
use crate::{CodecError, Decoder, Encoder, Redundancy, Tuning};

#[test]
fn the_library_built_in_is_libopus_1_6() {
    assert!(super::libopus_version().contains("libopus 1.6"), "{}", super::libopus_version());
}

#[test]
fn a_voice_comes_back_in_shape_after_the_lookahead_at_every_packet_time() {
    for frame in FRAMES {
        let mut encoder = encoder(OpusEncoderConfig::default());
        let voice = voice(LONGEST_PAYLOAD * 10);
        let mut decoder = decoder();
        let mut heard = vec![0.0; voice.len()];
        for (payload, out) in payloads(&mut encoder, &voice, &[frame]).iter().zip(heard.chunks_mut(frame)) {
            assert_eq!(decoder.duration(payload), Ok(frame));
            assert_eq!(decoder.decode(payload, out), Ok(frame));
        }
        let likeness = |lag: usize| correlation(&voice[24_000..48_000], &heard[24_000 + lag..48_000 + lag]);
        let lag = encoder.lookahead();
        assert!(likeness(lag) > 0.85, "{frame} samples: correlation {}", likeness(lag));
        assert!(
            likeness(lag) > likeness(lag - 24).max(likeness(lag + 24)),
            "{frame} samples: lag is not {lag}"
        );
    }
}

#[test]
fn the_packet_time_may_change_from_packet_to_packet() {
    let mut encoder = encoder(OpusEncoderConfig::default());
    let mut decoder = decoder();
    let voice = voice(LONGEST_PAYLOAD * 10);
    let mut heard = vec![0.0; voice.len()];
    let mut at = 0;
    for payload in payloads(&mut encoder, &voice, &[480, 2_880, 960, 1_920, 1_920]) {
        at += decoder.decode(&payload, &mut heard[at..]).unwrap();
    }
    let lag = encoder.lookahead();
    let likeness = correlation(&voice[24_000..48_000], &heard[24_000 + lag..48_000 + lag]);
    assert!(likeness > 0.85, "correlation {likeness}");
}

#[test]
fn with_dtx_silence_sends_nothing_but_a_refresh() {
    let mut encoder = encoder(OpusEncoderConfig { dtx: true, ..OpusEncoderConfig::default() });
    for pcm in voice(48_000).chunks(960) {
        assert!(encoder.encode(pcm, &mut [0; 1_275]).unwrap() > 2);
    }
    let sent = (0..100).filter(|_| encoder.encode(&[0.0; 960], &mut [0; 1_275]).unwrap() > 0).count();
    assert!((1..=20).contains(&sent), "{sent} of 100 frames of silence");
}

#[test]
fn concealment_fills_any_length_and_fades_out() {
    let mut decoder = decoder();
    for samples in [1, 119, SHORTEST_FRAME, 360, 480, 600, 960, 2_880, LONGEST_PAYLOAD, 48_000 + 7] {
        feed(&mut decoder);
        let mut out = vec![f32::NAN; samples];
        decoder.conceal(&mut out);
        assert!(out.iter().all(|s| s.is_finite()), "{samples} samples");
    }
    feed(&mut decoder);
    let mut out = vec![0.0; 96_000];
    decoder.conceal(&mut out);
    assert!(energy(&out[..960]) > 1e-2, "it goes on at first");
    assert!(energy(&out[95_040..]) < 1e-3, "it is quiet after two seconds");
}

#[test]
fn concealment_before_anything_was_heard_and_after_a_reset_is_silence() {
    let mut decoder = decoder();
    let mut out = [1.0; 960];
    decoder.conceal(&mut out);
    assert_eq!(energy(&out), 0.0);
    feed(&mut decoder);
    decoder.reset();
    decoder.conceal(&mut out);
    assert_eq!(energy(&out), 0.0);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let good = OpusEncoderConfig::default();
    let in_band = |loss_percent| protected(Redundancy::InBand { loss_percent });
    let deep = |reach| protected(Redundancy::Deep { loss_percent: 10, reach });
    let cases: &[(&str, u32, OpusEncoderConfig)] = &[
        ("bitrate", 5_999, OpusEncoderConfig { bitrate: Some(5_999), ..good }),
        ("bitrate", u32::MAX, OpusEncoderConfig { bitrate: Some(u32::MAX), ..good }),
        ("expected loss in %", 0, in_band(0)),
        ("expected loss in %", 101, in_band(101)),
        ("reach of deep redundancy", 0, deep(0)),
        ("reach of deep redundancy", 105, deep(105)),
        ("complexity", 11, OpusEncoderConfig { complexity: 11, ..good }),
    ];
    let mut running = encoder(good);
    for &(setting, value, config) in cases {
        let refused = CodecError::Setting { setting, value };
        assert_eq!(OpusEncoder::new(config).unwrap_err(), refused);
        if setting != "complexity" {
            let tuning = Tuning { bitrate: config.bitrate, redundancy: config.redundancy };
            assert_eq!(running.tune(tuning), Err(refused));
        }
    }
    let refused = CodecError::Setting { setting: "complexity", value: 11 };
    assert_eq!(OpusDecoder::new(OpusDecoderConfig { complexity: 11 }).unwrap_err(), refused);
}

#[test]
fn frames_and_buffers_that_do_not_fit_are_refused_by_name() {
    let mut encoder = encoder(OpusEncoderConfig::default());
    assert_eq!(encoder.encode(&[0.0; 961], &mut [0; 100]), Err(CodecError::FrameLength { samples: 961 }));
    let small = CodecError::OutputTooSmall { need: 16, have: 15 };
    assert_eq!(encoder.encode(&[0.0; 960], &mut [0; 15]), Err(small));
    let mut payload = [0; 1_275];
    let len = encoder.encode(&[0.0; 960], &mut payload).unwrap();
    let mut decoder = decoder();
    let small = CodecError::OutputTooSmall { need: 960, have: 959 };
    assert_eq!(decoder.decode(&payload[..len], &mut [0.0; 959]), Err(small));
    assert_eq!(decoder.decode(&[], &mut [0.0; 960]), Err(CodecError::Payload { len: 0 }));
    // Code 3 with a frame count of zero (RFC 6716 §3.2.5).
    assert_eq!(decoder.decode(&[0x03, 0x00], &mut [0.0; 960]), Err(CodecError::Payload { len: 2 }));
}

#[test]
fn samples_that_are_no_numbers_do_not_poison_the_encoder() {
    let mut encoder = encoder(OpusEncoderConfig::default());
    let mut payload = [0; 1_275];
    assert!(encoder.encode(&[f32::NAN; 960], &mut payload).is_ok());
    let len = encoder.encode(&voice(960), &mut payload).unwrap();
    let mut out = [0.0; 960];
    decoder().decode(&payload[..len], &mut out).unwrap();
    assert!(out.iter().all(|s| s.is_finite()));
}

proptest! {
    #[test]
    fn hostile_payloads_are_decoded_or_refused(
        payloads in vec((any::<bool>(), vec(any::<u8>(), 0..400), 0..60_000_usize), 1..8), samples in 0..LONGEST_PAYLOAD,
    ) {
        let mut decoder = decoder();
        let mut out = vec![0.0; samples];
        for (as_redundancy, payload, back) in payloads {
            if as_redundancy {
                decoder.reach(&payload);
                decoder.recover(&payload, back, &mut out);
                decoder.recover(&payload, out.len(), &mut out);
            } else if let Ok(len) = decoder.decode(&payload, &mut out) {
                prop_assert!(len <= samples);
            }
        }
    }

    /// Deep redundancy is found first, so that what is read is really hostile and not only refused.
    #[test]
    fn hostile_deep_redundancy_is_read_or_refused(bytes in vec(any::<u8>(), 0..250), back in 1..60_000_usize) {
        let mut payload = vec![0x4b, 0x41, u8::try_from(bytes.len() + 3).unwrap(), 0xf0, 126 << 1, b'D', 12];
        payload.extend(bytes);
        let mut decoder = decoder();
        feed(&mut decoder);
        let mut out = [f32::NAN; 960];
        decoder.reach(&payload);
        decoder.recover(&payload, back, &mut out);
        prop_assert!(out.iter().all(|s| s.is_finite()));
    }
}

/// Samples in 10, 20, 40 and 60 ms.
const FRAMES: [usize; 4] = [480, 960, 1_920, 2_880];

fn encoder(config: OpusEncoderConfig) -> OpusEncoder {
    OpusEncoder::new(config).unwrap()
}

fn decoder() -> OpusDecoder {
    OpusDecoder::new(OpusDecoderConfig::default()).unwrap()
}

fn protected(redundancy: Redundancy) -> OpusEncoderConfig {
    OpusEncoderConfig { redundancy, ..OpusEncoderConfig::default() }
}

/// `pcm` in frames of `lengths`, again and again, as long as whole ones are left.
fn payloads(encoder: &mut OpusEncoder, mut pcm: &[f32], lengths: &[usize]) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for &length in lengths.iter().cycle() {
        let Some((frame, rest)) = pcm.split_at_checked(length) else { break };
        let mut payload = vec![0; 1_275];
        let len = encoder.encode(frame, &mut payload).unwrap();
        payload.truncate(len);
        payloads.push(payload);
        pcm = rest;
    }
    payloads
}

fn feed(decoder: &mut OpusDecoder) {
    let mut encoder = encoder(OpusEncoderConfig::default());
    for pcm in voice(9_600).chunks(960) {
        let mut payload = [0; 1_275];
        let len = encoder.encode(pcm, &mut payload).unwrap();
        decoder.decode(&payload[..len], &mut [0.0; 960]).unwrap();
    }
}

/// A vowel around 230 Hz with overtones, above the encoder's high-pass filter.
fn voice(samples: usize) -> Vec<f32> {
    tone(samples, |seconds| 230.0 + 30.0 * (seconds * 9.0).sin())
}

/// A vowel with a hiss up to 20 kHz, as of an s, in every other quarter of a second.
fn broad(samples: usize) -> Vec<f32> {
    let (mut seed, mut before) = (1_u32, 0.0_f32);
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = (seed >> 8) as f32 / 8_388_608.0 - 1.0;
        let high = white - before;
        before = white;
        high
    };
    let hiss = |i: usize| if (i / 12_000).is_multiple_of(2) { 0.1 } else { 0.003 };
    glide(samples).iter().enumerate().map(|(i, s)| s + hiss(i) * noise()).collect()
}

/// A low voice whose pitch moves fast, which concealment cannot foresee.
fn glide(samples: usize) -> Vec<f32> {
    tone(samples, |seconds| 140.0 + 40.0 * (seconds * 20.0).sin())
}

fn tone(samples: usize, hertz: impl Fn(f32) -> f32) -> Vec<f32> {
    let mut phase = 0.0_f32;
    (0..samples)
        .map(|i| {
            let rate = SAMPLE_RATE as f32;
            phase = (phase + hertz(i as f32 / rate) / rate).fract();
            (1..=8).map(|n| 0.2 / n as f32 * (core::f32::consts::TAU * phase * n as f32).sin()).sum()
        })
        .collect()
}

fn energy(pcm: &[f32]) -> f32 {
    pcm.iter().map(|s| s * s).sum()
}

fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let dot: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    dot / (energy(a) * energy(b)).sqrt()
}
