//! State of users that is kept here and told to those that watch them: publications (RFC 3903), presence (RFC 3856) and
//! dialogs (RFC 4235).
//!
//! ```text
//!  PUBLISH ──▶ may ─▶ Published ─┐
//!  REGISTER ─▶ store ────────────┴▶ compose ─▶ Watchers ─▶ NOTIFY
//!  SUBSCRIBE ▶ may ─▶ Watchers
//! ```
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod compose;
mod config;
mod notify;
mod publish;
mod published;
mod subscribe;
mod watchers;

pub use config::{StateConfig, StateLimits, Watching};

pub(super) use self::watchers::WatcherId;
use self::{published::Published, watchers::Watchers};
use super::requests::Incoming;
use crate::{
    event::{DIALOG, DialogInfo, PRESENCE, Presence},
    message::{HeaderName, Method, Request},
    registrar::Aor,
    transaction::Keyed,
};

/// What is kept and told of users.
#[derive(Debug)]
pub(super) struct State {
    config: StateConfig,
    published: Published,
    watchers: Watchers,
}

/// A kind of state that is kept.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Package {
    Presence,
    Dialog,
}

/// Whose state, and of which kind.
type Topic = (Aor, Package);

impl State {
    pub(super) fn new(config: StateConfig, keyed: &Keyed) -> Self {
        let (published, watchers) =
            (Published::new(config.limits, keyed), Watchers::new(config.limits, keyed));
        Self { config, published, watchers }
    }

    /// How many publications there are, and how many watch somebody.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.published.len(), self.watchers.len())
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.published.bytes().saturating_add(self.watchers.bytes())
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<rove_base::Instant> {
        rove_base::Instant::earliest(self.published.deadline(), self.watchers.deadline())
    }

    /// Whether a request is for what is kept here, and not for the user's own devices. `here` tells whether it is for a
    /// domain of ours.
    pub(super) fn takes(&self, incoming: &Incoming, here: bool) -> bool {
        let Request { method, uri, headers, .. } = &incoming.request;
        let of_user =
            || here && uri.as_sip().is_some_and(|uri| uri.user().is_some() && !uri.params.has("gr"));
        let is_outside = || headers.to_tag().is_ok_and(|tag| tag.is_none());
        match method {
            Method::Publish => self.config.keep && of_user() && is_outside(),
            Method::Subscribe if is_outside() => {
                self.config.keep && of_user() && self.tells(&incoming.request)
            }
            // Inside a dialog of ours, which goes on whatever it is for.
            Method::Subscribe => headers.to_tag().ok().flatten().is_some_and(|tag| self.watchers.knows(tag)),
            _ => false,
        }
    }

    /// Whether what somebody wants to watch is known here: presence always; dialogs, which are a device's own to tell, where
    /// they were published.
    fn tells(&self, request: &Request) -> bool {
        match (Package::of(request), Aor::of_uri(&request.uri)) {
            (Some(Package::Presence), Some(_)) => true,
            (Some(package), Some(aor)) => self.published.of(&(aor, package)).next().is_some(),
            (_, None) | (None, _) => false,
        }
    }
}

impl Package {
    const ALL: [Self; 2] = [Self::Dialog, Self::Presence];

    /// What Event says. `None` for another package than those that are kept.
    fn of(request: &Request) -> Option<Self> {
        let event = request.headers.optional::<crate::message::Event>(&HeaderName::Event).ok().flatten()?;
        Self::ALL.into_iter().find(|package| *package.name() == *event.package.as_str())
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Presence => PRESENCE,
            Self::Dialog => DIALOG,
        }
    }

    /// The media type of its documents.
    const fn kind(self) -> &'static str {
        match self {
            Self::Presence => Presence::KIND,
            Self::Dialog => DialogInfo::KIND,
        }
    }
}

/// What Allow-Events says.
const PACKAGES: &str = "dialog, presence";
