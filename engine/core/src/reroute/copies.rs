//! Where packets go beside the way that they take (RFC 7198), and for how long.

use rove_base::{Instant, RouteId};

use super::{COPYING, Say, Word};

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copies {
    to: [Option<RouteId>; MOST],
    until: Option<Instant>,
    /// Of the newest matter that the peer has spoken of.
    newest: Option<u16>,
}

impl Copies {
    /// Where packets go as well.
    pub(super) fn to(&self, now: Instant) -> [Option<RouteId>; MOST] {
        if self.until.is_some_and(|until| now < until) { self.to } else { [None; MOST] }
    }

    /// Packets go there as well for a while, unasked: where they go, nothing comes from.
    pub(super) fn begin(&mut self, now: Instant, to: [Option<RouteId>; MOST]) {
        (self.to, self.until) = (to, Some(now + COPYING));
    }

    /// The peer has told something about the route `by`. Answers whether that is to be taken.
    pub(super) fn on_word(&mut self, now: Instant, by: RouteId, word: Word) -> bool {
        if self.newest.is_some_and(|newest| word.is_before(newest)) {
            return false;
        }
        let fresh = self.newest.replace(word.number) != Some(word.number);
        match word.say {
            Say::Copy if fresh => self.begin(now, [Some(by), None]),
            // Another route in the same matter, for no longer.
            Say::Copy if !self.to.contains(&Some(by)) => {
                if let Some(free) = self.to.iter_mut().find(|place| place.is_none()) {
                    *free = Some(by);
                }
            }
            Say::Stop | Say::Take => self.until = None,
            Say::Copy | Say::Hello | Say::Beat => {}
        }
        word.say == Say::Take
    }
}

/// Routes that one packet goes by beside its own.
pub(super) const MOST: usize = 2;
