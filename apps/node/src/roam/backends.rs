//! Existing servers in the place of the built-in ones: BIND or Knot for names, Kea for addresses.

use std::collections::BTreeSet;

use rove_base::{Machine as _, Nested, Now, Scratch};
use rove_roam::{Change, pool::kea::KeaPool};

use super::{
    Roam, RoamEvent,
    drain::Polled,
    exchange::Register,
    foreign::{Foreign, ForeignEvent},
    journal::Writer,
    names::sets,
    pool::Counter,
    streams::Lane,
};

/// Existing servers that a node uses.
#[derive(Debug, Default)]
pub struct Backends {
    /// The home's names are there.
    pub home: Option<Foreign>,
    /// The names of the visited network's addresses are there.
    pub visited: Option<Foreign>,
    /// It hands out the visited network's addresses.
    pub kea: Option<KeaPool>,
}

/// Who keeps the names of one register elsewhere.
pub(super) const fn lane(who: Register) -> Lane {
    Lane::Elsewhere(matches!(who, Register::Visited))
}

impl Roam {
    /// Lets existing servers do what the built-in ones would. Before [`Roam::replay`].
    #[must_use]
    pub fn with_backends(mut self, backends: Backends) -> Self {
        self.elsewhere = [backends.home, backends.visited];
        if let (Some(kea), Some((_, counter))) = (backends.kea, &mut self.visited) {
            *counter = Counter::Kea(Box::new(kea));
        }
        self
    }

    /// Who keeps the names of the home, and of the visited network, elsewhere.
    #[must_use]
    pub const fn elsewhere(&self) -> &[Option<Foreign>; 2] {
        &self.elsewhere
    }

    /// What Kea is to be told next, on a connection of its own; [`Roam::kea_answered`] answers.
    pub fn kea_command(&mut self, now: Now) -> Option<String> {
        self.visited.as_mut().and_then(|(_, counter)| counter.kea_mut())?.command(now)
    }

    /// What Kea said; `None` when it could not be reached.
    pub fn kea_answered(&mut self, now: Now, answer: Option<&[u8]>) {
        self.now = now;
        if let Some(kea) = self.visited.as_mut().and_then(|(_, counter)| counter.kea_mut()) {
            kea.answered(now, answer);
        }
    }

    /// How often Kea did not answer, or not well; `None` without one.
    #[must_use]
    pub fn kea_failures(&self) -> Option<u64> {
        self.visited.as_ref().and_then(|(_, counter)| counter.kea()).map(KeaPool::failures)
    }

    /// Whether the names of whoever wrote this are kept elsewhere.
    pub(super) fn is_elsewhere(&self, writer: Writer) -> bool {
        let [home, visited] = &self.elsewhere;
        match writer {
            Writer::Home(_) => home.is_some(),
            Writer::Visited(_) => visited.is_some(),
            Writer::Pool(_) => false,
        }
    }

    /// Names first: the record follows when the server has them. `false` when they are kept here.
    pub(super) fn commit_elsewhere(&mut self, writer: Writer, change: &Change) -> bool {
        let [home, visited] = &mut self.elsewhere;
        let (who, foreign) = match (writer, home, visited) {
            (Writer::Home(_), Some(foreign), _) => (Register::Home, foreign),
            (Writer::Visited(_), _, Some(foreign)) => (Register::Visited, foreign),
            _ => return false,
        };
        if change.names.is_empty() {
            return false;
        }
        match sets(&change.names) {
            Ok(sets) => {
                let id = foreign.set(self.now, sets);
                self.asked_elsewhere.insert((who, id), (writer, change.clone()));
            }
            Err(error) => {
                self.events.push_back(RoamEvent::NotOurs(error));
                self.committed(writer, false);
            }
        }
        true
    }

    pub(super) fn poll_elsewhere(&mut self, who: Register, out: &mut Scratch) -> Polled {
        let [home, visited] = &mut self.elsewhere;
        let foreign = if who == Register::Home { home } else { visited };
        let Some(foreign) = foreign else { return Polled::Wait(None) };
        let ForeignEvent { id, result } = match foreign.poll(out).nested() {
            Nested::Event(event) => event,
            Nested::Wait(until) => return Polled::Wait(until),
            Nested::Pass(step) => return self.pass(lane(who), step),
        };
        let Some((writer, change)) = self.asked_elsewhere.remove(&(who, id)) else { return Polled::Again };
        match result {
            Ok(()) => self.record(writer, &change, out).map_or(Polled::Again, Polled::Step),
            Err(error) => {
                self.events.push_back(RoamEvent::Elsewhere(error));
                self.committed(writer, false);
                Polled::Again
            }
        }
    }

    /// After a start: names are to be as the registers know them, whatever happened meanwhile.
    pub(super) fn expect_elsewhere(&mut self) {
        let (now, [home, visited]) = (self.now, &mut self.elsewhere);
        if let (Some(foreign), Some(register)) = (home, &self.home) {
            let names: Vec<_> = register.names().collect();
            foreign.expect(now, sets(&names).unwrap_or_default());
        }
        if let (Some(foreign), Some((vlr, counter))) = (visited, &self.visited) {
            let mut names: Vec<_> = vlr.names();
            let held: BTreeSet<_> = vlr.holders().flat_map(|(_, _, held, _)| held.v4).collect();
            let free = counter.pool().v4_addresses().filter(|address| !held.contains(address));
            let nothing = |address: core::net::Ipv4Addr| rove_roam::NameChange::Reverse {
                address: address.into(),
                name: None,
                ttl: 1,
            };
            names.extend(free.map(nothing));
            foreign.expect(now, sets(&names).unwrap_or_default());
        }
    }
}
