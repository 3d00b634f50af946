//! Responses of peers: to which request of ours, and what follows (RFC 3261 §8.1.3, §13.2.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    CallId, Event, Failure, UserAgent, caller,
    context::{Accepted, ClientUse},
};
use crate::{
    dialog::Dialog,
    message::{HeaderName, MAGIC_COOKIE, Method, Response},
    transaction::{ClientKey, Heard, Outgoing},
};

impl UserAgent {
    pub(super) fn on_response(&mut self, response: Response) {
        let Some((key, to_invite, sent_by)) = addressee(&response) else { return };
        let status = response.status;
        match self.cx.layer.response(self.cx.now, key, sent_by, to_invite, status.code()) {
            Heard::Nothing => return,
            Heard::PassUp => {}
            Heard::PassUpAndAck => self.acknowledge(key, &response),
        }
        match self.cx.layer.client_user(key) {
            Some(ClientUse::Invite(invitation)) => {
                let call = invitation.call;
                self.on_invite_response(call, key, response);
            }
            Some(&mut ClientUse::Bye(Some(call))) if status.is_final() => {
                self.on_call(call, |call, cx| call.bye_done(cx));
            }
            Some(&mut ClientUse::Options(options)) if status.is_final() => {
                self.cx.tell(Event::OptionsAnswered { options, status, body: response.body });
            }
            _ => {}
        }
    }

    /// Nobody has answered, or nobody can be reached.
    pub(super) fn on_lost(&mut self, key: ClientKey, user: ClientUse, failure: Failure) {
        match user {
            ClientUse::Invite(invitation) if invitation.spare.is_some() && failure == Failure::Transport => {
                self.on_call(invitation.call, |call, cx| call.invited_again(cx, key, invitation));
            }
            ClientUse::Invite(invitation) => {
                self.on_call(invitation.call, |call, cx| call.failed(cx, failure));
            }
            ClientUse::Bye(Some(call)) => self.on_call(call, |call, cx| call.bye_done(cx)),
            ClientUse::Options(options) => self.cx.tell(Event::OptionsFailed { options, failure }),
            ClientUse::Bye(None) | ClientUse::Cancel => {}
        }
    }

    fn on_invite_response(&mut self, call: CallId, key: ClientKey, response: Response) {
        if response.status.is_provisional() {
            self.on_call(call, |call, cx| call.progress(cx, response));
        } else if response.status.is_success() {
            self.on_accepted(call, key, response);
        } else {
            let failure = caller::refusal(response);
            self.on_call(call, |call, cx| call.failed(cx, failure));
        }
    }

    /// Each 2xx gets its ACK, also the one that comes again. The first callee has the call; from any other, BYE
    /// (RFC 3261 §13.2.2.4).
    fn on_accepted(&mut self, call: CallId, key: ClientKey, response: Response) {
        let cx = &mut self.cx;
        let Some(ClientUse::Invite(invitation)) = cx.layer.client_user(key) else { return };
        let Ok(to) = response.headers.to() else { return };
        let tag = to.tag().unwrap_or_default();
        if let Some(accepted) = invitation.accepted.iter().find(|accepted| accepted.tag == tag) {
            let Outgoing { hop, bytes } = accepted.ack.clone();
            return cx.layer.send(hop, bytes);
        }
        if invitation.accepted.len() >= MAX_ACCEPTED {
            return;
        }
        let Ok(dialog) = Dialog::of_caller(&invitation.request, &response, invitation.hop) else { return };
        let hop = dialog.next_hop(&cx.config.local);
        let mut ack = dialog.ack();
        cx.stamp(&mut ack, &hop);
        cx.sign_request(&mut ack);
        let bytes = cx.request_bytes(&ack);
        cx.layer.send(hop, bytes.clone());
        if let Some(ClientUse::Invite(invitation)) = cx.layer.client_user(key) {
            invitation.accepted.push(Accepted { tag: tag.to_owned(), ack: Outgoing { hop, bytes } });
        }
        let mut dialog = Some(dialog);
        self.on_call(call, |call, cx| {
            dialog = dialog.take().and_then(|dialog| call.answered(cx, key, dialog, response.body));
        });
        if let Some(mut unused) = dialog {
            self.cx.send_bye(&mut unused, None);
        }
    }

    fn acknowledge(&mut self, key: ClientKey, response: &Response) {
        if let Some(ClientUse::Invite(invitation)) = self.cx.layer.client_user(key) {
            let mut ack = caller::ack(&invitation.request, response);
            self.cx.sign_request(&mut ack);
            let bytes = self.cx.request_bytes(&ack);
            self.cx.layer.acknowledge(key, bytes);
        }
    }
}

/// The transaction that a response names, whether it answers an INVITE, and whom it names as the sender of its
/// request. `None` when it cannot be ours (RFC 3261 §8.1.3.3, §17.1.3).
fn addressee(response: &Response) -> Option<(ClientKey, bool, (Option<std::net::IpAddr>, u16))> {
    let mut vias = response.headers.vias().ok()?.into_iter();
    let (Some(via), None) = (vias.next(), vias.next()) else { return None };
    let digits = via.branch()?.strip_prefix(MAGIC_COOKIE).filter(|digits| digits.len() == 16)?;
    let branch = u64::from_str_radix(digits, 16).ok()?;
    let method = response.headers.cseq().ok()?.method;
    let key = ClientKey { branch, cancel: method == Method::Cancel };
    response.headers.get(&HeaderName::To)?;
    Some((key, method == Method::Invite, (via.host.ip(), via.sent_by_port())))
}

/// Callees of one forked INVITE that are answered when they accept; those beyond give up by themselves.
const MAX_ACCEPTED: usize = 16;
