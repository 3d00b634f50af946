//! Other Unixes: one datagram per system call, stamped on arrival here; the local address is the one bound.

use std::{io, net::SocketAddr};

use rove_base::{Scratch, UdpFlow};
use socket2::{SockRef, Socket};

use crate::{
    clock::Clock,
    net::{Received, UdpSocket, batch::Pending},
};

/// Nothing to turn on.
pub(in crate::net) fn configure(_socket: &Socket, _address: SocketAddr) -> io::Result<()> {
    Ok(())
}

/// The system chooses.
pub(in crate::net) fn keep_to(_socket: &Socket, _interface: &str) {}

/// The buffer of one incoming datagram.
#[derive(Debug)]
pub(in crate::net) struct Inbox {
    payload: Box<[u8]>,
    count: usize,
}

impl Inbox {
    pub(in crate::net) fn new(count: usize, bytes: usize) -> Self {
        // One byte more than asked for: a datagram that reaches it is too long.
        Self { payload: vec![0; bytes + 1].into_boxed_slice(), count }
    }

    pub(in crate::net) fn count(&self) -> usize {
        self.count
    }

    /// Up to `count` calls of `recvfrom`.
    pub(in crate::net) fn receive(
        &mut self,
        socket: &UdpSocket,
        clock: Clock,
        visit: &mut impl FnMut(Received<'_>),
    ) -> io::Result<usize> {
        let most = self.payload.len() - 1;
        for done in 0..self.count {
            match socket.socket().recv_from(&mut self.payload) {
                Ok((len, remote)) => visit(Received {
                    flow: UdpFlow { local: socket.local_addr(), remote },
                    bytes: self.payload.get(..len.min(most)).unwrap_or_default(),
                    arrived: clock.mono(),
                    truncated: len > most,
                }),
                Err(error) if done == 0 => return Err(error),
                Err(_) => return Ok(done),
            }
        }
        Ok(self.count)
    }
}

/// Sends one by one.
#[derive(Debug)]
pub(in crate::net) struct Outbox;

impl Outbox {
    pub(in crate::net) fn new() -> Self {
        Self
    }

    /// One `sendto` of the first datagram of `group`.
    pub(in crate::net) fn send(
        &mut self,
        socket: &UdpSocket,
        group: &[Pending],
        scratch: &Scratch,
    ) -> io::Result<usize> {
        let Some(first) = group.first() else { return Ok(0) };
        let class = u32::from(first.transmit.dscp.traffic_class());
        let handle = SockRef::from(socket.socket());
        // A mark is a wish: a system that refuses it sends unmarked.
        let _ =
            if first.flow.remote.is_ipv6() { handle.set_tclass_v6(class) } else { handle.set_tos_v4(class) };
        socket.socket().send_to(scratch.get(first.transmit.range), first.flow.remote).map(|_| 1)
    }
}

/// There are none.
pub(in crate::net) fn without_stamps(_socket: &UdpSocket) {}
