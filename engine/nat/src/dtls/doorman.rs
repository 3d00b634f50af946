//! Who may begin a handshake: only who can be answered at the address it claims (RFC 6347 §4.2.1).
//!
//! Nothing is remembered of a ClientHello until it comes back with the cookie that was sent to its address, so a
//! stranger's hellos, however many, touch nothing.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

use ring::hmac;
use rove_base::Entropy;
use subtle::ConstantTimeEq;

use super::{
    inbox::Parts,
    message::{CLIENT_HELLO, ClientHello, HELLO_VERIFY, Message, fragments, write_hello_verify},
    record::{self, HANDSHAKE, OLD_VERSION, records},
};

pub(super) struct Doorman {
    key: hmac::Key,
    parts: Parts,
}

/// What to do with a datagram that begins with a hello.
pub(super) enum Greeting {
    Ignore,
    /// Send this back, and forget about it.
    Challenge(Vec<u8>),
    /// It comes from where it says: begin.
    Welcome(Message),
}

impl Doorman {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        entropy.fill(&mut *secret);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &*secret), parts: Parts::default() }
    }

    /// Whether `datagram` begins with a hello.
    pub(super) fn concerns(datagram: &[u8]) -> bool {
        records(datagram).next().is_some_and(|record| {
            let hello = fragments(record.body).next().is_some_and(|fragment| fragment.kind == CLIENT_HELLO);
            (record.kind, record.epoch) == (HANDSHAKE, 0) && hello
        })
    }

    pub(super) fn greet(&mut self, remote: SocketAddr, datagram: &[u8]) -> Greeting {
        for record in records(datagram).filter(|record| (record.kind, record.epoch) == (HANDSHAKE, 0)) {
            for fragment in fragments(record.body).filter(|fragment| fragment.kind == CLIENT_HELLO) {
                let Some(message) = self.parts.add(&fragment) else { continue };
                let Some(hello) = ClientHello::parse(message.body()) else { continue };
                let cookie = self.cookie(remote, &hello.random);
                if hello.cookie.ct_eq(&cookie).into() {
                    return Greeting::Welcome(message);
                }
                let challenge = Message::new(HELLO_VERIFY, 0, &write_hello_verify(&cookie));
                let mut answer = Vec::with_capacity(64);
                // In the number of the record that is answered, for nothing is remembered to count on.
                record::write(&mut answer, HANDSHAKE, OLD_VERSION, record.sequence, &challenge.bytes);
                return Greeting::Challenge(answer);
            }
        }
        Greeting::Ignore
    }

    fn cookie(&self, remote: SocketAddr, random: &[u8; 32]) -> [u8; COOKIE] {
        let mut context = hmac::Context::with_key(&self.key);
        match remote.ip() {
            IpAddr::V4(ip) => context.update(&ip.octets()),
            IpAddr::V6(ip) => context.update(&ip.octets()),
        }
        context.update(&remote.port().to_be_bytes());
        context.update(random);
        context.sign().as_ref().first_chunk().copied().unwrap_or_default()
    }
}

/// Bytes of a cookie.
const COOKIE: usize = 20;
