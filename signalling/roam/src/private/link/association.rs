//! One stream to a partner: how far its two ends have come (RFC 4666 §4.3, single exchange between two IP server
//! processes), and when it has to be asked whether it is alive.

use core::time::Duration;

use rove_base::{Instant, StreamId};

use super::outbox::Outbox;
use crate::private::m3ua::{self, Data, ERROR_CODE, HEARTBEAT_DATA, INFO, Kind, Message};

/// One stream.
#[derive(Debug)]
pub(crate) struct Association {
    /// Whose it is; `None` until an accepted one has shown its certificate.
    pub(crate) peer: Option<usize>,
    /// Whether this end opened it.
    pub(crate) ours: bool,
    pub(crate) phase: Phase,
    /// When something came last.
    heard: Instant,
    /// Until when an answer to a heartbeat has to be there.
    beat: Option<Instant>,
    /// When it is closed because another serves the partner.
    pub(crate) retires: Option<Instant>,
    /// What has come of a message that is not whole.
    pub(crate) inbox: Vec<u8>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Asked for, or accepted and without a name, until then.
    Opening { until: Instant },
    /// The end that opened it says that it is up, and then active, again at this time.
    Starting { saying: Kind, left: u8, again: Instant },
    /// The other end is waited for.
    Waiting { until: Instant },
    /// Signalling goes both ways.
    Active,
}

/// What a message of M3UA means for those above.
#[derive(Debug)]
pub(crate) enum Heard<'a> {
    Nothing,
    /// Signalling can go both ways from now on.
    Activated,
    /// No more, for now.
    Deactivated,
    /// The other end takes its leave.
    Leave,
    Data(Data<'a>),
    Malformed,
}

impl Association {
    pub(crate) const fn new(now: Instant, peer: Option<usize>, ours: bool, until: Instant) -> Self {
        let phase = Phase::Opening { until };
        Self { peer, ours, phase, heard: now, beat: None, retires: None, inbox: Vec::new() }
    }

    /// The stream stands and both ends are known.
    pub(crate) fn stands(&mut self, now: Instant, stream: StreamId, out: &mut Outbox) {
        self.heard = now;
        if self.ours {
            self.say(now, stream, Kind::AspUp, TRIES, out);
        } else {
            self.phase = Phase::Waiting { until: now.later(START) };
        }
    }

    /// Asks whether the other end is there.
    pub(crate) fn probe(&mut self, now: Instant, stream: StreamId, patience: Duration, out: &mut Outbox) {
        let data = now.as_nanos().to_be_bytes();
        out.send(stream, |out| m3ua::write(out, Kind::Heartbeat, &[(HEARTBEAT_DATA, &data)]));
        self.beat = Some(now.later(patience));
    }

    /// When [`Association::tick`] has something to do.
    pub(crate) fn due(&self) -> Instant {
        let phase = match self.phase {
            Phase::Opening { until } | Phase::Waiting { until } => until,
            Phase::Starting { again, .. } => again,
            Phase::Active => self.beat.unwrap_or_else(|| self.heard.later(SILENCE)),
        };
        self.retires.map_or(phase, |retires| retires.min(phase))
    }

    /// Does what is due; `false` when the stream is to be closed.
    pub(crate) fn tick(&mut self, now: Instant, stream: StreamId, out: &mut Outbox) -> bool {
        if self.due() > now {
            return true;
        }
        match self.phase {
            Phase::Starting { saying, left, .. } => match left.checked_sub(1) {
                Some(left) => self.say(now, stream, saying, left, out),
                None => return false,
            },
            Phase::Active => match self.beat {
                Some(until) if until <= now => return false,
                None if self.heard.later(SILENCE) <= now => self.probe(now, stream, PATIENCE, out),
                _ => {}
            },
            Phase::Opening { until } | Phase::Waiting { until } if until <= now => return false,
            Phase::Opening { .. } | Phase::Waiting { .. } => {}
        }
        self.retires.is_none_or(|retires| retires > now)
    }

