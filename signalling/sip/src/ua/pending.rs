//! An INVITE that waits for our answer, or whose 2xx waits for its ACK (RFC 3261 §13.3).

use core::time::Duration;
use std::sync::Arc;

use rove_base::Instant;

use super::{
    context::{ALLOW, Address, Context, EXTENSIONS, LocalTag, SDP, contact},
    leg::Leg,
    reliable::{Reliable, Told},
    reply::Reply,
    timer::SessionTimer,
    trickle::TRICKLE,
};
use crate::{
    message::{HeaderName, Headers, NameAddr, Request, Response, StatusCode, Uri, Warning},
    transaction::{ServerKey, T1, T2},
    transport::Hop,
};

/// One INVITE of the other side, first or repeated within the call.
#[derive(Debug)]
pub(super) struct Pending {
    server: ServerKey,
    reply: Reply,
    tag: LocalTag,
    number: u32,
    contact: String,
    record_routes: Headers,
    /// What Contact of the INVITE says.
    target: Option<Uri>,
    /// Whether the INVITE came without an offer, so that ours goes into the 2xx.
    wants_offer: bool,
    reliable: Option<Reliable>,
    timer: Option<SessionTimer>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The owner is thinking.
    Deciding { expires: Option<Instant>, refresh: Option<Refresh> },
    /// A 2xx is out, and goes out again until its ACK comes or our patience ends (RFC 3261 §13.3.1.4).
    Accepted { ok: Arc<[u8]>, resend: Instant, interval: Duration, give_up: Instant },
}

/// A provisional response that is repeated so that no proxy on the way thinks the call is dead (RFC 3261 §13.3.1.1).
#[derive(Debug)]
struct Refresh {
    at: Instant,
    status: u16,
    bytes: Arc<[u8]>,
}

/// What time has done to a pending INVITE.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Due {
    Nothing,
    /// The caller's Expires has passed.
    Expired,
    /// No ACK has come for the 2xx.
    Unacknowledged,
    /// No PRACK has come for a reliable provisional response.
    Unheard,
}

impl Pending {
    pub(super) fn new(
        invite: &Request,
        server: ServerKey,
        reply: Reply,
        tag: LocalTag,
        cx: &mut Context,
    ) -> Self {
        let headers = &invite.headers;
        let expires =
            headers.expires().ok().flatten().map(|seconds| cx.now + Duration::from_secs(seconds.into()));
        let mut record_routes = Headers::new();
        record_routes.copy(&HeaderName::RecordRoute, headers);
        Self {
            server,
            contact: contact(&invite.uri, &reply.hop(), &invite.uri),
            reply,
            tag,
            number: headers.cseq().map_or(0, |cseq| cseq.number),
            record_routes,
            target: headers.contact().ok().flatten().map(|contact| contact.uri),
            wants_offer: invite.body.is_empty(),
            reliable: Reliable::wanted(headers, cx.entropy.next_u32()),
            timer: SessionTimer::answering(&cx.config, headers),
            stage: Stage::Deciding { expires, refresh: None },
        }
    }

    pub(super) const fn is_undecided(&self) -> bool {
        matches!(self.stage, Stage::Deciding { .. })
    }

    /// Whether our 2xx carries an offer whose answer the ACK will bring.
    pub(super) const fn offers(&self) -> bool {
        self.wants_offer && !self.is_undecided()
    }

    pub(super) fn is_of(&self, server: ServerKey) -> bool {
        self.server == server
    }

    /// Whether an ACK with this number in CSeq is the one that is waited for.
    pub(super) fn waits_for_ack(&self, number: u32) -> bool {
        self.number == number && !self.is_undecided()
    }

    /// Where the other side wants to be reached from now on.
    pub(super) fn take_target(&mut self) -> Option<Uri> {
        self.target.take()
    }

    /// Sends 100 (Trying).
    pub(super) fn trying(&self, cx: &mut Context) {
        let response = self.reply.response(StatusCode::TRYING, "");
        let bytes = cx.response_bytes(&response);
        cx.layer.respond(cx.now, self.server, StatusCode::TRYING.code(), bytes);
    }

