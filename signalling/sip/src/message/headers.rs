//! The headers of a message: an ordered list, read as types on demand.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod values;

use core::fmt;
use std::borrow::Cow;

use super::{HeaderName, MessageView, lex::unfold_into, view};

/// Headers in the order of the message. Values are kept as they were received, unfolded and without space around.
///
/// Accessors named after a header parse it anew each time; those that answer a `Result` fail with
/// [`HeaderError`](super::HeaderError)
/// when the header does not follow its grammar, when it is missing and has to be there, or when it stands twice and may
/// not.
#[derive(Clone, Default)]
pub struct Headers {
    lines: Vec<Line>,
    /// The values, in any order, and what is left of others.
    text: String,
}

/// One header: its name, and where its value lies.
#[derive(Clone, Debug)]
struct Line {
    name: HeaderName,
    start: usize,
    end: usize,
}

impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Self { lines: Vec::new(), text: String::new() }
    }

    /// The first value of `name`.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of `name`, one for each line, in order.
    pub fn all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |line| line.name == *name).map(|line| self.value(line))
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &str)> {
        self.lines.iter().map(|line| (&line.name, self.value(line)))
    }

    /// Number of header lines.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lines.len()
    }

    /// How much memory they take.
    pub(crate) const fn weight(&self) -> usize {
        self.text.capacity().saturating_add(self.lines.capacity().saturating_mul(size_of::<Line>()))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds a header at the end. Line ends in `value` become spaces, so that a value cannot forge a header.
    pub fn push<'a>(&mut self, name: HeaderName, value: impl Into<Cow<'a, str>>) {
        let line = self.keep(name, &value.into());
        self.lines.push(line);
    }

    /// Gives `name` this one value: in place of its first, or at the end.
    pub fn set<'a>(&mut self, name: HeaderName, value: impl Into<Cow<'a, str>>) {
        let Some(at) = self.place(&name) else { return self.push(name, value) };
        let mut index = 0_usize;
        self.lines.retain(|line| {
            let keep = index <= at || line.name != name;
            index = index.saturating_add(1);
            keep
        });
        let line = self.keep(name, &value.into());
        if let Some(slot) = self.lines.get_mut(at) {
            (slot.start, slot.end) = (line.start, line.end);
        }
    }

    /// Adds a header before the first of its name, or at the front.
    pub fn prepend<'a>(&mut self, name: HeaderName, value: impl Into<Cow<'a, str>>) {
        let at = self.place(&name).unwrap_or(0);
        let line = self.keep(name, &value.into());
        self.lines.insert(at, line);
    }

    /// Drops all headers of this name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.lines.retain(|line| line.name != *name);
    }

    /// Adds all headers of this name from `other`, in order.
    pub fn copy(&mut self, name: &HeaderName, other: &Self) {
        other.all(name).for_each(|value| self.push(name.clone(), value));
    }

    /// Empty, with room for these and what is usually added.
    pub(super) fn with_room<'a>(of: impl Iterator<Item = (&'a HeaderName, &'a str)>) -> Self {
        let (lines, bytes) = of.fold((0_usize, 0_usize), |(lines, bytes), (_, value)| {
            (lines.saturating_add(1), bytes.saturating_add(value.len()))
        });
        Self {
            lines: Vec::with_capacity(lines.saturating_add(ROOM_LINES)),
            text: String::with_capacity(bytes.saturating_add(ROOM_BYTES)),
        }
    }

    /// The same, with room for what is usually added.
    pub(crate) fn clone_with_room(&self) -> Self {
        let mut same = Self {
            lines: Vec::with_capacity(self.lines.len().saturating_add(ROOM_LINES)),
            text: String::with_capacity(self.text.len().saturating_add(ROOM_BYTES)),
        };
        same.lines.extend_from_slice(&self.lines);
        same.text.push_str(&self.text);
        same
    }

    fn place(&self, name: &HeaderName) -> Option<usize> {
        self.lines.iter().position(|line| line.name == *name)
    }

    fn value(&self, line: &Line) -> &str {
        self.text.get(line.start..line.end).unwrap_or_default()
    }

    /// Keeps a value, without line ends and space around.
    fn keep(&mut self, name: HeaderName, value: &str) -> Line {
        let waste = self.text.len().saturating_sub(self.lines.iter().map(Line::len).sum());
        if waste > MAX_WASTE {
            self.tidy();
        }
        let start = self.text.len();
        let value = value.trim_matches([' ', '\t', '\r', '\n']);
        match memchr::memchr2(b'\r', b'\n', value.as_bytes()) {
            None => self.text.push_str(value),
            Some(_) => self.text.extend(value.chars().map(|char| match char {
                '\r' | '\n' => ' ',
                char => char,
            })),
        }
        Line { name, start, end: self.text.len() }
    }

    /// Drops what is left of values that are no longer there.
    fn tidy(&mut self) {
        let mut text = String::with_capacity(self.text.len());
        for line in &mut self.lines {
            let start = text.len();
            text.push_str(self.text.get(line.start..line.end).unwrap_or_default());
            (line.start, line.end) = (start, text.len());
        }
        self.text = text;
    }
}

impl Line {
    const fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl From<&MessageView<'_>> for Headers {
    fn from(view: &MessageView<'_>) -> Self {
        let (head, table) = view.parts();
        view::headers_of(head, table)
    }
}

impl Headers {
    /// All headers of a head, without folds: one copy of the head and one list.
    pub(crate) fn of(head: &str, entries: &[view::Entry]) -> Self {
        let mut text = String::with_capacity(head.len());
        text.push_str(head);
        let lines = entries.iter().map(|entry| {
            let known = HeaderName::of(entry.id).cloned();
            let name = known.unwrap_or_else(|| HeaderName::other(view::name(head, entry)));
            if !entry.folded {
                return Line { name, start: entry.value.into(), end: entry.end.into() };
            }
            let start = text.len();
            unfold_into(view::raw(head, entry), &mut text);
            Line { name, start, end: text.len() }
        });
        let lines = lines.collect();
        Self { lines, text }
    }
}

/// Bytes of values that are no longer there, above which they are cleared away.
const MAX_WASTE: usize = 4_096;
/// Headers that a response adds to what it copies.
const ROOM_LINES: usize = 8;
/// And the bytes of their values.
const ROOM_BYTES: usize = 512;
