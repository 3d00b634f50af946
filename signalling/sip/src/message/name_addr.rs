//! A URI with a name for people and parameters: From, To, Contact, Route and their kin (RFC 3261 §20.10).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{
    Params, SyntaxError, Uri,
    lex::{Cursor, is_token, unquote, write_quoted},
};

/// A `name-addr` or `addr-spec` with header parameters. Written as a `name-addr` always.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameAddr {
    /// A name for people, without quotes and escapes.
    pub display: Option<String>,
    /// Who.
    pub uri: Uri,
    /// Parameters of the header, not of the URI.
    pub params: Params,
}

impl NameAddr {
    /// Just a URI.
    #[must_use]
    pub fn new(uri: impl Into<Uri>) -> Self {
        Self { display: None, uri: uri.into(), params: Params::default() }
    }

    /// The same with this name for people.
    #[must_use]
    pub fn with_display(self, display: impl Into<String>) -> Self {
        Self { display: Some(display.into()).filter(|display| !display.is_empty()), ..self }
    }

    /// The same with this tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", Some(tag));
        self
    }

    /// The tag of a From or To, which names one end of a dialog (RFC 3261 §19.3).
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }

    /// Reads one element of a header.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        cursor.skip_space();
        let (display, uri) = if cursor.peek() == Some(b'"') {
            let display = unquote(cursor.quoted()?).into_owned();
            cursor.skip_space();
            (display, read_angle(cursor)?)
        } else {
            let mut ahead = cursor.clone();
            let display = ahead.take_while(|b| is_token(b) || matches!(b, b' ' | b'\t') || !b.is_ascii());
            if ahead.peek() == Some(b'<') {
                *cursor = ahead;
                (display.trim_matches([' ', '\t']).to_owned(), read_angle(cursor)?)
            } else {
                (String::new(), read_bare(cursor)?)
            }
        };
        let params = Params::read(cursor)?;
        Ok(Self { display: Some(display).filter(|display| !display.is_empty()), uri, params })
    }
}

impl FromStr for NameAddr {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let read = Self::read(&mut cursor)?;
        cursor.finish("an address")?;
        Ok(read)
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write_quoted(display, f)?;
            f.write_str(" ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

fn read_angle(cursor: &mut Cursor<'_>) -> Result<Uri, SyntaxError> {
    if !cursor.eat('<') {
        return Err(SyntaxError::Expected("<"));
    }
    cursor.take_until(b'>').ok_or(SyntaxError::Expected(">"))?.parse()
}

/// Without angle brackets what follows a semicolon belongs to the header, and a comma ends the element
/// (RFC 3261 §20.10).
fn read_bare(cursor: &mut Cursor<'_>) -> Result<Uri, SyntaxError> {
    let uri: Uri = cursor.take_while(|byte| !matches!(byte, b' ' | b'\t' | b';' | b',')).parse()?;
    match &uri {
        Uri::Sip(sip) if sip.headers().next().is_some() => Err(SyntaxError::BareUri),
        _ => Ok(uri),
    }
}
