//! The reorder window: packets by sequence number modulo its size, owned by playout alone.

use rove_base::{SeqNumber, Ssrc};

use super::Slot;

/// What became of a packet shown to the window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Held until its turn.
    Accepted,
    /// Held; together with the packet before it, it shows that the stream began anew, and all else was dropped.
    Restarted,
    /// The same packet is held, or was taken, already. Dropped.
    Duplicate,
    /// Its turn is over. Dropped.
    Late,
    /// Far from where the stream is, or of another source: believed only if the next in line follows it, as
    /// RFC 3550 §A.1 does. Kept aside.
    Stray,
}

/// Puts packets in order.
///
/// The window covers as many sequence numbers as it has places, from the next one to be taken onwards. Numbers may wrap.
pub struct Window {
    places: Box<[Place]>,
    held: usize,
    /// The lowest sequence number that may still be taken; `None` before the first packet.
    next: Option<SeqNumber>,
    /// The lowest sequence number held, when anything is.
    lowest: SeqNumber,
    /// The highest sequence number held or taken.
    highest: SeqNumber,
    /// Something was taken already, so the window no longer moves back.
    started: bool,
    ssrc: Ssrc,
    stray: Place,
}

struct Place {
    state: State,
    slot: Slot,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    Empty,
    Held,
    /// The packet is gone, its sequence number still shows that it was here.
    Taken,
}

impl Place {
    const EMPTY: Self = Self { state: State::Empty, slot: Slot::EMPTY };
}

