//! We are being called.

use rove_base::Instant;
use rove_sdp::{Description, Local, Mismatch};
use rove_sip::{message::StatusCode, ua::Party};

use super::{Ask, Context, Fact, State, Talking};
use crate::{Cause, MediaPorts};

/// An invitation waits for an answer.
#[derive(Debug)]
pub(crate) struct Alerting {
    /// `None` when the caller leaves the offer to us (RFC 3261 §13.3.1).
    offer: Option<Description>,
    ports: Option<MediaPorts>,
    /// Our offer, once it is out in the 200, and what we said about our end.
    ours: Option<(Description, Local)>,
    wanted: bool,
    pub(super) deadline: Instant,
}

impl Alerting {
    /// Looks at the caller's offer; refuses at once what can never be answered.
    pub(crate) fn start(cx: &mut Context<'_>, remote: std::net::SocketAddr, body: &[u8]) -> State {
        cx.record.invited = Some(cx.now.mono);
        let offer = match (!body.is_empty()).then(|| Description::parse(body)).transpose() {
            Ok(offer) => offer,
            Err(error) => {
                let what = error.to_string();
                cx.ask(Ask::Reject { status: StatusCode::BAD_REQUEST, why: Some(what.clone()) });
                return cx.over(Cause::Protocol { target: cx.record.peer.clone(), what });
            }
        };
        cx.ask(Ask::OpenMedia(remote));
        let deadline = cx.now.mono + cx.config.ring_for;
        State::Alerting(Self { offer, ports: None, ours: None, wanted: false, deadline })
    }

    pub(super) fn on(mut self, cx: &mut Context<'_>, fact: Fact) -> State {
        match fact {
            Fact::MediaOpened(ports) => {
                if let Some(offer) = &self.offer
                    && let Err(mismatch) = rove_sdp::answer(offer, &cx.local(&ports))
                {
                    return refuse(cx, &mismatch);
                }
                self.ports = Some(ports);
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
            Fact::Answer if self.ports.is_some() => self.answer(cx),
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
            Fact::Acknowledged(body) => self.acknowledged(cx, body.as_deref()),
            Fact::HangUp => self.hang_up(cx, Cause::HungUp),
            Fact::Failed(_) => {
                cx.ask(Ask::StopMedia);
                cx.over(Cause::Cancelled)
            }
            Fact::Ended(by) => {
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
        let Some(ports) = &self.ports else { return State::Alerting(self) };
        if self.ours.is_some() {
            return State::Alerting(self);
        }
        let local = cx.local(ports);
        cx.record.answered = Some(cx.now.mono);
        let Some(offer) = &self.offer else {
            let ours = rove_sdp::offer(&local);
            cx.ask(Ask::Accept(ours.to_string().into_bytes()));
            self.ours = Some((ours, local));
            return State::Alerting(self);
        };
        match rove_sdp::answer(offer, &local) {
            Ok((answer, agreed)) => {
                cx.ask(Ask::Accept(answer.to_string().into_bytes()));
                Talking::start(cx, local, agreed)
            }
            Err(mismatch) => refuse(cx, &mismatch),
        }
    }

    /// The ACK brings the caller's answer to our offer.
    fn acknowledged(self, cx: &mut Context<'_>, body: Option<&[u8]>) -> State {
        let Some((ours, local)) = self.ours else { return State::Alerting(self) };
        let agreed = body
            .and_then(|body| Description::parse(body).ok())
            .and_then(|answer| rove_sdp::accept(&ours, &answer, &local).ok());
        match agreed {
            Some(agreed) => Talking::start(cx, local, agreed),
            None => {
                cx.ask(Ask::StopMedia);
                let cause = cx.no_common_codec();
                cx.ending(cause)
            }
        }
    }

    fn hang_up(self, cx: &mut Context<'_>, cause: Cause) -> State {
        cx.ask(Ask::StopMedia);
        if self.ours.is_some() {
            return cx.ending(cause);
        }
        cx.ask(Ask::Reject { status: StatusCode::TEMPORARILY_UNAVAILABLE, why: None });
        cx.over(cause)
    }
}

fn refuse(cx: &mut Context<'_>, mismatch: &Mismatch) -> State {
    cx.ask(Ask::StopMedia);
    cx.ask(Ask::Reject { status: StatusCode::NOT_ACCEPTABLE_HERE, why: Some(mismatch.to_string()) });
    let cause = cx.no_common_codec();
    cx.over(cause)
}
