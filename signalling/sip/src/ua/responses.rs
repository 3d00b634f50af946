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
    context::{ClientUse, Purpose},
    leg::Leg,
    request::{self, Outcome},
};
use crate::{
    dialog::Dialog,
    message::{HeaderName, MAGIC_COOKIE, Method, Response},
    transaction::{ClientKey, Heard, Outgoing},
    transport::Hop,
};

impl UserAgent {
    pub(super) fn on_response(&mut self, response: Response, arrival: Hop) {
        let Some((key, to_invite, sent_by)) = addressee(&response) else { return };
        let status = response.status;
        // Who asks for a proof must be where the request went: anybody else is not heard at all.
        let place = |hop: Hop| (hop.transport, hop.remote);
        if matches!(status.code(), 401 | 407)
            && self.cx.layer.client_hop(key).is_some_and(|hop| place(hop) != place(arrival))
        {
            return;
        }
        match self.cx.layer.response(self.cx.now, key, sent_by, to_invite, status.code()) {
            Heard::Nothing => return,
            Heard::PassUp => {}
            Heard::PassUpAndAck => self.acknowledge(key, &response),
        }
        match self.cx.layer.client_user(key) {
            Some(ClientUse::Invite(invitation)) if invitation.dialog.is_some() => {
                self.on_reinvite_response(key, response);
            }
            Some(ClientUse::Invite(invitation)) => {
                let call = invitation.call;
                self.on_invite_response(call, key, response);
            }
            Some(ClientUse::Exchange(_)) if status.is_final() => self.on_final(key, response),
            Some(ClientUse::Inside(_)) if status.is_final() => self.on_inside_final(key, response),
            _ => {}
        }
    }

    /// Nobody has answered, or nobody can be reached.
    pub(super) fn on_lost(&mut self, key: ClientKey, user: ClientUse, failure: Failure) {
        match user {
            ClientUse::Invite(invitation) if invitation.spare.is_some() && failure == Failure::Transport => {
                self.on_call(invitation.call, |call, cx| call.invited_again(cx, key, invitation));
            }
            ClientUse::Invite(invitation) if invitation.dialog.is_some() => {
                self.on_call(invitation.call, |call, cx| {
                    call.responded(cx, key, Purpose::Change, Err(failure));
                });
            }
            ClientUse::Invite(invitation) => {
                self.on_call(invitation.call, |call, cx| call.failed(cx, failure));
            }
            ClientUse::Inside(inside) => self.on_call(inside.call, |call, cx| {
                call.responded(cx, key, inside.purpose, Err(failure));
            }),
            ClientUse::Exchange(exchange) => {
                if let Some(outcome) = self.cx.unanswered(*exchange, failure) {
                    self.on_outcome(outcome);
                }
            }
            ClientUse::Cancel => {}
        }
    }

    /// A final response to a request outside of calls, of which there is one only: the transaction absorbs the others.
    fn on_final(&mut self, key: ClientKey, response: Response) {
        let Some(ClientUse::Exchange(exchange)) = self.cx.layer.settle(key, ClientUse::Cancel) else {
            return;
        };
        if let Some(outcome) = self.cx.responded(*exchange, response) {
            self.on_outcome(outcome);
        }
    }

    /// A final response to a request inside a dialog. One that is a challenge has the request sent again, if it can be
    /// answered.
    fn on_inside_final(&mut self, key: ClientKey, response: Response) {
        let Some(ClientUse::Inside(inside)) = self.cx.layer.settle(key, ClientUse::Cancel) else { return };
        let (id, purpose) = (inside.call, inside.purpose);
        self.on_call(id, |call, cx| {
            if !call.asked_again(cx, key, inside, &response) {
                call.responded(cx, key, purpose, Ok(response));
            }
        });
    }

    fn on_outcome(&mut self, outcome: Outcome) {
        match outcome.purpose {
            request::Purpose::Owner(request) => self.cx.tell_outcome(request, outcome.result),
            request::Purpose::Options(options) => self.cx.tell(match outcome.result {
                Ok(Response { status, body, .. }) => Event::OptionsAnswered { options, status, body },
                Err(failure) => Event::OptionsFailed { options, failure },
            }),
            request::Purpose::Bye(Some(call)) => self.on_call(call, |call, cx| call.bye_done(cx)),
            request::Purpose::Bye(None) => {}
            request::Purpose::Registration(id, flow) => self.on_registration(id, flow, outcome),
            request::Purpose::Subscription(id) => self.on_subscribed(id, outcome),
            request::Purpose::Publication(id) => self.on_published(id, outcome),
            request::Purpose::Notification(id) => self.on_notified(id, &outcome),
        }
    }

    fn on_invite_response(&mut self, call: CallId, key: ClientKey, response: Response) {
        if response.status.is_provisional() {
            self.on_call(call, |call, cx| call.progress(cx, response));
        } else if response.status.is_success() {
            self.on_accepted(call, key, response);
        } else if let Some(again) = self.cx.invite_again(key, &response) {
            self.on_call(call, |call, cx| call.challenged(cx, again));
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
        let mut leg = Leg::of_caller(dialog, &invitation.request, &response);
        leg.said.clone_from(&invitation.again);
        cx.acknowledge(key, &leg.dialog, tag);
        let mut leg = Some(leg);
        self.on_call(call, |call, cx| {
            leg = leg.take().and_then(|leg| call.answered(cx, key, leg, response));
        });
        if let Some(mut unused) = leg {
            self.cx.send_bye(&mut unused.dialog, None, None);
        }
    }

    /// A response to an INVITE of ours inside a dialog. The ACK of its 2xx goes to the target that this names.
    fn on_reinvite_response(&mut self, key: ClientKey, response: Response) {
        let Some(ClientUse::Invite(invitation)) = self.cx.layer.client_user(key) else { return };
        let call = invitation.call;
        if response.status.is_provisional() {
            return;
        }
        if response.status.is_success() {
            let tag =
                invitation.dialog.as_ref().map(|dialog| dialog.remote_tag().to_owned()).unwrap_or_default();
            if let Some(accepted) = invitation.accepted.first() {
                let Outgoing { hop, bytes } = accepted.ack.clone();
                return self.cx.layer.send(hop, bytes);
            }
            let Some(mut dialog) = invitation.dialog.clone() else { return };
            if let Some(contact) = response.headers.contact().ok().flatten() {
                dialog.refresh_target(contact.uri);
            }
            self.cx.acknowledge(key, &dialog, &tag);
        }
        self.on_call(call, |call, cx| {
            if !call.reinvited_again(cx, key, &response) {
                call.responded(cx, key, Purpose::Change, Ok(response));
            }
        });
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
