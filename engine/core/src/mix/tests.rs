#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod conference;

use core::f32::consts::TAU;

use proptest::prelude::*;

use super::{Level, Limiter, Mixer};

const RATE: u32 = 48_000;
const BLOCK: usize = 480;
/// −1 dBFS.
const CEILING: f32 = 0.891_250_9;

fn sine(hertz: f32, amplitude: f32, samples: usize) -> Vec<f32> {
    (0..samples).map(|i| amplitude * (TAU * hertz * i as f32 / RATE as f32).sin()).collect()
}

fn mixed(mixer: &mut Mixer, voices: &[Option<&[f32]>]) -> Vec<Vec<f32>> {
    for (party, voice) in voices.iter().enumerate() {
        if let Some(voice) = voice {
            mixer.say(party, voice);
        }
    }
    mixer.mix(BLOCK);
    let heard = |party| {
        let mut out = vec![9.0; BLOCK];
        mixer.hear(party, &mut out);
        out
    };
    (0..voices.len()).map(heard).collect()
}

fn bits(pcm: &[f32]) -> Vec<u32> {
    pcm.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn one_party_alone_is_heard_bit_for_bit_and_does_not_hear_itself() {
    let mut voice = sine(440.0, 0.5, BLOCK);
    (voice[7], voice[8], voice[9]) = (-0.0, 1e-40, -1e-20);
    let mut mixer = Mixer::new(4, BLOCK, RATE);
    for speaker in 0..4 {
        let voices: Vec<_> = (0..4).map(|party| (party == speaker).then_some(&voice[..])).collect();
        for (party, heard) in mixed(&mut mixer, &voices).iter().enumerate() {
            if party == speaker {
                assert!(heard.iter().all(|x| *x == 0.0), "{speaker} hears itself");
            } else {
                assert_eq!(bits(heard), bits(&voice), "{party} hears {speaker}");
            }
        }
    }
}

#[test]
fn two_parties_at_full_scale_stay_below_the_ceiling_and_are_not_clipped() {
    let mut mixer = Mixer::new(3, BLOCK, RATE);
    let (a, b) = (sine(300.0, 1.0, 100 * BLOCK), sine(300.0, 1.0, 100 * BLOCK));
    let mut heard = Vec::new();
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        heard.extend(mixed(&mut mixer, &[Some(a), Some(b), None]).pop().unwrap());
    }
    let peak = heard.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    assert!(peak > 0.75 && peak <= CEILING, "{peak}");
    // A clipped sine stands still at its peaks; this one is the sine at a lower gain.
    let gain = peak / 2.0;
    let off =
        heard[BLOCK..].iter().zip(&a[BLOCK..]).map(|(y, x)| (y - 2.0 * gain * x).abs()).fold(0.0, f32::max);
    assert!(off < 0.001, "distortion of {off}");
}

#[test]
fn the_limiter_is_transparent_below_minus_6_dbfs_and_monotonic_above() {
    let mut quiet = sine(1_000.0, 0.501, 4_800);
    let before = bits(&quiet);
    Limiter::new(RATE).limit(&mut quiet);
    assert_eq!(bits(&quiet), before);
    let mut last = 0.0;
    for tenths in 1..400 {
        let mut step = [tenths as f32 / 100.0];
        Limiter::new(RATE).limit(&mut step);
        assert!(step[0] > last && step[0] < CEILING, "{tenths}: {step:?} after {last}");
        last = step[0];
    }
}

#[test]
fn the_limiter_holds_10_ms_and_is_back_within_a_decibel_after_300_ms() {
    let mut limiter = Limiter::new(RATE);
    let mut pcm = vec![0.1; 48_000];
    pcm[0] = 2.0;
    limiter.limit(&mut pcm);
    let held = pcm[1];
    assert!(held < 0.05 && pcm[1..480].iter().all(|x| *x == held), "{held}");
    assert!(pcm[480..].windows(2).all(|pair| pair[0] <= pair[1]), "it comes back without a step back");
    assert!(pcm[14_400] > 0.089 && pcm[47_999] == 0.1, "{} {}", pcm[14_400], pcm[47_999]);
}

