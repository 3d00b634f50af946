mod silence;

use core::time::Duration;

use rove_base::{ClockRate, Instant, PayloadType, RtpTimestamp, Scratch, SeqNumber, Ssrc};
use rove_codecs::{
    CodecError, Encoder,
    telephone_event::{DtmfKey, TelephoneEvent},
};

use super::{Distances, KEYS, Scheme, Sender, SenderConfig};
use crate::rtp::{RedView, RtpView};

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
        red: None,
        telephone_event: None,
        comfort_noise: None,
        clock: ClockRate::TELEPHONE,
        packet_time: Duration::from_millis(20),
        bitrate: None,
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

/// Sends frames of a changing length, `rate` of its tuning in bits per second, each byte the number of its frame.
struct Numbered {
    frames: u8,
    bitrate: u32,
    wobble: u32,
    /// Parts of a byte, in eight-hundredths, that the last frame left.
    rest: usize,
}

impl Encoder for Numbered {
    fn sample_rate(&self) -> u32 {
        48_000
    }
    fn lookahead(&self) -> usize {
        0
    }
    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        self.frames = self.frames.wrapping_add(1);
        if pcm[0] == 0.0 {
            return Ok(0);
        }
        // Overshoots a little, and changes from frame to frame, as a variable rate does.
        self.wobble = (self.wobble * 5 + 3) % 16;
        let parts = self.rest + self.bitrate as usize * pcm.len() / 48_000 * (86 + 2 * self.wobble as usize);
        let bytes = parts / 800;
        self.rest = parts % 800;
        out[..bytes].fill(self.frames);
        Ok(bytes)
    }
    fn tune(&mut self, tuning: rove_codecs::Tuning) -> Result<(), CodecError> {
        self.bitrate = tuning.bitrate.unwrap_or(self.bitrate);
        Ok(())
    }
}

const SPEECH: PayloadType = PayloadType::from_header(111);
const RED: PayloadType = PayloadType::from_header(63);
const EVENT: PayloadType = PayloadType::from_header(110);

fn red_config(bitrate: u32) -> SenderConfig {
    SenderConfig {
        ssrc: Ssrc(7),
        first_seq: SeqNumber(0),
        first_timestamp: RtpTimestamp(0xffff_f000),
        payload_type: SPEECH,
        red: Some(RED),
        telephone_event: Some(EVENT),
        comfort_noise: None,
        clock: ClockRate::OPUS,
        packet_time: Duration::from_millis(20),
        bitrate: Some(bitrate),
    }
}

fn red_sender(copies: &[u8], bitrate: u32) -> Sender {
    let encoder = Numbered { frames: 0, bitrate: 32_000, wobble: 0, rest: 0 };
    let mut sender = Sender::new(Box::new(encoder), red_config(bitrate));
    sender.set_scheme(Scheme { copies: Distances::new(copies).unwrap(), ..Scheme::NONE });
    sender
}

/// Captures `frames` of 20 ms at `level` and answers the packets they became.
fn say(sender: &mut Sender, frames: usize, level: f32) -> Vec<Vec<u8>> {
    let mut out = Scratch::default();
    let mut sent = Vec::new();
    for _ in 0..frames {
        sender.capture(Instant::ZERO, &[level; 960]);
        while let Some(span) = sender.next_packet(&mut out) {
            sent.push(out.get(span).to_vec());
        }
    }
    sent
}

/// Frame number and offset of each block, oldest first, the primary one last.
fn blocks(packet: &[u8]) -> Vec<(u8, u32)> {
    let packet = RtpView::parse(packet).unwrap();
    if packet.payload_type() == SPEECH {
        return vec![(packet.payload()[0], 0)];
    }
    assert_eq!(packet.payload_type(), RED);
    let view = RedView::parse(packet.payload()).unwrap();
    let redundant = view.redundant().inspect(|block| assert_eq!(block.payload_type, SPEECH));
    redundant.chain([view.primary()]).map(|block| (block.payload[0], block.offset)).collect()
}

#[test]
fn each_packet_carries_copies_of_those_at_the_distances_oldest_first() {
    let mut sender = red_sender(&[1, 4], 32_000);
    let sent: Vec<_> = say(&mut sender, 6, 0.5).iter().map(|packet| blocks(packet)).collect();
    assert_eq!(
        sent,
        [
            vec![(1, 0)],
            vec![(1, 960), (2, 0)],
            vec![(2, 960), (3, 0)],
            vec![(3, 960), (4, 0)],
            vec![(1, 3_840), (4, 960), (5, 0)],
            vec![(2, 3_840), (5, 960), (6, 0)],
        ]
    );
}

#[test]
fn what_was_said_before_a_silence_is_not_said_again_after_it() {
    let mut sender = red_sender(&[1, 2], 32_000);
    say(&mut sender, 3, 0.5);
    assert!(say(&mut sender, 5, 0.0).is_empty());
    let sent: Vec<_> = say(&mut sender, 3, 0.5).iter().map(|packet| blocks(packet)).collect();
    assert_eq!(sent, [vec![(9, 0)], vec![(9, 960), (10, 0)], vec![(9, 1_920), (10, 960), (11, 0)]]);
}

#[test]
fn offsets_count_time_when_the_packet_time_changes() {
    let mut sender = red_sender(&[1, 2], 32_000);
    say(&mut sender, 2, 0.5);
    sender.set_packet_time(Duration::from_millis(60));
    let sent: Vec<_> = say(&mut sender, 6, 0.5).iter().map(|packet| blocks(packet)).collect();
    assert_eq!(sent, [vec![(1, 1_920), (2, 960), (3, 0)], vec![(2, 3_840), (3, 2_880), (4, 0)]]);
    sender.set_scheme(Scheme { copies: Distances::new(&[6]).unwrap(), ..Scheme::NONE });
    let sent = say(&mut sender, 30, 0.5);
    let mut settled = sent.iter().skip(6);
    assert!(settled.all(|packet| blocks(packet).len() == 1), "14 bits of offset reach 341 ms back");
}

