//! Going through a zone piece by piece while it changes.
//!
//! Every name has a place that it keeps as long as it exists. A walk goes from place to place and tells what each name
//! owned when the walk began: what a name owned before it changed is kept for the walks that have not passed it.

use super::{Contents, Zone};
use crate::wire::Name;

/// A walk that has not ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct WalkId(u64);

/// What a step of a walk comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Walked {
    /// A name, and what it owned when the walk began.
    Name(Name, Contents),
    /// Nothing here, but the walk goes on.
    Nothing,
    /// That was all.
    End,
}

/// The places of a zone's names.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    names: Vec<Option<Name>>,
    free: Vec<u32>,
}

impl Places {
    /// A place for a new name.
    pub(super) fn take(&mut self, name: Name) -> u32 {
        if let Some(place) = self.free.pop() {
            if let Some(slot) = self.names.get_mut(index(place)) {
                *slot = Some(name);
            }
            return place;
        }
        self.names.push(Some(name));
        u32::try_from(self.names.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    pub(super) fn leave(&mut self, place: u32) {
        if let Some(slot) = self.names.get_mut(index(place)) {
            *slot = None;
            self.free.push(place);
        }
    }
}

/// One walk.
#[derive(Clone, Debug)]
struct Walk {
    id: u64,
    /// The next place.
    at: usize,
    /// The zone's age when it began.
    since: u64,
    /// What names owned that changed before they were passed.
    kept: Vec<(Name, Contents)>,
}

/// The walks through one zone.
#[derive(Clone, Debug, Default)]
pub(super) struct Walks {
    running: Vec<Walk>,
    last: u64,
}

impl Walks {
    /// A name at `place`, last changed at age `changed`, is about to own something else than `before`.
    pub(super) fn keep(&mut self, place: u32, changed: u64, name: &Name, before: &Contents) {
        for walk in &mut self.running {
            if index(place) >= walk.at && changed <= walk.since && !before.is_empty() {
                walk.kept.push((name.clone(), before.clone()));
            }
        }
    }
}

impl Zone {
    /// Begins a walk through what is visible now. It must be ended.
    pub(crate) fn begin_walk(&mut self) -> WalkId {
        let (walks, since) = (&mut self.walks, self.age);
        walks.last = walks.last.wrapping_add(1);
        walks.running.push(Walk { id: walks.last, at: 0, since, kept: Vec::new() });
        WalkId(walks.last)
    }

    pub(crate) fn end_walk(&mut self, id: WalkId) {
        self.walks.running.retain(|walk| walk.id != id.0);
    }

    /// The next step of a walk. Names come in no order.
    pub(crate) fn walk(&mut self, id: WalkId) -> Walked {
        let Some(walk) = self.walks.running.iter_mut().find(|walk| walk.id == id.0) else {
            return Walked::End;
        };
        let end = self.places.names.len();
        for _ in 0..STEPS {
            if walk.at >= end {
                return walk.kept.pop().map_or(Walked::End, |(name, contents)| Walked::Name(name, contents));
            }
            let name = self.places.names.get(walk.at).and_then(Option::as_ref);
            walk.at = walk.at.saturating_add(1);
            let Some((name, node)) = name.and_then(|name| Some((name, self.nodes.get(name)?))) else {
                continue;
            };
            if node.changed <= walk.since && !node.contents.is_empty() {
                return Walked::Name(name.clone(), node.contents.clone());
            }
        }
        Walked::Nothing
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> usize {
        self.places.names.len()
    }

    /// The name at a place, and what it visibly owns.
    pub(crate) fn at_place(&self, place: usize) -> Option<(&Name, &Contents)> {
        let name = self.places.names.get(place)?.as_ref()?;
        Some((name, &self.nodes.get(name)?.contents))
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Places that one step looks at.
const STEPS: usize = 256;
