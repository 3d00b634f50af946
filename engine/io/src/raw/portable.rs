//! Elsewhere there are no packet sockets: clients that have no address yet are answered by broadcast.

use std::{convert::Infallible, io, os::fd::BorrowedFd, time::Duration};

/// Cannot be.
#[derive(Debug)]
pub(super) struct PacketSocket(Infallible);

impl PacketSocket {
    pub(super) fn open(_interface: &str) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn send(&self, _hardware: [u8; 6], _packet: &[u8]) -> io::Result<()> {
        match self.0 {}
    }
}

/// Not known here.
pub(super) fn index_of(_interface: &str) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not known here.
pub(super) fn hardware_of(_interface: &str) -> io::Result<[u8; 6]> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn watch() -> io::Result<std::os::fd::OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn came_in(_socket: BorrowedFd<'_>, _buffer: &mut [u8]) -> io::Result<Option<usize>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Never sleeps.
pub(super) fn wait(_socket: BorrowedFd<'_>, _patience: Duration) -> bool {
    true
}

/// There are no packet sockets of one EtherType, and no such devices, here.
pub(super) mod thin {
    use std::{
        fs::File,
        io,
        net::IpAddr,
        os::fd::{BorrowedFd, OwnedFd},
    };

    pub(in crate::raw) fn of_kind(_interface: u32, _kind: u16) -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::raw) fn send_to(
        _socket: BorrowedFd<'_>,
        _interface: u32,
        _kind: u16,
        _hardware: [u8; 6],
        _payload: &[u8],
    ) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::raw) fn receive(
        _socket: BorrowedFd<'_>,
        _buffer: &mut [u8],
    ) -> io::Result<Option<(usize, [u8; 6])>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::raw) fn tun(_name: &str) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::raw) fn mtu_of(_name: &str) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::raw) fn set_up(_name: &str, _mtu: usize, _addresses: &[(IpAddr, u8)]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
