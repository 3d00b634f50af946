//! A route is left in the middle of a call.

use rove_base::{SrtpKeys, SrtpProfile};

use super::*;
use crate::{
    path::{Switched, Why},
    stream::Replan,
};

const MOVED: u16 = 5_000;

fn keys(forth: bool) -> SrtpKeys {
    let (a, b) = ([1; 28], [2; 28]);
    let (ours, theirs) = if forth { (a, b) } else { (b, a) };
    SrtpKeys::new(SrtpProfile::AeadAes128Gcm, &ours, &theirs).unwrap()
}

/// The plan of one end; `b` moves to other ports.
fn protected(forth: bool, moved: bool) -> MediaPlan {
    let add = if moved { MOVED } else { 0 };
    let (rtp, rtcp) = (flow(4, 6 + add), flow(5, 7 + add));
    let turn = |flow: UdpFlow| if forth { flow } else { UdpFlow { local: flow.remote, remote: flow.local } };
    let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: turn(rtp), rtcp: turn(rtcp) };
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
    let name = if forth { "a" } else { "b" };
    MediaPlan::builder(codec, name).route(route).srtp(keys(forth)).build().unwrap()
}

/// Packets of both ends under way, 30 ms each way. Nothing reaches a port that `b` has left for good.
#[derive(Default)]
struct Wire(VecDeque<(Instant, usize, UdpFlow, Vec<u8>)>);

#[test]
fn a_host_that_moves_in_mid_call_goes_on_with_name_numbers_keys_and_buffer() {
    let (mut now, mut scratch) = (start(), Scratch::with_capacity(8_192));
    let mut ends = [true, false].map(|forth| End::new(now, &protected(forth, false), u64::from(forth) + 1));
    let mut wire = Wire::default();
    let mut sent: [Vec<(bool, Ssrc, u16)>; 2] = Default::default();
    // `b` loses its old address at 1 s, has the new one at 1.2 s, and `a` learns of it at 1.26 s.
    let (lost_at, moved_at, told_at) = (100, 120, 126);
    for step in 0..300_u64 {
        now = now.later(Duration::from_millis(10));
        for (at, moved) in [(moved_at, 1), (told_at, 0)] {
            if step == at {
                let (before, after) = (protected(moved == 0, false), protected(moved == 0, true));
                let mut replan = Replan::new(now, &before, &after, 8_000, None).unwrap();
                ends[moved].stream.tick(now);
                ends[moved].stream.replan(&mut replan);
            }
        }
        while wire.0.front().is_some_and(|datagram| datagram.0 <= now.mono) {
            let (arrived, to, flow, bytes) = wire.0.pop_front().unwrap();
            let flow = UdpFlow { local: flow.remote, remote: flow.local };
            let gone = to == 1 && step >= lost_at && flow.local.port() < MOVED;
            if !gone {
                ends[to].stream.handle(now, MediaInput::Datagram { flow, bytes: &bytes, arrived });
            }
        }
        for i in 0..2 {
            let pcm: Vec<f32> = (0..80).map(|n| 0.3 * (n as f32 * 0.3).sin()).collect();
            ends[i].stream.handle(now, MediaInput::Pcm(&pcm));
            let mut out = vec![0.0; 80];
            ends[i].playout.pull(now.mono, &mut out);
            ends[i].stream.handle(now, MediaInput::Meter(ends[i].playout.meter()));
            for (flow, bytes) in ends[i].drain(&mut scratch) {
                let here = i == 0 || step < lost_at || flow.local.port() >= MOVED;
                sent[i].extend(numbered(flow, &bytes));
                if here {
                    wire.0.push_back((now.mono + Duration::from_millis(30), 1 - i, flow, bytes));
                }
            }
        }
    }
    numbers_go_on(&sent);
    let [a, b] = [told(&ends[0]), told(&ends[1])];
    // `a` hears nothing from when the address was lost to when the new one was there: ten packets.
    assert_eq!((a.gap, a.lost), (Some(Duration::from_millis(220)), 10));
    // What `a` sent to the old address went nowhere until `a` was told.
    assert_eq!((b.gap, b.lost), (Some(Duration::from_millis(320)), 15));
    for end in &ends {
        let refused = end.stream.refused();
        assert_eq!(refused.forged + refused.replayed, 0, "one counter of packets on both routes");
        assert!(end.playout.meter().played > 0);
    }
}

/// Both ends sent by the old way and by the new one, under one name, without a gap in the numbers.
fn numbers_go_on(sent: &[Vec<(bool, Ssrc, u16)>; 2]) {
    for sent in sent {
        assert!(sent.iter().any(|packet| packet.0) && sent.iter().any(|packet| !packet.0));
        let mut pairs = sent.windows(2);
        assert!(
            pairs.all(|pair| pair[0].1 == pair[1].1 && pair[1].2 == pair[0].2.wrapping_add(1)),
            "{sent:?}"
        );
    }
}

/// Whether a packet of media goes the new way, its name and its number.
fn numbered(flow: UdpFlow, bytes: &[u8]) -> Option<(bool, Ssrc, u16)> {
    let moved = flow.local.port() >= MOVED || flow.remote.port() >= MOVED;
    let seq = u16::from_be_bytes([bytes[2], bytes[3]]);
    let ssrc = u32::from_be_bytes(bytes[8..12].try_into().unwrap());
    (bytes[1] & 0x7f == 0).then_some((moved, Ssrc(ssrc), seq))
}

/// What the one switch of this end cost.
fn told(end: &End) -> Switched {
    let mut switched = end.events.iter().filter_map(|event| match event {
        StreamEvent::Switched(switched) => Some(*switched),
        _ => None,
    });
    let first = switched.next().expect("the switch is told");
    assert_eq!(switched.next(), None, "once");
    assert_eq!(first.why, Why::Told);
    first
}

#[test]
fn a_stream_switches_between_its_routes_at_once() {
    let now = start();
    let mut end = End::new(now, &plan(CodecId::Pcmu, true, Direction::SendRecv), 1);
    let other = Route { id: RouteId(7), kind: RouteKind::Direct, rtp: flow(14, 16), rtcp: flow(15, 17) };
    assert!(end.stream.switch(RouteId(7), Why::Better).is_err());
    end.stream.add_route(other).unwrap();
    let mut scratch = Scratch::with_capacity(8_192);
    let mut went = Vec::new();
    for step in 0..6 {
        if step == 3 {
            end.stream.switch(RouteId(7), Why::Better).unwrap();
            end.stream.remove_route(RouteId(0)).unwrap();
        }
        let now = now.later(Duration::from_millis(20 * (step + 1)));
        end.stream.handle(now, MediaInput::Pcm(&[0.1; 160]));
        went.extend(end.drain(&mut scratch).into_iter().filter(|(_, bytes)| bytes[1] & 0x7f == 0));
    }
    let flows: Vec<_> = went.iter().map(|(went, _)| went.local.port()).collect();
    assert_eq!(flows, [4, 4, 4, 14, 14, 14]);
}
