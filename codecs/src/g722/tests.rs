use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
};

use proptest::{collection::vec, prelude::*};

use super::{G722Decoder, G722Encoder, SAMPLE_RATE};
use crate::{CodecError, Decoder, Encoder};

#[test]
fn codes_are_those_of_ffmpeg_to_the_bit() {
    for (what, pcm) in signals() {
        let raw: Vec<u8> = pcm.iter().flat_map(|&s| ((s * 32_768.0) as i16).to_le_bytes()).collect();
        let Some(theirs) = ffmpeg(&["-f", "s16le", "-ar", "16000", "-ac", "1"], "g722", raw) else { return };
        let ours = encode(&pcm);
        assert_eq!(ours.len(), theirs.len(), "{what}");
        let differ = ours.iter().zip(&theirs).position(|(a, b)| a != b);
        assert_eq!(differ, None, "{what}: first different code");
    }
}

#[test]
fn samples_are_those_of_ffmpeg_to_the_bit_even_for_bytes_that_no_encoder_makes() {
    let mut bits = noise(7);
    let random: Vec<u8> = (0..40_000).map(|_| ((bits() + 1.0) * 128.0) as u8).collect();
    let codes = signals().map(|(what, pcm)| (what, encode(&pcm))).into_iter().chain([("random", random)]);
    for (what, codes) in codes {
        let Some(theirs) = ffmpeg(&["-f", "g722"], "s16le", codes.clone()) else { return };
        let theirs: Vec<f32> =
            theirs.as_chunks().0.iter().map(|&b| f32::from(i16::from_le_bytes(b)) / 32_768.0).collect();
        let ours = decode(&mut G722Decoder::new(), &codes);
        assert_eq!(ours.len(), theirs.len(), "{what}");
        assert_eq!(
            ours.iter().zip(&theirs).position(|(a, b)| a != b),
            None,
            "{what}: first different sample"
        );
    }
}

/// Made by this codec when it agreed with ffmpeg's to the bit: they hold where there is no ffmpeg.
#[test]
fn codes_and_samples_of_noise_stay_what_they_were() {
    let mut noise = noise(2);
    let pcm: Vec<f32> = (0..SAMPLE_RATE).map(|_| (noise() * 32_767.0).trunc() / 32_768.0).collect();
    let codes = encode(&pcm);
    let sum = codes.iter().fold(0_u64, |sum, &code| sum.wrapping_mul(31).wrapping_add(code.into()));
    assert_eq!((&codes[..8], sum), (&[38, 132, 34, 141, 34, 132, 132, 33][..], 3_960_771_420_385_440_352));
    let samples = decode(&mut G722Decoder::new(), &codes);
    let sum = samples.iter().fold(0_i64, |sum, &s| sum.wrapping_mul(31).wrapping_add((s * 32_768.0) as i64));
    assert_eq!(sum, -64_338_695_408_964_772);
}

#[test]
fn speech_comes_back_after_the_lookahead_in_the_whole_band() {
    for hertz in [100.0, 1_000.0, 3_500.0, 5_000.0, 6_500.0] {
        let pcm = tone(hertz, 0.3, 8_000);
        let mut encoder = G722Encoder::new();
        let mut payload = vec![0; 4_000];
        encoder.encode(&pcm, &mut payload).unwrap();
        let heard = decode(&mut G722Decoder::new(), &payload);
        let noise = noise_share(&pcm[4_000..7_900], &heard[4_000 + encoder.lookahead()..]);
        // 60 dB in the lower band's six bits are not to be had; the higher band has two.
        assert!(noise < if hertz < 4_000.0 { 0.003 } else { 0.1 }, "{hertz} Hz: {noise}");
    }
}

#[test]
fn a_payload_may_have_any_length_and_frames_may_be_cut_anywhere() {
    let (_, pcm) = &signals()[1];
    let whole = encode(pcm);
    let mut encoder = G722Encoder::new();
    let mut pieces = Vec::new();
    for piece in pcm.chunks(34) {
        let mut out = [0; 17];
        let len = encoder.encode(piece, &mut out).unwrap();
        pieces.extend_from_slice(&out[..len]);
    }
    assert_eq!(pieces, whole);
}

#[test]
fn after_a_loss_the_state_that_followed_the_concealment_is_nearer_than_one_that_stood_still() {
    let (_, pcm) = &signals()[1];
    let codes = encode(pcm);
    let intact = decode(&mut G722Decoder::new(), &codes);
    let after_loss = |lost: bool| {
        let mut error = 0.0;
        for loss in (1_000..7_600).step_by(170) {
            let mut decoder = G722Decoder::new();
            decode(&mut decoder, &codes[..loss]);
            if lost {
                decoder.conceal(&mut [0.0; 320]);
            }
            let heard = decode(&mut decoder, &codes[loss + 160..loss + 320]);
            let wanted = &intact[2 * loss + 400..][..240];
            error += wanted.iter().zip(&heard[80..]).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        }
        error
    };
    assert!(after_loss(true) < after_loss(false), "{} against {}", after_loss(true), after_loss(false));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let mut encoder = G722Encoder::new();
    for samples in [0, 1, 321] {
        assert_eq!(
            encoder.encode(&[0.0; 321][..samples], &mut [0; 999]),
            Err(CodecError::FrameLength { samples })
        );
    }
    let small = CodecError::OutputTooSmall { need: 160, have: 159 };
    assert_eq!(encoder.encode(&[0.0; 320], &mut [0; 159]), Err(small));
    let mut decoder = G722Decoder::new();
    assert_eq!(decoder.duration(&[0; 160]), Ok(320));
    let small = CodecError::OutputTooSmall { need: 320, have: 319 };
    assert_eq!(decoder.decode(&[0; 160], &mut [0.0; 319]), Err(small));
    assert_eq!(decoder.decode(&[], &mut [0.0; 9]), Err(CodecError::Payload { len: 0 }));
}

