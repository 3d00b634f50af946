//! A call over an impaired link in virtual time: what will it sound like, and what will each end know of it.
//!
//! ```text
//!  speech ─▶ Stream ─▶ Link ─▶ Stream ─▶ rings ─▶ playout ─▶ recording
//!              ▲                 │
//!              └──── Link ◀──────┘   reports, and the other end's silence
//! ```
//! Both ends are what runs in a real call: streams, rings, callbacks and playout. What both could agree on is agreed:
//! redundant audio (RFC 2198), in-band error correction, telephone events, comfort noise where the codec has none of its own.
//! Both ends read one clock, so that delays one way can be measured. The link does the same to both directions, with draws of
//! their own. Reports take the same link; only the farewell always arrives, so that the receiver learns how much was sent.

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::cast_precision_loss, reason = "packets and samples of a call stay far below 2⁵³")]

mod end;
mod recording;
mod report;
mod speech;
#[cfg(test)]
mod tests;
mod truth;
mod way;

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{
    CodecId, CodecPlan, Entropy, Instant, MediaPlan, Now, PayloadType, PayloadTypes, PlanError, Quality,
    Route, RouteId, RouteKind, RtpTimestamp, Scratch, Step, UdpFlow, UnixTime,
};
use rove_codecs::CodecError;
use rove_core::{
    codec,
    playout::{PlayoutConfig, PlayoutMeter},
    send::SendState,
    stream::{StreamError, StreamEvent},
};

use self::{
    end::{End, PERIOD},
    recording::Recording,
    speech::Speech,
    truth::Truth,
    way::Way,
};
use crate::{netem::Impairments, replay::Upsampler};

pub use report::{Delay, Path, Recovered, Second, Simulated};
pub(crate) use report::{Waits, millis, percent, score, thousandths};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The codec, under its usual payload type.
    pub codec: CodecId,
    /// Duration of one packet; one that [`CodecId::packet_time`] gives.
    pub packet_time: Duration,
    /// Bits per second of RTP payload that may be spent on average, all redundancy included; `None` leaves it to the codec.
    pub bitrate: Option<u32>,
    /// What the link does, in each direction.
    pub link: Impairments,
    /// How the receiver plays.
    pub playout: PlayoutConfig,
    /// Decides all that is left to chance.
    pub seed: u64,
}

impl Default for Scenario {
    /// Opus in packets of 20 ms over a link of 40 ms and no impairments.
    fn default() -> Self {
        Self {
            codec: CodecId::Opus,
            packet_time: Duration::from_millis(20),
            bitrate: None,
            link: Impairments::delay(Duration::from_millis(40)),
            playout: PlayoutConfig::default(),
            seed: 1,
        }
    }
}

/// Why a call cannot be simulated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The codec and its settings make no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The codec refuses.
    #[error("{0}")]
    Codec(#[from] CodecError),
    /// The stream refuses.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The codec's rate does not lead to 48 kHz.
    #[error("{0} samples per second cannot be recorded at 48000")]
    Rate(u32),
    /// Whoever watches had enough.
    #[error("stopped before the end")]
    Stopped,
}

impl Scenario {
    /// Samples per second that the codec takes and gives.
    ///
    /// # Errors
    ///
    /// [`SimulationError`] when there is no such codec in this build.
    pub fn sample_rate(&self) -> Result<u32, SimulationError> {
        Ok(codec::decoder_for(&self.plan(0)?)?.sample_rate())
    }

    /// Simulates a call in which `clip`, at [`Scenario::sample_rate`], is said again and again for `samples` samples.
    ///
    /// What the far end hears goes to `write` piece by piece, mono at 48 kHz: from where the first sample said is played, or
    /// would have been, had it come, until the last packet is played; never shorter than what was said. `watch` is told each
    /// simulated second how far the call is, and ends it by `false`.
    ///
    /// # Errors
    ///
    /// [`SimulationError`].
    pub fn run(
        &self,
        clip: &[f32],
        samples: u64,
        write: &mut dyn FnMut(&[f32]),
        watch: &mut dyn FnMut(Duration) -> bool,
    ) -> Result<Simulated, SimulationError> {
        let mut call = Call::new(self, clip, samples, write)?;
        let mut tell_at = call.start;
        while !call.is_over() {
            call.step();
            if call.now.mono >= tell_at {
                tell_at += Duration::from_secs(1);
                if !watch(call.now.mono.since(call.start)) {
                    return Err(SimulationError::Stopped);
                }
            }
        }
        Ok(call.finish(self, samples))
    }

    /// What both ends have agreed on, as end 0 or 1 sees it.
    fn plan(&self, end: usize) -> Result<MediaPlan, SimulationError> {
        let both = |number| PayloadType::new(number).map(PayloadTypes::both);
        let mut codec = CodecPlan::new(self.codec, payload_type(self.codec));
        codec.packet_time = self.packet_time;
        codec.bitrate = self.bitrate;
        codec.inband_fec = self.codec == CodecId::Opus;
        codec.red = both(63);
        codec.telephone_event = both(101);
        codec.comfort_noise = both(13).filter(|_| self.codec.clock_rate().hertz() == 8_000);
        let flow = flow(end);
        let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: flow, rtcp: flow };
        Ok(MediaPlan::builder(codec, format!("simulated-{end}")).route(route).shared_clock(true).build()?)
    }
}

