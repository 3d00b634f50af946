#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{collections::VecDeque, sync::Arc, sync::Mutex};

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, SeqNumber, Ssrc};
use rove_codecs::{CodecError, Decoder};

use super::{
    Formats, Playout, PlayoutConfig,
    decide::{Action, Context, Head, Why, decide},
};
use crate::{
    jitter::{PacketSource, Slot},
    rtp::{RtpHeader, RtpView},
};

const RATE: u32 = 8_000;
const FRAME: usize = 160;
const TARGET: Duration = Duration::from_millis(60);

/// The first payload byte is the value of every sample; concealment is -1.
struct Plain;

impl Decoder for Plain {
    fn sample_rate(&self) -> u32 {
        RATE
    }
    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        if payload.is_empty() { Err(CodecError::Payload { len: 0 }) } else { Ok(FRAME) }
    }
    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let samples = self.duration(payload)?;
        out[..samples].fill(f32::from(payload[0]));
        Ok(samples)
    }
    fn conceal(&mut self, out: &mut [f32]) {
        assert!(out.len().is_multiple_of(20), "a multiple of 2.5 ms");
        out.fill(-1.0);
    }
    fn reset(&mut self) {}
}

#[derive(Clone, Default)]
struct Ring(Arc<Mutex<VecDeque<Slot>>>);

impl PacketSource for Ring {
    fn drain(&mut self, mut accept: impl FnMut(&Slot)) {
        self.0.lock().unwrap().drain(..).for_each(|slot| accept(&slot));
    }
}

#[derive(Clone, Copy)]
struct Packet {
    at: u64,
    ssrc: u32,
    seq: u16,
    timestamp: u32,
    value: u8,
}

fn ms(at: u64) -> Instant {
    Instant::from_nanos(at * 1_000_000)
}

fn slot(packet: Packet) -> Slot {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType::from_header(0),
        seq: SeqNumber(packet.seq),
        timestamp: RtpTimestamp(packet.timestamp),
        ssrc: Ssrc(packet.ssrc),
    };
    let mut datagram = [packet.value; 13];
    header.write(&mut datagram).unwrap();
    let len = if packet.value == 0 { 12 } else { 13 };
    Slot::new(ms(packet.at), &RtpView::parse(&datagram[..len]).unwrap()).unwrap()
}

/// Packet `n` of a stream of 20 ms packets that began at 0 ms, `late` ms later than it could be; its value is `n` + 1.
fn nth(n: u8, late: u64) -> Packet {
    Packet {
        at: u64::from(n) * 20 + late,
        ssrc: 1,
        seq: u16::from(n).wrapping_add(0xfffd),
        timestamp: (u32::from(n) * 160).wrapping_add(0xffff_ff00),
        value: n + 1,
    }
}

/// Plays `packets` for `millis` and answers what each 5 ms began with, and the playout.
fn play(packets: &[Packet], millis: u64) -> (Vec<i32>, Playout<Ring>) {
    let ring = Ring::default();
    let config = PlayoutConfig { target: TARGET, ..PlayoutConfig::default() };
    let mut playout = Playout::new(
        ring.clone(),
        Box::new(Plain),
        Formats::speech(PayloadType::from_header(0), ClockRate::TELEPHONE),
        config,
    );
    let heard = run(&mut playout, &ring, packets, 0, millis);
    (heard, playout)
}

fn run(playout: &mut Playout<Ring>, ring: &Ring, packets: &[Packet], from: u64, until: u64) -> Vec<i32> {
    let mut packets: Vec<_> = packets.to_vec();
    packets.sort_by_key(|packet| packet.at);
    let mut packets = packets.into_iter().peekable();
    let mut out = [0.0; 40];
    (from..until)
        .step_by(5)
        .map(|at| {
            while let Some(packet) = packets.next_if(|packet| packet.at <= at) {
                ring.0.lock().unwrap().push_back(slot(packet));
            }
            playout.pull(ms(at), &mut out);
            #[allow(clippy::cast_possible_truncation)]
            let first = out[0] as i32;
            first
        })
        .collect()
}

