//! Writing TURN messages behind what a buffer holds already.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

use super::{
    super::{
        COOKIE, Class, ERROR_CODE, FINGERPRINT, HEADER_BYTES, MESSAGE_INTEGRITY, Transaction, USERNAME,
        XOR_MAPPED_ADDRESS, fingerprint, mask,
    },
    ADDITIONAL_ADDRESS_FAMILY, Algorithm, CHANNEL_NUMBER, DATA, EVEN_PORT, Family, LIFETIME,
    MESSAGE_INTEGRITY_SHA256, Method, NONCE, PASSWORD_ALGORITHM, PASSWORD_ALGORITHMS, REALM,
    REQUESTED_ADDRESS_FAMILY, REQUESTED_TRANSPORT, RESERVATION_TOKEN, Seal, UNKNOWN_ATTRIBUTES,
    XOR_PEER_ADDRESS, XOR_RELAYED_ADDRESS,
};

/// Writes one message, attribute by attribute, in the order they are added. It is whole after each.
#[derive(Debug)]
#[must_use]
pub struct TurnWriter<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    transaction: Transaction,
}

impl<'o> TurnWriter<'o> {
    /// A message without attributes, at the end of `out`.
    pub fn new(out: &'o mut Vec<u8>, class: Class, method: Method, transaction: Transaction) -> Self {
        let class: u16 = match class {
            Class::Request => 0x000,
            Class::Indication => 0x010,
            Class::Success => 0x100,
            Class::Error => 0x110,
        };
        let method = method.number();
        let kind = class | method & 0xf | (method & 0x70) << 1 | (method & 0xf80) << 2;
        let start = out.len();
        out.extend(kind.to_be_bytes());
        out.extend([0, 0]);
        out.extend(COOKIE);
        out.extend(transaction);
        Self { out, start, transaction }
    }

    /// USERNAME.
    pub fn username(self, user: &[u8]) -> Self {
        self.attribute(USERNAME, user)
    }

    /// REALM.
    pub fn realm(self, realm: &[u8]) -> Self {
        self.attribute(REALM, realm)
    }

    /// NONCE.
    pub fn nonce(self, nonce: &[u8]) -> Self {
        self.attribute(NONCE, nonce)
    }

    /// LIFETIME, in seconds.
    pub fn lifetime(self, secs: u32) -> Self {
        self.attribute(LIFETIME, &secs.to_be_bytes())
    }

    /// XOR-MAPPED-ADDRESS.
    pub fn mapped(self, address: SocketAddr) -> Self {
        self.place(XOR_MAPPED_ADDRESS, address)
    }

    /// XOR-RELAYED-ADDRESS.
    pub fn relayed(self, address: SocketAddr) -> Self {
        self.place(XOR_RELAYED_ADDRESS, address)
    }

    /// XOR-PEER-ADDRESS.
    pub fn peer(self, address: SocketAddr) -> Self {
        self.place(XOR_PEER_ADDRESS, address)
    }

    /// DATA.
    pub fn data(self, bytes: &[u8]) -> Self {
        self.attribute(DATA, bytes)
    }

    /// CHANNEL-NUMBER.
    pub fn channel(self, number: u16) -> Self {
        let [high, low] = number.to_be_bytes();
        self.attribute(CHANNEL_NUMBER, &[high, low, 0, 0])
    }

    /// REQUESTED-TRANSPORT: a protocol number of IP.
    pub fn transport(self, protocol: u8) -> Self {
        self.attribute(REQUESTED_TRANSPORT, &[protocol, 0, 0, 0])
    }

    /// REQUESTED-ADDRESS-FAMILY.
    pub fn family(self, family: Family) -> Self {
        self.attribute(REQUESTED_ADDRESS_FAMILY, &[family.number(), 0, 0, 0])
    }

    /// ADDITIONAL-ADDRESS-FAMILY.
    pub fn additional_family(self, family: Family) -> Self {
        self.attribute(ADDITIONAL_ADDRESS_FAMILY, &[family.number(), 0, 0, 0])
    }

    /// EVEN-PORT.
    pub fn even_port(self, reserve: bool) -> Self {
        self.attribute(EVEN_PORT, &[if reserve { 0x80 } else { 0 }])
    }

