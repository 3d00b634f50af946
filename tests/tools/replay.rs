//! A capture of Opus with jitter, loss and reordering, played again.

use core::time::Duration;

use rove_base::Entropy;
use rove_codecs::{
    Encoder as _,
    opus::{OpusEncoder, OpusEncoderConfig},
};
use rove_phone::replay::{Capture, Replay, Row};

use crate::fullband;

/// Arrival in µs and packet.
type Arrivals = Vec<(u64, Vec<u8>)>;

/// So many packets of 20 ms of speech, a tenth of them lost, 3 % late by 50 ms, the counters just under their wraps.
fn call(packets: u16) -> Arrivals {
    let mut encoder =
        OpusEncoder::new(OpusEncoderConfig { inband_fec: true, ..OpusEncoderConfig::default() }).unwrap();
    let mut entropy = Entropy::from_number(11);
    let mut arrivals = Arrivals::new();
    for (n, frame) in (0..packets).zip(fullband().chunks_exact(960).cycle()) {
        let mut payload = [0; 1_275];
        let length = encoder.encode(frame, &mut payload).unwrap();
        let mut packet = vec![0x80, 111];
        packet.extend(65_500_u16.wrapping_add(n).to_be_bytes());
        packet.extend(0xffff_0000_u32.wrapping_add(u32::from(n) * 960).to_be_bytes());
        packet.extend([0, 0, 0, 9]);
        packet.extend(&payload[..length]);
        let late = if entropy.unit() < 0.03 { 50_000 } else { 0 };
        let jitter = (-entropy.unit().ln() * 8_000.0) as u64;
        if entropy.unit() >= 0.1 {
            arrivals.push((30_000 + u64::from(n) * 20_000 + jitter + late, packet));
        }
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals
}

fn records(arrivals: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let record = |(at, packet): &(u64, Vec<u8>)| {
        let length = u16::try_from(packet.len()).unwrap();
        [&at.to_le_bytes()[..], &length.to_le_bytes(), packet].concat()
    };
    arrivals.iter().flat_map(record).collect()
}

fn play(arrivals: &[(u64, Vec<u8>)], phase: u64) -> (Vec<Row>, Vec<f32>) {
    let (mut rows, mut sound) = (Vec::new(), Vec::new());
    let file = records(arrivals);
    let replay = Replay { phase: Duration::from_micros(phase), ..Replay::default() };
    replay
        .run(&Capture::read(&file).unwrap(), &mut |row, pcm| {
            rows.push(*row);
            sound.extend_from_slice(pcm);
            true
        })
        .unwrap();
    (rows, sound)
}

#[test]
fn nothing_that_comes_later_changes_what_was_heard_before() {
    let whole = call(400);
    for phase in [0, 1_250, 7_500] {
        let (rows, sound) = play(&whole, phase);
        for cut in [500_000, 1_234_567, 2_500_000, 6_000_000] {
            let known: Arrivals = whole.iter().filter(|(at, _)| *at <= cut).cloned().collect();
            let (before, heard) = play(&known, phase);
            let same = rows.iter().take_while(|row| row.t_us <= cut).count();
            assert!(same >= 49 && before.len() >= same);
            assert_eq!(before[..same], rows[..same], "phase {phase}, cut {cut}");
            assert!(heard[..same * 480] == sound[..same * 480], "phase {phase}, cut {cut}");
        }
    }
}

#[test]
fn each_row_has_480_samples_and_the_counters_only_grow() {
    let arrivals = call(300);
    let (rows, sound) = play(&arrivals, 3_000);
    let last = arrivals.last().unwrap().0;
    assert_eq!(sound.len(), rows.len() * 480);
    assert_eq!(rows.len() as u64, (last + 400_000 - 3_000) / 10_000 + 1);
    for pair in rows.windows(2) {
        let counters = |row: &Row| [row.concealed, row.accel, row.preempt, row.cng, row.conc_events];
        assert!(counters(&pair[0]).iter().zip(counters(&pair[1])).all(|(before, after)| *before <= after));
    }
    assert!(rows.last().unwrap().concealed > 0, "a tenth is lost");
}

#[test]
fn the_timestamp_advances_with_the_sound_over_its_wrap() {
    let (rows, _) = play(&call(300), 0);
    let stamps: Vec<(u64, u32)> = rows.iter().filter_map(|row| Some((row.t_us, row.playout_ts?))).collect();
    let (first, last) = (stamps[0], stamps[stamps.len() - 1]);
    let media = f64::from(last.1.wrapping_sub(first.1)) / 48.0;
    let clock = (last.0 - first.0) as f64 / 1_000.0;
    // As far as the delay has changed since, and no further.
    assert!((media - clock).abs() < 450.0, "{media} ms of media in {clock} ms");
    assert!(stamps.iter().any(|(_, stamp)| *stamp < 960 * 300), "it has wrapped");
}
