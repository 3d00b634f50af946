use proptest::{collection::vec, prelude::*};

use super::{ALaw, Law, MuLaw, PcmaDecoder, PcmaEncoder, PcmuDecoder, PcmuEncoder, SAMPLE_RATE};
use crate::{CodecError, Decoder, Encoder, pcm::quantize};

/// The positive half of a table of G.711 as the standard builds it: decision values from the step of each segment.
fn decision_values(steps: &[(i32, i32)]) -> Vec<i32> {
    let mut values = vec![0];
    for &(intervals, step) in steps {
        for _ in 0..intervals {
            values.push(values[values.len() - 1] + step);
        }
    }
    values
}

#[test]
fn mu_law_has_the_decision_and_output_values_of_g711_table_2a() {
    let steps = [(1, 1), (15, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128), (16, 256)];
    let x = decision_values(&steps);
    assert_eq!((x[127], x[128], x[113], x[1]), (7_903, 8_159, 4_319, 1), "values printed in the table");
    for n in 0..128_usize {
        let code = !(n as u8);
        // 14-bit values; the table's output value is the middle of its interval, zero for the first.
        let output = if n == 0 { 0 } else { (x[n] + x[n + 1]) / 2 };
        assert_eq!((MuLaw::SAMPLES[usize::from(code)] * 32_768.0) as i32, output * 4, "output of {code:02x}");
        assert_eq!(MuLaw::compress((x[n] * 4) as i16), code, "lowest of {code:02x}");
        assert_eq!(MuLaw::compress((x[n + 1] * 4 - 1) as i16), code, "highest of {code:02x}");
        assert_eq!(MuLaw::compress((-x[n] * 4 - 1) as i16), code & 0x7f, "negative of {code:02x}");
    }
}

#[test]
fn a_law_has_the_decision_and_output_values_of_g711_table_1a() {
    let steps = [(32, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128)];
    let x = decision_values(&steps);
    assert_eq!((x[128], x[127], x[112], x[1]), (4_096, 3_968, 2_048, 2), "values printed in the table");
    for n in 0..128_usize {
        let code = (0x80 | n as u8) ^ 0x55;
        assert_eq!(
            (ALaw::SAMPLES[usize::from(code)] * 32_768.0) as i32,
            (x[n] + x[n + 1]) / 2 * 8,
            "{code:02x}"
        );
        assert_eq!(ALaw::compress((x[n] * 8) as i16), code, "lowest of {code:02x}");
        assert_eq!(ALaw::compress((x[n + 1] * 8 - 1) as i16), code, "highest of {code:02x}");
        assert_eq!(ALaw::compress((-x[n] * 8 - 1) as i16), code & 0x7f, "negative of {code:02x}");
    }
}

#[test]
fn both_laws_are_monotonic_over_all_samples_and_clip_at_the_ends() {
    fn value<L: Law>(sample: i16) -> f32 {
        L::SAMPLES[usize::from(L::compress(sample))]
    }
    for sample in i16::MIN..i16::MAX {
        assert!(value::<MuLaw>(sample) <= value::<MuLaw>(sample + 1), "µ {sample}");
        assert!(value::<ALaw>(sample) <= value::<ALaw>(sample + 1), "A {sample}");
    }
    assert_eq!((MuLaw::compress(i16::MAX), MuLaw::compress(i16::MIN)), (0x80, 0x00));
    assert_eq!((ALaw::compress(i16::MAX), ALaw::compress(i16::MIN)), (0xaa, 0x2a));
}

#[test]
fn samples_are_rounded_and_clipped_never_wrapped() {
    let cases: &[(&str, f32, i16)] = &[
        ("silence", 0.0, 0),
        ("half a step up", 0.5 / 32_768.0, 1),
        ("half a step down", -0.5 / 32_768.0, -1),
        ("full scale", 1.0, i16::MAX),
        ("negative full scale", -1.0, i16::MIN),
        ("too loud", 3.0, i16::MAX),
        ("infinite", f32::NEG_INFINITY, i16::MIN),
        ("not a number", f32::NAN, 0),
    ];
    for &(what, sample, quantized) in cases {
        assert_eq!(quantize(sample), quantized, "{what}");
    }
}

#[test]
fn companded_speech_level_sine_keeps_more_than_33_db() {
    let pcm = sine(200.0, 0.25, 1_600);
    for (mut encoder, mut decoder) in pairs() {
        let mut codes = [0; 1_600];
        let mut heard = [0.0; 1_600];
        assert_eq!(encoder.encode(&pcm, &mut codes), Ok(1_600));
        assert_eq!(decoder.decode(&codes, &mut heard), Ok(1_600));
        let noise: f32 = pcm.iter().zip(&heard).map(|(a, b)| (a - b).powi(2)).sum();
        let snr = 10.0 * (energy(&pcm) / noise).log10();
        assert!(snr > 33.0, "{snr} dB");
    }
}

