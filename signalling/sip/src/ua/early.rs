//! The early dialogs of an INVITE of ours: one for each callee that has tagged a provisional response
//! (RFC 3261 §12.1, §13.2.2.1).

use super::{context::Invitation, leg::Leg, reliable};
use crate::{
    dialog::Dialog,
    message::{Response, StatusCode},
};

/// A callee that has not accepted yet.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) leg: Leg,
    /// The answer to our offer, when it came before the 2xx.
    pub(super) answer: Option<Vec<u8>>,
    /// Whether that answer is certain to be the one: it came reliably (RFC 3262 §5).
    pub(super) agreed: bool,
    /// The number of the last reliable response.
    number: Option<u32>,
}

/// What a provisional response of a callee asks for.
#[derive(Debug)]
pub(super) struct Heard<'a> {
    /// The place of the callee among those that the INVITE has reached.
    pub(super) place: usize,
    pub(super) early: &'a mut Early,
    /// What its PRACK says, when it is reliable.
    pub(super) number: Option<u32>,
}

/// All callees that a forked INVITE has reached so far.
#[derive(Debug, Default)]
pub(super) struct Fork(Vec<Early>);

impl Fork {
    /// Notes a provisional response. `None` when it is to be ignored: a reliable one that came before, or out of turn
    /// (RFC 3262 §4).
    pub(super) fn hear(&mut self, invitation: &Invitation, response: &Response) -> Option<Option<Heard<'_>>> {
        let reliable = reliable::number(response);
        let Some(place) = self.place(invitation, response) else {
            return reliable.is_none().then_some(None);
        };
        let early = self.0.get_mut(place)?;
        if let Some(number) = reliable {
            if early.number.is_some_and(|last| last.checked_add(1) != Some(number)) {
                return None;
            }
            early.number = reliable;
        }
        early.leg.hear(&response.headers);
        if !early.agreed && !response.body.is_empty() {
            early.answer = Some(response.body.clone());
            early.agreed = reliable.is_some();
        }
        Some(Some(Heard { place, early, number: reliable }))
    }

    /// The callee that sent this, which is added when it is the first from there. `None` when it has no tag, or there
    /// are too many.
    fn place(&mut self, invitation: &Invitation, response: &Response) -> Option<usize> {
        let to = response.headers.to().ok()?;
        let tag = to.tag().filter(|_| response.status != StatusCode::TRYING)?;
        let known = self.0.iter().position(|early| early.leg.dialog.remote_tag() == tag);
        if known.is_some() || self.0.len() >= MOST_CALLEES {
            return known;
        }
        let dialog = Dialog::of_caller(&invitation.request, response, invitation.hop).ok()?;
        let mut leg = Leg::of_caller(dialog, &invitation.request, response);
        leg.said.clone_from(&invitation.again);
        self.0.push(Early { leg, answer: None, agreed: false, number: None });
        self.0.len().checked_sub(1)
    }

    /// Takes out the callee that `confirmed` is with; else `confirmed` is all that is known of it.
    pub(super) fn take(&mut self, confirmed: Leg, response: &Response) -> Early {
        let tag = confirmed.dialog.remote_tag();
        match self.0.iter().position(|early| early.leg.dialog.remote_tag() == tag) {
            Some(place) => {
                let mut early = self.0.remove(place);
                early.leg.confirm(confirmed.dialog, response);
                early
            }
            None => Early { leg: confirmed, answer: None, agreed: false, number: None },
        }
    }

    /// What was to be changed with a callee that has not accepted.
    pub(super) fn unsent(self) -> Option<crate::ua::SessionChange> {
        self.0.into_iter().find_map(|early| early.leg.unsent())
    }

    /// The callee with this tag.
    pub(super) fn with_tag(&mut self, tag: &str) -> Option<&mut Early> {
        self.iter_mut().find(|early| early.leg.dialog.remote_tag() == tag)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Early> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Early> {
        self.0.iter_mut()
    }
}

/// Callees that are told apart; those beyond ring all the same.
const MOST_CALLEES: usize = 16;
