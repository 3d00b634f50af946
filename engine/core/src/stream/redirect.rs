//! A stream goes on another way: held, resumed, or from another address.

use rove_base::Direction;

use super::Stream;
use crate::{jitter::PacketSink, path::Path};

impl<K: PacketSink> Stream<K> {
    /// Goes on along `path`, in `direction`: the call is held or goes on, or one of its ends has moved. All else stays:
    /// names, numbers, keys, what is buffered. Answers what is of no more use.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees.
    #[must_use]
    pub fn redirect(&mut self, path: Path, direction: Direction) -> Path {
        if !direction.sends() {
            self.steering.pause();
        }
        self.direction = direction;
        match &mut self.gate {
            Some(gate) => gate.redirect(path),
            None => path,
        }
    }
}
