#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::f32::consts::TAU;

use proptest::prelude::*;

use super::{Care, Splice, Stretcher};

const RATES: [u32; 3] = [8_000, 16_000, 48_000];

/// A signal of `ms` milliseconds, a function of the sample's number.
fn signal(rate: u32, ms: usize, wave: impl Fn(usize) -> f32) -> Vec<f32> {
    (0..ms * rate as usize / 1_000).map(wave).collect()
}

/// Noise of uniform distribution between −1 and 1.
fn noise(seed: usize) -> f32 {
    let mut x = (seed as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x >> 40) as f32) / ((1 << 23) as f32) - 1.0
}

/// A voice: a pulse every `period` samples through a decaying resonance.
fn voice(period: usize, rate: u32) -> impl Fn(usize) -> f32 {
    let (turn, decay) = (TAU * 600.0 / rate as f32, 180.0 / rate as f32);
    move |i| {
        let ring = |n: usize| (-(n as f32) * decay).exp() * (n as f32 * turn).sin();
        let since = i % period;
        0.3 * (ring(since) + ring(since + period) + ring(since + 2 * period) + ring(since + 3 * period))
    }
}

/// Shortens or lengthens a copy; answers what came of it.
fn stretch(
    rate: u32,
    pcm: &[f32],
    from: usize,
    most: usize,
    longer: bool,
    care: Care,
) -> Option<(Splice, Vec<f32>)> {
    let mut stretcher = Stretcher::new(rate);
    let mut room = pcm.to_vec();
    let splice = if longer {
        room.resize(pcm.len() + most, 0.0);
        stretcher.lengthen(&mut room, pcm.len(), from, most, care)?
    } else {
        stretcher.shorten(&mut room, pcm.len(), from, most, care)?
    };
    let len = if longer { pcm.len() + splice.samples } else { pcm.len() - splice.samples };
    room.truncate(len);
    Some((splice, room))
}

