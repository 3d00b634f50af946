//! Who has a turn when: the slots of a packet time, filled evenly.

/// Slots of one packet time.
pub(super) const SLOTS: usize = 10;

/// Everybody has a turn in one slot of each round.
pub(super) struct Wheel<T> {
    slots: Vec<Vec<T>>,
    count: usize,
}

impl<T> Wheel<T> {
    pub(super) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), count: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Goes to the slot that has the fewest.
    pub(super) fn add(&mut self, one: T) {
        if let Some(slot) = self.slots.iter_mut().min_by_key(|slot| slot.len()) {
            slot.push(one);
            self.count += 1;
        }
    }

    /// The first that is meant.
    pub(super) fn remove(&mut self, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        for slot in &mut self.slots {
            if let Some(at) = slot.iter().position(&is_meant) {
                self.count -= 1;
                return Some(slot.swap_remove(at));
            }
        }
        None
    }

    /// Those whose turn it is in the `turn`th slot since the beginning.
    pub(super) fn slot(&mut self, turn: usize) -> impl Iterator<Item = &mut T> {
        self.slots.get_mut(turn % SLOTS).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_spread_evenly_and_each_has_one_turn_a_round() {
        let mut wheel = Wheel::new();
        (0..2_000).for_each(|n| wheel.add(n));
        let turns: Vec<usize> = (0..SLOTS).map(|slot| wheel.slot(slot).count()).collect();
        assert_eq!(turns, [2_000 / SLOTS; SLOTS]);
        assert_eq!(wheel.remove(|n| *n == 1_234), Some(1_234));
        assert_eq!(wheel.remove(|n| *n == 1_234), None);
        let mut seen: Vec<i32> = (2 * SLOTS..3 * SLOTS)
            .flat_map(|turn| wheel.slot(turn).map(|n| *n).collect::<Vec<_>>())
            .collect();
        seen.sort_unstable();
        assert_eq!(seen.len(), 1_999);
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(!wheel.is_empty());
    }

    #[test]
    fn the_emptiest_slot_is_filled_first() {
        let mut wheel = Wheel::new();
        (0..40).for_each(|n| wheel.add(n));
        assert!(wheel.remove(|n| *n == 7).is_some());
        wheel.add(99);
        assert!((0..SLOTS).all(|slot| wheel.slot(slot).count() == 40 / SLOTS));
    }
}
