//! Bindings as bytes, for stores that keep them in another form or place than this process's memory.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use rove_base::{Flow, Instant, StreamId, Transport};

use super::{Binding, Instance};
use crate::{message::NameAddr, transport::Hop};

impl Binding {
    /// All of it but its end.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::with_capacity(192);
        // Writing to a string never fails.
        let _ = write!(text, "<{}>{}", self.contact, self.params);
        let mut out = Vec::with_capacity(text.len().saturating_add(self.call_id.len()).saturating_add(96));
        out.extend_from_slice(&self.cseq.to_be_bytes());
        out.extend_from_slice(&self.q.to_be_bytes());
        put_text(&mut out, &text);
        put_text(&mut out, &self.call_id);
        match &self.flow {
            Some(hop) => put_hop(&mut out, hop),
            None => out.push(0),
        }
        match &self.instance {
            Some(Instance { urn, reg_id }) => {
                out.push(if reg_id.is_some() { 2 } else { 1 });
                out.extend_from_slice(&reg_id.unwrap_or_default().to_be_bytes());
                put_text(&mut out, urn);
            }
            None => out.push(0),
        }
        for route in &self.path {
            put_text(&mut out, &route.to_string());
        }
        out
    }

    /// What [`Binding::to_bytes`] wrote, until `until`. `None` when it is nothing of the kind.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], until: Instant) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (cseq, q) = (u32::from_be_bytes(reader.array()?), u16::from_be_bytes(reader.array()?));
        let NameAddr { uri, params, .. } = reader.text()?.parse().ok()?;
        let call_id = reader.text()?.to_owned();
        let flow = reader.hop()?;
        let instance = match reader.array()? {
            [0] => None,
            [kind @ (1 | 2)] => {
                let reg_id = u32::from_be_bytes(reader.array()?);
                Some(Instance { urn: reader.text()?.to_owned(), reg_id: (kind == 2).then_some(reg_id) })
            }
            _ => return None,
        };
        let mut path = Vec::new();
        while !reader.0.is_empty() {
            path.push(reader.text()?.parse().ok()?);
        }
        Some(Self { contact: uri, params, q, until, call_id, cseq, path, instance, flow })
    }

    /// Whether it can be reached over a stream alone, and so not by another process.
    #[must_use]
    pub fn is_bound_to_stream(&self) -> bool {
        matches!(self.flow, Some(Hop { flow: Flow::Stream(_), .. }))
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(text.as_bytes().get(..usize::from(len)).unwrap_or_default());
}

fn put_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&address.port().to_be_bytes());
}

/// Transports by the number that stands for each, from 1.
const TRANSPORTS: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

fn put_hop(out: &mut Vec<u8>, hop: &Hop) {
    let code = (1..).zip(TRANSPORTS).find(|(_, one)| *one == hop.transport).map_or(0, |(code, _)| code);
    out.push(code);
    if code == 0 {
        return;
    }
    put_address(out, hop.local);
    put_address(out, hop.remote);
    if let Flow::Stream(StreamId(stream)) = hop.flow {
        out.extend_from_slice(&stream.to_be_bytes());
    }
}

/// Reads fields off the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = u16::from_be_bytes(self.array()?);
        let (text, rest) = self.0.split_at_checked(len.into())?;
        self.0 = rest;
        core::str::from_utf8(text).ok()
    }

    fn address(&mut self) -> Option<SocketAddr> {
        let ip = match self.array()? {
            [4] => IpAddr::from(self.array::<4>()?),
            [6] => IpAddr::from(self.array::<16>()?),
            _ => return None,
        };
        Some(SocketAddr::new(ip, u16::from_be_bytes(self.array()?)))
    }

    fn hop(&mut self) -> Option<Option<Hop>> {
        let [code] = self.array()?;
        if code == 0 {
            return Some(None);
        }
        let transport =
            (1..).zip(TRANSPORTS).find(|(one, _)| *one == code).map(|(_, transport)| transport)?;
        let (local, remote) = (self.address()?, self.address()?);
        Some(Some(match transport {
            Transport::Udp => Hop::udp(local, remote),
            _ => Hop::stream(StreamId(u64::from_be_bytes(self.array()?)), transport, local, remote),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_the_same_after_it_was_kept_and_nothing_else_is_one() {
        let instance = |reg_id| Some(Instance { urn: "urn:uuid:1".into(), reg_id });
        let (local, remote) = ("192.0.2.1:5060".parse().unwrap(), "[2001:db8::1]:40000".parse().unwrap());
        let path = vec!["<sip:edge.example;lr>".parse().unwrap(), "\"E\" <sip:b;lr>;x=1".parse().unwrap()];
        let flows = [
            None,
            Some(Hop::udp(local, remote)),
            Some(Hop::stream(StreamId(7), Transport::Wss, local, remote)),
            Some(Hop::toward(Transport::Tls, local, remote)),
        ];
        for (instance, (flow, path)) in [None, instance(None), instance(Some(2)), instance(Some(0))]
            .into_iter()
            .zip(flows.into_iter().zip([vec![], vec![], path.clone(), path]))
        {
            let contact: NameAddr =
                "<sip:bob@192.0.2.4:5062;transport=tcp;ob?x=y>;+sip.x=\"a;b\";q".parse().unwrap();
            let binding = Binding {
                contact: contact.uri,
                params: contact.params,
                q: 700,
                until: Instant::from_nanos(5),
                call_id: "a@b".into(),
                cseq: 9,
                path,
                instance,
                flow,
            };
            let bytes = binding.to_bytes();
            assert_eq!(Binding::from_bytes(&bytes, binding.until), Some(binding.clone()));
            let cut = bytes.get(..bytes.len() - 1).unwrap();
            assert_ne!(Binding::from_bytes(cut, binding.until), Some(binding));
        }
        assert_eq!(Binding::from_bytes(b"", Instant::ZERO), None);
    }
}
