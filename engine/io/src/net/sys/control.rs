//! Control messages beside a datagram: receive stamps, the local address, the traffic class.
#![allow(unsafe_code)]

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rove_base::{Dscp, UnixTime};

use super::address::{in_addr, ipv4};

/// Room for the control messages of one datagram, aligned as `cmsghdr` wants.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(super) struct Control([u8; CONTROL_BYTES]);

/// What the kernel said beside a datagram.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Facts {
    /// When it came in, on the wall clock.
    pub(super) stamp: Option<UnixTime>,
    /// The local address it was sent to, and the interface it came in by.
    pub(super) local: Option<(IpAddr, u32)>,
}

impl Control {
    pub(super) const EMPTY: Self = Self([0; CONTROL_BYTES]);

    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::c_void {
        self.0.as_mut_ptr().cast()
    }

    /// Writes what a datagram from `source` (`None`: as the socket is bound) with mark `dscp` needs. Answers the length
    /// in bytes; zero when it needs nothing.
    pub(super) fn write(&mut self, source: Option<SocketAddr>, v6: bool, dscp: Dscp) -> usize {
        let mut used = 0;
        match source {
            Some(SocketAddr::V4(address)) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: in_addr(*address.ip()),
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                self.put(&mut used, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
            }
            Some(SocketAddr::V6(address)) => {
                let info = libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                    ipi6_ifindex: address.scope_id(),
                };
                self.put(&mut used, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
            }
            None => {}
        }
        if dscp != Dscp::DEFAULT {
            let class = libc::c_int::from(dscp.traffic_class());
            if v6 {
                self.put(&mut used, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, class);
            } else {
                self.put(&mut used, libc::IPPROTO_IP, libc::IP_TOS, class);
            }
        }
        used
    }

    /// Adds to the first `used` bytes that the payload is to leave as datagrams of `size` bytes each. Answers the length
    /// in bytes.
    pub(super) fn add_segment(&mut self, mut used: usize, size: u16) -> usize {
        self.put(&mut used, libc::SOL_UDP, libc::UDP_SEGMENT, size);
        used
    }

    /// Appends one message after the `used` bytes. `T` is a plain kernel struct without padding.
    fn put<T: Copy>(&mut self, used: &mut usize, level: libc::c_int, kind: libc::c_int, value: T) {
        let size = size_of::<T>() as libc::c_uint;
        // SAFETY: these two only compute with their argument.
        let (len, space) = unsafe { (libc::CMSG_LEN(size), libc::CMSG_SPACE(size)) };
        let Some(room) = self.0.get_mut(*used..*used + space as usize) else { return };
        room.fill(0);
        let header: *mut libc::cmsghdr = room.as_mut_ptr().cast();
        // SAFETY: `room` spans CMSG_SPACE(size_of::<T>()) bytes: a whole header and, at CMSG_DATA, a whole `T`; unaligned
        // writes need no alignment.
        unsafe {
            let mut filled = header.read_unaligned();
            filled.cmsg_len = len as _;
            filled.cmsg_level = level;
            filled.cmsg_type = kind;
            header.write_unaligned(filled);
            libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
        }
        *used += space as usize;
    }

    /// Reads what `message`, filled in by the kernel, says beside its datagram.
    ///
    /// # Safety
    ///
    /// `msg_control` and `msg_controllen` of `message` must describe initialised memory that is not written meanwhile,
    /// laid out by the kernel.
    pub(super) unsafe fn read(message: &libc::msghdr) -> Facts {
        let mut facts = Facts::default();
        // SAFETY: promised by the caller; CMSG_NXTHDR stays within the described memory.
        let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
        while !next.is_null() {
            // SAFETY: not null, so a whole header lies there; the kernel puts the whole value of a message of the given
            // level and kind at CMSG_DATA.
            unsafe {
                let header = next.read_unaligned();
                let data = libc::CMSG_DATA(next);
                match (header.cmsg_level, header.cmsg_type) {
                    (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                        facts.stamp = unix_time(data.cast::<libc::timespec>().read_unaligned());
                    }
                    (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                        let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                        let ip = IpAddr::V4(ipv4(info.ipi_spec_dst));
                        facts.local = Some((ip, info.ipi_ifindex.unsigned_abs()));
                    }
                    (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                        let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                        let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                        facts.local = Some((IpAddr::V6(ip), info.ipi6_ifindex));
                    }
                    _ => {}
                }
                next = libc::CMSG_NXTHDR(message, next);
            }
        }
        facts
    }
}

fn unix_time(time: libc::timespec) -> Option<UnixTime> {
    let (secs, nanos) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
    Some(UnixTime::from_nanos(secs.checked_mul(1_000_000_000)?.checked_add(nanos)?))
}

/// Holds a receive stamp, an IPv6 packet info and a traffic class, each with its header.
pub(super) const CONTROL_BYTES: usize = 128;
