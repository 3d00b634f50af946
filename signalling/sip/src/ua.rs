//! The user agent: makes and takes calls (RFC 3261 §8, §9, §11, §13, §14, §15).
//!
//! Requests that change nothing here are answered without a transaction (RFC 3261 §8.2.7), so that a flood of them
//! leaves nothing behind.

mod asked;
mod call;
mod caller;
mod challenged;
mod change;
mod config;
mod context;
mod crowd;
mod early;
mod event;
mod info;
mod inside;
mod keyring;
mod leg;
mod notifier;
mod owner;
mod page;
mod pending;
mod publications;
mod refer;
mod registrations;
mod reliable;
mod replaces;
pub(crate) mod reply;
mod request;
pub(crate) mod requests;
mod responses;
mod subscriptions;
mod talking;
mod timer;
mod trickle;
mod trust;

use rove_base::{Arrival, Dscp, Entropy, Flow, Instant, Machine, Nested, Now, Scratch, Step, Transmit};

pub use config::{OutgoingInvite, OutgoingRefer, SessionChange, UaConfig};
pub use crowd::Refused;
pub use event::{
    CallId, DialogNames, Event, Failure, OptionsId, Party, PublicationId, RegistrationId, RequestId,
    SubscriptionId,
};
pub use info::{DTMF, DTMF_RELAY, Key};
pub use publications::Publishing;
pub use request::OutgoingRequest;
pub use subscriptions::Subscribing;
pub use trickle::TRICKLE;

use self::{
    call::{Call, State},
    caller::Calling,
    context::{Context, LocalTag, SDP},
    crowd::Crowd,
    notifier::Notifier,
    publications::Publications,
    registrations::Registrations,
    request::{Exchange, Purpose},
    subscriptions::Subscriptions,
};
use crate::{
    message::{HeaderName, Message, Method, NameAddr, StatusCode, Uri},
    transaction::{Expired, KeyedMap, Outgoing, Timers},
    transport::{Connections, Hop, News},
};

/// A SIP user agent over datagrams and streams.
///
/// Bounded whatever peers send: by [`UaConfig::max_calls`], [`UaConfig::max_transactions`] and [`UaConfig::streams`].
#[derive(Debug)]
pub struct UserAgent {
    cx: Context,
    calls: KeyedMap<CallId, Call>,
    tags: KeyedMap<LocalTag, CallId>,
    timers: Timers<CallId>,
    registrations: Registrations,
    subscriptions: Subscriptions,
    notifier: Notifier,
    publications: Publications,
    crowd: Crowd,
    last_request: u64,
    last_call: u64,
    last_options: u64,
}

impl UserAgent {
    /// An agent without calls.
    #[must_use]
    pub fn new(config: UaConfig, entropy: Entropy) -> Self {
        let cx = Context::new(config, entropy);
        Self {
            calls: KeyedMap::with_hasher(cx.keyed.clone()),
            tags: KeyedMap::with_hasher(cx.keyed.clone()),
            timers: Timers::default(),
            registrations: Registrations::default(),
            subscriptions: Subscriptions::default(),
            notifier: Notifier::default(),
            publications: Publications::default(),
            crowd: Crowd::new(&cx.config, &cx.keyed),
            last_request: 0,
            last_call: 0,
            last_options: 0,
            cx,
        }
    }

    /// Calls somebody. [`Event::Progress`], then [`Event::Answered`] or [`Event::Failed`] follow.
    pub fn invite(&mut self, now: Now, outgoing: OutgoingInvite) -> CallId {
        self.at(now);
        let (id, tag) = (self.next_call(), self.cx.new_tag());
        let state = State::Calling(Calling::start(&mut self.cx, id, tag, outgoing));
        self.add_call(Call { id, tag, state, rings_for: None });
        id
    }

    /// Tells the caller of an incoming call that it is being worked on: 180, or 183 with a session description for
    /// early media. Statuses that are not provisional, and 100, count as 180.
    pub fn ring(&mut self, now: Now, call: CallId, status: StatusCode, body: Option<Vec<u8>>) {
        self.at(now);
        let fits = status.is_provisional() && status != StatusCode::TRYING;
        let status = if fits { status } else { StatusCode::RINGING };
        self.on_call(call, |call, cx| call.ring(cx, status, body));
    }

