//! Attribute-value pairs (RFC 6733 §4.1): read where they stand, written side by side.

use core::fmt;

/// What a pair is called: its code, whose it is, and whether whoever does not know it must refuse the message.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The number.
    pub number: u32,
    /// Whose it is; 0 for the base protocol's.
    pub vendor: u32,
    /// Whether the M bit is set where it is written. It plays no part where it is read.
    pub mandatory: bool,
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        (self.number, self.vendor) == (other.number, other.vendor)
    }
}

impl Eq for Code {}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of vendor {}", self.number, self.vendor)
    }
}

impl Code {
    /// Of the base protocol.
    #[must_use]
    pub const fn base(number: u32) -> Self {
        Self { number, vendor: 0, mandatory: true }
    }

    /// Of 3GPP.
    #[must_use]
    pub const fn of_3gpp(number: u32) -> Self {
        Self { number, vendor: VENDOR_3GPP, mandatory: true }
    }

    /// One of ours, which others may pass over.
    #[must_use]
    pub const fn private(number: u32) -> Self {
        Self { number, vendor: VENDOR_PRIVATE, mandatory: false }
    }

    /// The same, which others may pass over.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { mandatory: false, ..self }
    }
}

/// What is wrong with the pairs of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AvpError {
    /// The bytes end inside a pair.
    #[error("a pair ends beyond its message or group")]
    Truncated,
    /// The length of a pair is less than that of its header.
    #[error("a pair of {0} bytes")]
    Length(usize),
    /// One that must be there is not.
    #[error("AVP {0} is missing")]
    Missing(Code),
    /// One holds what it may not.
    #[error("AVP {0} holds what it may not")]
    Value(Code),
}

/// Pairs side by side, of a message or a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Avps<'a>(&'a [u8]);

impl<'a> Avps<'a> {
    /// Of these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next pair, passing over it; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`AvpError`] when none stands there.
    pub fn take(&mut self) -> Result<Option<(Code, &'a [u8])>, AvpError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (head, _) = self.0.split_first_chunk::<HEADER>().ok_or(AvpError::Truncated)?;
        let [n0, n1, n2, n3, flags, l0, l1, l2] = *head;
        let has_vendor = flags & VENDOR != 0;
        let header = if has_vendor { HEADER_WITH_VENDOR } else { HEADER };
        let len = usize::try_from(u32::from_be_bytes([0, l0, l1, l2])).unwrap_or(usize::MAX);
        let whole = self.0.get(..len).ok_or(AvpError::Truncated)?;
        let (header, data) = whole.split_at_checked(header).ok_or(AvpError::Length(len))?;
        let vendor = match (has_vendor, header.last_chunk::<4>()) {
            (true, Some(vendor)) => u32::from_be_bytes(*vendor),
            _ => 0,
        };
        // The padding of the last pair may be left out by those who count from the message's length.
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or_default();
        let number = u32::from_be_bytes([n0, n1, n2, n3]);
        Ok(Some((Code { number, vendor, mandatory: flags & MANDATORY != 0 }, data)))
    }

