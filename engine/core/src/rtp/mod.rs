//! RTP packets (RFC 3550 §5.1): read in place, written into a lent buffer.

mod red;
mod view;
mod write;

#[cfg(test)]
mod tests;

pub use red::{
    RED_HEADER_BYTES, RED_MAX_BLOCK, RED_MAX_BLOCKS, RED_MAX_OFFSET, RED_PRIMARY_HEADER_BYTES, RedBlock,
    RedError, RedView, red_header, red_primary_header,
};
pub use view::{ParseError, RtpView};
pub use write::RtpHeader;

/// Bytes of the header that every RTP packet has.
pub const FIXED_HEADER_BYTES: usize = 12;

/// The only version of RTP there is in use.
const VERSION: u8 = 2;
