//! Packets of SCTP and the chunks in them (RFC 9260 §3).

use super::checksum::crc32c;

/// Bytes that are no packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Less than a common header and a chunk.
    #[error("a packet of {0} bytes")]
    Length(usize),
    /// The checksum is another.
    #[error("a checksum that is wrong")]
    Checksum,
    /// A chunk ends beyond the packet, or is shorter than its header.
    #[error("a chunk that says {0} bytes")]
    Chunk(usize),
}

/// A checked packet: its chunks can be walked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// The sender's port.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
    /// What the receiver has called this association; 0 for its first packet.
    pub tag: u32,
    chunks: &'a [u8],
}

/// One chunk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chunk<'a> {
    /// What it is (§3.2).
    pub kind: u8,
    /// By its kind.
    pub flags: u8,
    /// Without header and padding.
    pub value: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the payload of a datagram.
    ///
    /// # Errors
    ///
    /// [`PacketError`] says what is wrong with it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let Some((&[a, b, c, d, e, f, g, h, s, t, u, v], chunks)) = bytes.split_first_chunk::<HEADER>()
        else {
            return Err(PacketError::Length(bytes.len()));
        };
        if chunks.is_empty() {
            return Err(PacketError::Length(bytes.len()));
        }
        if crc32c(&[&[a, b, c, d, e, f, g, h, 0, 0, 0, 0], chunks]) != u32::from_le_bytes([s, t, u, v]) {
            return Err(PacketError::Checksum);
        }
        let mut rest = chunks;
        while !rest.is_empty() {
            (_, rest) = chunk(rest)?;
        }
        let (source, destination) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Ok(Self { source, destination, tag: u32::from_be_bytes([e, f, g, h]), chunks })
    }

    /// Its chunks, one at least.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let mut rest = self.chunks;
        core::iter::from_fn(move || {
            let (first, after) = chunk(rest).ok()?;
            rest = after;
            Some(first)
        })
    }
}

fn chunk(bytes: &[u8]) -> Result<(Chunk<'_>, &[u8]), PacketError> {
    let Some((&[kind, flags, high, low], rest)) = bytes.split_first_chunk::<4>() else {
        return Err(PacketError::Chunk(bytes.len()));
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    let value = len.checked_sub(4).and_then(|len| rest.get(..len)).ok_or(PacketError::Chunk(len))?;
    // The last padding may be missing.
    let after = rest.get(padded(value.len())..).unwrap_or_default();
    Ok((Chunk { kind, flags, value }, after))
}

/// The parameters in `bytes`, or the causes, which look alike: what each is, its value, and all of it. Ends where one
/// makes no sense.
pub(super) fn parameters(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8], &[u8])> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let (&[a, b, high, low], after) = rest.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_be_bytes([high, low]));
        let value = after.get(..len.checked_sub(4)?)?;
        let whole = rest.get(..len)?;
        rest = rest.get(padded(len)..).unwrap_or_default();
        Some((u16::from_be_bytes([a, b]), value, whole))
    })
}

/// A packet that is being written.
#[derive(Debug)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// From our port to theirs, with the tag that the receiver knows the association by.
    #[must_use]
    pub fn new((source, destination): (u16, u16), tag: u32) -> Self {
        let mut bytes = Vec::with_capacity(MTU);
        bytes.extend_from_slice(&source.to_be_bytes());
        bytes.extend_from_slice(&destination.to_be_bytes());
        bytes.extend_from_slice(&tag.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Self(bytes)
    }

    /// One chunk more, whose value are these parts.
    pub fn chunk(&mut self, kind: u8, flags: u8, parts: &[&[u8]]) {
        let len = parts.iter().map(|part| part.len()).sum::<usize>().saturating_add(4);
        self.0.extend_from_slice(&[kind, flags]);
        self.0.extend_from_slice(&u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
        parts.iter().for_each(|part| self.0.extend_from_slice(part));
        self.0.resize(padded(self.0.len()), 0);
    }

    /// Whether there is no chunk in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.len() <= HEADER
    }

    /// How many bytes of a chunk, header and all, still go into it.
    #[must_use]
    pub const fn room(&self) -> usize {
        MTU.saturating_sub(self.0.len())
    }

    /// The packet with its checksum.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let sum = crc32c(&[&self.0]).to_le_bytes();
        if let Some(place) = self.0.get_mut(8..HEADER) {
            place.copy_from_slice(&sum);
        }
        self.0
    }
}

pub(super) const fn padded(len: usize) -> usize {
    len.saturating_add(3) & !3
}

/// Reads two numbers of 16 bits.
pub(super) const fn halves([a, b, c, d]: [u8; 4]) -> (u16, u16) {
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

/// The common header.
const HEADER: usize = 12;
/// The longest packet that is sent: with the headers of UDP and IPv6 in front of it within 1280 bytes, which every path
/// carries.
pub(super) const MTU: usize = 1_232;

/// What chunks are (§3.2).
pub mod kind {
    /// Signalling.
    pub const DATA: u8 = 0;
    /// Wants an association.
    pub const INIT: u8 = 1;
    /// With a cookie, to be brought back.
    pub const INIT_ACK: u8 = 2;
    /// What has come.
    pub const SACK: u8 = 3;
    /// Is there a way to you?
    pub const HEARTBEAT: u8 = 4;
    /// Yes.
    pub const HEARTBEAT_ACK: u8 = 5;
    /// It is over, at once.
    pub const ABORT: u8 = 6;
    /// It is to be over when all has come.
    pub const SHUTDOWN: u8 = 7;
    /// All has come.
    pub const SHUTDOWN_ACK: u8 = 8;
    /// Something was wrong.
    pub const ERROR: u8 = 9;
    /// The cookie, back.
    pub const COOKIE_ECHO: u8 = 10;
    /// It was good.
    pub const COOKIE_ACK: u8 = 11;
    /// It is over.
    pub const SHUTDOWN_COMPLETE: u8 = 14;
}
