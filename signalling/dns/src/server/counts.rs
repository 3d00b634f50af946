//! What was refused, counted by cause.

use std::collections::BTreeMap;

use super::refusal::CAUSES;

/// How often each cause of refusal came up since the start.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    causes: BTreeMap<&'static str, u64>,
}

impl Counts {
    pub(super) fn refused(&mut self, cause: &'static str) {
        let count = self.causes.entry(cause).or_default();
        *count = count.saturating_add(1);
    }

    /// How often `cause` came up.
    #[must_use]
    pub fn of(&self, cause: &str) -> u64 {
        self.causes.get(cause).copied().unwrap_or_default()
    }

    /// Every cause that there is, whether it came up or not.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CAUSES.into_iter().map(|cause| (cause, self.of(cause)))
    }

    /// Every cause that came up, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.causes.iter().map(|(cause, count)| (*cause, *count))
    }
}
