use super::DtmfTone;
use crate::telephone_event::DtmfKey;

#[test]
fn each_key_sounds_at_its_two_frequencies_and_at_no_other() {
    for rate in [8_000, 48_000] {
        for key in DtmfKey::ALL {
            let key = DtmfKey::from_char(key).unwrap();
            let mut tone = DtmfTone::new(rate, 0.25);
            tone.press(key);
            let mut out = vec![0.0; rate as usize / 5];
            out.chunks_mut(rate as usize / 100).for_each(|piece| tone.add_to(piece));
            let heard = &out[rate as usize / 100..];
            let (row, column) = key.frequencies();
            for hertz in [697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633] {
                let wanted = if hertz == row || hertz == column { 0.25 } else { 0.0 };
                let measured = amplitude(heard, hertz, rate);
                assert!((measured - wanted).abs() < 0.02, "{hertz} Hz in {key:?} at {rate}: {measured}");
            }
        }
    }
}

#[test]
fn it_is_silent_until_pressed_and_soon_after_it_is_released() {
    let mut tone = DtmfTone::new(8_000, 0.5);
    let mut out = [0.0; 80];
    tone.add_to(&mut out);
    assert_eq!(out, [0.0; 80]);
    tone.press(DtmfKey::from_char('5').unwrap());
    tone.add_to(&mut out);
    assert!(out[..4].iter().all(|s| s.abs() < 0.1), "it begins softly");
    tone.release();
    assert!(!tone.is_silent());
    tone.add_to(&mut out);
    assert!(tone.is_silent());
    let mut after = [0.0; 80];
    tone.add_to(&mut after);
    assert_eq!(after, [0.0; 80]);
}

#[test]
fn ten_minutes_of_one_key_grow_no_louder() {
    let mut tone = DtmfTone::new(8_000, 0.5);
    tone.press(DtmfKey::from_char('1').unwrap());
    let mut loudest = 0.0_f32;
    for _ in 0..60_000 {
        let mut out = [0.0; 80];
        tone.add_to(&mut out);
        loudest = out.iter().fold(loudest, |loudest, s| loudest.max(s.abs()));
    }
    assert!((0.9..1.001).contains(&loudest), "{loudest}");
}

fn amplitude(pcm: &[f32], hertz: u16, rate: u32) -> f32 {
    let step = core::f32::consts::TAU * f32::from(hertz) / rate as f32;
    let (mut x, mut y) = (0.0, 0.0);
    for (i, sample) in pcm.iter().enumerate() {
        let (sin, cos) = (i as f32 * step).sin_cos();
        (x, y) = (x + sample * cos, y + sample * sin);
    }
    2.0 * (x * x + y * y).sqrt() / pcm.len() as f32
}
