//! When the packets of the peer are to come another way, and how that is agreed on in the path itself.
//!
//! ```text
//!        calm ──────────── silence, or more loss or delay than there was ──▶ asking
//!         ▲ ▲                                                                  │ the peer's packets come twice
//!         │ └── the other way is no better, or a second has passed ── comparing ◀┘
//!         │                                                            │ the other way is better
//!         └────────────── the peer's packets come by it alone ── settling ◀┘
//! ```
//!
//! Who receives decides: it alone sees what arrives. A suspicion only has the peer send its packets by two routes for
//! [`COPYING`] at most (RFC 7198); the same packets by both are what decides. What the ends have to tell each other goes by
//! the route that it is about, as [`Word`]s in RTCP, so that neither needs a name for the other's routes; who does not know
//! them is left in peace. Names, numbers, keys and buffers of the stream are not touched.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod arrivals;
mod compare;
mod copies;
mod decide;
mod state;
mod suspicion;
#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used)]
mod tests;
mod told;
mod tolerance;
mod word;

use core::time::Duration;

use rove_base::{ClockRate, Instant, RouteId, RtpTimestamp};

pub(crate) use self::tolerance::Judgement;
use self::{
    arrivals::{Arrivals, Way},
    compare::Counts,
    copies::Copies,
    state::{Asking, Comparing, Patience, State, Trials, Turns},
    suspicion::{Silence, Suspicion},
    told::{Noted, others},
};
pub use self::{
    suspicion::Cause,
    told::{Heard, Rerouted},
    tolerance::{Complaint, Tolerance},
    word::{Say, Word},
};
use crate::path::Path;

/// Watches the way of the peer's packets, and has them take another.
///
/// # Realtime
///
/// Nothing here allocates.
#[derive(Clone, Debug)]
pub struct Guard {
    clock: ClockRate,
    /// The share of packets that may be lost.
    limit: f32,
    /// The peer knows these words.
    known: bool,
    /// By which route its packets come.
    taken: Option<RouteId>,
    /// By which they came before checks led both ends elsewhere, and until when some are on their way there.
    bygone: Option<(RouteId, Instant)>,
    arrivals: Arrivals,
    suspicion: Suspicion,
    silence: Option<Silence>,
    /// A packet's time of sampling, and when it came: the zero of what is measured.
    zero: Option<(RtpTimestamp, Instant)>,
    state: State,
    /// Of the matter at hand.
    number: u16,
    patience: Patience,
    turns: Turns,
    trials: Trials,
    /// What was found when the way that is taken was last compared with another: which, until when that counts, and what.
    earlier: Option<(RouteId, Instant, Counts)>,
    /// Which ways were no better.
    passed_over: Noted,
    /// Which ways were taken, and left for another.
    left: Noted,
    copies: Copies,
    /// When this end last sent something.
    spoke: Instant,
    /// There is no other route, and nothing to watch for; when that is looked at again.
    alone: bool,
    looks: Instant,
    /// How often the peer is still greeted, if it does not answer.
    greetings: u8,
    words: [Option<(RouteId, Word)>; WORDS],
    done: Option<Rerouted>,
}

impl Guard {
    /// For packets with timestamps of `clock`.
    #[must_use]
    pub fn new(now: Instant, clock: ClockRate) -> Self {
        Self {
            clock,
            limit: LIMIT,
            known: false,
            taken: None,
            bygone: None,
            arrivals: Arrivals::new(),
            suspicion: Suspicion::default(),
            silence: None,
            zero: None,
            state: State::Calm,
            number: 0,
            patience: Patience::new(now),
            turns: Turns::new(now),
            trials: Trials::new(),
            earlier: None,
            passed_over: Noted::default(),
            left: Noted::default(),
            copies: Copies::default(),
            spoke: now,
            alone: true,
            looks: now,
            greetings: GREETINGS,
            words: [None; WORDS],
            done: None,
        }
    }

    /// A route is left when more than this share of its packets are lost; [`LIMIT`] unless said.
    pub const fn tolerate(&mut self, loss: f32) {
        self.limit = loss;
    }

    /// Whether the peer is to be told that this end has words for routes: there is more than one, and the peer has words for
    /// them as well, or was not told often enough.
    pub fn greets(&mut self) -> bool {
        let greets = !self.alone && (self.known || self.greetings > 0);
        self.greetings = self.greetings.saturating_sub(u8::from(greets));
        greets
    }

    /// Whether the peer can be asked to send by other routes, of which there are some.
    pub(crate) const fn compares(&self) -> bool {
        self.known && !self.alone
    }

