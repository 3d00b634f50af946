//! Chooses how to protect a stream against loss, by what its peer reports.
//!
//! Every way that both sides can do is played through on the packets of the last seconds: what would have been lost all
//! the same, what would have been told coarsely, what is left of the rate for the voice, how long the listener has to
//! wait for the last copy. The best by [`worth`] is taken.
//!
//! When the last second was worse than ten seconds make likely, a way counts as what it is worth on the worse of both:
//! loss is answered within a report of its beginning and forgotten slowly. A second holds too few packets to tell a
//! pattern from chance, so only its share of loss is believed, with the burstiness of the whole. Losses are taken for
//! independent until it is unlikely that they are, and for bursts until they look independent again. A way is left only
//! for one that is better by a margin, and for less protection only after several reports in a row.
//!
//! What came too late is no loss: a copy behind it comes later still. Jitter is the playout's to answer.

mod pattern;
mod replay;

#[cfg(test)]
mod tests;

use core::{cmp::Ordering, time::Duration};

use rove_codecs::Redundancy;

use self::{
    pattern::Pattern,
    replay::{Channel, blend, replay},
};
use super::{
    Distances, Scheme,
    budget::nominal,
    worth::{delay_cost, worth},
};
use crate::quality::{Fates, PeerReport};

/// What both sides can do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Means {
    /// RED (RFC 2198).
    pub red: bool,
    /// In-band error correction (Opus LBRR).
    pub inband: bool,
    /// Deep redundancy (Opus DRED).
    pub deep: bool,
}

/// What a choice has to work with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Conditions {
    /// Bits per second of payload that may be spent, redundancy included.
    pub limit: u32,
    /// Duration of one packet.
    pub packet_time: Duration,
}

/// Chooses a [`Scheme`] at each report.
#[derive(Clone, Debug)]
pub struct Protector {
    means: Means,
    scheme: Scheme,
    fates: Fates,
    /// Losses come in bursts.
    bursty: bool,
    /// Reports in a row at which a lesser protection would have been better.
    calm: u32,
    /// Where the pattern that stands in for missing detail goes on.
    noise: u32,
}

impl Protector {
    /// Begins with what costs least and spares the first half second, before anything is known.
    /// The first report that knows enough decides at once, because what stands here was a guess.
    #[must_use]
    pub fn new(means: Means) -> Self {
        let inband = Redundancy::InBand { loss_percent: LEAST_EXPECTED };
        let codec = if means.inband { inband } else { Redundancy::None };
        let copies = Distances::new(&[1]).filter(|_| means.red && !means.inband).unwrap_or(Distances::NONE);
        Self {
            means,
            scheme: Scheme { copies, codec },
            fates: Fates::default(),
            bursty: false,
            calm: CALM_REPORTS - 1,
            noise: 1,
        }
    }

    /// The present choice.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Takes in a report and chooses anew. Once a second, some hundred microseconds.
    pub fn on_report(&mut self, report: &PeerReport, conditions: Conditions, packets: usize) -> Scheme {
        self.remember(report, packets);
        if self.fates.is_empty() || (self.fates.len() < ENOUGH && lost(&self.fates) == 0) {
            return self.scheme;
        }
        self.look_for_bursts();
        let judge = Judge::new(&self.fates, report, conditions, (self.scheme, self.bursty));
        let mut best = (Scheme::NONE, judge.worth(Scheme::NONE));
        let mut consider = |scheme: Scheme| {
            let worth = judge.worth(scheme);
            if worth > best.1 {
                best = (scheme, worth);
            }
        };
        // One kind at a time: beside copies there are no bits left that in-band correction or deep redundancy could use.
        for codec in self.codecs(judge.loss_percent(), conditions.packet_time) {
            consider(Scheme { copies: Distances::NONE, codec });
        }
        if self.means.red {
            let copies = DISTANCES.iter().filter_map(|distances| Distances::new(distances));
            copies.for_each(|copies| consider(Scheme { copies, codec: Redundancy::None }));
        }
        let (best, promised) = best;
        self.settle(best, promised, judge.worth(self.scheme))
    }

    /// Decides whether losses come in bursts: of all that is remembered, or of late.
    fn look_for_bursts(&mut self) {
        let evidence = |packets| Pattern::of(&self.fates, packets).evidence();
        let (all, late) = (evidence(self.fates.len()), evidence(LATE));
        self.bursty = if self.bursty { all.max(late) > STILL_BURSTY } else { all.max(late) > BURSTY };
    }

