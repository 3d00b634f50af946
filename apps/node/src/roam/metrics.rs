//! What was counted, in the text format of Prometheus.

use std::fmt::Write as _;

use rove_roam::{pool::Pool, vlr::Vlr};

use super::Roam;

/// Every counter of a node, one a line.
pub(super) fn text(roam: &Roam) -> String {
    let mut text = String::new();
    let mut line = |name: &str, label: &str, value: &str, count: u64| {
        let _ = match label {
            "" => writeln!(text, "rove_{name} {count}"),
            label => writeln!(text, "rove_{name}{{{label}={value:?}}} {count}"),
        };
    };
    for (cause, count) in roam.server().counts().iter() {
        line("names_refused_total", "cause", cause, count);
    }
    if let Some(home) = roam.home() {
        line("home_subscribers", "", "", home.subscribers().count() as u64);
        for (cause, count) in home.refusals().iter() {
            line("home_refused_total", "cause", &cause.to_string(), count);
        }
    }
    for (cause, count) in roam.calls_refused.iter() {
        line("calls_refused_total", "cause", &cause.to_string(), count);
    }
    if let Some(visited) = roam.visited() {
        of_visited(visited, &mut line);
    }
    if let Some(pool) = roam.pool() {
        of_pool(pool, &mut line);
    }
    text
}

/// Takes name, label, its value, and the count.
type Line<'a> = dyn FnMut(&str, &str, &str, u64) + 'a;

fn of_visited(visited: &Vlr, line: &mut Line<'_>) {
    let metrics = visited.metrics();
    for (name, count) in [
        ("visited_streams_total", metrics.streams),
        ("visited_attached_total", metrics.attached),
        ("visited_moved_total", metrics.moved),
        ("visited_calls_allowed_total", metrics.calls_allowed),
        ("visited_calls_refused_total", metrics.calls_refused),
        ("visited_names_refused_total", metrics.names_refused),
        ("visited_foreign_orders_total", metrics.foreign_orders),
        ("visited_stale_orders_total", metrics.stale_orders),
        ("visited_renewals_total", metrics.renewals),
        ("visited_attaching", visited.attaching() as u64),
        ("visited_here", visited.holders().count() as u64),
    ] {
        line(name, "", "", count);
    }
    for (reason, count) in metrics.refusals() {
        line("visited_refused_total", "reason", &reason.to_string(), count);
    }
    for (reason, count) in metrics.endings() {
        line("visited_ended_total", "reason", &reason.to_string(), count);
    }
}

fn of_pool(pool: &Pool, line: &mut Line<'_>) {
    let (counted, now) = (pool.counters(), pool.occupancy());
    for (cause, count) in [
        ("malformed", counted.malformed),
        ("without token", counted.without_token),
        ("unknown token", counted.unknown_token),
        ("spoofed", counted.spoofed),
        ("elsewhere", counted.elsewhere),
        ("refused", counted.refused),
        ("declined", counted.declined),
        ("starved", counted.starved),
    ] {
        line("pool_refused_total", "cause", cause, count);
    }
    for (state, count) in
        [("free", now.free), ("reserved", now.reserved), ("bound", now.bound), ("resting", now.resting)]
    {
        line("pool_addresses", "state", state, count as u64);
    }
}
