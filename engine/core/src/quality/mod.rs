//! How a stream does: what was received (RFC 3550, appendix A), and what that is worth to a listener (ITU-T G.107).

pub mod emodel;
mod fate;
mod figures;
mod gaps;
mod jitter;
mod one_way;
mod peer;
mod receive;
mod recent;
mod runs;
mod sent;
mod sequence;

#[cfg(test)]
mod tests;

pub use gaps::{BurstGap, GMIN};
pub use one_way::Delays;
pub use peer::{FATES, Fates, PeerReport};
pub use receive::{Interval, ReceiveStats, Verdict};
