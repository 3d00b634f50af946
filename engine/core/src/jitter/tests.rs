#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use rove_base::{Instant, PayloadType, RtpTimestamp, SeqNumber, Ssrc};

use super::{SLOT_BYTES, Slot, Verdict, Window};
use crate::rtp::{RtpHeader, RtpView};

fn packet(ssrc: u32, seq: u16) -> Slot {
    slot(ssrc, seq, &seq.to_be_bytes())
}

fn slot(ssrc: u32, seq: u16, payload: &[u8]) -> Slot {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType::from_header(0),
        seq: SeqNumber(seq),
        timestamp: RtpTimestamp(u32::from(seq) * 160),
        ssrc: Ssrc(ssrc),
    };
    let mut datagram = vec![0; 12 + payload.len()];
    header.write(&mut datagram).unwrap();
    datagram[12..].copy_from_slice(payload);
    Slot::new(Instant::ZERO, &RtpView::parse(&datagram).unwrap()).unwrap()
}

fn take_all(window: &mut Window) -> Vec<u16> {
    let mut taken = Vec::new();
    while let Some(front) = window.front() {
        taken.push(front.seq.0);
        window.pass();
    }
    taken
}

#[test]
fn a_payload_longer_than_a_slot_is_refused_and_the_longest_fits() {
    let mut datagram = [0; 12 + SLOT_BYTES + 1];
    datagram[0] = 0x80;
    let too_long = RtpView::parse(&datagram).unwrap();
    assert!(Slot::new(Instant::ZERO, &too_long).is_none());
    let longest = RtpView::parse(&datagram[..12 + SLOT_BYTES]).unwrap();
    assert_eq!(Slot::new(Instant::ZERO, &longest).unwrap().payload().len(), SLOT_BYTES);
}

#[test]
fn packets_come_out_in_order_whatever_order_they_came_in() {
    let cases: &[(&str, &[u16], &[u16])] = &[
        ("in order", &[7, 8, 9], &[7, 8, 9]),
        ("swapped", &[7, 9, 8], &[7, 8, 9]),
        ("the second came before the first", &[8, 7, 9], &[7, 8, 9]),
        ("one lost", &[7, 9], &[7, 9]),
        ("one twice", &[7, 8, 8], &[7, 8]),
        ("over the wrap", &[0xfffe, 0, 0xffff, 1], &[0xfffe, 0xffff, 0, 1]),
        ("back over the wrap before anything was taken", &[1, 0xffff, 0], &[0xffff, 0, 1]),
    ];
    for &(what, arrivals, order) in cases {
        let mut window = Window::new(16);
        for &seq in arrivals {
            window.accept(&packet(1, seq));
        }
        assert_eq!(take_all(&mut window), order, "{what}");
    }
}

#[test]
fn each_packet_gets_the_verdict_that_fits_where_the_stream_is() {
    use Verdict::{Accepted, Duplicate, Late, Stray};
    let cases: &[(&str, u16, u32, Verdict)] = &[
        ("the next one", 1_002, 1, Accepted),
        ("held already", 1_003, 1, Duplicate),
        ("taken already", 1_001, 1, Duplicate),
        ("given up as lost", 1_000, 1, Late),
        ("the last place of the window", 1_017, 1, Accepted),
        ("one beyond the window", 1_018, 1, Stray),
        ("a hundred back", 902, 1, Late),
        ("more than a hundred back", 901, 1, Stray),
        ("another source", 1_002, 2, Stray),
    ];
    for &(what, seq, ssrc, verdict) in cases {
        let mut window = Window::new(16);
        for held in [999, 1_001] {
            window.accept(&packet(1, held));
        }
        assert_eq!(take_all(&mut window), [999, 1_001]);
        window.accept(&packet(1, 1_003));
        assert_eq!(window.accept(&packet(ssrc, seq)), verdict, "{what}");
    }
}

#[test]
fn a_jump_is_believed_when_the_next_in_line_follows_and_costs_no_packet() {
    #[allow(clippy::type_complexity)]
    let cases: &[(&str, &[(u32, u16)], Verdict, &[u16])] = &[
        ("another source", &[(2, 50), (2, 51)], Verdict::Restarted, &[50, 51]),
        ("a far jump ahead", &[(1, 9_000), (1, 9_001)], Verdict::Restarted, &[9_000, 9_001]),
        ("a far jump back", &[(1, 64_000), (1, 64_001)], Verdict::Restarted, &[64_000, 64_001]),
        ("two strays that do not follow", &[(2, 50), (2, 52)], Verdict::Stray, &[101]),
        ("two strays of two sources", &[(2, 50), (3, 51)], Verdict::Stray, &[101]),
        ("a packet of ours between two strays", &[(2, 50), (1, 102), (2, 51)], Verdict::Stray, &[101, 102]),
    ];
    for &(what, strays, verdict, order) in cases {
        let mut window = Window::new(16);
        window.accept(&packet(1, 100));
        window.pass();
        window.accept(&packet(1, 101));
        let last = strays.iter().map(|&(ssrc, seq)| window.accept(&packet(ssrc, seq))).last();
        assert_eq!(last, Some(verdict), "{what}");
        assert_eq!(take_all(&mut window), order, "{what}");
    }
}

#[test]
fn an_outage_longer_than_the_window_ends_with_the_first_packet_after_it() {
    let mut window = Window::new(16);
    window.accept(&packet(1, 10));
    window.pass();
    assert_eq!(window.accept(&packet(1, 2_000)), Verdict::Accepted);
    assert!(window.front_is_next());
}

proptest! {
    #[test]
    fn every_payload_crosses_unchanged(payload in vec(any::<u8>(), 0..=SLOT_BYTES), seq: u16) {
        let mut window = Window::new(16);
        window.accept(&slot(9, seq, &payload));
        prop_assert_eq!(window.front().unwrap().payload(), &payload[..]);
    }

    #[test]
    fn what_is_taken_was_accepted_once_and_only_rises(
        start: u16,
        steps in vec((0_u16..40, 0_u8..3), 1..300),
    ) {
        let mut window = Window::new(32);
        let mut accepted = BTreeMap::new();
        let mut last: Option<SeqNumber> = None;
        for (offset, takes) in steps {
            let base = last.map_or(SeqNumber(start), |l| l.plus(1));
            let seq = SeqNumber(base.0.wrapping_add(offset).wrapping_sub(8));
            match window.accept(&packet(1, seq.0)) {
                Verdict::Accepted => prop_assert!(accepted.insert(seq.0, ()).is_none()),
                Verdict::Restarted => return Ok(()),
                _ => {}
            }
            for _ in 0..takes {
                let Some(front) = window.front() else { break };
                prop_assert!(accepted.remove(&front.seq.0).is_some());
                if let Some(last) = last {
                    prop_assert!(front.seq.since(last) > 0);
                }
                last = Some(front.seq);
                window.pass();
            }
            prop_assert_eq!(window.len(), accepted.len());
        }
    }

    #[test]
    fn the_window_never_holds_more_than_it_has_places(packets in vec((0_u32..3, any::<u16>()), 0..400)) {
        let mut window = Window::new(16);
        for (ssrc, seq) in packets {
            window.accept(&packet(ssrc, seq));
            prop_assert!(window.len() <= window.capacity());
            prop_assert_eq!(window.is_empty(), window.front().is_none());
        }
    }
}
