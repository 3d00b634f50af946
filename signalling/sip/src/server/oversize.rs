//! Requests that are too long for a datagram go over TCP, and as a datagram after all where there is none
//! (RFC 3261 §18.1.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Transport;

use super::{relay::Branch, shared::Core};
use crate::{proxy::Copy, transport::Hop};

/// Whether the copy that is to go along `hop` may turn out to be too long. Behind a flow nobody else is reached, and what
/// has found no stream goes as it is.
pub(super) fn may_be(copy: &Copy, hop: Hop, branch: &Branch) -> bool {
    let about = copy.request.weight().saturating_add(ADDED);
    hop.transport == Transport::Udp
        && copy.flow.is_none()
        && branch.datagrams != Some(hop)
        && about > MOST_DATAGRAM
}

impl Core {
    /// The way to take instead of `hop` for a request of `len` bytes. `None` when it fits a datagram, and when we take no
    /// streams where its answer could come.
    pub(super) fn stream_instead(&self, hop: Hop, len: usize) -> Option<Hop> {
        let fits = |one: &&crate::transport::LocalAddress| {
            one.transport == Transport::Tcp && one.address.is_ipv4() == hop.remote.is_ipv4()
        };
        let mut ours = self.config.local.iter().filter(fits);
        let same = ours.clone().find(|one| one.address.ip() == hop.local.ip());
        let local = same.or_else(|| ours.next()).filter(|_| len > MOST_DATAGRAM)?;
        Some(Hop::toward(Transport::Tcp, local.address, hop.remote))
    }
}

impl Branch {
    /// Goes along `hop` with `copy` after all, should the stream not come to be.
    pub(super) fn keep_datagrams(&mut self, hop: Hop, copy: Copy) {
        self.datagrams = Some(hop);
        self.others.insert(0, hop);
        self.copy = Some(Box::new(copy));
    }

    /// The stream stands: what comes over it counts.
    pub(super) fn forget_datagrams(&mut self) {
        if self.datagrams.is_some() && self.others.first() == self.datagrams.as_ref() {
            self.others.remove(0);
            if self.others.is_empty() {
                self.copy = None;
            }
        }
    }
}

/// Longer requests are not sent as one datagram when nobody knows the path's MTU.
const MOST_DATAGRAM: usize = 1_300;
/// What a copy becomes longer by on its way out, at most about.
const ADDED: usize = 600;
