//! What a compressor knows of one flow, and what it still has to tell the other side.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{collections::VecDeque, time::Duration};

use rove_base::Instant;

use super::Config;
use crate::{
    Acknowledgement, Feedback, Mode,
    bits::{Number, mask},
    chain::Behaviour,
    headers::{Fixed, Headers, Varying},
};

/// A packet that the other side may have understood last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) sn: u16,
    pub(super) ts: u32,
    pub(super) ip_id: u16,
    /// What the flow was like then.
    generation: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(super) fixed: Fixed,
    pub(super) behaviour: Behaviour,
    pub(super) mode: Mode,
    pub(super) used: u64,
    /// The last packets, newest last: one more of them than may be lost in a row.
    pub(super) sent: VecDeque<Sent>,
    /// How often the whole context, what changes in it, or single fields of that are still to be told.
    pub(super) whole: u32,
    pub(super) changing: u32,
    pub(super) fields: u32,
    /// Packets that are still to be told with more than the fewest bits, after a pause.
    pub(super) careful: u32,
    /// When the last packet was.
    at: Instant,
    last: Varying,
    generation: u32,
    since_refresh: u32,
    stride: Candidate,
    /// Packets in a row whose identification was not, or was, what the behaviour says.
    astray: u32,
    in_step: u32,
}

/// A distance of timestamps that may be a new stride.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    distance: u32,
    seen: u32,
}

impl Flow {
    pub(super) fn new(headers: &Headers, config: Config) -> Self {
        let checksum = headers.varying.udp_checksum != 0;
        Self {
            fixed: headers.fixed,
            behaviour: Behaviour { rnd: false, nbo: true, stride: 1, checksum },
            mode: Mode::Unidirectional,
            used: 0,
            sent: VecDeque::new(),
            whole: window(config),
            changing: 0,
            fields: 0,
            careful: 0,
            at: Instant::ZERO,
            last: headers.varying,
            generation: 0,
            since_refresh: 0,
            stride: Candidate::default(),
            astray: 0,
            in_step: 0,
        }
    }

    /// Whether packets tell their identification by its distance from the sequence number.
    pub(super) const fn is_sequential(&self) -> bool {
        self.fixed.is_v4() && !self.behaviour.rnd
    }

    /// It is `now`, and the next packet is to be written: after a pause it tells more, so that the other side does not take the
    /// pause for a loss.
    pub(super) fn pause(&mut self, now: Instant) {
        let gap = now.since(self.at);
        self.at = now;
        if gap >= PAUSE && !self.sent.is_empty() {
            self.careful = CAREFUL;
            if gap >= LONG_PAUSE {
                self.changing = self.changing.max(1);
            }
        }
    }

    /// Learns from the next packet what the flow is like, before it is written.
    pub(super) fn observe(&mut self, next: &Varying, config: Config) {
        let last = self.last;
        let mut changed = last.csrcs != next.csrcs || (next.udp_checksum != 0) != self.behaviour.checksum;
        self.behaviour.checksum = next.udp_checksum != 0;
        if !self.sent.is_empty() {
            changed |= self.learn_stride(next);
            changed |= self.fixed.is_v4() && self.learn_identification(next);
        }
        if changed {
            self.changing = window(config);
            self.generation = self.generation.wrapping_add(1);
        }
        if fields(&last) != fields(next) {
            self.fields = window(config);
            self.generation = self.generation.wrapping_add(1);
        }
        self.since_refresh = self.since_refresh.saturating_add(1);
        if self.mode == Mode::Unidirectional && self.since_refresh > config.refresh {
            self.whole = self.whole.max(1);
        }
        self.last = *next;
    }

    /// Notes that a packet was written, and that it told this much.
    pub(super) fn note(&mut self, next: &Varying, told: Told, config: Config) {
        self.careful = self.careful.saturating_sub(1);
        if told == Told::Whole {
            self.since_refresh = 0;
            self.whole = self.whole.saturating_sub(1);
        }
        if told != Told::Nothing {
            self.fields = self.fields.saturating_sub(1);
        }
        if matches!(told, Told::Whole | Told::Changing) {
            self.changing = self.changing.saturating_sub(1);
        }
        let sent = Sent { sn: next.sn, ts: next.ts, ip_id: next.ip_id, generation: self.generation };
        self.sent.push_back(sent);
        while self.sent.len() > window(config) as usize {
            self.sent.pop_front();
        }
    }

    pub(super) fn on_feedback(&mut self, feedback: &Feedback, config: Config) {
        if let Some(mode) = feedback.mode {
            self.mode = mode;
        }
        match feedback.acknowledgement {
            Acknowledgement::Ack => self.understood(feedback.sn),
            Acknowledgement::Nack => self.changing = window(config),
            Acknowledgement::StaticNack => self.whole = window(config),
        }
    }

    /// The other side has understood a packet: it will not fall back on what was sent before.
    fn understood(&mut self, sn: Option<(u16, u8)>) {
        let Some((sn, bits)) = sn else { return };
        // Few bits may be about another flow that had this context before.
        if self.whole > 0 && bits < 12 {
            return;
        }
        let differs = |sent: &Sent| u32::from(sent.sn ^ sn) & mask(bits.into());
        let Some(at) = self.sent.iter().rposition(|sent| differs(sent) == 0) else { return };
        self.sent.drain(..at);
        if self.sent.front().is_some_and(|sent| sent.generation == self.generation) {
            (self.whole, self.changing, self.fields) = (0, 0, 0);
        }
    }

