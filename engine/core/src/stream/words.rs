//! What the ends tell each other about routes, and packets that go by more than one.

use rove_base::{Instant, RouteId, Scratch, Span, Ssrc, Transmit};

use super::{Stream, leave};
use crate::{
    jitter::PacketSink,
    reroute::Word,
    rtcp::{self, Packet, write_application},
};

/// A packet that goes by more than one route.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Again {
    bytes: Span,
    /// So much was written then; less: it is there no more.
    end: usize,
    pub(super) to: [Option<RouteId>; 2],
}

impl Again {
    /// The packet that was written at `range` has yet to go where `to` says.
    pub(super) fn keep(&mut self, range: Span, out: &mut Scratch) {
        if self.to != [None; 2] {
            self.bytes = out.repeat(range);
            self.end = out.len();
        }
    }
}

impl<K: PacketSink> Stream<K> {
    /// What was sent last leaves by another route as well.
    pub(super) fn next_copy(&mut self, out: &mut Scratch) -> Option<Transmit> {
        let Again { bytes, end, to } = &mut self.again;
        if out.len() < *end {
            // It has left, and what was written with it.
            *to = [None; 2];
        }
        let gate = self.gate.as_ref()?;
        let routes = to.iter_mut().filter_map(Option::take).filter_map(|id| gate.path().route(id));
        let route = routes.into_iter().find(|route| route.rtp != gate.route().rtp)?;
        // Bytes of its own: what lies around them is another relay's business.
        let range = out.repeat(*bytes);
        *end = out.len();
        Some(leave(route.rtp, range))
    }

    /// What the peer has to tell about routes. Answers the one that packets are to take from now on, if it says so.
    pub(super) fn on_words(&mut self, by: RouteId, bytes: &[u8], at: Instant) -> Option<RouteId> {
        let compound = rtcp::parse(bytes).ok()?;
        let (own, source) = (self.sender.ssrc(), self.receiver.source());
        let mut turn = None;
        for packet in compound.packets() {
            let Packet::Application { ssrc, subtype, name, data } = packet else { continue };
            let theirs = ssrc != own && source.is_none_or(|source| source == ssrc);
            let Some(word) = Word::read(name, subtype, data).filter(|_| theirs) else { continue };
            turn = self.guard.on_word(at, by, word).or(turn);
        }
        turn
    }
}

/// Appends a word to a compound packet.
pub(super) fn write_word(out: &mut Vec<u8>, own: Ssrc, word: Word) {
    write_application(out, own, word.say.subtype(), Word::NAME, &word.data());
}
