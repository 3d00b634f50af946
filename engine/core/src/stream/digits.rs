//! Keys that the peer pressed: each told once, whatever is lost or repeated of its packets (RFC 4733 §2.5.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{ClockRate, Instant, RtpTimestamp};
use rove_codecs::telephone_event::{DtmfKey, TelephoneEvent};

/// A key that was pressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Digit {
    /// `0` to `9`, `*`, `#`, `A` to `D`.
    pub key: char,
    /// How long, as far as was told.
    pub duration: Duration,
}

/// Puts events together out of their packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digits {
    clock: ClockRate,
    /// The event being told.
    current: Option<Current>,
    /// When the last event that was told to the owner began.
    told: Option<RtpTimestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Current {
    began: RtpTimestamp,
    event: u8,
    ticks: u16,
    heard_at: Instant,
}

impl Digits {
    pub(super) const fn new(clock: ClockRate) -> Self {
        Self { clock, current: None, told: None }
    }

    /// Takes in a packet of an event that began at `timestamp`; answers the key whose end it shows.
    pub(super) fn on_packet(
        &mut self,
        at: Instant,
        timestamp: RtpTimestamp,
        payload: &[u8],
    ) -> Option<Digit> {
        let event = TelephoneEvent::parse(payload).ok()?;
        // A repetition, or a straggler of one that is over.
        if self.told.is_some_and(|told| timestamp.since(told) <= 0) {
            return None;
        }
        let before = self.current.filter(|current| current.began != timestamp);
        if before.is_some_and(|current| timestamp.since(current.began) < 0) {
            return None;
        }
        // Another event begins: the end of the one before was lost.
        let missed = before.and_then(|current| self.tell(current));
        let ticks =
            self.current.filter(|current| current.began == timestamp).map_or(0, |current| current.ticks);
        let current =
            Current { began: timestamp, event: event.event, ticks: event.duration.max(ticks), heard_at: at };
        self.current = Some(current);
        if missed.is_none() && event.end { self.tell(current) } else { missed }
    }

    /// The key of an event whose end did not come in time.
    pub(super) fn on_time(&mut self, now: Instant) -> Option<Digit> {
        let current = self.current.filter(|current| now.since(current.heard_at) >= PATIENCE)?;
        self.tell(current)
    }

    /// When [`Digits::on_time`] may next matter.
    pub(super) fn next(&self) -> Option<Instant> {
        self.current.map(|current| current.heard_at + PATIENCE)
    }

    /// Another source speaks: its events are others.
    pub(super) fn restart(&mut self) {
        (self.current, self.told) = (None, None);
    }

    fn tell(&mut self, current: Current) -> Option<Digit> {
        (self.current, self.told) = (None, Some(current.began));
        let duration = self.clock.duration(u32::from(current.ticks));
        DtmfKey::from_event(current.event).map(|key| Digit { key: key.to_char(), duration })
    }
}

/// Without news for so long an event is over: three packets of the longest packet time, and some jitter.
const PATIENCE: Duration = Duration::from_millis(300);

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// The packets of keys 1, 2, 3 … of 100 ms, one every 200 ms, as (when in ms, timestamp, payload).
    fn packets(keys: u8) -> Vec<(u64, RtpTimestamp, [u8; 4])> {
        let mut packets = Vec::new();
        for key in 0..keys {
            let began = u64::from(key) * 200;
            let timestamp = RtpTimestamp(0xffff_f000).plus(u32::from(key) * 1_600);
            for nth in 1..=7_u16 {
                let (end, duration) = (nth >= 5, (nth * 160).min(800));
                let event = TelephoneEvent { event: key % 10 + 1, end, volume: 10, duration };
                packets.push((began + u64::from(nth) * 20, timestamp, event.to_bytes()));
            }
        }
        packets
    }

    fn hear(packets: &[(u64, RtpTimestamp, [u8; 4])]) -> Vec<Digit> {
        let mut digits = Digits::new(ClockRate::TELEPHONE);
        let at = |ms: u64| Instant::from_nanos(ms * 1_000_000);
        let mut heard = Vec::new();
        let mut packets = packets.iter().peekable();
        for ms in 0..10_000 {
            while let Some((_, timestamp, payload)) = packets.next_if(|packet| packet.0 <= ms) {
                heard.extend(digits.on_packet(at(ms), *timestamp, payload));
            }
            heard.extend(digits.on_time(at(ms)));
        }
        heard
    }

    #[test]
    fn each_key_is_told_once_with_its_length() {
        let expected = ['1', '2', '3'].map(|key| Digit { key, duration: Duration::from_millis(100) });
        assert_eq!(hear(&packets(3)), expected);
    }

    #[test]
    fn what_is_no_key_is_not_told() {
        let mut digits = Digits::new(ClockRate::TELEPHONE);
        let flash = TelephoneEvent { event: 16, end: true, volume: 0, duration: 800 }.to_bytes();
        assert_eq!(digits.on_packet(Instant::ZERO, RtpTimestamp(1), &flash), None);
        assert_eq!(digits.on_packet(Instant::ZERO, RtpTimestamp(1), &[1, 2, 3]), None);
    }

    proptest! {
        #[test]
        fn whatever_is_lost_or_repeated_each_key_of_which_something_came_is_told_once(
            fates in vec(0_usize..3, 70),
        ) {
            let all = packets(10);
            let came: Vec<_> =
                all.iter().zip(&fates).flat_map(|(packet, copies)| core::iter::repeat_n(*packet, *copies)).collect();
            let mut expected: Vec<_> = came.iter().map(|packet| packet.1.0).collect();
            expected.dedup();
            prop_assert_eq!(hear(&came).len(), expected.len());
        }

        #[test]
        fn no_bytes_break_it(packets in vec((any::<u32>(), vec(any::<u8>(), 0..6)), 0..50)) {
            let mut digits = Digits::new(ClockRate::OPUS);
            for (nth, (timestamp, payload)) in packets.iter().enumerate() {
                let now = Instant::from_nanos(nth as u64 * 50_000_000);
                let _ = (digits.on_packet(now, RtpTimestamp(*timestamp), payload), digits.on_time(now));
            }
        }
    }
}
