//! Parameters: `;name` and `;name=value`, of headers and of URIs.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::borrow::Cow;

use super::{
    SyntaxError, escape,
    lex::{Cursor, is_token, split_once, unquote, write_quoted},
};

/// Parameters of a header (generic-param, RFC 3261 §25.1), in order. Values are kept as they were, with the quotes of
/// quoted strings. Names compare without case.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Params(
    /// As on the wire, without space around the parts.
    String,
);

impl Params {
    /// Whether `name` is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of `name` as it was received. `None` when it is not there or has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name)?
    }

    /// The value of `name` without the quotes and escapes of a quoted string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(unquote)
    }

    /// Gives `name` this value, in place when it is there. Characters that no token or address has make it a quoted
    /// string; a name that is no token is ignored.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        if name.is_empty() || !name.bytes().all(is_token) {
            return;
        }
        let value = value.map(|value| match !value.is_empty() && value.bytes().all(is_bare) {
            true => Cow::Borrowed(value),
            false => Cow::Owned(Quoted(value).to_string()),
        });
        self.0 = replaced(self.iter(), name, value.as_deref(), str::eq_ignore_ascii_case);
    }

    /// Drops `name`.
    pub fn remove(&mut self, name: &str) {
        self.0 = joined(self.iter().filter(|(have, _)| !have.eq_ignore_ascii_case(name)));
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let mut cursor = Cursor::new(&self.0);
        core::iter::from_fn(move || next_param(&mut cursor).ok().flatten())
    }

    fn find(&self, name: &str) -> Option<Option<&str>> {
        self.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Reads `*( SEMI generic-param )`.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let start = cursor.clone();
        let mut count = 0_usize;
        while next_param(cursor)?.is_some() {
            count = count.saturating_add(1);
            if count > MAX_PARAMS {
                return Err(SyntaxError::TooMany("parameters"));
            }
        }
        let text = start.read_until(cursor).trim_matches([' ', '\t']);
        let text = Self(text.to_owned());
        if memchr::memchr2(b' ', b'\t', text.0.as_bytes()).is_some() {
            Ok(Self(joined(text.iter())))
        } else {
            Ok(text)
        }
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parameters of a URI (uri-parameter, RFC 3261 §19.1.1), in order, with their escapes. Names compare without case and
/// without escapes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UriParams(
    /// As on the wire.
    String,
);

impl UriParams {
    /// No parameters.
    #[must_use]
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Whether `name` is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of `name`, escaped as it was received. `None` when it is not there or has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name)?
    }

    /// Gives `name` this value, in place when it is there, and escapes both where needed. An empty value is none, and an
    /// empty name is ignored.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        if name.is_empty() {
            return;
        }
        let value = value.filter(|value| !value.is_empty()).map(|value| escape::escape(value, is_paramchar));
        let name = escape::escape(name, is_paramchar);
        self.0 = replaced(self.iter(), &name, value.as_deref(), |a, b| escape::equivalent(a, b, true));
    }

    /// Drops `name`.
    pub fn remove(&mut self, name: &str) {
        self.0 = joined(self.iter().filter(|(have, _)| !escape::equivalent(have, name, true)));
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.split(';').skip(1).map(split_value)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Option<&str>> {
        self.iter().find(|(have, _)| escape::equivalent(have, name, true)).map(|(_, value)| value)
    }

    /// Reads what stands from the first semicolon on.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        if text.is_empty() {
            return Ok(Self::new());
        }
        for (count, param) in text.split(';').skip(1).enumerate() {
            if count >= MAX_PARAMS {
                return Err(SyntaxError::TooMany("parameters"));
            }
            let (name, value) = split_value(param);
            if name.is_empty() || value.is_some_and(str::is_empty) {
                return Err(SyntaxError::Expected("a URI parameter"));
            }
            if ![name, value.unwrap_or_default()].iter().all(|part| escape::is_escaped(part, is_paramchar)) {
                return Err(SyntaxError::Character("a URI parameter"));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for UriParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads one `SEMI generic-param`; `None` when there is none.
fn next_param<'a>(cursor: &mut Cursor<'a>) -> Result<Option<(&'a str, Option<&'a str>)>, SyntaxError> {
    if !cursor.eat_spaced(';') {
        return Ok(None);
    }
    let name = cursor.token("a parameter name")?;
    if !cursor.eat_spaced('=') {
        return Ok(Some((name, None)));
    }
    let value = if cursor.peek() == Some(b'"') { cursor.quoted()? } else { cursor.take_while(is_bare) };
    if value.is_empty() {
        Err(SyntaxError::Expected("a parameter value"))
    } else {
        Ok(Some((name, Some(value))))
    }
}

fn split_value(param: &str) -> (&str, Option<&str>) {
    split_once(param, b'=').map_or((param, None), |(name, value)| (name, Some(value)))
}

/// The parameters with `name` given this value, in place of the first such or at the end.
fn replaced<'a>(
    params: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    name: &str,
    value: Option<&str>,
    same: impl Fn(&str, &str) -> bool,
) -> String {
    let mut out = String::new();
    let mut done = false;
    for (have, old) in params {
        let value = if !done && same(have, name) { value } else { old };
        done |= same(have, name);
        push(&mut out, have, value);
    }
    if !done {
        push(&mut out, name, value);
    }
    out
}

fn joined<'a>(params: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let mut out = String::new();
    params.for_each(|(name, value)| push(&mut out, name, value));
    out
}

fn push(out: &mut String, name: &str, value: Option<&str>) {
    out.push(';');
    out.push_str(name);
    if let Some(value) = value {
        out.push('=');
        out.push_str(value);
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(self.0, f)
    }
}

/// What may stand in a value without quotes. More than a token, since addresses stand there too.
const fn is_bare(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'"' | b'<' | b'>' | b'\\')
}

const fn is_paramchar(byte: u8) -> bool {
    escape::is_unreserved(byte) || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$')
}

/// Parameters of one URI or header element; one with more is refused.
const MAX_PARAMS: usize = 64;
