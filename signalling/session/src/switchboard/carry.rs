//! From the asks of a call to the machines that can do them.

use rove_sip::{
    message::{HeaderName, NameAddr, StatusCode},
    transport::Hop,
    ua::{OutgoingInvite, SessionChange},
};

use super::{Switchboard, find};
use crate::{CallId, Event, Target, call::Ask};

impl Switchboard {
    pub(super) fn carry(&mut self, id: CallId, asks: Vec<Ask>) {
        for ask in asks {
            self.carry_one(id, ask);
        }
    }

    fn carry_one(&mut self, id: CallId, ask: Ask) {
        let now = self.now;
        let (invite, account) = self.calls.get(&id).map_or((None, None), |call| (call.invite, call.account));
        match (ask, invite) {
            (Ask::Resolve(target), _) => {
                let lookup = find(&mut self.resolver, now, &self.accounts.way(&target, account));
                self.by_lookup.insert(lookup, id);
            }
            (Ask::Invite { hop, target, offer }, _) => self.invite(id, hop, &target, offer),
            (Ask::Ring, Some(invite)) => self.agent.ring(now, invite, StatusCode::RINGING, None),
            (Ask::Accept(body), Some(invite)) => self.agent.accept(now, invite, body),
            (Ask::Reject { status, why }, Some(invite)) => {
                self.agent.reject(now, invite, status, why.as_deref());
            }
            (Ask::Redirect(target), Some(invite)) => {
                self.agent.redirect(now, invite, &[NameAddr::new(target.uri().clone())]);
            }
            (Ask::AcceptChange(body), Some(invite)) => self.agent.accept_change(now, invite, body),
            (Ask::RejectChange { status, why }, Some(invite)) => {
                self.agent.reject_change(now, invite, status, why.as_deref());
            }
            (Ask::Change { offer, hop }, Some(invite)) => {
                self.agent.change(now, invite, SessionChange { hop, ..SessionChange::offer(offer) });
            }
            (Ask::Trickle(body), Some(invite)) => {
                // Whoever does not take them checks what it was told of at first.
                let _ = self.agent.trickle(now, invite, body);
            }
            (Ask::AddCandidates { candidates, last }, _) => {
                self.events.push_back(Event::AddCandidates { call: id, candidates, last });
            }
            (Ask::HangUp, Some(invite)) => self.agent.hang_up(now, invite),
            (
                Ask::Ring
                | Ask::Accept(_)
                | Ask::Reject { .. }
                | Ask::Redirect(_)
                | Ask::AcceptChange(_)
                | Ask::RejectChange { .. }
                | Ask::Change { .. }
                | Ask::Trickle(_)
                | Ask::HangUp,
                None,
            ) => {}
            (Ask::OpenMedia(toward), _) => self.events.push_back(Event::OpenMedia { call: id, toward }),
            (Ask::StartMedia(plan), _) => {
                self.events.push_back(Event::StartMedia { call: id, plan: Box::new(plan) });
            }
            (Ask::ChangeMedia(plan), _) => {
                self.events.push_back(Event::ChangeMedia { call: id, plan: Box::new(plan) });
            }
            (Ask::StopMedia, _) => self.events.push_back(Event::StopMedia { call: id }),
            (Ask::Tell(progress), _) => self.events.push_back(Event::Call { call: id, progress }),
        }
    }

    fn invite(&mut self, id: CallId, hop: Hop, target: &Target, offer: Vec<u8>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let target = &self.accounts.spelled(target, call.account);
        let mut headers = call.headers.clone();
        headers.extend(
            self.accounts
                .route(target, call.account, &hop)
                .into_iter()
                .map(|route| (HeaderName::Route, route)),
        );
        let outgoing = OutgoingInvite {
            hop,
            name: target.name(),
            uri: target.uri().clone().into(),
            from: self.accounts.identity(target, call.account).unwrap_or(&self.config.identity).clone(),
            to: NameAddr::new(target.uri().clone()),
            body: offer,
            private: self.config.anonymous,
            headers,
        };
        let invite = self.agent.invite(self.now, outgoing);
        call.invite = Some(invite);
        self.by_invite.insert(invite, id);
    }
}
