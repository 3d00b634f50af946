//! Ports that have to be named before anybody is bound to them.

use std::{
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// An address of `ip` that nobody has, neither for UDP nor for TCP. The system gives it to nobody who asks for any port, since it
/// lies below those that it picks from, and no other call in this process is answered with it.
///
/// # Panics
///
/// When all are taken.
#[must_use]
pub fn free(ip: impl Into<IpAddr>) -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (ip, first) = (ip.into(), process::id().wrapping_mul(APART));
    let port = |_| {
        let next = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        SocketAddr::new(ip, FIRST.saturating_add(u16::try_from(next).unwrap_or(0)))
    };
    let is_free =
        |address: &SocketAddr| UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok();
    (0..COUNT).map(port).find(is_free).expect("some port is free")
}

/// Below those that Linux and macOS pick from,
const FIRST: u16 = 12_000;
/// so many.
const COUNT: u32 = 20_000;
/// Two processes begin so far from each other.
const APART: u32 = 97;
