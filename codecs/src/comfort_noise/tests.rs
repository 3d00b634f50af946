use proptest::{collection::vec, prelude::*};

use super::{ComfortNoise, HIGHEST_ORDER, NoiseAnalyser, NoiseParameters};
use crate::CodecError;

#[test]
fn the_level_is_in_db_below_a_square_wave_at_full_scale() {
    let cases = [(1.0, 0), (0.5, 3), (1e-3, 30), (1e-6, 60), (0.0, 127), (4.0, 0), (f32::NAN, 127)];
    for (mean_square, level) in cases {
        assert_eq!(NoiseParameters::new(mean_square, &[]).level(), level, "{mean_square}");
    }
}

#[test]
fn reflection_coefficients_are_quantized_as_rfc_3389_3_2_says() {
    let parameters = NoiseParameters::parse(&[0x80 | 40, 0, 127, 254, 255, 128]).unwrap();
    assert_eq!(parameters.level(), 40, "the bit before the level is reserved");
    let step = 258.0 / 32_768.0;
    let wanted = [-127.0 * step, 0.0, 127.0 * step, 127.0 * step, step];
    assert_eq!(parameters.reflections().collect::<Vec<_>>(), wanted);
    let mut out = [0; 9];
    let len = NoiseParameters::new(1e-4, &[-1.0, 0.0, 0.5, 1.0]).write(&mut out).unwrap();
    assert_eq!(out[..len], [40, 0, 127, 191, 254]);
}

#[test]
fn a_payload_has_a_level_and_may_have_more_coefficients_than_are_kept() {
    assert_eq!(NoiseParameters::parse(&[]), Err(CodecError::Payload { len: 0 }));
    assert_eq!(NoiseParameters::parse(&[13]).unwrap().reflections().count(), 0);
    let parameters = NoiseParameters::parse(&[127; 40]).unwrap();
    assert_eq!(parameters.reflections().count(), HIGHEST_ORDER);
    assert_eq!(parameters.write(&mut [0; 12]), Err(CodecError::OutputTooSmall { need: 13, have: 12 }));
}

#[test]
fn noise_comes_back_as_loud_and_as_dark_as_it_was() {
    // One pole each: dark, white and bright noise, by the ratio of correlation at one sample to energy.
    for pole in [0.9, 0.5, 0.0, -0.6] {
        let original = coloured(pole, 0.01, 32_000);
        let mut analyser = NoiseAnalyser::new(10);
        original.chunks(160).for_each(|frame| analyser.hear(frame));
        let parameters = analyser.parameters().unwrap();
        let mut generator = ComfortNoise::new(8_000, 1);
        generator.update(&parameters);
        let mut heard = vec![0.0; 32_000];
        generator.generate(&mut heard);
        let louder = 10.0 * (energy(&heard) / energy(&original)).log10();
        assert!(louder.abs() < 1.5, "pole {pole}: {louder} dB louder");
        let darker = colour(&heard) - colour(&original);
        assert!(darker.abs() < 0.05, "pole {pole}: colour {} of {}", colour(&heard), colour(&original));
    }
}

#[test]
fn nothing_heard_is_nothing_said_and_a_reset_forgets() {
    let mut analyser = NoiseAnalyser::new(8);
    assert_eq!(analyser.parameters(), None);
    analyser.hear(&[f32::NAN; 160]);
    analyser.hear(&[0.1; 3]);
    assert_eq!(analyser.parameters(), None, "neither is a frame");
    analyser.hear(&[0.0; 160]);
    assert_eq!(analyser.parameters().map(|p| p.level()), Some(127), "digital silence");
    analyser.reset();
    assert_eq!(analyser.parameters(), None);
    let mut generator = ComfortNoise::new(8_000, 1);
    let mut out = [1.0; 80];
    generator.generate(&mut out);
    assert_eq!(energy(&out), 0.0);
}

#[test]
fn a_change_of_level_is_smooth_and_done_within_a_fifth_of_a_second() {
    let mut generator = ComfortNoise::new(16_000, 3);
    generator.update(&NoiseParameters::new(1e-6, &[]));
    let mut out = [0.0; 16_000];
    generator.generate(&mut out);
    generator.update(&NoiseParameters::new(1e-2, &[]));
    generator.generate(&mut out);
    let mean_square = |from: usize, samples: usize| energy(&out[from..from + samples]) / samples as f32;
    assert!(mean_square(0, 80) < 1e-3, "no jump: {}", mean_square(0, 80));
    assert!((0.8e-2..1.2e-2).contains(&mean_square(3_200, 12_800)), "{}", mean_square(3_200, 12_800));
}

#[test]
fn the_same_seed_gives_the_same_noise_however_it_is_cut() {
    let parameters = NoiseParameters::new(1e-4, &[-0.5, 0.2]);
    let play = |seed: u64, piece: usize| {
        let mut generator = ComfortNoise::new(8_000, seed);
        generator.update(&parameters);
        let mut out = vec![0.0; 4_000];
        out.chunks_mut(piece).for_each(|piece| generator.generate(piece));
        out
    };
    assert_eq!(play(7, 80), play(7, 333));
    assert_ne!(play(7, 80), play(8, 80));
}

proptest! {
    #[test]
    fn whatever_payloads_say_the_noise_stays_in_range(payloads in vec(vec(any::<u8>(), 0..300), 0..20), seed: u64) {
        let mut generator = ComfortNoise::new(8_000, seed);
        let mut out = [0.0; 400];
        for payload in payloads {
            if let Ok(parameters) = NoiseParameters::parse(&payload) {
                generator.update(&parameters);
            }
            generator.generate(&mut out);
            prop_assert!(out.iter().all(|s| s.abs() < 100.0));
        }
    }

    #[test]
    fn what_is_written_is_read_back(payload in vec(0..255_u8, 1..13), level in 0..128_u8) {
        let payload = [&[level], &payload[1..]].concat();
        let mut out = [0; 13];
        let len = NoiseParameters::parse(&payload).unwrap().write(&mut out).unwrap();
        prop_assert_eq!(&out[..len], &payload[..]);
    }

    #[test]
    fn whatever_is_heard_gives_parameters(frames in vec(vec(-1.0..1.0_f32, 0..200), 1..9), order in 0..40_usize) {
        let mut analyser = NoiseAnalyser::new(order);
        frames.iter().for_each(|frame| analyser.hear(frame));
        if let Some(parameters) = analyser.parameters() {
            prop_assert!(parameters.reflections().all(|k| k.abs() <= 1.0));
        }
    }
}

/// White noise through one pole, of the given mean square.
fn coloured(pole: f32, mean_square: f32, samples: usize) -> Vec<f32> {
    let mut seed = 5_u32;
    let gain = (3.0 * mean_square * (1.0 - pole * pole)).sqrt();
    let mut out = 0.0;
    (0..samples)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            out = pole * out + gain * ((seed >> 8) as f32 / 8_388_608.0 - 1.0);
            out
        })
        .collect()
}

fn colour(pcm: &[f32]) -> f32 {
    pcm.windows(2).map(|pair| pair[0] * pair[1]).sum::<f32>() / energy(pcm)
}

fn energy(pcm: &[f32]) -> f32 {
    pcm.iter().map(|s| s * s).sum()
}
