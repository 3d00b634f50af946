//! Streams whose plan changes while they run.

use rove_base::{PayloadTypes, SrtpKeys, SrtpProfile};

use super::*;
use crate::stream::Replan;

/// Two ends on one wire, 20 ms apart, whose plans can change.
struct Pair {
    now: Now,
    ends: [End; 2],
    plans: [MediaPlan; 2],
    network: VecDeque<(Instant, usize, UdpFlow, Vec<u8>)>,
    /// SSRC, sequence number and payload type of what end 0 sent.
    sent: Vec<(u32, u16, u8)>,
    rate: u32,
}

impl Pair {
    fn new(plans: [MediaPlan; 2]) -> Self {
        let now = start();
        let ends = [0, 1].map(|end: usize| End::new(now, &plans[end], end as u64 + 1));
        let rate = ends[0].stream.pcm_rate();
        Self { now, ends, plans, network: VecDeque::new(), sent: Vec::new(), rate }
    }

    /// End `end` goes on by another plan, as a phone would have it.
    fn change(&mut self, end: usize, plan: MediaPlan) {
        let (before, ring) = (&self.plans[end], Ring::default());
        let sink = Replan::<Ring>::needs_sink(before, &plan).then(|| ring.clone());
        let renewed = sink.is_some();
        let mut replan = Replan::new(self.now, before, &plan, self.rate, sink).unwrap();
        self.ends[end].stream.replan(&mut replan);
        if renewed {
            let decoder = codec::decoder_at(&plan, self.rate).unwrap();
            self.ends[end].next = Some(Playout::new(ring, decoder, Formats::of(&plan), FIXED));
        }
        self.plans[end] = plan;
    }

    fn run(&mut self, millis: u64) {
        let block = self.rate as usize / 100;
        let tone: Vec<f32> = (0..block).map(|i| 0.4 * (i as f32 / block as f32 * 40.0).sin()).collect();
        let mut scratch = Scratch::with_capacity(8_192);
        for _ in 0..millis / 10 {
            self.now = self.now.later(Duration::from_millis(10));
            while self.network.front().is_some_and(|datagram| datagram.0 <= self.now.mono) {
                let (arrived, to, flow, bytes) = self.network.pop_front().unwrap();
                let flow = UdpFlow { local: flow.remote, remote: flow.local };
                let input = MediaInput::Datagram { flow, bytes: &bytes, arrived };
                self.ends[to].stream.handle(self.now, input);
            }
            for (i, end) in self.ends.iter_mut().enumerate() {
                end.stream.handle(self.now, MediaInput::Pcm(&tone));
                end.succeed();
                let mut out = vec![0.0; block];
                end.playout.pull(self.now.mono, &mut out);
                end.heard.extend(out);
                end.stream.handle(self.now, MediaInput::Meter(end.playout.meter()));
                for (flow, bytes) in end.drain(&mut scratch) {
                    if let (0, Ok(packet)) = (i, RtpView::parse(&bytes))
                        && flow.local.port() == 4
                    {
                        let number = packet.payload_type().number();
                        self.sent.push((packet.ssrc().0, packet.seq().0, number));
                    }
                    self.network.push_back((self.now.mono + Duration::from_millis(20), 1 - i, flow, bytes));
                }
            }
        }
    }

    /// Both plans by `plan`, in the order that an answer takes: the callee first, the caller 20 ms later.
    fn agree(&mut self, plan: impl Fn(bool) -> MediaPlan) {
        self.change(1, plan(false));
        self.run(20);
        self.change(0, plan(true));
    }

    /// The longest stretch without sound at an end, in ms, after what was heard before.
    fn gap(&self, end: usize, after: usize) -> usize {
        let heard = &self.ends[end].heard[after..];
        let quiet = heard.split(|sample| sample.abs() > 0.01).map(<[f32]>::len).max().unwrap_or(0);
        quiet * 1_000 / self.rate as usize
    }

    fn summaries(&self) -> [Quality; 2] {
        [self.ends[0].stream.summary(), self.ends[1].stream.summary()]
    }
}

impl End {
    /// The next playout takes over when there is something for it.
    fn succeed(&mut self) {
        let begun = |next: &mut Playout<Ring>| !next.source().0.lock().unwrap().is_empty();
        if let Some(mut next) = self.next.take_if(begun) {
            next.succeed(&self.playout);
            self.playout = next;
        }
    }
}

fn keyed(forth: bool, [ours, theirs]: [u8; 2]) -> MediaPlan {
    let base = plan(CodecId::Pcmu, forth, Direction::SendRecv);
    let (send, receive) = if forth { (ours, theirs) } else { (theirs, ours) };
    let keys = SrtpKeys::new(SrtpProfile::AeadAes128Gcm, &[send; 28], &[receive; 28]).unwrap();
    MediaPlan::builder(*base.codec(), base.cname()).route(base.routes()[0]).srtp(keys).build().unwrap()
}

