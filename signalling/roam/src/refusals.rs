//! How often what was refused.

use crate::Cause;

/// A counter for each cause.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Refusals(Vec<(Cause, u64)>);

impl Refusals {
    /// Counts one.
    pub fn count(&mut self, cause: Cause) {
        match self.0.iter_mut().find(|(counted, _)| *counted == cause) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.0.push((cause, 1)),
        }
    }

    /// How often for this one.
    #[must_use]
    pub fn of(&self, cause: Cause) -> u64 {
        self.iter().find(|&(counted, _)| counted == cause).map_or(0, |(_, count)| count)
    }

    /// All causes there were.
    pub fn iter(&self) -> impl Iterator<Item = (Cause, u64)> {
        self.0.iter().copied()
    }
}