    /// What the first pair of this code holds, wherever it stands.
    ///
    /// # Errors
    ///
    /// [`AvpError`] when something before it is no pair.
    pub fn find(self, code: Code) -> Result<Option<&'a [u8]>, AvpError> {
        let mut rest = self;
        while let Some((found, data)) = rest.take()? {
            if found == code {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// What the first pair of this code holds.
    ///
    /// # Errors
    ///
    /// [`AvpError::Missing`] when there is none.
    pub fn need(self, code: Code) -> Result<&'a [u8], AvpError> {
        self.find(code)?.ok_or(AvpError::Missing(code))
    }

    /// The pairs in the group of this code.
    ///
    /// # Errors
    ///
    /// As [`Avps::find`].
    pub fn group(self, code: Code) -> Result<Option<Self>, AvpError> {
        Ok(self.find(code)?.map(Self))
    }

    /// An Unsigned32, Integer32 or Enumerated.
    ///
    /// # Errors
    ///
    /// [`AvpError::Value`] when it has another length.
    pub fn number(self, code: Code) -> Result<Option<u32>, AvpError> {
        let number = |data: &[u8]| data.try_into().map(u32::from_be_bytes).map_err(|_| AvpError::Value(code));
        self.find(code)?.map(number).transpose()
    }

    /// An Unsigned64.
    ///
    /// # Errors
    ///
    /// [`AvpError::Value`] when it has another length.
    pub fn long(self, code: Code) -> Result<Option<u64>, AvpError> {
        let number = |data: &[u8]| data.try_into().map(u64::from_be_bytes).map_err(|_| AvpError::Value(code));
        self.find(code)?.map(number).transpose()
    }

    /// Octets of a fixed number.
    ///
    /// # Errors
    ///
    /// [`AvpError`] when there are none, or another number.
    pub fn fixed<const N: usize>(self, code: Code) -> Result<[u8; N], AvpError> {
        self.need(code)?.try_into().map_err(|_| AvpError::Value(code))
    }

    /// Something that is written as text.
    ///
    /// # Errors
    ///
    /// [`AvpError::Value`] when the text is none of it.
    pub fn parse<T: core::str::FromStr>(self, code: Code) -> Result<Option<T>, AvpError> {
        let parse = |data: &[u8]| {
            let text = core::str::from_utf8(data).ok().filter(|text| text.len() <= MAX_TEXT);
            text.and_then(|text| text.parse().ok()).ok_or(AvpError::Value(code))
        };
        self.find(code)?.map(parse).transpose()
    }
}

/// Writes pairs one after the other.
#[derive(Debug)]
pub struct Writer<'o>(&'o mut Vec<u8>);

impl<'o> Writer<'o> {
    /// Appends to `out`.
    pub const fn new(out: &'o mut Vec<u8>) -> Self {
        Self(out)
    }

    /// One pair of octets or text.
    pub fn value(&mut self, code: Code, data: &[u8]) {
        self.nest(code, |out| out.0.extend_from_slice(data));
    }

    /// One pair with an Unsigned32, Integer32 or Enumerated.
    pub fn number(&mut self, code: Code, number: u32) {
        self.value(code, &number.to_be_bytes());
    }

    /// One pair that is a group of others.
    pub fn nest(&mut self, code: Code, inner: impl FnOnce(&mut Writer<'_>)) {
        let start = self.0.len();
        self.0.extend_from_slice(&code.number.to_be_bytes());
        let flags = if code.vendor == 0 { 0 } else { VENDOR } | if code.mandatory { MANDATORY } else { 0 };
        self.0.extend_from_slice(&[flags, 0, 0, 0]);
        if code.vendor != 0 {
            self.0.extend_from_slice(&code.vendor.to_be_bytes());
        }
        inner(&mut Writer(self.0));
        let len = self.0.len().saturating_sub(start);
        // What we write is far from 2²⁴ bytes.
        let [_, bytes @ ..] = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        let at = start.saturating_add(LENGTH_AT);
        if let Some(place) = self.0.get_mut(at..at.saturating_add(bytes.len())) {
            place.copy_from_slice(&bytes);
        }
        self.0.resize(start.saturating_add(len.next_multiple_of(4)), 0);
    }
}

/// 3GPP.
pub const VENDOR_3GPP: u32 = 10_415;
/// The enterprise number for examples (RFC 5612).
pub const VENDOR_PRIVATE: u32 = 32_473;

const VENDOR: u8 = 0x80;
const MANDATORY: u8 = 0x40;
const HEADER: usize = 8;
const HEADER_WITH_VENDOR: usize = 12;
/// Where the length stands in the header of a pair.
const LENGTH_AT: usize = 5;
const MAX_TEXT: usize = 255;
