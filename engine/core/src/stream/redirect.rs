//! A stream goes on another way: held, resumed, from another address, or by another of its routes.

use rove_base::{Direction, Route, RouteId};

use super::Stream;
use crate::{
    jitter::PacketSink,
    path::{Path, PathError, Why},
};

impl<K: PacketSink> Stream<K> {
    /// Goes on along `path`, in `direction`: the call is held or goes on, or one of its ends has moved. All else stays:
    /// names, numbers, keys, what is buffered.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees.
    pub fn redirect(&mut self, path: &Path, direction: Direction) {
        if !direction.sends() {
            self.steering.pause();
        }
        self.direction = direction;
        if let Some(gate) = &mut self.gate {
            gate.redirect(self.now.mono, path);
        }
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
