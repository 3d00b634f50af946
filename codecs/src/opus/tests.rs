use proptest::{collection::vec, prelude::*};

use super::{
    Carried, LONGEST_PAYLOAD, OpusDecoder, OpusDecoderConfig, OpusEncoder, OpusEncoderConfig, SAMPLE_RATE,
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
fn over_a_call_the_mean_rate_is_the_one_asked_for_whatever_is_said_twice() {
    let voice = broad(480_000);
    let in_band = Redundancy::InBand { loss_percent: 20 };
    let deep = Redundancy::Deep { loss_percent: 20, reach: 50 };
    for bitrate in [12_000, 16_000, 24_000, 32_000, 40_000] {
        for redundancy in [Redundancy::None, in_band, deep] {
            let config =
                OpusEncoderConfig { bitrate: Some(bitrate), redundancy, ..OpusEncoderConfig::default() };
            let bytes: usize = payloads(&mut encoder(config), &voice, &[960]).iter().map(Vec::len).sum();
            let share = bytes as f64 * 8.0 / 10.0 / f64::from(bitrate);
            assert!((0.97..1.03).contains(&share), "{share} of {bitrate} with {redundancy:?}");
        }
    }
}

#[test]
fn a_rate_asked_for_in_a_call_is_kept_from_then_on() {
    let mut encoder = encoder(OpusEncoderConfig::default());
    let mut spend = |bitrate| {
        encoder.tune(Tuning { bitrate: Some(bitrate), redundancy: Redundancy::None }).unwrap();
        payloads(&mut encoder, &broad(240_000), &[960]).iter().map(Vec::len).sum::<usize>() as f64 * 8.0 / 5.0
    };
    for bitrate in [32_000, 12_000, 20_000] {
        let share = spend(bitrate) / f64::from(bitrate);
        assert!((0.95..1.05).contains(&share), "{share} of {bitrate}");
    }
}

#[test]
fn no_more_bandwidth_is_coded_than_the_peer_plays_the_voice_has_and_the_rate_can_pay() {
    // The highest bandwidth of RFC 6716 table 2: 0 narrow, 1 medium, 2 wide, 3 super-wide, 4 full.
    let cases = [
        ("all there is", broad(96_000), 40_000, None, 4),
        ("a peer of 24 kHz", broad(96_000), 40_000, Some(24_000), 3),
        ("a peer of 16 kHz", broad(96_000), 40_000, Some(16_000), 2),
        ("a peer of 12 kHz", broad(96_000), 40_000, Some(12_000), 1),
        ("a peer of 8 kHz", broad(96_000), 40_000, Some(8_000), 0),
        ("a voice without treble", voice(96_000), 40_000, None, 2),
        ("a rate for words alone", broad(96_000), 20_000, None, 2),
    ];
    for (what, pcm, bitrate, max_playback_rate, highest) in cases {
        let config =
            OpusEncoderConfig { bitrate: Some(bitrate), max_playback_rate, ..OpusEncoderConfig::default() };
        let sent = payloads(&mut encoder(config), &pcm, &[960]);
        assert_eq!(sent.iter().skip(25).map(|payload| bandwidth(payload)).max(), Some(highest), "{what}");
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
fn a_frame_lost_is_better_recovered_from_the_next_payload_than_concealed_at_every_packet_time() {
    for frame in FRAMES {
        let mut encoder = encoder(protected(Redundancy::InBand { loss_percent: 20 }));
        let voice = glide(192_000);
        let payloads = payloads(&mut encoder, &voice, &[frame]);
        let mut found = 0;
        let mut play = |recover: bool| {
            let mut decoder = decoder();
            let mut heard = vec![0.0; voice.len()];
            for (i, out) in heard.chunks_exact_mut(frame).enumerate() {
                match payloads.get(i + 1) {
                    Some(next) if i % 5 == 4 && recover => {
                        assert!(decoder.reach(next) <= frame, "no deeper than a frame");
                        found += usize::from(decoder.recover(next, out.len(), out));
                    }
                    _ if i % 5 == 4 => decoder.conceal(out),
                    _ => drop(decoder.decode(&payloads[i], out).unwrap()),
                }
            }
            correlation(&voice[48_000..182_400], &heard[48_000 + encoder.lookahead()..][..134_400])
        };
        let (recovered, concealed) = (play(true), play(false));
        let losses = payloads.len() / 5;
        assert!(found * 2 >= losses, "{frame} samples: redundancy for {found} of {losses} losses");
        assert!(recovered > concealed + 0.02, "{frame} samples: {recovered}, concealed {concealed}");
    }
}

#[cfg(feature = "dnn")]
#[test]
fn a_long_loss_is_recovered_from_deep_redundancy_oldest_frame_first() {
    let redundancy = Redundancy::Deep { loss_percent: 20, reach: 40 };
    let mut encoder = encoder(OpusEncoderConfig { bitrate: Some(48_000), ..protected(redundancy) });
    let voice = glide(192_000);
    let payloads = payloads(&mut encoder, &voice, &[960]);
    let next = &payloads[110];
    let mut fresh = decoder();
    let reach = fresh.reach(next);
    assert!((9_600..=21_120).contains(&reach), "400 ms asked for, {reach} samples sent");
    let mut play = |recover: bool| {
        let mut decoder = decoder();
        let mut heard = vec![0.0; 960 * 10];
        payloads[..100].iter().for_each(|payload| drop(decoder.decode(payload, &mut [0.0; 960]).unwrap()));
        for (i, out) in heard.chunks_mut(960).enumerate() {
            if recover {
                assert!(decoder.recover(next, (10 - i) * 960, out), "frame {i} of ten");
            } else {
                decoder.conceal(out);
            }
        }
        heard
    };
    let (recovered, concealed) = (play(true), play(false));
    let spoken = energy(&voice[960 * 100..][..9_600]);
    assert!(energy(&recovered[4_800..]) > 0.3 * spoken / 2.0, "the voice goes on to the end of the loss");
    assert!(energy(&concealed[4_800..]) < energy(&recovered[4_800..]), "where concealment faded");
}

#[cfg(feature = "dnn")]
#[test]
fn what_lies_beyond_the_redundancy_is_concealed_and_said_to_be() {
    let mut encoder = encoder(protected(Redundancy::Deep { loss_percent: 20, reach: 20 }));
    let payloads = payloads(&mut encoder, &voice(96_000), &[960]);
    let mut decoder = decoder();
    payloads[..50].iter().for_each(|payload| drop(decoder.decode(payload, &mut [0.0; 960]).unwrap()));
    let next = &payloads[60];
    let reach = decoder.reach(next);
    let mut out = [f32::NAN; 960];
    for back in [0, reach + 960, usize::MAX] {
        assert!(!decoder.recover(next, back, &mut out), "{back} samples back of {reach}");
        assert!(out.iter().all(|s| s.is_finite()));
    }
    assert!(decoder.recover(next, reach / 960 * 960, &mut out));
    assert!(!decoder.recover(&payloads[61][..10], 960, &mut out), "a payload cut short");
}

#[test]
fn the_encoder_says_what_redundancy_a_payload_really_carries() {
    let mut encoder = encoder(OpusEncoderConfig::default());
    let mut out = [0; 1_275];
    let mut last = |redundancy| {
        encoder.tune(Tuning { bitrate: None, redundancy }).unwrap();
        glide(48_000).chunks(960).for_each(|pcm| drop(encoder.encode(pcm, &mut out).unwrap()));
        encoder.carried()
    };
    assert_eq!(last(Redundancy::None), Carried::default());
    let in_band = last(Redundancy::InBand { loss_percent: 20 });
    assert_eq!(in_band, Carried { in_band: true, deep_bytes: 0 });
    if cfg!(feature = "dnn") {
        let deep = last(Redundancy::Deep { loss_percent: 20, reach: 20 });
        assert!(!deep.in_band && (10..80).contains(&deep.deep_bytes), "{deep:?}");
    }
    assert_eq!(last(Redundancy::None), Carried::default(), "and nothing when that is asked for");
    for hostile in [&[][..], &[3], &[3, 0x41], &[3, 0x41, 255], &[3, 0x41, 1], &[3, 0x41, 2, 2], &[0xff; 40]]
    {
        assert_eq!(Carried::by(hostile).deep_bytes, 0, "{hostile:?}");
    }
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

/// The bandwidth by RFC 6716 table 2: 0 narrow, 1 medium, 2 wide, 3 super-wide, 4 full.
fn bandwidth(payload: &[u8]) -> u8 {
    match payload[0] >> 3 {
        config @ 0..12 => config / 4,
        config @ 12..16 => 3 + (config - 12) / 2,
        config => [0, 2, 3, 4][usize::from(config - 16) / 4],
    }
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
    let hiss = |i: usize| if i / 12_000 % 2 == 0 { 0.1 } else { 0.003 };
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
