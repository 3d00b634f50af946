//! What is known of a call when it is over, with stable keys for machines.

use core::time::Duration;
use std::path::PathBuf;

use rove_base::{Quality, RouteKind};
use rove_core::reroute::Rerouted;
use rove_session::{Record, Side};
use serde::{Deserialize, Serialize};

/// One phone's view of one call. What was not measured is `None`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CallReport {
    /// `caller` or `callee`.
    pub side: String,
    /// What was dialled.
    pub target: String,
    /// Who the other end says it is.
    pub peer: String,
    /// The signalling protocol.
    pub protocol: String,
    /// A stable word for how the call ended.
    pub cause: String,
    /// The same as a sentence.
    pub cause_text: String,
    /// The codec agreed on.
    pub codec: Option<String>,
    /// How the media were protected: `none`, `sdes` or `dtls`.
    pub media_security: Option<String>,
    /// Dialled → first address known, in ms. Caller only.
    pub resolve_ms: Option<f64>,
    /// INVITE sent → 200 received, in ms. Caller only.
    pub setup_ms: Option<f64>,
    /// Dialled → first decoded frame, in ms. Caller only.
    pub first_audio_ms: Option<f64>,
    /// How long the call stood, in s.
    pub seconds: Option<f64>,
    /// The kind of route the media took at last.
    pub route: Option<String>,
    /// Packets this side sent.
    pub sent: Option<u64>,
    /// Packets this side received.
    pub received: Option<u64>,
    /// Packets lost on the way here, before concealment.
    pub lost: Option<u64>,
    /// `lost` over packets expected, in percent.
    pub loss_percent: Option<f64>,
    /// Interarrival jitter of the received stream (RFC 3550 §6.4.1), in ms.
    pub jitter_ms: Option<f64>,
    /// Mouth to ear, in ms; needs a round-trip time.
    pub delay_ms: Option<f64>,
    /// Conversational quality by the E-model, 1 to 5.
    pub mos: Option<f64>,
    /// The band `mos` is meant for.
    pub mos_band: Option<String>,
    /// Listening quality: `mos` without delay.
    pub mos_lq: Option<f64>,
    /// What this side heard: absolute paths.
    pub recordings: Vec<PathBuf>,
    /// What this side said: absolute paths.
    pub played: Vec<PathBuf>,
    /// The figures of each second.
    pub quality: Vec<QualitySample>,
    /// Moves to a better route, as this side heard them.
    #[serde(default)]
    pub reroutes: Vec<Reroute>,
}

/// The other side came to be heard by a better route.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Reroute {
    /// Seconds since the call was dialled or came in.
    pub at_s: f64,
    /// What was wrong with the route before: `silence`, `loss`, `delay`, `bit_errors`, `quality`, or `cost`, when nothing was.
    pub cause: String,
    /// What kind of route it was.
    pub from: Option<String>,
    /// What kind of route it is since.
    pub to: Option<String>,
    /// From suspicion to decision, in ms.
    pub detected_ms: f64,
    /// The longest time without a packet, in ms; `None` when that was in a pause.
    pub gap_ms: Option<f64>,
    /// Packets that came by no route; `None` when nobody counted.
    pub packets_lost: Option<u16>,
    /// Conversational quality in the last second that ended before the suspicion, 1 to 5.
    pub mos_before: Option<f64>,
    /// The same in the third second after the decision.
    pub mos_after: Option<f64>,
}

/// The figures of one second of a call.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct QualitySample {
    /// Seconds since the call was dialled or came in.
    pub at_s: f64,
    /// Packets that should have come in this interval.
    #[serde(default)]
    pub expected: Option<u64>,
    /// Packets lost in this interval, in percent.
    pub loss_percent: Option<f64>,
    /// Interarrival jitter, in ms.
    pub jitter_ms: Option<f64>,
    /// Round trip, in ms.
    pub round_trip_ms: Option<f64>,
    /// Mouth to ear, in ms.
    pub delay_ms: Option<f64>,
    /// Conversational quality, 1 to 5.
    pub mos: Option<f64>,
}

