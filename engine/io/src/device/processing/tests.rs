use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use super::*;
use crate::device::read_mono;

const RATE: u32 = 16_000;
const FRAME: usize = 160;

fn only(echo: bool, noise: bool, gain: bool) -> Processing {
    Processing::new(RATE, ProcessingConfig { echo, noise, gain }).unwrap()
}

/// `seconds` of a voice, over and over, at an RMS level of `dbfs` while it speaks.
fn voice(name: &str, seconds: usize, dbfs: f32) -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/rove/assets").join(name);
    let clip = read_mono(&path, RATE).unwrap();
    let active: Vec<f32> = clip.chunks(FRAME).map(power).filter(|power| *power > 1e-4).collect();
    let gain = 10.0_f32.powf(dbfs / 20.0) / (active.iter().sum::<f32>() / active.len() as f32).sqrt();
    clip.iter().cycle().take(seconds * RATE as usize).map(|x| x * gain).collect()
}

fn noise(samples: usize, amplitude: f32) -> Vec<f32> {
    let mut x = 88_172_645_463_325_252_u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        amplitude * ((x >> 40) as f32 / (1 << 23) as f32 - 1.0)
    };
    (0..samples).map(|_| next()).collect()
}

fn power(pcm: &[f32]) -> f32 {
    pcm.iter().map(|x| x * x).sum::<f32>() / pcm.len() as f32
}

fn decibels(power: f32) -> f32 {
    10.0 * power.max(1e-12).log10()
}

fn seconds(pcm: &[f32], from: usize, to: usize) -> &[f32] {
    &pcm[from * RATE as usize..to * RATE as usize]
}

/// What a microphone hears of `far`: after 40 ms, through a room whose echo dies away over 60 ms, 10 dB quieter.
fn echo(far: &[f32]) -> Vec<f32> {
    let room: Vec<f32> =
        noise(960, 1.0).iter().enumerate().map(|(i, x)| x * (-(i as f32) / 160.0).exp()).collect();
    let gain = 0.316 / room.iter().map(|x| x * x).sum::<f32>().sqrt();
    let delay = 640;
    (0..far.len())
        .map(|n| {
            let tap = |(i, x): (usize, &f32)| n.checked_sub(delay + i).map_or(0.0, |at| x * far[at]);
            gain * room.iter().enumerate().map(tap).sum::<f32>()
        })
        .collect()
}

/// Runs both through in frames of 10 ms.
fn run(processing: &mut Processing, microphone: &[f32], far: &[f32]) -> Vec<f32> {
    let (mut out, mut done) = (Vec::new(), 0);
    // Blocks that are no frames: a callback's.
    for block in microphone.chunks(333) {
        let played = |_: Instant, frame: &mut [f32]| {
            frame.copy_from_slice(&far[done..done + frame.len()]);
            done += frame.len();
        };
        processing.process(Instant::ZERO, block, played, |_, pcm| out.extend_from_slice(pcm));
    }
    out.resize(microphone.len(), 0.0);
    out
}

#[test]
fn an_echo_is_20_db_down_after_5_seconds_and_the_near_end_survives() {
    let far = voice("speech-bob.wav", 14, -20.0);
    let mut far_then_quiet = far.clone();
    far_then_quiet[10 * RATE as usize..].fill(0.0);
    let mut near = voice("speech-alice.wav", 14, -24.0);
    near[..10 * RATE as usize].fill(0.0);
    let echo = echo(&far_then_quiet);
    let microphone: Vec<f32> = echo.iter().zip(&near).map(|(a, b)| a + b + 1e-5).collect();
    let out = run(&mut only(true, false, false), &microphone, &far_then_quiet);
    let erle = decibels(power(seconds(&echo, 5, 10))) - decibels(power(seconds(&out, 5, 10)));
    println!("ERLE from 5 to 10 s: {erle:.1} dB");
    assert!(erle >= 20.0, "ERLE of {erle} dB from 5 to 10 s");
    let untouched = run(&mut only(false, false, false), &microphone, &far_then_quiet);
    let left = decibels(power(seconds(&echo, 5, 10))) - decibels(power(seconds(&untouched, 5, 10)));
    assert!(left.abs() < 1.0, "without the canceller the echo is there: {left} dB");
    let kept = decibels(power(seconds(&out, 11, 14))) - decibels(power(seconds(&near, 11, 14)));
    println!("near end alone: {kept:.1} dB");
    assert!(kept > -3.0 && kept < 3.0, "the near end alone changed by {kept} dB");
}

