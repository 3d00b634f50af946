//! Nonces that prove themselves, and how often a source is answered that has proved nothing.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use rove_base::{Entropy, Instant};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::desks::Desk;

/// Makes nonces and knows them again. Nothing is kept: a nonce is the time, and a seal over it and the address it was given
/// to. Whoever shows one has received it there.
pub(super) struct Nonces {
    key: [u8; 32],
}

/// A nonce as it is written: with what says that passwords may become keys in more ways than one (RFC 8489 §9.2), or, where
/// there is no room for that, without.
pub(super) type Nonce = Vec<u8>;

impl Nonces {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self { key }
    }

    pub(super) fn make(&self, now: Instant, client: SocketAddr, full: bool) -> Nonce {
        let mut nonce = if full { COOKIE.to_vec() } else { Vec::new() };
        nonce.extend(self.proof(seconds(now), client, full).as_bytes());
        nonce
    }

    /// Whether `nonce` was given to `client` not long ago.
    pub(super) fn is_good(&self, now: Instant, client: SocketAddr, nonce: &[u8]) -> bool {
        let (full, proof) = match nonce.strip_prefix(COOKIE) {
            Some(proof) => (true, proof),
            None => (false, nonce),
        };
        let mut bytes = [0; PROOF_BYTES];
        let Ok(PROOF_BYTES) = BASE64_STANDARD.decode_slice(proof, &mut bytes) else { return false };
        let [a, b, c, d, ..] = bytes;
        let made = u32::from_be_bytes([a, b, c, d]);
        let age = seconds(now).wrapping_sub(made);
        let expected = self.proof(made, client, full);
        let fits: bool = expected.as_bytes().ct_eq(proof).into();
        fits && u64::from(age) < LIFE.as_secs()
    }

    fn proof(&self, made: u32, client: SocketAddr, full: bool) -> String {
        let mut bytes = [0; PROOF_BYTES];
        let time = made.to_be_bytes();
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) {
            mac.update(&[u8::from(full)]);
            mac.update(&time);
            mac.update(&client.port().to_be_bytes());
            match client.ip() {
                IpAddr::V4(ip) => mac.update(&ip.octets()),
                IpAddr::V6(ip) => mac.update(&ip.octets()),
            }
            let tag = mac.finalize().into_bytes();
            bytes.iter_mut().zip(time.iter().chain(&tag)).for_each(|(to, from)| *to = *from);
        }
        BASE64_STANDARD.encode(bytes)
    }
}

fn seconds(now: Instant) -> u32 {
    // Wraps after 136 years, and a nonce is younger.
    (now.since(Instant::ZERO).as_secs() & u64::from(u32::MAX)) as u32
}

/// How often each source was answered in this second, before it has proved that it is there. Sources that share a place
/// share their answers, so a flood from many places costs each of them little and the table nothing.
pub(super) struct Sources {
    second: u64,
    seed: u64,
    told: Box<[u16]>,
    most: u16,
}

impl Sources {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        Self { second: 0, seed: entropy.next_u64(), told: vec![0; PLACES].into(), most: ANSWERS }
    }

    /// As many as one desk answers, so that all together answer no more often than one.
    pub(super) fn share(&mut self, desk: Desk) {
        self.most = ANSWERS.div_ceil(desk.count().into());
    }

    /// Whether one more answer may go to `ip`; counts it.
    pub(super) fn may_answer(&mut self, now: Instant, ip: IpAddr) -> bool {
        let second = now.since(Instant::ZERO).as_secs();
        if second != self.second {
            self.second = second;
            self.told.fill(0);
        }
        // A network of IPv6 counts as one source.
        let number = match ip {
            IpAddr::V4(ip) => u64::from(u32::from(ip)),
            IpAddr::V6(ip) => (u128::from(ip) >> 64) as u64,
        };
        let mixed = (number ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = (mixed >> 32) as usize & PLACES.wrapping_sub(1);
        let Some(told) = self.told.get_mut(place) else { return false };
        *told = told.saturating_add(1);
        *told <= self.most
    }
}

/// With the bit that says: a password may become a key by any of the PASSWORD-ALGORITHMS.
const COOKIE: &[u8] = b"obMatJos2gAAA";
/// Bytes before they are written in base64: four of time, eight of seal.
const PROOF_BYTES: usize = 12;
/// After that a nonce is stale (RFC 8656 §5: an hour at most).
const LIFE: Duration = Duration::from_secs(3_600);
/// Sources are told apart by as many places; a power of two.
const PLACES: usize = 4_096;
/// To one source within a second.
const ANSWERS: u16 = 400;

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn a_nonce_is_good_for_an_hour_for_the_address_it_was_given_to() {
        let nonces = Nonces::new(&mut Entropy::from_number(1));
        let others = Nonces::new(&mut Entropy::from_number(2));
        let (here, there) = (([192, 0, 2, 1], 4_000).into(), ([192, 0, 2, 1], 4_001).into());
        let begin = Instant::ZERO + Duration::from_secs(77);
        for full in [true, false] {
            let nonce = nonces.make(begin, here, full);
            assert_eq!(nonce.len(), if full { 29 } else { 16 });
            assert!(nonces.is_good(begin, here, &nonce));
            assert!(nonces.is_good(begin + Duration::from_secs(3_599), here, &nonce));
            assert!(!nonces.is_good(begin + Duration::from_secs(3_600), here, &nonce));
            assert!(!nonces.is_good(begin, there, &nonce) && !others.is_good(begin, here, &nonce));
            for at in 0..nonce.len() {
                let mut changed = nonce.clone();
                changed[at] ^= 1;
                assert!(!nonces.is_good(begin, here, &changed), "byte {at}");
            }
        }
        // Without the cookie it is another nonce: nobody on the way makes a client use a weaker key.
        let full = nonces.make(begin, here, true);
        assert!(!nonces.is_good(begin, here, &full[13..]));
    }

    #[test]
    fn one_source_is_answered_so_often_a_second_and_others_are_not_hurt() {
        let mut sources = Sources::new(&mut Entropy::from_number(3));
        let (one, other) = ([192, 0, 2, 1].into(), [198, 51, 100, 9].into());
        let answered = (0..10_000).filter(|_| sources.may_answer(Instant::ZERO, one)).count();
        assert_eq!(answered, usize::from(ANSWERS));
        assert!(sources.may_answer(Instant::ZERO, other));
        assert!(sources.may_answer(Instant::ZERO + Duration::from_secs(1), one));
        let mut third = Sources::new(&mut Entropy::from_number(3));
        Desk::new(2, 3).into_iter().for_each(|desk| third.share(desk));
        assert_eq!((0..10_000).filter(|_| third.may_answer(Instant::ZERO, one)).count(), 134);
    }
}
