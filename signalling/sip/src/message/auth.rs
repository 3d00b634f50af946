//! Challenges and credentials of any scheme (RFC 3261 §20.7, §20.27, §20.44, RFC 7235 §2.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};
use std::borrow::Cow;

use super::{
    SyntaxError, Token,
    lex::{Cursor, MAX_ELEMENTS, unfold, unquote, write_quoted},
};

/// One challenge, or the credentials that answer one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Auth {
    /// Such as `Digest`. Case does not count; see [`is`](Self::is).
    pub scheme: Token,
    /// Its parameters.
    pub params: AuthParams,
}

impl Auth {
    /// A scheme without parameters.
    #[must_use]
    pub const fn new(scheme: Token) -> Self {
        Self { scheme, params: AuthParams(Vec::new()) }
    }

    /// Whether it is of this scheme.
    #[must_use]
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.as_str().eq_ignore_ascii_case(scheme)
    }
}

impl FromStr for Auth {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let scheme = Token::known(cursor.token("a scheme")?);
        if !cursor.at_space() {
            return Err(SyntaxError::Expected("space after the scheme"));
        }
        Ok(Self { scheme, params: cursor.take_rest().parse()? })
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scheme, self.params)
    }
}

/// Parameters between commas, as challenges, credentials and Authentication-Info have them. Names compare without case
/// and stand once; values are kept as they were, with the quotes of quoted strings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuthParams(Vec<(Token, String)>);

impl AuthParams {
    /// The value of `name` as it was received.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(have, _)| have.as_str().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of `name` without the quotes and escapes of a quoted string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(unquote)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds a parameter with a quoted string.
    pub fn push_quoted(&mut self, name: Token, value: &str) {
        self.0.push((name, Quoted(value).to_string()));
    }

    /// Adds a parameter with a token.
    pub fn push_token(&mut self, name: Token, value: &Token) {
        self.0.push((name, value.as_str().to_owned()));
    }
}

impl FromStr for AuthParams {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut params = Self::default();
        read(text, |name, value| params.0.push((Token::known(name), unfold(value).into_owned())))?;
        Ok(params)
    }
}

/// The parameters of challenges or credentials of this scheme, without a copy: names, and values as they were. `None` for
/// another scheme, and for what does not follow the grammar.
pub(crate) fn read_scheme<'a>(text: &'a str, scheme: &str, each: impl FnMut(&'a str, &'a str)) -> Option<()> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space();
    let is = cursor.token("a scheme").ok()?.eq_ignore_ascii_case(scheme);
    if is && cursor.at_space() { read(cursor.take_rest(), each).ok() } else { None }
}

fn read<'a>(text: &'a str, mut each: impl FnMut(&'a str, &'a str)) -> Result<(), SyntaxError> {
    let mut cursor = Cursor::new(text);
    let mut seen: Vec<&str> = Vec::new();
    loop {
        cursor.skip_space();
        if seen.len() >= MAX_ELEMENTS {
            return Err(SyntaxError::TooMany("parameters"));
        }
        let name = cursor.token("a parameter name")?;
        if !cursor.eat_spaced(b'=') {
            return Err(SyntaxError::Expected("="));
        }
        let value = match cursor.peek() {
            Some(b'"') => cursor.quoted()?,
            _ => cursor.take_while(is_value),
        };
        if value.is_empty() {
            return Err(SyntaxError::Expected("a parameter value"));
        }
        if seen.iter().any(|seen| seen.eq_ignore_ascii_case(name)) {
            return Err(SyntaxError::Repeated("parameter"));
        }
        seen.push(name);
        each(name, value);
        if !cursor.eat_spaced(b',') {
            return cursor.finish("a parameter");
        }
    }
}

impl fmt::Display for AuthParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value}")?;
        }
        Ok(())
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(self.0, f)
    }
}

/// What may stand in a value without quotes: tokens, and what base64 and URIs need besides.
const fn is_value(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\')
}
