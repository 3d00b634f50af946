//! Why a packet of the link was not taken. One variant per cause, so a counter can be kept for each.

/// Why bytes of a peer were refused. None of them leaves a context worse than it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RohcError {
    /// The bytes end inside the structure named.
    #[error("truncated {0}: drop the packet")]
    Truncated(&'static str),
    /// A packet of the link that is not forward information.
    #[error(
        "feedback or a segment where a packet was expected: pass feedback to the compressor (split_feedback)"
    )]
    NotForward,
    /// Something that RFC 3095 allows and this crate does not read.
    #[error("{0} is not supported: have the other side leave it out")]
    Unsupported(&'static str),
    /// A field has a value that it cannot have.
    #[error("impossible {0}: drop the packet")]
    Invalid(&'static str),
    /// A context that was not agreed on.
    #[error("context {0} is beyond those agreed on: both sides need the same Cids")]
    Context(u16),
    /// Nothing is known of this context yet, or no longer enough: wait for a refresh, or send the feedback.
    #[error("context {0} is not known: send the feedback, or wait for its refresh")]
    NoContext(u16),
    /// The checksum does not fit what came out.
    #[error("the checksum does not fit: drop the packet, and send the feedback if there is some")]
    Checksum,
    /// Sequence numbers are being repaired; the packet may be right, and is not believed yet.
    #[error("the sequence number is being repaired after a loss: drop the packet")]
    Repairing,
    /// More bytes than an IP packet can have.
    #[error("longer than an IP packet can be: drop it")]
    TooLong,
}
