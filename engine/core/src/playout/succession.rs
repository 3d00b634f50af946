//! A playout goes on with other formats, or takes over from another one.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Formats, Playout};

impl<S> Playout<S> {
    /// Understands `formats` from now on: those of the same codec, some of which are no longer agreed on, or are now.
    pub fn set_formats(&mut self, formats: Formats) {
        let clock = self.reception.formats.clock;
        self.reception.formats = Formats { clock, ..formats };
    }

    /// Takes over from `before` in the same call: what was counted goes on.
    pub const fn succeed(&mut self, before: &Self) {
        self.meter = before.meter;
        let (ours, theirs) = (&mut self.reception, &before.reception);
        (ours.duplicates, ours.late, ours.strays) = (theirs.duplicates, theirs.late, theirs.strays);
    }

    /// Where its packets come from.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }
}
