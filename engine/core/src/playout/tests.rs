#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod noise;
mod world;

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use rove_base::PayloadType;

use self::world::*;
use super::PlayoutConfig;
use crate::rtp::{red_header, red_primary_header};

#[test]
fn without_jitter_nothing_waits_longer_than_it_must_and_nothing_is_invented() {
    let rows = play(&frames(1_500, |_| 0), 30_000);
    assert!(mean_delay(&rows[500..]) <= 20.0, "{}", mean_delay(&rows[500..]));
    let meter = last(&rows);
    assert_eq!((meter.concealed, meter.starving, meter.late, meter.discarded), (0, 0, 0, 0));
    assert_exact(&rows);
}

#[test]
fn the_delay_follows_the_jitter_and_next_to_nothing_is_concealed() {
    for (mean_us, most_ms) in [(2_000.0, 25.0), (5_000.0, 40.0), (15_000.0, 100.0)] {
        let late = jitter(3_000, mean_us, 3);
        let mut world = World::new(PlayoutConfig::default(), false);
        let rows = world.play(&frames(3_000, |n| late[n as usize]), 60_000);
        let delay = mean_delay(&rows[500..]);
        assert!(delay < most_ms, "{mean_us}: {delay} ms");
        let meter = last(&rows);
        assert!(meter.concealed_share().unwrap() < 0.005, "{mean_us}: {meter:?}");
        assert_exact(&rows);
        assert_accounted(&world);
    }
}

#[test]
fn after_a_spike_of_250_ms_the_delay_is_back_within_3_s() {
    let late = jitter(1_000, 3_000.0, 5);
    let spike = |n: u32| if (500..513).contains(&n) { 250_000 - u64::from(n - 500) * 20_000 } else { 0 };
    let rows = play(&frames(1_000, |n| late[n as usize].max(spike(n))), 20_000);
    let before = mean_delay(&rows[900..1_000]);
    let after = mean_delay(&rows[1_330..1_400]);
    assert!((after - before).abs() <= 10.0, "{before} ms, then {after} ms");
    assert!(last(&rows).concealed <= 250 * 8, "no more than the spike itself");
    assert_exact(&rows);
}

#[test]
fn a_step_of_the_path_is_followed_both_ways() {
    let late = jitter(3_000, 3_000.0, 7);
    let step = |n: u32| if (1_000..2_000).contains(&n) { 100_000 } else { 0 };
    let rows = play(&frames(3_000, |n| late[n as usize] + step(n)), 59_900);
    let (low, high, again) =
        (mean_delay(&rows[1_500..1_990]), mean_delay(&rows[2_500..3_990]), mean_delay(&rows[4_500..5_900]));
    assert!((90.0..115.0).contains(&(high - low)), "{low} {high}");
    assert!((again - low).abs() < 10.0, "{low} {again}");
    assert!(last(&rows).concealed_share().unwrap() < 0.005);
    assert_eq!(last(&rows).rebased, 0);
}

#[test]
fn a_clock_that_drifts_200_ppm_makes_no_delay_grow_in_10_minutes() {
    for ppm in [200.0, -200.0] {
        let late = jitter(30_000, 3_000.0, 9);
        let drift = |n: u32| 200_000.0 + f64::from(n) * 20_000.0 * ppm * 1e-6;
        let rows = play(&frames(30_000, |n| late[n as usize] + drift(n) as u64), 599_900);
        let excess =
            |from: usize| mean_delay(&rows[from..from + 3_000]) - drift((from + 1_500) as u32 / 2) / 1_000.0;
        assert!((excess(1_000) - excess(56_500)).abs() < 6.0, "{ppm}: {} {}", excess(1_000), excess(56_500));
        assert!(last(&rows).concealed_share().unwrap() < 0.002, "{ppm}");
        let known = rows.last().unwrap().meter.drift_ppm;
        assert!((f64::from(known) - ppm).abs() < 30.0, "{ppm}: {known}");
    }
}

#[test]
fn what_is_overtaken_is_waited_for_only_as_long_as_that_pays() {
    let seldom = play(&frames(2_000, |n| if n % 1_000 == 300 { 150_000 } else { 0 }), 39_000);
    assert!(mean_delay(&seldom[500..]) < 25.0, "{}", mean_delay(&seldom[500..]));
    assert_eq!(last(&seldom).late, 2);
    let often = play(&frames(2_000, |n| if n % 10 == 3 { 50_000 } else { 0 }), 39_000);
    assert!((45.0..70.0).contains(&mean_delay(&often[500..])), "{}", mean_delay(&often[500..]));
    assert!(last(&often).concealed_share().unwrap() < 0.01, "{:?}", last(&often));
}

