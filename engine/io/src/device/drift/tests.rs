use std::f64::consts::TAU;

use super::*;
use crate::bridge::{PcmTx, pcm_ring};

/// Two devices in virtual time: one brings a tone in blocks, by a clock that is off; the other pulls blocks.
struct World {
    rate: u32,
    hertz: f64,
    /// How far the first clock is off.
    ppm: f64,
    tx: PcmTx,
    follower: Follower,
    brought: u64,
    pulled: u64,
    /// Samples that the ring refused.
    refused: u64,
    random: u64,
}

const BRING: usize = 10;
const PULL: usize = 8;

impl World {
    fn new(rate: u32, hertz: f64, ppm: f64) -> Self {
        let (tx, rx) = pcm_ring(rate as usize / 5);
        let follower = Follower::new(rx, rate, Duration::from_millis(25)).unwrap();
        Self { rate, hertz, ppm, tx, follower, brought: 0, pulled: 0, refused: 0, random: 1 }
    }

    /// Up to `most` of jitter, as a thread has it that is woken late.
    fn late(&mut self, most: Duration) -> Duration {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        most.mul_f64((self.random >> 40) as f64 / (1_u64 << 24) as f64)
    }

    /// Both clocks go on by `time`; what was pulled is shown to `heard`.
    fn run(&mut self, time: Duration, mut heard: impl FnMut(&[f32])) {
        let ms = self.rate as usize / 1_000;
        let (bring, pull) = (BRING * ms, PULL * ms);
        let rate = f64::from(self.rate);
        let until = self.pulled as f64 / rate + time.as_secs_f64();
        let (mut block, mut out) = (vec![0.0; bring], vec![0.0; pull]);
        while self.pulled as f64 / rate < until {
            let at = self.pulled as f64 / rate;
            // What is captured until now has been brought.
            let real = rate * (1.0 + self.ppm * 1e-6);
            while (self.brought as f64 + bring as f64) / real <= at {
                for (i, sample) in block.iter_mut().enumerate() {
                    *sample = 0.5 * (TAU * self.hertz / rate * (self.brought as f64 + i as f64)).sin() as f32;
                }
                let first =
                    Duration::from_secs_f64(self.brought as f64 / real) + self.late(Duration::from_millis(1));
                self.refused += if self.tx.push(Instant::ZERO + first, &block) { 0 } else { bring as u64 };
                self.brought += bring as u64;
            }
            let now = Instant::ZERO + Duration::from_secs_f64(at) + self.late(Duration::from_millis(1));
            self.follower.pull(now, &mut out);
            heard(&out);
            self.pulled += pull as u64;
        }
    }

    fn holds_ms(&self) -> f64 {
        self.follower.held.len as f64 * 1_000.0 / f64::from(self.rate)
    }
}

/// What is left of `pcm` without a sine of about `hertz`, against it, in dB, as an instrument measures it whose notch
/// follows the tone.
fn distortion(pcm: &[f32], hertz: f64, rate: u32) -> f64 {
    let turn = TAU * hertz / f64::from(rate);
    let half = pcm.len() / 2;
    let [(a, b), (c, d)] = [fit(&pcm[..half], turn, 0), fit(&pcm[half..], turn, half)];
    let slip = (d.atan2(c) - b.atan2(a) + 1.5 * TAU).rem_euclid(TAU) - TAU / 2.0;
    let turn = turn + slip / half as f64;
    let (a, b) = fit(pcm, turn, 0);
    let (mut signal, mut rest) = (0.0, 0.0);
    for (i, x) in pcm.iter().enumerate() {
        let (s, c) = (turn * i as f64).sin_cos();
        let fit = a * s + b * c;
        (signal, rest) = (signal + fit * fit, rest + (f64::from(*x) - fit).powi(2));
    }
    10.0 * (rest / signal).log10()
}

/// The sine and the cosine in `pcm`, whose first sample has the number `from`, by least squares.
fn fit(pcm: &[f32], turn: f64, from: usize) -> (f64, f64) {
    let (mut ss, mut cc, mut sc, mut xs, mut xc) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (i, x) in pcm.iter().enumerate() {
        let (s, c) = (turn * (from + i) as f64).sin_cos();
        let x = f64::from(*x);
        (ss, cc, sc, xs, xc) = (ss + s * s, cc + c * c, sc + s * c, xs + x * s, xc + x * c);
    }
    let det = ss * cc - sc * sc;
    ((xs * cc - xc * sc) / det, (xc * ss - xs * sc) / det)
}

