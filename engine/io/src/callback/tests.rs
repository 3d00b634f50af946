use core::time::Duration;

use rove_base::{
    ClockRate, CodecId, CodecPlan, Instant, MediaPlan, PayloadType, Route, RouteId, RouteKind, RtpTimestamp,
    SeqNumber, Ssrc, UdpFlow,
};
use rove_core::{
    jitter::PacketSink,
    playout::PlayoutConfig,
    rtp::{RtpHeader, RtpView},
};

use super::{
    Wired,
    gain::{Gain, wanted},
    replacement, wire,
};
use crate::bridge::{Captured, Levels, PacketTx};

pub(crate) fn plan(id: CodecId) -> MediaPlan {
    let payload_type = PayloadType::new(if id == CodecId::Opus { 111 } else { 0 }).unwrap();
    let codec = CodecPlan::new(id, payload_type);
    let flow =
        UdpFlow { local: "127.0.0.1:4000".parse().unwrap(), remote: "127.0.0.1:5000".parse().unwrap() };
    let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: flow, rtcp: flow };
    MediaPlan::builder(codec, "a@b").route(route).build().unwrap()
}

/// A fixed delay of 60 ms.
fn wired() -> Wired {
    let fixed = Duration::from_millis(60);
    let config = PlayoutConfig { least: fixed, most: fixed, ..PlayoutConfig::default() };
    wire(&plan(CodecId::Pcmu), config).unwrap()
}

/// 20 ms of a loud constant, as µ-law.
fn push(packets: &mut PacketTx, n: u16) {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType::from_header(0),
        seq: SeqNumber(n),
        timestamp: RtpTimestamp(u32::from(n) * 160),
        ssrc: Ssrc(1),
    };
    let mut datagram = [0x90; 172];
    header.write(&mut datagram).unwrap();
    assert!(packets.push(ms(u64::from(n) * 20), &RtpView::parse(&datagram).unwrap()));
}

fn ms(at: u64) -> Instant {
    Instant::from_nanos(at * 1_000_000)
}

#[test]
fn what_was_captured_reaches_the_media_thread_as_the_knobs_want_it() {
    let Wired { mut media, mut input, mut control, .. } = wired();
    let mut heard = |input: &mut super::Input, at| {
        input.capture(ms(at), &[0.5; 160]);
        let mut last = f32::NAN;
        media.pcm.read(|captured| {
            if let Captured::Sound { pcm, .. } = captured {
                last = *pcm.last().unwrap();
            }
        });
        last
    };
    assert!((heard(&mut input, 0) - 0.5).abs() < 1e-6);
    control.input.update(|knobs| knobs.gain = 0.5);
    assert!((heard(&mut input, 20) - 0.25).abs() < 1e-6);
    control.input.update(|knobs| knobs.muted = true);
    assert!(heard(&mut input, 40).abs() < 1e-6);
}

#[test]
fn captured_samples_that_find_no_room_are_counted() {
    let Wired { mut input, .. } = wired();
    for n in 0..11 {
        input.capture(ms(n * 20), &[0.0; 160]);
    }
    assert_eq!(input.missed(), 160, "200 ms fit");
}

#[test]
fn packets_are_heard_muted_and_counted() {
    let Wired { mut media, mut output, mut control, .. } = wired();
    let mut out = [0.0; 160];
    for n in 0..3 {
        push(&mut media.packets, n);
        output.render(ms(u64::from(n) * 20), &mut out);
        assert!(out.iter().all(|sample| sample.abs() < 1e-6), "before its time");
    }
    output.render(ms(60), &mut out);
    let loud = out[0].abs();
    assert!(loud > 0.1);
    control.output.update(|knobs| knobs.muted = true);
    output.render(ms(80), &mut out);
    assert!(out[0].abs() > 0.9 * loud && out[159].abs() < 1e-6, "faded out within the block");
    assert_eq!(media.meter.changed().unwrap().decoded_packets, 2);
}

