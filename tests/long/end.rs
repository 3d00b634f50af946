//! One end of a long call: the real stream, ring and playout.

use rove_base::{
    CodecId, CodecPlan, Entropy, Instant, Machine, MediaPlan, Now, PayloadType, Route, RouteId, RouteKind,
    RtpTimestamp, Scratch, SeqNumber, SrtpKeys, SrtpProfile, Ssrc, Step, Transmit, UdpFlow,
};
use rove_core::{
    codec,
    playout::{Formats, Playout, PlayoutConfig},
    stream::{FirstNumbers, MediaInput, Stream, StreamEvent},
};
use rove_io::bridge::{PacketRx, PacketTx, packet_ring};

/// A stream with what plays it.
pub(crate) struct End {
    pub(crate) stream: Stream<PacketTx>,
    pub(crate) playout: Playout<PacketRx>,
    pub(crate) first: FirstNumbers,
    /// Samples captured, and RTP packets sent.
    pub(crate) captured: u64,
    pub(crate) sent: u64,
    pub(crate) round_trips: (core::time::Duration, core::time::Duration),
    out: Vec<f32>,
    clip: Vec<f32>,
    at: usize,
}

impl End {
    pub(crate) fn new(now: Now, id: CodecId, forth: bool) -> Self {
        let plan = plan(id, forth);
        let first = FirstNumbers {
            ssrc: Ssrc(0x1000 + u32::from(forth)),
            seq: SeqNumber(u16::MAX - 40),
            timestamp: RtpTimestamp(u32::MAX - plan.codec().id.clock_rate().hertz() * 7),
            // The packet index, of 48 bits, has no wrap that a key may survive: only its halves and its sign do.
            rollover: (1 << 31) - 1,
            srtcp_index: (1 << 30) - 3,
            packets: u32::MAX - 100,
            octets: u32::MAX - 20_000,
        };
        let (tx, rx) = packet_ring(64);
        let stream =
            Stream::beginning_at(now, &plan, tx, Entropy::from_number(u64::from(forth)), first).unwrap();
        let decoder = codec::decoder_for(&plan).unwrap();
        let rate = stream.pcm_rate();
        Self {
            playout: Playout::new(rx, decoder, Formats::of(&plan), PlayoutConfig::default()),
            stream,
            first,
            captured: 0,
            sent: 0,
            round_trips: NO_ROUND_TRIPS,
            out: vec![0.0; (rate / 100) as usize],
            clip: clip(rate),
            at: 0,
        }
    }

    /// 10 ms of the sound card's time.
    pub(crate) fn callback(&mut self, now: Now) {
        let block = self.out.len();
        if self.at + block > self.clip.len() {
            self.at = 0;
        }
        self.stream.handle(now, MediaInput::Pcm(&self.clip[self.at..self.at + block]));
        self.at += block;
        self.captured += block as u64;
        self.playout.pull(now.mono, &mut self.out);
        self.stream.handle(now, MediaInput::Meter(self.playout.meter()));
    }

    pub(crate) fn receive(&mut self, now: Now, arrived: Instant, flow: UdpFlow, bytes: &[u8]) {
        let flow = UdpFlow { local: flow.remote, remote: flow.local };
        self.stream.handle(now, MediaInput::Datagram { flow, bytes, arrived });
    }

    /// The next packet it sends.
    pub(crate) fn next(&mut self, out: &mut Scratch) -> Option<Transmit> {
        loop {
            match self.stream.poll(out) {
                Step::Send(transmit) => return Some(transmit),
                Step::Event(StreamEvent::Quality(quality)) => {
                    if let Some(trip) = quality.round_trip {
                        let (least, most) = self.round_trips;
                        self.round_trips = (least.min(trip), most.max(trip));
                    }
                }
                Step::Event(_) => {}
                _ => return None,
            }
        }
    }

    /// The timestamp of the sample that is captured next.
    pub(crate) const fn timestamp(&self) -> RtpTimestamp {
        RtpTimestamp(self.first.timestamp.0.wrapping_add(self.captured as u32))
    }
}

pub(crate) const NO_ROUND_TRIPS: (core::time::Duration, core::time::Duration) =
    (core::time::Duration::MAX, core::time::Duration::ZERO);

/// RTP on ports 4 and 6, RTCP on 5 and 7, seen from one end when `forth`; a key each way.
fn plan(id: CodecId, forth: bool) -> MediaPlan {
    let flow = |local: u16, remote: u16| {
        let (here, there) = (([10, 0, 0, 1], local).into(), ([10, 0, 0, 2], remote).into());
        if forth { UdpFlow { local: here, remote: there } } else { UdpFlow { local: there, remote: here } }
    };
    let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: flow(4, 6), rtcp: flow(5, 7) };
    let number = if id == CodecId::Opus { 96 } else { 0 };
    let codec = CodecPlan::new(id, PayloadType::from_header(number));
    let (send, receive) = if forth { ([1; 28], [2; 28]) } else { ([2; 28], [1; 28]) };
    let keys = SrtpKeys::new(SrtpProfile::AeadAes128Gcm, &send, &receive).unwrap();
    MediaPlan::builder(codec, "end").route(route).srtp(keys).build().unwrap()
}

/// Seven seconds of something like speech: a voice of 140 Hz that swells and ebbs.
fn clip(rate: u32) -> Vec<f32> {
    let voice = |n: u32| {
        let t = f64::from(n) / f64::from(rate);
        let loudness = 0.2 + 0.2 * (t * core::f64::consts::TAU * 3.0).sin();
        let tone = |harmonic: f64| (t * core::f64::consts::TAU * 140.0 * harmonic).sin() / harmonic;
        (loudness * (tone(1.0) + tone(2.0) + tone(3.0) + tone(5.0))) as f32
    };
    (0..7 * rate).map(voice).collect()
}
