//! One change on its way: find the zone, send the signed update, believe only a signed answer.
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

use core::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use rove_base::{Entropy, Flow, Instant, Now, UdpFlow};

use super::{Event, Rcode, message::Change};
use crate::{
    outbox::Outbox,
    query::{self, Question, Reply},
    tsig::{self, Mac, TsigError, TsigKey, code},
    wire::{opcode, rcode},
};

/// What all requests of an updater have in common.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) flow: UdpFlow,
    pub(crate) key: TsigKey,
    /// Seconds.
    pub(crate) ttl: u32,
    pub(crate) timeout: Duration,
    pub(crate) attempts: u32,
}

/// What a request needs of its surroundings for one step.
pub(crate) struct Means<'a> {
    pub(crate) now: Now,
    pub(crate) terms: &'a Terms,
    pub(crate) entropy: &'a mut Entropy,
    pub(crate) out: &'a mut Outbox<Event>,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) change: Change,
    pub(crate) deadline: Instant,
    stage: Stage,
    sends: u32,
    /// What is in the air: message IDs and what they were signed with.
    sent: Vec<(u16, Option<Mac>)>,
    /// What counts when no better answer comes.
    hint: Option<Hint>,
}

/// An answer that is not the last word.
#[derive(Debug)]
struct Hint {
    outcome: Outcome,
    /// It may be another one next time; else it is only not to be believed yet.
    passing: bool,
}

#[derive(Debug)]
enum Stage {
    FindZone,
    Update { zone: Name },
}

/// How a request ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The change has been made.
    Done,
    /// The name holds other values now, and nothing was changed.
    Superseded,
    /// The server does not hold the zone.
    NotHeld(Rcode),
    /// The server does not want to.
    Refused(Rcode, String),
    /// Nothing came that can be believed.
    Silent,
}

impl Request {
    /// A request that has not been sent; [`Self::send`] does. `zone` is asked for when it is not known.
    pub(crate) fn new(change: Change, zone: Option<Name>) -> Self {
        let stage = zone.map_or(Stage::FindZone, |zone| Stage::Update { zone });
        Self { change, deadline: Instant::ZERO, stage, sends: 0, sent: Vec::new(), hint: None }
    }

    /// Sends what the stage demands, under a new ID and signature so that it is not taken for a replay.
    pub(crate) fn send(&mut self, means: &mut Means<'_>) -> Option<Outcome> {
        if self.sends >= means.terms.attempts {
            return Some(self.hint.take().map_or(Outcome::Silent, |hint| hint.outcome));
        }
        let id = (means.entropy.next_u32() >> 16) as u16;
        let message = match &self.stage {
            Stage::FindZone => {
                query::write_query(id, &self.zone_question(), true, true).map(|bytes| (bytes, None))
            }
            Stage::Update { zone } => self.change.write(id, zone, means.terms.ttl).map(|mut bytes| {
                let mac = tsig::sign(&mut bytes, &means.terms.key, means.now.wall, None);
                (bytes, Some(mac))
            }),
        };
        let Some((bytes, mac)) = message else {
            return Some(Outcome::Refused(Rcode(rcode::FORMERR), "the name is too long".to_owned()));
        };
        self.sent.push((id, mac));
        means.out.send(Flow::Udp(means.terms.flow), bytes);
        self.deadline = means.now.mono + means.terms.timeout * (1 << self.sends.min(MAX_BACKOFF));
        self.sends += 1;
        None
    }

    /// The deadline has passed.
    pub(crate) fn on_deadline(&mut self, means: &mut Means<'_>) -> Option<Outcome> {
        match self.hint.take_if(|hint| !hint.passing) {
            Some(hint) => Some(hint.outcome),
            None => self.send(means),
        }
    }

    /// Whether this datagram claims to answer something that is in the air here.
    pub(crate) fn expects(&self, bytes: &[u8]) -> bool {
        query::message_id(bytes).is_some_and(|id| self.sent.iter().any(|(sent, _)| *sent == id))
    }

    /// Takes a datagram from the server that [`Self::expects`] accepted.
    pub(crate) fn on_datagram(&mut self, bytes: &[u8], means: &mut Means<'_>) -> Option<Outcome> {
        match &self.stage {
            Stage::FindZone => self.on_zone(bytes, means),
            Stage::Update { .. } => self.on_update(bytes, means),
        }
    }

    fn zone_question(&self) -> Question {
        Question { name: self.change.subject(), kind: RecordType::SOA }
    }

    fn on_zone(&mut self, bytes: &[u8], means: &mut Means<'_>) -> Option<Outcome> {
        let zone = match query::read_reply(&self.zone_question(), bytes) {
            Ok(Reply::Answer(answer)) if answer.authoritative => answer.zone,
            Ok(Reply::Answer(_) | Reply::Referral(_)) => None,
            Ok(Reply::Failure(code)) => return Some(Outcome::NotHeld(code)),
            Ok(Reply::Truncated) | Err(_) => return None,
        };
        let Some(zone) = zone else { return Some(Outcome::NotHeld(Rcode(rcode::NOTAUTH))) };
        self.stage = Stage::Update { zone };
        self.sends = 0;
        self.sent.clear();
        self.send(means)
    }

