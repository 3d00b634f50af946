//! What a thin link is made of: frames of an EtherType on one interface, and a device whose packets a program carries.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    net::IpAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use socket2::SockRef;

use super::sys;

/// Sends frames of any EtherType to one neighbour, and receives those of one EtherType from it. Never blocks.
#[derive(Debug)]
pub struct EtherSocket {
    socket: OwnedFd,
    interface: u32,
    peer: [u8; 6],
}

impl EtherSocket {
    /// Opens one on `interface`.
    ///
    /// # Errors
    ///
    /// What the system says: there is no such interface, or this user may not (`CAP_NET_RAW`).
    pub fn open(interface: &str, kind: u16, peer: [u8; 6]) -> io::Result<Self> {
        let index = sys::index_of(interface)?;
        let socket = sys::thin::of_kind(index, kind)?;
        // Best effort: the system's own limit may be less.
        let _ = SockRef::from(&socket).set_recv_buffer_size(WAITING);
        Ok(Self { socket, interface: index, peer })
    }

    /// Sends one frame.
    ///
    /// # Errors
    ///
    /// What the system says; the frame is lost.
    pub fn send(&self, kind: u16, payload: &[u8]) -> io::Result<()> {
        sys::thin::send_to(self.socket.as_fd(), self.interface, kind, self.peer, payload)
    }

    /// The next frame's length in `buffer`; `None` for one of somebody else, or for somebody else, or too long.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there is none.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let got = sys::thin::receive(self.socket.as_fd(), buffer)?;
        Ok(got.filter(|(_, sender)| *sender == self.peer).map(|(length, _)| length))
    }
}

impl AsFd for EtherSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A network device of this system whose packets a program carries. Gone when it is dropped. Never blocks.
#[derive(Debug)]
pub struct TunDevice {
    file: File,
}

impl TunDevice {
    /// Makes the device, gives it addresses, each with the length of its prefix, and takes it up. Packets are no longer than `mtu`.
    ///
    /// # Errors
    ///
    /// What the system says: this user may not (`CAP_NET_ADMIN`), there is one of that name already, or no such thing here.
    pub fn open(name: &str, mtu: usize, addresses: &[(IpAddr, u8)]) -> io::Result<Self> {
        let file = sys::thin::tun(name)?;
        sys::thin::set_up(name, mtu, addresses)?;
        Ok(Self { file })
    }

    /// The next packet that this host sends by the device.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there is none.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }

    /// Lets this host receive a packet by the device.
    ///
    /// # Errors
    ///
    /// What the system says; the packet is lost.
    pub fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        self.file.write(packet).map(drop)
    }
}

impl AsFd for TunDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The longest packet that an interface carries.
///
/// # Errors
///
/// What the system says: there is no such interface.
pub fn mtu_of(interface: &str) -> io::Result<usize> {
    sys::thin::mtu_of(interface)
}

/// Bytes that wait, in the kernel's count, while this program has no processor.
const WAITING: usize = 1 << 20;
