//! One dialog of a call, and the changes of its session that are under way (RFC 3261 §14, RFC 3311).

use rove_base::Instant;

use super::{
    CallId, Event, Failure, SessionChange,
    asked::Asked,
    caller,
    change::{Change, Retry, Stage},
    context::{ALLOW, Context, EXTENSIONS, Inside, Purpose, SDP, contact},
    refer::Refers,
    timer::{Due, SessionTimer},
    trickle::{self, TRICKLE},
};
use crate::{
    dialog::Dialog,
    message::{HeaderName, Method, Request, Response, StatusCode, Uri},
    transaction::ClientKey,
    transport::Hop,
};

/// A dialog of a call, early or not.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) dialog: Dialog,
    /// Whose user part our Contact has.
    pub(super) user: Uri,
    /// Who called chose the Call-ID, and waits longer after a glare.
    caller: bool,
    /// Whether the other end understands UPDATE.
    updates: bool,
    /// Whether the other end takes candidates later (RFC 8840).
    pub(super) trickles: bool,
    /// What we want to change.
    change: Option<Change>,
    /// What we want to change after that.
    next: Option<SessionChange>,
    /// What the other end wants to change without an INVITE.
    pub(super) asked: Option<Asked>,
    /// Whether the call stands.
    pub(super) confirmed: bool,
    /// Whether this end mixes a conference.
    pub(super) focus: bool,
    /// Our newest session description.
    pub(super) said: Vec<u8>,
    pub(super) timer: Option<SessionTimer>,
    pub(super) refers: Refers,
}

/// What may be sent now in a dialog.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum May {
    /// No offer: another exchange is under way.
    Wait,
    /// An offer in UPDATE alone: the call is not answered yet.
    Update,
    /// An offer in either.
    Reinvite,
}

/// What an answer to a request of ours says of the dialog.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(super) enum Verdict {
    Stands,
    /// The other end does not know it any more, or is not there (RFC 3261 §12.2.1.2).
    Gone(&'static str),
}

impl Leg {
    /// The end of who was called; `invite` made the dialog.
    pub(super) fn of_callee(dialog: Dialog, invite: &Request) -> Self {
        Self::new(dialog, invite.uri.clone(), false).hearing(&invite.headers)
    }

    /// The end of who called; `response` to `invite` made the dialog.
    pub(super) fn of_caller(dialog: Dialog, invite: &Request, response: &Response) -> Self {
        let user = invite.headers.from().map_or_else(|_| invite.uri.clone(), |from| from.uri);
        Self::new(dialog, user, true).hearing(&response.headers)
    }

    fn new(dialog: Dialog, user: Uri, caller: bool) -> Self {
        Self {
            dialog,
            user,
            caller,
            updates: false,
            trickles: false,
            change: None,
            next: None,
            asked: None,
            confirmed: false,
            focus: false,
            said: Vec::new(),
            timer: None,
            refers: Refers::default(),
        }
    }

    fn hearing(mut self, headers: &crate::message::Headers) -> Self {
        self.hear(headers);
        self
    }

    /// Takes note of what the other end can do.
    pub(super) fn hear(&mut self, headers: &crate::message::Headers) {
        if headers.get(&HeaderName::Allow).is_some() {
            self.updates = headers.allow().is_ok_and(|allowed| allowed.contains(&Method::Update));
        }
        self.trickles = trickle::told(headers).unwrap_or(self.trickles);
    }

    /// Takes the end of a 2xx; `dialog` was made of it.
    pub(super) fn confirm(&mut self, dialog: Dialog, response: &Response) {
        self.dialog.confirm(dialog);
        self.hear(&response.headers);
    }

    /// Whether an offer of ours is with the other end, or theirs with us, outside of any INVITE of theirs.
    pub(super) fn is_busy(&self) -> bool {
        self.asked.is_some() || self.is_offering()
    }

