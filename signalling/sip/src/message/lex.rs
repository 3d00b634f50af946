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

use super::{SyntaxError, escape};

/// A checked token: one or more of the letters, digits and `-.!%*_+\`'~` (RFC 3261 §25.1). Case is kept.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Token(Box<str>);

impl Token {
    /// `None` when `text` is empty or holds a character that a token may not.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty() && text.bytes().all(is_token)).then(|| Self(text.into()))
    }

    /// A token that was checked before.
    pub(crate) fn known(text: &str) -> Self {
        Self(text.into())
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

/// Reads a header value from left to right. A folded line is space, as the grammar has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What lies between here and `later`, which has read on from here.
    pub(crate) fn read_until(&self, later: Self) -> &'a str {
        let len = self.rest.len().saturating_sub(later.rest.len());
        self.rest.get(..len).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// All that has not been read yet.
    pub(crate) fn take_rest(&mut self) -> &'a str {
        core::mem::take(&mut self.rest)
    }

    /// Skips spaces, tabs and folds (LWS, SWS).
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while self.at_space() {
            let bytes = if self.peek() == Some(b'\r') { 3 } else { 1 };
            self.rest = self.rest.get(bytes..).unwrap_or_default();
        }
    }

    /// Whether a space, a tab or a fold is next.
    #[inline]
    pub(crate) fn at_space(&self) -> bool {
        matches!(self.rest.as_bytes(), [b' ' | b'\t', ..] | [b'\r', b'\n', b' ' | b'\t', ..])
    }

    /// Skips what is not read as anything.
    #[inline]
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Reads `wanted` if it is next.
    #[inline]
    pub(crate) fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.skip(1);
        }
        found
    }

    /// Reads all of `wanted` if it is next.
    #[inline]
    pub(crate) fn eat_all(&mut self, wanted: &str) -> bool {
        let found = self.rest.starts_with(wanted);
        if found {
            self.skip(wanted.len());
        }
        found
    }

    /// Reads `wanted` with optional space on both sides, as SEMI, COMMA, SLASH, EQUAL and COLON allow. Space
    /// before something else is read too.
    #[inline]
    pub(crate) fn eat_spaced(&mut self, wanted: u8) -> bool {
        self.skip_space();
        if !self.eat(wanted) {
            return false;
        }
        self.skip_space();
        true
    }

    /// Reads the longest run of bytes that `accept` takes. `accept` takes all bytes above 127 or none.
    #[inline]
    pub(crate) fn take_while(&mut self, mut accept: impl FnMut(u8) -> bool) -> &'a str {
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

    #[inline]
    pub(crate) fn token(&mut self, what: &'static str) -> Result<&'a str, SyntaxError> {
        let token = self.take_while(is_token);
        if token.is_empty() { Err(SyntaxError::Expected(what)) } else { Ok(token) }
    }

    pub(crate) fn digits(&mut self, what: &'static str) -> Result<&'a str, SyntaxError> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() { Err(SyntaxError::Expected(what)) } else { Ok(digits) }
    }

    /// Reads a quoted string, and answers it with its quotes, escapes and folds.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, SyntaxError> {
        let start = *self;
        if !self.eat(b'"') {
            return Err(SyntaxError::Expected("a quoted string"));
        }
        loop {
            self.take_while(|byte| !matches!(byte, b'"' | b'\\' | b'\r' | b'\n'));
            match self.rest.as_bytes() {
                [b'"', ..] => {
                    self.skip(1);
                    return Ok(start.read_until(*self));
                }
                [b'\\', b'\r' | b'\n', ..] => return Err(SyntaxError::Character("a quoted string")),
                [b'\\', ..] => {
                    let escaped = self.rest.chars().nth(1).map_or(0, char::len_utf8);
                    self.skip(escaped.saturating_add(1));
                }
                [b'\r', b'\n', b' ' | b'\t', ..] => self.skip(3),
                [_, ..] => return Err(SyntaxError::Character("a quoted string")),
                [] => return Err(SyntaxError::UnclosedQuote),
            }
        }
    }

    /// What has not been read.
    pub(crate) const fn rest(&self) -> &'a str {
        self.rest
    }

    /// Fails unless all has been read, but for space.
    pub(crate) fn finish(mut self, what: &'static str) -> Result<(), SyntaxError> {
        self.skip_space();
        if self.is_done() { Ok(()) } else { Err(SyntaxError::Trailing(what)) }
    }
}

