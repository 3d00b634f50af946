//! CSeq: the place of a request in its dialog (RFC 3261 §20.16).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{CSeqView, Method, SyntaxError};

/// A sequence number and the method it counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CSeq {
    /// Grows by one with each request of a dialog, but for ACK and CANCEL.
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl FromStr for CSeq {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let view = CSeqView::parse(text)?;
        Ok(Self { number: view.number, method: view.method.parse()? })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}
