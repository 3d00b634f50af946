//! What a decompressor knows of one flow, and how a header is understood with it (§5.3.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Instant;

use super::{fields::Fields, pace::Pace};
use crate::{
    RohcError,
    bits::{Lsb, Number, Reader},
    chain::{Behaviour, Dynamic},
    crc::Crc,
    headers::{Fixed, Headers, LONGEST, Varying, udp_checksum_holds},
};

/// The last packet that was understood, with all that later ones build on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) fixed: Fixed,
    pub(super) last: Varying,
    pub(super) behaviour: Behaviour,
}

/// One context.
#[derive(Clone, Debug)]
pub(super) struct Context {
    known: Known,
    /// The last packets, one bit each, newest lowest: 1 is one that was not understood.
    failures: u8,
    /// What changes can no longer be trusted; only a packet that tells it anew is understood.
    stale: bool,
    /// Packets that may have been lost unseen, as the link tells.
    silence: u32,
    pace: Pace,
    repair: Repair,
}

/// Up to two guesses of where the sequence number is: that nothing was lost, and that much was.
type Repair = [Option<Guess>; 2];

/// A guess, and how many bits of checksums agreed with it so far.
#[derive(Clone, Copy, Debug)]
struct Guess {
    /// What it was made from, and what it came to.
    before: Known,
    ahead: u16,
    known: Known,
    evidence: u32,
}

impl Known {
    /// A context from its two chains.
    pub(super) fn new(fixed: Fixed, told: Dynamic, before: Option<Behaviour>) -> Self {
        let stride = told.stride.or(before.map(|behaviour| behaviour.stride)).unwrap_or(1);
        let checksum = told.varying.udp_checksum != 0;
        let behaviour = Behaviour { rnd: told.rnd, nbo: told.nbo, stride, checksum };
        Self { fixed, last: told.varying, behaviour }
    }

    /// The headers that the fields stand for, with the reference `ahead` packets after the last one. `reader` is left at the payload.
    fn apply(&self, fields: &Fields, ahead: u16, reader: &mut Reader<'_>) -> Result<Self, RohcError> {
        let Self { fixed, last, mut behaviour } = *self;
        let mut next = last;
        let reference = last.sn.wrapping_add(ahead);
        next.sn = low(Number::Sn.decode(fields.sn, reference.into()));
        let told = &fields.told;
        if let Some((df, nbo, rnd)) = told.ip
            && fixed.is_v4()
        {
            next.df = df;
            behaviour = Behaviour { nbo, rnd, ..behaviour };
        }
        behaviour.stride = told.stride.unwrap_or(behaviour.stride);
        next.tos = told.tos.unwrap_or(last.tos);
        next.ttl = told.ttl.unwrap_or(last.ttl);
        next.extension = told.extension.unwrap_or(last.extension);
        (next.padding, next.payload_type) = told.payload.unwrap_or((last.padding, last.payload_type));
        next.csrcs = told.csrcs.unwrap_or(last.csrcs);
        next.marker = fields.marker;
        next.ts = timestamp(&last, next.sn, fields, behaviour.stride);
        if fixed.is_v4() && behaviour.rnd {
            next.ip_id = reader.u16()?;
        } else if fixed.is_v4() {
            let before = behaviour.offset(last.ip_id, last.sn).into();
            let offset = low(Number::IpId.decode(fields.ip_id, before));
            // The same as from a number to the wire: either as it is, or with its bytes swapped.
            next.ip_id = behaviour.counted(offset.wrapping_add(next.sn));
        }
        next.udp_checksum = if behaviour.checksum { reader.u16()? } else { 0 };
        Ok(Self { fixed, last: next, behaviour })
    }

