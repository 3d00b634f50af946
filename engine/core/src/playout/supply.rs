//! Where the next samples come from: a packet, a copy in a later one, or what a later one tells.

use core::time::Duration;

use rove_base::PayloadType;

use super::{
    Playout, State,
    decide::Next,
    reception::{Kind, millis},
    wide,
};
use crate::{
    jitter::{PacketSource, Slot},
    rtp::RedView,
};

impl<S: PacketSource> Playout<S> {
    /// What comes after the samples in hand. Packets that are not speech are dealt with on the way.
    pub(super) fn next(&mut self) -> Next {
        for _ in 0..self.reception.window.capacity() {
            let Some(front) = self.reception.window.front() else { return Next::Nothing };
            match self.reception.kind(front) {
                Kind::Speech | Kind::Red => return self.next_speech(),
                Kind::Event => self.pause = true,
                Kind::Noise => {
                    self.pause = true;
                    self.noise.tell(front.payload());
                }
                Kind::Foreign => self.meter.foreign = self.meter.foreign.saturating_add(1),
            }
            self.reception.window.pass();
        }
        Next::Nothing
    }

    fn next_speech(&mut self) -> Next {
        let Some(gap) = self.gap() else { return Next::Nothing };
        if gap <= 0 {
            return Next::Here;
        }
        let consecutive = self.reception.window.front_is_next();
        if self.pause || consecutive {
            return Next::Silence;
        }
        if self.copy().is_some() {
            Next::Copied
        } else if self.told(gap) {
            Next::Told
        } else {
            Next::Missing
        }
    }

    /// Samples from the end of what is in hand to the front packet's first; negative when its time has come and gone.
    fn gap(&self) -> Option<i64> {
        let front = self.reception.window.front()?;
        let begin = self.reception.clock.ticks(front.timestamp).saturating_mul(self.samples_per_tick);
        Some(begin.saturating_sub(self.end))
    }

    /// The copy, in a packet that is held, of the frame that comes next: its bytes' place, and samples to leave out.
    fn copy(&self) -> Option<(&[u8], usize)> {
        self.reception.formats.red?;
        let speech = self.reception.formats.speech;
        let length = self.samples_i64(self.length);
        let red = self.reception.window.held(RED_LOOK).filter(|slot| self.reception.kind(slot) == Kind::Red);
        red.filter_map(|slot| {
            let ticks = self.reception.clock.ticks(slot.timestamp);
            RedView::parse(slot.payload()).ok().and_then(|red| {
                red.redundant()
                    .filter(|block| block.payload_type == speech && !block.payload.is_empty())
                    .find_map(|block| {
                        let begin = ticks.saturating_sub(i64::from(block.offset));
                        let past = self.end.saturating_sub(begin.saturating_mul(self.samples_per_tick));
                        let skip = usize::try_from(past).ok().filter(|_| past < length)?;
                        Some((block.payload, skip))
                    })
            })
        })
        .next()
    }

    /// Whether the front packet can tell what comes next.
    fn told(&mut self, gap: i64) -> bool {
        let Some(front) = self.reception.window.front() else { return false };
        let Ok(gap) = usize::try_from(gap) else { return false };
        let reach = match self.reach {
            Some((seq, reach)) if seq == front.seq.0 => reach,
            _ => self.decoder.reach(speech_of(front, self.reception.formats.red)),
        };
        self.reach = Some((front.seq.0, reach));
        reach >= gap
    }

