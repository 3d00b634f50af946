//! SIP, SIPS and tel URIs, and any other kept as it is (RFC 3261 §19.1, RFC 3966).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};
use std::net::SocketAddr;

use super::{Host, SipUriView, SyntaxError, UriParams, UriView, escape, view::is_user_char};

/// The name of a resource. Parts keep their escapes, so writing it answers what was read. `==` compares spelling; see
/// [`Uri::equivalent`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Uri {
    /// `sip:` or `sips:`.
    Sip(SipUri),
    /// `tel:`.
    Tel(TelUri),
    /// Any other scheme.
    Other(OtherUri),
}

impl Uri {
    /// Its scheme, in lower case unless unknown.
    #[must_use]
    pub fn scheme(&self) -> &str {
        match self {
            Self::Sip(uri) if uri.secure => "sips",
            Self::Sip(_) => "sip",
            Self::Tel(_) => "tel",
            Self::Other(uri) => uri.text.split(':').next().unwrap_or_default(),
        }
    }

    /// The SIP or SIPS URI that it is.
    #[must_use]
    pub const fn as_sip(&self) -> Option<&SipUri> {
        if let Self::Sip(uri) = self { Some(uri) } else { None }
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4). Not transitive, hence not `==`.
    #[must_use]
    pub fn equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.equivalent(b),
            (Self::Tel(a), Self::Tel(b)) => a.equivalent(b),
            (Self::Other(a), Self::Other(b)) => a == b,
            _ => false,
        }
    }
}

impl FromStr for Uri {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        UriView::parse(text).map(Self::from)
    }
}

impl From<UriView<'_>> for Uri {
    fn from(view: UriView<'_>) -> Self {
        match view {
            UriView::Sip(uri) => Self::Sip(uri.into()),
            UriView::Tel(uri) => Self::Tel(TelUri { number: uri.number.into(), params: uri.params.into() }),
            UriView::Other(text) => Self::Other(OtherUri { text: text.into() }),
        }
    }
}

impl From<SipUriView<'_>> for SipUri {
    fn from(view: SipUriView<'_>) -> Self {
        Self {
            secure: view.secure,
            user: view.user.map(Into::into),
            password: view.password.map(Into::into),
            host: view.host.into(),
            port: view.port,
            params: view.params.into(),
            headers: view.raw_headers().map(Into::into),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Tel(uri) => write!(f, "tel:{}{}", uri.number, uri.params),
            Self::Other(uri) => f.write_str(&uri.text),
        }
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Self::Sip(uri)
    }
}

/// A SIP or SIPS URI (RFC 3261 §19.1.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SipUri {
    /// `sips` instead of `sip`.
    pub secure: bool,
    user: Option<Box<str>>,
    password: Option<Box<str>>,
    /// Where.
    pub host: Host,
    /// `None` leaves it to the transport's default, and to DNS.
    pub port: Option<u16>,
    /// Its parameters.
    pub params: UriParams,
    headers: Option<Box<str>>,
}

impl SipUri {
    /// `sip:host`.
    #[must_use]
    pub const fn new(host: Host) -> Self {
        let params = UriParams::new();
        Self { secure: false, user: None, password: None, host, port: None, params, headers: None }
    }

    /// `sip:address:port`.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self { port: Some(address.port()), ..Self::new(address.into()) }
    }

    /// The same with this user, escaped where needed. An empty user is none.
    #[must_use]
    pub fn with_user(self, user: &str) -> Self {
        let user = (!user.is_empty()).then(|| escape::escape(user, is_user_char).into());
        Self { user, password: None, ..self }
    }

    /// The same with the user of `other`.
    #[must_use]
    pub fn with_user_of(self, other: &Self) -> Self {
        Self { user: other.user.clone(), password: None, ..self }
    }

    /// The user part, with its escapes.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The user part without its escapes: any bytes, zero included.
    #[must_use]
    pub fn user_bytes(&self) -> Option<Vec<u8>> {
        self.user().map(escape::unescape)
    }

    /// The password, with its escapes.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The headers to put into a request formed from it, with their escapes.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.as_deref().into_iter().flat_map(|headers| headers.split('&'));
        headers.map(|header| header.split_once('=').unwrap_or((header, "")))
    }

    /// Drops the headers.
    pub fn clear_headers(&mut self) {
        self.headers = None;
    }

    /// Whether it has the `lr` parameter: a loose router (RFC 3261 §16.12.1.1).
    #[must_use]
    pub fn is_loose_router(&self) -> bool {
        self.params.has("lr")
    }

    fn equivalent(&self, other: &Self) -> bool {
        let same = |a: Option<&str>, b: Option<&str>, ignore_case| match (a, b) {
            (Some(a), Some(b)) => escape::equivalent(a, b, ignore_case),
            (a, b) => a.is_none() && b.is_none(),
        };
        let param = |name: &str| match (self.params.find(name), other.params.find(name)) {
            (Some(a), Some(b)) => same(a, b, true),
            (None, None) => true,
            _ => !DECISIVE.iter().any(|decisive| escape::equivalent(decisive, name, true)),
        };
        let header = |name: &str, value: &str, of: &Self| {
            of.headers()
                .any(|(n, v)| escape::equivalent(n, name, true) && escape::equivalent(v, value, false))
        };
        self.secure == other.secure
            && same(self.user(), other.user(), false)
            && same(self.password(), other.password(), false)
            && self.host == other.host
            && self.port == other.port
            && self.params.iter().chain(other.params.iter()).all(|(name, _)| param(name))
            && self.headers().count() == other.headers().count()
            && self.headers().all(|(name, value)| header(name, value, other))
            && other.headers().all(|(name, value)| header(name, value, self))
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)?;
        match &self.headers {
            Some(headers) => write!(f, "?{headers}"),
            None => Ok(()),
        }
    }
}

/// A telephone number (RFC 3966).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TelUri {
    number: Box<str>,
    /// Its parameters, such as `phone-context`.
    pub params: UriParams,
}

impl TelUri {
    /// The number as it was received, with its visual separators.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    /// The number without visual separators; global ones start with `+`.
    #[must_use]
    pub fn digits(&self) -> String {
        self.number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect()
    }

    fn equivalent(&self, other: &Self) -> bool {
        let param = |name: &str| match (self.params.find(name), other.params.find(name)) {
            (Some(Some(a)), Some(Some(b))) => escape::equivalent(a, b, true),
            (a, b) => a == b,
        };
        self.digits().eq_ignore_ascii_case(&other.digits())
            && self.params.iter().chain(other.params.iter()).all(|(name, _)| param(name))
    }
}

/// A URI of a scheme that this crate does not know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OtherUri {
    text: Box<str>,
}

impl OtherUri {
    /// All of it, scheme included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Parameters that must be in both of two equal URIs or in neither (RFC 3261 §19.1.4).
const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
