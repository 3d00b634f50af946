//! A call as an enum of states that are moved: a fact goes in, the next state and the asks come out.

mod alerting;
mod dialing;
mod ending;
mod offering;
mod talking;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{CodecId, Entropy, Instant, MediaPlan, Now};
use rove_dns::lookup::{Candidate, LookupError};
use rove_sdp::{Ice, Local, MediaSecurity, Mismatch, Protection, SdesKey, SecurityKind, TlsId};
use rove_sip::{
    message::StatusCode,
    transport::Hop,
    ua::{Failure, Party},
};

pub(crate) use self::{
    alerting::Alerting,
    dialing::{Dialing, Opening},
    ending::Ending,
    offering::Offering,
    talking::Talking,
};
use crate::{Cause, Config, MediaPorts, Record, Target};

/// Where a call is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a call is moved a handful of times")]
pub(crate) enum State {
    /// The target is being looked up.
    Dialing(Dialing),
    /// Ports for the media are being opened.
    Opening(Opening),
    /// The INVITE is out.
    Offering(Offering),
    /// We are being called.
    Alerting(Alerting),
    /// The session stands.
    Talking(Talking),
    /// The last messages are being exchanged.
    Ending(Ending),
    /// Nothing is left of it.
    Over,
}

/// What happened to a call.
#[derive(Debug)]
pub(crate) enum Fact {
    /// The number that was dialled is called there.
    Number(String),
    Found(Vec<Candidate>),
    NotFound(LookupError),
    MediaOpened(MediaPorts),
    NoMedia(String),
    MediaFailed(String),
    Ringing {
        status: StatusCode,
        body: Option<Vec<u8>>,
    },
    Answered(Vec<u8>),
    Acknowledged(Option<Vec<u8>>),
    Reoffered(Vec<u8>),
    /// The other side tells of more candidates.
    Trickled(Vec<u8>),
    /// The engine has found another of ours; `None`: there will be no more.
    Candidate(Option<rove_base::Candidate>),
    /// Our change was accepted, with this answer.
    Changed(Vec<u8>),
    ChangeFailed(Failure),
    /// How the call goes that the other side was to make.
    Transfer {
        status: StatusCode,
        last: bool,
    },
    TransferFailed(Failure),
    Failed(Failure),
    Ended {
        by: Party,
        reason: Option<String>,
    },
    Answer,
    /// Hold the call, or go on with it.
    Hold(bool),
    /// The other side is to learn what this end is now; a call that we hold goes on.
    Announce,
    /// This host has another address now.
    Moved,
    /// Media are to leave from other ports than now.
    Relocate,
    Decline(StatusCode),
    Forward(Target),
    HangUp,
    Tick,
}

/// What a call wants done; the switchboard carries each to the machine that can.
#[derive(Debug)]
pub(crate) enum Ask {
    Resolve(Target),
    OpenMedia(SocketAddr),
    Invite { hop: Hop, target: Target, offer: Vec<u8> },
    Ring,
    Accept(Vec<u8>),
    Reject { status: StatusCode, why: Option<String> },
    Redirect(Target),
    AcceptChange(Vec<u8>),
    RejectChange { status: StatusCode, why: Option<String> },
    Change { offer: Vec<u8>, hop: Option<Hop> },
    ChangeMedia(MediaPlan),
    Trickle(Vec<u8>),
    AddCandidates { candidates: Vec<rove_base::Candidate>, last: bool },
    HangUp,
    StartMedia(MediaPlan),
    StopMedia,
    Tell(Progress),
}

/// What the person at the phone is told while a call goes on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// The name leads to these addresses, best first.
    Resolved {
        /// The addresses.
        addresses: Vec<SocketAddr>,
    },
    /// An invitation is on its way to this address.
    Inviting {
        /// The address.
        address: SocketAddr,
    },
    /// The other side is being alerted.
    Ringing,
    /// Somebody calls us.
    Incoming {
        /// Who it says it is.
        from: String,
    },
    /// The call stands.
    Answered {
        /// The codec agreed on.
        codec: CodecId,
        /// Where our media goes.
        remote: SocketAddr,
        /// How it is protected.
        security: SecurityKind,
    },
    /// What is heard now comes from the other side's network, or from a person who has not accepted yet.
    EarlyMedia {
        /// The codec agreed on.
        codec: CodecId,
        /// Where it comes from.
        remote: SocketAddr,
    },
    /// The call is forwarded.
    Forwarded {
        /// To whom.
        to: String,
    },
    /// The call is held: nothing is said, and on our side nothing heard.
    Held {
        /// By whom.
        by: Party,
    },
    /// It goes on.
    Resumed {
        /// For whom it was held.
        by: Party,
    },
    /// Media take another way: one of the two has moved.
    Moved {
        /// Where our media go now.
        remote: SocketAddr,
    },
    /// The call goes on in another way: what both agreed on anew.
    Adapted {
        /// The codec.
        codec: CodecId,
        /// How media are protected.
        security: SecurityKind,
    },
    /// A change that we wanted did not take place; the call goes on as it was.
    Unchanged {
        /// Why.
        why: String,
    },
    /// What we wrote to the other side did not arrive.
    Unwritten {
        /// Why.
        why: String,
    },
    /// The other side is calling whom we have transferred it to.
    Transferring {
        /// How that call is doing.
        status: StatusCode,
    },
    /// The transfer did not take place; the call goes on.
    TransferFailed {
        /// Why.
        why: String,
    },
    /// The other side has handed us over to somebody else, whom we are calling.
    Referred {
        /// To whom.
        to: String,
        /// That call.
        call: crate::CallId,
    },
    /// The other side pressed a key, and told by SIP (RFC 6086).
    Key {
        /// Which.
        key: char,
        /// How long.
        duration: Duration,
    },
    /// The call is over; its [`Record`] is complete.
    Ended {
        /// Why.
        cause: Cause,
    },
}

