//! Many sockets waited for at once: what each costs is paid when it has something, not when others have.
//!
//! Linux alone has it; elsewhere [`Poller::new`] says so.
#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

/// Sockets that are watched for reading, each by a number of its owner's.
#[derive(Debug)]
pub struct Poller {
    set: OwnedFd,
    ready: Vec<u64>,
    #[cfg(target_os = "linux")]
    events: Vec<libc::epoll_event>,
}

impl AsFd for Poller {
    /// Can itself be waited for: it is readable while one of its sockets is.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.set.as_fd()
    }
}

#[cfg(target_os = "linux")]
mod sys {
    use std::os::fd::{AsRawFd as _, FromRawFd as _, RawFd};

    use super::{AsFd, BorrowedFd, Duration, OwnedFd, Poller, io};

    impl Poller {
        /// Watches nothing yet; `most` sockets are told of at once.
        ///
        /// # Errors
        ///
        /// When the system has no room, or knows nothing of the kind.
        pub fn new(most: usize) -> io::Result<Self> {
            // SAFETY: takes no pointer.
            let set = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
            if set < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor is open, and nobody else's.
            let set = unsafe { OwnedFd::from_raw_fd(set) };
            let events = vec![libc::epoll_event { events: 0, u64: 0 }; most.max(1)];
            Ok(Self { set, ready: Vec::with_capacity(most.max(1)), events })
        }

        /// Watches `socket`, which is told of as `number`, until it is closed.
        ///
        /// # Errors
        ///
        /// When the system has no room, or watches it already.
        pub fn watch(&self, socket: BorrowedFd<'_>, number: u64) -> io::Result<()> {
            let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: number };
            let (set, socket): (RawFd, RawFd) = (self.set.as_raw_fd(), socket.as_fd().as_raw_fd());
            // SAFETY: both descriptors are open during the call, which only reads `event`.
            let answer = unsafe { libc::epoll_ctl(set, libc::EPOLL_CTL_ADD, socket, &raw mut event) };
            if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
        }

        /// The numbers of those that have something now. Never blocks, never allocates.
        pub fn ready(&mut self) -> &[u64] {
            self.look(0)
        }

        /// The same once there is one, be it after a long time; a signal ends the wait early.
        pub fn wait(&mut self) -> &[u64] {
            self.look(-1)
        }

        /// The same, after `patience` at the latest: rounded up to milliseconds.
        pub fn wait_for(&mut self, patience: Duration) -> &[u64] {
            self.look(i32::try_from(patience.as_micros().div_ceil(1_000)).unwrap_or(i32::MAX))
        }

        fn look(&mut self, millis: i32) -> &[u64] {
            self.ready.clear();
            let room = i32::try_from(self.events.len()).unwrap_or(i32::MAX);
            let (set, events) = (self.set.as_raw_fd(), self.events.as_mut_ptr());
            // SAFETY: the pointer and `room` describe `self.events`, which is alive and unshared during the call.
            let got = unsafe { libc::epoll_wait(set, events, room, millis) };
            let got = usize::try_from(got).unwrap_or(0);
            self.ready.extend(self.events.iter().take(got).map(|event| event.u64));
            &self.ready
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Poller {
    /// There is none here.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn new(_most: usize) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is none.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn watch(&self, _socket: BorrowedFd<'_>, _number: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Nothing ever.
    pub fn ready(&mut self) -> &[u64] {
        &self.ready
    }

    /// Nothing ever.
    pub fn wait(&mut self) -> &[u64] {
        &self.ready
    }

    /// Nothing ever.
    pub fn wait_for(&mut self, _patience: Duration) -> &[u64] {
        &self.ready
    }
}

/// Lets this program open as many descriptors as its user may. Answers how many.
#[must_use]
pub fn lift_descriptors() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer leads to a local that outlives both calls.
    let lifted = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0
        }
    };
    if lifted { limit.rlim_cur } else { 0 }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_told_of_while_it_has_something_and_not_after_it_is_closed() {
        let mut poller = Poller::new(8).unwrap();
        let socket = || std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let (one, other) = (socket(), socket());
        poller.watch(one.as_fd(), 1).unwrap();
        poller.watch(other.as_fd(), u64::MAX).unwrap();
        assert_eq!(poller.ready(), []);
        one.send_to(b"x", other.local_addr().unwrap()).unwrap();
        assert_eq!(poller.wait(), [u64::MAX]);
        assert_eq!(poller.ready(), [u64::MAX], "until it is read");
        other.recv_from(&mut [0; 8]).unwrap();
        assert_eq!(poller.ready(), []);
        other.send_to(b"x", one.local_addr().unwrap()).unwrap();
        drop(one);
        assert_eq!(poller.ready(), []);
        assert!(lift_descriptors() > 0);
    }
}