/// The steepest step between two samples.
fn steepest(pcm: &[f32]) -> f32 {
    pcm.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

fn power(pcm: &[f32]) -> f32 {
    pcm.iter().map(|x| x * x).sum::<f32>() / pcm.len() as f32
}

#[test]
fn a_voice_loses_and_gains_whole_periods_at_every_rate_and_stays_exactly_periodic() {
    for rate in RATES {
        let ms = rate as usize / 1_000;
        for period in [3 * ms, 5 * ms, 8 * ms + 3, 12 * ms, 18 * ms] {
            let pcm = signal(rate, 120, voice(period, rate));
            for longer in [false, true] {
                let what = format!("{rate} Hz, period {period}, longer: {longer}");
                let (splice, out) =
                    stretch(rate, &pcm, 60 * ms, 20 * ms, longer, Care::Inaudible).expect(&what);
                assert_eq!(splice.samples % period, 0, "{what}: {splice:?}");
                assert!(splice.quality.similarity > 0.999, "{what}: {splice:?}");
                let periodic = out.iter().zip(voice_of(&pcm, period)).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(periodic, "{what}: {splice:?}");
            }
        }
    }
}

fn voice_of(pcm: &[f32], period: usize) -> impl Iterator<Item = f32> {
    pcm[..period].iter().copied().cycle()
}

#[test]
fn a_sine_keeps_its_level_and_its_steepest_slope() {
    for rate in RATES {
        let ms = rate as usize / 1_000;
        for hertz in [60.0, 97.3, 142.8, 211.1, 333.3, 391.0, 1_003.7] {
            let turn = TAU * hertz / rate as f32;
            let pcm = signal(rate, 120, |i| 0.5 * (i as f32 * turn).sin());
            for longer in [false, true] {
                let what = format!("{rate} Hz, sine of {hertz} Hz, longer: {longer}");
                let (_, out) = stretch(rate, &pcm, 60 * ms, 20 * ms, longer, Care::Inaudible).expect(&what);
                assert!(steepest(&out) < 1.05 * 0.5 * 2.0 * (turn / 2.0).sin(), "{what}");
                let change = power(&out) / power(&pcm);
                assert!((0.95..1.05).contains(&change), "{what}: {change}");
            }
        }
    }
}

#[test]
fn constants_and_ramps_are_stretched_and_keep_their_shape() {
    for rate in RATES {
        let ms = rate as usize / 1_000;
        let slope = 0.5 / (120.0 * ms as f32);
        for longer in [false, true] {
            let constant = signal(rate, 120, |_| 0.25);
            let (splice, out) = stretch(rate, &constant, 60 * ms, 20 * ms, longer, Care::Inaudible).unwrap();
            assert!(splice.samples >= 15 * ms && out.iter().all(|x| *x == 0.25), "{rate}: {splice:?}");
            let ramp = signal(rate, 120, |i| 0.1 + i as f32 * slope);
            let (splice, out) = stretch(rate, &ramp, 60 * ms, 20 * ms, longer, Care::Inaudible).unwrap();
            for (i, x) in out.iter().enumerate() {
                let jump = splice.samples as f32 * splice.weight(i) * if longer { -1.0 } else { 1.0 };
                let time = (x - 0.1) / slope;
                let off = (time - (i as f32 + jump)).abs() / ms as f32;
                assert!(off < 0.5, "{rate}, longer: {longer}: sample {i} is {off} ms off, {splice:?}");
            }
        }
    }
}

#[test]
fn silence_goes_in_any_length() {
    for rate in RATES {
        let ms = rate as usize / 1_000;
        let pcm = vec![0.0; 120 * ms];
        for most in [1, 7, ms, 11 * ms + 1, 40 * ms] {
            for longer in [false, true] {
                let (splice, out) = stretch(rate, &pcm, 60 * ms, most, longer, Care::Inaudible).unwrap();
                assert_eq!(splice.samples, most, "{rate} Hz, longer: {longer}");
                assert!(splice.quality.quiet && out.iter().all(|x| *x == 0.0));
            }
        }
    }
}

#[test]
fn the_noise_floor_is_cut_anywhere_and_keeps_its_level_but_speech_of_noise_is_not() {
    let (rate, ms) = (16_000, 16);
    let mut stretcher = Stretcher::new(rate);
    let voice = voice(5 * ms, rate);
    let scene = signal(rate, 2_000, |i| 0.003 * noise(i) + if i % 16_000 < 8_000 { voice(i) } else { 0.0 });
    stretcher.heard(&scene);
    let mut pcm = signal(rate, 400, |i| 0.003 * noise(i + 99_999));
    let (before, len) = (power(&pcm[..200 * ms]), 200 * ms);
    let cut = stretcher.shorten(&mut pcm, len, 100 * ms, 30 * ms, Care::Inaudible).expect("background");
    assert!(cut.quality.quiet && cut.samples == 30 * ms, "{cut:?}");
    let joint = power(&pcm[cut.at..cut.at + cut.fade]) / before;
    assert!((0.7..1.4).contains(&joint), "level at the joint: {joint}");
    let mut hiss = signal(rate, 400, |i| 0.2 * noise(i));
    assert_eq!(stretcher.shorten(&mut hiss, len, 100 * ms, 30 * ms, Care::Inaudible), None, "a long /s/");
    assert_eq!(stretcher.lengthen(&mut hiss, len, 100 * ms, 30 * ms, Care::Inaudible), None, "a long /s/");
    let any = stretcher.shorten(&mut hiss, len, 100 * ms, 30 * ms, Care::AnyRate).expect("at any rate");
    assert!(!any.quality.quiet && any.quality.similarity < 0.9);
}

#[test]
fn an_onset_stays_as_it_is() {
    let (rate, ms) = (48_000, 48);
    let onset = 80 * ms;
    let pcm = signal(rate, 120, |i| {
        let rise = (i.saturating_sub(onset) as f32 / (10.0 * ms as f32)).min(1.0);
        0.5 * rise * noise(i) + 0.02 * noise(i + 77)
    });
    assert_eq!(stretch(rate, &pcm, 70 * ms, 20 * ms, false, Care::Inaudible), None);
    assert_eq!(stretch(rate, &pcm, onset, 20 * ms, true, Care::Inaudible), None);
}

#[test]
fn four_milliseconds_in_hand_are_enough_to_lengthen() {
    for rate in RATES {
        let ms = rate as usize / 1_000;
        let pcm = signal(rate, 64, voice(7 * ms, rate));
        let (splice, _) =
            stretch(rate, &pcm, 60 * ms, 20 * ms, true, Care::Inaudible).expect("a period more");
        assert!(splice.at >= 60 * ms && splice.samples % (7 * ms) == 0, "{rate} Hz: {splice:?}");
    }
}

#[test]
fn nothing_is_allocated_by_a_call() {
    let (rate, ms) = (48_000, 48);
    let mut stretcher = Stretcher::new(rate);
    let mut pcm = signal(rate, 200, voice(7 * ms, rate));
    assert_no_alloc::assert_no_alloc(|| {
        stretcher.heard(&pcm);
        let cut = stretcher.shorten(&mut pcm, 120 * ms, 60 * ms, 20 * ms, Care::Inaudible);
        let put = stretcher.lengthen(&mut pcm, 100 * ms, 60 * ms, 20 * ms, Care::AnyRate);
        assert!(cut.is_some() && put.is_some());
    });
}

proptest! {
    #[test]
    fn what_is_told_of_a_splice_is_what_was_done(
        rate in prop::sample::select(vec![8_000_u32, 11_025, 16_000, 44_100, 48_000]),
        len in 0_usize..4_000, from in 0_usize..4_200, most in 0_usize..2_000, longer: bool,
        any: bool, seed in 0_usize..1_000, period in 1_usize..600, hiss in 0.0_f32..0.3,
    ) {
        let tone = voice(period, rate);
        let pcm: Vec<f32> = (0..len).map(|i| tone(i) + hiss * noise(i + seed)).collect();
        let care = if any { Care::AnyRate } else { Care::Inaudible };
        let Some((splice, out)) = stretch(rate, &pcm, from, most, longer, care) else { return Ok(()) };
        let Splice { at, fade, samples, quality } = splice;
        prop_assert!(at >= from && samples > 0 && samples <= most && fade > 0);
        prop_assert!(any || quality.quiet || quality.similarity >= 0.9);
        prop_assert_eq!(&out[..at], &pcm[..at]);
        let resumes = if longer { at + fade - samples } else { at + fade + samples };
        prop_assert_eq!(&out[at + fade..], &pcm[resumes..]);
        let peak = pcm.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
        prop_assert!(out.iter().all(|x| x.abs() <= 1.42 * peak));
    }

    #[test]
    fn no_samples_and_no_lengths_make_it_panic(
        bits in prop::collection::vec(any::<u32>(), 0..3_000),
        len in any::<usize>(), from in any::<usize>(), most in any::<usize>(), rate: u32, small: bool,
    ) {
        let mut pcm: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
        let len = if small { len % (pcm.len() + 1) } else { len };
        let from = if small { from % (len + 1) } else { from };
        let mut stretcher = Stretcher::new(rate);
        stretcher.heard(&pcm);
        for care in [Care::Inaudible, Care::Similar(0.5), Care::AnyRate] {
            if let Some(cut) = stretcher.shorten(&mut pcm, len, from, most, care) {
                prop_assert!(cut.samples <= most && cut.at >= from);
            }
            if let Some(put) = stretcher.lengthen(&mut pcm, len, from, most, care) {
                prop_assert!(put.samples <= most && put.at >= from);
            }
        }
    }
}
