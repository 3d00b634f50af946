//! Who watches whom.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{net::IpAddr, sync::Arc};

use rove_base::Instant;

use super::{StateLimits, Topic};
use crate::{
    dialog::Dialog,
    event::EventState,
    registrar::Aor,
    transaction::{Keyed, KeyedMap, Timers},
    transport::Hop,
};

/// Names a subscription; its tag in the dialog says the same.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(in crate::server) struct WatcherId(pub(super) u64);

/// All subscriptions, and what is told of those that are watched.
#[derive(Debug)]
pub(super) struct Watchers {
    limits: StateLimits,
    all: KeyedMap<WatcherId, Watcher>,
    topics: KeyedMap<Topic, Watched>,
    sources: KeyedMap<IpAddr, usize>,
    timers: Timers<WatcherId>,
    bytes: usize,
}

/// Somebody who is watched.
#[derive(Debug)]
pub(super) struct Watched {
    /// Their URI.
    pub(super) entity: String,
    /// Whether they are registered. `None`: the store has not said.
    pub(super) open: Option<bool>,
    /// What is told of them. `None`: nothing yet.
    pub(super) state: Option<Arc<EventState>>,
    by: Vec<WatcherId>,
}

/// A subscription.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) topic: Topic,
    pub(super) dialog: Dialog,
    /// What Event says, its id included.
    pub(super) event: String,
    pub(super) contact: String,
    /// The way to whom nothing else leads to.
    pub(super) flow: Option<Hop>,
    pub(super) source: IpAddr,
    pub(super) until: Instant,
    /// How many documents it was told.
    pub(super) version: u32,
    /// A NOTIFY is out.
    pub(super) asking: bool,
    /// Another is due after it, or when enough time has passed.
    pub(super) changed: bool,
    /// Not before then.
    pub(super) quiet_until: Instant,
    /// It ends with the next NOTIFY, or has.
    pub(super) over: bool,
    pub(super) bytes: usize,
    due: Option<Instant>,
}

/// A subscription that is to be.
pub(super) struct NewWatcher {
    pub(super) topic: Topic,
    pub(super) entity: String,
    pub(super) dialog: Dialog,
    pub(super) event: String,
    pub(super) contact: String,
    pub(super) flow: Option<Hop>,
    pub(super) source: IpAddr,
    pub(super) until: Instant,
    pub(super) over: bool,
}

/// Why somebody may not watch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoRoom {
    /// This source, or this user, has enough.
    Enough,
    /// There is no room for anybody.
    Full,
}

impl WatcherId {
    pub(super) fn read(tag: &str) -> Option<Self> {
        if tag.len() == 16 { u64::from_str_radix(tag, 16).ok().map(Self) } else { None }
    }

    pub(super) fn tag(self) -> String {
        format!("{:016x}", self.0)
    }
}

impl Watchers {
    pub(super) fn new(limits: StateLimits, keyed: &Keyed) -> Self {
        Self {
            limits,
            all: KeyedMap::with_hasher(keyed.clone()),
            topics: KeyedMap::with_hasher(keyed.clone()),
            sources: KeyedMap::with_hasher(keyed.clone()),
            timers: Timers::default(),
            bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Option<WatcherId> {
        let id = self.timers.take_due(now)?;
        if let Some(watcher) = self.all.get_mut(&id) {
            watcher.due = None;
        }
        Some(id)
    }

    pub(super) fn knows(&self, tag: &str) -> bool {
        WatcherId::read(tag).is_some_and(|id| self.all.contains_key(&id))
    }

    pub(super) fn get_mut(&mut self, id: WatcherId) -> Option<&mut Watcher> {
        self.all.get_mut(&id)
    }

    pub(super) fn topic_mut(&mut self, topic: &Topic) -> Option<&mut Watched> {
        self.topics.get_mut(topic)
    }

    /// Who watches them.
    pub(super) fn of(&self, topic: &Topic) -> Vec<WatcherId> {
        self.topics.get(topic).map(|watched| watched.by.clone()).unwrap_or_default()
    }

    /// Whether the presence of somebody is watched.
    pub(super) fn is_watched(&self, aor: &Aor) -> bool {
        self.topics.contains_key(&(aor.clone(), super::Package::Presence))
    }

    /// Whether one more may watch them from there.
    pub(super) fn room(&self, topic: &Topic, source: IpAddr) -> Result<(), NoRoom> {
        let of_source = self.sources.get(&source).copied().unwrap_or(0);
        let of_user = self.topics.get(topic).map_or(0, |watched| watched.by.len());
        if of_source >= self.limits.watchers_per_source || of_user >= self.limits.watchers_per_user {
            return Err(NoRoom::Enough);
        }
        let full = self.all.len() >= self.limits.watchers || self.bytes >= self.limits.bytes / 2;
        if full { Err(NoRoom::Full) } else { Ok(()) }
    }

    pub(super) fn insert(&mut self, id: WatcherId, new: NewWatcher) {
        let NewWatcher { topic, entity, dialog, event, contact, flow, source, until, over } = new;
        let texts = [&entity, &event, &contact]
            .map(String::len)
            .iter()
            .fold(0, |sum: usize, one| sum.saturating_add(*one));
        let bytes = texts.saturating_add(dialog.weight()).saturating_add(BESIDE);
        self.bytes = self.bytes.saturating_add(bytes);
        let many = self.sources.entry(source).or_default();
        *many = many.saturating_add(1);
        let watched = self.topics.entry(topic.clone()).or_insert_with(|| Watched {
            entity,
            open: None,
            state: None,
            by: Vec::new(),
        });
        watched.by.push(id);
        let watcher = Watcher {
            topic,
            dialog,
            event,
            contact,
            flow,
            source,
            until,
            version: 0,
            asking: false,
            changed: false,
            quiet_until: Instant::ZERO,
            over,
            bytes,
            due: None,
        };
        self.all.insert(id, watcher);
        self.settle(id);
    }

    /// Sets the timer of a subscription to what it waits for now.
    pub(super) fn settle(&mut self, id: WatcherId) {
        let Some(watcher) = self.all.get_mut(&id) else { return };
        let due = watcher.deadline();
        self.timers.change(id, watcher.due, due);
        watcher.due = due;
    }

    pub(super) fn remove(&mut self, id: WatcherId) {
        let Some(gone) = self.all.remove(&id) else { return };
        self.timers.change(id, gone.due, None);
        self.bytes = self.bytes.saturating_sub(gone.bytes);
        if let Some(many) = self.sources.get_mut(&gone.source) {
            *many = many.saturating_sub(1);
            if *many == 0 {
                self.sources.remove(&gone.source);
            }
        }
        if let Some(watched) = self.topics.get_mut(&gone.topic) {
            watched.by.retain(|one| *one != id);
            if watched.by.is_empty() {
                self.topics.remove(&gone.topic);
            }
        }
    }
}

impl Watcher {
    /// When it ends, or may be told what has changed meanwhile.
    fn deadline(&self) -> Option<Instant> {
        let end = (!self.over).then_some(self.until);
        let told = (self.changed && !self.asking).then_some(self.quiet_until);
        Instant::earliest(end, told)
    }
}

/// Between two NOTIFYs of one subscription (RFC 4235 §3.9; RFC 3856 §6.10 has five of it by default).
pub(super) const QUIET: Duration = Duration::from_secs(1);
/// What a subscription takes beside its texts: its places in the maps.
const BESIDE: usize = 1_024;
