//! Requests of peers: what is refused, what belongs to a call, what starts one (RFC 3261 §8.2, §9.2, §12.2.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    CallId, Event, Failure, UserAgent,
    call::{Alerting, Call, State},
    context::{ALLOW, Context, EXTENSIONS, LocalTag, SDP, ServerUse},
    leg::Leg,
    page,
    pending::{Pending, put_body},
    reply::Reply,
    timer, trust,
};
use crate::{
    dialog::Dialog,
    message::{HeaderName, Headers, Method, Rejection, Request, Response, StatusCode, Uri, Via},
    sources::Admission,
    transaction::{AsText, Fingerprint, Keyed, Outgoing, ServerKey},
    transport::{Hop, is_sips},
};

impl UserAgent {
    /// A request that could not be read.
    pub(super) fn on_flawed(&mut self, rejection: Rejection, arrival: Hop) {
        let key = self.cx.keyed.fingerprint(&("flawed", rejection.headers.get(&HeaderName::Via)));
        let Some(reply) = Reply::to_flawed(rejection.headers, arrival) else { return };
        let mut response = self.cx.plain(&reply, key, rejection.status);
        response.reason = rejection.reason;
        if matches!(rejection.status.code(), 405 | 501) {
            response.headers.push(HeaderName::Allow, ALLOW);
        }
        self.cx.send_statelessly(&reply, response);
    }

    pub(super) fn on_request(&mut self, request: Request, arrival: Hop) {
        let Ok(via) = request.headers.via() else { return };
        let now = self.cx.now;
        if request.method == Method::Ack {
            let key = server_key(&self.cx.keyed, &request, &via, &Method::Invite);
            if self.cx.layer.ack(now, key) {
                self.on_ack(request);
            }
            return;
        }
        if via.params.has("alias")
            && let Some(ip) = via.host.ip()
        {
            self.cx.connections.alias(&arrival, std::net::SocketAddr::new(ip, via.sent_by_port()));
        }
        let key = server_key(&self.cx.keyed, &request, &via, &request.method);
        if self.cx.layer.absorbs(key) {
            return;
        }
        if request.method == Method::Cancel {
            let invite = server_key(&self.cx.keyed, &request, &via, &Method::Invite);
            let failure = cancelled(&request.headers);
            return self.on_cancel(invite, &Reply::to(&request, via, arrival), key, failure);
        }
        let reply = Reply::to(&request, via, arrival);
        let known = request.headers.to_tag().ok().flatten().and_then(LocalTag::parse);
        if !known.is_some_and(|tag| self.tags.contains_key(&tag)) {
            match self.crowd.admit(now, arrival.remote.ip()) {
                Admission::Fine => {}
                Admission::Floods => return self.cx.answer_crowd(&reply, key),
                Admission::StillFloods => return,
            }
        }
        if let Some(mut objection) = objection(&self.cx, &request, &reply, key) {
            objection.headers.push(HeaderName::Allow, ALLOW);
            return self.cx.send_statelessly(&reply, objection);
        }
        match request.headers.to_tag().ok().flatten().map(LocalTag::parse) {
            Some(tag) => self.inside(tag, &request, reply, key),
            None => self.outside(request, reply, key, arrival),
        }
    }

    fn on_ack(&mut self, ack: Request) {
        let tag = ack.headers.to().ok().and_then(|to| to.tag().and_then(LocalTag::parse));
        if let Some(call) = tag.and_then(|tag| self.tags.get(&tag).copied()) {
            self.on_call(call, |call, cx| call.ack(cx, ack));
        }
    }

    /// CANCEL is answered for itself; an INVITE that has no final answer gets 487 (RFC 3261 §9.2).
    fn on_cancel(&mut self, invite: ServerKey, reply: &Reply, key: ServerKey, failure: Failure) {
        let Some((user, pending)) = self.cx.layer.server_user(invite).map(|(user, pending)| (*user, pending))
        else {
            return self.cx.answer_statelessly(reply, key, StatusCode::CALL_DOES_NOT_EXIST);
        };
        let response = reply.response(StatusCode::OK, &user.tag.to_string());
        self.cx.send_statelessly(reply, response);
        if pending {
            self.on_call(user.call, |call, cx| call.cancelled(cx, invite, failure));
        }
    }

