//! From captured samples to RTP packets.
//!
//! ```text
//!  samples ─▶ frames ─▶ key pressed? ─▶ telephone event ─────────────────────────▶ ┐
//!                  └──▶ silent?      ─▶ comfort noise, or nothing ──────────────▶  ├ numbered, stamped
//!                  └──▶ encoder ─▶ RED: copies of earlier payloads, then this one ▶ ┘
//!                          ▲              ▲
//!                        budget ◀──── scheme, rate, packet time ◀── the peer's reports
//! ```

mod breaker;
mod budget;
mod comfort;
mod congestion;
mod history;
mod keys;
mod line;
mod packetize;
mod protect;
mod recode;
mod scheme;
mod worth;

#[cfg(test)]
mod tests;

pub use breaker::{Breaker, INTERVAL, Shown, Tripped};
pub use congestion::{Congestion, Pace, Traffic};
pub use keys::KEYS;
pub use packetize::{SendState, Sender, SenderConfig};
pub use protect::{Conditions, Means, Protector};
pub use recode::Recoding;
pub use scheme::{Distances, MAX_COPIES, MAX_DISTANCE, Scheme};
