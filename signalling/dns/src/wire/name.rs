//! A domain name in wire form, letters lowered.

use core::{borrow::Borrow, fmt};
use std::{str::FromStr, sync::Arc};

/// A domain name as uncompressed wire bytes with letters in lower case: equal bytes are equal names (RFC 4343 §3).
/// Clones share the bytes.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(Arc<[u8]>);

/// The text is not a domain name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A label is empty, too long or badly escaped, or the whole is longer than 255 bytes.
    #[error("\"{text}\" is not a domain name: {why}")]
    Text {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The bytes are not one whole uncompressed name.
    #[error("bytes are not one uncompressed domain name")]
    Bytes,
}

impl Name {
    /// The root.
    #[must_use]
    pub fn root() -> Self {
        Self(Arc::from([0_u8].as_slice()))
    }

    /// Checks `wire`, one whole uncompressed name, and lowers its letters.
    ///
    /// # Errors
    ///
    /// [`NameError::Bytes`] when it is anything else.
    pub fn from_wire(wire: &[u8]) -> Result<Self, NameError> {
        let mut rest = wire;
        loop {
            match rest.split_first() {
                Some((0, [])) if wire.len() <= MAX_NAME => return Ok(Self(wire.to_ascii_lowercase().into())),
                Some((&len @ 1..=63, after)) => {
                    rest = after.get(usize::from(len)..).ok_or(NameError::Bytes)?;
                }
                _ => return Err(NameError::Bytes),
            }
        }
    }

    /// A name from a part of another one.
    pub(crate) fn from_lowered(wire: &[u8]) -> Self {
        Self(wire.into())
    }

    /// The wire bytes, root label included.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Whether this name is `zone` or below it.
    #[must_use]
    pub fn is_within(&self, zone: &Self) -> bool {
        is_within(&self.0, &zone.0)
    }

    /// Number of labels, the root not counted.
    #[must_use]
    pub fn labels(&self) -> usize {
        suffixes(&self.0).count().saturating_sub(1)
    }
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads presentation form (RFC 1035 §5.1, with its `\X` and `\DDD`); always absolute, a final dot may be left out.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let fail = |why| NameError::Text { text: text.to_owned(), why };
        if text == "." {
            return Ok(Self::root());
        }
        let mut name = NameBuf::new();
        let mut label = Vec::with_capacity(MAX_LABEL);
        let mut rest = text.bytes();
        loop {
            let byte = rest.next();
            match byte {
                None if label.is_empty() && !name.as_wire().is_empty() => {}
                None | Some(b'.') if label.is_empty() || label.len() > MAX_LABEL => {
                    return Err(fail("each label has 1 to 63 bytes"));
                }
                None | Some(b'.') => {
                    name.push(&label).ok_or_else(|| fail("longer than 255 bytes"))?;
                    label.clear();
                }
                Some(b'\\') => label.push(unescape(&mut rest).ok_or_else(|| fail("a broken escape"))?),
                Some(byte @ b'!'..=b'~') => label.push(byte),
                Some(_) => return Err(fail("write other characters than ASCII letters in their xn-- form")),
            }
            if byte.is_none() {
                name.push(&[]).ok_or_else(|| fail("longer than 255 bytes"))?;
                return Ok(name.to_name());
            }
        }
    }
}

/// What stands after a backslash: three decimal digits, or a character that means itself.
fn unescape(rest: &mut core::str::Bytes<'_>) -> Option<u8> {
    let first = rest.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let digits = [first, rest.next()?, rest.next()?];
    core::str::from_utf8(&digits).ok()?.parse().ok()
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest: &[u8] = &self.0;
        if rest == [0] {
            return f.write_str(".");
        }
        while let Some((&len @ 1.., after)) = rest.split_first() {
            let Some((label, next)) = after.split_at_checked(usize::from(len)) else { break };
            for &byte in label {
                match byte {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                    b'!'..=b'~' => write!(f, "{}", char::from(byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
            f.write_str(".")?;
            rest = next;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A name read from a message, lowered, without allocation.
#[derive(Clone, Copy)]
pub struct NameBuf {
    bytes: [u8; MAX_NAME],
    len: usize,
}

impl NameBuf {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; MAX_NAME], len: 0 }
    }

    /// Appends a length byte and label, or the root label; `None` when the name grows too long.
    pub(super) fn push(&mut self, label: &[u8]) -> Option<()> {
        let end = self.len.checked_add(label.len())?.checked_add(1)?;
        let (len, text) = self.bytes.get_mut(self.len..end)?.split_first_mut()?;
        *len = u8::try_from(label.len()).ok()?;
        text.copy_from_slice(label);
        text.make_ascii_lowercase();
        self.len = end;
        Some(())
    }

    /// The wire bytes, letters lowered, root label included.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The same name, owned.
    #[must_use]
    pub fn to_name(&self) -> Name {
        Name(self.as_wire().into())
    }
}

impl fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_name(), f)
    }
}

/// Whether the wire name `name` is `zone` or below it.
pub(crate) fn is_within(name: &[u8], zone: &[u8]) -> bool {
    suffixes(name).any(|suffix| suffix == zone)
}

/// The name itself, its parent, and so on up to the root.
pub(crate) fn suffixes(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(name).filter(|name| !name.is_empty());
    core::iter::from_fn(move || {
        let this = rest?;
        rest = match this.split_first() {
            Some((&len @ 1.., after)) => after.get(usize::from(len)..).filter(|after| !after.is_empty()),
            _ => None,
        };
        Some(this)
    })
}

/// Longest name in bytes, length bytes and root label included (RFC 1035 §2.3.4).
const MAX_NAME: usize = 255;
/// Longest label in bytes.
const MAX_LABEL: usize = 63;
