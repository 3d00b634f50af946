//! All subscribers, by identity, name, number and address.

use core::net::IpAddr;
use std::collections::BTreeMap;

use crate::{E164, Generation, HostName, Imsi};

use super::{Record, Stay, Subscriber};

/// What is durable. Changed by [`Database::apply`] alone, with what the journal holds.
#[derive(Debug, Default)]
pub(crate) struct Database {
    entries: BTreeMap<Imsi, Entry>,
    names: BTreeMap<HostName, Imsi>,
    numbers: BTreeMap<E164, Imsi>,
    addresses: BTreeMap<IpAddr, Imsi>,
    /// Of all subscribers, those that are gone included.
    pub(crate) newest: Generation,
    /// Sequence numbers below this one may have been used by subscribers that are gone; who comes new begins here, so
    /// that one who comes again uses none twice.
    pub(crate) floor: u64,
}

/// One subscriber and its whereabouts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    pub(crate) subscriber: Subscriber,
    /// Sequence numbers below this one may have been used.
    pub(crate) reserved: u64,
    /// Where the terminal has proven to be.
    pub(crate) serving: Option<Stay>,
    /// Where it is said to be now; takes the place of `serving` when it has proven that.
    pub(crate) arriving: Option<Stay>,
}

impl Entry {
    pub(crate) fn new(subscriber: Subscriber) -> Self {
        Self { subscriber, reserved: 0, serving: None, arriving: None }
    }

    /// Both stays there can be.
    pub(crate) fn stays(&self) -> impl Iterator<Item = &Stay> {
        self.serving.iter().chain(&self.arriving)
    }

    pub(crate) fn stay(&self, generation: Generation) -> Option<&Stay> {
        self.stays().find(|stay| stay.generation == generation)
    }

    fn stay_mut(&mut self, generation: Generation) -> Option<&mut Stay> {
        self.serving.iter_mut().chain(&mut self.arriving).find(|stay| stay.generation == generation)
    }

    fn bound(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let binding = self.serving.as_ref().and_then(|stay| stay.binding);
        binding.into_iter().flat_map(|binding| binding.addresses.iter())
    }

    /// What the name resolves to.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        self.bound().collect()
    }
}

impl Database {
    pub(crate) fn get(&self, imsi: Imsi) -> Option<&Entry> {
        self.entries.get(&imsi)
    }

    pub(crate) fn by_name(&self, name: &HostName) -> Option<&Entry> {
        self.entries.get(self.names.get(name)?)
    }

    pub(crate) fn by_number(&self, number: E164) -> Option<&Entry> {
        self.entries.get(self.numbers.get(&number)?)
    }

    /// Whose name resolves to `address`.
    pub(crate) fn owner(&self, address: IpAddr) -> Option<Imsi> {
        self.addresses.get(&address).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Does what `record` says. Of a subscriber or stay that is not there any more, nothing.
    pub(crate) fn apply(&mut self, record: Record) {
        match record {
            Record::Counters { newest, floor } => {
                self.newest = self.newest.max(newest);
                self.floor = self.floor.max(floor);
            }
            Record::Subscriber(subscriber) => self.put(*subscriber),
            Record::Whole(entry) => self.put_whole(*entry),
            Record::Removed(imsi) => {
                let gone = self.take(imsi);
                self.floor = gone.map_or(self.floor, |entry| self.floor.max(entry.reserved));
            }
            Record::Reserved { imsi, reserved } => self.change(imsi, |entry| entry.reserved = reserved),
            Record::Located { imsi, stay } => {
                self.newest = self.newest.max(stay.generation);
                self.change(imsi, |entry| entry.arriving = Some(stay));
            }
            Record::Bound { imsi, generation, binding } => self.change(imsi, |entry| {
                if entry.arriving.as_ref().is_some_and(|stay| stay.generation == generation) {
                    entry.serving = entry.arriving.take();
                }
                if let Some(stay) = entry.serving.as_mut().filter(|stay| stay.generation == generation) {
                    stay.binding = Some(binding);
                }
            }),
            Record::Renewed { imsi, generation, until } => self.change(imsi, |entry| {
                let binding = entry.stay_mut(generation).and_then(|stay| stay.binding.as_mut());
                if let Some(binding) = binding {
                    binding.until = until;
                }
            }),
            Record::Unbound { imsi, generation } => self.change(imsi, |entry| {
                if let Some(stay) = entry.stay_mut(generation) {
                    stay.binding = None;
                }
            }),
            Record::Left { imsi, generation } => self.change(imsi, |entry| {
                let over = |stay: &mut Stay| stay.generation == generation;
                entry.serving.take_if(over);
                entry.arriving.take_if(over);
            }),
        }
    }

    fn put(&mut self, subscriber: Subscriber) {
        let mut entry = self.take(subscriber.imsi).unwrap_or_else(|| Entry::new(subscriber.clone()));
        entry.subscriber = subscriber;
        self.put_whole(entry);
    }

    fn put_whole(&mut self, entry: Entry) {
        let imsi = entry.subscriber.imsi;
        let _ = self.take(imsi);
        let stays = entry.stays().map(|stay| stay.generation);
        self.newest = stays.fold(self.newest, Generation::max);
        self.names.insert(entry.subscriber.name.clone(), imsi);
        if let Some(number) = entry.subscriber.msisdn {
            self.numbers.insert(number, imsi);
        }
        self.addresses.extend(entry.bound().map(|address| (address, imsi)));
        self.entries.insert(imsi, entry);
    }

    /// Takes an entry out, with all that leads to it.
    fn take(&mut self, imsi: Imsi) -> Option<Entry> {
        let entry = self.entries.remove(&imsi)?;
        self.names.remove(&entry.subscriber.name);
        if let Some(number) = &entry.subscriber.msisdn {
            self.numbers.remove(number);
        }
        for address in entry.bound() {
            self.addresses.remove(&address);
        }
        Some(entry)
    }

    /// Changes whereabouts; the addresses follow.
    fn change(&mut self, imsi: Imsi, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.entries.get_mut(&imsi) else { return };
        for address in entry.bound() {
            self.addresses.remove(&address);
        }
        change(entry);
        self.addresses.extend(entry.bound().map(|address| (address, imsi)));
    }
}
