//! Reliable provisional responses to an INVITE of theirs (RFC 3262 §3).

use core::time::Duration;
use std::sync::Arc;

use rove_base::Instant;

use crate::{
    message::{HeaderName, Headers, Method, Request, Response, StatusCode},
    transaction::T1,
};

/// What of it is out, and what waits.
#[derive(Debug)]
pub(super) struct Reliable {
    /// Whether all provisional responses have to be reliable; else only those with a session description are.
    required: bool,
    next: u32,
    out: Option<Out>,
    waiting: Option<(StatusCode, Option<Vec<u8>>)>,
    /// The last one that arrived, and when it is to be said again.
    again: Option<(Instant, StatusCode)>,
    answered: bool,
}

/// One that has not been acknowledged.
#[derive(Debug)]
struct Out {
    number: u32,
    status: StatusCode,
    described: bool,
    bytes: Arc<[u8]>,
    resend: Instant,
    interval: Duration,
    give_up: Instant,
}

/// What time asks of it.
#[derive(Debug)]
pub(super) enum Told {
    Nothing,
    Resend(Arc<[u8]>),
    /// Nobody has acknowledged for 64·T1.
    Unheard,
    Again(StatusCode),
}

impl Reliable {
    /// When the caller understands them. `first` is the random number that the first one gets.
    pub(super) fn wanted(invite: &Headers, first: u32) -> Option<Self> {
        let names = |found: Result<Vec<&str>, _>| {
            found.is_ok_and(|tags| tags.iter().any(|tag| tag.eq_ignore_ascii_case(RELIABLE)))
        };
        let required = names(invite.require());
        let next = (first >> 2).max(1);
        (required || names(invite.supported())).then_some(Self {
            required,
            next,
            out: None,
            waiting: None,
            again: None,
            answered: false,
        })
    }

    /// Whether a response with or without a session description goes this way.
    pub(super) const fn takes(&self, described: bool) -> bool {
        self.required || described
    }

    pub(super) const fn is_required(&self) -> bool {
        self.required
    }

    /// Whether one more may be sent; else it waits until the one before is acknowledged, in place of any that waits.
    pub(super) fn may_send(&mut self, status: StatusCode, body: Option<&Vec<u8>>) -> bool {
        if self.out.is_some() {
            let kept = self.waiting.take().and_then(|(_, body)| body);
            self.waiting = Some((status, body.cloned().or(kept)));
        }
        self.out.is_none()
    }

    /// Numbers a response.
    pub(super) fn mark(&self, response: &mut Response) {
        response.headers.push(HeaderName::Require, RELIABLE);
        response.headers.push(HeaderName::RSeq, self.next.to_string());
    }

    /// The response that was marked is out.
    pub(super) fn sent(&mut self, now: Instant, status: StatusCode, described: bool, bytes: Arc<[u8]>) {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        self.again = None;
        self.out = Some(Out {
            number,
            status,
            described,
            bytes,
            resend: now + T1,
            interval: T1,
            give_up: now + GIVE_UP,
        });
    }

    /// A PRACK has come for the INVITE with number `invite`. `false` when it acknowledges nothing that is out.
    pub(super) fn acknowledged(&mut self, now: Instant, invite: u32, prack: &Request) -> bool {
        let Some((number, to, method)) = acknowledges(&prack.headers) else { return false };
        let Some(out) =
            self.out.take_if(|out| out.number == number && to == invite && method == Method::Invite)
        else {
            return false;
        };
        self.answered |= out.described;
        self.again = Some((now + AGAIN, out.status));
        true
    }

    /// What waited for the acknowledgement of the one before.
    pub(super) fn take_waiting(&mut self) -> Option<(StatusCode, Option<Vec<u8>>)> {
        self.waiting.take()
    }

    /// Whether a 2xx may be sent: no session description is on its way (RFC 3262 §3).
    pub(super) fn may_accept(&self) -> bool {
        !self.out.as_ref().is_some_and(|out| out.described)
    }

    /// Whether the caller has our answer already.
    pub(super) const fn has_answered(&self) -> bool {
        self.answered
    }

    pub(super) fn tick(&mut self, now: Instant) -> Told {
        if let Some((_, status)) = self.again.take_if(|(at, _)| *at <= now) {
            return Told::Again(status);
        }
        match &mut self.out {
            Some(out) if out.give_up <= now => Told::Unheard,
            Some(out) if out.resend <= now => {
                out.interval = out.interval.saturating_mul(2);
                out.resend = now + out.interval;
                Told::Resend(out.bytes.clone())
            }
            _ => Told::Nothing,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let out = self.out.as_ref().map(|out| out.resend.min(out.give_up));
        Instant::earliest(out, self.again.as_ref().map(|(at, _)| *at))
    }
}

/// The number that makes a provisional response reliable (RFC 3262 §7.1). `None` when it is not, or not well-formed.
pub(super) fn number(response: &Response) -> Option<u32> {
    let required = response.headers.require().ok()?;
    required.iter().find(|tag| tag.eq_ignore_ascii_case(RELIABLE))?;
    response.headers.get(&HeaderName::RSeq)?.parse().ok().filter(|number| *number > 0)
}

/// What a PRACK acknowledges: RSeq and CSeq of the response (RFC 3262 §7.2).
fn acknowledges(headers: &Headers) -> Option<(u32, u32, Method)> {
    let mut words = headers.get(&HeaderName::RAck)?.split_ascii_whitespace();
    let read = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words.next().is_none().then_some(read)
}

/// The option tag.
pub(super) const RELIABLE: &str = "100rel";
/// How long an acknowledgement is waited for: 64·T1 (RFC 3262 §3).
const GIVE_UP: Duration = Duration::from_secs(32);
/// How often a response that has arrived is said again, so that no proxy on the way gives up (RFC 3262 §3).
const AGAIN: Duration = Duration::from_secs(150);
