//! Ctrl-C, as a question that can be asked.

use core::time::Duration;
use std::{
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::failure::Failure;

/// Whether the person wants to stop. The second Ctrl-C ends the program at once.
#[derive(Clone, Debug)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for SIGINT, SIGTERM and SIGHUP.
    pub(crate) fn on_ctrl_c() -> Result<Self, Failure> {
        let wanted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&wanted);
        let mut first = None;
        ctrlc::set_handler(move || {
            if is_impatient(&mut first, Instant::now()) {
                std::process::exit(130);
            }
            if !flag.swap(true, Ordering::Relaxed) {
                say_so();
            }
        })
        .map_err(|error| Failure::environment(format!("signals cannot be handled: {error}")))?;
        Ok(Self(wanted))
    }

    /// Takes the end of standard input for Ctrl-C as well.
    pub(crate) fn at_end_of_input(&self) {
        let flag = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            flag.store(true, Ordering::Relaxed);
        });
    }

    /// Whether it was asked for.
    pub(crate) fn wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Tells the person that Ctrl-C was heard. Nobody may be there to read it: SIGHUP comes when the terminal is gone.
fn say_so() {
    let mut out = std::io::stderr().lock();
    let ahead = if out.is_terminal() { "\n" } else { "" };
    let _ = writeln!(out, "{ahead}rove: leaving; a second Ctrl-C ends at once");
}

/// Whether a signal at `now` is a second one. What follows the `first` at once is its echo: `timeout`, for one, signals
/// its child and then the child's whole group.
fn is_impatient(first: &mut Option<Instant>, now: Instant) -> bool {
    now.saturating_duration_since(*first.get_or_insert(now)) > ECHO
}

/// No person presses Ctrl-C twice in this time.
const ECHO: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_ctrl_c_is_impatience_and_an_echo_of_the_first_is_not() {
        let (mut first, start) = (None, Instant::now());
        for (after, impatient) in [(0, false), (0, false), (90, false), (300, true)] {
            assert_eq!(
                is_impatient(&mut first, start + Duration::from_millis(after)),
                impatient,
                "{after} ms"
            );
        }
    }
}
