mod link;

use std::{
    net::SocketAddr,
    path::Path,
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant as Deadline},
};

use hound::{SampleFormat, WavSpec, WavWriter};
use rove_base::{CodecId, CodecPlan, MediaPlan, PayloadType, Route, RouteId, RouteKind, UdpFlow};
use rove_core::playout::PlayoutConfig;

use super::{call::Buffers, *};
use crate::{
    bridge::ControlEnds,
    callback::{Wired, wire},
    device::{Clip, DeviceConfig, FileConfig, Running, read_mono},
    entropy::os_entropy,
    net::bind_pair,
};

const PATIENCE: Duration = Duration::from_secs(10);

fn plan(id: CodecId, here: [SocketAddr; 2], there: [SocketAddr; 2]) -> MediaPlan {
    let payload_type = PayloadType::new(if id == CodecId::Opus { 111 } else { 0 }).unwrap();
    let codec = CodecPlan::new(id, payload_type);
    let flow = |n: usize| UdpFlow { local: here[n], remote: there[n] };
    let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: flow(0), rtcp: flow(1) };
    MediaPlan::builder(codec, "a@b").route(route).build().unwrap()
}

fn pair() -> (Vec<UdpSocket>, [SocketAddr; 2]) {
    let (rtp, rtcp) = bind_pair([127, 0, 0, 1].into()).unwrap();
    let addresses = [rtp.local_addr(), rtcp.local_addr()];
    (vec![rtp, rtcp], addresses)
}

fn wired(plan: &MediaPlan) -> Wired {
    wire(plan, PlayoutConfig::default()).unwrap()
}

/// A media thread, and a channel that it rings.
fn start() -> (MediaThread, Receiver<()>) {
    let (ring, bell) = mpsc::channel();
    (MediaThread::start(Clock::new(), move || ring.send(()).unwrap_or(())).unwrap(), bell)
}

/// Waits for an event that `wanted` turns into something.
fn expect<T>(
    thread: &MediaThread,
    bell: &Receiver<()>,
    what: &str,
    mut wanted: impl FnMut(MediaEvent) -> Option<T>,
) -> T {
    let deadline = Deadline::now() + PATIENCE;
    loop {
        while let Some(event) = thread.try_event() {
            if let Some(found) = wanted(event) {
                return found;
            }
        }
        let left = deadline.saturating_duration_since(Deadline::now());
        bell.recv_timeout(left).unwrap_or_else(|_| panic!("no {what} in time"));
    }
}

