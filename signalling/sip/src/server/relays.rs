//! Passing requests on: to whom, and what time does to them (RFC 3261 §16.5, §16.6, §16.8 to §16.10).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::time::Duration;

use super::{
    Event, Mode, ResolveId, SipServer, oversize,
    relay::{Branch, Cancel},
    services,
    shared::{ClientUse, RelayId},
};
use crate::{
    message::{CSeq, HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri},
    proxy::{Copy, Next, Passage, Target, groups},
    registrar::{Answer, Binding, RegistryStore},
    transaction::{ClientKey, Outgoing, ServerKey},
    transport::Hop,
    ua::reply::Reply,
};

impl<R: RegistryStore> SipServer<R> {
    pub(super) fn next_relay(&mut self) -> RelayId {
        self.last_relay = self.last_relay.saturating_add(1);
        RelayId(self.last_relay)
    }

    /// A request that goes where it says.
    pub(super) fn relay_to_uri(&mut self, id: RelayId, flow: Option<Hop>) {
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let target = Target::at(relay.request.uri.clone(), flow, relay.passed.breadth);
        relay.fork.reopen([vec![target]].into());
        self.advance(id);
    }

    /// The store has answered where a user is.
    pub(super) fn relay_found(&mut self, id: RelayId, answer: &Answer) {
        let now = self.core.now.mono;
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let Answer::Bindings(bindings) = answer else {
            let response = self.core.plain(&relay.reply, relay.key, StatusCode::SERVICE_UNAVAILABLE);
            return self.finish(id, &response);
        };
        let wanted = |binding: &&Binding| {
            let gruu = relay.gruu.as_ref();
            binding.contact.as_sip().is_some() && gruu.is_none_or(|gruu| gruu.is_for(binding))
        };
        let live: Vec<_> = bindings.iter().filter(|binding| binding.until > now).filter(wanted).collect();
        if self.core.config.mode == Mode::Redirect {
            let mut response = self.core.plain(&relay.reply, relay.key, StatusCode::TEMPORARILY_UNAVAILABLE);
            let elsewhere = relay.served.as_ref().filter(|_| live.is_empty());
            let elsewhere: Vec<_> = elsewhere.into_iter().flat_map(|served| served.contacts()).collect();
            if !live.is_empty() || !elsewhere.is_empty() {
                response.status = StatusCode::MOVED_TEMPORARILY;
                response.status.default_reason().clone_into(&mut response.reason);
            }
            for binding in live {
                let mut contact = NameAddr::new(binding.contact.clone());
                contact.params.set("q", Some(&format!("{:.3}", f64::from(binding.q) / 1_000.0)));
                response.headers.push(HeaderName::Contact, contact.to_string());
            }
            for contact in elsewhere {
                response.headers.push(HeaderName::Contact, contact.to_string());
            }
            return self.finish(id, &response);
        }
        let mut targets = groups(&live, relay.passed.breadth);
        if let Some(served) = &mut relay.served {
            served.user = true;
            if targets.is_empty() {
                targets = served.places(relay.passed.breadth);
            }
        }
        relay.fork.reopen(targets);
        self.advance(id);
    }

    /// Does what is due with a relay after something has happened to it.
    pub(super) fn advance(&mut self, id: RelayId) {
        loop {
            let Some(relay) = self.relays.get_mut(&id) else { return };
            if !relay.cancelled && relay.served.as_ref().is_some_and(|served| served.until.is_some()) {
                // Where it goes is being asked.
                break;
            }
            match relay.fork.next(&relay.request) {
                Next::Wait => break,
                Next::Start(targets) => {
                    relay.ring_until = Some(self.core.now.mono + self.core.config.ring_time);
                    relay.expect_an_answer(self.core.now.mono);
                    for target in targets {
                        self.start_branch(id, &target);
                    }
                }
                Next::Answer(response) => {
                    if let Some((to, why)) = relay.diversion(response.status) {
                        return self.divert(id, &to, why);
                    }
                    return self.finish_branches(id, *response);
                }
                Next::Silence => {
                    self.core.layer.forget_server(relay.key);
                    break;
                }
            }
        }
        self.settle(id);
    }

