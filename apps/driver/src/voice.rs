//! One stream that carries voice: opened from a certain address of this host, marked as media is, and with little room in the
//! system, so that what waits there is never old.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
};

use rove_base::Dscp;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpSocket;

use crate::{
    carry::Pipe,
    tls::{Tls, server_name},
};

/// Where a port for voice is, and so what is opened beside it: on the same address and, where it keeps to one, the same
/// interface.
#[derive(Clone, Debug)]
pub struct Beside {
    port: SocketAddr,
    interface: Option<Vec<u8>>,
}

impl Beside {
    /// Where `port` is.
    ///
    /// # Errors
    ///
    /// When it is bound to no address.
    pub fn new(port: &UdpSocket) -> io::Result<Self> {
        let interface = interface(&SockRef::from(port));
        Ok(Self { port: port.local_addr()?, interface })
    }

    /// A port that hears the other one alone, and speaks to it alone; reading does not wait.
    ///
    /// # Errors
    ///
    /// When the system has no port left, or the address is gone.
    pub fn port(&self) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(self.port), Type::DGRAM, Some(Protocol::UDP))?;
        keep_to(&SockRef::from(&socket), self.interface.as_deref());
        socket.bind(&SocketAddr::new(self.port.ip(), 0).into())?;
        socket.connect(&self.port.into())?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }

    /// Opens a TCP stream to `remote`; with `secure` one of TLS in it, to whoever has a certificate of that name, or of the address
    /// when there is no name. Must be called on the runtime.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] says what is wrong with the certificate or the other end's TLS; other kinds are the
    /// network's.
    pub async fn stream(
        &self,
        remote: SocketAddr,
        secure: Option<(&Tls, Option<&str>)>,
    ) -> io::Result<Box<dyn Pipe>> {
        let socket = if remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_nodelay(true)?;
        keep_to(&SockRef::from(&socket), self.interface.as_deref());
        prepare(&SockRef::from(&socket), remote.is_ipv4());
        socket.bind(SocketAddr::new(self.port.ip(), 0))?;
        let tcp = socket.connect(remote).await?;
        let Some((tls, name)) = secure else { return Ok(Box::new(tcp)) };
        Ok(Box::new(tls.connector().connect(server_name(name, remote.ip())?, tcp).await?))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn interface(socket: &SockRef<'_>) -> Option<Vec<u8>> {
    socket.device().ok().flatten()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn interface(_: &SockRef<'_>) -> Option<Vec<u8>> {
    None
}

/// The port itself was let: so is what is beside it.
fn keep_to(socket: &SockRef<'_>, interface: Option<&[u8]>) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if interface.is_some() {
        let _ = socket.bind_device(interface);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (socket, interface);
}

/// A system that knows nothing of the kind carries voice all the same.
fn prepare(socket: &SockRef<'_>, is_ipv4: bool) {
    let class = u32::from(Dscp::EF.traffic_class());
    let _ = if is_ipv4 { socket.set_tos_v4(class) } else { mark_v6(socket, class) };
    let _ = socket.set_send_buffer_size(IN_FLIGHT);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
}

#[cfg(unix)]
fn mark_v6(socket: &SockRef<'_>, class: u32) -> io::Result<()> {
    socket.set_tclass_v6(class)
}

#[cfg(not(unix))]
fn mark_v6(_: &SockRef<'_>, _: u32) -> io::Result<()> {
    Ok(())
}

/// Bytes that have left and are not acknowledged yet, with what the system keeps beside each packet: more than half a second
/// of any codec.
const IN_FLIGHT: usize = 64 * 1_024;
/// Bytes that have not left yet: a few packets of voice. What comes then waits where the oldest is thrown away.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 2_048;

#[cfg(test)]
mod tests;
