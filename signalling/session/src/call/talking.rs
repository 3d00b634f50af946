//! The session stands.

use rove_base::Direction;
use rove_sdp::{Description, Local, Negotiated, SecurityKind, Session};
use rove_sip::{
    message::StatusCode,
    transport::Hop,
    ua::{Failure, Party},
};

use super::{Ask, Context, Fact, Progress, State};
use crate::{Cause, MediaPorts, plan};

/// Media flows by the plan that was agreed on.
#[derive(Debug)]
pub(crate) struct Talking {
    hop: Hop,
    local: Local,
    session: Session,
    /// Whether we hold the call.
    holding: bool,
    /// What we have asked for and not yet heard of.
    wanted: Option<Wanted>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    Hold,
    Resume,
    Move,
}

impl Talking {
    /// Hands the plan to the engine.
    pub(super) fn start(
        cx: &mut Context<'_>,
        hop: Hop,
        local: Local,
        session: Session,
        agreed: &Negotiated,
    ) -> State {
        match plan::media_plan(&local, agreed, cx.config) {
            Ok(plan) => {
                let talking = Self::new(hop, local, session);
                talking.tell(cx, agreed);
                cx.record.route = plan.routes().first().map(|route| route.kind);
                cx.ask(Ask::StartMedia(plan));
                State::Talking(talking)
            }
            Err(error) => {
                cx.ask(Ask::StopMedia);
                let target = cx.record.peer.clone();
                cx.ending(Cause::Protocol { target, what: error.to_string() })
            }
        }
    }

    /// The same when media run already, by what was agreed on with somebody who had not accepted.
    pub(super) fn go_on(
        cx: &mut Context<'_>,
        hop: Hop,
        local: Local,
        session: Session,
        agreed: &Negotiated,
        early: &Negotiated,
    ) -> State {
        if !only_moves(early, agreed) {
            cx.ask(Ask::StopMedia);
            let why = "who has answered speaks another codec than who was heard before".into();
            return cx.ending(Cause::NoMedia { why });
        }
        let talking = Self::new(hop, local, session);
        talking.tell(cx, agreed);
        if agreed != early {
            talking.run(cx, agreed);
        }
        State::Talking(talking)
    }

    fn new(hop: Hop, mut local: Local, session: Session) -> Self {
        if let Some(agreed) = session.agreed() {
            // A change of the session leaves the codec, since the stream goes on.
            local.codecs.retain(|codec| *codec == agreed.codec.id);
        }
        Self { hop, local, session, holding: false, wanted: None }
    }

    fn tell(&self, cx: &mut Context<'_>, agreed: &Negotiated) {
        let security = SecurityKind::from(&agreed.security);
        cx.record.codec = Some(agreed.codec.id);
        cx.record.security = Some(security);
        cx.record.media_remote = Some((agreed.remote_rtp, agreed.remote_rtcp));
        cx.tell(Progress::Answered { codec: agreed.codec.id, remote: agreed.remote_rtp, security });
    }

