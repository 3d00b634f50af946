//! Linux: sockets that take whole frames from an interface and put them onto one, and a sleep that is exact.
#![allow(unsafe_code)]

use std::{
    ffi::CString,
    io, mem,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr,
    time::Duration,
};

/// One end of a cable: what its interface hears is read here, and what is written here leaves by it.
#[derive(Debug)]
pub(crate) struct FrameSocket(OwnedFd);

impl FrameSocket {
    /// Needs `CAP_NET_RAW`.
    pub(crate) fn open(interface: &str) -> io::Result<Self> {
        let name = CString::new(interface)?;
        // SAFETY: the pointer leads to a string that ends with a zero and outlives the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no pointers. Protocol 0: nothing is received before it is bound.
        let socket = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if socket < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above made this descriptor, and nobody else has it.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(socket) });
        socket.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)?;
        socket.set(libc::SOL_SOCKET, libc::SO_RCVBUF, WAITING)?;
        // SAFETY: a plain struct of integers, for which zero is a valid value.
        let mut at = unsafe { mem::zeroed::<libc::sockaddr_ll>() };
        at.sll_family = libc::AF_PACKET as libc::c_ushort;
        at.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        at.sll_ifindex = libc::c_int::try_from(index).map_err(|_| io::ErrorKind::InvalidInput)?;
        let size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: the pointer leads to a value of this size, which outlives the call and is only read.
        let bound = unsafe { libc::bind(socket.0.as_raw_fd(), ptr::from_ref(&at).cast(), size) };
        done(bound).map(|()| socket)
    }

    fn set(&self, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
        let size = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the pointer leads to a value of this size, which outlives the call and is only read.
        done(unsafe { libc::setsockopt(self.0.as_raw_fd(), level, name, ptr::from_ref(&value).cast(), size) })
    }

    /// The next frame; `None` when none waits, or the interface is down.
    pub(crate) fn next<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a mut [u8]> {
        // SAFETY: the pointer leads to as many bytes as said, which outlive the call.
        let length = unsafe { libc::recv(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        buffer.get_mut(..usize::try_from(length).ok()?)
    }

    /// Puts a frame onto the cable.
    pub(crate) fn put(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: the pointer leads to as many bytes as said, which outlive the call and are only read.
        let sent =
            unsafe { libc::send(self.0.as_raw_fd(), frame.as_ptr().cast(), frame.len(), libc::MSG_NOSIGNAL) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl std::os::fd::AsFd for FrameSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sleeps until one of `watched` has something to read, or until `patience` is over; for ever when there is none.
pub(crate) fn wait(watched: &[BorrowedFd<'_>], patience: Option<Duration>) {
    let watch = |fd: &BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut watched: Vec<_> = watched.iter().map(watch).collect();
    let time = patience.map(|patience| libc::timespec {
        tv_sec: patience.as_secs() as libc::time_t,
        tv_nsec: patience.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    let count = watched.len() as libc::nfds_t;
    // SAFETY: as many `pollfd` as said and a time that is there or null, all alive during the call.
    unsafe { libc::ppoll(watched.as_mut_ptr(), count, time, ptr::null()) };
}

/// Goes before what else wants the processor, where that is allowed: a link keeps its time whatever the machine does.
pub(crate) fn hurry() -> io::Result<()> {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: the pointer leads to a value that outlives the call and is only read.
    done(unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const priority) })
}

fn done(code: libc::c_int) -> io::Result<()> {
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What may wait while this program does not run, in bytes as the kernel counts them.
const WAITING: libc::c_int = 4 << 20;
