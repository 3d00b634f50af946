//! From a frame to the packet it is sent in: what kind, behind which copies, under which number.

use core::time::Duration;

use rove_base::{PayloadType, RtpTimestamp, Scratch, SeqNumber, Span};
use rove_codecs::{Encoder, Tuning};

use super::{
    Distances, Scheme, SendState, SenderConfig,
    budget::Budget,
    comfort::{Comfort, Verdict},
    history::History,
    keys::{EventPacket, Keys},
};
use crate::rtp::{FIXED_HEADER_BYTES, RED_PRIMARY_HEADER_BYTES, RtpHeader, red_header, red_primary_header};

/// Everything behind the framer.
pub(super) struct Line {
    pub(super) encoder: Box<dyn Encoder>,
    pub(super) config: SenderConfig,
    seq: SeqNumber,
    /// Media time of the oldest sample in the framer.
    pub(super) timestamp: RtpTimestamp,
    pub(super) samples_per_tick: u32,
    /// The next packet is the first after a silence.
    pub(super) marker: bool,
    scheme: Scheme,
    /// Copies at the distances before the last change, and packets sent since.
    pub(super) leaving: (Distances, u8),
    pub(super) history: History,
    pub(super) budget: Budget,
    pub(super) keys: Keys,
    pub(super) comfort: Option<(PayloadType, Box<Comfort>)>,
    /// What the encoder was last told, and how many frames ago.
    pub(super) tuned: Option<Tuning>,
    untouched: u32,
    pub(super) packets: u64,
    pub(super) octets: u64,
    pub(super) failed: u64,
    /// Ticks of all frames so far.
    pub(super) elapsed: u64,
}

impl Line {
    /// Allocates all it will ever need.
    pub(super) fn new(encoder: Box<dyn Encoder>, config: SenderConfig) -> Self {
        Self {
            samples_per_tick: (encoder.sample_rate() / config.clock.hertz()).max(1),
            seq: config.first_seq,
            timestamp: config.first_timestamp,
            marker: true,
            scheme: Scheme::NONE,
            leaving: (Distances::NONE, u8::MAX),
            history: History::new(),
            budget: Budget::new(config.bitrate),
            keys: Keys::new(config.clock),
            comfort: config
                .comfort_noise
                .map(|number| (number, Box::new(Comfort::new(encoder.sample_rate())))),
            tuned: None,
            untouched: 0,
            packets: 0,
            octets: 0,
            failed: 0,
            elapsed: 0,
            encoder,
            config,
        }
    }

    /// Protects by `scheme` from the next packet on. Copies of what was sent before go on until each has had all it was
    /// promised; where they move further away, until the far ones have all come once.
    pub(super) fn set_scheme(&mut self, scheme: Scheme) {
        if scheme.copies != self.scheme.copies {
            self.leaving = (self.scheme.copies, 0);
        }
        self.scheme = scheme;
    }

    /// How it sends at the moment.
    pub(super) fn state(&self) -> SendState {
        let Self { scheme, config, budget, tuned, elapsed, octets, .. } = self;
        #[expect(clippy::cast_precision_loss, reason = "means, not counts")]
        let mean = |octets: u64| octets as f64 * 8.0 * f64::from(config.clock.hertz()) / *elapsed as f64;
        SendState {
            scheme: *scheme,
            codec_bitrate: tuned.and_then(|tuning| tuning.bitrate),
            packet_time: config.packet_time,
            limit: budget.limit(),
            mean_bitrate: (*elapsed > 0).then(|| mean(*octets) as u32),
        }
    }

