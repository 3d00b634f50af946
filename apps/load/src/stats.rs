//! What a run measured: a histogram for each figure of a call, and counts.
//!
//! The histograms are HdrHistograms of thousandths with three digits, so that a percentile is wrong by 0.1 % at most,
//! however long the run.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::threshold::Figure;

/// One call as it ended. What was not measured is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Outcome {
    /// Which arrival it was, from 0; of who answers, which call.
    pub(crate) number: u64,
    /// `caller` or `callee`.
    pub(crate) side: &'static str,
    /// Whom it called.
    pub(crate) target: String,
    /// When it was to begin by the schedule, in s from the beginning of the run; of who answers, when the call came.
    pub(crate) intended_s: f64,
    /// How much later it did.
    pub(crate) arrival_error_ms: Option<f64>,
    /// From the intended beginning to the 200.
    pub(crate) setup_ms: Option<f64>,
    /// From the INVITE that left to the 200.
    pub(crate) invite_ms: Option<f64>,
    /// From the intended beginning to the first frame that was decoded.
    pub(crate) first_audio_ms: Option<f64>,
    /// How long it stood.
    pub(crate) seconds: Option<f64>,
    /// A stable word for how it ended.
    pub(crate) cause: String,
    /// The same as a sentence.
    pub(crate) cause_text: String,
    /// Whether it did not take place, or not to its end.
    pub(crate) failed: bool,
    /// The codec agreed on.
    pub(crate) codec: Option<String>,
    /// Packets sent.
    pub(crate) sent: Option<u64>,
    /// Packets received.
    pub(crate) received: Option<u64>,
    /// Packets lost on the way here.
    pub(crate) lost: Option<u64>,
    /// Of those that should have come.
    pub(crate) loss_percent: Option<f64>,
    /// Interarrival jitter (RFC 3550 §6.4.1), the mean of the call.
    pub(crate) jitter_ms: Option<f64>,
    /// Round trip by reports (RFC 3550 §6.4.1).
    pub(crate) round_trip_ms: Option<f64>,
    /// Mouth to ear.
    pub(crate) delay_ms: Option<f64>,
    /// Conversational quality by the E-model, 1 to 5.
    pub(crate) mos: Option<f64>,
    /// The same without delay.
    pub(crate) mos_lq: Option<f64>,
}

/// All calls of a run, and the generator beside them.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    values: BTreeMap<&'static str, Distribution>,
    counts: BTreeMap<&'static str, u64>,
    /// How calls ended.
    causes: BTreeMap<String, u64>,
}

impl Stats {
    /// Everything that is measured.
    pub(crate) const NAMES: &[&str] = &[
        "setup_ms",
        "invite_ms",
        "first_audio_ms",
        "arrival_error_ms",
        "media_late_ms",
        "loss_percent",
        "jitter_ms",
        "round_trip_ms",
        "delay_ms",
        "mos",
        "mos_lq",
        "calls",
        "answered",
        "failed",
        "dropped_arrivals",
    ];
    /// Those that are counted. Shares are of all calls that ended, of `dropped_arrivals` of all arrivals.
    pub(crate) const COUNTED: &[&str] = &["calls", "answered", "failed", "dropped_arrivals"];

