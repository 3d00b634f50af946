//! From captured samples to RTP packets.

mod packetize;

#[cfg(test)]
mod tests;

pub use packetize::{Sender, SenderConfig};
