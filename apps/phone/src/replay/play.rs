//! The clock of a replay: packets go in when they came, sound comes out every 10 ms.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{
    CodecPlan, Direction, Entropy, Instant, Machine, MediaPlan, Now, PayloadTypes, PlanError, Quality, Route,
    RouteId, RouteKind, Scratch, Step, UdpFlow, UnixTime,
};
use rove_codecs::CodecError;
use rove_core::{
    codec,
    playout::{Formats, Playout, PlayoutConfig, PlayoutMeter},
    stream::{MediaInput, Stream, StreamError, StreamEvent},
};
use rove_io::bridge::{PacketRx, PacketTx, Sizes, packet_ring};

use super::{
    Capture, CaptureError, Counts, Format, FormatMap, Row, Source, Upsampler,
    select::{Selection, select},
};
use crate::simulate::{Delay, Second, Waits, millis, percent, score, thousandths};

/// How a capture is played.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// When the first 10 ms are asked for, after 0.
    pub phase: Duration,
    /// What payload types are.
    pub formats: FormatMap,
    /// The stream; `None` takes the first one.
    pub ssrc: Option<u32>,
    /// How the receiver plays.
    pub playout: PlayoutConfig,
}

/// Why a capture cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file does not have it.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The codec is not in this build.
    #[error("{0}")]
    Codec(#[from] CodecError),
    /// The stream refuses.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The plan refuses.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The codec's rate does not lead to 48 kHz.
    #[error("{0} samples per second cannot be recorded at 48000")]
    Rate(u32),
    /// Whoever watches had enough.
    #[error("stopped before the end")]
    Stopped,
}

/// What happened in a call. What was not measured is `None`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Replayed {
    /// What the file holds.
    pub file: Counts,
    /// Its streams, in the order they begin, 100 at most.
    pub streams: Vec<Source>,
    /// The codec that was played.
    pub codec: String,
    /// How long was played, in s.
    pub seconds: f64,
    /// Packets of the stream that counted.
    pub received: u64,
    /// Packets expected less those received.
    pub lost: u64,
    /// Lost over expected, in percent.
    pub loss_percent: Option<f64>,
    /// Packets that were not used: unknown payload type, too long, of a source not believed yet, no room.
    pub refused: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1) at the end, in ms.
    pub jitter_ms: Option<f64>,
    /// From the arrival of a packet to its playing.
    pub playout_delay_ms: Delay,
    /// Share of the played time that was invented because no packet was there, in percent.
    pub concealed_percent: Option<f64>,
    /// Listening quality by the E-model, 1 to 5.
    pub mos_lq: Option<f64>,
    /// The band it is meant for.
    pub mos_band: String,
    /// Each second.
    pub quality: Vec<Second>,
}

impl Replay {
    /// Plays `capture`. Each 10 ms `show` gets a row and 480 samples of 48 kHz, and ends it all by `false`. The last 10 ms
    /// are asked for 400 ms after the last packet at the latest.
    ///
    /// # Errors
    ///
    /// [`ReplayError`].
    pub fn run(
        &self,
        capture: &Capture<'_>,
        show: &mut dyn FnMut(&Row, &[f32]) -> bool,
    ) -> Result<Replayed, ReplayError> {
        let selection = select(capture, &self.formats, self.ssrc)?;
        let origin = match selection.packets.first() {
            Some(first) if !capture.is_anchored() => first.at,
            _ => 0,
        };
        let arrival = |at: i64| Instant::from_nanos(u64::try_from(at.saturating_sub(origin)).unwrap_or(0));
        let last = selection.packets.last().map_or(Instant::ZERO, |packet| arrival(packet.at));
        if last.since(Instant::ZERO) > LONGEST {
            return Err(CaptureError::TooLong(last.since(Instant::ZERO).as_secs() / 3_600).into());
        }
        let mut player = Player::new(self, &selection)?;
        let mut packets =
            selection.packets.iter().map(|packet| (arrival(packet.at), packet.bytes)).peekable();
        let mut at = Instant::ZERO + self.phase;
        while at <= last + TAIL {
            while let Some((arrived, bytes)) = packets.next_if(|(arrived, _)| *arrived <= at) {
                player.receive(arrived, bytes);
            }
            if !player.pull(at, show) {
                return Err(ReplayError::Stopped);
            }
            at += PERIOD;
        }
        Ok(player.finish(capture, selection))
    }

    fn plan(&self, selection: &Selection<'_>) -> Result<MediaPlan, PlanError> {
        let both = |format| self.formats.number_of(format).map(PayloadTypes::both);
        let mut codec = CodecPlan::new(selection.codec, selection.payload_type);
        codec.red = both(Format::Red);
        codec.telephone_event = both(Format::TelephoneEvent);
        codec.comfort_noise = both(Format::ComfortNoise);
        codec.inband_fec = true;
        let flow = flow();
        let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: flow, rtcp: flow };
        MediaPlan::builder(codec, "replay").route(route).direction(Direction::RecvOnly).build()
    }
}

