//! What comes in goes to the part it is for; what the parts want comes out.

use rove_base::{Arrival, Flow, Instant, Machine, Nested, Now, Scratch, Step};
use rove_roam::{
    hlr::HlrStep,
    pool,
    vlr::{self, PoolAsk, PoolTold},
};

use super::{
    Roam, RoamEvent,
    exchange::Register,
    journal::{Part, Writer},
    streams::Lane,
};

impl Machine for Roam {
    type Input<'a> = Arrival<'a>;
    type Event = RoamEvent;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.now = now;
        match input {
            Arrival::Durable { ticket } => return self.durable(ticket),
            Arrival::Datagram { flow: Flow::Udp(flow), bytes } => {
                if self.packet(flow, bytes) {
                    return;
                }
                let dhcp = self.dhcp.iter().any(|at| at.port() == flow.local.port());
                return match (dhcp, &mut self.visited) {
                    (true, Some((_, pool))) => pool.handle(now, input),
                    _ => self.server.handle(now, input),
                };
            }
            _ => {}
        }
        if let Arrival::Identified { stream, name } = input {
            let knows = |index: usize| self.wires.get(index).is_some_and(|wire| wire.adapter.knows(name));
            if let Some((lane, connected)) = self.streams.decide(stream, knows) {
                self.arrived(lane, connected);
            }
        }
        if let Some((lane, input)) = self.streams.arrived(input) {
            if let (Lane::Wire(index), Arrival::Identified { name, .. }) = (lane, input)
                && self.wires.get(index).is_some_and(|wire| !wire.adapter.knows(name))
            {
                self.counted.strangers = self.counted.strangers.saturating_add(1);
            }
            self.arrived(lane, input);
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.server.tick(now);
        if let Some(home) = &mut self.home {
            home.tick(now);
        }
        if let Some((vlr, pool)) = &mut self.visited {
            vlr.tick(now);
            pool.tick(now);
        }
        self.wires.iter_mut().for_each(|wire| wire.adapter.tick(now));
        self.tick_associations(now);
        self.elsewhere.iter_mut().flatten().for_each(|foreign| foreign.tick(now));
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<RoamEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Step::Event(event);
            }
            // The zones first: their records come before those that build on them.
            let polled = match self.poll_names(out) {
                Polled::Step(step) => return step,
                Polled::Again => continue,
                Polled::Wait(until) => until,
            };
            let mut wake = polled;
            let mut again = false;
            for turn in 0..self.wires.len().saturating_add(FIXED) {
                let polled = match turn {
                    0 => self.poll_home(out),
                    1 => self.poll_visited(out),
                    2 => self.poll_pool(out),
                    3 => self.poll_elsewhere(Register::Home, out),
                    4 => self.poll_elsewhere(Register::Visited, out),
                    5 => self.poll_associations(out),
                    _ => self.poll_wire(turn.saturating_sub(FIXED), out),
                };
                match polled {
                    Polled::Step(step) => return step,
                    Polled::Again => {
                        again = true;
                        break;
                    }
                    Polled::Wait(until) => wake = Instant::earliest(wake, until),
                }
            }
            if !again {
                return Step::Wait(wake);
            }
        }
    }
}

/// Parts that every node may have, beside the wires.
const FIXED: usize = 6;

/// What one part wants.
pub(super) enum Polled {
    /// Of the driver.
    Step(Step<RoamEvent>),
    /// Of another part, which may want something now.
    Again,
    Wait(Option<Instant>),
}

impl Roam {
    pub(super) fn arrived(&mut self, lane: Lane, input: Arrival<'_>) {
        let now = self.now;
        match (lane, &mut self.visited) {
            (Lane::Names, _) => self.server.handle(now, input),
            (Lane::Attach, Some((vlr, _))) => vlr.handle(now, vlr::Input::Arrival(input)),
            (Lane::Wire(index), _) => {
                if let Some(wire) = self.wires.get_mut(index) {
                    wire.adapter.handle(now, input);
                }
            }
            (Lane::Elsewhere(visited), _) => {
                if let Some(foreign) = self.elsewhere.get_mut(usize::from(visited)).and_then(Option::as_mut) {
                    foreign.handle(now, input);
                }
            }
            (Lane::Attach, None) => {}
        }
    }