    /// A message came.
    pub(crate) fn message<'a>(
        &mut self,
        now: Instant,
        stream: StreamId,
        message: &Message<'a>,
        out: &mut Outbox,
    ) -> Heard<'a> {
        self.heard = now;
        self.beat = None;
        let echo = |out: &mut Outbox, kind: Kind, tag: u16| {
            let value = message.parameter(tag);
            out.send(stream, |out| m3ua::write(out, kind, value.map(|value| (tag, value)).as_slice()));
        };
        match message.kind {
            Some(Kind::Data) if self.phase == Phase::Active => {
                message.data().map_or(Heard::Malformed, Heard::Data)
            }
            Some(Kind::Heartbeat) => {
                echo(out, Kind::HeartbeatAck, HEARTBEAT_DATA);
                Heard::Nothing
            }
            Some(Kind::AspUp) => {
                echo(out, Kind::AspUpAck, INFO);
                if self.ours { Heard::Nothing } else { self.wait(now) }
            }
            Some(Kind::AspActive) => {
                echo(out, Kind::AspActiveAck, m3ua::ROUTING_CONTEXT);
                self.activate()
            }
            Some(Kind::AspUpAck) => {
                if let Phase::Starting { saying: Kind::AspUp, .. } = self.phase {
                    self.say(now, stream, Kind::AspActive, TRIES, out);
                }
                Heard::Nothing
            }
            Some(Kind::AspActiveAck) => match self.phase {
                Phase::Starting { saying: Kind::AspActive, .. } => self.activate(),
                _ => Heard::Nothing,
            },
            Some(Kind::AspInactive) => {
                echo(out, Kind::AspInactiveAck, m3ua::ROUTING_CONTEXT);
                self.wait(now)
            }
            Some(Kind::AspDown) => {
                echo(out, Kind::AspDownAck, INFO);
                Heard::Leave
            }
            Some(Kind::Data) => {
                error(out, stream, m3ua::UNEXPECTED_MESSAGE);
                Heard::Malformed
            }
            // Management of a whole network of signalling is nothing between two ends.
            Some(_) => Heard::Nothing,
            None if message.code >> 8 == 2 => Heard::Nothing,
            None => {
                error(out, stream, m3ua::UNSUPPORTED_CLASS);
                Heard::Malformed
            }
        }
    }

    fn say(&mut self, now: Instant, stream: StreamId, saying: Kind, left: u8, out: &mut Outbox) {
        out.send(stream, |out| m3ua::write(out, saying, &[]));
        self.phase = Phase::Starting { saying, left, again: now.later(ACK) };
    }

    fn activate(&mut self) -> Heard<'static> {
        let was = core::mem::replace(&mut self.phase, Phase::Active);
        if was == Phase::Active { Heard::Nothing } else { Heard::Activated }
    }

    fn wait(&mut self, now: Instant) -> Heard<'static> {
        let was = core::mem::replace(&mut self.phase, Phase::Waiting { until: now.later(START) });
        if was == Phase::Active { Heard::Deactivated } else { Heard::Nothing }
    }
}

/// §3.8.1.
fn error(out: &mut Outbox, stream: StreamId, code: u32) {
    out.send(stream, |out| m3ua::write(out, Kind::Error, &[(ERROR_CODE, &code.to_be_bytes())]));
}

/// RFC 4666 §4.3.4.1: until what was said is said again.
const ACK: Duration = Duration::from_secs(2);
/// How often it is said again.
const TRIES: u8 = 2;
/// From a stream that stands to one that carries signalling.
const START: Duration = Duration::from_secs(10);
/// After so long without a word the other end is asked.
const SILENCE: Duration = Duration::from_secs(10);
/// And so long it has for its answer.
const PATIENCE: Duration = Duration::from_secs(5);
