//! Requests: which are refused, which are for the server itself, which go on.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::IpAddr;

use super::{Asked, Event, Mode, SipServer, gate, relay::Relay, services, shared::ServerUse};
use crate::{
    digest::{Question, Refusal, Verdict},
    message::{HeaderName, Message, Method, Rejection, Request, Response, StatusCode, Uri, Via},
    proxy::{Routed, Target},
    registrar::{Aor, Ask, RegistryStore, is_bound},
    sources::Admission,
    transaction::ServerKey,
    transport::Hop,
    ua::{
        reply::Reply,
        requests::{invited, server_key},
    },
};

/// A request with all that is known of how it came.
pub(super) struct Incoming {
    pub(super) request: Request,
    pub(super) hop: Hop,
    pub(super) reply: Reply,
    pub(super) key: ServerKey,
    pub(super) vias: Vec<Via>,
}

impl<R: RegistryStore> SipServer<R> {
    /// One whole message has come along `hop`.
    pub(super) fn on_message(&mut self, hop: Hop, bytes: &[u8]) {
        self.core.learn(hop);
        self.core.capture(hop, false, bytes);
        let admission = match bytes.starts_with(b"SIP/") {
            true => Admission::Fine,
            false => self.core.sources.admit(self.core.now.mono, hop.remote.ip()),
        };
        match admission {
            Admission::Fine => {}
            Admission::Floods => self.core.tell(Event::Flooding { from: hop.remote }),
            Admission::StillFloods => return,
        }
        match Message::parse(bytes) {
            Ok(Message::Request(request)) if admission == Admission::Fine => self.on_request(request, hop),
            Ok(Message::Request(request)) => self.too_much(&request, hop),
            Ok(Message::Response(response)) => self.on_response(response),
            Err(error) => {
                if let Some(rejection) = error.rejection {
                    self.on_flawed(*rejection, hop);
                }
            }
        }
    }

    /// A request that could not be read.
    fn on_flawed(&mut self, rejection: Rejection, hop: Hop) {
        let key = self.core.keyed.fingerprint(&("flawed", rejection.headers.get(&HeaderName::Via)));
        let Some(reply) = Reply::to_flawed(rejection.headers, hop) else { return };
        let mut response = self.core.plain(&reply, key, rejection.status);
        response.reason = rejection.reason;
        self.core.answer(&reply, &response);
    }

    /// 503 with the time after which there is room again (RFC 3261 §21.5.4, in the spirit of RFC 7339).
    fn too_much(&mut self, request: &Request, hop: Hop) {
        let Ok(via) = request.headers.via() else { return };
        if request.method == Method::Ack {
            return;
        }
        let key = server_key(&self.core.keyed, request, &via, &request.method);
        let reply = Reply::to(request, via, hop);
        self.overloaded(&reply, key);
    }

    pub(super) fn overloaded(&mut self, reply: &Reply, key: ServerKey) {
        let mut response = self.core.plain(reply, key, StatusCode::SERVICE_UNAVAILABLE);
        // Not all at once again.
        let seconds = self.core.entropy.next_u32() % 8;
        response.headers.push(HeaderName::RetryAfter, seconds.saturating_add(1).to_string());
        self.core.answer(reply, &response);
    }

