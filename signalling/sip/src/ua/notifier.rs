//! Events that others ask us for: SUBSCRIBE taken, NOTIFY sent at once and with each change (RFC 6665 §4.2).
//!
//! Only what the owner has given a state for can be watched; anything else is no event here.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    sync::Arc,
};

use rove_base::{Instant, Now};

use super::{
    Event, UserAgent,
    context::{Context, LocalTag, ServerUse, contact},
    reply::Reply,
    request::{Exchange, Outcome, Purpose},
};
use crate::{
    dialog::Dialog,
    event::EventState,
    message::{HeaderName, Method, Request, StatusCode},
    transaction::{Outgoing, ServerKey},
    transport::Hop,
};

/// What can be watched, and who does.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    states: BTreeMap<String, Arc<EventState>>,
    watchers: BTreeMap<u64, Watcher>,
    /// Those that have not been told anything: the owner may have newer state for them.
    fresh: VecDeque<u64>,
    last: u64,
}

#[derive(Debug)]
struct Watcher {
    tag: LocalTag,
    dialog: Dialog,
    package: String,
    contact: String,
    /// Whose it is, for the bound on how many one source may have.
    source: IpAddr,
    until: Instant,
    /// How many documents it was told.
    version: u32,
    /// What it was told last. `None`: it is to be told everything.
    told: Option<Arc<EventState>>,
    /// A NOTIFY is out, after which another is due when the state has changed meanwhile.
    asking: bool,
    changed: bool,
    over: bool,
}

impl UserAgent {
    /// The state of an event package from now on: whoever watches it is told. `None` takes the package away.
    pub fn set_state(&mut self, now: Now, package: &str, state: Option<EventState>) {
        self.at(now);
        let package = &package.to_ascii_lowercase();
        let before = match state {
            Some(state) if self.notifier.states.get(package).is_some_and(|known| **known == state) => return,
            Some(state) => self.notifier.states.insert(package.clone(), Arc::new(state)),
            None => self.notifier.states.remove(package),
        };
        if before.is_none() && !self.notifier.states.contains_key(package) {
            return;
        }
        self.notifier.notify_all(&mut self.cx, package);
    }

    /// How many watch an event of ours.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.notifier.watchers.len()
    }

    /// SUBSCRIBE without a tag in To.
    pub(super) fn on_subscribe(&mut self, request: &Request, reply: &Reply, key: ServerKey, arrival: Hop) {
        let cx = &mut self.cx;
        let package = package_of(request);
        if !self.notifier.states.contains_key(&package) {
            let mut response = cx.plain(reply, key, StatusCode::BAD_EVENT);
            let known: Vec<&str> = self.notifier.states.keys().map(String::as_str).collect();
            if !known.is_empty() {
                response.headers.push(HeaderName::AllowEvents, known.join(", "));
            }
            return cx.send_statelessly(reply, response);
        }
        let Some(expires) = asked_for(cx, request, reply, key) else { return };
        if cx.layer.is_full() || self.notifier.watchers.len() >= cx.config.max_watchers {
            self.crowd.refused.watching = self.crowd.refused.watching.saturating_add(1);
            return cx.answer_unavailable(reply, key);
        }
        let source = arrival.remote.ip().to_canonical();
        let of_source = self.notifier.watchers.values().filter(|one| one.source == source).count();
        if of_source >= cx.config.max_watchers_per_source {
            self.crowd.refused.watching = self.crowd.refused.watching.saturating_add(1);
            let mut response = cx.plain(reply, key, StatusCode::FORBIDDEN);
            response.reason = "Too many subscriptions".into();
            return cx.send_statelessly(reply, response);
        }
        let tag = cx.new_tag();
        let Ok(dialog) = Dialog::of_callee(request, &tag.to_string(), arrival) else {
            return cx.answer_statelessly(reply, key, StatusCode::BAD_REQUEST);
        };
        let contact = contact(&request.uri, &arrival, &request.uri);
        accept(cx, reply, key, tag, &contact, expires);
        self.notifier.last = self.notifier.last.saturating_add(1);
        let id = self.notifier.last;
        let until = cx.now.later(expires);
        let watcher = Watcher {
            tag,
            dialog,
            package,
            contact,
            source,
            until,
            version: 0,
            told: None,
            asking: false,
            changed: false,
            over: expires.is_zero(),
        };
        if let Ok(from) = request.headers.from() {
            cx.tell(Event::Watched { package: watcher.package.clone(), by: from });
        }
        self.notifier.watchers.insert(id, watcher);
        self.notifier.fresh.push_back(id);
    }

    /// Tells those that have just come how things are. `true` when there were some.
    pub(super) fn tell_fresh(&mut self) -> bool {
        let Notifier { states, watchers, fresh, .. } = &mut self.notifier;
        let Some(id) = fresh.pop_front() else { return false };
        if let Some(watcher) = watchers.get_mut(&id).filter(|one| one.version == 0 && !one.asking) {
            watcher.notify(&mut self.cx, id, states);
        }
        true
    }

    /// SUBSCRIBE inside a dialog. `false` when it belongs to nobody who watches.
    pub(super) fn on_resubscribe(
        &mut self,
        tag: LocalTag,
        request: &Request,
        reply: &Reply,
        key: ServerKey,
    ) -> bool {
        let Notifier { states, watchers, .. } = &mut self.notifier;
        let Some((&id, watcher)) = watchers.iter_mut().find(|(_, watcher)| watcher.tag == tag) else {
            return false;
        };
        let cx = &mut self.cx;
        let headers = &request.headers;
        let (Ok(call_id), Ok(from), Ok(cseq)) = (headers.call_id(), headers.from(), headers.cseq()) else {
            return true;
        };
        if !watcher.dialog.is_with(call_id, from.tag().unwrap_or_default()) || watcher.over {
            cx.answer_statelessly(reply, key, StatusCode::CALL_DOES_NOT_EXIST);
        } else if !watcher.dialog.in_order(cseq.number) {
            cx.answer_statelessly(reply, key, StatusCode::SERVER_INTERNAL_ERROR);
        } else if let Some(expires) = asked_for(cx, request, reply, key) {
            accept(cx, reply, key, tag, &watcher.contact, expires);
            if let Some(contact) = headers.contact().ok().flatten() {
                watcher.dialog.refresh_target(contact.uri);
            }
            watcher.until = cx.now.later(expires);
            watcher.over = expires.is_zero();
            // Who asks again is told everything (RFC 4575 §4.6).
            watcher.told = None;
            watcher.notify(cx, id, states);
        }
        true
    }

    /// What has become of a NOTIFY.
    pub(super) fn on_notified(&mut self, id: u64, outcome: &Outcome) {
        let Notifier { states, watchers, .. } = &mut self.notifier;
        let Some(watcher) = watchers.get_mut(&id) else { return };
        watcher.asking = false;
        let heard = outcome.result.as_ref().is_ok_and(|response| response.status.is_success());
        if !heard || watcher.over && !watcher.changed {
            watchers.remove(&id);
        } else if watcher.changed {
            watcher.notify(&mut self.cx, id, states);
        }
    }

    pub(super) fn tick_notifier(&mut self) {
        let Notifier { states, watchers, .. } = &mut self.notifier;
        let now = self.cx.now;
        for (id, watcher) in watchers.iter_mut().filter(|(_, one)| !one.over && one.until <= now) {
            watcher.over = true;
            watcher.notify(&mut self.cx, *id, states);
        }
    }
}