#[test]
fn a_reset_forgets_everything() {
    let (_, pcm) = &signals()[1];
    let codes = encode(pcm);
    let mut decoder = G722Decoder::new();
    let first = decode(&mut decoder, &codes);
    decoder.conceal(&mut [0.0; 320]);
    decoder.reset();
    assert_eq!(decode(&mut decoder, &codes), first);
}

proptest! {
    #[test]
    fn any_bytes_losses_and_lengths_give_samples_in_range(
        steps in vec((any::<bool>(), vec(any::<u8>(), 1..300)), 0..20),
    ) {
        let (mut decoder, mut out) = (G722Decoder::new(), [0.0; 600]);
        for (lost, payload) in steps {
            let out = &mut out[..payload.len() * 2 - usize::from(lost)];
            if lost {
                decoder.conceal(out);
            } else {
                prop_assert_eq!(decoder.decode(&payload, out), Ok(out.len()));
            }
            prop_assert!(out.iter().all(|s| s.abs() <= 3.0 && s.is_finite()));
        }
    }

    #[test]
    fn samples_out_of_range_are_clipped(pcm in vec(prop_oneof![any::<f32>(), -2.0..2.0_f32], 2..200)) {
        let pcm = &pcm[..pcm.len() / 2 * 2];
        let mut out = [0; 100];
        prop_assert_eq!(G722Encoder::new().encode(pcm, &mut out), Ok(pcm.len() / 2));
    }
}

/// What ffmpeg makes of `input`; `None`, and said so, where there is no ffmpeg.
fn ffmpeg(from: &[&str], to: &str, input: Vec<u8>) -> Option<Vec<u8>> {
    let child = Command::new("ffmpeg")
        .args(["-loglevel", "error"])
        .args(from)
        .args(["-i", "pipe:0", "-f", to, "pipe:1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: ffmpeg");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "ffmpeg has no G.722?");
    Some(output.stdout)
}

fn encode(pcm: &[f32]) -> Vec<u8> {
    let mut out = vec![0; pcm.len() / 2];
    assert_eq!(G722Encoder::new().encode(pcm, &mut out), Ok(out.len()));
    out
}

fn decode(decoder: &mut G722Decoder, codes: &[u8]) -> Vec<f32> {
    let mut out = vec![0.0; codes.len() * 2];
    assert_eq!(decoder.decode(codes, &mut out), Ok(out.len()));
    out
}

/// One second each, in whole 16-bit steps.
fn signals() -> [(&'static str, Vec<f32>); 4] {
    let samples = SAMPLE_RATE as usize;
    let mut hiss = noise(1);
    let mut loud = noise(2);
    let harmonic = |n: u16, i: usize| {
        let n = f32::from(n);
        0.2 / n * (i as f32 * n * core::f32::consts::TAU * 140.0 / SAMPLE_RATE as f32 + n * n).sin()
    };
    let voice = tone(140.0, 0.2, samples)
        .iter()
        .enumerate()
        .map(|(i, s)| {
            let swell = (0.5 + 0.5 * (i as f32 * 0.002).sin()).powi(2);
            swell * (s + (2..9).map(|n| harmonic(n, i)).sum::<f32>()) + 0.003 * hiss()
        })
        .collect();
    [
        ("a tone", tone(1_000.0, 0.5, samples)),
        ("a voice", voice),
        ("noise at full scale", (0..samples).map(|_| loud()).collect()),
        (
            "silence, then a square",
            (0..samples).map(|i| if i > 800 && i / 40 % 2 == 0 { 0.99 } else { 0.0 }).collect(),
        ),
    ]
    .map(|(what, pcm): (_, Vec<f32>)| (what, pcm.iter().map(|s| (s * 32_767.0).trunc() / 32_768.0).collect()))
}

fn tone(hertz: f32, amplitude: f32, samples: usize) -> Vec<f32> {
    let step = core::f64::consts::TAU * f64::from(hertz) / f64::from(SAMPLE_RATE);
    (0..samples).map(|i| amplitude * (i as f64 * step).sin() as f32).collect()
}

fn noise(mut seed: u32) -> impl FnMut() -> f32 {
    move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / 8_388_608.0 - 1.0
    }
}

/// The energy of the difference, relative.
fn noise_share(wanted: &[f32], heard: &[f32]) -> f32 {
    let error: f32 = wanted.iter().zip(heard).map(|(a, b)| (a - b) * (a - b)).sum();
    error / wanted.iter().map(|s| s * s).sum::<f32>()
}
