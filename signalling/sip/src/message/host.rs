//! Host names and addresses, as URIs and Via carry them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{SyntaxError, lex::Cursor};

/// Where a URI or a Via points (RFC 3261 §25.1, `host`).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Host {
    /// A host name, in its sender's spelling.
    Domain(Domain),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address; written in brackets.
    Ipv6(Ipv6Addr),
}

impl Host {
    /// The address, when it is not a name.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Domain(_) => None,
            Self::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Self::Ipv6(ip) => Some(IpAddr::V6(*ip)),
        }
    }

    /// Reads a host, up to the first character that cannot be part of one.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        if cursor.eat('[') {
            return ipv6(cursor.take_until(b']').ok_or(SyntaxError::Host)?).map(Self::Ipv6);
        }
        cursor.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')).parse()
    }

    /// Reads `host [ ":" port ]`; `spaced` where the grammar allows space around the colon.
    pub(crate) fn read_with_port(
        cursor: &mut Cursor<'_>,
        spaced: bool,
    ) -> Result<(Self, Option<u16>), SyntaxError> {
        let host = Self::read(cursor)?;
        let colon = if spaced { cursor.eat_spaced(':') } else { cursor.eat(':') };
        if !colon {
            return Ok((host, None));
        }
        let port: u16 = cursor.digits("a port")?.parse().map_err(|_| SyntaxError::Port)?;
        if port == 0 { Err(SyntaxError::Port) } else { Ok((host, Some(port))) }
    }
}

/// A host name: labels of letters, digits, hyphens and underscores, the last one not starting with a digit. Compares
/// without case.
#[derive(Clone, Debug)]
pub struct Domain(Box<str>);

impl Domain {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Domain {}

impl core::hash::Hash for Domain {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|byte| byte.to_ascii_lowercase().hash(state));
    }
}

impl FromStr for Host {
    type Err = SyntaxError;

    /// A host name, an IPv4 address, or an IPv6 address in brackets.
    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return ipv6(inner).map(Self::Ipv6);
        }
        if text.starts_with(|c: char| c.is_ascii_digit())
            && let Ok(ip) = text.parse()
        {
            return Ok(Self::Ipv4(ip));
        }
        if is_domain(text) { Ok(Self::Domain(Domain(text.into()))) } else { Err(SyntaxError::Host) }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Ipv4(ip),
            IpAddr::V6(ip) => Self::Ipv6(ip),
        }
    }
}

impl From<SocketAddr> for Host {
    fn from(address: SocketAddr) -> Self {
        address.ip().into()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => f.write_str(name.as_str()),
            Self::Ipv4(ip) => ip.fmt(f),
            Self::Ipv6(ip) => write!(f, "[{ip}]"),
        }
    }
}

/// Reads an IPv6 address, also with the third colon that RFC 3261's grammar puts before a dotted quad
/// (RFC 5118 §4.10).
fn ipv6(text: &str) -> Result<Ipv6Addr, SyntaxError> {
    match text.split_once(":::") {
        Some((left, right)) if right.contains('.') => format!("{left}::{right}").parse(),
        _ => text.parse(),
    }
    .map_err(|_| SyntaxError::Host)
}

/// Labels of letters, digits, hyphens and underscores; no hyphen at their ends, no digit at the start of the last.
fn is_domain(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let (mut start, mut before, mut len) = (b'.', b'.', 0_usize);
    for byte in name.bytes() {
        let fine = match byte {
            b'.' => !matches!(before, b'.' | b'-'),
            b'-' => before != b'.',
            b'_' => true,
            byte => byte.is_ascii_alphanumeric(),
        };
        if before == b'.' {
            (start, len) = (byte, 0);
        }
        len = len.saturating_add(usize::from(byte != b'.'));
        if !fine || len > MAX_LABEL {
            return false;
        }
        before = byte;
    }
    text.len() <= MAX_NAME && !matches!(before, b'.' | b'-') && !start.is_ascii_digit()
}

/// Bytes of a name and of a label (RFC 1035 §2.3.4).
const MAX_NAME: usize = 254;
const MAX_LABEL: usize = 63;