    /// Sends a provisional response, 101 to 199; reliably where the caller demands that, or where it carries a session
    /// description and the caller understands that. Without an offer there is nothing that `body` could answer, and our
    /// own offer keeps for the 2xx.
    pub(super) fn ring(&mut self, cx: &mut Context, status: StatusCode, body: Option<Vec<u8>>) {
        if !self.is_undecided() {
            return;
        }
        let body = body.filter(|_| !self.wants_offer);
        match &mut self.reliable {
            // The first of them would have to carry our offer (RFC 3262 §5).
            Some(reliable) if self.wants_offer && reliable.is_required() => {}
            Some(reliable) if reliable.takes(body.is_some()) && !self.wants_offer => {
                if reliable.may_send(status, body.as_ref()) {
                    self.ring_reliably(cx, status, body);
                }
            }
            _ => self.ring_once(cx, status, body),
        }
    }

    fn ring_reliably(&mut self, cx: &mut Context, status: StatusCode, body: Option<Vec<u8>>) {
        let mut response = dialog_response(&self.reply, status, self.tag, &self.record_routes, &self.contact);
        let Some(reliable) = &mut self.reliable else { return };
        // What was answered once is not answered again.
        let body = body.filter(|_| !reliable.has_answered()).unwrap_or_default();
        let described = !body.is_empty();
        reliable.mark(&mut response);
        response.headers.push(HeaderName::Allow, ALLOW);
        cx.sign_response(&mut response);
        put_body(&mut response, body);
        let bytes = cx.response_bytes(&response);
        reliable.sent(cx.now, status, described, bytes.clone());
        if let Stage::Deciding { refresh, .. } = &mut self.stage {
            *refresh = None;
        }
        cx.layer.respond(cx.now, self.server, status.code(), bytes);
    }

    /// A PRACK has come. `false` when it acknowledges nothing.
    pub(super) fn acknowledged(&mut self, cx: &mut Context, prack: &Request) -> bool {
        let Some(reliable) = &mut self.reliable else { return false };
        if !reliable.acknowledged(cx.now, self.number, prack) {
            return false;
        }
        if let Some((status, body)) = reliable.take_waiting() {
            self.ring(cx, status, body);
        }
        true
    }

    /// Whether the 2xx may go out.
    pub(super) fn may_accept(&self) -> bool {
        self.reliable.as_ref().is_none_or(Reliable::may_accept)
    }

    /// Whether the caller has our answer to its offer, although the call is not answered.
    pub(super) fn has_answered(&self) -> bool {
        self.reliable.as_ref().is_some_and(Reliable::has_answered)
    }

    fn ring_once(&mut self, cx: &mut Context, status: StatusCode, body: Option<Vec<u8>>) {
        let Stage::Deciding { refresh, .. } = &mut self.stage else { return };
        let mut response = dialog_response(&self.reply, status, self.tag, &self.record_routes, &self.contact);
        cx.sign_response(&mut response);
        put_body(&mut response, body.unwrap_or_default());
        let bytes = cx.response_bytes(&response);
        *refresh = Some(Refresh { at: cx.now + REFRESH, status: status.code(), bytes: bytes.clone() });
        cx.layer.respond(cx.now, self.server, status.code(), bytes);
    }

    /// Sends 200 (OK), again and again until its ACK comes. `leg` takes note of what it says.
    pub(super) fn accept(&mut self, cx: &mut Context, body: Vec<u8>, leg: &mut Leg) {
        if !self.is_undecided() {
            return;
        }
        let mut response =
            dialog_response(&self.reply, StatusCode::OK, self.tag, &self.record_routes, &self.contact);
        response.headers.push(HeaderName::Allow, ALLOW);
        response.headers.push(HeaderName::Supported, EXTENSIONS.join(", "));
        response.headers.push(HeaderName::RecvInfo, TRICKLE);
        if let Some(timer) = &self.timer {
            timer.put_into_response(&mut response);
        }
        leg.timer = self.timer.map(|timer| timer.started(cx.now));
        leg.said.clone_from(&body);
        leg.confirmed = true;
        cx.sign_response(&mut response);
        let described = self.has_answered();
        put_body(&mut response, if described { Vec::new() } else { body });
        let ok = cx.response_bytes(&response);
        cx.layer.respond(cx.now, self.server, StatusCode::OK.code(), ok.clone());
        self.stage = Stage::Accepted { ok, resend: cx.now + T1, interval: T1, give_up: cx.now + GIVE_UP };
    }

