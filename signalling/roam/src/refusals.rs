//! How often what was refused.

use crate::Cause;

/// A counter for each cause.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Refusals([u64; Cause::ALL.len()]);

impl Refusals {
    /// Counts one.
    pub fn count(&mut self, cause: Cause) {
        if let Some(count) = self.0.get_mut(cause.place()) {
            *count = count.saturating_add(1);
        }
    }

    /// How often for this one.
    #[must_use]
    pub fn of(&self, cause: Cause) -> u64 {
        self.0.get(cause.place()).copied().unwrap_or(0)
    }

    /// All causes there are, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL.into_iter().map(|cause| (cause, self.of(cause)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_counter_of_its_own() {
        let mut refusals = Refusals::default();
        for (place, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause.place(), place);
            (0..=place).for_each(|_| refusals.count(cause));
        }
        let counted: Vec<u64> = refusals.iter().map(|(_, count)| count).collect();
        assert_eq!(counted, (1..=16).collect::<Vec<u64>>());
    }
}
