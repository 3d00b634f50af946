//! From the shared secret to the keys (RFC 5246 §5, §6.3, §8.1, RFC 5705, RFC 7627), for the suites that are spoken.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use ring::{
    digest::{self, SHA256, SHA384, digest},
    hmac,
};
use rove_base::{SrtpKeys, SrtpProfile};
use zeroize::Zeroizing;

use super::record::RecordKeys;

/// A cipher suite with an ephemeral key exchange on elliptic curves and AES-GCM (RFC 5289).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Suite {
    pub(super) id: u16,
    pub(super) long: bool,
    /// Whether the server's certificate is one for RSA.
    pub(super) rsa: bool,
}

/// All of them, the dearest first.
pub(super) const SUITES: &[Suite] = &[
    Suite { id: 0xc02b, long: false, rsa: false },
    Suite { id: 0xc02c, long: true, rsa: false },
    Suite { id: 0xc02f, long: false, rsa: true },
    Suite { id: 0xc030, long: true, rsa: true },
];

impl Suite {
    pub(super) fn of(id: u16) -> Option<Self> {
        SUITES.iter().find(|suite| suite.id == id).copied()
    }

    const fn key_len(self) -> usize {
        if self.long { 32 } else { 16 }
    }

    const fn hmac(self) -> hmac::Algorithm {
        if self.long { hmac::HMAC_SHA384 } else { hmac::HMAC_SHA256 }
    }

    /// The hash of a transcript.
    pub(super) fn hash(self, transcript: &[u8]) -> digest::Digest {
        digest(if self.long { &SHA384 } else { &SHA256 }, transcript)
    }
}

/// The random of each side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Randoms {
    pub(super) client: [u8; 32],
    pub(super) server: [u8; 32],
}

/// The master secret and what belongs to it. Wiped when dropped.
pub(super) struct Secrets {
    suite: Suite,
    randoms: Randoms,
    master: Zeroizing<[u8; 48]>,
}

impl Secrets {
    /// Derives the master secret: from the whole handshake so far where both sides can (RFC 7627 §4), else from the
    /// randoms.
    pub(super) fn derive(suite: Suite, randoms: Randoms, shared: &[u8], session: Option<&[u8]>) -> Self {
        let mut master = Zeroizing::new([0; 48]);
        match session {
            Some(transcript) => {
                let hash = suite.hash(transcript);
                expand(suite, shared, &[b"extended master secret", hash.as_ref()], &mut *master);
            }
            None => {
                let seed: [&[u8]; 3] = [b"master secret", &randoms.client, &randoms.server];
                expand(suite, shared, &seed, &mut *master);
            }
        }
        Self { suite, randoms, master }
    }

    /// The keys with which the client, and those with which the server protects its records.
    pub(super) fn record_keys(&self) -> Option<(RecordKeys, RecordKeys)> {
        let mut block = Zeroizing::new([0; 2 * (32 + 4)]);
        let seed: [&[u8]; 3] = [b"key expansion", &self.randoms.server, &self.randoms.client];
        expand(self.suite, &*self.master, &seed, &mut *block);
        let len = self.suite.key_len();
        let (client, rest) = block.split_at_checked(len)?;
        let (server, rest) = rest.split_at_checked(len)?;
        let (client_salt, rest) = rest.split_first_chunk::<4>()?;
        let (server_salt, _) = rest.split_first_chunk::<4>()?;
        Some((RecordKeys::new(client, *client_salt)?, RecordKeys::new(server, *server_salt)?))
    }

    /// What the Finished of one side says of the handshake so far (RFC 5246 §7.4.9).
    pub(super) fn finished(&self, client: bool, transcript: &[u8]) -> [u8; 12] {
        let label: &[u8] = if client { b"client finished" } else { b"server finished" };
        let mut verify = [0; 12];
        expand(self.suite, &*self.master, &[label, self.suite.hash(transcript).as_ref()], &mut verify);
        verify
    }

