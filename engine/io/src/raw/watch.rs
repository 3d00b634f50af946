//! Seeing every packet that comes into this host, whomever it is for: how a router counts what passes.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    time::Duration,
};

use socket2::SockRef;

use super::sys;

/// Sees the packets of IPv4 and IPv6 that come in at any interface but the loopback one. What leaves, or is sent here, is not seen.
#[derive(Debug)]
pub struct PacketWatch {
    socket: OwnedFd,
    buffer: Box<[u8]>,
}

impl PacketWatch {
    /// Opens it where this thread is.
    ///
    /// # Errors
    ///
    /// What the system says: [`io::ErrorKind::PermissionDenied`] without `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        let socket = sys::watch()?;
        // Best effort: the system's own limit may be less.
        let _ = SockRef::from(&socket).set_recv_buffer_size(WAITING);
        Ok(Self { socket, buffer: vec![0; LONGEST].into_boxed_slice() })
    }

    /// The next packet from its IP header on, cut after [`LONGEST`] bytes, and its whole length; `None` when none comes
    /// for `patience`.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn next(&mut self, patience: Duration) -> io::Result<Option<(&[u8], usize)>> {
        if !sys::wait(self.socket.as_fd(), patience) {
            return Ok(None);
        }
        match sys::came_in(self.socket.as_fd(), &mut self.buffer) {
            Ok(Some(length)) => Ok(self.buffer.get(..length.min(LONGEST)).map(|bytes| (bytes, length))),
            Ok(None) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Headers and the beginning of what they carry.
pub const LONGEST: usize = 128;

/// What may wait while the reader does not run, as the kernel counts it (a packet of voice takes almost a kilobyte): some
/// thousands of packets, where the default has room for two hundred.
const WAITING: usize = 4 << 20;
