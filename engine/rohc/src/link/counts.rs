//! What a link has counted.

/// Sums since the link was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Packets that went out with compressed headers, and those headers' bytes before and on the link.
    pub rtp_out: u64,
    /// See [`Self::rtp_out`].
    pub rtp_headers_before: u64,
    /// See [`Self::rtp_out`].
    pub rtp_headers_after: u64,
    /// Packets that went out by profile 0x0000.
    pub other_out: u64,
    /// Packets that went out as they are, because nothing was agreed on.
    pub plain_out: u64,
    /// Bytes of all packets that went out, and of the frames that they went out in, hellos and feedback included.
    pub bytes_before: u64,
    /// See [`Self::bytes_before`].
    pub bytes_after: u64,
    /// Bytes of all frames that came in, and of the packets that came out of them.
    pub bytes_in: u64,
    /// See [`Self::bytes_in`].
    pub bytes_delivered: u64,
    /// Packets that came in by profile 0x0001, by profile 0x0000, and as they are.
    pub rtp_in: u64,
    /// See [`Self::rtp_in`].
    pub other_in: u64,
    /// See [`Self::rtp_in`].
    pub plain_in: u64,
    /// Frames that came in and were refused, by cause.
    pub refused: Refused,
    /// Times that a flow was understood again after packets of it were refused.
    pub repairs: u64,
    /// Packets that were refused before that, all in all.
    pub repaired_after: u64,
    /// Pieces of feedback that were sent, and bytes of them.
    pub feedback_out: u64,
    /// See [`Self::feedback_out`].
    pub feedback_bytes_out: u64,
    /// Of the other end: understood; what changes is lost; all is lost.
    pub acks_in: u64,
    /// See [`Self::acks_in`].
    pub nacks_in: u64,
    /// See [`Self::acks_in`].
    pub static_nacks_in: u64,
    /// Hellos that were sent and that were taken.
    pub hellos_out: u64,
    /// See [`Self::hellos_out`].
    pub hellos_in: u64,
    /// Times that both ends have come to agree.
    pub agreements: u64,
    /// Flows that have a context here, and contexts of the other end that are known.
    pub contexts_out: u64,
    /// See [`Self::contexts_out`].
    pub contexts_in: u64,
}

/// Frames that were refused.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Refused {
    /// The checksum did not fit.
    pub checksum: u64,
    /// Nothing was known of the context.
    pub context: u64,
    /// The number was being repaired.
    pub repairing: u64,
    /// Compressed, where nothing was agreed on.
    pub unagreed: u64,
    /// No hello that is understood.
    pub hello: u64,
    /// No packet of the link at all, or no IP packet.
    pub malformed: u64,
}
