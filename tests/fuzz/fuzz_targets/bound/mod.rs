//! No input may take longer than [`MOST`] of the processor's time.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// Runs `check` over `bytes`.
///
/// The clock on the wall is cheap to read and sees everything else that runs on this machine, so only an input that looks
/// slower than all before it is run again by the processor's own count. The slowest is kept in `$ROVE_FUZZ_SLOWEST`.
///
/// # Panics
///
/// When `check` does, or takes longer than [`MOST`] each of five times.
pub fn within(check: fn(&[u8]), bytes: &[u8]) {
    let began = Instant::now();
    check(bytes);
    let slowest = Duration::from_nanos(SLOWEST.load(Ordering::Relaxed));
    if began.elapsed() <= slowest {
        return;
    }
    let took = (0..5).map(|_| spent(|| check(bytes))).min().unwrap_or_default();
    assert!(took <= MOST, "{took:?} of the processor's time for {} bytes", bytes.len());
    if took > slowest {
        SLOWEST.store(took.as_nanos().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Some(path) = std::env::var_os("ROVE_FUZZ_SLOWEST") {
            _ = fs::write(path, format!("{}\n", took.as_micros()));
        }
    }
}

/// What this thread had of the processor meanwhile.
fn spent(run: impl FnOnce()) -> Duration {
    let before = processor();
    run();
    processor().saturating_sub(before)
}

fn processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

const MOST: Duration = Duration::from_millis(10);

static SLOWEST: AtomicU64 = AtomicU64::new(0);
