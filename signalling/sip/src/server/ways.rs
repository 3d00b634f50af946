//! Where a host name leads: the ways of a branch, best first (RFC 3263 §4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Now;

use super::{ResolveId, SipServer};
use crate::{message::StatusCode, registrar::RegistryStore, transport::Hop};

impl<R: RegistryStore> SipServer<R> {
    /// The addresses that a host name stands for, best first, in answer to [`Event::Resolve`](super::Event::Resolve); none when there is none.
    pub fn resolved(
        &mut self,
        now: Now,
        id: ResolveId,
        ways: &[(rove_base::Transport, std::net::SocketAddr)],
    ) {
        self.at(now);
        let Some((relay, branch)) = self.resolving.remove(&id) else { return };
        let hops: Vec<Hop> = ways
            .iter()
            .filter_map(|(over, at)| self.core.hop_at(*over, at.ip(), at.port()))
            .take(MAX_WAYS)
            .collect();
        let copy = self.branch(relay, branch).and_then(|place| place.copy.take());
        match (copy, hops.split_first()) {
            (Some(copy), Some((first, others))) => {
                if let Some(place) = self.branch(relay, branch) {
                    place.others = others.to_vec();
                    place.copy = (!others.is_empty()).then(|| copy.clone());
                }
                self.send_branch(relay, branch, *copy, *first);
            }
            (Some(_), None) => self.branch_failed(relay, branch, StatusCode::SERVICE_UNAVAILABLE),
            (None, _) => {}
        }
        self.advance(relay);
    }
}

/// Addresses of one host that are tried.
const MAX_WAYS: usize = 8;
