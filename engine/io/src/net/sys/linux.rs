//! Linux: `recvmmsg` and `sendmmsg`, kernel receive stamps, packet info.
#![allow(unsafe_code)]

use std::{
    io, mem,
    net::{IpAddr, SocketAddr, SocketAddrV6},
    os::fd::AsRawFd,
    ptr,
};

use rove_base::{Scratch, UdpFlow};
use socket2::Socket;

use super::{
    address::Name,
    control::{CONTROL_BYTES, Control, Facts},
};
use crate::{
    clock::Clock,
    net::{BATCH, Received, UdpSocket, batch::Pending},
};

/// Turns on receive stamps, and packet info when `address` leaves the local address open; ICMP errors are not queued.
pub(in crate::net) fn configure(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    switch(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, true)?;
    match address.ip() {
        IpAddr::V4(ip) => {
            switch(socket, libc::IPPROTO_IP, libc::IP_RECVERR, false)?;
            switch(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, ip.is_unspecified())
        }
        IpAddr::V6(ip) => {
            switch(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, false)?;
            switch(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, ip.is_unspecified())
        }
    }
}

/// What is sent leaves by `interface` alone. Fails quietly: then the system chooses.
pub(in crate::net) fn keep_to(socket: &Socket, interface: &str) {
    // An old kernel lets the administrator alone do it.
    let _ = socket.bind_device(Some(interface.as_bytes()));
}

fn switch(socket: &Socket, level: libc::c_int, option: libc::c_int, on: bool) -> io::Result<()> {
    let value = libc::c_int::from(on);
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer and length describe `value`, which outlives the call.
    let answer =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(&value).cast(), len) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Buffers of one incoming batch.
#[derive(Debug)]
pub(in crate::net) struct Inbox {
    payloads: Box<[u8]>,
    stride: usize,
    names: [Name; BATCH],
    controls: Box<[Control; BATCH]>,
    count: usize,
}

impl Inbox {
    pub(in crate::net) fn new(count: usize, bytes: usize) -> Self {
        Self {
            payloads: vec![0; count * bytes].into_boxed_slice(),
            stride: bytes,
            names: [Name::EMPTY; BATCH],
            controls: Box::new([Control::EMPTY; BATCH]),
            count: count.min(BATCH),
        }
    }

    pub(in crate::net) fn count(&self) -> usize {
        self.count
    }

    /// One `recvmmsg`; `Ok(0)` is never answered for an empty socket, that is `WouldBlock`.
    pub(in crate::net) fn receive(
        &mut self,
        socket: &UdpSocket,
        clock: Clock,
        visit: &mut impl FnMut(Received<'_>),
    ) -> io::Result<usize> {
        // SAFETY: both are plain structs of integers and pointers, for which zero is a valid value.
        let (mut vectors, mut headers) =
            unsafe { (mem::zeroed::<[libc::iovec; BATCH]>(), mem::zeroed::<[libc::mmsghdr; BATCH]>()) };
        let buffers = self.payloads.chunks_exact_mut(self.stride);
        let room = buffers.zip(&mut self.names).zip(self.controls.iter_mut());
        for (((buffer, name), control), (vector, header)) in room.zip(vectors.iter_mut().zip(&mut headers)) {
            *vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            *name = Name::EMPTY;
            let message = &mut header.msg_hdr;
            message.msg_name = ptr::from_mut(name).cast();
            message.msg_namelen = size_of::<Name>() as libc::socklen_t;
            message.msg_iov = vector;
            message.msg_iovlen = 1;
            message.msg_control = control.as_mut_ptr();
            message.msg_controllen = CONTROL_BYTES as _;
        }
        // SAFETY: the first `count` headers point to buffers of the lengths given, all alive and unshared during the call.
        let got = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                self.count as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        let now = clock.now();
        let payloads = self.payloads.chunks_exact(self.stride);
        for ((payload, name), header) in payloads.zip(&self.names).zip(&headers).take(got) {
            let Some(remote) = name.get() else { continue };
            // SAFETY: the kernel filled in this header; its control pointer still leads to `self.controls`.
            let facts = unsafe { Control::read(&header.msg_hdr) };
            visit(Received {
                flow: UdpFlow { local: local_of(socket.local_addr(), &facts), remote },
                bytes: payload.get(..header.msg_len as usize).unwrap_or(payload),
                arrived: facts.stamp.map_or(now.mono, |stamp| Clock::instant_of(now, stamp)),
                truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            });
        }
        Ok(got)
    }
}

/// The local end of a datagram that came to a socket bound to `bound`.
fn local_of(bound: SocketAddr, facts: &Facts) -> SocketAddr {
    match facts.local {
        Some((IpAddr::V6(ip), interface)) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, bound.port(), 0, interface).into()
        }
        Some((ip, _)) => SocketAddr::new(ip, bound.port()),
        None => bound,
    }
}

/// Control messages of one outgoing batch.
#[derive(Debug)]
pub(in crate::net) struct Outbox {
    controls: Box<[Control; BATCH]>,
}

