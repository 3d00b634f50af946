//! What frames of a thin link go over: Ethernet, each kind with an EtherType of its own, or UDP, with a byte in front.

use std::{
    io::{self, ErrorKind},
    net::UdpSocket,
    os::fd::AsFd as _,
};

use rove_io::{net::Poller, raw::EtherSocket};
use rove_rohc::link::FrameKind;

use super::config::Way;

/// The link below.
pub(super) enum Road {
    Ether { packets: EtherSocket, hellos: EtherSocket },
    Tunnel { socket: UdpSocket, frame: Vec<u8> },
}

impl Road {
    pub(super) fn open(way: &Way) -> io::Result<Self> {
        match way {
            Way::Ether { interface, peer } => Ok(Self::Ether {
                packets: EtherSocket::open(interface, ROHC, *peer)?,
                hellos: EtherSocket::open(interface, HELLO, *peer)?,
            }),
            Way::Tunnel { local, peer } => {
                let socket = UdpSocket::bind(local)?;
                socket.set_nonblocking(true)?;
                // Nobody else is heard.
                socket.connect(peer)?;
                Ok(Self::Tunnel { socket, frame: Vec::new() })
            }
        }
    }

    /// Has `poller` tell of what comes, by these numbers or one of them.
    pub(super) fn watch(&self, poller: &Poller, numbers: [u64; 2]) -> io::Result<()> {
        match self {
            Self::Ether { packets, hellos } => {
                poller.watch(packets.as_fd(), numbers[0])?;
                poller.watch(hellos.as_fd(), numbers[1])
            }
            Self::Tunnel { socket, .. } => poller.watch(socket.as_fd(), numbers[0]),
        }
    }

    /// Sends one frame.
    pub(super) fn send(&mut self, kind: FrameKind, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Ether { packets, .. } => {
                let kind = match (kind, bytes.first()) {
                    (FrameKind::Hello, _) => HELLO,
                    (FrameKind::Rohc, _) => ROHC,
                    (FrameKind::Plain, Some(first)) if first >> 4 == 6 => IPV6,
                    (FrameKind::Plain, _) => IPV4,
                };
                packets.send(kind, bytes)
            }
            Self::Tunnel { socket, frame } => {
                frame.clear();
                frame.push(match kind {
                    FrameKind::Hello => 0,
                    FrameKind::Plain => 1,
                    FrameKind::Rohc => 2,
                });
                frame.extend_from_slice(bytes);
                socket.send(frame).map(drop)
            }
        }
    }

    /// The next frame of those that are told of by the first number, or the second; `None` when there is none.
    pub(super) fn receive<'a>(
        &self,
        second: bool,
        buffer: &'a mut [u8],
    ) -> io::Result<Option<(FrameKind, &'a [u8])>> {
        loop {
            let length = match self {
                Self::Ether { hellos, .. } if second => hellos.receive(buffer),
                Self::Ether { packets, .. } => packets.receive(buffer),
                Self::Tunnel { socket, .. } => socket.recv(buffer).map(Some),
            };
            let length = match length {
                Ok(Some(length)) => length,
                Ok(None) => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                // Told once: the interface went down, for a while perhaps.
                Err(error) if error.kind() == ErrorKind::NetworkDown => return Ok(None),
                // Told once: what was sent before has not arrived, as the other end, or a way to it, is not there yet.
                Err(_) if matches!(self, Self::Tunnel { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            let kind = match (self, bytes) {
                (Self::Ether { .. }, _) if second => Some((FrameKind::Hello, 0)),
                (Self::Ether { .. }, _) => Some((FrameKind::Rohc, 0)),
                (_, [0, ..]) => Some((FrameKind::Hello, 1)),
                (_, [1, ..]) => Some((FrameKind::Plain, 1)),
                (_, [2, ..]) => Some((FrameKind::Rohc, 1)),
                _ => None,
            };
            if let Some((kind, from)) = kind {
                return Ok(Some((kind, buffer.get(from..length).unwrap_or_default())));
            }
        }
    }
}

/// RFC 3095 over Ethernet.
const ROHC: u16 = 0x22f1;
/// The first of two that IEEE 802 leaves to local use.
const HELLO: u16 = 0x88b5;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
