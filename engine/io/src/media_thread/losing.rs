//! Datagrams that are lost on purpose, as if the network had lost them: for demonstrations and tests.

use rove_base::UdpFlow;

use super::{MediaError, MediaThread, worker::Command};

/// Whether what comes by a flow is lost: asked for each datagram on the media thread, it must neither block nor allocate.
pub type Loses = Box<dyn FnMut(UdpFlow) -> bool + Send>;

/// Which they are.
pub(super) struct Losing(Loses);

impl Losing {
    pub(super) fn loses(&mut self, flow: UdpFlow) -> bool {
        (self.0)(flow)
    }
}

impl core::fmt::Debug for Losing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Losing")
    }
}

impl MediaThread {
    /// What comes by a flow for which `loses` says so is as good as lost on its way, be it sound, reports or checks; `None` ends
    /// that.
    ///
    /// # Errors
    ///
    /// [`MediaError::Gone`].
    pub fn lose(&self, loses: Option<Loses>) -> Result<(), MediaError> {
        self.order(Command::Lose(loses.map(Losing)))
    }
}