    /// The final response of all branches, or one of our own where there was none.
    fn finish_branches(&mut self, id: RelayId, mut response: Response) {
        let Some(relay) = self.relays.get(&id) else { return };
        let ours = response.headers.vias().map_or(0, |vias| vias.len())
            == relay.request.headers.vias().map_or(0, |vias| vias.len())
            && response.headers.get(&HeaderName::To) == relay.request.headers.get(&HeaderName::To);
        if ours {
            let status = match response.status {
                StatusCode::TEMPORARILY_UNAVAILABLE if relay.cancelled => StatusCode::REQUEST_TERMINATED,
                status => status,
            };
            let absent = relay.served.is_some() && status == StatusCode::TEMPORARILY_UNAVAILABLE;
            response = self.core.plain(&relay.reply, relay.key, status);
            if absent {
                response.headers.push(HeaderName::Reason, services::absent().to_string());
            }
        }
        self.finish(id, &response);
    }

    /// This goes back, and is the end.
    pub(super) fn finish(&mut self, id: RelayId, response: &Response) {
        if let Some(relay) = self.relays.get_mut(&id) {
            relay.fork.answer();
            if relay.begins_call() {
                let record = relay.call_record(response, self.core.now.wall);
                self.core.tell(Event::Call(record));
            }
            let key = relay.key;
            self.respond(key, response);
        }
        self.settle(id);
    }

    /// A response goes back to where the request came from.
    pub(super) fn respond(&mut self, key: ServerKey, response: &Response) {
        let bytes = self.core.response_bytes(response);
        self.core.layer.respond(self.core.now.mono, key, response.status.code(), bytes);
    }

    /// Forgets a relay that is over; else sets its timer.
    pub(super) fn settle(&mut self, id: RelayId) {
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let due = if relay.fork.is_over() { None } else { relay.deadline() };
        self.timers.change(id, relay.due, due);
        relay.due = due;
        let over = relay.fork.is_over();
        let (before, after) = (relay.bytes, if over { 0 } else { relay.weight() });
        relay.bytes = after;
        self.relay_bytes = self.relay_bytes.saturating_add(after).saturating_sub(before);
        if over {
            self.relays.remove(&id);
        }
    }

    /// Sends a copy to `target`, or asks where that is.
    fn start_branch(&mut self, id: RelayId, target: &Target) {
        let key = self.core.next_key();
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let copy = Copy::of(&relay.request, target);
        let branch = relay.fork.begin();
        let cancel = if relay.cancelled { Cancel::Wanted } else { Cancel::Not };
        let place =
            Branch { key, stub: None, copy: None, others: Vec::new(), datagrams: None, cancel, until: None };
        relay.branches.push(place);
        if let Some(flow) = copy.flow {
            // A flow that is gone is not opened anew: behind a translator nobody would hear (RFC 5626 §5.3).
            if !self.core.connections.is_open(&flow) {
                return self.branch_failed(id, branch, StatusCode::FLOW_FAILED);
            }
            return self.send_branch(id, branch, copy, flow);
        }
        let next = copy.next();
        let Uri::Sip(uri) = next else {
            return self.branch_failed(id, branch, StatusCode::UNSUPPORTED_URI_SCHEME);
        };
        match (self.core.hop_to(&uri), uri.host.ip()) {
            // Our own address would only bring it back.
            (Some(_), _) if self.core.ours.is_address(&uri) => {
                self.branch_failed(id, branch, StatusCode::LOOP_DETECTED);
            }
            (Some(hop), _) => self.send_branch(id, branch, copy, hop),
            (None, Some(_)) => self.branch_failed(id, branch, StatusCode::SERVICE_UNAVAILABLE),
            (None, None) => {
                let until = self.core.now.mono + RESOLVE_TIME;
                let resolve = ResolveId(key.branch);
                self.resolving.insert(resolve, (id, branch));
                if let Some(place) = self.branch(id, branch) {
                    (place.copy, place.until) = (Some(Box::new(copy)), Some(until));
                }
                self.core.tell(Event::Resolve { id: resolve, uri });
            }
        }
    }

