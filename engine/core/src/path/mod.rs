//! Which of a call's routes packets take, and which of them a packet came by.
//!
//! A switch changes nothing but the way: names, numbers, keys, the rollover counter and what is buffered belong to the
//! stream. It breaks before it makes where it must, since the address that a host has lost is of no use, but what is
//! still on its way by the route before is believed for [`GRACE`]. [`Switched`] tells what it cost.

mod switch;

use core::time::Duration;

use rove_base::{Instant, MediaPlan, Route, RouteId, UdpFlow};

use self::switch::Measure;
pub use self::switch::{Switched, Why};

/// The routes of a call, one of them active.
///
/// # Realtime
///
/// Nothing here allocates or frees after [`Path::new`], nor does that.
#[derive(Clone, Debug)]
pub struct Path {
    /// By place; the first ones are those that signalling told.
    routes: [Option<Route>; MOST_ROUTES],
    active: Route,
    /// Those that were active a moment ago, the latest first: packets may still be on their way.
    left: [Option<Left>; MOST_LEFT],
    measure: Measure,
}

/// A route that packets do not take any more.
#[derive(Clone, Copy, Debug)]
struct Left {
    route: Route,
    /// What comes by it later is not believed.
    until: Instant,
}

/// What a flow carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Carries {
    /// RTP only.
    Rtp,
    /// RTCP only.
    Rtcp,
    /// Both, told apart by their second byte (RFC 5761 §4).
    Both,
}

/// Why a path cannot be changed so.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The call has no route of this name.
    #[error("the call has no route {}", .0.0)]
    NoSuchRoute(RouteId),
    /// The call has a route of this name already.
    #[error("the call has a route {} already", .0.0)]
    Taken(RouteId),
    /// The call has as many routes as it can have.
    #[error("a call has at most {MOST_ROUTES} routes")]
    Full,
    /// Packets take it.
    #[error("packets take the route {}: switch to another first", .0.0)]
    Active(RouteId),
}

impl Path {
    /// The routes of `plan`, the first one active; those beyond [`MOST_ROUTES`] are passed over.
    #[must_use]
    pub fn new(plan: &MediaPlan) -> Option<Self> {
        let mut routes = [None; MOST_ROUTES];
        for (place, route) in routes.iter_mut().zip(plan.routes()) {
            *place = Some(*route);
        }
        let active = *plan.routes().first()?;
        Some(Self { active, routes, left: [None; MOST_LEFT], measure: Measure::default() })
    }

    /// Whether signalling told the same routes of both.
    #[must_use]
    pub fn is_told_as(&self, other: &Self) -> bool {
        self.routes == other.routes
    }

    /// Where packets go.
    #[must_use]
    pub const fn active(&self) -> &Route {
        &self.active
    }