/// What a state sees of the world around it while it handles one fact.
pub(crate) struct Context<'a> {
    pub(crate) now: Now,
    pub(crate) config: &'a Config,
    pub(crate) record: &'a mut Record,
    pub(crate) asks: &'a mut Vec<Ask>,
    /// Identifies the session in SDP; the same for all descriptions of one call (RFC 8866 §5.2).
    pub(crate) session_id: u64,
    /// Makes keys.
    pub(crate) entropy: &'a mut Entropy,
}

impl State {
    /// The state after `fact`.
    pub(crate) fn on(self, cx: &mut Context<'_>, fact: Fact) -> Self {
        match self {
            Self::Dialing(state) => state.on(cx, fact),
            Self::Opening(state) => state.on(cx, fact),
            Self::Offering(state) => state.on(cx, fact),
            Self::Alerting(state) => state.on(cx, fact),
            Self::Talking(state) => state.on(cx, fact),
            Self::Ending(state) => state.on(cx, &fact),
            Self::Over => Self::Over,
        }
    }

    /// When it wants a [`Fact::Tick`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Offering(state) => Some(state.deadline),
            Self::Alerting(state) => Some(state.deadline),
            Self::Ending(state) => Some(state.deadline),
            _ => None,
        }
    }
}

impl Context<'_> {
    pub(crate) fn ask(&mut self, ask: Ask) {
        self.asks.push(ask);
    }

    pub(crate) fn tell(&mut self, progress: Progress) {
        self.asks.push(Ask::Tell(progress));
    }

    /// Ends the call for good.
    pub(crate) fn over(&mut self, cause: Cause) -> State {
        self.finish(cause);
        State::Over
    }

    /// Lets the last messages be exchanged before the call is over.
    pub(crate) fn ending(&mut self, cause: Cause) -> State {
        self.ask(Ask::HangUp);
        self.record.ended = Some(self.now.mono);
        State::Ending(Ending { cause, deadline: self.now.mono + LAST_MESSAGES })
    }

    pub(crate) fn finish(&mut self, cause: Cause) {
        self.record.ended.get_or_insert(self.now.mono);
        self.record.cause = Some(cause.clone());
        self.tell(Progress::Ended { cause });
    }

    /// What we say about our end in a session description that goes along `hop`. Keys are made anew each time.
    pub(crate) fn local(&mut self, ports: &MediaPorts, hop: &Hop) -> Local {
        let wanted = self.config.media_security;
        // Keys never cross a hop that others can read (RFC 4568 §8.3).
        let secret = wanted != MediaSecurity::Never && hop.transport.is_secure();
        let sdes = if secret { SdesKey::all(self.entropy) } else { Vec::new() };
        let path = ports.path.as_ref();
        let tls_id = path.map(|_| TlsId::draw(self.entropy));
        // Nobody can tell more of this side's addresses than itself where nobody is asked.
        let complete = self.config.stun_server.is_none();
        let ice = path.map(|path| Ice::new(&path.credentials, &path.candidates, complete));
        Local {
            address: ports.rtp,
            rtcp: ports.rtcp,
            codecs: self.config.codecs.clone(),
            packet_time: self.config.packet_time,
            session_id: self.session_id,
            direction: rove_base::Direction::SendRecv,
            wishes: rove_sdp::Wishes::default(),
            protection: Protection { wanted, sdes, dtls: path.map(|path| path.fingerprint), tls_id },
            ice,
        }
    }

    /// Why two descriptions do not fit together, for the person at the phone.
    pub(crate) fn mismatch(&self, mismatch: &Mismatch) -> Cause {
        if mismatch.is_security() {
            Cause::MediaSecurity { target: self.record.peer.clone(), why: mismatch.to_string() }
        } else {
            self.no_common_codec()
        }
    }

    pub(crate) fn no_common_codec(&self) -> Cause {
        Cause::NoCommonCodec { target: self.record.target.clone(), offered: self.config.codec_names() }
    }
}

/// How long BYE or CANCEL may take before the call is over without an answer: 64·T1 and a little (RFC 3261 §17.1.2.2).
const LAST_MESSAGES: Duration = Duration::from_secs(33);
