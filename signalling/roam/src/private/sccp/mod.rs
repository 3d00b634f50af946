//! The signalling connection control part, connectionless (ITU-T Q.713): UDT and UDTS, and XUDT in segments for what is
//! longer than a message may be.

pub mod address;
mod reassembly;

pub use address::Address;
pub use reassembly::{Reassembly, Whole};

/// Bytes that are no message of SCCP, or one that is not spoken here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SccpError {
    /// A part ends beyond the message, or a pointer leads there.
    #[error("the message ends inside of its {0}")]
    Truncated(&'static str),
    /// A message type other than UDT, UDTS, XUDT, XUDTS, LUDT.
    #[error("message type {0:#04x} is not spoken here")]
    Type(u8),
    /// A protocol class other than 0 and 1.
    #[error("protocol class {0} has a connection")]
    Class(u8),
    /// An address without what it needs, or of a form that is not spoken here.
    #[error("an address of a form that is not spoken here")]
    Address,
    /// A segment that does not continue what came before.
    #[error("a segment out of order")]
    Segment,
    /// More segments under way at once than are kept.
    #[error("too many segmented messages at once")]
    TooMany,
}

/// A connectionless message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Message<'a> {
    /// Whom it is for.
    pub called: Address,
    /// Who sent it.
    pub calling: Address,
    /// What it carries.
    pub data: &'a [u8],
    /// A part of something longer.
    pub segment: Option<Segment>,
    /// The network brings back what it could not deliver: why (Q.713 §3.12).
    pub returned: Option<u8>,
}

/// Which part of a longer message (Q.713 §3.17).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment {
    /// The first.
    pub first: bool,
    /// How many come after it, at most 15.
    pub remaining: u8,
    /// What all parts of one message share, 24 bits.
    pub reference: u32,
}

impl<'a> Message<'a> {
    /// Reads one message.
    ///
    /// # Errors
    ///
    /// [`SccpError`] says what is wrong with it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SccpError> {
        let (&kind, rest) = bytes.split_first().ok_or(SccpError::Truncated("type"))?;
        match kind {
            UDT => Self::plain(rest, None),
            UDTS => Self::plain(rest, Some(())),
            XUDT => Self::extended(rest, None),
            XUDTS => Self::extended(rest, Some(())),
            LUDT => Self::long(rest),
            other => Err(SccpError::Type(other)),
        }
    }

    fn plain(rest: &'a [u8], service: Option<()>) -> Result<Self, SccpError> {
        let (&class, pointers) = rest.split_first().ok_or(SccpError::Truncated("class"))?;
        let returned = returned(class, service)?;
        let called = Address::parse(part(pointers, 0)?)?;
        let calling = Address::parse(part(pointers, 1)?)?;
        Ok(Self { called, calling, data: part(pointers, 2)?, segment: None, returned })
    }

    fn extended(rest: &'a [u8], service: Option<()>) -> Result<Self, SccpError> {
        let (&[class, _hops], pointers) = rest.split_first_chunk().ok_or(SccpError::Truncated("class"))?;
        let returned = returned(class, service)?;
        let called = Address::parse(part(pointers, 0)?)?;
        let calling = Address::parse(part(pointers, 1)?)?;
        let data = part(pointers, 2)?;
        let segment = match pointers.get(3) {
            None => return Err(SccpError::Truncated("pointers")),
            Some(0) => None,
            Some(&pointer) => {
                let options = pointers.get(usize::from(pointer).saturating_add(3)..);
                segmentation(options.ok_or(SccpError::Truncated("options"))?)?
            }
        };
        Ok(Self { called, calling, data, segment, returned })
    }

    /// LUDT (Q.713 §4.18): pointers and the length of the data in two octets, the low one first.
    fn long(rest: &'a [u8]) -> Result<Self, SccpError> {
        let (&[class, _hops], pointers) = rest.split_first_chunk().ok_or(SccpError::Truncated("class"))?;
        returned(class, None)?;
        let at = |index: usize| -> Result<&'a [u8], SccpError> {
            let from = index.saturating_mul(2);
            let pointer = pointers.get(from..).and_then(<[u8]>::first_chunk::<2>);
            let pointer = usize::from(u16::from_le_bytes(*pointer.ok_or(SccpError::Truncated("pointers"))?));
            let from = from.saturating_add(1).saturating_add(pointer);
            pointers.get(from..).ok_or(SccpError::Truncated("pointers"))
        };
        let called = Address::parse(counted(at(0)?)?)?;
        let calling = Address::parse(counted(at(1)?)?)?;
        let (len, data) = at(2)?.split_first_chunk::<2>().ok_or(SccpError::Truncated("data"))?;
        let data = data.get(..usize::from(u16::from_le_bytes(*len))).ok_or(SccpError::Truncated("data"))?;
        Ok(Self { called, calling, data, segment: None, returned: None })
    }
}