    /// All routes, in the order in which they were told.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().flatten()
    }

    /// Another way there is, which packets may be switched to. What comes by it is believed from now on.
    ///
    /// # Errors
    ///
    /// [`PathError::Taken`] and [`PathError::Full`].
    pub fn add(&mut self, route: Route) -> Result<(), PathError> {
        if self.find(route.id).is_some() {
            return Err(PathError::Taken(route.id));
        }
        let free = self.routes.iter_mut().find(|place| place.is_none());
        *free.ok_or(PathError::Full)? = Some(route);
        Ok(())
    }

    /// A way there was. What is still on its way by it is believed until `now` and [`GRACE`].
    ///
    /// # Errors
    ///
    /// [`PathError::NoSuchRoute`] and [`PathError::Active`].
    pub fn remove(&mut self, now: Instant, id: RouteId) -> Result<(), PathError> {
        if self.active.id == id {
            return Err(PathError::Active(id));
        }
        let place = self.routes.iter_mut().find(|place| place.is_some_and(|route| route.id == id));
        let route = place.and_then(Option::take).ok_or(PathError::NoSuchRoute(id))?;
        self.leave(now, route);
        Ok(())
    }

    /// Packets take the route `to` from `now` on.
    ///
    /// # Errors
    ///
    /// [`PathError::NoSuchRoute`]; then they go on as they did.
    pub fn switch(&mut self, now: Instant, to: RouteId, why: Why) -> Result<(), PathError> {
        let route = *self.find(to).ok_or(PathError::NoSuchRoute(to))?;
        self.go(now, route, why);
        Ok(())
    }

    /// Packets take these flows from `now` on: the way that checks found, or where the peer turned out to be.
    pub fn take(&mut self, now: Instant, rtp: UdpFlow, rtcp: UdpFlow, why: Why) {
        self.go(now, Route { rtp, rtcp, ..self.active }, why);
    }

    /// Signalling tells other routes: from `now` on packets take the first of `told`.
    pub fn follow(&mut self, now: Instant, told: &Self) {
        self.routes = told.routes;
        self.go(now, told.active, Why::Told);
    }

    fn go(&mut self, now: Instant, route: Route, why: Why) {
        if (self.active.rtp, self.active.rtcp) != (route.rtp, route.rtcp) {
            self.leave(now, self.active);
            if self.active.rtp != route.rtp {
                let (from, to) = (self.active.id, route.id);
                let switched = Switched { from, to, why, at: now, gap: None, lost: 0 };
                self.measure.switched(now, route.rtp, switched);
            }
        }
        self.active = route;
    }

    fn leave(&mut self, now: Instant, route: Route) {
        self.left.rotate_right(1);
        if let Some(latest) = self.left.first_mut() {
            *latest = Some(Left { route, until: now + GRACE });
        }
    }

    fn find(&self, id: RouteId) -> Option<&Route> {
        self.routes().find(|route| route.id == id)
    }

    /// What a packet carries that came to one of the active route's ports, from wherever. `None`: it came to another.
    #[must_use]
    pub fn accepts(&self, flow: &UdpFlow) -> Option<Carries> {
        match (self.active.rtp.local == flow.local, self.active.rtcp.local == flow.local) {
            (true, true) => Some(Carries::Both),
            (true, false) => Some(Carries::Rtp),
            (false, true) => Some(Carries::Rtcp),
            (false, false) => None,
        }
    }

    /// By which route a packet on `flow` came that was here at `at`, and what `flow` carries. `None` for a flow that is
    /// not the call's, or not any more.
    #[must_use]
    pub fn arrival(&self, flow: &UdpFlow, at: Instant) -> Option<(RouteId, Carries)> {
        let left = self.left.iter().flatten().filter(|left| at <= left.until).map(|left| &left.route);
        let mut all = core::iter::once(&self.active).chain(left).chain(self.routes());
        all.find_map(|route| match (route.rtp == *flow, route.rtcp == *flow) {
            (true, true) => Some((route.id, Carries::Both)),
            (true, false) => Some((route.id, Carries::Rtp)),
            (false, true) => Some((route.id, Carries::Rtcp)),
            (false, false) => None,
        })
    }

    /// A packet of media with number `seq` was used that came by `flow` at `at`.
    pub fn heard(&mut self, flow: &UdpFlow, seq: u16, at: Instant) {
        self.measure.heard(self.active.rtp, flow, seq, at);
    }

    /// What the last switch cost, once it is known.
    pub fn switched(&mut self, now: Instant) -> Option<Switched> {
        self.measure.done(now)
    }

    /// When [`Path::switched`] has something, if nothing is heard until then.
    #[must_use]
    pub const fn next(&self) -> Option<Instant> {
        self.measure.next()
    }
}

/// Routes of one call.
pub const MOST_ROUTES: usize = 8;
/// How long what comes by a route that was left is still believed. Longer than any packet is on its way that a
/// listener would still hear.
pub const GRACE: Duration = Duration::from_secs(2);
/// Routes left one right after the other, whose packets are still believed.
const MOST_LEFT: usize = 2;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used)]
mod tests;