    fn on_request(&mut self, mut request: Request, hop: Hop) {
        let Ok(vias) = request.headers.vias() else { return };
        let Some(via) = vias.first() else { return };
        if request.method == Method::Ack {
            let key = server_key(&self.core.keyed, &request, via, &Method::Invite);
            // Of a refusal that has left nothing behind, the tag shows that it was ours.
            let refused = request.headers.to_tag().is_ok_and(|tag| tag == Some(&self.core.tag(key)));
            if self.core.layer.ack(self.core.now.mono, key) && !refused {
                self.pass_on_statelessly(request, hop);
            }
            return;
        }
        let key = server_key(&self.core.keyed, &request, via, &request.method);
        if self.core.layer.absorbs(key) {
            return;
        }
        let reply = Reply::to(&request, via.clone(), hop);
        if request.method == Method::Cancel {
            let invite = server_key(&self.core.keyed, &request, via, &Method::Invite);
            return self.on_cancel(request, hop, invite, &reply, key);
        }
        if self.core.layer.is_full() || self.relays.len() >= self.core.config.limits.relays {
            return self.overloaded(&reply, key);
        }
        let mut noted = via.clone();
        noted.note_source(hop.remote);
        let _ = request.headers.replace_top_via(&noted);
        let routed = self.core.ours.preprocess(&mut request, &self.core.tokens);
        let incoming = Incoming { request, hop, reply, key, vias };
        if routed.forged {
            return self.core.refuse(&incoming.reply, key, StatusCode::FORBIDDEN);
        }
        let here = incoming.request.headers.get(&HeaderName::Route).is_none()
            && incoming.request.uri.as_sip().is_some_and(|uri| self.core.ours.is_here(uri));
        if self.state.takes(&incoming, here) {
            return self.on_state(&incoming);
        }
        // A domain is registered at whatever port it is said with.
        let domain = incoming.request.uri.as_sip().map(|uri| &uri.host);
        let registers = !routed.routed && domain.is_some_and(|host| self.core.ours.domains.contains(host));
        let userless = incoming.request.uri.as_sip().is_some_and(|uri| uri.user().is_none());
        match incoming.request.method {
            Method::Register if here || registers => self.on_register(incoming),
            Method::Register if incoming.request.uri.as_sip().is_none() => {
                self.core.refuse(&incoming.reply, key, StatusCode::UNSUPPORTED_URI_SCHEME);
            }
            Method::Options if here && userless => self.on_options(&incoming),
            Method::Other(_) if here && userless => {
                self.core.refuse(&incoming.reply, key, StatusCode::NOT_IMPLEMENTED);
            }
            _ if here && userless => self.core.refuse(&incoming.reply, key, StatusCode::NOT_FOUND),
            _ => self.on_other(incoming, &routed, here),
        }
    }

    /// 200 with what the server can do (RFC 3261 §11.2).
    fn on_options(&mut self, incoming: &Incoming) {
        let mut response = self.core.plain(&incoming.reply, incoming.key, StatusCode::OK);
        match incoming.request.headers.require() {
            Ok(required) if required.is_empty() => {}
            Ok(required) => {
                response = self.core.plain(&incoming.reply, incoming.key, StatusCode::BAD_EXTENSION);
                response.headers.push(HeaderName::Unsupported, required.join(", "));
            }
            Err(_) => return self.core.refuse(&incoming.reply, incoming.key, StatusCode::BAD_REQUEST),
        }
        if response.status == StatusCode::OK {
            response.headers.push(HeaderName::Allow, ALLOW);
            response.headers.push(HeaderName::Supported, "path, outbound, gruu");
        }
        self.core.answer(&incoming.reply, &response);
    }

    /// A request for somebody else.
    fn on_other(&mut self, incoming: Incoming, routed: &Routed, here: bool) {
        let Incoming { request, reply, key, vias, .. } = &incoming;
        let passed = match gate::pass(&self.core, request, vias, reply, *key) {
            Ok(passed) => passed,
            Err(refusal) => return self.core.answer(reply, &refusal),
        };
        let begins = request.headers.to_tag().is_ok_and(|tag| tag.is_none());
        let consults =
            self.core.config.services && begins && !routed.inside && request.method == Method::Invite;
        let mut user = None;
        if !routed.inside {
            match self.may_begin(&incoming, here || consults) {
                Ok(proved) => user = proved,
                Err(refusal) => return self.core.answer(&incoming.reply, &refusal),
            }
        }
        if self.core.config.mode == Mode::Stateless {
            return self.pass_on_statelessly(incoming.request, incoming.hop);
        }
        let calls = begins && !routed.inside && request.method == Method::Invite;
        if self.lacks_memory(routed.inside) || calls && self.is_full_of_calls() {
            return self.overloaded(&incoming.reply, incoming.key);
        }
        let whose = Whose { here, begins, consults, user };
        self.begin_relay(incoming, routed, passed, whose);
    }

