//! What becomes of a datagram.

use rove_base::{Instant, RouteId, RtpTimestamp, SeqNumber, Ssrc, UdpFlow};

use super::{
    Stream,
    gate::{Gate, Shut},
    receive::Received,
};
use crate::{
    demux::{Kind, kind},
    jitter::PacketSink,
    path::{Carries, Why},
    reroute::Heard,
    srtp::SrtpError,
};

impl<K: PacketSink> Stream<K> {
    pub(super) fn on_datagram(&mut self, flow: &UdpFlow, bytes: &[u8], arrived: Instant) {
        let Some(mut gate) = self.gate.take() else { return };
        let (mut turn, mut replayed) = (None, false);
        match gate.open(flow, bytes, arrived) {
            Ok((route, carries, plain)) => match (carries, kind(plain)) {
                (Carries::Rtp | Carries::Both, Kind::Rtp) => {
                    if let Some(heard) = self.on_media(route, plain, arrived) {
                        gate.used(flow, heard.seq.0, arrived);
                        self.guard.heard(&heard, gate.path());
                    }
                }
                (Carries::Rtcp | Carries::Both, Kind::Rtcp) => {
                    self.on_rtcp(plain, arrived);
                    turn = self.on_words(route, plain, arrived);
                }
                _ => self.receiver.refuse_unexpected(),
            },
            Err(Shut::Protected(SrtpError::Replayed)) => replayed = true,
            Err(Shut::Stranger) => self.receiver.refuse_stranger(),
            Err(Shut::Early) => self.receiver.refuse_unexpected(),
            Err(Shut::Protected(why)) => {
                self.receiver.refuse_protected(why);
                let by = gate.path().arrival(flow, arrived).filter(|_| why == SrtpError::Forged);
                by.into_iter().for_each(|(by, _)| self.guard.broken(arrived, by, gate.path()));
            }
        }
        if replayed && !self.is_copy(flow, bytes, arrived, &gate) {
            self.receiver.refuse_protected(SrtpError::Replayed);
        }
        if let Some(route) = turn {
            let before = gate.route().id;
            // The word came by a route of the call. It is said again until it is heard.
            if gate.switch(arrived, route, Why::Better).is_ok() && before != route {
                self.steering.take_another_way(&mut self.sender);
            }
        }
        self.gate = Some(gate);
    }

    /// A packet of media; `None` when it is of no use. One that was here before, by another route, counts for that alone.
    fn on_media(&mut self, by: RouteId, bytes: &[u8], at: Instant) -> Option<Heard> {
        let heard = heard(by, bytes, at);
        let copy = heard.is_some_and(|heard| self.guard.expects(&heard));
        if copy || self.on_rtp(bytes, at) { heard } else { None }
    }

    /// Whether a packet that was opened before came again because the peer sends by two routes.
    fn is_copy(&mut self, flow: &UdpFlow, bytes: &[u8], at: Instant, gate: &Gate) -> bool {
        let by = gate.path().arrival(flow, at).filter(|(_, carries)| *carries != Carries::Rtcp);
        let heard = by.and_then(|(by, _)| heard(by, bytes, at)).filter(|_| kind(bytes) == Kind::Rtp);
        let Some(heard) = heard.filter(|heard| self.guard.expects(heard)) else { return false };
        self.guard.heard(&heard, gate.path());
        true
    }

    /// Whether it was used.
    fn on_rtp(&mut self, bytes: &[u8], arrived: Instant) -> bool {
        if !self.direction.receives() {
            self.receiver.refuse_unexpected();
            return false;
        }
        let received = self.receiver.on_rtp(bytes, arrived, self.sender.ssrc());
        match received {
            Received::First => {
                self.pending.first_packet = Some(arrived);
                self.steering.on_heard(arrived);
            }
            Received::Used => self.steering.on_heard(arrived),
            Received::Refused => {}
            Received::Collision => {
                // Once only: who answers to every name is a loop (RFC 3550 §8.2).
                self.sender.rename(Ssrc(self.entropy.next_u32()));
            }
        }
        matches!(received, Received::First | Received::Used)
    }

    fn on_rtcp(&mut self, bytes: &[u8], arrived: Instant) {
        let (own, source) = (self.sender.ssrc(), self.receiver.source());
        match self.reporter.on_rtcp(bytes, arrived, own, source, self.receiver.stats_mut()) {
            Ok(farewell) => self.pending.bye |= farewell,
            Err(_) => self.receiver.refuse_malformed(),
        }
        if let Some(report) = self.reporter.peer() {
            let stopped = self.steering.on_report(&report, &mut self.sender);
            self.pending.stopped = self.pending.stopped.or(stopped);
            self.peer = Some(report);
        }
    }
}

/// What a packet of media says about its way; its header is never secret.
fn heard(by: RouteId, bytes: &[u8], at: Instant) -> Option<Heard> {
    let seq = bytes.get(2..4)?.first_chunk().copied().map(u16::from_be_bytes)?;
    let timestamp = bytes.get(4..8)?.first_chunk().copied().map(u32::from_be_bytes)?;
    Some(Heard { by, seq: SeqNumber(seq), timestamp: RtpTimestamp(timestamp), at })
}