    fn on_update(&mut self, bytes: &[u8], means: &mut Means<'_>) -> Option<Outcome> {
        let id = query::message_id(bytes)?;
        let mac = self.sent.iter().find(|(sent, _)| *sent == id).and_then(|(_, mac)| *mac)?;
        let answered = response_code(bytes)?;
        let (key, now) = (&means.terms.key, means.now);
        match tsig::verify(bytes, core::slice::from_ref(key), now.wall, Some(mac.as_bytes())) {
            Ok(_) => self.conclude(answered),
            Err(TsigError::Answered { code: code::BADTIME, signed: true }) => {
                self.on_bad_time(bytes, answered, now)
            }
            Err(error @ TsigError::Answered { .. }) => self.doubt(answered, why_of(&error), now.mono),
            Err(TsigError::Missing) if answered.0 != rcode::NOERROR => {
                let why = format!("{}, in an answer that is not signed", meaning(answered));
                self.doubt(answered, why, now.mono)
            }
            Err(_) => None,
        }
    }

    /// BADTIME is said to wrong clocks, and to repeats: the network may have doubled a datagram, and the answer to its
    /// first copy still wait for the disk. The time there tells which.
    fn on_bad_time(&mut self, bytes: &[u8], code: Rcode, now: Now) -> Option<Outcome> {
        let signature = tsig::Signature::find(bytes).ok().flatten()?;
        let (here, there) = (now.wall.as_secs(), signature.time_there()?);
        let apart = here.abs_diff(there);
        if apart <= u64::from(signature.fudge) {
            let why = "the server takes the update for one it has seen".to_owned();
            self.hint = Some(Hint { outcome: Outcome::Refused(code, why), passing: true });
            return None;
        }
        let side = if here > there { "ahead of" } else { "behind" };
        Some(Outcome::Refused(code, format!("the clock of this host is {apart} s {side} the server's")))
    }

    /// What a signed answer means.
    fn conclude(&mut self, code: Rcode) -> Option<Outcome> {
        let removal = matches!(self.change, Change::Remove { .. });
        match code.0 {
            rcode::NOERROR => Some(Outcome::Done),
            // After a repetition the first send may have done it, and its answer been lost.
            rcode::NXRRSET | rcode::YXRRSET | rcode::NXDOMAIN if removal && self.sends > 1 => {
                Some(Outcome::Done)
            }
            rcode::NXRRSET | rcode::YXRRSET | rcode::NXDOMAIN if removal => Some(Outcome::Superseded),
            // It may pass: the next send will tell.
            rcode::SERVFAIL => {
                let outcome = Outcome::Refused(code, meaning(code).to_owned());
                self.hint = Some(Hint { outcome, passing: true });
                None
            }
            _ => Some(Outcome::Refused(code, meaning(code).to_owned())),
        }
    }

    /// An unsigned refusal may be forged: a better answer gets a little time.
    fn doubt(&mut self, code: Rcode, why: String, now: Instant) -> Option<Outcome> {
        self.hint = Some(Hint { outcome: Outcome::Refused(code, why), passing: false });
        self.deadline = self.deadline.min(now + HINT_PATIENCE);
        None
    }
}

/// The response code of an answer to an update; `None` when it is no such answer.
fn response_code(bytes: &[u8]) -> Option<Rcode> {
    let (_, rest) = bytes.split_first_chunk::<2>()?;
    let ([high, low], _) = rest.split_first_chunk::<2>()?;
    let answers_update = high & 0x80 != 0 && (high >> 3) & 0x0f == opcode::UPDATE;
    answers_update.then_some(Rcode(u16::from(low & 0x0f)))
}

fn why_of(error: &TsigError) -> String {
    match error {
        TsigError::Answered { code: code::BADKEY, .. } => "the server does not know this key".to_owned(),
        TsigError::Answered { code: code::BADSIG, .. } => {
            "the server holds another secret for this key".to_owned()
        }
        other => other.to_string(),
    }
}

fn meaning(code: Rcode) -> &'static str {
    match code.0 {
        rcode::FORMERR => "the server could not read the update",
        rcode::SERVFAIL => "the server could not store the update",
        rcode::NOTIMP => "the server takes no updates",
        rcode::REFUSED => "the key may not change this name",
        rcode::NOTAUTH => "the server is not the primary of the zone, or the key is not authorised",
        rcode::NOTZONE => "the name is not in the zone",
        _ => "the server does not make the change",
    }
}

/// The timeout doubles at most this often.
const MAX_BACKOFF: u32 = 2;
/// How long a better answer than an unsigned refusal is waited for.
const HINT_PATIENCE: Duration = Duration::from_millis(500);
