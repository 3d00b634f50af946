//! The server as a machine: what comes in, what time calls for, and what is done in one turn.

use rove_base::{Arrival, Flow, Instant, Machine, Now, Scratch, Step};

use super::{Event, Peer, Server};
use crate::{
    wire::Reader,
    zones::{Change, Zone},
};

impl Machine for Server {
    type Input<'a> = Arrival<'a>;
    type Event = Event;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.now = now;
        match input {
            Arrival::Datagram { flow: flow @ Flow::Udp(path), bytes } if path.remote.port() != 0 => {
                // Nothing that time calls for comes of it: that has its own deadlines.
                return self.receive(now, Peer { flow, address: path.remote }, bytes);
            }
            Arrival::Datagram { .. } | Arrival::Identified { .. } => {}
            Arrival::Stream { stream, bytes } => {
                self.streams.push(stream, bytes);
                while let Some((peer, message)) = self.streams.next_message(now.mono, stream) {
                    self.receive(now, peer, &message);
                }
            }
            Arrival::Connected { stream, remote, .. } => {
                if let Some(crowded_out) = self.streams.open(now.mono, stream, remote) {
                    self.outbox.close(crowded_out);
                }
            }
            Arrival::Closed { stream, .. } => {
                self.streams.forget(stream);
                self.transfers.closed(stream, &mut self.zones);
            }
            Arrival::Durable { ticket } => self.turn.is_durable(ticket),
        }
        self.run(now);
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.run(now);
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        loop {
            if let Some(step) = self.outbox.poll(out) {
                return step;
            }
            if self.turn.rest(self.has_work()) {
                return Step::Wait(Some(self.now.mono));
            }
            if !self.work() {
                return Step::Wait(self.next_turn());
            }
        }
    }
}

impl Server {
    /// Does what time calls for.
    pub(super) fn run(&mut self, now: Now) {
        let Self { streams, transfers, zones, updates, outbox, .. } = self;
        while let Some(stream) = streams.take_idle(now.mono, |stream| transfers.is_feeding(stream)) {
            outbox.close(stream);
        }
        transfers.run(now, zones, updates.keys(), outbox);
        self.shield.renew(now.mono);
    }

    /// Does one of the things that may wait; `false` when there is none, or it is time to look at the sockets.
    fn work(&mut self) -> bool {
        let now = self.now;
        if let Some(ticket) = self.turn.durable() {
            let Self { updates, transfers, zones, outbox, .. } = self;
            let told = |zone: &Zone, change: &mut Change| transfers.shown(zone, change);
            if updates.show_next(now, ticket, zones, outbox, told) {
                self.turn.shown();
                self.transfers.run(now, &self.zones, self.updates.keys(), &mut self.outbox);
                return true;
            }
        }
        if self.updates.has_room()
            && let Some((from, message)) = self.turn.pop()
        {
            if let Ok(header) = Reader::new(&message).header() {
                self.take_request(now, from, header, &message);
            }
            return true;
        }
        self.transfers.feed(&mut self.zones, self.updates.keys(), &mut self.outbox)
    }

    /// Ends this turn. Answers when the next is to begin.
    fn next_turn(&mut self) -> Option<Instant> {
        self.turn.end();
        if self.has_work() {
            return Some(self.now.mono);
        }
        Instant::earliest(self.streams.next_deadline(), self.transfers.next_deadline())
    }

    /// Whether a change is to be made visible, or an update to be taken.
    fn has_work(&self) -> bool {
        let shows = self.updates.waits_for(self.turn.durable_at_all());
        shows || self.turn.has_updates() && self.updates.has_room()
    }

    /// Whether the last [`Step::Wait`] was said only so that answers leave before the work that comes next: whoever
    /// drives may send them and poll again at once.
    #[must_use]
    pub const fn is_resting(&self) -> bool {
        self.turn.is_resting()
    }
}
