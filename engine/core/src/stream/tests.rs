#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod adapting;
mod replanning;
mod rerouting;
mod switching;

use core::time::Duration;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use proptest::{collection::vec, prelude::*};
use rove_base::{
    CodecId, CodecPlan, Direction, Entropy, Flow, Instant, Machine, MediaPlan, Now, PayloadType, Quality,
    Route, RouteId, RouteKind, Scratch, Ssrc, Step, UdpFlow, UnixTime,
};

use super::{MediaInput, Stream, StreamEvent};
use crate::{
    codec,
    jitter::{PacketSink, PacketSource, SLOT_BYTES, Slot},
    playout::{Formats, Playout, PlayoutConfig},
    rtcp::{self, Packet},
    rtp::RtpView,
};

#[derive(Clone, Default)]
struct Ring(Arc<Mutex<VecDeque<Slot>>>);

impl PacketSink for Ring {
    fn push(&mut self, arrived: Instant, packet: &RtpView<'_>) -> bool {
        let mut slots = self.0.lock().unwrap();
        let room = slots.len() < 64;
        if room {
            slots.push_back(Slot::new(arrived, packet).unwrap());
        }
        room
    }
}

impl PacketSource for Ring {
    fn drain(&mut self, mut accept: impl FnMut(&Slot)) {
        self.0.lock().unwrap().drain(..).for_each(|slot| accept(&slot));
    }
}

fn flow(local: u16, remote: u16) -> UdpFlow {
    UdpFlow { local: ([10, 0, 0, 1], local).into(), remote: ([10, 0, 0, 2], remote).into() }
}

/// RTP on ports 4 and 6, RTCP on 5 and 7, seen from `a` when `forth`.
/// A fixed delay, so that what is measured is known.
const FIXED: PlayoutConfig = PlayoutConfig { least: SIXTY, most: SIXTY, window: 128 };
const SIXTY: Duration = Duration::from_millis(60);

fn plan(id: CodecId, forth: bool, direction: Direction) -> MediaPlan {
    let payload_type = PayloadType::from_header(if id == CodecId::Opus { 96 } else { 0 });
    let codec = CodecPlan::new(id, payload_type);
    let turn = |flow: UdpFlow| if forth { flow } else { UdpFlow { local: flow.remote, remote: flow.local } };
    let route =
        Route { id: RouteId(0), kind: RouteKind::Direct, rtp: turn(flow(4, 6)), rtcp: turn(flow(5, 7)) };
    let name = if forth { "a" } else { "b" };
    MediaPlan::builder(codec, name).route(route).direction(direction).build().unwrap()
}

/// One phone: stream, playout, what it was told.
struct End {
    stream: Stream<Ring>,
    playout: Playout<Ring>,
    /// What takes over when there is something for it.
    next: Option<Playout<Ring>>,
    events: Vec<StreamEvent>,
    sent: u64,
    heard: Vec<f32>,
}

impl End {
    fn new(now: Now, plan: &MediaPlan, seed: u64) -> Self {
        let ring = Ring::default();
        let decoder = codec::decoder_for(plan).unwrap();
        Self {
            stream: Stream::new(now, plan, ring.clone(), Entropy::from_number(seed)).unwrap(),
            playout: Playout::new(ring, decoder, Formats::of(plan), FIXED),
            next: None,
            events: Vec::new(),
            sent: 0,
            heard: Vec::new(),
        }
    }

    /// Everything it has to send, as flow and bytes.
    fn drain(&mut self, scratch: &mut Scratch) -> Vec<(UdpFlow, Vec<u8>)> {
        let mut sent = Vec::new();
        scratch.clear();
        loop {
            match self.stream.poll(scratch) {
                Step::Send(transmit) => {
                    let Flow::Udp(flow) = transmit.flow else { panic!("a stream") };
                    assert_eq!(transmit.dscp, rove_base::Dscp::EF);
                    sent.push((flow, scratch.get(transmit.range).to_vec()));
                }
                Step::Event(event) => self.events.push(event),
                Step::Wait(_) => return sent,
                other => panic!("{other:?}"),
            }
        }
    }

    fn qualities(&self) -> Vec<Quality> {
        let quality = |event: &StreamEvent| match event {
            StreamEvent::Quality(quality) => Some(*quality),
            _ => None,
        };
        self.events.iter().filter_map(quality).collect()
    }
}

fn start() -> Now {
    Now { mono: Instant::from_nanos(1_000_000_000), wall: UnixTime::from_secs(1_700_000_000) }
}

