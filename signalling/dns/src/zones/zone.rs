//! One zone.

use std::collections::HashMap;

use rove_base::Ticket;

use super::{
    Contents, Record, RrSet, rdata,
    walk::{Places, Walks},
};
use crate::wire::{Name, rtype, suffixes};

/// A zone of authority: its origin and everything below it down to its delegations.
#[derive(Clone, Debug)]
pub struct Zone {
    origin: Name,
    pub(super) nodes: HashMap<Name, Node>,
    /// Names whose latest contents are not visible yet, and the ticket of the last update that touched them.
    ahead: HashMap<Name, (Contents, Ticket)>,
    /// Names below the origin that own NS records.
    cuts: usize,
    /// Changes of visible names so far.
    pub(super) age: u64,
    pub(super) places: Places,
    pub(super) walks: Walks,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) contents: Contents,
    /// Names below this one that own records, so that names between exist too (RFC 8020).
    below: u32,
    place: u32,
    /// The zone's age when the contents changed last.
    pub(super) changed: u64,
}

/// What a zone says about a name (RFC 1034 §4.3.2, step 3).
#[derive(Clone, Copy, Debug)]
pub enum Found<'z> {
    /// The name exists. Its contents may be empty when it only has names below it.
    Contents(&'z Contents),
    /// The name lies at or below a cut: others are authoritative.
    Delegated {
        /// Owner of `servers`, in lowered wire form.
        cut: &'z [u8],
        /// The NS set at the cut.
        servers: &'z RrSet,
    },
    /// No such name.
    Nothing,
}

/// The effect of one update on one zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Change {
    pub(crate) zone: Name,
    /// After the change.
    pub(crate) serial: u32,
    pub(crate) nodes: Vec<NodeChange>,
    pub(crate) deleted: Vec<Record>,
    pub(crate) added: Vec<Record>,
}

/// What a name owns after a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct NodeChange {
    pub(crate) name: Name,
    pub(crate) contents: Contents,
}

impl Change {
    /// Counts the same change again on what is the latest of `zone` now, after something it was built on was taken
    /// back.
    pub(crate) fn rebase(&mut self, zone: &Zone) {
        let Self { nodes, deleted, added, .. } = self;
        for NodeChange { name, contents } in nodes {
            *contents = zone.latest(name).cloned().unwrap_or_default();
            for record in deleted.iter().filter(|record| record.name == *name) {
                contents.delete(record.rtype, &record.rdata);
            }
            for record in added.iter().filter(|record| record.name == *name) {
                // A set that had room with more in it has room now.
                let _ = contents.add(record.rtype, record.ttl, record.rdata.clone());
            }
        }
    }
}

impl Zone {
    pub(super) fn empty(origin: Name) -> Self {
        Self {
            origin,
            nodes: HashMap::new(),
            ahead: HashMap::new(),
            cuts: 0,
            age: 0,
            places: Places::default(),
            walks: Walks::default(),
        }
    }

    /// Where the zone starts.
    #[must_use]
    pub const fn origin(&self) -> &Name {
        &self.origin
    }

    /// The SOA set and its only record, as visible.
    #[must_use]
    pub fn soa(&self) -> Option<(&RrSet, &[u8])> {
        let set = self.at(self.origin.as_wire())?.get(rtype::SOA)?;
        Some((set, set.rdata.first()?))
    }

