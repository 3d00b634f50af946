//! Which of a plan's routes packets take, and which of them a packet came by.

use rove_base::{MediaPlan, Route, RouteId, UdpFlow};

/// The routes of a call, one of them active.
#[derive(Clone, Debug)]
pub struct Path {
    routes: Box<[Route]>,
    active: Route,
    /// The one that was active before: packets may still be on their way.
    before: Option<Route>,
}

/// What a flow carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Carries {
    /// RTP only.
    Rtp,
    /// RTCP only.
    Rtcp,
    /// Both, told apart by their second byte (RFC 5761 §4).
    Both,
}

impl Path {
    /// The routes of `plan`, the first one active.
    #[must_use]
    pub fn new(plan: &MediaPlan) -> Option<Self> {
        Some(Self { active: *plan.routes().first()?, before: None, routes: plan.routes().into() })
    }

    /// Whether signalling told the same routes of both.
    #[must_use]
    pub fn is_told_as(&self, other: &Self) -> bool {
        self.routes == other.routes
    }

    /// Where packets go.
    #[must_use]
    pub const fn active(&self) -> &Route {
        &self.active
    }

    /// Packets take these flows from now on: the way that checks found, or where the peer turned out to be.
    pub fn take(&mut self, rtp: UdpFlow, rtcp: UdpFlow) {
        if (self.active.rtp, self.active.rtcp) != (rtp, rtcp) {
            self.before = Some(self.active);
            (self.active.rtp, self.active.rtcp) = (rtp, rtcp);
        }
    }

    /// What a packet carries that came to one of the active route's ports, from wherever. `None`: it came to another.
    #[must_use]
    pub fn accepts(&self, flow: &UdpFlow) -> Option<Carries> {
        match (self.active.rtp.local == flow.local, self.active.rtcp.local == flow.local) {
            (true, true) => Some(Carries::Both),
            (true, false) => Some(Carries::Rtp),
            (false, true) => Some(Carries::Rtcp),
            (false, false) => None,
        }
    }

    /// By which route a packet on `flow` came, and what `flow` carries. `None` for a flow that is not the plan's.
    #[must_use]
    pub fn arrival(&self, flow: &UdpFlow) -> Option<(RouteId, Carries)> {
        let taken = [Some(&self.active), self.before.as_ref()].into_iter().flatten();
        taken.chain(&self.routes).find_map(|route| match (route.rtp == *flow, route.rtcp == *flow) {
            (true, true) => Some((route.id, Carries::Both)),
            (true, false) => Some((route.id, Carries::Rtp)),
            (false, true) => Some((route.id, Carries::Rtcp)),
            (false, false) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use rove_base::{CodecId, CodecPlan, PayloadType, RouteKind};

    use super::*;

    fn flow(local: u16, remote: u16) -> UdpFlow {
        UdpFlow { local: ([127, 0, 0, 1], local).into(), remote: ([127, 0, 0, 2], remote).into() }
    }

    #[test]
    fn a_flow_is_told_by_both_of_its_ends() {
        let payload_type = PayloadType::from_header(0);
        let codec = CodecPlan::new(CodecId::Pcmu, payload_type);
        let route = |id, rtp, rtcp| Route { id: RouteId(id), kind: RouteKind::Direct, rtp, rtcp };
        let plan = MediaPlan::builder(codec, "x")
            .route(route(1, flow(4, 6), flow(5, 7)))
            .route(route(2, flow(8, 6), flow(8, 6)))
            .build()
            .unwrap();
        let path = Path::new(&plan).unwrap();
        #[allow(clippy::type_complexity)]
        let cases: &[(&str, UdpFlow, Option<(RouteId, Carries)>)] = &[
            ("the active route's media", flow(4, 6), Some((RouteId(1), Carries::Rtp))),
            ("its control", flow(5, 7), Some((RouteId(1), Carries::Rtcp))),
            ("one port for both", flow(8, 6), Some((RouteId(2), Carries::Both))),
            ("a stranger's port", flow(4, 9), None),
            ("our port of another route", flow(5, 6), None),
        ];
        for (what, flow, expected) in cases {
            assert_eq!(path.arrival(flow), *expected, "{what}");
        }
        assert_eq!(path.active().id, RouteId(1));
    }
}