/// A call of `secs` over a path of `delay_ms`, where `lose(nth datagram)` says what is lost from `a` to `b`.
fn call(id: CodecId, secs: u64, delay_ms: u64, lose: impl Fn(u64) -> bool) -> [End; 2] {
    let (mut now, mut scratch) = (start(), Scratch::with_capacity(8_192));
    let mut ends =
        [true, false].map(|forth| End::new(now, &plan(id, forth, Direction::SendRecv), u64::from(forth) + 1));
    let block = usize::try_from(ends[0].stream.pcm_rate() / 100).unwrap();
    let tone: Vec<f32> = (0..block).map(|i| 0.4 * (i as f32 / block as f32 * 40.0).sin()).collect();
    let mut network: VecDeque<(Instant, usize, UdpFlow, Vec<u8>)> = VecDeque::new();
    for step in 0..secs * 100 {
        now = now.later(Duration::from_millis(10));
        while network.front().is_some_and(|datagram| datagram.0 <= now.mono) {
            let (arrived, to, flow, bytes) = network.pop_front().unwrap();
            let flow = UdpFlow { local: flow.remote, remote: flow.local };
            ends[to].stream.handle(now, MediaInput::Datagram { flow, bytes: &bytes, arrived });
        }
        for (i, end) in ends.iter_mut().enumerate() {
            end.stream.handle(now, MediaInput::Pcm(&tone));
            let mut out = vec![0.0; block];
            end.playout.pull(now.mono, &mut out);
            end.heard.extend(out);
            end.stream.handle(now, MediaInput::Meter(end.playout.meter()));
            if step == secs * 100 - 1 {
                end.stream.handle(now, MediaInput::Hangup);
            }
            for (flow, bytes) in end.drain(&mut scratch) {
                end.sent += 1;
                if i == 1 || !lose(end.sent) {
                    network.push_back((now.mono + Duration::from_millis(delay_ms), 1 - i, flow, bytes));
                }
            }
        }
    }
    ends
}

#[test]
fn two_ends_hear_each_other_and_measure_the_path_between_them() {
    for id in [CodecId::Pcmu, CodecId::Pcma, CodecId::Opus] {
        let [a, b] = call(id, 10, 30, |_| false);
        for end in [&a, &b] {
            assert!(matches!(end.events[0], StreamEvent::FirstPacket { .. }), "{id}");
            assert!(end.events.iter().any(|event| matches!(event, StreamEvent::FirstAudio { .. })), "{id}");
            let qualities = end.qualities();
            assert_eq!(qualities.len(), 10, "{id}: once a second");
            let last = qualities[9];
            assert_eq!((last.lost, last.late, last.interval_loss), (0, 0, Some(0.0)), "{id}");
            assert_eq!(last.concealed, Some(0.0), "{id}");
            let round_trip = last.round_trip.unwrap().as_millis();
            assert!((59..=71).contains(&round_trip), "{id}: {round_trip} ms");
            assert_eq!(last.playout_delay, Some(Duration::from_millis(60)), "{id}");
            let mouth_to_ear = last.mouth_to_ear.unwrap().as_millis();
            assert!((109..=125).contains(&mouth_to_ear), "{id}: {mouth_to_ear} ms");
            assert!(last.mos.unwrap() > 4.0 && last.mos_lq.unwrap() >= last.mos.unwrap(), "{id}: {last:?}");
            assert!(end.heard.iter().any(|sample| sample.abs() > 0.2), "{id}");
            let summary = end.stream.summary();
            assert_eq!((summary.sent, summary.lost, summary.concealed), (500, 0, Some(0.0)), "{id}");
            assert!(summary.received >= 497, "{id}: {}", summary.received);
        }
    }
}

#[test]
fn what_was_not_measured_is_none() {
    let mut end = End::new(start(), &plan(CodecId::Pcmu, true, Direction::SendRecv), 1);
    end.stream.tick(start().later(Duration::from_millis(1_500)));
    end.drain(&mut Scratch::default());
    let quality = end.qualities()[0];
    let Quality {
        interval_loss,
        jitter,
        round_trip,
        playout_delay,
        mouth_to_ear,
        concealed,
        rating,
        mos,
        ..
    } = quality;
    assert_eq!((interval_loss, jitter, round_trip, playout_delay), (None, None, None, None));
    assert_eq!((mouth_to_ear, concealed, rating, mos, quality.mos_lq), (None, None, None, None, None));
}

