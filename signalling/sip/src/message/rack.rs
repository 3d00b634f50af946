//! RAck: which provisional response a PRACK acknowledges (RFC 3262 §7.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{CSeq, SyntaxError, lex::Cursor};

/// The RSeq of the response, and the CSeq of the request it answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RAck {
    /// RSeq of the response.
    pub rseq: u32,
    /// CSeq of the response.
    pub cseq: CSeq,
}

impl FromStr for RAck {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let rseq = cursor.digits("a number")?.parse().map_err(|_| SyntaxError::Range("response number"))?;
        if !cursor.at_space() {
            return Err(SyntaxError::Expected("space after the number"));
        }
        Ok(Self { rseq, cseq: cursor.take_rest().parse()? })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}
