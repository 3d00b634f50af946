//! What signalling tells the engine: one immutable, validated plan.

use core::{fmt, time::Duration};

mod route;

pub use route::{Route, RouteId, RouteKind};

use crate::{ClockRate, DtlsPlan, IcePlan, PayloadType, Security, SrtpKeys};

/// A codec by name, as SDP and H.245 negotiate it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CodecId {
    /// Opus (RFC 6716, payload RFC 7587).
    Opus,
    /// G.711 µ-law (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law (RFC 3551 §4.5.14).
    Pcma,
    /// G.722 at 64 kb/s: wideband speech whose RTP clock counts 8 000 all the same (RFC 3551 §4.5.2).
    G722,
    /// Uncoded 16-bit samples, mono at 48 kHz, in network byte order (RFC 3551 §4.5.11).
    L16,
}

impl CodecId {
    /// Ticks per second of its RTP clock.
    #[must_use]
    pub const fn clock_rate(self) -> ClockRate {
        match self {
            Self::Opus | Self::L16 => ClockRate::OPUS,
            Self::Pcmu | Self::Pcma | Self::G722 => ClockRate::TELEPHONE,
        }
    }

    /// The longest packet time that it can make and that is not longer than `wanted`; its shortest when there is none.
    /// Opus has frames of 10, 20, 40 and 60 ms (RFC 6716 §2.1.4), G.711 and G.722 any multiple of 10 ms up to 60 ms
    /// here; uncoded samples have 10 and 20 ms, of which only 10 ms fit an Ethernet frame.
    #[must_use]
    pub fn packet_time(self, wanted: Duration) -> Duration {
        let choices: &[u64] = match self {
            Self::Opus => &[60, 40, 20, 10],
            Self::Pcmu | Self::Pcma | Self::G722 => &[60, 50, 40, 30, 20, 10],
            Self::L16 => &[20, 10],
        };
        let fits = |millis: &&u64| Duration::from_millis(**millis) <= wanted;
        Duration::from_millis(choices.iter().find(fits).copied().unwrap_or(10))
    }

    /// The encoding name of its RTP payload format, as registered with IANA.
    #[must_use]
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::L16 => "L16",
        }
    }
}

impl fmt::Display for CodecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encoding_name())
    }
}

/// A codec with its agreed settings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CodecPlan {
    /// Which codec.
    pub id: CodecId,
    /// The number the peer expects on packets we send.
    pub send_payload_type: PayloadType,
    /// The number the peer puts on packets we receive.
    pub receive_payload_type: PayloadType,
    /// Duration of one packet we send; one that [`CodecId::packet_time`] gives.
    pub packet_time: Duration,
    /// The longest packet the peer can take (RFC 8866 §6.4 `maxptime`); never below `packet_time`.
    pub max_packet_time: Duration,
    /// Bits per second of RTP payload that a call may spend on average, all redundancy included; `None` leaves it to the
    /// codec's default for speech.
    pub bitrate: Option<u32>,
    /// In-band forward error correction agreed (RFC 7587 §6.1 `useinbandfec`).
    pub inband_fec: bool,
    /// Both ends read deep redundancy (Opus DRED).
    pub deep_redundancy: bool,
    /// Discontinuous transmission agreed (RFC 7587 §6.1 `usedtx`).
    pub dtx: bool,
    /// Stereo agreed (RFC 7587 §6.1 `stereo`): the peer likes to receive two channels. Sound here is mono, so that what is
    /// sent is, too.
    pub stereo: bool,
    /// The highest sampling rate the peer can play, in hertz (RFC 7587 §6.1 `maxplaybackrate`); more is not coded.
    pub max_playback_rate: Option<u32>,
    /// Redundant audio data agreed (RFC 2198).
    pub red: Option<PayloadTypes>,
    /// Named telephone events agreed (RFC 4733).
    pub telephone_event: Option<PayloadTypes>,
    /// Comfort noise agreed (RFC 3389).
    pub comfort_noise: Option<PayloadTypes>,
}

