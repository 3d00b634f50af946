//! Non-blocking datagram sockets that know which of this host's addresses each packet came to.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::atomic::{AtomicBool, Ordering},
};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::sys;

/// A bound, non-blocking UDP socket of one address family.
///
/// Bound to the unspecified address it reports the true local address of every packet, and sends from the one that the
/// flow names, so that an answer leaves from the address that was asked (multi-homed hosts, 127.0.0.2).
#[derive(Debug)]
pub struct UdpSocket {
    socket: std::net::UdpSocket,
    local: SocketAddr,
    /// Whether datagrams of one length to one peer may leave as one.
    joins: AtomicBool,
}

impl UdpSocket {
    /// Binds to `address`; port 0 lets the system pick one. An IPv6 socket carries IPv6 only.
    ///
    /// # Errors
    ///
    /// [`BindError`] with the address and the kind of failure.
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        Self::try_bind(address, false, None).map_err(|error| BindError::new(address, error))
    }

    /// Binds to `address`, which is one of `interface`: what is sent leaves there alone, whatever way the system would choose
    /// for where it goes to. Where the system cannot do that, or this user may not, it chooses after all.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::bind`].
    pub fn bind_at(address: SocketAddr, interface: &str) -> Result<Self, BindError> {
        Self::try_bind(address, false, Some(interface)).map_err(|error| BindError::new(address, error))
    }

    /// One more socket at the same address: each reads a share of what comes in, the system picks by sender and receiver, so
    /// that what one sender sends always comes to the same one while their number stays the same. The first one was bound
    /// while nobody else had the port; from now on other programs of the same user may join in.
    ///
    /// # Errors
    ///
    /// [`BindError`], where the system knows nothing of the kind.
    pub fn share(&self) -> Result<Self, BindError> {
        let allowed = SockRef::from(&self.socket).set_reuse_port(true);
        allowed
            .and_then(|()| Self::try_bind(self.local, true, None))
            .map_err(|error| BindError::new(self.local, error))
    }

    fn try_bind(address: SocketAddr, shared: bool, interface: Option<&str>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        if shared {
            socket.set_reuse_port(true)?;
        }
        socket.set_nonblocking(true)?;
        enlarge(&socket);
        sys::configure(&socket, address)?;
        if let Some(interface) = interface {
            sys::keep_to(&socket, interface);
        }
        socket.bind(&address.into())?;
        let local = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { socket: socket.into(), local, joins: AtomicBool::new(false) })
    }

    /// The same as a server of many small questions wants it: what comes in is not stamped by the kernel, and datagrams
    /// of one length that go to one peer together leave as one, where the system can cut it again behind us.
    #[must_use]
    pub fn for_questions(self) -> Self {
        sys::without_stamps(&self);
        self.joins.store(true, Ordering::Relaxed);
        self
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "Linux alone joins"))]
    pub(super) fn joins(&self) -> bool {
        self.joins.load(Ordering::Relaxed)
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "Linux alone joins"))]
    pub(super) fn stop_joining(&self) {
        self.joins.store(false, Ordering::Relaxed);
    }

    /// The address it is bound to; the IP address may be the unspecified one.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Whether a packet whose local end is `local` leaves through this socket.
    #[must_use]
    pub fn carries(&self, local: SocketAddr) -> bool {
        if self.local.ip().is_unspecified() {
            self.local.port() == local.port() && self.local.is_ipv4() == local.is_ipv4()
        } else {
            self.local == local
        }
    }

    #[cfg_attr(target_os = "linux", expect(dead_code, reason = "Linux needs the descriptor alone"))]
    pub(super) fn socket(&self) -> &std::net::UdpSocket {
        &self.socket
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for UdpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl From<UdpSocket> for OwnedFd {
    fn from(socket: UdpSocket) -> Self {
        socket.socket.into()
    }
}

/// Binds an even port for RTP and the odd one after it for RTCP on `ip`, both picked by the system (RFC 3550 §11).
///
/// # Errors
///
/// [`BindError`] when `ip` cannot be bound, or after [`PAIR_ATTEMPTS`] ports whose neighbour was taken.
pub fn bind_pair(ip: IpAddr) -> Result<(UdpSocket, UdpSocket), BindError> {
    pair(ip, UdpSocket::bind)
}

/// The same on an address of `interface`, by which alone what is sent leaves, as [`UdpSocket::bind_at`].
///
/// # Errors
///
/// As [`bind_pair`].
pub fn bind_pair_at(ip: IpAddr, interface: &str) -> Result<(UdpSocket, UdpSocket), BindError> {
    pair(ip, |address| UdpSocket::bind_at(address, interface))
}

fn pair(
    ip: IpAddr,
    bind: impl Fn(SocketAddr) -> Result<UdpSocket, BindError>,
) -> Result<(UdpSocket, UdpSocket), BindError> {
    let any = SocketAddr::new(ip, 0);
    let mut last = BindError { address: any, what: BindFailure::InUse };
    // Sockets whose neighbour is taken are kept until the end, so that the system does not offer them again.
    let mut misfits = Vec::new();
    for _ in 0..PAIR_ATTEMPTS {
        let first = bind(any)?;
        let mut neighbour = first.local_addr();
        neighbour.set_port(neighbour.port() ^ 1);
        match bind(neighbour) {
            Ok(second) if neighbour.port() % 2 == 1 => return Ok((first, second)),
            Ok(second) => return Ok((second, first)),
            Err(error) => last = error,
        }
        misfits.push(first);
    }
    Err(last)
}

/// Why an address could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {address} (UDP): {what}")]
#[non_exhaustive]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What stands against it.
    pub what: BindFailure,
}

/// What stands against binding an address.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindFailure {
    /// Another socket has it.
    InUse,
    /// This user may not use it; ports below 1024 often are for the administrator alone.
    Denied,
    /// It is not an address of this host, or this host does not speak its family.
    NotAvailable,
    /// Anything else.
    Other(io::Error),
}

impl BindError {
    fn new(address: SocketAddr, error: io::Error) -> Self {
        let what = match error.kind() {
            io::ErrorKind::AddrInUse => BindFailure::InUse,
            io::ErrorKind::PermissionDenied => BindFailure::Denied,
            io::ErrorKind::AddrNotAvailable => BindFailure::NotAvailable,
            _ if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => BindFailure::NotAvailable,
            _ => BindFailure::Other(error),
        };
        Self { address, what }
    }
}

impl fmt::Display for BindFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("another program is using this port"),
            Self::Denied => f.write_str("permission denied; choose a port above 1023"),
            Self::NotAvailable => f.write_str("this host has no such address"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

/// Asks for room to survive a stall of the reader; the system may grant less, which is no error.
fn enlarge(socket: &Socket) {
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
}

/// Ports tried by [`bind_pair`].
pub const PAIR_ATTEMPTS: usize = 64;

/// Asked for in each direction: a second of 500 calls.
const BUFFER_BYTES: usize = 4 << 20;
