//! What became of each packet of voice of one direction, over all wires: what its receiver cannot know better.

use std::collections::HashMap;

use rove_base::Instant;
use serde_json::{Value, json};

use crate::packet::Voice;

/// All packets of one direction.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By whose they are; those that come by several wires are the same.
    sources: HashMap<u32, Source>,
    /// How many were given to each wire since the mark.
    wires: Vec<u64>,
    marked: Instant,
    bytes: u64,
    copied: u64,
}

#[derive(Debug, Default)]
struct Source {
    /// By their numbers, unwrapped, from the first one on.
    packets: Vec<Packet>,
    first: i64,
    highest: i64,
    last_new: Option<Instant>,
    gap: f64,
    /// The first after the mark.
    begins: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Packet {
    /// By which wires, a bit for each, and when by the first of them.
    by: u8,
    at: Instant,
    came: bool,
}

impl Ledger {
    pub(crate) fn new(wires: usize) -> Self {
        Self { wires: vec![0; wires], ..Self::default() }
    }

    /// A packet of so many bytes was given to a wire.
    pub(crate) fn sent(&mut self, now: Instant, wire: usize, voice: Voice, bytes: usize) {
        self.wires[wire] += 1;
        let source = self.sources.entry(voice.source).or_default();
        let number = source.unwrap(voice.number);
        let Some(packet) = source.at(number) else { return };
        self.bytes += bytes as u64;
        if packet.by == 0 {
            packet.at = now;
        } else {
            self.copied += bytes as u64;
        }
        packet.by |= 1 << wire;
        source.begins.get_or_insert(number);
    }

    /// It came out, as it was.
    pub(crate) fn came(&mut self, now: Instant, voice: Voice) {
        let marked = self.marked;
        let source = self.sources.entry(voice.source).or_default();
        let number = source.unwrap(voice.number);
        let Some(packet) = source.at(number) else { return };
        if packet.came {
            return;
        }
        packet.came = true;
        let last = source.last_new.replace(now);
        if let Some(last) = last.filter(|_| now >= marked) {
            source.gap = source.gap.max(now.since(last.max(marked)).as_secs_f64() * 1_000.0);
        }
    }

    /// What is counted begins now; what is on its way belongs to what was before.
    pub(crate) fn mark(&mut self, now: Instant) {
        self.wires.fill(0);
        (self.marked, self.bytes, self.copied) = (now, 0, 0);
        for source in self.sources.values_mut() {
            (source.gap, source.begins) = (0.0, Some(source.highest + 1));
        }
    }

    /// Since the mark. What was sent less than half a second ago may still come, and counts for nothing.
    pub(crate) fn tell(&self) -> Value {
        let busiest = self.sources.values().max_by_key(|source| source.since_mark());
        let fate = busiest.map(Source::fate);
        let ms = |at: Instant| at.since(self.marked).as_secs_f64() * 1_000.0;
        let alone = |wire: usize| busiest.and_then(|source| source.last_alone(wire)).map(ms);
        let wire = |(wire, sent): (usize, &u64)| json!({ "sent": sent, "alone_ms": alone(wire) });
        json!({
            "gap_ms": busiest.map(|source| source.gap),
            "numbers": fate.map(|fate| fate.0),
            "lost": fate.map(|fate| fate.0 - fate.1),
            "copied_share": (self.bytes > 0).then(|| self.copied as f64 / self.bytes as f64),
            "wires": self.wires.iter().enumerate().map(wire).collect::<Vec<_>>(),
        })
    }
}

impl Source {
    fn unwrap(&mut self, number: u16) -> i64 {
        if self.packets.is_empty() {
            (self.first, self.highest) = (number.into(), number.into());
        }
        let ahead = number.wrapping_sub(self.highest as u16) as i16;
        let number = self.highest + i64::from(ahead);
        self.highest = self.highest.max(number);
        number
    }

    /// `None` for one from before the first, or so far ahead that it is no packet of this source.
    fn at(&mut self, number: i64) -> Option<&mut Packet> {
        let index = usize::try_from(number - self.first).ok().filter(|index| *index < MOST)?;
        if self.packets.len() <= index {
            self.packets.resize(index + 1, Packet::default());
        }
        self.packets.get_mut(index)
    }

    fn since_mark(&self) -> i64 {
        self.begins.map_or(0, |begins| self.highest - begins)
    }

    /// When the last packet since the mark was given to this wire and to no other.
    fn last_alone(&self, wire: usize) -> Option<Instant> {
        let begins = self.begins.map_or(usize::MAX, |begins| (begins - self.first).max(0) as usize);
        let alone =
            self.packets.get(begins..).unwrap_or_default().iter().rev().find(|packet| packet.by == 1 << wire);
        alone.map(|packet| packet.at)
    }

    /// How many there were since the mark, and how many of them came; without the last ones, which may be on their way. One that
    /// was given to no wire, because its sender could not, was there all the same.
    fn fate(&self) -> (usize, usize) {
        let begins = self.begins.map_or(usize::MAX, |begins| (begins - self.first).max(0) as usize);
        let ends = self.packets.len().saturating_sub(ON_THE_WAY);
        let counted = self.packets.get(begins..ends.max(begins)).unwrap_or_default();
        (counted.len(), counted.iter().filter(|packet| packet.came).count())
    }
}

/// Half a second of packets.
const ON_THE_WAY: usize = 25;
/// Some hours of them.
const MOST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    /// Numbers that turn over while they are sent each 20 ms, by the wires that `by` says, and come unless `lost`.
    fn ledger(by: impl Fn(u64) -> Vec<usize>, lost: impl Fn(u64, usize) -> bool) -> Ledger {
        let mut ledger = Ledger::new(2);
        for n in 0..400_u64 {
            if n == 100 {
                ledger.mark(at(n * 20));
            }
            let voice = Voice { source: 7, number: 65_400_u16.wrapping_add(n as u16) };
            for wire in by(n) {
                ledger.sent(at(n * 20), wire, voice, 100);
                if !lost(n, wire) {
                    ledger.came(at(n * 20) + Duration::from_millis(5), voice);
                }
            }
        }
        ledger
    }

    #[test]
    fn a_gap_and_what_is_lost_are_counted_over_both_wires_since_the_mark() {
        let cut = |n, wire| wire == 0 && n >= 200;
        let by = |n| match n {
            0..206 => vec![0],
            206..226 => vec![0, 1],
            _ => vec![1],
        };
        let told = ledger(by, cut).tell();
        assert_eq!(told["gap_ms"], 140.0, "from the 199th to the 206th");
        assert_eq!((&told["lost"], &told["numbers"]), (&json!(6), &json!(275)));
        assert_eq!(told["wires"][0], json!({ "sent": 126, "alone_ms": 2_100.0 }));
        assert_eq!(told["copied_share"], 20.0 / 320.0);
    }

    #[test]
    fn before_the_mark_nothing_counts() {
        let told = ledger(|_| vec![0], |n, _| n < 95).tell();
        assert_eq!((&told["gap_ms"], &told["lost"]), (&json!(20.0), &json!(0)));
        assert_eq!(Ledger::new(1).tell()["lost"], Value::Null);
    }
}