    /// Takes `best` if it is better enough for long enough.
    fn settle(&mut self, best: Scheme, promised: f64, present: f64) -> Scheme {
        let (less, margin) = match weight(best).cmp(&weight(self.scheme)) {
            Ordering::Less => (true, CALM_MARGIN),
            Ordering::Equal if best.copies.reach() < self.scheme.copies.reach() => (false, NEAR_MARGIN),
            Ordering::Equal => (false, SIDE_MARGIN),
            Ordering::Greater => (false, MARGIN),
        };
        let better = promised - present > margin;
        self.calm = if better && less { self.calm.saturating_add(1) } else { 0 };
        if better && (!less || self.calm >= CALM_REPORTS) {
            (self.scheme, self.calm) = (best, 0);
        } else if best.copies == self.scheme.copies && same_kind(best.codec, self.scheme.codec) {
            // The same way, told more exactly what to expect.
            self.scheme = best;
        }
        self.scheme
    }

    /// Appends what the report tells of the `packets` sent since the one before.
    fn remember(&mut self, report: &PeerReport, packets: usize) {
        match report.fates {
            Some(fates) => fates.iter().for_each(|fate| self.fates.push(fate)),
            // Only the share is known: taken as independent, the least favourable pattern there is without memory.
            None => (0..packets.min(MOST_UNTOLD)).for_each(|_| {
                self.fates.push(draw(&mut self.noise) >= f64::from(report.loss));
            }),
        }
    }

    /// The codec's own ways.
    fn codecs(&self, loss_percent: u8, packet_time: Duration) -> impl Iterator<Item = Redundancy> + use<> {
        let reach = (REACH.as_millis() / 10).max(packet_time.as_millis() / 10);
        let deep = Redundancy::Deep { loss_percent, reach: u8::try_from(reach).unwrap_or(8) };
        let inband = Redundancy::InBand { loss_percent };
        let ways =
            [Some(Redundancy::None), self.means.inband.then_some(inband), self.means.deep.then_some(deep)];
        ways.into_iter().flatten()
    }
}

/// Values schemes on what is known of the path.
struct Judge<'a> {
    fates: &'a Fates,
    /// How many of them were lost.
    lost: f64,
    /// The same as a channel.
    channel: Channel,
    /// As if the last second went on; `None` when it may be chance.
    onset: Option<Channel>,
    conditions: Conditions,
    /// Mouth to ear without the playout.
    path: Duration,
    /// What the playout waits for jitter alone.
    jitter: Duration,
}

impl<'a> Judge<'a> {
    fn new(
        fates: &'a Fates,
        report: &PeerReport,
        conditions: Conditions,
        (present, bursty): (Scheme, bool),
    ) -> Self {
        let short = RECENT.max(report.fates.map_or(0, |fates| fates.len())).min(fates.len());
        let half = report.round_trip.map_or(ASSUMED_PATH, |there_and_back| there_and_back / 2);
        // What the peer waits now includes the waiting for what is sent now.
        let waited = report.playout_delay.unwrap_or(ASSUMED_WAIT);
        let for_copies = reach(present, conditions.packet_time);
        let jitter = if waited <= for_copies + MARGIN_WAIT { LEAST_WAIT } else { waited };
        let whole = Pattern::of(fates, fates.len());
        let channel = whole.channel(bursty);
        let onset = onset(&whole, &Pattern::of(fates, short), channel.burst);
        let path = half + conditions.packet_time;
        Self { fates, lost: whole.lost, channel, onset, conditions, path, jitter }
    }

    /// What `scheme` would have been worth. What cannot be done at all is worth nothing.
    fn worth(&self, scheme: Scheme) -> f64 {
        let Conditions { limit, packet_time } = self.conditions;
        let wait = reach(scheme, packet_time);
        let bitrate = nominal(f64::from(limit), packet_time, scheme.copies.copies());
        let out_of_reach = wait > REACH.max(packet_time) && scheme != Scheme::NONE;
        if out_of_reach || (bitrate < LEAST_BITRATE && !scheme.copies.is_empty()) {
            return 0.0;
        }
        let on = |outcome| worth(bitrate, scheme.codec, outcome);
        let modelled = |channel: &Channel| channel.outcome(scheme, packet_time);
        let long = on(blend(replay(self.fates, scheme, packet_time), modelled(&self.channel), self.lost));
        let worst = self.onset.as_ref().map_or(long, |onset| long.min(on(modelled(onset))));
        let delay = self.path + self.jitter.max(wait + MARGIN_WAIT);
        worst - delay_cost(delay)
    }

