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
        let display =
            if self.display.starts_with('"') { unquote(self.display) } else { unfold(self.display) };
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
        let (display, uri) = match Named::read(cursor)? {
            Named { display, uri, bare: false } => (display, UriView::parse(uri)?),
            Named { display, uri, bare: true } => (display, bare(uri)?),
        };
        let (params, tag) = read_tagged(cursor)?;
        Ok(Self { display, uri, params, tag })
    }
}

/// The tag of a From or To, whatever its URI is.
pub(crate) fn tag(text: &str) -> Result<Option<&str>, SyntaxError> {
    let mut cursor = Cursor::new(text);
    Named::read(&mut cursor)?;
    let (_, tag) = read_tagged(&mut cursor)?;
    cursor.finish("an address")?;
    Ok(tag)
}

/// An address without its parameters, its URI not looked at.
struct Named<'a> {
    display: &'a str,
    uri: &'a str,
    /// Without angle brackets.
    bare: bool,
}

impl<'a> Named<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        cursor.skip_space();
        match cursor.peek() {
            Some(b'<') => Ok(Self { display: "", uri: read_angle(cursor)?, bare: false }),
            Some(b'"') => {
                let display = cursor.quoted()?;
                cursor.skip_space();
                Ok(Self { display, uri: read_angle(cursor)?, bare: false })
            }
            _ => {
                let mut ahead = *cursor;
                let display = read_words(&mut ahead);
                if ahead.peek() == Some(b'<') {
                    *cursor = ahead;
                    Ok(Self { display, uri: read_angle(cursor)?, bare: false })
                } else {
                    let uri = cursor.take_while(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b';' | b','));
                    Ok(Self { display: "", uri, bare: true })
                }
            }
        }
    }
}

/// Reads parameters, and which of them is the tag.
fn read_tagged<'a>(cursor: &mut Cursor<'a>) -> Result<(ParamsView<'a>, Option<&'a str>), SyntaxError> {
    let mut tag = None;
    let params = ParamsView::read_noting(cursor, |name, value| {
        if name.eq_ignore_ascii_case("tag") && tag.is_none() {
            tag = Some(value);
        }
    })?;
    Ok((params, tag.flatten()))
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

fn read_angle<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, SyntaxError> {
    if !cursor.eat(b'<') {
        return Err(SyntaxError::Expected("<"));
    }
    cursor.take_until(b'>').ok_or(SyntaxError::Expected(">"))
}

/// Without angle brackets what follows a semicolon belongs to the header, and a comma ends the element
/// (RFC 3261 §20.10).
fn bare(text: &str) -> Result<UriView<'_>, SyntaxError> {
    let uri = UriView::parse(text)?;
    match &uri {
        UriView::Sip(sip) if sip.has_headers() => Err(SyntaxError::BareUri),
        _ => Ok(uri),
    }
}
