//! What a person sees while a call goes on: one line that changes on a terminal, plain lines elsewhere.

use core::{cell::Cell, time::Duration};
use std::io::{IsTerminal, Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use rove_phone::{CallReport, PhoneEvent, Progress, RerouteCause, Rerouted, RouteKind};

use crate::command::register;

/// Characters of a message that are shown.
const LONGEST_TEXT: usize = 1_000;

/// The line on standard error.
pub(crate) struct Show {
    line: Option<ProgressBar>,
    /// By what kind of way the call goes.
    route: Cell<Option<RouteKind>>,
}

impl Show {
    pub(crate) fn new() -> Self {
        let line = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let line = ProgressBar::new_spinner().with_style(style);
            line.enable_steady_tick(Duration::from_millis(120));
            line
        });
        Self { line, route: Cell::new(None) }
    }

    /// Replaces the line, or adds one where lines cannot change.
    pub(crate) fn say(&self, text: impl Into<String>) {
        match &self.line {
            Some(line) => line.set_message(text.into()),
            None => plain(&text.into()),
        }
    }

    /// A line that stays.
    pub(crate) fn keep(&self, text: &str) {
        match &self.line {
            Some(line) => line.println(text),
            None => plain(text),
        }
    }

    /// Says what an event means; the figures of each second only where lines can change.
    pub(crate) fn event(&self, event: &PhoneEvent) {
        match event {
            PhoneEvent::Call { progress, .. } => {
                if let Some(text) = progress_text(progress) {
                    self.say(text);
                }
            }
            PhoneEvent::Quality { quality, .. } => {
                if let Some(line) = &self.line {
                    line.set_message(quality_text(quality, self.route.get()));
                }
            }
            PhoneEvent::Account { news, .. } => {
                if let Some(text) = register::text(news) {
                    self.say(text);
                }
            }
            PhoneEvent::Message { from, kind, body, .. } => {
                self.keep(&message_text(from, kind, body));
            }
            PhoneEvent::Conference { calls } if calls.is_empty() => self.say("the conference is over"),
            PhoneEvent::Conference { calls } => {
                self.say(format!("a conference of {} calls", calls.len()));
            }
            PhoneEvent::Speaker { call: Some(call) } => self.say(format!("call {} has the floor", call.0)),
            PhoneEvent::Speaker { call: None } => self.say("nobody has the floor"),
            PhoneEvent::Watched { package, by } => {
                self.say(format!("{package} is watched by {}", address(by)));
            }
            PhoneEvent::Switched { switched, .. } => self.say(match switched.gap {
                Some(gap) => {
                    format!("another way: {} ms without a packet, {} lost", gap.as_millis(), switched.lost)
                }
                None => "another way".into(),
            }),
            PhoneEvent::Route { kind, .. } => self.route.set(Some(*kind)),
            PhoneEvent::Rerouted { rerouted, .. } => {
                self.route.set(rerouted.kinds[1].or(self.route.get()));
                self.keep(&rerouted_text(rerouted));
            }
            PhoneEvent::Complaint { complaint, .. } => {
                self.keep(&format!("{}, and no better way is known", why(complaint.cause)));
            }
            PhoneEvent::Registered { name } => self.say(format!("{name} leads here now")),
            PhoneEvent::Unregistered { name } => self.say(format!("{name} leads nowhere any more")),
            _ => {}
        }
    }

    /// Takes the line away.
    pub(crate) fn done(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}

/// A line for whoever still reads: what comes after it must be done, even when nobody does.
fn plain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn progress_text(progress: &Progress) -> Option<String> {
    Some(match progress {
        Progress::Resolved { addresses } => {
            let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("found at {}", list.join(", "))
        }
        Progress::Inviting { address } => format!("calling {address}"),
        Progress::Ringing => "ringing".into(),
        Progress::Incoming { from } => format!("call from {}", address(from)),
        Progress::Answered { codec, remote, security } => {
            format!("talking with {remote} in {codec}, {security}")
        }
        Progress::EarlyMedia { codec, remote } => format!("hearing {remote} in {codec}, not answered yet"),
        Progress::Forwarded { to } => format!("forwarded to {to}"),
        Progress::Held { by } => format!("held by {}", whose(*by)),
        Progress::Resumed { by } => format!("goes on, no longer held by {}", whose(*by)),
        Progress::Moved { remote } => format!("talking with {remote} now"),
        Progress::Adapted { codec, security } => format!("talking in {codec} now, {security}"),
        Progress::Unchanged { why } => format!("the call could not be changed: {why}"),
        Progress::Transferring { status } => format!("handing over: {status} {}", status.default_reason()),
        Progress::TransferFailed { why } => format!("not handed over: {why}"),
        Progress::Unwritten { why } => format!("not written: {why}"),
        Progress::Referred { to, .. } => format!("handed over to {to}"),
        Progress::Key { key, .. } => format!("key {key}"),
        _ => return None,
    })
}

