//! This node's number, and the partners it has agreements with, for every adapter alike.

use std::collections::BTreeMap;

use super::{Partner, PartnerId};
use crate::{E164, NetworkName};

/// Partners by name and by their place among the links.
#[derive(Debug)]
pub(super) struct Known {
    /// Our own number.
    pub(super) title: E164,
    places: BTreeMap<PartnerId, usize>,
    partners: Vec<(PartnerId, E164, NetworkName)>,
}

impl Known {
    pub(super) fn new(title: E164, partners: &[Partner]) -> Self {
        let places = partners.iter().enumerate().map(|(place, partner)| (partner.id, place)).collect();
        let known = |partner: &Partner| (partner.id, partner.title, partner.name.clone());
        Self { title, places, partners: partners.iter().map(known).collect() }
    }

    /// Where the links to a partner stand.
    pub(super) fn place(&self, partner: PartnerId) -> Option<usize> {
        self.places.get(&partner).copied()
    }

    /// The partner at a place: its name among the agreements, its number and its domain.
    pub(super) fn at(&self, place: usize) -> Option<&(PartnerId, E164, NetworkName)> {
        self.partners.get(place)
    }

    /// Whether a partner has this domain.
    pub(super) fn has(&self, network: &str) -> bool {
        self.partners.iter().any(|(.., name)| name.as_str() == network)
    }

    /// The same, its name alone.
    pub(super) fn id(&self, place: usize) -> PartnerId {
        self.at(place).map_or(PartnerId(u16::MAX), |(id, ..)| *id)
    }
}