impl CodecPlan {
    /// `id` in packets of 20 ms under the same number both ways, and nothing else agreed.
    #[must_use]
    pub fn new(id: CodecId, payload_type: PayloadType) -> Self {
        Self {
            id,
            send_payload_type: payload_type,
            receive_payload_type: payload_type,
            packet_time: id.packet_time(Duration::from_millis(20)),
            max_packet_time: id.packet_time(Duration::from_millis(60)),
            bitrate: None,
            inband_fec: false,
            deep_redundancy: false,
            dtx: false,
            stereo: false,
            max_playback_rate: None,
            red: None,
            telephone_event: None,
            comfort_noise: None,
        }
    }
}

/// The numbers of one payload format, each chosen by the side that receives it (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PayloadTypes {
    /// The number the peer expects on packets we send.
    pub send: PayloadType,
    /// The number the peer puts on packets we receive.
    pub receive: PayloadType,
}

impl PayloadTypes {
    /// The same number both ways.
    #[must_use]
    pub const fn both(number: PayloadType) -> Self {
        Self { send: number, receive: number }
    }
}

/// Which way media flows, seen from here (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// We only send.
    SendOnly,
    /// We only receive.
    RecvOnly,
    /// Neither; RTCP goes on.
    Inactive,
}

impl Direction {
    /// Whether we send media.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether we receive media.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// What signalling agreed on, frozen: the codec, the routes, the direction. Valid by construction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaPlan {
    codec: CodecPlan,
    routes: Vec<Route>,
    direction: Direction,
    cname: String,
    shared_clock: bool,
    security: Security,
    association: u32,
    ice: Option<IcePlan>,
}

impl MediaPlan {
    /// Starts a plan for `codec`; `cname` names this end in RTCP (RFC 7022).
    pub fn builder(codec: CodecPlan, cname: impl Into<String>) -> MediaPlanBuilder {
        MediaPlanBuilder(Self {
            codec,
            routes: Vec::new(),
            direction: Direction::SendRecv,
            cname: cname.into(),
            shared_clock: false,
            security: Security::Clear,
            association: 0,
            ice: None,
        })
    }

    /// The codec and its settings.
    #[must_use]
    pub const fn codec(&self) -> &CodecPlan {
        &self.codec
    }

    /// All routes, the first one active. Never empty.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Which way media flows.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The canonical name of this end (RFC 3550 §6.5.1).
    #[must_use]
    pub fn cname(&self) -> &str {
        &self.cname
    }

    /// Whether both ends read the same wall clock (RFC 7273): then delays one way can be measured.
    #[must_use]
    pub const fn shared_clock(&self) -> bool {
        self.shared_clock
    }

    /// How every packet is protected.
    #[must_use]
    pub const fn security(&self) -> &Security {
        &self.security
    }

    /// Which of the associations of this call agrees on keys, where that is done in the media path (RFC 8842): another number
    /// is another handshake, with the same certificates too.
    #[must_use]
    pub const fn association(&self) -> u32 {
        self.association
    }

    /// The keys that signalling carried; `None` when packets go as they are, or the keys are yet to be agreed on.
    #[must_use]
    pub const fn srtp(&self) -> Option<&SrtpKeys> {
        match &self.security {
            Security::Srtp(keys) => Some(keys),
            Security::Clear | Security::Dtls(_) => None,
        }
    }

    /// How a way to the peer is found; `None` when it is the first route and no other.
    #[must_use]
    pub const fn ice(&self) -> Option<&IcePlan> {
        self.ice.as_ref()
    }

    /// Whether more than media goes between the media's ports: checks, or a handshake.
    #[must_use]
    pub const fn meets_in_the_path(&self) -> bool {
        self.ice.is_some() || matches!(self.security, Security::Dtls(_))
    }
}

/// Builds a [`MediaPlan`].
#[derive(Clone, Debug)]
#[must_use]
pub struct MediaPlanBuilder(MediaPlan);