#[test]
fn a_clock_300_ppm_off_is_followed_for_an_hour_without_running_dry_or_over() {
    for (ppm, seconds) in [(300.0, 3_600), (-300.0, 600)] {
        let mut world = World::new(8_000, 440.0, ppm);
        world.run(Duration::from_secs(120), |_| {});
        let begun = world.follower.counts();
        let (mut least, mut most) = (f64::MAX, 0.0_f64);
        for _ in 0..(seconds - 120) / 4 {
            world.run(Duration::from_secs(4), |_| {});
            (least, most) = (least.min(world.holds_ms()), most.max(world.holds_ms()));
        }
        assert_eq!((world.follower.counts(), world.refused), (begun, 0));
        assert_eq!(begun, FollowerCounts::default());
        assert!(least > 2.0 && most < 28.0, "{ppm} ppm: between {least} and {most} ms waited");
        let known = world.follower.drift_ppm().unwrap();
        assert!((known - ppm).abs() < 15.0, "{ppm} ppm are taken for {known}");
    }
}

#[test]
fn a_tone_keeps_its_purity_while_a_clock_is_followed() {
    for (hertz, ppm) in [(997.0, 500.0), (997.0, -500.0), (3_400.0, 300.0), (12_000.0, -300.0)] {
        let mut world = World::new(48_000, hertz, ppm);
        world.run(Duration::from_secs(120), |_| {});
        let mut heard = Vec::new();
        world.run(Duration::from_secs(1), |pcm| heard.extend_from_slice(pcm));
        let worst = heard
            .chunks_exact(9_600)
            .map(|part| distortion(part, hertz * (1.0 + ppm * 1e-6), 48_000))
            .fold(f64::MIN, f64::max);
        assert!(worst < -60.0, "{hertz} Hz at {ppm} ppm: THD+N of {worst} dB");
    }
}

#[test]
fn clocks_that_agree_are_left_alone() {
    let mut world = World::new(48_000, 997.0, 0.0);
    world.run(Duration::from_secs(60), |_| {});
    assert!(world.follower.drift_ppm().unwrap().abs() < 15.0);
    assert_eq!(world.follower.counts(), FollowerCounts::default());
}

#[test]
fn a_device_that_stops_and_comes_back_is_silent_meanwhile_and_followed_again() {
    let mut world = World::new(8_000, 440.0, 100.0);
    world.run(Duration::from_secs(10), |_| {});
    let mut out = [1.0; 80];
    for tick in 0..100 {
        let now = Instant::ZERO + Duration::from_secs(10) + Duration::from_millis(10 * tick);
        world.follower.pull(now, &mut out);
    }
    assert!(out.iter().all(|x| *x == 0.0));
    assert_eq!(world.follower.counts().underruns, 1);
    // What it missed comes in one burst; far too much of it is left out.
    world.pulled += 8_000;
    let mut heard = Vec::new();
    world.run(Duration::from_secs(2), |pcm| heard.extend_from_slice(pcm));
    assert!(
        heard[8_000..].iter().any(|x| x.abs() > 0.4) && world.holds_ms() < 60.0,
        "{} ms",
        world.holds_ms()
    );
}

#[test]
fn nothing_is_allocated_while_it_runs() {
    let (mut tx, rx) = pcm_ring(9_600);
    let mut follower = Follower::new(rx, 48_000, Duration::from_millis(20)).unwrap();
    let (block, mut out) = (vec![0.25; 480], vec![0.0; 480]);
    let mut heard = 0.0;
    assert_no_alloc::assert_no_alloc(|| {
        for tick in 0..200_u64 {
            let now = Instant::ZERO + Duration::from_millis(10 * tick);
            tx.push(now, &block);
            follower.pull(now, &mut out);
            heard = out[479];
        }
    });
    assert!((heard - 0.25).abs() < 1e-3, "{heard}");
}
