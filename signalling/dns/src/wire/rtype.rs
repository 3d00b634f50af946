//! TYPE codes this crate acts upon (RFC 1035 §3.2.2 and the documents named).

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
/// Signature over a set (RFC 4034).
pub const RRSIG: u16 = 46;
/// What does not exist (RFC 4034).
pub const NSEC: u16 = 47;
/// Key of a signed zone (RFC 4034).
pub const DNSKEY: u16 = 48;
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

/// The number of a type by its name (`AAAA`), or in the form `TYPE28` (RFC 3597 §5); `None` for types that zones do not
/// hold.
#[must_use]
pub fn from_text(text: &str) -> Option<u16> {
    let text = text.to_ascii_uppercase();
    let rtype = match text.strip_prefix("TYPE") {
        Some(number) => number.parse().ok()?,
        None => u16::from(text.parse::<hickory_proto::rr::RecordType>().ok()?),
    };
    (!crate::zones::is_meta(rtype)).then_some(rtype)
}
