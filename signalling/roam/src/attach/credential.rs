//! What a terminal proves itself with.

use arrayvec::ArrayVec;

use super::{Query, Response};
use crate::{
    BindClaim, NetworkName, Proof,
    aka::{BindingSecret, TerminalKey, Usim, UsimError, binding_proof},
};

/// What a terminal answers a challenge with, and why not.
pub type Answer = Result<Response, CredentialError>;

/// Why a challenge is not answered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// It is not the home's.
    #[error("the challenge is not the home's")]
    NotHome,
    /// It is the home's and old; the home is told by this (AUTS).
    #[error("the challenge is old")]
    Stale([u8; 14]),
    /// It asks for another kind of credential than the terminal has.
    #[error("the challenge is of another kind than the credential")]
    Kind,
}

/// A SIM, in software or in a card, or a key pair.
pub trait Credential: Send {
    /// Answers a challenge that came from `network`, and keeps what [`Credential::prove`] needs.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] when it is not to be answered.
    fn answer(&mut self, query: &Query, network: &NetworkName) -> Answer;

    /// Proves what the home shall bind in the stay that the last answered challenge began. `None` before there is one.
    fn prove(&self, claim: &BindClaim) -> Option<Proof>;

    /// What has to be kept over a restart, after each answer: [`Usim::taken`]. `None` where nothing has to.
    fn taken(&self) -> Option<[u64; 32]> {
        None
    }
}

/// A SIM in software.
#[derive(Debug)]
pub struct SimCredential {
    usim: Usim,
    secret: Option<BindingSecret>,
}

impl SimCredential {
    /// Takes over a SIM.
    #[must_use]
    pub const fn new(usim: Usim) -> Self {
        Self { usim, secret: None }
    }
}

impl Credential for SimCredential {
    fn answer(&mut self, query: &Query, network: &NetworkName) -> Answer {
        let Query::Aka { rand, autn } = query else { return Err(CredentialError::Kind) };
        match self.usim.answer(rand, autn, network) {
            Ok(answer) => {
                self.secret = Some(answer.binding_secret);
                res(&answer.res).map(Response::Aka).ok_or(CredentialError::Kind)
            }
            Err(UsimError::Sync(auts)) => Err(CredentialError::Stale(auts)),
            Err(UsimError::Mac) => Err(CredentialError::NotHome),
        }
    }

    fn prove(&self, claim: &BindClaim) -> Option<Proof> {
        self.secret.as_ref().map(|secret| binding_proof(secret, &claim.network, claim))
    }

    fn taken(&self) -> Option<[u64; 32]> {
        Some(self.usim.taken())
    }
}

impl Credential for TerminalKey {
    fn answer(&mut self, query: &Query, network: &NetworkName) -> Answer {
        match query {
            Query::Ed25519 { nonce } => Ok(Response::Ed25519(self.sign_nonce(network, nonce))),
            Query::Aka { .. } => Err(CredentialError::Kind),
        }
    }

    fn prove(&self, claim: &BindClaim) -> Option<Proof> {
        Some(Self::prove(self, claim))
    }
}

/// RES as a message carries it; `None` when it is not 4 to 16 bytes long.
pub(super) fn res(bytes: &[u8]) -> Option<ArrayVec<u8, 16>> {
    if bytes.len() < 4 { None } else { ArrayVec::try_from(bytes).ok() }
}
