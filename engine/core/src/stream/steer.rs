//! What the peer reports becomes how this end sends: protection, rate, packet time, and whether at all.

use rove_base::{CodecId, Instant, MediaPlan};

use crate::{
    quality::PeerReport,
    send::{Breaker, Conditions, Congestion, Means, Pace, Protector, Sender, Shown, Traffic, Tripped},
};

pub(super) struct Steering {
    /// `None` for a codec of one rate: a copy would double what is sent.
    protector: Option<Protector>,
    congestion: Congestion,
    breaker: Breaker,
    /// Bits of headers in front of a payload.
    headers: f64,
    /// Packets and bytes sent up to the last report, and when that came.
    before: (u64, u64, Instant),
    /// Some report told of single packets.
    detailed: bool,
}

impl Steering {
    /// Sets `sender` up for the time before the first report.
    pub(super) fn new(now: Instant, plan: &MediaPlan, sender: &mut Sender) -> Self {
        let steering = Self::of(now, plan);
        steering.apply(sender);
        steering
    }

    /// For `plan`, and nothing sent so far.
    pub(super) fn of(now: Instant, plan: &MediaPlan) -> Self {
        let codec = plan.codec();
        let ipv6 = plan.routes().first().is_some_and(|route| route.rtp.remote.is_ipv6());
        let congestion = Congestion::new(codec, default_bitrate(codec.id), ipv6);
        let means = Means { red: codec.red.is_some(), inband: codec.inband_fec, deep: codec.deep_redundancy };
        let protector = (codec.id == CodecId::Opus).then(|| Protector::new(means));
        Self {
            headers: congestion.header_bits(),
            congestion,
            protector,
            breaker: Breaker::new(),
            before: (0, 0, now),
            detailed: false,
        }
    }

    /// Steers a stream that `before` has steered under another plan: what was learned of the path's rate and losses was
    /// learned with another codec; whether anything arrives at all is known.
    pub(super) fn succeed(&mut self, before: &mut Self, now: Instant, sender: &mut Sender) {
        core::mem::swap(&mut self.breaker, &mut before.breaker);
        self.before = (sender.packets(), sender.octets(), now);
        self.detailed = before.detailed;
        self.apply(sender);
    }

    /// Takes in a report; answers why sending has to stop, if it has.
    pub(super) fn on_report(&mut self, report: &PeerReport, sender: &mut Sender) -> Option<Tripped> {
        let sent = self.sent(report.at, sender);
        let Pace { bitrate, packet_time } = self.congestion.on_report(report, sent);
        // What a full queue drops is not the path's to lose: less is sent, and copies would only make it worse.
        let dropped = self.congestion.congested() && report.loss > 0.0;
        if let Some(protector) = self.protector.as_mut().filter(|_| !dropped) {
            let packets = usize::try_from(sent.packets).unwrap_or(usize::MAX);
            protector.on_report(report, Conditions { limit: bitrate, packet_time }, packets);
        }
        self.apply(sender);
        self.detailed |= report.fates.is_some();
        let tripped = self.breaker.on_report(&self.shown(report, sent));
        tripped.then(|| self.breaker.tripped()).flatten()
    }

    /// Packets take another way from now on. (Copies go on until reports tell that nothing is lost there.)
    pub(super) fn take_another_way(&mut self, sender: &mut Sender) {
        self.congestion.take_another_way();
        self.apply(sender);
    }

    /// Nothing is sent for a while.
    pub(super) fn pause(&mut self) {
        self.breaker.pause();
    }

    /// A packet was sent.
    pub(super) fn on_sent(&mut self, at: Instant) {
        self.breaker.on_sent(at);
    }

    /// A packet of the peer's came.
    pub(super) fn on_heard(&mut self, at: Instant) {
        self.breaker.on_heard(at);
    }

    /// Time passed; answers why sending has to stop, if it has.
    pub(super) fn on_time(&mut self, now: Instant) -> Option<Tripped> {
        self.breaker.on_time(now).then(|| self.breaker.tripped()).flatten()
    }

    /// When [`Steering::on_time`] may next matter.
    pub(super) fn next(&self) -> Option<Instant> {
        self.breaker.next()
    }

    /// Why nothing is sent any more.
    pub(super) const fn stopped(&self) -> Option<Tripped> {
        self.breaker.tripped()
    }

    fn apply(&self, sender: &mut Sender) {
        let Pace { bitrate, packet_time } = self.congestion.pace();
        sender.set_packet_time(packet_time);
        if let Some(protector) = &self.protector {
            sender.set_limit(Some(bitrate));
            sender.set_scheme(protector.scheme());
        }
    }

    fn sent(&mut self, at: Instant, sender: &Sender) -> Traffic {
        let now = (sender.packets(), sender.octets(), at);
        let (packets, octets, since) = core::mem::replace(&mut self.before, now);
        Traffic {
            packets: now.0.saturating_sub(packets),
            octets: now.1.saturating_sub(octets),
            over: at.since(since),
        }
    }

    fn shown(&self, report: &PeerReport, sent: Traffic) -> Shown {
        let seconds = sent.over.as_secs_f64().max(1e-3);
        let bits = sent.octets as f64 * 8.0 + sent.packets as f64 * self.headers;
        // A report that tells of no packet, while some were sent and others told of them, tells that none came.
        let told = report.fates.map(|fates| fates.iter().any(|came| came));
        let told = told.or(self.detailed.then_some(false));
        Shown {
            at: report.at,
            loss: report.loss,
            discarded: report.discarded.unwrap_or(0.0),
            sent: sent.packets,
            arrived: told.or((report.loss >= 1.0).then_some(false)),
            round_trip: report.round_trip,
            rate: bits / seconds,
            packet_bytes: bits / 8.0 / (sent.packets.max(1) as f64),
        }
    }
}

/// Bits per second of payload where the plan leaves it open.
const fn default_bitrate(codec: CodecId) -> u32 {
    match codec {
        CodecId::L16 => 768_000,
        CodecId::Pcmu | CodecId::Pcma | CodecId::G722 => 64_000,
        // What RFC 7587 §3.1.1 recommends for fullband speech begins a little below.
        _ => 32_000,
    }
}
