#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{
    CodecId, CodecPlan, DelayBasis, Direction, Entropy, Flow, Instant, Machine, MediaPlan, Now, PayloadType,
    Quality, Route, RouteId, RouteKind, Scratch, Step, UdpFlow, UnixTime,
};

use crate::{
    jitter::PacketSink,
    playout::PlayoutMeter,
    quality::PeerReport,
    rtcp::{
        self, Packet,
        xr::{ExtendedBlock, VoipMetrics},
    },
    rtp::RtpView,
    stream::{MediaInput, Stream, StreamEvent},
};

#[derive(Clone, Copy)]
struct Nowhere;

impl PacketSink for Nowhere {
    fn push(&mut self, _: Instant, _: &RtpView<'_>) -> bool {
        true
    }
}

fn flow(local: u16, remote: u16) -> UdpFlow {
    UdpFlow { local: ([10, 0, 0, 1], local).into(), remote: ([10, 0, 0, 2], remote).into() }
}

/// Two phones on a path where `lose(to, nth packet, is it control)` says what is lost.
struct Call {
    now: Now,
    ends: [Stream<Nowhere>; 2],
    network: Vec<(Instant, usize, UdpFlow, Vec<u8>)>,
    delay: Duration,
    /// Media packets that each end sent and that each end got.
    sent: [u64; 2],
    delivered: [u64; 2],
    /// Compounds by each end, with their time.
    reports: [Vec<(Instant, Vec<u8>)>; 2],
    qualities: [Vec<Quality>; 2],
    peers: [Vec<PeerReport>; 2],
}

impl Call {
    fn new(shared_clock: bool, directions: [Direction; 2]) -> Self {
        let now = Now { mono: Instant::from_nanos(5_000_000_000), wall: UnixTime::from_secs(1_700_000_000) };
        let end = |nth: usize| {
            let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
            let turn = |flow: UdpFlow| {
                if nth == 0 { flow } else { UdpFlow { local: flow.remote, remote: flow.local } }
            };
            let route = Route {
                id: RouteId(0),
                kind: RouteKind::Direct,
                rtp: turn(flow(4, 6)),
                rtcp: turn(flow(5, 7)),
            };
            let plan = MediaPlan::builder(codec, ["a", "b"][nth]).route(route).direction(directions[nth]);
            let plan = plan.shared_clock(shared_clock).build().unwrap();
            Stream::new(now, &plan, Nowhere, Entropy::from_number(nth as u64 + 1)).unwrap()
        };
        Self {
            now,
            ends: [end(0), end(1)],
            network: Vec::new(),
            delay: Duration::from_millis(30),
            sent: [0; 2],
            delivered: [0; 2],
            reports: Default::default(),
            qualities: Default::default(),
            peers: Default::default(),
        }
    }

    fn run(&mut self, millis: u64, talking: bool, lose: &mut dyn FnMut(usize, u64, bool) -> bool) {
        for _ in 0..millis / 5 {
            self.now = self.now.later(Duration::from_millis(5));
            self.deliver();
            for nth in 0..2 {
                if talking {
                    self.ends[nth].handle(self.now, MediaInput::Pcm(&[0.1; 40]));
                }
                self.ends[nth].tick(self.now);
                self.drain(nth, lose);
            }
        }
    }

    fn deliver(&mut self) {
        let (due, later) =
            core::mem::take(&mut self.network).into_iter().partition(|datagram| datagram.0 <= self.now.mono);
        self.network = later;
        let mut due: Vec<_> = due;
        due.sort_by_key(|datagram: &(Instant, usize, UdpFlow, Vec<u8>)| datagram.0);
        for (arrived, to, flow, bytes) in due {
            let flow = UdpFlow { local: flow.remote, remote: flow.local };
            let before = self.ends[to].peer();
            self.ends[to].handle(self.now, MediaInput::Datagram { flow, bytes: &bytes, arrived });
            if self.ends[to].peer() != before {
                self.peers[to].extend(self.ends[to].peer());
            }
        }
    }

