//! What a run has come to: counts, seconds, and what the generator itself took.

use std::time::Duration;

use rove_base::Instant;
use rove_session::{Record, Side};

use super::series::Series;
use crate::{
    failure::Ending,
    stats::{Outcome, Stats, thousandth},
    threshold::{Threshold, Verdict},
};

/// All that is known of a run.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) stats: Stats,
    pub(crate) series: Series,
    /// How long the run took.
    pub(crate) seconds: f64,
    /// How long all calls stood, together.
    pub(crate) call_seconds: f64,
    /// Processor time of this program, in s.
    pub(crate) cpu_seconds: f64,
    /// It was stopped before the plan was done.
    pub(crate) stopped: bool,
}

impl Count {
    /// Adds a call that has ended.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.stats.add(outcome);
        self.series.ended(outcome.failed, outcome.mos);
        self.call_seconds += outcome.seconds.unwrap_or(0.0);
    }

    /// Processor time that one second of a call took, in µs; `None` when no call stood.
    pub(crate) fn cpu_us_per_call_second(&self) -> Option<f64> {
        (self.call_seconds > 0.0).then(|| thousandth(self.cpu_seconds * 1e6 / self.call_seconds))
    }

    /// Processor time per call or other act, in µs; `None` when there was none.
    pub(crate) fn cpu_us_per_call(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2⁵³")]
        let calls = self.stats.counted("calls") as f64;
        (calls > 0.0).then(|| thousandth(self.cpu_seconds * 1e6 / calls))
    }

    /// Why the generator was the limit of the run: it began calls or packets later than `bound` at 99 of 100.
    pub(crate) fn own_limit(&self, bound: Duration) -> Option<String> {
        let bound = bound.as_secs_f64() * 1_000.0;
        let late = |metric, what| {
            let p99 = self.stats.percentile(metric, 99.0).filter(|p99| *p99 > bound)?;
            Some(format!("{what} {p99:.1} ms late or more, one in a hundred (the bound is {bound} ms)"))
        };
        let reasons = [
            late("arrival_error_ms", "calls began"),
            late("media_late_ms", "the media of calls had their turn"),
        ];
        let reasons: Vec<String> = reasons.into_iter().flatten().collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Every threshold's verdict.
    pub(crate) fn verdicts(&self, thresholds: &[Threshold]) -> Vec<Verdict> {
        thresholds.iter().map(|threshold| threshold.judge(&self.stats)).collect()
    }

    /// How the run ended.
    pub(crate) fn ending(&self, thresholds: &[Threshold]) -> Ending {
        let allowed = thresholds.iter().any(Threshold::is_about_failures);
        let failed = self.stats.counted("failed") > 0 && !allowed;
        let missed = self.verdicts(thresholds).iter().any(|verdict| !verdict.ok);
        if self.stats.counted("calls") == 0 {
            Ending::Nothing
        } else if failed || missed {
            Ending::Bad
        } else if self.stopped {
            Ending::Stopped
        } else {
            Ending::Good
        }
    }
}

