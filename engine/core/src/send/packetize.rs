//! One packet per frame: encoded straight into the buffer it is sent from, numbered and stamped.

use core::time::Duration;

use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, Scratch, SeqNumber, Span, Ssrc};
use rove_codecs::{Encoder, telephone_event::DtmfKey};

use super::{Distances, Scheme, line::Line};
use crate::capture::Framer;

/// Where a stream of packets begins. The three numbers shall be random (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug)]
pub struct SenderConfig {
    /// Names this sender.
    pub ssrc: Ssrc,
    /// Number of the first packet.
    pub first_seq: SeqNumber,
    /// Media time of the first sample.
    pub first_timestamp: RtpTimestamp,
    /// What the peer expects on our packets.
    pub payload_type: PayloadType,
    /// What it expects on packets with copies; `None` where RED was not agreed.
    pub red: Option<PayloadType>,
    /// What it expects on telephone events; `None` where they were not agreed.
    pub telephone_event: Option<PayloadType>,
    /// What it expects on comfort noise, where that is to be sent during silence.
    pub comfort_noise: Option<PayloadType>,
    /// What the timestamps count in.
    pub clock: ClockRate,
    /// Duration of one packet, to begin with.
    pub packet_time: Duration,
    /// Bits per second of payload that may be spent, redundancy included; `None` leaves it to the codec.
    pub bitrate: Option<u32>,
}

/// How a stream is sent at the moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SendState {
    /// Protection against loss.
    pub scheme: Scheme,
    /// Bits per second asked of the codec, its own redundancy included; `None` for a codec of one rate.
    pub codec_bitrate: Option<u32>,
    /// Duration of one packet.
    pub packet_time: Duration,
    /// Bits per second of payload that may be spent at the moment, all redundancy included; `None` where nothing limits it.
    pub limit: Option<u32>,
    /// Bits per second of payload spent so far, as a mean over the captured time; `None` before the first frame.
    pub mean_bitrate: Option<u32>,
}

/// Turns samples into packets. The timestamps count every captured sample, sent or not.
pub struct Sender {
    pub(super) framer: Framer,
    pub(super) line: Line,
    heard_at: Option<Instant>,
    skipped: u64,
}

impl Sender {
    /// Encodes with `encoder`. Allocates all it will ever need.
    #[must_use]
    pub fn new(encoder: Box<dyn Encoder>, config: SenderConfig) -> Self {
        let samples = |time: Duration| {
            let samples = u128::from(encoder.sample_rate()).saturating_mul(time.as_micros()) / 1_000_000;
            usize::try_from(samples).unwrap_or(usize::MAX)
        };
        let capacity = samples(HELD.max(config.packet_time.saturating_mul(4)));
        Self {
            framer: Framer::new(samples(config.packet_time), capacity),
            line: Line::new(encoder, config),
            heard_at: None,
            skipped: 0,
        }
    }

    /// Takes in captured samples, of which the last was captured at `now`.
    pub fn capture(&mut self, now: Instant, pcm: &[f32]) {
        let given_up = self.framer.push(pcm);
        self.give_up(given_up);
        self.heard_at = Some(now);
    }

    /// `samples` samples were captured but never came here: they are sent as silence, as far as that makes sense.
    pub fn miss(&mut self, now: Instant, samples: usize) {
        let given_up = self.framer.push_silence(samples);
        self.give_up(given_up);
        self.heard_at = Some(now);
    }

    /// Writes the next packet into `out`, if a frame is whole. Frames that need not be sent are passed over.
    ///
    /// # Realtime
    ///
    /// Allocates only when `out` has to grow.
    pub fn next_packet(&mut self, out: &mut Scratch) -> Option<Span> {
        while let Some(frame) = self.framer.next_frame() {
            if let Some(span) = self.line.send(frame, out) {
                return Some(span);
            }
        }
        None
    }

    /// Protects packets by `scheme` from the next one on; copies only where RED was agreed.
    pub fn set_scheme(&mut self, scheme: Scheme) {
        let copies = if self.line.config.red.is_some() { scheme.copies } else { Distances::NONE };
        self.line.set_scheme(Scheme { copies, ..scheme });
    }

    /// Spends no more than `bitrate` bits per second of payload from now on, as a mean.
    pub fn set_limit(&mut self, bitrate: Option<u32>) {
        self.line.budget.set_limit(bitrate);
    }

    /// Makes packets of `packet_time`, which must be one the codec has, from the next frame on.
    pub fn set_packet_time(&mut self, packet_time: Duration) {
        if packet_time != self.line.config.packet_time {
            self.line.config.packet_time = packet_time;
            self.framer.set_frame(self.line.samples(packet_time));
        }
    }

    /// Tells the peer that `key` was pressed for `duration`, as soon as the keys before it are told. `false`
    /// when telephone events were not agreed or too many wait.
    pub fn press(&mut self, key: DtmfKey, duration: Duration) -> bool {
        self.line.config.telephone_event.is_some() && self.line.keys.press(key, duration)
    }

    /// Whether the peer agreed to be told of keys.
    #[must_use]
    pub const fn tells_keys(&self) -> bool {
        self.line.config.telephone_event.is_some()
    }

    /// Media time at `now`: that of the last captured sample, carried on by the clock (RFC 3550 §6.4.1).
    #[must_use]
    pub fn timestamp_at(&self, now: Instant) -> RtpTimestamp {
        let held = self.line.ticks(self.framer.len());
        let since = self.heard_at.map_or(0, |at| self.line.config.clock.ticks(now.since(at)));
        self.line.timestamp.plus(held).plus(since)
    }

    /// Takes another name, because someone else has the same (RFC 3550 §8.2).
    pub fn rename(&mut self, ssrc: Ssrc) {
        self.line.config.ssrc = ssrc;
        self.line.marker = true;
    }

    /// This sender's name.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        self.line.config.ssrc
    }

    /// Samples per second it takes.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.line.encoder.sample_rate()
    }

    /// Samples per packet.
    #[must_use]
    pub const fn frame_samples(&self) -> usize {
        self.framer.frame_samples()
    }

    /// Samples by which the decoded sound lags behind the captured, beside the packet's own length.
    #[must_use]
    pub fn lookahead(&self) -> usize {
        self.line.encoder.lookahead()
    }

    /// How it sends at the moment.
    #[must_use]
    pub fn state(&self) -> SendState {
        self.line.state()
    }

    /// Packets written so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.line.packets
    }

    /// Bytes of payload in them.
    #[must_use]
    pub const fn octets(&self) -> u64 {
        self.line.octets
    }

    /// Frames the encoder refused.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.line.failed
    }

    /// The last so many packets that were given out never left, and never will: they are not counted, nor are their octets,
    /// each taken to have as many as the mean of all.
    pub fn withdraw(&mut self, packets: u64) {
        let line = &mut self.line;
        let octets = line.octets.saturating_mul(packets).checked_div(line.packets).unwrap_or(0);
        line.packets = line.packets.saturating_sub(packets);
        line.octets = line.octets.saturating_sub(octets);
    }

    /// Samples given up because nobody asked for packets in time.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    fn give_up(&mut self, samples: usize) {
        if samples > 0 {
            self.line.timestamp = self.line.timestamp.plus(self.line.ticks(samples));
            self.line.marker = true;
            self.skipped += samples as u64;
        }
    }
}

impl core::fmt::Debug for Sender {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sender")
            .field("config", &self.line.config)
            .field("packets", &self.line.packets)
            .finish_non_exhaustive()
    }
}

/// Captured sound that waits at once, at most: longer than any stall worth catching up on.
const HELD: Duration = Duration::from_millis(200);
