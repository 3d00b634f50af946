//! Keys bound to a network, and proofs that only terminal and home can make.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::functions::Answers;
use crate::{BindClaim, Generation, NetworkName, Plmn, Proof};

/// CK and IK of one authentication. They stay at the home and in the terminal; proofs of bindings are made under them.
#[derive(Clone, Eq, PartialEq)]
pub struct BindingSecret(Zeroizing<[u8; 32]>);

impl BindingSecret {
    pub(super) fn of(answers: &Answers) -> Self {
        let mut both = Zeroizing::new([0; 32]);
        for (to, from) in both.iter_mut().zip(answers.ck.iter().chain(answers.ik.iter())) {
            *to = *from;
        }
        Self(both)
    }

    /// From a journal.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// For a journal.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BindingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BindingSecret(..)")
    }
}

/// The terminal's proof over `claim` in `network`: HMAC-SHA256 under a key that is itself HMAC-SHA256, under CK and IK,
/// of a label, the network's name and the stay. The same proof is worth nothing in another network or stay.
#[must_use]
pub fn binding_proof(secret: &BindingSecret, network: &NetworkName, claim: &BindClaim) -> Proof {
    Proof(proof_mac(secret, network, claim.generation, claim).map_or_else(Vec::new, finish))
}

/// Whether `proof` is that of [`binding_proof`], in a time that tells nothing of how much of it is right.
#[must_use]
pub fn is_binding_proof(
    secret: &BindingSecret,
    network: &NetworkName,
    claim: &BindClaim,
    proof: &Proof,
) -> bool {
    proof_mac(secret, network, claim.generation, claim).is_some_and(|mac| mac.verify_slice(&proof.0).is_ok())
}

fn proof_mac(
    secret: &BindingSecret,
    network: &NetworkName,
    stay: Generation,
    claim: &BindClaim,
) -> Option<HmacSha256> {
    let mut mac = keyed(secret.0.as_slice())?;
    mac.update(BIND_KEY_LABEL);
    mac.update(network.as_str().as_bytes());
    mac.update(&stay.0.to_be_bytes());
    let key = Zeroizing::new(finish(mac));
    let mut mac = keyed(&key)?;
    mac.update(&claim.to_bytes());
    Some(mac)
}

/// CK' and IK' for `network` (RFC 5448 §3.3; 3GPP TS 33.402 annex A.2).
pub(super) fn network_keys(
    secret: &BindingSecret,
    network: &NetworkName,
    sqn_xor_ak: [u8; 6],
) -> (Zeroizing<[u8; 16]>, Zeroizing<[u8; 16]>) {
    keys_for_identity(secret, network.as_str().as_bytes(), sqn_xor_ak)
}

/// As [`network_keys`], for an access network identity that is no host name.
pub(super) fn keys_for_identity(
    secret: &BindingSecret,
    identity: &[u8],
    sqn_xor_ak: [u8; 6],
) -> (Zeroizing<[u8; 16]>, Zeroizing<[u8; 16]>) {
    let derived = Zeroizing::new(keyed(secret.0.as_slice()).map_or_else(Vec::new, |mut mac| {
        mac.update(&[AKA_PRIME]);
        mac.update(identity);
        mac.update(&u16::try_from(identity.len()).unwrap_or(u16::MAX).to_be_bytes());
        mac.update(&sqn_xor_ak);
        mac.update(&6_u16.to_be_bytes());
        finish(mac)
    }));
    let half = |half: Option<&[u8; 16]>| Zeroizing::new(half.copied().unwrap_or_default());
    (half(derived.first_chunk()), half(derived.last_chunk()))
}

/// KASME for the network with this code (3GPP TS 33.401 annex A.2).
pub(super) fn kasme(secret: &BindingSecret, network: Plmn, sqn_xor_ak: [u8; 6]) -> Zeroizing<[u8; 32]> {
    let derived = Zeroizing::new(keyed(secret.0.as_slice()).map_or_else(Vec::new, |mut mac| {
        mac.update(&[KASME]);
        mac.update(&network.to_octets());
        mac.update(&3_u16.to_be_bytes());
        mac.update(&sqn_xor_ak);
        mac.update(&6_u16.to_be_bytes());
        finish(mac)
    }));
    Zeroizing::new(derived.first_chunk().copied().unwrap_or_default())
}

fn keyed(key: &[u8]) -> Option<HmacSha256> {
    // Keys of any length are taken; the error cannot occur.
    HmacSha256::new_from_slice(key).ok()
}

fn finish(mac: HmacSha256) -> Vec<u8> {
    mac.finalize().into_bytes().to_vec()
}

type HmacSha256 = Hmac<Sha256>;

/// Keeps the key for proofs apart from other uses of CK and IK.
const BIND_KEY_LABEL: &[u8] = b"rove bind key";

/// FC of the derivation of CK' and IK' (TS 33.402 annex A.2).
const AKA_PRIME: u8 = 0x20;
/// FC of the derivation of KASME.
const KASME: u8 = 0x10;
