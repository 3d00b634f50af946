//! Two ends, and a network between them that allocates nothing.

use core::{fmt, time::Duration};
use std::collections::VecDeque;

use rove_base::{CodecId, Entropy, Flow, Instant, Now, Scratch, UdpFlow, UnixTime};

use crate::end::{End, NO_ROUND_TRIPS};

pub(crate) struct Call {
    now: Now,
    started: Now,
    ends: [End; 2],
    scratch: Scratch,
    network: VecDeque<Datagram>,
    entropy: Entropy,
    dropped: [u64; 2],
    /// Whether the network loses anything at the moment.
    lossy: bool,
}

struct Datagram {
    arrives: Instant,
    to: usize,
    flow: UdpFlow,
    len: usize,
    bytes: [u8; ROOM],
}

/// What one end lived through in one interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    /// From the microphone there to the ear here.
    pub(crate) mean_delay_ms: f64,
    pub(crate) most_delay_ms: f64,
    pub(crate) concealed_percent: f64,
    pub(crate) lost_percent: f64,
    /// Reported, since the start.
    pub(crate) lost: u64,
    /// By the network, since the start.
    pub(crate) dropped: u64,
    /// Bytes of the process in memory.
    pub(crate) resident: u64,
    pub(crate) round_trips: (Duration, Duration),
    pub(crate) refused: u64,
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = self.round_trips;
        write!(
            f,
            "delay {:.2} ms, at most {:.2}; concealed {:.3} %, lost {:.3} % ({} of {}); rtt {least:.1?} to {most:.1?}; \
             {} KiB; refused {}",
            self.mean_delay_ms,
            self.most_delay_ms,
            self.concealed_percent,
            self.lost_percent,
            self.lost,
            self.dropped,
            self.resident >> 10,
            self.refused,
        )
    }
}

/// Sums over an interval, in samples.
#[derive(Clone, Copy, Default)]
struct Delays {
    sum: u64,
    most: u32,
    pulls: u64,
}

impl Call {
    /// A call that begins 30 s before the NTP seconds wrap, on 7 February 2036.
    pub(crate) fn new(codec: CodecId) -> Self {
        let wall = UnixTime::from_secs(NTP_WRAP - 30);
        let now = Now { mono: Instant::from_nanos(1_000_000_000), wall };
        Self {
            now,
            started: now,
            ends: [true, false].map(|forth| End::new(now, codec, forth)),
            scratch: Scratch::with_capacity(16_384),
            network: VecDeque::with_capacity(64),
            entropy: Entropy::from_number(7),
            dropped: [0; 2],
            lossy: false,
        }
    }

    /// Runs for `time`, and forbids every allocation meanwhile.
    pub(crate) fn run(&mut self, time: Duration) -> [Interval; 2] {
        let before = self.ends.each_ref().map(|end| (end.playout.meter(), end.stream.summary(), end.sent));
        let dropped = self.dropped;
        for end in &mut self.ends {
            end.round_trips = NO_ROUND_TRIPS;
        }
        let mut delays = [Delays::default(); 2];
        let steps = time.as_millis() / STEP.as_millis();
        assert_no_alloc::assert_no_alloc(|| {
            for step in 0..steps {
                // Who counts what is lost has to hear what comes after it: nothing is lost in the first and last second.
                self.lossy = (SECOND..steps - SECOND).contains(&step);
                self.step(&mut delays);
            }
        });
        let resident = resident();
        core::array::from_fn(|i| {
            let (meter, _, _) = before[i];
            let (end, delay) = (&self.ends[i], delays[i]);
            let per_ms = f64::from(end.stream.pcm_rate()) / 1_000.0;
            let lost = (self.dropped[i] - dropped[i]) as f64;
            let sent = (self.ends[1 - i].sent - before[1 - i].2) as f64;
            let refused = end.stream.refused();
            Interval {
                mean_delay_ms: delay.sum as f64 / delay.pulls as f64 / per_ms,
                most_delay_ms: f64::from(delay.most) / per_ms,
                concealed_percent: f64::from(end.playout.meter().concealed_share_since(&meter).unwrap())
                    * 100.0,
                lost_percent: lost / sent * 100.0,
                lost: end.stream.summary().lost,
                dropped: self.dropped[i],
                resident,
                round_trips: end.round_trips,
                refused: refused.forged + refused.replayed + refused.malformed + refused.overrun,
            }
        })
    }

    fn step(&mut self, delays: &mut [Delays; 2]) {
        self.now = self.now.later(STEP);
        let now = self.now;
        while self.network.front().is_some_and(|datagram| datagram.arrives <= now.mono) {
            let Some(datagram) = self.network.pop_front() else { break };
            self.ends[datagram.to].receive(
                now,
                datagram.arrives,
                datagram.flow,
                &datagram.bytes[..datagram.len],
            );
        }
        for i in 0..2 {
            self.ends[i].callback(now);
            self.send(i);
        }
        for (i, delay) in delays.iter_mut().enumerate() {
            if let Some(played) = self.ends[i].playout.trace().timestamp {
                let behind = self.ends[1 - i].timestamp().0.wrapping_sub(played.0);
                delay.sum += u64::from(behind);
                delay.most = delay.most.max(behind);
                delay.pulls += 1;
            }
        }
    }

    /// What end `from` has to say goes into the network, which loses one media packet in a thousand.
    fn send(&mut self, from: usize) {
        self.scratch.clear();
        while let Some(transmit) = self.ends[from].next(&mut self.scratch) {
            let Flow::Udp(flow) = transmit.flow else { continue };
            let media = flow.local.port() % 2 == 0;
            self.ends[from].sent += u64::from(media);
            if media && self.lossy && self.entropy.unit() < 0.001 {
                self.dropped[1 - from] += 1;
                continue;
            }
            let arrives = self.arrival();
            let bytes = self.scratch.get(transmit.range);
            let mut datagram = Datagram { arrives, to: 1 - from, flow, len: bytes.len(), bytes: [0; ROOM] };
            datagram.bytes[..bytes.len()].copy_from_slice(bytes);
            // Times never go back, so that the order stays.
            assert!(self.network.len() < self.network.capacity(), "the network holds no more");
            self.network.push_back(datagram);
        }
    }

    /// 40 ms, and up to 15 more.
    fn arrival(&mut self) -> Instant {
        let at = self.now.mono + Duration::from_secs_f64(0.04 + 0.015 * self.entropy.unit());
        self.network.back().map_or(at, |last| at.max(last.arrives))
    }

    /// The counters that began just under a wrap went over it.
    pub(crate) fn assert_every_counter_wrapped(&self) {
        assert!(self.now.wall.ntp().0 < self.started.wall.ntp().0, "NTP seconds");
        for end in &self.ends {
            let first = end.first;
            assert!(u64::from(first.seq.0) + end.sent > 1 << 16, "sequence number, SRTP rollover counter");
            assert!(u64::from(first.timestamp.0) + end.captured > 1 << 32, "timestamp");
            assert!(u64::from(first.packets) + end.sent > 1 << 32, "packet count");
            assert!(u64::from(first.octets) + end.sent * 20 > 1 << 32, "octet count");
        }
    }
}

/// Bytes of this process in memory; 0 where that cannot be told.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// Time between two callbacks.
const STEP: Duration = Duration::from_millis(10);
/// Steps in a second.
const SECOND: u128 = 100;
/// Bytes of the longest datagram.
const ROOM: usize = 512;
/// 7 February 2036, 06:28:16 UTC: the seconds since 1900 need 33 bits.
const NTP_WRAP: u64 = 2_085_978_496;