/// Writes `data` as one UDT, or as segments in XUDTs: `emit` is called with each message.
///
/// Answers `false`, and emits nothing, when `data` does not fit in 16 segments.
#[must_use]
pub fn write(
    called: &Address,
    calling: &Address,
    data: &[u8],
    reference: u32,
    mut emit: impl FnMut(&[u8]),
) -> bool {
    let (called, calling) = (called.to_octets(), calling.to_octets());
    let addresses = called.len().saturating_add(calling.len());
    let room = MAX_MESSAGE.saturating_sub(addresses).saturating_sub(UDT_OVERHEAD);
    let mut message = Vec::with_capacity(MAX_MESSAGE);
    if data.len() <= room.min(255) {
        message.extend_from_slice(&[UDT, CLASS_0 | RETURN_ON_ERROR, 3]);
        mandatory(&mut message, &called, &calling, data, 1);
        emit(&message);
        return true;
    }
    let room = room.saturating_sub(SEGMENT_OVERHEAD).max(1);
    let count = data.len().div_ceil(room);
    if count > MAX_SEGMENTS {
        return false;
    }
    for (index, piece) in data.chunks(room).enumerate() {
        let remaining = u8::try_from(count.saturating_sub(index).saturating_sub(1)).unwrap_or_default();
        let first = if index == 0 { FIRST_SEGMENT } else { 0 };
        message.clear();
        message.extend_from_slice(&[XUDT, CLASS_1 | RETURN_ON_ERROR, HOPS, 4]);
        mandatory(&mut message, &called, &calling, piece, 2);
        let [_, a, b, c] = reference.to_be_bytes();
        message.extend_from_slice(&[SEGMENTATION, 4, first | IN_SEQUENCE | remaining, a, b, c, 0]);
        emit(&message);
    }
    true
}

/// The pointers after the first, then the three variable parts. `pointers` is 1 for UDT, 2 where one to the options
/// follows. The first pointer is written already.
fn mandatory(message: &mut Vec<u8>, called: &[u8], calling: &[u8], data: &[u8], options: u8) {
    let octet = |len: usize| u8::try_from(len).unwrap_or(u8::MAX);
    let second = octet(called.len()).saturating_add(2).saturating_add(options);
    let third = second.saturating_add(octet(calling.len()));
    message.extend_from_slice(&[second, third]);
    if options == 2 {
        // From this pointer past all three parts with their lengths.
        message.push(third.saturating_add(octet(data.len())));
    }
    for part in [called, calling, data] {
        message.push(octet(part.len()));
        message.extend_from_slice(part);
    }
}

/// Which protocol class, or why it came back.
fn returned(class: u8, service: Option<()>) -> Result<Option<u8>, SccpError> {
    match service {
        Some(()) => Ok(Some(class)),
        None if class & 0x0f > 1 => Err(SccpError::Class(class & 0x0f)),
        None => Ok(None),
    }
}

/// The variable part that pointer number `index` leads to (Q.713 §1.5): it counts from its own octet.
fn part(pointers: &[u8], index: usize) -> Result<&[u8], SccpError> {
    let pointer = pointers.get(index).filter(|&&pointer| pointer > 0);
    let pointer = usize::from(*pointer.ok_or(SccpError::Truncated("pointers"))?);
    let at = pointers.get(index.saturating_add(pointer)..).ok_or(SccpError::Truncated("pointers"))?;
    counted(at)
}

fn counted(at: &[u8]) -> Result<&[u8], SccpError> {
    let (&len, rest) = at.split_first().ok_or(SccpError::Truncated("length"))?;
    rest.get(..usize::from(len)).ok_or(SccpError::Truncated("part"))
}

fn segmentation(mut options: &[u8]) -> Result<Option<Segment>, SccpError> {
    loop {
        match options {
            [] => return Err(SccpError::Truncated("options")),
            [END_OF_OPTIONS, ..] => return Ok(None),
            [SEGMENTATION, 4, flags, a, b, c, ..] => {
                let reference = u32::from_be_bytes([0, *a, *b, *c]);
                let (first, remaining) = (flags & FIRST_SEGMENT != 0, flags & 0x0f);
                return Ok(Some(Segment { first, remaining, reference }));
            }
            [_, rest @ ..] => {
                let skip = counted(rest)?.len().saturating_add(1);
                options = rest.get(skip..).unwrap_or_default();
            }
        }
    }
}

/// Message types (Q.713 table 1).
const UDT: u8 = 0x09;
const UDTS: u8 = 0x0a;
const XUDT: u8 = 0x11;
const XUDTS: u8 = 0x12;
const LUDT: u8 = 0x13;

const CLASS_0: u8 = 0;
const CLASS_1: u8 = 1;
/// Q.713 §3.6: bring it back when it cannot be delivered.
const RETURN_ON_ERROR: u8 = 0x80;
/// Q.713 §3.18.
const HOPS: u8 = 15;
const SEGMENTATION: u8 = 0x10;
const END_OF_OPTIONS: u8 = 0;
const FIRST_SEGMENT: u8 = 0x80;
const IN_SEQUENCE: u8 = 0x40;

/// What the signalling information field of a message transfer part of old holds behind its label, so that messages
/// can go on over any network.
const MAX_MESSAGE: usize = 268;
/// Type, class, three pointers, three lengths.
const UDT_OVERHEAD: usize = 8;
/// What an XUDT with segmentation has beyond that: hop counter, pointer, the option and its end.
const SEGMENT_OVERHEAD: usize = 9;
/// Q.714 §4.1.1.2.
pub const MAX_SEGMENTS: usize = 16;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