/// The number a codec has without SDP: that of RFC 3551, or the one most used.
pub(crate) fn payload_type(codec: CodecId) -> PayloadType {
    PayloadType::from_header(match codec {
        CodecId::Pcmu => 0,
        CodecId::Pcma => 8,
        CodecId::G722 => 9,
        CodecId::L16 => 96,
        _ => 111,
    })
}

/// The way of the packets that an end sends; addresses are those for documentation (RFC 5737).
fn flow(end: usize) -> UdpFlow {
    let at = |last| SocketAddr::from(([192, 0, 2, last], 4_000));
    let (local, remote) = if end == SPEAKER { (at(1), at(2)) } else { (at(2), at(1)) };
    UdpFlow { local, remote }
}

struct Call<'a> {
    start: Instant,
    now: Now,
    ends: [End; 2],
    way: Way,
    scratch: Scratch,
    speech: Speech<'a>,
    silence: Speech<'a>,
    /// Samples said before the speaker falls silent: all, with the codec's look-ahead, in whole packets.
    last_word: u64,
    hangs_up: Option<Instant>,
    gone: bool,
    truth: Truth,
    recording: Recording<'a>,
    waits: Waits,
    meter: PlayoutMeter,
    last_decoded: Instant,
    last_arrived: Instant,
    wakes: [Option<Instant>; 2],
    quality: Vec<Quality>,
    /// How the speaker sent when each of `quality` was measured.
    sending: Vec<SendState>,
}

impl<'a> Call<'a> {
    fn new(
        scenario: &Scenario,
        clip: &'a [f32],
        samples: u64,
        write: &'a mut dyn FnMut(&[f32]),
    ) -> Result<Self, SimulationError> {
        let mut entropy = Entropy::from_number(scenario.seed);
        let now = Now { mono: Instant::ZERO, wall: START };
        // The callbacks of two machines never come at the same moment.
        let phase = PERIOD.mul_f64(entropy.unit());
        let way = Way::new(&scenario.link, &mut entropy);
        let mut end =
            |index, first| End::new(now, first, &scenario.plan(index)?, scenario.playout, entropy.fork());
        let ends = [end(SPEAKER, now.mono)?, end(LISTENER, now.mono + phase)?];
        let [speaker, listener] = &ends;
        let (rate, frame) = (speaker.rate(), speaker.frame_samples() as u64);
        let upsampler = Upsampler::new(listener.rate()).ok_or(SimulationError::Rate(listener.rate()))?;
        let samples_per_tick = rate / scenario.codec.clock_rate().hertz().max(1);
        let samples_per_tick = usize::try_from(samples_per_tick).unwrap_or(1).max(1);
        let padded = samples.saturating_add(u64::from(rate / LOOKAHEAD_PER_SECOND));
        Ok(Self {
            start: now.mono,
            now,
            ends,
            way,
            scratch: Scratch::default(),
            speech: Speech::new(clip, samples),
            silence: Speech::new(&[], 0),
            last_word: padded.checked_next_multiple_of(frame.max(1)).unwrap_or(padded),
            hangs_up: None,
            gone: false,
            truth: Truth::default(),
            recording: Recording::new(upsampler, samples_per_tick, write),
            waits: Waits::default(),
            meter: PlayoutMeter::default(),
            last_decoded: now.mono,
            last_arrived: now.mono,
            wakes: [Some(now.mono); 2],
            quality: Vec::new(),
            sending: Vec::new(),
        })
    }

    /// Goes on to the next moment at which something happens.
    fn step(&mut self) {
        let [speaker, listener] = self.wakes;
        let next = Instant::earliest(Instant::earliest(speaker, listener), self.way.next_arrival());
        let next = Instant::earliest(next, self.hangs_up.filter(|_| !self.gone));
        let next = next.unwrap_or(self.now.mono).max(self.now.mono);
        self.now = self.now.later(next.since(self.now.mono));
        self.deliver();
        self.tick();
        self.drain(SPEAKER);
        self.drain(LISTENER);
        if !self.gone && self.hangs_up.is_some_and(|at| at <= self.now.mono) {
            self.gone = true;
            let now = self.now;
            if let Some(speaker) = self.ends.get_mut(SPEAKER) {
                speaker.hang_up(now);
            }
            self.drain(SPEAKER);
        }
    }

    fn deliver(&mut self) {
        while let Some(datagram) = self.way.arrived(self.now.mono) {
            if datagram.to == LISTENER {
                self.last_arrived = self.now.mono;
                if let Some(timestamp) = datagram.timestamp {
                    self.truth.arrived(datagram.sent, datagram.at);
                    self.recording.arrived(RtpTimestamp(timestamp));
                }
            }
            if let Some(end) = self.ends.get_mut(datagram.to) {
                end.receive(self.now, flow(datagram.to), &datagram.bytes);
            }
        }
    }

