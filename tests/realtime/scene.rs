//! A call as the callbacks see it: packets lost, late, doubled, reordered, mangled; streams that restart; knobs that are
//! turned; a codec that changes in the middle. All of it made up front, from a seed.

use core::time::Duration;

use rove_base::{
    CodecId, CodecPlan, Entropy, Instant, MediaPlan, PayloadType, Route, RouteId, RouteKind, RtpTimestamp,
    SeqNumber, Ssrc, UdpFlow,
};
use rove_core::{
    codec,
    jitter::PacketSink,
    playout::PlayoutConfig,
    rtp::{RtpHeader, RtpView},
};
use rove_io::{
    bridge::{ControlEnds, MediaEnds, PacketTx},
    callback::{Input, Output, Wired, replacement, wire},
};

/// One call, ready to run, and the network around it.
pub(crate) struct Scene {
    pub(crate) input: Input,
    pub(crate) output: Output,
    pub(crate) now: Instant,
    /// Samples of one callback: 10 ms.
    pub(crate) pcm: Box<[f32]>,
    media: MediaEnds,
    control: ControlEnds,
    /// Senders for the playouts that take over later, in order.
    successors: Vec<PacketTx>,
    payloads: Vec<Vec<u8>>,
    entropy: Entropy,
    clock: u32,
    step: u32,
    seq: u16,
    timestamp: u32,
    ssrc: u32,
    /// Packets that were held back, to come out of order.
    held: Option<(Instant, [u8; DATAGRAM], usize)>,
}

const DATAGRAM: usize = 1_400;

/// A plan for `id` over loopback.
pub(crate) fn plan(id: CodecId) -> MediaPlan {
    let payload_type = PayloadType::from_header(if id == CodecId::Opus { 96 } else { 0 });
    let codec = CodecPlan { inband_fec: id == CodecId::Opus, ..CodecPlan::new(id, payload_type) };
    let rtp = UdpFlow { local: ([127, 0, 0, 1], 4_000).into(), remote: ([127, 0, 0, 1], 5_000).into() };
    let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp, rtcp: rtp };
    MediaPlan::builder(codec, "someone").route(route).build().unwrap()
}

/// `count` payloads of 20 ms of something like a voice.
pub(crate) fn payloads(id: CodecId, count: usize) -> Vec<Vec<u8>> {
    let mut encoder = codec::encoder_for(&plan(id)).unwrap();
    let frame = encoder.sample_rate() as usize / 50;
    let voice = voice(encoder.sample_rate(), frame * count);
    let mut out = [0; DATAGRAM];
    voice
        .chunks(frame)
        .map(|pcm| {
            let len = encoder.encode(pcm, &mut out).unwrap();
            out[..len].to_vec()
        })
        .collect()
}

/// `samples` of a buzz that comes and goes.
pub(crate) fn voice(rate: u32, samples: usize) -> Vec<f32> {
    let at = |i: usize| i as f32 / rate as f32;
    (0..samples)
        .map(|i| 0.5 * (at(i) * 900.0).sin() * (at(i) * 7_000.0).sin() * (at(i) * 9.0).sin())
        .collect()
}

impl Scene {
    pub(crate) fn new(id: CodecId, seed: u64) -> Self {
        let config = PlayoutConfig::default();
        let Wired { media, input, output, mut control, sample_rate } = wire(&plan(id), config).unwrap();
        let successors = (0..SUCCESSORS)
            .map(|_| {
                let (packets, playout) = replacement(&plan(id), sample_rate, config).unwrap();
                control.playouts.send(playout).unwrap();
                packets
            })
            .collect();
        Self {
            input,
            output,
            now: Instant::from_nanos(1_000_000_000),
            pcm: voice(sample_rate, sample_rate as usize / 100).into(),
            media,
            control,
            successors,
            payloads: payloads(id, 200),
            entropy: Entropy::from_number(seed),
            clock: plan(id).codec().id.clock_rate().hertz(),
            step: 0,
            seq: 0xfff0,
            timestamp: 0xffff_0000,
            ssrc: 1,
            held: None,
        }
    }

