//! Packet sockets of one EtherType, and devices whose packets a program carries.
#![allow(unsafe_code)]

use std::{
    fs::{File, OpenOptions},
    io, mem,
    net::IpAddr,
    os::{
        fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
        unix::fs::OpenOptionsExt as _,
    },
    ptr,
};

use socket2::{Domain, Socket, Type};

use super::index_of;

/// A packet socket that receives what comes in at one interface with this EtherType; the kernel takes the Ethernet header away.
pub(in crate::raw) fn of_kind(interface: u32, kind: u16) -> io::Result<OwnedFd> {
    let flags = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // Nothing before it is bound to its interface.
    // SAFETY: no pointers.
    let socket = unsafe { libc::socket(libc::AF_PACKET, flags, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made this descriptor, and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let at = place(interface, kind, [0; 6])?;
    // SAFETY: the pointer leads to a value of the length given, which outlives the call and is only read.
    done(unsafe { libc::bind(socket.as_raw_fd(), ptr::from_ref(&at).cast(), PLACE) })?;
    Ok(socket)
}

/// Sends one frame.
pub(in crate::raw) fn send_to(
    socket: BorrowedFd<'_>,
    interface: u32,
    kind: u16,
    hardware: [u8; 6],
    payload: &[u8],
) -> io::Result<()> {
    let to = place(interface, kind, hardware)?;
    // SAFETY: both pointers lead to values of the lengths given, which outlive the call and are only read.
    let sent = unsafe {
        let (bytes, to) = (payload.as_ptr().cast(), ptr::from_ref(&to).cast());
        libc::sendto(socket.as_raw_fd(), bytes, payload.len(), libc::MSG_NOSIGNAL, to, PLACE)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The next frame's length, and who sent it; `None` for one that is not for this host alone.
pub(in crate::raw) fn receive(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> io::Result<Option<(usize, [u8; 6])>> {
    // SAFETY: a plain struct of integers, for which zero is a valid value.
    let mut from = unsafe { mem::zeroed::<libc::sockaddr_ll>() };
    let mut size = PLACE;
    // SAFETY: all pointers lead to values of the lengths given, which outlive the call.
    let length = unsafe {
        let (bytes, from) = (buffer.as_mut_ptr().cast(), ptr::from_mut(&mut from).cast());
        libc::recvfrom(socket.as_raw_fd(), bytes, buffer.len(), libc::MSG_TRUNC, from, &raw mut size)
    };
    let Ok(length) = usize::try_from(length) else { return Err(io::Error::last_os_error()) };
    let mut sender = [0; 6];
    sender.copy_from_slice(&from.sll_addr[..6]);
    Ok((from.sll_pkttype == libc::PACKET_HOST && length <= buffer.len()).then_some((length, sender)))
}

fn place(interface: u32, kind: u16, hardware: [u8; 6]) -> io::Result<libc::sockaddr_ll> {
    // SAFETY: a plain struct of integers, for which zero is a valid value.
    let mut place = unsafe { mem::zeroed::<libc::sockaddr_ll>() };
    place.sll_family = libc::AF_PACKET as libc::c_ushort;
    place.sll_protocol = kind.to_be();
    place.sll_ifindex = libc::c_int::try_from(interface).map_err(|_| io::ErrorKind::InvalidInput)?;
    place.sll_halen = 6;
    place.sll_addr[..6].copy_from_slice(&hardware);
    Ok(place)
}

/// A device of that name whose packets are read and written here, one at a time; made where there is none.
pub(in crate::raw) fn tun(name: &str) -> io::Result<File> {
    let device =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    let mut request = request(name)?;
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the request is alive during the call, which writes nowhere else.
    done(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) })?;
    Ok(device)
}

/// The longest packet of an interface.
pub(in crate::raw) fn mtu_of(name: &str) -> io::Result<usize> {
    let mut request = request(name)?;
    ask(Domain::IPV4, libc::SIOCGIFMTU, &mut request)?;
    // SAFETY: this is the part of the union that the call above has written; all its values are valid.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    usize::try_from(mtu).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Gives an interface its addresses, each with the length of its prefix, and takes it up.
pub(in crate::raw) fn set_up(name: &str, mtu: usize, addresses: &[(IpAddr, u8)]) -> io::Result<()> {
    let mut length = request(name)?;
    length.ifr_ifru.ifru_mtu = libc::c_int::try_from(mtu).map_err(|_| io::ErrorKind::InvalidInput)?;
    ask(Domain::IPV4, libc::SIOCSIFMTU, &mut length)?;
    for &(address, prefix) in addresses {
        if let IpAddr::V4(address) = address {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            for (what, bits) in [(libc::SIOCSIFADDR, address.into()), (libc::SIOCSIFNETMASK, mask)] {
                let mut request = request(name)?;
                request.ifr_ifru.ifru_addr = v4(bits);
                ask(Domain::IPV4, what, &mut request)?;
            }
        }
    }
    let mut flags = request(name)?;
    ask(Domain::IPV4, libc::SIOCGIFFLAGS, &mut flags)?;
    // SAFETY: this is the part of the union that the call above has written; all its values are valid.
    let now = unsafe { flags.ifr_ifru.ifru_flags };
    flags.ifr_ifru.ifru_flags = now | (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    ask(Domain::IPV4, libc::SIOCSIFFLAGS, &mut flags)?;
    for &(address, prefix) in addresses {
        if let IpAddr::V6(address) = address {
            let socket = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
            let mut request = libc::in6_ifreq {
                ifr6_addr: libc::in6_addr { s6_addr: address.octets() },
                ifr6_prefixlen: prefix.into(),
                ifr6_ifindex: libc::c_int::try_from(index_of(name)?)
                    .map_err(|_| io::ErrorKind::InvalidInput)?,
            };
            // SAFETY: the request is alive during the call, and is only read.
            done(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFADDR as _, &raw mut request) })?;
        }
    }
    Ok(())
}

fn request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: a plain struct of integers and a union of such, for which zero is a valid value.
    let mut request = unsafe { mem::zeroed::<libc::ifreq>() };
    // One byte stays zero, as its end.
    if name.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (byte, given) in request.ifr_name.iter_mut().zip(name.as_bytes()) {
        *byte = *given as libc::c_char;
    }
    Ok(request)
}

fn ask<T: TryInto<libc::Ioctl>>(domain: Domain, what: T, request: &mut libc::ifreq) -> io::Result<()> {
    let socket = Socket::new(domain, Type::DGRAM, None)?;
    let what = what.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the request is alive during the call, which writes nowhere else.
    done(unsafe { libc::ioctl(socket.as_raw_fd(), what, ptr::from_mut(request)) })
}

fn v4(bits: u32) -> libc::sockaddr {
    let mut data = [0; 14];
    for (byte, given) in data.iter_mut().skip(2).zip(bits.to_be_bytes()) {
        *byte = given as libc::c_char;
    }
    libc::sockaddr { sa_family: libc::AF_INET as libc::sa_family_t, sa_data: data }
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const PLACE: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