/// What is known of a call when it is over. `intended` is when it should have begun, `run` when the run did.
pub(crate) fn outcome(
    record: &Record,
    (number, arrival_error_ms): (u64, Option<f64>),
    (intended, run): (Instant, Instant),
) -> Outcome {
    let since = |at: Instant| millis(at.since(intended));
    let caller = record.side == Side::Caller;
    let quality = record.quality.as_ref();
    let cause = record.cause.as_ref();
    #[expect(clippy::cast_precision_loss, reason = "packets of a call stay far below 2⁵³")]
    let loss = |lost: u64, received: u64| {
        (lost + received > 0).then(|| thousandth(lost as f64 * 100.0 / (lost + received) as f64))
    };
    Outcome {
        number,
        side: record.side.name(),
        target: record.target.clone(),
        intended_s: thousandth(intended.since(run).as_secs_f64()),
        arrival_error_ms,
        setup_ms: record.answered.filter(|_| caller).map(since),
        invite_ms: record.setup_time().filter(|_| caller).map(millis),
        first_audio_ms: record.first_audio.map(since),
        seconds: record.talk_time().map(|time| thousandth(time.as_secs_f64())),
        cause: cause.map_or("unknown", |cause| cause.name()).into(),
        cause_text: cause.map(ToString::to_string).unwrap_or_default(),
        failed: record.answered.is_none() || !cause.is_some_and(|cause| cause.is_success()),
        codec: record.codec.map(|codec| codec.to_string()),
        sent: quality.map(|quality| quality.sent),
        received: quality.map(|quality| quality.received),
        lost: quality.map(|quality| quality.lost),
        loss_percent: quality.and_then(|quality| loss(quality.lost, quality.received)),
        jitter_ms: quality.and_then(|quality| quality.mean_jitter).map(millis),
        round_trip_ms: quality.and_then(|quality| quality.round_trip).map(millis),
        delay_ms: quality.and_then(|quality| quality.mouth_to_ear).map(millis),
        mos: quality.and_then(|quality| quality.mos).map(score),
        mos_lq: quality.and_then(|quality| quality.mos_lq).map(score),
    }
}

/// To the microsecond.
pub(crate) fn millis(time: Duration) -> f64 {
    thousandth(time.as_secs_f64() * 1_000.0)
}

fn score(mos: f32) -> f64 {
    (f64::from(mos) * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(failures: u64, successes: u64, stopped: bool) -> Count {
        let mut count = Count { stopped, ..Count::default() };
        (0..failures).for_each(|_| count.add(&Outcome { failed: true, ..Outcome::default() }));
        (0..successes).for_each(|_| count.add(&Outcome { setup_ms: Some(5.0), ..Outcome::default() }));
        count
    }

    #[test]
    fn each_way_to_end_has_the_code_that_sipp_gives_it() {
        let thresholds =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Threshold>>();
        let cases: &[(&str, Count, &[&str], u8)] = &[
            ("all well", run(0, 3, false), &[], 0),
            ("one failed", run(1, 99, false), &[], 1),
            ("one failed, which a threshold allows", run(1, 199, false), &["failed.rate<0.01"], 0),
            ("more failed than it allows", run(2, 98, false), &["failed.rate<0.01"], 1),
            ("another threshold allows no failure", run(1, 99, false), &["setup_ms.p99<200"], 1),
            ("a threshold missed", run(0, 3, false), &["setup_ms.p99<2"], 1),
            ("stopped, and well so far", run(0, 3, true), &[], 97),
            ("stopped, and not well", run(1, 3, true), &[], 1),
            ("no call at all", run(0, 0, true), &[], 99),
        ];
        for (what, count, texts, code) in cases {
            assert_eq!(count.ending(&thresholds(texts)).code(), *code, "{what}");
        }
    }

    #[test]
    fn a_generator_that_was_late_says_so_and_why() {
        let bound = Duration::from_millis(10);
        let mut count = Count::default();
        (0..100).for_each(|_| count.stats.value("media_late_ms", 0.2));
        assert_eq!(count.own_limit(bound), None);
        (0..3).for_each(|_| count.stats.value("media_late_ms", 40.0));
        assert!(count.own_limit(bound).unwrap().contains("media of calls had their turn 40.0 ms late"));
        (0..100).for_each(|_| count.stats.value("arrival_error_ms", 11.0));
        assert!(count.own_limit(bound).unwrap().contains("calls began 11.0 ms late"));
    }

    #[test]
    fn a_run_without_calls_has_no_cost_per_call() {
        let count = Count { cpu_seconds: 3.0, ..Count::default() };
        assert_eq!((count.cpu_us_per_call(), count.cpu_us_per_call_second()), (None, None));
        let count = Count { cpu_seconds: 0.5, call_seconds: 5_000.0, ..run(0, 10, false) };
        assert_eq!((count.cpu_us_per_call(), count.cpu_us_per_call_second()), (Some(50_000.0), Some(100.0)));
    }
}
