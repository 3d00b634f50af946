//! The early dialogs of an INVITE of ours: one for each callee that has tagged a provisional response
//! (RFC 3261 §12.1, §13.2.2.1).

use super::{context::Invitation, leg::Leg};
use crate::{
    dialog::Dialog,
    message::{Request, Response, StatusCode},
};

/// A callee that has not accepted yet.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) leg: Leg,
    /// The answer to our offer, when it came before the 2xx.
    pub(super) answer: Option<Vec<u8>>,
    /// Whether that answer is certain to be the one: it came reliably (RFC 3262 §5).
    pub(super) agreed: bool,
}

/// All callees that a forked INVITE has reached so far.
#[derive(Debug, Default)]
pub(super) struct Fork(Vec<Early>);

impl Fork {
    /// The callee that sent this provisional response, and its place among the others; one it is the first of is added.
    /// `None` when it has no tag, or there are too many.
    pub(super) fn hear(
        &mut self,
        invitation: &Invitation,
        response: &Response,
    ) -> Option<(usize, &mut Early)> {
        let to = response.headers.to().ok()?;
        let tag = to.tag().filter(|_| response.status != StatusCode::TRYING)?;
        let place = match self.0.iter().position(|early| early.leg.dialog.remote_tag() == tag) {
            Some(place) => place,
            None if self.0.len() >= MOST_CALLEES => return None,
            None => {
                let dialog = Dialog::of_caller(&invitation.request, response, invitation.hop).ok()?;
                let leg = Leg::of_caller(dialog, user(&invitation.request), response);
                self.0.push(Early { leg, answer: None, agreed: false });
                self.0.len().saturating_sub(1)
            }
        };
        let early = self.0.get_mut(place)?;
        early.leg.hear(&response.headers);
        if early.answer.is_none() && !response.body.is_empty() {
            early.answer = Some(response.body.clone());
        }
        Some((place, early))
    }

    /// Takes out the callee that `confirmed` is with; else `confirmed` is all that is known of it.
    pub(super) fn take(&mut self, confirmed: Leg, response: &Response) -> Early {
        let tag = confirmed.dialog.remote_tag();
        match self.0.iter().position(|early| early.leg.dialog.remote_tag() == tag) {
            Some(place) => {
                let mut early = self.0.swap_remove(place);
                early.leg.confirm(confirmed.dialog, response);
                early
            }
            None => Early { leg: confirmed, answer: None, agreed: false },
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

/// Whose user part the Contact of our INVITE has.
pub(super) fn user(invite: &Request) -> crate::message::Uri {
    invite.headers.from().map_or_else(|_| invite.uri.clone(), |from| from.uri)
}

/// Callees that are told apart; those beyond ring all the same.
const MOST_CALLEES: usize = 16;
