//! REFER: one side of a call asks the other to call somebody else, and hears how that goes (RFC 3515, RFC 4488).

use super::{
    CallId, Event, Failure, OutgoingRefer,
    call::{Call, State},
    caller,
    context::{Context, LocalTag, Purpose},
    leg::Leg,
    reply::Reply,
    requests,
};
use crate::{
    message::{HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri},
    transaction::{ClientKey, ServerKey},
};

/// What has been asked of a dialog by REFER, either way. One at a time each.
#[derive(Debug, Default)]
pub(super) struct Refers {
    /// The one we have sent: its transaction, until that is answered.
    ours: Option<Ours>,
    /// The one we were asked.
    theirs: Option<Theirs>,
}

#[derive(Debug)]
struct Ours {
    key: ClientKey,
    /// Whether the last word was said.
    told: bool,
}

#[derive(Debug)]
struct Theirs {
    server: ServerKey,
    reply: Reply,
    /// Names the subscription: the number of the REFER (RFC 3515 §2.4.6).
    id: u32,
    subscribed: bool,
    accepted: bool,
}

impl Refers {
    /// The REFER that we have sent goes on under another name.
    pub(super) fn renamed(&mut self, before: ClientKey, after: ClientKey) {
        if let Some(ours) = self.ours.as_mut().filter(|ours| ours.key == before) {
            ours.key = after;
        }
    }
}

/// What we ask.
impl Leg {
    /// Sends REFER. `false` while another one is under way.
    pub(super) fn refer(&mut self, cx: &mut Context, call: CallId, refer: OutgoingRefer) -> bool {
        if self.refers.ours.is_some() {
            return false;
        }
        let mut request = self.request(cx, Method::Refer);
        let headers = &mut request.headers;
        headers.push(HeaderName::ReferTo, refer.to.to_string());
        if let Some(by) = refer.by {
            headers.push(HeaderName::ReferredBy, by.to_string());
        }
        if !refer.subscribe {
            headers.push(refer_sub(), "false");
            headers.push(HeaderName::Supported, NO_SUBSCRIPTION);
        }
        let key = self.send(cx, call, request, Purpose::Refer);
        self.refers.ours = Some(Ours { key, told: false });
        true
    }

    /// The other end has accepted our REFER, or refused it.
    pub(super) fn referred(
        &mut self,
        cx: &mut Context,
        call: CallId,
        key: ClientKey,
        outcome: Result<Response, Failure>,
    ) {
        if self.refers.ours.as_ref().is_none_or(|ours| ours.key != key || ours.told) {
            return;
        }
        match outcome {
            Ok(response) if response.status.is_success() => {
                let silent = response.headers.get(&refer_sub());
                if silent.is_some_and(|value| value.trim().eq_ignore_ascii_case("false")) {
                    self.refers.ours = None;
                    cx.tell(Event::Transfer { call, status: StatusCode::ACCEPTED, last: true });
                }
            }
            Ok(response) => {
                self.refers.ours = None;
                cx.tell(Event::TransferFailed { call, failure: caller::refusal(response) });
            }
            Err(failure) => {
                self.refers.ours = None;
                cx.tell(Event::TransferFailed { call, failure });
            }
        }
    }

    /// NOTIFY of the subscription that our REFER made. `false` when there is none.
    fn notified(&mut self, cx: &mut Context, call: CallId, request: &Request) -> bool {
        let event = request.headers.get(&HeaderName::Event).unwrap_or_default();
        let package = event.split(';').next().unwrap_or_default().trim();
        if self.refers.ours.is_none() || !package.eq_ignore_ascii_case("refer") {
            return false;
        }
        let state = request.headers.get(&HeaderName::SubscriptionState).unwrap_or_default();
        let ended = state.trim_start().to_ascii_lowercase().starts_with("terminated");
        let status = status_of(&request.body);
        let last = ended || status.is_some_and(StatusCode::is_final);
        match status {
            Some(status) => cx.tell(Event::Transfer { call, status, last }),
            None if ended => {
                cx.tell(Event::TransferFailed { call, failure: Failure::Cancelled });
            }
            None => {}
        }
        if last {
            self.refers.ours = None;
        }
        true
    }
}

