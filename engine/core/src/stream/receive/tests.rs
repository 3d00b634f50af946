#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]

use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, SeqNumber, Ssrc};

use super::{Received, Receiver};
use crate::{
    jitter::PacketSink,
    playout::Formats,
    rtp::{RtpHeader, RtpView, red_header, red_primary_header},
};

struct Heard(usize);

impl PacketSink for Heard {
    fn push(&mut self, _: Instant, _: &RtpView<'_>) -> bool {
        self.0 += 1;
        true
    }
}

const SPEECH: u8 = 0;
const RED: u8 = 63;
const EVENT: u8 = 101;
const NOISE: u8 = 13;

#[test]
fn the_rate_of_the_speech_is_that_of_its_primary_payloads_alone() {
    let number = PayloadType::new;
    let mut formats = Formats::speech(PayloadType::from_header(SPEECH), ClockRate::TELEPHONE);
    (formats.red, formats.telephone_event, formats.comfort_noise) =
        (number(RED), number(EVENT), number(NOISE));
    let mut receiver = Receiver::new(formats, Heard(0));
    let speech = PayloadType::from_header(SPEECH);
    let red = [
        &red_header(speech, 320, 40).unwrap()[..],
        &red_header(speech, 160, 40).unwrap(),
        &[red_primary_header(speech)],
        &[0; 40 + 40 + 80],
    ]
    .concat();
    for n in 0..200_u16 {
        let (payload_type, payload) = match n % 20 {
            17 => (NOISE, vec![60; 10]),
            18 => (EVENT, vec![1, 10, 0, 160]),
            19 => (SPEECH, vec![0; 1]),
            even if even % 2 == 0 => (RED, red.clone()),
            _ => (SPEECH, vec![0; 80]),
        };
        let header = RtpHeader {
            marker: false,
            payload_type: PayloadType::from_header(payload_type),
            seq: SeqNumber(n),
            timestamp: RtpTimestamp(u32::from(n) * 160),
            ssrc: Ssrc(1),
        };
        let mut datagram = vec![0; 12];
        header.write(&mut datagram).unwrap();
        datagram.extend(payload);
        let arrived = Instant::from_nanos(u64::from(n) * 20_000_000);
        assert_ne!(receiver.on_rtp(&datagram, arrived, Ssrc(2)), Received::Refused);
    }
    assert_eq!(receiver.sink.0, 200);
    // 80 bytes in 20 ms.
    assert_eq!(receiver.stats().bitrate(), Some(32_000));
}
