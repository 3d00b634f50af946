//! The pacer: a thread that tells when the next call is to begin, whatever the others do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rove_base::Instant;
use rove_io::clock::Clock;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::schedule::Schedule;

/// A call is to begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Due {
    /// Which one, from 0.
    pub(crate) number: u64,
    /// When, by the schedule.
    pub(crate) at: Instant,
}

/// Starts the thread; the channel ends with the schedule, after `most` calls, or when `stop` is set.
pub(crate) fn start(
    clock: Clock,
    begin: Instant,
    schedule: Schedule,
    (seed, most): (u64, Option<u64>),
    stop: Arc<AtomicBool>,
) -> std::io::Result<UnboundedReceiver<Due>> {
    let (tell, due) = unbounded_channel();
    std::thread::Builder::new().name("rove-pacer".into()).spawn(move || {
        for (number, after) in (0..most.unwrap_or(u64::MAX)).zip(schedule.arrivals(seed)) {
            let at = begin + after;
            if !sleep_until(clock, at, &stop) || tell.send(Due { number, at }).is_err() {
                return;
            }
        }
    })?;
    Ok(due)
}

/// `false`: it is to stop.
fn sleep_until(clock: Clock, at: Instant, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let wait = at.since(clock.mono());
        if wait.is_zero() {
            return true;
        }
        std::thread::sleep(wait.min(PATIENCE));
    }
}

/// It looks this often whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(100);
