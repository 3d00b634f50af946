//! Calls joined with each other: beside what the device says, each side hears what the other sides say.
//!
//! ```text
//!  call A: render ──▶ device A     │  what A's side says ── ring ─▶ mixed into what B's side hears
//!  call B: capture ◀── device B    │  (and the other way round, for each pair of calls)
//! ```
//!
//! Nothing runs in between: whichever callback renders a call says it to the others, and whichever captures for a call mixes
//! what they have said.

use rove_base::Instant;
use rove_core::mix::Mixer;

use super::{Capture, ChunkedResampler, Ends, Fixed, Render};
use crate::bridge::{PartRx, PartTx, VoiceRx, VoiceTx, part, voice_ring};

/// What joins a call with others, for who decides on that.
#[derive(Debug)]
pub struct Joint {
    rate: u32,
    ears: PartTx<Ears>,
    mouth: PartTx<Mouth>,
}

/// What the other side of a call hears beside the device.
struct Ears {
    voices: Vec<VoiceRx>,
    mixer: Mixer,
    block: Box<[f32]>,
}

/// Whom the other side of a call is heard by.
struct Mouth(Vec<Ear>);

/// One who hears, at a rate of its own.
struct Ear {
    to: VoiceTx,
    convert: Option<ChunkedResampler>,
}

struct JointCapture {
    inner: Box<dyn Capture>,
    ears: PartRx<Ears>,
}

struct JointRender {
    inner: Box<dyn Render>,
    mouth: PartRx<Mouth>,
}

impl Ends {
    /// The same ends, which can be joined with those of other calls from now on.
    #[must_use]
    pub fn joinable(self) -> (Self, Joint) {
        let Self { rate, capture, render } = self;
        let (ears_tx, ears) = part();
        let (mouth_tx, mouth) = part();
        let capture = Box::new(JointCapture { inner: capture, ears });
        let render = Box::new(JointRender { inner: render, mouth });
        (Self { rate, capture, render }, Joint { rate, ears: ears_tx, mouth: mouth_tx })
    }
}

/// Joins these calls, and no others, with each other: one alone hears its device only. `false` when one of them is gone, or
/// there is no way between their rates, which leaves them as they were as far as possible.
#[must_use]
pub fn join(calls: &mut [&mut Joint]) -> bool {
    let rates: Vec<u32> = calls.iter().map(|call| call.rate).collect();
    let mut ears: Vec<Vec<VoiceRx>> = rates.iter().map(|_| Vec::new()).collect();
    let mut mouths: Vec<Vec<Ear>> = rates.iter().map(|_| Vec::new()).collect();
    for (from, mouth) in mouths.iter_mut().enumerate() {
        for (to, ears) in ears.iter_mut().enumerate().filter(|(to, _)| *to != from) {
            let Some((ear, voice)) = way(rates[from], rates[to]) else { return false };
            mouth.push(ear);
            ears.push(voice);
        }
    }
    let parts = ears.into_iter().zip(mouths);
    calls.iter_mut().zip(parts).all(|(call, (voices, mouth))| {
        let longest = samples(call.rate, LONGEST_MS);
        // The device, the others, and who hears them all and says nothing.
        let mixer = Mixer::new(voices.len() + 2, longest, call.rate);
        let block = vec![0.0; longest].into_boxed_slice();
        call.ears.give(Ears { voices, mixer, block }) && call.mouth.give(Mouth(mouth))
    })
}

/// From a call at one rate to one at another. `None` when there is no way between them.
fn way(from: u32, to: u32) -> Option<(Ear, VoiceRx)> {
    let (tx, rx) = voice_ring(samples(to, WAIT_MS));
    let convert = if from == to {
        None
    } else {
        Some(ChunkedResampler::new(from, to, samples(from, CHUNK_MS), Fixed::Input)?)
    };
    Some((Ear { to: tx, convert }, rx))
}

fn samples(rate: u32, ms: u32) -> usize {
    usize::try_from(u64::from(rate) * u64::from(ms) / 1_000).unwrap_or(0).max(1)
}

impl Capture for JointCapture {
    fn capture(&mut self, now: Instant, pcm: &[f32]) {
        match self.ears.newest().filter(|ears| !ears.voices.is_empty()) {
            Some(ears) => ears.mix(now, pcm, &mut *self.inner),
            None => self.inner.capture(now, pcm),
        }
    }
}

