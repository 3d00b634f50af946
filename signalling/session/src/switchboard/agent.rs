//! What the user agent tells, and which call that is a fact for.

use rove_sip::{transport::Hop, ua};

use super::{Switchboard, context};
use crate::{
    Event, Progress, Record, Side,
    call::{Alerting, Ask, Fact},
    errand,
};

impl Switchboard {
    pub(super) fn on_agent(&mut self, event: ua::Event) {
        let Some(event) = self.accounts.on_agent(event, &mut self.events) else { return self.changed = true };
        let Some(event) = self.errands.on_agent(event, &mut self.events) else { return };
        let (invite, fact) = match event {
            ua::Event::Incoming { call, hop, uri, from, asserted, body, replaces, .. } => {
                let from = asserted.unwrap_or(from).to_string();
                return self.on_incoming(call, hop, uri.to_string(), from, &body, replaces.is_some());
            }
            ua::Event::Message { call, from, kind, body, .. } => {
                let call = call.and_then(|call| self.by_invite.get(&call).copied());
                let (from, kind) = (from.to_string(), kind.to_string());
                return self.events.push_back(Event::Message { call, from, kind, body });
            }
            ua::Event::MessageFailed { call, failure } => {
                let progress = Progress::Unwritten { why: errand::why(&failure) };
                if let Some(&call) = self.by_invite.get(&call) {
                    self.events.push_back(Event::Call { call, progress });
                }
                return;
            }
            ua::Event::Watched { package, by } => {
                self.watched();
                return self.events.push_back(Event::Watched { package, by: by.to_string() });
            }
            ua::Event::Referred { call, to, by } => return self.on_referred(call, &to, by.as_ref()),
            ua::Event::KeyPressed { call, key } => {
                let progress = Progress::Key { key: key.key, duration: key.duration };
                if let Some(&call) = self.by_invite.get(&call) {
                    self.events.push_back(Event::Call { call, progress });
                }
                return;
            }
            ua::Event::Progress { call, status, body, .. } => (call, Fact::Ringing { status, body }),
            ua::Event::Answered { call, body } => (call, Fact::Answered(body)),
            ua::Event::Confirmed { call, body } => (call, Fact::Acknowledged(body)),
            ua::Event::Reoffered { call, body } => (call, Fact::Reoffered(body)),
            ua::Event::Trickled { call, body } => (call, Fact::Trickled(body)),
            ua::Event::Changed { call, body } => (call, Fact::Changed(body)),
            ua::Event::ChangeFailed { call, failure } => (call, Fact::ChangeFailed(failure)),
            ua::Event::Transfer { call, status, last } => (call, Fact::Transfer { status, last }),
            ua::Event::TransferFailed { call, failure } => (call, Fact::TransferFailed(failure)),
            ua::Event::Failed { call, failure } => (call, Fact::Failed(failure)),
            ua::Event::Ended { call, by, reason } => (call, Fact::Ended { by, reason }),
            _ => return,
        };
        self.tell_referrer(invite, &fact);
        let last = matches!(fact, Fact::Failed(_) | Fact::Ended { .. });
        let id = if last { self.by_invite.remove(&invite) } else { self.by_invite.get(&invite).copied() };
        // An INVITE that was given up for another address has no say any more.
        if let Some(id) = id.filter(|id| self.calls.get(id).is_some_and(|call| call.invite == Some(invite))) {
            self.fact(self.now, id, fact);
        }
    }

    fn on_incoming(
        &mut self,
        invite: ua::CallId,
        hop: Hop,
        target: String,
        from: String,
        body: &[u8],
        replaces: bool,
    ) {
        let now = self.now;
        let record = Record::new(Side::Callee, target, from.clone(), now.mono);
        let (id, mut call) = self.new_call(record);
        call.invite = Some(invite);
        self.by_invite.insert(invite, id);
        let mut asks = vec![Ask::Tell(Progress::Incoming { from })];
        call.state = Alerting::start(
            &mut context(&self.config, now, &mut call.record, &mut asks, call.session_id, &mut self.entropy),
            hop,
            body,
        );
        self.calls.insert(id, call);
        self.changed = true;
        self.carry(id, asks);
        if replaces {
            // The person was asked when the call began whose place this one takes.
            self.fact(now, id, Fact::Answer);
        }
    }
}