/// What we are asked.
impl Leg {
    /// REFER of the other end, for the owner to decide about.
    fn asked_to_refer(
        &mut self,
        cx: &mut Context,
        (call, tag): (CallId, LocalTag),
        request: &Request,
        reply: Reply,
        key: ServerKey,
    ) {
        let mut targets = request.headers.all(&HeaderName::ReferTo);
        let (Some(Ok(to)), None) = (targets.next().map(str::parse::<NameAddr>), targets.next()) else {
            return cx.answer_statelessly(&reply, key, StatusCode::BAD_REQUEST);
        };
        if self.refers.theirs.is_some() {
            return cx.answer_statelessly(&reply, key, StatusCode::REQUEST_PENDING);
        }
        if cx.layer.is_full() {
            return cx.answer_unavailable(&reply, key);
        }
        let silent = request.headers.get(&refer_sub());
        let subscribed = !silent.is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        cx.layer.asked(key, reply.hop(), super::context::ServerUse { call, tag });
        let id = request.headers.cseq().map_or(0, |cseq| cseq.number);
        self.refers.theirs = Some(Theirs { server: key, reply, id, subscribed, accepted: false });
        let by = request.headers.get(&HeaderName::ReferredBy).and_then(|by| by.parse().ok());
        cx.tell(Event::Referred { call, to, by });
    }

    /// The owner does as it was asked, or does not.
    pub(super) fn answer_refer(&mut self, cx: &mut Context, call: CallId, status: StatusCode) {
        let Some(theirs) = self.refers.theirs.as_mut().filter(|theirs| !theirs.accepted) else { return };
        theirs.accepted = true;
        let mut response = theirs.reply.response(status, "");
        if !theirs.subscribed && status.is_success() {
            response.headers.push(refer_sub(), "false");
            response.headers.push(HeaderName::Supported, NO_SUBSCRIPTION);
        }
        cx.sign_response(&mut response);
        let bytes = cx.response_bytes(&response);
        cx.layer.respond(cx.now, theirs.server, status.code(), bytes);
        if status.is_success() && theirs.subscribed {
            return self.tell_referrer(cx, call, StatusCode::TRYING);
        }
        self.refers.theirs = None;
    }

    /// Tells who referred us how the new call goes.
    pub(super) fn tell_referrer(&mut self, cx: &mut Context, call: CallId, status: StatusCode) {
        let Some(theirs) = self.refers.theirs.as_ref().filter(|theirs| theirs.accepted) else { return };
        let id = theirs.id;
        let mut request = self.request(cx, Method::Notify);
        let headers = &mut request.headers;
        headers.push(HeaderName::Event, format!("refer;id={id}"));
        let state = if status.is_final() { "terminated;reason=noresource" } else { "active;expires=180" };
        headers.push(HeaderName::SubscriptionState, state);
        headers.push(HeaderName::ContentType, "message/sipfrag;version=2.0");
        request.body = format!("SIP/2.0 {status} {}\r\n", status.default_reason()).into_bytes();
        self.send(cx, call, request, Purpose::Notify);
        if status.is_final() {
            self.refers.theirs = None;
        }
    }

    /// Where this call's other end can be called by a third so that the new call takes the place of this one
    /// (RFC 3891 §3, RFC 5589 §7).
    pub(super) fn replacement(&self, tag: LocalTag) -> Option<NameAddr> {
        let Uri::Sip(target) = self.dialog.target() else { return None };
        let replaces =
            format!("{};to-tag={};from-tag={tag}", self.dialog.call_id(), self.dialog.remote_tag());
        let mut target = target.clone();
        target.clear_headers();
        let text = format!("{target}?Replaces={}", crate::message::escape_header(&replaces));
        Some(NameAddr::new(text.parse::<Uri>().ok()?))
    }
}

impl Call {
    /// REFER or NOTIFY of the other side.
    pub(super) fn refer(&mut self, cx: &mut Context, request: &Request, reply: Reply, key: ServerKey) {
        let whose = (self.id, self.tag);
        let State::Talking(talking) = &mut self.state else {
            return cx.answer_statelessly(&reply, key, StatusCode::CALL_DOES_NOT_EXIST);
        };
        if request.method == Method::Refer {
            return talking.leg.asked_to_refer(cx, whose, request, reply, key);
        }
        let known = talking.leg.notified(cx, self.id, request);
        let status = if known { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
        let response = reply.response(status, &self.tag.to_string());
        requests::answer_once(cx, &reply, key, response, self.id, self.tag);
    }

    /// The dialog of a call that stands.
    pub(super) fn talking_leg(&mut self) -> Option<&mut Leg> {
        match &mut self.state {
            State::Talking(talking) => Some(&mut talking.leg),
            _ => None,
        }
    }
}

/// The status line in a fragment of a message (RFC 3420).
fn status_of(fragment: &[u8]) -> Option<StatusCode> {
    let line = fragment.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let mut words = core::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.eq_ignore_ascii_case("SIP/2.0"))?;
    StatusCode::new(words.next()?.parse().ok()?)
}

/// `Refer-Sub`: whether REFER makes a subscription (RFC 4488 §4).
fn refer_sub() -> HeaderName {
    "Refer-Sub".parse().unwrap_or(HeaderName::ReferTo)
}

/// The option tag of a REFER that makes none.
pub(super) const NO_SUBSCRIPTION: &str = "norefersub";