    /// 10 ms pass: the network and the user do what they do. Allocates nothing and calls no system either.
    pub(crate) fn advance(&mut self) {
        self.now += Duration::from_millis(10);
        self.step += 1;
        self.media.pcm.read(|_| ());
        self.turn_knobs();
        if self.step.is_multiple_of(2) {
            self.send();
        }
    }

    /// Whether everything that was meant to be met, was.
    pub(crate) fn assert_eventful(&mut self) {
        let meter = self.output.meter();
        let least = u64::from(self.step) / 20;
        assert!(meter.decoded_packets > least && meter.concealed > least, "{meter:?}");
        assert!(meter.late > 0 && meter.duplicates > 0 && meter.strays > 0 && meter.rebased > 0, "{meter:?}");
        assert!(meter.undecodable > 0 || self.clock == 8_000, "{meter:?}");
        assert_eq!(self.control.graveyard.clear(), SUCCESSORS, "the playouts that were replaced");
    }

    fn turn_knobs(&mut self) {
        match self.step % 500 {
            50 => self.control.output.update(|knobs| knobs.gain = 0.3),
            100 => self.control.output.update(|knobs| (knobs.gain, knobs.muted) = (1.0, true)),
            150 => self.control.output.update(|knobs| knobs.muted = false),
            200 => self
                .control
                .output
                .update(|knobs| (knobs.least_delay, knobs.path_delay) = (120 * MS, Some(30 * MS))),
            300 => {
                self.control.output.update(|knobs| (knobs.least_delay, knobs.path_delay) = (40 * MS, None));
            }
            350 => self.control.input.update(|knobs| knobs.gain = 2.0),
            400 => self.control.input.update(|knobs| (knobs.gain, knobs.muted) = (1.0, true)),
            450 => self.control.input.update(|knobs| knobs.muted = false),
            _ => {}
        }
    }

    fn send(&mut self) {
        let payload_type = PayloadType::from_header(if self.clock == 48_000 { 96 } else { 0 });
        let (seq, timestamp) = (self.seq, self.timestamp);
        self.seq = self.seq.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.clock / 50);
        let mut datagram = [0; DATAGRAM];
        let payload = &self.payloads[usize::from(seq) % self.payloads.len()];
        let mut len = 12 + payload.len();
        datagram[12..len].copy_from_slice(payload);
        let mut ssrc = self.ssrc;
        match self.entropy.next_u32() % 200 {
            0..10 => return,
            10..14 => self.entropy.fill(&mut datagram[12..len]),
            14..16 => len = 12,
            16..18 => ssrc = 0xbad,
            18 => {
                self.ssrc = self.ssrc.wrapping_add(1);
                (self.seq, self.timestamp) = (self.entropy.next_u32() as u16, self.entropy.next_u32());
            }
            19 => self.timestamp = self.timestamp.wrapping_add(self.entropy.next_u32()),
            20..30 if self.held.is_none() => {
                write_header(&mut datagram, payload_type, ssrc, seq, timestamp);
                self.held = Some((self.now, datagram, len));
                return;
            }
            _ => {}
        }
        write_header(&mut datagram, payload_type, ssrc, seq, timestamp);
        self.push(&datagram[..len]);
        match self.entropy.next_u32() % 20 {
            0 => self.push(&datagram[..len]),
            1..4 => {
                if let Some((_, held, len)) = self.held.take() {
                    self.push(&held[..len]);
                }
            }
            _ => {}
        }
    }

    /// Whoever plays now gets the packet: all rings do, and those of playouts that are gone overflow.
    fn push(&mut self, datagram: &[u8]) {
        let Ok(packet) = RtpView::parse(datagram) else { return };
        let arrived = self.now;
        let _ = self.media.packets.push(arrived, &packet);
        for successor in &mut self.successors {
            let _ = successor.push(arrived, &packet);
        }
    }
}

fn write_header(datagram: &mut [u8], payload_type: PayloadType, ssrc: u32, seq: u16, timestamp: u32) {
    let header = RtpHeader {
        marker: false,
        payload_type,
        seq: SeqNumber(seq),
        timestamp: RtpTimestamp(timestamp),
        ssrc: Ssrc(ssrc),
    };
    header.write(datagram).unwrap();
}

const MS: Duration = Duration::from_millis(1);
/// Playouts that take over at the start, one per callback.
const SUCCESSORS: usize = 3;
