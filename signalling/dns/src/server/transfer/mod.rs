//! Zones for other servers: told of changes (NOTIFY, RFC 1996), given whole (AXFR, RFC 5936) or by what changed (IXFR,
//! RFC 1995), to those alone that are allowed to have them.

mod feed;
mod history;
mod notify;
mod request;

use std::{collections::HashMap, net::SocketAddr};

use rove_base::{Entropy, Instant, Now};

use super::{Event, Outbox, Peer};
use crate::{
    tsig::TsigKey,
    wire::Name,
    zones::{Change, Zone, Zones},
};
use feed::Feeds;
use history::History;
use notify::Notifier;
pub(super) use request::Asked;

/// Who may have a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneTransfer {
    /// Origin of the zone.
    pub zone: Name,
    /// Whoever signs with one of these keys may have it, wherever from.
    pub keys: Vec<Name>,
    /// These are told of each change, and may have it.
    pub secondaries: Vec<Secondary>,
}

/// Another server of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Secondary {
    /// Where it listens. It may ask from any port of this address.
    pub address: SocketAddr,
    /// The key that signs what we tell it and what it asks; `None`: its address is proof enough, over a stream.
    pub key: Option<Name>,
}

/// All that has to do with other servers of our zones.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    rules: HashMap<Name, ZoneTransfer>,
    histories: HashMap<Name, History>,
    feeds: Feeds,
    notifier: Notifier,
}

impl Transfers {
    pub(super) fn new(rules: Vec<ZoneTransfer>, keys: &[TsigKey]) -> Self {
        let notifier = Notifier::new(&rules, keys);
        let rules = rules.into_iter().map(|rule| (rule.zone.clone(), rule)).collect();
        Self { rules, histories: HashMap::new(), feeds: Feeds::default(), notifier }
    }

    /// Draws where message ids start.
    pub(super) fn count_from(&mut self, entropy: &mut Entropy) {
        self.notifier.count_from(entropy);
    }

    /// Where what is told to a secondary leaves from, by the secondary's address. Tells all of them that we are here.
    pub(super) fn notify_from(&mut self, local: impl Fn(SocketAddr) -> Option<SocketAddr>) {
        self.notifier.leave_from(local);
    }

    /// Takes note of a change that is about to be visible in `zone`.
    pub(super) fn shown(&mut self, zone: &Zone, change: &mut Change) {
        let Some(rule) = self.rules.get(zone.origin()) else { return };
        let after = change.nodes.iter().find(|node| node.name == *zone.origin());
        let after = after.and_then(|node| node.contents.get(crate::wire::rtype::SOA)?.rdata.first());
        if let (Some((_, before)), Some(after)) = (zone.soa(), after) {
            let history = self.histories.entry(rule.zone.clone()).or_default();
            let (deleted, added) = (&mut change.deleted, &mut change.added);
            history.push(before, after, core::mem::take(deleted), core::mem::take(added));
        }
        self.notifier.changed(zone.origin(), change.serial);
    }

    /// Takes note of a change that the journal repeats.
    pub(super) fn repeated(&mut self, zone: &Zone, before: &[u8], entry: &crate::update::ZoneEntry) {
        if !self.rules.contains_key(zone.origin()) {
            return;
        }
        let history = self.histories.entry(zone.origin().clone()).or_default();
        if let Some((_, after)) = zone.soa() {
            history.push(before, after, entry.deleted.clone(), entry.added.clone());
        }
    }

    /// Does what time or a change calls for.
    pub(super) fn run(&mut self, now: Now, zones: &Zones, keys: &[TsigKey], outbox: &mut Outbox) {
        self.feeds.refill(now);
        self.notifier.run(now, zones, keys, outbox);
    }

    /// A piece of a running transfer, when one has its turn.
    pub(super) fn feed(&mut self, zones: &mut Zones, keys: &[TsigKey], outbox: &mut Outbox) -> bool {
        self.feeds.next(zones, keys, outbox)
    }

    /// The streams by which zones are being given away.
    pub(super) fn streams(&self) -> impl Iterator<Item = rove_base::StreamId> {
        self.feeds.streams()
    }

    /// So many bytes wait for the reader of a stream.
    pub(super) fn waits(&mut self, stream: rove_base::StreamId, bytes: usize) {
        self.feeds.waits(stream, bytes);
    }

    /// When [`Transfers::run`] has to be called again.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        Instant::earliest(self.feeds.next_deadline(), self.notifier.next_deadline())
    }

    /// An answer to something that was told: whether it was one.
    pub(super) fn answered(&mut self, now: Now, from: Peer, id: u16, bytes: &[u8], keys: &[TsigKey]) -> bool {
        self.notifier.answered(now, from.address, id, bytes, keys)
    }

    pub(super) fn closed(&mut self, stream: rove_base::StreamId, zones: &mut Zones) {
        self.feeds.closed(stream, zones);
    }

    /// Whether a transfer is running on a stream, which then is not silent.
    pub(super) fn is_feeding(&self, stream: rove_base::StreamId) -> bool {
        self.feeds.is_feeding(stream)
    }

    /// Whether who asks may have the zone: by his key, or by his address.
    fn is_permitted(&self, zone: &Name, from: Peer, signer: Option<&Name>) -> bool {
        let Some(rule) = self.rules.get(zone) else { return false };
        let stream = matches!(from.flow, rove_base::Flow::Stream(_));
        let by_key = signer.is_some_and(|signer| rule.keys.contains(signer));
        by_key
            || rule.secondaries.iter().any(|secondary| {
                let proven = match &secondary.key {
                    Some(key) => signer == Some(key),
                    None => stream,
                };
                proven && secondary.address.ip() == from.address.ip().to_canonical()
            })
    }
}

/// What the owner is told when a secondary stays silent.
pub(super) fn silent(zone: &Name, secondary: SocketAddr, serial: u32) -> Event {
    Event::Unnotified { zone: zone.clone(), secondary, serial }
}
