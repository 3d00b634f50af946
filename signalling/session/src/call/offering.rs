//! The INVITE is out: it rings, is answered, refused, or nobody picks up.

use core::time::Duration;
use std::collections::VecDeque;

use rove_base::Instant;
use rove_dns::lookup::Candidate;
use rove_sdp::{Description, Local, MediaSecurity, Mismatch, Negotiated, Session};
use rove_sip::{transport::Hop, ua::Failure};

use super::{Ask, Context, Dialing, Fact, Opening, Progress, State, Talking};
use crate::{Cause, MediaPorts, Target, plan};

/// An offer is with the other side.
#[derive(Debug)]
pub(crate) struct Offering {
    target: Target,
    hop: Hop,
    local: Local,
    session: Session,
    others: VecDeque<Candidate>,
    heard: bool,
    /// What was agreed on with somebody who has not accepted, whose media run.
    early: Option<Negotiated>,
    pub(super) deadline: Instant,
}

impl Offering {
    /// Sends the offer along `hop`; `others` are tried when it leads nowhere (RFC 3263 §4.3).
    pub(super) fn start(
        cx: &mut Context<'_>,
        target: Target,
        hop: Hop,
        ports: &MediaPorts,
        others: VecDeque<Candidate>,
    ) -> State {
        let local = cx.local(ports, &hop);
        if !local.protection.is_possible() {
            // Another way may be a secure one.
            if !others.is_empty() {
                return Opening::start(cx, target, others);
            }
            cx.ask(Ask::StopMedia);
            let cause = cx.mismatch(&Mismatch::KeysInClear);
            return cx.over(cause);
        }
        let mut session = Session::default();
        let offer = session.offer(&local);
        cx.record.invited = Some(cx.now.mono);
        cx.tell(Progress::Inviting { address: hop.remote });
        cx.ask(Ask::Invite { hop, target: target.clone(), offer: offer.to_string().into_bytes() });
        let patience =
            if others.is_empty() { cx.config.ring_for } else { cx.config.ring_for.min(NEXT_ADDRESS) };
        let deadline = cx.now.mono + patience;
        State::Offering(Self { target, hop, local, session, others, heard: false, early: None, deadline })
    }

    pub(super) fn on(mut self, cx: &mut Context<'_>, fact: Fact) -> State {
        match fact {
            Fact::Ringing { status, body } => {
                if let Some(body) = body {
                    self.play_early(cx, &body);
                }
                if !self.heard {
                    self.heard = true;
                    self.deadline = cx.record.invited.unwrap_or(cx.now.mono) + cx.config.ring_for;
                }
                if status.code() >= 180 && cx.record.ringing.is_none() {
                    cx.record.ringing = Some(cx.now.mono);
                    cx.tell(Progress::Ringing);
                }
                State::Offering(self)
            }
            Fact::Answered(body) => self.answered(cx, &body),
            Fact::Failed(failure) => self.failed(cx, failure),
            Fact::Ended { .. } => {
                cx.ask(Ask::StopMedia);
                cx.over(Cause::PeerHungUp)
            }
            Fact::HangUp => self.give_up(cx, Cause::Cancelled),
            Fact::Tick if self.deadline <= cx.now.mono && !self.heard && !self.others.is_empty() => {
                cx.ask(Ask::HangUp);
                Opening::start(cx, self.target, self.others)
            }
            Fact::Tick if self.deadline <= cx.now.mono => {
                let seconds = cx.config.ring_for.as_secs();
                let cause = Cause::NoAnswer { target: self.target.to_string(), seconds };
                self.give_up(cx, cause)
            }
            _ => State::Offering(self),
        }
    }

    fn answered(mut self, cx: &mut Context<'_>, body: &[u8]) -> State {
        cx.record.answered = Some(cx.now.mono);
        let agreed = Description::parse(body)
            .map_err(|e| Cause::Protocol { target: self.target.to_string(), what: e.to_string() })
            .and_then(|answer| {
                self.session.accept(&answer, &self.local).map_err(|mismatch| cx.mismatch(&mismatch))
            });
        match (agreed, self.early) {
            (Ok(agreed), None) => Talking::start(cx, self.hop, self.local, self.session, &agreed),
            (Ok(agreed), Some(early)) => {
                Talking::go_on(cx, self.hop, self.local, self.session, &agreed, &early)
            }
            (Err(cause), _) => {
                cx.ask(Ask::StopMedia);
                cx.ending(cause)
            }
        }
    }

