//! Adapts what is sent to what the path can carry.
//!
//! The controller is of NADA's kind (RFC 8698), made for what a telephone has: a few tens of kilobits per second, and a
//! report about once a second. Like NADA it steers by queueing delay first and takes loss as a sign of congestion only
//! together with it, ramps up while the queue is empty, and comes down in proportion to what stands in it. SCReAM
//! (RFC 8298) and the controllers of browsers need feedback per packet or per round trip, which RTCP at this rate cannot
//! give; for the same reason the gradual steps of NADA's 100 ms feedback are replaced by one measured step:
//!
//! * **Queue.** The round trip of each report, less the least of the last minute; the smaller of two in a row, so that
//!   jitter alone is no queue. The threshold grows with the jitter that the peer reports.
//! * **Rate of the path.** While a queue stands the path is never idle, so what it carries is known: what was sent since
//!   the report before, less what was lost, over the time it took to arrive: the time between the reports and what the
//!   queue grew by. The rate goes a tenth below it, and further for as long as there is a queue to drain.
//! * **Loss** without a queue is taken for the path's own and left to redundancy. A short queue that drops without delay
//!   looks nearly the same, so that heavy loss on a path whose delay moves at all makes the controller try, at most once a minute, whether a lower rate loses less.
//! * **Way back.** Without a queue the rate grows by a twentieth a report, at first not beyond what the path was last
//!   seen to carry, later past it to find out.
//! * **A new path** of longer delay looks like a queue, but comes at once and does not grow; or it does not drain although
//!   less is sent. While nothing is lost such a delay becomes the new base.
//!
//! Headers count: at a packet every 20 ms they take 16 kb/s over IPv4. When the path is thin, longer packets leave more to
//! the voice; they are chosen as far as that is worth their delay.

mod pace;
mod queue;

#[cfg(test)]
mod tests;

use core::time::Duration;

use rove_base::{CodecId, CodecPlan, Instant};

pub use self::pace::Pace;
use self::queue::Queue;
use crate::quality::PeerReport;

/// What was sent since the report before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes of payload in them.
    pub octets: u64,
    /// In this time.
    pub over: Duration,
}

/// Controls the rate of one stream.
#[derive(Clone, Debug)]
pub struct Congestion {
    bounds: Bounds,
    queue: Queue,
    /// Bits per second on the wire that may be used.
    target: f64,
    /// What the path was last seen to carry, and until when it is believed.
    ceiling: Option<(f64, Instant)>,
    /// Bits per second sent before the last report.
    rate: f64,
    /// Until when what reports tell is still the doing of the rate before the last cut.
    draining: Option<Instant>,
    /// How long it is believed the next time.
    patience: Duration,
    trial: Trial,
    pace: Pace,
}

/// Between what the rate moves.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Bits per second of payload.
    least: f64,
    most: f64,
    codec: CodecId,
    packet_time: Duration,
    longest: Duration,
    /// Bits of headers per packet.
    headers: f64,
}

impl Bounds {
    /// Bits per second on the wire for `payload` bits per second in packets of `packet_time`.
    fn wire(&self, payload: f64, packet_time: Duration) -> f64 {
        payload + self.headers / packet_time.as_secs_f64()
    }
}

/// Whether sending less loses less.
#[derive(Clone, Copy, Debug, Default)]
struct Trial {
    /// Packets and losses of the last reports at full rate.
    before: Sample,
    /// Those since the rate was lowered; `None` while it is not.
    running: Option<Sample>,
    not_before: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    reports: u32,
    packets: f64,
    lost: f64,
}

impl Sample {
    fn add(&mut self, packets: f64, lost: f64) {
        (self.reports, self.packets, self.lost) =
            (self.reports.saturating_add(1), self.packets + packets, self.lost + lost);
    }

    fn loss(&self) -> f64 {
        self.lost / self.packets.max(1.0)
    }
}

