//! What users have published: kept by entity-tag until it ends (RFC 3903 §6).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::BTreeSet;

use rove_base::Instant;

use super::{Package, StateLimits, Topic};
use crate::{
    event::{DialogInfo, Presence, XmlError},
    transaction::{Keyed, KeyedMap},
};

/// All publications.
#[derive(Debug)]
pub(super) struct Published {
    limits: StateLimits,
    kept: KeyedMap<Topic, Vec<Publication>>,
    ends: BTreeSet<(Instant, Topic, u64)>,
    count: usize,
    bytes: usize,
}

/// One publication.
#[derive(Debug)]
struct Publication {
    tag: u64,
    until: Instant,
    document: Document,
}

/// A document, as it came and as it is understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Document {
    /// With what other namespaces have added.
    Presence(Presence, Vec<u8>),
    Dialogs(DialogInfo, usize),
}

/// What a PUBLISH wants.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The entity-tag it names. `None`: it is the first of its publication.
    pub(super) known: Option<u64>,
    /// Its body. `None`: what was published stands.
    pub(super) document: Option<Document>,
    /// Until when. `None`: it is taken back.
    pub(super) until: Option<Instant>,
    /// What it is called from now on.
    pub(super) tag: u64,
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    /// There is no publication with this entity-tag.
    Unknown,
    /// The first PUBLISH of a publication has nothing to publish.
    Empty,
    /// There is no room.
    Full,
}

impl Document {
    pub(super) fn read(package: Package, body: &[u8]) -> Result<Self, XmlError> {
        Ok(match package {
            Package::Presence => Self::Presence(Presence::read(body)?, body.to_vec()),
            Package::Dialog => Self::Dialogs(DialogInfo::read(body)?, body.len()),
        })
    }

    /// About how much it takes: as text, and as what is understood of it.
    const fn bytes(&self) -> usize {
        match self {
            Self::Presence(_, body) => body.len().saturating_mul(3),
            Self::Dialogs(_, length) => length.saturating_mul(3),
        }
    }
}

impl Published {
    pub(super) fn new(limits: StateLimits, keyed: &Keyed) -> Self {
        let kept = KeyedMap::with_hasher(keyed.clone());
        Self { limits, kept, ends: BTreeSet::new(), count: 0, bytes: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.ends.first().map(|(at, ..)| *at)
    }

    /// What somebody has published, the oldest first.
    pub(super) fn of(&self, topic: &Topic) -> impl Iterator<Item = &Document> {
        self.kept.get(topic).into_iter().flatten().map(|one| &one.document)
    }

    /// Whether there is a publication with this entity-tag.
    pub(super) fn knows(&self, topic: &Topic, tag: u64) -> bool {
        self.kept.get(topic).is_some_and(|all| all.iter().any(|one| one.tag == tag))
    }

    /// Does what a PUBLISH wants, all of it or nothing. Answers whether anything else is published now than before.
    pub(super) fn publish(&mut self, topic: &Topic, wanted: Wanted) -> Result<bool, Refused> {
        let all = self.kept.get(topic).map_or(&[][..], Vec::as_slice);
        let before = match wanted.known {
            None => None,
            Some(tag) => Some(all.iter().find(|one| one.tag == tag).ok_or(Refused::Unknown)?),
        };
        let Some(until) = wanted.until else {
            return Ok(wanted.known.is_some_and(|tag| self.remove(topic, tag).is_some()));
        };
        let had = before.map_or(0, Publication::bytes);
        let document = match (wanted.document, before) {
            (Some(document), _) => document,
            (None, Some(before)) => before.document.clone(),
            (None, None) => return Err(Refused::Empty),
        };
        let publication = Publication { tag: wanted.tag, until, document };
        let full = all.len() >= self.limits.publications_per_user || self.count >= self.limits.publications;
        let bytes = self.bytes.saturating_sub(had).saturating_add(publication.bytes());
        if before.is_none() && full || publication.bytes() > had && bytes > self.limits.bytes / 2 {
            return Err(Refused::Full);
        }
        let gone = wanted.known.and_then(|tag| self.remove(topic, tag));
        let same = gone.as_ref().is_some_and(|(_, gone)| gone.document == publication.document);
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(publication.bytes());
        self.ends.insert((until, topic.clone(), publication.tag));
        let all = self.kept.entry(topic.clone()).or_default();
        // In the place of what it was, so that refreshing changes nothing of what is told.
        all.insert(gone.map_or(all.len(), |(at, _)| at.min(all.len())), publication);
        Ok(!same)
    }

    /// Forgets what has ended by now; answers one topic that it was about. `None`: nothing has.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Topic> {
        let (_, topic, tag) = self.ends.first().filter(|(at, ..)| *at <= now).cloned()?;
        self.remove(&topic, tag);
        Some(topic)
    }

    fn remove(&mut self, topic: &Topic, tag: u64) -> Option<(usize, Publication)> {
        let all = self.kept.get_mut(topic)?;
        let at = all.iter().position(|one| one.tag == tag)?;
        let gone = all.remove(at);
        if all.is_empty() {
            self.kept.remove(topic);
        }
        self.ends.remove(&(gone.until, topic.clone(), tag));
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(gone.bytes());
        Some((at, gone))
    }
}

impl Publication {
    const fn bytes(&self) -> usize {
        self.document.bytes().saturating_add(BESIDE)
    }
}

/// What a publication takes beside its document: its places in the maps, with the names in them.
const BESIDE: usize = 512;