    /// By which route the peer's packets come; `None` before the first.
    #[must_use]
    pub const fn taken(&self) -> Option<RouteId> {
        self.taken
    }

    /// Whether a packet was here before, and comes again because the peer sends by two routes.
    #[must_use]
    pub fn expects(&self, packet: &Heard) -> bool {
        let twice = !matches!(self.state, State::Calm) || self.taken.is_some_and(|taken| taken != packet.by);
        twice && self.arrivals.has(packet.seq)
    }

    /// Where packets of this end go beside the route that they take.
    #[must_use]
    pub fn copies(&self, now: Instant) -> [Option<RouteId>; 2] {
        self.copies.to(now)
    }

    /// This end has sent a packet of media, or a word.
    pub fn spoke(&mut self, now: Instant) {
        self.spoke = self.spoke.max(now);
    }

    /// The peer's clock is another from now on.
    pub const fn recode(&mut self, clock: ClockRate) {
        (self.clock, self.zero) = (clock, None);
    }

    /// A packet of media came.
    pub fn heard(&mut self, packet: &Heard, path: &Path) {
        let &Heard { by, seq, at, .. } = packet;
        let taken = *self.taken.get_or_insert(by);
        if by == taken {
            let late = self.arrivals.came(Way::Taken, seq, at);
            self.found(late);
            let silence = self.silence.get_or_insert(Silence::since(at));
            self.state.fresh(silence.last(), at);
            silence.broken(at, false);
            let later = self.transit(packet).and_then(|transit| self.suspicion.on_transit(transit));
            if let State::Comparing(comparing) = &mut self.state {
                comparing.compare.heard_taken();
            }
            self.suspect(at, later, path);
        } else {
            self.heard_beside(packet);
        }
        self.judge(at, path);
    }

    /// By another route than the one that packets take.
    fn heard_beside(&mut self, packet: &Heard) {
        let &Heard { seq, at, .. } = packet;
        let fresh = !self.arrivals.has(seq);
        let way = if self.is_bygone(packet) { Way::Taken } else { self.beside(packet, fresh) };
        if fresh {
            self.state.fresh(self.silence.map_or(at, |silence| silence.last()), at);
        }
        let late = self.arrivals.came(way, seq, at);
        self.found(late);
        if let (Way::Other, State::Comparing(comparing)) = (way, &mut self.state) {
            comparing.compare.heard_other();
        }
    }

    /// What the route of such a packet is to the matter at hand; a matter may begin with it.
    fn beside(&mut self, packet: &Heard, fresh: bool) -> Way {
        let &Heard { by, seq, at, .. } = packet;
        match &mut self.state {
            State::Settling(settling) => settling.still = at,
            State::Comparing(comparing) if comparing.other != by => {
                // What it brings is not lost; and when it is what brings most, it is the one to compare with.
                comparing.strays = comparing.strays.saturating_add(u16::from(fresh));
                if comparing.strays < STRAYS {
                    return Way::Elsewhere;
                }
                self.arrivals.forget_other();
                let asking = comparing.asking;
                *comparing = Comparing::new(asking, by, seq, at, Counts::default());
            }
            State::Comparing(_) => {}
            // Copies that were under way when they were ended, or that the peer sends for reasons of its own.
            State::Calm if !fresh || self.patience.just_stayed(at) => return Way::Elsewhere,
            state => {
                self.arrivals.forget_other();
                let asking = match state {
                    State::Asking(asking) => *asking,
                    // The peer began by itself.
                    _ => Asking::unasked(at, self.silence.map_or(at, |silence| silence.last())),
                };
                let earlier = self.earlier.filter(|(way, until, _)| *way == by && at < *until);
                let earlier = earlier.map(|(_, _, counts)| counts.faded()).unwrap_or_default();
                *state = State::Comparing(Comparing::new(asking, by, seq, at, earlier));
            }
        }
        Way::Other
    }

    /// A packet that was taken for lost has come.
    const fn found(&mut self, late: bool) {
        if late {
            self.state.found();
        }
    }

    /// A packet came by this route and was changed on its way.
    pub fn broken(&mut self, now: Instant, by: RouteId, path: &Path) {
        if self.taken == Some(by) {
            let cause = self.suspicion.on_broken();
            self.suspect(now, cause, path);
        }
    }

    /// How long a packet was on its way, in milliseconds from any zero.
    fn transit(&mut self, packet: &Heard) -> Option<f32> {
        let (timestamp, came) = *self.zero.get_or_insert((packet.timestamp, packet.at));
        let ticks = packet.timestamp.since(timestamp);
        let sampled = self.clock.duration(ticks.unsigned_abs()).as_secs_f32();
        let sampled = if ticks < 0 { -sampled } else { sampled };
        let passed = packet.at.since(came).as_secs_f32();
        if passed > ZERO {
            // Not so far back that a float forgets milliseconds.
            self.zero = None;
            self.suspicion.rebase();
            return None;
        }
        Some((passed - sampled) * 1_000.0)
    }

