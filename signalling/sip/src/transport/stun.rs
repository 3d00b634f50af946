//! The little of STUN that keeps a datagram flow alive: binding requests and their answers (RFC 5626 §8, RFC 8489).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

/// A STUN message on a SIP port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stun {
    /// Somebody asks where we see it; this is the answer it gets.
    Request { id: [u8; 12], refused: Option<u16> },
    /// The answer to a question of ours: where the other end sees us.
    Answer { id: [u8; 12], mapped: Option<SocketAddr> },
    /// Nothing that needs an answer.
    Other,
}

/// `None` when it is no STUN: SIP never starts with a byte below 4.
pub(super) fn parse(bytes: &[u8]) -> Option<Stun> {
    let (head, attributes) = bytes.split_first_chunk::<20>()?;
    let [t0, t1, l0, l1, c0, c1, c2, c3, id @ ..] = *head;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if t0 > 3 || [c0, c1, c2, c3] != COOKIE || length != attributes.len() || !length.is_multiple_of(4) {
        return None;
    }
    Some(match u16::from_be_bytes([t0, t1]) {
        REQUEST => Stun::Request {
            id,
            refused: attributes_of(attributes).map(|(kind, _)| kind).find(|kind| is_unknown(*kind)),
        },
        SUCCESS => Stun::Answer {
            id,
            mapped: attributes_of(attributes)
                .find_map(|(kind, value)| (kind == XOR_MAPPED).then(|| unmap(value, &id))?),
        },
        _ => Stun::Other,
    })
}

/// A question.
pub(super) fn request(id: [u8; 12]) -> Vec<u8> {
    message(REQUEST, id, &[])
}

/// The answer to a question that came from `source`; `refused` names what in it we must understand and do not.
pub(super) fn answer(id: [u8; 12], source: SocketAddr, refused: Option<u16>) -> Vec<u8> {
    let mut attributes = Vec::with_capacity(24);
    match refused {
        None => {
            let [p0, p1] = source.port().to_be_bytes();
            let (family, address) = match source.ip().to_canonical() {
                IpAddr::V4(ip) => (1, ip.octets().to_vec()),
                IpAddr::V6(ip) => (2, ip.octets().to_vec()),
            };
            attribute(
                &mut attributes,
                XOR_MAPPED,
                &[0, family, p0 ^ COOKIE[0], p1 ^ COOKIE[1]],
                &mask(&address, &id),
            );
        }
        Some(kind) => {
            attribute(&mut attributes, ERROR_CODE, &[0, 0, 4, 20], b"");
            let [k0, k1] = kind.to_be_bytes();
            attribute(&mut attributes, UNKNOWN_ATTRIBUTES, &[k0, k1, k0, k1], b"");
        }
    }
    message(if refused.is_some() { FAILURE } else { SUCCESS }, id, &attributes)
}

fn message(kind: u16, id: [u8; 12], attributes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(attributes.len()).unwrap_or(0);
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), &COOKIE, &id, attributes].concat()
}

/// Both parts fill whole words.
fn attribute(out: &mut Vec<u8>, kind: u16, head: &[u8], rest: &[u8]) {
    let length = u16::try_from(head.len().saturating_add(rest.len())).unwrap_or(0);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(head);
    out.extend_from_slice(rest);
}

fn attributes_of(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    core::iter::from_fn(move || {
        let (&[k0, k1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let value = rest.get(..length)?;
        bytes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_be_bytes([k0, k1]), value))
    })
}

/// Attributes below 0x8000 must be understood (RFC 8489 §14); these may stand in a question without a password.
const fn is_unknown(kind: u16) -> bool {
    kind < 0x8000 && !matches!(kind, 0x0003 | 0x0006 | 0x0008 | 0x0014 | 0x0015 | 0x001C)
}

fn unmap(value: &[u8], id: &[u8; 12]) -> Option<SocketAddr> {
    let (&[_, family, p0, p1], address) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([p0 ^ COOKIE[0], p1 ^ COOKIE[1]]);
    let address = mask(address, id);
    let ip = match family {
        1 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
        2 => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn mask(address: &[u8], id: &[u8; 12]) -> Vec<u8> {
    let key = COOKIE.iter().chain(id);
    address.iter().zip(key).map(|(byte, key)| byte ^ key).collect()
}

const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const FAILURE: u16 = 0x0111;
const XOR_MAPPED: u16 = 0x0020;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;

#[cfg(test)]
mod tests;
