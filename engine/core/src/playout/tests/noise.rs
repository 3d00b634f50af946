use rove_base::{ClockRate, Entropy, PayloadType};
use rove_codecs::{
    Encoder as _,
    g711::{PcmuDecoder, PcmuEncoder},
};

use super::{
    super::{Formats, Playout, PlayoutConfig},
    world::*,
};

const NOISE: u8 = 13;

/// A sender of G.711: packets in a row, in time that may have gaps.
struct Sender {
    seq: u16,
    packets: Vec<Packet>,
}

impl Sender {
    fn put(&mut self, n: u32, payload_type: u8, payload: Vec<u8>) {
        self.packets.push(Packet { seq: self.seq, payload_type, payload, ..nth(n, 0) });
        self.seq = self.seq.wrapping_add(1);
    }

    /// Frames from `n` on of a hum, with a background of the amplitude `background`.
    fn speak(&mut self, frames: core::ops::Range<u32>, hum: f32, background: f32) {
        let (mut encoder, mut entropy) = (PcmuEncoder::new(), Entropy::from_number(3));
        for n in frames {
            let sample = |i: u32| {
                let noise = background * (2.0 * entropy.unit() as f32 - 1.0);
                hum * ((n * FRAME + i) as f32 * 0.11).sin() + noise
            };
            let pcm: Vec<f32> = (0..FRAME).map(sample).collect();
            let mut payload = vec![0; FRAME as usize];
            encoder.encode(&pcm, &mut payload).unwrap();
            self.put(n, SPEECH, payload);
        }
    }
}

/// What is heard in pulls of 10 ms until `until_ms`, and the playout afterwards; whether it told a media time with each.
fn hear(sender: &Sender, until_ms: u64) -> (Vec<f32>, Vec<bool>, Playout<Ring>) {
    let ring = Ring::default();
    let mut formats = Formats::speech(PayloadType::from_header(SPEECH), ClockRate::TELEPHONE);
    formats.comfort_noise = PayloadType::new(NOISE);
    let decoder = Box::new(PcmuDecoder::new());
    let mut playout = Playout::new(ring.clone(), decoder, formats, PlayoutConfig::default());
    let mut packets = sender.packets.iter().peekable();
    let (mut heard, mut timed) = (Vec::new(), Vec::new());
    for at in (0..until_ms).step_by(10).map(|ms| ms * 1_000 + 2_500) {
        while let Some(packet) = packets.next_if(|packet| packet.at <= at) {
            ring.0.lock().unwrap().push_back(slot(packet));
        }
        let mut out = [f32::NAN; 80];
        playout.pull(us(at), &mut out);
        heard.extend(out);
        timed.push(playout.trace().timestamp.is_some());
    }
    (heard, timed, playout)
}

fn sender() -> Sender {
    Sender { seq: FIRST_SEQ, packets: Vec::new() }
}

/// The level from `from_ms` to `to_ms`, in dB of full scale.
fn level(heard: &[f32], from_ms: usize, to_ms: usize) -> f32 {
    let part = &heard[from_ms * 8..to_ms * 8];
    10.0 * (part.iter().map(|sample| sample * sample).sum::<f32>() / part.len() as f32 + 1e-12).log10()
}

#[test]
fn a_pause_sounds_as_the_sender_says_for_as_long_as_it_lasts() {
    let mut sender = sender();
    sender.speak(0..100, 0.3, 0.0);
    for n in (100..300).step_by(10) {
        sender.put(n, NOISE, vec![if n < 200 { 50 } else { 60 }, 60, 140]);
    }
    sender.speak(300..350, 0.3, 0.0);
    let (heard, timed, playout) = hear(&sender, 7_040);
    assert!((level(&heard, 1_000, 1_900) - -13.5).abs() < 1.0, "{}", level(&heard, 1_000, 1_900));
    for (from, to, wanted) in [(2_200, 3_900, -50.0), (4_600, 5_900, -60.0)] {
        let level = level(&heard, from, to);
        assert!((level - wanted).abs() < 1.5, "{level} from {from} ms on, not {wanted}");
    }
    assert!(timed[220..600].iter().all(|timed| !timed), "nobody's media time");
    assert!(timed[630..700].iter().all(|timed| *timed));
    assert!((level(&heard, 6_150, 7_000) - -13.5).abs() < 1.0, "{}", level(&heard, 6_150, 7_000));
    let trace = playout.trace();
    assert!((trace.comfort_noise as f64 / 8_000.0 - 4.0).abs() < 0.1, "{trace:?}");
    assert_eq!((trace.concealed, playout.meter().concealed), (0, 0));
}

#[test]
fn a_pause_of_which_nothing_is_told_sounds_as_the_background_did() {
    let mut sender = sender();
    for burst in 0..4 {
        sender.speak(burst * 50..burst * 50 + 30, 0.3, 0.01);
        sender.speak(burst * 50 + 30..burst * 50 + 50, 0.0, 0.01);
    }
    // Time goes on, sequence numbers do not: nothing was sent.
    sender.speak(300..320, 0.3, 0.01);
    let (heard, _, playout) = hear(&sender, 6_200);
    let (before, pause) = (level(&heard, 3_800, 4_000), level(&heard, 4_300, 5_900));
    assert!((before - pause).abs() < 3.0, "{pause} after {before}");
    assert_eq!(playout.meter().starving, 0, "it is known by now why nothing came");
    assert!((level(&heard, 6_100, 6_190) - -13.5).abs() < 1.0);
}

#[test]
fn noise_sets_in_and_ends_without_a_click() {
    let mut sender = sender();
    sender.speak(0..100, 0.3, 0.0);
    sender.put(100, NOISE, vec![40]);
    sender.speak(150..200, 0.3, 0.0);
    let (heard, _, _) = hear(&sender, 4_000);
    let step = |from_ms: usize, to_ms: usize| {
        heard[from_ms * 8..to_ms * 8].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    };
    let speech = step(1_000, 1_900);
    let noise = step(2_200, 2_900);
    assert!(noise > 0.005, "{noise}");
    for (what, from, to) in [("in", 1_990, 2_140), ("out", 2_980, 3_140)] {
        let step = step(from, to);
        assert!(step < speech + noise, "{what}: {step} beside {speech} and {noise}");
    }
}

#[test]
fn what_was_never_quiet_makes_no_loud_noise() {
    let mut sender = sender();
    sender.speak(0..100, 0.3, 0.0);
    let (heard, _, playout) = hear(&sender, 4_000);
    let level = level(&heard, 2_500, 3_990);
    assert!(level < -42.0, "{level}");
    assert!(playout.meter().starving > 8_000, "nobody knows why nothing comes");
    assert!(playout.trace().concealed > 8_000);
}

#[test]
fn a_noise_that_cannot_be_read_changes_nothing() {
    let mut sender = sender();
    sender.speak(0..50, 0.0, 0.001);
    sender.put(50, NOISE, Vec::new());
    let (heard, _, playout) = hear(&sender, 3_000);
    assert!((level(&heard, 1_500, 2_990) - level(&heard, 500, 1_000)).abs() < 3.0);
    assert_eq!(playout.meter().undecodable, 0);
    assert_eq!(playout.trace().timestamp, None);
}
