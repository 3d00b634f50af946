//! Messages (RFC 6733 §3): a header, and pairs.

use super::avp::{Avps, Writer};

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The version is not 1.
    #[error("version {0} is not spoken here")]
    Version(u8),
    /// The length is no multiple of four, less than a header, more than [`MAX_MESSAGE`], or not the message's own.
    #[error("a message of {0} bytes")]
    Length(usize),
}

/// The header, without its length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// Of [`REQUEST`], [`PROXIABLE`], [`ERROR`] and [`RETRANSMITTED`].
    pub flags: u8,
    /// The command's code, 24 bits.
    pub command: u32,
    /// Which application it belongs to; 0 for what two neighbours say to each other.
    pub application: u32,
    /// Ties an answer to its request on one connection.
    pub hop: u32,
    /// Tells repeated requests of one sender.
    pub end: u32,
}

/// One message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Message<'a> {
    /// Its header.
    pub header: Header,
    /// What it says.
    pub avps: Avps<'a>,
}

impl Header {
    /// Whether it is a request.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        self.flags & REQUEST != 0
    }

    /// That of the answer: of the same command, with the same identifiers.
    #[must_use]
    pub const fn answer(self) -> Self {
        Self { flags: self.flags & PROXIABLE, ..self }
    }
}

/// How long the first message of `bytes` is; `None` until that can be told.
///
/// # Errors
///
/// [`MessageError`] when what stands there is none.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, MessageError> {
    match bytes.first() {
        Some(&VERSION) | None => {}
        // A first byte that is wrong is not waited upon.
        Some(&version) => return Err(MessageError::Version(version)),
    }
    let Some(&[_, a, b, c]) = bytes.first_chunk::<4>() else { return Ok(None) };
    let len = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
    let good = (HEADER..=MAX_MESSAGE).contains(&len) && len.is_multiple_of(4);
    if good { Ok(Some(len)) } else { Err(MessageError::Length(len)) }
}

impl<'a> Message<'a> {
    /// Reads one whole message.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when it is none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let wrong = MessageError::Length(bytes.len());
        if length(bytes)? != Some(bytes.len()) {
            return Err(wrong);
        }
        let (head, avps) = bytes.split_first_chunk::<HEADER>().ok_or(wrong)?;
        let [_, _, _, _, flags, c0, c1, c2, ids @ ..] = *head;
        let [a0, a1, a2, a3, h0, h1, h2, h3, e0, e1, e2, e3] = ids;
        let header = Header {
            flags,
            command: u32::from_be_bytes([0, c0, c1, c2]),
            application: u32::from_be_bytes([a0, a1, a2, a3]),
            hop: u32::from_be_bytes([h0, h1, h2, h3]),
            end: u32::from_be_bytes([e0, e1, e2, e3]),
        };
        Ok(Self { header, avps: Avps::new(avps) })
    }
}

/// Appends a message; `avps` writes what it says.
pub fn write(out: &mut Vec<u8>, header: Header, avps: impl FnOnce(&mut Writer<'_>)) {
    let start = out.len();
    out.extend_from_slice(&[VERSION, 0, 0, 0]);
    let [_, command @ ..] = header.command.to_be_bytes();
    out.push(header.flags);
    out.extend_from_slice(&command);
    for id in [header.application, header.hop, header.end] {
        out.extend_from_slice(&id.to_be_bytes());
    }
    avps(&mut Writer::new(out));
    let len = out.len().saturating_sub(start);
    let [_, bytes @ ..] = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
    let at = start.saturating_add(1);
    if let Some(place) = out.get_mut(at..at.saturating_add(bytes.len())) {
        place.copy_from_slice(&bytes);
    }
}

/// R: a request.
pub const REQUEST: u8 = 0x80;
/// P: may be proxied.
pub const PROXIABLE: u8 = 0x40;
/// E: an answer that tells of a protocol error.
pub const ERROR: u8 = 0x20;
/// T: sent again after a connection was lost.
pub const RETRANSMITTED: u8 = 0x10;
/// No message may be longer.
pub const MAX_MESSAGE: usize = 65_536;

const VERSION: u8 = 1;
const HEADER: usize = 20;