#[test]
fn buffers_that_do_not_fit_are_refused_by_name() {
    let mut encoder = PcmuEncoder::new();
    let mut decoder = PcmaDecoder::new();
    let small = CodecError::OutputTooSmall { need: 160, have: 159 };
    assert_eq!(encoder.encode(&[0.0; 160], &mut [0; 159]), Err(small));
    assert_eq!(encoder.encode(&[], &mut [0; 159]), Err(CodecError::FrameLength { samples: 0 }));
    assert_eq!(decoder.decode(&[0; 160], &mut [0.0; 159]), Err(small));
    assert_eq!(decoder.duration(&[]), Err(CodecError::Payload { len: 0 }));
    assert_eq!(decoder.duration(&[0; 240]), Ok(240));
}

#[test]
fn a_lost_packet_in_a_steady_voice_is_continued_in_phase() {
    // 125 Hz with overtones, as a vowel has them; the period of 64 samples fits the search.
    let voice: Vec<f32> = (1..=8)
        .map(|n| sine(125.0 * n as f32, 0.2 / n as f32, 640))
        .reduce(|sum, part| sum.iter().zip(part).map(|(a, b)| a + b).collect())
        .unwrap();
    let mut codes = vec![0; 640];
    PcmuEncoder::new().encode(&voice, &mut codes).unwrap();
    let mut decoder = PcmuDecoder::new();
    let mut heard = vec![0.0; 640];
    decoder.decode(&codes[..400], &mut heard[..400]).unwrap();
    decoder.conceal(&mut heard[400..480]);
    decoder.decode(&codes[480..], &mut heard[480..]).unwrap();
    let error: f32 = voice[400..480].iter().zip(&heard[400..480]).map(|(a, b)| (a - b).powi(2)).sum();
    let snr = 10.0 * (energy(&voice[400..480]) / error).log10();
    assert!(snr > 20.0, "10 ms concealed at {snr} dB");
}

#[test]
fn a_long_loss_fades_to_silence_after_60_ms_without_a_click() {
    let pcm = sine(180.0, 0.5, 480);
    let mut codes = [0; 480];
    PcmaEncoder::new().encode(&pcm, &mut codes).unwrap();
    let mut decoder = PcmaDecoder::new();
    let mut heard = vec![0.0; 480 + 800 + 480];
    decoder.decode(&codes, &mut heard[..480]).unwrap();
    for frame in heard[480..1_280].chunks_mut(80) {
        decoder.conceal(frame);
    }
    decoder.decode(&codes, &mut heard[1_280..]).unwrap();
    assert!(energy(&heard[480..560]) > 0.8 * energy(&pcm[..80]));
    assert_eq!(energy(&heard[960..1_280]), 0.0);
    let steepest = |pcm: &[f32]| pcm.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    assert!(steepest(&heard) < 2.0 * steepest(&pcm), "{} against {}", steepest(&heard), steepest(&pcm));
}

#[test]
fn concealment_before_anything_was_heard_is_silence() {
    let mut out = [1.0; 160];
    PcmuDecoder::new().conceal(&mut out);
    assert_eq!(out, [0.0; 160]);
    let mut decoder = PcmuDecoder::new();
    decoder.decode(&[0x80; 400], &mut [0.0; 400]).unwrap();
    decoder.reset();
    decoder.conceal(&mut out);
    assert_eq!(out, [0.0; 160]);
}

proptest! {
    #[test]
    fn any_mix_of_payloads_and_losses_stays_within_full_scale(
        steps in vec((any::<bool>(), vec(any::<u8>(), 1..700)), 1..8),
    ) {
        let mut decoder = PcmuDecoder::new();
        let mut out = [0.0; 700];
        for (lost, payload) in steps {
            let out = &mut out[..payload.len()];
            if lost {
                decoder.conceal(out);
            } else {
                prop_assert_eq!(decoder.decode(&payload, out), Ok(payload.len()));
            }
            prop_assert!(out.iter().all(|s| s.abs() <= 3.0 && s.is_finite()));
        }
    }
}

fn pairs() -> [(Box<dyn Encoder>, Box<dyn Decoder>); 2] {
    [
        (Box::new(PcmuEncoder::new()), Box::new(PcmuDecoder::new())),
        (Box::new(PcmaEncoder::new()), Box::new(PcmaDecoder::new())),
    ]
}

fn sine(hertz: f32, amplitude: f32, samples: usize) -> Vec<f32> {
    let step = core::f32::consts::TAU * hertz / SAMPLE_RATE as f32;
    (0..samples).map(|i| amplitude * (i as f32 * step).sin()).collect()
}

fn energy(pcm: &[f32]) -> f32 {
    pcm.iter().map(|s| s * s).sum()
}
