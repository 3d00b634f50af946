//! A URI with a name for people and parameters: From, To, Contact, Route and their kin (RFC 3261 §20.10).
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
    NameAddrView, Params, SyntaxError, Uri,
    lex::{Cursor, write_quoted},
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
        NameAddrView::read(cursor).map(Self::from)
    }
}

impl From<NameAddrView<'_>> for NameAddr {
    fn from(view: NameAddrView<'_>) -> Self {
        let display = view.display().map(Cow::into_owned);
        Self { display, uri: view.uri.into(), params: view.params.into() }
    }
}

impl FromStr for NameAddr {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        NameAddrView::parse(text).map(Self::from)
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
