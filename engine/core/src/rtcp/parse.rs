//! Checks a compound packet once, so that reading it afterwards cannot fail.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Compound, Packet, VERSION, kind, packet::sdes_items};

/// Why a datagram is not a compound RTCP packet. One variant per check, so a counter can be kept for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The datagram, or a packet in it, ends inside the structure named.
    #[error("truncated {part}: need {need} bytes, have {have}")]
    Truncated {
        /// Which structure was cut short.
        part: &'static str,
        /// Bytes that are needed, counted from where that structure starts.
        need: usize,
        /// Bytes there are from where it starts.
        have: usize,
    },
    /// The version field of a packet is not 2.
    #[error("unsupported RTP version {0}")]
    Version(u8),
    /// The first packet is neither a sender nor a receiver report (RFC 3550 §6.1).
    #[error("a compound packet begins with a report, not with type {0}")]
    NoReport(u8),
    /// Only the last packet of a compound may be padded, by a count that fits it (RFC 3550 §6.4.1).
    #[error("padding where it must not be, or of a wrong length")]
    Padding,
    /// A source description item runs over the end of its chunk.
    #[error("malformed source description")]
    SourceDescription,
    /// A block of an extended report runs over the end of its packet.
    #[error("malformed extended report")]
    ExtendedReport,
}

/// Checks `datagram` and borrows its packets.
///
/// # Errors
///
/// [`ParseError`] if any packet is malformed, or the first one is not a report (RFC 3550, appendix A.2). Types that are
/// not known are checked for their length only.
pub fn parse(datagram: &[u8]) -> Result<Compound<'_>, ParseError> {
    let (first, mut rest) = split(datagram)?;
    if !matches!(first.kind, kind::SENDER_REPORT | kind::RECEIVER_REPORT) {
        return Err(ParseError::NoReport(first.kind));
    }
    check(&first)?;
    while !rest.is_empty() {
        let (raw, after) = split(rest)?;
        check(&raw)?;
        rest = after;
    }
    Ok(Compound(datagram))
}

/// One packet, cut out of its compound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub(super) kind: u8,
    /// Reports, chunks or sources, as the type has it.
    pub(super) count: u8,
    /// What follows the common header, without padding.
    pub(super) body: &'a [u8],
}

/// Splits the first packet off.
pub(super) fn split(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), ParseError> {
    let Some((&[bits, kind, words_hi, words_lo], after)) = bytes.split_first_chunk::<4>() else {
        return Err(ParseError::Truncated { part: "header", need: 4, have: bytes.len() });
    };
    if bits >> 6 != VERSION {
        return Err(ParseError::Version(bits >> 6));
    }
    let need = usize::from(u16::from_be_bytes([words_hi, words_lo])).saturating_mul(4);
    let Some((body, rest)) = after.split_at_checked(need) else {
        return Err(ParseError::Truncated { part: "packet", need, have: after.len() });
    };
    let body = if bits & PADDING == 0 { body } else { strip_padding(body, rest)? };
    Ok((Raw { kind, count: bits & COUNT, body }, rest))
}

fn strip_padding<'a>(body: &'a [u8], rest: &[u8]) -> Result<&'a [u8], ParseError> {
    let count = usize::from(body.last().copied().unwrap_or(0));
    let payload = body.len().checked_sub(count).and_then(|len| body.get(..len));
    match payload {
        Some(payload) if rest.is_empty() && count > 0 && count.is_multiple_of(4) => Ok(payload),
        _ => Err(ParseError::Padding),
    }
}

fn check(raw: &Raw<'_>) -> Result<(), ParseError> {
    match Packet::read(raw) {
        Some(Packet::SourceDescription(_)) => sdes_items(raw.body, raw.count)
            .all(|item| item.is_ok())
            .then_some(())
            .ok_or(ParseError::SourceDescription),
        Some(Packet::ExtendedReport { blocks, .. }) => {
            blocks.are_whole().then_some(()).ok_or(ParseError::ExtendedReport)
        }
        Some(_) => Ok(()),
        None => Err(too_short(raw)),
    }
}

/// Says what `raw`, which could not be read, lacks.
fn too_short(raw: &Raw<'_>) -> ParseError {
    let count = usize::from(raw.count);
    let (part, need) = match raw.kind {
        kind::SENDER_REPORT => ("sender report", count.saturating_mul(24).saturating_add(24)),
        kind::EXTENDED_REPORT => ("extended report", 4),
        kind::APPLICATION => ("application-defined packet", 8),
        kind::RECEIVER_REPORT => ("receiver report", count.saturating_mul(24).saturating_add(4)),
        _ => {
            let sources = count.saturating_mul(4);
            let reason = raw.body.get(sources).map_or(0, |&len| usize::from(len).saturating_add(1));
            ("BYE", sources.saturating_add(reason))
        }
    };
    ParseError::Truncated { part, need, have: raw.body.len() }
}

const PADDING: u8 = 0x20;
const COUNT: u8 = 0x1f;
