//! Linux: a packet socket that only sends; the kernel writes the Ethernet header.
#![allow(unsafe_code)]

pub(super) mod thin;

use std::{
    ffi::CString,
    io, mem,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr,
    time::Duration,
};

/// Sends IP packets to hardware addresses of one interface.
#[derive(Debug)]
pub(super) struct PacketSocket {
    socket: OwnedFd,
    interface: libc::c_int,
}

impl PacketSocket {
    /// Needs the right to use packet sockets (`CAP_NET_RAW`).
    pub(super) fn open(interface: &str) -> io::Result<Self> {
        let interface =
            libc::c_int::try_from(index_of(interface)?).map_err(|_| io::ErrorKind::InvalidInput)?;
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // Protocol 0: nothing is received.
        // SAFETY: no pointers.
        let socket = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if socket < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above made this descriptor, and nobody else has it.
        Ok(Self { socket: unsafe { OwnedFd::from_raw_fd(socket) }, interface })
    }

    /// Sends one IPv4 packet to `hardware`.
    pub(super) fn send(&self, hardware: [u8; 6], packet: &[u8]) -> io::Result<()> {
        // SAFETY: a plain struct of integers, for which zero is a valid value.
        let mut to = unsafe { mem::zeroed::<libc::sockaddr_ll>() };
        to.sll_family = libc::AF_PACKET as libc::c_ushort;
        to.sll_protocol = (libc::ETH_P_IP as u16).to_be();
        to.sll_ifindex = self.interface;
        to.sll_halen = 6;
        to.sll_addr[..6].copy_from_slice(&hardware);
        // SAFETY: both pointers lead to values of the lengths given, which outlive the call and are only read.
        let sent = unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                packet.as_ptr().cast(),
                packet.len(),
                libc::MSG_NOSIGNAL,
                ptr::from_ref(&to).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// The number of an interface.
pub(super) fn index_of(interface: &str) -> io::Result<u32> {
    let name = CString::new(interface)?;
    // SAFETY: the pointer leads to a string that ends with a zero and outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// A packet socket that receives what comes in at all interfaces.
pub(super) fn watch() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let protocol = libc::c_int::from((libc::ETH_P_ALL as u16).to_be());
    // SAFETY: no pointers.
    let socket = unsafe { libc::socket(libc::AF_PACKET, kind, protocol) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

/// The next packet of IPv4 or IPv6 and its whole length; `None` for one that leaves or stays, and for what else there is.
pub(super) fn came_in(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    // SAFETY: a plain struct of integers, for which zero is a valid value.
    let mut from = unsafe { mem::zeroed::<libc::sockaddr_ll>() };
    let mut size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: all pointers lead to values of the lengths given, which outlive the call.
    let length = unsafe {
        libc::recvfrom(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            libc::MSG_TRUNC,
            ptr::from_mut(&mut from).cast(),
            &raw mut size,
        )
    };
    let Ok(length) = usize::try_from(length) else { return Err(io::Error::last_os_error()) };
    let here = from.sll_hatype == libc::ARPHRD_LOOPBACK || from.sll_pkttype == libc::PACKET_OUTGOING;
    let kinds = [libc::ETH_P_IP, libc::ETH_P_IPV6].map(|kind| (kind as u16).to_be());
    Ok(Some(length).filter(|_| !here && kinds.contains(&from.sll_protocol)))
}

/// The Ethernet address of an interface.
pub(super) fn hardware_of(interface: &str) -> io::Result<[u8; 6]> {
    let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0))?;
    // SAFETY: a plain struct of integers and a union of such, for which zero is a valid value.
    let mut request = unsafe { mem::zeroed::<libc::ifreq>() };
    let name = interface.as_bytes();
    // One byte stays zero, as its end.
    if name.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (byte, given) in request.ifr_name.iter_mut().zip(name) {
        *byte = *given as libc::c_char;
    }
    // SAFETY: the request is alive during the call, which writes nowhere else.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFHWADDR, &raw mut request) };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: this is the part of the union that the call above has written; all its values are valid.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    if address.sa_family != libc::ARPHRD_ETHER {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut hardware = [0; 6];
    for (byte, given) in hardware.iter_mut().zip(address.sa_data) {
        *byte = given as u8;
    }
    Ok(hardware)
}

/// Sleeps until there is something to read, at most for `patience`. `false` when there is not; a signal ends it early.
pub(super) fn wait(socket: BorrowedFd<'_>, patience: Duration) -> bool {
    let mut watched = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let millis = libc::c_int::try_from(patience.as_micros().div_ceil(1_000)).unwrap_or(libc::c_int::MAX);
    // SAFETY: one `pollfd`, alive during the call.
    unsafe { libc::poll(&raw mut watched, 1, millis) > 0 }
}
