//! The run as it goes on, for whoever watches: a line that is written over on a terminal, one each ten seconds elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};

use crate::{run::Count, run::series::Second};

/// Where the line goes.
#[derive(Debug)]
pub(super) struct Progress {
    quiet: bool,
    terminal: bool,
    seconds: u64,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: stderr().is_terminal(), seconds: 0 }
    }

    /// Shows the second that has just ended.
    pub(super) fn show(&mut self, count: &Count, active: usize) {
        self.seconds += 1;
        let Some(second) = count.series.seconds.last().filter(|_| !self.quiet) else { return };
        let line = line(count, second, active);
        // Nobody may be there to read it.
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K{line}");
        } else if self.seconds.is_multiple_of(10) {
            let _ = writeln!(stderr(), "{line}");
        }
    }

    /// Leaves the line.
    pub(super) fn end(&self) {
        if self.terminal && !self.quiet {
            let _ = writeln!(stderr());
        }
    }
}

fn line(count: &Count, second: &Second, active: usize) -> String {
    let stats = &count.stats;
    let setup = stats.percentile("setup_ms", 99.0).map_or_else(|| "-".into(), |p99| format!("{p99:.1} ms"));
    let mos = stats.percentile("mos", 5.0).map_or_else(|| "-".into(), |p5| format!("{p5:.2}"));
    format!(
        "{:.0} s: {active} under way, {} begun and {} answered this second; {} ended, {} failed, {} dropped; setup p99 {setup}, MOS p5 {mos}",
        second.at_s,
        second.begun,
        second.answered,
        stats.counted("calls"),
        stats.counted("failed"),
        stats.counted("dropped_arrivals"),
    )
}
