//! A network that knows what it did, against what the receiver makes of it.

use core::time::Duration;

use rove_base::{ClockRate, Entropy, Instant, NtpTime, RtpTimestamp, SeqNumber};

use crate::{quality::ReceiveStats, rtcp::SenderInfo};

/// What a network does to packets, drawn from a seed.
#[derive(Clone, Copy, Debug)]
struct Network {
    seed: u64,
    loss: f64,
    /// Mean length of loss runs.
    burst: f64,
    /// Packets are late by up to so many milliseconds.
    jitter: f64,
    packets: u64,
    packet_ms: u64,
    clock: ClockRate,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            seed: 1,
            loss: 0.1,
            burst: 1.0,
            jitter: 0.0,
            packets: 700,
            packet_ms: 20,
            clock: ClockRate::OPUS,
        }
    }
}

/// What the network counted.
#[derive(Clone, Debug, Default)]
struct Truth {
    sent: u64,
    delivered: u64,
    mean_burst: Option<f32>,
    /// Delays one way in milliseconds.
    delays: Vec<f64>,
    /// RFC 3550, appendix A.8, over true times.
    jitter_ms: f64,
    mean_jitter_ms: f64,
}

/// The receiver's monotonic clock runs so far ahead of the wall clock that sender reports are made on.
const AHEAD: i64 = 7_000_000_000;
const BASE_MS: f64 = 40.0;

/// What arrives, by time: a packet or a report.
enum Arrival {
    Packet(SeqNumber, RtpTimestamp),
    Report(SenderInfo, i64),
}

impl Network {
    /// Sends everything, a report every 800 ms and one at the end.
    fn run(self) -> (ReceiveStats, Truth) {
        let mut random = Entropy::from_number(self.seed);
        let (first_seq, first_timestamp) = (random.next_u32() as u16, random.next_u32());
        let ticks = u64::from(self.clock.hertz()) * self.packet_ms / 1_000;
        let mut truth = Truth { sent: self.packets, ..Truth::default() };
        let mut arrivals = Vec::new();
        let (mut losing, mut runs) = (false, 0_u64);
        for n in 0..self.packets {
            let sent_ms = (n + 1) * self.packet_ms;
            let timestamp = first_timestamp.wrapping_add((n * ticks) as u32);
            let leave = 1.0 / self.burst;
            let enter = leave * self.loss / (1.0 - self.loss);
            let independent = self.burst <= 1.0;
            let lost = random.unit()
                < if independent {
                    self.loss
                } else if losing {
                    1.0 - leave
                } else {
                    enter
                };
            runs += u64::from(lost && !losing);
            losing = lost;
            let late = BASE_MS + self.jitter * random.unit();
            if !lost {
                truth.delivered += 1;
                truth.delays.push(late);
                arrivals.push((
                    sent_ms as f64 + late,
                    Arrival::Packet(SeqNumber(first_seq.wrapping_add(n as u16)), RtpTimestamp(timestamp)),
                ));
            }
            if sent_ms.is_multiple_of(800) || n + 1 == self.packets {
                let info = SenderInfo {
                    ntp: NtpTime(1),
                    rtp_timestamp: RtpTimestamp(first_timestamp.wrapping_add(((n + 1) * ticks) as u32)),
                    packets: (n + 1) as u32,
                    octets: 0,
                };
                let report = Arrival::Report(info, sent_ms as i64 * 1_000_000 + AHEAD);
                // Some reports are lost, the last one is not.
                if n + 1 == self.packets || random.unit() > self.loss {
                    arrivals.push((sent_ms as f64 + BASE_MS + self.jitter * random.unit(), report));
                }
            }
        }
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        let lost = truth.sent - truth.delivered;
        truth.mean_burst = (lost > 0).then(|| lost as f32 / runs as f32);
        self.jitter_of(&arrivals, first_timestamp, &mut truth);
        let mut stats = ReceiveStats::new(self.clock);
        for (ms, arrival) in arrivals {
            let arrived = Instant::from_nanos((ms * 1e6) as u64 + AHEAD as u64);
            match arrival {
                Arrival::Packet(seq, timestamp) => drop(stats.on_packet(arrived, seq, timestamp)),
                Arrival::Report(info, sent) => stats.on_sender_report(arrived, &info, sent),
            }
        }
        (stats, truth)
    }