#[test]
fn loss_is_counted_once_and_heard_as_concealment() {
    let [a, b] = call(CodecId::Pcmu, 20, 20, |n| n % 10 == 0);
    let (hurt, well) = (b.stream.summary(), a.stream.summary());
    assert_eq!(well.lost, 0);
    let share = hurt.lost as f32 / (hurt.lost + hurt.received) as f32;
    assert!((share - 0.1).abs() < 0.01, "{share}");
    assert!((hurt.concealed.unwrap() - share).abs() < 0.01);
    assert!(hurt.mos.unwrap() < well.mos.unwrap() - 0.5);
}

#[test]
fn reports_say_who_where_and_how_much_and_the_last_one_says_goodbye() {
    let (now, mut scratch) = (start(), Scratch::default());
    let mut end = End::new(now, &plan(CodecId::Pcmu, true, Direction::SendRecv), 1);
    end.stream.handle(now, MediaInput::Pcm(&[0.1; 320]));
    let sent = end.drain(&mut scratch);
    assert_eq!(sent.iter().map(|(flow, _)| *flow).collect::<Vec<_>>(), [flow(4, 6); 2]);
    let first = RtpView::parse(&sent[0].1).unwrap();
    let (first_timestamp, ssrc) = (first.timestamp(), first.ssrc());
    assert!(first.marker() && !RtpView::parse(&sent[1].1).unwrap().marker());

    let later = now.later(Duration::from_millis(700));
    end.stream.tick(later);
    let [(control, report)] = &end.drain(&mut scratch)[..] else { panic!("one report") };
    assert_eq!(*control, flow(5, 7));
    let report = rtcp::parse(report).unwrap();
    let packets: Vec<_> = report.packets().collect();
    let [Packet::SenderReport { info, reports, .. }, Packet::SourceDescription(names)] = &packets[..] else {
        panic!("{packets:?}")
    };
    assert_eq!((info.packets, info.octets, info.ntp), (2, 320, later.wall.ntp()));
    assert_eq!(info.rtp_timestamp.since(first_timestamp), 320 + 5_600);
    assert_eq!((reports.iter().len(), names.cname(ssrc)), (0, Some(&b"a"[..])));

    end.stream.handle(later, MediaInput::Hangup);
    let [(_, farewell)] = &end.drain(&mut scratch)[..] else { panic!("one farewell") };
    let farewell = rtcp::parse(farewell).unwrap();
    let goodbye = |packet| matches!(packet, Packet::Bye { sources, .. } if sources.iter().eq([ssrc]));
    assert!(farewell.packets().any(goodbye));
    end.stream.handle(later, MediaInput::Pcm(&[0.1; 320]));
    assert!(end.drain(&mut scratch).is_empty(), "nothing after it");
    assert_eq!(end.stream.poll(&mut scratch), Step::Wait(None));
}

#[test]
fn who_never_spoke_does_not_say_goodbye() {
    let mut end = End::new(start(), &plan(CodecId::Pcmu, true, Direction::SendRecv), 1);
    end.stream.handle(start(), MediaInput::Hangup);
    assert!(end.drain(&mut Scratch::default()).is_empty());
}

#[test]
fn the_peers_goodbye_is_told() {
    let [a, _] = call(CodecId::Pcmu, 3, 0, |_| false);
    assert_eq!(
        a.events.last().map(|event| matches!(event, StreamEvent::PeerBye)),
        Some(false),
        "not before the end"
    );
    let mut end = End::new(start(), &plan(CodecId::Pcmu, true, Direction::SendRecv), 1);
    let mut bye = Vec::new();
    rtcp::write_report(&mut bye, Ssrc(5), None, &[], "b");
    rtcp::write_bye(&mut bye, Ssrc(5), "");
    let now = start();
    end.stream.handle(now, MediaInput::Datagram { flow: flow(5, 7), bytes: &bye, arrived: now.mono });
    end.drain(&mut Scratch::default());
    assert_eq!(end.events, [StreamEvent::PeerBye]);
}

