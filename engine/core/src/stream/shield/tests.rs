#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::{cell::RefCell, rc::Rc};

use rove_base::{
    CodecId, CodecPlan, Entropy, Flow, Instant, Machine, MediaPlan, Now, PayloadType, Route, RouteId,
    RouteKind, RtpTimestamp, Scratch, SeqNumber, SrtpKeys, SrtpProfile, Ssrc, Step, UdpFlow, UnixTime,
};

use crate::{
    demux::{Kind, kind},
    jitter::PacketSink,
    rtp::{RtpHeader, RtpView},
    stream::{FirstNumbers, MediaInput, Refused, Stream},
};

const PROFILES: [SrtpProfile; 4] = [
    SrtpProfile::AesCm128HmacSha1_80,
    SrtpProfile::AesCm128HmacSha1_32,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
];

/// Number, timestamp, payload.
type Packet = (u16, u32, Vec<u8>);

/// What reached the playout.
#[derive(Clone, Default)]
struct Heard(Rc<RefCell<Vec<Packet>>>);

impl PacketSink for Heard {
    fn push(&mut self, _: Instant, packet: &RtpView<'_>) -> bool {
        self.0.borrow_mut().push((packet.seq().0, packet.timestamp().0, packet.payload().to_vec()));
        true
    }
}

fn flow(local: u16, remote: u16) -> UdpFlow {
    UdpFlow { local: ([10, 0, 0, 1], local).into(), remote: ([10, 0, 0, 2], remote).into() }
}

fn turned(flow: UdpFlow) -> UdpFlow {
    UdpFlow { local: flow.remote, remote: flow.local }
}

fn plan(profile: Option<SrtpProfile>, forth: bool) -> MediaPlan {
    let turn = |flow: UdpFlow| if forth { flow } else { turned(flow) };
    let route =
        Route { id: RouteId(0), kind: RouteKind::Direct, rtp: turn(flow(4, 6)), rtcp: turn(flow(5, 7)) };
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
    let plan = MediaPlan::builder(codec, "end").route(route);
    let Some(profile) = profile else { return plan.build().unwrap() };
    let len = profile.key_len() + profile.salt_len();
    let (one, other) = (vec![0xa1; len], vec![0xb2; len]);
    let (send, receive) = if forth { (one, other) } else { (other, one) };
    plan.srtp(SrtpKeys::new(profile, &send, &receive).unwrap()).build().unwrap()
}

fn first(seq: u16) -> FirstNumbers {
    FirstNumbers {
        ssrc: Ssrc(0x1234),
        seq: SeqNumber(seq),
        timestamp: RtpTimestamp(1_000),
        rollover: 0,
        srtcp_index: 0,
        packets: 0,
        octets: 0,
    }
}

/// A talks, B listens; both report. What A sends passes through `network`, which says what arrives at B.
struct Call {
    now: Now,
    ends: [Stream<Heard>; 2],
    heard: Heard,
    scratch: Scratch,
    /// What A sent.
    wire: Vec<Vec<u8>>,
}

impl Call {
    fn new(profile: Option<SrtpProfile>, first_of_a: FirstNumbers) -> Self {
        let now = Now { mono: Instant::from_nanos(1_000_000_000), wall: UnixTime::from_secs(1_700_000_000) };
        let heard = Heard::default();
        let others = FirstNumbers { ssrc: Ssrc(0x5678), ..first_of_a };
        let end = |forth, sink, first| {
            Stream::beginning_at(now, &plan(profile, forth), sink, Entropy::from_number(1), first).unwrap()
        };
        let ends = [end(true, Heard::default(), first_of_a), end(false, heard.clone(), others)];
        Self { now, ends, heard, scratch: Scratch::with_capacity(8_192), wire: Vec::new() }
    }

