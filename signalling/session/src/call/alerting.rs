//! We are being called.

use std::net::SocketAddr;

use rove_base::Instant;
use rove_sdp::{Description, Local, Mismatch, Session};
use rove_sip::{
    message::StatusCode,
    transport::Hop,
    ua::{Failure, Party},
};

use super::{Ask, Context, Fact, Progress, State, Talking};
use crate::{Cause, Target};

/// An invitation waits for an answer.
#[derive(Debug)]
pub(crate) struct Alerting {
    /// `None` when the caller leaves the offer to us (RFC 3261 §13.3.1).
    offer: Option<Description>,
    /// How the invitation came: whether keys may go back.
    hop: Hop,
    /// What we say about our end, once there are ports.
    local: Option<Local>,
    session: Session,
    /// Our offer is out in the 200.
    offered: bool,
    wanted: bool,
    pub(super) deadline: Instant,
}

impl Alerting {
    /// Looks at the caller's offer; refuses at once what can never be answered.
    pub(crate) fn start(cx: &mut Context<'_>, hop: Hop, body: &[u8]) -> State {
        cx.record.invited = Some(cx.now.mono);
        let offer = match (!body.is_empty()).then(|| Description::parse(body)).transpose() {
            Ok(offer) => offer,
            Err(error) => {
                let what = error.to_string();
                cx.ask(Ask::Reject { status: StatusCode::BAD_REQUEST, why: Some(what.clone()) });
                return cx.over(Cause::Protocol { target: cx.record.peer.clone(), what });
            }
        };
        cx.record.offered = offer.as_ref().and_then(|offer| {
            let (_, audio) = offer.audio()?;
            Some(SocketAddr::new(offer.address(audio)?, audio.port))
        });
        cx.ask(Ask::OpenMedia(hop.remote));
        let deadline = cx.now.mono + cx.config.ring_for;
        State::Alerting(Self {
            offer,
            hop,
            local: None,
            session: Session::default(),
            offered: false,
            wanted: false,
            deadline,
        })
    }

    pub(super) fn on(mut self, cx: &mut Context<'_>, fact: Fact) -> State {
        match fact {
            Fact::MediaOpened(ports) => {
                let local = cx.local(&ports, &self.hop);
                let possible = match &self.offer {
                    Some(offer) => rove_sdp::answer(offer, &local).map(drop),
                    None if local.protection.is_possible() => Ok(()),
                    None => Err(Mismatch::KeysInClear),
                };
                if let Err(mismatch) = possible {
                    return refuse(cx, &mismatch);
                }
                self.local = Some(local);
                if self.wanted {
                    return self.answer(cx);
                }
                cx.record.ringing = Some(cx.now.mono);
                cx.ask(Ask::Ring);
                State::Alerting(self)
            }
            Fact::NoMedia(why) => {
                cx.ask(Ask::Reject { status: StatusCode::SERVICE_UNAVAILABLE, why: None });
                cx.over(Cause::NoMedia { why })
            }
            Fact::Answer if self.local.is_some() => self.answer(cx),
            Fact::Answer => {
                self.wanted = true;
                State::Alerting(self)
            }
            Fact::Decline(status) => {
                cx.ask(Ask::StopMedia);
                cx.ask(Ask::Reject { status, why: None });
                let target = cx.record.peer.clone();
                cx.over(if status.code() == 486 {
                    Cause::Busy { target }
                } else {
                    Cause::Declined { target }
                })
            }
            Fact::Forward(target) => forward(cx, target),
            Fact::Acknowledged(body) => self.acknowledged(cx, body.as_deref()),
            Fact::HangUp => self.hang_up(cx, Cause::HungUp),
            Fact::Failed(failure) => failed(cx, &failure),
            Fact::Ended { by, .. } => {
                cx.ask(Ask::StopMedia);
                cx.over(if by == Party::Peer { Cause::PeerHungUp } else { Cause::Vanished })
            }
            Fact::Tick if self.deadline <= cx.now.mono => {
                let cause = Cause::NoAnswer {
                    target: cx.record.target.clone(),
                    seconds: cx.config.ring_for.as_secs(),
                };
                self.hang_up(cx, cause)
            }
            _ => State::Alerting(self),
        }
    }

    fn answer(mut self, cx: &mut Context<'_>) -> State {
        if self.offered {
            return State::Alerting(self);
        }
        let Some(local) = self.local.take() else { return State::Alerting(self) };
        cx.record.answered = Some(cx.now.mono);
        let Some(offer) = &self.offer else {
            cx.ask(Ask::Accept(self.session.offer(&local).to_bytes()));
            return State::Alerting(Self { offered: true, local: Some(local), ..self });
        };
        match self.session.answer(offer, &local) {
            Ok((answer, agreed)) => {
                cx.ask(Ask::Accept(answer.to_bytes()));
                Talking::start(cx, self.hop, local, self.session, &agreed)
            }
            Err(mismatch) => refuse(cx, &mismatch),
        }
    }

    /// The ACK brings the caller's answer to our offer.
    fn acknowledged(mut self, cx: &mut Context<'_>, body: Option<&[u8]>) -> State {
        let Some(local) = self.local.take_if(|_| self.offered) else { return State::Alerting(self) };
        let answer = body.and_then(|body| Description::parse(body).ok()).ok_or(Mismatch::NoAudio);
        match answer.and_then(|answer| self.session.accept(&answer, &local)) {
            Ok(agreed) => Talking::start(cx, self.hop, local, self.session, &agreed),
            Err(mismatch) => {
                cx.ask(Ask::StopMedia);
                let cause = cx.mismatch(&mismatch);
                cx.ending(cause)
            }
        }
    }

    fn hang_up(self, cx: &mut Context<'_>, cause: Cause) -> State {
        cx.ask(Ask::StopMedia);
        if self.offered {
            return cx.ending(cause);
        }
        cx.ask(Ask::Reject { status: StatusCode::TEMPORARILY_UNAVAILABLE, why: None });
        cx.over(cause)
    }
}

fn refuse(cx: &mut Context<'_>, mismatch: &Mismatch) -> State {
    cx.ask(Ask::StopMedia);
    cx.ask(Ask::Reject { status: StatusCode::NOT_ACCEPTABLE_HERE, why: Some(mismatch.to_string()) });
    let cause = cx.mismatch(mismatch);
    cx.over(cause)
}

/// Sends the caller elsewhere.
fn forward(cx: &mut Context<'_>, target: Target) -> State {
    cx.ask(Ask::StopMedia);
    cx.tell(Progress::Forwarded { to: target.to_string() });
    cx.ask(Ask::Redirect(target));
    cx.over(Cause::Forwarded)
}

/// The caller has given up.
fn failed(cx: &mut Context<'_>, failure: &Failure) -> State {
    cx.ask(Ask::StopMedia);
    let elsewhere = *failure == Failure::AnsweredElsewhere;
    cx.over(if elsewhere { Cause::AnsweredElsewhere } else { Cause::Cancelled })
}
