//! The socket of an IPv6 router on one interface: it hears hosts ask for routers, and tells them all (RFC 4861 §6.2).

use std::{
    io,
    net::{Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket},
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::{DhcpSocketError, sys};

/// Hears solicitations and sends advertisements. Never blocks.
#[derive(Debug)]
pub struct RouterSocket {
    /// An ICMPv6 socket, which sends and receives as one of UDP does.
    socket: UdpSocket,
    all: SocketAddrV6,
}

impl RouterSocket {
    /// Opens the socket on `interface`.
    ///
    /// # Errors
    ///
    /// [`DhcpSocketError`] when there is no such interface, or this user may not (`CAP_NET_RAW`).
    pub fn open(interface: &str) -> Result<Self, DhcpSocketError> {
        let opened = sys::index_of(interface).and_then(|index| {
            let all = SocketAddrV6::new(ALL_HOSTS, 0, 0, index);
            Ok(Self { socket: bind(interface, index)?, all })
        });
        opened.map_err(|source| DhcpSocketError { place: interface.to_owned(), source })
    }

    /// Takes one message; `true` when it is that of a host of this link which asks for routers.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when nothing has come.
    pub fn asked(&mut self) -> io::Result<bool> {
        let mut buffer = [0; LONGEST];
        let (count, from) = self.socket.recv_from(&mut buffer)?;
        Ok(asks(buffer.get(..count).unwrap_or_default(), from))
    }

    /// Tells all hosts of the link; the system adds the checksum.
    ///
    /// # Errors
    ///
    /// What the system says; hosts are told again later.
    pub fn tell(&self, advertisement: &[u8]) -> io::Result<()> {
        self.socket.send_to(advertisement, self.all).map(drop)
    }
}

impl AsFd for RouterSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for RouterSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn bind(interface: &str, index: u32) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
    socket.set_nonblocking(true)?;
    // Hosts believe only what no router has passed on.
    socket.set_multicast_hops_v6(255)?;
    socket.set_multicast_if_v6(index)?;
    socket.set_multicast_loop_v6(false)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.bind_device(Some(interface.as_bytes()))?;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = interface;
    socket.join_multicast_v6(&ALL_ROUTERS, index)?;
    Ok(socket.into())
}

/// Whether a message is a solicitation (RFC 4861 §6.1.1) from this link: no router passes a link-local sender on.
fn asks(message: &[u8], from: SocketAddr) -> bool {
    let here = matches!(from, SocketAddr::V6(from) if from.ip().is_unicast_link_local() || from.ip().is_unspecified());
    here && message.len() >= 8 && message.starts_with(&[SOLICITATION, 0])
}

/// A router solicitation.
const SOLICITATION: u8 = 133;
/// All hosts of a link.
const ALL_HOSTS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// All its routers.
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// An Ethernet frame's worth.
const LONGEST: usize = 1_500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_solicitation_from_this_link_asks() {
        let from = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let solicitation = [133, 0, 0, 0, 0, 0, 0, 0];
        for (what, message, sender, expected) in [
            ("a host", &solicitation[..], "fe80::7", true),
            ("a host without an address", &solicitation, "::", true),
            ("from far away", &solicitation, "2001:db8::7", false),
            ("cut short", &solicitation[..7], "fe80::7", false),
            ("an advertisement", &[134, 0, 0, 0, 0, 0, 0, 0], "fe80::7", false),
        ] {
            assert_eq!(asks(message, from(sender)), expected, "{what}");
        }
    }
}