    fn poll_names(&mut self, out: &mut Scratch) -> Polled {
        match self.server.poll(out).nested() {
            Nested::Event(event) => Polled::Step(Step::Event(RoamEvent::Names(event))),
            Nested::Wait(until) => Polled::Wait(until),
            Nested::Pass(Step::Append(append)) => {
                let record = out.get(append.range).to_vec();
                let parts = [Part::Names(&record)];
                Polled::Step(self.journal.append_names(append.ticket, &parts, out))
            }
            Nested::Pass(step) => self.pass(Lane::Names, step),
        }
    }

    fn poll_home(&mut self, out: &mut Scratch) -> Polled {
        let Some(home) = &mut self.home else { return Polled::Wait(None) };
        match home.poll() {
            HlrStep::Ask { partner, id, operation } => self.ask(Register::Home, partner, id, operation),
            HlrStep::Answer { partner, id, result } => self.answer(Register::Home, partner, id, result),
            HlrStep::Commit(change) => {
                return self
                    .commit(Writer::Home(change.id), &change, out)
                    .map_or(Polled::Again, Polled::Step);
            }
            HlrStep::Event(event) => return Polled::Step(Step::Event(RoamEvent::Home(event))),
            HlrStep::Wait(until) => return Polled::Wait(until),
        }
        Polled::Again
    }

    fn poll_visited(&mut self, out: &mut Scratch) -> Polled {
        let Some((vlr, pool)) = &mut self.visited else { return Polled::Wait(None) };
        let event = match vlr.poll(out).nested() {
            Nested::Event(event) => event,
            Nested::Wait(until) => return Polled::Wait(until),
            Nested::Pass(step) => return self.pass(Lane::Attach, step),
        };
        match event {
            vlr::Event::Ask { partner, id, operation } => self.ask(Register::Visited, partner, id, operation),
            vlr::Event::Answer { partner, id, result } => {
                self.answer(Register::Visited, partner, id, result);
            }
            vlr::Event::Commit(change) => {
                let writer = Writer::Visited(change.id);
                return self.commit(writer, &change, out).map_or(Polled::Again, Polled::Step);
            }
            vlr::Event::Pool(ask) => {
                if let PoolAsk::Prepare { holder, lease } = ask {
                    self.prepared = Some((holder, lease));
                }
                if let Some(told) = pool.ask(self.now, &ask) {
                    vlr.handle(self.now, vlr::Input::Pool(told));
                }
            }
            vlr::Event::Attached { imsi, name, addresses, .. } => {
                return Polled::Step(Step::Event(RoamEvent::Attached { imsi, name, addresses }));
            }
            vlr::Event::Left { imsi, reason, .. } => {
                return Polled::Step(Step::Event(RoamEvent::Left { imsi, reason }));
            }
            vlr::Event::Refused { imsi, reason } => {
                return Polled::Step(Step::Event(RoamEvent::Refused { imsi, reason }));
            }
            _ => {}
        }
        Polled::Again
    }

    fn poll_pool(&mut self, out: &mut Scratch) -> Polled {
        let Some((vlr, pool)) = &mut self.visited else { return Polled::Wait(None) };
        let told = match pool.poll(out).nested() {
            Nested::Wait(until) => return Polled::Wait(until),
            Nested::Pass(step) => return Polled::Step(step),
            Nested::Event(pool::Event::Commit(change)) => {
                return self
                    .commit(Writer::Pool(change.id), &change, out)
                    .map_or(Polled::Again, Polled::Step);
            }
            Nested::Event(pool::Event::Requested { holder, host_name }) => {
                PoolTold::Requested { holder, host_name }
            }
            Nested::Event(pool::Event::Released { holder }) => PoolTold::Released { holder },
            Nested::Event(pool::Event::Expired { holder }) => PoolTold::Expired { holder },
        };
        vlr.handle(self.now, vlr::Input::Pool(told));
        Polled::Again
    }

    fn poll_wire(&mut self, index: usize, out: &mut Scratch) -> Polled {
        let Some(wire) = self.wires.get_mut(index) else { return Polled::Wait(None) };
        match wire.adapter.poll(out).nested() {
            Nested::Event(told) => {
                self.told(told);
                Polled::Again
            }
            Nested::Wait(until) => Polled::Wait(until),
            Nested::Pass(step) => match self.streams.leave(Lane::Wire(index), step) {
                Some(step) => self.pass_or_associate(step, out),
                None => Polled::Again,
            },
        }
    }

    /// A step for the driver, the stream in it as the driver calls it.
    pub(super) fn pass(&mut self, lane: Lane, step: Step<RoamEvent>) -> Polled {
        self.streams.leave(lane, step).map_or(Polled::Again, Polled::Step)
    }
}
