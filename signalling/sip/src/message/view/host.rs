//! Hosts as they stand in a message.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::{
    Host, SyntaxError,
    lex::{Cursor, HOST, is},
};

/// Where a URI or a Via points, borrowed from the message (RFC 3261 §25.1, `host`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostView<'a> {
    /// A host name, in its sender's spelling.
    Domain(&'a str),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
}

impl<'a> HostView<'a> {
    /// The address, when it is not a name.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Domain(_) => None,
            Self::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Self::Ipv6(ip) => Some(IpAddr::V6(*ip)),
        }
    }

    /// A host name, an IPv4 address, or an IPv6 address in brackets, and nothing else.
    pub(crate) fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let host = Self::read(&mut cursor)?;
        if cursor.is_done() { Ok(host) } else { Err(SyntaxError::Host) }
    }

    /// Reads a host, up to the first character that cannot be part of one.
    #[inline]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        if cursor.eat(b'[') {
            return ipv6(cursor.take_until(b']').ok_or(SyntaxError::Host)?).map(Self::Ipv6);
        }
        read_name(cursor)
    }

    /// Reads `host [ ":" port ]`; `spaced` where the grammar allows space around the colon.
    #[inline]
    pub(crate) fn read_with_port(
        cursor: &mut Cursor<'a>,
        spaced: bool,
    ) -> Result<(Self, Option<u16>), SyntaxError> {
        let host = Self::read(cursor)?;
        let colon = if spaced { cursor.eat_spaced(b':') } else { cursor.eat(b':') };
        if !colon {
            return Ok((host, None));
        }
        let port: u16 = cursor.digits("a port")?.parse().map_err(|_| SyntaxError::Port)?;
        if port == 0 { Err(SyntaxError::Port) } else { Ok((host, Some(port))) }
    }
}

impl PartialEq<Host> for HostView<'_> {
    fn eq(&self, other: &Host) -> bool {
        match (self, other) {
            (Self::Domain(a), Host::Domain(b)) => a.eq_ignore_ascii_case(b.as_str()),
            (Self::Ipv4(a), Host::Ipv4(b)) => a == b,
            (Self::Ipv6(a), Host::Ipv6(b)) => a == b,
            _ => false,
        }
    }
}

/// Reads an IPv6 address, also with the third colon that RFC 3261's grammar puts before a dotted quad
/// (RFC 5118 §4.10).
fn ipv6(text: &str) -> Result<Ipv6Addr, SyntaxError> {
    match text.split_once(":::") {
        Some((left, right)) if right.contains('.') && text.len() <= MAX_IPV6 => {
            format!("{left}::{right}").parse()
        }
        _ => text.parse(),
    }
    .map_err(|_| SyntaxError::Host)
}

/// Reads a name or an IPv4 address. A name has labels of letters, digits, hyphens and underscores; no hyphen at their
/// ends, no digit at the start of the last.
fn read_name<'a>(cursor: &mut Cursor<'a>) -> Result<HostView<'a>, SyntaxError> {
    // The byte before, and the first one of the last label that is not empty.
    let (mut before, mut start, mut wrong) = (b'.', b'.', false);
    let text = cursor.take_while(|byte| {
        if is(byte, HOST) {
            if before == b'.' {
                start = byte;
            }
        } else if matches!(byte, b'.' | b'-') {
            wrong |= before == b'.' || (before == b'-' && byte == b'.');
        } else {
            return false;
        }
        before = byte;
        true
    });
    if start.is_ascii_digit() {
        return text.parse().map(HostView::Ipv4).map_err(|_| SyntaxError::Host);
    }
    let long = text.len() > MAX_LABEL && text.split('.').any(|label| label.len() > MAX_LABEL);
    let empty = start == b'.';
    if wrong || empty || before == b'-' || long || text.len() > MAX_NAME {
        return Err(SyntaxError::Host);
    }
    Ok(HostView::Domain(text))
}

/// Bytes of a name and of a label (RFC 1035 §2.3.4).
const MAX_NAME: usize = 254;
const MAX_LABEL: usize = 63;
/// Bytes of an IPv6 address with a dotted quad and the third colon.
const MAX_IPV6: usize = 48;
