//! Event state that we publish at a server, and keep there (RFC 3903 §4).
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
    Event, Failure, OutgoingRequest, PublicationId, UserAgent, caller,
    context::Context,
    request::{Exchange, Outcome, Purpose},
};
use crate::{
    message::{HeaderName, Method, NameAddr},
    transport::Hop,
};

/// State to be published.
#[derive(Clone, Debug)]
pub struct Publishing {
    /// The ways that may be taken, best first.
    pub hops: Vec<Hop>,
    /// Whose state it is: From, To and Request-URI.
    pub entity: NameAddr,
    /// The event package, such as [`PRESENCE`](crate::event::PRESENCE).
    pub package: String,
    /// What the document is.
    pub kind: String,
    /// The document.
    pub body: Vec<u8>,
    /// How long it is to stand without being refreshed.
    pub expires: Duration,
    /// Route, and what else is to be said.
    pub headers: Vec<(HeaderName, String)>,
}

/// All that an agent publishes.
#[derive(Debug, Default)]
pub(super) struct Publications {
    all: BTreeMap<u64, Publication>,
    last: u64,
}

#[derive(Debug)]
struct Publication {
    wanted: Publishing,
    /// Names the state at the server (RFC 3903 §3).
    etag: Option<String>,
    expires: Duration,
    asking: bool,
    /// What is to be sent as soon as the one before is answered.
    next: Option<Act>,
    refresh: Option<Instant>,
    /// A wish for a longer time, or a lost name, was followed once.
    retried: bool,
    leaving: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Act {
    Publish,
    Refresh,
    Remove,
}

impl UserAgent {
    /// Publishes state, and keeps it published. [`Event::Published`] or [`Event::PublicationFailed`] follows.
    pub fn publish(&mut self, now: Now, wanted: Publishing) -> PublicationId {
        self.at(now);
        self.publications.last = self.publications.last.saturating_add(1);
        let id = self.publications.last;
        let expires = wanted.expires;
        let mut one = Publication {
            wanted,
            etag: None,
            expires,
            asking: false,
            next: None,
            refresh: None,
            retried: false,
            leaving: false,
        };
        one.act(&mut self.cx, id, Act::Publish);
        self.publications.all.insert(id, one);
        PublicationId(id)
    }

    /// Publishes another document in its place.
    pub fn republish(&mut self, now: Now, publication: PublicationId, body: Vec<u8>) {
        self.at(now);
        if let Some(one) = self.publications.all.get_mut(&publication.0) {
            one.wanted.body = body;
            one.act(&mut self.cx, publication.0, Act::Publish);
        }
    }

    /// Takes it back. [`Event::Unpublished`] follows.
    pub fn unpublish(&mut self, now: Now, publication: PublicationId) {
        self.at(now);
        if let Some(one) = self.publications.all.get_mut(&publication.0) {
            one.leaving = true;
            one.act(&mut self.cx, publication.0, Act::Remove);
        }
    }

    /// What has become of a PUBLISH.
    pub(super) fn on_published(&mut self, id: u64, outcome: Outcome) {
        let Some(one) = self.publications.all.get_mut(&id) else { return };
        let publication = PublicationId(id);
        one.asking = false;
        let failure = match outcome.result {
            Ok(response) if response.status.is_success() => {
                let removed = outcome.request.headers.expires() == Ok(Some(0));
                if removed {
                    self.publications.all.remove(&id);
                    return self.cx.tell(Event::Unpublished { publication });
                }
                let time = response.headers.expires().ok().flatten();
                let time = time.map_or(one.expires, |seconds| Duration::from_secs(seconds.into()));
                one.etag = etag().and_then(|(tag, _)| response.headers.get(&tag).map(str::to_owned));
                (one.refresh, one.retried) = (Some(self.cx.now.later(time.mul_f64(0.85))), false);
                self.cx.tell(Event::Published { publication, expires: time });
                if let Some(next) = one.next.take() {
                    one.act(&mut self.cx, id, next);
                }
                return;
            }
            // The server does not know the name any more: from the beginning (RFC 3903 §4.1).
            Ok(response) if response.status.code() == 412 && !one.retried && !one.leaving => {
                (one.etag, one.retried) = (None, true);
                return one.act(&mut self.cx, id, Act::Publish);
            }
            Ok(response) if response.status.code() == 423 && !one.retried && !one.leaving => {
                let least =
                    response.headers.get(&HeaderName::MinExpires).and_then(|text| text.parse::<u32>().ok());
                one.retried = true;
                one.expires =
                    least.map_or(one.expires, |seconds| Duration::from_secs(seconds.into())).min(MOST);
                return one.act(&mut self.cx, id, Act::Publish);
            }
            Ok(response) => caller::refusal(response),
            Err(failure) => failure,
        };
        self.publication_failed(id, failure);
    }

    fn publication_failed(&mut self, id: u64, failure: Failure) {
        let Some(one) = self.publications.all.remove(&id) else { return };
        let publication = PublicationId(id);
        self.cx.tell(match one.leaving {
            true => Event::Unpublished { publication },
            false => Event::PublicationFailed { publication, failure },
        });
    }

    pub(super) fn tick_publications(&mut self) {
        let now = self.cx.now;
        for (id, one) in &mut self.publications.all {
            if one.refresh.take_if(|at| *at <= now).is_some() {
                one.act(&mut self.cx, *id, Act::Refresh);
            }
        }
    }
}

impl Publications {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.all.values().filter_map(|one| one.refresh).min()
    }
}

impl Publication {
    /// Sends PUBLISH, now or as soon as the one before is answered.
    fn act(&mut self, cx: &mut Context, id: u64, act: Act) {
        if self.asking {
            self.next = Some(act);
            return;
        }
        self.asking = true;
        self.refresh = None;
        let expires = if act == Act::Remove { Duration::ZERO } else { self.expires };
        let mut headers = self.wanted.headers.clone();
        headers.push((HeaderName::Event, self.wanted.package.clone()));
        headers.push((HeaderName::Expires, expires.as_secs().to_string()));
        if let (Some(known), Some((_, name))) = (&self.etag, etag()) {
            headers.push((name, known.clone()));
        }
        let with_body = act == Act::Publish || self.etag.is_none();
        let content =
            (with_body && act != Act::Remove).then(|| (self.wanted.kind.clone(), self.wanted.body.clone()));
        let request = cx.outside(OutgoingRequest {
            hops: Vec::new(),
            method: Method::Publish,
            uri: self.wanted.entity.uri.clone(),
            from: self.wanted.entity.clone(),
            to: self.wanted.entity.clone(),
            headers,
            content,
        });
        if let Some(exchange) = Exchange::new(Purpose::Publication(id), request, self.wanted.hops.clone()) {
            cx.start(exchange);
        }
    }
}

/// SIP-ETag and SIP-If-Match.
fn etag() -> Option<(HeaderName, HeaderName)> {
    Some(("SIP-ETag".parse().ok()?, "SIP-If-Match".parse().ok()?))
}

/// A server that wants a longer time is not obeyed.
const MOST: Duration = Duration::from_secs(7 * 86_400);
