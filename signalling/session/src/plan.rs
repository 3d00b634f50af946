//! From what two sides agreed on to the plan the engine runs.

use rove_base::{MediaPlan, PlanError, Route, RouteId, RouteKind, UdpFlow};
use rove_sdp::{Local, Negotiated, Security};

/// Freezes an agreement into a plan with one direct route.
///
/// # Errors
///
/// What the plan's own validation finds: a remote address that is unspecified, a packet time no codec can make.
pub(crate) fn media_plan(local: &Local, agreed: &Negotiated, cname: &str) -> Result<MediaPlan, PlanError> {
    let rtp = UdpFlow { local: local.address, remote: agreed.remote_rtp };
    let rtcp = if agreed.rtcp_mux { rtp } else { UdpFlow { local: local.rtcp, remote: agreed.remote_rtcp } };
    let plan = MediaPlan::builder(agreed.codec, cname).direction(agreed.direction).route(Route {
        id: RouteId(0),
        kind: RouteKind::Direct,
        rtp,
        rtcp,
    });
    match &agreed.security {
        Security::Sdes(keys) => plan.srtp(keys.clone()),
        _ => plan,
    }
    .build()
}
