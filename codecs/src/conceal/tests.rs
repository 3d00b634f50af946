use super::Concealer;

#[test]
fn a_voice_goes_on_at_its_pitch_at_every_rate() {
    for rate in [8_000, 16_000, 48_000_u32] {
        for hertz in [80.0, 123.0, 190.0] {
            let voice = voice(rate, hertz);
            let (heard, missing) = voice.split_at(voice.len() / 2);
            let mut concealer = Concealer::new(rate);
            concealer.heard(&mut heard.to_vec());
            let mut out = vec![0.0; rate as usize / 100];
            concealer.conceal(&mut out);
            let error: f32 = out.iter().zip(missing).map(|(a, b)| (a - b) * (a - b)).sum();
            let energy: f32 = out.iter().map(|s| s * s).sum();
            // At 8 kHz a period is off by up to half a sample.
            let limit = if rate == 8_000 { 0.1 } else { 0.05 };
            assert!(error < limit * energy, "{hertz} Hz at {rate}: {}", error / energy);
        }
    }
}

#[test]
fn it_fades_to_silence_within_60_ms_and_begins_anew_after_a_reset() {
    for rate in [8_000, 16_000, 48_000_u32] {
        let mut concealer = Concealer::new(rate);
        concealer.heard(&mut voice(rate, 100.0));
        let mut out = vec![1.0; rate as usize / 10];
        concealer.conceal(&mut out);
        assert!(out[..rate as usize / 200].iter().any(|s| s.abs() > 0.1), "it goes on at first");
        assert!(out[rate as usize * 6 / 100..].iter().all(|&s| s == 0.0));
        concealer.heard(&mut voice(rate, 100.0));
        concealer.reset();
        concealer.conceal(&mut out);
        assert!(out.iter().all(|&s| s == 0.0), "nothing is left of the past");
    }
}

#[test]
fn the_seams_make_no_step() {
    for rate in [8_000, 16_000, 48_000_u32] {
        let voice = voice(rate, 117.0);
        let steepest = steepest(&voice);
        let piece = rate as usize / 50;
        let mut concealer = Concealer::new(rate);
        let mut out = voice.clone();
        for (i, piece) in out.chunks_mut(piece).enumerate() {
            if i % 5 == 4 { concealer.conceal(piece) } else { concealer.heard(piece) }
        }
        assert!(self::steepest(&out) < 1.5 * steepest, "{} at {rate}", self::steepest(&out) / steepest);
    }
}

fn steepest(pcm: &[f32]) -> f32 {
    pcm.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

/// A fifth of a second with overtones up to 1 kHz.
fn voice(rate: u32, hertz: f32) -> Vec<f32> {
    (0..rate / 5)
        .map(|i| {
            let turn = core::f32::consts::TAU * hertz * i as f32 / rate as f32;
            (1..=5).map(|n| 0.2 / n as f32 * (turn * n as f32).sin()).sum()
        })
        .collect()
}
