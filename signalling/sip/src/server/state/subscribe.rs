//! SUBSCRIBE: who may watch whom, and for how long (RFC 6665 §4.2.1, RFC 3856 §6, RFC 4235 §3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use super::{
    Package, Topic, Watching,
    watchers::{NewWatcher, NoRoom, WatcherId},
};
use crate::{
    dialog::Dialog,
    message::{HeaderName, Method, Request, Response, SipUri, StatusCode},
    registrar::{Aor, Ask, RegistryStore, is_bound},
    server::{Asked, SipServer, requests::Incoming, shared::ServerUse},
    transaction::Outgoing,
};

impl<R: RegistryStore> SipServer<R> {
    /// PUBLISH, or SUBSCRIBE to what is kept here.
    pub(in crate::server) fn on_state(&mut self, incoming: &Incoming) {
        let Incoming { request, reply, key, .. } = incoming;
        match request.headers.require() {
            Ok(required) if required.is_empty() => {}
            Ok(required) => {
                let mut response = self.core.plain(reply, *key, StatusCode::BAD_EXTENSION);
                response.headers.push(HeaderName::Unsupported, required.join(", "));
                return self.core.answer(reply, &response);
            }
            Err(_) => return self.core.refuse(reply, *key, StatusCode::BAD_REQUEST),
        }
        let tag = request.headers.to_tag().ok().flatten();
        match (&request.method, tag.and_then(WatcherId::read)) {
            (Method::Publish, _) => self.on_publish(incoming),
            (_, Some(id)) => self.on_resubscribe(incoming, id),
            (_, None) => self.on_subscribe(incoming),
        }
    }

    fn on_subscribe(&mut self, incoming: &Incoming) {
        let Incoming { reply, key, hop, .. } = incoming;
        if self.lacks_memory(false) {
            return self.overloaded(reply, *key);
        }
        let source = hop.remote.ip().to_canonical();
        let accepted = self.watcher(incoming).and_then(|(id, expires, new)| {
            match self.state.watchers.room(&new.topic, source) {
                Ok(()) => Ok((id, expires, new)),
                Err(NoRoom::Enough) => Err(Some(self.core.plain(reply, *key, StatusCode::FORBIDDEN))),
                Err(NoRoom::Full) => Err(None),
            }
        });
        match accepted {
            Ok((id, expires, new)) => {
                let (topic, contact) = (new.topic.clone(), new.contact.clone());
                self.accept_watcher(incoming, id, &contact, expires);
                self.state.watchers.insert(id, new);
                self.begin_telling(id, topic);
            }
            Err(Some(refusal)) => self.core.answer(reply, &refusal),
            Err(None) => self.overloaded(reply, *key),
        }
    }

    /// A subscription as it is asked for, when it may be.
    fn watcher(
        &mut self,
        incoming: &Incoming,
    ) -> Result<(WatcherId, Duration, NewWatcher), Option<Response>> {
        let Incoming { request, reply, key, hop, vias } = incoming;
        let refuse = |server: &Self, status| Some(server.core.plain(reply, *key, status));
        let Some(uri) = request.uri.as_sip() else {
            return Err(refuse(self, StatusCode::UNSUPPORTED_URI_SCHEME));
        };
        let Some(package) = Package::of(request) else { return Err(refuse(self, StatusCode::BAD_EVENT)) };
        let aor = Aor::of(uri);
        self.may_watch(incoming, &aor, package).map_err(Some)?;
        let expires = self.watched_for(incoming)?;
        if !takes(request, package.kind()) {
            return Err(refuse(self, StatusCode::NOT_ACCEPTABLE));
        }
        let id = WatcherId(self.core.entropy.next_u64());
        let Ok(dialog) = Dialog::of_callee(request, &id.tag(), *hop) else {
            return Err(refuse(self, StatusCode::BAD_REQUEST));
        };
        let first = vias.first().filter(|_| vias.len() == 1);
        let flow = first.filter(|via| is_bound(via, Some(dialog.target()), *hop)).map(|_| *hop);
        let new = NewWatcher {
            topic: (aor, package),
            entity: entity(uri),
            event: request.headers.get(&HeaderName::Event).unwrap_or_default().to_owned(),
            contact: format!("<{}>", SipUri::at(hop.local).over(hop.transport)),
            dialog,
            flow,
            source: hop.remote.ip().to_canonical(),
            until: self.core.now.later(expires).mono,
            over: expires.is_zero(),
        };
        Ok((id, expires, new))
    }