    /// Replaces `out` by the packet with this payload.
    fn write(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<usize, RohcError> {
        let headers = Headers { fixed: self.fixed, varying: self.last };
        let mut room = [0; LONGEST];
        let head = headers.write(payload.len(), &mut room).ok_or(RohcError::TooLong)?;
        out.clear();
        out.extend_from_slice(head);
        out.extend_from_slice(payload);
        Ok(head.len())
    }

    /// Whether the packet that was written is one that a compressor would have compressed.
    fn holds(&self, packet: &[u8]) -> bool {
        !self.behaviour.checksum || udp_checksum_holds(self.fixed.ip_len(), packet)
    }

    /// How many bits of checksums a packet with that checksum is checked by.
    const fn evidence(&self, crc: Crc) -> u32 {
        crc.bits().saturating_add(if self.behaviour.checksum { 16 } else { 0 })
    }
}

impl Guess {
    /// The guess that the reference is `ahead` packets after the last one; `None` when the packet speaks against it.
    fn of(
        known: &Known,
        evidence: u32,
        fields: &Fields,
        ahead: u16,
        rest: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Self> {
        let next = attempt(known, fields, ahead, rest, out).ok()?;
        let evidence = evidence.saturating_add(next.evidence(fields.crc.0));
        Some(Self { before: *known, ahead, known: next, evidence })
    }

    /// The same guess after the next packet, if that agrees with it; with what was read of that, up to where.
    fn further<'a>(
        &self,
        first: u8,
        mut rest: Reader<'a>,
        out: &mut Vec<u8>,
    ) -> Option<(Self, Fields, Reader<'a>)> {
        let fields = Fields::read(first, &mut rest, self.known.fixed.is_v4(), self.known.behaviour).ok()?;
        Some((Self::of(&self.known, self.evidence, &fields, 0, rest, out)?, fields, rest))
    }
}

impl Context {
    /// A context as its first packet told it.
    pub(super) fn new(known: Known, now: Instant) -> Self {
        let mut pace = Pace::default();
        pace.took(now, 0);
        Self { known, failures: 0, stale: false, silence: 0, pace, repair: [None; 2] }
    }

    pub(super) const fn known(&self) -> &Known {
        &self.known
    }

    pub(super) const fn silence(&mut self, packets: u32) {
        self.silence = self.silence.saturating_add(packets);
    }

    /// Whether a failure should be told now: with the third of the last eight packets, and now and then as long as it goes on.
    pub(super) const fn complains(&self) -> bool {
        self.stale || self.failures.count_ones() >= FAILURES
    }

    /// Takes a packet that told everything that changes.
    pub(super) fn renew(
        &mut self,
        now: Instant,
        known: Known,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), RohcError> {
        known.write(payload, out)?;
        self.settled(now, known);
        (self.failures, self.stale) = (0, false);
        Ok(())
    }

    /// This is what is known from now on.
    fn settled(&mut self, now: Instant, known: Known) {
        self.pace.took(now, known.last.sn.wrapping_sub(self.known.last.sn));
        self.known = known;
        self.silence = 0;
        self.repair = [None; 2];
    }

    /// Understands a compressed packet: `reader` is behind its first byte and identifier.
    pub(super) fn take(
        &mut self,
        now: Instant,
        first: u8,
        reader: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), RohcError> {
        if self.stale {
            return Err(RohcError::Checksum);
        }
        let taken = self.try_take(now, first, reader, out);
        if taken == Err(RohcError::Repairing) {
            return taken;
        }
        self.failures = self.failures << 1 | u8::from(taken.is_err());
        self.stale = self.failures.count_ones() > FAILURES;
        taken
    }

    fn try_take(
        &mut self,
        now: Instant,
        first: u8,
        reader: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), RohcError> {
        if let Some(taken) = self.repair_on(now, first, reader, out) {
            return taken;
        }
        let mut rest = reader;
        let fields = Fields::read(first, &mut rest, self.known.fixed.is_v4(), self.known.behaviour)?;
        let silence = self.silence.max(self.pace.lost(now));
        if silence >= reach(fields.sn) {
            // In the middle of what the bits can mean, as the link may be wrong either way.
            let middle = if fields.sn.count <= 4 { 6 } else { 30 };
            let ahead = low(silence.min(0x7fff).saturating_sub(middle));
            return self.guess(now, &fields, [Some(0), Some(ahead)], rest, out);
        }
        match attempt(&self.known, &fields, 0, rest, out) {
            Ok(known) => {
                self.settled(now, known);
                Ok(())
            }
            // A whole turn of the bits may have been lost (§5.3.2.2.4).
            Err(RohcError::Checksum) if fields.sn.count == 4 => {
                self.guess(now, &fields, [None, Some(16)], rest, out)
            }
            Err(error) => Err(error),
        }
    }

