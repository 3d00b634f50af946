//! Thin links in virtual time: they agree before they compress, and give out what went in, or nothing.

use std::{cell::Cell, rc::Rc, time::Duration};

use super::{
    road::{FRAME, Road, USUAL, rough},
    voice::{KINDS, Kind, Voice, udp4},
};
use crate::link::{FrameKind, Hello, Link, LinkConfig, Terms};

const SECOND: Duration = Duration::from_secs(1);

/// The mean of the header bytes that went from end 0 to end 1.
fn header(road: &Road) -> f64 {
    let counts = road.counts(0);
    counts.rtp_headers_after as f64 / counts.rtp_out as f64
}

#[test]
fn packets_go_as_they_are_until_both_ends_have_heard_each_other_and_compressed_from_then_on() {
    let mut road = Road::new([USUAL; 2]);
    let mut voice = Voice::new(Kind::V4Checksum, 1);
    voice.pauses = false;
    // Hellos that cross, and 50 ms after the first the next ones: 70 ms.
    for _ in 0..50 {
        road.send(0, &voice.next());
        road.pass(FRAME);
    }
    let (mine, theirs) = (road.counts(0), road.counts(1));
    assert_eq!((mine.plain_out, mine.rtp_out), (4, 45), "{mine:?}");
    assert_eq!((theirs.plain_in, theirs.rtp_in), (4, 45), "{theirs:?}");
    assert_eq!((mine.agreements, theirs.agreements), (1, 1));
    assert!(mine.hellos_out <= 3 && theirs.hellos_out <= 3, "{mine:?}");
    assert!(road.ends[0].agreed().is_some_and(|agreed| agreed.feedback));
}

#[test]
fn ends_that_do_not_agree_or_are_not_there_carry_packets_as_they_are() {
    let none = LinkConfig { terms: Terms::NONE, ..USUAL };
    let other = LinkConfig { terms: Terms { profiles: 0b101, ..Terms::with_flows(15) }, ..USUAL };
    for (what, peer) in [("nothing", none), ("another profile", other)] {
        let mut road = Road::new([USUAL, peer]);
        let mut voice = Voice::new(Kind::V4, 2);
        road.talk(0, &mut voice, 500);
        road.pass(SECOND);
        assert_eq!((road.counts(0).plain_out, road.counts(1).plain_in), (500, 500), "{what}");
        assert!(road.sent[1].is_empty(), "{what}: all have come");
    }
    let mut road = Road::new([USUAL; 2]);
    road.fate = Box::new(|_, kind, _| (kind != FrameKind::Hello).then_some(Duration::ZERO));
    road.talk(0, &mut Voice::new(Kind::V6, 3), 500);
    assert_eq!(road.counts(0).plain_out, 500);
    assert_eq!(road.counts(0).rtp_out, 0);
}

#[test]
fn what_is_agreed_on_is_what_both_are_able_to_do() {
    let few = LinkConfig { terms: Terms { feedback: false, ..Terms::with_flows(3) }, ..USUAL };
    let many = LinkConfig { terms: Terms::with_flows(1_000), ..USUAL };
    for (one, other, highest, feedback) in
        [(USUAL, few, 3, false), (many, few, 3, false), (USUAL, many, 15, true), (many, many, 1_000, true)]
    {
        let mut road = Road::new([one, other]);
        road.pass(SECOND);
        let agreed = road.ends.each_ref().map(|end| end.agreed().unwrap());
        assert_eq!(agreed[0], agreed[1]);
        assert_eq!((agreed[0].cids.highest(), agreed[0].feedback), (highest, feedback));
        road.talk(0, &mut Voice::new(Kind::V4, 4), 2_000);
        assert!(header(&road) < 3.0, "{}", header(&road));
        assert_eq!(road.counts(1).feedback_out > 0, feedback);
    }
}

