//! Addresses where streams are accepted.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use rove_base::Transport;
use rove_io::net::{BindFailure, UdpSocket};

/// An address where streams are accepted, not watched yet.
#[derive(Debug)]
pub struct Listener {
    pub(crate) bound: Bound,
    pub(crate) transport: Transport,
    pub(crate) peers: bool,
    address: SocketAddr,
}

/// What the system has given.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp(TcpListener),
    /// Connections of QUIC come as datagrams.
    Quic(std::net::UdpSocket),
}

/// Why an address cannot be used.
#[derive(Debug)]
pub struct CannotBind {
    /// In what.
    pub over: &'static str,
    /// What stands against it.
    pub what: BindFailure,
}

impl Listener {
    /// Binds `address` for streams in `transport`; port 0 lets the system pick.
    ///
    /// # Errors
    ///
    /// [`CannotBind`].
    pub fn bind(address: SocketAddr, transport: Transport) -> Result<Self, CannotBind> {
        if transport == Transport::Quic {
            let fail = |error| CannotBind { over: "UDP", what: failure(error) };
            let socket = std::net::UdpSocket::bind(address).map_err(fail)?;
            let address = socket.local_addr().map_err(fail)?;
            return Ok(Self { bound: Bound::Quic(socket), transport, peers: false, address });
        }
        let fail = |error| CannotBind { over: "TCP", what: failure(error) };
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            Some(socket2::Protocol::TCP),
        );
        let socket = socket.map_err(fail)?;
        if address.is_ipv6() {
            // As for datagrams: IPv4 has sockets of its own.
            socket.set_only_v6(true).map_err(fail)?;
        }
        socket.set_reuse_address(true).map_err(fail)?;
        socket.bind(&address.into()).map_err(fail)?;
        socket.listen(BACKLOG).map_err(fail)?;
        socket.set_nonblocking(true).map_err(fail)?;
        let tcp = TcpListener::from(socket);
        let address = tcp.local_addr().map_err(fail)?;
        Ok(Self { bound: Bound::Tcp(tcp), transport, peers: false, address })
    }

    /// Takes streams of peers alone: those that show a certificate which [`Tls::with_peers`](crate::Tls::with_peers)
    /// trusts.
    #[must_use]
    pub fn for_peers(self) -> Self {
        Self { peers: true, ..self }
    }

    /// The address, its port as bound.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// In what streams are accepted.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }
}

/// Binds datagrams and TCP at one address. Where the system picks the port, both get the same one.
///
/// # Errors
///
/// [`CannotBind`].
pub fn bind_pair(address: SocketAddr) -> Result<(UdpSocket, Listener), CannotBind> {
    let mut attempts = if address.port() == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let udp = UdpSocket::bind(address).map_err(|error| CannotBind { over: "UDP", what: error.what })?;
        match Listener::bind(udp.local_addr(), Transport::Tcp) {
            Ok(listener) => return Ok((udp, listener)),
            Err(CannotBind { what: BindFailure::InUse, .. }) if attempts > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

fn failure(error: io::Error) -> BindFailure {
    match error.kind() {
        io::ErrorKind::AddrInUse => BindFailure::InUse,
        io::ErrorKind::PermissionDenied => BindFailure::Denied,
        io::ErrorKind::AddrNotAvailable => BindFailure::NotAvailable,
        _ => BindFailure::Other(error),
    }
}

/// Streams that the system has taken and we have not.
const BACKLOG: i32 = 4_096;
/// Ports the system is asked for until one is free for UDP and TCP alike.
const PORT_ATTEMPTS: usize = 64;