    /// RESERVATION-TOKEN.
    pub fn reservation(self, token: [u8; 8]) -> Self {
        self.attribute(RESERVATION_TOKEN, &token)
    }

    /// ERROR-CODE, 300 to 699, without a reason phrase.
    pub fn error(self, code: u16) -> Self {
        let [class, number] = [code / 100, code % 100].map(|part| part.to_be_bytes()[1]);
        self.attribute(ERROR_CODE, &[0, 0, class, number])
    }

    /// UNKNOWN-ATTRIBUTES, one of them.
    pub fn unknown(self, kind: u16) -> Self {
        self.attribute(UNKNOWN_ATTRIBUTES, &kind.to_be_bytes())
    }

    /// PASSWORD-ALGORITHMS, none of which takes parameters.
    pub fn algorithms(self, all: &[Algorithm]) -> Self {
        let value: Vec<u8> = all.iter().flat_map(|one| parameterless(*one)).collect();
        self.attribute(PASSWORD_ALGORITHMS, &value)
    }

    /// PASSWORD-ALGORITHM.
    pub fn algorithm(self, one: Algorithm) -> Self {
        self.attribute(PASSWORD_ALGORITHM, &parameterless(one))
    }

    /// Any other attribute.
    pub fn attribute(self, kind: u16, value: &[u8]) -> Self {
        self.out.extend(kind.to_be_bytes());
        self.out.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.out.extend_from_slice(value);
        let padding = value.len().wrapping_neg() & 3;
        self.out.extend([0; 3].iter().take(padding));
        self.tell_length()
    }

    /// The seal, and the message is whole but for a FINGERPRINT.
    pub fn sealed(self, seal: Seal<'_>) -> Self {
        let kind = match seal {
            Seal::Sha1(_) => MESSAGE_INTEGRITY,
            Seal::Sha256(_) => MESSAGE_INTEGRITY_SHA256,
        };
        let covered = self.out.get(self.start..).unwrap_or_default();
        let mut tag = [0; 32];
        let written =
            seal.over(covered, |value| tag.iter_mut().zip(value).for_each(|(to, from)| *to = *from));
        match written {
            Some(()) => self.attribute(kind, tag.get(..seal.len()).unwrap_or_default()),
            None => self,
        }
    }

    /// FINGERPRINT, and the message is whole.
    pub fn fingerprinted(mut self) {
        // It covers the header with the length that it makes.
        self = self.attribute(FINGERPRINT, &[0; 4]);
        let whole = self.out.len();
        let begin = whole.saturating_sub(8);
        let print = fingerprint(self.out.get(self.start..begin).unwrap_or_default());
        self.out.iter_mut().skip(begin).skip(4).zip(print.to_be_bytes()).for_each(|(to, from)| *to = from);
    }

    /// The message is whole.
    pub fn done(self) {}

    fn place(self, kind: u16, address: SocketAddr) -> Self {
        let mask = mask(&self.transaction);
        let mut value = [0; 20];
        let family = Family::of(address).number();
        let head = [0, family].into_iter();
        let port = address.port().to_be_bytes().into_iter().zip(mask).map(|(byte, mask)| byte ^ mask);
        let (ip, len) = match address.ip() {
            IpAddr::V4(ip) => (ip.to_ipv6_compatible().octets(), 8),
            IpAddr::V6(ip) => (ip.octets(), 20),
        };
        // An IPv4 address stands in the last four of its sixteen bytes.
        let ip = ip.into_iter().skip(if len == 8 { 12 } else { 0 });
        let ip = ip.zip(mask).map(|(byte, mask)| byte ^ mask);
        value.iter_mut().zip(head.chain(port).chain(ip)).for_each(|(to, from)| *to = from);
        self.attribute(kind, value.get(..len).unwrap_or_default())
    }

    fn tell_length(self) -> Self {
        let length = self.out.len().saturating_sub(self.start).saturating_sub(HEADER_BYTES);
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        self.out.iter_mut().skip(self.start).skip(2).zip(length).for_each(|(to, from)| *to = from);
        self
    }
}

const fn parameterless(algorithm: Algorithm) -> [u8; 4] {
    let [high, low] = algorithm.number().to_be_bytes();
    [high, low, 0, 0]
}
