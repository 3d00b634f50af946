//! Calls of a day and of an hour, with every counter begun just under its wrap: nothing grows.
//!
//! The streams, packet rings and playouts are the real ones, protected by SRTP, in virtual time. In short by default, whole
//! with `ROVE_PROVE=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "what a test did not expect must be loud"
)]

mod call;
mod end;

use core::time::Duration;
use std::sync::Mutex;

use rove_base::CodecId;

use crate::call::{Call, Interval};

#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// The resident set belongs to the process: one call at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_day_of_g711_over_every_wrap_grows_in_nothing() {
    let (count, each) = if proving() { (24, HOUR) } else { (8, Duration::from_secs(60)) };
    prove(CodecId::Pcmu, count, each);
}

#[test]
fn an_hour_of_opus_over_every_wrap_grows_in_nothing() {
    let (count, each) = if proving() { (6, HOUR / 6) } else { (4, Duration::from_secs(10)) };
    prove(CodecId::Opus, count, each);
}

fn proving() -> bool {
    std::env::var_os("ROVE_PROVE").is_some()
}

/// The first interval, in which the wraps are and the delay settles, sets the measure for all others.
fn prove(codec: CodecId, count: usize, each: Duration) {
    let _alone = ALONE.lock();
    let mut call = Call::new(codec);
    call.run(Duration::from_secs(5));
    let began = std::time::Instant::now();
    let intervals: Vec<[Interval; 2]> = (0..count).map(|_| call.run(each)).collect();
    let took = began.elapsed();
    for (n, [a, b]) in intervals.iter().enumerate() {
        println!("{n:>3}  a: {a}  b: {b}");
    }
    println!(
        "{:.1} h of {codec} took {:.1} s",
        (each * count as u32).as_secs_f64() / 3_600.0,
        took.as_secs_f64()
    );
    // A minute has not yet seen the longest delay there is; an hour has.
    let rarely = if proving() { 10.0 } else { 20.0 };
    for end in 0..2 {
        let first = intervals[0][end];
        for interval in intervals.iter().map(|both| both[end]) {
            assert!(interval.mean_delay_ms <= first.mean_delay_ms + 2.0, "delay: {interval}, first {first}");
            assert!(
                interval.most_delay_ms <= first.most_delay_ms + rarely,
                "delay: {interval}, first {first}"
            );
            // A tenth of a percent is lost; what is concealed may follow what was lost, and no more.
            assert!(
                interval.concealed_percent <= interval.lost_percent + 0.25,
                "concealment: {interval}, first {first}"
            );
            assert_eq!(interval.lost, interval.dropped, "loss is counted exactly: {interval}");
            let resident = interval.resident.saturating_sub(first.resident);
            assert!(resident <= 256 << 10, "memory: {resident} bytes more than after the first interval");
            assert!(interval.round_trips.0 >= Duration::from_millis(60), "{interval}");
            assert!(interval.round_trips.1 <= Duration::from_millis(130), "{interval}");
            assert_eq!(interval.refused, 0, "{interval}");
        }
    }
    call.assert_every_counter_wrapped();
}

const HOUR: Duration = Duration::from_secs(3_600);
