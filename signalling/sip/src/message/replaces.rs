//! Replaces, Join and Target-Dialog: a dialog named from outside (RFC 3891, RFC 3911, RFC 4538).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{Params, SyntaxError, lex::Cursor};

/// A dialog by its Call-ID and tags. Replaces and Join say `to-tag` and `from-tag`, Target-Dialog `remote-tag` and
/// `local-tag`; both are as the receiver of the request sees them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DialogRef {
    /// Call-ID.
    pub call_id: String,
    /// Its parameters, the tags among them.
    pub params: Params,
}

impl DialogRef {
    /// The dialog with this Call-ID, to-tag (of the receiver's side) and from-tag (of the other side).
    #[must_use]
    pub fn new(call_id: &str, to_tag: &str, from_tag: &str) -> Self {
        let mut params = Params::default();
        params.set("to-tag", Some(to_tag));
        params.set("from-tag", Some(from_tag));
        Self { call_id: call_id.to_owned(), params }
    }

    /// The tag of the receiver of the request. `0` stands for none, as with RFC 2543 (RFC 3891 §6.1).
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        self.params.get("to-tag").or_else(|| self.params.get("local-tag"))
    }

    /// The tag of the other side.
    #[must_use]
    pub fn from_tag(&self) -> Option<&str> {
        self.params.get("from-tag").or_else(|| self.params.get("remote-tag"))
    }

    /// Whether only a dialog that is not confirmed yet is meant.
    #[must_use]
    pub fn is_early_only(&self) -> bool {
        self.params.has("early-only")
    }
}

impl FromStr for DialogRef {
    type Err = SyntaxError;

    /// Both tags have to be there.
    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let call_id = cursor.take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b','));
        if call_id.is_empty() {
            return Err(SyntaxError::Expected("a Call-ID"));
        }
        let params = Params::read(&mut cursor)?;
        cursor.finish("a dialog")?;
        let read = Self { call_id: call_id.to_owned(), params };
        match (read.to_tag(), read.from_tag()) {
            (Some(_), Some(_)) => Ok(read),
            _ => Err(SyntaxError::Expected("both tags")),
        }
    }
}

impl fmt::Display for DialogRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.call_id, self.params)
    }
}
