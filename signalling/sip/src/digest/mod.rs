//! Digest authentication, both sides (RFC 7616 as RFC 3261 §22 uses it, with the algorithms of RFC 8760).
//!
//! A server's [`Verifier`] remembers no nonce it has handed out: each proves itself by a keyed hash over its age, the
//! realm and the peer it was made for. Only nonces that were used with success cost memory, so that none of their counts
//! is taken twice. A client's [`Answerer`] takes the strongest challenge, and MD5 only where nothing else is offered.

mod algorithm;
mod challenge;
mod client;
mod credentials;
mod nonce;
mod params;
mod secret;
mod users;
mod verifier;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use challenge::{Challenge, Qops};
pub use client::{Answerer, Asking, Login};
pub use credentials::{Credentials, Qop};
pub use secret::{HashedSecret, SecretError};
pub use users::Users;
pub use verifier::{Question, Refusal, Verdict, Verifier, VerifierConfig};