    /// Goes on with a repair that has begun. `None` when there is none, or the packet speaks against it.
    fn repair_on(
        &mut self,
        now: Instant,
        first: u8,
        reader: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Result<(), RohcError>> {
        let repair = core::mem::take(&mut self.repair);
        let [one, other] = repair.map(|guess| guess?.further(first, reader, out));
        // Where both are left, nothing is believed yet, whatever is read of the packet.
        let (_, fields, rest) = one.or(other)?;
        let guesses = [one, other].map(|further| further.map(|(guess, ..)| guess));
        Some(self.settle(now, guesses, &fields, rest, out))
    }

    /// Begins a repair by these guesses, unless the packet's own checksums are enough.
    fn guess(
        &mut self,
        now: Instant,
        fields: &Fields,
        ahead: [Option<u16>; 2],
        rest: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), RohcError> {
        let known = self.known;
        let guesses = ahead.map(|ahead| Guess::of(&known, 0, fields, ahead?, rest, out));
        self.settle(now, guesses, fields, rest, out)
    }

    /// Believes the only guess that is left once enough speaks for it.
    fn settle(
        &mut self,
        now: Instant,
        guesses: Repair,
        fields: &Fields,
        rest: Reader<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), RohcError> {
        out.clear();
        match guesses {
            [None, None] => Err(RohcError::Checksum),
            [Some(guess), None] | [None, Some(guess)] if guess.evidence >= EVIDENCE => {
                // Written once more: another guess may have been written last.
                let known = attempt(&guess.before, fields, guess.ahead, rest, out)?;
                self.settled(now, known);
                (self.failures, self.stale) = (0, false);
                Ok(())
            }
            _ => {
                self.repair = guesses;
                Err(RohcError::Repairing)
            }
        }
    }
}

/// The packet as it would be, if its checksums agree.
fn attempt(
    known: &Known,
    fields: &Fields,
    ahead: u16,
    mut rest: Reader<'_>,
    out: &mut Vec<u8>,
) -> Result<Known, RohcError> {
    let next = known.apply(fields, ahead, &mut rest)?;
    let head = next.write(rest.rest(), out)?;
    let (crc, expected) = fields.crc;
    if crc.of_headers(out.get(..head).unwrap_or_default()) == expected && next.holds(out) {
        return Ok(next);
    }
    out.clear();
    Err(RohcError::Checksum)
}

/// The timestamp: from its bits, else as far from the last as the sequence number is.
fn timestamp(last: &Varying, sn: u16, fields: &Fields, stride: u32) -> u32 {
    let steps = i32::from(sn.wrapping_sub(last.sn).cast_signed()).cast_unsigned();
    match (fields.ts, fields.scaled) {
        (Lsb { count: 0, .. }, _) => last.ts.wrapping_add(steps.wrapping_mul(stride)),
        (bits, false) => Number::Ts.decode(bits, last.ts),
        (bits, true) => {
            let scaled = Number::Ts.decode(bits, last.ts.checked_div(stride).unwrap_or(last.ts));
            scaled.wrapping_mul(stride).wrapping_add(last.ts.checked_rem(stride).unwrap_or(0))
        }
    }
}

/// How many packets may be lost before so many bits of the sequence number mean something else.
const fn reach(sn: Lsb) -> u32 {
    if sn.count <= 4 { 13 } else { 61 }
}

const fn low(number: u32) -> u16 {
    (number & 0xffff) as u16
}

/// Packets of the last eight that fail before what changes is no longer trusted.
const FAILURES: u32 = 3;
/// Bits of checksums that must agree with a repaired sequence number before a packet is given out: what four of the smallest have.
const EVIDENCE: u32 = 12;
