//! Which of a call's routes packets take, and which of them a packet came by.
//!
//! A switch changes nothing but the way: names, numbers, keys, the rollover counter and what is buffered belong to the
//! stream. It breaks before it makes where it must, since the address that a host has lost is of no use, but what is
//! still on its way by the route before is believed for [`GRACE`]. [`Switched`] tells what it cost.

mod switch;

use core::time::Duration;

use rove_base::{Instant, MediaPlan, Route, RouteId, RouteKind, UdpFlow};

use self::switch::Measure;
pub use self::switch::{Switched, Why};

/// The routes of a call, one of them active.
///
/// # Realtime
///
/// Nothing here allocates or frees after [`Path::new`], nor does that.
#[derive(Clone, Debug)]
pub struct Path {
    routes: [Option<Route>; MOST_ROUTES],
    /// Those that signalling told.
    told: [Option<Route>; MOST_ROUTES],
    /// The name of the next way that is found.
    name: u32,
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
        let told = routes;
        let name = plan.routes().iter().map(|route| route.id.0.saturating_add(1)).max().unwrap_or(0);
        let mut path =
            Self { active, routes, told, name, left: [None; MOST_LEFT], measure: Measure::default() };
        if plan.ice().is_some() {
            // What was told is no way before it was checked.
            path.routes = [None; MOST_ROUTES];
        }
        Some(path)
    }

    /// Whether signalling told the same routes of both.
    #[must_use]
    pub fn is_told_as(&self, other: &Self) -> bool {
        self.told == other.told
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

    /// The route of a name; `None` when there is none.
    #[must_use]
    pub fn route(&self, id: RouteId) -> Option<&Route> {
        core::iter::once(&self.active).chain(self.routes()).find(|route| route.id == id)
    }

    /// A way was found on which `flow` leads to the peer, both RTP and RTCP: it is a route from now on, if it was none.
    ///
    /// # Errors
    ///
    /// [`PathError::Full`].
    pub fn found(&mut self, flow: UdpFlow, kind: RouteKind) -> Result<(), PathError> {
        if self.active.rtp == flow {
            self.active.kind = kind;
        }
        if let Some(known) = self.routes.iter_mut().flatten().find(|route| route.rtp == flow) {
            known.kind = kind;
            return Ok(());
        }
        self.add(Route { id: RouteId(self.name), kind, rtp: flow, rtcp: flow })?;
        self.name = self.name.saturating_add(1);
        Ok(())
    }

    /// The way by `flow` is gone, unless packets take it.
    pub fn gone(&mut self, now: Instant, flow: UdpFlow) {
        if let Some(route) = self.by_flow(flow) {
            // Where packets go is left by whoever finds another way.
            let _ = self.remove(now, route.id);
        }
    }

    /// Packets take the way by `flow` from `now` on, which checks found: under its name, where it has one.
    pub fn lead(&mut self, now: Instant, flow: UdpFlow) {
        match self.by_flow(flow) {
            Some(route) => self.go(now, route, Why::Checked),
            None => self.take(now, flow, flow, Why::Checked),
        }
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
        let route = Route { rtp, rtcp, ..self.active };
        if let Some(known) = self.routes.iter_mut().flatten().find(|known| known.id == route.id) {
            *known = route;
        }
        self.go(now, route, why);
    }

    /// Signalling tells other routes: from `now` on packets take the first of `told`.
    pub fn follow(&mut self, now: Instant, told: &Self) {
        (self.routes, self.told) = (told.routes, told.told);
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

    fn by_flow(&self, flow: UdpFlow) -> Option<Route> {
        self.routes().find(|route| route.rtp == flow).copied()
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
const MOST_LEFT: usize = 6;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used)]
mod tests;