    /// Plays what comes from the address that a provisional response names, and from no other. Of a fork, the first that
    /// says so is heard.
    fn play_early(&mut self, cx: &mut Context<'_>, body: &[u8]) {
        if self.early.is_some() {
            return;
        }
        let mut session = self.session.clone();
        let Some(agreed) =
            Description::parse(body).ok().and_then(|answer| session.accept(&answer, &self.local).ok())
        else {
            return;
        };
        if let Ok(plan) = plan::media_plan(&self.local, &agreed, cx.config, 0) {
            cx.record.codec = Some(agreed.codec.id);
            cx.tell(Progress::EarlyMedia { codec: agreed.codec.id, remote: agreed.remote_rtp });
            cx.ask(Ask::StartMedia(plan));
            self.early = Some(agreed);
        }
    }

    /// The callee wants to be called elsewhere (RFC 3261 §8.1.3.4): whoever is first in its list and can be dialled.
    fn forwarded(cx: &mut Context<'_>, failure: &Failure) -> Option<Target> {
        let Failure::Status { code, contacts, .. } = failure else { return None };
        if !code.is_redirect() || cx.record.forwarded >= MOST_FORWARDS {
            return None;
        }
        let target = contacts.iter().find_map(|contact| Target::parse(&contact.uri.to_string()).ok())?;
        cx.record.forwarded = cx.record.forwarded.saturating_add(1);
        cx.tell(Progress::Forwarded { to: target.to_string() });
        Some(target)
    }

    fn failed(self, cx: &mut Context<'_>, failure: Failure) -> State {
        if let Some(target) = Self::forwarded(cx, &failure) {
            cx.ask(Ask::StopMedia);
            return Dialing::start(cx, target);
        }
        let target = self.target.to_string();
        let leads_nowhere = match &failure {
            Failure::Timeout | Failure::Transport => true,
            Failure::Status { code, .. } => code.code() == 503,
            _ => false,
        };
        if leads_nowhere && !self.others.is_empty() {
            return Opening::start(cx, self.target, self.others);
        }
        cx.ask(Ask::StopMedia);
        let demanding = self.local.protection.wanted == MediaSecurity::Required;
        let cause = match failure {
            Failure::Status { code, .. } if demanding && matches!(code.code(), 488 | 606) => {
                Cause::MediaSecurity { target, why: "it refused an offer that demands it".into() }
            }
            Failure::Status { code, warning: Some(why), .. }
                if matches!(code.code(), 488 | 606) && why.contains("protect") =>
            {
                Cause::MediaSecurity { target, why: format!("it says that {why}") }
            }
            Failure::Status { code, reason, .. } => {
                Cause::from_status(&target, code, &reason, &cx.config.codec_names())
            }
            Failure::Timeout | Failure::Transport => self.unreachable(),
            Failure::Cancelled => Cause::Cancelled,
            other => Cause::Protocol { target, what: format!("{other:?}") },
        };
        cx.over(cause)
    }

    /// Where nobody was heard there is nobody to wait for; the user agent cancels by itself should a voice come late.
    fn give_up(self, cx: &mut Context<'_>, cause: Cause) -> State {
        cx.ask(Ask::StopMedia);
        if self.heard {
            return cx.ending(cause);
        }
        cx.ask(Ask::HangUp);
        let cause = if cause == Cause::Cancelled { cause } else { self.unreachable() };
        cx.over(cause)
    }

    fn unreachable(&self) -> Cause {
        Cause::Unreachable { target: self.target.to_string(), addresses: self.hop.remote.to_string() }
    }
}

/// An address from which nothing is heard for so long is left for the next one: by then the INVITE went out four times
/// (RFC 3261 §17.1.1.2). Waiting for timer B would keep the caller for 32 s.
const NEXT_ADDRESS: Duration = Duration::from_secs(4);
/// How often one call is forwarded: who forwards to each other is not followed for ever.
const MOST_FORWARDS: u8 = 5;
