//! One hop of the way a request took, as it stands in the message.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::super::{MAGIC_COOKIE, SyntaxError, lex::Cursor};
use super::{HostView, ParamsView};

/// One Via, borrowed from the message (RFC 3261 §20.42).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ViaView<'a> {
    /// Over what the request was sent, in its sender's spelling.
    pub transport: &'a str,
    /// Where its sender says that it is.
    pub host: HostView<'a>,
    /// `None` means the transport's default.
    pub port: Option<u16>,
    /// Its parameters.
    pub params: ParamsView<'a>,
    branch: Option<&'a str>,
}

impl<'a> ViaView<'a> {
    /// The transaction's name.
    #[must_use]
    pub const fn branch(&self) -> Option<&'a str> {
        self.branch
    }

    /// The branch when it is unique as RFC 3261 §8.1.1.7 demands: it starts with the cookie and goes on after it.
    #[must_use]
    pub fn unique_branch(&self) -> Option<&'a str> {
        unique(self.branch?)
    }

    /// Reads one element of a Via header.
    #[inline]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        cursor.skip_space();
        if !cursor.eat_all("SIP/2.0/") {
            let name = cursor.token("a protocol")?;
            let version = if cursor.eat_spaced(b'/') { cursor.token("a version")? } else { "" };
            if !name.eq_ignore_ascii_case("SIP") || version != "2.0" || !cursor.eat_spaced(b'/') {
                return Err(SyntaxError::Protocol);
            }
        }
        cursor.skip_space();
        let transport = cursor.token("a transport")?;
        if !cursor.at_space() {
            return Err(SyntaxError::Expected("space after the transport"));
        }
        cursor.skip_space();
        let (host, port) = HostView::read_with_port(cursor, true)?;
        let mut branch = None;
        let params = ParamsView::read_noting(cursor, |name, value| {
            if name.eq_ignore_ascii_case("branch") && branch.is_none() {
                branch = Some(value);
            }
        })?;
        Ok(Self { transport, host, port, params, branch: branch.flatten() })
    }
}

/// A branch that starts with the cookie and goes on after it.
pub(crate) fn unique(branch: &str) -> Option<&str> {
    let (cookie, rest) = branch.split_at_checked(MAGIC_COOKIE.len())?;
    (cookie.eq_ignore_ascii_case(MAGIC_COOKIE) && !rest.is_empty()).then_some(branch)
}
