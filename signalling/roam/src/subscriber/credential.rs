//! How a subscriber proves itself.

use core::fmt;

use crate::aka::AkaKeys;

/// What the home knows that lets it recognise a subscriber.
#[derive(Clone, Eq, PartialEq)]
pub enum Credential {
    /// A SIM.
    Aka {
        /// K and OPc.
        keys: AkaKeys,
        /// AMF, whose highest bit is set for networks of this kind (RFC 5448 §3.1).
        amf: [u8; 2],
    },
    /// A key pair.
    Ed25519 {
        /// The public half.
        public_key: [u8; 32],
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aka { .. } => f.write_str("Aka(..)"),
            Self::Ed25519 { public_key } => {
                f.write_str("Ed25519(")?;
                public_key.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str(")")
            }
        }
    }
}
