//! The sender's silence, as it sounds: comfort noise (RFC 3389), or the background that was heard before it.
//!
//! Codecs that know discontinuous transmission make their own (Opus); for the others a silence would be dead, or the
//! concealment would repeat the last pitch period. The noise fades in over what the decoder invents, and out as all that is
//! invented does: into the next frame.

use rove_codecs::{
    Decoder,
    comfort_noise::{ComfortNoise, NoiseAnalyser, NoiseParameters},
};

/// Makes the noise of a pause.
pub(super) struct Noise {
    generator: ComfortNoise,
    background: Background,
    /// What the sender said last (RFC 3389 §3).
    told: Option<NoiseParameters>,
    /// Samples over which it fades in, and how many of them are done; `None` while it is not heard.
    fade: usize,
    faded: Option<usize>,
    /// The decoder's concealment becomes a noise by itself.
    idle: bool,
}

impl Noise {
    /// For the pauses of `decoder`'s stream.
    pub(super) fn new(decoder: &dyn Decoder) -> Self {
        let rate = decoder.sample_rate();
        Self {
            generator: ComfortNoise::new(rate, SEED),
            background: Background::new(),
            told: None,
            fade: usize::try_from(rate / FADES_PER_SECOND).unwrap_or(1).max(1),
            faded: None,
            idle: decoder.makes_noise(),
        }
    }

    /// The sender tells what its background sounds like; what cannot be read tells nothing.
    pub(super) fn tell(&mut self, payload: &[u8]) {
        let Ok(told) = NoiseParameters::parse(payload) else { return };
        self.told = Some(told);
        self.generator.update(&told);
    }

    /// Frames were received, so that the pause is over; what is quiet in them is the background.
    pub(super) fn heard(&mut self, pcm: &[f32]) {
        if self.faded.take().is_some() {
            self.generator.reset();
        }
        if !self.idle {
            self.background.hear(pcm);
        }
    }

    /// Another voice begins.
    pub(super) fn reset(&mut self) {
        self.generator.reset();
        self.background = Background::new();
        (self.told, self.faded) = (None, None);
    }

    /// Fills `out`, a multiple of 2.5 ms, with a part of a pause. `false`, with `out` untouched, when that is the decoder's
    /// own business: it knows pauses, and nobody told what this one sounds like.
    pub(super) fn fill(&mut self, decoder: &mut dyn Decoder, out: &mut [f32]) -> bool {
        if self.idle && self.told.is_none() {
            return false;
        }
        let done = match self.faded {
            Some(done) => done,
            None => {
                if let Some(sound) = self.told.or_else(|| self.background.parameters()) {
                    self.generator.update(&sound);
                }
                0
            }
        };
        self.faded = Some(done.saturating_add(out.len()).min(self.fade));
        if done >= self.fade {
            self.generator.generate(out);
            return true;
        }
        decoder.conceal(out);
        for (into, sample) in (done..).zip(out.iter_mut()) {
            let mut noise = [0.0];
            self.generator.generate(&mut noise);
            let [noise] = noise;
            let share = ratio(into, self.fade);
            // The two have nothing in common: at equal power.
            *sample = *sample * (1.0 - share).sqrt() + noise * share.sqrt();
        }
        true
    }
}

/// The quietest of what was heard.
struct Background {
    analyser: NoiseAnalyser,
    /// Mean square of the quietest frames, forgotten upwards.
    floor: f32,
}

impl Background {
    fn new() -> Self {
        Self { analyser: NoiseAnalyser::new(ORDER), floor: f32::INFINITY }
    }

    fn hear(&mut self, pcm: &[f32]) {
        let power = ratio_of(pcm.iter().map(|sample| sample * sample).sum(), pcm.len());
        if !power.is_finite() {
            return;
        }
        if power < self.floor * MUCH_LESS {
            // What was taken for background was not.
            self.analyser.reset();
        }
        self.floor = power.min(self.floor * RISE);
        if power <= self.floor * ABOVE {
            self.analyser.hear(pcm);
        }
    }

    /// Never louder than [`LOUDEST`]: it may have been speech after all.
    fn parameters(&self) -> Option<NoiseParameters> {
        let heard = self.analyser.parameters()?;
        let mut reflections = [0.0; ORDER];
        for (to, reflection) in reflections.iter_mut().zip(heard.reflections()) {
            *to = reflection;
        }
        Some(NoiseParameters::new(heard.mean_square().min(LOUDEST), &reflections))
    }
}

/// `into` of `whole`, 0 to 1.
fn ratio(into: usize, whole: usize) -> f32 {
    ratio_of(f32::from(u16::try_from(into).unwrap_or(u16::MAX)), whole).min(1.0)
}

fn ratio_of(sum: f32, count: usize) -> f32 {
    sum / f32::from(u16::try_from(count.max(1)).unwrap_or(u16::MAX))
}

/// Which noise of all that sound alike.
const SEED: u64 = 0x006e_6f69_7365;
/// It fades in within 20 ms.
const FADES_PER_SECOND: u32 = 50;
/// Reflection coefficients of the background.
const ORDER: usize = 8;
/// A frame is background up to 6 dB above the quietest.
const ABOVE: f32 = 4.0;
/// What is 9 dB quieter than the floor shows that there was none before.
const MUCH_LESS: f32 = 0.125;
/// The floor rises by 3 dB in 3.5 s of 20 ms frames.
const RISE: f32 = 1.004;
/// −45 dB of full scale.
const LOUDEST: f32 = 3.2e-5;
