//! Events we ask for: SUBSCRIBE, refreshed before it expires, and the NOTIFYs that come (RFC 6665 §4.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::collections::BTreeMap;

use rove_base::{Instant, Now};

use super::{
    Event, Failure, OutgoingRequest, SubscriptionId, UserAgent, caller,
    context::{self, Context, LocalTag, ServerUse},
    reply::Reply,
    request::{Exchange, Outcome, Purpose},
};
use crate::{
    dialog::Dialog,
    event::{Reason, State},
    message::{HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri},
    transaction::{Outgoing, ServerKey},
    transport::Hop,
};

/// An event to be watched.
#[derive(Clone, Debug)]
pub struct Subscribing {
    /// The ways that may be taken, best first.
    pub hops: Vec<Hop>,
    /// What is watched: the Request-URI.
    pub uri: Uri,
    /// Who watches.
    pub from: NameAddr,
    /// The event package, such as [`PRESENCE`](crate::event::PRESENCE).
    pub package: String,
    /// The media types of its documents that can be read, as Accept says them.
    pub accept: String,
    /// How long it is asked for. Zero asks once.
    pub expires: Duration,
    /// Route, and what else is to be said.
    pub headers: Vec<(HeaderName, String)>,
}

/// All subscriptions of one agent.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    all: BTreeMap<u64, Subscription>,
    last: u64,
}

#[derive(Debug)]
struct Subscription {
    wanted: Subscribing,
    tag: LocalTag,
    call_id: String,
    /// Made by the 2xx or by the first NOTIFY, whichever comes first (RFC 6665 §4.4.1).
    dialog: Option<Dialog>,
    /// Our SUBSCRIBE is out.
    asking: bool,
    leaving: bool,
    refresh: Option<Instant>,
    /// It is over then: unless it is refreshed, or the first NOTIFY comes (timer N).
    until: Option<Instant>,
}

impl UserAgent {
    /// Watches an event. [`Event::Notified`] tells each time that something is known;
    /// [`Event::SubscriptionEnded`] when nothing more comes.
    pub fn subscribe(&mut self, now: Now, wanted: Subscribing) -> SubscriptionId {
        self.at(now);
        self.subscriptions.last = self.subscriptions.last.saturating_add(1);
        let id = self.subscriptions.last;
        let leads_nowhere = wanted.hops.is_empty();
        let one = Subscription::start(&mut self.cx, id, wanted);
        if !leads_nowhere {
            self.subscriptions.all.insert(id, one);
        }
        SubscriptionId(id)
    }

    /// Watches it no longer. [`Event::SubscriptionEnded`] follows.
    pub fn unsubscribe(&mut self, now: Now, subscription: SubscriptionId) {
        self.at(now);
        let id = subscription.0;
        let Some(one) = self.subscriptions.all.get_mut(&id) else { return };
        one.leaving = true;
        if !one.asking && !one.ask(&mut self.cx, id, Duration::ZERO) {
            self.end_subscription(id, None, None);
        }
    }

    /// NOTIFY. `false` when it belongs to none of our subscriptions.
    pub(super) fn on_notify(
        &mut self,
        tag: LocalTag,
        request: &Request,
        reply: &Reply,
        key: ServerKey,
    ) -> bool {
        let Some((&id, one)) = self.subscriptions.all.iter_mut().find(|(_, one)| one.tag == tag) else {
            return false;
        };
        let cx = &mut self.cx;
        let status = one.judge(request);
        if status != StatusCode::OK {
            cx.answer_statelessly(reply, key, status);
            return true;
        }
        if cx.layer.is_full() {
            cx.answer_unavailable(reply, key);
            return true;
        }
        let mut response = reply.response(StatusCode::OK, &tag.to_string());
        cx.sign_response(&mut response);
        let response = Outgoing { hop: reply.hop(), bytes: cx.response_bytes(&response) };
        cx.layer.answered(cx.now, key, StatusCode::OK.code(), response, ServerUse::of_nobody(tag));
        let text = request.headers.get(&HeaderName::SubscriptionState).unwrap_or_default();
        let Some(state) = State::parse(text) else { return true };
        let kind = request.headers.content_type().ok().flatten();
        cx.tell(Event::Notified {
            subscription: SubscriptionId(id),
            state: state.clone(),
            kind,
            body: request.body.clone(),
        });
        match state {
            State::Terminated { reason, retry_after } => self.end_subscription(id, reason, retry_after),
            State::Active(time) | State::Pending(time) => one.granted(cx.now, time),
            State::Other(_) => one.granted(cx.now, None),
        }
        true
    }