    pub(super) fn branch(&mut self, id: RelayId, branch: usize) -> Option<&mut Branch> {
        self.relays.get_mut(&id)?.branches.get_mut(branch)
    }

    pub(super) fn send_branch(&mut self, id: RelayId, branch: usize, mut copy: Copy, hop: Hop) {
        let core = &mut self.core;
        let now = core.now.mono;
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let Some(place) = relay.branches.get_mut(branch) else { return };
        let passage = Passage {
            ours: &core.ours,
            tokens: &core.tokens,
            from: relay.from,
            bound: relay.bound,
            record: relay.record,
            mark: relay.passed.mark,
            hidden: relay.served.as_ref().is_some_and(|served| served.hidden),
        };
        if let Some(served) = &relay.served {
            served.present(&mut copy.request, core.config.trusted.contains(&hop.remote.ip().to_canonical()));
        }
        let spare = oversize::may_be(&copy, hop, place).then(|| copy.clone());
        let mut leave = copy.leave(&passage, hop, place.key.branch);
        let mut bytes = core.request_bytes(&leave.request);
        if let Some(spare) = spare
            && let Some(instead) = core.stream_instead(hop, bytes.len())
        {
            leave.go_over(instead);
            bytes = core.request_bytes(&leave.request);
            place.keep_datagrams(hop, spare);
        }
        let hop = leave.hop;
        let invite = relay.request.method == Method::Invite;
        place.stub = invite.then(|| (leave.stub(), hop));
        place.until = invite.then(|| now + core.config.timer_c);
        let user = ClientUse::Branch { relay: id, branch, server: relay.key };
        let outgoing = Outgoing { hop, bytes };
        match invite {
            true => core.layer.invite(now, place.key, outgoing, user),
            false => core.layer.request(now, place.key, outgoing, user),
        }
    }

    /// A branch ends without a response; the next way of the same target gets its turn first (RFC 3263 §4.3).
    pub(super) fn branch_failed(&mut self, id: RelayId, branch: usize, status: StatusCode) {
        let key = self.core.next_key();
        if let Some(place) = self.branch(id, branch).filter(|_| status == StatusCode::REQUEST_TIMEOUT) {
            place.forget_datagrams();
        }
        if let Some(place) = self.branch(id, branch)
            && place.cancel == Cancel::Not
            && !place.others.is_empty()
            && let Some(copy) = place.copy.clone()
        {
            let hop = place.others.remove(0);
            place.key = key;
            return self.send_branch(id, branch, *copy, hop);
        }
        if let Some(relay) = self.relays.get_mut(&id) {
            relay.fork.failed(branch, &relay.request, status);
        }
    }

    pub(super) fn on_cancel(
        &mut self,
        request: Request,
        hop: Hop,
        invite: ServerKey,
        reply: &Reply,
        key: ServerKey,
    ) {
        let Some((user, _)) = self.core.layer.server_user(invite).map(|(user, pending)| (*user, pending))
        else {
            if self.core.config.mode == Mode::Stateless {
                return self.pass_on_statelessly(request, hop);
            }
            return self.core.refuse(reply, key, StatusCode::CALL_DOES_NOT_EXIST);
        };
        self.core.refuse(reply, key, StatusCode::OK);
        if let Some(id) = user.relay {
            if let Some(relay) = self.relays.get_mut(&id) {
                relay.cancelled = true;
                relay.fork.close();
            }
            self.cancel_pending(id);
            self.advance(id);
        }
    }

