//! What can be done with a call that stands: hold, transfer, keys; and what is done with us.

use core::time::Duration;

use rove_base::Now;
use rove_sip::{
    message::{HeaderName, NameAddr, StatusCode, Uri, unescape},
    ua::{self, Failure, Key, OutgoingRefer},
};

use super::{RelayStep, Switchboard};
use crate::{
    CallId, Event, Progress, Target,
    call::{Fact, State},
};

impl Switchboard {
    /// Sends the caller of an incoming call to `target` instead (RFC 5359 §2.8).
    pub fn forward(&mut self, now: Now, call: CallId, target: &Target) {
        self.fact(now, call, Fact::Forward(target.clone()));
    }

    /// Holds a call: the other side hears nothing of us, and we nothing of it. [`Progress::Held`] or
    /// [`Progress::Unchanged`] follows.
    pub fn hold(&mut self, now: Now, call: CallId) {
        self.fact(now, call, Fact::Hold(true));
    }

    /// Goes on with a call that we hold. [`Progress::Resumed`] or [`Progress::Unchanged`] follows.
    pub fn resume(&mut self, now: Now, call: CallId) {
        self.fact(now, call, Fact::Hold(false));
    }

    /// This host has another address: all calls that stand are told so, and their media open ports there.
    pub fn moved(&mut self, now: Now) {
        let calls: Vec<CallId> = self.running().collect();
        calls.into_iter().for_each(|call| self.fact(now, call, Fact::Moved));
    }

    /// The same for one call.
    pub fn call_moved(&mut self, now: Now, call: CallId) {
        self.fact(now, call, Fact::Moved);
    }

    /// Media of a call are to leave from ports that are opened anew: [`Event::OpenMedia`](crate::Event::OpenMedia) asks for them,
    /// and whoever opens them says where. The other side is told by a new offer; where ways are checked, they are anew (RFC 8445
    /// §9). [`Progress::Moved`] follows, or [`Progress::Unchanged`]: then all is as it was, and those ports are of no use.
    pub fn relocate(&mut self, now: Now, call: CallId) {
        self.fact(now, call, Fact::Relocate);
    }

    /// Has the other side of `call` call `to`, which ends the call with us when somebody answers there (a blind
    /// transfer). [`Progress::Transferring`], then the end or [`Progress::TransferFailed`] follows.
    pub fn transfer(&mut self, now: Now, call: CallId, to: &Target) {
        self.refer(now, call, Some(NameAddr::new(to.uri().clone())));
    }

    /// Connects the other sides of two calls with each other, which ends both for us (an attended transfer): that of
    /// `call` calls that of `other`, in the place of our call with it. As [`Switchboard::transfer`].
    pub fn transfer_to(&mut self, now: Now, call: CallId, other: CallId) {
        let invite = self.calls.get(&other).and_then(|other| other.invite);
        let to = invite.and_then(|invite| self.agent.replacement(invite));
        self.refer(now, call, to);
    }

    fn refer(&mut self, now: Now, call: CallId, to: Option<NameAddr>) {
        self.now = now;
        let invite = self.calls.get(&call).and_then(|call| call.invite);
        let by = Some(self.config.identity.clone()).filter(|_| !self.config.anonymous);
        let sent = match (invite, to) {
            (Some(invite), Some(to)) => {
                self.agent.refer(now, invite, OutgoingRefer { to, by, subscribe: true })
            }
            _ => false,
        };
        if !sent && self.calls.contains_key(&call) {
            let why = "only calls that stand can be transferred, one at a time".into();
            self.events.push_back(Event::Call { call, progress: Progress::TransferFailed { why } });
        }
    }

    /// Writes text to the other side of a call that stands, inside of it (RFC 3428); [`Progress::Unwritten`] follows when that
    /// is not taken. `false`, and nothing is sent, when there is no such call or the text is longer than a datagram bears.
    pub fn write(&mut self, now: Now, call: CallId, text: &str) -> bool {
        self.now = now;
        let Some(of) = self.calls.get(&call).filter(|_| text.len() <= LONGEST_TEXT) else { return false };
        if of.relayed {
            let (step, body) = (RelayStep::Text, text.as_bytes().to_vec());
            self.events.push_back(Event::Relay { call, step, body });
            return true;
        }
        let Some(invite) = of.invite else { return false };
        self.agent.write(now, invite, TEXT, text.as_bytes().to_vec());
        true
    }

