//! What the private network and the owner bring: to whom it belongs.

use rove_base::{Instant, StreamId};

use super::Vlr;
use crate::{
    Cause, ChangeId, Generation, Imsi, Outcome,
    private::{DialogueId, PartnerId, Told},
};

/// What a partner was asked for, and by whom.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question {
    Vectors(StreamId),
    Locate(Imsi, u64),
    /// With the moment of the question: the home's lease begins no earlier.
    Bind(Imsi, Generation, Instant),
    Restore(Imsi, Generation),
    Purge(Imsi, Generation),
    /// Nobody waits.
    Nothing,
}

/// What waits for the journal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting {
    Arrive(Imsi, Generation),
    Leave(Imsi, Generation),
}

impl Vlr {
    pub(super) fn told(&mut self, told: Told) {
        match told {
            Told::Up(partner) => {
                self.up.insert(partner);
                self.renew_all(partner, false);
                self.purge_again(partner);
            }
            Told::Down(partner) => {
                self.up.remove(&partner);
            }
            Told::Asked { partner, id, operation } => self.asked(partner, id, operation),
            Told::Answered { partner, id, result } => self.answered(partner, id, result),
            Told::Malformed(_) => {}
        }
    }

    fn answered(&mut self, partner: PartnerId, id: DialogueId, result: Result<Outcome, Cause>) {
        match self.questions.remove(&id) {
            Some(Question::Vectors(stream)) => self.fetched(stream, result),
            Some(Question::Locate(imsi, attempt)) => self.located(partner, (imsi, attempt), result),
            Some(Question::Bind(imsi, generation, asked)) => {
                self.bound_at_home((imsi, generation), asked, &result);
            }
            Some(Question::Restore(imsi, generation)) => self.restored(imsi, generation, &result),
            Some(Question::Purge(imsi, generation)) => self.purged(imsi, generation, &result),
            Some(Question::Nothing) | None => {}
        }
    }

    pub(super) fn committed(&mut self, id: ChangeId, durable: bool) {
        match self.changes.remove(&id) {
            Some(Waiting::Arrive(imsi, generation)) => self.arrival_durable(imsi, generation, durable),
            Some(Waiting::Leave(imsi, generation)) => self.departure_durable(imsi, generation),
            None => {}
        }
    }
}