/// `values` as heard in steps of 20 ms, from where the first packet is due.
fn frames(heard: &[i32]) -> Vec<i32> {
    heard[12..].iter().step_by(4).copied().collect()
}

#[test]
fn the_first_packet_is_played_a_target_after_it_came_and_the_rest_without_a_gap() {
    let packets: Vec<_> = (0..10).map(|n| nth(n, 0)).collect();
    let (heard, playout) = play(&packets, 260);
    assert!(heard[..12].iter().all(|&sample| sample == 0), "silence before");
    assert_eq!(frames(&heard), (1..=10).collect::<Vec<_>>());
    let meter = playout.meter();
    assert_eq!(meter.first_played, Some(ms(60)));
    assert_eq!((meter.decoded_packets, meter.concealed, meter.starving), (10, 0, 0));
    assert_eq!(meter.mean_wait_since(&super::PlayoutMeter::default()), Some(TARGET));
}

#[test]
fn what_the_network_does_to_single_packets_is_heard_as_little_as_can_be() {
    #[allow(clippy::type_complexity)]
    let cases: &[(&str, &[(u8, u64)], &[u8], [i32; 8])] = &[
        ("late but in time", &[(3, 55)], &[], [1, 2, 3, 4, 5, 6, 7, 8]),
        ("overtaken", &[(3, 30), (4, 5)], &[], [1, 2, 3, 4, 5, 6, 7, 8]),
        ("lost: concealed in its place", &[], &[3], [1, 2, 3, -1, 5, 6, 7, 8]),
        ("two lost", &[], &[3, 4], [1, 2, 3, -1, -1, 6, 7, 8]),
        ("too late: concealed in its place", &[(3, 85)], &[], [1, 2, 3, -1, 5, 6, 7, 8]),
    ];
    for &(what, delayed, lost, expected) in cases {
        let late = |n| delayed.iter().find(|d| d.0 == n).map_or(0, |d| d.1);
        let packets: Vec<_> = (0..8).filter(|n| !lost.contains(n)).map(|n| nth(n, late(n))).collect();
        let (heard, _) = play(&packets, 220);
        assert_eq!(frames(&heard), expected, "{what}");
    }
}

#[test]
fn counters_say_what_happened() {
    let mut packets: Vec<_> = (0..20).filter(|n| ![5, 9].contains(n)).map(|n| nth(n, 0)).collect();
    packets.push(nth(9, 150));
    packets.push(nth(3, 1));
    packets.push(Packet { value: 0, ..nth(5, 0) });
    packets.push(Packet { ssrc: 77, ..nth(8, 0) });
    let (_, playout) = play(&packets, 460);
    let meter = playout.meter();
    assert_eq!(
        (meter.decoded_packets, meter.undecodable, meter.late, meter.duplicates, meter.strays),
        (18, 1, 1, 1, 1)
    );
    assert_eq!((meter.concealed, meter.silence, meter.starving), (2 * FRAME as u64, 0, 0));
    assert_eq!(meter.played, 20 * FRAME as u64);
    assert!((meter.concealed_share().unwrap() - 0.1).abs() < 0.01);
}

#[test]
fn a_path_that_becomes_slower_for_good_costs_one_gap_and_not_every_packet() {
    let packets: Vec<_> = (0..60).map(|n| nth(n, if n < 20 { 0 } else { 150 })).collect();
    let (heard, playout) = play(&packets, 1_400);
    assert_eq!(playout.meter().rebased, 1);
    assert!(heard.iter().filter(|&&sample| sample > 20).count() >= 36 * 4, "{heard:?}");
    assert!(playout.meter().late <= 4, "{:?}", playout.meter());
}

