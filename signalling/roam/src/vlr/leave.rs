//! The end of a stay, whoever wants it: names, address and binding go together.

use core::time::Duration;

use rove_base::{Instant, StreamId};

use super::{
    Event, PoolAsk, Timer, Vlr,
    answers::{Question, Waiting},
    bind::{is_transient, reverse},
    line::LineState,
    record::Record,
    visitor::{Stage, Visitor},
};
use crate::{
    Cause, Generation, Imsi, Operation, Outcome,
    attach::{Reason, ToTerminal},
    private::{DialogueId, PartnerId},
};

/// What is still to be done about a stay that is over.
#[derive(Debug)]
pub(super) struct Leaving {
    partner: PartnerId,
    /// The terminal waits here to hear that all is gone.
    stream: Option<StreamId>,
    /// The journal has it, and the reverse names are gone.
    durable: bool,
    purge: Purge,
    /// Homes that ordered it and wait.
    answers: Vec<(PartnerId, DialogueId)>,
    attempts: u32,
    /// When the home is left to find out by itself, as its lease ends.
    until: Instant,
}

/// Whether the home knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Purge {
    Asked,
    Failed,
    Done,
}

impl Vlr {
    /// Ends the stay of a subscriber, if there is one. With `purge` the home is told.
    pub(super) fn leave(&mut self, imsi: Imsi, reason: Reason, purge: bool) {
        let Some(visitor) = self.visitors.remove(&imsi) else { return };
        self.arriving.remove(&imsi);
        self.timers.cancel(Timer::Visitor(imsi));
        if matches!(&visitor.stage, Stage::Binding(binding) if binding.dhcp) {
            self.pool(PoolAsk::Refuse { holder: imsi });
        }
        if visitor.holds() {
            self.pool(PoolAsk::Release { holder: imsi });
        }
        let generation = visitor.generation();
        let stream = self.part(imsi, &visitor, reason);
        let Some(generation) = generation else { return };
        let gone = visitor.journaled().map(|kept| reverse(&kept.claim, None, self.config.reverse_ttl));
        let crowded = self.leaving.len() >= self.config.limits.visitors;
        let state = Leaving {
            partner: visitor.partner,
            stream,
            durable: gone.is_none(),
            purge: if purge { Purge::Asked } else { Purge::Done },
            answers: Vec::new(),
            attempts: 0,
            until: self.now.mono.later(if crowded { Duration::ZERO } else { self.config.patience.purge }),
        };
        self.leaving.insert((imsi, generation), state);
        if let Some(names) = gone {
            self.commit(Waiting::Leave(imsi, generation), Record::Gone(imsi, generation).encode(), names);
        }
        if purge {
            self.purge(imsi, generation);
        }
        self.parted(imsi, generation);
    }

    /// Counts and tells the end of a stay. The stream on which the terminal waits for the farewell, if it does.
    fn part(&mut self, imsi: Imsi, visitor: &Visitor, reason: Reason) -> Option<StreamId> {
        let bound = matches!(visitor.stage, Stage::Bound(_));
        let message = match (bound, visitor.generation()) {
            (true, Some(generation)) => {
                self.metrics.count_ended(reason);
                self.outbox.event(Event::Left { imsi, generation, reason });
                ToTerminal::Ended { reason }
            }
            _ => {
                self.metrics.count_refused(reason);
                self.outbox.event(Event::Refused { imsi: Some(imsi), reason });
                ToTerminal::Refused { reason }
            }
        };
        let stream = visitor.stream?;
        match visitor.generation() {
            Some(_) if reason == Reason::Detached => {
                self.lines.get_mut(&stream)?.state = LineState::Parting;
                Some(stream)
            }
            _ => {
                let farewell = if reason == Reason::Detached { ToTerminal::Detached } else { message };
                self.tell(stream, &farewell);
                self.drop_line(stream);
                None
            }
        }
    }

    /// Tells the home, again if it did not answer.
    pub(super) fn purge(&mut self, imsi: Imsi, generation: Generation) {
        let Some(leaving) = self.leaving.get_mut(&(imsi, generation)) else { return };
        leaving.purge = Purge::Asked;
        leaving.attempts = leaving.attempts.saturating_add(1);
        let partner = leaving.partner;
        let visited = self.config.visited();
        self.ask(
            partner,
            Question::Purge(imsi, generation),
            Operation::PurgeMs { imsi, visited, generation },
        );
    }

    pub(super) fn purged(&mut self, imsi: Imsi, generation: Generation, result: &Result<Outcome, Cause>) {
        let now = self.now.mono;
        let Some(leaving) = self.leaving.get_mut(&(imsi, generation)) else { return };
        let again = 1_u32.checked_shl(leaving.attempts.min(4)).unwrap_or(1);
        leaving.purge = match result {
            Err(cause) if is_transient(*cause) && now < leaving.until => Purge::Failed,
            _ => Purge::Done,
        };
        if leaving.purge == Purge::Failed {
            let at = self.about(Duration::from_secs(again.into()), 30);
            self.timers.set(Timer::Purge(imsi, generation), at);
        }
        self.parted(imsi, generation);
    }

    /// The journal's word. When it failed, nothing can be kept any more; the home is told all the same.
    pub(super) fn departure_durable(&mut self, imsi: Imsi, generation: Generation) {
        if let Some(leaving) = self.leaving.get_mut(&(imsi, generation)) {
            leaving.durable = true;
        }
        self.parted(imsi, generation);
    }

    /// A home that ordered the end of a stay is answered when it is done.
    pub(super) fn answer_when_gone(
        &mut self,
        partner: PartnerId,
        id: DialogueId,
        imsi: Imsi,
        last: Generation,
    ) {
        let stays = (imsi, Generation(0))..=(imsi, last);
        let newest = self.leaving.range_mut(stays).next_back().map(|(_, leaving)| leaving);
        match newest {
            Some(leaving) if !leaving.durable && leaving.answers.len() < MAX_ANSWERS => {
                leaving.answers.push((partner, id));
            }
            _ => self.outbox.event(Event::Answer { partner, id, result: Ok(Outcome::Done) }),
        }
    }

    /// What can be said now that something more is done.
    fn parted(&mut self, imsi: Imsi, generation: Generation) {
        let Some(leaving) = self.leaving.get_mut(&(imsi, generation)) else { return };
        if !leaving.durable {
            return;
        }
        let answers = core::mem::take(&mut leaving.answers);
        let stream = if leaving.purge == Purge::Asked { None } else { leaving.stream.take() };
        if leaving.purge == Purge::Done {
            self.leaving.remove(&(imsi, generation));
            self.timers.cancel(Timer::Purge(imsi, generation));
        }
        for (partner, id) in answers {
            self.outbox.event(Event::Answer { partner, id, result: Ok(Outcome::Done) });
        }
        if let Some(stream) = stream.filter(|stream| self.lines.contains_key(stream)) {
            self.tell(stream, &ToTerminal::Detached);
            self.drop_line(stream);
        }
    }

    /// A home can be reached again: what it was not told is told now.
    pub(super) fn purge_again(&mut self, partner: PartnerId) {
        let failed = |leaving: &Leaving| leaving.partner == partner && leaving.purge == Purge::Failed;
        let keys: Vec<_> =
            self.leaving.iter().filter(|(_, leaving)| failed(leaving)).map(|(key, _)| *key).collect();
        let spread = self.spread(keys.len());
        for (imsi, generation) in keys {
            let at = self.within(spread);
            self.timers.set(Timer::Purge(imsi, generation), at);
        }
    }
}

/// Orders that wait for the end of one stay.
const MAX_ANSWERS: usize = 4;
