//! Keys pressed, told as named telephone events (RFC 4733): a queue, and the event that is being told.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{ClockRate, RtpTimestamp};
use rove_codecs::telephone_event::{DtmfKey, TelephoneEvent};

/// One packet about an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct EventPacket {
    /// When the event began; the same in all its packets (RFC 4733 §2.5.1.2).
    pub timestamp: RtpTimestamp,
    /// The first packet of the event.
    pub marker: bool,
    pub payload: TelephoneEvent,
}

/// Events to be told, one after the other.
#[derive(Debug)]
pub(super) struct Keys {
    clock: ClockRate,
    waiting: [Option<(DtmfKey, u32)>; KEYS],
    held: usize,
    current: Option<Telling>,
}

#[derive(Clone, Copy, Debug)]
struct Telling {
    key: DtmfKey,
    began: RtpTimestamp,
    /// How long it shall last, in ticks.
    whole: u32,
    /// How much of it has been.
    elapsed: u32,
    first: bool,
    /// Packets that say it has ended, still to be sent.
    ends: u8,
}

impl Keys {
    pub(super) const fn new(clock: ClockRate) -> Self {
        Self { clock, waiting: [None; KEYS], held: 0, current: None }
    }

    /// Queues `key` for `duration`, kept between [`SHORTEST`] and [`LONGEST`]. `false` when the queue is full.
    pub(super) fn press(&mut self, key: DtmfKey, duration: Duration) -> bool {
        let duration = duration.clamp(SHORTEST, LONGEST);
        let Some(slot) = self.waiting.get_mut(self.held) else { return false };
        // The field has 16 bits (RFC 4733 §2.3.5).
        *slot = Some((key, self.clock.ticks(duration).min(u32::from(u16::MAX))));
        self.held = self.held.saturating_add(1);
        true
    }

    /// What to send instead of the voice that begins at `timestamp` and lasts `ticks`; `None` when no key is pressed.
    pub(super) fn next(&mut self, timestamp: RtpTimestamp, ticks: u32) -> Option<EventPacket> {
        let mut telling = self.current.take().or_else(|| self.start(timestamp))?;
        let marker = core::mem::replace(&mut telling.first, false);
        telling.elapsed = telling.elapsed.saturating_add(ticks).min(telling.whole);
        let end = telling.elapsed == telling.whole;
        if end {
            telling.ends = telling.ends.saturating_sub(1);
        }
        let duration = u16::try_from(telling.elapsed).unwrap_or(u16::MAX);
        let payload = TelephoneEvent { event: telling.key.event(), end, volume: VOLUME, duration };
        if telling.ends > 0 {
            self.current = Some(telling);
        }
        Some(EventPacket { timestamp: telling.began, marker, payload })
    }

    fn start(&mut self, began: RtpTimestamp) -> Option<Telling> {
        self.held = self.held.checked_sub(1)?;
        let (key, whole) = self.waiting.first_mut()?.take()?;
        self.waiting.rotate_left(1);
        Some(Telling { key, began, whole, elapsed: 0, first: true, ends: ENDS })
    }
}

/// Keys that wait, at most.
pub const KEYS: usize = 32;
/// The shortest tone that a receiver must recognise (ITU-T Q.24, RFC 4733 §2.5.1.2).
const SHORTEST: Duration = Duration::from_millis(40);
/// The longest one: what 16 bits of ticks at 48 kHz can say is a little more.
const LONGEST: Duration = Duration::from_millis(1_360);
/// The last packet of an event is sent three times in all (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;
/// −10 dBm0.
const VOLUME: u8 = 10;
