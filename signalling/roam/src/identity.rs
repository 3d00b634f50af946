//! Who is meant: subscribers, numbers, hosts and networks.

use core::{fmt, str::FromStr};

use arrayvec::ArrayString;

/// A text that names nobody.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Not the right number of digits, or something else than digits.
    #[error("\"{text}\" is no {what}: {want} are expected")]
    Digits {
        /// What was given.
        text: String,
        /// What it should have been.
        what: &'static str,
        /// How it looks.
        want: &'static str,
    },
    /// No host name of RFC 1123 §2.1 below at least one domain.
    #[error("\"{0}\" is no full host name: labels of letters, digits and hyphens are expected, two at least")]
    HostName(String),
}

/// A subscriber's international mobile identity (ITU-T E.212): six to fifteen digits, the first five or six of which
/// are the home network's.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Imsi(ArrayString<15>);

/// A telephone number (ITU-T E.164): one to fifteen digits, country code first, no `+`. Also the global title of a node
/// on the private network.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct E164(ArrayString<15>);

/// A network by mobile country code and mobile network code (ITU-T E.212): five or six digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Plmn(ArrayString<6>);

macro_rules! digits {
    ($name:ident, $what:literal, $range:expr, $want:literal) => {
        impl $name {
            /// The digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = IdentityError;

            fn from_str(text: &str) -> Result<Self, IdentityError> {
                let fits = ($range).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
                let digits = if fits { ArrayString::from(text).ok() } else { None };
                let error = || IdentityError::Digits { text: text.to_owned(), what: $what, want: $want };
                digits.map(Self).ok_or_else(error)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

digits!(Imsi, "IMSI", 6..=15, "6 to 15 digits");
digits!(E164, "E.164 number", 1..=15, "1 to 15 digits without \"+\"");
digits!(Plmn, "network code", 5..=6, "5 or 6 digits (country, then network)");

impl Plmn {
    /// In three octets, as on the air and in Diameter (3GPP TS 24.008 §10.5.1.13).
    #[must_use]
    pub fn to_octets(self) -> [u8; 3] {
        let digit = |at: usize| self.0.as_bytes().get(at).map_or(NO_DIGIT, |digit| digit & 0x0f);
        let pair = |low: u8, high: u8| high << 4 | low;
        [pair(digit(0), digit(1)), pair(digit(2), digit(5)), pair(digit(3), digit(4))]
    }

    /// What [`Plmn::to_octets`] writes; `None` when a digit is none.
    #[must_use]
    pub fn from_octets([a, b, c]: [u8; 3]) -> Option<Self> {
        let digits = [a & 0x0f, a >> 4, b & 0x0f, c & 0x0f, c >> 4, b >> 4];
        let length = if b >> 4 == NO_DIGIT { 5 } else { 6 };
        let mut text = ArrayString::new();
        for digit in digits.into_iter().take(length) {
            text.try_push(char::from_digit(digit.into(), 10)?).ok()?;
        }
        Some(Self(text))
    }
}

/// Where a network code has no sixth digit.
const NO_DIGIT: u8 = 0x0f;

impl Imsi {
    /// Whether this subscriber's home is `plmn`.
    #[must_use]
    pub fn is_of(&self, plmn: Plmn) -> bool {
        self.0.starts_with(plmn.as_str())
    }
}

/// A terminal's host name: lower case, full, without a dot at the end.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostName(String);

impl HostName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands below `domain`, which has no dot at the end.
    #[must_use]
    pub fn is_below(&self, domain: &str) -> bool {
        let host = self.0.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.'));
        host.is_some_and(|host| !host.is_empty())
    }
}

impl FromStr for HostName {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let good = name.len() <= MAX_HOST_NAME && name.contains('.') && name.split('.').all(is_label);
        if good { Ok(Self(name)) } else { Err(IdentityError::HostName(text.to_owned())) }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostName({self})")
    }
}

/// RFC 1123 §2.1.
fn is_label(label: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    label.len() <= 63 && edge(label.bytes().next()) && edge(label.bytes().last()) && label.bytes().all(inner)
}

/// A network as people and certificates call it: its domain.
pub type NetworkName = HostName;

/// RFC 1035 §2.3.4, without the dot at the end.
const MAX_HOST_NAME: usize = 253;

#[cfg(test)]
mod tests;