impl CallReport {
    /// Puts together what signalling and engine know. `samples` are the engine's words of each second, `rerouted` those of
    /// routes.
    #[must_use]
    pub(crate) fn new(record: &Record, samples: &[Quality], rerouted: &[Rerouted]) -> Self {
        let caller = record.side == Side::Caller;
        let quality = record.quality.as_ref();
        let cause = record.cause.as_ref();
        Self {
            side: record.side.name().into(),
            target: record.target.clone(),
            peer: record.peer.clone(),
            protocol: "sip".into(),
            cause: cause.map_or("unknown", |cause| cause.name()).into(),
            cause_text: cause.map(ToString::to_string).unwrap_or_default(),
            codec: record.codec.map(|codec| codec.to_string()),
            media_security: record.security.map(|security| security.name().into()),
            resolve_ms: record.resolve_time().map(millis),
            setup_ms: record.setup_time().filter(|_| caller).map(millis),
            first_audio_ms: record.first_audio_time().filter(|_| caller).map(millis),
            seconds: record.talk_time().map(|time| round(time.as_secs_f64(), 3)),
            route: record.route.map(|route| route.name().into()),
            sent: quality.map(|q| q.sent),
            received: quality.map(|q| q.received),
            lost: quality.map(|q| q.lost),
            loss_percent: quality.and_then(loss_percent),
            jitter_ms: quality.and_then(|q| q.jitter).map(millis),
            delay_ms: quality.and_then(|q| q.mouth_to_ear).map(millis),
            mos: quality.and_then(|q| q.mos).map(score),
            mos_band: quality.filter(|q| q.mos.is_some() || q.mos_lq.is_some()).map(|q| q.band.name().into()),
            mos_lq: quality.and_then(|q| q.mos_lq).map(score),
            recordings: Vec::new(),
            played: Vec::new(),
            quality: samples.iter().map(|q| QualitySample::new(record, q)).collect(),
            reroutes: rerouted.iter().map(|one| Reroute::new(record, samples, one)).collect(),
        }
    }

    /// What kind of way media went at last, where checks have found it.
    pub(crate) fn by(self, route: Option<RouteKind>) -> Self {
        Self { route: route.map(|route| route.name().into()).or(self.route), ..self }
    }

    /// With what this side heard and said.
    #[must_use]
    pub(crate) fn with(self, recordings: Vec<PathBuf>, played: Vec<PathBuf>) -> Self {
        Self { recordings, played, ..self }
    }

    /// Whether the call took place and ended in order.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        matches!(self.cause.as_str(), "hung_up" | "peer_hung_up") && self.seconds.is_some()
    }
}

impl Reroute {
    fn new(record: &Record, samples: &[Quality], rerouted: &Rerouted) -> Self {
        let Rerouted { kinds: [from, to], cause, suspected, decided, gap, lost, .. } = *rerouted;
        let before = samples.iter().rev().find(|q| q.at <= suspected);
        let after = samples.iter().find(|q| q.at.since(decided) >= SETTLED && q.at > decided);
        let name = |kind: RouteKind| kind.name().to_owned();
        Self {
            at_s: round(decided.since(record.started).as_secs_f64(), 3),
            cause: cause.name().into(),
            from: from.map(name),
            to: to.map(name),
            detected_ms: millis(decided.since(suspected)),
            gap_ms: gap.map(millis),
            packets_lost: lost,
            mos_before: before.and_then(|q| q.mos).map(score),
            mos_after: after.and_then(|q| q.mos).map(score),
        }
    }
}

/// A second that begins so late has nothing of a switch in it.
const SETTLED: Duration = Duration::from_secs(2);

impl QualitySample {
    fn new(record: &Record, quality: &Quality) -> Self {
        Self {
            at_s: round(quality.at.since(record.started).as_secs_f64(), 3),
            expected: quality.interval_loss.map(|_| quality.interval.expected),
            loss_percent: quality.interval_loss.map(|loss| round(f64::from(loss) * 100.0, 3)),
            jitter_ms: quality.jitter.map(millis),
            round_trip_ms: quality.round_trip.map(millis),
            delay_ms: quality.mouth_to_ear.map(millis),
            mos: quality.mos.map(score),
        }
    }
}

/// Lost over expected since the start; `None` before anything was expected.
#[expect(clippy::cast_precision_loss, reason = "packet counts of a call stay far below 2⁵³")]
fn loss_percent(quality: &Quality) -> Option<f64> {
    let expected = quality.received + quality.lost;
    (expected > 0).then(|| round(quality.lost as f64 * 100.0 / expected as f64, 3))
}

fn millis(time: Duration) -> f64 {
    round(time.as_secs_f64() * 1_000.0, 3)
}

fn score(mos: f32) -> f64 {
    round(f64::from(mos), 2)
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