    pub(super) fn on(self, cx: &mut Context<'_>, fact: Fact) -> State {
        match fact {
            Fact::Ended { by, reason } => {
                cx.ask(Ask::StopMedia);
                cx.over(ended(by, reason))
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
            Fact::Acknowledged(Some(body)) | Fact::Changed(body) => self.changed(cx, &body),
            Fact::ChangeFailed(failure) => self.unchanged(cx, &failure),
            Fact::Hold(hold) => self.hold(cx, hold),
            Fact::Moved if self.local.ice.is_some() => {
                // The checks find another pair by themselves, as long as one of the old addresses is left.
                State::Talking(self)
            }
            Fact::Moved => {
                cx.ask(Ask::OpenMedia(self.hop.remote));
                State::Talking(self)
            }
            Fact::MediaOpened(ports) => self.moved(cx, &ports),
            Fact::NoMedia(why) => {
                cx.tell(Progress::Unchanged { why });
                State::Talking(self)
            }
            Fact::Transfer { status, last } if last && status.is_success() => {
                cx.ask(Ask::StopMedia);
                cx.ending(Cause::Transferred)
            }
            Fact::Transfer { status, last: true } => {
                cx.tell(Progress::TransferFailed { why: format!("{status} {}", status.default_reason()) });
                State::Talking(self)
            }
            Fact::Transfer { status, .. } => {
                cx.tell(Progress::Transferring { status });
                State::Talking(self)
            }
            Fact::TransferFailed(failure) => {
                cx.tell(Progress::TransferFailed { why: words(&failure) });
                State::Talking(self)
            }
            _ => State::Talking(self),
        }
    }

    /// Offers what the person at the phone wants.
    fn hold(mut self, cx: &mut Context<'_>, hold: bool) -> State {
        if hold == self.holding && self.wanted.is_none() {
            return State::Talking(self);
        }
        self.local.direction = if hold { Direction::SendOnly } else { Direction::SendRecv };
        self.wanted = Some(if hold { Wanted::Hold } else { Wanted::Resume });
        let offer = self.session.offer(&self.local).to_bytes();
        cx.ask(Ask::Change { offer, hop: None });
        State::Talking(self)
    }

    /// Ports are open at our new address: the other side is told of it (RFC 3261 §14.1).
    fn moved(mut self, cx: &mut Context<'_>, ports: &MediaPorts) -> State {
        (self.local.address, self.local.rtcp) = (ports.rtp, ports.rtcp);
        let local = cx.config.local(self.hop.transport, ports.signalling);
        self.hop = Hop::toward(self.hop.transport, local, self.hop.remote);
        self.wanted = Some(Wanted::Move);
        let offer = self.session.offer(&self.local).to_bytes();
        cx.ask(Ask::Change { offer, hop: Some(self.hop) });
        State::Talking(self)
    }

    /// The other side has answered an offer of ours.
    fn changed(mut self, cx: &mut Context<'_>, body: &[u8]) -> State {
        let mut next = self.session.clone();
        let before = self.session.agreed().cloned();
        let agreed = Description::parse(body).ok().and_then(|answer| next.accept(&answer, &self.local).ok());
        self.session.withdraw();
        match (agreed, before, self.wanted.take()) {
            (Some(agreed), Some(before), wanted) if only_moves(&before, &agreed) => {
                self.session = next;
                self.follow(cx, &before, &agreed, wanted);
            }
            (_, _, Some(wanted)) => {
                self.undo(wanted);
                cx.tell(Progress::Unchanged { why: "the answer cannot be used".into() });
            }
            // The answer to an offer that changed nothing; what would change something is not taken up.
            _ => {}
        }
        State::Talking(self)
    }

    /// The other side has refused it, or nobody has answered.
    fn unchanged(mut self, cx: &mut Context<'_>, failure: &Failure) -> State {
        self.session.withdraw();
        if let Some(wanted) = self.wanted.take() {
            self.undo(wanted);
        }
        cx.tell(Progress::Unchanged { why: words(failure) });
        State::Talking(self)
    }

    fn undo(&mut self, wanted: Wanted) {
        if wanted != Wanted::Move {
            self.local.direction = if self.holding { Direction::SendOnly } else { Direction::SendRecv };
        }
    }

    /// A new offer inside the call (RFC 3261 §14.2). One that changes direction or address is followed; one that would
    /// need another codec or other keys is refused, which leaves the session as it was.
    fn reoffered(mut self, cx: &mut Context<'_>, body: &[u8]) -> State {
        let mut next = self.session.clone();
        if body.is_empty() {
            let offer = next.offer(&self.local);
            self.session = next;
            cx.ask(Ask::AcceptChange(offer.to_bytes()));
            return State::Talking(self);
        }
        let before = self.session.agreed().cloned();
        let answered =
            Description::parse(body).map_err(|error| error.to_string()).and_then(|offer| {
                match self.session.restarts_ice(&offer) {
                    true => Err("connectivity is not checked anew".into()),
                    false => next.answer(&offer, &self.local).map_err(|mismatch| mismatch.to_string()),
                }
            });
        match (answered, before) {
            (Ok((answer, agreed)), Some(before)) if only_moves(&before, &agreed) => {
                self.session = next;
                cx.ask(Ask::AcceptChange(answer.to_bytes()));
                self.follow(cx, &before, &agreed, None);
            }
            (answered, _) => {
                let why = answered.err().unwrap_or_else(|| "codec and keys stay as they are".into());
                cx.ask(Ask::RejectChange { status: StatusCode::NOT_ACCEPTABLE_HERE, why: Some(why) });
            }
        }
        State::Talking(self)
    }

    /// What was agreed on anew takes place, and is told.
    fn follow(
        &mut self,
        cx: &mut Context<'_>,
        before: &Negotiated,
        agreed: &Negotiated,
        wanted: Option<Wanted>,
    ) {
        match wanted {
            Some(Wanted::Hold) => self.holding = true,
            Some(Wanted::Resume) => self.holding = false,
            Some(Wanted::Move) | None => {}
        }
        if before != agreed || wanted.is_some() {
            self.run(cx, agreed);
        }
        match wanted {
            Some(Wanted::Hold) => cx.tell(Progress::Held { by: Party::Us }),
            Some(Wanted::Resume) => cx.tell(Progress::Resumed { by: Party::Us }),
            Some(Wanted::Move) => cx.tell(Progress::Moved { remote: agreed.remote_rtp }),
            None => match (hears(before), hears(agreed)) {
                (true, false) if !self.holding => cx.tell(Progress::Held { by: Party::Peer }),
                (false, true) if !self.holding => cx.tell(Progress::Resumed { by: Party::Peer }),
                _ if before.remote_rtp != agreed.remote_rtp => {
                    cx.tell(Progress::Moved { remote: agreed.remote_rtp });
                }
                _ => {}
            },
        }
    }

    fn run(&self, cx: &mut Context<'_>, agreed: &Negotiated) {
        let mut agreed = agreed.clone();
        if self.holding {
            // Who is held hears nothing of what is said here.
            agreed.direction = Direction::Inactive;
        }
        if agreed.remote_rtp.ip().is_unspecified() {
            // Hold in the old way (RFC 3264 §8.4): nothing goes there.
            let known = cx.record.media_remote.unwrap_or((agreed.remote_rtp, agreed.remote_rtcp));
            (agreed.remote_rtp, agreed.remote_rtcp) = known;
        }
        cx.record.media_remote = Some((agreed.remote_rtp, agreed.remote_rtcp));
        match plan::media_plan(&self.local, &agreed, cx.config) {
            Ok(plan) => cx.ask(Ask::ChangeMedia(plan)),
            Err(error) => cx.tell(Progress::Unchanged { why: error.to_string() }),
        }
    }
}

/// Whether the other side hears what is said here.
const fn hears(agreed: &Negotiated) -> bool {
    agreed.direction.sends()
}

/// Whether nothing changes but which way media flow, and where they go.
fn only_moves(before: &Negotiated, after: &Negotiated) -> bool {
    before.codec == after.codec && before.security == after.security && !after.removed
}

fn ended(by: Party, reason: Option<String>) -> Cause {
    match (by, reason) {
        (Party::Peer, _) => Cause::PeerHungUp,
        // Another call has taken the place of this one.
        (Party::Us, None) => Cause::Transferred,
        (Party::Us, Some(why)) if why == "no ACK" => Cause::Vanished,
        (Party::Us, Some(why)) => Cause::Lost { why },
    }
}

/// A failure for people.
fn words(failure: &Failure) -> String {
    match failure {
        Failure::Status { code, reason, warning, .. } => {
            warning.clone().unwrap_or_else(|| format!("{code} {reason}"))
        }
        Failure::Timeout => "no answer".into(),
        other => format!("{other:?}"),
    }
}
