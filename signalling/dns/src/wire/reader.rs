//! A cursor over one message.

use core::ops::Range;

use super::{NameBuf, class};

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The message ends inside the part named.
    #[error("the message ends inside its {0}")]
    Truncated(&'static str),
    /// A label has one of the two reserved kinds (RFC 1035 §4.1.4).
    #[error("a label of reserved kind")]
    Label,
    /// A compression pointer does not point backwards.
    #[error("a compression pointer that does not point backwards")]
    Pointer,
    /// A name is longer than 255 bytes.
    #[error("a name longer than 255 bytes")]
    LongName,
    /// Bytes follow the last record.
    #[error("bytes after the last record")]
    TrailingBytes,
    /// The contents of a record do not fit its type.
    #[error("contents that do not fit record type {0}")]
    Rdata(u16),
}

/// The fixed first twelve bytes (RFC 1035 §4.1.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// Chosen by who asks, copied by who answers.
    pub id: u16,
    /// QR, OPCODE, AA, TC, RD, RA, Z and RCODE as they stand.
    pub flags: u16,
    /// Entries in the question (zone), answer (prerequisite), authority (update) and additional sections.
    pub counts: [u16; 4],
}

impl Header {
    /// Bytes of a header.
    pub const LEN: usize = 12;
    /// "This is an answer."
    pub const QR: u16 = 0x8000;
    /// "This server is authoritative for the name."
    pub const AA: u16 = 0x0400;
    /// "The answer did not fit."
    pub const TC: u16 = 0x0200;
    /// "Recursion desired."
    pub const RD: u16 = 0x0100;

    /// What kind of message it is.
    #[must_use]
    pub const fn opcode(self) -> u8 {
        ((self.flags >> 11) & 0x0f) as u8
    }

    /// Whether it is an answer.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        self.flags & Self::QR != 0
    }

    /// Records in the three sections after the question.
    #[must_use]
    pub fn records(self) -> u32 {
        let [_, rest @ ..] = self.counts;
        rest.into_iter().map(u32::from).fold(0, u32::saturating_add)
    }
}

/// One entry of the question section.
#[derive(Clone, Debug)]
pub struct Question {
    /// The name asked for.
    pub name: NameBuf,
    /// QTYPE.
    pub rtype: u16,
    /// QCLASS.
    pub class: u16,
}

/// A resource record up to its contents.
#[derive(Clone, Debug)]
pub struct RecordHead {
    /// Owner.
    pub name: NameBuf,
    /// TYPE.
    pub rtype: u16,
    /// CLASS; the payload size in OPT.
    pub class: u16,
    /// TTL in seconds; flags in OPT.
    pub ttl: u32,
    /// Where the record starts in the message.
    pub start: usize,
    /// Where its contents are in the message.
    pub rdata: Range<usize>,
}

/// Reads a message from front to back.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the first byte of `message`.
    #[must_use]
    pub const fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    /// A reader at byte `at` of `message`, so that compression pointers still find their targets.
    #[must_use]
    pub const fn starting_at(message: &'a [u8], at: usize) -> Self {
        Self { message, at }
    }

    /// How many bytes have been read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Reads the header.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`].
    pub fn header(&mut self) -> Result<Header, WireError> {
        let mut next = || self.u16("header");
        Ok(Header { id: next()?, flags: next()?, counts: [next()?, next()?, next()?, next()?] })
    }

    /// Reads one entry of the question section.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the name is bad or the entry is cut short.
    pub fn question(&mut self) -> Result<Question, WireError> {
        let name = self.name()?;
        Ok(Question { name, rtype: self.u16("question")?, class: self.u16("question")? })
    }

    /// Reads one record, stepping over its contents.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the name is bad or the record is cut short.
    pub fn record(&mut self) -> Result<RecordHead, WireError> {
        let start = self.at;
        let name = self.name()?;
        let (rtype, class, ttl) = (self.u16("record")?, self.u16("record")?, self.u32("record")?);
        let len = usize::from(self.u16("record")?);
        let from = self.at;
        self.bytes(len, "record contents")?;
        Ok(RecordHead { name, rtype, class, ttl, start, rdata: from..self.at })
    }

    /// Reads a name, following compression pointers, each of which must point before everything read so far.
    ///
    /// # Errors
    ///
    /// [`WireError`].
    pub fn name(&mut self) -> Result<NameBuf, WireError> {
        let mut name = NameBuf::new();
        let (mut at, mut before, mut end) = (self.at, self.at, None);
        loop {
            let (len, next) = (self.byte_at(at)?, at.saturating_add(1));
            match len {
                0 => {
                    name.push(&[]).ok_or(WireError::LongName)?;
                    self.at = end.unwrap_or(next);
                    return Ok(name);
                }
                1..=63 => {
                    let label_end = next.saturating_add(usize::from(len));
                    let label = self.message.get(next..label_end).ok_or(WireError::Truncated("name"))?;
                    name.push(label).ok_or(WireError::LongName)?;
                    at = label_end;
                }
                0xc0.. => {
                    let target = usize::from(len & 0x3f) << 8 | usize::from(self.byte_at(next)?);
                    if target >= before || target < Header::LEN {
                        return Err(WireError::Pointer);
                    }
                    end = end.or(Some(next.saturating_add(1)));
                    (at, before) = (target, target);
                }
                _ => return Err(WireError::Label),
            }
        }
    }

    /// Reads two bytes of the part named.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`].
    pub fn u16(&mut self, part: &'static str) -> Result<u16, WireError> {
        self.array(part).map(u16::from_be_bytes)
    }

    /// Reads four bytes of the part named.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`].
    pub fn u32(&mut self, part: &'static str) -> Result<u32, WireError> {
        self.array(part).map(u32::from_be_bytes)
    }

    /// Reads `N` bytes of the part named.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`].
    pub fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], WireError> {
        self.bytes(N, part)?.first_chunk().copied().ok_or(WireError::Truncated(part))
    }

    /// Reads `len` bytes of the part named.
    ///
    /// # Errors
    ///
    /// [`WireError::Truncated`].
    pub fn bytes(&mut self, len: usize, part: &'static str) -> Result<&'a [u8], WireError> {
        let end = self.at.saturating_add(len);
        let bytes = self.message.get(self.at..end).ok_or(WireError::Truncated(part))?;
        self.at = end;
        Ok(bytes)
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    ///
    /// [`WireError::TrailingBytes`].
    pub const fn finish(&self) -> Result<(), WireError> {
        if self.at == self.message.len() { Ok(()) } else { Err(WireError::TrailingBytes) }
    }

    fn byte_at(&self, at: usize) -> Result<u8, WireError> {
        self.message.get(at).copied().ok_or(WireError::Truncated("name"))
    }
}

impl RecordHead {
    /// Whether the record says, in an update, something about a set rather than carrying one (RFC 2136 §2.4).
    #[must_use]
    pub const fn is_about_a_set(&self) -> bool {
        matches!(self.class, class::ANY | class::NONE)
    }
}