const fn whose(party: rove_phone::Party) -> &'static str {
    match party {
        rove_phone::Party::Us => "us",
        rove_phone::Party::Peer => "the other side",
    }
}

/// A message as one line.
pub(crate) fn message_text(from: &str, kind: &str, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text: String = text.chars().filter(|char| !char.is_control()).take(LONGEST_TEXT).collect();
    format!("message from {} ({kind}): {text}", address(from))
}

/// A From header's name and URI, without the parameters behind them.
fn address(from: &str) -> String {
    from.rsplit_once('>').map_or_else(|| from.to_owned(), |(address, _)| format!("{address}>"))
}

fn quality_text(quality: &rove_phone::Quality, route: Option<RouteKind>) -> String {
    let ms = |time: Option<Duration>| figure(time.map(|t| t.as_secs_f64() * 1_000.0), " ms", 0);
    format!(
        "talking{}: MOS {}, loss {}, jitter {}, network {}, mouth to ear {}",
        route.map_or_else(String::new, |kind| format!(" ({})", kind.name())),
        figure(quality.mos.map(f64::from), "", 2),
        figure(quality.interval_loss.map(|loss| f64::from(loss) * 100.0), " %", 1),
        ms(quality.jitter),
        ms(quality.one_way.or(quality.round_trip.map(|both| both / 2))),
        ms(quality.mouth_to_ear),
    )
}

/// A measured figure with its unit, or a dash.
pub(crate) fn figure(value: Option<f64>, unit: &str, digits: usize) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}{unit}"))
}

/// A call's report as lines for a person.
pub(crate) fn call_table(report: &CallReport) -> String {
    let count = |value: Option<u64>| value.map_or_else(|| "–".into(), |value| value.to_string());
    let mut lines = vec![
        format!("{} → {}: {}", report.side, report.target, report.cause_text),
        format!(
            "  resolve {}, set-up {}, first audio {}, {} of talk in {}{}",
            figure(report.resolve_ms, " ms", 1),
            figure(report.setup_ms, " ms", 1),
            figure(report.first_audio_ms, " ms", 0),
            figure(report.seconds, " s", 1),
            report.codec.as_deref().unwrap_or("–"),
            protection(report),
        ),
        format!(
            "  sent {}, received {}, lost {} ({}), jitter {}, delay {}, MOS {}",
            count(report.sent),
            count(report.received),
            count(report.lost),
            figure(report.loss_percent, " %", 2),
            figure(report.jitter_ms, " ms", 2),
            figure(report.delay_ms, " ms", 0),
            mos(report),
        ),
    ];
    lines.extend(report.recordings.iter().map(|path| format!("  heard: {}", path.display())));
    lines.join("\n")
}

/// How the sound was protected, where there was any.
fn protection(report: &CallReport) -> String {
    match report.media_security.as_deref() {
        None => String::new(),
        Some("none") => ", not encrypted".into(),
        Some(keys) => format!(", encrypted (SRTP, {})", keys.to_uppercase()),
    }
}

fn mos(report: &CallReport) -> String {
    match (report.mos, &report.mos_band) {
        (Some(mos), Some(band)) => format!("{mos:.2} ({band})"),
        (Some(mos), None) => format!("{mos:.2}"),
        (None, _) => "not measured".into(),
    }
}