    /// Tells the other side by INFO that a key was pressed, for who does not understand RFC 4733.
    pub fn send_dtmf(&mut self, now: Now, call: CallId, key: char, duration: Duration) {
        self.now = now;
        if let Some(invite) = self.calls.get(&call).and_then(|call| call.invite) {
            self.agent.press(now, invite, Key { key, duration });
        }
    }

    /// The other side hands us over.
    pub(super) fn on_referred(&mut self, invite: ua::CallId, to: &NameAddr, by: Option<&NameAddr>) {
        let now = self.now;
        let full = self.running().count() >= self.config.most_calls.saturating_add(1);
        let allowed = self.config.follow_transfers && !full;
        let (Some(&old), Some((target, mut headers))) = (self.by_invite.get(&invite), referred(to)) else {
            return self.agent.answer_refer(now, invite, StatusCode::BAD_REQUEST);
        };
        if !allowed {
            return self.agent.answer_refer(now, invite, StatusCode::DECLINE);
        }
        headers.extend(by.map(|by| (HeaderName::ReferredBy, by.to_string())));
        self.agent.answer_refer(now, invite, StatusCode::ACCEPTED);
        let to = target.to_string();
        let call = self.dial_as(now, target, headers, Some(old), None);
        self.events.push_back(Event::Call { call: old, progress: Progress::Referred { to, call } });
    }

    /// A call that somebody has referred us to goes on: who did hears how (RFC 3515 §2.4.5).
    pub(super) fn tell_referrer(&mut self, invite: ua::CallId, fact: &Fact) {
        let status = match fact {
            Fact::Ringing { status, .. } if status.code() > 100 => *status,
            Fact::Answered(_) => StatusCode::OK,
            Fact::Failed(Failure::Status { code, .. }) if !code.is_redirect() => *code,
            Fact::Failed(Failure::Status { .. }) => return,
            Fact::Failed(_) | Fact::Ended { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => return,
        };
        let Some(id) = self.by_invite.get(&invite).copied() else { return };
        self.tell_referrer_of(id, status);
    }

    /// The same for a call that has come to nothing before anybody was invited.
    pub(super) fn tell_if_over(&mut self, id: CallId) {
        if self.calls.get(&id).is_some_and(|call| matches!(call.state, State::Over)) {
            self.tell_referrer_of(id, StatusCode::SERVICE_UNAVAILABLE);
        }
    }

    fn tell_referrer_of(&mut self, id: CallId, status: StatusCode) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let referrer = if status.is_final() { call.referrer.take() } else { call.referrer };
        if let Some(invite) = referrer.and_then(|old| self.calls.get(&old)).and_then(|old| old.invite) {
            self.agent.tell_referrer(self.now, invite, status);
        }
    }
}

/// Whom a Refer-To wants called, and what of its headers the INVITE may have: Replaces alone, since the others would let
/// whoever refers us speak in our name (RFC 3261 §19.1.5).
fn referred(to: &NameAddr) -> Option<(Target, Vec<(HeaderName, String)>)> {
    let Uri::Sip(uri) = &to.uri else { return None };
    let replaces = uri.headers().find(|(name, _)| name.eq_ignore_ascii_case("Replaces"));
    let headers = replaces.and_then(|(_, value)| String::from_utf8(unescape(value)).ok());
    let mut uri = uri.clone();
    uri.clear_headers();
    uri.params.remove("method");
    let target = Target::parse(&uri.to_string()).ok()?;
    Some((target, headers.map(|value| (HeaderName::Replaces, value)).into_iter().collect()))
}

/// Bytes of a text that leave room for the headers in a request of 1 300 bytes (RFC 3428 §8).
const LONGEST_TEXT: usize = 900;
pub(super) const TEXT: &str = "text/plain;charset=UTF-8";