#[test]
fn a_path_that_becomes_a_little_slower_moves_the_timeline_and_drops_nothing() {
    let packets: Vec<_> = (0..60).map(|n| nth(n, if n < 20 { 0 } else { 70 })).collect();
    let (_, playout) = play(&packets, 1_330);
    let meter = playout.meter();
    assert_eq!((meter.decoded_packets, meter.late, meter.rebased), (60, 0, 0));
    assert_eq!(meter.concealed, 80, "10 ms");
}

#[test]
fn silence_on_purpose_is_not_counted_as_concealment() {
    let pause = |n: u8| if n < 5 { nth(n, 0) } else { Packet { seq: nth(n - 15, 0).seq, ..nth(n, 0) } };
    let packets: Vec<_> = (0..30).filter(|n| !(5..20).contains(n)).map(pause).collect();
    let (heard, playout) = play(&packets, 660);
    let meter = playout.meter();
    assert_eq!((meter.concealed, meter.starving, meter.silence), (0, 0, 15 * FRAME as u64));
    assert_eq!(frames(&heard)[20..], (21..=30).collect::<Vec<_>>(), "the timeline stood the pause");
}

#[test]
fn what_is_invented_after_the_last_packet_stays_unsettled_and_fades_into_silence() {
    let packets: Vec<_> = (0..5).map(|n| nth(n, 0)).collect();
    let (heard, playout) = play(&packets, 2_000);
    let meter = playout.meter();
    assert_eq!(meter.concealed, 0);
    assert!(meter.starving > 0);
    assert_eq!(meter.settled_share(), Some(0.0));
    assert_eq!(heard.last(), Some(&0));
}

#[test]
fn a_stream_that_begins_anew_is_followed_from_its_second_packet() {
    let again =
        |n: u8| Packet { ssrc: 9, seq: u16::from(n), timestamp: u32::from(n) * 160 + 5_000, ..nth(n, 0) };
    let packets: Vec<_> = (0..30).map(|n| if n < 10 { nth(n, 0) } else { again(n) }).collect();
    let (heard, playout) = play(&packets, 660);
    assert_eq!(playout.meter().rebased, 1);
    assert_eq!(frames(&heard)[14..], (15..=30).collect::<Vec<_>>());
}

#[test]
fn timestamps_that_jump_within_the_sequence_move_the_timeline_at_once() {
    for jump in [50_000_u32, 50_000_u32.wrapping_neg()] {
        let packets: Vec<_> = (0..30)
            .map(|n| {
                if n < 10 {
                    nth(n, 0)
                } else {
                    Packet { timestamp: nth(n, 0).timestamp.wrapping_add(jump), ..nth(n, 0) }
                }
            })
            .collect();
        let (heard, playout) = play(&packets, 660);
        assert_eq!(playout.meter().rebased, 1, "{jump}");
        assert_eq!(frames(&heard), (1..=30).collect::<Vec<_>>(), "{jump}");
    }
}

#[test]
fn delay_that_nothing_needs_is_taken_out_a_packet_a_second() {
    let packets: Vec<_> = (0..250).map(|n| nth(n, 100_u64.saturating_sub(u64::from(n) * 20))).collect();
    let (_, playout) = play(&packets, 5_000);
    let meter = playout.meter();
    assert!(meter.trimmed >= 3 * FRAME as u64, "{meter:?}");
    assert_eq!(meter.concealed, 0);
}

#[test]
fn a_longer_target_takes_effect_at_once() {
    let packets: Vec<_> = (0..100).map(|n| nth(n, 0)).collect();
    let ring = Ring::default();
    let mut playout = Playout::new(
        ring.clone(),
        Box::new(Plain),
        Formats::speech(PayloadType::from_header(0), ClockRate::TELEPHONE),
        PlayoutConfig::default(),
    );
    run(&mut playout, &ring, &packets[..50], 0, 1_000);
    let before = playout.meter();
    playout.set_target(Duration::from_millis(100));
    run(&mut playout, &ring, &packets[50..], 1_000, 2_000);
    let wait = playout.meter().mean_wait_since(&before).unwrap();
    assert!(wait > Duration::from_millis(95) && wait <= Duration::from_millis(100), "{wait:?}");
}

