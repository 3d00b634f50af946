//! What the standards say of SIP messages, what one anomaly does to them, and what time they take.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of a test fail by panicking too"
)]

mod anomalies;
mod growth;
mod spoiled;
mod torture;

use core::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The least CPU time of this thread that `work` takes in a few runs: other programs and first touches do not count.
fn cpu_time(runs: usize, mut work: impl FnMut()) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below 10⁹"))
    };
    let one = |work: &mut dyn FnMut()| {
        let before = now();
        work();
        now().saturating_sub(before)
    };
    (0..runs).map(|_| one(&mut work)).min().expect("at least one run")
}
