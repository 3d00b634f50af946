use core::time::Duration;

use rove_base::{CodecId, CodecPlan, MediaPlan, PayloadType, Route, RouteId, RouteKind, UdpFlow};

use super::{decoder_for, encoder_for};

#[test]
fn every_codec_that_a_plan_can_name_is_built_and_brings_a_packet_across() {
    for id in [CodecId::Opus, CodecId::Pcmu, CodecId::Pcma, CodecId::G722, CodecId::L16] {
        for wanted in [10, 20, 40, 60] {
            let plan = plan(id, |codec| codec.packet_time = id.packet_time(Duration::from_millis(wanted)));
            let (mut encoder, mut decoder) = (encoder_for(&plan).unwrap(), decoder_for(&plan).unwrap());
            assert_eq!(encoder.sample_rate(), decoder.sample_rate(), "{id}");
            assert_eq!(encoder.sample_rate() % id.clock_rate().hertz(), 0, "whole samples in a tick of {id}");
            let samples =
                plan.codec().packet_time.as_millis() as usize * encoder.sample_rate() as usize / 1_000;
            let (mut payload, mut out) = (vec![0; 2_000], vec![0.0; samples]);
            let len = encoder.encode(&vec![0.1; samples], &mut payload).unwrap();
            assert_eq!(decoder.decode(&payload[..len], &mut out), Ok(samples), "{id} in {wanted} ms");
        }
    }
}

#[test]
fn opus_is_set_up_as_the_plan_says() {
    let plan = |rate, bitrate| {
        plan(CodecId::Opus, |codec| (codec.max_playback_rate, codec.bitrate) = (rate, bitrate))
    };
    let mut payload = [0; 1_500];
    let mut encoder = encoder_for(&plan(Some(8_000), None)).unwrap();
    encoder.encode(&[0.1; 960], &mut payload).unwrap();
    // Narrowband speech of 20 ms in one channel is configuration 1 (RFC 6716 table 2).
    assert_eq!(payload[0] >> 2, 1 << 1, "a peer of 8 kHz");
    assert!(encoder_for(&plan(None, Some(5_000))).is_err(), "a rate that Opus does not have");
}

fn plan(id: CodecId, change: impl FnOnce(&mut CodecPlan)) -> MediaPlan {
    let mut codec = CodecPlan::new(id, PayloadType::new(96).unwrap());
    change(&mut codec);
    let flow =
        UdpFlow { local: "192.0.2.1:4000".parse().unwrap(), remote: "192.0.2.2:4000".parse().unwrap() };
    let route = Route { id: RouteId(0), kind: RouteKind::Direct, rtp: flow, rtcp: flow };
    MediaPlan::builder(codec, "a").route(route).build().unwrap()
}