    /// Whether whoever asks may watch this user. Who may not hears the same of users that do not exist: for presence, that it
    /// is forbidden; for dialogs, which devices tell of as well, that nobody is there. Asked like the sender of any request
    /// that is passed on, so that this does not show either what is kept here.
    fn may_watch(&mut self, incoming: &Incoming, whom: &Aor, package: Package) -> Result<(), Response> {
        let Incoming { request, reply, key, hop, .. } = incoming;
        let config = &self.state.config;
        if config.watching == Watching::Anybody && config.shown_to.is_empty() {
            return Ok(());
        }
        let from = request.headers.from().ok().and_then(|from| Some(from.uri.as_sip()?.clone()));
        let from = from.filter(|from| self.core.ours.domains.contains(&from.host));
        let mut name = from.as_ref().and_then(SipUri::user_bytes);
        if name.is_some() && self.verifier.is_some() {
            let user = self.prove(request, *hop, &HeaderName::ProxyAuthorization).map_err(|refusal| {
                self.challenge(incoming, refusal, StatusCode::PROXY_AUTHENTICATION_REQUIRED)
            })?;
            name = name.filter(|name| *name == user.as_bytes());
        }
        let known = self.verifier.as_ref().is_none_or(|verifier| verifier.has_user(whom.user()));
        let config = &self.state.config;
        let own = name.as_deref() == Some(whom.user());
        let listed = core::str::from_utf8(whom.user()).ok().and_then(|user| config.shown_to.get(user));
        let may = match (listed, config.watching) {
            _ if own => true,
            (Some(others), _) => name
                .as_deref()
                .and_then(|name| core::str::from_utf8(name).ok())
                .is_some_and(|name| others.contains(name)),
            (None, Watching::Anybody) => true,
            (None, Watching::Users) => name.is_some(),
            (None, Watching::Nobody) => false,
        };
        let refused = match package {
            Package::Presence => StatusCode::FORBIDDEN,
            Package::Dialog => StatusCode::TEMPORARILY_UNAVAILABLE,
        };
        if may && known { Ok(()) } else { Err(self.core.plain(reply, *key, refused)) }
    }

    /// How long somebody wants to watch; `Err` is the answer when that is too short.
    fn watched_for(&self, incoming: &Incoming) -> Result<Duration, Option<Response>> {
        let Incoming { request, reply, key, .. } = incoming;
        let Ok(seconds) = request.headers.expires() else {
            return Err(Some(self.core.plain(reply, *key, StatusCode::BAD_REQUEST)));
        };
        let seconds = seconds.unwrap_or(USUAL);
        if seconds > 0 && seconds < LEAST {
            let mut response = self.core.plain(reply, *key, StatusCode::INTERVAL_TOO_BRIEF);
            response.headers.push(HeaderName::MinExpires, LEAST.to_string());
            return Err(Some(response));
        }
        Ok(Duration::from_secs(seconds.min(MOST).into()))
    }