    /// Decodes the front packet from where it fits.
    pub(super) fn decode(&mut self, now: f64) {
        let (Some(front), Some(gap)) = (self.reception.window.front(), self.gap()) else { return };
        let arrived = front.arrived;
        let payload = speech_of(front, self.reception.formats.red);
        let duration = self.decoder.duration(payload).unwrap_or(self.length);
        let behind = gap.saturating_neg();
        if behind > self.samples_i64(self.samples(MAX_BEHIND)) && self.reception.window.front_is_next() {
            return self.rebase_now(now);
        }
        let skip = if behind > 0 { self.skip(now, behind, duration) } else { 0 };
        if skip >= duration {
            self.reception.window.pass();
            self.meter.discarded = self.meter.discarded.saturating_add(1);
            self.settle(true);
            return;
        }
        let lacks = behind > 0 || !self.reception.window.front_is_next();
        let wait_ahead = self.ms(self.buffer.hand());
        let Self { reception, decoder, buffer, .. } = self;
        let Some(front) = reception.window.front() else { return };
        let payload = speech_of(front, reception.formats.red);
        let quiet = payload.len() <= DTX_BYTES;
        let mut decoded = false;
        let count = buffer.append(duration, skip, |pcm| {
            decoder.decode(payload, pcm).inspect(|&samples| decoded = samples > 0).unwrap_or(0)
        });
        reception.window.pass();
        if !decoded {
            self.meter.undecodable = self.meter.undecodable.saturating_add(1);
            return self.conceal(self.length, true);
        }
        // Played whole after its time: from here on everything is that much later.
        self.end =
            self.end.saturating_sub(behind).saturating_add(self.samples_i64(skip.saturating_add(count)));
        self.settle(lacks);
        self.took(now, count, duration);
        self.pause = quiet;
        let wait = (now + wait_ahead - millis(arrived)).max(0.0);
        self.filtered += (wait - self.filtered) * FILTER;
        self.meter.decoded_packets = self.meter.decoded_packets.saturating_add(1);
        self.meter.waited = self.meter.waited.saturating_add(Duration::from_secs_f64(wait / 1e3));
    }

    /// Decodes the copy of a frame that did not come.
    pub(super) fn decode_copy(&mut self, now: f64) {
        let mut copied = [0; RED_BYTES];
        let Some((payload, skip)) = self.copy() else { return };
        let Some(place) = copied.get_mut(..payload.len()) else { return };
        place.copy_from_slice(payload);
        let payload: &[u8] = place;
        let duration = self.decoder.duration(payload).unwrap_or(self.length);
        let Self { decoder, buffer, .. } = self;
        let count = buffer.append(duration, skip, |pcm| decoder.decode(payload, pcm).unwrap_or(0));
        if count == 0 {
            return self.conceal(self.length, true);
        }
        self.end = self.end.saturating_add(self.samples_i64(count));
        self.settle(true);
        self.took(now, count, duration);
        self.meter.recovered_red = self.meter.recovered_red.saturating_add(1);
    }

    /// Lets the front packet tell what the frame before it, or the first that is missing before it, was like.
    pub(super) fn recover(&mut self, now: f64) {
        let Some(back) = self.gap().and_then(|gap| usize::try_from(gap).ok()) else { return };
        let whole = self.quantum_up(self.length.min(back)).max(1);
        let Self { reception, decoder, buffer, .. } = self;
        let Some(front) = reception.window.front() else { return };
        let payload = speech_of(front, reception.formats.red);
        let length = self.length.min(back);
        let mut told = false;
        // A part of the frame may have been invented already; the codec knows frames as a whole.
        let frame = if back < self.length { self.length } else { whole };
        let skip = frame.saturating_sub(length);
        let count = buffer.append(frame, skip, |pcm| {
            told = decoder.recover(payload, back.max(frame), pcm);
            pcm.len()
        });
        self.end = self.end.saturating_add(self.samples_i64(count));
        self.settle(true);
        if !told {
            self.reach = self.reach.map(|(seq, _)| (seq, 0));
            self.count_concealed(count);
            return;
        }
        self.took(now, count, self.length);
        if back > self.length {
            self.meter.recovered_deep = self.meter.recovered_deep.saturating_add(1);
        } else {
            self.meter.recovered_inband = self.meter.recovered_inband.saturating_add(1);
        }
    }