#[test]
fn other_keys_take_effect_without_a_lost_packet_under_the_same_name_and_numbers() {
    let mut pair = Pair::new([keyed(true, [1, 2]), keyed(false, [1, 2])]);
    pair.run(1_000);
    let heard = pair.ends[1].heard.len();
    for keys in [[1, 3], [4, 3], [5, 6]] {
        pair.agree(|forth| keyed(forth, keys));
        pair.run(1_000);
    }
    for (end, summary) in pair.summaries().iter().enumerate() {
        // What left under the new key before the other end knew of it is lost: none here but to who agreed last.
        assert!(summary.lost <= 6, "end {end}: {summary:?}");
    }
    assert!(pair.gap(1, heard) < 80, "{} ms", pair.gap(1, heard));
    let (name, first, _) = pair.sent[0];
    for (n, (ssrc, seq, _)) in pair.sent.iter().enumerate() {
        assert_eq!((*ssrc, *seq), (name, first.wrapping_add(n as u16)), "packet {n}");
    }
}

#[test]
fn another_codec_is_spoken_under_the_same_name_and_with_the_next_number() {
    for (before, after, number) in [
        (CodecId::Opus, CodecId::Pcmu, 0),
        (CodecId::Opus, CodecId::Pcma, 0),
        (CodecId::Pcmu, CodecId::Pcma, 8),
    ] {
        let of = |id, forth| plan(id, forth, Direction::SendRecv);
        let other = |forth| {
            let base = of(after, forth);
            let codec = CodecPlan::new(after, PayloadType::from_header(number));
            MediaPlan::builder(codec, base.cname()).route(base.routes()[0]).build().unwrap()
        };
        let mut pair = Pair::new([of(before, true), of(before, false)]);
        pair.run(2_000);
        let heard = pair.ends[1].heard.len();
        pair.agree(other);
        pair.run(2_000);
        let what = format!("{before} to {after}");
        for end in [0, 1] {
            assert!(pair.gap(end, heard) <= 120, "{what}: {} ms at {end}", pair.gap(end, heard));
            let loud = pair.ends[end].heard.iter().rev().take(1_000).any(|sample| sample.abs() > 0.2);
            assert!(loud, "{what}: heard to the end");
            assert_eq!(pair.ends[end].stream.refused().payload_type, 0, "{what}");
        }
        let (name, first, _) = pair.sent[0];
        for (n, (ssrc, seq, _)) in pair.sent.iter().enumerate() {
            assert_eq!((*ssrc, *seq), (name, first.wrapping_add(n as u16)), "{what}: packet {n}");
        }
        assert_eq!(pair.sent.last().unwrap().2, number, "{what}");
        // And back.
        let heard = pair.ends[1].heard.len();
        pair.agree(|forth| of(before, forth));
        pair.run(1_000);
        assert!(pair.gap(0, heard) <= 120 && pair.gap(1, heard) <= 120, "{what} and back");
        for summary in pair.summaries() {
            assert!(summary.mos.unwrap() > 3.5 && summary.lost <= 8, "{what}: {summary:?}");
        }
    }
}

#[test]
fn a_faster_clock_than_the_devices_is_refused_and_nothing_changes() {
    let [before, after] = [CodecId::Pcmu, CodecId::Opus].map(|id| plan(id, true, Direction::SendRecv));
    assert!(Replan::<Ring>::new(start(), &before, &after, 8_000, None).is_err());
}

#[test]
fn what_goes_with_a_codec_comes_and_goes_without_another_playout() {
    let of = |forth, keys: bool, millis| {
        let base = plan(CodecId::Pcmu, forth, Direction::SendRecv);
        let telephone_event = keys.then(|| PayloadTypes::both(PayloadType::from_header(101)));
        let codec =
            CodecPlan { telephone_event, packet_time: Duration::from_millis(millis), ..*base.codec() };
        MediaPlan::builder(codec, base.cname()).route(base.routes()[0]).build().unwrap()
    };
    let mut pair = Pair::new([of(true, false, 20), of(false, false, 20)]);
    pair.run(1_000);
    let heard = pair.ends[1].heard.len();
    assert!(!Replan::<Ring>::needs_sink(&of(true, false, 20), &of(true, true, 40)));
    pair.agree(|forth| of(forth, true, 40));
    let formats = Formats::of(&of(false, true, 40));
    pair.ends[1].playout.set_formats(formats);
    let before = pair.sent.len();
    pair.run(1_000);
    assert_eq!(pair.sent.len() - before, 25, "40 ms each");
    assert!(pair.ends[0].stream.tells_digits() && pair.gap(1, heard) < 60);
    let press = MediaInput::Dtmf { digit: '5', duration: Duration::from_millis(200) };
    pair.ends[0].stream.handle(pair.now, press);
    pair.run(1_000);
    let told = pair.ends[1].events.iter().filter(|event| matches!(event, StreamEvent::Digit(_))).count();
    assert_eq!((told, pair.ends[1].stream.refused().payload_type), (1, 0));
}

#[test]
fn a_running_stream_takes_another_plan_without_allocating_or_freeing() {
    let mut end = End::new(start(), &keyed(true, [1, 2]), 1);
    let opus = plan(CodecId::Pcma, true, Direction::RecvOnly);
    let mut one = Replan::new(start(), &keyed(true, [1, 2]), &keyed(true, [3, 4]), 8_000, None).unwrap();
    let mut other = Replan::new(start(), &keyed(true, [3, 4]), &opus, 8_000, Some(Ring::default())).unwrap();
    assert_no_alloc::assert_no_alloc(|| {
        end.stream.replan(&mut one);
        end.stream.replan(&mut other);
    });
}
