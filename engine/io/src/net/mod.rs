//! Datagram sockets, and batches of datagrams in and out of them: one system call for up to [`BATCH`] packets.

mod batch;
mod poller;
mod sys;
mod udp;

#[cfg(test)]
mod tests;

pub use batch::{Received, RecvBatch, SendBatch, SendCounts};
pub use poller::{Poller, lift_descriptors};
pub use udp::{BindError, BindFailure, PAIR_ATTEMPTS, UdpSocket, bind_pair, bind_pair_at};

/// The most datagrams that one system call moves.
pub const BATCH: usize = 32;
