//! What is carried: where its messages end, and how its packets say what they are.

use crate::private::{diameter::message, m3ua};

/// A protocol above SCTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Payload {
    /// Signalling of a telephone network.
    M3ua,
    /// Diameter in the clear.
    Diameter,
}

impl Payload {
    /// The payload protocol identifier (RFC 4666 §7.1, RFC 6733 §11.4).
    #[must_use]
    pub const fn identifier(self) -> u32 {
        match self {
            Self::M3ua => 3,
            Self::Diameter => 46,
        }
    }

    /// The port of SCTP that its ends are at (RFC 4666 §7.2, RFC 6733 §11.4).
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::M3ua => 2_905,
            Self::Diameter => 3_868,
        }
    }

    /// The first message of those, and the others. `None` where none stands.
    pub(super) fn first(self, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let len = match self {
            Self::M3ua => m3ua::length(bytes).ok()??,
            Self::Diameter => message::length(bytes).ok()??,
        };
        bytes.split_at_checked(len)
    }

    /// Whether a message goes by stream 0. Of M3UA, all but the signalling itself (RFC 4666 §1.4.7); Diameter makes no
    /// difference.
    pub(super) fn is_management(self, message: &[u8]) -> bool {
        match self {
            Self::M3ua => message.get(2..4) != Some(&(m3ua::Kind::Data as u16).to_be_bytes()),
            Self::Diameter => true,
        }
    }
}
