//! What a server says for a user that has registered by another of its faces.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::UnixTime;

use super::{slot::Parts, way};
use crate::{Claim, Name, Proof, Record, Status, UserKey, record::Peek, wire::Reader};

/// Who speaks for them.
pub(super) struct Speaker {
    pub(super) key: UserKey,
    /// Names in it alone are the server's.
    pub(super) domain: String,
    /// Nothing is said for longer.
    pub(super) longest: Duration,
}

impl Speaker {
    /// What is said of a user now; `None` when there is nowhere that anybody may call, or the name is none of ours.
    pub(super) fn say(&self, parts: &Parts<'_>, wall: UnixTime) -> Option<Record> {
        let name: Name = core::str::from_utf8(parts.name).ok()?.parse().ok()?;
        if name.domain() != self.domain {
            return None;
        }
        let live = || way::read(parts.ways).filter(|way| way.until > wall && way.place.is_some());
        let ends = live().map(|way| u64::from(way::ceil(way.until))).max()?;
        let mut contacts = Vec::new();
        for place in live().filter_map(|way| way.place) {
            if !contacts.contains(&place) && contacts.len() < Claim::CONTACTS {
                contacts.push(place);
            }
        }
        let most = wall.as_secs().saturating_add(self.longest.as_secs());
        let before = Peek::read(&mut Reader(parts.spoken)).map_or(0, |said| said.sequence);
        let key = self.key.of_guest(name.as_str());
        let claim = Claim {
            key: key.public(),
            sequence: (wall.as_nanos() / 1_000_000).max(before.saturating_add(1)),
            expires: UnixTime::from_secs(ends.min(most).max(wall.as_secs().saturating_add(1))),
            status: Status::Online,
            name,
            number: None,
            fixed: None,
            contacts,
        };
        let signature = claim.sign(&key);
        Some(Record::attest(claim, signature, (Proof::Nothing, Proof::Nothing), &self.key))
    }
}
