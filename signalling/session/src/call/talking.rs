//! The session stands.

mod moving;
mod trickle;

use rove_base::{CodecId, Direction, IceCredentials};
use rove_sdp::{Description, Local, Mismatch, Negotiated, SecurityKind, Session, TlsId};
use rove_sip::{
    message::StatusCode,
    transport::Hop,
    ua::{Failure, Party},
};

use super::{Ask, Context, Fact, Progress, State};
use crate::{Cause, plan};

/// Media flows by the plan that was agreed on.
#[derive(Debug)]
pub(crate) struct Talking {
    hop: Hop,
    /// What we say of our end, with the one codec that is spoken.
    local: Local,
    /// What else could be spoken without another device: no stream's clock is faster than that of the first codec.
    codecs: Vec<CodecId>,
    session: Session,
    /// How many associations of DTLS were renewed.
    association: u32,
    /// Whether we hold the call.
    holding: bool,
    /// What we have asked for and not yet heard of.
    wanted: Option<Wanted>,
    /// What we said of our end before media were to leave from elsewhere.
    earlier: Option<Box<Local>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    Hold,
    Resume,
    Move,
    Relocate,
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
        match plan::media_plan(&local, agreed, cx.config, 0) {
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
        let [before, after] = [early, agreed].map(|agreed| agreed.codec.id.clock_rate().hertz());
        let device =
            if after > before { Err("who has answered speaks a codec of another clock") } else { Ok(()) };
        if let Err(why) = device.and_then(|()| may_follow(early, agreed)) {
            cx.ask(Ask::StopMedia);
            return cx.ending(Cause::NoMedia { why: why.into() });
        }
        let talking = Self::new(hop, local, session);
        talking.tell(cx, agreed);
        if agreed != early {
            talking.run(cx, agreed);
        }
        State::Talking(talking)
    }

