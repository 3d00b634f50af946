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

pub(crate) use name::suffixes;
pub use name::{Name, NameBuf, NameError};
pub use reader::{Header, Question, Reader, RecordHead, WireError};

/// TYPE codes this crate acts upon (RFC 1035 §3.2.2 and the documents named).
pub mod rtype {
    /// Host address, IPv4.
    pub const A: u16 = 1;
    /// Name server of a zone.
    pub const NS: u16 = 2;
    /// Canonical name of an alias.
    pub const CNAME: u16 = 5;
    /// Start of a zone of authority.
    pub const SOA: u16 = 6;
    /// Pointer, used by reverse zones.
    pub const PTR: u16 = 12;
    /// Mail exchange.
    pub const MX: u16 = 15;
    /// Text.
    pub const TXT: u16 = 16;
    /// Host address, IPv6 (RFC 3596).
    pub const AAAA: u16 = 28;
    /// Service location (RFC 2782).
    pub const SRV: u16 = 33;
    /// Naming authority pointer (RFC 3403).
    pub const NAPTR: u16 = 35;
    /// Alias of a subtree (RFC 6672).
    pub const DNAME: u16 = 39;
    /// EDNS0 pseudo-record (RFC 6891).
    pub const OPT: u16 = 41;
    /// Delegation signer, held by the parent (RFC 4034).
    pub const DS: u16 = 43;
    /// First of the meta types, which are never stored (RFC 6895 §3.1).
    pub const FIRST_META: u16 = 128;
    /// Transaction signature (RFC 8945).
    pub const TSIG: u16 = 250;
    /// Incremental transfer (RFC 1995).
    pub const IXFR: u16 = 251;
    /// Whole transfer.
    pub const AXFR: u16 = 252;
    /// Last of the meta types.
    pub const LAST_META: u16 = 255;
    /// All types.
    pub const ANY: u16 = 255;
}

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
    /// A dynamic update.
    pub const UPDATE: u8 = 5;
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
