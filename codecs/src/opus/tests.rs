use proptest::{collection::vec, prelude::*};

use super::{LONGEST_PAYLOAD, OpusDecoder, OpusEncoder, OpusEncoderConfig, SAMPLE_RATE, SHORTEST_FRAME};
use crate::{CodecError, Decoder, Encoder};

#[test]
fn the_library_built_in_is_libopus_1_6() {
    assert!(super::libopus_version().contains("libopus 1.6"), "{}", super::libopus_version());
}

#[test]
fn a_voice_comes_back_in_shape_after_the_lookahead_at_every_packet_time() {
    for packet_time_ms in [10, 20, 40, 60] {
        let mut encoder = encoder(OpusEncoderConfig { packet_time_ms, ..OpusEncoderConfig::default() });
        let frame = encoder.frame_samples();
        let voice = voice(LONGEST_PAYLOAD * 10);
        let mut decoder = OpusDecoder::new().unwrap();
        let mut heard = vec![0.0; voice.len()];
        for (pcm, out) in voice.chunks(frame).zip(heard.chunks_mut(frame)) {
            let mut payload = [0; 1_275];
            let len = encoder.encode(pcm, &mut payload).unwrap();
            assert_eq!(decoder.duration(&payload[..len]), Ok(frame));
            assert_eq!(decoder.decode(&payload[..len], out), Ok(frame));
        }
        let likeness = |lag: usize| correlation(&voice[24_000..48_000], &heard[24_000 + lag..48_000 + lag]);
        let lag = encoder.lookahead();
        assert!(likeness(lag) > 0.85, "{packet_time_ms} ms: correlation {}", likeness(lag));
        assert!(
            likeness(lag) > likeness(lag - 24).max(likeness(lag + 24)),
            "{packet_time_ms} ms: lag is not {lag}"
        );
    }
}

#[test]
fn the_bitrate_is_spent_and_not_exceeded_by_more_than_a_tenth() {
    for bitrate in [16_000, 32_000, 64_000] {
        let config = OpusEncoderConfig { bitrate: Some(bitrate), ..OpusEncoderConfig::default() };
        let mut encoder = encoder(config);
        let bytes: usize =
            voice(96_000).chunks(960).map(|pcm| encoder.encode(pcm, &mut [0; 1_275]).unwrap()).sum();
        let measured = bytes as f64 * 8.0 / 2.0;
        assert!((0.7..1.1).contains(&(measured / f64::from(bitrate))), "{measured} b/s for {bitrate}");
    }
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
fn a_frame_lost_is_better_recovered_from_the_next_payload_than_concealed() {
    let config =
        OpusEncoderConfig { inband_fec: true, expected_loss_percent: 20, ..OpusEncoderConfig::default() };
    let mut encoder = encoder(config);
    let voice = glide(96_000);
    let payloads: Vec<Vec<u8>> = voice
        .chunks(960)
        .map(|pcm| {
            let mut payload = vec![0; 1_275];
            let len = encoder.encode(pcm, &mut payload).unwrap();
            payload.truncate(len);
            payload
        })
        .collect();
    let mut found = 0;
    let mut play = |recover: bool| {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut heard = vec![0.0; voice.len()];
        for (i, out) in heard.chunks_mut(960).enumerate() {
            match payloads.get(i + 1) {
                Some(next) if i % 5 == 4 && recover => {
                    found += usize::from(decoder.recover(next, out.len(), out));
                }
                _ if i % 5 == 4 => decoder.conceal(out),
                _ => drop(decoder.decode(&payloads[i], out).unwrap()),
            }
        }
        correlation(&voice[48_000..86_400], &heard[48_000 + encoder.lookahead()..][..38_400])
    };
    let (recovered, concealed) = (play(true), play(false));
    assert!(found >= 15, "redundancy for {found} of 19 losses");
    assert!(recovered > concealed + 0.02, "recovered {recovered}, concealed {concealed}");
}

#[test]
fn concealment_fills_any_length_and_fades_out() {
    let mut decoder = OpusDecoder::new().unwrap();
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
    let mut decoder = OpusDecoder::new().unwrap();
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
    let cases: &[(&str, u32, OpusEncoderConfig)] = &[
        ("packet time in ms", 30, OpusEncoderConfig { packet_time_ms: 30, ..good }),
        ("bitrate", 5_999, OpusEncoderConfig { bitrate: Some(5_999), ..good }),
        ("bitrate", u32::MAX, OpusEncoderConfig { bitrate: Some(u32::MAX), ..good }),
        ("expected loss in %", 101, OpusEncoderConfig { expected_loss_percent: 101, ..good }),
        ("complexity", 11, OpusEncoderConfig { complexity: 11, ..good }),
    ];
    for &(setting, value, config) in cases {
        assert_eq!(OpusEncoder::new(config).unwrap_err(), CodecError::Setting { setting, value });
    }
}

#[test]
fn frames_and_buffers_that_do_not_fit_are_refused_by_name() {
    let mut encoder = encoder(OpusEncoderConfig::default());
    assert_eq!(encoder.encode(&[0.0; 961], &mut [0; 100]), Err(CodecError::FrameLength { samples: 961 }));
    let small = CodecError::OutputTooSmall { need: 16, have: 15 };
    assert_eq!(encoder.encode(&[0.0; 960], &mut [0; 15]), Err(small));
    let mut payload = [0; 1_275];
    let len = encoder.encode(&[0.0; 960], &mut payload).unwrap();
    let mut decoder = OpusDecoder::new().unwrap();
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
    OpusDecoder::new().unwrap().decode(&payload[..len], &mut out).unwrap();
    assert!(out.iter().all(|s| s.is_finite()));
}

proptest! {
    #[test]
    fn hostile_payloads_are_decoded_or_refused(
        payloads in vec((any::<bool>(), vec(any::<u8>(), 0..400)), 1..8), samples in 0..LONGEST_PAYLOAD,
    ) {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut out = vec![0.0; samples];
        for (as_redundancy, payload) in payloads {
            if as_redundancy {
                decoder.recover(&payload, 960, &mut out);
            } else if let Ok(len) = decoder.decode(&payload, &mut out) {
                prop_assert!(len <= samples);
            }
        }
    }
}

fn encoder(config: OpusEncoderConfig) -> OpusEncoder {
    OpusEncoder::new(config).unwrap()
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
