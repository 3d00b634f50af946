//! Reading what DHCPv6 clients say (RFC 8415 §8, §21).

use core::net::Ipv6Addr;

use crate::pool::Token;

/// What a client can want. The numbers are those of RFC 8415 §7.3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::pool) enum Kind {
    Solicit,
    Request,
    Confirm,
    Renew,
    Rebind,
    Release,
    Decline,
    InformationRequest,
}

/// One message of a client that can be answered.
#[derive(Clone, Debug)]
pub(in crate::pool) struct Request {
    pub(in crate::pool) kind: Kind,
    pub(super) transaction: [u8; 3],
    /// Option 1 as it came.
    pub(super) client: Option<Vec<u8>>,
    /// Option 2.
    pub(super) server: Option<Vec<u8>>,
    /// The first of its identity associations: an interface has one address here.
    pub(super) association: Option<Association>,
    name: Option<String>,
}

/// IA_NA (RFC 8415 §21.4).
#[derive(Clone, Debug)]
pub(super) struct Association {
    pub(super) id: u32,
    /// At most [`MAX_ADDRESSES`]; further ones are not read.
    pub(super) addresses: Vec<Ipv6Addr>,
}

/// Not a client's message, or cut short; there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a DHCPv6 client's message")]
pub(in crate::pool) struct Malformed;

impl Request {
    pub(in crate::pool) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (&[kind, a, b, c], options) = bytes.split_first_chunk().ok_or(Malformed)?;
        if bytes.len() > LONGEST {
            return Err(Malformed);
        }
        let (transaction, kind) = ([a, b, c], Kind::read(kind)?);
        let mut request =
            Self { kind, transaction, client: None, server: None, association: None, name: None };
        for option in Options(options) {
            match option? {
                (1, duid) => request.client = Some(duid.to_vec()),
                (2, duid) => request.server = Some(duid.to_vec()),
                (3, body) if request.association.is_none() => {
                    request.association = Some(Association::read(body)?);
                }
                (39, body) => request.name = body.split_first().and_then(|(_, name)| super::labels(name)),
                _ => {}
            }
        }
        Ok(request)
    }

    /// What the client shows to be served.
    pub(in crate::pool) fn token(&self) -> Option<Token> {
        Token::from_duid(self.client.as_deref()?)
    }

    /// How the client calls itself (RFC 4704).
    pub(in crate::pool) fn host_name(&self) -> Option<String> {
        self.name.clone().filter(|name| !name.is_empty())
    }
}

impl Kind {
    const fn read(kind: u8) -> Result<Self, Malformed> {
        Ok(match kind {
            1 => Self::Solicit,
            3 => Self::Request,
            4 => Self::Confirm,
            5 => Self::Renew,
            6 => Self::Rebind,
            8 => Self::Release,
            9 => Self::Decline,
            11 => Self::InformationRequest,
            _ => return Err(Malformed),
        })
    }
}

impl Association {
    fn read(body: &[u8]) -> Result<Self, Malformed> {
        let (&[a, b, c, d, ..], options) = body.split_first_chunk::<12>().ok_or(Malformed)?;
        let mut addresses = Vec::new();
        for option in Options(options) {
            if let (5, body) = option? {
                let (address, lifetimes) = body.split_first_chunk::<16>().ok_or(Malformed)?;
                if lifetimes.len() < 8 {
                    return Err(Malformed);
                }
                if addresses.len() < MAX_ADDRESSES {
                    addresses.push(Ipv6Addr::from_octets(*address));
                }
            }
        }
        Ok(Self { id: u32::from_be_bytes([a, b, c, d]), addresses })
    }
}

/// Walks over options (RFC 8415 §21.1).
struct Options<'a>(&'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = Result<(u16, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let option = self.0.split_first_chunk::<4>().and_then(|(&[a, b, c, d], rest)| {
            let (body, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
            Some((u16::from_be_bytes([a, b]), body, rest))
        });
        let Some((code, body, rest)) = option else {
            self.0 = &[];
            return Some(Err(Malformed));
        };
        self.0 = rest;
        Some(Ok((code, body)))
    }
}

/// An Ethernet frame's worth.
const LONGEST: usize = 1_452;
/// Addresses of one association that are looked at.
const MAX_ADDRESSES: usize = 4;