#[test]
fn an_end_that_begins_anew_is_understood_again_after_less_than_a_second_and_one_that_is_gone_is_sent_plain_packets()
 {
    let mut road = Road::new([USUAL; 2]);
    let mut voice = Voice::new(Kind::V4Checksum, 5);
    voice.pauses = false;
    road.talk(0, &mut voice, 200);
    for round in 0..20 {
        road.ends[1] = Link::new(USUAL, 100 + round);
        let before = road.came[1].len();
        road.talk(0, &mut voice, 200);
        let lost = 200 - (road.came[1].len() - before);
        assert!(lost <= 5, "{lost}");
    }
    // The same with a compressor that knows nothing any more.
    for round in 0..20 {
        road.ends[0] = Link::new(USUAL, 200 + round);
        let before = road.came[1].len();
        road.talk(0, &mut voice, 200);
        assert!(road.came[1].len() - before >= 199);
    }
    let plain = road.counts(0).plain_out;
    road.fate = Box::new(|to, _, _| (to == 1).then_some(Duration::ZERO));
    road.talk(0, &mut voice, 50 * 20);
    let plain = road.counts(0).plain_out - plain;
    assert!((50 * 4..=50 * 6).contains(&plain), "after 15 s: {plain}");
    assert!(road.ends[0].agreed().is_none());
}

#[test]
fn b17_voice_over_a_clean_link_has_three_bytes_of_header_at_most_with_checksums_and_little_more_than_one_without()
 {
    for kind in KINDS {
        for (renumber, drop_checksums) in [(false, false), (true, false), (true, true)] {
            let config = LinkConfig { renumber, drop_checksums, ..USUAL };
            let mut road = Road::new([config; 2]);
            road.whole = !renumber && !drop_checksums;
            road.pass(SECOND);
            let mut voice = Voice::new(kind, 6);
            voice.pauses = false;
            road.talk(0, &mut voice, 30_000);
            road.pass(SECOND);
            assert!(road.sent[1].is_empty(), "all have come");
            let mean = header(&road);
            println!("{kind:?}, renumber {renumber}, drop {drop_checksums}: {mean:.3} bytes");
            let checksum = kind == Kind::V6 || kind == Kind::V4Checksum && !drop_checksums;
            let random = matches!(kind, Kind::V4Random | Kind::V4Zero) && !renumber;
            let most = 1.02 + 2.0 * f64::from(u8::from(checksum)) + 2.0 * f64::from(u8::from(random));
            assert!(mean <= most || kind == Kind::V4Swapped && !renumber, "{kind:?}: {mean}");
        }
    }
}

#[test]
fn b17_after_a_burst_of_any_length_at_most_a_round_trip_and_three_packets_are_not_understood() {
    for kind in KINDS {
        let mut table = Vec::new();
        for (burst, delay) in [1_u32, 5, 11, 14, 20, 31, 50, 100, 500]
            .into_iter()
            .flat_map(|burst| [1_u64, 40].map(|delay| (burst, delay)))
        {
            let (worst, refused, fine) = bursts(kind, burst, delay);
            assert!(fine > 900, "{kind:?}");
            table.push((burst, delay, worst, f64::from(refused) / 20.0));
            let trip = (2 * delay).div_ceil(20) as u32;
            let most = if burst <= 11 { 0 } else { trip + 3 };
            assert!(worst <= most, "{kind:?}, {burst} lost, {delay} ms: {worst}");
        }
        println!("{kind:?}: (lost, ms one way, worst, mean of 20) {table:?}");
    }
}

/// Twenty bursts of so many packets: the most that were not understood after one, all of them, and those that came at the end of
/// all.
fn bursts(kind: Kind, burst: u32, delay: u64) -> (u32, u32, usize) {
    // An identification that others advance meanwhile is no guide, unless it is replaced.
    let renumber = kind == Kind::V4Swapped;
    let mut road = Road::new([LinkConfig { renumber, ..USUAL }; 2]);
    road.whole = !renumber;
    road.delay = Duration::from_millis(delay);
    let left = Rc::new(Cell::new(0_u32));
    let count = Rc::clone(&left);
    road.fate = Box::new(move |to, kind, _| {
        if to == 1 && kind == FrameKind::Rohc && count.get() > 0 {
            count.set(count.get() - 1);
            return None;
        }
        Some(Duration::ZERO)
    });
    road.pass(SECOND);
    let mut voice = Voice::new(kind, u64::from(burst) * 100 + delay);
    voice.pauses = false;
    let (mut worst, mut all) = (0, 0);
    for _ in 0..20 {
        road.talk(0, &mut voice, 100);
        left.set(burst);
        // As many are on their way now as will be at the end.
        let before = road.came[1].len();
        road.talk(0, &mut voice, burst);
        road.talk(0, &mut voice, 100);
        let missing = 100 - (road.came[1].len() - before) as u32;
        worst = worst.max(missing);
        all += missing;
        assert_eq!(left.get(), 0);
    }
    let before = road.came[1].len();
    road.talk(0, &mut voice, 1_000);
    (worst, all, road.came[1].len() - before)
}