    /// The visible serial.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.soa().and_then(|(_, soa)| rdata::soa_serial(soa)).unwrap_or_default()
    }

    /// Number of names that exist.
    #[must_use]
    pub fn names(&self) -> usize {
        self.nodes.len()
    }

    /// What the lowered wire name `name` visibly owns; `None` when it does not exist.
    #[must_use]
    pub fn at(&self, name: &[u8]) -> Option<&Contents> {
        self.nodes.get(name).map(|node| &node.contents)
    }

    /// What `name` owns when all updates accepted so far are counted.
    #[must_use]
    pub fn latest(&self, name: &Name) -> Option<&Contents> {
        self.ahead.get(name).map(|(contents, _)| contents).or_else(|| self.at(name.as_wire()))
    }

    /// What is visible at the lowered wire name `name`, which lies in the zone, for a question of type `wanted`.
    #[must_use]
    pub fn find(&self, name: &[u8], wanted: u16) -> Found<'_> {
        if self.cuts > 0
            && let Some(delegated) = self.cut_above(name, wanted)
        {
            return delegated;
        }
        self.at(name).map_or(Found::Nothing, Found::Contents)
    }

    /// The highest cut at or above `name`. The DS set at a cut belongs to this side of it (RFC 4035 §3.1.4.1).
    fn cut_above(&self, name: &[u8], wanted: u16) -> Option<Found<'_>> {
        let origin = self.origin.as_wire();
        let below_origin = suffixes(name).take_while(|suffix| *suffix != origin);
        let mut highest = None;
        for suffix in below_origin {
            if let Some((owner, node)) = self.nodes.get_key_value(suffix)
                && let Some(servers) = node.contents.get(rtype::NS)
                && !(suffix == name && wanted == rtype::DS)
            {
                highest = Some(Found::Delegated { cut: owner.as_wire(), servers });
            }
        }
        highest
    }

    /// Every visible record, names in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let mut names: Vec<&Name> = self.nodes.keys().collect();
        names.sort_unstable();
        let at = |name: &&Name| self.nodes.get(*name).map(|node| &node.contents);
        names.iter().filter_map(|name| Some((name, at(name)?))).flat_map(|(n, c)| c.records(n)).collect()
    }

    /// Counts an accepted change in what later updates see.
    pub(crate) fn stage(&mut self, change: &Change, ticket: Ticket) {
        for NodeChange { name, contents } in &change.nodes {
            self.ahead.insert(name.clone(), (contents.clone(), ticket));
        }
    }

    /// Makes a change visible.
    #[cfg(test)]
    pub(crate) fn commit(&mut self, change: Change, ticket: Ticket) {
        self.show(change.nodes, ticket);
    }

    /// Makes what a change does to names visible.
    pub(crate) fn show(&mut self, nodes: Vec<NodeChange>, ticket: Ticket) {
        for NodeChange { name, contents } in nodes {
            if self.ahead.get(&name).is_some_and(|(_, last)| *last <= ticket) {
                self.ahead.remove(&name);
            }
            self.set(&name, contents);
        }
    }

    /// Forgets all changes that are not visible.
    pub(crate) fn abandon(&mut self) {
        self.ahead.clear();
    }

    /// Deletes and adds records as a change did that the journal remembers. What is gone or there already does no harm.
    pub(crate) fn replay(&mut self, deleted: &[Record], added: Vec<Record>) {
        for Record { name, rtype, rdata, .. } in deleted {
            let mut contents = self.at(name.as_wire()).cloned().unwrap_or_default();
            contents.delete(*rtype, rdata);
            self.set(name, contents);
        }
        for Record { name, rtype, ttl, rdata } in added {
            let mut contents = self.at(name.as_wire()).cloned().unwrap_or_default();
            // A full set was full when the change was made, too.
            let _ = contents.add(rtype, ttl, rdata);
            self.set(&name, contents);
        }
    }

    /// Makes `name` visibly own `contents` and nothing else.
    pub(super) fn set(&mut self, name: &Name, contents: Contents) {
        let is_cut = |contents: &Contents| contents.get(rtype::NS).is_some();
        let (exists, cuts) = (!contents.is_empty(), is_cut(&contents) && *name != self.origin);
        self.age = self.age.saturating_add(1);
        let Self { nodes, places, walks, age, .. } = self;
        let node = nodes.entry(name.clone()).or_insert_with(|| Node::new(places.take(name.clone()), *age));
        walks.keep(node.place, node.changed, name, &node.contents);
        node.changed = *age;
        let before = core::mem::replace(&mut node.contents, contents);
        let gone = !exists && node.below == 0;
        let (existed, cut) = (!before.is_empty(), is_cut(&before) && *name != self.origin);
        self.cuts = self.cuts.saturating_add(usize::from(cuts)).saturating_sub(usize::from(cut));
        if gone {
            self.remove(name.as_wire());
        }
        if exists != existed {
            self.count_below(name, exists);
        }
    }

    fn remove(&mut self, name: &[u8]) {
        if let Some(node) = self.nodes.remove(name) {
            self.places.leave(node.place);
        }
    }

    /// Tells the names above `name` that one more, or one less, name below them owns records.
    fn count_below(&mut self, name: &Name, more: bool) {
        if *name == self.origin {
            return;
        }
        for above in suffixes(name.as_wire()).skip(1) {
            if more {
                if !self.nodes.contains_key(above) {
                    let name = Name::from_lowered(above);
                    self.nodes.insert(name.clone(), Node::new(self.places.take(name), self.age));
                }
                if let Some(node) = self.nodes.get_mut(above) {
                    node.below = node.below.saturating_add(1);
                }
            } else if let Some(node) = self.nodes.get_mut(above) {
                node.below = node.below.saturating_sub(1);
                if node.below == 0 && node.contents.is_empty() {
                    self.remove(above);
                }
            }
            if above == self.origin.as_wire() {
                break;
            }
        }
    }
}

impl Node {
    /// Of a name that owns nothing yet.
    fn new(place: u32, changed: u64) -> Self {
        Self { contents: Contents::default(), below: 0, place, changed }
    }
}
