//! What a user dialled.

use core::{fmt, str::FromStr};

/// A destination as a user dials it: host name, number or URI. 1 to 255 visible ASCII characters; what it means is for
/// those to say who resolve it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dialled(String);

/// A text that cannot be dialled.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("what is dialled has 1 to 255 visible ASCII characters")]
pub struct DialledError;

impl Dialled {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Dialled {
    type Err = DialledError;

    fn from_str(text: &str) -> Result<Self, DialledError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if (1..=255).contains(&text.len()) && visible { Ok(Self(text.to_owned())) } else { Err(DialledError) }
    }
}

impl fmt::Display for Dialled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