    /// A request with a tag in To.
    fn inside(&mut self, tag: Option<LocalTag>, request: &Request, reply: Reply, key: ServerKey) {
        match tag.and_then(|tag| self.tags.get(&tag).copied()) {
            Some(call) => self.on_call(call, |call, cx| call.request(cx, request, reply, key)),
            None if tag.is_some_and(|tag| self.is_of_event(tag, request, &reply, key)) => {}
            None => self.cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    /// A request in a subscription, of ours or to us.
    fn is_of_event(&mut self, tag: LocalTag, request: &Request, reply: &Reply, key: ServerKey) -> bool {
        match request.method {
            Method::Notify => self.on_notify(tag, request, reply, key),
            Method::Subscribe => self.on_resubscribe(tag, request, reply, key),
            _ => false,
        }
    }

    /// A request without a tag in To.
    fn outside(&mut self, request: Request, reply: Reply, key: ServerKey, arrival: Hop) {
        match request.method {
            Method::Options => answer_options(&mut self.cx, &reply, key),
            Method::Message => page::receive(&mut self.cx, None, &request, &reply, key),
            Method::Subscribe => self.on_subscribe(&request, &reply, key, arrival),
            Method::Invite => self.incoming(request, reply, key, arrival),
            _ => self.cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST),
        }
    }

    fn incoming(&mut self, request: Request, reply: Reply, key: ServerKey, arrival: Hop) {
        let replaces = match self.replaced(&request.headers) {
            Ok(replaces) => replaces,
            Err(status) => return self.cx.answer_statelessly(&reply, key, status),
        };
        // Who takes the place of a call does not add one for long.
        if self.calls.len() >= self.cx.config.max_calls.saturating_add(usize::from(replaces.is_some())) {
            return self.cx.answer_statelessly(&reply, key, StatusCode::BUSY_HERE);
        }
        let (tag, call) = (self.cx.new_tag(), self.next_call());
        let (Ok(from), Ok(to)) = (request.headers.from(), request.headers.to()) else { return };
        let Ok(dialog) = Dialog::of_callee(&request, &tag.to_string(), arrival) else {
            let mut response = self.cx.plain(&reply, key, StatusCode::BAD_REQUEST);
            response.reason = "missing Contact".into();
            return self.cx.send_statelessly(&reply, response);
        };
        let source = arrival.remote.ip().to_canonical();
        if !self.crowd.rings(source, self.cx.config.max_ringing_per_source) {
            return self.cx.answer_crowd(&reply, key);
        }
        let rings_for = Some(source);
        if !open_invite(&mut self.cx, &request, &reply, key, call, tag) {
            return self.crowd.settle(&mut Call { id: call, tag, state: State::Over, rings_for });
        }
        let leg = Leg::of_callee(dialog, &request);
        let pending = Pending::new(&request, key, reply, tag, &mut self.cx);
        let user_agent = request.headers.get(&HeaderName::UserAgent).map(str::to_owned);
        let asserted = trust::asserted(&self.cx.config, &request.headers, &arrival);
        let private = trust::is_private(&request.headers);
        let state = State::Alerting(Box::new(Alerting { leg, pending, accepted: None, replaces }));
        self.add_call(Call { id: call, tag, state, rings_for });
        let Request { uri, body, .. } = request;
        self.cx.tell(Event::Incoming {
            call,
            hop: arrival,
            uri,
            from,
            to,
            body,
            user_agent,
            asserted,
            private,
            replaces,
        });
    }
}

/// Why a CANCEL says that the call was given up.
fn cancelled(headers: &Headers) -> Failure {
    let elsewhere = headers.all(&HeaderName::Reason).flat_map(|value| value.split(',')).any(|reason| {
        let mut parts = reason.split(';').map(str::trim);
        let sip = parts.next().is_some_and(|protocol| protocol.eq_ignore_ascii_case("SIP"));
        sip && parts.any(|part| part.replace(' ', "").eq_ignore_ascii_case("cause=200"))
    });
    if elsewhere { Failure::AnsweredElsewhere } else { Failure::Cancelled }
}

/// Opens the transaction of an INVITE, or answers 503 when there are too many.
pub(super) fn open_invite(
    cx: &mut Context,
    request: &Request,
    reply: &Reply,
    key: ServerKey,
    call: CallId,
    tag: LocalTag,
) -> bool {
    if cx.layer.is_full() {
        cx.answer_unavailable(reply, key);
        return false;
    }
    let invited = invited(&cx.keyed, request);
    cx.layer.invited(cx.now, key, invited, reply.hop(), ServerUse { call, tag });
    true
}

/// 200 for OPTIONS, with all that we can do (RFC 3261 §11.2).
pub(super) fn answer_options(cx: &mut Context, reply: &Reply, key: ServerKey) {
    let mut response = cx.plain(reply, key, StatusCode::OK);
    response.headers.push(HeaderName::Allow, ALLOW);
    response.headers.push(HeaderName::Accept, SDP);
    response.headers.push(HeaderName::AcceptEncoding, "identity");
    response.headers.push(HeaderName::Supported, EXTENSIONS.join(", "));
    put_body(&mut response, cx.config.capabilities.clone().unwrap_or_default());
    cx.send_statelessly(reply, response);
}

/// A final response to what must not happen twice, kept by a transaction for when the request comes again.
pub(super) fn answer_once(
    cx: &mut Context,
    reply: &Reply,
    key: ServerKey,
    mut response: Response,
    call: CallId,
    tag: LocalTag,
) {
    if cx.layer.is_full() {
        return cx.send_statelessly(reply, response);
    }
    cx.sign_response(&mut response);
    let status = response.status.code();
    let response = Outgoing { hop: reply.hop(), bytes: cx.response_bytes(&response) };
    cx.layer.answered(cx.now, key, status, response, ServerUse { call, tag });
}

/// 500 for an INVITE that came before another was done with (RFC 3261 §14.2).
pub(super) fn answer_later(cx: &mut Context, reply: &Reply, key: ServerKey) {
    let mut response = cx.plain(reply, key, StatusCode::SERVER_INTERNAL_ERROR);
    let seconds = cx.entropy.next_u32() % 11;
    response.headers.push(HeaderName::RetryAfter, seconds.to_string());
    cx.send_statelessly(reply, response);
}

/// Why a request cannot be worked on, in the order of RFC 3261 §8.2.
fn objection(cx: &Context, request: &Request, reply: &Reply, key: ServerKey) -> Option<Response> {
    let refuse = |status| Some(cx.plain(reply, key, status));
    let refuse_naming = |status, name, value: &str| {
        let mut response = cx.plain(reply, key, status);
        response.headers.push(name, value);
        Some(response)
    };
    match &request.method {
        Method::Invite | Method::Bye | Method::Options | Method::Update | Method::Prack => {}
        Method::Info | Method::Refer | Method::Subscribe | Method::Notify | Method::Message => {}
        Method::Other(_) => return refuse(StatusCode::NOT_IMPLEMENTED),
        _ => return refuse(StatusCode::METHOD_NOT_ALLOWED),
    }
    if !matches!(request.uri, Uri::Sip(_) | Uri::Tel(_))
        || is_sips(&request.uri) && !reply.hop().transport.is_secure()
    {
        return refuse(StatusCode::UNSUPPORTED_URI_SCHEME);
    }
    let headers = &request.headers;
    let begins = headers.to_tag().is_ok_and(|tag| tag.is_none());
    if request.method == Method::Invite && begins && cx.layer.is_merged(invited(&cx.keyed, request)) {
        return refuse(StatusCode::LOOP_DETECTED);
    }
    match headers.require() {
        Ok(mut required) => {
            required.retain(|tag| !EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(tag)));
            if !required.is_empty() {
                let unknown = required.join(", ");
                return refuse_naming(StatusCode::BAD_EXTENSION, HeaderName::Unsupported, &unknown);
            }
        }
        Err(_) => return refuse(StatusCode::BAD_REQUEST),
    }
    if request.method == Method::Invite && !accepts_sdp(request) {
        return refuse_naming(StatusCode::NOT_ACCEPTABLE, HeaderName::Accept, SDP);
    }
    let offers = matches!(request.method, Method::Invite | Method::Update | Method::Prack);
    if let Some(least) = timer::objection(cx, headers).filter(|_| offers) {
        return refuse_naming(StatusCode::SESSION_INTERVAL_TOO_SMALL, HeaderName::MinSe, &least.to_string());
    }
    if !offers || request.body.is_empty() {
        return None;
    }
    let encoding = headers.get(&HeaderName::ContentEncoding).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return refuse_naming(StatusCode::UNSUPPORTED_MEDIA_TYPE, HeaderName::AcceptEncoding, "identity");
    }
    match headers.content_type() {
        Ok(Some(kind)) if kind.is("application", "sdp") => None,
        _ => refuse_naming(StatusCode::UNSUPPORTED_MEDIA_TYPE, HeaderName::Accept, SDP),
    }
}