struct Player {
    stream: Stream<PacketTx>,
    playout: Playout<PacketRx>,
    upsampler: Upsampler,
    block: Vec<f32>,
    sound: Vec<f32>,
    meter: PlayoutMeter,
    concealed: u64,
    pulls: u64,
    waits: Waits,
    quality: Vec<Quality>,
    scratch: Scratch,
}

impl Player {
    fn new(replay: &Replay, selection: &Selection<'_>) -> Result<Self, ReplayError> {
        let plan = replay.plan(selection)?;
        let decoder = codec::decoder_for(&plan)?;
        let rate = decoder.sample_rate();
        let (tx, rx) = packet_ring(Sizes::default().packets);
        let block = usize::try_from(rate / PULLS_PER_SECOND).unwrap_or(0);
        Ok(Self {
            stream: Stream::new(now(Instant::ZERO), &plan, tx, Entropy::from_number(OWN))?,
            playout: Playout::new(rx, decoder, Formats::of(&plan), replay.playout),
            upsampler: Upsampler::new(rate).ok_or(ReplayError::Rate(rate))?,
            block: vec![0.0; block],
            sound: Vec::new(),
            meter: PlayoutMeter::default(),
            concealed: 0,
            pulls: 0,
            waits: Waits::default(),
            quality: Vec::new(),
            scratch: Scratch::default(),
        })
    }

    fn receive(&mut self, arrived: Instant, bytes: &[u8]) {
        self.stream.handle(now(arrived), MediaInput::Datagram { flow: flow(), bytes, arrived });
    }

    fn pull(&mut self, at: Instant, show: &mut dyn FnMut(&Row, &[f32]) -> bool) -> bool {
        self.playout.pull(at, &mut self.block);
        self.sound.clear();
        self.upsampler.push(&self.block, &mut self.sound);
        let meter = self.playout.meter();
        let decoded = meter.decoded_packets.saturating_sub(self.meter.decoded_packets);
        self.waits.add(decoded, meter.waited.saturating_sub(self.meter.waited));
        self.meter = meter;
        self.pulls = self.pulls.saturating_add(1);
        self.stream.handle(now(at), MediaInput::Meter(meter));
        self.stream.tick(now(at));
        loop {
            self.scratch.clear();
            match self.stream.poll(&mut self.scratch) {
                Step::Event(StreamEvent::Quality(quality)) => self.quality.push(quality),
                Step::Wait(_) => break,
                _ => {}
            }
        }
        let factor = self.sound.len().checked_div(self.block.len()).unwrap_or(1);
        let trace = self.playout.trace();
        let mut row = Row::new(at.as_nanos() / 1_000, &trace, u64::try_from(factor).unwrap_or(1));
        let invented = trace.concealed.saturating_sub(self.concealed);
        self.concealed = trace.concealed;
        row.muted = usize::try_from(invented).is_ok_and(|invented| invented >= self.block.len())
            && self.block.iter().all(|sample| *sample == 0.0);
        show(&row, &self.sound)
    }

    fn finish(self, capture: &Capture<'_>, selection: Selection<'_>) -> Replayed {
        let quality = self.stream.summary();
        let refused = self.stream.refused();
        let refused = [
            refused.malformed,
            refused.payload_type,
            refused.oversized,
            refused.unproven,
            refused.looped,
            refused.overrun,
        ];
        let expected = quality.received.saturating_add(quality.lost);
        let mut streams = selection.sources;
        streams.sort_by_key(|source| !source.played);
        streams.truncate(MOST_STREAMS);
        Replayed {
            file: capture.counts(),
            streams,
            codec: selection.codec.to_string(),
            seconds: thousandths(self.pulls as f64 / f64::from(PULLS_PER_SECOND)),
            received: quality.received,
            lost: quality.lost,
            loss_percent: (expected > 0).then(|| thousandths(quality.lost as f64 * 100.0 / expected as f64)),
            refused: refused.into_iter().fold(0, u64::saturating_add),
            late: quality.late,
            duplicates: self.meter.duplicates,
            jitter_ms: quality.jitter.map(millis),
            playout_delay_ms: self.waits.delay(),
            concealed_percent: quality.concealed.map(percent),
            mos_lq: quality.mos_lq.map(score),
            mos_band: quality.band.name().into(),
            quality: self.quality.iter().map(|quality| Second::new(Instant::ZERO, quality)).collect(),
        }
    }
}

/// The wall clock of a replay begins in 2024: nothing in a capture depends on it.
fn now(mono: Instant) -> Now {
    Now { mono, wall: UnixTime::from_secs(1_704_067_200) + mono.since(Instant::ZERO) }
}

/// The one way there is; addresses are those for documentation (RFC 5737).
fn flow() -> UdpFlow {
    let at = |last| SocketAddr::from(([192, 0, 2, last], 4_000));
    UdpFlow { local: at(1), remote: at(2) }
}

/// The seed of this end's own name, which nobody hears.
const OWN: u64 = 0x7265_706c_6179;
const PERIOD: Duration = Duration::from_millis(10);
const PULLS_PER_SECOND: u32 = 100;
/// After the last packet, so long is listened to what is left.
const TAIL: Duration = Duration::from_millis(400);
/// Nobody listens for longer.
const LONGEST: Duration = Duration::from_secs(100 * 3_600);
const MOST_STREAMS: usize = 100;
