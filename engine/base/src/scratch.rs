//! The buffer a machine writes into, reused for ever by its driver.

/// Bytes that one drain of a machine wrote. The driver clears it after the bytes have left.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
}

/// Which bytes of a [`Scratch`] are meant.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Scratch {
    /// A scratch that holds `capacity` bytes before it has to grow.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// Forgets all spans; keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Bytes written since the last [`Scratch::clear`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been written since the last [`Scratch::clear`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends `bytes`.
    pub fn push(&mut self, bytes: &[u8]) -> Span {
        self.write(|out| out.extend_from_slice(bytes))
    }

    /// Appends what `write` appends. `write` must not shorten the vector.
    pub fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.bytes.len();
        write(&mut self.bytes);
        Span::between(start, self.bytes.len())
    }

    /// Lends `max` zeroed bytes to `fill`, which answers how many of them it used.
    pub fn lend(&mut self, max: usize, fill: impl FnOnce(&mut [u8]) -> usize) -> Span {
        let start = self.bytes.len();
        self.bytes.resize(start + max, 0);
        let used = self.bytes.get_mut(start..).map_or(0, fill).min(max);
        self.bytes.truncate(start + used);
        Span::between(start, self.bytes.len())
    }

    /// `span` with `more` zeroed bytes behind it. `None` when something else was written behind it already.
    #[must_use]
    pub fn extend(&mut self, span: Span, more: usize) -> Option<Span> {
        let (start, end) = (span.start as usize, self.bytes.len());
        if start + span.len() != end {
            return None;
        }
        self.bytes.resize(end + more, 0);
        Some(Span::between(start, self.bytes.len()))
    }

    /// The bytes of `span` with `header` before them: in place where nothing else was written behind, else as a copy. Empty
    /// when the scratch was cleared since.
    #[must_use]
    pub fn prefix(&mut self, span: Span, header: &[u8]) -> Span {
        let start = span.start as usize;
        let (end, len) = (start.saturating_add(span.len()), self.bytes.len());
        if end > len {
            return Span::default();
        }
        self.bytes.extend_from_slice(header);
        if end == len {
            if let Some(both) = self.bytes.get_mut(start..) {
                both.rotate_right(header.len());
            }
            return Span::between(start, self.bytes.len());
        }
        self.bytes.extend_from_within(start..end);
        Span::between(len, self.bytes.len())
    }

    /// The bytes of `span` once more, behind all that was written.
    pub fn repeat(&mut self, span: Span) -> Span {
        let (start, end) = (span.start as usize, (span.start as usize).saturating_add(span.len()));
        self.write(|out| {
            if end <= out.len() {
                out.extend_from_within(start..end);
            }
        })
    }

    /// The bytes of `span`; empty when the scratch was cleared since.
    #[must_use]
    pub fn get(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        self.bytes.get(start..start + span.len as usize).unwrap_or_default()
    }

    /// The bytes of `span`, to be worked on in place; empty when the scratch was cleared since.
    #[must_use]
    pub fn get_mut(&mut self, span: Span) -> &mut [u8] {
        let start = span.start as usize;
        self.bytes.get_mut(start..start + span.len as usize).unwrap_or_default()
    }
}

impl Span {
    fn between(start: usize, end: usize) -> Self {
        // A scratch of 4 GiB would be a bug of its driver; the span then reads as empty.
        match (u32::try_from(start), u32::try_from(end.saturating_sub(start))) {
            (Ok(start), Ok(len)) => Self { start, len },
            _ => Self::default(),
        }
    }

    /// Number of bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.len as usize
    }

    /// Whether no byte is meant.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_survive_growth_and_die_with_clear() {
        let mut scratch = Scratch::default();
        let first = scratch.push(b"INVITE");
        let second = scratch.lend(100, |out| {
            out[..3].copy_from_slice(b"BYE");
            3
        });
        assert_eq!((scratch.get(first), scratch.get(second)), (&b"INVITE"[..], &b"BYE"[..]));
        assert_eq!(scratch.extend(first, 2), None);
        let longer = scratch.extend(second, 2).unwrap_or_default();
        assert_eq!(scratch.get(longer), b"BYE\0\0");
        scratch.clear();
        assert_eq!(scratch.get(second), b"");
    }

    #[test]
    fn a_header_goes_before_a_span_in_place_or_before_a_copy_of_it() {
        let mut scratch = Scratch::default();
        let (first, last) = (scratch.push(b"one"), scratch.push(b"two"));
        let last = scratch.prefix(last, b"h:");
        assert_eq!((scratch.get(last), scratch.len()), (&b"h:two"[..], 8));
        let copy = scratch.prefix(first, b"h:");
        assert_eq!((scratch.get(copy), scratch.get(first)), (&b"h:one"[..], &b"one"[..]));
        scratch.clear();
        assert!(scratch.prefix(last, b"h:").is_empty());
    }
}
