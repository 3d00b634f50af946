//! Two ends that adapt to what they report to each other.

use rove_base::PayloadTypes;

use super::*;
use crate::send::{Scheme, SendState, Tripped};

/// A plan of Opus with everything agreed.
fn full_plan(forth: bool, bitrate: u32) -> MediaPlan {
    let base = plan(CodecId::Opus, forth, Direction::SendRecv);
    let both = |number| Some(PayloadTypes::both(PayloadType::from_header(number)));
    let codec = CodecPlan {
        bitrate: Some(bitrate),
        inband_fec: true,
        red: both(63),
        telephone_event: both(110),
        ..*base.codec()
    };
    MediaPlan::builder(codec, base.cname()).route(base.routes()[0]).build().unwrap()
}

/// Two ends with `full_plan`, 20 ms apart, `secs` seconds; what `a` sends is subject to `fate(seconds, RTP or not)`.
fn adapting_call(
    secs: u64,
    bitrate: u32,
    mut fate: impl FnMut(f64, bool) -> bool,
) -> ([End; 2], Vec<SendState>) {
    let (mut now, mut scratch) = (start(), Scratch::with_capacity(8_192));
    let mut ends = [true, false].map(|forth| End::new(now, &full_plan(forth, bitrate), u64::from(forth) + 1));
    let mut entropy = Entropy::from_number(9);
    let mut network: VecDeque<(Instant, usize, UdpFlow, Vec<u8>)> = VecDeque::new();
    let mut states = Vec::new();
    for step in 0..secs * 100 {
        now = now.later(Duration::from_millis(10));
        while network.front().is_some_and(|datagram| datagram.0 <= now.mono) {
            let (arrived, to, flow, bytes) = network.pop_front().unwrap();
            let flow = UdpFlow { local: flow.remote, remote: flow.local };
            ends[to].stream.handle(now, MediaInput::Datagram { flow, bytes: &bytes, arrived });
        }
        for (i, end) in ends.iter_mut().enumerate() {
            // Noise: a codec spends all of its rate on it.
            let pcm: Vec<f32> = (0..480).map(|_| 0.3 * (entropy.unit() as f32 - 0.5)).collect();
            end.stream.handle(now, MediaInput::Pcm(&pcm));
            let mut out = vec![0.0; 480];
            end.playout.pull(now.mono, &mut out);
            end.stream.handle(now, MediaInput::Meter(end.playout.meter()));
            for (flow, bytes) in end.drain(&mut scratch) {
                let media = flow.local.port() == 4;
                if i == 1 || fate(step as f64 / 100.0, media) {
                    network.push_back((now.mono + Duration::from_millis(20), 1 - i, flow, bytes));
                }
            }
        }
        if step % 100 == 99 {
            states.push(ends[0].stream.sending());
        }
    }
    (ends, states)
}

#[test]
fn loss_is_answered_by_copies_within_the_agreed_rate_and_they_go_when_it_ends() {
    let mut entropy = Entropy::from_number(3);
    let lossy = |at: f64| (5.0..20.0).contains(&at);
    let (ends, states) = adapting_call(45, 34_000, |at, media| !media || !lossy(at) || entropy.unit() >= 0.2);
    assert_eq!(states[4].scheme, Scheme::NONE, "before");
    assert_ne!(states[6].scheme, Scheme::NONE, "soon after it began");
    assert!(
        !states[12].scheme.copies.is_empty() && states[12].codec_bitrate.unwrap() < 20_000,
        "{:?}",
        states[12]
    );
    assert_eq!(states[44].scheme, Scheme::NONE, "after: {:?}", states[44]);
    for (second, state) in states.iter().enumerate().skip(1) {
        let mean = state.mean_bitrate.unwrap();
        assert!(mean <= 34_000, "{mean} after {second} s");
    }
    assert!(ends[0].stream.stopped().is_none());
}

#[test]
fn when_nothing_arrives_any_more_sending_stops_and_the_owner_is_told() {
    let (ends, _) = adapting_call(40, 34_000, |at, media| at < 10.0 || !media);
    let stops: Vec<_> =
        ends[0].events.iter().filter(|event| matches!(event, StreamEvent::SendingStopped(_))).collect();
    assert_eq!(stops.len(), 1, "{stops:?}");
    assert_eq!(ends[0].stream.stopped(), Some(Tripped::MediaTimeout));
    assert!(ends[1].stream.stopped().is_none());
}

#[test]
fn keys_arrive_once_each_and_in_order() {
    let (mut now, mut scratch) = (start(), Scratch::default());
    let mut ends = [true, false].map(|forth| End::new(now, &full_plan(forth, 34_000), u64::from(forth) + 1));
    let mut entropy = Entropy::from_number(4);
    for key in "0123456789*#ABCD".chars() {
        assert!(ends[0].stream.tells_digits());
        ends[0].stream.handle(now, MediaInput::Dtmf { digit: key, duration: Duration::from_millis(80) });
    }
    for _ in 0..500 {
        now = now.later(Duration::from_millis(10));
        ends[0].stream.handle(now, MediaInput::Pcm(&[0.1; 480]));
        for (flow, bytes) in ends[0].drain(&mut scratch) {
            let flow = UdpFlow { local: flow.remote, remote: flow.local };
            for _ in 0..usize::from(entropy.unit() >= 0.3) * 2 {
                let arrived = now.mono;
                ends[1].stream.handle(now, MediaInput::Datagram { flow, bytes: &bytes, arrived });
            }
        }
        ends[1].stream.tick(now);
        ends[1].drain(&mut scratch);
    }
    let key = |event: &StreamEvent| match event {
        StreamEvent::Digit(digit) => Some(digit.key),
        _ => None,
    };
    let heard: String = ends[1].events.iter().filter_map(key).collect();
    assert_eq!(heard, "0123456789*#ABCD");
}
