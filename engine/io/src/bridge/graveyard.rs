//! Objects on their way into the output callback, and home again to be dropped where dropping may take its time.

use rove_core::playout::Playout;

use super::{
    PacketRx,
    ring::{Rx, Tx, ring},
};

/// The control end that sends new playouts.
#[derive(Debug)]
pub struct PlayoutTx(Tx<Box<Playout<PacketRx>>>);

/// The output callback's end.
#[derive(Debug)]
pub struct PlayoutRx(Rx<Box<Playout<PacketRx>>>);

/// The callback's end of the way home.
#[derive(Debug)]
pub struct Burial(Tx<Box<dyn Send>>);

/// The control end, where retired objects are dropped.
#[derive(Debug)]
pub struct Graveyard(Rx<Box<dyn Send>>);

pub(super) fn playouts() -> (PlayoutTx, PlayoutRx) {
    let (tx, rx) = ring(IN_FLIGHT);
    (PlayoutTx(tx), PlayoutRx(rx))
}

pub(super) fn graveyard() -> (Burial, Graveyard) {
    let (tx, rx) = ring(IN_FLIGHT);
    (Burial(tx), Graveyard(rx))
}

impl PlayoutTx {
    /// Sends `playout`; it takes over at the next callback.
    ///
    /// # Errors
    ///
    /// Gives it back when those sent before have not been taken yet.
    pub fn send(&mut self, playout: Box<Playout<PacketRx>>) -> Result<(), Box<Playout<PacketRx>>> {
        self.0.push(playout)
    }
}

impl PlayoutRx {
    /// The next playout, if there is one.
    ///
    /// # Realtime
    ///
    /// Wait-free.
    pub fn take(&mut self) -> Option<Box<Playout<PacketRx>>> {
        self.0.pop()
    }
}

impl Burial {
    /// Whether [`Burial::bury`] will succeed.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.0.room() > 0
    }

    /// Sends `retired` home.
    ///
    /// # Errors
    ///
    /// Gives it back when the graveyard is full: keep it, and try again.
    ///
    /// # Realtime
    ///
    /// Wait-free; frees nothing.
    pub fn bury(&mut self, retired: Box<dyn Send>) -> Result<(), Box<dyn Send>> {
        self.0.push(retired)
    }
}

impl Graveyard {
    /// Drops all that came home; answers how much it was.
    pub fn clear(&mut self) -> usize {
        core::iter::from_fn(|| self.0.pop()).count()
    }
}

/// Objects on the way in one direction, at most.
const IN_FLIGHT: usize = 4;
