//! The wires of the private network, all alike from here.

use rove_base::{Arrival, Machine, Now, Scratch, Step};
use rove_roam::{
    Cause, Operation, Outcome,
    private::{DialogueId, PartnerId, PrivateNetwork, Told, ansi41::Ansi41, diameter::Diameter, map::Map},
};

/// A wire. What partners say of it is the same whatever is spoken.
#[derive(Debug)]
#[non_exhaustive]
pub enum Adapter {
    /// GSM-MAP over TCAP, SCCP and M3UA.
    Map(Box<Map>),
    /// ANSI-41 over the same.
    Ansi41(Box<Ansi41>),
    /// Diameter S6a.
    Diameter(Box<Diameter>),
}

macro_rules! each {
    ($adapter:expr, $wire:ident => $do:expr) => {
        match $adapter {
            Adapter::Map($wire) => $do,
            Adapter::Ansi41($wire) => $do,
            Adapter::Diameter($wire) => $do,
        }
    };
}

impl Adapter {
    pub(super) fn handle(&mut self, now: Now, input: Arrival<'_>) {
        each!(self, wire => wire.handle(now, input));
    }

    pub(super) fn tick(&mut self, now: Now) {
        each!(self, wire => wire.tick(now));
    }

    pub(super) fn poll(&mut self, out: &mut Scratch) -> Step<Told> {
        each!(self, wire => wire.poll(out))
    }

    /// Whether a partner whose certificate says this name is reached by it.
    pub(super) fn knows(&self, name: &str) -> bool {
        each!(self, wire => wire.knows(name))
    }

    pub(super) fn ask(&mut self, now: Now, partner: PartnerId, id: DialogueId, operation: Operation) {
        each!(self, wire => wire.ask(now, partner, id, operation));
    }

    pub(super) fn answer(
        &mut self,
        now: Now,
        partner: PartnerId,
        id: DialogueId,
        result: Result<Outcome, Cause>,
    ) {
        each!(self, wire => wire.answer(now, partner, id, result));
    }
}
