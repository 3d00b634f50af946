//! Terminals without a SIM: an Ed25519 key pair (RFC 8032).

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::{BindClaim, NetworkName, Proof};

/// A terminal's key.
pub struct TerminalKey(SigningKey);

impl TerminalKey {
    /// The key of a seed, which must be unpredictable and stay secret.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// What the home knows of it.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Answers the challenge that `network` passes on.
    #[must_use]
    pub fn sign_nonce(&self, network: &NetworkName, nonce: &[u8; 32]) -> [u8; 64] {
        self.0.sign(&nonce_bytes(network, nonce)).to_bytes()
    }

    /// The proof over `claim`, which names network and stay itself.
    #[must_use]
    pub fn prove(&self, claim: &BindClaim) -> Proof {
        Proof(self.0.sign(&claim.to_bytes()).to_bytes().to_vec())
    }
}

impl fmt::Debug for TerminalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TerminalKey(..)")
    }
}

/// Whether `signature` is that of [`TerminalKey::sign_nonce`]. `false` also when `public` is no key.
#[must_use]
pub fn is_nonce_signature(
    public: &[u8; 32],
    network: &NetworkName,
    nonce: &[u8; 32],
    signature: &[u8],
) -> bool {
    verifies(public, &nonce_bytes(network, nonce), signature)
}

/// Whether `proof` is that of [`TerminalKey::prove`]. `false` also when `public` is no key.
#[must_use]
pub fn is_binding_signature(public: &[u8; 32], claim: &BindClaim, proof: &Proof) -> bool {
    verifies(public, &claim.to_bytes(), &proof.0)
}

/// Whether `public` is a key that only its owner can sign under.
#[must_use]
pub fn is_public_key(public: &[u8; 32]) -> bool {
    VerifyingKey::from_bytes(public).is_ok_and(|key| !key.is_weak())
}

fn verifies(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(public) else { return false };
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    key.verify_strict(message, &signature).is_ok()
}

/// Label, network and nonce. The network is in it so that one network cannot have another's challenge answered.
fn nonce_bytes(network: &NetworkName, nonce: &[u8; 32]) -> Vec<u8> {
    let name = network.as_str().as_bytes();
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes();
    [ATTACH_LABEL, &length, name, nonce].concat()
}

/// Keeps answers to challenges apart from proofs of bindings, whose bytes begin with a length.
const ATTACH_LABEL: &[u8] = b"rove attach 1";
