use proptest::{collection::vec, option, prelude::*};
use rove_base::{NtpTime, RtpTimestamp, Ssrc};

use super::{Packet, ParseError, ReportBlock, SenderInfo, parse, round_trip, write_bye, write_report};

/// A receiver report of source 1 without blocks.
const EMPTY_RR: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];

const BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(0xdead_beef),
    fraction_lost: 64,
    cumulative_lost: -2,
    extended_highest: 0x0001_fffe,
    jitter: 160,
    last_sr: 0xb705_2000,
    delay_since_last_sr: 0x0005_4000,
};

const INFO: SenderInfo = SenderInfo {
    ntp: NtpTime(0x0102_0304_0506_0708),
    rtp_timestamp: RtpTimestamp(960),
    packets: 7,
    octets: 1_120,
};

fn behind_rr(packet: &[u8]) -> Vec<u8> {
    [&EMPTY_RR, packet].concat()
}

#[test]
fn a_sender_report_has_the_layout_of_rfc3550_section_6_4_1() {
    let mut bytes = Vec::new();
    write_report(&mut bytes, Ssrc(1), Some(INFO), &[BLOCK], "me");
    let expected: &[u8] = &[
        0x81, 200, 0, 12, 0, 0, 0, 1, // one block, twelve more words, from source 1
        1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 3, 0xc0, 0, 0, 0, 7, 0, 0, 4, 0x60, // sender info
        0xde, 0xad, 0xbe, 0xef, 64, 0xff, 0xff, 0xfe, 0, 1, 0xff, 0xfe, 0, 0, 0, 160, // block
        0xb7, 5, 0x20, 0, 0, 5, 0x40, 0, // LSR, DLSR
        0x81, 202, 0, 3, 0, 0, 0, 1, 1, 2, b'm', b'e', 0, 0, 0, 0, // CNAME
    ];
    assert_eq!(bytes, expected);
}

#[test]
fn what_a_compound_says_is_read_back() {
    let mut bytes = Vec::new();
    write_report(&mut bytes, Ssrc(1), Some(INFO), &[BLOCK], "alice@home.example");
    write_bye(&mut bytes, Ssrc(1), "hung up");
    let packets: Vec<_> = parse(&bytes).unwrap().packets().collect();
    let [
        Packet::SenderReport { ssrc, info, reports },
        Packet::SourceDescription(sdes),
        Packet::Bye { sources, reason },
    ] = packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((ssrc, info), (Ssrc(1), INFO));
    assert_eq!(reports.iter().collect::<Vec<_>>(), [BLOCK]);
    assert_eq!(sdes.cname(Ssrc(1)), Some(&b"alice@home.example"[..]));
    assert_eq!(sdes.cname(Ssrc(2)), None);
    assert_eq!(sources.iter().collect::<Vec<_>>(), [Ssrc(1)]);
    assert_eq!(reason, Some(&b"hung up"[..]));
}

#[test]
fn a_malformed_compound_is_refused_by_the_check_it_fails() {
    let cut = |part, need, have| ParseError::Truncated { part, need, have };
    let cases: &[(&str, Vec<u8>, ParseError)] = &[
        ("an empty datagram", vec![], cut("header", 4, 0)),
        ("three bytes", vec![0x80, 201, 0], cut("header", 4, 3)),
        ("version 1", vec![0x40, 201, 0, 0], ParseError::Version(1)),
        ("a length beyond the datagram", vec![0x80, 201, 0, 1, 0], cut("packet", 4, 1)),
        ("a farewell alone", vec![0x80, 203, 0, 0], ParseError::NoReport(203)),
        ("a receiver report without a source", vec![0x80, 201, 0, 0], cut("receiver report", 4, 0)),
        (
            "a sender report without its info",
            [&[0x80, 200, 0, 1], &EMPTY_RR[4..]].concat(),
            cut("sender report", 24, 4),
        ),
        (
            "fewer blocks than counted",
            [&[0x81, 201, 0, 1], &EMPTY_RR[4..]].concat(),
            cut("receiver report", 28, 4),
        ),
        ("junk behind the report", behind_rr(&[0]), cut("header", 4, 1)),
        ("fewer leaving than counted", behind_rr(&[0x82, 203, 0, 1, 0, 0, 0, 1]), cut("BYE", 8, 4)),
        ("a reason cut short", behind_rr(&[0x80, 203, 0, 1, 4, b'b', b'y', b'e']), cut("BYE", 5, 4)),
        (
            "an item cut short",
            behind_rr(&[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, 0, 0]),
            ParseError::SourceDescription,
        ),
        ("a chunk without an end", behind_rr(&[0x81, 202, 0, 1, 0, 0, 0, 1]), ParseError::SourceDescription),
        (
            "fewer chunks than counted",
            behind_rr(&[0x82, 202, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]),
            ParseError::SourceDescription,
        ),
        (
            "padding in the middle",
            [&[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4][..], &EMPTY_RR].concat(),
            ParseError::Padding,
        ),
        ("padding of no word", vec![0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3], ParseError::Padding),
        ("padding of zero bytes", vec![0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0], ParseError::Padding),
        ("more padding than bytes", vec![0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 12], ParseError::Padding),
    ];
    for (what, bytes, error) in cases {
        assert_eq!(parse(bytes).unwrap_err(), *error, "{what}");
    }
}

