//! RTCP (RFC 3550 §6) with extended reports (RFC 3611): compound packets read in place, reports written.

mod packet;
mod parse;
mod report;
mod write;
pub mod xr;

#[cfg(test)]
mod tests;

pub use packet::{Compound, Packet, Reports, SdesItem, SdesItems, Sources};
pub use parse::{ParseError, parse};
pub use report::{ReportBlock, SenderInfo, round_trip};
pub use write::{write_application, write_bye, write_report};

/// Packet types (RFC 3550 §12.1).
mod kind {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SOURCE_DESCRIPTION: u8 = 202;
    pub(super) const BYE: u8 = 203;
    /// Defined by an application (RFC 3550 §6.7).
    pub(super) const APPLICATION: u8 = 204;
    /// RFC 3611 §2.
    pub(super) const EXTENDED_REPORT: u8 = 207;
}

/// The only version of RTP there is in use.
const VERSION: u8 = 2;

/// The item that names a source for good (RFC 3550 §6.5.1).
pub const SDES_CNAME: u8 = 1;
