//! How much a server holds of what peers have sent, and what it tells them of that (RFC 7339).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::UnixTime;

use super::{SipServer, shared::Core};
use crate::{
    message::{HeaderName, Response, Via},
    registrar::RegistryStore,
};

impl<R: RegistryStore> SipServer<R> {
    /// Bytes that transactions, relays and the records of calls take.
    #[must_use]
    pub fn held(&self) -> usize {
        self.core.layer.bytes().saturating_add(self.relay_bytes).saturating_add(self.calls.bytes())
    }

    /// Bytes that streams, bindings, publications and subscriptions take.
    #[must_use]
    pub fn kept(&self) -> usize {
        let streams = self.core.connections.bytes();
        streams.saturating_add(self.store.bytes()).saturating_add(self.state.bytes())
    }

    /// Whether there is no memory for one more request, which is `inside` a dialog that was let through or not: those
    /// that end what is there must find room.
    pub(super) fn lacks_memory(&mut self, inside: bool) -> bool {
        let most = self.core.config.limits.memory;
        let held = self.held();
        self.core.load = Load::of(held, most);
        held >= if inside { most } else { most.saturating_sub(most / 4) }
    }
}

/// How near a server is to its bounds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Load {
    /// Requests of a hundred that should not be sent.
    excess: u8,
}

impl Load {
    /// Nothing is too much up to a half; at three quarters, where requests are refused, all is.
    pub(super) fn of(held: usize, most: usize) -> Self {
        let (free, all) = (most / 2, most / 4);
        let over = held.saturating_sub(free).min(all);
        let excess = over.saturating_mul(100).checked_div(all).unwrap_or(100);
        Self { excess: u8::try_from(excess).unwrap_or(100) }
    }
}

impl Core {
    /// A client that says in its Via that it would send less is told how much less (RFC 7339 §4, §5.1): a share of its
    /// requests that it should keep to itself, for how long, and in which order this was said.
    /// `None` for any other client.
    pub(super) fn with_load(&self, response: &Response) -> Option<Response> {
        // Most do not say so, and reading a Via is dear.
        response.headers.get(&HeaderName::Via).filter(|line| line.contains("oc"))?;
        let mut via = response.headers.via().ok()?;
        if !via.params.has("oc") || !knows_loss(&via) {
            return None;
        }
        let source = via.received().or_else(|| via.host.ip());
        let own = source.map_or(0, |ip| self.sources.excess(ip));
        let excess = self.load.excess.max(own);
        via.params.set("oc", Some(&excess.to_string()));
        via.params.remove("oc-algo");
        // None at all ends what was said before (§5.3).
        let validity = if excess == 0 { "0" } else { VALIDITY_MS };
        via.params.set("oc-validity", Some(validity));
        via.params.set("oc-seq", Some(&sequence(self.now.wall)));
        // The grammar wants quotes around a list of one as well.
        let via: Via = format!("{via};oc-algo=\"loss\"").parse().ok()?;
        let mut response = response.clone();
        response.headers.replace_top_via(&via).ok()?;
        Some(response)
    }
}

/// The one algorithm that everybody has to know (§6.3.1); a client without a list knows it too.
fn knows_loss(via: &Via) -> bool {
    let listed =
        |list: &str| list.trim_matches('"').split(',').any(|one| one.trim().eq_ignore_ascii_case("loss"));
    via.params.get("oc-algo").is_none_or(listed)
}

/// A number that grows with time: seconds, and milliseconds after the point.
fn sequence(now: UnixTime) -> String {
    let millis = now.as_nanos() / 1_000_000;
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

/// How long a client keeps to what it was told (§4.3 proposes half a second).
const VALIDITY_MS: &str = "500";
