//! Where a subscriber is, and what its name resolves to for that.

use core::net::IpAddr;

use rove_base::UnixTime;
use sha2::{Digest, Sha256};

use crate::{Addresses, BindClaim, E164, Generation, NetworkName, Proof, aka::BindingSecret};

/// A subscriber's presence in one network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stay {
    /// Which one.
    pub generation: Generation,
    /// Where.
    pub network: NetworkName,
    /// At which node.
    pub vlr: E164,
    /// What the name resolves to, while the visited network renews it.
    pub binding: Option<Binding>,
    /// When it is over unless the terminal has proven itself by then.
    pub(crate) prove_by: UnixTime,
    /// Of the authentications that this network asked for; proofs are made under one of them.
    pub(crate) secrets: Vec<BindingSecret>,
}

/// A name bound to addresses on a verified proof.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Binding {
    /// Which.
    pub addresses: Addresses,
    /// Until when, unless renewed.
    pub until: UnixTime,
    /// Of the claim and the proof, which are recognised by it when the binding is renewed.
    pub(crate) digest: [u8; 32],
}

/// SHA-256 of a claim and its proof.
pub(crate) fn digest(claim: &BindClaim, proof: &Proof) -> [u8; 32] {
    let hash = Sha256::new().chain_update(claim.to_bytes()).chain_update(&proof.0);
    hash.finalize().into()
}

impl Addresses {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        self.v4.map(IpAddr::V4).into_iter().chain(self.v6.map(IpAddr::V6))
    }
}
