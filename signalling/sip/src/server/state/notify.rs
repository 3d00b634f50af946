//! NOTIFY: what is told, when, and what becomes of it (RFC 6665 §4.2.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::sync::Arc;

use super::{
    Package, Topic,
    compose::compose,
    watchers::{QUIET, WatcherId},
};
use crate::{
    message::{HeaderName, Method, Request, StatusCode, ViaTransport},
    proxy::Loops,
    registrar::{Answer, Aor, RegistryStore},
    server::{SipServer, shared::ClientUse},
    transaction::Outgoing,
    transport::Hop,
};

impl<R: RegistryStore> SipServer<R> {
    /// The store has answered whether somebody is registered who is watched.
    pub(in crate::server) fn watched_found(&mut self, aor: &Aor, answer: &Answer) {
        let now = self.core.now.mono;
        let open = match answer {
            Answer::Bindings(bindings) => Some(bindings.iter().any(|binding| binding.until > now)),
            Answer::Refused(_) | Answer::Unavailable => None,
        };
        let topic = (aor.clone(), Package::Presence);
        let Some(watched) = self.state.watchers.topic_mut(&topic) else { return };
        let first = watched.state.is_none();
        watched.open = open;
        let changed = self.compose(&topic);
        for id in self.state.watchers.of(&topic) {
            let fresh = self.state.watchers.get_mut(id).is_some_and(|one| one.version == 0 && !one.asking);
            if changed || first || fresh {
                self.notify(id);
            }
        }
    }

    /// The bindings of somebody may be others now.
    pub(in crate::server) fn bindings_changed(&mut self, aor: &Aor) {
        if self.state.watchers.is_watched(aor) {
            self.find_watched(aor.clone());
        }
    }

    /// Something else is published than before.
    pub(super) fn state_changed(&mut self, topic: &Topic) {
        if self.compose(topic) {
            for id in self.state.watchers.of(topic) {
                self.notify(id);
            }
        }
    }

    /// Makes anew what is told of somebody; answers whether it is something else.
    pub(super) fn compose(&mut self, topic: &Topic) -> bool {
        let Some(watched) = self.state.watchers.topic_mut(topic) else { return false };
        let (published, open) = (self.state.published.of(topic), watched.open);
        let state = compose(topic.1, &watched.entity, published, open);
        if watched.state.as_deref() == Some(&state) {
            return false;
        }
        watched.state = Some(Arc::new(state));
        true
    }

    /// Tells a watcher how things are: now, or when it has taken what it was told before and some time has passed.
    pub(super) fn notify(&mut self, id: WatcherId) {
        let now = self.core.now.mono;
        let Some(watcher) = self.state.watchers.get_mut(id) else { return };
        if watcher.asking || watcher.quiet_until > now {
            watcher.changed = true;
            return self.state.watchers.settle(id);
        }
        let topic = watcher.topic.clone();
        let state = self.state.watchers.topic_mut(&topic).and_then(|watched| watched.state.clone());
        let Some(watcher) = self.state.watchers.get_mut(id) else { return };
        // What is not known yet is told when it is.
        let Some(state) = state else { return };
        (watcher.asking, watcher.changed, watcher.quiet_until) = (true, false, now.later(QUIET));
        let mut request = watcher.dialog.request(Method::Notify);
        let headers = &mut request.headers;
        headers.push(HeaderName::Event, watcher.event.as_str());
        let left = watcher.until.since(now).as_secs();
        let stands = match watcher.over {
            true => "terminated;reason=timeout".to_owned(),
            false => format!("active;expires={left}"),
        };
        headers.push(HeaderName::SubscriptionState, stands);
        headers.push(HeaderName::Contact, watcher.contact.as_str());
        headers.push(HeaderName::ContentType, state.kind());
        request.body = state.document(watcher.version, None);
        watcher.version = watcher.version.saturating_add(1);
        let hop = watcher.flow.unwrap_or_else(|| watcher.dialog.next_hop(&self.core.config.local));
        self.state.watchers.settle(id);
        self.send_notify(id, request, hop);
    }

    fn send_notify(&mut self, id: WatcherId, mut request: Request, hop: Hop) {
        let key = self.core.next_key();
        let branch = Loops::branch(key.branch, self.core.loops.mark(&request));
        let rport = if hop.transport.is_reliable() { "" } else { ";rport" };
        let via =
            format!("SIP/2.0/{} {};branch={branch}{rport}", ViaTransport::from(hop.transport), hop.local);
        request.headers.prepend(HeaderName::Via, via);
        let outgoing = Outgoing { hop, bytes: self.core.request_bytes(&request) };
        self.core.layer.request(self.core.now.mono, key, outgoing, ClientUse::Notify(id));
    }

    /// What has become of a NOTIFY. `None`: it was not answered.
    pub(in crate::server) fn notified(&mut self, id: WatcherId, status: Option<StatusCode>) {
        if status.is_some_and(StatusCode::is_provisional) {
            return;
        }
        let Some(watcher) = self.state.watchers.get_mut(id) else { return };
        watcher.asking = false;
        let heard = status.is_some_and(StatusCode::is_success);
        let (over, changed) = (watcher.over, watcher.changed);
        if !heard || over && !changed {
            return self.state.watchers.remove(id);
        }
        if over {
            watcher.quiet_until = self.core.now.mono;
        }
        if changed { self.notify(id) } else { self.state.watchers.settle(id) }
    }

    /// Time does what it does to state: registrations and publications end, and subscriptions.
    pub(in crate::server) fn expire_state(&mut self) {
        let now = self.core.now.mono;
        while let Some(aor) = self.store.fallen() {
            self.bindings_changed(&aor);
        }
        while let Some(topic) = self.state.published.expire(now) {
            self.state_changed(&topic);
        }
        while let Some(id) = self.state.watchers.take_due(now) {
            let Some(watcher) = self.state.watchers.get_mut(id) else { continue };
            if !watcher.over && watcher.until <= now {
                (watcher.over, watcher.quiet_until) = (true, now);
            }
            self.notify(id);
        }
    }
}
