//! Where a message ends in a stream of bytes (RFC 3261 §18.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    HeaderError, HeaderTable, MAX_MESSAGE,
    view::{Lines, MAX_HEAD, content_length},
};

/// What a stream starts with.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Frame {
    /// A message of so many bytes, line ends before it included.
    Whole(usize),
    /// The start of a message, or nothing but line ends, or nothing.
    More,
    /// Something of which nobody can tell where it ends: after an answer, if
    /// [`Message::parse`](super::Message::parse) of it says one, the stream has to be closed.
    Bad(FrameError),
}

/// Why nobody can tell where a message ends.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// No empty line among the first 65 535 bytes.
    #[error("head without end")]
    Head,
    /// Head and body are longer than [`MAX_MESSAGE`].
    #[error("message too long")]
    TooLong,
    /// No Content-Length, which streams demand.
    #[error("missing Content-Length")]
    NoLength,
    /// A Content-Length that is malformed or stands twice.
    #[error("{0}")]
    Length(#[from] HeaderError),
}

/// Looks for the end of the first message of a stream. Reads no more of it than its lines: what else may be wrong with
/// it shows when it is parsed. Takes time in proportion to the bytes of the head.
pub fn frame(stream: &[u8]) -> Frame {
    let mut bytes = stream;
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    let mut table = HeaderTable::new();
    let Some(head) = Lines::find(bytes, &mut table).body else {
        return if bytes.len() < MAX_HEAD { Frame::More } else { Frame::Bad(FrameError::Head) };
    };
    let body = match content_length(bytes, &table) {
        Err(error) => return Frame::Bad(FrameError::Length(error)),
        Ok(None) => return Frame::Bad(FrameError::NoLength),
        Ok(Some(body)) => usize::try_from(body).unwrap_or(usize::MAX),
    };
    let len = head.saturating_add(body);
    if len > MAX_MESSAGE {
        Frame::Bad(FrameError::TooLong)
    } else if len > bytes.len() {
        Frame::More
    } else {
        Frame::Whole(stream.len().saturating_sub(bytes.len()).saturating_add(len))
    }
}
