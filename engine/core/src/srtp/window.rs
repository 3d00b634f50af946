//! Which indices of a source were there: the rollover counter and the replay window (RFC 3711 §3.3.1, §3.3.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::SrtpError;

/// The highest index that was there, and which of the 128 up to it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Window {
    highest: Option<u64>,
    /// Bit n stands for the index `highest` − n.
    seen: u128,
    /// The rollover counter, as an index, and the SRTCP index of a first packet.
    first: u64,
}

impl Window {
    /// A window of a source that begins at `first`: with SRTP a rollover counter times 2¹⁶.
    pub(super) const fn beginning_at(first: u64) -> Self {
        Self { highest: None, seen: 0, first }
    }

    /// The index of a packet numbered `seq`, estimated as RFC 3711 §3.3.1 says. The first packet of a source has
    /// the rollover counter that the window begins with, 0 unless told otherwise.
    ///
    /// # Errors
    ///
    /// [`SrtpError::Stale`] when the packet lies before the first index there is, [`SrtpError::KeyExhausted`] when it
    /// lies behind the last, 2⁴⁸ − 1.
    pub(super) fn estimate(&self, seq: u16) -> Result<u64, SrtpError> {
        let highest = self.highest.unwrap_or(self.first | u64::from(seq));
        let (rollover, last) = (highest >> 16, highest as u16);
        let rollover = if last < HALF && seq.wrapping_sub(last) > HALF && seq > last {
            rollover.checked_sub(1).ok_or(SrtpError::Stale)?
        } else if last >= HALF && last.wrapping_sub(HALF) > seq {
            rollover.saturating_add(1)
        } else {
            rollover
        };
        if rollover > u64::from(u32::MAX) {
            return Err(SrtpError::KeyExhausted);
        }
        Ok((rollover << 16) | u64::from(seq))
    }

    /// The index after the highest, at most `last`.
    ///
    /// # Errors
    ///
    /// [`SrtpError::KeyExhausted`] when `last` has been used.
    pub(super) fn next(&self, last: u64) -> Result<u64, SrtpError> {
        let next = self.highest.map_or(self.first, |highest| highest.saturating_add(1));
        if next > last { Err(SrtpError::KeyExhausted) } else { Ok(next) }
    }

    /// Whether a packet of `index` may still come.
    ///
    /// # Errors
    ///
    /// [`SrtpError::Replayed`] when it was there, [`SrtpError::Stale`] when it lies before the window.
    pub(super) fn check(&self, index: u64) -> Result<(), SrtpError> {
        let Some(back) = self.highest.and_then(|highest| highest.checked_sub(index)) else { return Ok(()) };
        match u32::try_from(back).ok().and_then(|back| self.seen.checked_shr(back)) {
            None => Err(SrtpError::Stale),
            Some(seen) if seen & 1 != 0 => Err(SrtpError::Replayed),
            Some(_) => Ok(()),
        }
    }

    /// The window once a packet of `index` was there, which [`Window::check`] must have allowed.
    #[must_use]
    pub(super) fn with(self, index: u64) -> Self {
        let shifted =
            |bits: u128, by: u64| u32::try_from(by).ok().and_then(|by| bits.checked_shl(by)).unwrap_or(0);
        let highest = self.highest.unwrap_or(index);
        match index.checked_sub(highest) {
            Some(ahead) => Self { highest: Some(index), seen: shifted(self.seen, ahead) | 1, ..self },
            None => Self { seen: self.seen | shifted(1, highest.saturating_sub(index)), ..self },
        }
    }

    #[cfg(test)]
    pub(super) fn starting_at(index: u64) -> Self {
        Self::default().with(index)
    }
}

/// Half of the circle of sequence numbers.
const HALF: u16 = 1 << 15;
