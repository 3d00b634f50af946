//! What the machine is about to say: packets to partners, and news for its owner.

use core::net::SocketAddr;
use std::collections::VecDeque;

use rove_base::{ClosedBy, StreamId};

use super::{SctpEvent, packet::Writer};

/// In order.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) packets: VecDeque<(SocketAddr, Vec<u8>)>,
    pub(super) events: VecDeque<SctpEvent>,
}

impl Out {
    pub(super) fn packet(&mut self, to: SocketAddr, packet: Writer) {
        self.packets.push_back((to, packet.finish()));
    }

    pub(super) fn closed(&mut self, stream: StreamId, by: ClosedBy) {
        self.events.push_back(SctpEvent::Closed { stream, by });
    }
}
