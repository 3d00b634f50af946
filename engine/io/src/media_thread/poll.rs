//! Sleeping on descriptors with a deadline in nanoseconds.
#![allow(unsafe_code)]

use std::{os::fd::RawFd, time::Duration};

/// Descriptors to be watched for reading. Allocates when one is added, not when it sleeps.
#[derive(Debug, Default)]
pub(super) struct Watch(Vec<libc::pollfd>);

impl Watch {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Watches `fd`, which must stay open until [`Watch::clear`]; a negative one is never ready.
    pub(super) fn add(&mut self, fd: RawFd) {
        self.0.push(libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    }

    /// Stops watching the descriptor added as the `index`th.
    pub(super) fn ignore(&mut self, index: usize) {
        if let Some(watched) = self.0.get_mut(index) {
            (watched.fd, watched.revents) = (-1, 0);
        }
    }

    /// Whether the `index`th had something, or an error, at the last [`Watch::sleep`].
    pub(super) fn is_ready(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(|watched| watched.revents != 0)
    }

    /// Sleeps until one is ready, at most for `patience` (`None`: for ever). A signal ends the sleep early.
    pub(super) fn sleep(&mut self, patience: Option<Duration>) {
        self.0.iter_mut().for_each(|watched| watched.revents = 0);
        let count = self.0.len() as libc::nfds_t;
        #[cfg(target_os = "linux")]
        {
            let timeout = patience.map(|patience| libc::timespec {
                tv_sec: patience.as_secs().min(LONGEST_SECS) as libc::time_t,
                tv_nsec: patience.subsec_nanos() as _,
            });
            let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
            // SAFETY: the first two arguments describe `self.0`; `timeout` is null or points to a local that outlives the
            // call; a null signal mask changes nothing.
            unsafe { libc::ppoll(self.0.as_mut_ptr(), count, timeout, std::ptr::null()) };
        }
        #[cfg(not(target_os = "linux"))]
        {
            let millis = patience.map_or(-1, |patience| {
                patience.as_micros().div_ceil(1_000).min(u128::from(LONGEST_SECS) * 1_000) as libc::c_int
            });
            // SAFETY: the first two arguments describe `self.0`.
            unsafe { libc::poll(self.0.as_mut_ptr(), count, millis) };
        }
    }
}

/// Sleeping longer than this at once gains nothing.
const LONGEST_SECS: u64 = 3_600;
