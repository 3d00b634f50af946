//! One stream to a partner: how far its two ends have come, and when it has to be asked whether it is alive.

use core::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use rove_base::{Instant, StreamId};

use super::{
    dialect::{Dialect, Place, Sign},
    outbox::Outbox,
};

/// One stream.
#[derive(Debug)]
pub(crate) struct Association {
    /// Whose it is; `None` until an accepted one has shown its certificate.
    pub(crate) peer: Option<usize>,
    /// Whether this end opened it.
    pub(crate) ours: bool,
    /// Whether its other end has to show a certificate.
    pub(crate) secure: bool,
    /// Our end, once it stands.
    pub(crate) local: IpAddr,
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
    /// The end that opened it says what its dialect wants, step by step, again at this time.
    Starting { step: u8, left: u8, again: Instant },
    /// The other end is waited for.
    Waiting { until: Instant },
    /// Signalling goes both ways.
    Active,
}

/// What a sign means for those above.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    Nothing,
    /// Signalling can go both ways from now on.
    Activated,
    /// No more, for now.
    Deactivated,
    /// The other end takes its leave.
    Leave,
    Malformed,
}

impl Association {
    pub(crate) const fn new(now: Instant, peer: Option<usize>, ours: bool, until: Instant) -> Self {
        let (phase, local) = (Phase::Opening { until }, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Self {
            peer,
            ours,
            secure: true,
            local,
            phase,
            heard: now,
            beat: None,
            retires: None,
            inbox: Vec::new(),
        }
    }

    /// Where a message of it goes, and for whom.
    pub(crate) const fn place(&self, stream: StreamId) -> Place {
        Place { stream, local: self.local, peer: self.peer }
    }

    /// The stream stands and both ends are known.
    pub(crate) fn stands<D: Dialect>(
        &mut self,
        now: Instant,
        stream: StreamId,
        dialect: &mut D,
        out: &mut Outbox,
    ) {
        self.heard = now;
        if self.ours {
            self.say(now, stream, (0, D::TRIES), dialect, out);
        } else {
            self.phase = Phase::Waiting { until: now.later(START) };
        }
    }

    /// Asks whether the other end is there.
    pub(crate) fn probe<D: Dialect>(
        &mut self,
        now: Instant,
        stream: StreamId,
        patience: Duration,
        dialect: &mut D,
        out: &mut Outbox,
    ) {
        dialect.beat(now, self.place(stream), out);
        self.beat = Some(now.later(patience));
    }

    /// The other end is there.
    pub(crate) const fn hears(&mut self, now: Instant) {
        self.heard = now;
        self.beat = None;
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
    pub(crate) fn tick<D: Dialect>(
        &mut self,
        now: Instant,
        stream: StreamId,
        dialect: &mut D,
        out: &mut Outbox,
    ) -> bool {
        if self.due() > now {
            return true;
        }
        match self.phase {
            Phase::Starting { step, left, .. } => match left.checked_sub(1) {
                Some(left) => self.say(now, stream, (step, left), dialect, out),
                None => return false,
            },
            Phase::Active => match self.beat {
                Some(until) if until <= now => return false,
                None if self.heard.later(SILENCE) <= now => self.probe(now, stream, PATIENCE, dialect, out),
                _ => {}
            },
            Phase::Opening { until } | Phase::Waiting { until } if until <= now => return false,
            Phase::Opening { .. } | Phase::Waiting { .. } => {}
        }
        self.retires.is_none_or(|retires| retires > now)
    }

    /// What a message that came was a sign of.
    pub(crate) fn sign<D: Dialect, T>(
        &mut self,
        now: Instant,
        stream: StreamId,
        sign: &Sign<T>,
        dialect: &mut D,
        out: &mut Outbox,
    ) -> Heard {
        self.hears(now);
        match *sign {
            Sign::Nothing | Sign::Data(_) => Heard::Nothing,
            Sign::Up if self.ours => Heard::Nothing,
            Sign::Up | Sign::Inactive => self.wait(now),
            Sign::Active => self.activate(),
            Sign::Said(said) => match self.phase {
                Phase::Starting { step, .. } if step == said => {
                    let next = step.saturating_add(1);
                    if next == D::STEPS {
                        return self.activate();
                    }
                    self.say(now, stream, (next, D::TRIES), dialect, out);
                    Heard::Nothing
                }
                _ => Heard::Nothing,
            },
            Sign::Leave => {
                // Who was left takes no leave.
                self.phase = Phase::Waiting { until: now };
                Heard::Leave
            }
            Sign::Malformed => Heard::Malformed,
        }
    }

    fn say<D: Dialect>(
        &mut self,
        now: Instant,
        stream: StreamId,
        (step, left): (u8, u8),
        dialect: &mut D,
        out: &mut Outbox,
    ) {
        dialect.say(step, self.place(stream), out);
        self.phase = Phase::Starting { step, left, again: now.later(D::PATIENCE) };
    }

    fn activate(&mut self) -> Heard {
        let was = core::mem::replace(&mut self.phase, Phase::Active);
        if was == Phase::Active { Heard::Nothing } else { Heard::Activated }
    }

    fn wait(&mut self, now: Instant) -> Heard {
        let was = core::mem::replace(&mut self.phase, Phase::Waiting { until: now.later(START) });
        if was == Phase::Active { Heard::Deactivated } else { Heard::Nothing }
    }
}

/// From a stream that stands to one that carries signalling.
const START: Duration = Duration::from_secs(10);
/// After so long without a word the other end is asked.
const SILENCE: Duration = Duration::from_secs(10);
/// And so long it has for its answer.
const PATIENCE: Duration = Duration::from_secs(5);