    /// Whether timestamps are as far apart as something else than the stride.
    fn learn_stride(&mut self, next: &Varying) -> bool {
        let distance = next.ts.wrapping_sub(self.last.ts);
        if next.sn.wrapping_sub(self.last.sn) != 1 || distance == 0 || distance >= LONGEST_STRIDE {
            return false;
        }
        let stride = self.behaviour.stride;
        if distance == stride {
            self.stride.seen = 0;
            return false;
        }
        if distance != self.stride.distance {
            self.stride = Candidate { distance, seen: 0 };
        }
        self.stride.seen = self.stride.seen.saturating_add(1);
        // A pause is a multiple of the stride: it has to be the rule before it counts as one.
        let needed = match distance.checked_rem(stride) {
            _ if stride == 1 => 1,
            Some(0) => 50,
            _ => 2,
        };
        if self.stride.seen < needed {
            return false;
        }
        self.behaviour.stride = distance;
        self.stride.seen = 0;
        true
    }

    /// Whether the identification behaves otherwise than before.
    fn learn_identification(&mut self, next: &Varying) -> bool {
        let step = |behaviour: Behaviour| {
            let before = behaviour.offset(self.last.ip_id, self.last.sn);
            behaviour.offset(next.ip_id, next.sn).wrapping_sub(before)
        };
        let other = Behaviour { nbo: !self.behaviour.nbo, ..self.behaviour };
        let (fits, other_fits) = (step(self.behaviour) < STEP, step(other) < STEP);
        let old = self.behaviour;
        if old.rnd {
            self.in_step = if fits || other_fits { self.in_step.saturating_add(1) } else { 0 };
            if self.in_step >= IN_STEP {
                self.behaviour.rnd = false;
                self.behaviour.nbo = if fits { old.nbo } else { other.nbo };
            }
        } else if fits {
            self.astray = 0;
        } else {
            self.astray = self.astray.saturating_add(1);
            if other_fits {
                self.behaviour.nbo = other.nbo;
            } else if self.astray > 1 {
                self.behaviour.rnd = true;
                self.in_step = 0;
            }
        }
        if self.behaviour != old {
            self.astray = 0;
        }
        self.behaviour != old
    }

    /// Whether every packet that may have been understood last lets this sequence number be understood from so many bits.
    pub(super) fn sn_fits(&self, next: &Varying, bits: u32) -> bool {
        self.sent.iter().all(|sent| Number::Sn.fits(next.sn.into(), sent.sn.into(), bits))
    }

    /// Whether the timestamp follows from the sequence number.
    pub(super) fn ts_follows(&self, next: &Varying) -> bool {
        self.sent.iter().all(|sent| {
            let steps = i32::from(next.sn.wrapping_sub(sent.sn).cast_signed()).cast_unsigned();
            next.ts.wrapping_sub(sent.ts) == steps.wrapping_mul(self.behaviour.stride)
        })
    }

    /// Whether the timestamp is a whole number of strides away, with no end of its 32 bits between.
    pub(super) fn ts_scales(&self, next: &Varying) -> bool {
        self.sent.iter().all(|sent| {
            let stride = self.behaviour.stride;
            let ahead = next.ts.wrapping_sub(sent.ts).cast_signed() >= 0;
            next.ts.checked_rem(stride) == sent.ts.checked_rem(stride) && ahead == (next.ts >= sent.ts)
        })
    }

    pub(super) fn ts_fits(&self, next: &Varying, bits: u32) -> bool {
        self.sent.iter().all(|sent| Number::Ts.fits(self.scaled(next.ts), self.scaled(sent.ts), bits))
    }

    pub(super) fn scaled(&self, ts: u32) -> u32 {
        ts.checked_div(self.behaviour.stride).unwrap_or(ts)
    }

    pub(super) fn offset(&self, ip_id: u16, sn: u16) -> u32 {
        self.behaviour.offset(ip_id, sn).into()
    }

    /// As the others, for the identification; 0 bits: it follows from the sequence number.
    pub(super) fn id_fits(&self, next: &Varying, bits: u32) -> bool {
        let offset = self.offset(next.ip_id, next.sn);
        !self.is_sequential()
            || self.sent.iter().all(|sent| Number::IpId.fits(offset, self.offset(sent.ip_id, sent.sn), bits))
    }
}

/// How much of a context a packet tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Told {
    Whole,
    Changing,
    Fields,
    Nothing,
}

/// One more than may be lost in a row.
pub(super) fn window(config: Config) -> u32 {
    u32::from(config.loss_run.clamp(1, 61)).saturating_add(1)
}

/// What extension 3 can tell.
fn fields(varying: &Varying) -> (u8, u8, bool, bool, bool, u8) {
    let Varying { tos, ttl, df, padding, extension, payload_type, .. } = *varying;
    (tos, ttl, df, padding, extension, payload_type)
}

/// A flow that says nothing for so long is silent: less than what the other side would take for a loss that the smallest headers do not
/// bear.
const PAUSE: Duration = Duration::from_millis(100);
/// As long as that, six bits do not bear it either.
const LONG_PAUSE: Duration = Duration::from_millis(500);
/// Packets after a pause that tell more: the first of them may be lost.
const CAREFUL: u32 = 2;
/// What 29 bits can say.
const LONGEST_STRIDE: u32 = 1 << 29;
/// How far an identification that counts may be ahead of the sequence number, packet by packet: others send as well.
const STEP: u16 = 256;
/// Packets in a row after which an identification is believed to count again.
const IN_STEP: u32 = 64;
