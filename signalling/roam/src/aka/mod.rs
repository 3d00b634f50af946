//! How a terminal and its home know each other: AKA with Milenage, or a key pair.
//!
//! ```text
//!  home                            visited network                     terminal
//!  vector ── RAND AUTN XRES CK' IK' ──▶ ── RAND AUTN ──▶ Usim::answer: AUTN is the home's, SQN is fresh
//!  resynchronise ◀── AUTS ──────────── ◀── RES | AUTS ──
//!  is_binding_proof ◀── claim, proof ─ ◀── binding_proof: under CK and IK, which only the two ends have
//! ```
//!
//! What the visited network gets is bound to its name (RFC 5448 §3.3), and does not let it make a proof.

mod derive;
mod functions;
mod home;
mod pair;
mod sequence;
mod usim;

pub use derive::{BindingSecret, binding_proof, is_binding_proof};
pub use functions::AkaKeys;
pub use home::{eps_vector, resynchronise, vector};
pub use pair::{TerminalKey, is_binding_signature, is_nonce_signature, is_public_key};
pub use sequence::Sqn;
pub use usim::{Usim, UsimAnswer, UsimError};

#[cfg(test)]
mod tests;