impl Ears {
    fn mix(&mut self, now: Instant, pcm: &[f32], to: &mut dyn Capture) {
        let Self { voices, mixer, block } = self;
        let listener = voices.len() + 1;
        for piece in pcm.chunks(block.len()) {
            let Some(block) = block.get_mut(..piece.len()) else { return };
            mixer.say(0, piece);
            for (party, voice) in (1..).zip(voices.iter_mut()) {
                if voice.hear(block) {
                    mixer.say(party, block);
                }
            }
            mixer.mix(piece.len());
            mixer.hear(listener, block);
            // Blocks of a device are shorter than the longest one, so that there is one piece as a rule.
            to.capture(now, block);
        }
    }
}

impl Render for JointRender {
    fn render(&mut self, now: Instant, out: &mut [f32]) {
        self.inner.render(now, out);
        let Some(Mouth(ears)) = self.mouth.newest() else { return };
        for Ear { to, convert } in ears {
            match convert {
                Some(convert) => convert.push(out, |pcm| to.say(pcm)),
                None => to.say(out),
            }
        }
    }
}

impl core::fmt::Debug for Ears {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Ears({} voices)", self.voices.len())
    }
}

impl core::fmt::Debug for Mouth {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Mouth({} ears)", self.0.len())
    }
}

/// What lies ready of a voice: the callbacks of two calls are a period apart at most, and each has its jitter.
const WAIT_MS: u32 = 20;
/// The longest block that is mixed at once.
const LONGEST_MS: u32 = 100;
/// Samples that are brought to another rate at once.
const CHUNK_MS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::testing::{Heard, last, side};

    fn call(says: f32, rate: u32) -> (Ends, Joint, Heard) {
        let (ends, heard) = side(says, rate);
        let (ends, joint) = ends.joinable();
        (ends, joint, heard)
    }

    /// Drives all devices, which say `mic`, for `periods` of 10 ms.
    fn run(calls: &mut [&mut Ends], mic: f32, periods: u32) {
        for _ in 0..periods {
            for ends in &mut *calls {
                let mut block = vec![0.0; samples(ends.rate, 10)];
                ends.render.render(Instant::ZERO, &mut block);
                block.fill(mic);
                ends.capture.capture(Instant::ZERO, &block);
            }
        }
    }

    #[test]
    fn each_of_three_hears_the_device_and_the_two_others_but_not_itself() {
        let (mut a, mut joint_a, heard_a) = call(0.1, 48_000);
        let (mut b, mut joint_b, heard_b) = call(0.02, 48_000);
        let (mut c, mut joint_c, heard_c) = call(0.003, 48_000);
        assert!(join(&mut [&mut joint_a, &mut joint_b, &mut joint_c]));
        run(&mut [&mut a, &mut b, &mut c], 0.2, 10);
        for (heard, expected) in [(&heard_a, 0.223), (&heard_b, 0.303), (&heard_c, 0.32)] {
            assert!((last(heard) - expected).abs() < 1e-4, "{} is not {expected}", last(heard));
        }
        assert!(join(&mut [&mut joint_a]) && join(&mut [&mut joint_b, &mut joint_c]));
        run(&mut [&mut a, &mut b, &mut c], 0.2, 10);
        for (heard, expected) in [(&heard_a, 0.2), (&heard_b, 0.203), (&heard_c, 0.22)] {
            assert!((last(heard) - expected).abs() < 1e-4, "{} is not {expected}", last(heard));
        }
    }

    #[test]
    fn a_call_that_was_never_joined_hears_its_device_bit_for_bit() {
        let (mut a, _joint, heard) = call(0.5, 8_000);
        run(&mut [&mut a], 0.123, 3);
        assert_eq!(*heard.lock().unwrap(), vec![0.123; 240]);
    }

    #[test]
    fn calls_of_different_rates_hear_each_other() {
        let (mut a, mut joint_a, heard_a) = call(0.25, 8_000);
        let (mut b, mut joint_b, heard_b) = call(0.125, 48_000);
        assert!(join(&mut [&mut joint_a, &mut joint_b]));
        run(&mut [&mut a, &mut b], 0.0, 50);
        assert!((last(&heard_a) - 0.125).abs() < 0.01, "{}", last(&heard_a));
        assert!((last(&heard_b) - 0.25).abs() < 0.01, "{}", last(&heard_b));
    }

    #[test]
    fn who_loses_a_voice_goes_on_with_the_others() {
        let (mut a, mut joint_a, heard_a) = call(0.1, 48_000);
        let (mut b, mut joint_b, _) = call(0.2, 48_000);
        let (c, mut joint_c, _) = call(0.4, 48_000);
        assert!(join(&mut [&mut joint_a, &mut joint_b, &mut joint_c]));
        drop(c);
        run(&mut [&mut a, &mut b], 0.0, 10);
        assert!((last(&heard_a) - 0.2).abs() < 1e-4, "{}", last(&heard_a));
    }
}
