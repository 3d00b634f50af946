//! What stands in the path's queue, told from round trips.

use core::time::Duration;

use rove_base::Instant;

use crate::quality::PeerReport;

/// The queue as the reports show it. Times in seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// The least round trip of this half minute, and of the one before.
    base: Option<(f64, f64, Instant)>,
    /// What the last four reports show above the base, the oldest first.
    last: [f64; 4],
    jitter: f64,
    seen: usize,
    threshold: f64,
    /// Reports in a row at which the queue stood, and the least and most of it since.
    stood: u32,
    range: (f64, f64),
    lost: bool,
}

impl Queue {
    /// Takes in a report and answers by how much the queue has grown since the one before.
    pub(super) fn on_report(&mut self, report: &PeerReport, packet_time: Duration) -> f64 {
        let Some(round_trip) = report.round_trip.map(|time| time.as_secs_f64()) else { return 0.0 };
        let base = self.observe(round_trip, report.at);
        let above = (round_trip - base).max(0.0);
        self.jitter = report.jitter.unwrap_or_default().as_secs_f64();
        self.threshold = PACKETS * packet_time.as_secs_f64().max(LEAST_PACKET) + JITTERS * self.jitter;
        let [_, earliest, earlier, before] = self.last;
        self.last = [earliest, earlier, before, above];
        self.seen = self.seen.saturating_add(1);
        if self.stands() {
            self.range = match self.stood {
                0 => (above, above),
                _ => (self.range.0.min(above), self.range.1.max(above)),
            };
            self.lost = (self.stood > 0 && self.lost) || report.loss > LOSS;
            self.stood = self.stood.saturating_add(1);
        } else {
            self.stood = 0;
        }
        if self.seen > 1 { above - before } else { 0.0 }
    }

    /// What stands in it for certain.
    pub(super) const fn standing(&self) -> f64 {
        let [_, _, older, newer] = self.last;
        if self.seen < 2 { 0.0 } else { older.min(newer) }
    }

    /// Whether it is a queue and no jitter: it is there for two reports.
    pub(super) const fn stands(&self) -> bool {
        self.standing() > self.threshold
    }

    /// Whether it may yet turn out to be a longer path: it is not large and has only just come, without loss.
    pub(super) fn may_be_path(&self) -> bool {
        let [_, _, before, now] = self.last;
        self.stood <= 1 && !self.lost && now < LARGE && now - before < LARGE
    }

    /// Whether the path shows that something waits in it at times, if only for moments.
    pub(super) fn stirs(&self) -> bool {
        self.jitter > STIRRED || self.last.iter().any(|above| *above > STIRRED)
    }

    /// Whether there is surely none.
    pub(super) const fn is_empty(&self) -> bool {
        self.standing() < self.threshold / 2.0
    }

    /// Whether the delay is the path's own: it came at once and has not grown since, or it stays the same although less is
    /// sent. A queue grows from report to report and drains.
    pub(super) fn is_new_path(&self) -> bool {
        let [earliest, _, before, now] = self.last;
        let flat = (now - before).abs() < FLAT + self.jitter + SLACK * now;
        // At the beginning nothing is known of before: it may be a queue as well.
        let known = self.seen >= self.last.len();
        let step = known && (1..=2).contains(&self.stood) && earliest < STEP * now && flat;
        let (least, most) = self.range;
        let steady = self.stood >= STEADY_REPORTS && most - least < STEADY + self.threshold / 2.0;
        !self.lost && (step || steady)
    }

    /// Takes the present delay for the path's own.
    pub(super) fn rebase(&mut self) {
        if let Some((current, before, _)) = &mut self.base {
            let path = current.min(*before) + self.range.0;
            (*current, *before) = (path, path);
        }
        (self.last, self.seen, self.stood) = ([0.0; 4], 0, 0);
    }

    /// The least round trip of the last half to whole minute.
    fn observe(&mut self, round_trip: f64, at: Instant) -> f64 {
        let first = round_trip.min(LONG_PATH);
        let (current, before, since) = self.base.unwrap_or((first, first, at));
        let base = if at.since(since) >= BASE_WINDOW {
            (round_trip, current, at)
        } else {
            (current.min(round_trip), before, since)
        };
        self.base = Some(base);
        base.0.min(base.1)
    }
}

/// A first round trip longer than this, in seconds, is rather a full queue than a path: a call may begin on a link that is
/// too thin for it. Where it is the path after all, it shows by not changing.
const LONG_PATH: f64 = 0.2;
/// A path whose delay moves by less than this, in seconds, has no queue at all.
const STIRRED: f64 = 0.003;
const BASE_WINDOW: Duration = Duration::from_secs(30);
/// A queue of so many packets is none: on a thin link a report waits for the packet before it, each way;
const PACKETS: f64 = 2.0;
/// of packets so long at least, in seconds;
const LEAST_PACKET: f64 = 0.02;
/// nor is one of so many times the jitter.
const JITTERS: f64 = 3.0;
/// Loss above this is loss.
const LOSS: f32 = 0.02;
/// So many reports of the same delay,
const STEADY_REPORTS: u32 = 5;
/// within this, in seconds, are a new path;
const STEADY: f64 = 0.01;
/// so are two, when two before them show less than this share
const STEP: f64 = 0.3;
/// and they differ by no more than this time, the jitter, and this share.
const FLAT: f64 = 0.006;
const SLACK: f64 = 0.05;
/// A queue of this is answered at once, in seconds.
const LARGE: f64 = 0.15;