    /// How much of the front packet, whose time was `behind` samples ago, is left out.
    ///
    /// What was concealed meanwhile is lost in any case; what is left out now is delay saved. With its successors here,
    /// the packet is played from where the target wants it. Alone, it is played whole: whatever held it up may hold up the
    /// next one as well.
    fn skip(&self, now: f64, behind: i64, duration: usize) -> usize {
        let late = usize::try_from(behind).unwrap_or(usize::MAX);
        let whole = self.delay(now) + self.ms(late);
        let target = self.target(now);
        let alone = self.reception.window.len() == 1;
        let beyond = if alone {
            whole - self.reception.arrivals.base(now) - self.most.as_secs_f64() * 1e3
        } else {
            whole - target
        };
        self.samples(beyond).min(late).min(if alone { duration.saturating_sub(1) } else { late })
    }

    /// Samples were received in one form or another.
    fn took(&mut self, now: f64, count: usize, duration: usize) {
        self.length = duration.max(1);
        let ticks = self.samples_i64(self.length).checked_div(self.samples_per_tick).unwrap_or(1);
        self.reception.frame = ticks.max(1);
        let mut quiet = false;
        self.buffer.show(count, |pcm| {
            self.stretcher.heard(pcm);
            self.noise.heard(pcm);
            quiet = self.stretcher.is_quiet(pcm);
        });
        self.calm = if quiet { self.calm.saturating_add(count) } else { 0 };
        (self.dry, self.hold, self.pause) = (0, None, false);
        let second = usize::try_from(self.rate).unwrap_or(usize::MAX);
        self.pure = self.pure.saturating_add(count).min(second);
        self.credit = self.credit.saturating_add(count).min(self.samples(CREDIT_MS));
        self.meter.decoded = self.meter.decoded.saturating_add(wide(count));
        if self.meter.first_played.is_none() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative")]
            let nanos = (now * 1e6) as u64;
            self.meter.first_played = Some(rove_base::Instant::from_nanos(nanos));
        }
    }

    /// Whether background noise is better than a continuation: the sender is silent, or it is too long ago that it spoke.
    pub(super) fn noisy(&self) -> bool {
        self.meter.first_played.is_some() && (self.pause || self.dry >= wide(self.samples(CONTINUED_MS)))
    }

    /// Begins a new timeline through the front packet, at once if its time has come.
    pub(super) fn rebase_now(&mut self, now: f64) {
        self.rebase();
        if !self.begun(now)
            && let Some(front) = self.reception.window.front()
        {
            // It is played as soon as it would be in a stream that begins with it; until then time passes before it.
            let ticks = self.reception.clock.ticks(front.timestamp);
            let wait = self.reception.media_ms(ticks) + self.target(now) - now;
            let begin = ticks.saturating_mul(self.samples_per_tick);
            self.end = begin.saturating_sub(self.samples_i64(self.samples(wait)));
            self.state = State::Running;
        }
    }
}

/// The speech in a packet: its payload, or the block of a RED packet that is not redundant.
fn speech_of(slot: &Slot, red: Option<PayloadType>) -> &[u8] {
    if red == Some(slot.payload_type) {
        RedView::parse(slot.payload()).map_or(&[], |red| red.primary().payload)
    } else {
        slot.payload()
    }
}

/// Later packets that are looked through for a copy.
const RED_LOOK: u16 = 24;
/// The longest redundant block.
const RED_BYTES: usize = crate::rtp::RED_MAX_BLOCK;
/// A packet in sequence that is this many milliseconds late is not late: the sender's timestamps jumped back.
const MAX_BEHIND: f64 = 1_000.0;
/// A payload this short says that the sender will be silent (RFC 6716 §2.1.9: a frame without content).
const DTX_BYTES: usize = 2;
/// What may be put in after an uninterrupted frame.
const CREDIT_MS: f64 = 20.0;
/// What is concealed is a continuation of speech for so long, and then the background behind it.
const CONTINUED_MS: f64 = 60.0;
const FILTER: f64 = 0.05;
