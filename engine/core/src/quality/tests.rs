mod exact;

use core::time::Duration;

use proptest::{collection::vec, prelude::*};
use rove_base::{Band, ClockRate, CodecId, Instant, NtpTime, RtpTimestamp, SeqNumber, Ssrc};

use super::{
    Interval, ReceiveStats, Verdict,
    emodel::{Inputs, band, mos, of_100, rating},
};
use crate::rtcp::SenderInfo;

const PACKET: Duration = Duration::from_millis(20);

const SENDER: SenderInfo =
    SenderInfo { ntp: NtpTime(0), rtp_timestamp: RtpTimestamp(0), packets: 0, octets: 0 };

/// Feeds sequence numbers as a telephone-band stream of 20 ms packets that arrive in time.
fn feed(stats: &mut ReceiveStats, seqs: impl IntoIterator<Item = u16>) -> Vec<Verdict> {
    let arrival = |seq: u16| Instant::ZERO + PACKET * u32::from(seq);
    seqs.into_iter()
        .map(|seq| stats.on_packet(arrival(seq), SeqNumber(seq), RtpTimestamp(u32::from(seq) * 160)))
        .collect()
}

fn telephone() -> ReceiveStats {
    ReceiveStats::new(ClockRate::TELEPHONE)
}

#[test]
fn packets_are_counted_whatever_order_they_come_in() {
    type Case = (&'static str, &'static [u16], (u64, u64, u64));
    let cases: &[Case] = &[
        ("nothing", &[], (0, 0, 0)),
        ("one packet proves nothing", &[10], (0, 0, 0)),
        ("two in sequence are both counted", &[10, 11], (2, 0, 0)),
        ("strays before the start are not", &[10, 5_000, 7, 8], (2, 0, 0)),
        ("a gap between the first two", &[1, 3, 4], (3, 1, 0)),
        ("the first two in the wrong order", &[10, 8], (2, 1, 0)),
        ("the first two over the wrap in the wrong order", &[0, 65_535, 1], (3, 0, 0)),
        ("a gap", &[1, 2, 5, 6], (4, 2, 0)),
        ("a late packet fills its gap", &[1, 2, 4, 3], (4, 0, 0)),
        ("a late packet from before the start", &[2, 3, 1], (3, 0, 0)),
        ("twice the same", &[1, 2, 2], (2, 0, 1)),
        ("twice the same, late", &[1, 2, 3, 4, 2, 3], (4, 0, 2)),
        ("over the wrap", &[65_534, 65_535, 0, 1], (4, 0, 0)),
        ("late over the wrap", &[65_534, 65_535, 1, 0], (4, 0, 0)),
        ("a long gap is a loss", &[1, 2, 3_001], (3, 2_998, 0)),
        ("a longer one is not counted", &[1, 2, 3_002], (2, 0, 0)),
        ("unless it goes on from there", &[1, 2, 3_002, 3_003], (4, 0, 0)),
        ("back by 99 is late", &[500, 501, 402], (3, 97, 0)),
        ("back by 101 is a stray", &[500, 501, 400], (2, 0, 0)),
    ];
    for &(what, seqs, counted) in cases {
        let mut stats = telephone();
        feed(&mut stats, seqs.iter().copied());
        assert_eq!((stats.received(), stats.lost(), stats.duplicates()), counted, "{what}");
    }
}

#[test]
fn every_packet_gets_a_verdict() {
    let mut stats = telephone();
    use Verdict::{Accepted, Duplicate, Jump, Probation, Restarted};
    assert_eq!(
        feed(&mut stats, [7, 7, 8, 8, 20_000, 9, 20_000, 20_001, 20_003]),
        [Probation, Probation, Accepted, Duplicate, Jump, Accepted, Jump, Restarted, Accepted]
    );
}

#[test]
fn report_blocks_follow_appendix_a_3() {
    let mut stats = telephone();
    assert_eq!(stats.report_block(Instant::ZERO, Ssrc(9)), None, "nothing heard");
    feed(&mut stats, 65_530..=65_535);
    feed(&mut stats, [0, 1, 4, 5]);
    let block = stats.report_block(Instant::ZERO, Ssrc(9)).unwrap();
    assert_eq!((block.ssrc, block.extended_highest), (Ssrc(9), 0x1_0005));
    assert_eq!((block.fraction_lost, block.cumulative_lost), (42, 2), "2 of 12");
    assert_eq!((block.last_sr, block.delay_since_last_sr), (0, 0), "no sender report yet");
    feed(&mut stats, [6, 7, 8, 8, 8, 8]);
    let info = SenderInfo { ntp: NtpTime(0x1234_5678_9abc_def0), ..SENDER };
    stats.on_sender_report(Instant::ZERO, &info, 0);
    let block = stats.report_block(Instant::ZERO + Duration::from_millis(5_250), Ssrc(9)).unwrap();
    assert_eq!((block.fraction_lost, block.cumulative_lost), (0, -1), "duplicates count as received here");
    assert_eq!((block.last_sr, block.delay_since_last_sr), (0x5678_9abc, 0x0005_4000), "5.25 s");
}

