//! Every received packet, from the media thread to the output callback.

use rove_base::Instant;
use rove_core::{
    jitter::{PacketSink, PacketSource, Slot},
    rtp::RtpView,
};

use super::ring::{Places, Rx, places};

/// The media thread's end.
#[derive(Debug)]
pub struct PacketTx(Places<Slot>);

/// The output callback's end.
#[derive(Debug)]
pub struct PacketRx(Rx<Slot>);

/// Both ends of a ring that holds `slots` packets by value.
#[must_use]
pub fn packet_ring(slots: usize) -> (PacketTx, PacketRx) {
    let (tx, rx) = places(slots, &Slot::EMPTY);
    (PacketTx(tx), PacketRx(rx))
}

impl PacketRx {
    /// Whether a packet waits.
    #[must_use]
    pub fn has_packets(&self) -> bool {
        self.0.len() > 0
    }
}

impl PacketSink for PacketTx {
    #[inline]
    fn push(&mut self, arrived: Instant, packet: &RtpView<'_>) -> bool {
        self.0.write(|slot| slot.set(arrived, packet))
    }
}

impl PacketSource for PacketRx {
    #[inline]
    fn drain(&mut self, mut accept: impl FnMut(&Slot)) {
        self.0.visit(usize::MAX, |slots| slots.iter().for_each(&mut accept));
    }
}