/// Reads the elements of a comma-separated list. `count` is how many have been read of all the lists of one header;
/// [`MAX_ELEMENTS`] is the most.
pub(crate) fn list<'a>(
    text: &'a str,
    what: &'static str,
    count: &mut usize,
    mut element: impl FnMut(&mut Cursor<'a>) -> Result<(), SyntaxError>,
) -> Result<(), SyntaxError> {
    let mut cursor = Cursor::new(text);
    loop {
        cursor.skip_space();
        if *count >= MAX_ELEMENTS {
            return Err(SyntaxError::TooMany(what));
        }
        *count = count.saturating_add(1);
        element(&mut cursor)?;
        if !cursor.eat_spaced(b',') {
            return cursor.finish(what);
        }
    }
}

/// `text` with each fold, and the space around it, as one space (RFC 3261 §7.3.1).
pub(crate) fn unfold(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\n', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    unfold_into(text, &mut out);
    Cow::Owned(out)
}

/// Appends `text` without its folds.
pub(crate) fn unfold_into(text: &str, out: &mut String) {
    let mut lines = text.split('\n');
    if let Some(first) = lines.next() {
        out.push_str(first.trim_end_matches(SPACE));
    }
    let mut lines = lines.peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_start_matches(SPACE);
        let line = if lines.peek().is_some() { line.trim_end_matches(SPACE) } else { line };
        if !line.is_empty() {
            out.push(' ');
            out.push_str(line);
        }
    }
}

/// The text before the first `byte`, and the text after it.
#[inline]
pub(crate) fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    let (before, rest) = text.split_at_checked(memchr::memchr(byte, text.as_bytes())?)?;
    Some((before, rest.get(1..)?))
}

/// The text of a quoted string without its quotes and escapes; other text as it is.
pub(crate) fn unquote(raw: &str) -> Cow<'_, str> {
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(raw);
    };
    if memchr::memchr2(b'\\', b'\n', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    let inner = unfold(inner);
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
#[inline]
pub(crate) fn is_token(byte: u8) -> bool {
    is(byte, TOKEN)
}

/// What may stand in a header parameter's value without quotes. More than a token, since addresses stand there too.
#[inline]
pub(crate) fn is_bare(byte: u8) -> bool {
    is(byte, BARE)
}

/// What may stand in a name without quotes: tokens and what is not ASCII, without the space between.
#[inline]
pub(crate) fn is_word(byte: u8) -> bool {
    is(byte, TOKEN) || !byte.is_ascii()
}

/// Whether `byte` is of any of these classes, which stand at the end of this file.
#[inline]
pub(crate) fn is(byte: u8, classes: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|class| class & classes != 0)
}

/// What a token is made of.
pub(crate) const TOKEN: u8 = 1;
/// What may stand in a header parameter's value without quotes.
pub(crate) const BARE: u8 = 2;
/// What may stand in any URI: all that prints, but for what surrounds a URI.
pub(crate) const URI: u8 = 4;
/// What may stand in the user of a SIP URI: as the grammar has it, and the `#` that telephones put there.
pub(crate) const USER: u8 = 8;
/// What may stand in a URI parameter.
pub(crate) const PARAM: u8 = 16;
/// What may stand in a URI header.
pub(crate) const HEADER: u8 = 32;
/// Letters, digits and the underscore, of which host names are made.
pub(crate) const HOST: u8 = 64;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 127 {
        #[allow(clippy::indexing_slicing, reason = "made at compile time")]
        {
            classes[byte as usize] = class(byte);
        }
        byte = byte.saturating_add(1);
    }
    classes
};

/// The classes of one byte, by the grammar (RFC 3261 §25.1).
const fn class(byte: u8) -> u8 {
    let alphanumeric = byte.is_ascii_alphanumeric();
    let unreserved = escape::is_unreserved(byte);
    let mut class = 0;
    if alphanumeric || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~') {
        class |= TOKEN;
    }
    if byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'"' | b'<' | b'>' | b'\\') {
        class |= BARE;
    }
    if byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"') {
        class |= URI;
    }
    if unreserved || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/' | b'#') {
        class |= USER;
    }
    if unreserved || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$') {
        class |= PARAM;
    }
    if unreserved || matches!(byte, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$') {
        class |= HEADER;
    }
    if alphanumeric || byte == b'_' {
        class |= HOST;
    }
    class
}

/// What may stand around a value, and around a fold.
const SPACE: [char; 3] = [' ', '\t', '\r'];
/// Elements that a comma-separated header may have in all; a message with more is refused.
pub(crate) const MAX_ELEMENTS: usize = 100;
