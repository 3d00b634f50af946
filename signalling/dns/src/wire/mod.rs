//! DNS bytes: names, header, record heads (RFC 1035 §4), read without trusting them.
//!
//! `hickory-proto` reads and writes the contents of records; what stands on the path of every datagram is here.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod name;
mod reader;
pub mod rtype;

pub(crate) use name::suffixes;
pub use name::{Name, NameBuf, NameError};
pub use reader::{Header, Question, Reader, RecordHead, WireError};

/// CLASS codes (RFC 1035 §3.2.4, RFC 2136 §2.4).
pub mod class {
    /// The Internet.
    pub const IN: u16 = 1;
    /// "Does not exist" and "delete this record" in updates.
    pub const NONE: u16 = 254;
    /// "Exists" and "delete this set" in updates.
    pub const ANY: u16 = 255;
}

/// RCODE values (RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 6891 §9).
pub mod rcode {
    /// No error.
    pub const NOERROR: u16 = 0;
    /// The message cannot be read.
    pub const FORMERR: u16 = 1;
    /// The server failed.
    pub const SERVFAIL: u16 = 2;
    /// The name does not exist.
    pub const NXDOMAIN: u16 = 3;
    /// The kind of message is not implemented.
    pub const NOTIMP: u16 = 4;
    /// Refused by policy.
    pub const REFUSED: u16 = 5;
    /// A name exists that should not.
    pub const YXDOMAIN: u16 = 6;
    /// A set exists that should not.
    pub const YXRRSET: u16 = 7;
    /// A set that should exist does not.
    pub const NXRRSET: u16 = 8;
    /// Not authoritative for the zone, or not authorised (RFC 8945 §5.2).
    pub const NOTAUTH: u16 = 9;
    /// A name lies outside the zone of the update.
    pub const NOTZONE: u16 = 10;
    /// Unsupported EDNS version.
    pub const BADVERS: u16 = 16;
}

/// OPCODE values (RFC 1035 §4.1.1, RFC 2136 §2.2).
pub mod opcode {
    /// A standard query.
    pub const QUERY: u8 = 0;
    /// A zone changed (RFC 1996).
    pub const NOTIFY: u8 = 4;
    /// A dynamic update.
    pub const UPDATE: u8 = 5;
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
