//! Which context a packet is about: small numbers in front, large ones behind the first byte (§5.1.3, §5.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{
    RohcError,
    bits::{Reader, width, write_sdvl},
};

/// The context identifiers that both sides of a link agreed on. The highest one is that of packets that go uncompressed, so
/// there are as many compressed flows as the number says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cids {
    /// 0 to this, 15 at the most; context 0 costs nothing, another one byte.
    Small(u8),
    /// 0 to this, 16 383 at the most; each costs one byte up to 127, two from there.
    Large(u16),
}

impl Cids {
    /// The highest identifier: at least 1, so that there is one for a flow beside that of uncompressed packets.
    #[must_use]
    pub fn highest(self) -> u16 {
        match self {
            Self::Small(highest) => u16::from(highest.clamp(1, 15)),
            Self::Large(highest) => highest.clamp(1, 16_383),
        }
    }

    /// Writes the beginning of a packet: its first byte, and the identifier before or behind it.
    pub(crate) fn begin(self, cid: u16, first: u8, out: &mut Vec<u8>) {
        match self {
            Self::Small(_) => {
                self.in_front(cid, out);
                out.push(first);
            }
            Self::Large(_) => {
                out.push(first);
                self.in_front(cid, out);
            }
        }
    }

    /// Writes the identifier alone.
    pub(crate) fn in_front(self, cid: u16, out: &mut Vec<u8>) {
        match self {
            Self::Small(_) if cid == 0 => {}
            Self::Small(_) => out.push(ADD_CID | (cid & 0x0f) as u8),
            Self::Large(_) => write_sdvl(cid.into(), width(cid.into()), out),
        }
    }

    /// Takes the identifier and the first byte from the beginning of a packet.
    pub(crate) fn read(self, reader: &mut Reader<'_>) -> Result<(u16, u8), RohcError> {
        let (cid, first) = match self {
            Self::Small(_) => (self.read_cid(reader)?, reader.u8()?),
            Self::Large(_) => {
                let first = reader.u8()?;
                (self.read_cid(reader)?, first)
            }
        };
        if first >> 4 == ADD_CID >> 4 {
            return Err(RohcError::Invalid("second context identifier"));
        }
        Ok((cid, first))
    }

    /// Takes the identifier from the beginning of feedback, or of a packet with a small one.
    pub(crate) fn read_cid(self, reader: &mut Reader<'_>) -> Result<u16, RohcError> {
        let cid = match self {
            Self::Small(_) => match reader.peek() {
                Some(byte) if byte >> 4 == ADD_CID >> 4 => u16::from(reader.u8()? & 0x0f),
                _ => 0,
            },
            Self::Large(_) => match reader.sdvl()? {
                (cid, 7 | 14) => (cid & 0x3fff) as u16,
                _ => return Err(RohcError::Invalid("context identifier")),
            },
        };
        if cid > self.highest() { Err(RohcError::Context(cid)) } else { Ok(cid) }
    }
}

/// A packet without the padding in front.
pub(crate) fn without_padding(bytes: &[u8]) -> &[u8] {
    let padding = bytes.iter().take_while(|byte| **byte == PADDING).count();
    bytes.get(padding..).unwrap_or_default()
}

/// Takes one piece of feedback from the front of what came over a link: what goes to
/// [`Compressor::on_feedback`](crate::Compressor::on_feedback) of this side, if there is some, and what is left (§5.2.6).
///
/// # Errors
///
/// [`RohcError::Truncated`] when the feedback is longer than the bytes.
pub fn split_feedback(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), RohcError> {
    let bytes = without_padding(bytes);
    let mut reader = Reader::new(bytes, "feedback");
    match reader.peek() {
        Some(first) if first >> 3 == FEEDBACK >> 3 => {
            let code = usize::from(reader.u8()? & 0x07);
            let size = if code == 0 { usize::from(reader.u8()?) } else { code };
            let parts = reader.rest().split_at_checked(size).ok_or(RohcError::Truncated("feedback"))?;
            Ok((Some(parts.0), parts.1))
        }
        _ => Ok((None, bytes)),
    }
}

const ADD_CID: u8 = 0xe0;
/// An identifier of 0 in front, which says nothing (§5.2).
pub(crate) const PADDING: u8 = ADD_CID;
pub(crate) const FEEDBACK: u8 = 0xf0;
