use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, Scratch, SeqNumber, Ssrc};
use rove_codecs::{CodecError, Encoder};

use super::{Sender, SenderConfig};
use crate::rtp::RtpView;

/// Sends the loudest byte of a frame; nothing for silence; refuses frames that begin with 9.
struct Plain;

impl Encoder for Plain {
    fn sample_rate(&self) -> u32 {
        8_000
    }
    fn lookahead(&self) -> usize {
        0
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        match pcm[0] as u8 {
            0 => Ok(0),
            9 => Err(CodecError::FrameLength { samples: pcm.len() }),
            value => {
                out[0] = value;
                Ok(1)
            }
        }
    }
}

fn sender() -> Sender {
    let config = SenderConfig {
        ssrc: Ssrc(7),
        first_seq: SeqNumber(0xffff),
        first_timestamp: RtpTimestamp(0xffff_ffff),
        payload_type: PayloadType::from_header(8),
        clock: ClockRate::TELEPHONE,
        frame_samples: 160,
    };
    Sender::new(Box::new(Plain), config)
}

fn packets(sender: &mut Sender) -> Vec<(bool, u16, u32, u8)> {
    let mut out = Scratch::default();
    core::iter::from_fn(|| {
        let span = sender.next_packet(&mut out)?;
        let packet = RtpView::parse(out.get(span)).unwrap();
        assert_eq!((packet.ssrc(), packet.payload_type().number()), (Ssrc(7), 8));
        Some((packet.marker(), packet.seq().0, packet.timestamp().0, packet.payload()[0]))
    })
    .collect()
}

#[test]
fn packets_are_numbered_without_holes_and_stamped_with_the_samples_captured_before() {
    let mut sender = sender();
    let mut frames = Vec::new();
    for value in [1.0, 2.0, 0.0, 0.0, 3.0, 9.0, 4.0] {
        frames.extend([value; 160]);
    }
    for piece in frames.chunks(100) {
        sender.capture(Instant::ZERO, piece);
    }
    let sent = packets(&mut sender);
    assert_eq!(
        sent,
        [
            (true, 0xffff, 0xffff_ffff, 1),
            (false, 0, 159, 2),
            (true, 1, 159 + 480, 3),
            (true, 2, 159 + 800, 4)
        ],
        "silence and refused frames leave a gap in time, none in numbers, and a marker after it"
    );
    assert_eq!((sender.packets(), sender.octets(), sender.failed()), (4, 4, 1));
}

#[test]
fn what_was_given_up_or_missed_takes_its_time_all_the_same() {
    let mut sender = sender();
    sender.capture(Instant::ZERO, &[1.0; 1_600]);
    sender.capture(Instant::ZERO, &[2.0; 160]);
    assert_eq!(sender.skipped(), 160);
    let sent = packets(&mut sender);
    assert_eq!(
        (sent.len(), sent[0].2, sent[9]),
        (10, 159, (false, 8, 0xffff_ffff_u32.wrapping_add(1_600), 2))
    );
    sender.miss(Instant::ZERO, 320);
    sender.capture(Instant::ZERO, &[3.0; 160]);
    assert_eq!(packets(&mut sender), [(true, 9, 0xffff_ffff_u32.wrapping_add(1_760 + 320), 3)]);
}

#[test]
fn media_time_goes_on_between_captures() {
    let mut sender = sender();
    assert_eq!(sender.timestamp_at(Instant::from_nanos(5_000_000)), RtpTimestamp(0xffff_ffff));
    sender.capture(Instant::from_nanos(20_000_000), &[1.0; 160]);
    assert_eq!(sender.timestamp_at(Instant::from_nanos(25_000_000)), RtpTimestamp(159 + 40));
}