    fn new(hop: Hop, mut local: Local, session: Session) -> Self {
        let mut codecs = local.codecs.clone();
        if let Some(agreed) = session.agreed() {
            let spoken = agreed.codec.id;
            codecs.retain(|codec| codec.clock_rate().hertz() <= spoken.clock_rate().hertz());
            // What we change ourselves leaves the codec.
            local.codecs = vec![spoken];
        }
        Self { hop, local, codecs, session, association: 0, holding: false, wanted: None, earlier: None }
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
            Fact::Announce => self.announce(cx),
            Fact::Trickled(body) => self.trickled(cx, &body),
            Fact::Candidate(candidate) => self.found(cx, candidate.as_ref()),
            Fact::Moved => self.move_on(cx),
            Fact::Relocate => self.relocate(cx),
            Fact::MediaOpened(ports) => self.moved(cx, &ports),
            Fact::NoMedia(why) => self.stay(cx, why),
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

    /// Says the same again, which tells what has changed beside the session. What is under way already tells it.
    fn announce(mut self, cx: &mut Context<'_>) -> State {
        if self.holding {
            return self.hold(cx, false);
        }
        if self.wanted.is_none() {
            let offer = self.session.offer(&self.local).to_bytes();
            cx.ask(Ask::Change { offer, hop: None });
        }
        State::Talking(self)
    }

    /// The other side has answered an offer of ours.
    fn changed(mut self, cx: &mut Context<'_>, body: &[u8]) -> State {
        let mut next = self.session.clone();
        let before = self.session.agreed().cloned();
        let agreed = Description::parse(body).ok().and_then(|answer| next.accept(&answer, &self.local).ok());
        self.session.withdraw();
        match (agreed, before, self.wanted.take()) {
            (Some(agreed), Some(before), wanted) if may_follow(&before, &agreed).is_ok() => {
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

    /// A new offer inside the call (RFC 3261 §14.2). What it changes takes effect in the running stream: direction, address,
    /// codec, keys, certificate, connectivity checked anew. What cannot be done is refused, which leaves the session as it
    /// was (RFC 3264 §8).
    fn reoffered(mut self, cx: &mut Context<'_>, body: &[u8]) -> State {
        if body.is_empty() {
            let offer = self.session.offer(&self.local);
            cx.ask(Ask::AcceptChange(offer.to_bytes()));
            return State::Talking(self);
        }
        let before = self.session.agreed().cloned();
        let answered = Description::parse(body).map_err(|error| error.to_string()).and_then(|offer| {
            let (next, local, answer, agreed) =
                self.answer(cx, &offer).map_err(|mismatch| mismatch.to_string())?;
            before.as_ref().map_or(Ok(()), |before| may_follow(before, &agreed))?;
            Ok((next, local, answer, agreed, self.session.renews_dtls(&offer)))
        });
        match (answered, before) {
            (Ok((next, local, answer, agreed, renews)), Some(before)) => {
                (self.session, self.local) = (next, local);
                self.association = self.association.wrapping_add(renews.into());
                cx.ask(Ask::AcceptChange(answer.to_bytes()));
                self.follow(cx, &before, &agreed, None);
                if renews && before == agreed {
                    self.run(cx, &agreed);
                }
            }
            (answered, _) => {
                let why = answered.err().unwrap_or_else(|| "nothing stands that could change".into());
                cx.ask(Ask::RejectChange { status: StatusCode::NOT_ACCEPTABLE_HERE, why: Some(why) });
            }
        }
        State::Talking(self)
    }

    /// Our answer to an offer inside the call, with what both then are. The codec stays where it is offered still; else the
    /// first that can be spoken is.
    fn answer(
        &self,
        cx: &mut Context<'_>,
        offer: &Description,
    ) -> Result<(Session, Local, Description, Negotiated), Mismatch> {
        let mut local = self.local.clone();
        if self.session.restarts_ice(offer)
            && let Some(ice) = &mut local.ice
        {
            // Whoever restarts is answered by a restart (RFC 8839 §4.4.3).
            let credentials = IceCredentials::draw(cx.entropy);
            (ice.ufrag, ice.pwd) = (credentials.ufrag().to_owned(), credentials.password().to_owned());
        }
        if self.session.renews_dtls(offer) {
            // Another association has another name on both sides (RFC 8842 §5.3).
            local.protection.tls_id = Some(TlsId::draw(cx.entropy));
        }
        if self.session.agreed().is_some_and(|agreed| agreed.ice.is_none()) {
            // Checks are not taken up in the middle of a call.
            local.ice = None;
        }
        let mut next = self.session.clone();
        let mut answered = next.answer(offer, &local);
        if matches!(answered, Err(Mismatch::NoCommonCodec)) {
            next = self.session.clone();
            local.codecs.clone_from(&self.codecs);
            answered = next.answer(offer, &local);
        }
        let (answer, agreed) = answered?;
        local.codecs = vec![agreed.codec.id];
        Ok((next, local, answer, agreed))
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
            Some(Wanted::Relocate) => self.earlier = None,
            Some(Wanted::Move) | None => {}
        }
        if before != agreed || wanted.is_some() {
            self.run(cx, agreed);
        }
        let security = SecurityKind::from(&agreed.security);
        if (before.codec.id, SecurityKind::from(&before.security)) != (agreed.codec.id, security) {
            (cx.record.codec, cx.record.security) = (Some(agreed.codec.id), Some(security));
            cx.tell(Progress::Adapted { codec: agreed.codec.id, security });
        }
        match wanted {
            Some(Wanted::Hold) => cx.tell(Progress::Held { by: Party::Us }),
            Some(Wanted::Resume) => cx.tell(Progress::Resumed { by: Party::Us }),
            Some(Wanted::Move | Wanted::Relocate) => cx.tell(Progress::Moved { remote: agreed.remote_rtp }),
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
        match plan::media_plan(&self.local, &agreed, cx.config, self.association) {
            Ok(plan) => cx.ask(Ask::ChangeMedia(plan)),
            Err(error) => cx.tell(Progress::Unchanged { why: error.to_string() }),
        }
    }
}

/// Whether the other side hears what is said here.
const fn hears(agreed: &Negotiated) -> bool {
    agreed.direction.sends()
}

/// Whether the running stream can go on by `after`, or why not.
fn may_follow(before: &Negotiated, after: &Negotiated) -> Result<(), &'static str> {
    if after.removed {
        Err("the stream cannot be taken out of the call")
    } else if before.ice.is_some() && after.ice.is_none() {
        Err("connectivity goes on to be checked")
    } else if before.ice.is_none() && after.ice.is_some() {
        Err("connectivity is not checked in this call")
    } else {
        Ok(())
    }
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