impl Outbox {
    pub(in crate::net) fn new() -> Self {
        Self { controls: Box::new([Control::EMPTY; BATCH]) }
    }

    /// One `sendmmsg` of the first datagrams of `group`, at most [`BATCH`]. Answers how many left; an error concerns the
    /// first one. Those of one length to one peer leave as one (`UDP_SEGMENT`) where the socket is made for that.
    pub(in crate::net) fn send(
        &mut self,
        socket: &UdpSocket,
        group: &[Pending],
        scratch: &Scratch,
    ) -> io::Result<usize> {
        let answer = self.send_joined(socket, group, scratch);
        let joined = run(group, scratch, socket.joins()) > 1;
        match answer {
            // What leaves by this device cannot be cut there: every datagram leaves alone from now on.
            Err(error) if joined && cannot_cut(&error) => {
                socket.stop_joining();
                self.send_joined(socket, group, scratch)
            }
            answer => answer,
        }
    }

    fn send_joined(&mut self, socket: &UdpSocket, group: &[Pending], scratch: &Scratch) -> io::Result<usize> {
        let open = socket.local_addr().ip().is_unspecified();
        let mut names = [Name::EMPTY; BATCH];
        // SAFETY: both are plain structs of integers and pointers, for which zero is a valid value.
        let (mut vectors, mut headers) =
            unsafe { (mem::zeroed::<[libc::iovec; BATCH]>(), mem::zeroed::<[libc::mmsghdr; BATCH]>()) };
        // How many datagrams each message carries.
        let (mut carries, mut messages) = ([0_usize; BATCH], 0);
        let (mut rest, mut free) = (group.get(..BATCH).unwrap_or(group), vectors.as_mut_slice());
        let room = names.iter_mut().zip(self.controls.iter_mut()).zip(headers.iter_mut().zip(&mut carries));
        for ((name, control), (header, carries)) in room {
            let (joined, others) = rest.split_at(run(rest, scratch, socket.joins()).min(rest.len()));
            let Some(pending) = joined.first() else { break };
            let (mine, left) = free.split_at_mut(joined.len());
            for (vector, one) in mine.iter_mut().zip(joined) {
                let bytes = scratch.get(one.transmit.range);
                // The kernel only reads through this pointer; `iovec` has no const form.
                *vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            }
            let UdpFlow { local, remote } = pending.flow;
            let source = (open && !local.ip().is_unspecified()).then_some(local);
            let message = &mut header.msg_hdr;
            (*name, message.msg_namelen) = Name::of(remote);
            message.msg_name = ptr::from_mut(name).cast();
            message.msg_iov = mine.as_mut_ptr();
            message.msg_iovlen = joined.len() as _;
            let mut len = control.write(source, remote.is_ipv6(), pending.transmit.dscp);
            if joined.len() > 1 {
                len = control.add_segment(len, pending.transmit.range.len() as u16);
            }
            if len > 0 {
                message.msg_control = control.as_mut_ptr();
                message.msg_controllen = len as _;
            }
            (*carries, messages, rest, free) = (joined.len(), messages + 1, others, left);
        }
        // SAFETY: the first `messages` headers point to names, vectors, controls and payloads of the lengths given, all
        // alive during the call, which only reads them.
        let sent = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), messages, libc::MSG_DONTWAIT as _)
        };
        let sent = usize::try_from(sent).map_err(|_| io::Error::last_os_error())?;
        Ok(carries.iter().take(sent).sum())
    }
}

/// How many of the first datagrams may leave as one, to be cut by the device: of one length to one peer, the last perhaps
/// shorter.
fn run(group: &[Pending], scratch: &Scratch, joins: bool) -> usize {
    let Some(first) = group.first().filter(|first| joins && first.transmit.range.len() <= MOST_SEGMENT)
    else {
        return group.len().min(1);
    };
    let len = scratch.get(first.transmit.range).len();
    let is_alike = |one: &&Pending| {
        one.flow == first.flow && one.transmit.dscp == first.transmit.dscp && one.transmit.range.len() == len
    };
    let alike = group.iter().take(BATCH).take_while(is_alike).count();
    MOST_JOINED.checked_div(len).map_or(1, |most| alike.min(most).max(1))
}

/// Whether the system says that it cannot cut one large datagram into many.
fn cannot_cut(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EIO | libc::EOPNOTSUPP | libc::ENOPROTOOPT))
}

/// Turns receive stamps off.
pub(in crate::net) fn without_stamps(socket: &UdpSocket) {
    let off = libc::c_int::from(false);
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer and length describe `off`, which outlives the call. Stamps that stay on do no harm.
    let _ = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            ptr::from_ref(&off).cast(),
            len,
        )
    };
}

/// The longest datagram that is joined with others: longer ones may not fit the path whole.
const MOST_SEGMENT: usize = 1_232;
/// Bytes that leave as one at most.
const MOST_JOINED: usize = 60_000;
