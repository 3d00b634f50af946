//! What is known of a call: the instants its report is made from.

use core::time::Duration;

use rove_base::{CodecId, Instant, Quality, RouteKind};
use rove_sdp::SecurityKind;

use crate::Cause;

/// Which end of the call this is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// We dialled.
    Caller,
    /// We were called.
    Callee,
}

impl Side {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
        }
    }
}

/// One call as seen from here. What has not happened is `None`.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which end we are.
    pub side: Side,
    /// What was dialled; for the callee, what the caller asked for.
    pub target: String,
    /// Who the other end says it is.
    pub peer: String,
    /// When it was dialled, or the invitation arrived.
    pub started: Instant,
    /// When the first address was known (caller only).
    pub resolved: Option<Instant>,
    /// When the INVITE that was answered left (caller) or arrived (callee).
    pub invited: Option<Instant>,
    /// Where the caller's offer wants media to be sent (callee only).
    pub offered: Option<std::net::SocketAddr>,
    /// When the other side began to ring (caller), or we did (callee).
    pub ringing: Option<Instant>,
    /// When the 200 arrived (caller) or left (callee).
    pub answered: Option<Instant>,
    /// Where media and their reports went last, as signalling has it.
    pub(crate) media_remote: Option<(std::net::SocketAddr, std::net::SocketAddr)>,
    /// How often the call was forwarded before somebody took it.
    pub forwarded: u8,
    /// When it ended.
    pub ended: Option<Instant>,
    /// Why it ended.
    pub cause: Option<Cause>,
    /// The codec agreed on.
    pub codec: Option<CodecId>,
    /// How the media are protected.
    pub security: Option<SecurityKind>,
    /// The kind of route the media takes.
    pub route: Option<RouteKind>,
    /// When the first frame was decoded and played.
    pub first_audio: Option<Instant>,
    /// The engine's newest word on the stream we receive.
    pub quality: Option<Quality>,
}

impl Record {
    pub(crate) fn new(side: Side, target: String, peer: String, started: Instant) -> Self {
        Self {
            side,
            target,
            peer,
            started,
            resolved: None,
            invited: None,
            offered: None,
            ringing: None,
            answered: None,
            media_remote: None,
            forwarded: 0,
            ended: None,
            cause: None,
            codec: None,
            security: None,
            route: None,
            first_audio: None,
            quality: None,
        }
    }

    /// From dialling to the first address. `None` for the callee, and while unknown.
    #[must_use]
    pub fn resolve_time(&self) -> Option<Duration> {
        self.resolved.map(|at| at.since(self.started))
    }

    /// From the INVITE to the 200. `None` while unknown.
    #[must_use]
    pub fn setup_time(&self) -> Option<Duration> {
        Some(self.answered?.since(self.invited?))
    }

    /// From dialling (or the invitation) to the first decoded frame. `None` while unknown.
    #[must_use]
    pub fn first_audio_time(&self) -> Option<Duration> {
        self.first_audio.map(|at| at.since(self.started))
    }

    /// How long the call stood. `None` when it was never answered or has not ended.
    #[must_use]
    pub fn talk_time(&self) -> Option<Duration> {
        Some(self.ended?.since(self.answered?))
    }
}