    /// Runs for so many steps of 20 ms; A is silent unless it `talks`.
    fn run(&mut self, steps: u32, talks: bool, mut network: impl FnMut(&[u8], &mut dyn FnMut(&[u8]))) {
        let pcm: [f32; 160] = core::array::from_fn(|i| (i as f32 * 0.1).sin() * 0.5);
        for _ in 0..steps {
            self.now = self.now.later(Duration::from_millis(20));
            let now = self.now;
            if talks {
                self.ends[0].handle(now, MediaInput::Pcm(&pcm));
            } else {
                self.ends[0].tick(now);
            }
            let [a, b] = &mut self.ends;
            self.scratch.clear();
            while let Some((flow, bytes)) = next(a, &mut self.scratch) {
                self.wire.push(bytes.clone());
                let flow = turned(flow);
                network(&bytes, &mut |bytes| {
                    b.handle(now, MediaInput::Datagram { flow, bytes, arrived: now.mono });
                });
            }
            b.tick(now);
            while let Some((flow, bytes)) = next(b, &mut self.scratch) {
                let flow = turned(flow);
                a.handle(now, MediaInput::Datagram { flow, bytes: &bytes, arrived: now.mono });
            }
        }
    }

    fn rtp(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.wire.iter().filter(|bytes| kind(bytes) == Kind::Rtp)
    }

    fn rtcp(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.wire.iter().filter(|bytes| kind(bytes) == Kind::Rtcp)
    }
}

fn next(stream: &mut Stream<Heard>, scratch: &mut Scratch) -> Option<(UdpFlow, Vec<u8>)> {
    loop {
        match stream.poll(scratch) {
            Step::Send(transmit) => {
                let Flow::Udp(flow) = transmit.flow else { panic!("a stream") };
                return Some((flow, scratch.get(transmit.range).to_vec()));
            }
            Step::Event(_) => {}
            _ => return None,
        }
    }
}

fn all(bytes: &[u8], deliver: &mut dyn FnMut(&[u8])) {
    deliver(bytes);
}

#[test]
fn a_protected_call_is_heard_as_a_plain_one_is_and_shows_nothing_on_its_way() {
    let mut plain = Call::new(None, first(7));
    plain.run(500, true, all);
    for profile in PROFILES {
        let mut call = Call::new(Some(profile), first(7));
        call.run(500, true, all);
        assert_eq!(*call.heard.0.borrow(), *plain.heard.0.borrow(), "{profile:?}");
        assert_eq!(call.heard.0.borrow().len(), 500, "{profile:?}");
        assert_eq!(call.ends.each_ref().map(Stream::refused), [Refused::default(); 2], "{profile:?}");
        assert!(call.ends[0].summary().round_trip.is_some(), "{profile:?}: reports came through");
        for (bytes, (_, _, payload)) in call.rtp().zip(call.heard.0.borrow().iter()) {
            assert_eq!(bytes.len(), 172 + profile.rtp_overhead());
            assert_ne!(bytes[12..172], payload[..], "{profile:?}");
        }
        assert!(call.rtcp().all(|bytes| !bytes.windows(3).any(|name| name == b"end")), "{profile:?}");
        assert!(plain.rtcp().all(|bytes| bytes.windows(3).any(|name| name == b"end")));
    }
}

#[test]
fn forged_replayed_and_plain_packets_change_nothing_but_their_counts() {
    for profile in PROFILES {
        let mut quiet = Call::new(Some(profile), first(7));
        quiet.run(500, true, all);
        let mut call = Call::new(Some(profile), first(7));
        let (mut n, mut extra, mut media) = (0, 0, Vec::new());
        call.run(500, true, |bytes, deliver| {
            n += 1;
            let mut forged = bytes.to_vec();
            let at = n * 31 % (bytes.len() - 12) + 12;
            forged[at] ^= 1 << (n % 8);
            deliver(&forged);
            deliver(bytes);
            deliver(bytes);
            if kind(bytes) == Kind::Rtp {
                media.push(bytes.to_vec());
            }
            if let Some(old) = media.len().checked_sub(200) {
                deliver(&media[old]);
                extra += 1;
            }
            deliver(&unprotected(20_000 + n as u16));
            deliver(&[0x81, 203, 0, 1, 0, 0, 0x12, 0x34]);
            extra += 4;
        });
        assert_eq!(*call.heard.0.borrow(), *quiet.heard.0.borrow(), "{profile:?}");
        let [mut ours, theirs] = [call.ends[1].summary(), quiet.ends[1].summary()];
        let refused = call.ends[1].refused();
        assert_eq!(core::mem::take(&mut ours.interval.broken), refused.forged, "{profile:?}");
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{profile:?}");
        let sent = call.wire.len() as u64;
        // The bare farewell is too short to hold a tag.
        assert_eq!(refused.malformed, sent, "{profile:?}: {refused:?}");
        assert_eq!(refused.forged + refused.malformed + refused.replayed, extra, "{profile:?}: {refused:?}");
        assert!(refused.forged >= 2 * sent - 20, "{profile:?}: {refused:?}");
        assert!(refused.replayed > sent, "{profile:?}: {refused:?}");
        let rest = Refused { forged: 0, malformed: 0, replayed: 0, ..refused };
        assert_eq!(rest, Refused::default(), "{profile:?}");
    }
}

