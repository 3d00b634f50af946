//! Figures and states in words. What was not measured is a dash.

use rove_phone::{RerouteCause, RouteKind};

use crate::{
    model::{Call, Direction, Model, Moment, Move, Outcome, Past, Second, Standing, State},
    words::Words,
};

/// What stands for what is not known.
pub(super) const UNKNOWN: &str = "–";

/// A figure with its unit.
pub(super) fn figure(
    words: &Words,
    key: &str,
    value: Option<f32>,
    unit: Option<&str>,
    digits: usize,
) -> String {
    let number = value.map(|value| format!("{value:.digits$}"));
    let text = match (number, unit) {
        (None, _) => UNKNOWN.to_owned(),
        (Some(number), None) => number,
        (Some(number), Some(unit)) => words.say_of(unit, &[("value", &number)]),
    };
    words.say_of(key, &[("value", &text)])
}

/// The figures of a second.
pub(super) fn second(words: &Words, second: Second) -> [String; 4] {
    [
        figure(words, "quality-mos", second.mos, None, 1),
        figure(words, "quality-loss", second.loss_percent, Some("unit-percent"), 1),
        figure(words, "quality-jitter", second.jitter_ms, Some("unit-ms"), 0),
        figure(words, "quality-delay", second.delay_ms, Some("unit-ms"), 0),
    ]
}

/// Minutes and seconds.
pub(super) fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// How far a call has come.
pub(super) fn state(words: &Words, call: &Call, now: Moment) -> String {
    match (&call.state, call.seconds(now)) {
        (State::Up, Some(seconds)) => words.say_of("state-up-for", &[("time", &minutes(seconds))]),
        (State::Over(why), _) => words.say_of("state-over", &[("why", &cause(words, why))]),
        (state, _) => words.say(&format!("state-{}", state.word())),
    }
}

/// Why a call is over.
pub(super) fn cause(words: &Words, cause: &str) -> String {
    words.say_first([&format!("cause-{}", cause.replace('_', "-")), "cause-other"], &[])
}

/// What kind of way it is.
pub(super) fn kind(words: &Words, kind: Option<RouteKind>, otherwise: &str) -> String {
    kind.map_or_else(
        || words.say(otherwise),
        |kind| words.say_first([&format!("route-{}", kind.name()), otherwise], &[]),
    )
}

/// What was wrong with a way.
pub(super) fn why(words: &Words, cause: RerouteCause) -> String {
    words.say_first([&format!("why-{}", cause.name().replace('_', "-")), "why-other"], &[])
}

/// Why a call goes another way, and what that cost.
pub(super) fn moved(words: &Words, moved: &Move) -> String {
    let (from, to) = (kind(words, moved.from, "route-gone"), kind(words, moved.to, "route-unknown"));
    let mut told =
        vec![words.say_of("move-told", &[("from", &from), ("to", &to), ("why", &why(words, moved.why))])];
    if let Some(gap) = moved.gap_ms {
        let gap = words.say_of("unit-ms", &[("value", &gap.to_string())]);
        told.push(words.say_of("move-gap", &[("gap", &gap)]));
    }
    if let Some(lost) = moved.lost {
        told.push(words.say_of("move-lost", &[("lost", &lost.to_string())]));
    }
    told.join("; ")
}

/// How the account is doing.
pub(super) fn standing(words: &Words, standing: &Standing) -> String {
    match standing {
        Standing::NoAccount => words.say("standing-none"),
        Standing::Asked => words.say("standing-asked"),
        Standing::Registered(address) => words.say_of("standing-registered", &[("address", address)]),
        Standing::Failed(why) => words.say_of("standing-failed", &[("why", why)]),
    }
}

/// A call of the past.
pub(super) fn past(words: &Words, model: &Model, past: &Past) -> String {
    let name = model.name_of(&past.peer());
    let incoming = past.direction == Direction::Incoming;
    match &past.outcome {
        Outcome::Talked(seconds) => {
            let key = if incoming { "past-talked-in" } else { "past-talked-out" };
            words.say_of(key, &[("name", &name), ("time", &minutes(*seconds as u64))])
        }
        Outcome::Missed => words.say_of("past-missed", &[("name", &name)]),
        Outcome::Failed(why) => {
            let key = if incoming { "past-failed-in" } else { "past-failed-out" };
            words.say_of(key, &[("name", &name), ("why", &cause(words, why))])
        }
    }
}

/// How long ago something was.
pub(super) fn ago(words: &Words, now: Moment, at: u64) -> String {
    let (key, count) = match now.unix.saturating_sub(at) {
        0..60 => ("ago-now", 0),
        seconds @ 60..3_600 => ("ago-minutes", seconds / 60),
        seconds @ 3_600..86_400 => ("ago-hours", seconds / 3_600),
        seconds => ("ago-days", seconds / 86_400),
    };
    words.say_of(key, &[("count", &count.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;

    #[test]
    fn what_was_not_measured_is_a_dash_and_no_figure() {
        let words = Words::of(Language::English);
        assert_eq!(second(&words, Second::default()), ["Score –", "Lost –", "Jitter –", "Delay –"]);
        let known = Second { mos: Some(4.26), loss_percent: Some(1.0), jitter_ms: Some(7.6), delay_ms: None };
        assert_eq!(second(&words, known), ["Score 4.3", "Lost 1.0 %", "Jitter 8 ms", "Delay –"]);
    }

    #[test]
    fn a_cause_without_words_of_its_own_is_told_all_the_same() {
        let words = Words::of(Language::English);
        assert_eq!(cause(&words, "no_such_name"), "this name does not exist");
        assert_eq!(cause(&words, "something_new"), "it failed");
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let words = Words::of(Language::English);
        let now = Moment { unix: 1_000_000, ..Moment::default() };
        for (seconds, told) in [(5, "just now"), (65, "1 min ago"), (7_300, "2 h ago"), (200_000, "2 d ago")]
        {
            assert_eq!(ago(&words, now, now.unix - seconds), told);
        }
        assert_eq!(minutes(61), "1:01");
    }
}
