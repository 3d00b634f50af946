//! Parameters as they stand in a message.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::borrow::Cow;

use super::super::{
    SyntaxError, escape,
    lex::{Cursor, PARAM, is, is_bare, split_once, unquote},
};

/// Parameters of a header, borrowed from the message (generic-param, RFC 3261 §25.1): space and folds between the
/// parts are still there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ParamsView<'a>(&'a str);

impl<'a> ParamsView<'a> {
    /// Whether `name` is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of `name` as it was received, with the quotes of a quoted string. `None` when it is not there or has
    /// no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.find(name)?
    }

    /// The value of `name` without the quotes and escapes of a quoted string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).map(unquote)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let mut cursor = Cursor::new(self.0);
        core::iter::from_fn(move || next_param(&mut cursor).ok().flatten())
    }

    /// As they stand in the message.
    pub(crate) const fn raw(&self) -> &'a str {
        self.0
    }

    /// Parameters that have been read before.
    pub(crate) const fn known(text: &'a str) -> Self {
        Self(text)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Reads `*( SEMI generic-param )`.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        Self::read_noting(cursor, |_, _| {})
    }

    /// Reads `*( SEMI generic-param )` and shows each parameter to `note`.
    #[inline]
    pub(crate) fn read_noting(
        cursor: &mut Cursor<'a>,
        mut note: impl FnMut(&'a str, Option<&'a str>),
    ) -> Result<Self, SyntaxError> {
        let start = *cursor;
        let mut end = *cursor;
        let mut count = 0_usize;
        while let Some((name, value)) = next_param(cursor)? {
            note(name, value);
            end = *cursor;
            count = count.saturating_add(1);
            if count > MAX_PARAMS {
                return Err(SyntaxError::TooMany("parameters"));
            }
        }
        Ok(Self(start.read_until(end)))
    }
}

/// Reads one `SEMI generic-param`; `None` when there is none.
pub(crate) fn next_param<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<Option<(&'a str, Option<&'a str>)>, SyntaxError> {
    if !cursor.eat_spaced(b';') {
        return Ok(None);
    }
    let name = cursor.token("a parameter name")?;
    let end = *cursor;
    if !cursor.eat_spaced(b'=') {
        *cursor = end;
        return Ok(Some((name, None)));
    }
    let value = if cursor.peek() == Some(b'"') { cursor.quoted()? } else { cursor.take_while(is_bare) };
    if value.is_empty() {
        Err(SyntaxError::Expected("a parameter value"))
    } else {
        Ok(Some((name, Some(value))))
    }
}

/// Parameters of a URI, borrowed from the message, with their escapes (uri-parameter, RFC 3261 §19.1.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct UriParamsView<'a>(&'a str);

impl<'a> UriParamsView<'a> {
    /// Whether `name` is there, with or without a value. Neither case nor escapes count.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of `name`, escaped as it was received. `None` when it is not there or has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.find(name)?
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.0.split(';').skip(1).map(split_value)
    }

    pub(crate) const fn raw(&self) -> &'a str {
        self.0
    }

    /// Parameters that have been read before.
    pub(crate) const fn known(text: &'a str) -> Self {
        Self(text)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(have, _)| escape::equivalent(have, name, true)).map(|(_, value)| value)
    }

    /// Reads what stands from the first semicolon on.
    pub(crate) fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        if text.is_empty() {
            return Ok(Self(text));
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
        Ok(Self(text))
    }
}

fn split_value(param: &str) -> (&str, Option<&str>) {
    split_once(param, b'=').map_or((param, None), |(name, value)| (name, Some(value)))
}

/// Whether `byte` may stand in a URI parameter without an escape.
pub(crate) fn is_paramchar(byte: u8) -> bool {
    is(byte, PARAM)
}

/// Parameters of one URI or header element; one with more is refused.
const MAX_PARAMS: usize = 64;