#[test]
fn packets_that_nobody_asked_for_are_not_played_late() {
    let packets: Vec<_> = (0..40).map(|n| nth(n, 0)).collect();
    let ring = Ring::default();
    let mut playout = Playout::new(
        ring.clone(),
        Box::new(Plain),
        Formats::speech(PayloadType::from_header(0), ClockRate::TELEPHONE),
        PlayoutConfig::default(),
    );
    for packet in &packets {
        ring.0.lock().unwrap().push_back(slot(*packet));
    }
    let heard = run(&mut playout, &ring, &[], 800, 805);
    assert!(heard[0] > 31, "packet {} first", heard[0]);
}

#[test]
fn each_situation_has_one_answer() {
    use Action::{Decode, Defer, Discard, Fill, Rebase};
    let head = |gap, waited_ms, next, alone| {
        Some(Head { gap, samples: FRAME, waited: Duration::from_millis(waited_ms), next, alone })
    };
    let cases: &[(&str, Option<Head>, u64, Action)] = &[
        ("nothing here", None, 0, Fill { samples: 80, why: Why::Starving }),
        ("its time", head(0, 60, true, true), 0, Decode { skip: 0 }),
        ("a loss before it", head(160, 40, false, true), 0, Fill { samples: 160, why: Why::Lost }),
        ("a pause before it", head(400, 0, true, true), 0, Fill { samples: 160, why: Why::Silence }),
        ("half past, just came", head(-80, 0, true, true), 80, Defer),
        ("half past, waited long", head(-80, 90, true, true), 80, Decode { skip: 80 }),
        ("past", head(-160, 0, true, false), 800, Discard),
        ("past, and nothing else for 100 ms", head(-160, 0, true, true), 800, Rebase),
        ("far ahead", head(4_000, 0, true, true), 0, Rebase),
        ("far behind, in sequence", head(-9_000, 0, true, false), 0, Rebase),
        ("not asked for in time", head(0, 1_100, true, false), 0, Discard),
    ];
    for &(what, head, dry, action) in cases {
        let context = Context { rate: RATE, frame: FRAME, target: TARGET, dry };
        assert_eq!(decide(head, context), action, "{what}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_every_pull_is_filled_and_every_sample_accounted_for(
        packets in vec((0_u64..2_000, 0_u32..3, any::<u16>(), any::<u32>(), any::<u8>()), 0..200),
        orderly in vec((any::<u8>(), 0_u64..300), 0..200),
        sizes in vec(1_usize..700, 1..60),
    ) {
        let ring = Ring::default();
        let mut playout =
            Playout::new(ring.clone(), Box::new(Plain), Formats::speech(PayloadType::from_header(0), ClockRate::TELEPHONE), PlayoutConfig::default());
        let wild = packets.into_iter().map(|(at, ssrc, seq, timestamp, value)| Packet { at, ssrc, seq, timestamp, value });
        let tame = orderly.into_iter().map(|(n, late)| nth(n % 100, late));
        let mut packets: Vec<_> = wild.chain(tame).collect();
        packets.sort_by_key(|packet| packet.at);
        let mut packets = packets.into_iter().peekable();
        let mut at = 0;
        for size in sizes {
            while let Some(packet) = packets.next_if(|packet| packet.at <= at) {
                ring.0.lock().unwrap().push_back(slot(packet));
            }
            let mut out = vec![f32::NAN; size];
            playout.pull(ms(at), &mut out);
            prop_assert!(out.iter().all(|sample| sample.is_finite()));
            at += size as u64 / 8;
            let meter = playout.meter();
            prop_assert!(meter.concealed + meter.silence + meter.starving <= meter.played + FRAME as u64);
        }
    }
}