    /// Cancels every branch that has no final response.
    pub(super) fn cancel_pending(&mut self, id: RelayId) {
        let Some(relay) = self.relays.get(&id) else { return };
        let pending: Vec<usize> = relay.fork.pending().collect();
        for branch in pending {
            self.cancel_branch(id, branch);
        }
    }

    /// CANCEL, at once or as soon as a provisional response allows it (RFC 3261 §9.1).
    pub(super) fn cancel_branch(&mut self, id: RelayId, branch: usize) {
        let until = self.core.now.mono + CANCELLED_ENDS;
        let Some(place) = self.relays.get_mut(&id).and_then(|relay| relay.branches.get_mut(branch)) else {
            return;
        };
        let Some((stub, hop)) = &place.stub else {
            // Nothing has left yet, or it is no INVITE, which cannot be cancelled.
            if place.copy.take().is_some()
                && let Some(relay) = self.relays.get_mut(&id)
            {
                relay.fork.failed(branch, &relay.request, StatusCode::REQUEST_TERMINATED);
            }
            return;
        };
        if place.cancel == Cancel::Sent {
            return;
        }
        if !self.core.layer.may_cancel(place.key) {
            place.cancel = Cancel::Wanted;
            return;
        }
        let (cancel, hop, key) = (follow_up(stub, Method::Cancel), *hop, place.key);
        (place.cancel, place.until) = (Cancel::Sent, Some(until));
        let outgoing = Outgoing { hop, bytes: self.core.request_bytes(&cancel) };
        let key = ClientKey { cancel: true, ..key };
        self.core.layer.request(self.core.now.mono, key, outgoing, ClientUse::Cancel);
    }

    /// The time of a relay has come.
    pub(super) fn relay_timer(&mut self, id: RelayId) {
        let now = self.core.now.mono;
        let Some(relay) = self.relays.get_mut(&id) else { return };
        relay.due = None;
        if self.served_timer(id) {
            return;
        }
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let turn = relay.fork.has_more() && relay.ring_until.is_some_and(|at| at <= now);
        if turn {
            relay.ring_until = None;
        }
        let pending: Vec<usize> = relay.fork.pending().collect();
        for branch in pending {
            let Some(place) = self.branch(id, branch) else { continue };
            let late = place.until.is_some_and(|until| until <= now);
            let (cancel, key, left) = (place.cancel, place.key, place.stub.is_some());
            if !late && !turn {
                continue;
            }
            if !left && late {
                // Its host has no address in time.
                place.copy = None;
                self.resolving.retain(|_, waiting| *waiting != (id, branch));
                self.branch_failed(id, branch, StatusCode::SERVICE_UNAVAILABLE);
            } else if late && (cancel == Cancel::Sent || !self.core.layer.may_cancel(key)) {
                // A cancelled branch that stays silent; or timer C where nothing was heard (§16.8).
                self.core.layer.forget_client(key);
                let ended = cancel == Cancel::Sent;
                let status = if ended { StatusCode::REQUEST_TERMINATED } else { StatusCode::REQUEST_TIMEOUT };
                self.branch_failed(id, branch, status);
            } else {
                self.cancel_branch(id, branch);
            }
        }
        self.advance(id);
    }
}

/// CANCEL or ACK, made of the copy it is about (RFC 3261 §9.1, §17.1.1.3).
pub(super) fn follow_up(stub: &Request, method: Method) -> Request {
    let mut request = stub.clone();
    let number = stub.headers.cseq().map_or(0, |cseq| cseq.number);
    request.headers.set(HeaderName::CSeq, CSeq { number, method: method.clone() }.to_string());
    request.headers.push(HeaderName::MaxForwards, "70");
    request.method = method;
    request
}

/// How long a cancelled branch may take to end (RFC 3261 §9.1: 64 times T1).
const CANCELLED_ENDS: Duration = Duration::from_secs(32);
/// How long the addresses of a host may take.
const RESOLVE_TIME: Duration = Duration::from_secs(10);