    fn jitter_of(&self, arrivals: &[(f64, Arrival)], first: u32, truth: &mut Truth) {
        let transit = |(ms, arrival): &(f64, Arrival)| match arrival {
            Arrival::Packet(_, timestamp) => {
                Some(ms - f64::from(timestamp.0.wrapping_sub(first)) * 1e3 / f64::from(self.clock.hertz()))
            }
            Arrival::Report(..) => None,
        };
        let transits: Vec<f64> = arrivals.iter().filter_map(transit).collect();
        let changes: Vec<f64> = transits.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        changes.iter().for_each(|change| truth.jitter_ms += (change - truth.jitter_ms) / 16.0);
        truth.mean_jitter_ms = changes.iter().sum::<f64>() / changes.len().max(1) as f64;
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Every combination, each with its own seed.
fn grid() -> impl Iterator<Item = Network> {
    let losses =
        [(0.0, 1.0), (0.01, 1.0), (0.05, 1.0), (0.2, 1.0), (0.2, 3.0), (0.3, 1.0), (0.3, 5.0), (0.5, 2.0)];
    let jitters = [0.0, 15.0, 100.0];
    let all = losses.into_iter().flat_map(move |loss| jitters.into_iter().map(move |jitter| (loss, jitter)));
    all.flat_map(|((loss, burst), jitter)| {
        (0..12).map(move |seed| {
            let clock = if seed % 2 == 0 { ClockRate::OPUS } else { ClockRate::TELEPHONE };
            let packet_ms = [20, 10, 60][seed as usize % 3];
            Network { seed: seed + 1, loss, burst, jitter, packet_ms, clock, ..Network::default() }
        })
    })
}

#[test]
fn what_is_counted_is_what_the_network_did_to_the_last_packet() {
    for network in grid() {
        let (stats, truth) = network.run();
        assert_eq!(stats.sent_by_peer(), Some(truth.sent), "{network:?}");
        assert_eq!(stats.received(), truth.delivered, "{network:?}");
        match (stats.mean_burst(true), truth.mean_burst) {
            (Some(told), Some(true_one)) => {
                assert!((told - true_one).abs() < 1e-4, "{network:?}: {told} for {true_one}");
            }
            other => assert_eq!(other, (None, None), "{network:?}"),
        }
    }
}

#[test]
fn a_call_of_a_second_that_loses_half_of_its_packets_is_counted_as_exactly() {
    for seed in 1..300 {
        let network =
            Network { seed, loss: 0.5, burst: 2.0, jitter: 30.0, packets: 50, ..Network::default() };
        let (stats, truth) = network.run();
        if truth.delivered < 10 {
            continue;
        }
        assert_eq!(
            (stats.sent_by_peer(), stats.received()),
            (Some(truth.sent), truth.delivered),
            "{network:?}"
        );
        let (told, true_one) = (stats.mean_burst(true).unwrap(), truth.mean_burst.unwrap());
        assert!((told - true_one).abs() < 1e-4, "{network:?}: {told} for {true_one}");
    }
}

#[test]
fn delays_one_way_are_those_of_the_network_within_a_millisecond() {
    for network in grid() {
        let (stats, truth) = network.run();
        let delays = stats.one_way().unwrap();
        let mean = truth.delays.iter().sum::<f64>() / truth.delays.len() as f64;
        let least = truth.delays.iter().copied().fold(f64::MAX, f64::min);
        let most = truth.delays.iter().copied().fold(0.0, f64::max);
        assert_eq!(delays.count, truth.delivered, "{network:?}");
        let told = [delays.mean_since(None).unwrap(), delays.least, delays.most].map(ms);
        for (told, measured) in told.into_iter().zip([mean, least, most]) {
            assert!((told - measured).abs() < 0.2, "{network:?}: {told} for {measured}");
        }
    }
}

#[test]
fn jitter_is_that_of_the_network_within_a_millisecond() {
    for network in grid() {
        let (stats, truth) = network.run();
        let told = [stats.jitter().unwrap(), stats.mean_jitter().unwrap()].map(ms);
        for (told, measured) in told.into_iter().zip([truth.jitter_ms, truth.mean_jitter_ms]) {
            assert!((told - measured).abs() < 0.3, "{network:?}: {told} for {measured}");
        }
    }
}

#[test]
fn means_over_an_interval_are_of_that_interval() {
    let (stats, _) = Network { loss: 0.0, ..Network::default() }.run();
    let all = stats.one_way().unwrap();
    assert_eq!(all.mean_since(Some(&all)), None);
    assert_eq!(all.mean_since(None).map(|mean| mean.as_millis()), Some(40));
}

#[test]
fn a_clock_that_runs_behind_gives_no_delays() {
    let mut stats = ReceiveStats::new(ClockRate::OPUS);
    let info = SenderInfo { ntp: NtpTime(1), rtp_timestamp: RtpTimestamp(960), packets: 1, octets: 0 };
    for n in 0..4_u16 {
        stats.on_packet(
            Instant::from_nanos(20_000_000 * u64::from(n)),
            SeqNumber(n),
            RtpTimestamp(u32::from(n) * 960),
        );
    }
    assert_eq!(stats.one_way(), None, "no report yet");
    stats.on_sender_report(Instant::from_nanos(80_000_000), &info, 200_000_000);
    assert_eq!(stats.one_way(), None, "sent after they came");
}

#[test]
fn packets_lost_before_the_first_and_after_the_last_that_came_are_runs_of_their_own() {
    let mut stats = ReceiveStats::new(ClockRate::TELEPHONE);
    let report = |stats: &mut ReceiveStats, packets: u32| {
        let info =
            SenderInfo { ntp: NtpTime(1), rtp_timestamp: RtpTimestamp(packets * 160), packets, octets: 0 };
        stats.on_sender_report(Instant::from_nanos(u64::from(packets) * 20_000_000), &info, 0);
    };
    let packet = |stats: &mut ReceiveStats, n: u16| {
        stats.on_packet(
            Instant::from_nanos(u64::from(n) * 20_000_000),
            SeqNumber(n),
            RtpTimestamp(u32::from(n) * 160),
        );
    };
    // Of 0 to 99, 0 to 3 and 95 to 99 are lost, and 50.
    (4..40).for_each(|n| packet(&mut stats, n));
    assert_eq!((stats.sent_by_peer(), stats.mean_burst(false)), (None, None));
    report(&mut stats, 40);
    (40..95).filter(|n| *n != 50).for_each(|n| packet(&mut stats, n));
    assert_eq!(stats.mean_burst(false), Some(2.5), "four at the start, and one");
    report(&mut stats, 100);
    assert_eq!((stats.sent_by_peer(), stats.received(), stats.lost()), (Some(100), 90, 1));
    assert_eq!(stats.mean_burst(true), Some(10.0 / 3.0));
    assert_eq!(stats.mean_burst(false), Some(2.5), "the last may be on their way");
}

#[test]
fn what_earlier_sources_sent_stays_counted() {
    let mut stats = ReceiveStats::new(ClockRate::TELEPHONE);
    for source in 0..2_u32 {
        let first = 20_000 * source as u16;
        for n in (0..50_u16).filter(|n| n % 10 != 3) {
            let at = Instant::from_nanos(u64::from(n) * 20_000_000);
            stats.on_packet(at, SeqNumber(first + n), RtpTimestamp(u32::from(n) * 160));
        }
        let info = SenderInfo { ntp: NtpTime(1), rtp_timestamp: RtpTimestamp(8_000), packets: 50, octets: 0 };
        stats.on_sender_report(Instant::ZERO, &info, 0);
        if source == 0 {
            stats.new_source();
        }
    }
    assert_eq!((stats.sent_by_peer(), stats.received(), stats.lost()), (Some(100), 90, 10));
    assert_eq!(stats.mean_burst(true), Some(1.0));
}

#[test]
fn each_packet_is_told_in_two_reports() {
    let mut stats = ReceiveStats::new(ClockRate::TELEPHONE);
    let packets = |stats: &mut ReceiveStats, range: core::ops::Range<u16>| {
        for n in range.filter(|n| n % 8 != 5) {
            stats.on_packet(
                Instant::from_nanos(u64::from(n) * 20_000_000),
                SeqNumber(n),
                RtpTimestamp(u32::from(n) * 160),
            );
        }
    };
    assert!(stats.take_fates().is_none());
    let mut told = vec![0; 310];
    for report in 0..6_u16 {
        packets(&mut stats, report * 50..report * 50 + 50);
        let (begin, fates) = stats.take_fates().unwrap();
        for (n, received) in (begin.0..).zip(fates) {
            told[usize::from(n)] += 1;
            assert_eq!(received, n % 8 != 5, "{n}");
        }
    }
    assert!(told[..250].iter().all(|times| *times == 2), "{told:?}");
    assert!(told[250..300].iter().all(|times| *times == 1), "{told:?}");
}

#[test]
fn a_packet_that_may_have_been_overtaken_is_told_when_it_is_sure() {
    let mut stats = ReceiveStats::new(ClockRate::TELEPHONE);
    let mut after = |seqs: &[u16]| {
        for seq in seqs {
            stats.on_packet(Instant::ZERO, SeqNumber(*seq), RtpTimestamp(u32::from(*seq) * 160));
        }
        let (begin, fates) = stats.take_fates().unwrap();
        (begin.0, fates.collect::<Vec<_>>())
    };
    assert_eq!(after(&[1, 2, 3, 5]), (1, vec![true; 3]), "4 may come");
    assert_eq!(after(&[4, 6]), (1, vec![true; 6]), "and did");
    assert_eq!(
        after(&[9, 10, 11]),
        (4, vec![true, true, true, false, false, true, true, true]),
        "7 and 8 did not"
    );
}

#[test]
fn tones_that_repeat_a_timestamp_are_not_taken_for_delay() {
    let mut stats = ReceiveStats::new(ClockRate::TELEPHONE);
    let mut at = |n: u32, timestamp: u32| {
        let arrived = Instant::from_nanos(u64::from(n) * 20_000_000 + 1_000_000_000);
        stats.on_packet(arrived, SeqNumber(n as u16), RtpTimestamp(timestamp));
    };
    (0..10).for_each(|n| at(n, n * 160));
    (10..20).for_each(|n| at(n, 9 * 160));
    (20..30).for_each(|n| at(n, n * 160));
    let info = SenderInfo { ntp: NtpTime(1), rtp_timestamp: RtpTimestamp(30 * 160), packets: 30, octets: 0 };
    stats.on_sender_report(Instant::ZERO, &info, 29 * 20_000_000 + 1_000_000_000 - 5_000_000);
    let delays = stats.one_way().unwrap();
    assert_eq!(
        (delays.count, delays.least, delays.most),
        (20, Duration::from_millis(5), Duration::from_millis(5))
    );
}

#[test]
fn a_loss_is_news_until_it_is_told_and_not_before_it_is_sure() {
    let mut stats = ReceiveStats::new(ClockRate::TELEPHONE);
    let mut packet = |n: u16| {
        stats.on_packet(Instant::ZERO, SeqNumber(n), RtpTimestamp(u32::from(n) * 160));
        (stats, stats.has_untold_loss())
    };
    assert!(!packet(1).1 && !packet(2).1);
    assert!(!packet(4).1 && !packet(5).1, "3 may have been overtaken");
    let (mut lost, news) = packet(6);
    assert!(news);
    let _ = lost.take_fates().map(|(_, fates)| fates.count());
    assert!(!lost.has_untold_loss(), "told");
    assert!(!packet(3).1, "it came");
}
