//! No allocation per packet on the media thread either: a stream sends and receives, once it is warm.

use core::time::Duration;

use rove_base::{
    CodecId, Entropy, Flow, Instant, Machine, MediaPlan, Now, Route, Scratch, Step, Transmit, UdpFlow,
    UnixTime,
};
use rove_core::stream::{MediaInput, Stream, StreamEvent};
use rove_io::bridge::{PacketRx, PacketTx, packet_ring};

use crate::{guard::no_alloc, scene};

struct End {
    stream: Stream<PacketTx>,
    packets: PacketRx,
    scratch: Scratch,
    sent: Vec<Transmit>,
    qualities: u32,
}

impl End {
    fn new(now: Now, plan: &MediaPlan, seed: u64) -> Self {
        let (tx, packets) = packet_ring(64);
        Self {
            stream: Stream::new(now, plan, tx, Entropy::from_number(seed)).unwrap(),
            packets,
            scratch: Scratch::with_capacity(16_384),
            sent: Vec::with_capacity(64),
            qualities: 0,
        }
    }

    fn drain(&mut self) {
        self.scratch.clear();
        self.sent.clear();
        loop {
            match self.stream.poll(&mut self.scratch) {
                Step::Send(transmit) => self.sent.push(transmit),
                Step::Event(StreamEvent::Quality(_)) => self.qualities += 1,
                Step::Event(_) => {}
                _ => return,
            }
        }
    }
}

/// What `from` has sent arrives at `to`.
fn deliver(from: &End, to: &mut End, now: Now) {
    for transmit in &from.sent {
        let Flow::Udp(UdpFlow { local, remote }) = transmit.flow else { continue };
        let flow = UdpFlow { local: remote, remote: local };
        let bytes = from.scratch.get(transmit.range);
        to.stream.handle(now, MediaInput::Datagram { flow, bytes, arrived: now.mono });
    }
}

/// The same plan as the other end has it.
fn turned(plan: &MediaPlan) -> MediaPlan {
    let turn = |flow: UdpFlow| UdpFlow { local: flow.remote, remote: flow.local };
    let route = plan.routes()[0];
    let route = Route { rtp: turn(route.rtp), rtcp: turn(route.rtcp), ..route };
    MediaPlan::builder(*plan.codec(), "another").route(route).build().unwrap()
}

fn call(id: CodecId, seconds: u32) {
    use rove_core::jitter::PacketSource;
    let plan = scene::plan(id);
    let mut now = Now { mono: Instant::from_nanos(5), wall: UnixTime::from_secs(1_700_000_000) };
    let (mut a, mut b) = (End::new(now, &plan, 1), End::new(now, &turned(&plan), 2));
    let frame = a.stream.frame_samples();
    let voice = scene::voice(a.stream.pcm_rate(), frame * 50);
    let mut round = |pcm: &[f32]| {
        now = now.later(Duration::from_millis(20));
        for end in [&mut a, &mut b] {
            end.stream.handle(now, MediaInput::Pcm(pcm));
            end.drain();
            end.packets.drain(|_| ());
        }
        deliver(&a, &mut b, now);
        deliver(&b, &mut a, now);
    };
    voice.chunks(frame).for_each(&mut round);
    no_alloc(|| {
        for _ in 0..seconds {
            voice.chunks(frame).for_each(&mut round);
        }
    });
    let summary = a.stream.summary();
    assert_eq!((summary.lost, a.qualities >= seconds), (0, true));
    assert!(summary.received >= u64::from(seconds) * 50);
}

#[test]
fn a_stream_of_g711_allocates_nothing_per_packet() {
    call(CodecId::Pcmu, 1_000);
}

#[test]
fn a_stream_of_opus_allocates_nothing_per_packet() {
    call(CodecId::Opus, 20);
}
