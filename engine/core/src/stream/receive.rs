//! What comes in as RTP: checked, counted, handed to the playout.

#[cfg(test)]
mod tests;

use core::time::Duration;

use rove_base::{Instant, RtpTimestamp, SeqNumber, Ssrc};
use rove_codecs::telephone_event::TelephoneEvent;

use super::digits::{Digit, Digits};
use crate::{
    jitter::{PacketSink, SLOT_BYTES},
    playout::Formats,
    quality::ReceiveStats,
    rtp::{RedView, RtpView},
    srtp::SrtpError,
};

/// Datagrams that were not used, counted by reason.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Refused {
    /// They came from, or to, an address that is not the plan's.
    pub strangers: u64,
    /// Neither RTP nor RTCP, or not the one that belongs on that flow, or not wanted in this direction.
    pub unexpected: u64,
    /// Not what they claim to be.
    pub malformed: u64,
    /// A payload type that was not agreed.
    pub payload_type: u64,
    /// A payload longer than [`SLOT_BYTES`].
    pub oversized: u64,
    /// Of a source not heard before, and not yet believed.
    pub unproven: u64,
    /// With this end's own SSRC: a loop (RFC 3550 §8.2).
    pub looped: u64,
    /// The playout has no room: nobody plays, or not fast enough.
    pub overrun: u64,
    /// Not protected with the key that was agreed, or changed on their way (RFC 3711 §3.3).
    pub forged: u64,
    /// Authentic, but there before, or too old to tell (RFC 3711 §3.3.2).
    pub replayed: u64,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Received {
    /// Used, the first one.
    First,
    /// Used.
    Used,
    /// Counted in [`Refused`].
    Refused,
    /// The peer has this end's SSRC, for the first time.
    Collision,
}

pub(super) struct Receiver<K> {
    sink: K,
    formats: Formats,
    stats: ReceiveStats,
    source: Option<Ssrc>,
    /// The source and number that must follow before another source is believed.
    candidate: Option<(Ssrc, SeqNumber)>,
    collided: bool,
    refused: Refused,
    digits: Digits,
    /// What the peer may send from its next packet on.
    next: Option<Next<K>>,
    /// Where packets went before; of no more use.
    left: Option<K>,
    /// Keys not told yet, the oldest first.
    pressed: [Option<Digit>; PRESSED],
}

/// Another codec of the peer, as soon as a packet of it is here: until then what is on its way is of the one before.
struct Next<K> {
    formats: Formats,
    sink: K,
}

impl<K: PacketSink> Receiver<K> {
    pub(super) fn new(formats: Formats, sink: K) -> Self {
        Self {
            sink,
            formats,
            stats: ReceiveStats::new(formats.clock),
            source: None,
            candidate: None,
            collided: false,
            refused: Refused::default(),
            digits: Digits::new(formats.clock),
            next: None,
            left: None,
            pressed: [None; PRESSED],
        }
    }

    /// Takes in a datagram that looks like RTP; `own` is this end's name.
    pub(super) fn on_rtp(&mut self, bytes: &[u8], arrived: Instant, own: Ssrc) -> Received {
        let Ok(packet) = RtpView::parse(bytes) else {
            return refuse(&mut self.refused.malformed);
        };
        self.follow(&packet);
        if !self.agreed(&packet) {
            return refuse(&mut self.refused.payload_type);
        }
        if packet.payload().len() > SLOT_BYTES {
            return refuse(&mut self.refused.oversized);
        }
        if packet.ssrc() == own {
            let first = !core::mem::replace(&mut self.collided, true);
            let refused = refuse(&mut self.refused.looped);
            return if first { Received::Collision } else { refused };
        }
        let first = self.source.is_none();
        if !self.believe(packet.ssrc(), packet.seq()) {
            // The playout's window keeps it aside and judges by the same rule, so that nothing is lost of a new source.
            self.hand_over(arrived, &packet);
            return refuse(&mut self.refused.unproven);
        }
        self.stats.on_packet(arrived, packet.seq(), self.media_time(&packet));
        if let Some(speech) = self.speech(&packet).filter(|speech| speech.len() > SILENT) {
            self.stats.on_payload(speech.len());
        }
        if self.is_event(&packet) {
            let digit = self.digits.on_packet(arrived, packet.timestamp(), packet.payload());
            self.press(digit);
        }
        self.hand_over(arrived, &packet);
        if first { Received::First } else { Received::Used }
    }

    /// Understands `formats` from now on. With another `sink`, once the peer sends them; until then those of before. What
    /// is of no more use is left in `sink`.
    ///
    /// # Realtime
    ///
    /// Neither allocates nor frees.
    pub(super) fn recode(&mut self, formats: Formats, sink: &mut [Option<K>; 2]) {
        let [new, old] = sink;
        *old = self.left.take();
        match (new.take(), &mut self.next) {
            (Some(sink), next) => {
                let given_up = next.replace(Next { formats, sink });
                *new = given_up.map(|next| next.sink);
            }
            (None, Some(next)) => next.formats = formats,
            (None, None) => self.formats = formats,
        }
    }

