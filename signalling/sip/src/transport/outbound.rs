//! What a registration over a flow needs: the instance's name, and tokens that name a flow (RFC 5626 §4.1, §5.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;
use std::net::{IpAddr, SocketAddr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rove_base::{Entropy, Flow, StreamId, Transport};
use sha2::Sha256;

use super::Hop;

/// Names one user agent for ever, wherever it registers from (RFC 5626 §4.1): `urn:uuid:` and 128 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Instance(u128);

impl Instance {
    /// A new one (RFC 9562 §5.4). To be kept by whoever wants to be the same agent again.
    #[must_use]
    pub fn random(entropy: &mut Entropy) -> Self {
        let bits = u128::from(entropy.next_u64()) << 64 | u128::from(entropy.next_u64());
        Self(bits & !(0xF << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62)
    }

    /// The one that was kept.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// To be kept.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// The parameters of the Contact that registers flow `reg_id` of this agent, counted from 1.
    #[must_use]
    pub fn contact_params(self, reg_id: u32) -> String {
        format!(";reg-id={reg_id};+sip.instance=\"<{self}>\"")
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let part = |from, to| digits.get(from..to).unwrap_or_default();
        write!(
            f,
            "urn:uuid:{}-{}-{}-{}-{}",
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32)
        )
    }
}

/// Makes tokens that name a flow to whoever made them, and to nobody else anything (RFC 5626 §5.2): the user part of a
/// Path or Record-Route.
pub struct FlowTokens(Hmac<Sha256>);

impl FlowTokens {
    /// With a secret of its own.
    #[must_use]
    pub fn new(entropy: &mut Entropy) -> Self {
        let mut key = [0; 64];
        let bytes = core::iter::repeat_with(|| entropy.next_u64().to_be_bytes()).flatten();
        key.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        Self(Hmac::new(&key.into()))
    }

    /// The token of a hop: letters, digits, `-` and `_`.
    #[must_use]
    pub fn seal(&self, hop: &Hop) -> String {
        let mut bytes = encode(hop);
        let tag = self.0.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(tag.get(..TAG_BYTES).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The hop that a token of ours names. `None` when it is none of ours.
    #[must_use]
    pub fn open(&self, token: &str) -> Option<Hop> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (plain, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        self.0.clone().chain_update(plain).verify_truncated_left(tag).ok()?;
        decode(plain)
    }
}

impl fmt::Debug for FlowTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowTokens(..)")
    }
}

fn encode(hop: &Hop) -> Vec<u8> {
    let transport = TRANSPORTS.iter().position(|one| *one == hop.transport).unwrap_or(0);
    let stream = match hop.flow {
        Flow::Stream(StreamId(id)) => id,
        Flow::Udp(_) => 0,
    };
    let mut bytes = vec![u8::try_from(transport).unwrap_or(0)];
    bytes.extend_from_slice(&stream.to_be_bytes());
    for address in [hop.local, hop.remote] {
        match address.ip() {
            IpAddr::V4(ip) => {
                bytes.push(4);
                bytes.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                bytes.push(6);
                bytes.extend_from_slice(&ip.octets());
            }
        }
        bytes.extend_from_slice(&address.port().to_be_bytes());
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Hop> {
    let (&transport, bytes) = bytes.split_first()?;
    let transport = *TRANSPORTS.get(usize::from(transport))?;
    let (&stream, bytes) = bytes.split_first_chunk()?;
    let (local, bytes) = decode_address(bytes)?;
    let (remote, rest) = decode_address(bytes)?;
    let hop = Hop::toward(transport, local, remote);
    let stream = Flow::Stream(StreamId(u64::from_be_bytes(stream)));
    rest.is_empty().then_some(if transport.is_reliable() { Hop { flow: stream, ..hop } } else { hop })
}

fn decode_address(bytes: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let (&family, bytes) = bytes.split_first()?;
    let (ip, bytes): (IpAddr, _) = match family {
        4 => bytes.split_first_chunk::<4>().map(|(ip, rest)| ((*ip).into(), rest))?,
        6 => bytes.split_first_chunk::<16>().map(|(ip, rest)| ((*ip).into(), rest))?,
        _ => return None,
    };
    let (&port, bytes) = bytes.split_first_chunk()?;
    Some((SocketAddr::new(ip, u16::from_be_bytes(port)), bytes))
}

/// As a token writes them: their place here.
const TRANSPORTS: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
/// 80 bits, as in the example of RFC 5626 §5.2.
const TAG_BYTES: usize = 10;

#[cfg(test)]
mod tests;