    /// The keys for media (RFC 5764 §4.2); `client`: this side is the client.
    pub(super) fn srtp(&self, profile: SrtpProfile, client: bool) -> Option<SrtpKeys> {
        let (key, salt) = (profile.key_len(), profile.salt_len());
        let mut block = Zeroizing::new([0; 2 * 44]);
        let seed: [&[u8]; 3] = [b"EXTRACTOR-dtls_srtp", &self.randoms.client, &self.randoms.server];
        let material = block.get_mut(..key.saturating_add(salt).saturating_mul(2))?;
        expand(self.suite, &*self.master, &seed, material);
        let (client_key, rest) = material.split_at_checked(key)?;
        let (server_key, rest) = rest.split_at_checked(key)?;
        let (client_salt, server_salt) = rest.split_at_checked(salt)?;
        let ours = Zeroizing::new([client_key, client_salt].concat());
        let theirs = Zeroizing::new([server_key, server_salt].concat());
        if client {
            SrtpKeys::new(profile, &ours, &theirs).ok()
        } else {
            SrtpKeys::new(profile, &theirs, &ours).ok()
        }
    }
}

/// The pseudorandom function: the suite's hash, iterated over label and seed (RFC 5246 §5).
fn expand(suite: Suite, secret: &[u8], label_and_seed: &[&[u8]], out: &mut [u8]) {
    let key = hmac::Key::new(suite.hmac(), secret);
    let sign = |parts: &mut dyn Iterator<Item = &[u8]>| {
        let mut context = hmac::Context::with_key(&key);
        parts.for_each(|part| context.update(part));
        context.sign()
    };
    let mut chain = sign(&mut label_and_seed.iter().copied());
    for piece in out.chunks_mut(suite.hmac().digest_algorithm().output_len()) {
        let block = sign(&mut [chain.as_ref()].into_iter().chain(label_and_seed.iter().copied()));
        piece.iter_mut().zip(block.as_ref()).for_each(|(to, from)| *to = *from);
        let next = sign(&mut [chain.as_ref()].into_iter());
        chain = next;
    }
}

/// The number of a profile in use_srtp (RFC 5764 §4.1.2, RFC 7714 §14.2).
pub(super) const fn profile_number(profile: SrtpProfile) -> u16 {
    match profile {
        SrtpProfile::AesCm128HmacSha1_80 => 1,
        SrtpProfile::AesCm128HmacSha1_32 => 2,
        SrtpProfile::AeadAes128Gcm => 7,
        SrtpProfile::AeadAes256Gcm => 8,
    }
}

/// The profiles that are spoken, the dearest first.
pub(super) const PROFILES: &[SrtpProfile] = &[
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::AesCm128HmacSha1_80,
    SrtpProfile::AesCm128HmacSha1_32,
];

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn expansion_gives_the_published_sha256_vector() {
        // The test vector for the TLS 1.2 PRF with SHA-256 that implementers share (IETF TLS list, 2008).
        let secret =
            [0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17, 0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71, 0xdb, 0x35];
        let seed =
            [0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18, 0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5, 0x19, 0x8c];
        let expected = [
            0xe3, 0xf2, 0x29, 0xba, 0x72, 0x7b, 0xe1, 0x7b, 0x8d, 0x12, 0x26, 0x20, 0x55, 0x7c, 0xd4, 0x53,
            0xc2, 0xaa, 0xb2, 0x1d, 0x07, 0xc3, 0xd4, 0x95, 0x32, 0x9b, 0x52, 0xd4, 0xe6, 0x1e, 0xdb, 0x5a,
        ];
        let mut out = [0; 32];
        expand(SUITES[0], &secret, &[b"test label", &seed], &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn both_sides_derive_the_same_media_keys_crosswise_for_each_profile() {
        let randoms = Randoms { client: [1; 32], server: [2; 32] };
        for suite in SUITES {
            let secrets = Secrets::derive(*suite, randoms, &[3; 32], Some(b"transcript"));
            for profile in PROFILES {
                let [client, server] = [true, false].map(|client| secrets.srtp(*profile, client).unwrap());
                assert_eq!((client.send(), client.receive()), (server.receive(), server.send()));
            }
        }
    }
}
