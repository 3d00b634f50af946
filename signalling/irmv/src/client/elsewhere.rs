//! Further servers of the domain.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::SocketAddr;

use super::{Client, PATIENCE};

impl Client {
    /// Where the server is that it speaks with now.
    pub(super) fn remote(&self) -> SocketAddr {
        let further = self.at.checked_sub(1).and_then(|at| self.config.further.get(at));
        *further.unwrap_or(&self.config.server)
    }

    /// How long a server may take for the first words: not so long where there is another.
    pub(super) const fn patience(&self) -> Duration {
        if self.config.further.is_empty() { PATIENCE } else { HURRY }
    }

    /// How many there are.
    pub(super) fn servers(&self) -> u32 {
        u32::try_from(self.config.further.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Draws another of its servers, if there is one.
    pub(super) fn go_elsewhere(&mut self) {
        let others = self.config.further.len();
        if others == 0 {
            return;
        }
        let step = self.entropy.next_u64().checked_rem(u64::try_from(others).unwrap_or(u64::MAX));
        let step = usize::try_from(step.unwrap_or_default()).unwrap_or_default().saturating_add(1);
        let at = self.at.saturating_add(step).checked_rem(others.saturating_add(1));
        self.at = at.unwrap_or_default();
    }
}

/// The same for a handshake, where another server may be quicker.
const HURRY: Duration = Duration::from_secs(3);
