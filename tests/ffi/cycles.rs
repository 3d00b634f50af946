//! Phones are made, call, and are freed, over and over: nothing is left of them.

use rove_ffi::c::{
    Status,
    call::{rove_call_answer, rove_call_hang_up},
    events::EventKind,
    phone::{rove_phone_close, rove_phone_free},
};

use crate::world::{address, dial, last_error, long, next, phone, told};

/// Resident memory, descriptors and threads of this process.
fn footprint() -> [usize; 3] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    [field("VmRSS:"), descriptors, field("Threads:")]
}

/// Three ways to go: hung up before, closed with the call running, and freed with it running.
fn cycle(number: usize, callee: &crate::world::Owned) {
    let caller = phone(|_| {});
    let call = dial(&caller, &address(callee));
    let theirs = told(callee, EventKind::Incoming).event.call;
    if number.is_multiple_of(2) {
        assert_eq!(rove_call_answer(theirs), Status::Ok);
        told(&caller, EventKind::Connected);
    }
    match number % 3 {
        0 => assert_eq!(rove_call_hang_up(call), Status::Ok),
        1 => assert_eq!(rove_phone_close(caller.0, 10_000), Status::Ok, "{}", last_error()),
        _ => assert_eq!(rove_phone_free(caller.0), Status::Ok),
    }
    drop(caller);
    // Its end reaches the other side whichever way it went.
    told(callee, EventKind::Ended);
}

#[test]
fn phones_that_were_made_and_called_and_were_freed_leave_nothing_behind() {
    if !cfg!(target_os = "linux") {
        println!("skipped: /proc (this system has none)");
        return;
    }
    let (warm, rounds) = match std::env::var("ROVE_CYCLES").ok().and_then(|rounds| rounds.parse().ok()) {
        Some(rounds) => (600, rounds),
        None if long() => (2_000, 100_000),
        None => (400, 200),
    };
    let callee = phone(|_| {});
    (0..warm).for_each(|number| cycle(number, &callee));
    let before = footprint();
    (0..rounds).for_each(|number| cycle(number, &callee));
    while next(&callee, 0).is_some() {}
    // Those that are just leaving do so within a few seconds.
    let deadline = std::time::Instant::now() + crate::world::PATIENCE;
    let mut after = footprint();
    while (after[1] > before[1] || after[2] > before[2]) && std::time::Instant::now() < deadline {
        std::thread::yield_now();
        after = footprint();
    }
    println!("{rounds} cycles: resident KiB, descriptors, threads before {before:?}, after {after:?}");
    // Other tests of this program run beside this one: they may hold some.
    assert!(after[1] <= before[1] + 64 && after[2] <= before[2] + 40, "before {before:?}, after {after:?}");
    let growth = after[0].saturating_sub(before[0]);
    assert!(growth < 12 * 1024, "{growth} KiB more after {rounds} cycles");
}