#[test]
fn the_fraction_lost_reaches_255_and_stays_there() {
    let mut stats = telephone();
    feed(&mut stats, [0, 1]);
    stats.report_block(Instant::ZERO, Ssrc(9));
    feed(&mut stats, [2_999]);
    assert_eq!(stats.report_block(Instant::ZERO, Ssrc(9)).map(|b| b.fraction_lost), Some(255));
}

#[test]
fn intervals_are_measured_apart_from_reports() {
    let mut stats = telephone();
    assert_eq!(stats.interval().loss(), None);
    feed(&mut stats, [1, 2, 3, 5]);
    stats.report_block(Instant::ZERO, Ssrc(9));
    assert_eq!(stats.interval(), Interval { expected: 5, lost: 1, received: 4, duplicates: 0 });
    feed(&mut stats, [6, 7, 4]);
    assert_eq!(stats.interval().loss(), Some(0.0));
    assert_eq!(stats.interval().loss(), None);
}

#[test]
fn totals_survive_restarts_and_new_sources() {
    let mut stats = telephone();
    feed(&mut stats, [1, 2, 4]);
    feed(&mut stats, [30_000, 30_001, 30_003]);
    stats.new_source();
    assert_eq!(stats.report_block(Instant::ZERO, Ssrc(9)), None);
    feed(&mut stats, [9, 10, 12]);
    assert_eq!((stats.received(), stats.lost()), (9, 3));
}

#[test]
fn jitter_follows_appendix_a_8() {
    let mut stats = telephone();
    assert_eq!(stats.jitter(), None);
    let mut arrive = |n: u32, late_ms: u64| {
        let arrived = Instant::ZERO + PACKET * n + Duration::from_millis(late_ms);
        stats.on_packet(arrived, SeqNumber(n as u16), RtpTimestamp(n * 160));
        stats.jitter()
    };
    assert_eq!(arrive(0, 0), None, "one packet has no spacing");
    assert_eq!(arrive(1, 0), Some(Duration::ZERO));
    assert_eq!(arrive(2, 16), Some(Duration::from_millis(1)), "a sixteenth of 16 ms");
    for n in (3..400).step_by(2) {
        arrive(n, 0);
        arrive(n + 1, 10);
    }
    let settled = arrive(401, 0).unwrap();
    assert!(settled.abs_diff(Duration::from_millis(10)) < Duration::from_millis(1), "{settled:?}");
}

#[test]
fn jitter_knows_nothing_of_clock_wraps_and_is_bounded() {
    let mut stats = telephone();
    for (n, timestamp) in [(0_u16, 0xffff_ff60), (1, 0), (2, 160)] {
        stats.on_packet(Instant::ZERO + PACKET * u32::from(n), SeqNumber(n), RtpTimestamp(timestamp));
    }
    assert_eq!(stats.jitter(), Some(Duration::ZERO));
    for n in 3..1_000_u16 {
        stats.on_packet(Instant::ZERO, SeqNumber(n), RtpTimestamp(u32::from(n % 2) << 31));
    }
    assert!(stats.report_block(Instant::ZERO, Ssrc(9)).unwrap().jitter <= 1 << 31);
}

#[test]
fn the_burst_ratio_tells_bursts_from_single_losses() {
    let every_tenth_lost = |n: &u16| !n.is_multiple_of(10);
    let three_of_thirty_lost = |n: &u16| n % 30 > 2;
    type Case<'a> = (&'static str, &'a dyn Fn(&u16) -> bool, Option<f32>);
    let cases: [Case<'_>; 3] = [
        ("nothing lost", &|_| true, None),
        ("single losses", &every_tenth_lost, Some(0.9)),
        ("runs of three", &three_of_thirty_lost, Some(2.7)),
    ];
    for (what, keep, expected) in cases {
        let mut stats = telephone();
        feed(&mut stats, (1_000..31_000).filter(keep));
        match (stats.burst_ratio(), expected) {
            (Some(ratio), Some(expected)) => assert!((ratio - expected).abs() < 0.01, "{what}: {ratio}"),
            other => assert_eq!(other, (None, None), "{what}"),
        }
    }
}