    /// SUBSCRIBE inside the dialog of a subscription.
    fn on_resubscribe(&mut self, incoming: &Incoming, id: WatcherId) {
        let Incoming { request, reply, key, .. } = incoming;
        let expires = match self.watched_for(incoming) {
            Ok(expires) => expires,
            Err(Some(refusal)) => return self.core.answer(reply, &refusal),
            Err(None) => return,
        };
        let headers = &request.headers;
        let (Ok(call_id), Ok(from), Ok(cseq)) = (headers.call_id(), headers.from(), headers.cseq()) else {
            return;
        };
        let event = headers.get(&HeaderName::Event).unwrap_or_default();
        let same = |watcher: &super::watchers::Watcher| {
            let ours = watcher.event.parse::<crate::message::Event>().ok();
            ours.zip(event.parse().ok()).is_some_and(|(ours, theirs)| ours.matches(&theirs))
                && watcher.dialog.is_with(call_id, from.tag().unwrap_or_default())
                && !watcher.over
        };
        let Some(watcher) = self.state.watchers.get_mut(id).filter(|watcher| same(watcher)) else {
            return self.core.refuse(reply, *key, StatusCode::CALL_DOES_NOT_EXIST);
        };
        if !watcher.dialog.in_order(cseq.number) {
            return self.core.refuse(reply, *key, StatusCode::SERVER_INTERNAL_ERROR);
        }
        if let Some(contact) = headers.contact().ok().flatten() {
            watcher.dialog.refresh_target(contact.uri);
        }
        watcher.until = self.core.now.later(expires).mono;
        watcher.over = expires.is_zero();
        // Who asks again is told again, at once (RFC 6665 §4.2.1.2).
        watcher.quiet_until = self.core.now.mono;
        let contact = watcher.contact.clone();
        self.accept_watcher(incoming, id, &contact, expires);
        self.notify(id);
    }

    /// 200 with the time that was granted.
    fn accept_watcher(&mut self, incoming: &Incoming, id: WatcherId, contact: &str, expires: Duration) {
        let Incoming { request, reply, key, .. } = incoming;
        let mut response = reply.response(StatusCode::OK, &id.tag());
        let headers = &mut response.headers;
        headers.copy(&HeaderName::RecordRoute, &request.headers);
        headers.push(HeaderName::Contact, contact);
        headers.push(HeaderName::Expires, expires.as_secs().to_string());
        if !self.core.config.name.is_empty() {
            headers.push(HeaderName::Server, self.core.config.name.as_str());
        }
        let outgoing = Outgoing { hop: reply.hop(), bytes: self.core.response_bytes(&response) };
        let (now, status) = (self.core.now.mono, StatusCode::OK.code());
        self.core.layer.answered(now, *key, status, outgoing, ServerUse { relay: None });
    }

    /// Tells a new watcher how things are, as soon as that is known.
    fn begin_telling(&mut self, id: WatcherId, topic: Topic) {
        let asks = topic.1 == Package::Presence
            && self.state.watchers.topic_mut(&topic).is_some_and(|watched| watched.open.is_none());
        if asks {
            return self.find_watched(topic.0);
        }
        self.compose(&topic);
        self.notify(id);
    }

    /// Asks the store whether somebody is registered.
    pub(super) fn find_watched(&mut self, aor: Aor) {
        let ask = self.core.next_ask();
        self.asked.insert(ask, Asked::Watched(aor.clone()));
        self.store.ask(self.core.now, ask, Ask::Find(aor));
        self.answers();
    }
}

/// Whose state a document is about: the URI without what is not part of the name.
fn entity(uri: &SipUri) -> String {
    let user = uri.user().map(|user| format!("{user}@")).unwrap_or_default();
    format!("sip:{user}{}", uri.host)
}

/// Whether Accept lets documents of this kind through; without it all of the package are taken.
fn takes(request: &Request, kind: &str) -> bool {
    if request.headers.get(&HeaderName::Accept).is_none() {
        return true;
    }
    let ranges = request.headers.all(&HeaderName::Accept).flat_map(|line| line.split(','));
    let mut ranges = ranges.map(|range| range.split(';').next().unwrap_or_default().trim());
    ranges.any(|range| {
        range == "*/*" || range.eq_ignore_ascii_case("application/*") || range.eq_ignore_ascii_case(kind)
    })
}

/// Seconds that a subscription stands when nothing is asked for, at least, and at most.
const USUAL: u32 = 3_600;
const LEAST: u32 = 30;
const MOST: u32 = 86_400;
