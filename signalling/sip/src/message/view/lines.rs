//! The lines of a head, found in one pass: where each header stands and which it is (RFC 3261 §7.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::super::{HeaderName, MAX_HEADERS, ParseErrorKind, header_name::NameId, lex::is_token};

/// Where one header stands in the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) start: u16,
    pub(crate) value: u16,
    pub(crate) end: u16,
    pub(crate) id: NameId,
    /// Whether line ends stand in the value.
    pub(crate) folded: bool,
}

impl Entry {
    const NONE: Self = Self { start: 0, value: 0, end: 0, id: NameId::OTHER, folded: false };
}

/// Room for the places of all headers of one message, to be used again and again: of fixed size, about 900 bytes.
#[derive(Clone, Debug)]
pub struct HeaderTable {
    entries: [Entry; MAX_HEADERS],
    len: usize,
    /// The first header of each known name; [`ABSENT`] where there is none.
    first: [u8; NameId::COUNT],
    /// One bit for each known name that stands more than once.
    repeated: u128,
}

impl Default for HeaderTable {
    fn default() -> Self {
        Self::new()
    }
}

impl HeaderTable {
    /// Room for the headers of a message.
    #[must_use]
    pub const fn new() -> Self {
        let entries = [Entry::NONE; MAX_HEADERS];
        Self { entries, len: 0, first: [ABSENT; NameId::COUNT], repeated: 0 }
    }

    fn clear(&mut self) {
        (self.len, self.repeated) = (0, 0);
        self.first = [ABSENT; NameId::COUNT];
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        self.entries.get(..self.len).unwrap_or_default()
    }

    /// The first header of this name, which must be a known one.
    pub(crate) fn first(&self, name: &HeaderName) -> Option<&Entry> {
        self.entries().get(usize::from(self.place(name)))
    }

    /// Where the first header of this name stands, which must be a known one; past the end when there is none.
    pub(crate) fn place(&self, name: &HeaderName) -> u8 {
        self.first.get(name.id().index()).copied().unwrap_or(ABSENT)
    }

    /// Whether this name, which must be a known one, stands more than once.
    pub(crate) fn is_repeated(&self, name: &HeaderName) -> bool {
        self.repeated & bit(name.id()) != 0
    }

    /// `false` when the table is full.
    fn push(&mut self, entry: Entry) -> bool {
        let Some(slot) = self.entries.get_mut(self.len) else { return false };
        *slot = entry;
        if let Some(first) = self.first.get_mut(entry.id.index()) {
            if *first == ABSENT {
                *first = self.len as u8;
            } else {
                self.repeated |= bit(entry.id);
            }
        }
        self.len = self.len.wrapping_add(1);
        true
    }

    fn last_mut(&mut self) -> Option<&mut Entry> {
        self.entries.get_mut(self.len.checked_sub(1)?)
    }
}

const fn bit(id: NameId) -> u128 {
    1_u128.wrapping_shl(id.index() as u32)
}

/// What one pass over a message finds.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    table: &'t mut HeaderTable,
    /// Bytes of the start line.
    pub(crate) start: usize,
    /// Bytes of the head, without the line end of its last line.
    pub(crate) head: usize,
    /// Where the body starts; `None` when no empty line ends the head.
    pub(crate) body: Option<usize>,
    /// The first thing wrong with a line.
    pub(crate) flaw: Option<ParseErrorKind>,
}

impl<'t> Lines<'t> {
    /// Looks at `bytes` and fills the table. At most [`MAX_HEAD`] bytes count. Goes on behind a flaw, since the
    /// other headers make the rejection.
    pub(crate) fn find(bytes: &[u8], table: &'t mut HeaderTable) -> Self {
        let bytes = bytes.get(..MAX_HEAD).unwrap_or(bytes);
        table.clear();
        let mut lines = Self { table, start: bytes.len(), head: bytes.len(), body: None, flaw: None };
        // How many line ends stand in the head, and whether the one before was whole.
        let (mut ends, mut whole) = (0_usize, false);
        let mut at = 0_usize;
        for feed in Feeds::of(bytes) {
            let line = bytes.get(at..feed).unwrap_or_default();
            let (line, fine) = match line {
                [line @ .., b'\r'] => (line, true),
                _ => (line, false),
            };
            if line.is_empty() && fine && whole {
                lines.head = at.saturating_sub(2);
                lines.body = feed.checked_add(1);
                ends = ends.saturating_sub(1);
                break;
            }
            lines.line(at, line, fine);
            ends = ends.wrapping_add(usize::from(fine));
            whole = fine;
            at = feed.wrapping_add(1);
        }
        let head = bytes.get(..lines.head).unwrap_or_default();
        match lines.body {
            Some(_) => {}
            // The last line has no end; nothing comes after the others.
            None => lines.line(at, bytes.get(at..).unwrap_or_default(), true),
        }
        if memchr::memchr_iter(b'\r', head).count() != ends {
            lines.flaw = Some(lines.flaw.take().unwrap_or(ParseErrorKind::LineEnd));
        }
        lines
    }

