//! Responses: to which branch, and what goes back (RFC 3261 §16.7).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{
    Mode, SipServer,
    hangup::Legs,
    relay::Cancel,
    relays::follow_up,
    services,
    shared::{ClientUse, RelayId},
};
use crate::{
    message::{HeaderName, Method, Response, StatusCode},
    proxy::Loops,
    registrar::RegistryStore,
    transaction::{ClientKey, Expired, Heard, ServerKey},
    transport::{Hop, News},
};

impl<R: RegistryStore> SipServer<R> {
    pub(super) fn on_response(&mut self, mut response: Response) {
        let Ok(ours) = response.headers.via() else { return };
        let Some(branch) = ours.branch().and_then(Loops::number) else { return };
        let Ok(cseq) = response.headers.cseq() else { return };
        let key = ClientKey { branch, cancel: cseq.method == Method::Cancel };
        let sent_by = (ours.host.ip(), ours.sent_by_port());
        let (now, invite, status) = (self.core.now.mono, cseq.method == Method::Invite, response.status);
        match self.core.layer.response(now, key, sent_by, invite, status.code()) {
            Heard::Nothing if self.core.config.mode == Mode::Stateless => {
                return self.pass_back_statelessly(response);
            }
            Heard::Nothing => return,
            Heard::PassUp => {}
            Heard::PassUpAndAck => self.acknowledge(key, &response),
        }
        let (relay, branch, server) = match self.core.layer.client_user(key).copied() {
            Some(ClientUse::Branch { relay, branch, server }) => (relay, branch, server),
            Some(ClientUse::Notify(watcher)) => return self.notified(watcher, Some(status)),
            Some(ClientUse::Cancel) | None => return,
        };
        if response.headers.drop_top_via().is_err() {
            return;
        }
        self.on_branch(relay, branch, server, response);
    }

    fn on_branch(&mut self, id: RelayId, branch: usize, server: ServerKey, mut response: Response) {
        let status = response.status;
        let until = self.core.now.mono + self.core.config.timer_c;
        let Some(relay) = self.relays.get_mut(&id) else {
            // One more 2xx, when all else is over: whoever called must know of it.
            if status.is_success() {
                self.respond(server, &response);
            }
            return;
        };
        if relay.served.as_ref().is_some_and(|served| served.hidden)
            && let Some(from) = relay.request.headers.get(&HeaderName::From)
        {
            // The caller hears of itself as it spoke of itself.
            response.headers.set(HeaderName::From, from);
        }
        if services::is_anonymous(&relay.request) {
            services::hide_contact(&mut response.headers);
        }
        if let Some(place) = relay.branches.get_mut(branch) {
            // Somebody is there, over a stream.
            place.forget_datagrams();
            if status.is_provisional() {
                let wanted = place.cancel == Cancel::Wanted;
                if place.cancel == Cancel::Not && status != StatusCode::TRYING {
                    place.until = Some(until);
                }
                if wanted {
                    self.cancel_branch(id, branch);
                }
            } else if status == StatusCode::SERVICE_UNAVAILABLE && !place.others.is_empty() {
                self.branch_failed(id, branch, status);
                return self.advance(id);
            }
        }
        let Some(relay) = self.relays.get_mut(&id) else { return };
        if let Some(response) = relay.fork.heard(branch, response) {
            if status.is_success() && relay.begins_call() {
                let record = relay.call_record(&response, self.core.now.wall);
                let seen = relay.record;
                let legs = seen.then(|| Legs::of(relay, branch, &response, &self.core.ours)).flatten();
                self.calls.answered(&mut self.core, &relay.request, record, (seen, legs));
            }
            self.respond(server, &response);
        }
        let decided = status.is_success() || status.code() >= 600;
        if decided {
            self.cancel_pending(id);
        }
        self.advance(id);
    }

    fn acknowledge(&mut self, key: ClientKey, response: &Response) {
        let Some(ClientUse::Branch { relay, branch, .. }) = self.core.layer.client_user(key).copied() else {
            return;
        };
        let Some((stub, _)) = self.branch(relay, branch).and_then(|place| place.stub.as_ref()) else {
            return;
        };
        let mut ack = follow_up(stub, Method::Ack);
        if let Some(to) = response.headers.get(&HeaderName::To) {
            ack.headers.set(HeaderName::To, to);
        }
        let bytes = self.core.request_bytes(&ack);
        self.core.layer.acknowledge(key, bytes);
    }

    /// Time does what it does to transactions.
    pub(super) fn expire_transactions(&mut self) {
        while let Some(expired) = self.core.layer.expire(self.core.now.mono) {
            match expired {
                Expired::Quietly | Expired::Lost(_, ClientUse::Cancel) => {}
                Expired::Lost(_, ClientUse::Branch { relay, branch, .. }) => {
                    self.branch_failed(relay, branch, StatusCode::REQUEST_TIMEOUT);
                    self.advance(relay);
                }
                Expired::Lost(_, ClientUse::Notify(watcher)) => self.notified(watcher, None),
                Expired::Unanswered(key) => {
                    let relay = self.core.layer.server_user(key).and_then(|(user, _)| user.relay);
                    if let Some(relay) = relay.and_then(|id| self.relays.get(&id)) {
                        let response = self.core.plain(&relay.reply, key, StatusCode::TRYING);
                        self.respond(key, &response);
                    }
                }
            }
        }
    }

    /// What has happened to a stream.
    pub(super) fn on_news(&mut self, news: News) {
        match news {
            News::Message { hop, bytes } => self.on_message(hop, &bytes),
            News::Lost { hop } => self.hop_lost(hop),
            // Only the ways that we keep alive fail so, and we keep none.
            News::FlowFailed { .. } => {}
        }
    }

    /// A stream is gone, and with it whoever was behind it alone (RFC 3261 §16.9, RFC 5626 §5.3).
    fn hop_lost(&mut self, hop: Hop) {
        self.store.flow_lost(hop);
        let is_lost = |one: &Hop| {
            one.transport == hop.transport
                && (one.flow == hop.flow || one.flow == Hop::ANY_STREAM && one.remote == hop.remote)
        };
        for (_, user) in self.core.layer.transport_failed(is_lost) {
            match user {
                ClientUse::Branch { relay, branch, .. } => {
                    self.branch_failed(relay, branch, StatusCode::SERVICE_UNAVAILABLE);
                    self.advance(relay);
                }
                ClientUse::Notify(watcher) => self.notified(watcher, None),
                ClientUse::Cancel => {}
            }
        }
    }

    /// A response to a request that was passed on without memory goes where its next Via says (RFC 3261 §16.11, §18.2.2).
    fn pass_back_statelessly(&mut self, mut response: Response) {
        if response.headers.drop_top_via().is_err() {
            return;
        }
        let Ok(next) = response.headers.via() else { return };
        let Some(ip) = next.received().or_else(|| next.host.ip()) else { return };
        let port = next.rport().unwrap_or_else(|| next.sent_by_port());
        let Some(hop) = self.core.hop_at(rove_base::Transport::Udp, ip, port) else { return };
        let bytes = self.core.response_bytes(&response);
        self.core.layer.send(hop, bytes);
    }
}