fn write_sine(path: &Path, hertz: f32) {
    let spec =
        WavSpec { channels: 1, sample_rate: 16_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = WavWriter::create(path, spec).unwrap();
    for n in 0..16_000 {
        let sample = (std::f32::consts::TAU * hertz * n as f32 / 16_000.0).sin();
        writer.write_sample((sample * 10_000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// How strong `hertz` is in `pcm`, 0 to 1 of all there is.
fn strength(pcm: &[f32], rate: u32, hertz: f32) -> f32 {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, sample) in pcm.iter().enumerate() {
        let angle = std::f32::consts::TAU * hertz * n as f32 / rate as f32;
        (re, im, all) = (re + sample * angle.cos(), im + sample * angle.sin(), all + sample * sample);
    }
    2.0 * (re * re + im * im) / (all * pcm.len() as f32).max(f32::MIN_POSITIVE)
}

struct Side {
    running: Running,
    _control: ControlEnds,
}

/// Puts one side of a call on `thread`, hearing `play` and recording into `record`.
fn join(
    thread: &MediaThread,
    call: u64,
    plan: &MediaPlan,
    sockets: Vec<UdpSocket>,
    files: [&Path; 2],
) -> Side {
    let Wired { media, input, output, control, .. } = wired(plan);
    thread.add(call, plan, sockets, media, os_entropy().unwrap()).unwrap();
    let [play, record] = files;
    let play = Some(Clip::read(play, &[]).unwrap());
    let config = DeviceConfig::File(FileConfig { play, repeat: true, record: Some(record.to_path_buf()) });
    Side { running: config.start(thread.clock, (input, output).into()).unwrap(), _control: control }
}

#[test]
fn two_phones_hear_each_other_and_count_every_packet() {
    for (codec, rate) in [(CodecId::Pcmu, 8_000), (CodecId::Opus, 48_000)] {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        write_sine(&file("low.wav"), 400.0);
        write_sine(&file("high.wav"), 1_000.0);
        let (thread, bell) = start();
        let ((a_sockets, a), (b_sockets, b)) = (pair(), pair());
        let (a_heard, b_heard) = (file("a.wav"), file("b.wav"));
        let alice = join(&thread, 1, &plan(codec, a, b), a_sockets, [&file("low.wav"), &a_heard]);
        let bob = join(&thread, 2, &plan(codec, b, a), b_sockets, [&file("high.wav"), &b_heard]);

        let mut seen = std::collections::BTreeSet::new();
        expect(&thread, &bell, "quality after both heard each other", |event| {
            seen.extend(match event {
                MediaEvent::FirstPacket { call, .. } => Some((call, "packet")),
                MediaEvent::FirstAudio { call, .. } => Some((call, "audio")),
                MediaEvent::Quality { call, quality } if quality.received > 30 && quality.lost == 0 => {
                    Some((call, "quality"))
                }
                _ => None,
            });
            (seen.len() == 6).then_some(())
        });
        thread.remove(1).unwrap();
        let mut summaries = Vec::new();
        expect(&thread, &bell, "farewell", |event| match event {
            MediaEvent::Stopped { call: 1, summary, counts } => {
                summaries.push((summary, counts));
                None
            }
            MediaEvent::PeerBye { call: 2 } => Some(()),
            _ => None,
        });
        thread.remove(2).unwrap();
        summaries.push(expect(&thread, &bell, "the last word", |event| match event {
            MediaEvent::Stopped { call: 2, summary, counts } => Some((summary, counts)),
            _ => None,
        }));
        alice.running.stop().unwrap();
        bob.running.stop().unwrap();
        for (summary, counts) in summaries {
            assert_eq!((summary.lost, counts.sent.refused, counts.sent.unroutable), (0, 0, 0));
            assert!(summary.sent >= 40 && counts.sent.sent > summary.sent, "{summary:?} {counts:?}");
        }
        for (path, hertz) in [(a_heard, 1_000.0), (b_heard, 400.0)] {
            let heard = read_mono(&path, rate).unwrap();
            let rate = rate as usize;
            let part = &heard[rate / 2..rate / 2 + rate / 4];
            let strength = strength(part, rate as u32, hertz);
            assert!(strength > 0.8, "{codec}: {hertz} Hz has {strength} of what was heard");
        }
    }
}

#[test]
fn no_packet_costs_an_allocation() {
    let clock = Clock::new();
    let ((sockets, here), (peer, there)) = (pair(), pair());
    let plan = plan(CodecId::Pcmu, here, there);
    let Wired { media, mut input, .. } = wired(&plan);
    let stream = Stream::new(clock.now(), &plan, media.packets, os_entropy().unwrap()).unwrap();
    let mut call = Call::new(1, stream, None, sockets, media.pcm, media.meter, true);
    let mut buffers = Buffers::new();
    let (mut incoming, mut echo) = (crate::net::RecvBatch::new(1, 2_048), crate::net::SendBatch::new(1));
    let mut scratch = rove_base::Scratch::with_capacity(4_096);
    let mut echoed = 0;
    assert_no_alloc::assert_no_alloc(|| {
        for _ in 0..200 {
            input.capture(clock.mono(), &[0.25; 160]);
            call.turn(clock, &mut buffers, &mut |_| {});
            let _ = incoming.recv(&peer[0], clock, |received| {
                scratch.clear();
                let range = scratch.push(received.bytes);
                let flow = rove_base::Flow::Udp(received.flow);
                assert!(echo.push(rove_base::Transmit { flow, range, dscp: rove_base::Dscp::EF }));
                echo.flush(&scratch, |_| Some(&peer[0]));
                echoed += 1;
            });
            call.receive(0, clock, &mut buffers);
            call.receive(1, clock, &mut buffers);
        }
    });
    assert!(echoed >= 190, "{echoed} packets came and went");
}

#[test]
fn what_is_no_voice_is_counted_and_harms_nobody() {
    let (thread, bell) = start();
    let ((sockets, here), (peer, there)) = (pair(), pair());
    let plan = plan(CodecId::Pcmu, here, there);
    let Wired { media, .. } = wired(&plan);
    thread.add(7, &plan, sockets, media, os_entropy().unwrap()).unwrap();
    let peer = std::net::UdpSocket::from(std::os::fd::OwnedFd::from(peer.into_iter().next().unwrap()));
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.send_to(b"GET / HTTP/1.1", here[0]).unwrap();
    peer.send_to(&[0x80; 5], here[0]).unwrap();
    peer.send_to(&[0x80; 1_600], here[0]).unwrap();
    stranger.send_to(&[0x80; 172], here[0]).unwrap();
    expect(&thread, &bell, "quality", |event| {
        matches!(event, MediaEvent::Quality { call: 7, .. }).then_some(())
    });
    thread.remove(99).unwrap();
    thread.remove(7).unwrap();
    let (summary, counts) = expect(&thread, &bell, "the last word", |event| match event {
        MediaEvent::Stopped { call: 7, summary, counts } => Some((summary, counts)),
        _ => None,
    });
    assert_eq!((summary.received, counts.oversized, counts.refused.strangers), (0, 1, 1), "{counts:?}");
    assert_eq!(counts.refused.unexpected + counts.refused.malformed, 2, "{counts:?}");
}

#[test]
fn a_thread_that_is_dropped_says_goodbye_for_all_its_calls() {
    let (thread, bell) = start();
    let ((sockets, here), (peer, there)) = (pair(), pair());
    let plan = plan(CodecId::Pcmu, here, there);
    let Wired { media, mut input, .. } = wired(&plan);
    thread.add(1, &plan, sockets, media, os_entropy().unwrap()).unwrap();
    input.capture(thread.clock.mono(), &[0.0; 160]);
    expect(&thread, &bell, "quality", |event| matches!(event, MediaEvent::Quality { .. }).then_some(()));
    drop(thread);
    let (mut kinds, mut batch) = (Vec::new(), crate::net::RecvBatch::new(32, 2_048));
    batch.recv(&peer[1], Clock::new(), |received| kinds.extend(packet_types(received.bytes))).unwrap();
    assert_eq!(kinds.last(), Some(&BYE), "{kinds:?}");
}

/// The packet types of an RTCP compound (RFC 3550 §6.4).
fn packet_types(mut compound: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [_, kind, high, low, ..] = compound {
        types.push(*kind);
        compound = &compound[4 * (usize::from(u16::from_be_bytes([*high, *low])) + 1)..];
    }
    types
}

const BYE: u8 = 203;