    /// The packet for `frame`, if one is due.
    pub(super) fn send(&mut self, frame: &[f32], out: &mut Scratch) -> Option<Span> {
        let (timestamp, ticks) = (self.timestamp, self.ticks(frame.len()));
        self.timestamp = timestamp.plus(ticks);
        self.elapsed += u64::from(ticks);
        let span = match self.keys.next(timestamp, ticks) {
            Some(event) => self.tell(&event, out),
            None => self.sound(frame, timestamp, ticks, out),
        };
        let payload = span.len().saturating_sub(FIXED_HEADER_BYTES);
        self.budget.book(self.config.clock.duration(ticks), payload);
        if span.is_empty() {
            self.marker = true;
            return None;
        }
        self.seq = self.seq.plus(1);
        self.packets += 1;
        self.octets += payload as u64;
        Some(span)
    }

    /// The voice, or what stands for its absence.
    fn sound(&mut self, frame: &[f32], timestamp: RtpTimestamp, ticks: u32, out: &mut Scratch) -> Span {
        let duration = self.config.clock.duration(ticks);
        let verdict =
            self.comfort.as_mut().map(|(number, comfort)| (*number, comfort.judge(frame, duration)));
        match verdict {
            Some((_, Verdict::Nothing)) => Span::default(),
            Some((number, Verdict::Noise(noise))) => {
                let header = self.header(number, timestamp, false);
                self.marker = true;
                out.lend(FIXED_HEADER_BYTES + PAYLOAD_BYTES, |room| {
                    let Some((head, body)) = room.split_at_mut_checked(FIXED_HEADER_BYTES) else { return 0 };
                    let written = noise.write(body).ok().zip(header.write(head));
                    written.map_or(0, |(payload, head)| head + payload)
                })
            }
            Some((_, Verdict::Voice)) | None => {
                self.tune();
                self.voice(frame, timestamp, ticks, out)
            }
        }
    }

    /// A telephone event in place of the voice.
    fn tell(&mut self, event: &EventPacket, out: &mut Scratch) -> Span {
        let payload_type = self.config.telephone_event.unwrap_or(self.config.payload_type);
        let header = self.header(payload_type, event.timestamp, event.marker);
        self.marker = true;
        out.write(|out| {
            out.extend_from_slice(&header.to_bytes());
            out.extend_from_slice(&event.payload.to_bytes());
        })
    }

    /// The voice of `frame`, behind what copies there are of earlier payloads.
    fn voice(&mut self, frame: &[f32], timestamp: RtpTimestamp, ticks: u32, out: &mut Scratch) -> Span {
        let copies = self.next_copies();
        let plain = self.config.payload_type;
        let header = self.header(plain, timestamp, self.marker);
        let red = self.config.red;
        let Self { encoder, history, failed, .. } = self;
        let span = out.lend(FIXED_HEADER_BYTES + PAYLOAD_BYTES, |room| {
            let Some((head, body)) = room.split_at_mut_checked(FIXED_HEADER_BYTES) else { return 0 };
            let copied =
                red.and_then(|red| Some((red, write_copies(history, copies, plain, timestamp, body)?)));
            let (payload_type, front) = copied.unwrap_or((plain, 0));
            let header = RtpHeader { payload_type, ..header };
            let Some(primary) = body.get_mut(front..) else { return 0 };
            match encoder.encode(frame, primary) {
                Ok(0) => 0,
                Ok(len) => {
                    history.keep(timestamp, ticks, primary.get(..len).unwrap_or_default());
                    header.write(head).map_or(0, |head| head + front + len)
                }
                Err(_) => {
                    *failed += 1;
                    0
                }
            }
        });
        self.marker &= span.is_empty();
        span
    }

    /// The copies of the scheme, if they can be paid for.
    fn copies(&self) -> Distances {
        let Self { scheme: Scheme { copies, .. }, config, .. } = self;
        let affordable = self.budget.affords(config.packet_time, copies.copies(), LEAST_BITRATE);
        if affordable { *copies } else { Distances::NONE }
    }

    /// The copies of the next packet: those of the scheme, and after a change those of the one before that are still owed.
    fn next_copies(&mut self) -> Distances {
        let copies = self.copies();
        let (before, since) = self.leaving;
        let further = copies.reach() > before.reach();
        if since >= before.reach().max(copies.reach()) {
            return copies;
        }
        self.leaving.1 = since.saturating_add(1);
        let owed = before.as_slice().iter().filter(|distance| further || **distance > since);
        copies.and(owed.copied())
    }

