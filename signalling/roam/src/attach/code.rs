//! Fields: a tag, a length, a value; big endian.

use core::str::FromStr;

use super::WireError;

/// The fields of one message, each at most once.
pub(crate) struct Fields<'a> {
    values: [Option<&'a [u8]>; TAGS],
}

impl<'a> Fields<'a> {
    /// The type of a frame and its fields.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the version is not spoken here, or a field is not well formed.
    pub(crate) fn open(frame: &'a [u8]) -> Result<(u8, Self), WireError> {
        let (&[version, kind], rest) = frame.split_first_chunk::<2>().ok_or(WireError::Length)?;
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        Ok((kind, Self::parse(rest)?))
    }

    /// # Errors
    ///
    /// [`WireError`] when a field is cut short, comes twice, or is not known and must not be passed over.
    fn parse(mut bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut values = [None; TAGS];
        while let Some((head, rest)) = bytes.split_first_chunk::<3>() {
            let [tag, high, low] = *head;
            let length = usize::from(u16::from_be_bytes([high, low]));
            let (value, rest) = rest.split_at_checked(length).ok_or(WireError::Truncated)?;
            bytes = rest;
            if tag & MAY_BE_PASSED_OVER != 0 {
                continue;
            }
            let place = values.get_mut(usize::from(tag)).ok_or(WireError::Field(tag))?;
            if place.replace(value).is_some() {
                return Err(WireError::Field(tag));
            }
        }
        if bytes.is_empty() { Ok(Self { values }) } else { Err(WireError::Truncated) }
    }

    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.values.get_mut(usize::from(tag)).and_then(Option::take)
    }

    pub(crate) fn flag(&mut self, tag: u8) -> Result<bool, WireError> {
        match self.take(tag) {
            None => Ok(false),
            Some([]) => Ok(true),
            Some(_) => Err(WireError::Value(tag)),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self, tag: u8) -> Result<Option<[u8; N]>, WireError> {
        let array = |value: &[u8]| <[u8; N]>::try_from(value).map_err(|_| WireError::Value(tag));
        self.take(tag).map(array).transpose()
    }

    pub(crate) fn want_array<const N: usize>(&mut self, tag: u8) -> Result<[u8; N], WireError> {
        self.array(tag)?.ok_or(WireError::Missing(tag))
    }

    /// A text that `T` reads.
    pub(crate) fn text<T: FromStr>(&mut self, tag: u8) -> Result<Option<T>, WireError> {
        let read = |value| core::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        self.take(tag).map(|value| read(value).ok_or(WireError::Value(tag))).transpose()
    }

    pub(crate) fn want_text<T: FromStr>(&mut self, tag: u8) -> Result<T, WireError> {
        self.text(tag)?.ok_or(WireError::Missing(tag))
    }

    /// Nothing may be left over that belongs to another message.
    pub(crate) fn end(self) -> Result<(), WireError> {
        let left = (0_u8..).zip(self.values).find(|(_, value)| value.is_some());
        left.map_or(Ok(()), |(tag, _)| Err(WireError::Field(tag)))
    }
}

/// Writes one message.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(kind: u8) -> Self {
        Self(vec![VERSION, kind])
    }

    pub(crate) fn put(mut self, tag: u8, value: &[u8]) -> Self {
        self.0.push(tag);
        self.0.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn put_if(self, tag: u8, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.put(tag, value),
            None => self,
        }
    }

    pub(crate) fn flag(self, tag: u8, set: bool) -> Self {
        self.put_if(tag, set.then_some(&[]))
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// The version that is spoken here.
const VERSION: u8 = 1;

/// Tags with this bit may be passed over by who does not know them; all others make the message unreadable.
const MAY_BE_PASSED_OVER: u8 = 0x80;

/// One more than the highest tag.
const TAGS: usize = 28;
