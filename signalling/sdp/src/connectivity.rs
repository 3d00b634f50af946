//! Whether both sides check connectivity, and what they say about it (RFC 8839 §4.2, §4.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::SocketAddr;

use crate::{Description, Ice, Line, Local, Media};

/// What an offer comes down to.
pub(crate) struct Checks {
    /// The other side, when both check.
    pub(crate) remote: Option<Ice>,
    /// Our lines.
    pub(crate) lines: Vec<Line>,
}

/// Both check when both say so, when RTCP needs no candidates of its own, and when the default destination is one of the
/// candidates: else somebody on the way changed it, and checks would not follow (RFC 8839 §4.2.5).
pub(crate) fn take(offer: &Description, theirs: &Media, local: &Local, rtcp_mux: bool) -> Checks {
    let none = |lines| Checks { remote: None, lines };
    let (Some(ours), true) = (&local.ice, rtcp_mux) else { return none(Vec::new()) };
    let source = offer.transport_of(theirs);
    let Some(remote) = Ice::of(offer, source) else { return none(Vec::new()) };
    if !fits(offer, source, &remote) {
        return none(vec![Line::attribute("ice-mismatch")]);
    }
    Checks { remote: Some(remote), lines: ours.lines() }
}

/// The same for the answer to our offer. A mismatch that it tells ends the checks.
pub(crate) fn accept(answer: &Description, theirs: &Media, local: &Local, rtcp_mux: bool) -> Option<Ice> {
    let source = answer.transport_of(theirs);
    let told = answer.attribute(source, "ice-mismatch").is_some();
    if local.ice.is_none() || !rtcp_mux || told {
        return None;
    }
    Ice::of(answer, source).filter(|remote| fits(answer, source, remote))
}

fn fits(of: &Description, source: &Media, remote: &Ice) -> bool {
    let Some(ip) = of.address(source) else { return true };
    // Nowhere yet: candidates will follow (RFC 8840 §4.1.1).
    ip.is_unspecified() || remote.trickle || remote.leads_to(SocketAddr::new(ip, source.port))
}
