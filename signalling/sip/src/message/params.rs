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
    ParamsView, SyntaxError, UriParamsView, escape,
    lex::{Cursor, is_bare, is_token, unfold, unquote, write_quoted},
    view::{is_paramchar, next_param},
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
        self.view().iter()
    }

    /// The same, borrowed.
    #[must_use]
    pub const fn view(&self) -> ParamsView<'_> {
        ParamsView::known(self.0.as_str())
    }

    fn find(&self, name: &str) -> Option<Option<&str>> {
        self.view().find(name)
    }

    /// Reads parameters up to `name` and its equals sign.
    pub(crate) fn read_until(cursor: &mut Cursor<'_>, name: &'static str) -> Result<Self, SyntaxError> {
        let mut before = String::new();
        loop {
            let start = *cursor;
            if !cursor.eat_spaced(b';') {
                return Err(SyntaxError::Expected(name));
            }
            if cursor.token("a parameter name")?.eq_ignore_ascii_case(name) {
                return if cursor.eat_spaced(b'=') {
                    Ok(Self(before))
                } else {
                    Err(SyntaxError::Expected("="))
                };
            }
            *cursor = start;
            let (have, value) = next_param(cursor)?.ok_or(SyntaxError::Expected(name))?;
            push(&mut before, have, value.map(unfold).as_deref());
        }
    }

    /// Reads `*( SEMI generic-param )`.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        ParamsView::read(cursor).map(Self::from)
    }
}

impl From<ParamsView<'_>> for Params {
    fn from(view: ParamsView<'_>) -> Self {
        let raw = view.raw();
        if memchr::memchr3(b' ', b'\t', b'\r', raw.as_bytes()).is_none() {
            return Self(raw.to_owned());
        }
        let mut out = String::with_capacity(raw.len());
        view.iter().for_each(|(name, value)| push(&mut out, name, value.map(unfold).as_deref()));
        Self(out)
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
        self.view().iter()
    }

    /// The same, borrowed.
    #[must_use]
    pub const fn view(&self) -> UriParamsView<'_> {
        UriParamsView::known(self.0.as_str())
    }

    pub(crate) fn find(&self, name: &str) -> Option<Option<&str>> {
        self.view().find(name)
    }
}

impl From<UriParamsView<'_>> for UriParams {
    fn from(view: UriParamsView<'_>) -> Self {
        Self(view.raw().to_owned())
    }
}

impl fmt::Display for UriParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