/// An RTP packet as nobody protected it, of the source that is heard.
fn unprotected(seq: u16) -> Vec<u8> {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType::from_header(0),
        seq: SeqNumber(seq),
        timestamp: RtpTimestamp(0),
        ssrc: Ssrc(0x1234),
    };
    let mut bytes = vec![0; 172];
    header.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn three_wraps_of_the_sequence_number_lose_nothing() {
    let mut call = Call::new(Some(SrtpProfile::AeadAes128Gcm), FirstNumbers { rollover: 1, ..first(65_500) });
    let packets = 3 * 65_536 + 100;
    for _ in 0..packets / 1_000 + 1 {
        call.run(1_000, true, all);
        call.wire.clear();
    }
    let heard = call.heard.0.borrow();
    assert!(heard.len() as u32 >= packets);
    assert!(heard.iter().enumerate().all(|(n, (seq, ..))| *seq == 65_500_u16.wrapping_add(n as u16)));
    assert_eq!(call.ends[1].refused(), Refused::default());
}

#[test]
fn an_hour_of_silence_keeps_the_rollover_counter() {
    for profile in [SrtpProfile::AesCm128HmacSha1_80, SrtpProfile::AeadAes256Gcm] {
        let mut call = Call::new(Some(profile), FirstNumbers { rollover: 9, ..first(65_530) });
        call.run(100, true, all);
        let heard = call.heard.0.borrow().len();
        call.run(3_600 * 50, false, all);
        assert_eq!(call.heard.0.borrow().len(), heard, "{profile:?}: silence");
        call.run(100, true, all);
        assert_eq!(call.heard.0.borrow().len(), heard + 100, "{profile:?}");
        assert_eq!(call.heard.0.borrow().last().unwrap().0, 65_530_u16.wrapping_add(199), "{profile:?}");
        assert_eq!(call.ends[1].refused(), Refused::default(), "{profile:?}");
    }
}

#[test]
fn reports_count_their_index_and_stop_when_there_is_none_left() {
    let last = (1 << 31) - 1;
    for profile in PROFILES {
        let mut call = Call::new(Some(profile), FirstNumbers { srtcp_index: last - 2, ..first(7) });
        // Not so long that the missing reports stop the media as well (RFC 8083 §4.1).
        call.run(700, true, all);
        let behind = profile.rtcp_overhead() - 4;
        let tag = if profile.salt_len() == 12 { 0 } else { behind };
        let words: Vec<u32> = call
            .rtcp()
            .map(|bytes| {
                let end = bytes.len() - tag;
                u32::from_be_bytes(bytes[end - 4..end].try_into().unwrap())
            })
            .collect();
        assert_eq!(words, [last - 2, last - 1, last].map(|index| index | 1 << 31), "{profile:?}");
        assert_eq!(call.heard.0.borrow().len(), 700, "{profile:?}: media goes on");
    }
}

#[test]
fn a_call_with_keys_begins_in_the_lower_half_of_its_numbers() {
    let mut call = Call::new(Some(SrtpProfile::AeadAes128Gcm), first(65_500));
    call.run(2, true, all);
    assert_eq!(call.heard.0.borrow()[0].0, 65_500 & 0x7fff);
    let mut call = Call::new(None, first(65_500));
    call.run(2, true, all);
    assert_eq!(call.heard.0.borrow()[0].0, 65_500);
}