#[test]
fn a_loss_is_concealed_in_its_place_and_costs_no_delay() {
    let packets: Vec<_> = frames(2_000, |_| 0).into_iter().filter(|p| p.seq % 50 != 7).collect();
    let mut world = World::new(PlayoutConfig::default(), false);
    let rows = world.play(&packets, 39_900);
    let meter = last(&rows);
    assert!((meter.concealed_share().unwrap() - 0.02).abs() < 0.002, "{meter:?}");
    assert!(mean_delay(&rows[500..]) < 25.0);
    assert_exact(&rows);
    assert_accounted(&world);
}

#[test]
fn the_users_bounds_are_kept() {
    let late = jitter(2_000, 30_000.0, 11);
    let bounds = |least, most| PlayoutConfig {
        least: Duration::from_millis(least),
        most: Duration::from_millis(most),
        ..PlayoutConfig::default()
    };
    let mut world = World::new(bounds(0, 30), false);
    let rows = world.play(&frames(2_000, |n| late[n as usize]), 39_900);
    assert!(mean_delay(&rows[500..]) < 45.0, "{}", mean_delay(&rows[500..]));
    let mut world = World::new(bounds(120, 400), false);
    let rows = world.play(&frames(2_000, |_| 0), 39_900);
    assert!(mean_delay(&rows[500..]) > 115.0, "{}", mean_delay(&rows[500..]));
    world.playout.set_bounds(Duration::ZERO, Duration::from_millis(20));
    let more: Vec<_> = (2_000..3_000).map(|n| nth(n, 0)).collect();
    let rows = world.play(&more, 59_900);
    assert!(mean_delay(&rows[500..]) < 25.0, "{}", mean_delay(&rows[500..]));
}

#[test]
fn a_fixed_delay_stays_what_it_is() {
    let fixed = Duration::from_millis(60);
    let late = jitter(1_000, 5_000.0, 13);
    let config = PlayoutConfig { least: fixed, most: fixed, ..PlayoutConfig::default() };
    let rows = World::new(config, false).play(&frames(1_000, |n| late[n as usize]), 19_900);
    assert!(rows[200..].iter().all(|row| (row.delay() - 60.0).abs() < 4.0));
    assert!(last(&rows).accelerated + last(&rows).preempted < 100, "{:?}", last(&rows));
}

#[test]
fn the_senders_silence_is_neither_loss_nor_jitter() {
    // 25 frames of speech, then half a second of nothing, with consecutive numbers.
    let packets: Vec<_> = (0..2_000_u32)
        .filter(|n| n % 50 < 25)
        .enumerate()
        .map(|(sent, n)| Packet { seq: FIRST_SEQ.wrapping_add(sent as u16), ..nth(n, 0) })
        .collect();
    let mut world = World::new(PlayoutConfig::default(), false);
    let rows = world.play(&packets, 39_400);
    let meter = last(&rows);
    assert_eq!((meter.concealed, meter.late, meter.rebased), (0, 0, 0), "{meter:?}");
    assert!(meter.silence > 8 * 18_000, "{meter:?}");
    assert!(meter.target < Duration::from_millis(25), "{meter:?}");
    assert_exact(&rows);
}

#[test]
fn time_passes_in_silence_while_a_digit_is_sent() {
    let digit = |n: u32| Packet {
        payload_type: EVENT,
        timestamp: nth(100, 0).timestamp,
        payload: vec![5, 10, 0, 160],
        ..nth(n, 0)
    };
    let packets: Vec<_> =
        (0..300).map(|n| if (100..110).contains(&n) { digit(n) } else { nth(n, 0) }).collect();
    let meter = last(&play(&packets, 6_000));
    assert!(meter.concealed <= 80, "{meter:?}");
    assert_eq!((meter.late, meter.rebased, meter.undecodable), (0, 0, 0));
}

#[test]
fn copies_in_later_packets_are_played_like_the_packets_themselves_and_waited_for() {
    let red = |n: u32| {
        let (now, before) = (nth(n, 0), nth(n.saturating_sub(2), 0));
        let speech = PayloadType::from_header(SPEECH);
        let mut payload =
            red_header(speech, now.timestamp.wrapping_sub(before.timestamp), 4).unwrap().to_vec();
        payload.push(red_primary_header(speech));
        payload.extend(before.payload);
        payload.extend(&now.payload);
        Packet { payload_type: RED, payload, ..now }
    };
    let packets: Vec<_> = (0..3_000).map(red).filter(|p| p.seq % 10 != 3).collect();
    let mut world = World::new(PlayoutConfig::default(), false);
    let rows = world.play(&packets, 59_900);
    let late = last(&rows[..2_000]);
    let meter = last(&rows);
    let recovered = meter.recovered_red - late.recovered_red;
    assert!(recovered >= 195, "{recovered} of 200 in {meter:?}");
    assert!(meter.concealed - late.concealed <= FRAME.into(), "{meter:?}");
    assert!((38.0..60.0).contains(&mean_delay(&rows[2_000..])), "{}", mean_delay(&rows[2_000..]));
    assert_exact(&rows);
    assert_accounted(&world);
}

