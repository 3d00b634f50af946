//! What came of it, as JSON.

use std::time::Duration;

use rove_base::Instant;

use super::{Crowd, Member};
use crate::tools::{cpu, object, quantiles};

impl Crowd {
    /// Processor time of the watched processes and of this one.
    pub(super) fn used(&self, before: &[Option<f64>]) -> String {
        let since = |(pid, before): (&u64, &Option<f64>)| {
            let used = cpu(*pid).zip(*before).map(|(after, before)| after - before);
            used.map_or("null".to_owned(), |used| format!("{used:.2}"))
        };
        let all: Vec<_> = self.plan.pids.iter().zip(before).map(since).collect();
        let own = cpu(u64::from(std::process::id())).unwrap_or(0.0);
        format!("{{\"watched\": [{}], \"own\": {own:.2}}}", all.join(", "))
    }

    pub(super) fn told(&self, took: Duration, used: &str, resolvable: Option<usize>) -> String {
        let since = |from: fn(&Member) -> Option<Instant>, to: fn(&Member) -> Option<Instant>| {
            let one = |member: &Member| Some(to(member)?.since(from(member)?));
            quantiles(&mut self.members.iter().filter_map(one).collect::<Vec<_>>())
        };
        let began = |member: &Member| member.began;
        let left = |member: &Member| member.left;
        let attached = self.members.iter().filter(|member| member.told.is_some()).count();
        let refused = self.members.iter().filter(|member| member.refused).count();
        let ended = self.members.iter().filter(|member| member.ended).count();
        let reasons: Vec<_> = self.reasons.iter().map(|(why, count)| format!("{why:?}: {count}")).collect();
        object(&[
            ("registrations", &self.plan.count),
            ("attached", &attached),
            ("refused", &refused),
            ("ended", &ended),
            ("resolvable", &resolvable.map_or("null".to_owned(), |count| count.to_string())),
            ("seconds", &format!("{:.2}", took.as_secs_f64())),
            ("told_ms", &since(began, |member| member.told)),
            ("a_ms", &since(began, |member| member.there[0])),
            ("ptr_ms", &since(began, |member| member.there[1])),
            ("both_ms", &since(began, |member| later(member.there))),
            ("gone_ms", &since(left, |member| later(member.gone))),
            ("cpu_s", &used),
            ("reasons", &format!("{{{}}}", reasons.join(", "))),
        ])
    }
}

/// The later of two moments, once there are both.
fn later([one, other]: [Option<Instant>; 2]) -> Option<Instant> {
    one.zip(other).map(|(one, other)| one.max(other))
}
