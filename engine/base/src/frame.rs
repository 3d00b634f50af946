//! Messages in a stream, each behind its length of two bytes, as our own protocols send them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// Cuts a stream into frames of `MIN` to `MAX` bytes, their lengths not counted; holds at most one, unfinished.
#[derive(Debug, Default)]
pub struct Frames<const MIN: usize, const MAX: usize> {
    held: Vec<u8>,
}

/// A frame of a length that is not allowed: what comes after it cannot be told any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a frame is too short or too long")]
pub struct FrameLength;

impl<const MIN: usize, const MAX: usize> Frames<MIN, MAX> {
    /// Bytes of the longest frame, its length not counted.
    pub const MAX: usize = MAX;

    /// Takes bytes off the front of `bytes` until one frame is whole. `None` when more has to come; all of `bytes` is
    /// taken then.
    ///
    /// # Errors
    ///
    /// [`FrameLength`] when a frame is shorter than `MIN` or longer than `MAX`.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, FrameLength> {
        loop {
            let want = match self.held.first_chunk::<2>() {
                None => 2,
                Some(length) => {
                    let length = usize::from(u16::from_be_bytes(*length));
                    if !(MIN..=MAX).contains(&length) {
                        return Err(FrameLength);
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
}
