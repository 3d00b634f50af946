//! AES in Galois/counter mode over one packet (RFC 7714), by whichever library this build has.
//!
//! With feature `ring` it is [`ring`](mod@self::ring); without it, where there is no C compiler, RustCrypto. Both are
//! compiled for tests, and must agree.

#[cfg(feature = "ring")]
mod ring;
#[cfg(any(test, not(feature = "ring")))]
mod rustcrypto;

#[cfg(test)]
mod tests;

#[cfg(feature = "ring")]
pub(super) use self::ring::Gcm;
#[cfg(not(feature = "ring"))]
pub(super) use self::rustcrypto::Gcm;
