//! Authoritative data: zones of names, each name with its record sets, found by one hash of the lowered wire name.
//!
//! A zone has two faces. What is *visible* is answered to questions. What is *latest* also counts the updates whose
//! journal records are still on their way to stable storage; later updates build on it, and it becomes visible when
//! they are durable.
//!
//! Wildcards (RFC 4592) are not expanded: `*` is a label like any other.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod build;
mod contents;
pub(crate) mod rdata;
mod walk;
mod zone;

use std::collections::HashMap;

pub(crate) use build::is_meta;
pub use build::{RecordError, ZoneConfig, ZoneError};
pub use contents::{Contents, Record, RrSet};
pub(crate) use walk::{WalkId, Walked};
pub(crate) use zone::{Change, NodeChange};
pub use zone::{Found, Zone};

use crate::wire::{Name, suffixes};

/// All zones of one server.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    by_origin: HashMap<Name, Zone>,
}

impl Zones {
    /// Builds every zone.
    ///
    /// # Errors
    ///
    /// [`ZoneError`] when records contradict each other or a zone stands twice.
    pub fn new(configs: &[ZoneConfig]) -> Result<Self, ZoneError> {
        let mut by_origin = HashMap::with_capacity(configs.len());
        for config in configs {
            if by_origin.insert(config.origin.clone(), Zone::new(config)?).is_some() {
                return Err(ZoneError::Twice { zone: config.origin.clone() });
            }
        }
        Ok(Self { by_origin })
    }

    /// The zone nearest above the lowered wire name `name`; `None` when this server has none.
    #[must_use]
    pub fn nearest(&self, name: &[u8]) -> Option<&Zone> {
        suffixes(name).find_map(|suffix| self.by_origin.get(suffix))
    }

    pub(crate) fn nearest_mut(&mut self, name: &[u8]) -> Option<&mut Zone> {
        let origin = suffixes(name).find(|suffix| self.by_origin.contains_key(*suffix))?;
        self.by_origin.get_mut(origin)
    }

    /// The zone that starts at `origin`.
    #[must_use]
    pub fn get(&self, origin: &Name) -> Option<&Zone> {
        self.by_origin.get(origin)
    }

    pub(crate) fn get_mut(&mut self, origin: &Name) -> Option<&mut Zone> {
        self.by_origin.get_mut(origin)
    }

    /// Every zone, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.by_origin.values()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Zone> {
        self.by_origin.values_mut()
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
