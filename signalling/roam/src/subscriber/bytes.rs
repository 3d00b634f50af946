//! Fields of journal records: big endian, texts with a length in front.

use core::str::FromStr;

use super::ReplayError;

/// Writes fields.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Texts are checked to be shorter before they come here.
    pub(super) fn text(&mut self, text: &str) {
        let (length, text) = match u16::try_from(text.len()) {
            Ok(length) => (length, text),
            Err(_) => (0, ""),
        };
        self.u16(length);
        self.raw(text.as_bytes());
    }

    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(super) fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        let count = u16::try_from(values.len()).unwrap_or(u16::MAX);
        self.u16(count);
        values.iter().take(usize::from(count)).for_each(|value| write(self, value));
    }
}

/// Reads them back.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReplayError> {
        let (value, rest) = self.0.split_first_chunk::<N>().ok_or(ReplayError::Truncated)?;
        self.0 = rest;
        Ok(*value)
    }

    pub(super) fn u8(&mut self) -> Result<u8, ReplayError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, ReplayError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, ReplayError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, ReplayError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn flag(&mut self) -> Result<bool, ReplayError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ReplayError::Value("flag")),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, ReplayError> {
        let length = usize::from(self.u16()?);
        let (text, rest) = self.0.split_at_checked(length).ok_or(ReplayError::Truncated)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| ReplayError::Value("text"))
    }

    pub(super) fn parsed<T: FromStr>(&mut self, what: &'static str) -> Result<T, ReplayError> {
        self.text()?.parse().map_err(|_| ReplayError::Value(what))
    }

    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ReplayError>,
    ) -> Result<Option<T>, ReplayError> {
        self.flag()?.then(|| read(self)).transpose()
    }

    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, ReplayError>,
    ) -> Result<Vec<T>, ReplayError> {
        let count = self.u16()?;
        (0..count).map(|_| read(self)).collect()
    }
}
