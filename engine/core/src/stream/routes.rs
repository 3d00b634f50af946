//! The routes of a stream, and the switch between them.

use rove_base::{Route, RouteId};

use super::Stream;
use crate::{
    jitter::PacketSink,
    path::{PathError, Why},
};

impl<K: PacketSink> Stream<K> {
    /// Where packets go.
    #[must_use]
    pub fn route(&self) -> Option<&Route> {
        self.gate.as_ref().map(|gate| gate.route())
    }

    /// Another way that packets may be switched to; what comes by it is believed at once.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees, as the two below.
    pub fn add_route(&mut self, route: Route) -> Result<(), PathError> {
        self.gate.as_mut().map_or(Err(PathError::Full), |gate| gate.add(route))
    }

    /// A way there was; what is still on its way by it is believed a little longer.
    ///
    /// # Errors
    ///
    /// [`PathError`]: it cannot be the one that packets take.
    pub fn remove_route(&mut self, id: RouteId) -> Result<(), PathError> {
        let now = self.now.mono;
        self.gate.as_mut().map_or(Err(PathError::NoSuchRoute(id)), |gate| gate.remove(now, id))
    }

    /// Packets take the route `to` from now on, under the same names and numbers;
    /// [`StreamEvent::Switched`](super::StreamEvent::Switched) tells what that cost.
    ///
    /// # Errors
    ///
    /// [`PathError`]: there is none of that name.
    pub fn switch(&mut self, to: RouteId, why: Why) -> Result<(), PathError> {
        let now = self.now.mono;
        self.gate.as_mut().map_or(Err(PathError::NoSuchRoute(to)), |gate| gate.switch(now, to, why))
    }
}
