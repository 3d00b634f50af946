//! Fields in a frame, one after the other, each with a bound.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

use rove_base::Transport;

use crate::{Contact, Identifier, Name, Number, Uid};

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A frame is empty or too long.
    #[error("a frame has an impossible length")]
    Length,
    /// A field is cut short.
    #[error("{0} is cut short")]
    Truncated(&'static str),
    /// A field has a value that it cannot have.
    #[error("{0} makes no sense")]
    Value(&'static str),
    /// The kind of message is not known.
    #[error("unknown kind of message {0}")]
    Kind(u8),
    /// Something comes after the last field.
    #[error("bytes after the last field")]
    Trailing,
}

impl From<rove_base::FrameLength> for WireError {
    fn from(_: rove_base::FrameLength) -> Self {
        Self::Length
    }
}

/// Reads fields off the front.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(WireError::Truncated(what))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(WireError::Truncated(what))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, WireError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, WireError> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, WireError> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, WireError> {
        self.array(what).map(u64::from_be_bytes)
    }

    pub(crate) fn flag(&mut self, what: &'static str) -> Result<bool, WireError> {
        match self.u8(what)? {
            flag @ 0..=1 => Ok(flag == 1),
            _ => Err(WireError::Value(what)),
        }
    }

    /// A text with its length in one byte before it.
    pub(crate) fn text(&mut self, what: &'static str) -> Result<&'a str, WireError> {
        let len = self.u8(what)?;
        core::str::from_utf8(self.take(len.into(), what)?).map_err(|_| WireError::Value(what))
    }

    /// Bytes with their length in two bytes before them.
    pub(crate) fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], WireError> {
        let len = self.u16(what)?;
        self.take(len.into(), what)
    }

    /// A name in the form that it has everywhere: lower case.
    pub(crate) fn name(&mut self) -> Result<Name, WireError> {
        let text = self.text("name")?;
        let name: Name = text.parse().map_err(|_| WireError::Value("name"))?;
        if name.as_str() == text { Ok(name) } else { Err(WireError::Value("name")) }
    }

    /// The same, or an empty text.
    pub(crate) fn name_or_nothing(&mut self) -> Result<Option<Name>, WireError> {
        if self.0.first() == Some(&0) {
            return self.u8("name").map(|_| None);
        }
        self.name().map(Some)
    }

    pub(crate) fn ip(&mut self, kind: u8) -> Result<IpAddr, WireError> {
        match kind {
            4 => self.array::<4>("address").map(IpAddr::from),
            6 => self.array::<16>("address").map(IpAddr::from),
            _ => Err(WireError::Value("address")),
        }
    }

    /// A contact, whose first byte was `kind`.
    pub(crate) fn contact(&mut self, kind: u8) -> Result<Contact, WireError> {
        let transport = match kind >> 4 {
            1 => Transport::Udp,
            2 => Transport::Tcp,
            3 => Transport::Tls,
            _ => return Err(WireError::Value("contact")),
        };
        let port = self.u16("contact")?;
        Ok(Contact { transport, address: SocketAddr::new(self.ip(kind & 15)?, port) })
    }

    pub(crate) fn identifier(&mut self) -> Result<Identifier, WireError> {
        Ok(match self.u8("identifier")? {
            1 => Identifier::Name(self.name()?),
            2 => Identifier::Number(Number::new(self.u64("number")?).ok_or(WireError::Value("number"))?),
            3 => Identifier::Uid(Uid(self.array("unique id")?)),
            kind @ (4 | 6) => Identifier::Fixed(self.ip(kind)?),
            _ => return Err(WireError::Value("identifier")),
        })
    }

    pub(crate) const fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Trailing) }
    }
}

/// Writes a text that is at most 255 bytes long; what is longer was never parsed.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let len = u8::try_from(text.len()).unwrap_or(u8::MAX);
    out.push(len);
    out.extend_from_slice(text.as_bytes().get(..usize::from(len)).unwrap_or_default());
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes.get(..usize::from(len)).unwrap_or_default());
}

/// An address; [`family`] says which kind.
pub(crate) fn put_ip(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
}

/// Transport and kind of address in one byte, port, address.
pub(crate) fn put_contact(out: &mut Vec<u8>, contact: &Contact) {
    let transport = match contact.transport {
        Transport::Tcp => 2,
        Transport::Tls => 3,
        _ => 1,
    };
    out.push(transport << 4 | family(contact.address.ip()));
    out.extend_from_slice(&contact.address.port().to_be_bytes());
    put_ip(out, contact.address.ip());
}

pub(crate) const fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 4 } else { 6 }
}

pub(crate) fn put_identifier(out: &mut Vec<u8>, identifier: &Identifier) {
    match identifier {
        Identifier::Name(name) => {
            out.push(1);
            put_text(out, name.as_str());
        }
        Identifier::Number(number) => {
            out.push(2);
            out.extend_from_slice(&number.digits().to_be_bytes());
        }
        Identifier::Uid(uid) => {
            out.push(3);
            out.extend_from_slice(&uid.0);
        }
        Identifier::Fixed(ip) => {
            out.push(family(*ip));
            put_ip(out, *ip);
        }
    }
}
