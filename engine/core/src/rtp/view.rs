//! A received RTP packet, checked once and borrowed from the buffer it arrived in.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::{PayloadType, RtpTimestamp, SeqNumber, Ssrc};

use super::{FIXED_HEADER_BYTES, VERSION};

/// Why a datagram is not an RTP packet. One variant per check, so a counter can be kept for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The datagram ends inside the structure named.
    #[error("truncated {part}: need {need} bytes, have {have}")]
    Truncated {
        /// Which structure was cut short.
        part: &'static str,
        /// Bytes that are needed, counted from where that structure starts.
        need: usize,
        /// Bytes there are from where it starts.
        have: usize,
    },
    /// The version field is not 2.
    #[error("unsupported RTP version {0}")]
    Version(u8),
    /// The padding count is zero or more than what follows the header.
    #[error("padding of {count} bytes in {have}")]
    Padding {
        /// The last byte of the packet: how many bytes of padding there are, itself included.
        count: u8,
        /// Bytes that follow the header.
        have: usize,
    },
}

/// A checked RTP packet: if you hold one, every accessor succeeds.
#[derive(Clone, Copy, Debug)]
pub struct RtpView<'a> {
    header: [u8; FIXED_HEADER_BYTES],
    csrcs: &'a [[u8; 4]],
    extension: Option<(u16, &'a [u8])>,
    payload: &'a [u8],
}

impl<'a> RtpView<'a> {
    /// Checks `datagram` and borrows its parts.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if the fixed header, the CSRC list or the extension is cut short, the version is not 2, or the
    /// padding does not fit.
    #[inline]
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let Some((header, rest)) = datagram.split_first_chunk::<FIXED_HEADER_BYTES>() else {
            return Err(truncated("header", FIXED_HEADER_BYTES, datagram.len()));
        };
        let [bits, ..] = *header;
        if bits >> 6 != VERSION {
            return Err(ParseError::Version(bits >> 6));
        }
        let (csrcs, rest) = split_csrcs(rest, bits & CSRC_COUNT)?;
        let (extension, rest) = if bits & EXTENSION == 0 { (None, rest) } else { split_extension(rest)? };
        let payload = if bits & PADDING == 0 { rest } else { strip_padding(rest)? };
        Ok(Self { header: *header, csrcs, extension, payload })
    }

    /// The marker bit: in voice, the first packet after a silence (RFC 3551 §4.1).
    #[must_use]
    pub const fn marker(&self) -> bool {
        let [_, byte, ..] = self.header;
        byte & 0x80 != 0
    }

    /// What the payload is, as agreed in signalling.
    #[must_use]
    pub const fn payload_type(&self) -> PayloadType {
        let [_, byte, ..] = self.header;
        PayloadType::from_header(byte)
    }

    /// Counts packets, modulo 2¹⁶.
    #[must_use]
    pub const fn seq(&self) -> SeqNumber {
        let [_, _, a, b, ..] = self.header;
        SeqNumber(u16::from_be_bytes([a, b]))
    }

    /// Media time of the first sample in the payload.
    #[must_use]
    pub const fn timestamp(&self) -> RtpTimestamp {
        let [_, _, _, _, a, b, c, d, ..] = self.header;
        RtpTimestamp(u32::from_be_bytes([a, b, c, d]))
    }

    /// Who sent it.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        let [.., a, b, c, d] = self.header;
        Ssrc(u32::from_be_bytes([a, b, c, d]))
    }

    /// Whose speech a mixer put into it, at most 15; empty when no mixer was involved.
    pub fn csrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        self.csrcs.iter().map(|&bytes| Ssrc(u32::from_be_bytes(bytes)))
    }

    /// The header extension: its profile's identifier and its data, a multiple of 4 bytes (RFC 3550 §5.3.1).
    #[must_use]
    pub const fn extension(&self) -> Option<(u16, &'a [u8])> {
        self.extension
    }

    /// The codec's bytes, without padding. May be empty.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

fn split_csrcs(rest: &[u8], count: u8) -> Result<(&[[u8; 4]], &[u8]), ParseError> {
    let need = usize::from(count).saturating_mul(4);
    let Some((csrcs, rest)) = rest.split_at_checked(need) else {
        return Err(truncated("CSRC list", need, rest.len()));
    };
    let (csrcs, _) = csrcs.as_chunks::<4>();
    Ok((csrcs, rest))
}

type Extension<'a> = Option<(u16, &'a [u8])>;

fn split_extension(rest: &[u8]) -> Result<(Extension<'_>, &[u8]), ParseError> {
    let Some((&[profile_hi, profile_lo, words_hi, words_lo], data)) = rest.split_first_chunk::<4>() else {
        return Err(truncated("extension header", 4, rest.len()));
    };
    let need = usize::from(u16::from_be_bytes([words_hi, words_lo])).saturating_mul(4);
    let Some((data, rest)) = data.split_at_checked(need) else {
        return Err(truncated("extension", need, data.len()));
    };
    Ok((Some((u16::from_be_bytes([profile_hi, profile_lo]), data)), rest))
}

fn strip_padding(rest: &[u8]) -> Result<&[u8], ParseError> {
    let have = rest.len();
    let Some(&count) = rest.last() else { return Err(truncated("padding", 1, 0)) };
    match have.checked_sub(usize::from(count)).and_then(|len| rest.get(..len)) {
        Some(payload) if count > 0 => Ok(payload),
        _ => Err(ParseError::Padding { count, have }),
    }
}

const fn truncated(part: &'static str, need: usize, have: usize) -> ParseError {
    ParseError::Truncated { part, need, have }
}

const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
const CSRC_COUNT: u8 = 0x0f;
