//! What faces other than IRMV know, and want to know.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::IpAddr;

use rove_base::UnixTime;

use super::{Conflict, Face, News, Registry, Way, Ways, change::Changes, index::Key, spoken::Speaker, way};
use crate::{Identifier, Name, Uid};

impl Registry {
    /// Who is called this: its own unique id, where it speaks for itself, its name, and whether it says that anybody
    /// may find it.
    #[must_use]
    pub fn owner(&self, identifier: &Identifier) -> Option<(Option<Uid>, String, bool)> {
        let parts = self.parts(self.slot_of(identifier)?)?;
        let (own, name) = (parts.own(), String::from_utf8(parts.name.to_ascii_lowercase()).ok()?);
        let by_operator = |speaker: &Speaker| name.parse().is_ok_and(|name| speaker.listed.contains(&name));
        let listed =
            own.as_ref().is_some_and(|own| own.listed) || self.speaker.as_ref().is_some_and(by_operator);
        Some((own.map(|own| Uid::of(&own.key)), name, listed))
    }

    /// Whether the operator lets anybody find a user, from now on.
    pub fn list(&mut self, name: &Name, listed: bool) {
        let Some(speaker) = &mut self.speaker else { return };
        let changed = if listed { speaker.listed.insert(name.clone()) } else { speaker.listed.remove(name) };
        if !changed {
            return;
        }
        // What was said for it says otherwise.
        let at = self.slot_of(&Identifier::Name(name.clone()));
        let said = at.filter(|at| self.parts(*at).is_some_and(|parts| !parts.spoken.is_empty()));
        if said.is_some() {
            self.replace(said, &Changes { stale: Some(true), ..Changes::default() });
        }
        self.news.tell(Face::Names, || News::Changed(name.as_str().as_bytes().into()));
    }

    /// Where a user that anybody may find is at `wall`; nowhere when it is not there, or not listed.
    pub fn listed(&mut self, name: &Name, wall: UnixTime) -> Vec<IpAddr> {
        let identifier = Identifier::Name(name.clone());
        if self.owner(&identifier).is_none_or(|(_, _, listed)| !listed) {
            return Vec::new();
        }
        let record = self.present(&identifier, wall);
        let addresses = record.into_iter().flat_map(|record| record.claim.contacts);
        let mut addresses: Vec<IpAddr> =
            addresses.map(|contact| contact.address.ip().to_canonical()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// What another face knows of this name, letter by letter.
    pub fn ways<'a>(&'a self, name: &[u8]) -> impl Iterator<Item = Way<'a>> + use<'a> {
        let at = self.indexes.find(&self.slots, Key::Name(name));
        at.and_then(|at| self.parts(at)).into_iter().flat_map(|parts| way::read(parts.ways))
    }

    /// Keeps these in place of what that face knew of the name before.
    ///
    /// # Errors
    ///
    /// [`Conflict::Full`]; then nothing has changed.
    pub fn set_ways(&mut self, name: &[u8], ways: &Ways) -> Result<(), Conflict> {
        let at = self.indexes.find(&self.slots, Key::Name(name));
        let before = at.and_then(|at| self.parts(at)).map_or(0, |parts| parts.ways.len());
        let more = ways.as_bytes().len() > before;
        let full = self.bytes.saturating_add(ways.as_bytes().len()).saturating_sub(before);
        if more && (full > self.limits.bytes || at.is_none() && self.len() >= self.limits.records) {
            return Err(Conflict::Full);
        }
        if at.is_some() || !ways.is_empty() {
            self.put_ways(at, name, ways);
            self.news.tell(Face::Native, || News::Changed(name.into()));
            self.news.tell(Face::Names, || News::Changed(name.into()));
        }
        Ok(())
    }

    /// The same where they have become fewer without that face having been asked: it hears of it as well.
    ///
    /// # Errors
    ///
    /// [`Conflict::Full`] when they have not.
    pub fn lose_ways(&mut self, name: &[u8], left: &Ways) -> Result<(), Conflict> {
        self.set_ways(name, left)?;
        self.news.tell(Face::Sip, || News::Changed(name.into()));
        Ok(())
    }

    fn put_ways(&mut self, at: Option<usize>, name: &[u8], ways: &Ways) {
        let spoken = at.and_then(|at| self.parts(at)).is_some_and(|parts| !parts.spoken.is_empty());
        let changes =
            Changes { name, ways: Some(ways.as_bytes()), stale: Some(spoken), ..Changes::default() };
        let changes = match ways.is_empty() {
            true => Changes { spoken: Some(&[]), stale: Some(false), ..changes },
            false => changes,
        };
        self.replace(at, &changes);
    }

    /// All names that another face knows ways to, in no order.
    pub fn all_ways(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let known = self.all().filter(|(_, parts)| !parts.ways.is_empty());
        known.map(|(_, parts)| (parts.name, parts.ways))
    }
}
