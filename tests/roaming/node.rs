//! What a node's machines want, carried to disk, pool, wire and air.

use std::time::Duration;

use rove_base::{Flow, Machine as _, Scratch, Step};
use rove_roam::{
    Cause, Change,
    hlr::{HlrEvent, HlrStep},
    pool,
    vlr::{Event, Input, PoolAsk, PoolTold, carry},
};

use crate::{
    network::{Entry, Source},
    world::{AIR, Delivery, Net, World, name_of},
};

impl World {
    pub(crate) fn drain(&mut self, network: usize) {
        let mut out = Scratch::default();
        if !self.networks[network].alive {
            return;
        }
        loop {
            let vlr = self.networks[network].vlr.poll(&mut out);
            let vlr = match vlr {
                Step::Wait(due) => due,
                step => {
                    self.vlr_step(network, step, &out);
                    continue;
                }
            };
            let hlr = match self.networks[network].hlr.poll() {
                HlrStep::Wait(due) => due,
                step => {
                    self.hlr_step(network, step);
                    continue;
                }
            };
            match self.networks[network].pool.poll(&mut out) {
                Step::Wait(due) => {
                    self.networks[network].due = [vlr, hlr, due].into_iter().flatten().min();
                    return;
                }
                Step::Event(pool::Event::Commit(change)) => self.write(network, Source::Pool, change, vec![]),
                Step::Event(event) => {
                    if let Some(told) = PoolTold::of(event) {
                        self.networks[network].vlr.handle(self.now, Input::Pool(told));
                    }
                }
                _ => {}
            }
        }
    }

    pub(crate) fn hlr_step(&mut self, network: usize, step: HlrStep) {
        match step {
            HlrStep::Ask { partner, id, operation } => self.ask(network, Source::Hlr, partner, id, operation),
            HlrStep::Answer { id, result, .. } => self.answer(network, id, result),
            HlrStep::Commit(change) => self.write(network, Source::Hlr, change, vec![]),
            HlrStep::Event(HlrEvent::Administered { request, result }) => {
                self.administered.insert(request, result.is_ok());
            }
            HlrStep::Event(event) => self.trace.push(format!("{network} home {}", name_of(&event))),
            HlrStep::Wait(_) => {}
        }
    }

    pub(crate) fn vlr_step(&mut self, network: usize, step: Step<Event>, out: &Scratch) {
        match step {
            Step::Send(transmit) => {
                let Flow::Stream(stream) = transmit.flow else { panic!("no datagrams") };
                let Some(&(seat, theirs)) = self.streams.get(&stream) else { return };
                let bytes = Net::Bytes(out.get(transmit.range).to_vec());
                self.later(AIR, Delivery::ToTerminal(seat, theirs, network, bytes));
            }
            Step::Close(stream) => {
                let Some((seat, theirs)) = self.streams.remove(&stream) else { return };
                self.seats[seat].open.remove(&theirs);
                self.later(AIR, Delivery::ToTerminal(seat, theirs, network, Net::Closed));
            }
            Step::Event(Event::Ask { partner, id, operation }) => {
                self.ask(network, Source::Vlr, partner, id, operation);
            }
            Step::Event(Event::Answer { id, result, .. }) => self.answer(network, id, result),
            Step::Event(Event::Commit(change)) => {
                let pool = core::mem::take(&mut self.networks[network].prepared);
                self.write(network, Source::Vlr, change, pool);
            }
            Step::Event(Event::Pool(ask)) => self.pool_asked(network, &ask),
            Step::Event(event) => self.trace.push(format!("{network} {event:?}")),
            step => panic!("{step:?}"),
        }
    }

    pub(crate) fn pool_asked(&mut self, network: usize, ask: &PoolAsk) {
        self.trace.push(format!("{network} pool {}", name_of(ask)));
        let (now, node) = (self.now, &mut self.networks[network]);
        if let PoolAsk::Prepare { holder, lease } = ask {
            node.prepared = node.pool.record(now, *holder, *lease);
        }
        let told = carry(&mut node.pool, now, ask);
        if let PoolAsk::Confirm { holder, .. } = ask {
            self.check_confirmed(network, *holder);
        }
        if let Some(told) = told {
            self.networks[network].vlr.handle(now, Input::Pool(told));
        }
    }

    pub(crate) fn write(&mut self, network: usize, source: Source, change: Change, pool: Vec<u8>) {
        let mut parts = vec![(source, change.record)];
        if !pool.is_empty() {
            parts.push((Source::Pool, pool));
        }
        let time = Duration::from_millis(1).mul_f64(1.0 + 6.0 * self.entropy.unit());
        let node = &mut self.networks[network];
        node.writing.push_back(Entry { parts, names: change.names, answer: (source, change.id) });
        node.busy_until = node.busy_until.max(self.now.mono).later(time);
        let (wait, epoch) = (node.busy_until.since(self.now.mono), node.epoch);
        self.later(wait, Delivery::Durable(network, epoch));
    }

    pub(crate) fn durable(&mut self, network: usize, epoch: u32) {
        let now = self.now;
        let node = &mut self.networks[network];
        if node.epoch != epoch || !node.alive {
            return;
        }
        let Some(entry) = node.writing.pop_front() else { return };
        let crash = self.crash.filter(|crash| crash.network == network && crash.at == node.journal.len());
        if let Some(crash) = crash {
            self.crash = None;
            if crash.kept {
                node.journal.push(entry);
            }
            self.kill(network);
            self.later(Duration::from_secs(1), Delivery::Revive(network));
            return;
        }
        let (source, id) = entry.answer;
        let result = if node.disk_full { Err(Cause::SystemFailure) } else { Ok(()) };
        if result.is_ok() {
            entry.names.iter().for_each(|change| node.zone.apply(change));
            for change in &entry.names {
                self.trace.push(format!("{network} {source:?} {change:?}"));
            }
            node.journal.push(entry);
        }
        match source {
            Source::Hlr => node.hlr.committed(now, id, result),
            Source::Vlr => node.vlr.handle(now, Input::Committed(id, result)),
            Source::Pool => node.pool.committed(now, id, result.is_ok()),
        }
        self.drain(network);
        self.check_owners();
    }
}
