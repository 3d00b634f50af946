//! Transactions and components (ITU-T Q.773): the messages, the dialogue portion with its application context, and the
//! components with their operations.

mod dialogue;
mod read;
mod write;

pub use dialogue::{ApplicationContext, Dialogue};
pub use read::{Component, Components, Message};
pub use write::{Outgoing, abort, begin, continued, end, refuse};

use super::ber::{BerError, Tag, Writer};

/// Names one transaction at one of its ends: one to four octets, which come back as they went.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TransactionId {
    number: u32,
    octets: u8,
}

impl TransactionId {
    /// In four octets, as ours are.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self { number, octets: 4 }
    }

    /// The number, when it is in four octets as ours are.
    #[must_use]
    pub const fn ours(self) -> Option<u32> {
        if self.octets == 4 { Some(self.number) } else { None }
    }

    fn read(octets: &[u8]) -> Result<Self, TcapError> {
        let len = u8::try_from(octets.len()).ok().filter(|len| (1..=4).contains(len));
        let len = len.ok_or(TcapError::TransactionId(octets.len()))?;
        Ok(Self { number: octets.iter().fold(0, |id, &octet| id << 8 | u32::from(octet)), octets: len })
    }

    fn write(self, tag: Tag, out: &mut Writer<'_>) {
        let octets = self.number.to_be_bytes();
        let skip = octets.len().saturating_sub(usize::from(self.octets));
        out.value(tag, octets.get(skip..).unwrap_or_default());
    }
}

/// Bytes that are no message of TCAP, or one that is not spoken here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TcapError {
    /// Not a message at all.
    #[error("no message: {0}")]
    Ber(#[from] BerError),
    /// Not one of Begin, Continue, End, Abort.
    #[error("message type {0} is not spoken here")]
    Type(Tag),
    /// A transaction identifier of more than four octets, or of none.
    #[error("a transaction identifier of {0} octets")]
    TransactionId(usize),
    /// A dialogue portion that is not the structured one (Q.773 §4.2.3).
    #[error("a dialogue portion that is not spoken here")]
    Dialogue,
    /// An invoke identifier, operation or error code that is no small number.
    #[error("a component that is not spoken here")]
    Component,
}

/// Why the transaction layer itself ends a transaction (Q.773 §3.1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AbortCause {
    /// The message type is not known.
    UnrecognizedMessageType,
    /// The transaction identifier is not known.
    UnrecognizedTransactionId,
    /// The transaction portion is ill-formed.
    BadlyFormatted,
    /// It does not belong there.
    Incorrect,
    /// There is more to do than can be done.
    ResourceLimitation,
}

impl AbortCause {
    const fn code(self) -> u8 {
        match self {
            Self::UnrecognizedMessageType => 0,
            Self::UnrecognizedTransactionId => 1,
            Self::BadlyFormatted => 2,
            Self::Incorrect => 3,
            Self::ResourceLimitation => 4,
        }
    }

    const fn from_code(code: u64) -> Self {
        match code {
            0 => Self::UnrecognizedMessageType,
            1 => Self::UnrecognizedTransactionId,
            2 => Self::BadlyFormatted,
            4 => Self::ResourceLimitation,
            _ => Self::Incorrect,
        }
    }
}

/// Why a component is refused (Q.773 §3.2.7), its kind in the upper half: invoke, return result or return error problem.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// The component itself is ill-formed.
    Mistyped,
    /// Nobody here does that.
    UnrecognizedOperation,
    /// The argument is not the operation's.
    MistypedArgument,
    /// There is more to do than can be done.
    ResourceLimitation,
    /// Anything else.
    Other {
        /// The kind of problem: the tag of the choice.
        kind: u8,
        /// Which one.
        code: u8,
    },
}

impl Problem {
    /// The tag of its choice, and its number there.
    const fn code(self) -> (u8, u8) {
        match self {
            Self::Mistyped => (0, 1),
            Self::UnrecognizedOperation => (1, 1),
            Self::MistypedArgument => (1, 2),
            Self::ResourceLimitation => (1, 3),
            Self::Other { kind, code } => (kind, code),
        }
    }

    const fn from_code(kind: u8, code: u8) -> Self {
        match (kind, code) {
            (0, 1) => Self::Mistyped,
            (1, 1) => Self::UnrecognizedOperation,
            (1, 2) => Self::MistypedArgument,
            (1, 3) => Self::ResourceLimitation,
            _ => Self::Other { kind, code },
        }
    }
}

/// Identifier octets of Q.773, tables 8 and following.
mod tags {
    use super::Tag;

    pub(super) const BEGIN: Tag = Tag(0x62);
    pub(super) const END: Tag = Tag(0x64);
    pub(super) const CONTINUE: Tag = Tag(0x65);
    pub(super) const ABORT: Tag = Tag(0x67);
    pub(super) const OTID: Tag = Tag(0x48);
    pub(super) const DTID: Tag = Tag(0x49);
    pub(super) const P_ABORT_CAUSE: Tag = Tag(0x4a);
    pub(super) const DIALOGUE_PORTION: Tag = Tag(0x6b);
    pub(super) const COMPONENT_PORTION: Tag = Tag(0x6c);
    pub(super) const INVOKE: Tag = Tag(0xa1);
    pub(super) const RETURN_RESULT_LAST: Tag = Tag(0xa2);
    pub(super) const RETURN_ERROR: Tag = Tag(0xa3);
    pub(super) const REJECT: Tag = Tag(0xa4);
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
