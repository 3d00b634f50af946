//! A switch that nothing forces: back to the cheaper way. Nobody hears it.

use std::path::Path;

use crate::scene::{Bad, KNOWN, Scene};

/// A tone of a whole number of periods a second, so that it goes on when it is repeated.
const TONE: f64 = 500.0;

#[test]
fn b15_the_cheaper_way_is_taken_again_without_a_packet_lost_or_a_sound_missed() {
    let Some(scene) = Scene::new(2, 150) else { return };
    let scene = scene.with(&["--codec", "pcmu"]).recorded("heard.wav");
    let tone = scene.path("tone.wav");
    write_tone(&tone);
    let (cut_at, mended_at, ends_at) = (KNOWN, KNOWN + 3.0, KNOWN + 30.0);
    let ends = scene.call_saying(&tone, ends_at + 0.5, |scene| {
        scene.until(cut_at);
        scene.spoil(0, "both", Bad::Cut);
        scene.until(mended_at);
        scene.mend(0);
        scene.wires.mark();
        scene.until(ends_at);
        scene.wires.truth()
    });
    let heard = pieces(&scene.path("heard.wav"));
    // What is recorded begins when the call is answered, as good as.
    let between = |from: f64, until: f64| {
        let piece = |seconds: f64| (seconds * 100.0) as usize;
        heard[piece(from)..piece(until).min(heard.len())].iter().copied()
    };
    let [cut, planned] = [between(cut_at - 0.5, mended_at), between(mended_at + 0.5, ends_at)]
        .map(|part| part.fold(f64::INFINITY, f64::min));
    println!(
        "share of the sound that is the tone, at least: {cut:.3} over the cut, {planned:.4} over the planned switch"
    );
    assert!(cut < 0.9, "a gap shows");
    assert!(planned > 0.97, "and here is none");
    for end in &ends {
        let told = end.switches();
        println!("{told:?}, longest gap {:.1} ms, lost {}", end.truth.gap(), end.truth.lost());
        let [left, back] = &told[..] else { panic!("there and back: {told:?}") };
        assert_eq!((left.cause.as_str(), back.cause.as_str()), ("silence", "cost"));
        assert_eq!((back.lost, end.truth.lost()), (Some(0.0), 0.0));
        assert!(end.truth.gap() <= 45.0, "{:?}", end.truth);
    }
}

fn write_tone(path: &Path) {
    let sample = |n: u32| {
        let phase = f64::from(n) / 48_000.0 * TONE * core::f64::consts::TAU;
        ((phase.sin() * 8_000.0) as i16).to_le_bytes()
    };
    let data: Vec<u8> = (0..48_000).flat_map(sample).collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]);
    wav.extend(48_000_u32.to_le_bytes());
    wav.extend(96_000_u32.to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    std::fs::write(path, wav).unwrap();
}

/// For each 10 ms of a recording, which share of its energy, and of what it should be, is the tone: 1 where it sounds as it
/// should, less where something is missing, broken off, or put in.
fn pieces(path: &Path) -> Vec<f64> {
    let wav = std::fs::read(path).unwrap();
    let rate = f64::from(u32::from_le_bytes(*wav[24..].first_chunk().unwrap()));
    assert_eq!(wav[34], 16, "bits a sample");
    let samples: Vec<f64> =
        wav[44..].chunks_exact(2).map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]]))).collect();
    let piece = |samples: &[f64]| {
        let (mut real, mut imaginary, mut energy) = (0.0, 0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let phase = n as f64 / rate * TONE * core::f64::consts::TAU;
            (real, imaginary) = (real + sample * phase.cos(), imaginary + sample * phase.sin());
            energy += sample * sample;
        }
        let tone = 2.0 * (real * real + imaginary * imaginary) / samples.len() as f64;
        (tone, energy)
    };
    let pieces: Vec<_> = samples.chunks_exact((rate / 100.0) as usize).map(piece).collect();
    let mut energies: Vec<f64> = pieces.iter().map(|piece| piece.1).collect();
    energies.sort_by(f64::total_cmp);
    let usual = energies[energies.len() / 2];
    pieces.into_iter().map(|(tone, energy)| tone / energy.max(usual)).collect()
}