    /// Sends a final response, 300 to 699. `why` becomes a Warning.
    pub(super) fn refuse(self, cx: &mut Context, status: StatusCode, why: Option<&str>) {
        if !self.is_undecided() {
            return;
        }
        let mut response = self.reply.response(status, &self.tag.to_string());
        put_warning(&mut response, self.reply.hop(), why);
        self.finish(cx, response);
    }

    /// Sends 302 with where to call instead.
    pub(super) fn redirect(self, cx: &mut Context, contacts: &[NameAddr]) {
        let mut response = self.reply.response(StatusCode::MOVED_TEMPORARILY, &self.tag.to_string());
        for contact in contacts {
            response.headers.push(HeaderName::Contact, contact.to_string());
        }
        self.finish(cx, response);
    }

    fn finish(self, cx: &mut Context, mut response: Response) {
        let status = response.status;
        cx.sign_response(&mut response);
        let bytes = cx.response_bytes(&response);
        cx.layer.respond(cx.now, self.server, status.code(), bytes);
    }

    pub(super) fn tick(&mut self, cx: &mut Context) -> Due {
        if let (Stage::Deciding { .. }, Some(reliable)) = (&self.stage, &mut self.reliable) {
            match reliable.tick(cx.now) {
                Told::Nothing => {}
                Told::Resend(bytes) => cx.layer.send(self.reply.hop(), bytes),
                Told::Unheard => return Due::Unheard,
                Told::Again(status) => self.ring_reliably(cx, status, None),
            }
        }
        match &mut self.stage {
            Stage::Deciding { expires: Some(at), .. } if *at <= cx.now => Due::Expired,
            Stage::Deciding { refresh: Some(refresh), .. } if refresh.at <= cx.now => {
                refresh.at = cx.now + REFRESH;
                cx.layer.respond(cx.now, self.server, refresh.status, refresh.bytes.clone());
                Due::Nothing
            }
            Stage::Accepted { give_up, .. } if *give_up <= cx.now => Due::Unacknowledged,
            Stage::Accepted { ok, resend, interval, .. } if *resend <= cx.now => {
                cx.layer.send(self.reply.hop(), ok.clone());
                *interval = interval.saturating_mul(2).min(T2);
                *resend = cx.now + *interval;
                Due::Nothing
            }
            _ => Due::Nothing,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Deciding { expires, refresh } => {
                let reliable = self.reliable.as_ref().and_then(Reliable::deadline);
                let times = [*expires, refresh.as_ref().map(|refresh| refresh.at), reliable];
                times.into_iter().flatten().min()
            }
            Stage::Accepted { resend, give_up, .. } => Some((*resend).min(*give_up)),
        }
    }
}

/// A response that makes or confirms a dialog (RFC 3261 §12.1.1).
fn dialog_response(
    reply: &Reply,
    status: StatusCode,
    tag: LocalTag,
    record_routes: &Headers,
    contact: &str,
) -> Response {
    let mut response = reply.response(status, &tag.to_string());
    response.headers.copy(&HeaderName::RecordRoute, record_routes);
    response.headers.push(HeaderName::Contact, contact);
    response
}

/// Says `why` for people.
pub(super) fn put_warning(response: &mut Response, hop: Hop, why: Option<&str>) {
    if let Some(text) = why {
        let (agent, text) = (Address(hop.local).to_string(), text.to_owned());
        response.headers.push(HeaderName::Warning, Warning { code: 399, agent, text }.to_string());
    }
}

/// Puts a session description into a response.
pub(super) fn put_body(response: &mut Response, body: Vec<u8>) {
    if !body.is_empty() {
        response.headers.push(HeaderName::ContentType, SDP);
        response.body = body;
    }
}

/// How often a provisional response is repeated (RFC 3261 §13.3.1.1).
const REFRESH: Duration = Duration::from_secs(60);
/// How long an ACK is waited for: 64·T1 (RFC 3261 §13.3.1.4).
const GIVE_UP: Duration = Duration::from_secs(32);
