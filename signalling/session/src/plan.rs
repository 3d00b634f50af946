//! From what two sides agreed on to the plan the engine runs.

use std::net::SocketAddr;

use rove_base::{
    IcePlan, IceRole, MediaPlan, MediaPlanBuilder, PlanError, Route, RouteId, RouteKind, Security, UdpFlow,
};
use rove_sdp::{IceAgreed, Local, Negotiated};

use crate::Config;

/// Freezes an agreement into a plan with one direct route, and the `association` of DTLS that it is about.
///
/// # Errors
///
/// What the plan's own validation finds: a remote address that is unspecified, a packet time no codec can make.
pub(crate) fn media_plan(
    local: &Local,
    agreed: &Negotiated,
    config: &Config,
    association: u32,
) -> Result<MediaPlan, PlanError> {
    let rtp = UdpFlow { local: local.address, remote: agreed.remote_rtp };
    let rtcp = if agreed.rtcp_mux { rtp } else { UdpFlow { local: local.rtcp, remote: agreed.remote_rtcp } };
    let plan = MediaPlan::builder(agreed.codec, config.cname.as_str())
        .direction(agreed.direction)
        .association(association)
        .route(Route { id: RouteId(0), kind: RouteKind::Direct, rtp, rtcp });
    let plan = match &agreed.security {
        Security::Clear => plan,
        Security::Srtp(keys) => plan.srtp(keys.clone()),
        Security::Dtls(dtls) => plan.dtls(*dtls),
    };
    with_ice(plan, local, config.stun_server, agreed.ice.as_ref()).build()
}

/// Adds what both said about connectivity.
fn with_ice(
    plan: MediaPlanBuilder,
    local: &Local,
    stun_server: Option<SocketAddr>,
    agreed: Option<&IceAgreed>,
) -> MediaPlanBuilder {
    let (Some(ours), Some(agreed)) = (&local.ice, agreed) else { return plan };
    let (Some(own), Some(theirs)) = (ours.credentials(), agreed.remote.credentials()) else { return plan };
    plan.ice(IcePlan {
        local: own,
        remote: theirs,
        local_candidates: ours.engine_candidates(),
        remote_candidates: agreed.remote.engine_candidates(),
        // Who does not know of candidates that follow has told all of them (RFC 8838 §3).
        complete: agreed.remote.ended || !agreed.remote.trickle,
        role: if agreed.controlling { IceRole::Controlling } else { IceRole::Controlled },
        lite_peer: agreed.remote.lite,
        stun_server,
    })
}