#[test]
fn what_is_not_known_or_not_needed_is_passed_over() {
    let cases: &[(&str, Vec<u8>, usize)] = &[
        ("a report alone", EMPTY_RR.to_vec(), 1),
        ("padding at the end", vec![0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4], 1),
        ("profile extensions behind the blocks", vec![0x80, 201, 0, 2, 0, 0, 0, 1, 9, 9, 9, 9], 1),
        ("a feedback packet", behind_rr(&[0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]), 2),
        ("a farewell of nobody", behind_rr(&[0x80, 203, 0, 0]), 2),
        ("a description of nobody", behind_rr(&[0x80, 202, 0, 0]), 2),
        ("two chunks", behind_rr(&[0x82, 202, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), 2),
    ];
    for (what, bytes, packets) in cases {
        assert_eq!(parse(bytes).unwrap().packets().count(), *packets, "{what}");
    }
}

#[test]
fn more_than_31_blocks_are_spread_over_several_reports() {
    let mut bytes = Vec::new();
    write_report(&mut bytes, Ssrc(1), None, &[BLOCK; 64], "me");
    let counts: Vec<_> = parse(&bytes)
        .unwrap()
        .packets()
        .filter_map(|packet| match packet {
            Packet::ReceiverReport { reports, .. } => Some(reports.iter().len()),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [31, 31, 2]);
}

#[test]
fn loss_beyond_24_bits_is_clamped() {
    for (lost, read) in [(i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000), (-1, -1)] {
        let mut bytes = Vec::new();
        write_report(&mut bytes, Ssrc(1), None, &[ReportBlock { cumulative_lost: lost, ..BLOCK }], "me");
        let Some(Packet::ReceiverReport { reports, .. }) = parse(&bytes).unwrap().packets().next() else {
            panic!()
        };
        assert_eq!(reports.iter().next().map(|block| block.cumulative_lost), Some(read));
    }
}

#[test]
fn round_trip_follows_rfc3550_figure_2() {
    type Case = (&'static str, (u32, u32, u32), Option<u32>);
    let cases: &[Case] = &[
        ("worked example: 6.125 s", (0xb710_8000, 0xb705_2000, 0x0005_4000), Some(0x0006_2000)),
        ("no sender report seen", (0xb710_8000, 0, 0), None),
        ("NTP middle bits wrap", (0x0000_1000, 0xffff_f000, 0x0000_1000), Some(0x0000_1000)),
        ("peer clock runs fast", (0x0001_0000, 0x0001_0000, 0x0000_0001), None),
        ("a report from the future", (0x0001_0000, 0x0002_0000, 0), None),
        ("a delay beyond all reason", (0x0002_0000, 0x0001_0000, u32::MAX), None),
    ];
    for &(what, (arrival, last_sr, delay), expected) in cases {
        assert_eq!(round_trip(arrival, last_sr, delay), expected, "{what}");
    }
}

prop_compose! {
    fn block()(ssrc: u32, fraction_lost: u8, cumulative_lost in -0x80_0000..0x80_0000_i32, extended_highest: u32,
        jitter: u32, last_sr: u32, delay_since_last_sr: u32) -> ReportBlock {
        ReportBlock {
            ssrc: Ssrc(ssrc), fraction_lost, cumulative_lost, extended_highest, jitter, last_sr, delay_since_last_sr,
        }
    }
}

prop_compose! {
    fn info()(ntp: u64, timestamp: u32, packets: u32, octets: u32) -> SenderInfo {
        SenderInfo { ntp: NtpTime(ntp), rtp_timestamp: RtpTimestamp(timestamp), packets, octets }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(
        ssrc: u32, sender in option::of(info()), blocks in vec(block(), 0..4), cname in "\\PC{0,300}", reason in "\\PC{0,300}",
    ) {
        let mut bytes = Vec::new();
        write_report(&mut bytes, Ssrc(ssrc), sender, &blocks, &cname);
        write_bye(&mut bytes, Ssrc(ssrc), &reason);
        prop_assert!(bytes.len().is_multiple_of(4));
        for packet in parse(&bytes).unwrap().packets() {
            match packet {
                Packet::SenderReport { ssrc: from, info, reports } => {
                    prop_assert_eq!((from, Some(info)), (Ssrc(ssrc), sender));
                    prop_assert_eq!(reports.iter().collect::<Vec<_>>(), &blocks[..]);
                }
                Packet::ReceiverReport { ssrc: from, reports } => {
                    prop_assert_eq!((from, None), (Ssrc(ssrc), sender));
                    prop_assert_eq!(reports.iter().collect::<Vec<_>>(), &blocks[..]);
                }
                Packet::SourceDescription(sdes) => {
                    let name = sdes.cname(Ssrc(ssrc)).unwrap();
                    prop_assert!(cname.as_bytes().starts_with(name) && name.len() >= cname.len().min(252));
                }
                Packet::Bye { reason: said, .. } => {
                    prop_assert!(reason.as_bytes().starts_with(said.unwrap_or_default()));
                    prop_assert_eq!(said.is_none(), reason.is_empty());
                }
                Packet::ExtendedReport { .. } | Packet::Application { .. } | Packet::Unknown { .. } => {
                    prop_assert!(false);
                },
            }
        }
    }

    #[test]
    fn parsing_never_panics_and_what_it_accepts_is_read_whole(mut bytes in vec(any::<u8>(), 0..200), kind in 199_u8..205) {
        if let [first, second, _, low, ..] = &mut bytes[..] {
            (*first, *second, *low) = (0x80 | *first & 0x3f, kind, *low & 0x1f);
        }
        if let Ok(compound) = parse(&bytes) {
            prop_assert!(compound.packets().count() >= 1);
            for packet in compound.packets() {
                if let Packet::SourceDescription(sdes) = packet {
                    prop_assert!(sdes.iter().all(|item| item.text.len() <= 255));
                }
            }
        }
    }
}