    /// Accepts an incoming call. `body` is the answer to the offer, or the offer when the INVITE had none.
    /// [`Event::Confirmed`] follows; without it the call ends after 32 s. The call whose place it takes is hung up.
    pub fn accept(&mut self, now: Now, call: CallId, body: Vec<u8>) {
        self.at(now);
        let mut replaced = None;
        self.on_call(call, |call, _| replaced = call.accept(body));
        if let Some(replaced) = replaced {
            self.hang_up(now, replaced);
        }
    }

    /// Refuses an incoming call, which ends it. `why` is told the other side as a Warning. A `status` that does not
    /// refuse counts as 603 (Decline).
    pub fn reject(&mut self, now: Now, call: CallId, status: StatusCode, why: Option<&str>) {
        self.at(now);
        let status = if status.code() >= 300 { status } else { StatusCode::DECLINE };
        self.on_call(call, |call, cx| call.reject(cx, status, why));
    }

    /// Ends a call in whatever state it is: by CANCEL as soon as that is allowed, by 480 to a caller that waits, by BYE
    /// later. [`Event::Failed`] or [`Event::Ended`] follows when the other side knows, or never will.
    pub fn hang_up(&mut self, now: Now, call: CallId) {
        self.at(now);
        self.on_call(call, |call, cx| call.hang_up(cx));
    }

    /// Asks what `uri` can do. [`Event::OptionsAnswered`] or [`Event::OptionsFailed`] follows.
    pub fn options(&mut self, now: Now, hop: Hop, uri: Uri) -> OptionsId {
        self.at(now);
        self.last_options += 1;
        let id = OptionsId(self.last_options);
        let contact = context::contact(&uri, &hop, &uri);
        let outgoing = OutgoingRequest {
            hops: Vec::new(),
            method: Method::Options,
            from: contact.parse().unwrap_or_else(|_| NameAddr::new(uri.clone())),
            to: NameAddr::new(uri.clone()),
            uri,
            headers: vec![(HeaderName::Contact, contact), (HeaderName::Accept, SDP.into())],
            content: None,
        };
        let request = self.cx.outside(outgoing);
        if let Some(exchange) = Exchange::new(Purpose::Options(id), request, vec![hop]) {
            self.cx.start(exchange);
        }
        id
    }

    /// Makes a request outside of calls. [`Event::Responded`] or [`Event::RequestFailed`] follows.
    pub fn request(&mut self, now: Now, mut outgoing: OutgoingRequest) -> RequestId {
        self.at(now);
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let hops = core::mem::take(&mut outgoing.hops);
        let request = self.cx.outside(outgoing);
        match Exchange::new(Purpose::Owner(id), request, hops) {
            Some(exchange) => self.cx.start(exchange),
            None => self.cx.tell_outcome(id, Err(Failure::Transport)),
        }
        id
    }

    /// The session description that OPTIONS is answered with from now on.
    pub fn set_capabilities(&mut self, body: Option<Vec<u8>>) {
        self.cx.config.capabilities = body;
    }

    /// The network says that nothing can be sent along `hop`: whatever waits there for a first answer fails now
    /// (RFC 3261 §18.4).
    pub fn transport_failed(&mut self, now: Now, hop: Hop) {
        self.at(now);
        for (key, user) in self.cx.layer.transport_failed(|one| *one == hop) {
            self.on_lost(key, user, Failure::Transport);
        }
        self.flows_broke(|one| *one == hop);
    }

    /// The streams of this agent, and its flows that are to be kept alive.
    pub fn connections(&mut self) -> &mut Connections {
        &mut self.cx.connections
    }