    /// The loss to tell the codec of.
    fn loss_percent(&self) -> u8 {
        let loss = self.onset.map_or(self.channel.loss, |onset| onset.loss.max(self.channel.loss));
        let percent = (loss * 100.0) as u32;
        u8::try_from(percent).unwrap_or(MOST_EXPECTED).clamp(LEAST_EXPECTED, MOST_EXPECTED)
    }
}

/// How long a listener waits for the last that `scheme` tells of a packet.
fn reach(scheme: Scheme, packet_time: Duration) -> Duration {
    let codec = match scheme.codec {
        Redundancy::None => Duration::ZERO,
        Redundancy::InBand { .. } => packet_time,
        // The depth counts from the copy on that tells it.
        Redundancy::Deep { reach, .. } => {
            Duration::from_millis(10 * u64::from(reach)).saturating_sub(if scheme.copies.is_empty() {
                Duration::ZERO
            } else {
                packet_time * u32::from(scheme.copies.reach())
            })
        }
    };
    packet_time * u32::from(scheme.copies.reach()) + codec
}

/// Orders ways by how much they take from the voice.
fn weight(scheme: Scheme) -> usize {
    2 * scheme.copies.copies() + usize::from(scheme.codec != Redundancy::None)
}

fn same_kind(a: Redundancy, b: Redundancy) -> bool {
    core::mem::discriminant(&a) == core::mem::discriminant(&b)
}

/// Packets lost of those remembered.
fn lost(fates: &Fates) -> usize {
    fates.iter().filter(|came| !came).count()
}

/// The `recent` packets as a channel of runs of `burst`, when the `whole` does not make them likely.
fn onset(whole: &Pattern, recent: &Pattern, burst: f64) -> Option<Channel> {
    let expected = whole.loss() * recent.packets;
    let likely = expected + DEVIATIONS * (expected * burst.max(1.0)).sqrt() + 1.0;
    let strange = recent.lost > likely && recent.runs >= RUNS;
    strange.then(|| Channel { loss: recent.loss(), burst })
}

/// The next of a sequence of numbers in 0..1, well enough mixed for a pattern of loss.
fn draw(noise: &mut u32) -> f64 {
    *noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    f64::from(*noise >> 8) / f64::from(1_u32 << 24)
}

/// Distances that are considered.
const DISTANCES: [&[u8]; 15] = [
    &[1],
    &[2],
    &[3],
    &[4],
    &[1, 2],
    &[1, 3],
    &[1, 4],
    &[2, 3],
    &[2, 4],
    &[3, 4],
    &[1, 2, 3],
    &[1, 2, 4],
    &[1, 3, 4],
    &[2, 3, 4],
    &[1, 2, 3, 4],
];
/// Nobody waits longer than this for a copy: with the playout's own margin a conversation stays below 100 ms of playout.
const REACH: Duration = Duration::from_millis(80);
/// Less than this per saying, in bits per second, is no speech worth repeating.
const LEAST_BITRATE: f64 = 8_000.0;
/// What the playout adds to the wait for a copy.
const MARGIN_WAIT: Duration = Duration::from_millis(15);
/// What it waits when nothing shakes.
const LEAST_WAIT: Duration = Duration::from_millis(20);
/// Until the peer tells.
const ASSUMED_WAIT: Duration = Duration::from_millis(40);
const ASSUMED_PATH: Duration = Duration::from_millis(50);
/// Packets of the short stretch, at least.
const RECENT: usize = 50;
/// In the short stretch loss must begin this often to be more than chance,
const RUNS: f64 = 2.0;
/// and exceed what is expected by so many standard deviations.
const DEVIATIONS: f64 = 2.2;
/// Without a loss among them, fewer packets than this say nothing.
const ENOUGH: usize = 22;
/// Evidence from which on losses are taken for bursts: chance makes it in one report of a thousand,
const BURSTY: f64 = 11.0;
/// and until when.
const STILL_BURSTY: f64 = 3.5;
/// Packets of late, in which bursts are looked for as well as in all.
const LATE: usize = 100;
/// A way of more protection must be better by this to be taken,
const MARGIN: f64 = 0.05;
/// one of as much by this: the few packets of a second make every way look best at times,
const SIDE_MARGIN: f64 = 0.08;
/// unless its copies are nearer, and the listener waits less;
const NEAR_MARGIN: f64 = 0.03;
/// and one of less by this,
const CALM_MARGIN: f64 = 0.03;
/// for so many reports in a row.
const CALM_REPORTS: u32 = 3;
/// Packets of unknown pattern that one report is taken to tell of, at most.
const MOST_UNTOLD: usize = 250;
/// Percent of loss that codecs are told of.
const LEAST_EXPECTED: u8 = 5;
const MOST_EXPECTED: u8 = 40;
