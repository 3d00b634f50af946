//! A URI with a name for people and parameters, as it stands in a message.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::borrow::Cow;

use super::super::{
    SyntaxError,
    lex::{Cursor, is_word, unfold, unquote},
};
use super::{ParamsView, UriView};

/// A `name-addr` or `addr-spec` with header parameters, borrowed from the message (RFC 3261 §20.10).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NameAddrView<'a> {
    display: &'a str,
    /// Who.
    pub uri: UriView<'a>,
    /// Parameters of the header, not of the URI.
    pub params: ParamsView<'a>,
    tag: Option<&'a str>,
}

impl<'a> NameAddrView<'a> {
    /// The name for people, without quotes, escapes and folds.
    #[must_use]
    pub fn display(&self) -> Option<Cow<'a, str>> {
        let display = if self.display.starts_with('"') { unquote(self.display) } else { unfold(self.display) };
        Some(display).filter(|display| !display.is_empty())
    }

    /// The tag of a From or To, which names one end of a dialog (RFC 3261 §19.3).
    #[must_use]
    pub const fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// The value of a header that is one address.
    pub(crate) fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let read = Self::read(&mut cursor)?;
        cursor.finish("an address")?;
        Ok(read)
    }

    /// Reads one element of a header.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        cursor.skip_space();
        let (display, uri) = if cursor.peek() == Some(b'"') {
            let display = cursor.quoted()?;
            cursor.skip_space();
            (display, read_angle(cursor)?)
        } else {
            let mut ahead = *cursor;
            let display = read_words(&mut ahead);
            if ahead.peek() == Some(b'<') {
                *cursor = ahead;
                (display, read_angle(cursor)?)
            } else {
                ("", read_bare(cursor)?)
            }
        };
        let mut tag = None;
        let params = ParamsView::read_noting(cursor, |name, value| {
            if name.eq_ignore_ascii_case("tag") && tag.is_none() {
                tag = Some(value);
            }
        })?;
        Ok(Self { display, uri, params, tag: tag.flatten() })
    }
}

/// Reads a name without quotes, and the space after it.
fn read_words<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    let start = *cursor;
    loop {
        let word = cursor.take_while(is_word);
        if word.is_empty() {
            return "";
        }
        let end = *cursor;
        cursor.skip_space();
        if !cursor.peek().is_some_and(is_word) {
            return start.read_until(end);
        }
    }
}

fn read_angle<'a>(cursor: &mut Cursor<'a>) -> Result<UriView<'a>, SyntaxError> {
    if !cursor.eat('<') {
        return Err(SyntaxError::Expected("<"));
    }
    UriView::parse(cursor.take_until(b'>').ok_or(SyntaxError::Expected(">"))?)
}

/// Without angle brackets what follows a semicolon belongs to the header, and a comma ends the element
/// (RFC 3261 §20.10).
fn read_bare<'a>(cursor: &mut Cursor<'a>) -> Result<UriView<'a>, SyntaxError> {
    let uri = UriView::parse(cursor.take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b';' | b',')))?;
    match &uri {
        UriView::Sip(sip) if sip.has_headers() => Err(SyntaxError::BareUri),
        _ => Ok(uri),
    }
}
