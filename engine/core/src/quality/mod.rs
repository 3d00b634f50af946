//! How a stream does: what was received (RFC 3550, appendix A), and what that is worth to a listener (ITU-T G.107).

mod bursts;
pub mod emodel;
mod jitter;
mod peer;
mod receive;

#[cfg(test)]
mod tests;

pub use peer::{FATES, Fates, PeerReport};
pub use receive::{Interval, ReceiveStats, Verdict};