proptest! {
    #[test]
    fn no_sequence_of_packets_makes_the_counts_inconsistent(packets in vec((any::<u16>(), any::<u32>(), any::<u64>()), 0..200), near: bool) {
        let mut stats = telephone();
        let mut counted = 0;
        for (seq, timestamp, arrived) in packets {
            let seq = if near { seq % 300 } else { seq };
            counted += match stats.on_packet(Instant::from_nanos(arrived), SeqNumber(seq), RtpTimestamp(timestamp)) {
                Verdict::Accepted => 2,
                Verdict::Restarted => 2,
                _ => 0,
            };
            stats.report_block(Instant::from_nanos(arrived), Ssrc(1));
            prop_assert!(stats.interval().lost <= stats.received() + stats.lost());
        }
        prop_assert!(stats.received() <= counted);
    }
}

fn telephone_call(delay_ms: u64, loss: f32) -> Inputs {
    Inputs { one_way_delay: Duration::from_millis(delay_ms), loss, ..Inputs::new(CodecId::Pcmu) }
}

#[test]
fn a_perfect_telephone_call_has_the_rating_93_2_of_g107() {
    let r = rating(&telephone_call(0, 0.0));
    assert!((r - 93.2).abs() < 0.05, "{r}");
    assert!((mos(r, Band::Narrow) - 4.41).abs() < 0.005);
}

#[test]
fn delay_costs_what_the_usual_straight_lines_through_g107_say() {
    for delay in [50_u32, 100, 150, 177, 200, 250, 300, 350] {
        let d = f64::from(delay);
        let lines = 93.2 - 0.024 * d - if d > 177.3 { 0.11 * (d - 177.3) } else { 0.0 };
        let r = f64::from(rating(&telephone_call(delay.into(), 0.0)));
        assert!((r - lines).abs() < 2.5, "{delay} ms: {r} against {lines}");
    }
}

#[test]
fn loss_costs_what_g107_section_7_5_says() {
    let cases: &[(&str, f32, f32, f32)] = &[
        ("1 % at random", 0.01, 1.0, 95.0 * 1.0 / 26.1),
        ("5 % at random", 0.05, 1.0, 95.0 * 5.0 / 30.1),
        ("5 % in bursts", 0.05, 2.0, 95.0 * 5.0 / 27.6),
        ("everything", 1.0, 1.0, 95.0 * 100.0 / 125.1),
        ("no number", f32::NAN, f32::NAN, 95.0 * 100.0 / 125.1),
    ];
    let perfect = rating(&telephone_call(0, 0.0));
    for &(what, loss, burst_ratio, cost) in cases {
        let r = rating(&Inputs { burst_ratio, ..telephone_call(0, loss) });
        assert!((perfect - r - cost).abs() < 0.01, "{what}: {}", perfect - r);
    }
}

#[test]
fn each_codec_is_rated_on_the_scale_of_its_band() {
    let cases = [
        (CodecId::Pcmu, Band::Narrow, 93.2, 4.41),
        (CodecId::Pcma, Band::Narrow, 93.2, 4.41),
        (CodecId::G722, Band::Wide, 116.0, 4.34),
        (CodecId::L16, Band::Full, 148.0, 4.5),
        (CodecId::Opus, Band::Full, 137.2, 4.40),
    ];
    for (codec, scale, best, score) in cases {
        let r = rating(&Inputs::new(codec));
        assert_eq!(band(codec), scale, "{codec}");
        assert!(
            (r - best).abs() < 0.05 && (mos(r, scale) - score).abs() < 0.01,
            "{codec}: {r}, {}",
            mos(r, scale)
        );
    }
    assert!((of_100(129.0, Band::Wide) - 100.0).abs() < 0.01 && of_100(-3.0, Band::Full) == 0.0);
}

