//! Calls whose steps go by way of servers that both users are registered with, instead of SIP: the same states and the same
//! descriptions, along another way. Media go straight between the two ends.

use std::{collections::VecDeque, net::SocketAddr};

use rove_base::{Now, Transport};
use rove_dns::lookup::Candidate;
use rove_sip::{
    message::StatusCode,
    transport::Hop,
    ua::{Failure, Party},
};

use super::{Switchboard, context, features::TEXT};
use crate::{
    CallId, Event, Progress, Record, Side, Target,
    call::{Alerting, Ask, Fact, Opening},
};

/// A step of such a call.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RelayStep {
    /// A call is wanted; with the offer.
    SetUp,
    /// The other user is told.
    Alert,
    /// The other user takes it; with the answer.
    Accept,
    /// Nothing comes of it.
    Refuse,
    /// It is over.
    End,
    /// Words.
    Text,
}

impl Switchboard {
    /// Calls somebody whose phone is at `toward`; [`Event::Relay`] says what the servers are to carry.
    pub fn dial_relayed(&mut self, now: Now, target: Target, toward: SocketAddr) -> CallId {
        self.now = now;
        let record = Record::new(Side::Caller, target.to_string(), target.to_string(), now.mono);
        let (id, mut call) = self.new_call(record);
        call.relayed = true;
        let mut asks = Vec::new();
        let cx =
            &mut context(&self.config, now, &mut call.record, &mut asks, call.session_id, &mut self.entropy);
        cx.record.resolved = Some(now.mono);
        let way = Candidate { transport: Transport::Udp, address: toward, name: target.host() };
        call.state = Opening::start(cx, target, VecDeque::from([way]));
        self.calls.insert(id, call);
        self.changed = true;
        self.carry(id, asks);
        id
    }

    /// Somebody, whose phone is at `toward`, calls by way of the servers.
    pub fn relayed_call(&mut self, now: Now, from: String, toward: SocketAddr, offer: &[u8]) -> CallId {
        self.now = now;
        let record = Record::new(Side::Callee, self.config.identity.uri.to_string(), from.clone(), now.mono);
        let (id, mut call) = self.new_call(record);
        call.relayed = true;
        let mut asks = vec![Ask::Tell(Progress::Incoming { from })];
        // Only the address at the other end of it is used: nothing is sent along it.
        let hop = Hop::toward(Transport::Udp, toward, toward);
        call.state = Alerting::start(
            &mut context(&self.config, now, &mut call.record, &mut asks, call.session_id, &mut self.entropy),
            hop,
            offer,
        );
        self.calls.insert(id, call);
        self.changed = true;
        self.carry(id, asks);
        id
    }

    /// The servers have brought a step of a call. What does not fit is passed over.
    pub fn relayed(&mut self, now: Now, call: CallId, step: RelayStep, body: Vec<u8>) {
        let Some(of) = self.calls.get(&call).filter(|call| call.relayed) else { return };
        let fact = match step {
            RelayStep::SetUp => return,
            RelayStep::Text => {
                let (from, kind) = (of.record.peer.clone(), TEXT.to_owned());
                return self.events.push_back(Event::Message { call: Some(call), from, kind, body });
            }
            RelayStep::Alert => Fact::Ringing { status: StatusCode::RINGING, body: None },
            RelayStep::Accept => Fact::Answered(body),
            RelayStep::Refuse => Fact::Failed(Failure::Status {
                code: StatusCode::BUSY_HERE,
                reason: "refused".into(),
                contacts: Vec::new(),
                retry_after: None,
                warning: None,
            }),
            RelayStep::End => Fact::Ended { by: Party::Peer, reason: None },
        };
        self.fact(now, call, fact);
    }

    /// An ask of a relayed call: what the servers can carry goes their way, what they cannot does not take place.
    pub(super) fn relay(&mut self, id: CallId, ask: Ask) -> Option<Ask> {
        let (step, body) = match ask {
            Ask::Invite { offer, .. } => (RelayStep::SetUp, offer),
            Ask::Ring => (RelayStep::Alert, Vec::new()),
            Ask::Accept(answer) => (RelayStep::Accept, answer),
            Ask::Reject { .. } | Ask::Redirect(_) => (RelayStep::Refuse, Vec::new()),
            Ask::HangUp => (RelayStep::End, Vec::new()),
            Ask::Change { .. } => {
                self.fact(self.now, id, Fact::ChangeFailed(Failure::Transport));
                return None;
            }
            Ask::AcceptChange(_) | Ask::RejectChange { .. } | Ask::Trickle(_) | Ask::Resolve(_) => {
                return None;
            }
            other => return Some(other),
        };
        self.events.push_back(Event::Relay { call: id, step, body });
        None
    }

    /// The end of a relayed call is handed out: nobody answers it, so the call is over.
    pub(super) fn handed_out(&mut self, event: &Event) {
        if let Event::Relay { call, step: RelayStep::End, .. } = event {
            self.fact(self.now, *call, Fact::Ended { by: Party::Us, reason: None });
        }
    }
}
