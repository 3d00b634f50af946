#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use proptest::{collection::vec, prelude::*};

use super::*;

const PACKET: Duration = Duration::from_millis(10);

/// `1` was received, everything else was not.
fn figures(pattern: &str) -> BurstGap {
    let mut gaps = Gaps::default();
    pattern.chars().for_each(|fate| gaps.settle(fate == '1', 1));
    gaps.figures(PACKET)
}

/// The transition counts of appendix A.2, and what it derives from them: burst density, gap density, mean burst, mean gap.
fn appendix_a_2(fates: impl IntoIterator<Item = bool>) -> (f64, f64, f64, f64) {
    let (mut pkt, mut lost) = (0_u64, 0_u64);
    let (mut c11, mut c13, mut c14, mut c22, mut c23, mut c33) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for received in fates {
        if received {
            pkt += 1;
            continue;
        }
        if pkt >= GMIN {
            *if lost == 1 { &mut c14 } else { &mut c13 } += 1.0;
            lost = 1;
            c11 += pkt as f64;
        } else {
            lost += 1;
            if pkt == 0 {
                c33 += 1.0;
            } else {
                c23 += 1.0;
                c22 += (pkt - 1) as f64;
            }
        }
        pkt = 0;
    }
    let (c31, c32) = (c13, c23);
    let total: f64 = c11 + c14 + c13 + c22 + c23 + c31 + c32 + c33;
    let p32 = c32 / (c31 + c32 + c33);
    let p23 = if c22 + c23 < 1.0 { 1.0 } else { 1.0 - c22 / (c22 + c23) };
    let gap = (c11 + c14 + c13) * 10.0 / c13;
    (p23 / (p23 + p32), c14 / (c11 + c14), total * 10.0 / c13 - gap, gap)
}

#[test]
fn the_example_of_section_4_7_2_has_a_burst_of_120_ms_and_density_0_33() {
    // A burst of twelve packets, from a discarded to a lost one; each gap holds one packet that did not come.
    let figures = figures("11110111111111111111111X111X1011110111111111111111111X111111111");
    assert_eq!(figures.burst, Duration::from_millis(120));
    assert!((figures.burst_density - 0.33).abs() < 0.005, "{figures:?}");
    assert!((figures.gap_density - 0.04).abs() < 0.005, "{figures:?}");
    assert_eq!(figures.gap, Duration::from_millis(255), "23 and 28 packets");
}

#[test]
fn what_is_a_burst_and_what_a_gap_follows_the_definitions() {
    type Case = (&'static str, String, (u64, f32), (u64, f32));
    let ones = |n: usize| "1".repeat(n);
    let cases: Vec<Case> = vec![
        ("nothing", String::new(), (0, 0.0), (0, 0.0)),
        ("nothing lost", ones(40), (0, 0.0), (400, 0.0)),
        ("one lost is a gap", ones(20) + "0" + &ones(19), (0, 0.0), (400, 1.0 / 40.0)),
        ("everything lost is a burst", "0".repeat(8), (80, 1.0), (0, 0.0)),
        (
            "15 between two losses are in the burst",
            ones(20) + "0" + &ones(15) + "0" + &ones(20),
            (170, 2.0 / 17.0),
            (200, 0.0),
        ),
        ("16 are not", ones(20) + "0" + &ones(16) + "0" + &ones(20), (0, 0.0), (580, 2.0 / 58.0)),
        ("a burst at the start", "00".to_owned() + &ones(16), (20, 1.0), (160, 0.0)),
        ("a burst at the end", ones(16) + "00", (20, 1.0), (160, 0.0)),
        ("two bursts", "00".to_owned() + &ones(16) + "0000" + &ones(32), (30, 1.0), (240, 0.0)),
    ];
    for (what, pattern, (burst, burst_density), (gap, gap_density)) in cases {
        let figures = figures(&pattern);
        let expected = BurstGap {
            burst_density,
            gap_density,
            burst: Duration::from_millis(burst),
            gap: Duration::from_millis(gap),
        };
        assert_eq!(figures, expected, "{what}");
    }
}

#[test]
fn a_long_stream_has_the_figures_of_appendix_a_2() {
    // Bursts of twelve packets every 212, every other of which is lost, and a single loss between them.
    let fate = |n: u64| n % 212 != 100 && (n % 212 < 200 || n % 2 == 1);
    let mut gaps = Gaps::default();
    (0..212_000).for_each(|n| gaps.settle(fate(n), 1));
    let figures = gaps.figures(PACKET);
    let (burst_density, gap_density, burst, gap) = appendix_a_2((0..212_000).map(fate));
    assert!(
        (f64::from(figures.burst_density) - burst_density).abs() < 0.06,
        "{figures:?} against {burst_density}"
    );
    assert!(
        (f64::from(figures.gap_density) - gap_density).abs() < 0.001,
        "{figures:?} against {gap_density}"
    );
    assert!((figures.burst.as_secs_f64() * 1e3 - burst).abs() < 11.0, "{figures:?} against {burst}");
    assert!((figures.gap.as_secs_f64() * 1e3 - gap).abs() < 25.0, "{figures:?} against {gap}");
}

proptest! {
    #[test]
    fn every_packet_is_in_a_burst_or_in_a_gap(runs in vec((any::<bool>(), 0_u64..40), 0..60)) {
        let (mut gaps, mut packets, mut lost) = (Gaps::default(), 0, 0);
        for (received, count) in runs {
            gaps.settle(received, count);
            packets += count;
            lost += if received { 0 } else { count };
        }
        gaps.close();
        let sums = gaps.closed;
        prop_assert_eq!((sums.burst_packets + sums.gap_packets, sums.burst_lost + sums.gap_lost), (packets, lost));
        prop_assert!(sums.gaps <= sums.bursts + 1);
    }
}