#[test]
fn the_mean_with_all_copies_is_the_limit_over_any_call_of_eight_seconds_and_more() {
    for copies in [&[][..], &[1], &[1, 2], &[2, 4], &[1, 2, 3, 4]] {
        for limit in [16_000, 24_000, 34_000, 64_000] {
            let mut sender = red_sender(copies, limit);
            for seconds in 1..=60_u32 {
                say(&mut sender, 50, 0.5);
                let mean = sender.state().mean_bitrate.unwrap();
                let fits = mean <= limit && mean >= limit * 98 / 100;
                assert!(seconds < 8 || fits, "{copies:?} {limit}: {mean} after {seconds} s");
            }
        }
    }
}

#[test]
fn the_codec_is_asked_for_nearly_the_same_all_the_time() {
    let mut sender = red_sender(&[1], 34_000);
    for second in 0..60 {
        say(&mut sender, 50, 0.5);
        let asked = sender.state().codec_bitrate.unwrap();
        assert!((15_300..=16_200).contains(&asked), "{asked} in second {second}");
    }
}

#[test]
fn every_payload_has_its_copy_when_the_distances_change() {
    let set = |sender: &mut Sender, copies: &[u8]| {
        sender.set_scheme(Scheme { copies: Distances::new(copies).unwrap(), ..Scheme::NONE });
    };
    for (before, after) in [(&[1][..], &[4][..]), (&[4], &[1]), (&[1, 4], &[2]), (&[4], &[]), (&[1, 2], &[4])]
    {
        let mut sender = red_sender(before, 34_000);
        let mut sent = say(&mut sender, 20, 0.5);
        set(&mut sender, after);
        sent.extend(say(&mut sender, 20, 0.5));
        let read: Vec<_> = sent.iter().map(|packet| blocks(packet)).collect();
        for frame in 10..=20_u8 {
            let copied = read.iter().filter(|blocks| {
                blocks.split_last().is_some_and(|(_, copies)| copies.iter().any(|copy| copy.0 == frame))
            });
            let least = before.len().min(if after.is_empty() { 9 } else { after.len() });
            assert!(copied.count() >= least, "{before:?} to {after:?}: {frame}");
        }
        let last = read.last().unwrap().len();
        assert_eq!(last, after.len() + 1, "and then only what the scheme says");
    }
    let mut sender = red_sender(&[1], 34_000);
    say(&mut sender, 20, 0.5);
    set(&mut sender, &[4]);
    let sent: Vec<_> = say(&mut sender, 5, 0.5).iter().map(|packet| blocks(packet).len()).collect();
    assert_eq!(sent, [3, 3, 3, 3, 2], "near copies go on until the far ones have come");
}

#[test]
fn copies_go_only_where_red_was_agreed() {
    let mut plain = Sender::new(
        Box::new(Numbered { frames: 0, bitrate: 32_000, wobble: 0, rest: 0 }),
        SenderConfig { red: None, ..red_config(32_000) },
    );
    plain.set_scheme(Scheme { copies: Distances::new(&[1]).unwrap(), ..Scheme::NONE });
    assert!(plain.state().scheme.copies.is_empty());
    assert!(say(&mut plain, 4, 0.5).iter().all(|packet| blocks(packet).len() == 1));
}

#[test]
fn a_key_is_told_by_rfc4733_and_suspends_the_voice() {
    let mut sender = red_sender(&[1], 32_000);
    let begin = say(&mut sender, 1, 0.5);
    assert!(sender.press(DtmfKey::from_char('#').unwrap(), Duration::from_millis(90)));
    assert!(sender.press(DtmfKey::from_char('d').unwrap(), Duration::ZERO));
    let sent = say(&mut sender, 12, 0.5);
    let read: Vec<_> = sent
        .iter()
        .map(|packet| {
            let packet = RtpView::parse(packet).unwrap();
            let event =
                TelephoneEvent::parse(packet.payload()).ok().filter(|_| packet.payload_type() == EVENT);
            let since = packet.timestamp().since(RtpTimestamp(0xffff_f000)) / 960;
            (
                packet.marker(),
                since,
                event.map(|event| (event.key().unwrap().to_char(), event.end, event.duration)),
            )
        })
        .collect();
    let hash = |end, duration| Some(('#', end, duration));
    let d = |end, duration| Some(('D', end, duration));
    assert_eq!(
        read,
        [
            (true, 1, hash(false, 960)),
            (false, 1, hash(false, 1_920)),
            (false, 1, hash(false, 2_880)),
            (false, 1, hash(false, 3_840)),
            (false, 1, hash(true, 4_320)),
            (false, 1, hash(true, 4_320)),
            (false, 1, hash(true, 4_320)),
            (true, 8, d(false, 960)),
            (false, 8, d(true, 1_920)),
            (false, 8, d(true, 1_920)),
            (false, 8, d(true, 1_920)),
            (true, 12, None),
        ],
        "one timestamp an event, a growing duration, three ends, 40 ms at least, a marker when the voice is back"
    );
    let numbers = begin.iter().chain(&sent).map(|packet| RtpView::parse(packet).unwrap().seq().0);
    assert!(numbers.eq(0..13));
}

#[test]
fn keys_that_wait_are_bounded() {
    let mut sender = red_sender(&[], 32_000);
    let taken = (0..100)
        .filter(|_| sender.press(DtmfKey::from_char('1').unwrap(), Duration::from_millis(50)))
        .count();
    assert_eq!(taken, KEYS);
}