    /// A call has ended.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        let values = [
            ("setup_ms", outcome.setup_ms),
            ("invite_ms", outcome.invite_ms),
            ("first_audio_ms", outcome.first_audio_ms),
            ("arrival_error_ms", outcome.arrival_error_ms),
            ("loss_percent", outcome.loss_percent),
            ("jitter_ms", outcome.jitter_ms),
            ("round_trip_ms", outcome.round_trip_ms),
            ("delay_ms", outcome.delay_ms),
            ("mos", outcome.mos),
            ("mos_lq", outcome.mos_lq),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                self.value(name, value);
            }
        }
        self.count("calls", 1);
        self.count("answered", u64::from(outcome.seconds.is_some() || outcome.setup_ms.is_some()));
        self.count("failed", u64::from(outcome.failed));
        *self.causes.entry(outcome.cause.clone()).or_default() += 1;
    }

    /// One more value of a metric.
    pub(crate) fn value(&mut self, name: &'static str, value: f64) {
        self.values.entry(name).or_default().add(value);
    }

    /// So many more.
    pub(crate) fn count(&mut self, name: &'static str, more: u64) {
        *self.counts.entry(name).or_default() += more;
    }

    /// How many there were.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// How calls ended, and how often.
    pub(crate) const fn causes(&self) -> &BTreeMap<String, u64> {
        &self.causes
    }

    /// One figure; `None` when nothing was measured.
    pub(crate) fn figure(&self, metric: &str, figure: Figure) -> Option<f64> {
        if Self::COUNTED.contains(&metric) {
            let count = self.counted(metric);
            let dropped = self.counted("dropped_arrivals");
            let of = self.counted("calls") + if metric == "dropped_arrivals" { dropped } else { 0 };
            return match figure {
                Figure::Rate if of == 0 => None,
                Figure::Rate => Some(exact(count) / exact(of)),
                _ => Some(exact(count)),
            };
        }
        let Some(values) = self.values.get(metric) else {
            return (figure == Figure::Count).then_some(0.0);
        };
        values.figure(figure)
    }

    /// A percentile in the metric's unit.
    pub(crate) fn percentile(&self, metric: &str, percent: f64) -> Option<f64> {
        self.figure(metric, Figure::Percentile(percent))
    }

    /// All of it, for machines. What was not measured is `null`.
    pub(crate) fn to_json(&self) -> Value {
        let mut metrics = Map::new();
        for &name in Self::NAMES {
            let told = if Self::COUNTED.contains(&name) {
                json!({ "count": self.counted(name), "rate": self.figure(name, Figure::Rate) })
            } else {
                self.values.get(name).map_or(Value::Null, Distribution::to_json)
            };
            metrics.insert(name.to_owned(), told);
        }
        Value::Object(metrics)
    }
}

/// The values of one metric.
#[derive(Debug)]
struct Distribution {
    thousandths: Histogram<u64>,
    sum: f64,
    least: f64,
    most: f64,
}

impl Default for Distribution {
    fn default() -> Self {
        let bounds = Histogram::new_with_bounds(1, LONGEST, 3);
        let thousandths =
            bounds.unwrap_or_else(|_| unreachable!("these bounds are in order, and three digits allowed"));
        Self { thousandths, sum: 0.0, least: f64::INFINITY, most: f64::NEG_INFINITY }
    }
}

impl Distribution {
    fn add(&mut self, value: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float is cut to the range"
        )]
        let thousandths = (value.max(0.0) * 1_000.0).round() as u64;
        self.thousandths.saturating_record(thousandths);
        self.sum += value;
        (self.least, self.most) = (self.least.min(value), self.most.max(value));
    }

    fn figure(&self, figure: Figure) -> Option<f64> {
        let count = self.thousandths.len();
        if figure == Figure::Count {
            return Some(exact(count));
        }
        if count == 0 {
            return None;
        }
        Some(match figure {
            Figure::Least => self.least,
            Figure::Most => self.most,
            Figure::Mean => self.sum / exact(count),
            Figure::Percentile(percent) => {
                exact(self.thousandths.value_at_quantile(percent / 100.0)) / 1_000.0
            }
            Figure::Count | Figure::Rate => return None,
        })
    }

    fn to_json(&self) -> Value {
        let mut told = Map::new();
        told.insert("count".into(), json!(self.thousandths.len()));
        let names = ["min", "avg", "max"];
        let figures = [Figure::Least, Figure::Mean, Figure::Most];
        for (name, figure) in names.into_iter().zip(figures) {
            told.insert(name.into(), json!(self.figure(figure).map(thousandth)));
        }
        for percent in PERCENTILES {
            told.insert(
                format!("p{percent}"),
                json!(self.figure(Figure::Percentile(*percent)).map(thousandth)),
            );
        }
        Value::Object(told)
    }
}

/// Three digits after the point.
pub(crate) fn thousandth(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2⁵³")]
const fn exact(count: u64) -> f64 {
    count as f64
}

/// A day in µs; what is longer counts as that.
const LONGEST: u64 = 86_400_000_000;
/// Those that reports tell.
pub(crate) const PERCENTILES: &[f64] = &[1.0, 5.0, 50.0, 90.0, 95.0, 99.0, 99.9];

#[cfg(test)]
mod tests;