impl MediaPlanBuilder {
    /// Adds a route; the first one added is the active one.
    pub fn route(mut self, route: Route) -> Self {
        self.0.routes.push(route);
        self
    }

    /// Which way media flows; both ways unless said.
    pub fn direction(mut self, direction: Direction) -> Self {
        self.0.direction = direction;
        self
    }

    /// Both ends read the same wall clock; not so unless said.
    pub fn shared_clock(mut self, shared: bool) -> Self {
        self.0.shared_clock = shared;
        self
    }

    /// Every packet is protected with `keys`, and none that is not is believed; not so unless said.
    pub fn srtp(mut self, keys: SrtpKeys) -> Self {
        self.0.security = Security::Srtp(keys);
        self
    }

    /// Nothing is sent or believed before both ends agreed on keys in the media path; not so unless said.
    pub fn dtls(mut self, plan: DtlsPlan) -> Self {
        self.0.security = Security::Dtls(plan);
        self
    }

    /// Which association of the call agrees on keys; the first unless said.
    pub fn association(mut self, number: u32) -> Self {
        self.0.association = number;
        self
    }

    /// Media goes only where connectivity was proven; to the first route unless said.
    pub fn ice(mut self, plan: IcePlan) -> Self {
        self.0.ice = Some(plan);
        self
    }

    /// # Errors
    ///
    /// Names what cannot be honoured.
    pub fn build(self) -> Result<MediaPlan, PlanError> {
        let plan = self.0;
        if plan.routes.is_empty() {
            return Err(PlanError::NoRoute);
        }
        if plan.codec.id.packet_time(plan.codec.packet_time) != plan.codec.packet_time {
            return Err(PlanError::PacketTime(plan.codec.packet_time));
        }
        if plan.cname.is_empty() || plan.cname.len() > 255 {
            return Err(PlanError::Cname { len: plan.cname.len() });
        }
        let shared_port = |route: &Route| route.rtp == route.rtcp;
        if plan.meets_in_the_path() && !plan.routes.iter().all(shared_port) {
            return Err(PlanError::TwoPorts);
        }
        // Where connectivity is checked first, the address in signalling may say nothing (RFC 8840 §4.1.1).
        let nowhere = |r: &Route| r.rtp.remote.port() == 0 || r.rtp.remote.ip().is_unspecified();
        if plan.ice.is_none() && plan.routes.iter().any(nowhere) {
            return Err(PlanError::NoRemote);
        }
        Ok(plan)
    }
}

/// Why a [`MediaPlan`] cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is nowhere to send.
    #[error("a media plan needs at least one route")]
    NoRoute,
    /// The packet time is not one the codecs can make.
    #[error("the codec has no packets of {0:?}")]
    PacketTime(Duration),
    /// RTCP carries 1 to 255 bytes of name.
    #[error("a canonical name of {len} bytes does not fit RTCP (1 to 255)")]
    Cname {
        /// Its length in bytes.
        len: usize,
    },
    /// A route leads to the unspecified address or port 0.
    #[error("a route without a remote address and port")]
    NoRemote,
    /// RTP and RTCP have a port each, where checks and handshakes are made for one only (RFC 5761).
    #[error("RTP and RTCP must share a port where connectivity is checked or keys are agreed on")]
    TwoPorts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_has_its_packet_times() {
        let ms = Duration::from_millis;
        let cases = [
            ("Opus has no 30 ms", CodecId::Opus, 30, 20),
            ("nor 50", CodecId::Opus, 50, 40),
            ("but 60", CodecId::Opus, 60, 60),
            ("G.711 has 30", CodecId::Pcmu, 30, 30),
            ("nothing is shorter than 10", CodecId::Pcma, 3, 10),
            ("or longer than 60", CodecId::Opus, 120, 60),
        ];
        for (what, codec, wanted, made) in cases {
            assert_eq!(codec.packet_time(ms(wanted)), ms(made), "{what}");
        }
    }
}
