//! Questions and answers between registers, whoever's they are.

use rove_base::Machine as _;
use rove_roam::{
    Cause, Operation, Outcome,
    private::{DialogueId, PartnerId, Told},
    vlr,
};

use super::{OURS, Roam, RoamEvent};

impl Roam {
    /// A partner says something, or the link to it.
    pub(super) fn told(&mut self, told: Told) {
        let now = self.now;
        match told {
            Told::Up(partner) | Told::Down(partner) => {
                let up = matches!(told, Told::Up(_));
                if partner != OURS {
                    self.events.push_back(RoamEvent::Link { partner, up });
                }
                if let (Some(home), true) = (&mut self.home, up) {
                    home.up(now, partner);
                }
                self.tell_vlr(told);
            }
            Told::Asked { partner, id, operation } => self.asked(partner, id, operation),
            Told::Answered { partner, id, result } => match split(id) {
                (Register::Home, id) => {
                    if let Some(home) = &mut self.home {
                        home.answered(now, partner, id, result);
                    }
                }
                (Register::Visited, id) => self.tell_vlr(Told::Answered { partner, id, result }),
            },
            Told::Malformed(partner) => {
                self.counted.malformed = self.counted.malformed.saturating_add(1);
                self.events.push_back(RoamEvent::Malformed(partner));
            }
        }
    }

    pub(super) fn asked(&mut self, partner: PartnerId, id: DialogueId, operation: Operation) {
        match (addressee(&operation), &mut self.home, &self.visited) {
            (Register::Home, Some(home), _) => home.asked(self.now, partner, id, operation),
            (Register::Visited, _, Some(_)) => self.tell_vlr(Told::Asked { partner, id, operation }),
            // It is not for a home, which says so and counts it.
            (Register::Visited, Some(home), None) => home.asked(self.now, partner, id, operation),
            _ => self.answer(Register::Home, partner, id, Err(Cause::NotSupported)),
        }
    }

    pub(super) fn tell_vlr(&mut self, told: Told) {
        if let Some((vlr, _)) = &mut self.visited {
            vlr.handle(self.now, vlr::Input::Told(told));
        }
    }

    /// One of our registers asks.
    pub(super) fn ask(&mut self, who: Register, partner: PartnerId, id: DialogueId, operation: Operation) {
        if partner == OURS {
            return match who {
                Register::Home => self.tell_vlr(Told::Asked { partner, id, operation }),
                Register::Visited => match &mut self.home {
                    Some(home) => home.asked(self.now, partner, id, operation),
                    None => self.tell_vlr(Told::Answered { partner, id, result: Err(Cause::NoAnswer) }),
                },
            };
        }
        let wire = self.reached.get(&partner).and_then(|index| self.wires.get_mut(*index));
        match wire {
            Some(wire) => wire.adapter.ask(self.now, partner, join(who, id), operation),
            None => self.told(Told::Answered { partner, id: join(who, id), result: Err(Cause::NoAnswer) }),
        }
    }

    /// One of our registers answers.
    pub(super) fn answer(
        &mut self,
        who: Register,
        partner: PartnerId,
        id: DialogueId,
        result: Result<Outcome, Cause>,
    ) {
        if partner == OURS {
            return match (who, &mut self.home) {
                (Register::Home, _) => self.tell_vlr(Told::Answered { partner, id, result }),
                (Register::Visited, Some(home)) => home.answered(self.now, partner, id, result),
                (Register::Visited, None) => {}
            };
        }
        if let Some(wire) = self.reached.get(&partner).and_then(|index| self.wires.get_mut(*index)) {
            wire.adapter.answer(self.now, partner, id, result);
        }
    }
}

/// Which of a node's two registers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Register {
    Home,
    Visited,
}

/// Whom a question is for.
const fn addressee(operation: &Operation) -> Register {
    match operation {
        Operation::SendAuthenticationInfo { .. }
        | Operation::UpdateLocation { .. }
        | Operation::Bind { .. }
        | Operation::PurgeMs { .. }
        | Operation::RestoreData { .. } => Register::Home,
        _ => Register::Visited,
    }
}

/// Both registers number their questions from one; a wire has one sequence.
const fn join(who: Register, DialogueId(id): DialogueId) -> DialogueId {
    let bit = matches!(who, Register::Visited) as u64;
    DialogueId(id.wrapping_shl(1) | bit)
}

const fn split(DialogueId(id): DialogueId) -> (Register, DialogueId) {
    let who = if id & 1 == 0 { Register::Home } else { Register::Visited };
    (who, DialogueId(id >> 1))
}
