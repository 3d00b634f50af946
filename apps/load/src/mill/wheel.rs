//! Who has a turn when: the slots of a round, filled evenly.
//!
//! Each member has a packet in one slot of every [`PHASES`], and once a round somebody looks after it, for as many packets as
//! there are until it is looked after again.

/// Slots of one packet time.
pub(super) const PHASES: usize = 10;
/// Packets that are made at once.
pub(super) const TURNS: usize = 10;
/// Slots of a round.
pub(super) const ROUND: usize = PHASES * TURNS;

/// Everybody has a turn in one slot of each round.
pub(super) struct Wheel<T> {
    slots: Vec<Vec<Seat<T>>>,
    /// How many belong to each slot.
    homes: [usize; ROUND],
    count: usize,
}

/// A member, and the slot that it belongs to; a new one begins in another.
struct Seat<T> {
    member: T,
    home: usize,
}

impl<T> Wheel<T> {
    pub(super) fn new() -> Self {
        Self { slots: (0..ROUND).map(|_| Vec::new()).collect(), homes: [0; ROUND], count: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Begins in the first slot from `next` on that has the phase `phase`, and stays in the one of that phase that has the
    /// fewest.
    pub(super) fn add(&mut self, member: T, next: usize, phase: usize) {
        let ahead = (phase % PHASES + PHASES - next % PHASES) % PHASES;
        let first = (next + ahead) % ROUND;
        let homes = (0..TURNS).map(|turn| (first + turn * PHASES) % ROUND);
        let home = homes.min_by_key(|home| self.homes.get(*home).copied()).unwrap_or(first);
        if let (Some(slot), Some(home_count)) = (self.slots.get_mut(first), self.homes.get_mut(home)) {
            slot.push(Seat { member, home });
            *home_count += 1;
            self.count += 1;
        }
    }

    /// The first that is meant.
    pub(super) fn remove(&mut self, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        for slot in &mut self.slots {
            if let Some(at) = slot.iter().position(|seat| is_meant(&seat.member)) {
                let seat = slot.swap_remove(at);
                self.homes.get_mut(seat.home).into_iter().for_each(|count| *count -= 1);
                self.count -= 1;
                return Some(seat.member);
            }
        }
        None
    }

    /// Shows those whose turn it is in the `turn`th slot since the beginning, each with the packets that it has until the
    /// next time.
    pub(super) fn visit(&mut self, turn: usize, mut show: impl FnMut(&mut T, usize)) {
        let here = turn % ROUND;
        let Some(slot) = self.slots.get_mut(here) else { return };
        let mut seats = std::mem::take(slot);
        let mut at = 0;
        while let Some(seat) = seats.get_mut(at) {
            let until = (seat.home + ROUND - here) % ROUND;
            show(&mut seat.member, if until == 0 { TURNS } else { until / PHASES });
            if until == 0 {
                at += 1;
                continue;
            }
            let seat = seats.swap_remove(at);
            if let Some(home) = self.slots.get_mut(seat.home) {
                home.push(seat);
            }
        }
        if let Some(slot) = self.slots.get_mut(here) {
            *slot = seats;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members that come one in each slot, and what they are given in so many slots.
    fn run(members: usize, slots: usize) -> (Wheel<usize>, Vec<Vec<usize>>) {
        let mut wheel = Wheel::new();
        let mut packets = vec![Vec::new(); members];
        for slot in 0..slots {
            if slot < members {
                wheel.add(slot, slot, slot % 3);
            }
            wheel.visit(slot, |member, turns| {
                packets[*member].extend((0..turns).map(|turn| slot + turn * PHASES));
            });
        }
        (wheel, packets)
    }

    #[test]
    fn everybody_has_a_packet_in_each_packet_time_from_the_first_on() {
        let (_, packets) = run(60, 1_000);
        for (member, packets) in packets.iter().enumerate() {
            assert!((member..member + PHASES).contains(&packets[0]), "{member} begins at {}", packets[0]);
            assert!(packets.iter().all(|slot| slot % PHASES == member % 3), "in its phase");
            assert!(packets.windows(2).all(|pair| pair[1] == pair[0] + PHASES), "{packets:?}");
            assert!(packets.len() * PHASES >= 1_000 - 60 - PHASES);
        }
    }

    #[test]
    fn members_are_spread_over_the_slots_of_their_phase() {
        let (mut wheel, _) = run(60, 200);
        let mut most = 0;
        for slot in 200..300 {
            let mut here = 0;
            wheel.visit(slot, |_, turns| here += usize::from(turns == TURNS));
            most = most.max(here);
        }
        assert_eq!(most, 2, "20 members in the 10 slots of each of 3 phases");
    }

    #[test]
    fn who_was_removed_is_not_there_any_more() {
        let (mut wheel, _) = run(10, 100);
        assert_eq!(wheel.remove(|member| *member == 7), Some(7));
        assert_eq!(wheel.remove(|member| *member == 7), None);
        let mut seen = 0;
        (100..200).for_each(|slot| wheel.visit(slot, |_, _| seen += 1));
        assert_eq!(seen, 9);
        assert_eq!((0..10).filter_map(|n| wheel.remove(|member| *member == n)).count(), 9);
        assert!(wheel.is_empty());
    }
}