    /// Whether an offer of ours is with the other end.
    pub(super) fn is_offering(&self) -> bool {
        self.change.as_ref().is_some_and(Change::is_out)
    }
}

/// Our changes.
impl Leg {
    /// The owner wants to change the session, as soon as that is possible. A wish that has not gone out gives way.
    pub(super) fn want(&mut self, change: SessionChange) {
        match &mut self.change {
            Some(out) if out.is_out() => self.next = Some(change),
            Some(waiting) => waiting.replace(change),
            none => *none = Some(Change::new(change)),
        }
    }

    /// Takes over what another leg of the same call still wants.
    pub(super) fn inherit(&mut self, wish: Option<SessionChange>) {
        if let Some(wish) = wish {
            self.want(wish);
        }
    }

    /// Sends what is wanted, when that may be done.
    pub(super) fn settle(&mut self, cx: &mut Context, call: CallId, may: May) {
        if self.asked.is_some() || may == May::Wait {
            return;
        }
        let Some(change) = self.change.as_mut().filter(|change| change.is_ready()) else { return };
        let update = self.updates && (change.wish.by_update || may == May::Update);
        if may == May::Update && !update {
            return;
        }
        if let Some(hop) = change.wish.hop {
            self.dialog.move_to(hop);
        }
        let mut body = change.wish.body.clone();
        if change.refreshes && !update {
            // The same description once more changes nothing (RFC 4028 §7.4).
            body.clone_from(&self.said);
        }
        let key = self.offer(cx, call, update, body);
        if let Some(change) = &mut self.change {
            change.stage = Stage::Out(key);
        }
    }

    /// A request of ours in this dialog, without Via.
    pub(super) fn request(&mut self, cx: &Context, method: Method) -> Request {
        let hop = self.dialog.next_hop(&cx.config.local);
        let mut request = self.dialog.request(method);
        let contact = self.contact(&hop, &request.uri);
        request.headers.push(HeaderName::Contact, contact);
        request
    }

    /// Where the other end reaches us, and what we are there.
    pub(super) fn contact(&self, hop: &Hop, request: &Uri) -> String {
        let focus = if self.focus { ";isfocus" } else { "" };
        format!("{}{focus}", contact(&self.user, hop, request))
    }

    /// Sends a request of ours in this dialog.
    pub(super) fn send(
        &self,
        cx: &mut Context,
        call: CallId,
        mut request: Request,
        purpose: Purpose,
    ) -> ClientKey {
        let hop = self.dialog.next_hop(&cx.config.local);
        cx.sign_request(&mut request);
        cx.keyring.authorise(&mut request, &hop);
        cx.send_inside(Box::new(Inside { call, purpose, request, hop, challenges: 0 }))
    }

    fn offer(&mut self, cx: &mut Context, call: CallId, update: bool, body: Vec<u8>) -> ClientKey {
        let mut request = self.request(cx, if update { Method::Update } else { Method::Invite });
        request.headers.push(HeaderName::Allow, ALLOW);
        request.headers.push(HeaderName::Supported, EXTENSIONS.join(", "));
        request.headers.push(HeaderName::RecvInfo, TRICKLE);
        if let Some(timer) = &self.timer {
            timer.put_into_request(&mut request);
        }
        if !body.is_empty() {
            request.headers.push(HeaderName::ContentType, SDP);
            request.body = body;
        }
        if update {
            return self.send(cx, call, request, Purpose::Change);
        }
        let hop = self.dialog.next_hop(&cx.config.local);
        cx.sign_request(&mut request);
        cx.keyring.authorise(&mut request, &hop);
        cx.reinvite(call, &self.dialog, request, hop, 0)
    }

    /// Whether this is the request that has our change.
    pub(super) fn is_changed_by(&self, key: ClientKey) -> bool {
        self.change.as_ref().is_some_and(|change| change.is_out_as(key))
    }