#[test]
fn what_cannot_be_used_is_counted_by_reason() {
    let rtp = |payload_type: u8, ssrc: u32, seq: u16, len: usize| {
        let mut bytes = vec![0; 12 + len];
        bytes[0] = 0x80;
        bytes[1] = payload_type;
        bytes[2..4].copy_from_slice(&seq.to_be_bytes());
        bytes[8..12].copy_from_slice(&ssrc.to_be_bytes());
        bytes
    };
    let now = start();
    let mut end = End::new(now, &plan(CodecId::Pcmu, true, Direction::SendRecv), 1);
    let own = end.stream.ssrc();
    let datagrams = [
        ("the first packet", flow(4, 6), rtp(0, 1, 1, 160)),
        ("from a stranger", flow(4, 66), rtp(0, 1, 2, 160)),
        ("media on the control flow", flow(5, 7), rtp(0, 1, 2, 160)),
        ("neither", flow(4, 6), vec![0; 20]),
        ("cut short", flow(4, 6), rtp(0, 1, 2, 0)[..11].to_vec()),
        ("not agreed", flow(4, 6), rtp(8, 1, 2, 160)),
        ("too long", flow(4, 6), rtp(0, 1, 2, SLOT_BYTES + 1)),
        ("another source", flow(4, 6), rtp(0, 2, 9, 160)),
        ("with our name", flow(4, 6), rtp(0, own.0, 2, 160)),
        ("broken control", flow(5, 7), vec![0x80, 200, 0, 9]),
    ];
    for (_, flow, bytes) in &datagrams {
        end.stream.handle(now, MediaInput::Datagram { flow: *flow, bytes, arrived: now.mono });
    }
    let refused = end.stream.refused();
    assert_eq!((refused.strangers, refused.unexpected, refused.malformed), (1, 2, 2), "{refused:?}");
    assert_eq!((refused.payload_type, refused.oversized, refused.unproven, refused.looped), (1, 1, 1, 1));
    assert_ne!(end.stream.ssrc(), own, "another name after the first collision");
    let renamed = end.stream.ssrc();
    let loops = rtp(0, renamed.0, 3, 160);
    end.stream.handle(now, MediaInput::Datagram { flow: flow(4, 6), bytes: &loops, arrived: now.mono });
    assert_eq!(end.stream.ssrc(), renamed, "a loop does not make it change for ever");
}

#[test]
fn a_direction_that_does_not_send_is_silent_and_reports_all_the_same() {
    let (now, mut scratch) = (start(), Scratch::default());
    let mut end = End::new(now, &plan(CodecId::Pcmu, true, Direction::RecvOnly), 1);
    end.stream.handle(now, MediaInput::Pcm(&[0.1; 1_600]));
    assert!(end.drain(&mut scratch).is_empty());
    end.stream.tick(now.later(Duration::from_millis(700)));
    let [(_, report)] = &end.drain(&mut scratch)[..] else { panic!("one report") };
    let report = rtcp::parse(report).unwrap();
    assert!(matches!(report.packets().next(), Some(Packet::ReceiverReport { .. })));
}

#[test]
fn reports_keep_to_the_interval_of_rfc3550_around_one_second() {
    let (mut now, mut scratch) = (start(), Scratch::default());
    let mut end = End::new(now, &plan(CodecId::Pcmu, true, Direction::SendRecv), 1);
    let mut times = Vec::new();
    for _ in 0..200_000 {
        now = now.later(Duration::from_millis(1));
        end.stream.tick(now);
        if !end.drain(&mut scratch).is_empty() {
            times.push(now.mono);
        }
    }
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    assert!(gaps.iter().all(|gap| (0.41..1.24).contains(gap)), "0.5 to 1.5, over 1.21828");
    assert!((0.75..0.9).contains(&mean), "{mean}");
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    let run = |seed| {
        let mut end = End::new(start(), &plan(CodecId::Opus, true, Direction::SendRecv), seed);
        end.stream.handle(start(), MediaInput::Pcm(&[0.1; 9_600]));
        end.drain(&mut Scratch::default())
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

proptest! {
    #[test]
    fn whatever_comes_nothing_breaks_and_everything_is_counted(
        datagrams in vec((any::<bool>(), vec(any::<u8>(), 0..200), 0x7e_u8..0x82), 0..100),
    ) {
        let mut now = start();
        let mut end = End::new(now, &plan(CodecId::Opus, true, Direction::SendRecv), 1);
        let mut scratch = Scratch::default();
        for (media, mut bytes, first) in datagrams {
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            let flow = if media { flow(4, 6) } else { flow(5, 7) };
            now = now.later(Duration::from_millis(3));
            end.stream.handle(now, MediaInput::Datagram { flow, bytes: &bytes, arrived: now.mono });
            let mut out = [0.0; 144];
            end.playout.pull(now.mono, &mut out);
            end.stream.handle(now, MediaInput::Meter(end.playout.meter()));
            end.drain(&mut scratch);
            prop_assert!(out.iter().all(|sample| sample.is_finite()));
        }
    }
}
