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
    lex::{Cursor, is_token, unquote, write_quoted},
};

/// Parameters of a header (generic-param, RFC 3261 §25.1), in order. Values are kept as they were, with the quotes of
/// quoted strings. Names compare without case.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Whether `name` is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of `name` as it was received. `None` when it is not there or has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name)?.as_deref()
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
            true => value.to_owned(),
            false => Quoted(value).to_string(),
        });
        match self.0.iter_mut().find(|(have, _)| have.eq_ignore_ascii_case(name)) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Drops `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    fn find(&self, name: &str) -> Option<&Option<String>> {
        self.0.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Reads `*( SEMI generic-param )`.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut params = Vec::new();
        while cursor.eat_spaced(';') {
            if params.len() >= MAX_PARAMS {
                return Err(SyntaxError::TooMany("parameters"));
            }
            let name = cursor.token("a parameter name")?.to_owned();
            let value = if cursor.eat_spaced('=') {
                Some(match cursor.peek() {
                    Some(b'"') => cursor.quoted()?.to_owned(),
                    _ => match cursor.take_while(is_bare) {
                        "" => return Err(SyntaxError::Expected("a parameter value")),
                        bare => bare.to_owned(),
                    },
                })
            } else {
                None
            };
            params.push((name, value));
        }
        Ok(Self(params))
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_params(&self.0, f)
    }
}

/// Parameters of a URI (uri-parameter, RFC 3261 §19.1.1), in order, with their escapes. Names compare without case and
/// without escapes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UriParams(Vec<(String, Option<String>)>);

impl UriParams {
    /// No parameters.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether `name` is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of `name`, escaped as it was received. `None` when it is not there or has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name)?.as_deref()
    }

    /// Gives `name` this value, in place when it is there, and escapes both where needed.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.filter(|value| !value.is_empty()).map(|value| escape::escape(value, is_paramchar));
        let name = escape::escape(name, is_paramchar);
        match self.0.iter_mut().find(|(have, _)| escape::equivalent(have, &name, true)) {
            Some((_, slot)) => *slot = value,
            None if name.is_empty() => {}
            None => self.0.push((name, value)),
        }
    }

    /// Drops `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(have, _)| !escape::equivalent(have, name, true));
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Option<String>> {
        self.0.iter().find(|(have, _)| escape::equivalent(have, name, true)).map(|(_, value)| value)
    }

    /// Reads what follows the first semicolon.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut params = Vec::new();
        for param in text.split(';') {
            if params.len() >= MAX_PARAMS {
                return Err(SyntaxError::TooMany("parameters"));
            }
            let (name, value) = match param.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (param, None),
            };
            if name.is_empty() || value.is_some_and(str::is_empty) {
                return Err(SyntaxError::Expected("a URI parameter"));
            }
            if ![name, value.unwrap_or_default()].iter().all(|part| escape::is_escaped(part, is_paramchar)) {
                return Err(SyntaxError::Character("a URI parameter"));
            }
            params.push((name.to_owned(), value.map(str::to_owned)));
        }
        Ok(Self(params))
    }
}

impl fmt::Display for UriParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_params(&self.0, f)
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(self.0, f)
    }
}

fn write_params(params: &[(String, Option<String>)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    params.iter().try_for_each(|(name, value)| match value {
        Some(value) => write!(f, ";{name}={value}"),
        None => write!(f, ";{name}"),
    })
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