    /// Whether a request outside of the dialogs that were let through may pass: ours may go anywhere once they have
    /// proved who they are, others may reach ours.
    fn may_begin(&mut self, incoming: &Incoming, here: bool) -> Result<Option<String>, Response> {
        let Incoming { request, reply, key, hop, .. } = incoming;
        let from = request.headers.from().ok().and_then(|from| Some(from.uri.as_sip()?.clone()));
        let claims = from.filter(|from| self.core.ours.domains.contains(&from.host));
        if claims.is_none() {
            return if here { Ok(None) } else { Err(self.core.plain(reply, *key, StatusCode::FORBIDDEN)) };
        }
        if self.verifier.is_none() {
            return Ok(None);
        }
        let user = self.prove(request, *hop, &HeaderName::ProxyAuthorization).map_err(|refusal| {
            self.challenge(incoming, refusal, StatusCode::PROXY_AUTHENTICATION_REQUIRED)
        })?;
        let named = claims.and_then(|from| from.user_bytes()).unwrap_or_default();
        if named == user.as_bytes() {
            Ok(Some(user))
        } else {
            Err(self.core.plain(reply, *key, StatusCode::FORBIDDEN))
        }
    }

    /// Who sent a request, if its answer to a challenge shows it.
    pub(super) fn prove(
        &mut self,
        request: &Request,
        hop: Hop,
        name: &HeaderName,
    ) -> Result<String, Refusal> {
        let Some(verifier) = &mut self.verifier else { return Err(Refusal::Wrong) };
        let answers: Vec<&str> = request.headers.all(name).collect();
        let (uri, ours) = (request.uri.to_string(), &self.core.ours);
        let question = Question {
            answers: &answers,
            method: request.method.as_str(),
            uri: &uri,
            stands_for: &|uri| matches!(uri.parse(), Ok(Uri::Sip(uri)) if ours.is_here(&uri)),
            body: &request.body,
            peer: hop.remote.ip(),
        };
        match verifier.check(self.core.now.mono, &question) {
            Verdict::Is(user) => Ok(user),
            Verdict::Refused(refusal) => Err(refusal),
        }
    }

    /// 401 or 407 (RFC 3261 §22). The same for those that do not exist and those whose password is another.
    pub(super) fn challenge(
        &mut self,
        incoming: &Incoming,
        refusal: Refusal,
        status: StatusCode,
    ) -> Response {
        let from = incoming.hop.remote;
        if refusal == Refusal::Wrong {
            let user =
                incoming.request.headers.from().map_or_else(|_| String::new(), |from| from.uri.to_string());
            let method = incoming.request.method.to_string();
            self.core.tell(Event::Refused { method, user, from });
        }
        let mut response = self.core.plain(&incoming.reply, incoming.key, status);
        let name = match status {
            StatusCode::UNAUTHORIZED => HeaderName::WwwAuthenticate,
            _ => HeaderName::ProxyAuthenticate,
        };
        if let Some(verifier) = &mut self.verifier {
            let peer: IpAddr = from.ip();
            for challenge in verifier.challenges(self.core.now.mono, peer, refusal == Refusal::Stale) {
                response.headers.push(name.clone(), challenge);
            }
        }
        response
    }

