//! By what a user is found: name, number, unique id, fixed address.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};
use std::net::IpAddr;

use crate::Uid;

/// A name in its server's domain, `user@domain`, in lower case.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(Box<str>);

/// A telephone number with its country code (ITU-T E.164): 3 to 15 digits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Number(u64);

/// Any of the four.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Identifier {
    /// `user@domain`.
    Name(Name),
    /// `+` and digits.
    Number(Number),
    /// 52 characters.
    Uid(Uid),
    /// An address that is always the user's.
    Fixed(IpAddr),
}

/// A text that is none of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a name (user@domain), a number (+ and country code), a unique id or an IP address")]
pub struct BadIdentifier;

impl Name {
    /// The whole of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is before the `@`.
    #[must_use]
    pub fn user(&self) -> &str {
        self.0.split_once('@').map_or("", |(user, _)| user)
    }

    /// What is behind it: the domain of the server that it belongs to.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// Bytes of the longest name; one byte says the length.
    pub const MAX: usize = 255;
}

impl FromStr for Name {
    type Err = BadIdentifier;

    fn from_str(text: &str) -> Result<Self, BadIdentifier> {
        let (user, domain) = text.split_once('@').ok_or(BadIdentifier)?;
        let of_user = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
        let fits = (1..=64).contains(&user.len()) && user.bytes().all(of_user) && text.len() <= Self::MAX;
        if fits && is_domain(domain) {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(BadIdentifier)
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is a domain that a server can have: labels of letters, digits and hyphens (RFC 1123 §2.1).
pub(crate) fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=190).contains(&text.len()) && text.split('.').all(label)
}

impl Number {
    /// The digits as one number. `None` when there are fewer than 3 or more than 15.
    #[must_use]
    pub fn new(digits: u64) -> Option<Self> {
        (100..=999_999_999_999_999).contains(&digits).then_some(Self(digits))
    }

    /// The digits as one number.
    #[must_use]
    pub const fn digits(self) -> u64 {
        self.0
    }
}

impl FromStr for Number {
    type Err = BadIdentifier;

    fn from_str(text: &str) -> Result<Self, BadIdentifier> {
        let digits = text.strip_prefix('+').ok_or(BadIdentifier)?;
        if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadIdentifier);
        }
        digits.parse().ok().and_then(Self::new).ok_or(BadIdentifier)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl FromStr for Identifier {
    type Err = BadIdentifier;

    fn from_str(text: &str) -> Result<Self, BadIdentifier> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::Fixed(ip));
        }
        if text.starts_with('+') {
            return text.parse().map(Self::Number);
        }
        match text.parse::<Uid>() {
            Ok(uid) => Ok(Self::Uid(uid)),
            Err(_) => text.parse().map(Self::Name),
        }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Uid(uid) => uid.fmt(f),
            Self::Fixed(ip) => ip.fmt(f),
        }
    }
}
