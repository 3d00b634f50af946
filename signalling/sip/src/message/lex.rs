//! The characters, tokens and quoted strings that all SIP grammar is made of (RFC 3261 §25.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::borrow::Cow;

use super::SyntaxError;

/// A checked token: one or more of the letters, digits and `-.!%*_+\`'~` (RFC 3261 §25.1). Case is kept.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Token(Box<str>);

impl Token {
    /// `None` when `text` is empty or holds a character that a token may not.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty() && text.bytes().all(is_token)).then(|| Self(text.into()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a header value from left to right. Line folding has already become a space.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What lies between here and `later`, which has read on from here.
    pub(crate) fn read_until(&self, later: &Self) -> &'a str {
        let len = self.rest.len().saturating_sub(later.rest.len());
        self.rest.get(..len).unwrap_or_default()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// All that has not been read yet.
    pub(crate) fn take_rest(&mut self) -> &'a str {
        core::mem::take(&mut self.rest)
    }

    /// Skips spaces and tabs (LWS, SWS).
    pub(crate) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Reads `wanted` if it is next.
    pub(crate) fn eat(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads `wanted` with optional space on both sides, as SEMI, COMMA, SLASH, EQUAL and COLON allow. Space
    /// before something else is read too.
    pub(crate) fn eat_spaced(&mut self, wanted: char) -> bool {
        self.skip_space();
        let found = self.eat(wanted);
        if found {
            self.skip_space();
        }
        found
    }

    /// Reads the longest run of bytes that `accept` takes. `accept` takes all bytes above 127 or none.
    pub(crate) fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let len = self.rest.bytes().position(|byte| !accept(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or(("", self.rest));
        self.rest = rest;
        taken
    }

    /// Reads up to, and past, `end`.
    pub(crate) fn take_until(&mut self, end: u8) -> Option<&'a str> {
        let (taken, rest) = split_once(self.rest, end)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn token(&mut self, what: &'static str) -> Result<&'a str, SyntaxError> {
        let token = self.take_while(is_token);
        if token.is_empty() { Err(SyntaxError::Expected(what)) } else { Ok(token) }
    }

    pub(crate) fn digits(&mut self, what: &'static str) -> Result<&'a str, SyntaxError> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() { Err(SyntaxError::Expected(what)) } else { Ok(digits) }
    }

    /// Reads a quoted string, and answers it with its quotes and escapes.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, SyntaxError> {
        let mut bytes = self.rest.bytes().enumerate();
        if !matches!(bytes.next(), Some((_, b'"'))) {
            return Err(SyntaxError::Expected("a quoted string"));
        }
        while let Some((at, byte)) = bytes.next() {
            let escaped = byte == b'\\';
            let byte = if escaped { bytes.next().map_or(byte, |(_, byte)| byte) } else { byte };
            match byte {
                b'\r' | b'\n' => return Err(SyntaxError::Character("a quoted string")),
                b'"' if !escaped => {
                    let (taken, rest) = self.rest.split_at_checked(at.saturating_add(1)).unwrap_or_default();
                    self.rest = rest;
                    return Ok(taken);
                }
                _ => {}
            }
        }
        Err(SyntaxError::UnclosedQuote)
    }

    /// Fails unless all has been read, but for space.
    pub(crate) fn finish(mut self, what: &'static str) -> Result<(), SyntaxError> {
        self.skip_space();
        if self.is_done() { Ok(()) } else { Err(SyntaxError::Trailing(what)) }
    }
}

/// Reads the elements of a comma-separated list, at most [`MAX_ELEMENTS`].
pub(crate) fn list<'a, T>(
    text: &'a str,
    what: &'static str,
    mut element: impl FnMut(&mut Cursor<'a>) -> Result<T, SyntaxError>,
    into: &mut Vec<T>,
) -> Result<(), SyntaxError> {
    let mut cursor = Cursor::new(text);
    loop {
        cursor.skip_space();
        if into.len() >= MAX_ELEMENTS {
            return Err(SyntaxError::TooMany(what));
        }
        into.push(element(&mut cursor)?);
        if !cursor.eat_spaced(',') {
            return cursor.finish(what);
        }
    }
}

/// The text before the first `byte`, and the text after it.
pub(crate) fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    let (before, rest) = text.split_at_checked(memchr::memchr(byte, text.as_bytes())?)?;
    Some((before, rest.get(1..)?))
}

/// The text of a quoted string without its quotes and escapes; other text as it is.
pub(crate) fn unquote(raw: &str) -> Cow<'_, str> {
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(raw);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        if char == '\\' { out.extend(chars.next()) } else { out.push(char) }
    }
    Cow::Owned(out)
}

/// Writes `text` as a quoted string. Line ends, which no quoted string can carry, become spaces.
pub(crate) fn write_quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write as _;
    f.write_char('"')?;
    for char in text.chars() {
        match char {
            '\r' | '\n' => f.write_char(' ')?,
            '"' | '\\' => write!(f, "\\{char}")?,
            char if char != '\t' && char.is_ascii_control() => write!(f, "\\{char}")?,
            char => f.write_char(char)?,
        }
    }
    f.write_char('"')
}

/// Whether `byte` may stand in a token.
pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// Elements that a comma-separated header may have in all; a message with more is refused.
pub(crate) const MAX_ELEMENTS: usize = 100;
