//! One packet per frame: encoded straight into the buffer it is sent from, numbered and stamped.

use core::time::Duration;

use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, Scratch, SeqNumber, Span, Ssrc};
use rove_codecs::{Encoder, Tuning, telephone_event::DtmfKey};

use super::{
    Distances, Scheme,
    budget::Budget,
    comfort::{Comfort, Verdict},
    history::History,
    keys::{EventPacket, Keys},
};
use crate::{
    capture::Framer,
    rtp::{FIXED_HEADER_BYTES, RED_PRIMARY_HEADER_BYTES, RtpHeader, red_header, red_primary_header},
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
    framer: Framer,
    line: Line,
    heard_at: Option<Instant>,
    skipped: u64,
}

/// Everything behind the framer.
struct Line {
    encoder: Box<dyn Encoder>,
    config: SenderConfig,
    seq: SeqNumber,
    /// Media time of the oldest sample in the framer.
    timestamp: RtpTimestamp,
    samples_per_tick: u32,
    /// The next packet is the first after a silence.
    marker: bool,
    scheme: Scheme,
    history: History,
    budget: Budget,
    keys: Keys,
    comfort: Option<(PayloadType, Comfort)>,
    /// What the encoder was last told, and how many frames ago.
    tuned: Option<Tuning>,
    untouched: u32,
    packets: u64,
    octets: u64,
    failed: u64,
    /// Ticks of all frames so far.
    elapsed: u64,
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
            line: Line {
                samples_per_tick: (encoder.sample_rate() / config.clock.hertz()).max(1),
                seq: config.first_seq,
                timestamp: config.first_timestamp,
                marker: true,
                scheme: Scheme::NONE,
                history: History::new(),
                budget: Budget::new(config.bitrate),
                keys: Keys::new(config.clock),
                comfort: config.comfort_noise.map(|number| (number, Comfort::new(encoder.sample_rate()))),
                tuned: None,
                untouched: 0,
                packets: 0,
                octets: 0,
                failed: 0,
                elapsed: 0,
                encoder,
                config,
            },
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
        self.line.scheme = Scheme { copies, ..scheme };
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
        let Line { scheme, config, budget, tuned, elapsed, octets, .. } = &self.line;
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

impl Line {
    /// The packet for `frame`, if one is due.
    fn send(&mut self, frame: &[f32], out: &mut Scratch) -> Option<Span> {
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
        let copies = self.copies();
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

    fn ticks(&self, samples: usize) -> u32 {
        u32::try_from(samples).unwrap_or(u32::MAX) / self.samples_per_tick
    }

    fn samples(&self, time: Duration) -> usize {
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
