//! Tag, length, value: the basic encoding rules (ITU-T X.690) as far as the frames of TCAP and ANSI-41 need them. What MAP
//! says within is read by rasn (`map/asn1`).
//!
//! A reader here borrows, since a message is taken apart before anybody knows whose it is; it skips what it does not know,
//! and cannot be led deeper than [`MAX_DEPTH`].

use core::fmt;

/// Bytes that are no encoding of what was expected.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BerError {
    /// The bytes end inside a tag, a length or a value.
    #[error("the bytes end inside of a value")]
    Truncated,
    /// A tag or a length of more bytes than anyone needs, or one that X.690 forbids.
    #[error("a tag or length that cannot be")]
    Form,
    /// Values inside of values, more than [`MAX_DEPTH`] deep.
    #[error("nested too deep")]
    Depth,
    /// A field that must be there is not.
    #[error("the field {0} is missing")]
    Missing(Tag),
    /// A field holds what it may not.
    #[error("the field {0} holds what it may not")]
    Value(Tag),
}

/// The identifier octets (X.690 §8.1.2) as one number, class and form included: 0x30 is SEQUENCE, 0xa2 `[2]` constructed.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Tag(pub u32);

impl Tag {
    /// BOOLEAN.
    pub const BOOLEAN: Self = Self(0x01);
    /// INTEGER.
    pub const INTEGER: Self = Self(0x02);
    /// BIT STRING.
    pub const BIT_STRING: Self = Self(0x03);
    /// OCTET STRING.
    pub const OCTET_STRING: Self = Self(0x04);
    /// NULL.
    pub const NULL: Self = Self(0x05);
    /// OBJECT IDENTIFIER.
    pub const OID: Self = Self(0x06);
    /// EXTERNAL.
    pub const EXTERNAL: Self = Self(0x28);
    /// ENUMERATED.
    pub const ENUMERATED: Self = Self(0x0a);
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: Self = Self(0x30);

    /// `[number]`, primitive; `number` below 31.
    #[must_use]
    pub const fn context(number: u8) -> Self {
        Self(0x80 | (number & 0x1f) as u32)
    }

    /// `[number]`, constructed; `number` below 31.
    #[must_use]
    pub const fn constructed(number: u8) -> Self {
        Self(0xa0 | (number & 0x1f) as u32)
    }

    /// `[number]`, primitive, for any number below 2²¹, in the long form where needed (X.690 §8.1.2.4).
    #[must_use]
    pub const fn long(number: u32) -> Self {
        match number {
            0..=0x1e => Self(0x80 | number),
            0x1f..=0x7f => Self(0x9f00 | number),
            0x80..=0x3fff => Self(0x9f_8000 | (number >> 7) << 8 | (number & 0x7f)),
            _ => {
                Self(0x9f80_8000 | (number >> 14 & 0x7f) << 16 | (number >> 7 & 0x7f) << 8 | (number & 0x7f))
            }
        }
    }

    /// The same tag in its constructed form.
    #[must_use]
    pub const fn nested(self) -> Self {
        match self.0 {
            0..=0xff => Self(self.0 | 0x20),
            0x100..=0xffff => Self(self.0 | 0x2000),
            0x1_0000..=0xff_ffff => Self(self.0 | 0x20_0000),
            _ => Self(self.0 | 0x2000_0000),
        }
    }