    /// The peer told something by the route `by`. Answers the route that packets are to take from now on, if they are.
    pub fn on_word(&mut self, now: Instant, by: RouteId, word: Word) -> Option<RouteId> {
        self.known = true;
        match word.say {
            Say::Hello => None,
            Say::Beat => {
                if self.taken.is_none_or(|taken| taken == by) {
                    self.silence.get_or_insert(Silence::since(now)).broken(now, true);
                }
                None
            }
            Say::Copy | Say::Stop | Say::Take => self.copies.on_word(now, by, word).then_some(by),
        }
    }

    /// Time passed.
    pub fn tick(&mut self, now: Instant, path: &Path) {
        let looks = self.looks <= now;
        if !looks && self.next().is_none_or(|due| due > now) {
            return;
        }
        if looks {
            self.looks = now + LOOK;
            self.alone = others(path, path.active().id, 1, (&self.passed_over, now)) == [None; 2];
        }
        let silent = self.silence.filter(|silence| silence.due() <= now).map(|_| Cause::Silence);
        self.suspect(now, silent, path);
        if silent.is_some()
            && matches!(self.state, State::Calm)
            && self.patience.lets(now, Cause::Silence, false)
        {
            self.patience.wait(now);
        }
        if looks {
            self.try_cheaper(now, path);
        }
        self.decide(now, path);
        let again = match &mut self.state {
            State::Asking(asking) => asking.again(now).map(|to| (to, Say::Copy)),
            State::Settling(settling) => settling.again(now).map(|to| ([Some(to), None], Say::Take)),
            State::Calm | State::Comparing(_) => None,
        };
        if let Some((to, say)) = again {
            to.into_iter().flatten().for_each(|to| self.tell(to, say));
        }
        match &self.state {
            State::Asking(asking) if asking.is_over(now) => {
                let nobody = asking.to;
                nobody.into_iter().flatten().for_each(|way| self.passed_over.note(way, now));
                self.stay(now);
            }
            State::Settling(settling) if settling.is_over(now) => {
                self.done = Some(settling.rerouted());
                self.state = State::Calm;
                self.patience = Patience::new(now);
            }
            _ => {}
        }
        if self.known && !self.alone && self.beats_at() <= now {
            self.tell(path.active().id, Say::Beat);
            self.spoke = now;
        }
    }

    fn beats_at(&self) -> Instant {
        self.spoke + BEAT
    }

    /// When [`Guard::tick`] may next matter.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        if !self.known || self.alone {
            return None;
        }
        let calm = matches!(self.state, State::Calm);
        let silent = self.silence.filter(|_| calm).map(|silence| silence.due());
        // A way that stays silent is asked about again, not at once.
        let silent = silent.map(|due| due.max(self.patience.opens(Cause::Silence, false)));
        let soonest = Instant::earliest(Some(self.beats_at()), self.state.next());
        Instant::earliest(soonest, silent)
    }

    fn tell(&mut self, by: RouteId, say: Say) {
        let word = Word { say, number: self.number };
        if let Some(place) = self.words.iter_mut().find(|place| place.is_none()) {
            *place = Some((by, word));
        }
    }

    /// What is to be told the peer, and by which route.
    pub fn next_word(&mut self) -> Option<(RouteId, Word)> {
        let word = self.words.first_mut()?.take();
        self.words.rotate_left(1);
        word
    }

    /// The peer's packets take another route: told once they do.
    pub const fn rerouted(&mut self) -> Option<Rerouted> {
        self.done.take()
    }
}

/// So long packets go by two routes, at most.
pub const COPYING: Duration = Duration::from_secs(1);
/// The share of packets that may be lost before a route is left, where the user says nothing.
pub const LIMIT: f32 = 0.02;
/// Greetings to somebody who does not answer.
const GREETINGS: u8 = 5;
/// So long what was found of two ways counts when they are compared again.
const EARLIER: Duration = Duration::from_secs(120);
/// Between two looks at which routes there are.
const LOOK: Duration = Duration::from_millis(500);
/// In silence this end says that it is there.
const BEAT: Duration = Duration::from_millis(80);
/// Words that wait to be sent.
const WORDS: usize = 6;
/// Packets that a third way has brought, and neither of those that are compared.
const STRAYS: u16 = 2;
/// In seconds: a new zero for what is measured.
const ZERO: f32 = 300.0;
