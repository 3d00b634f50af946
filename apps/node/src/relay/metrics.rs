//! What a relay has counted, in the text format of Prometheus.

use std::fmt::Write as _;

use rove_io::net::SendCounts;
use rove_relay::counts::Counts;

use super::desk::Desk;

/// What one desk has counted.
pub(super) struct Sums {
    allocations: usize,
    /// Each desk has all of them.
    calls: usize,
    turn: Counts,
    joined: Counts,
    sent: SendCounts,
}

impl Desk {
    pub(super) fn sums(&self) -> Sums {
        Sums {
            allocations: self.turn.lent(),
            calls: self.calls.len(),
            turn: self.turn.counts().clone(),
            joined: self.calls.counts().clone(),
            sent: self.sent,
        }
    }
}

/// Every counter of all desks together, one a line; of several also how they share the work.
pub(super) fn text(desks: &[Sums]) -> String {
    let (mut text, mut turn, mut joined) = (String::new(), Counts::default(), Counts::default());
    let mut sent = SendCounts::default();
    for desk in desks {
        turn += &desk.turn;
        joined += &desk.joined;
        sent += desk.sent;
    }
    let allocations: usize = desks.iter().map(|desk| desk.allocations).sum();
    let _ = writeln!(text, "rove_relay_allocations {allocations}");
    let _ = writeln!(text, "rove_relay_calls {}", desks.first().map_or(0, |desk| desk.calls));
    for (part, counts) in [("turn", &turn), ("calls", &joined)] {
        of(&mut text, part, counts);
    }
    for (thread, desk) in desks.iter().enumerate().filter(|_| desks.len() > 1) {
        let passed = desk.turn.packets_out + desk.turn.packets_in + desk.joined.packets_out;
        let _ = writeln!(text, "rove_relay_thread_packets_total{{thread=\"{thread}\"}} {passed}");
        let _ = writeln!(text, "rove_relay_thread_allocations{{thread=\"{thread}\"}} {}", desk.allocations);
    }
    for (fate, count) in [
        ("sent", sent.sent),
        ("blocked", sent.blocked),
        ("refused", sent.refused),
        ("unroutable", sent.unroutable),
    ] {
        let _ = writeln!(text, "rove_relay_datagrams_total{{fate={fate:?}}} {count}");
    }
    text
}

fn of(text: &mut String, part: &str, counts: &Counts) {
    for (name, count) in [
        ("begun_total", counts.begun),
        ("packets_out_total", counts.packets_out),
        ("bytes_out_total", counts.bytes_out),
        ("packets_in_total", counts.packets_in),
        ("bytes_in_total", counts.bytes_in),
    ] {
        let _ = writeln!(text, "rove_relay_{name}{{part={part:?}}} {count}");
    }
    for (cause, count) in counts.refusals() {
        let cause = cause.to_string();
        let _ = writeln!(text, "rove_relay_refused_total{{part={part:?},cause={cause:?}}} {count}");
    }
}
