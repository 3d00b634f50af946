//! What an owner of associations says and is told.

use core::net::SocketAddr;

use rove_base::{ClosedBy, StreamId};

use super::Payload;

/// A partner that is reached by SCTP.
#[derive(Clone, Copy, Debug)]
pub struct SctpPeer {
    /// Its address and port of UDP; the usual port is [`UDP_PORT`](super::UDP_PORT).
    pub address: SocketAddr,
    /// What is spoken.
    pub payload: Payload,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub enum SctpInput<'a> {
    /// A datagram has come to its socket.
    Datagram {
        /// Whence.
        from: SocketAddr,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// The owner wants an association.
    Connect {
        /// Its name for it.
        stream: StreamId,
        /// With whom.
        remote: SocketAddr,
    },
    /// The owner sends whole messages, one after the other.
    Send {
        /// On which.
        stream: StreamId,
        /// Those.
        bytes: &'a [u8],
    },
    /// The owner wants no more of one.
    Close(StreamId),
}

/// What the owner is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SctpEvent {
    /// An association stands.
    Connected {
        /// The owner's name for it, or a new one, when the partner has wanted it.
        stream: StreamId,
        /// With whom, by its place in the list.
        peer: usize,
        /// Whether the partner has wanted it.
        accepted: bool,
    },
    /// One whole message.
    Message {
        /// On which.
        stream: StreamId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// One is over, or could not be begun.
    Closed {
        /// Which.
        stream: StreamId,
        /// Whose doing it was.
        by: ClosedBy,
    },
    /// A partner sent what is no message.
    Malformed {
        /// Who, by its place in the list.
        peer: usize,
    },
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SctpCounts {
    /// Datagrams from addresses of no partner.
    pub strangers: u64,
    /// Of a partner's address, but no packet that could be read, or one to another port.
    pub malformed: u64,
    /// Of a partner's address, with a tag or a cookie that is wrong.
    pub forged: u64,
}