impl Congestion {
    /// Begins at what `plan` allows. `ipv6`: the headers are longer.
    #[must_use]
    pub fn new(plan: &CodecPlan, default_bitrate: u32, ipv6: bool) -> Self {
        let most = f64::from(plan.bitrate.unwrap_or(default_bitrate));
        let headers = 8.0 * (if ipv6 { IPV6_UDP_RTP } else { IPV4_UDP_RTP });
        let fixed = plan.id != CodecId::Opus;
        let bounds = Bounds {
            least: if fixed { most } else { LEAST_PAYLOAD.min(most) },
            most,
            codec: plan.id,
            packet_time: plan.packet_time,
            longest: plan.max_packet_time.max(plan.packet_time),
            headers,
        };
        Self {
            target: bounds.wire(most, plan.packet_time),
            bounds,
            queue: Queue::default(),
            ceiling: None,
            rate: 0.0,
            draining: None,
            patience: FIRST_PATIENCE,
            trial: Trial::default(),
            pace: Pace { bitrate: most as u32, packet_time: plan.packet_time },
        }
    }

    /// Packets take another way from now on: what was learned of the one before says nothing of it.
    pub fn take_another_way(&mut self) {
        let Bounds { most, packet_time, .. } = self.bounds;
        (self.queue, self.trial) = (Queue::default(), Trial::default());
        (self.ceiling, self.draining, self.patience) = (None, None, FIRST_PATIENCE);
        self.target = self.bounds.wire(most, packet_time);
        self.pace = Pace { bitrate: most as u32, packet_time };
    }

    /// How to send at present.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// Whether the loss of the last report is the queue's doing.
    #[must_use]
    pub const fn congested(&self) -> bool {
        self.queue.stands()
    }

    /// Bits of headers in front of each payload.
    #[must_use]
    pub const fn header_bits(&self) -> f64 {
        self.bounds.headers
    }

    /// Takes in a report on what was `sent` since the one before.
    pub fn on_report(&mut self, report: &PeerReport, sent: Traffic) -> Pace {
        let rate = self.wire_rate(sent);
        let grown = self.queue.on_report(report, self.pace.packet_time);
        let before = self.rate;
        self.rate = rate.unwrap_or(before);
        // Rate and loss are not of quite the same packets: those lost were sent up to a report before.
        let arrived = self.rate.max(before) * (1.0 - f64::from(report.loss).clamp(0.0, 0.95));
        let over = sent.over.as_secs_f64();
        let capacity = arrived * over / (over + grown).max(over / 2.0);
        if self.queue.is_new_path() {
            self.queue.rebase();
            self.target = self.bounds.wire(self.bounds.most, self.bounds.packet_time);
            self.ceiling = None;
        } else if self.queue.stands() {
            if !self.queue.may_be_path() {
                self.come_down(report, rate, capacity, grown);
            }
        } else {
            self.go_up(report.at);
            self.try_less(report, sent);
        }
        let bounds = &self.bounds;
        let most = bounds.wire(bounds.most, bounds.packet_time);
        self.target = self.target.clamp(bounds.wire(bounds.least, bounds.longest).min(most), most);
        self.pace = pace::choose(bounds, self.target, self.pace, report.round_trip);
        self.pace
    }

    /// A queue stands: what gets through is what the path can carry.
    fn come_down(&mut self, report: &PeerReport, rate: Option<f64>, capacity: f64, grown: f64) {
        let Some(rate) = rate else { return };
        if self.draining.is_some_and(|until| report.at < until) && grown < GROWS {
            return;
        }
        let drain = (self.queue.standing() * DRAIN_PER_SECOND).min(MOST_DRAIN);
        self.target = capacity * (1.0 - HEADROOM - drain);
        if self.ceiling.is_some_and(|(_, until)| report.at >= until) {
            // Went past what the path could carry, and it still cannot: ask less often.
            self.patience = self.patience.saturating_mul(2).min(LONGEST_PATIENCE);
        }
        // Less than the path was said to carry was sent, so that what came through does not tell what it can.
        let known = self.ceiling.filter(|(ceiling, _)| rate < FILLED * ceiling).map_or(0.0, |known| known.0);
        self.ceiling = Some((known.max(capacity * (1.0 - HEADROOM)), report.at + self.patience));
        let drains_in = self.queue.standing() / (1.0 - self.target / capacity).max(HEADROOM);
        let told_in = report.round_trip.unwrap_or_default() + BETWEEN_REPORTS;
        self.draining =
            Some(report.at + told_in + Duration::from_secs_f64(drains_in.clamp(0.0, LONGEST_DRAIN)));
        self.trial = Trial::default();
    }

