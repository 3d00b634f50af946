//! Where a replay says it is in a stream, against what the sound itself says.

use core::time::Duration;

use rove_base::{CodecId, Entropy};
use rove_phone::replay::{Capture, Format, FormatMap, Replay, Row};

const NUMBER: u8 = 96;
const FRAMES: u32 = 1_500;
/// Ticks and samples of a frame of 20 ms at 48 kHz.
const FRAME: u32 = 960;
/// What one frame adds to the samples of the ramp.
const STEP: f64 = 20.0;

/// Frames of L16 that each say which one they are: a ramp over the whole stream, with jitter and loss.
fn capture(loss: f64, jitter_us: f64, seed: u64) -> Vec<u8> {
    let mut entropy = Entropy::from_number(seed);
    let mut packets: Vec<(u64, Vec<u8>)> = Vec::new();
    for n in 0..FRAMES {
        let mut packet = vec![0x80, NUMBER];
        packet.extend((n as u16).wrapping_add(65_000).to_be_bytes());
        packet.extend((n * FRAME).to_be_bytes());
        packet.extend([0, 0, 0, 5]);
        for i in 0..FRAME {
            let value = STEP * (f64::from(n) + f64::from(i) / f64::from(FRAME)) + 2_000.0;
            packet.extend((value.round() as i16).to_be_bytes());
        }
        let late = (-entropy.unit().ln() * jitter_us) as u64;
        if entropy.unit() >= loss {
            packets.push((30_000 + u64::from(n) * 20_000 + late, packet));
        }
    }
    packets.sort_by_key(|(at, _)| *at);
    let record = |(at, packet): &(u64, Vec<u8>)| {
        let length = u16::try_from(packet.len()).unwrap();
        [&at.to_le_bytes()[..], &length.to_le_bytes(), packet].concat()
    };
    packets.iter().flat_map(record).collect()
}

fn play(file: &[u8]) -> (Vec<Row>, Vec<f32>) {
    let (mut rows, mut sound) = (Vec::new(), Vec::new());
    let mut formats = FormatMap::default();
    formats.set(NUMBER, Format::Speech(CodecId::L16));
    let replay = Replay { phase: Duration::from_micros(1_700), formats, ..Replay::default() };
    let mut show = |row: &Row, pcm: &[f32]| {
        rows.push(*row);
        sound.extend_from_slice(pcm);
        true
    };
    replay.run(&Capture::read(file).unwrap(), &mut show).unwrap();
    (rows, sound)
}

#[test]
fn the_media_time_told_is_that_of_the_sound_within_a_millisecond_wherever_nothing_is_invented() {
    for (loss, jitter_us, seed) in [(0.0, 3_000.0, 1), (0.02, 10_000.0, 2), (0.1, 20_000.0, 3)] {
        let (rows, sound) = play(&capture(loss, jitter_us, seed));
        let (mut compared, mut stretched, mut worst) = (0, 0, 0.0_f64);
        for n in 3..rows.len() {
            // What is faded in after something invented is no clear number yet.
            if rows[n - 3].concealed != rows[n].concealed || rows[n - 3].cng != rows[n].cng {
                continue;
            }
            let (Some(_), Some(told)) = (rows[n - 3].playout_ts, rows[n].playout_ts) else { continue };
            let last = f64::from(sound[n * 480 + 479]) * 32_768.0;
            // The sample after the last one is where the row says it is.
            let heard = (last - 2_000.0) / STEP * f64::from(FRAME) + 1.0;
            // Half a step of the samples is 24 of these.
            let off = ((heard - f64::from(told)).abs() - 24.0).max(0.0) / 48.0;
            worst = worst.max(off);
            assert!(off <= 1.0, "at {} us: {off} ms, {heard} and not {told}", rows[n].t_us);
            compared += 1;
            let moved = |row: &Row| row.accel + row.preempt;
            stretched += usize::from(moved(&rows[n]) != moved(&rows[n - 1]));
        }
        assert!(compared > 300 && stretched > 3, "{compared} compared, {stretched} stretched");
        println!("{loss} lost, {jitter_us} us: {compared} compared, {stretched} stretched, {worst} ms off");
    }
}
