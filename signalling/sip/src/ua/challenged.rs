//! Challenges that our requests inside a dialog meet: such a request goes out again as the dialog's next one, with the
//! answer (RFC 3261 §12.2.1.1, §22.2).
//!
//! Whether there is an answer, and for whom, the [`Keyring`](super::keyring::Keyring) says. CANCEL and ACK are never
//! challenged (RFC 3261 §22.1), and BYE is an exchange of its own, since it outlives its call.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    CallId,
    call::{Call, State},
    context::{ClientUse, Context, Inside, Invitation},
    leg::Leg,
    request::MAX_CHALLENGES,
};
use crate::{
    dialog::Dialog,
    message::{HeaderName, Request, Response},
    transaction::{ClientKey, Outgoing},
    transport::Hop,
};

impl Context {
    /// Sends a request inside a dialog, other than INVITE and BYE.
    pub(super) fn send_inside(&mut self, inside: Box<Inside>) -> ClientKey {
        let (mut request, hop) = (inside.request.clone(), inside.hop);
        let key = self.stamp(&mut request, &hop);
        let bytes = self.request_bytes(&request);
        self.layer.request(self.now, key, Outgoing { hop, bytes }, ClientUse::Inside(inside));
        key
    }

    /// Sends an INVITE inside `dialog`, of which it is the newest request; `challenges` were met before.
    pub(super) fn reinvite(
        &mut self,
        call: CallId,
        dialog: &Dialog,
        mut request: Request,
        hop: Hop,
        challenges: u8,
    ) -> ClientKey {
        let key = self.stamp(&mut request, &hop);
        let bytes = self.request_bytes(&request);
        let (again, dialog) = (core::mem::take(&mut request.body), Some(dialog.clone()));
        let accepted = Vec::new();
        let invitation = Invitation { call, request, hop, spare: None, dialog, again, challenges, accepted };
        self.layer.invite(self.now, key, Outgoing { hop, bytes }, ClientUse::Invite(Box::new(invitation)));
        key
    }
}

impl Call {
    /// Sends a request inside a dialog again whose challenge can be answered. `false` when that is of no use.
    pub(super) fn asked_again(
        &mut self,
        cx: &mut Context,
        key: ClientKey,
        mut inside: Box<Inside>,
        response: &Response,
    ) -> bool {
        let Some(challenges) = met(inside.challenges, response) else { return false };
        let Some(leg) = self.leg_of(&inside.request) else { return false };
        let (hop, before) = (inside.hop, inside.challenges);
        if !cx.keyring.challenged(&mut inside.request, response, &hop, before, &mut cx.entropy) {
            return false;
        }
        inside.challenges = challenges;
        leg.dialog.renumber(&mut inside.request);
        let again = cx.send_inside(inside);
        leg.renamed(key, again);
        true
    }

    /// The same for an INVITE, whose ACK is out.
    pub(super) fn reinvited_again(&mut self, cx: &mut Context, key: ClientKey, response: &Response) -> bool {
        let Some(ClientUse::Invite(invitation)) = cx.layer.client_user(key) else { return false };
        let (id, hop, before) = (invitation.call, invitation.hop, invitation.challenges);
        let Some(challenges) = met(before, response) else { return false };
        let mut request = invitation.request.clone();
        request.body.clone_from(&invitation.again);
        request.headers.remove(&HeaderName::Via);
        let Some(leg) = self.leg_of(&request).filter(|leg| leg.is_changed_by(key)) else { return false };
        if !cx.keyring.challenged(&mut request, response, &hop, before, &mut cx.entropy) {
            return false;
        }
        leg.dialog.renumber(&mut request);
        let again = cx.reinvite(id, &leg.dialog, request, hop, challenges);
        leg.renamed(key, again);
        true
    }

    /// The dialog that a request of ours belongs to, while the call is not about to end: what follows BYE is not sent.
    fn leg_of(&mut self, request: &Request) -> Option<&mut Leg> {
        if matches!(self.state, State::Ending(_)) {
            return None;
        }
        let to = request.headers.to().ok()?;
        let (call_id, tag) = (request.headers.call_id().ok()?, to.tag().unwrap_or_default());
        self.leg(tag).filter(|leg| leg.dialog.is_with(call_id, tag))
    }
}

/// How many challenges a request has met by this response. `None` when it is none, or one too many.
fn met(before: u8, response: &Response) -> Option<u8> {
    let challenged = matches!(response.status.code(), 401 | 407) && before < MAX_CHALLENGES;
    challenged.then(|| before.saturating_add(1))
}
