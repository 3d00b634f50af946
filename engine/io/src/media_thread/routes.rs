//! The routes of calls, and what is put up with there, from the control thread's side.

use rove_base::{MediaPlan, Route, RouteId};
use rove_core::{path::Why, reroute::Tolerance};
use rove_nat::ice::Wish;

use super::{MediaError, MediaThread, call::Reroute, worker::Command};

impl MediaThread {
    /// Calls that begin from now on leave a way that is worse than this, where another is better.
    pub fn tolerate(&mut self, tolerance: Tolerance) {
        self.tolerance = tolerance;
    }

    /// What a way has to be like to be taken first; `None` where the user has asked for nothing.
    pub(super) fn wish(&self, plan: &MediaPlan) -> Option<Wish> {
        let (tolerance, codec) = (self.tolerance, plan.codec().id);
        let wish =
            Wish { loss: tolerance.loss(codec), delay: tolerance.delay(codec), jitter: tolerance.jitter };
        tolerance.is_asked_for().then_some(wish)
    }

    /// A call has another route, which its packets may be switched to. Its sockets are those of the call. A number that is
    /// not there is passed over; a route that cannot be is counted.
    ///
    /// # Errors
    ///
    /// [`MediaError::Gone`].
    pub fn add_route(&self, call: u64, route: Route) -> Result<(), MediaError> {
        self.order(Command::Reroute { call, change: Reroute::Add(route) })
    }

    /// A call has lost a route. The one that packets take stays. A number that is not there is passed over.
    ///
    /// # Errors
    ///
    /// [`MediaError::Gone`].
    pub fn remove_route(&self, call: u64, route: RouteId) -> Result<(), MediaError> {
        self.order(Command::Reroute { call, change: Reroute::Remove(route) })
    }

    /// Lets a call's packets take another of its routes, under the same names and numbers;
    /// [`MediaEvent::Switched`](super::MediaEvent::Switched) tells what it cost. A number that is not there is passed over.
    ///
    /// # Errors
    ///
    /// [`MediaError::Gone`].
    pub fn switch(&self, call: u64, to: RouteId, why: Why) -> Result<(), MediaError> {
        self.order(Command::Reroute { call, change: Reroute::Switch(to, why) })
    }
}
