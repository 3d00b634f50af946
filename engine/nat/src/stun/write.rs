//! Writing STUN messages.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{
    BINDING, COOKIE, Class, ERROR_CODE, FINGERPRINT, HEADER_BYTES, ICE_CONTROLLED, ICE_CONTROLLING,
    MESSAGE_INTEGRITY, PRIORITY, Transaction, USE_CANDIDATE, USERNAME, XOR_MAPPED_ADDRESS, fingerprint, mask,
};

/// Writes one binding message, attribute by attribute, in the order they are added.
#[derive(Debug)]
#[must_use]
pub struct MessageWriter {
    bytes: Vec<u8>,
    transaction: Transaction,
}

impl MessageWriter {
    /// A binding message without attributes.
    pub fn new(class: Class, transaction: Transaction) -> Self {
        let class: u16 = match class {
            Class::Request => 0x000,
            Class::Indication => 0x010,
            Class::Success => 0x100,
            Class::Error => 0x110,
        };
        let mut bytes = Vec::with_capacity(128);
        bytes.extend((BINDING | class).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend(transaction);
        Self { bytes, transaction }
    }

    /// USERNAME: the fragment of the side that is asked, then that of the one who asks (RFC 8445 §7.2.2).
    pub fn username(self, asked: &str, asks: &str) -> Self {
        self.attribute(USERNAME, format!("{asked}:{asks}").as_bytes())
    }

    /// PRIORITY.
    pub fn priority(self, priority: u32) -> Self {
        self.attribute(PRIORITY, &priority.to_be_bytes())
    }

    /// USE-CANDIDATE.
    pub fn use_candidate(self) -> Self {
        self.attribute(USE_CANDIDATE, &[])
    }

    /// ICE-CONTROLLING or ICE-CONTROLLED.
    pub fn role(self, controlling: bool, tie_breaker: u64) -> Self {
        let kind = if controlling { ICE_CONTROLLING } else { ICE_CONTROLLED };
        self.attribute(kind, &tie_breaker.to_be_bytes())
    }

    /// XOR-MAPPED-ADDRESS.
    pub fn mapped(self, address: SocketAddr) -> Self {
        let mask = mask(&self.transaction);
        let mut value = vec![0, if address.is_ipv4() { 1 } else { 2 }];
        value.extend(address.port().to_be_bytes().iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
        match address.ip() {
            IpAddr::V4(ip) => value.extend(ip.octets().iter().zip(&mask).map(|(byte, mask)| byte ^ mask)),
            IpAddr::V6(ip) => value.extend(ip.octets().iter().zip(&mask).map(|(byte, mask)| byte ^ mask)),
        }
        self.attribute(XOR_MAPPED_ADDRESS, &value)
    }

    /// ERROR-CODE, 300 to 699, without a reason phrase.
    pub fn error(self, code: u16) -> Self {
        let [class, number] = [code / 100, code % 100].map(|part| part.to_be_bytes()[1]);
        self.attribute(ERROR_CODE, &[0, 0, class, number])
    }

    /// Any other attribute.
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.bytes.extend(value);
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
        self.tell_length(0);
        self
    }

    /// MESSAGE-INTEGRITY with `password` and FINGERPRINT, and the message is whole (RFC 8489 §9.1, §14.7).
    #[must_use]
    pub fn sealed(mut self, password: &str) -> Vec<u8> {
        self.tell_length(24);
        if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(password.as_bytes()) {
            mac.update(&self.bytes);
            let tag = mac.finalize().into_bytes();
            self = self.attribute(MESSAGE_INTEGRITY, &tag);
        }
        self.fingerprinted()
    }

    /// FINGERPRINT, and the message is whole.
    #[must_use]
    pub fn fingerprinted(mut self) -> Vec<u8> {
        self.tell_length(8);
        let print = fingerprint(&self.bytes);
        self.attribute(FINGERPRINT, &print.to_be_bytes()).bytes
    }

    /// Writes the length that the message will have once `more` bytes are behind it.
    fn tell_length(&mut self, more: usize) {
        let length = self.bytes.len().saturating_sub(HEADER_BYTES).saturating_add(more);
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        self.bytes.iter_mut().skip(2).zip(length).for_each(|(to, from)| *to = from);
    }
}