    /// How many calls there are.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// How many transactions there are, most of which only absorb repetitions.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.cx.layer.len()
    }

    /// Whether there is no call, nothing to send or tell, and no answer that is waited for. Transactions that only
    /// absorb repetitions may be left; to leave then costs at most that a lost last message is not repeated.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
            && self.cx.events.is_empty()
            && self.cx.layer.is_settled()
            && self.registrations.is_idle()
    }

    /// When something outside of calls has to be done.
    fn outside_deadline(&self) -> Option<Instant> {
        let watching = Instant::earliest(self.subscriptions.deadline(), self.notifier.deadline());
        let kept = Instant::earliest(self.registrations.deadline(), self.publications.deadline());
        Instant::earliest(watching, kept)
    }

    fn at(&mut self, now: Now) {
        self.cx.now = self.cx.now.max(now.mono);
    }

    fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }

    fn add_call(&mut self, call: Call) {
        self.timers.change(call.id, None, call.deadline());
        self.tags.insert(call.tag, call.id);
        self.calls.insert(call.id, call);
    }

    /// Lets something happen to a call, and forgets it when that has ended it.
    fn on_call(&mut self, id: CallId, happens: impl FnOnce(&mut Call, &mut Context)) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let before = call.deadline();
        happens(call, &mut self.cx);
        call.settle(&mut self.cx);
        self.crowd.settle(call);
        self.timers.change(id, before, call.deadline());
        if call.is_over() {
            let tag = call.tag;
            self.calls.remove(&id);
            self.tags.remove(&tag);
        }
    }

    fn on_news(&mut self, news: News) {
        match news {
            News::Message { hop, bytes } => self.on_message(hop, &bytes),
            News::Lost { hop } => {
                let is_lost = |one: &Hop| {
                    one.transport == hop.transport
                        && (one.flow == hop.flow || one.flow == Hop::ANY_STREAM && one.remote == hop.remote)
                };
                for (key, user) in self.cx.layer.transport_failed(is_lost) {
                    self.on_lost(key, user, Failure::Transport);
                }
            }
            News::FlowFailed { hop } => {
                self.flows_broke(|one| {
                    one.flow == hop.flow
                        || one.flow == Hop::ANY_STREAM
                            && (one.transport, one.remote) == (hop.transport, hop.remote)
                });
                self.cx.tell(Event::FlowFailed { hop });
            }
        }
    }

    fn on_message(&mut self, hop: Hop, bytes: &[u8]) {
        match Message::parse(bytes) {
            Ok(Message::Request(request)) => self.on_request(request, hop),
            Ok(Message::Response(response)) => self.on_response(response, hop),
            Err(error) => {
                if let Some(rejection) = error.rejection {
                    self.on_flawed(*rejection, hop);
                }
            }
        }
    }

    fn expire(&mut self) {
        self.tick_registrations();
        self.tick_subscriptions();
        self.tick_notifier();
        self.tick_publications();
        while let Some(expired) = self.cx.layer.expire(self.cx.now) {
            match expired {
                Expired::Quietly => {}
                Expired::Lost(key, user) => self.on_lost(key, user, Failure::Timeout),
                Expired::Unanswered(key) => {
                    if let Some(call) = self.cx.layer.server_user(key).map(|(user, _)| user.call) {
                        self.on_call(call, |call, cx| call.trying(cx));
                    }
                }
            }
        }
        while let Some(id) = self.timers.take_due(self.cx.now) {
            let deadline = self.calls.get(&id).and_then(Call::deadline);
            self.timers.change(id, None, deadline);
            self.on_call(id, |call, cx| call.tick(cx));
        }
    }
}

impl Machine for UserAgent {
    type Input<'a> = Arrival<'a>;
    type Event = Event;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.at(now);
        match input {
            Arrival::Datagram { flow: Flow::Udp(flow), bytes } => {
                if !self.cx.connections.is_keep_alive(self.cx.now, flow, bytes) {
                    self.on_message(flow.into(), bytes);
                }
            }
            stream => {
                self.cx.connections.handle(now, stream);
                while let Some(news) = self.cx.connections.next_news() {
                    self.on_news(news);
                }
            }
        }
        self.expire();
    }

    fn tick(&mut self, now: Now) {
        self.at(now);
        self.cx.connections.tick(now);
        self.expire();
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        loop {
            while let Some(Outgoing { hop, bytes }) = self.cx.layer.next_out() {
                if let Flow::Udp(_) = hop.flow {
                    let range = out.push(&bytes);
                    return Step::Send(Transmit { flow: hop.flow, range, dscp: Dscp::CS3 });
                }
                self.cx.connections.send(self.cx.now, &hop, bytes);
            }
            let streams = match self.cx.connections.poll(out).nested() {
                Nested::Pass(step) => return step,
                Nested::Event(news) => {
                    self.on_news(news);
                    continue;
                }
                Nested::Wait(at) => at,
            };
            if let Some(event) = self.cx.events.pop_front() {
                return Step::Event(event);
            }
            if self.tell_fresh() {
                continue;
            }
            let calls = Instant::earliest(self.cx.layer.deadline(), self.timers.next());
            let others = Instant::earliest(streams, self.outside_deadline());
            return Step::Wait(Instant::earliest(calls, others));
        }
    }
}

#[cfg(test)]
mod tests;