impl Notifier {
    fn notify_all(&mut self, cx: &mut Context, package: &str) {
        let watching = self.watchers.iter_mut().filter(|(_, one)| one.package.eq_ignore_ascii_case(package));
        for (id, watcher) in watching {
            watcher.over |= !self.states.contains_key(&watcher.package);
            watcher.notify(cx, *id, &self.states);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.watchers.values().filter(|one| !one.over).map(|one| one.until).min()
    }
}

impl Watcher {
    /// Sends NOTIFY with the state as it is, now or as soon as the one before is answered.
    fn notify(&mut self, cx: &mut Context, id: u64, states: &BTreeMap<String, Arc<EventState>>) {
        if core::mem::replace(&mut self.asking, true) {
            self.changed = true;
            return;
        }
        self.changed = false;
        let hop = self.dialog.next_hop(&cx.config.local);
        let mut request = self.dialog.request(Method::Notify);
        let headers = &mut request.headers;
        headers.push(HeaderName::Event, self.package.as_str());
        let left = self.until.since(cx.now).as_secs();
        let document = states.get(&self.package);
        headers.push(
            HeaderName::SubscriptionState,
            match (self.over, document) {
                (true, None) => "terminated;reason=noresource".to_owned(),
                (true, Some(_)) => "terminated;reason=timeout".to_owned(),
                (false, _) => format!("active;expires={left}"),
            },
        );
        headers.push(HeaderName::Contact, self.contact.as_str());
        if let Some(state) = document {
            headers.push(HeaderName::ContentType, state.kind());
            request.body = state.document(self.version, self.told.as_deref());
            self.version = self.version.saturating_add(1);
            self.told = Some(Arc::clone(state));
        }
        cx.sign_request(&mut request);
        if let Some(exchange) = Exchange::new(Purpose::Notification(id), request, vec![hop]) {
            cx.start(exchange);
        }
    }
}

/// 200 with the time that was granted, kept by a transaction.
fn accept(cx: &mut Context, reply: &Reply, key: ServerKey, tag: LocalTag, contact: &str, expires: Duration) {
    let mut response = reply.response(StatusCode::OK, &tag.to_string());
    response.headers.push(HeaderName::Contact, contact);
    response.headers.push(HeaderName::Expires, expires.as_secs().to_string());
    cx.sign_response(&mut response);
    let response = Outgoing { hop: reply.hop(), bytes: cx.response_bytes(&response) };
    cx.layer.answered(cx.now, key, StatusCode::OK.code(), response, ServerUse::of_nobody(tag));
}

/// How long somebody wants to watch, an hour when nothing is said; refused with 423 when that is too short.
fn asked_for(cx: &mut Context, request: &Request, reply: &Reply, key: ServerKey) -> Option<Duration> {
    let seconds = request.headers.expires().ok().flatten().unwrap_or(USUAL);
    if seconds > 0 && seconds < LEAST {
        let mut response = cx.plain(reply, key, StatusCode::INTERVAL_TOO_BRIEF);
        response.headers.push(HeaderName::MinExpires, LEAST.to_string());
        cx.send_statelessly(reply, response);
        return None;
    }
    Some(Duration::from_secs(seconds.min(MOST).into()))
}

fn package_of(request: &Request) -> String {
    let event = request.headers.get(&HeaderName::Event).unwrap_or_default();
    event.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Seconds that a subscription stands when nothing is asked for, at least, and at most.
const USUAL: u32 = 3_600;
const LEAST: u32 = 30;
const MOST: u32 = 86_400;