    fn go_up(&mut self, at: Instant) {
        if self.trial.running.is_some() || !self.queue.is_empty() {
            return;
        }
        let next = self.target * (1.0 + STEP_UP);
        self.target = match self.ceiling {
            // The queue is drained: back to what the path was seen to carry, half the way at a time.
            Some((ceiling, until)) if at < until && self.target < ceiling => {
                next.max(f64::midpoint(self.target, ceiling)).min(ceiling)
            }
            Some((_, until)) if at < until => self.target,
            _ => next,
        };
        if self.ceiling.is_some_and(|(_, until)| at >= until + FORGIVEN) {
            (self.ceiling, self.patience) = (None, FIRST_PATIENCE);
        }
    }

    /// Loss without a queue: is it a queue too short to be seen?
    fn try_less(&mut self, report: &PeerReport, sent: Traffic) {
        let packets = sent.packets as f64;
        let lost = packets * f64::from(report.loss);
        let Trial { before, running, not_before } = &mut self.trial;
        if let Some(during) = running {
            during.add(packets, lost);
            if during.reports >= TRIAL_REPORTS {
                let surely = before.lost - during.lost * before.packets / during.packets.max(1.0)
                    > TRIAL_DEVIATIONS * (before.lost + during.lost).sqrt();
                if surely && during.loss() < before.loss() * TRIAL_HELPS {
                    self.ceiling = Some((self.target, report.at + LONGEST_PATIENCE));
                } else {
                    self.target /= 1.0 - TRIAL_STEP;
                }
                self.trial = Trial { not_before: Some(report.at + BETWEEN_TRIALS), ..Trial::default() };
            }
            return;
        }
        if report.loss < TRIAL_LOSS || !self.queue.stirs() || self.bounds.least >= self.bounds.most {
            *before = Sample::default();
            return;
        }
        before.add(packets, lost);
        if before.reports >= TRIAL_REPORTS && not_before.is_none_or(|time| report.at >= time) {
            *running = Some(Sample::default());
            self.target *= 1.0 - TRIAL_STEP;
        } else if before.reports > 2 * TRIAL_REPORTS {
            *before = Sample::default();
        }
    }

    /// Bits per second on the wire; `None` when too little was sent to tell.
    fn wire_rate(&self, sent: Traffic) -> Option<f64> {
        let seconds = sent.over.as_secs_f64();
        let bits = sent.octets as f64 * 8.0 + sent.packets as f64 * self.bounds.headers;
        (sent.packets >= LEAST_PACKETS && seconds > 0.0).then(|| bits / seconds)
    }
}

/// Headers of a packet, in bytes.
const IPV4_UDP_RTP: f64 = 40.0;
const IPV6_UDP_RTP: f64 = 60.0;
/// Opus is speech from here on, in bits per second.
const LEAST_PAYLOAD: f64 = 8_000.0;
/// The rate stays this share below what the path carries,
const HEADROOM: f64 = 0.08;
/// and lower by this much for each second that stands in the queue,
const DRAIN_PER_SECOND: f64 = 1.0;
/// but not more than this.
const MOST_DRAIN: f64 = 0.4;
/// A queue that grows by this in spite of a cut, in seconds, is cut again at once; else it is given time to drain,
const GROWS: f64 = 0.05;
/// but not longer than this, in seconds.
const LONGEST_DRAIN: f64 = 2.0;
/// A round trip is told so long after it was measured.
const BETWEEN_REPORTS: Duration = Duration::from_millis(800);
/// From this share of what the path was said to carry on it is filled.
const FILLED: f64 = 0.85;
/// Growth per report.
const STEP_UP: f64 = 0.05;
/// How long what the path was seen to carry is believed: first, and at most.
const FIRST_PATIENCE: Duration = Duration::from_secs(8);
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
/// So long past that without a queue, and it is forgotten.
const FORGIVEN: Duration = Duration::from_secs(30);
/// Loss from which on a lower rate is tried.
const TRIAL_LOSS: f32 = 0.08;
/// Reports that are compared.
const TRIAL_REPORTS: u32 = 3;
/// How much lower the trial is.
const TRIAL_STEP: f64 = 0.15;
/// The loss must fall below this share of what it was,
const TRIAL_HELPS: f64 = 0.6;
/// and be so many standard deviations from chance.
const TRIAL_DEVIATIONS: f64 = 3.0;
const BETWEEN_TRIALS: Duration = Duration::from_secs(60);
/// Fewer packets between two reports tell nothing of the path: the voice was silent.
const LEAST_PACKETS: u64 = 8;
