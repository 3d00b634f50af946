//! Datagrams to hosts that have no address yet: the sockets of DHCP servers.
//!
//! What comes in, comes through an ordinary UDP socket of one interface. What goes out goes through it too, but for the
//! answer to a client that cannot be asked for its hardware address yet, because the answer is what gives it one: that is
//! a whole packet for the hardware address that stands in the message itself (RFC 2131 §4.1).

mod frame;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as sys;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(not(target_os = "linux"))]
use portable as sys;
mod router;
mod thin;
mod watch;

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, UdpSocket},
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    time::Duration,
};

use rove_base::UdpFlow;
use socket2::{Domain, Protocol, Socket, Type};

pub use router::RouterSocket;
pub use thin::{EtherSocket, TunDevice, mtu_of};
pub use watch::{LONGEST as WATCHED_BYTES, PacketWatch};

/// The socket of a DHCP server on one interface. Never blocks, but in [`DhcpSocket::wait`].
#[derive(Debug)]
pub struct DhcpSocket {
    udp: UdpSocket,
    packets: Option<sys::PacketSocket>,
    local: SocketAddr,
    buffer: Box<[u8]>,
    packet: Vec<u8>,
}

/// Why the socket of a DHCP server could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve DHCP on {place}: {source}")]
pub struct DhcpSocketError {
    /// The interface, or the address.
    pub place: String,
    /// What the system says. [`io::ErrorKind::PermissionDenied`]: `CAP_NET_RAW` and `CAP_NET_BIND_SERVICE` are needed.
    pub source: io::Error,
}

impl DhcpSocket {
    /// Listens at `port` of `interface`, for all addresses and broadcasts; `server` is what [`UdpFlow::local`] says.
    ///
    /// # Errors
    ///
    /// [`DhcpSocketError`] when there is no such interface, the port is taken, or this user may not.
    pub fn open(interface: &str, server: Ipv4Addr, port: u16) -> Result<Self, DhcpSocketError> {
        let packets = sys::PacketSocket::open(interface);
        let opened = packets.and_then(|packets| {
            let udp = bind(Some(interface), SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))?;
            Ok(Self::of(udp, Some(packets), (server, port).into()))
        });
        opened.map_err(|source| DhcpSocketError { place: interface.to_owned(), source })
    }

    /// The socket of a DHCPv6 server: listens at `port` of `interface`, also for what is sent to all servers
    /// (ff02::1:2, RFC 8415 §7.1).
    ///
    /// # Errors
    ///
    /// [`DhcpSocketError`] when there is no such interface, the port is taken, or this user may not.
    pub fn open_v6(interface: &str, port: u16) -> Result<Self, DhcpSocketError> {
        let opened = bind_v6(interface, port).map(|udp| {
            let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            Self::of(udp, None, any)
        });
        opened.map_err(|source| DhcpSocketError { place: interface.to_owned(), source })
    }

    /// Listens at one address, as any user may, where every client has an address already: on a loopback interface.
    ///
    /// # Errors
    ///
    /// [`DhcpSocketError`] when the address cannot be bound.
    pub fn loopback(address: SocketAddrV4) -> Result<Self, DhcpSocketError> {
        let opened = bind(None, address).and_then(|udp| {
            let local = udp.local_addr()?;
            Ok(Self::of(udp, None, local))
        });
        opened.map_err(|source| DhcpSocketError { place: address.to_string(), source })
    }

    fn of(udp: UdpSocket, packets: Option<sys::PacketSocket>, local: SocketAddr) -> Self {
        Self { udp, packets, local, buffer: vec![0; LONGEST].into_boxed_slice(), packet: Vec::new() }
    }

    /// Whether what leaves `local` goes through this socket.
    #[must_use]
    pub const fn carries(&self, local: SocketAddr) -> bool {
        self.local.is_ipv4() == local.is_ipv4() && self.local.port() == local.port()
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when there is none.
    pub fn recv(&mut self) -> io::Result<(UdpFlow, &[u8])> {
        let (len, remote) = self.udp.recv_from(&mut self.buffer)?;
        let bytes = self.buffer.get(..len).unwrap_or_default();
        Ok((UdpFlow { local: self.local, remote }, bytes))
    }

    /// Sends a message to where `flow` leads.
    ///
    /// # Errors
    ///
    /// What the system says; the message is lost, and its client asks again.
    pub fn send(&mut self, flow: UdpFlow, message: &[u8]) -> io::Result<()> {
        let (SocketAddr::V4(from), SocketAddr::V4(to)) = (flow.local, flow.remote) else {
            return self.udp.send_to(message, flow.remote).map(drop);
        };
        let given = given(message).filter(|(address, _)| address == to.ip());
        if let (Some(packets), Some((_, hardware))) = (&self.packets, given) {
            self.packet.clear();
            if !frame::write(&mut self.packet, from, to, message) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            return packets.send(hardware, &self.packet);
        }
        self.udp.send_to(message, to).map(drop)
    }

    /// Sleeps until there may be a message, at most for `patience`. `false` when there is none.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> bool {
        sys::wait(self.udp.as_fd(), patience)
    }
}

impl AsFd for DhcpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.udp.as_fd()
    }
}

impl AsRawFd for DhcpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.udp.as_raw_fd()
    }
}

/// The Ethernet address of an interface.
///
/// # Errors
///
/// [`DhcpSocketError`] when there is no such interface, or it is no Ethernet.
pub fn hardware_address(interface: &str) -> Result<[u8; 6], DhcpSocketError> {
    sys::hardware_of(interface).map_err(|source| DhcpSocketError { place: interface.to_owned(), source })
}

fn bind(interface: Option<&str>, address: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_broadcast(true)?;
    // Room for those who all come at once; the system may grant less, which is no error.
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(interface) = interface {
        // Several interfaces, several servers: one port.
        socket.set_reuse_address(true)?;
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = interface;
    socket.bind(&SocketAddr::from(address).into())?;
    Ok(socket.into())
}

fn bind_v6(interface: &str, port: u16) -> io::Result<UdpSocket> {
    let index = sys::index_of(interface)?;
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_only_v6(true)?;
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        socket.set_reuse_address(true)?;
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    socket.join_multicast_v6(&ALL_SERVERS, index)?;
    Ok(socket.into())
}

/// The address that a server's message gives to a client which has none, and the client's Ethernet address.
fn given(message: &[u8]) -> Option<(Ipv4Addr, [u8; 6])> {
    let &[_, ETHERNET, 6, ..] = message else { return None };
    let has: [u8; 4] = message.get(12..16)?.try_into().ok()?;
    let yours: [u8; 4] = message.get(16..20)?.try_into().ok()?;
    let hardware: [u8; 6] = message.get(28..34)?.try_into().ok()?;
    (has == [0; 4] && yours != [0; 4]).then(|| (yours.into(), hardware))
}

/// All DHCPv6 servers and relays of a link.
const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// The hardware type of Ethernet.
const ETHERNET: u8 = 1;
/// A thousand questions.
const BUFFER_BYTES: usize = 1 << 20;
/// An Ethernet frame's worth.
const LONGEST: usize = 1_500;

#[cfg(test)]
mod tests;