    /// Tells the encoder what it may spend, when that has changed enough to matter.
    fn tune(&mut self) {
        let bitrate = self.budget.codec_bitrate(self.config.packet_time, self.copies().copies());
        let bitrate = bitrate.map(|bitrate| bitrate.max(LEAST_BITRATE));
        let tuning = Tuning { bitrate, redundancy: self.scheme.codec };
        self.untouched = self.untouched.saturating_add(1);
        let near = |a: u32, b: u32| a.abs_diff(b) <= a / RETUNE_SHARE;
        let same = self.tuned.is_some_and(|tuned| {
            let rate = match (tuned.bitrate, bitrate) {
                (Some(a), Some(b)) => {
                    near(a, b) || (self.untouched < RETUNE_FRAMES && a.abs_diff(b) <= a / 5)
                }
                (a, b) => a == b,
            };
            rate && tuned.redundancy == tuning.redundancy
        });
        if !same {
            // A refusal leaves the encoder as it was; asking again for the same would change nothing.
            let _ = self.encoder.tune(tuning);
            (self.tuned, self.untouched) = (Some(tuning), 0);
        }
    }

    const fn header(&self, payload_type: PayloadType, timestamp: RtpTimestamp, marker: bool) -> RtpHeader {
        RtpHeader { marker, payload_type, seq: self.seq, timestamp, ssrc: self.config.ssrc }
    }

    pub(super) fn ticks(&self, samples: usize) -> u32 {
        u32::try_from(samples).unwrap_or(u32::MAX) / self.samples_per_tick
    }

    pub(super) fn samples(&self, time: Duration) -> usize {
        let samples = u128::from(self.encoder.sample_rate()).saturating_mul(time.as_micros()) / 1_000_000;
        usize::try_from(samples).unwrap_or(usize::MAX)
    }
}

/// Writes RED's headers and the copies, oldest first, into the front of `out` (RFC 2198 §3), and answers their length.
/// `None` when there are none or they leave the voice no room; then nothing of worth was written.
fn write_copies(
    history: &History,
    copies: Distances,
    payload_type: PayloadType,
    timestamp: RtpTimestamp,
    out: &mut [u8],
) -> Option<usize> {
    let blocks = || {
        let oldest_first = copies.as_slice().iter().rev();
        oldest_first.filter_map(|distance| history.back(*distance, timestamp))
    };
    let mut at = 0;
    for (offset, copy) in blocks() {
        let header = red_header(payload_type, offset, copy.len())?;
        let room = out.get_mut(at..)?.first_chunk_mut()?;
        *room = header;
        at += header.len();
    }
    *out.get_mut(at)? = red_primary_header(payload_type);
    at += RED_PRIMARY_HEADER_BYTES;
    for (_, copy) in blocks() {
        out.get_mut(at..at + copy.len())?.copy_from_slice(copy);
        at += copy.len();
    }
    (at > RED_PRIMARY_HEADER_BYTES && at + LEAST_PRIMARY <= PAYLOAD_BYTES).then_some(at)
}

/// Differences of the codec's rate up to one part in so many are left alone,
const RETUNE_SHARE: u32 = 50;
/// and so are those up to a fifth for so many frames after the last change: a codec that is tuned all the time switches
/// its bandwidth all the time.
const RETUNE_FRAMES: u32 = 10;
/// The longest payload: what an Ethernet frame leaves of an RTP packet, with some room for tunnels and SRTP's tag.
const PAYLOAD_BYTES: usize = 1_400;
/// No codec here goes below, in bits per second (RFC 6716 §2.1.1).
const LEAST_BITRATE: u32 = 6_000;
/// Bytes left to the voice behind its copies, at least.
const LEAST_PRIMARY: usize = 400;