    /// Turns to what the peer was expected to send, with the first packet of it.
    fn follow(&mut self, packet: &RtpView<'_>) {
        let Formats { speech, red, comfort_noise, .. } = self.formats;
        let have = packet.payload_type();
        let known = have == speech || [red, comfort_noise].contains(&Some(have));
        let begun =
            |next: &mut Next<K>| !known && (have == next.formats.speech || Some(have) == next.formats.red);
        let Some(Next { formats, sink }) = self.next.take_if(begun) else { return };
        if formats.clock != self.formats.clock {
            self.stats.recode(formats.clock);
            self.digits = Digits::new(formats.clock);
        }
        self.formats = formats;
        self.left = Some(core::mem::replace(&mut self.sink, sink));
    }

    pub(super) const fn refuse_stranger(&mut self) {
        self.refused.strangers = self.refused.strangers.saturating_add(1);
    }

    pub(super) const fn refuse_unexpected(&mut self) {
        self.refused.unexpected = self.refused.unexpected.saturating_add(1);
    }

    pub(super) const fn refuse_malformed(&mut self) {
        self.refused.malformed = self.refused.malformed.saturating_add(1);
    }

    /// Whether the packet's payload type is one that was agreed. RED stays whole: the playout takes it apart.
    fn agreed(&self, packet: &RtpView<'_>) -> bool {
        let Formats { speech, red, telephone_event, comfort_noise, .. } = self.formats;
        let have = packet.payload_type();
        have == speech || [red, telephone_event, comfort_noise].contains(&Some(have))
    }

    /// The speech a packet is for: without its copies of earlier speech, and none in an event or in comfort noise.
    fn speech<'a>(&self, packet: &RtpView<'a>) -> Option<&'a [u8]> {
        let Formats { speech, red, .. } = self.formats;
        let have = packet.payload_type();
        if have == speech {
            Some(packet.payload())
        } else if red == Some(have) {
            let primary = RedView::parse(packet.payload()).ok()?.primary();
            (primary.payload_type == speech).then_some(primary.payload)
        } else {
            None
        }
    }

    fn is_event(&self, packet: &RtpView<'_>) -> bool {
        self.formats.telephone_event == Some(packet.payload_type())
    }

    /// The timestamp that voice would have in the packet's place: that of an event stands still while time goes on.
    fn media_time(&self, packet: &RtpView<'_>) -> RtpTimestamp {
        let event = TelephoneEvent::parse(packet.payload()).ok().filter(|_| self.is_event(packet));
        let frame = self.formats.clock.ticks(EVENT_FRAME);
        packet.timestamp().plus(event.map_or(0, |event| u32::from(event.duration).saturating_sub(frame)))
    }

    fn press(&mut self, digit: Option<Digit>) {
        if let Some(place) = self.pressed.iter_mut().find(|place| place.is_none()) {
            *place = digit;
        }
    }

    /// Counts a datagram that was not opened.
    pub(super) const fn refuse_protected(&mut self, why: SrtpError) {
        let count = match why {
            SrtpError::Forged => &mut self.refused.forged,
            SrtpError::Replayed | SrtpError::Stale => &mut self.refused.replayed,
            SrtpError::NoRoom { .. } => &mut self.refused.oversized,
            SrtpError::TooManySources => &mut self.refused.unproven,
            _ => &mut self.refused.malformed,
        };
        *count = count.saturating_add(1);
    }

    fn hand_over(&mut self, arrived: Instant, packet: &RtpView<'_>) {
        if !self.sink.push(arrived, packet) {
            self.refused.overrun = self.refused.overrun.saturating_add(1);
        }
    }

    /// Whether packets of `ssrc` count: the first source does, another one from its second packet in sequence on.
    fn believe(&mut self, ssrc: Ssrc, seq: SeqNumber) -> bool {
        match self.source {
            Some(source) if source == ssrc => {
                self.candidate = None;
                return true;
            }
            Some(_) if self.candidate != Some((ssrc, seq)) => {
                self.candidate = Some((ssrc, seq.plus(1)));
                return false;
            }
            Some(_) => {
                self.stats.new_source();
                self.digits.restart();
            }
            None => {}
        }
        self.source = Some(ssrc);
        self.candidate = None;
        true
    }
}

impl<K> Receiver<K> {
    pub(super) const fn refused(&self) -> Refused {
        self.refused
    }

    pub(super) const fn stats(&self) -> &ReceiveStats {
        &self.stats
    }

    pub(super) const fn stats_mut(&mut self) -> &mut ReceiveStats {
        &mut self.stats
    }

    /// Time passed: an event may have ended without saying so.
    pub(super) fn on_time(&mut self, now: Instant) {
        if let Some(digit) = self.digits.on_time(now)
            && let Some(place) = self.pressed.iter_mut().find(|place| place.is_none())
        {
            *place = Some(digit);
        }
    }

    /// When [`Receiver::on_time`] may next matter.
    pub(super) fn next(&self) -> Option<Instant> {
        self.digits.next()
    }

    /// The oldest key that was not told yet.
    pub(super) fn pressed(&mut self) -> Option<Digit> {
        let digit = self.pressed.first_mut()?.take();
        self.pressed.rotate_left(1);
        digit
    }

    /// Who is heard.
    pub(super) const fn source(&self) -> Option<Ssrc> {
        self.source
    }
}

const fn refuse(count: &mut u64) -> Received {
    *count = count.saturating_add(1);
    Received::Refused
}

/// Keys that wait to be told, at most: nobody presses as many between two turns of the driver.
const PRESSED: usize = 8;
/// Longest payload that only says that there is no speech (RFC 6716 §2.1.9).
const SILENT: usize = 2;
/// What one packet of an event covers, as good as always.
const EVENT_FRAME: Duration = Duration::from_millis(20);
