#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use proptest::{collection::vec, option, prelude::*};
use rove_base::{NtpTime, SeqNumber, Ssrc};

use super::{
    Dlrr, ExtendedBlock, ExtendedReport, LossRle, StatisticsSummary, Ttl, VoipMetrics, write_extended_report,
};
use crate::rtcp::{Packet, ParseError, parse, write_report};

/// The body of an extended report that `fill` wrote, header and source cut off.
fn written(fill: impl FnOnce(&mut ExtendedReport<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_extended_report(&mut bytes, Ssrc(1), fill);
    assert_eq!(bytes[..2], [0x80, 207]);
    assert_eq!(usize::from(u16::from_be_bytes([bytes[2], bytes[3]])) * 4 + 4, bytes.len());
    assert_eq!(bytes[4..8], [0, 0, 0, 1]);
    bytes[8..].to_vec()
}

/// A compound whose extended report has the blocks in `body`.
fn compound(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_report(&mut bytes, Ssrc(1), None, &[], "me");
    bytes.extend([0x80, 207, 0, (body.len() / 4 + 1) as u8, 0, 0, 0, 1]);
    bytes.extend(body);
    bytes
}

/// Hands every block of `body` to `see`; answers how many there were.
fn read(body: &[u8], mut see: impl FnMut(ExtendedBlock<'_>)) -> usize {
    let bytes = compound(body);
    let blocks = parse(&bytes).unwrap().packets().find_map(|packet| match packet {
        Packet::ExtendedReport { ssrc: Ssrc(1), blocks } => Some(blocks),
        _ => None,
    });
    blocks.unwrap().iter().inspect(|block| see(*block)).count()
}

fn fates(body: &[u8]) -> Vec<(u16, bool)> {
    let mut fates = Vec::new();
    read(body, |block| match block {
        ExtendedBlock::LossRle(rle) => fates.extend(rle.fates().map(|(seq, received)| (seq.0, received))),
        other => panic!("{other:?}"),
    });
    fates
}

#[test]
fn a_loss_rle_block_has_the_layout_of_section_4_1() {
    let pattern =
        [true, true, false, true, false, false, true, true, true, true, false, true, true, true, true];
    let sent = pattern.into_iter().chain([true; 40]).chain([false; 3]);
    let body = written(|xr| xr.loss_rle(Ssrc(0xdead_beef), SeqNumber(0xfffe), sent.clone()));
    let expected: &[u8] = &[
        1,
        0,
        0,
        4,
        0xde,
        0xad,
        0xbe,
        0xef,
        0xff,
        0xfe,
        0,
        56, // 58 packets from 65 534 on, over the wrap
        0b1110_1001,
        0b1110_1111, // §4.1.2: a vector of the first 15
        0x40,
        40, // §4.1.1: a run of 40 received
        0x00,
        3,
        0,
        0, // and of 3 lost; §4.1.3: a null chunk up to a whole word
    ];
    assert_eq!(body, expected);
    let told = (0_u16..58).map(|n| 0xfffe_u16.wrapping_add(n)).zip(sent);
    assert!(fates(&body).into_iter().eq(told));
}

#[test]
fn loss_rle_tells_what_it_says_and_no_more() {
    type Case = (&'static str, u8, (u16, u16), &'static [u16], &'static [(u16, bool)]);
    let cases: &[Case] = &[
        ("nothing", 0, (7, 7), &[], &[]),
        ("a run beyond the end is cut", 0, (7, 9), &[0x7fff, 0], &[(7, true), (8, true)]),
        ("a vector beyond the end is cut", 0, (7, 9), &[0xa000, 0], &[(7, false), (8, true)]),
        ("chunks that end early", 0, (7, 99), &[0x4001, 0], &[(7, true)]),
        ("what follows the null chunk is padding", 0, (7, 99), &[0, 0x4001], &[]),
        ("a run of no packets received says nothing", 0, (7, 99), &[0x4000, 0x0001], &[(7, false)]),
        ("every fourth packet", 2, (7, 17), &[0x4002, 0x0001], &[(8, true), (12, true), (16, false)]),
        ("thinned from a first that counts", 2, (8, 9), &[0x4001, 0], &[(8, true)]),
        ("thinned over the wrap", 1, (65_535, 2), &[0x4002, 0], &[(0, true)]),
        ("thinned until none is left", 15, (1, 9), &[0x4002, 0], &[]),
    ];
    for &(what, thinning, (begin, end), chunks, expected) in cases {
        let mut body = vec![1, thinning, 0, 2 + chunks.len() as u8 / 2, 0, 0, 0, 9];
        for word in [begin, end].iter().chain(chunks) {
            body.extend(word.to_be_bytes());
        }
        assert_eq!(fates(&body), expected, "{what}");
    }
}

#[test]
fn reference_times_and_their_echo_have_the_layout_of_sections_4_4_and_4_5() {
    let items = [
        Dlrr { ssrc: Ssrc(2), last_rr: 0x0506_0708, delay_since_last_rr: 0x0001_0000 },
        Dlrr { ssrc: Ssrc(3), ..Dlrr::default() },
    ];
    let body = written(|xr| {
        xr.reference_time(NtpTime(0x0102_0304_0506_0708));
        xr.dlrr(&items);
    });
    let expected: &[u8] = &[
        4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, // RRT
        5, 0, 0, 6, 0, 0, 0, 2, 5, 6, 7, 8, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, // DLRR
    ];
    assert_eq!(body, expected);
    let mut seen = 0;
    let count = read(&body, |block| match block {
        ExtendedBlock::ReferenceTime(ntp) => assert_eq!(ntp, NtpTime(0x0102_0304_0506_0708)),
        ExtendedBlock::Dlrr(dlrr) => {
            assert!(dlrr.iter().eq(items));
            seen = dlrr.iter().len();
        }
        other => panic!("{other:?}"),
    });
    assert_eq!((count, seen), (2, 2));
}

#[test]
fn a_statistics_summary_has_the_layout_of_section_4_6() {
    let summary = StatisticsSummary {
        ssrc: Ssrc(2),
        begin: SeqNumber(3),
        end: SeqNumber(9),
        lost: Some(1),
        duplicates: None,
        jitter: Some([4, 5, 6, 7]),
        ttl: Some(Ttl::V6([60, 64, 63, 1])),
    };
    let body = written(|xr| xr.statistics(&summary));
    let expected: &[u8] = &[
        6,
        0b1011_0000,
        0,
        9,
        0,
        0,
        0,
        2,
        0,
        3,
        0,
        9, // loss, jitter, hop limits
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        4,
        0,
        0,
        0,
        5,
        0,
        0,
        0,
        6,
        0,
        0,
        0,
        7,
        60,
        64,
        63,
        1,
    ];
    assert_eq!(body, expected);
    read(&body, |block| {
        assert!(matches!(block, ExtendedBlock::Statistics(read) if read == summary), "{block:?}");
    });
}

const METRICS: VoipMetrics = VoipMetrics {
    ssrc: Ssrc(2),
    loss_rate: 10,
    discard_rate: 11,
    burst_density: 12,
    gap_density: 13,
    burst_duration: 0x0102,
    gap_duration: 0x0304,
    round_trip: 0x0506,
    end_system_delay: 0x0708,
    signal_level: Some(-20),
    noise_level: None,
    echo_return_loss: None,
    gmin: 16,
    rating: Some(90),
    external_rating: None,
    mos_lq: Some(44),
    mos_cq: None,
    receiver: VoipMetrics::CONCEALED_WELL | VoipMetrics::ADAPTIVE,
    buffer_nominal: 60,
    buffer_maximum: 120,
    buffer_limit: 400,
};

#[test]
fn voip_metrics_have_the_layout_of_section_4_7_and_127_where_nothing_was_measured() {
    let body = written(|xr| xr.voip_metrics(&METRICS));
    let expected: &[u8] = &[
        7,
        0,
        0,
        8,
        0,
        0,
        0,
        2,
        10,
        11,
        12,
        13,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8, // rates, durations, delays
        0xec,
        127,
        127,
        16,
        90,
        127,
        44,
        127,
        0b1011_0000,
        0,
        0,
        60,
        0,
        120,
        1,
        0x90,
    ];
    assert_eq!(body, expected);
    read(&body, |block| {
        assert!(matches!(block, ExtendedBlock::VoipMetrics(read) if read == METRICS), "{block:?}");
    });
}

#[test]
fn blocks_that_are_not_known_or_have_a_wrong_length_are_skipped() {
    let cases: &[(&str, &[u8], &[u8])] = &[
        ("an unknown type", &[99, 0, 0, 1, 1, 2, 3, 4], &[99]),
        ("an empty block", &[99, 0, 0, 0], &[99]),
        ("a reference time too short", &[4, 0, 0, 1, 1, 2, 3, 4], &[4]),
        ("half a DLRR item", &[5, 0, 0, 1, 1, 2, 3, 4], &[5]),
        ("a loss RLE without its range", &[1, 0, 0, 1, 1, 2, 3, 4], &[1]),
        ("a summary too short", &[6, 0, 0, 0], &[6]),
        ("metrics too short, then another", &[7, 0, 0, 0, 98, 0, 0, 0], &[7, 98]),
    ];
    for (what, body, types) in cases {
        let mut seen = Vec::new();
        read(body, |block| match block {
            ExtendedBlock::Unknown { block_type } => seen.push(block_type),
            other => panic!("{what}: {other:?}"),
        });
        assert_eq!(seen, *types, "{what}");
    }
}

#[test]
fn a_block_that_runs_over_the_end_spoils_its_compound() {
    let rr = [0x80, 201, 0, 1, 0, 0, 0, 1];
    let cases: &[(&str, &[u8], ParseError)] = &[
        (
            "a block of two words in one",
            &[0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 2, 0, 0, 0, 0],
            ParseError::ExtendedReport,
        ),
        (
            "no source",
            &[0x80, 207, 0, 0],
            ParseError::Truncated { part: "extended report", need: 4, have: 0 },
        ),
    ];
    for (what, packet, error) in cases {
        assert_eq!(parse(&[&rr, *packet].concat()).unwrap_err(), *error, "{what}");
    }
}

prop_compose! {
    fn metrics()(ssrc: u32, rates: [u8; 4], times: [u16; 4], levels in [option::of(-126_i8..126), option::of(-126_i8..126)],
        echo in option::of(0_u8..127), gmin: u8, scores in [option::of(0_u8..101), option::of(0_u8..101), option::of(10_u8..51), option::of(10_u8..51)],
        receiver: u8, buffer: [u16; 3]) -> VoipMetrics {
        VoipMetrics {
            ssrc: Ssrc(ssrc), loss_rate: rates[0], discard_rate: rates[1], burst_density: rates[2], gap_density: rates[3],
            burst_duration: times[0], gap_duration: times[1], round_trip: times[2], end_system_delay: times[3],
            signal_level: levels[0], noise_level: levels[1], echo_return_loss: echo, gmin, rating: scores[0],
            external_rating: scores[1], mos_lq: scores[2], mos_cq: scores[3], receiver,
            buffer_nominal: buffer[0], buffer_maximum: buffer[1], buffer_limit: buffer[2],
        }
    }
}

prop_compose! {
    fn summary()(ssrc: u32, range: [u16; 2], lost in option::of(any::<u32>()), duplicates in option::of(any::<u32>()),
        jitter in option::of(any::<[u32; 4]>()), ttl in option::of((any::<bool>(), any::<[u8; 4]>()))) -> StatisticsSummary {
        StatisticsSummary {
            ssrc: Ssrc(ssrc), begin: SeqNumber(range[0]), end: SeqNumber(range[1]), lost, duplicates, jitter,
            ttl: ttl.map(|(old, ttl)| if old { Ttl::V4(ttl) } else { Ttl::V6(ttl) }),
        }
    }
}

proptest! {
    #[test]
    fn what_became_of_each_packet_is_read_as_it_was_written(runs in vec((any::<bool>(), 1_usize..40), 0..60), begin: u16) {
        let sent: Vec<bool> = runs.into_iter().flat_map(|(received, len)| vec![received; len]).collect();
        let mut bytes = Vec::new();
        write_report(&mut bytes, Ssrc(1), None, &[], "me");
        write_extended_report(&mut bytes, Ssrc(1), |xr| xr.loss_rle(Ssrc(2), SeqNumber(begin), sent.iter().copied()));
        let told = parse(&bytes).unwrap().packets().find_map(|packet| match packet {
            Packet::ExtendedReport { blocks, .. } => blocks.iter().next(),
            _ => None,
        });
        let Some(ExtendedBlock::LossRle(LossRle { ssrc: Ssrc(2), .. })) = told else { panic!("{told:?}") };
        let Some(ExtendedBlock::LossRle(rle)) = told else { unreachable!() };
        let expected = sent.iter().enumerate().map(|(n, received)| (begin.wrapping_add(n as u16), *received));
        prop_assert!(rle.fates().map(|(seq, received)| (seq.0, received)).eq(expected));
        // Never longer than vectors alone would be.
        prop_assert!(bytes.len() <= 60 + 2 * (sent.len() / 15 + 2));
    }

    #[test]
    fn metrics_and_summaries_are_read_as_they_were_written(metrics in metrics(), summary in summary()) {
        let body = written(|xr| {
            xr.voip_metrics(&metrics);
            xr.statistics(&summary);
        });
        let mut right = 0;
        read(&body, |block| right += match block {
            ExtendedBlock::VoipMetrics(read) => u32::from(read == metrics),
            ExtendedBlock::Statistics(read) => u32::from(read == summary),
            _ => 0,
        });
        prop_assert_eq!(right, 2);
    }

    #[test]
    fn no_bytes_make_it_panic_or_tell_of_more_packets_than_there_can_be(mut body in vec(any::<u8>(), 0..120), types in vec(0_u8..9, 40)) {
        body.truncate(body.len() / 4 * 4);
        // Plausible headers, or hardly anything would be read.
        let mut at = 0;
        for block_type in types {
            let Some([first, _, high, low]) = body.get_mut(at..at + 4) else { break };
            (*first, *high, *low) = (block_type, 0, *low % 12);
            at += 4 + usize::from(*low) * 4;
        }
        if let Ok(compound) = parse(&compound(&body)) {
            for packet in compound.packets() {
                let Packet::ExtendedReport { blocks, .. } = packet else { continue };
                for block in blocks.iter() {
                    if let ExtendedBlock::LossRle(rle) = block {
                        prop_assert!(rle.fates().count() <= 65_535);
                    }
                }
            }
        }
    }
}