const TWENTY: Duration = Duration::from_millis(20);

#[test]
fn the_bounds_of_the_delay_are_a_knob() {
    let Wired { mut media, mut output, mut control, .. } = wired();
    let mut out = [0.0; 160];
    control.output.update(|knobs| (knobs.least_delay, knobs.most_delay) = (TWENTY, TWENTY));
    output.render(ms(0), &mut out);
    push(&mut media.packets, 0);
    output.render(ms(20), &mut out);
    assert_eq!(media.meter.get().first_played, Some(ms(20)));
}

#[test]
fn a_new_playout_takes_over_and_the_old_one_comes_home() {
    let Wired { mut output, mut control, .. } = wired();
    let (mut packets, playout) = replacement(&plan(CodecId::Opus), 48_000, PlayoutConfig::default()).unwrap();
    control.playouts.send(playout).unwrap();
    let mut out = [0.0; 480];
    output.render(ms(0), &mut out);
    assert_eq!((output.sample_rate(), control.graveyard.clear()), (ClockRate::OPUS.hertz(), 1));
    push(&mut packets, 0);
    for _ in 0..4 {
        let (_, next) = replacement(&plan(CodecId::Pcmu), 8_000, PlayoutConfig::default()).unwrap();
        control.playouts.send(next).unwrap();
        output.render(ms(10), &mut out);
    }
    let (_, next) = replacement(&plan(CodecId::Opus), 48_000, PlayoutConfig::default()).unwrap();
    control.playouts.send(next).unwrap();
    output.render(ms(20), &mut out);
    assert_eq!(output.sample_rate(), 8_000, "no grave, no succession");
    assert_eq!(control.graveyard.clear(), 4);
    output.render(ms(30), &mut out);
    assert_eq!(output.sample_rate(), 48_000);
}

#[test]
fn a_gain_never_jumps() {
    let mut gain = Gain::new(1.0);
    let mut pcm = [1.0; 100];
    gain.apply(0.0, &mut pcm);
    assert!(pcm.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.011));
    gain.apply(0.0, &mut pcm);
    assert!(pcm.iter().all(|sample| sample.abs() < 1e-6));
}

#[test]
fn a_gain_out_of_reason_is_held_back() {
    let cases: &[(&str, f32, bool, f32)] = &[
        ("as asked", 0.5, false, 0.5),
        ("muted", 0.5, true, 0.0),
        ("negative", -1.0, false, 0.0),
        ("too much", 1e9, false, 16.0),
        ("no number", f32::NAN, false, 0.0),
        ("infinite", f32::INFINITY, false, 0.0),
    ];
    for &(what, gain, muted, expected) in cases {
        assert!((wanted(gain, muted) - expected).abs() < 1e-6, "{what}");
    }
}

#[test]
fn what_the_callbacks_hear_and_play_is_shown_in_decibels_after_gain_and_mute() {
    let Wired { mut media, mut input, mut output, mut control, .. } = wired();
    assert_eq!(control.input_levels.get(), Levels::default());
    input.capture(ms(0), &[0.5; 8_000]);
    let shown = control.input_levels.get();
    assert!((shown.peak.unwrap() + 6.02).abs() < 0.01, "{shown:?}");
    assert!(shown.rms.is_some_and(|rms| (-6.4..-6.0).contains(&rms)), "after a second of 0.5: {shown:?}");
    control.input.update(|knobs| knobs.muted = true);
    for n in 1..200 {
        input.capture(ms(1_000 * n), &[0.5; 8_000]);
    }
    assert_eq!(control.input_levels.get(), Levels { peak: Some(-127.0), rms: Some(-127.0) });

    let mut out = [0.0; 160];
    for n in 0..8 {
        push(&mut media.packets, n);
        output.render(ms(u64::from(n) * 20), &mut out);
    }
    let loud = out.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    let shown = control.output_levels.get();
    assert!((shown.peak.unwrap() - 20.0 * loud.log10()).abs() < 0.1, "{shown:?} of {loud}");
}
