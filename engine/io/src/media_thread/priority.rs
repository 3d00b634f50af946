//! Realtime priority for the media thread, where the system allows it.
#![allow(unsafe_code)]

/// Asks for round-robin realtime scheduling of the calling thread; goes on without when it is refused, as it is for
/// users without `CAP_SYS_NICE` or an `rtprio` limit.
#[cfg(target_os = "linux")]
pub(super) fn raise() {
    // SAFETY: zero is valid for this struct of integers.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = PRIORITY;
    // SAFETY: 0 names the calling thread; the pointer leads to a live local.
    let answer = unsafe {
        libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &raw const parameters)
    };
    if answer == 0 {
        tracing::debug!(target: "rove::media", "media thread has realtime priority");
    } else {
        let error = std::io::Error::last_os_error();
        tracing::debug!(target: "rove::media", %error, "media thread has no realtime priority");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn raise() {
    tracing::debug!(target: "rove::media", "media thread has no realtime priority on this system");
}

/// Above ordinary threads, below the sound system's.
#[cfg(target_os = "linux")]
const PRIORITY: libc::c_int = 5;