    /// A request of ours that was challenged goes on under another name.
    pub(super) fn renamed(&mut self, before: ClientKey, after: ClientKey) {
        if let Some(change) = self.change.as_mut().filter(|change| change.is_out_as(before)) {
            change.stage = Stage::Out(after);
        }
        self.refers.renamed(before, after);
    }

    /// What became of our change: a final response, or none.
    pub(super) fn changed(
        &mut self,
        cx: &mut Context,
        call: CallId,
        outcome: Result<Response, Failure>,
    ) -> Verdict {
        let Some(mut change) = self.change.take() else { return Verdict::Stands };
        let mut verdict = Verdict::Stands;
        match outcome {
            Ok(response) if response.status.is_success() => {
                self.hear(&response.headers);
                self.refresh_target(response.headers.contact().ok().flatten().map(|contact| contact.uri));
                if self.confirmed {
                    self.timer = SessionTimer::answered(&response.headers, cx.now);
                }
                if !change.refreshes {
                    self.said = change.wish.body;
                    cx.tell(Event::Changed { call, body: response.body });
                }
            }
            Ok(response) => match change.retry(cx, self.caller, &response) {
                Retry::Later => self.change = Some(change),
                Retry::Longer if self.timer.as_mut().is_some_and(|timer| timer.lengthen(&response)) => {
                    self.change = Some(change);
                }
                Retry::AsInvite => {
                    self.updates = false;
                    self.change = Some(change);
                }
                Retry::Never | Retry::Longer => {
                    verdict = gone(response.status);
                    self.change_failed(cx, call, &change, caller::refusal(response));
                }
            },
            Err(failure) => {
                if failure == Failure::Timeout {
                    verdict = Verdict::Gone("no answer");
                }
                self.change_failed(cx, call, &change, failure);
            }
        }
        if let Some(next) = self.next.take() {
            self.want(next);
        }
        verdict
    }

    fn change_failed(&mut self, cx: &mut Context, call: CallId, change: &Change, failure: Failure) {
        if let Some(timer) = &mut self.timer {
            timer.failed(cx.now);
        }
        if !change.refreshes {
            cx.tell(Event::ChangeFailed { call, failure });
        }
    }

    /// The other end wants to be reached there from now on.
    pub(super) fn refresh_target(&mut self, target: Option<Uri>) {
        if let Some(target) = target {
            self.dialog.refresh_target(target);
        }
    }

    /// What is still wanted, for another leg to take over.
    pub(super) fn unsent(self) -> Option<SessionChange> {
        self.next.or(self.change.filter(|change| !change.is_out()).map(|change| change.wish))
    }
}

/// Time.
impl Leg {
    pub(super) fn tick(&mut self, cx: &mut Context) -> Verdict {
        if let Some(change) = &mut self.change {
            change.tick(cx.now);
        }
        if self.asked.as_ref().is_some_and(|asked| asked.give_up <= cx.now) {
            self.refuse(cx, StatusCode::SERVER_TIMEOUT, None);
        }
        match self.timer.as_mut().map(|timer| timer.tick(cx.now)) {
            Some(Due::Expired) => return Verdict::Gone("the session has expired"),
            Some(Due::Refresh) if self.change.is_none() => self.change = Some(Change::refresh()),
            // A change that is under way refreshes as well.
            Some(Due::Refresh | Due::Nothing) | None => {}
        }
        Verdict::Stands
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let change = self.change.as_ref().and_then(Change::deadline);
        let asked = self.asked.as_ref().map(|asked| asked.give_up);
        let timer = self.timer.as_ref().and_then(SessionTimer::deadline);
        [change, asked, timer].into_iter().flatten().min()
    }
}

/// What a refusal says of the dialog (RFC 3261 §12.2.1.2, RFC 5057 §5.1).
pub(super) fn gone(status: StatusCode) -> Verdict {
    match status.code() {
        481 => Verdict::Gone("the other side does not know the call any more"),
        408 => Verdict::Gone("no answer"),
        _ => Verdict::Stands,
    }
}
