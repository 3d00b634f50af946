//! URIs as they stand in a message.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::super::{
    SyntaxError, escape,
    lex::{Cursor, HEADER, MAX_ELEMENTS, URI, USER, is, split_once},
};
use super::{HostView, UriParamsView};

/// The name of a resource, borrowed from the message. Parts keep their escapes (RFC 3261 §19.1, RFC 3966).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UriView<'a> {
    /// `sip:` or `sips:`.
    Sip(SipUriView<'a>),
    /// `tel:`.
    Tel(TelUriView<'a>),
    /// Any other scheme: all of it.
    Other(&'a str),
}

impl<'a> UriView<'a> {
    /// The SIP or SIPS URI that it is.
    #[must_use]
    pub const fn as_sip(&self) -> Option<&SipUriView<'a>> {
        if let Self::Sip(uri) = self { Some(uri) } else { None }
    }

    /// Where it points; `None` for schemes without a host that is known to be one.
    #[must_use]
    #[inline]
    pub fn host(&self) -> Option<(HostView<'a>, Option<u16>)> {
        self.as_sip().map(|uri| (uri.host, uri.port))
    }

    /// Reads a URI that stands alone.
    ///
    /// # Errors
    ///
    /// [`SyntaxError`] when it has no scheme or does not follow the grammar of its scheme.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let (scheme, rest) = text.split_once(':').ok_or(SyntaxError::Expected("a URI scheme"))?;
        let read = if scheme.eq_ignore_ascii_case("sip") {
            SipUriView::parse(false, rest).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case("sips") {
            SipUriView::parse(true, rest).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case("tel") {
            TelUriView::parse(rest).map(Self::Tel)
        } else {
            Self::parse_other(text, scheme, rest)
        };
        // What is wrong with any URI is named before what is wrong with one of its scheme.
        read.map_err(|error| {
            if rest.bytes().all(|byte| is(byte, URI)) { error } else { SyntaxError::Character("a URI") }
        })
    }

    fn parse_other(text: &'a str, scheme: &str, rest: &str) -> Result<Self, SyntaxError> {
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        {
            return Err(SyntaxError::Expected("a URI scheme"));
        }
        if rest.is_empty() {
            return Err(SyntaxError::Expected("more than a URI scheme"));
        }
        if rest.bytes().all(|byte| is(byte, URI)) {
            Ok(Self::Other(text))
        } else {
            Err(SyntaxError::Character("a URI"))
        }
    }
}

/// A SIP or SIPS URI, borrowed from the message (RFC 3261 §19.1.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SipUriView<'a> {
    /// `sips` instead of `sip`.
    pub secure: bool,
    /// The user part, with its escapes.
    pub user: Option<&'a str>,
    /// The password, with its escapes.
    pub password: Option<&'a str>,
    /// Where.
    pub host: HostView<'a>,
    /// `None` leaves it to the transport's default, and to DNS.
    pub port: Option<u16>,
    /// Its parameters.
    pub params: UriParamsView<'a>,
    headers: Option<&'a str>,
}

impl<'a> SipUriView<'a> {
    /// The headers to put into a request formed from it, with their escapes.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let headers = self.headers.into_iter().flat_map(|headers| headers.split('&'));
        headers.map(|header| header.split_once('=').unwrap_or((header, "")))
    }

    /// Whether it has the `lr` parameter: a loose router (RFC 3261 §16.12.1.1).
    #[must_use]
    pub fn is_loose_router(&self) -> bool {
        self.params.has("lr")
    }

    pub(crate) const fn has_headers(&self) -> bool {
        self.headers.is_some()
    }

    pub(crate) const fn raw_headers(&self) -> Option<&'a str> {
        self.headers
    }

    #[inline]
    fn parse(secure: bool, text: &'a str) -> Result<Self, SyntaxError> {
        let (user, password, rest) = match split_once(text, b'@') {
            Some((userinfo, rest)) => {
                let (user, password) = read_userinfo(userinfo)?;
                (Some(user), password, rest)
            }
            None => (None, None, text),
        };
        let mut cursor = Cursor::new(rest);
        let (host, port) = HostView::read_with_port(&mut cursor, false)?;
        let rest = cursor.take_rest();
        if rest.is_empty() {
            let params = UriParamsView::default();
            return Ok(Self { secure, user, password, host, port, params, headers: None });
        }
        let (params, headers) = match split_once(rest, b'?') {
            Some((params, headers)) => (params, Some(headers)),
            None => (rest, None),
        };
        if !params.is_empty() && !params.starts_with(';') {
            return Err(SyntaxError::Trailing("a host"));
        }
        let params = UriParamsView::parse(params)?;
        headers.map_or(Ok(()), check_headers)?;
        Ok(Self { secure, user, password, host, port, params, headers })
    }
}

/// A telephone number, borrowed from the message (RFC 3966).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TelUriView<'a> {
    /// The number as it was received, with its visual separators.
    pub number: &'a str,
    /// Its parameters, such as `phone-context`.
    pub params: UriParamsView<'a>,
}

impl<'a> TelUriView<'a> {
    fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let (number, params) =
            text.split_at_checked(text.find(';').unwrap_or(text.len())).unwrap_or((text, ""));
        let params = UriParamsView::parse(params)?;
        let digits = number.strip_prefix('+').unwrap_or(number);
        let fine =
            |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#' | b'-' | b'.' | b'(' | b')');
        if !digits.bytes().all(fine)
            || !digits.bytes().any(|b| b.is_ascii_hexdigit() || matches!(b, b'*' | b'#'))
        {
            return Err(SyntaxError::Expected("a telephone number"));
        }
        Ok(Self { number, params })
    }
}

fn read_userinfo(text: &str) -> Result<(&str, Option<&str>), SyntaxError> {
    let (user, password) = match split_once(text, b':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    if user.is_empty() {
        return Err(SyntaxError::Expected("a user"));
    }
    if !escape::is_escaped(user, is_user_char) {
        return Err(SyntaxError::Character("the user of a URI"));
    }
    if password.is_some_and(|password| !escape::is_escaped(password, is_password_char)) {
        return Err(SyntaxError::Character("the password of a URI"));
    }
    Ok((user, password))
}

fn check_headers(text: &str) -> Result<(), SyntaxError> {
    for (count, header) in text.split('&').enumerate() {
        if count >= MAX_ELEMENTS {
            return Err(SyntaxError::TooMany("URI headers"));
        }
        let (name, value) = header.split_once('=').ok_or(SyntaxError::Expected("a URI header"))?;
        if name.is_empty() || ![name, value].iter().all(|part| escape::is_escaped(part, is_header_char)) {
            return Err(SyntaxError::Character("a URI header"));
        }
    }
    Ok(())
}

/// Whether `byte` may stand in the user of a SIP URI without an escape.
pub(crate) fn is_user_char(byte: u8) -> bool {
    is(byte, USER)
}

/// As the grammar has it, and the colon and slash that RFC 4475 §3.1.1.2 has in a password.
fn is_password_char(byte: u8) -> bool {
    is(byte, USER) || byte == b':'
}

fn is_header_char(byte: u8) -> bool {
    is(byte, HEADER)
}