/// The figures of several calls as lines for a person.
pub(crate) fn summary(calls: &[CallReport]) -> String {
    let good = calls.iter().filter(|call| call.succeeded()).count();
    let mut setups: Vec<f64> = calls.iter().filter_map(|call| call.setup_ms).collect();
    setups.sort_by(f64::total_cmp);
    let lost: u64 = calls.iter().filter_map(|call| call.lost).sum();
    let lowest = calls.iter().filter_map(|call| call.mos).min_by(f64::total_cmp);
    format!(
        "{good} of {} calls succeeded\n  set-up {} (median), {} (p95), lost {lost}, lowest MOS {}",
        calls.len(),
        figure(percentile(&setups, 50), " ms", 1),
        figure(percentile(&setups, 95), " ms", 1),
        lowest.map_or_else(|| "not measured".into(), |mos| format!("{mos:.2}")),
    )
}

/// By nearest rank: the least value that `percent` of all do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied()
}

/// Why the other side is heard by another way, and what that cost.
pub(crate) fn rerouted_text(rerouted: &Rerouted) -> String {
    let Rerouted { kinds, cause, gap, lost, .. } = *rerouted;
    let name = |kind: Option<RouteKind>, otherwise| kind.map_or(otherwise, RouteKind::name);
    let (from, to) = (name(kinds[0], "a way that is gone"), name(kinds[1], "another way"));
    let gap = gap.map_or_else(String::new, |gap| format!("; {} ms without a packet", gap.as_millis()));
    let lost = lost.map_or_else(String::new, |lost| format!(", {lost} lost"));
    format!("{from} left for {to}: {}{gap}{lost}", why(cause))
}

const fn why(cause: RerouteCause) -> &'static str {
    match cause {
        RerouteCause::Silence => "nothing came any more",
        RerouteCause::Loss => "packets were lost",
        RerouteCause::Delay => "packets came late",
        RerouteCause::BitErrors => "bits arrived changed",
        RerouteCause::Quality => "it sounded worse than you want",
        RerouteCause::Cost => "the other costs less and is as good",
        _ => "it got worse",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(figures: &serde_json::Value) -> CallReport {
        let mut report = json!({
            "side": "caller", "target": "bob.example", "peer": "", "protocol": "sip", "cause": "hung_up",
            "cause_text": "ended here", "recordings": [], "played": [], "quality": []
        });
        let figures = figures.as_object().cloned().unwrap_or_default();
        report.as_object_mut().unwrap().extend(figures);
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn a_caller_is_shown_without_tag() {
        assert_eq!(address("<sip:a@b.example;user=ip>;tag=7"), "<sip:a@b.example;user=ip>");
        assert_eq!(address("\"a > b\" <sip:a@b.example>;tag=7"), "\"a > b\" <sip:a@b.example>");
        assert_eq!(address("sip:a@b.example"), "sip:a@b.example");
    }

    #[test]
    fn a_quality_that_was_not_measured_has_no_band() {
        assert!(call_table(&call(&json!({ "mos_band": "fullband" }))).contains("MOS not measured"));
        let table = call_table(&call(&json!({ "mos": 4.25, "mos_band": "fullband" })));
        assert!(table.ends_with("MOS 4.25 (fullband)"), "{table}");
    }

    #[test]
    fn a_call_says_whether_it_was_encrypted() {
        let table = |figures| call_table(&call(&figures));
        assert!(table(json!({ "media_security": "sdes" })).contains("encrypted (SRTP, SDES)"));
        assert!(table(json!({ "media_security": "none" })).contains("not encrypted"));
        assert!(!table(json!({})).contains("encrypted"), "no media, no word");
    }

    #[test]
    fn several_calls_are_summed_up() {
        let mut calls: Vec<CallReport> = (1..=20)
            .rev()
            .map(|n| {
                call(&json!({ "seconds": 1.0, "setup_ms": n, "lost": 2, "mos": 4.0 + f64::from(n) / 100.0 }))
            })
            .collect();
        calls.push(call(&json!({ "cause": "busy" })));
        assert_eq!(
            summary(&calls),
            "20 of 21 calls succeeded\n  set-up 10.0 ms (median), 19.0 ms (p95), lost 40, lowest MOS 4.01"
        );
        assert_eq!(
            summary(&[]),
            "0 of 0 calls succeeded\n  set-up – (median), – (p95), lost 0, lowest MOS not measured"
        );
    }
}