    const fn is_constructed(self) -> bool {
        self.nested().0 == self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

/// Walks over the values that stand side by side in some bytes.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Over `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next value; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`BerError`] when it is cut short or ill-formed.
    pub fn take(&mut self) -> Result<Option<(Tag, &'a [u8])>, BerError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (tag, value, rest) = split(self.0, MAX_DEPTH)?;
        self.0 = rest;
        Ok(Some((tag, value)))
    }

    /// The next value with this tag, past others that are not known here; when there is none, nothing is passed.
    ///
    /// # Errors
    ///
    /// [`BerError`] when a value on the way is ill-formed.
    pub fn field(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, BerError> {
        let mut ahead = *self;
        while let Some((found, value)) = ahead.take()? {
            if found == tag {
                *self = ahead;
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// As [`Reader::field`], for a field that must be there.
    ///
    /// # Errors
    ///
    /// [`BerError::Missing`] when it is not.
    pub fn need(&mut self, tag: Tag) -> Result<&'a [u8], BerError> {
        self.field(tag)?.ok_or(BerError::Missing(tag))
    }

    /// The value that stands next, which must have this tag.
    ///
    /// # Errors
    ///
    /// [`BerError::Missing`] when another stands there, or none.
    pub fn expect(&mut self, tag: Tag) -> Result<&'a [u8], BerError> {
        match self.take()? {
            Some((found, value)) if found == tag => Ok(value),
            _ => Err(BerError::Missing(tag)),
        }
    }
}

/// The first value of `bytes`: its tag, its contents, and what comes after it.
fn split(bytes: &[u8], depth: u8) -> Result<(Tag, &[u8], &[u8]), BerError> {
    let (tag, after) = tag(bytes)?;
    let (&first, after) = after.split_first().ok_or(BerError::Truncated)?;
    let len = match first {
        0..=0x7f => usize::from(first),
        0x80 if tag.is_constructed() => return indefinite(tag, after, depth),
        0x81..=0x83 => {
            let count = usize::from(first & 0x7f);
            let (octets, rest) = after.split_at_checked(count).ok_or(BerError::Truncated)?;
            let len = octets.iter().fold(0_usize, |len, &octet| len << 8 | usize::from(octet));
            let (value, rest) = rest.split_at_checked(len).ok_or(BerError::Truncated)?;
            return Ok((tag, value, rest));
        }
        _ => return Err(BerError::Form),
    };
    let (value, rest) = after.split_at_checked(len).ok_or(BerError::Truncated)?;
    Ok((tag, value, rest))
}

/// X.690 §8.1.3.6: contents up to the end-of-contents octets.
fn indefinite(tag: Tag, contents: &[u8], depth: u8) -> Result<(Tag, &[u8], &[u8]), BerError> {
    let deeper = depth.checked_sub(1).ok_or(BerError::Depth)?;
    let mut rest = contents;
    loop {
        if let Some(after) = rest.strip_prefix(&[0, 0]) {
            let value = contents.get(..contents.len().saturating_sub(rest.len())).unwrap_or_default();
            return Ok((tag, value, after));
        }
        (_, _, rest) = split(rest, deeper)?;
    }
}

fn tag(bytes: &[u8]) -> Result<(Tag, &[u8]), BerError> {
    let (&first, mut rest) = bytes.split_first().ok_or(BerError::Truncated)?;
    let mut tag = u32::from(first);
    if first & 0x1f != 0x1f {
        return Ok((Tag(tag), rest));
    }
    for _ in 0..3 {
        let (&next, after) = rest.split_first().ok_or(BerError::Truncated)?;
        (tag, rest) = (tag << 8 | u32::from(next), after);
        if next & 0x80 == 0 {
            return Ok((Tag(tag), rest));
        }
    }
    Err(BerError::Form)
}

/// Appends to some bytes; lengths are filled in when a value is complete.
#[derive(Debug)]
pub struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    /// Behind what `out` holds.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self(out)
    }

    /// One value.
    pub fn value(&mut self, tag: Tag, value: &[u8]) {
        self.nest(tag, |inner| inner.0.extend_from_slice(value));
    }

    /// One value whose contents `fill` writes.
    pub fn nest(&mut self, tag: Tag, fill: impl FnOnce(&mut Writer<'_>)) {
        self.tag(tag);
        let at = self.0.len();
        self.0.push(0);
        fill(&mut Writer(self.0));
        let from = at.saturating_add(1);
        let len = self.0.len().saturating_sub(from);
        let [.., b, c, d] = len.to_be_bytes();
        match len {
            0..=0x7f => self.set(at, d),
            0x80..=0xff => self.widen(at, 0x81, &[d]),
            0x100..=0xffff => self.widen(at, 0x82, &[c, d]),
            _ => self.widen(at, 0x83, &[b, c, d]),
        }
    }

    /// Bytes that are encoded already.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// A number that is not negative, in as few octets as it takes (X.690 §8.3).
    pub fn unsigned(&mut self, tag: Tag, number: u64) {
        let octets = number.to_be_bytes();
        let skip = octets.iter().take_while(|&&octet| octet == 0).count().min(7);
        let digits = octets.get(skip..).unwrap_or_default();
        let signed = digits.first().is_some_and(|&first| first & 0x80 != 0);
        self.nest(tag, |inner| {
            if signed {
                inner.0.push(0);
            }
            inner.0.extend_from_slice(digits);
        });
    }

    fn tag(&mut self, tag: Tag) {
        let octets = tag.0.to_be_bytes();
        let skip = octets.iter().take_while(|&&octet| octet == 0).count().min(3);
        self.0.extend_from_slice(octets.get(skip..).unwrap_or_default());
    }

    fn set(&mut self, at: usize, octet: u8) {
        if let Some(place) = self.0.get_mut(at) {
            *place = octet;
        }
    }

    fn widen(&mut self, at: usize, first: u8, len: &[u8]) {
        self.set(at, first);
        let from = at.saturating_add(1);
        self.0.splice(from..from, len.iter().copied());
    }
}

/// The number that INTEGER or ENUMERATED octets hold, when it is not negative and fits.
///
/// # Errors
///
/// [`BerError::Value`] with `tag` when it does not.
pub fn unsigned(tag: Tag, octets: &[u8]) -> Result<u64, BerError> {
    let fits = match octets {
        [] => false,
        [first, rest @ ..] => first & 0x80 == 0 && (rest.len() < 8 || (rest.len() == 8 && *first == 0)),
    };
    if !fits {
        return Err(BerError::Value(tag));
    }
    Ok(octets.iter().fold(0, |number, &octet| number << 8 | u64::from(octet)))
}

/// How many values of indefinite length may stand inside of each other. TCAP and MAP need eight.
pub const MAX_DEPTH: u8 = 16;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