    fn begin_relay(&mut self, incoming: Incoming, routed: &Routed, passed: gate::Passed, whose: Whose) {
        let Whose { here, begins, consults, user } = whose;
        let id = self.next_relay();
        let Incoming { request, hop, key, .. } = &incoming;
        let server = ServerUse { relay: Some(id) };
        if request.method == Method::Invite {
            let invited = invited(&self.core.keyed, request);
            self.core.layer.invited(self.core.now.mono, *key, invited, incoming.reply.hop(), server);
        } else {
            self.core.layer.asked(*key, incoming.reply.hop(), server);
        }
        if !begins && request.method == Method::Bye {
            self.calls.bye(&mut self.core, request);
        } else if !begins {
            self.calls.inside(request, *hop);
        }
        let makes_dialog =
            begins && matches!(request.method, Method::Invite | Method::Subscribe | Method::Refer);
        let contact = request.headers.contact().ok().flatten().map(|contact| contact.uri);
        let first_hop = incoming.vias.first().filter(|_| incoming.vias.len() == 1);
        let bound = first_hop.is_some_and(|via| is_bound(via, contact.as_ref(), *hop));
        let lookup = (here && routed.flow.is_none()).then(|| request.uri.as_sip().cloned()).flatten();
        let record = makes_dialog && self.core.config.record_route;
        let served = self.served(&incoming, routed, here, consults);
        let mut relay = Relay::new(incoming, passed, user, record, bound && record, self.core.now.wall);
        relay.served = served;
        self.relays.insert(id, relay);
        self.settle(id);
        if consults {
            return self.consult(id);
        }
        match lookup {
            Some(uri) => {
                let gruu = self.gruus.read(&uri);
                let aor = gruu.as_ref().map_or_else(|| Aor::of(&uri), |gruu| gruu.aor.clone());
                if let Some(relay) = self.relays.get_mut(&id) {
                    relay.gruu = gruu;
                }
                let ask = self.core.next_ask();
                self.asked.insert(ask, Asked::Relay(id));
                self.store.ask(self.core.now, ask, Ask::Find(aor));
                self.answers();
            }
            None => self.relay_to_uri(id, routed.flow),
        }
    }

    /// Carries what the store has answered to whoever asked.
    pub(super) fn answers(&mut self) {
        while let Some((ask, answer)) = self.store.poll() {
            match self.asked.remove(&ask) {
                Some(Asked::Register(registering)) => self.registered(*registering, &answer),
                Some(Asked::Relay(relay)) => self.relay_found(relay, &answer),
                Some(Asked::Watched(aor)) => self.watched_found(&aor, &answer),
                Some(Asked::Stateless(waiting)) => {
                    let (request, hop) = *waiting;
                    self.stateless_found(&request, hop, &answer);
                }
                None => {}
            }
        }
    }

    /// ACK for a 2xx, and everything in stateless mode (RFC 3261 §16.11).
    pub(super) fn pass_on_statelessly(&mut self, mut request: Request, hop: Hop) {
        let routed = self.core.ours.preprocess(&mut request, &self.core.tokens);
        let here = request.uri.as_sip().is_some_and(|uri| self.core.ours.is_here(uri));
        let tries = self.core.config.mode == Mode::Stateless;
        if routed.forged || !(routed.inside || tries) || !matches!(request.uri, Uri::Sip(_)) {
            return;
        }
        if request.headers.max_forwards() == Ok(Some(0)) {
            return;
        }
        if let Ok(mut via) = request.headers.via() {
            via.note_source(hop.remote);
            let _ = request.headers.replace_top_via(&via);
        }
        if routed.hidden && !services::is_anonymous(&request) {
            services::hide(&mut request.headers);
        }
        let aor = request.uri.as_sip().filter(|_| here && tries && routed.flow.is_none()).map(Aor::of);
        let Some(aor) = aor else {
            let target = Target::at(request.uri.clone(), routed.flow, 0);
            return self.send_statelessly(&request, hop, &target);
        };
        let ask = self.core.next_ask();
        self.asked.insert(ask, Asked::Stateless(Box::new((request, hop))));
        self.store.ask(self.core.now, ask, Ask::Find(aor));
        self.answers();
    }
}

/// Whose request it is, and for whom.
struct Whose {
    /// For a user of ours.
    here: bool,
    /// It is outside of dialogs.
    begins: bool,
    /// The owner is asked what becomes of it.
    consults: bool,
    /// Who has proved to send it.
    user: Option<String>,
}

/// What Allow says.
const ALLOW: &str = "INVITE, ACK, CANCEL, OPTIONS, BYE, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INFO, REFER, MESSAGE, UPDATE, PRACK";
