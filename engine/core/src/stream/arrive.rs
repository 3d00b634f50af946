//! What becomes of a datagram.

use rove_base::{Instant, Ssrc, UdpFlow};

use super::{Stream, gate::Shut, receive::Received};
use crate::{
    demux::{Kind, kind},
    jitter::PacketSink,
    path::Carries,
};

impl<K: PacketSink> Stream<K> {
    pub(super) fn on_datagram(&mut self, flow: &UdpFlow, bytes: &[u8], arrived: Instant) {
        let Some(mut gate) = self.gate.take() else { return };
        match gate.open(flow, bytes, arrived) {
            Ok((carries, plain)) => match (carries, kind(plain)) {
                (Carries::Rtp | Carries::Both, Kind::Rtp) => {
                    let seq = plain.get(2..4).and_then(|seq| seq.try_into().ok()).map(u16::from_be_bytes);
                    if let (true, Some(seq)) = (self.on_rtp(plain, arrived), seq) {
                        gate.used(flow, seq, arrived);
                    }
                }
                (Carries::Rtcp | Carries::Both, Kind::Rtcp) => self.on_rtcp(plain, arrived),
                _ => self.receiver.refuse_unexpected(),
            },
            Err(Shut::Stranger) => self.receiver.refuse_stranger(),
            Err(Shut::Early) => self.receiver.refuse_unexpected(),
            Err(Shut::Protected(why)) => self.receiver.refuse_protected(why),
        }
        self.gate = Some(gate);
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
