//! The run as a whole, for machines and for a person.

use core::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    failure::Ending,
    run::Count,
    stats::{Stats, thousandth},
    threshold::{Threshold, Verdict},
};

/// All that is told at the end.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    pub(crate) count: &'a Count,
    /// `call`, `answer`, `register`, `message`, `lookup` or `scenario`.
    pub(crate) what: &'a str,
    pub(crate) target: &'a str,
    pub(crate) seed: u64,
    pub(crate) thresholds: &'a [Threshold],
    pub(crate) late_bound: Duration,
}

impl Summary<'_> {
    /// How the run ended.
    pub(crate) fn ending(&self) -> Ending {
        self.count.ending(self.thresholds)
    }

    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        self.count.verdicts(self.thresholds)
    }

    pub(super) fn own_limit(&self) -> Option<String> {
        self.count.own_limit(self.late_bound)
    }

    /// For machines, with keys that stay. What was not measured is `null`.
    pub(super) fn to_json(&self) -> Value {
        let Self { count, what, target, seed, .. } = self;
        json!({
            "what": what,
            "target": target,
            "seed": seed,
            "seconds": thousandth(count.seconds),
            "call_seconds": thousandth(count.call_seconds),
            "exit_code": self.ending().code(),
            "stopped": count.stopped,
            "generator_limit": self.own_limit(),
            "cpu_seconds": thousandth(count.cpu_seconds),
            "cpu_us_per_call_second": count.cpu_us_per_call_second(),
            "cpu_us_per_call": count.cpu_us_per_call(),
            "metrics": count.stats.to_json(),
            "causes": count.stats.causes(),
            "thresholds": self.verdicts(),
            "series": count.series.seconds,
        })
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = &self.count.stats;
        let counted = |name| stats.counted(name);
        writeln!(
            f,
            "{} in {:.1} s: {} ended, {} answered, {} failed, {} arrivals dropped",
            self.what,
            self.count.seconds,
            counted("calls"),
            counted("answered"),
            counted("failed"),
            counted("dropped_arrivals"),
        )?;
        for (cause, times) in stats.causes() {
            writeln!(f, "  {times} {cause}")?;
        }
        for name in Stats::NAMES {
            let percentile =
                |percent| stats.percentile(name, percent).filter(|_| !Stats::COUNTED.contains(name));
            if let (Some(p5), Some(p50), Some(p99)) = (percentile(5.0), percentile(50.0), percentile(99.0)) {
                writeln!(f, "  {name}: p5 {p5:.3}, median {p50:.3}, p99 {p99:.3}")?;
            }
        }
        let told = |cost: Option<f64>| {
            cost.map_or_else(|| "nothing measured".into(), |cost| format!("{cost:.0} us"))
        };
        writeln!(
            f,
            "  processor: {:.2} s, {} a call, {} a call and second",
            self.count.cpu_seconds,
            told(self.count.cpu_us_per_call()),
            told(self.count.cpu_us_per_call_second()),
        )?;
        for verdict in self.verdicts() {
            writeln!(f, "  {verdict}")?;
        }
        if let Some(why) = self.own_limit() {
            writeln!(
                f,
                "the generator itself was the limit of this run: {why}; its figures are not those of the target"
            )?;
        }
        Ok(())
    }
}
