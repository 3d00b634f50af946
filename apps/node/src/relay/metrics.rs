//! What a relay has counted, in the text format of Prometheus.

use std::fmt::Write as _;

use rove_io::net::SendCounts;
use rove_relay::{calls::Calls, counts::Counts, turn::TurnServer};

/// Every counter, one a line.
pub(super) fn text(turn: &TurnServer, calls: &Calls, sent: SendCounts) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "rove_relay_allocations {}", turn.lent());
    let _ = writeln!(text, "rove_relay_calls {}", calls.len());
    for (part, counts) in [("turn", turn.counts()), ("calls", calls.counts())] {
        of(&mut text, part, counts);
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
