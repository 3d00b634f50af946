//! The session stands.

use rove_sdp::{Description, Local, Negotiated, SecurityKind, Session};
use rove_sip::{message::StatusCode, ua::Party};

use super::{Ask, Context, Fact, Progress, State};
use crate::{Cause, plan};

/// Media flows by the plan that was agreed on.
#[derive(Debug)]
pub(crate) struct Talking {
    local: Local,
    session: Session,
}

impl Talking {
    /// Hands the plan to the engine.
    pub(super) fn start(cx: &mut Context<'_>, local: Local, session: Session, agreed: &Negotiated) -> State {
        match plan::media_plan(&local, agreed, cx.config) {
            Ok(plan) => {
                cx.record.codec = Some(agreed.codec.id);
                cx.record.route = plan.routes().first().map(|route| route.kind);
                let security = SecurityKind::from(&agreed.security);
                cx.record.security = Some(security);
                cx.tell(Progress::Answered { codec: agreed.codec.id, remote: agreed.remote_rtp, security });
                cx.ask(Ask::StartMedia(plan));
                State::Talking(Self { local, session })
            }
            Err(error) => {
                cx.ask(Ask::StopMedia);
                let target = cx.record.peer.clone();
                cx.ending(Cause::Protocol { target, what: error.to_string() })
            }
        }
    }

    pub(super) fn on(mut self, cx: &mut Context<'_>, fact: Fact) -> State {
        match fact {
            Fact::Ended(by) => {
                cx.ask(Ask::StopMedia);
                cx.over(if by == Party::Peer { Cause::PeerHungUp } else { Cause::Vanished })
            }
            Fact::Failed(_) => {
                cx.ask(Ask::StopMedia);
                cx.over(Cause::Vanished)
            }
            Fact::HangUp => {
                cx.ask(Ask::StopMedia);
                cx.ending(Cause::HungUp)
            }
            Fact::MediaFailed(why) => {
                cx.ask(Ask::StopMedia);
                cx.ending(Cause::NoMedia { why })
            }
            Fact::Reoffered(body) => self.reoffered(cx, &body),
            Fact::Acknowledged(Some(body)) => {
                // The answer to an offer that changed nothing; what would change something is not taken up.
                let mut next = self.session.clone();
                self.session.withdraw();
                let same = Description::parse(&body).is_ok_and(|answer| {
                    next.accept(&answer, &self.local)
                        .is_ok_and(|agreed| Some(&agreed) == self.session.agreed())
                });
                if same {
                    self.session = next;
                }
                State::Talking(self)
            }
            _ => State::Talking(self),
        }
    }

    /// A new offer inside the call (RFC 3261 §14.2). One that changes nothing but its version refreshes the session;
    /// any other is refused, which leaves the session as it was.
    fn reoffered(mut self, cx: &mut Context<'_>, body: &[u8]) -> State {
        let mut next = self.session.clone();
        let again = if body.is_empty() {
            Some(next.offer(&self.local))
        } else {
            Description::parse(body)
                .ok()
                .and_then(|offer| next.answer(&offer, &self.local).ok())
                .filter(|(_, agreed)| Some(agreed) == self.session.agreed())
                .map(|(answer, _)| answer)
        };
        if again.is_some() {
            self.session = next;
        }
        cx.ask(match again {
            Some(description) => Ask::AcceptChange(description.to_bytes()),
            None => Ask::RejectChange {
                status: StatusCode::NOT_ACCEPTABLE_HERE,
                why: Some("session unchanged".into()),
            },
        });
        State::Talking(self)
    }
}