impl Window {
    /// A window of `places` packets, rounded up to a power of two between 16 and 1 024. The only allocation.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let places = places.clamp(MIN_PLACES, MAX_PLACES).next_power_of_two();
        Self {
            places: (0..places).map(|_| Place::EMPTY).collect(),
            held: 0,
            next: None,
            lowest: SeqNumber(0),
            highest: SeqNumber(0),
            started: false,
            ssrc: Ssrc(0),
            stray: Place::EMPTY,
        }
    }

    /// Takes in a copy of `slot`, or tells why not.
    pub fn accept(&mut self, slot: &Slot) -> Verdict {
        let Some(next) = self.next else {
            self.begin(slot.seq, slot.ssrc);
            return self.hold(slot);
        };
        if slot.ssrc != self.ssrc {
            return self.doubt(slot);
        }
        let ahead = slot.seq.since(next);
        match usize::try_from(ahead) {
            Err(_) => self.accept_behind(slot, ahead),
            Ok(ahead) if ahead < self.places.len() => self.hold(slot),
            // After an outage: nothing is held, so what lies between is lost and the window moves on.
            Ok(ahead) if self.held == 0 && ahead < MAX_DROPOUT => {
                self.next = Some(slot.seq);
                self.hold(slot)
            }
            Ok(_) => self.doubt(slot),
        }
    }

    /// The packet to be taken next: the one with the lowest sequence number.
    #[inline]
    #[must_use]
    pub fn front(&self) -> Option<&Slot> {
        if self.held == 0 { None } else { self.get(self.lowest) }
    }

    /// The packet with this sequence number, if it is held.
    #[inline]
    #[must_use]
    pub fn get(&self, seq: SeqNumber) -> Option<&Slot> {
        let place = self.places.get(self.place_of(seq))?;
        (place.state == State::Held && place.slot.seq == seq).then_some(&place.slot)
    }

    /// The packets held, in order, up to `most` sequence numbers after the first one.
    pub fn held(&self, most: u16) -> impl Iterator<Item = &Slot> {
        let reach = if self.held == 0 { 0 } else { most };
        (0..reach).filter_map(|by| self.get(self.lowest.plus(by)))
    }

    /// The sequence number that follows what was taken last; `None` before the first packet.
    #[must_use]
    pub const fn next(&self) -> Option<SeqNumber> {
        self.next
    }

    /// The highest sequence number held or taken.
    #[must_use]
    pub const fn highest(&self) -> SeqNumber {
        self.highest
    }

    /// Whether no packet is missing before [`Window::front`].
    #[must_use]
    pub fn front_is_next(&self) -> bool {
        self.front().is_some_and(|front| Some(front.seq) == self.next)
    }

    /// Gives up [`Window::front`] and all before it: whoever comes now with a lower number is late.
    pub fn pass(&mut self) {
        let Some(seq) = self.front().map(|front| front.seq) else { return };
        let at = self.place_of(seq);
        if let Some(place) = self.places.get_mut(at) {
            place.state = State::Taken;
        }
        self.held = self.held.saturating_sub(1);
        self.next = Some(seq.plus(1));
        self.started = true;
        if self.held > 0 {
            // Every number is gone over once, be it held or lost: a bounded walk, and none where nothing is lost.
            let mut ahead = (1..=u16::try_from(self.places.len()).unwrap_or(u16::MAX)).map(|by| seq.plus(by));
            self.lowest = ahead.find(|&seq| self.get(seq).is_some()).unwrap_or(seq);
        }
    }

    /// Packets held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.held
    }

    /// Whether no packet is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Packets it can hold.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.places.len()
    }

    fn place_of(&self, seq: SeqNumber) -> usize {
        usize::from(seq.0) & self.places.len().wrapping_sub(1)
    }

    fn begin(&mut self, seq: SeqNumber, ssrc: Ssrc) {
        for place in &mut self.places {
            place.state = State::Empty;
        }
        self.held = 0;
        self.next = Some(seq);
        self.highest = seq;
        self.started = false;
        self.ssrc = ssrc;
        self.stray.state = State::Empty;
    }

    fn hold(&mut self, slot: &Slot) -> Verdict {
        let at = self.place_of(slot.seq);
        let Some(place) = self.places.get_mut(at) else { return Verdict::Stray };
        if place.state == State::Held && place.slot.seq == slot.seq {
            return Verdict::Duplicate;
        }
        place.state = State::Held;
        place.slot.copy_from(slot);
        if self.held == 0 || slot.seq.since(self.lowest) < 0 {
            self.lowest = slot.seq;
        }
        self.held = self.held.saturating_add(1);
        if slot.seq.since(self.highest) > 0 {
            self.highest = slot.seq;
        }
        self.stray.state = State::Empty;
        Verdict::Accepted
    }

    fn accept_behind(&mut self, slot: &Slot, ahead: i16) -> Verdict {
        let span = usize::try_from(self.highest.since(slot.seq)).unwrap_or(usize::MAX);
        if !self.started && span < self.places.len() {
            self.next = Some(slot.seq);
            return self.hold(slot);
        }
        if ahead < -MAX_MISORDER {
            return self.doubt(slot);
        }
        let known = self.places.get(self.place_of(slot.seq));
        if known.is_some_and(|place| place.state == State::Taken && place.slot.seq == slot.seq) {
            Verdict::Duplicate
        } else {
            Verdict::Late
        }
    }

    fn doubt(&mut self, slot: &Slot) -> Verdict {
        let Place { state, slot: stray } = &self.stray;
        let (before, ssrc) = (stray.seq, stray.ssrc);
        if *state == State::Empty || ssrc != slot.ssrc || slot.seq != before.plus(1) {
            self.stray.state = State::Held;
            self.stray.slot.copy_from(slot);
            return Verdict::Stray;
        }
        self.begin(before, ssrc);
        let at = self.place_of(before);
        if let Some(place) = self.places.get_mut(at) {
            place.state = State::Held;
            place.slot.copy_from(&self.stray.slot);
            (self.held, self.lowest) = (1, before);
        }
        self.hold(slot);
        Verdict::Restarted
    }
}

/// Below this, reordering of a few packets would already look like a jump.
const MIN_PLACES: usize = 16;
/// 20 s of 20 ms packets; more delay than that is no conversation.
const MAX_PLACES: usize = 1_024;
/// A forward gap of this many packets may still be an outage of the same stream (RFC 3550 §A.1).
const MAX_DROPOUT: usize = 3_000;
/// A packet this far back may still be a late one of the same stream (RFC 3550 §A.1).
const MAX_MISORDER: i16 = 100;