    fn tick(&mut self) {
        let Self { ends: [speaker, listener], speech, silence, now, .. } = self;
        let speaking = speech.said() < self.last_word;
        speaker.tick(*now, speaking.then_some(speech));
        if !speaking && self.hangs_up.is_none() {
            self.hangs_up = Some(now.mono + REST);
        }
        let Some(block) = listener.tick(*now, Some(silence)).map(<[f32]>::to_vec) else { return };
        let meter = listener.meter();
        let decoded = meter.decoded_packets.saturating_sub(self.meter.decoded_packets);
        self.waits.add(decoded, meter.waited.saturating_sub(self.meter.waited));
        self.meter = meter;
        if decoded > 0 {
            self.last_decoded = now.mono;
        }
        let lead = |first: Instant| first.since(now.mono).as_secs_f64() * f64::from(listener.rate());
        let begins = meter.first_played.map(|first| lead(first).round() as usize);
        self.recording.heard(&block, begins, decoded > 0);
    }

    fn drain(&mut self, end: usize) {
        let Some(machine) = self.ends.get_mut(end) else { return };
        loop {
            self.scratch.clear();
            match machine.poll(&mut self.scratch) {
                Step::Send(transmit) => {
                    let bytes = self.scratch.get(transmit.range);
                    let sent = self.way.send(self.now.mono, end, bytes, self.hangs_up.is_some());
                    if let (SPEAKER, Some(media)) = (end, sent) {
                        self.truth.sent(media.payload, media.arrives);
                        self.recording.sent(media.timestamp);
                    }
                }
                Step::Event(StreamEvent::Quality(quality)) if end == LISTENER => {
                    self.quality.push(quality);
                    return self.note_sending();
                }
                Step::Wait(wake) => {
                    if let Some(slot) = self.wakes.get_mut(end) {
                        *slot = wake;
                    }
                    return;
                }
                _ => {}
            }
        }
    }

    /// Notes how the speaker sends, beside what was just measured, and goes on.
    fn note_sending(&mut self) {
        let [speaker, _] = &self.ends;
        self.sending.push(speaker.sending());
        self.drain(LISTENER);
    }

    fn is_over(&self) -> bool {
        let quiet = self.now.mono.since(self.last_decoded.max(self.last_arrived)) > TAIL;
        self.gone && quiet && !self.way.is_leading_to(LISTENER)
    }

    fn finish(self, scenario: &Scenario, samples: u64) -> Simulated {
        let Self { ends: [speaker, listener], .. } = self;
        let rate = f64::from(speaker.rate());
        let block = usize::try_from(speaker.rate()).unwrap_or(0) / 100;
        self.recording.finish(speaker.frame_samples() + block, samples);
        let summary = listener.summary();
        let seconds = self.last_word as f64 / rate;
        let kbps = self.truth.payload() as f64 * 8.0 / 1_000.0 / seconds;
        let during = |quality: &&Quality| quality.at <= self.last_decoded;
        Simulated {
            seed: scenario.seed,
            truth: self.truth.path().rounded(),
            reported: Path::reported(&summary),
            bitrate_kbps: (samples > 0).then(|| thousandths(kbps)),
            playout_delay_ms: self.waits.delay(),
            concealed_percent: summary.concealed.map(percent),
            mos_lq: summary.mos_lq.map(score),
            mos: summary.mos.map(score),
            mos_band: summary.band.name().into(),
            codec: scenario.codec.to_string(),
            seconds: thousandths(samples as f64 / rate),
            mouth_to_ear_ms: summary.mouth_to_ear.map(millis),
            late: summary.late,
            stretched_percent: (self.meter.played > 0).then(|| {
                thousandths(
                    self.meter.accelerated.saturating_add(self.meter.preempted) as f64 * 100.0
                        / self.meter.played as f64,
                )
            }),
            recovered: Recovered {
                red: self.meter.recovered_red,
                inband: self.meter.recovered_inband,
                deep: self.meter.recovered_deep,
            },
            quality: self
                .quality
                .iter()
                .filter(during)
                .zip(&self.sending)
                .map(|(quality, sending)| Second::new(self.start, quality).sent(sending))
                .collect(),
        }
    }
}

/// Who speaks.
const SPEAKER: usize = 0;
/// Who listens, and is silent.
const LISTENER: usize = 1;
/// What both wall clocks show when the call begins: an hour on the first day of 2024.
const START: UnixTime = UnixTime::from_secs(1_704_067_200);
/// A hundredth of a second is more than any codec here looks ahead: so much silence is sent after the last word.
const LOOKAHEAD_PER_SECOND: u32 = 100;
/// From the last word to the farewell: whatever is still to be sent is sent by then.
const REST: Duration = Duration::from_millis(100);
/// When nothing has come and nothing was decoded for this long, the last packet has been played.
const TAIL: Duration = Duration::from_millis(300);
