//! What a guard is told, what it tells, and whom it may ask.

use core::time::Duration;

use rove_base::{Instant, Route, RouteId, RouteKind, RtpTimestamp, SeqNumber};

use super::Cause;
use crate::path::Path;

/// A packet of media that was used, or that was used before and came again.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The route that it came by.
    pub by: RouteId,
    /// Its number.
    pub seq: SeqNumber,
    /// Its time of sampling.
    pub timestamp: RtpTimestamp,
    /// When it came.
    pub at: Instant,
}

/// The peer's packets came to take another route, seen from here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rerouted {
    /// The route before.
    pub from: RouteId,
    /// The route since.
    pub to: RouteId,
    /// What kinds of ways they are, in this order; `None` for one that is gone.
    pub kinds: [Option<RouteKind>; 2],
    /// What was wrong with the one before.
    pub cause: Cause,
    /// When that was suspected.
    pub suspected: Instant,
    /// When the other was found to be better.
    pub decided: Instant,
    /// The longest time without any packet, from the last one before the suspicion on; `None` when that was in a pause.
    pub gap: Option<Duration>,
    /// Packets that came by no route, from the first of which the suspicion was made; `None` when nobody counted.
    pub lost: Option<u16>,
}

/// Routes that something became of, and when: compared with the one that is taken and no better, or left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noted([Option<(RouteId, Instant)>; REMEMBERED]);

impl Noted {
    pub(super) fn note(&mut self, id: RouteId, now: Instant) {
        // In the place of what was noted of the same, else in a free one, else in that of the oldest.
        let order = |noted: &Option<(RouteId, Instant)>| match noted {
            Some((known, _)) if *known == id => (0, None),
            None => (1, None),
            Some((_, at)) => (2, Some(*at)),
        };
        if let Some(place) = self.0.iter_mut().min_by_key(|noted| order(noted)) {
            *place = Some((id, now));
        }
    }

    fn at(&self, id: RouteId, now: Instant) -> Option<Instant> {
        self.within(id, now, PASSED_OVER)
    }

    /// When that was, if it is no longer ago.
    pub(super) fn within(&self, id: RouteId, now: Instant, time: Duration) -> Option<Instant> {
        let noted = self.0.iter().flatten().find(|(known, _)| *known == id);
        noted.map(|(_, at)| *at).filter(|at| now.since(*at) < time)
    }
}

/// Up to `most` routes beside `taken`: the cheapest first, those that were passed over a moment ago last.
pub(super) fn others(
    path: &Path,
    taken: RouteId,
    most: usize,
    passed_over: (&Noted, Instant),
) -> [Option<RouteId>; 2] {
    let (passed_over, now) = passed_over;
    let mut found = [None; 2];
    let mut last = None;
    for place in found.iter_mut().take(most) {
        let beside = path.routes().enumerate().filter(|(_, route)| route.id != taken);
        let order =
            |(order, route): (usize, &Route)| (passed_over.at(route.id, now), route.kind, order, route.id);
        let next = beside.map(order).filter(|one| last.is_none_or(|last| *one > last)).min();
        last = next.or(last);
        *place = next.map(|(.., id)| id);
    }
    found
}

/// Whether there is a route beside `taken` that was not passed over a moment ago.
pub(super) fn has_untried(path: &Path, taken: RouteId, passed_over: (&Noted, Instant)) -> bool {
    let (passed_over, now) = passed_over;
    path.routes().any(|route| route.id != taken && passed_over.at(route.id, now).is_none())
}

/// As many as a call has routes.
const REMEMBERED: usize = crate::path::MOST_ROUTES;
/// So long what was found counts, where there is another to ask.
const PASSED_OVER: Duration = Duration::from_secs(30);
