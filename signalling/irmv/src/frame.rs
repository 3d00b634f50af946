//! Messages in a stream: a length of two bytes, then as many bytes.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::WireError;

/// Cuts a stream into frames; holds at most one, unfinished.
#[derive(Debug, Default)]
pub struct Frames {
    held: Vec<u8>,
}

impl Frames {
    /// Takes bytes off the front of `bytes` until one frame is whole. `None` when more has to come; all of `bytes` is
    /// taken then.
    ///
    /// # Errors
    ///
    /// [`WireError::Length`] when a frame is empty or longer than [`Frames::MAX`]; what comes after that cannot be told.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, WireError> {
        loop {
            let want = match self.held.first_chunk::<2>() {
                None => 2,
                Some(length) => {
                    let length = usize::from(u16::from_be_bytes(*length));
                    if !(1..=Self::MAX).contains(&length) {
                        return Err(WireError::Length);
                    }
                    length.saturating_add(2)
                }
            };
            let missing = want.saturating_sub(self.held.len());
            if missing == 0 {
                let mut frame = core::mem::take(&mut self.held);
                frame.drain(..2);
                return Ok(Some(frame));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
            self.held.extend_from_slice(taken);
            *bytes = rest;
        }
    }

    /// Puts the length before a frame.
    #[must_use]
    pub fn frame(frame: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(frame.len().saturating_add(2));
        bytes.extend_from_slice(&u16::try_from(frame.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(frame);
        bytes
    }

    /// Bytes of the longest frame, its length not counted: a description of a session inside of a set-up fits.
    pub const MAX: usize = 8_192;
}