    fn drain(&mut self, nth: usize, lose: &mut dyn FnMut(usize, u64, bool) -> bool) {
        let mut scratch = Scratch::default();
        loop {
            match self.ends[nth].poll(&mut scratch) {
                Step::Send(transmit) => {
                    let Flow::Udp(flow) = transmit.flow else { panic!("a stream") };
                    let bytes = scratch.get(transmit.range).to_vec();
                    let control = bytes[1] >= 200;
                    let lost = lose(1 - nth, self.sent[nth], control);
                    if control {
                        self.reports[nth].push((self.now.mono, bytes.clone()));
                    } else {
                        self.sent[nth] += 1;
                        self.delivered[1 - nth] += u64::from(!lost);
                    }
                    if !lost {
                        self.network.push((self.now.mono + self.delay, 1 - nth, flow, bytes));
                    }
                }
                Step::Event(StreamEvent::Quality(quality)) => self.qualities[nth].push(quality),
                Step::Event(_) => {}
                Step::Wait(_) => return,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Blocks of the extended report in the `nth` compound of an end.
    fn blocks<T>(&self, end: usize, nth: usize, pick: impl Fn(ExtendedBlock<'_>) -> Option<T>) -> Option<T> {
        rtcp::parse(&self.reports[end][nth].1).unwrap().packets().find_map(|packet| match packet {
            Packet::ExtendedReport { blocks, .. } => blocks.iter().find_map(&pick),
            _ => None,
        })
    }
}

fn about_60_ms(time: Duration) -> bool {
    time.abs_diff(Duration::from_millis(60)) < Duration::from_micros(100)
}

const BOTH: [Direction; 2] = [Direction::SendRecv; 2];

#[test]
fn what_was_sent_and_lost_is_known_to_the_last_packet_once_the_peers_farewell_is_here() {
    let mut call = Call::new(true, BOTH);
    // The first five and the last nine packets to the second end are lost, and every tenth.
    let mut lose = |to: usize, nth: u64, control: bool| {
        !control && to == 1 && (!(5..491).contains(&nth) || nth % 10 == 7)
    };
    call.run(10_000, true, &mut lose);
    call.ends[0].handle(call.now, MediaInput::Hangup);
    call.run(100, false, &mut lose);
    let summary = call.ends[1].summary();
    assert_eq!(call.sent, [500; 2]);
    assert_eq!((summary.sent_by_peer, summary.received), (Some(500), call.delivered[1]));
    assert_eq!(summary.lost_of_sent(), 500 - call.delivered[1]);
    let lost = |n: u64| !(5..491).contains(&n) || n % 10 == 7;
    let runs = (0..500).filter(|&n| lost(n) && !(n > 0 && lost(n - 1))).count();
    assert_eq!(summary.mean_burst, Some((500 - call.delivered[1]) as f32 / runs as f32));
    assert_eq!(call.ends[0].summary().lost_of_sent(), 500 - call.delivered[0], "what is on its way");
}

#[test]
fn a_silent_sender_still_tells_how_many_packets_it_sent() {
    let mut call = Call::new(true, BOTH);
    let mut lose = |_: usize, nth: u64, control: bool| !control && nth >= 140;
    call.run(3_000, true, &mut lose);
    call.run(5_000, false, &mut lose);
    assert_eq!(call.ends[1].summary().sent_by_peer, Some(150));
    let (_, last) = call.reports[0].last().unwrap();
    let first = rtcp::parse(last).unwrap().packets().next();
    assert!(matches!(first, Some(Packet::SenderReport { info, .. }) if info.packets == 150));
}

#[test]
fn the_peer_is_told_what_became_of_every_packet_once() {
    let mut call = Call::new(false, BOTH);
    let lost = |nth: u64| nth % 7 == 3 || (200..206).contains(&nth);
    // Every third report is lost as well.
    let mut reports = 0_u64;
    let mut lose = |to: usize, nth: u64, control: bool| {
        reports += u64::from(control && to == 0);
        if control { to == 0 && reports.is_multiple_of(3) } else { to == 1 && lost(nth) }
    };
    call.run(12_000, true, &mut lose);
    let told: Vec<bool> = call.peers[0]
        .iter()
        .filter_map(|peer| peer.fates)
        .flat_map(|fates| fates.iter().collect::<Vec<_>>())
        .collect();
    assert!(told.len() > 500, "{}", told.len());
    for (nth, received) in told.iter().enumerate() {
        assert_eq!(*received, !lost(nth as u64), "packet {nth}");
    }
}

#[test]
fn a_loss_after_none_is_reported_at_once() {
    let mut call = Call::new(false, BOTH);
    let start = call.now.mono;
    let mut times = Vec::new();
    for spell in 1..=8_u64 {
        // Two seconds without loss, then 20 % until the next spell begins.
        let first = call.sent[0] + 100;
        call.run(2_000, true, &mut |_, _, _| false);
        let (at, before) = (call.now.mono, call.reports[1].len());
        call.run(1_000, true, &mut |to, nth, control| !control && to == 1 && (nth - first).is_multiple_of(5));
        let (told, _) = call.reports[1][before];
        let told = told.since(at);
        assert!(told <= Duration::from_millis(120), "spell {spell}: {told:?}");
        times.push(told);
        // Long enough that the report before the next spell tells of no loss.
        call.run(2_000, true, &mut |_, _, _| false);
    }
    let reports = call.reports[1].len() as f64;
    let seconds = call.now.mono.since(start).as_secs_f64();
    assert!(reports / seconds < 1.35, "{reports} reports in {seconds} s");
}

#[test]
fn early_reports_are_one_in_an_interval_at_most() {
    let mut call = Call::new(false, BOTH);
    call.run(30_000, true, &mut |to, nth, control| !control && to == 1 && nth % 4 == 3);
    let times: Vec<_> = call.reports[1].iter().map(|(at, _)| *at).collect();
    let mean = times[times.len() - 1].since(times[0]).as_secs_f64() / (times.len() - 1) as f64;
    assert!((0.7..1.0).contains(&mean), "{mean}");
}

#[test]
fn reports_tell_how_the_call_sounds_and_what_they_cannot_know_is_unavailable() {
    let mut call = Call::new(false, BOTH);
    call.run(1_000, true, &mut |_, _, _| false);
    let metrics = |call: &Call, nth: usize| {
        call.blocks(1, nth, |block| match block {
            ExtendedBlock::VoipMetrics(metrics) => Some(metrics),
            _ => None,
        })
    };
    let first = metrics(&call, 0).unwrap();
    let unknown = VoipMetrics {
        ssrc: call.ends[0].ssrc(),
        gmin: 16,
        receiver: first.receiver,
        ..VoipMetrics::default()
    };
    assert_eq!(
        (first.rating, first.mos_lq, first.mos_cq, first.signal_level, first.buffer_nominal),
        (None, None, None, None, 0)
    );
    assert_eq!(first.receiver, VoipMetrics::CONCEALED_WELL, "whether it adapts is not known yet");
    assert_eq!(VoipMetrics { gap_duration: 0, round_trip: 0, ..first }, unknown, "nothing was played yet");

    let meter = PlayoutMeter {
        first_played: Some(call.now.mono),
        played: 80_000,
        concealed: 800,
        decoded_packets: 500,
        waited: Duration::from_millis(500 * 60),
        late: 5,
        target: Duration::from_millis(70),
        most: Duration::from_millis(400),
        ..PlayoutMeter::default()
    };
    call.ends[1].handle(call.now, MediaInput::Meter(meter));
    call.run(3_000, true, &mut |_, nth, control| !control && nth % 10 == 9);
    let last = metrics(&call, call.reports[1].len() - 1).unwrap();
    assert_eq!((last.buffer_nominal, last.end_system_delay), (60, 80));
    assert_eq!((last.buffer_maximum, last.buffer_limit), (70, 400));
    assert_eq!(last.receiver, VoipMetrics::CONCEALED_WELL | VoipMetrics::ADAPTIVE);
    assert!((59..=60).contains(&last.round_trip), "{last:?}");
    assert!((14..=22).contains(&last.loss_rate), "{last:?}");
    assert!(last.discard_rate > 0 && last.burst_duration > 0 && last.burst_density > 0, "{last:?}");
    assert!(last.rating.is_some_and(|rating| (70..94).contains(&rating)), "{last:?}");
    assert!(last.mos_cq <= last.mos_lq && last.mos_cq.is_some(), "{last:?}");
    let peer = call.peers[0].last().unwrap();
    assert_eq!(peer.playout_delay, Some(Duration::from_millis(60)));
    assert!(peer.discarded.is_some_and(|share| share > 0.0) && peer.loss > 0.05, "{peer:?}");
    assert!(peer.round_trip.is_some_and(about_60_ms), "{peer:?}");
}

#[test]
fn who_only_listens_measures_the_round_trip_by_telling_its_time() {
    let mut call = Call::new(false, [Direction::SendOnly, Direction::RecvOnly]);
    call.run(5_000, true, &mut |_, _, _| false);
    for end in &call.ends {
        assert!(end.summary().round_trip.is_some_and(about_60_ms));
    }
    let told = call.blocks(1, 0, |block| matches!(block, ExtendedBlock::ReferenceTime(_)).then_some(()));
    assert!(told.is_some());
    let told = call.blocks(0, 0, |block| matches!(block, ExtendedBlock::ReferenceTime(_)).then_some(()));
    assert!(told.is_none(), "a sender report does it");
}

#[test]
fn delays_one_way_are_measured_only_where_both_ends_read_one_clock() {
    for shared in [true, false] {
        let mut call = Call::new(shared, BOTH);
        call.run(2_000, true, &mut |_, _, _| false);
        call.delay = Duration::from_millis(80);
        call.run(3_000, true, &mut |_, _, _| false);
        let meter = PlayoutMeter {
            first_played: Some(call.now.mono),
            played: 8_000,
            decoded_packets: 50,
            waited: Duration::from_secs(2),
            ..PlayoutMeter::default()
        };
        call.ends[0].handle(call.now, MediaInput::Meter(meter));
        let summary = call.ends[0].summary();
        let mouth_to_ear = summary.mouth_to_ear.unwrap().as_millis();
        if shared {
            let one_way = summary.one_way.unwrap().as_micros();
            assert!(
                (59_000..61_000).contains(&one_way),
                "two of five seconds 30 ms, three 80 ms: {one_way} µs"
            );
            let (least, most) = summary.one_way_range.unwrap();
            assert_eq!((least.as_millis(), most.as_millis()), (30, 80));
            assert_eq!(summary.delay_basis, Some(DelayBasis::SharedClock));
            assert_eq!(mouth_to_ear, summary.one_way.unwrap().as_millis() + 40 + 20);
            let last = call.qualities[0].last().unwrap();
            assert_eq!(last.one_way.map(|time| time.as_millis()), Some(80), "of the last second alone");
        } else {
            assert_eq!((summary.one_way, summary.one_way_range), (None, None));
            assert_eq!(summary.delay_basis, Some(DelayBasis::HalfRoundTrip));
            assert_eq!(mouth_to_ear, 80 + 40 + 20);
        }
    }
}

#[test]
fn intervals_are_never_cumulative() {
    let mut call = Call::new(false, BOTH);
    call.run(2_000, true, &mut |_, _, _| false);
    call.run(2_000, true, &mut |to, nth, control| !control && to == 1 && nth % 5 == 2);
    call.run(4_000, true, &mut |_, _, _| false);
    let losses: Vec<_> = call.qualities[1].iter().map(|quality| quality.interval_loss.unwrap()).collect();
    assert_eq!((losses[0], losses[6]), (0.0, 0.0), "{losses:?}");
    assert!(losses[2..4].iter().all(|loss| (0.15..0.25).contains(loss)), "{losses:?}");
    let sums = call.qualities[1].iter().fold((0, 0, 0), |(expected, received, lost), quality| {
        let interval = quality.interval;
        (expected + interval.expected, received + interval.received, lost + interval.lost)
    });
    let last = call.qualities[1].last().unwrap();
    assert_eq!(sums, (last.received + last.lost, last.received, last.lost));
}
