//! A conference of any size: everybody hears those who speak.
//!
//! Beyond a handful of parties the sum of all is the noise of all their rooms, and costs a mixture for each. So the loudest
//! few are mixed, each into what everybody else hears, and all who are silent hear one and the same mixture.
//!
//! ```text
//!  seats ── say ──▶ level ──▶ the loudest few ──▶ slots of a Mixer ── one mixture for each slot ──▶ who speaks
//!                                                                  └─ one for all others ────────▶ who listens
//! ```

use super::{Level, Mixer};

/// The parties of one conversation at one sample rate, of whom the loudest are heard.
#[derive(Debug)]
pub struct Conference {
    seats: Box<[Seat]>,
    /// One slot for each who is heard, as many again for who is fading out, and the last one for who listens.
    mixer: Mixer,
    slots: Box<[Option<usize>]>,
    /// How many are heard at a time.
    heard: usize,
    rate: u32,
}

#[derive(Debug)]
struct Seat {
    taken: bool,
    spoke: bool,
    said: Box<[f32]>,
    len: usize,
    level: Level,
    slot: Option<usize>,
    /// Is among those who are heard.
    chosen: bool,
}

impl Seat {
    /// How loud it is for the choice; `None` when it is not to be heard at all.
    fn weight(&self) -> Option<f32> {
        let level = self.level.rms().filter(|_| self.taken && self.spoke)?;
        // Whoever is heard stays so among equals.
        Some(if self.slot.is_some() { level + STAYS_DB } else { level })
    }
}

impl Conference {
    /// For up to `seats` parties, of whom the loudest `heard` are mixed, and blocks of up to `longest` samples, of which
    /// there are `rate` a second. Allocates all it will ever need.
    #[must_use]
    pub fn new(seats: usize, heard: usize, longest: usize, rate: u32) -> Self {
        let heard = heard.max(1);
        // Where all are heard, none fades to make room for another.
        let slots = seats.min(heard.saturating_mul(2));
        let seat = |_| Seat {
            taken: false,
            spoke: false,
            said: core::iter::repeat_n(0.0, longest).collect(),
            len: 0,
            level: Level::new(rate),
            slot: None,
            chosen: false,
        };
        Self {
            seats: (0..seats).map(seat).collect(),
            mixer: Mixer::new(slots.saturating_add(1), longest, rate),
            slots: (0..slots).map(|_| None).collect(),
            heard,
            rate,
        }
    }

    /// Somebody joins. `None` when all seats are taken.
    pub fn join(&mut self) -> Option<usize> {
        let (number, seat) = self.seats.iter_mut().enumerate().find(|(_, seat)| !seat.taken)?;
        (seat.taken, seat.spoke, seat.chosen) = (true, false, false);
        seat.level = Level::new(self.rate);
        Some(number)
    }

    /// Somebody leaves: is not heard from the next block on.
    pub fn leave(&mut self, seat: usize) {
        let Some(seat) = self.seats.get_mut(seat) else { return };
        seat.taken = false;
        if let Some(slot) = seat.slot.take().and_then(|slot| self.slots.get_mut(slot)) {
            *slot = None;
        }
    }

    /// How many have a seat.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.seats.iter().filter(|seat| seat.taken).count()
    }

    /// Takes what a party says in this block; who says nothing is silent.
    ///
    /// # Realtime
    ///
    /// No allocation; linear in the length of `pcm`.
    pub fn say(&mut self, seat: usize, pcm: &[f32]) {
        let Some(seat) = self.seats.get_mut(seat).filter(|seat| seat.taken) else { return };
        seat.len = pcm.len().min(seat.said.len());
        for (said, sample) in seat.said.iter_mut().zip(pcm) {
            *said = *sample;
        }
        seat.level.measure(pcm);
        seat.spoke = true;
    }

    /// Ends the block, of `len` samples.
    ///
    /// # Realtime
    ///
    /// No allocation, no lock; linear in the parties, and in those who are heard times `len`.
    pub fn mix(&mut self, len: usize) {
        self.choose();
        self.seat_the_chosen();
        for (slot, holder) in self.slots.iter().enumerate() {
            let Some(seat) = holder.and_then(|holder| self.seats.get(holder)).filter(|seat| seat.spoke)
            else {
                continue;
            };
            self.mixer.set_gain(slot, if seat.chosen { 1.0 } else { 0.0 });
            self.mixer.say(slot, seat.said.get(..seat.len).unwrap_or_default());
        }
        self.mixer.mix(len);
        // Whoever has faded out makes room, and hears from now on what all hear.
        for holder in &mut self.slots {
            if let Some(seat) =
                holder.and_then(|holder| self.seats.get_mut(holder)).filter(|seat| !seat.chosen)
            {
                (seat.slot, *holder) = (None, None);
            }
        }
        self.seats.iter_mut().for_each(|seat| seat.spoke = false);
    }

    /// What a party hears in the block mixed last: all others who are heard, and never itself.
    ///
    /// # Realtime
    ///
    /// A copy.
    pub fn hear(&self, seat: usize, out: &mut [f32]) {
        match self.seats.get(seat).filter(|seat| seat.taken) {
            Some(seat) => self.mixer.hear(seat.slot.unwrap_or(self.slots.len()), out),
            None => out.fill(0.0),
        }
    }

    /// The loudest are heard.
    fn choose(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.chosen = false);
        for _ in 0..self.heard {
            let others = self.seats.iter_mut().filter(|seat| !seat.chosen);
            let loudest = others
                .filter_map(|seat| Some((seat.weight()?, seat)))
                .max_by(|(one, _), (other, _)| one.total_cmp(other));
            let Some((_, seat)) = loudest else { return };
            seat.chosen = true;
        }
    }

    fn seat_the_chosen(&mut self) {
        let listeners = self.slots.len();
        let mut free = self.slots.iter_mut().enumerate().filter(|(_, holder)| holder.is_none());
        let new = self.seats.iter_mut().enumerate().filter(|(_, seat)| seat.chosen && seat.slot.is_none());
        for (number, seat) in new {
            let Some((slot, holder)) = free.next() else {
                // Cannot be: there is a slot for each chosen one and for each who was so in the block before.
                seat.chosen = false;
                continue;
            };
            (*holder, seat.slot) = (Some(number), Some(slot));
            self.mixer.enter(slot, listeners);
        }
    }
}

/// By how much another must be louder to be heard in the place of somebody who is.
const STAYS_DB: f32 = 3.0;
