//! What a second was like, and whether the user puts up with that.

use super::{Stream, judge::Facts};
use crate::{
    jitter::PacketSink,
    reroute::{Complaint, Judgement, Tolerance},
};

impl<K: PacketSink> Stream<K> {
    /// A route is left when it is worse than this, and another is better.
    pub fn tolerate(&mut self, tolerance: Tolerance) {
        self.judgement = Judgement::new(tolerance, self.now.mono);
        self.guard.tolerate(tolerance.loss(self.judge.codec()));
    }

    /// A second is over.
    pub(super) fn on_second(&mut self) {
        let Self { receiver, sender, reporter, .. } = self;
        let interval = receiver.stats_mut().interval();
        let facts = Facts::new(self.now.mono, receiver, sender, reporter);
        let quality = self.judge.quality(&facts, interval);
        self.pending.quality = Some(quality);
        let Some(gate) = self.gate.as_ref().filter(|gate| gate.is_open() && self.direction.receives()) else {
            return;
        };
        let payload = self.receiver.stats().mean_payload().unwrap_or(0);
        let complaint = self.judgement.on_second(self.judge.codec(), &quality, payload);
        if let Some(complaint) = complaint
            && !self.guard.displeased(self.now.mono, complaint.cause, gate.path())
        {
            let compared = self.guard.compares();
            self.pending.complaint = Some(Complaint { compared, ..complaint });
        }
    }
}