#[test]
fn what_the_next_packet_tells_of_a_lost_one_is_not_concealment() {
    let packets: Vec<_> = frames(2_000, |_| 0).into_iter().filter(|p| p.seq % 10 != 3).collect();
    let mut world = World::new(PlayoutConfig::default(), true);
    let rows = world.play(&packets, 39_900);
    let (early, meter) = (last(&rows[..1_000]), last(&rows));
    assert!(meter.recovered_inband - early.recovered_inband >= 145, "{meter:?}");
    assert!(meter.concealed - early.concealed <= 5 * u64::from(FRAME), "{early:?} {meter:?}");
    assert_exact(&rows);
}

#[test]
fn a_stream_that_begins_anew_is_followed() {
    let again = |n: u32| Packet { ssrc: 9, seq: n as u16, timestamp: 5_000 + n * FRAME, ..nth(n, 0) };
    let jumped = |n: u32| Packet { timestamp: nth(n, 0).timestamp.wrapping_add(50_000), ..nth(n, 0) };
    let back = |n: u32| Packet { timestamp: nth(n, 0).timestamp.wrapping_sub(50_000), ..nth(n, 0) };
    let others: [(&str, &dyn Fn(u32) -> Packet); 3] =
        [("another source", &again), ("timestamps ahead", &jumped), ("timestamps back", &back)];
    for (what, other) in others {
        let packets: Vec<_> = (0..400).map(|n| if n < 200 { nth(n, 0) } else { other(n) }).collect();
        let rows = play(&packets, 8_000);
        let meter = last(&rows);
        assert!(meter.rebased >= 1, "{what}: {meter:?}");
        assert!(meter.decoded_packets >= 395, "{what}: {meter:?}");
        assert!(meter.concealed < 5 * u64::from(FRAME), "{what}: {meter:?}");
        let end = f64::from(rows[797].heard[0]);
        assert!((end - 398.0 * 160.0).abs() < 1_000.0, "{what}: {end}");
    }
}

#[test]
fn cutting_the_input_changes_nothing_before_the_cut() {
    let late = jitter(1_000, 20_000.0, 17);
    let packets = frames(1_000, |n| late[n as usize]);
    let whole = play(&packets, 15_000);
    let cut: Vec<_> = packets.into_iter().filter(|packet| packet.at <= 10_000_000).collect();
    let part = play(&cut, 15_000);
    for (one, other) in whole.iter().zip(&part).take_while(|(row, _)| row.at <= 10_000_000) {
        assert_eq!((one.heard, one.end, one.meter), (other.heard, other.end, other.meter));
    }
}

proptest! {
    #[test]
    fn whatever_comes_every_pull_is_filled_and_every_sample_accounted_for(
        wild in vec((0_u64..2_000_000, 0_u32..3, any::<u16>(), any::<u32>(), vec(any::<u8>(), 0..9)), 0..100),
        tame in vec((0_u32..100, 0_u64..300_000), 0..200),
        kinds in vec(0_usize..8, 1..20),
        sizes in vec(1_usize..700, 1..60),
    ) {
        let mut world = World::new(PlayoutConfig::default(), true);
        let kind = |n: usize| [SPEECH, SPEECH, SPEECH, SPEECH, RED, EVENT, SPEECH, 77][kinds[n % kinds.len()]];
        let wild = wild.into_iter().enumerate().map(|(n, (at, ssrc, seq, timestamp, payload))| {
            Packet { at, ssrc, seq, timestamp, payload_type: kind(n), payload }
        });
        let tame = tame.into_iter().enumerate().map(|(i, (n, late))| Packet { payload_type: kind(i), ..nth(n, late) });
        let mut packets: Vec<_> = wild.chain(tame).collect();
        packets.sort_by_key(|packet| packet.at);
        let mut packets = packets.into_iter().peekable();
        let mut at = 0;
        for size in sizes {
            while let Some(packet) = packets.next_if(|packet| packet.at <= at) {
                world.ring.0.lock().unwrap().push_back(slot(&packet));
            }
            let mut out = vec![f32::NAN; size];
            world.playout.pull(us(at), &mut out);
            prop_assert!(out.iter().all(|sample| sample.is_finite()));
            at += size as u64 * 125;
        }
        assert_accounted(&world);
    }
}
