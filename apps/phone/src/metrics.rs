//! What a phone has counted, in the text format of Prometheus (version 0.0.4).

use core::fmt::Write as _;
use std::collections::BTreeMap;

use rove_base::{Quality, RouteKind};
use rove_core::reroute::Rerouted;
use rove_session::CallId;

use crate::{CallReport, PhoneEvent};

/// Counts from a phone's events, for who watches many phones. It is handed each event once, and asked for its text at any time.
///
/// ```
/// let metrics = rove_phone::Metrics::default();
/// assert!(metrics.text().contains("rove_phone_calls_active 0\n"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// The newest figures of each call that stands, and its kind of way.
    up: BTreeMap<u64, Standing>,
    ended: BTreeMap<String, u64>,
    reroutes: BTreeMap<[&'static str; 3], u64>,
    complaints: BTreeMap<&'static str, u64>,
    /// Of moves: longest times without a packet, in s, and how many of them are known.
    gap: f64,
    gaps: u64,
    /// Packets that moves have cost.
    missed: u64,
    /// Of calls that have ended: packets sent, received, lost.
    packets: [u64; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    quality: Option<Quality>,
    route: Option<RouteKind>,
}

impl Metrics {
    /// Something happened.
    pub fn event(&mut self, event: &PhoneEvent) {
        match event {
            PhoneEvent::Quality { call, quality } => self.standing(*call).quality = Some(*quality),
            PhoneEvent::Route { call, kind } => self.standing(*call).route = Some(*kind),
            PhoneEvent::Rerouted { call, rerouted } => {
                self.rerouted(rerouted);
                if let [_, Some(to)] = rerouted.kinds {
                    self.standing(*call).route = Some(to);
                }
            }
            PhoneEvent::Complaint { complaint, .. } => {
                *self.complaints.entry(complaint.cause.name()).or_default() += 1;
            }
            PhoneEvent::Ended { call, report } => {
                self.up.remove(&call.0);
                self.over(report);
            }
            _ => {}
        }
    }

    fn standing(&mut self, call: CallId) -> &mut Standing {
        self.up.entry(call.0).or_default()
    }

    fn rerouted(&mut self, rerouted: &Rerouted) {
        let [from, to] = rerouted.kinds.map(|kind| kind.map_or("unknown", RouteKind::name));
        *self.reroutes.entry([rerouted.cause.name(), from, to]).or_default() += 1;
        if let Some(gap) = rerouted.gap {
            self.gap += gap.as_secs_f64();
            self.gaps += 1;
        }
        self.missed += u64::from(rerouted.lost.unwrap_or(0));
    }

    fn over(&mut self, report: &CallReport) {
        *self.ended.entry(report.cause.clone()).or_default() += 1;
        let counted = [report.sent, report.received, report.lost];
        for (all, more) in self.packets.iter_mut().zip(counted) {
            *all += more.unwrap_or(0);
        }
    }

    /// All of it. What was not measured is left out.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        line(
            &mut text,
            "calls_active",
            "gauge",
            "Calls that stand.",
            &[(String::new(), exact(self.up.len() as u64))],
        );
        let ended = self.ended.iter().map(|(cause, count)| (format!("{{cause=\"{cause}\"}}"), exact(*count)));
        line(
            &mut text,
            "calls_ended_total",
            "counter",
            "Calls that have ended, by cause.",
            &ended.collect::<Vec<_>>(),
        );
        let packets = ["sent", "received", "lost"].into_iter().zip(self.packets);
        let packets =
            packets.map(|(what, count)| (format!("{{fate=\"{what}\"}}"), exact(count))).collect::<Vec<_>>();
        line(&mut text, "packets_total", "counter", "Packets of calls that have ended.", &packets);
        self.moves(&mut text);
        self.calls(&mut text);
        text
    }

    fn moves(&self, text: &mut String) {
        let moves = self.reroutes.iter().map(|([cause, from, to], count)| {
            (format!("{{cause=\"{cause}\",from=\"{from}\",to=\"{to}\"}}"), exact(*count))
        });
        line(text, "reroutes_total", "counter", "Moves to a better way.", &moves.collect::<Vec<_>>());
        let lost = [(String::new(), exact(self.missed))];
        line(text, "reroute_lost_packets_total", "counter", "Packets that moves have cost.", &lost);
        let help = "The longest time without a packet of each move.";
        let _ = writeln!(
            text,
            "# HELP {PREFIX}reroute_gap_seconds {help}\n# TYPE {PREFIX}reroute_gap_seconds summary\n\
             {PREFIX}reroute_gap_seconds_sum {}\n{PREFIX}reroute_gap_seconds_count {}",
            self.gap, self.gaps
        );
        let complaints =
            self.complaints.iter().map(|(cause, count)| (format!("{{cause=\"{cause}\"}}"), exact(*count)));
        let help = "Seconds worse than the user puts up with, and no better way known.";
        line(text, "complaints_total", "counter", help, &complaints.collect::<Vec<_>>());
    }

    /// The newest second of each call that stands.
    fn calls(&self, text: &mut String) {
        type Read = fn(&Quality) -> Option<f64>;
        let figures: [(&str, &str, Read); 4] = [
            ("mos", "Conversational quality, 1 to 5.", |quality| quality.mos.map(f64::from)),
            ("loss_ratio", "Packets lost in the last second, of those expected.", |quality| {
                quality.interval_loss.map(f64::from)
            }),
            ("jitter_seconds", "Interarrival jitter.", |quality| {
                quality.jitter.map(|time| time.as_secs_f64())
            }),
            ("round_trip_seconds", "Round trip.", |quality| {
                quality.round_trip.map(|time| time.as_secs_f64())
            }),
        ];
        for (name, help, read) in figures {
            let each = self.up.iter().filter_map(|(call, standing)| {
                let route = standing.route.map_or("unknown", RouteKind::name);
                Some((format!("{{call=\"{call}\",route=\"{route}\"}}"), read(standing.quality.as_ref()?)?))
            });
            line(text, name, "gauge", help, &each.collect::<Vec<_>>());
        }
    }
}

/// A metric with all its values; nothing without any.
fn line(text: &mut String, name: &str, kind: &str, help: &str, values: &[(String, f64)]) {
    if values.is_empty() {
        return;
    }
    let _ = writeln!(text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}");
    for (labels, value) in values {
        let _ = writeln!(text, "{PREFIX}{name}{labels} {value}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2⁵³")]
const fn exact(count: u64) -> f64 {
    count as f64
}

const PREFIX: &str = "rove_phone_";

#[cfg(test)]
mod tests;
