//! What a proxy writes into routes so that it need not remember it: the flow to a client (RFC 5626 §5.2), and that a
//! dialog was let through. Others can neither make nor change them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rove_base::{Flow, StreamId, Transport};

use crate::{transaction::Keyed, transport::Hop};

/// Makes tokens and knows them again.
#[derive(Clone, Debug)]
pub(crate) struct Tokens(Keyed);

impl Tokens {
    pub(crate) const fn new(keyed: Keyed) -> Self {
        Self(keyed)
    }

    /// The token of a flow.
    pub(crate) fn flow(&self, hop: &Hop) -> String {
        let mut bytes = vec![code(hop.transport)];
        bytes.extend_from_slice(&hop.stream_id().map_or(0, |stream| stream.0).to_be_bytes());
        push_address(&mut bytes, hop.local);
        push_address(&mut bytes, hop.remote);
        let tag = self.0.number(&("flow", &bytes));
        bytes.extend_from_slice(&tag.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The flow of a token. `None` when it is none of ours.
    pub(crate) fn read_flow(&self, token: &str) -> Option<Hop> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, tag) = bytes.split_last_chunk::<8>()?;
        if self.0.number(&("flow", &body.to_vec())) != u64::from_be_bytes(*tag) {
            return None;
        }
        let (first, rest) = body.split_first()?;
        let transport = TRANSPORTS.into_iter().find(|transport| code(*transport) == *first)?;
        let (stream, rest) = rest.split_first_chunk::<8>()?;
        let (local, rest) = read_address(rest)?;
        let (remote, _) = read_address(rest)?;
        Some(match u64::from_be_bytes(*stream) {
            0 => Hop::toward(transport, local, remote),
            stream => Hop { flow: Flow::Stream(StreamId(stream)), transport, local, remote },
        })
    }

    /// The token of a dialog that was let through.
    pub(crate) fn dialog(&self, call_id: &str) -> String {
        format!("{:016x}", self.0.number(&("dialog", call_id)))
    }
}

const fn code(transport: Transport) -> u8 {
    match transport {
        Transport::Tcp => 1,
        Transport::Tls => 2,
        Transport::Ws => 3,
        Transport::Wss => 4,
        _ => 0,
    }
}

fn push_address(bytes: &mut Vec<u8>, address: SocketAddr) {
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

fn read_address(bytes: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let (family, rest) = bytes.split_first()?;
    let (ip, rest): (IpAddr, _) = match family {
        4 => rest.split_first_chunk::<4>().map(|(ip, rest)| ((*ip).into(), rest))?,
        6 => rest.split_first_chunk::<16>().map(|(ip, rest)| ((*ip).into(), rest))?,
        _ => return None,
    };
    let (port, rest) = rest.split_first_chunk::<2>()?;
    Some((SocketAddr::new(ip, u16::from_be_bytes(*port)), rest))
}

const TRANSPORTS: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
/// Characters of the longest token.
const MAX_TOKEN: usize = 80;
