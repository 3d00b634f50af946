//! What the owner of an agent wants of a call that stands, beside ending it.

use rove_base::Now;

use super::{CallId, DialogNames, Key, OutgoingRefer, SessionChange, UserAgent, info::DTMF_RELAY};
use crate::message::{NameAddr, StatusCode};

impl UserAgent {
    /// Accepts a change of the session that the other side wants. `body` is the answer to its offer, or the offer when
    /// it had none.
    pub fn accept_change(&mut self, now: Now, call: CallId, body: Vec<u8>) {
        self.at(now);
        self.on_call(call, |call, cx| call.accept_change(cx, body));
    }

    /// Refuses a change of the session that the other side wants; the call goes on as it was. `why` is told the other
    /// side as a Warning. A `status` that does not refuse counts as 488 (Not Acceptable Here).
    pub fn reject_change(&mut self, now: Now, call: CallId, status: StatusCode, why: Option<&str>) {
        self.at(now);
        let status = if status.code() >= 300 { status } else { StatusCode::NOT_ACCEPTABLE_HERE };
        self.on_call(call, |call, cx| call.reject_change(cx, status, why));
    }

    /// Changes the session of a call, as soon as no other change is under way: [`Event::Changed`](super::Event::Changed)
    /// or [`Event::ChangeFailed`](super::Event::ChangeFailed) follows. One that meets a change of the other side is tried
    /// again (RFC 3261 §14.1). A wish that has not gone out gives way to a newer one.
    pub fn change(&mut self, now: Now, call: CallId, change: SessionChange) {
        self.at(now);
        self.on_call(call, |call, _| call.want(change));
    }

    /// Sends the caller of an incoming call to `contacts` instead, best first, which ends the call here (302).
    pub fn redirect(&mut self, now: Now, call: CallId, contacts: &[NameAddr]) {
        self.at(now);
        self.on_call(call, |call, cx| call.redirect(cx, contacts));
    }

    /// Asks the other side of a call that stands to call somebody else: [`Event::Transfer`](super::Event::Transfer)
    /// tells how that goes, [`Event::TransferFailed`](super::Event::TransferFailed) that it does not. `false` when the
    /// call does not stand, or a transfer is under way.
    pub fn refer(&mut self, now: Now, call: CallId, refer: OutgoingRefer) -> bool {
        self.at(now);
        let mut sent = false;
        self.on_call(call, |call, cx| {
            let id = call.id;
            sent = call.talking_leg().is_some_and(|leg| leg.refer(cx, id, refer));
        });
        sent
    }

    /// Where a third can call the other side of `call` so that the new call takes the place of this one: what to refer
    /// somebody to for an attended transfer (RFC 5589 §7). `None` when the call does not stand.
    #[must_use]
    pub fn replacement(&mut self, call: CallId) -> Option<NameAddr> {
        let call = self.calls.get_mut(&call)?;
        let tag = call.tag;
        call.talking_leg()?.replacement(tag)
    }

    /// What `call` is named by. `None` while there is no dialog.
    pub fn dialog_names(&mut self, call: CallId) -> Option<DialogNames> {
        let call = self.calls.get_mut(&call)?;
        let local_tag = call.tag.to_string();
        let dialog = &call.first_leg()?.dialog;
        let (call_id, remote_tag) = (dialog.call_id().to_owned(), dialog.remote_tag().to_owned());
        Some(DialogNames { call_id, local_tag, remote_tag })
    }

    /// Whether the other side of `call` is told, from the next message on, that this end mixes a conference: `isfocus` in
    /// Contact (RFC 4579 §3.3).
    pub fn set_focus(&mut self, now: Now, call: CallId, focus: bool) {
        self.at(now);
        self.on_call(call, |call, _| {
            if let Some(leg) = call.first_leg() {
                leg.focus = focus;
            }
        });
    }

    /// Answers [`Event::Referred`](super::Event::Referred): 202 (Accepted), or a refusal.
    pub fn answer_refer(&mut self, now: Now, call: CallId, status: StatusCode) {
        self.at(now);
        let status = if status.is_success() { StatusCode::ACCEPTED } else { status };
        self.on_call(call, |call, cx| {
            let id = call.id;
            if let Some(leg) = call.talking_leg() {
                leg.answer_refer(cx, id, status);
            }
        });
    }

    /// Tells who has referred us by `call` how the new call goes. A final status is the last word.
    pub fn tell_referrer(&mut self, now: Now, call: CallId, status: StatusCode) {
        self.at(now);
        self.on_call(call, |call, cx| {
            let id = call.id;
            if let Some(leg) = call.talking_leg() {
                leg.tell_referrer(cx, id, status);
            }
        });
    }

    /// Writes `body` to the other side of a call that stands (RFC 3428).
    /// [`Event::MessageFailed`](super::Event::MessageFailed) follows when it is not taken.
    pub fn write(&mut self, now: Now, call: CallId, kind: &str, body: Vec<u8>) {
        self.at(now);
        self.on_call(call, |call, cx| {
            let id = call.id;
            if let Some(leg) = call.talking_leg() {
                leg.write(cx, id, kind, body);
            }
        });
    }

    /// Tells the other side of a call that a key was pressed, by INFO, for who does not hear RFC 4733.
    /// [`Event::InfoFailed`](super::Event::InfoFailed) follows when it does not understand that.
    pub fn press(&mut self, now: Now, call: CallId, key: Key) {
        self.at(now);
        self.on_call(call, |call, cx| {
            let id = call.id;
            if let Some(leg) = call.talking_leg() {
                leg.info(cx, id, DTMF_RELAY, key.relay().into_bytes());
            }
        });
    }
}