    /// What has become of a SUBSCRIBE.
    pub(super) fn on_subscribed(&mut self, id: u64, outcome: Outcome) {
        let Some(one) = self.subscriptions.all.get_mut(&id) else { return };
        one.asking = false;
        match outcome.result {
            Ok(response) if response.status.is_success() => {
                one.accepted(self.cx.now, &outcome.request, &response, outcome.hop);
                if one.leaving && !outcome.request.headers.expires().is_ok_and(|time| time == Some(0)) {
                    one.ask(&mut self.cx, id, Duration::ZERO);
                }
            }
            // A refresh that fails for a passing reason leaves the subscription as it is (RFC 6665 §4.1.2.2).
            Ok(response) if one.stands(self.cx.now) && response.status.code() != 481 && !one.leaving => {
                one.refresh = None;
            }
            result => {
                let failure = match result {
                    Ok(response) => caller::refusal(response),
                    Err(failure) => failure,
                };
                self.subscriptions.all.remove(&id);
                let subscription = SubscriptionId(id);
                self.cx.tell(Event::SubscriptionEnded {
                    subscription,
                    reason: None,
                    retry_after: None,
                    failure: Some(failure),
                });
            }
        }
    }

    pub(super) fn tick_subscriptions(&mut self) {
        let now = self.cx.now;
        let due: Vec<u64> = self.subscriptions.due(now);
        for id in due {
            let Some(one) = self.subscriptions.all.get_mut(&id) else { continue };
            if one.until.is_some_and(|at| at <= now) {
                self.end_subscription(id, Some(Reason::Timeout), None);
            } else if one.refresh.take_if(|at| *at <= now).is_some() && !one.asking {
                let expires = one.wanted.expires;
                one.ask(&mut self.cx, id, expires);
            }
        }
    }

    fn end_subscription(&mut self, id: u64, reason: Option<Reason>, retry_after: Option<Duration>) {
        if self.subscriptions.all.remove(&id).is_some() {
            let subscription = SubscriptionId(id);
            self.cx.tell(Event::SubscriptionEnded { subscription, reason, retry_after, failure: None });
        }
    }
}

impl Subscriptions {
    fn due(&self, now: Instant) -> Vec<u64> {
        let due = self.all.iter().filter(|(_, one)| one.deadline().is_some_and(|at| at <= now));
        due.map(|(id, _)| *id).collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.all.values().filter_map(Subscription::deadline).min()
    }
}

impl Subscription {
    fn start(cx: &mut Context, id: u64, wanted: Subscribing) -> Self {
        let (tag, hops) = (cx.new_tag(), wanted.hops.clone());
        let mut headers = wanted.headers.clone();
        headers.extend(wanted.lines(wanted.expires));
        if let Some(hop) = hops.first() {
            headers.push((HeaderName::Contact, context::contact(&wanted.from.uri, hop, &wanted.uri)));
        }
        let outgoing = OutgoingRequest {
            hops: Vec::new(),
            method: Method::Subscribe,
            uri: wanted.uri.clone(),
            from: wanted.from.clone(),
            to: NameAddr::new(wanted.uri.clone()),
            headers,
            content: None,
        };
        let request = cx.outside_tagged(tag, outgoing);
        let call_id = request.headers.call_id().unwrap_or_default().to_owned();
        let until = None;
        match Exchange::new(Purpose::Subscription(id), request, hops) {
            Some(exchange) => cx.start(exchange),
            None => cx.tell(Event::SubscriptionEnded {
                subscription: SubscriptionId(id),
                reason: None,
                retry_after: None,
                failure: Some(Failure::Transport),
            }),
        }
        Self { wanted, tag, call_id, dialog: None, asking: true, leaving: false, refresh: None, until }
    }