#[test]
fn the_near_end_is_heard_through_the_echo() {
    let far = voice("speech-bob.wav", 12, -24.0);
    let mut near = voice("speech-alice.wav", 12, -20.0);
    near[..6 * RATE as usize].fill(0.0);
    let echo = echo(&far);
    let microphone: Vec<f32> = echo.iter().zip(&near).map(|(a, b)| a + b).collect();
    let out = run(&mut only(true, false, false), &microphone, &far);
    let kept = decibels(power(seconds(&out, 7, 12))) - decibels(power(seconds(&near, 7, 12)));
    println!("near end in double talk: {kept:.1} dB");
    assert!(kept > -6.0, "in double talk the near end changed by {kept} dB");
}

#[test]
fn steady_noise_falls_by_10_db_and_speech_above_it_does_not() {
    let mut speech = voice("speech-alice.wav", 12, -20.0);
    speech[..6 * RATE as usize].fill(0.0);
    let hiss = noise(speech.len(), 0.005);
    let microphone: Vec<f32> = speech.iter().zip(&hiss).map(|(a, b)| a + b).collect();
    let out = run(&mut only(false, true, false), &microphone, &vec![0.0; speech.len()]);
    let fallen = decibels(power(seconds(&hiss, 3, 6))) - decibels(power(seconds(&out, 3, 6)));
    println!("noise fell by {fallen:.1} dB");
    assert!(fallen >= 10.0, "noise fell by {fallen} dB");
    let kept = decibels(power(seconds(&out, 7, 12))) - decibels(power(seconds(&speech, 7, 12)));
    println!("speech above noise: {kept:.1} dB");
    assert!(kept > -3.0, "speech changed by {kept} dB");
}

#[test]
fn a_talker_at_minus_40_dbfs_comes_up_and_a_loud_one_is_not_clipped() {
    let quiet = voice("speech-alice.wav", 20, -40.0);
    let out = run(&mut only(false, false, true), &quiet, &vec![0.0; quiet.len()]);
    let risen = decibels(power(seconds(&out, 15, 20))) - decibels(power(seconds(&quiet, 15, 20)));
    println!("a talker at -40 dBFS rose by {risen:.1} dB");
    assert!(risen >= 10.0, "it came up by {risen} dB");
    let loud = voice("speech-alice.wav", 20, -14.0);
    let out = run(&mut only(false, false, true), &loud, &vec![0.0; loud.len()]);
    let peak = seconds(&out, 1, 20).iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    assert!(peak <= 1.0, "peak of {peak}");
}

/// Keeps what it is given.
struct Kept(Arc<Mutex<Vec<f32>>>);

impl Capture for Kept {
    fn capture(&mut self, _now: Instant, pcm: &[f32]) {
        self.0.lock().unwrap().extend_from_slice(pcm);
    }
}

/// Plays a clip.
struct Playing(Vec<f32>, usize);

impl Render for Playing {
    fn render(&mut self, _now: Instant, out: &mut [f32]) {
        for sample in out {
            *sample = self.0.get(self.1).copied().unwrap_or(0.0);
            self.1 += 1;
        }
    }
}

#[test]
fn between_two_cards_whose_clocks_differ_the_echo_is_still_cancelled() {
    // The loudspeaker's clock runs 200 ppm fast: so the room hears what it plays, at the microphone's rate.
    let far = voice("speech-bob.wav", 22, -20.0);
    let heard_far: Vec<f32> = (0..20 * RATE as usize)
        .map(|n| {
            let at = n as f64 * (1.0 + 200e-6);
            let (whole, part) = (at as usize, at.fract() as f32);
            far[whole] * (1.0 - part) + far[whole + 1] * part
        })
        .collect();
    let microphone = echo(&heard_far);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let ends =
        Ends { rate: RATE, capture: Box::new(Kept(Arc::clone(&kept))), render: Box::new(Playing(far, 0)) };
    let config = ProcessingConfig { echo: true, noise: false, gain: false };
    let (mut ends, mut worker, ended) = ends.tapped(config).unwrap();
    let mut block = [0.0; FRAME];
    let mut rendered = 0.0;
    for (n, heard) in microphone.chunks(FRAME).enumerate() {
        let start = n as f64 * 0.01;
        // All blocks that begin to play before this one has been heard.
        while rendered < start + 0.01 {
            ends.render.render(Instant::ZERO + Duration::from_secs_f64(rendered), &mut block);
            rendered += 0.01 / (1.0 + 200e-6);
        }
        ends.capture.capture(Instant::ZERO + Duration::from_secs_f64(start), heard);
        worker.turn();
    }
    let out = kept.lock().unwrap().clone();
    assert!(worker.played.counts().underruns == 0, "{:?}", worker.played.counts());
    let erle = decibels(power(seconds(&microphone, 12, 19))) - decibels(power(seconds(&out, 12, 19)));
    println!("ERLE between clocks 200 ppm apart: {erle:.1} dB");
    assert!(erle >= 20.0, "ERLE of {erle} dB");
    drop(ends);
    assert!(ended.load(Ordering::Acquire), "the worker goes with the ends");
}