/// Conditions of Opus in wideband and the PESQ-WB measured for them: kb/s of speech, percent of loss after recovery, burst
/// ratio, percent recovered in band and deep.
const MEASURED: &[(u32, f32, f32, f32, f32, f32)] = &[
    (24, 0.0, 1.0, 0.0, 0.0, 4.38),
    (24, 0.5, 1.0, 0.0, 0.0, 4.18),
    (24, 1.0, 1.0, 0.0, 0.0, 4.04),
    (24, 2.0, 1.0, 0.0, 0.0, 3.66),
    (24, 3.0, 1.0, 0.0, 0.0, 3.27),
    (24, 5.0, 1.0, 0.0, 0.0, 2.82),
    (24, 8.0, 1.0, 0.0, 0.0, 2.45),
    (16, 0.0, 1.0, 0.0, 0.0, 4.20),
    (16, 0.5, 1.0, 0.0, 0.0, 4.01),
    (16, 1.0, 1.0, 0.0, 0.0, 3.90),
    (16, 2.0, 1.0, 0.0, 0.0, 3.55),
    (16, 3.0, 1.0, 0.0, 0.0, 3.18),
    (16, 5.0, 1.0, 0.0, 0.0, 2.77),
    (16, 8.0, 1.0, 0.0, 0.0, 2.41),
    (13, 0.0, 1.0, 0.0, 0.0, 4.07),
    (13, 0.5, 1.0, 0.0, 0.0, 3.91),
    (13, 1.0, 1.0, 0.0, 0.0, 3.82),
    (13, 2.0, 1.0, 0.0, 0.0, 3.48),
    (13, 3.0, 1.0, 0.0, 0.0, 3.15),
    (13, 5.0, 1.0, 0.0, 0.0, 2.75),
    (13, 8.0, 1.0, 0.0, 0.0, 2.37),
    (10, 0.0, 1.0, 0.0, 0.0, 3.68),
    (10, 0.5, 1.0, 0.0, 0.0, 3.52),
    (10, 1.0, 1.0, 0.0, 0.0, 3.43),
    (10, 2.0, 1.0, 0.0, 0.0, 3.15),
    (10, 3.0, 1.0, 0.0, 0.0, 2.86),
    (10, 5.0, 1.0, 0.0, 0.0, 2.53),
    (10, 8.0, 1.0, 0.0, 0.0, 2.25),
    (34, 5.0, 1.0, 0.0, 0.0, 3.26),
    (34, 10.0, 1.0, 0.0, 0.0, 2.48),
    (34, 20.0, 1.0, 0.0, 0.0, 1.91),
    (34, 30.0, 1.0, 0.0, 0.0, 1.48),
    (34, 20.0, 2.4, 0.0, 0.0, 1.56),
    (7, 0.0, 1.0, 0.0, 0.0, 2.35),
    (12, 0.0, 1.0, 0.0, 0.0, 3.95),
    (20, 0.0, 1.0, 0.0, 0.0, 4.34),
    (34, 0.0, 1.0, 0.0, 0.0, 4.45),
    (34, 0.25, 1.0, 4.75, 0.0, 4.13),
    (34, 1.0, 1.0, 9.0, 0.0, 4.01),
    (34, 4.0, 1.0, 16.0, 0.0, 3.37),
    (34, 9.0, 1.0, 21.0, 0.0, 2.49),
    (34, 0.0, 1.0, 0.0, 5.0, 3.58),
    (34, 0.0, 1.0, 0.0, 10.0, 3.19),
    (34, 0.0, 1.0, 0.0, 20.0, 2.75),
    (34, 0.0, 1.0, 0.0, 30.0, 2.41),
];

/// Ranks, ties sharing their mean.
fn ranks(values: &[f32]) -> Vec<f64> {
    let below = |value: f32| values.iter().filter(|other| **other < value).count() as f64;
    let same = |value: f32| values.iter().filter(|other| **other == value).count() as f64;
    values.iter().map(|value| below(*value) + (same(*value) - 1.0) / 2.0).collect()
}

#[test]
fn listening_scores_of_opus_follow_measured_pesq() {
    let (mut told, mut measured) = (Vec::new(), Vec::new());
    for &(kbps, loss, burst_ratio, inband, deep, pesq) in MEASURED {
        let inputs = Inputs {
            bitrate: Some(kbps * 1_000),
            loss: loss / 100.0,
            burst_ratio,
            recovered_inband: inband / 100.0,
            recovered_deep: deep / 100.0,
            ..Inputs::new(CodecId::Opus)
        };
        let score = mos(rating(&inputs), Band::Full);
        assert!((score - pesq).abs() < 0.4, "{kbps} kb/s, {loss} %: {score} for {pesq}");
        told.push(score);
        measured.push(pesq);
    }
    let (a, b) = (ranks(&told), ranks(&measured));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let spearman = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
    assert!(spearman > 0.97, "{spearman}");
}

#[test]
fn scores_stay_on_the_scale_and_fall_with_delay_and_loss() {
    for codec in [CodecId::Opus, CodecId::Pcmu, CodecId::Pcma, CodecId::G722, CodecId::L16] {
        let score = |delay_ms, loss| {
            let inputs = Inputs { codec, ..telephone_call(delay_ms, loss) };
            mos(rating(&inputs), band(codec))
        };
        for step in 0..100_u64 {
            let loss = step as f32 / 100.0;
            assert!(score(10 * step, 0.0) >= score(10 * step + 10, 0.0), "{codec} at {} ms", 10 * step);
            assert!(score(50, loss) >= score(50, loss + 0.01), "{codec} at loss {loss}");
            assert!((1.0..=4.5).contains(&score(10 * step, loss)));
        }
    }
    assert_eq!((mos(-5.0, Band::Narrow), mos(150.0, Band::Full), mos(3.0, Band::Narrow)), (1.0, 4.5, 1.0));
}
