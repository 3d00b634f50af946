//! One packet per frame: encoded straight into the buffer it is sent from, numbered and stamped.

use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, Scratch, SeqNumber, Span, Ssrc};
use rove_codecs::Encoder;

use crate::{
    capture::Framer,
    jitter::SLOT_BYTES,
    rtp::{FIXED_HEADER_BYTES, RtpHeader},
};

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
    /// What the timestamps count in.
    pub clock: ClockRate,
    /// Samples per packet, at the encoder's rate.
    pub frame_samples: usize,
}

/// Turns samples into packets. The timestamps count every captured sample, sent or not.
pub struct Sender {
    encoder: Box<dyn Encoder>,
    framer: Framer,
    config: SenderConfig,
    seq: SeqNumber,
    /// Media time of the oldest sample in `framer`.
    timestamp: RtpTimestamp,
    samples_per_tick: u32,
    /// The next packet is the first after a silence.
    marker: bool,
    heard_at: Option<Instant>,
    packets: u64,
    octets: u64,
    failed: u64,
    skipped: u64,
}

impl Sender {
    /// Encodes with `encoder`. Allocates all it will ever need.
    #[must_use]
    pub fn new(encoder: Box<dyn Encoder>, config: SenderConfig) -> Self {
        Self {
            samples_per_tick: (encoder.sample_rate() / config.clock.hertz()).max(1),
            framer: Framer::new(config.frame_samples),
            seq: config.first_seq,
            timestamp: config.first_timestamp,
            marker: true,
            heard_at: None,
            packets: 0,
            octets: 0,
            failed: 0,
            skipped: 0,
            encoder,
            config,
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
            let header = RtpHeader {
                marker: self.marker,
                payload_type: self.config.payload_type,
                seq: self.seq,
                timestamp: self.timestamp,
                ssrc: self.config.ssrc,
            };
            let encoder = &mut self.encoder;
            let mut failed = false;
            let span = out.lend(FIXED_HEADER_BYTES + SLOT_BYTES, |room| {
                let Some((head, payload)) = room.split_at_mut_checked(FIXED_HEADER_BYTES) else { return 0 };
                match encoder.encode(frame, payload) {
                    Ok(0) => 0,
                    Ok(len) => header.write(head).map_or(0, |head| head + len),
                    Err(_) => {
                        failed = true;
                        0
                    }
                }
            });
            self.timestamp = self.timestamp.plus(self.ticks(self.config.frame_samples));
            self.failed += u64::from(failed);
            if span.is_empty() {
                self.marker = true;
                continue;
            }
            self.marker = false;
            self.seq = self.seq.plus(1);
            self.packets += 1;
            self.octets += (span.len() - FIXED_HEADER_BYTES) as u64;
            return Some(span);
        }
        None
    }

    /// Media time at `now`: that of the last captured sample, carried on by the clock (RFC 3550 §6.4.1).
    #[must_use]
    pub fn timestamp_at(&self, now: Instant) -> RtpTimestamp {
        let held = self.ticks(self.framer.len());
        let since = self.heard_at.map_or(0, |at| self.config.clock.ticks(now.since(at)));
        self.timestamp.plus(held).plus(since)
    }

    /// Takes another name, because someone else has the same (RFC 3550 §8.2).
    pub fn rename(&mut self, ssrc: Ssrc) {
        self.config.ssrc = ssrc;
        self.marker = true;
    }

    /// This sender's name.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        self.config.ssrc
    }

    /// Samples per second it takes.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.encoder.sample_rate()
    }

    /// Samples per packet.
    #[must_use]
    pub const fn frame_samples(&self) -> usize {
        self.config.frame_samples
    }

    /// Samples by which the decoded sound lags behind the captured, beside the packet's own length.
    #[must_use]
    pub fn lookahead(&self) -> usize {
        self.encoder.lookahead()
    }

    /// Packets written so far.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes of payload in them.
    #[must_use]
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// Frames the encoder refused.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.failed
    }

    /// Samples given up because nobody asked for packets in time.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    fn give_up(&mut self, samples: usize) {
        if samples > 0 {
            self.timestamp = self.timestamp.plus(self.ticks(samples));
            self.marker = true;
            self.skipped += samples as u64;
        }
    }

    fn ticks(&self, samples: usize) -> u32 {
        u32::try_from(samples).unwrap_or(u32::MAX) / self.samples_per_tick
    }
}

impl core::fmt::Debug for Sender {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sender")
            .field("config", &self.config)
            .field("packets", &self.packets)
            .finish_non_exhaustive()
    }
}