#[test]
fn b17_loss_pauses_and_packets_that_overtake_others_never_make_a_packet_another() {
    let mut told = Vec::new();
    for kind in KINDS {
        for (percent, run, late) in [(1, 1, 0), (5, 3, 0), (5, 30, 0), (20, 30, 0), (2, 60, 5), (0, 1, 20)] {
            // Without UDP checksum three bits alone tell a packet that was overtaken by more than one from others.
            let late = if matches!(kind, Kind::V4Checksum | Kind::V6) { late } else { 0 };
            for seed in 0..4 {
                let mut road = Road::new([USUAL; 2]);
                road.fate = rough(percent, run, late, seed);
                let mut voice = Voice::new(kind, 7 + seed);
                road.talk(0, &mut voice, 5_000);
                road.pass(SECOND);
                let counts = road.counts(1);
                told.push((kind, percent, run, late, counts.repairs, counts.repaired_after));
                let refused = counts.refused.checksum + counts.refused.context + counts.refused.repairing;
                let arrived = counts.rtp_in + refused;
                assert!(refused * 20 <= arrived + 500, "{kind:?} {percent} {run}: {counts:?}");
            }
        }
    }
    println!("{told:?}");
}

#[test]
fn flows_in_both_directions_and_other_packets_share_a_link() {
    let mut road = Road::new([USUAL, LinkConfig { shortest: 46, ..USUAL }]);
    road.pass(SECOND);
    let mut voices = [(0, Kind::V4, 1), (1, Kind::V6, 2), (0, Kind::V6, 3), (1, Kind::V4Checksum, 4)]
        .map(|(from, kind, seed)| (from, Voice::new(kind, seed)));
    for n in 0..2_000_u16 {
        for (from, voice) in &mut voices {
            road.send(*from, &voice.next());
        }
        let mut dns = udp4(&[0x12; 40], n);
        dns[28] = 0x12;
        road.send(usize::from(n % 2), &dns);
        road.pass(FRAME);
    }
    road.pass(SECOND);
    assert!(road.sent.iter().all(|sent| sent.is_empty()), "all have come");
    for end in [0, 1] {
        let counts = road.counts(end);
        assert_eq!((counts.rtp_out, counts.other_out), (3_998, 1_002), "{counts:?}");
        assert_eq!(road.came[end].len(), 5_000);
        assert_eq!(counts.refused, Default::default());
        assert_eq!((counts.contexts_out, counts.contexts_in), (2, 3), "with that of other packets");
    }
    // What was understood is said in front of packets that go there anyway, so that little is added.
    let counts = road.counts(0);
    assert!(counts.feedback_bytes_out * 20 < counts.bytes_after, "{counts:?}");
}

#[test]
fn a_hello_is_read_as_it_was_written_and_a_flipped_bit_never_makes_it_another() {
    for (terms, instance, heard) in [(Terms::with_flows(15), 1, 0), (Terms::NONE, u32::MAX, 7)] {
        let hello = Hello { terms, instance, heard };
        let mut bytes = Vec::new();
        hello.write(&mut bytes);
        bytes.extend_from_slice(&[0; 29]);
        assert_eq!(Hello::read(&bytes), Ok(hello));
        for bit in 0..17 * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Hello::read(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for len in 0..17 {
            assert!(Hello::read(&bytes[..len]).is_err());
        }
    }
}

#[test]
fn what_looks_like_rtp_by_chance_takes_no_context_from_a_voice() {
    let mut road = Road::new([USUAL; 2]);
    road.pass(SECOND);
    let mut voice = Voice::new(Kind::V4, 8);
    voice.pauses = false;
    for n in 0..2_000_u16 {
        road.send(0, &voice.next());
        // Each as of a source of its own.
        let mut noise = udp4(&[0x80; 40], n);
        noise[30..40].copy_from_slice(&[n.to_be_bytes(); 5].concat());
        road.send(0, &noise);
        road.pass(FRAME);
    }
    let counts = road.counts(0);
    assert_eq!((counts.contexts_out, counts.rtp_out, counts.other_out), (1, 1_999, 2_001), "{counts:?}");
    assert!(header(&road) < 1.1, "{}", header(&road));
}