/// Whether whoever calls can read the description we would answer with: by what Accept says, or where it says nothing
/// (RFC 3261 §20.1).
fn accepts_sdp(request: &Request) -> bool {
    let mut ranges = request.headers.all(&HeaderName::Accept).flat_map(|value| value.split(',')).peekable();
    let fits = |range: &str| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        ["application/sdp", "application/*", "*/*"].iter().any(|ours| kind.eq_ignore_ascii_case(ours))
    };
    ranges.peek().is_none() || ranges.any(fits)
}

/// What names the server transaction of `method` that a request belongs to (RFC 3261 §17.2.3): branch and sent-by, and
/// with them what a repetition, a CANCEL and an ACK must have in common with the first, for branches of careless peers are
/// not as unique as they should be; for a peer that follows RFC 2543, all of it.
pub(crate) fn server_key(keyed: &Keyed, request: &Request, via: &Via, method: &Method) -> ServerKey {
    let (method, uri) = (method.as_str(), AsText(&request.uri));
    match via.unique_branch() {
        Some(branch) => {
            let number = request.headers.cseq_number();
            let call_id = request.headers.call_id().ok();
            keyed.fingerprint(&(branch, &via.host, via.sent_by_port(), method, uri, call_id, number))
        }
        None => keyed.fingerprint(&(invited(keyed, request), uri, AsText(via), method)),
    }
}

/// What all copies of a forked request have in common: From tag, Call-ID and the number of CSeq (RFC 3261 §8.2.2.2).
pub(crate) fn invited(keyed: &Keyed, request: &Request) -> Fingerprint {
    let headers = &request.headers;
    keyed.fingerprint(&(headers.tag_of_from(), headers.call_id().ok(), headers.cseq_number()))
}
