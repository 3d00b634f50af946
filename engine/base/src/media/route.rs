//! One way for a call's packets.

use crate::UdpFlow;

/// Names one route of a call, for its whole life.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RouteId(pub u32);

/// What kind of way a route is, cheapest first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum RouteKind {
    /// Straight between the two ends, by the addresses first agreed.
    Direct,
    /// Straight between the two ends, by other addresses or interfaces.
    Other,
    /// By way of one relay.
    Relay,
    /// By way of two relays.
    Relay2,
    /// By way of a network for voice alone.
    Pvdpn,
}

impl RouteKind {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Other => "other",
            Self::Relay => "relay",
            Self::Relay2 => "relay2",
            Self::Pvdpn => "pvdpn",
        }
    }
}

/// One way for a call's packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Route {
    /// Its name.
    pub id: RouteId,
    /// Its kind.
    pub kind: RouteKind,
    /// Where RTP goes.
    pub rtp: UdpFlow,
    /// Where RTCP goes; the same flow as `rtp` when both share a port (RFC 5761).
    pub rtcp: UdpFlow,
}
