//! The private network between the networks, as good as it is told to be.

use std::time::Duration;

use rove_base::{Machine as _, StreamId};
use rove_roam::{
    Cause, Operation, Outcome,
    private::{DialogueId, PartnerId, Told},
    vlr::Input,
};

use crate::{
    network::Source,
    world::{Delivery, Net, World, name_of},
};

/// How good the private network is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Of messages, 0 to 1.
    pub loss: f64,
    /// One way, at least and at most.
    pub way: (Duration, Duration),
    /// How long an answer is waited for.
    pub patience: Duration,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            loss: 0.0,
            way: (Duration::from_millis(5), Duration::from_millis(25)),
            patience: Duration::from_secs(5),
        }
    }
}

/// A question under way.
pub(crate) struct Dialogue {
    pub from: usize,
    pub side: Source,
    pub epoch: u32,
    pub id: DialogueId,
    pub to: usize,
}

impl World {
    /// A network's process dies: streams break, questions are not answered, what was not durable is lost.
    pub(crate) fn kill(&mut self, network: usize) {
        self.networks[network].die();
        for seat in 0..self.seats.len() {
            let theirs = |(_, (to, _)): &(&StreamId, &(usize, StreamId))| *to == network;
            let broken: Vec<_> =
                self.seats[seat].open.iter().filter(theirs).map(|(stream, _)| *stream).collect();
            for stream in broken {
                self.seats[seat].open.remove(&stream);
                self.later(
                    Duration::from_millis(1),
                    Delivery::ToTerminal(seat, stream, network, Net::Closed),
                );
            }
        }
        for other in (0..self.networks.len()).filter(|other| *other != network) {
            self.told(other, Told::Down(partner(network)));
        }
    }

    /// It is started again.
    pub(crate) fn revive(&mut self, network: usize) {
        self.networks[network].restart(self.now);
        self.drain(network);
        self.link_up(network);
    }

    pub(crate) fn link_up(&mut self, network: usize) {
        for other in 0..self.networks.len() {
            if self.networks[other].alive {
                self.told(network, Told::Up(partner(other)));
                self.told(other, Told::Up(partner(network)));
            }
        }
    }

    pub(crate) fn told(&mut self, network: usize, told: Told) {
        let now = self.now;
        let node = &mut self.networks[network];
        if !node.alive {
            return;
        }
        if let Told::Up(partner) = told {
            node.hlr.up(now, partner);
        }
        node.vlr.handle(now, Input::Told(told));
        self.drain(network);
    }

    pub(crate) fn ask(
        &mut self,
        from: usize,
        side: Source,
        to: PartnerId,
        id: DialogueId,
        operation: Operation,
    ) {
        let (to, name) = (usize::from(to.0), name_of(&operation));
        self.trace.push(format!("{from} ask {name}"));
        self.asked.push((from, to, name));
        self.count += 1;
        let number = self.count;
        let epoch = self.networks[from].epoch;
        self.dialogues.insert(number, Dialogue { from, side, epoch, id, to });
        self.later(self.link.patience, Delivery::Answer(number, Err(Cause::NoAnswer)));
        let way = self.a_way();
        if !self.is_lost() {
            self.later(way, Delivery::Ask(number, operation));
        }
    }

    pub(crate) fn reach_partner(&mut self, number: u64, operation: Operation) {
        let Some(dialogue) = self.dialogues.get(&number) else { return };
        let (from, to, id) = (partner(dialogue.from), dialogue.to, DialogueId(number));
        if !self.networks[to].alive {
            return;
        }
        match operation {
            Operation::InsertSubscriberData { .. }
            | Operation::DeleteSubscriberData { .. }
            | Operation::CancelLocation { .. }
            | Operation::Reset { .. } => {
                self.tell(to, Input::Told(Told::Asked { partner: from, id, operation }));
            }
            operation => {
                self.networks[to].hlr.asked(self.now, from, id, operation);
                self.drain(to);
            }
        }
    }

    pub(crate) fn answer(&mut self, network: usize, id: DialogueId, result: Result<Outcome, Cause>) {
        self.trace.push(format!(
            "{network} answer {}",
            result.as_ref().map_or_else(|cause| format!("{cause:?}"), name_of)
        ));
        let way = self.a_way();
        if !self.is_lost() {
            self.later(way, Delivery::Answer(id.0, result));
        }
    }

    pub(crate) fn answered(&mut self, number: u64, result: Result<Outcome, Cause>) {
        let Some(Dialogue { from, side, epoch, id, to }) = self.dialogues.remove(&number) else { return };
        if self.networks[from].epoch != epoch || !self.networks[from].alive {
            return;
        }
        match side {
            Source::Hlr => {
                self.networks[from].hlr.answered(self.now, partner(to), id, result);
                self.drain(from);
            }
            _ => self.tell(from, Input::Told(Told::Answered { partner: partner(to), id, result })),
        }
    }
}

fn partner(network: usize) -> PartnerId {
    PartnerId(u16::try_from(network).unwrap())
}
