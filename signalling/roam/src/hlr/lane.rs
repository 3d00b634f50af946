//! One change of a subscriber at a time.

use rove_base::Now;

use crate::{
    Cause, Imsi, Operation,
    private::{DialogueId, PartnerId},
};

use super::{AdministerError, Command, Hlr, HlrEvent, RequestId};

/// Who asked what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Asker {
    pub(super) partner: PartnerId,
    pub(super) id: DialogueId,
}

/// What is done for one subscriber at a time.
pub(super) enum Work {
    Asked {
        asker: Asker,
        operation: Operation,
    },
    Administer {
        request: RequestId,
        command: Command,
    },
    /// A lease or the time for a proof is over.
    Overdue,
}

impl Hlr {
    /// Does `work`, now or when the subscriber's change under way is over.
    pub(super) fn enter(&mut self, now: Now, imsi: Imsi, work: Work) {
        match self.lanes.get_mut(&imsi) {
            None => self.run(now, imsi, work),
            Some(lane) if lane.len() < MOST_WAITING => lane.push_back(work),
            Some(_) => self.refuse(&work, Cause::Overload),
        }
    }

    pub(super) fn run(&mut self, now: Now, imsi: Imsi, work: Work) {
        match work {
            Work::Asked { asker, operation } => {
                let asked = match operation {
                    Operation::UpdateLocation { imsi, visited } => {
                        self.update_location(now, asker, imsi, visited)
                    }
                    Operation::Bind { claim, proof, lease } => self.bind(now, asker, &claim, &proof, lease),
                    Operation::PurgeMs { imsi, visited, generation } => {
                        self.purge(asker, imsi, &visited, generation)
                    }
                    _ => Err(Cause::NotSupported),
                };
                self.refuse_if(asker, asked);
            }
            Work::Administer { request, command } => {
                if let Err(error) = self.command(request, command) {
                    self.event(HlrEvent::Administered { request, result: Err(error) });
                }
            }
            Work::Overdue => self.overdue(now, imsi),
        }
    }

    fn refuse(&mut self, work: &Work, cause: Cause) {
        match *work {
            Work::Asked { asker, .. } => self.answer(asker, Err(cause)),
            Work::Administer { request, .. } => {
                let result = Err(AdministerError::Overload);
                self.event(HlrEvent::Administered { request, result });
            }
            // Looked at again by itself.
            Work::Overdue => {}
        }
    }

    pub(super) fn refuse_if(&mut self, asker: Asker, asked: Result<(), Cause>) {
        if let Err(cause) = asked {
            self.answer(asker, Err(cause));
        }
    }
}

/// Questions and changes that wait for the same subscriber.
pub(super) const MOST_WAITING: usize = 8;