    /// Sends SUBSCRIBE inside the dialog. `false` when there is none.
    fn ask(&mut self, cx: &mut Context, id: u64, expires: Duration) -> bool {
        let Some(dialog) = &mut self.dialog else { return false };
        let hop = dialog.next_hop(&cx.config.local);
        let mut request = dialog.request(Method::Subscribe);
        for (name, value) in self.wanted.lines(expires) {
            request.headers.push(name, value);
        }
        let contact = context::contact(&self.wanted.from.uri, &hop, &self.wanted.uri);
        request.headers.push(HeaderName::Contact, contact);
        cx.sign_request(&mut request);
        self.asking = true;
        if let Some(exchange) = Exchange::new(Purpose::Subscription(id), request, vec![hop]) {
            cx.start(exchange);
        }
        true
    }

    /// What a NOTIFY is answered with.
    fn judge(&mut self, notify: &Request) -> StatusCode {
        let headers = &notify.headers;
        let package = headers.get(&HeaderName::Event).unwrap_or_default();
        let package = package.split(';').next().unwrap_or_default().trim();
        if headers.call_id() != Ok(self.call_id.as_str()) {
            return StatusCode::CALL_DOES_NOT_EXIST;
        }
        if !package.eq_ignore_ascii_case(&self.wanted.package) {
            return StatusCode::BAD_EVENT;
        }
        if State::parse(headers.get(&HeaderName::SubscriptionState).unwrap_or_default()).is_none() {
            return StatusCode::BAD_REQUEST;
        }
        let (Ok(from), Ok(cseq)) = (headers.from(), headers.cseq()) else { return StatusCode::BAD_REQUEST };
        if self.dialog.is_none() {
            let hop = self.wanted.hops.first().copied();
            self.dialog =
                hop.and_then(|hop| Dialog::of_subscriber(&self.wanted.from, &self.tag, notify, hop));
        }
        let Some(dialog) = &mut self.dialog else { return StatusCode::BAD_REQUEST };
        if !dialog.is_with(&self.call_id, from.tag().unwrap_or_default()) {
            // Another branch of a fork: one subscription is enough (RFC 6665 §4.4.1).
            return StatusCode::CALL_DOES_NOT_EXIST;
        }
        if !dialog.in_order(cseq.number) {
            return StatusCode::SERVER_INTERNAL_ERROR;
        }
        if let Some(contact) = headers.contact().ok().flatten() {
            dialog.refresh_target(contact.uri);
        }
        StatusCode::OK
    }

    /// A 2xx to SUBSCRIBE.
    fn accepted(&mut self, now: Instant, request: &Request, response: &Response, hop: Hop) {
        let first = self.until.is_none();
        if self.dialog.is_none() {
            self.dialog = Dialog::of_caller(request, response, hop).ok();
        }
        let time = response.headers.expires().ok().flatten();
        self.granted(now, time.map(|seconds| Duration::from_secs(seconds.into())));
        if first && self.until.is_none_or(|until| until > now.later(TIMER_N)) && self.wanted.expires.is_zero()
        {
            self.until = Some(now.later(TIMER_N));
        }
    }

    /// It stands so much longer.
    fn granted(&mut self, now: Instant, time: Option<Duration>) {
        let time = time.unwrap_or(self.wanted.expires);
        let time = if time.is_zero() { TIMER_N } else { time };
        self.until = Some(now.later(time));
        self.refresh =
            (!self.leaving && !self.wanted.expires.is_zero()).then(|| now.later(time.mul_f64(0.85)));
    }

    fn stands(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    fn deadline(&self) -> Option<Instant> {
        Instant::earliest(self.refresh, self.until)
    }
}

impl Subscribing {
    fn lines(&self, expires: Duration) -> [(HeaderName, String); 3] {
        [
            (HeaderName::Event, self.package.clone()),
            (HeaderName::Accept, self.accept.clone()),
            (HeaderName::Expires, expires.as_secs().to_string()),
        ]
    }
}

/// How long the first NOTIFY is waited for: 64·T1 (RFC 6665 §4.1.2.4).
const TIMER_N: Duration = Duration::from_secs(32);