#[test]
fn a_gain_is_reached_within_a_block_without_a_step() {
    let mut mixer = Mixer::new(2, BLOCK, RATE);
    let voice = vec![0.4; BLOCK];
    mixer.set_gain(0, 0.25);
    let ramp = mixed(&mut mixer, &[Some(&voice), None]).pop().unwrap();
    assert!(ramp.windows(2).all(|pair| pair[1] <= pair[0] && pair[0] - pair[1] < 0.001));
    let steady = mixed(&mut mixer, &[Some(&voice), None]).pop().unwrap();
    assert!(steady.iter().all(|x| *x == 0.1), "{:?}", &steady[..4]);
    mixer.set_gain(0, f32::NAN);
    mixed(&mut mixer, &[Some(&voice), None]);
    assert!(mixed(&mut mixer, &[Some(&voice), None])[1].iter().all(|x| *x == 0.0));
}

#[test]
fn who_says_nothing_and_what_does_not_exist_is_silence() {
    let mut mixer = Mixer::new(2, BLOCK, RATE);
    let voice = vec![0.3; BLOCK];
    mixed(&mut mixer, &[Some(&voice), None]);
    let next = mixed(&mut mixer, &[None, None]);
    assert!(next.iter().flatten().all(|x| *x == 0.0), "the last block does not come again");
    mixer.say(17, &voice);
    mixer.mix(usize::MAX);
    let mut out = [1.0; BLOCK + 3];
    mixer.hear(17, &mut out);
    assert!(out.iter().all(|x| *x == 0.0));
}

#[test]
fn levels_follow_the_stated_ballistics() {
    let mut level = Level::new(RATE);
    assert_eq!((level.peak(), level.rms(), level.wire()), (None, None, None));
    level.measure(&sine(1_000.0, 1.0, 3 * 48_000));
    let (peak, rms) = (level.peak().unwrap(), level.rms().unwrap());
    assert!(peak.abs() < 0.02 && (rms + 3.01).abs() < 0.05, "full-scale sine: {peak} {rms}");
    assert_eq!(level.wire(), Some(3));
    level.measure(&vec![0.0; 81_600]);
    let fallen = level.peak().unwrap();
    assert!((fallen + 20.0).abs() < 0.1, "20 dB in 1.7 s: {fallen}");
    let decayed = rms - 10.0 * (1.7 / 0.3) * core::f32::consts::LOG10_E;
    assert!((level.rms().unwrap() - decayed).abs() < 0.1, "{:?} {decayed}", level.rms());
    level.measure(&vec![0.0; 30 * 48_000]);
    assert_eq!((level.peak(), level.rms(), level.wire()), (Some(-127.0), Some(-127.0), Some(127)));
    let mut square = Level::new(RATE);
    square.measure(&vec![1.0; 10 * 48_000]);
    assert_eq!(square.wire(), Some(0));
    square.measure(&[f32::NAN, f32::INFINITY, 1e30]);
    assert!(square.rms().unwrap() > -0.1 && square.peak() == Some(0.0));
}

#[test]
fn a_block_allocates_nothing() {
    let mut mixer = Mixer::new(8, BLOCK, RATE);
    let mut level = Level::new(RATE);
    let (voice, mut out) = (sine(440.0, 0.9, BLOCK), vec![0.0; BLOCK]);
    assert_no_alloc::assert_no_alloc(|| {
        for party in 0..8 {
            mixer.say(party, &voice);
        }
        mixer.mix(BLOCK);
        mixer.hear(3, &mut out);
        level.measure(&out);
    });
    assert!(level.peak().is_some_and(|peak| peak < -0.9));
}

proptest! {
    #[test]
    fn each_hears_exactly_the_others_added_up(
        voices in prop::collection::vec(prop::option::of(prop::collection::vec(-0.06_f32..0.06, BLOCK)), 1..9),
    ) {
        let mut mixer = Mixer::new(8, BLOCK, RATE);
        let given: Vec<_> = voices.iter().map(|voice| voice.as_deref()).collect();
        let heard = mixed(&mut mixer, &given);
        for (own, heard) in heard.iter().enumerate() {
            for i in 0..BLOCK {
                let add = |sum: f64, (_, voice): (usize, &Option<Vec<f32>>)| {
                    voice.as_ref().map_or(sum, |voice| sum + f64::from(voice[i]))
                };
                let others = voices.iter().enumerate().filter(|(party, _)| *party != own).fold(0.0, add);
                prop_assert!((f64::from(heard[i]) - others).abs() < 8.0 * f64::from(f32::EPSILON) * 0.5);
            }
        }
    }

    #[test]
    fn no_samples_leave_the_limiter_above_its_ceiling(bits in prop::collection::vec(any::<u32>(), 0..2_000)) {
        let mut pcm: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
        Limiter::new(RATE).limit(&mut pcm);
        prop_assert!(pcm.iter().all(|x| x.abs() <= CEILING));
    }
}
