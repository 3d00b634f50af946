//! Numbers and length-prefixed vectors, as TLS writes them (RFC 5246 §4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// Reads from the front of some bytes; `None` when they end before what is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (front, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(front)
    }

    /// A big-endian number of N bytes, at most 8.
    pub(super) fn number<const N: usize>(&mut self) -> Option<u64> {
        Some(self.array::<N>()?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// A vector whose length stands before it in N bytes.
    pub(super) fn vector<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let count = usize::try_from(ahead.number::<N>()?).ok()?;
        let vector = ahead.take(count)?;
        *self = ahead;
        Some(vector)
    }
}

/// Writes the lower N bytes of `number`, the highest first.
pub(super) fn number<const N: usize>(out: &mut Vec<u8>, number: u64) {
    out.extend(number.to_be_bytes().iter().skip(8_usize.saturating_sub(N)));
}

/// Writes what `write` writes, with its length before it in N bytes.
pub(super) fn vector<const N: usize>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    number::<N>(out, inner.len() as u64);
    out.extend(inner);
}

/// The big-endian pairs of `bytes`.
pub(super) fn pairs(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks_exact(2).filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
}