    /// One line that starts at `at`; `fine` when it ends as a line must.
    fn line(&mut self, at: usize, line: &[u8], fine: bool) {
        if !fine {
            self.note(ParseErrorKind::LineEnd);
        }
        let end = at.saturating_add(line.len());
        if at == 0 {
            self.start = end;
            return;
        }
        match line.first() {
            None => {}
            Some(b' ' | b'\t') => self.fold(at, line),
            Some(_) => self.header(at, line),
        }
    }

    /// A line that goes on with the header before.
    #[cold]
    fn fold(&mut self, at: usize, line: &[u8]) {
        let Some(entry) = self.table.last_mut() else { return self.note(ParseErrorKind::HeaderLine) };
        let (value, end) = trimmed(at.wrapping_add(line.len()), line);
        if value == end {
            return;
        }
        if entry.value == entry.end {
            entry.value = value;
        } else {
            entry.folded = true;
        }
        entry.end = end;
    }

    #[inline]
    fn header(&mut self, at: usize, line: &[u8]) {
        let known = NameId::before_colon(line);
        let Some((id, colon)) = known.or_else(|| other_name(line)) else {
            return self.note(ParseErrorKind::HeaderLine);
        };
        let (value, end) = match line.get(colon..).unwrap_or_default() {
            // As nearly all are written.
            [b':', b' ', value @ ..] if is_trimmed(value) => {
                let end = at.wrapping_add(line.len());
                (place(end.wrapping_sub(value.len())), place(end))
            }
            value => trimmed(at.wrapping_add(line.len()), value.get(1..).unwrap_or_default()),
        };
        if !self.table.push(Entry { start: place(at), value, end, id, folded: false }) {
            self.flaw = Some(ParseErrorKind::TooManyHeaders);
        }
    }

    #[cold]
    fn note(&mut self, flaw: ParseErrorKind) {
        self.flaw.get_or_insert(flaw);
    }
}

/// Where `text`, which ends at `end`, starts and ends without the space around it.
fn trimmed(end: usize, mut text: &[u8]) -> (u16, u16) {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    let start = end.wrapping_sub(text.len());
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    (place(start), place(start.wrapping_add(text.len())))
}

/// A place in the head as it is kept; no head is longer than [`MAX_HEAD`], which fits.
const fn place(at: usize) -> u16 {
    at as u16
}

/// A name that takes a longer look, and where its colon stands.
#[cold]
fn other_name(line: &[u8]) -> Option<(NameId, usize)> {
    let colon = memchr::memchr(b':', line)?;
    let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
    let id = NameId::find(name);
    let fine = id != NameId::OTHER || (!name.is_empty() && name.iter().all(|byte| is_token(*byte)));
    fine.then_some((id, colon))
}

#[inline]
fn is_trimmed(value: &[u8]) -> bool {
    !matches!(value, [] | [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
}

/// Where the line feeds stand. Lines are short: eight bytes are looked at together.
struct Feeds<'a> {
    words: core::slice::Iter<'a, [u8; 8]>,
    tail: &'a [u8],
    /// One high bit for each line feed of the word before `next`; see [`feeds`].
    found: u64,
    next: usize,
}

impl<'a> Feeds<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let (words, tail) = bytes.as_chunks::<8>();
        Self { words: words.iter(), tail, found: 0, next: 0 }
    }

    /// The bytes after the last whole word, with zeros behind them.
    #[cold]
    fn take_tail(&mut self) -> Option<u64> {
        let tail = core::mem::take(&mut self.tail);
        (!tail.is_empty()).then(|| tail.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte)))
    }
}

impl Iterator for Feeds<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let word = match self.words.next() {
                Some(word) => u64::from_le_bytes(*word),
                None => self.take_tail()?,
            };
            self.found = feeds(word);
            self.next = self.next.wrapping_add(8);
        }
        let at = self.next.wrapping_sub(8).wrapping_add((self.found.trailing_zeros() / 8) as usize);
        self.found &= self.found.wrapping_sub(1);
        Some(at)
    }
}

/// The high bit of each byte that is a line feed: of the difference to eight line feeds, only a byte that is zero has
/// no bit at all.
#[inline]
const fn feeds(word: u64) -> u64 {
    const LOW: u64 = u64::MAX / 255 * 0x7f;
    let difference = word ^ (u64::MAX / 255).wrapping_mul(b'\n' as u64);
    !((difference & LOW).wrapping_add(LOW) | difference | LOW)
}

const ABSENT: u8 = u8::MAX;
/// Bytes of a message among which its head has to end.
pub(crate) const MAX_HEAD: usize = 65_535;
