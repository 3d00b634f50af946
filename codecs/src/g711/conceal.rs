//! Packet loss concealment for waveform codecs at 8 kHz: the last pitch period goes on, and fades.
//!
//! In the spirit of ITU-T G.711 Appendix I (pitch search, waveform repetition with overlap, attenuation from 10 ms on),
//! but without its delay of 3.75 ms: the seam at the start is levelled in the synthetic part alone.

/// Remembers what was played last and continues it.
#[derive(Debug)]
pub(super) struct Concealer {
    /// The samples played last, newest at the end.
    history: [f32; HISTORY],
    /// One pitch period that can be repeated without a step.
    cycle: [f32; LONGEST_PITCH],
    period: usize,
    /// How much higher the last sample played was than the cycle's beginning expects.
    step: f32,
    /// Samples concealed since something was last heard.
    lost: usize,
}

impl Concealer {
    pub(super) const fn new() -> Self {
        let (history, cycle) = ([0.0; HISTORY], [0.0; LONGEST_PITCH]);
        Self { history, cycle, period: LONGEST_PITCH, step: 0.0, lost: 0 }
    }

    /// Takes note of decoded samples. The first ones after a loss are blended with the continuation before them.
    pub(super) fn heard(&mut self, pcm: &mut [f32]) {
        if self.lost > 0 {
            let blend = pcm.len().min(BLEND);
            for (i, sample) in pcm.iter_mut().take(blend).enumerate() {
                let weight = (i + 1) as f32 / (blend + 1) as f32;
                *sample = *sample * weight + self.synthetic() * (1.0 - weight);
            }
            self.lost = 0;
        }
        self.remember(pcm);
    }

    /// Continues what was heard last.
    pub(super) fn conceal(&mut self, out: &mut [f32]) {
        if self.lost == 0 {
            self.begin();
        }
        for sample in out.iter_mut() {
            *sample = self.synthetic();
        }
        self.remember(out);
    }

    fn begin(&mut self) {
        let period = pitch(&self.history);
        let (start, before) = (HISTORY - period, HISTORY - 2 * period);
        self.cycle[..period].copy_from_slice(&self.history[start..]);
        // The last quarter turns into what came before the period, so that its end meets its own beginning.
        let quarter = period / 4;
        for i in 0..quarter {
            let at = period - quarter + i;
            let weight = (i + 1) as f32 / quarter as f32;
            self.cycle[at] = self.history[start + at] * (1.0 - weight) + self.history[before + at] * weight;
        }
        self.step = self.history[HISTORY - 1] - self.history[start - 1];
        self.period = period;
    }

    fn synthetic(&mut self) -> f32 {
        let levelled = self.step * (1.0 - self.lost as f32 / BLEND as f32).max(0.0);
        let sample = (self.cycle[self.lost % self.period] + levelled) * gain(self.lost);
        self.lost += 1;
        sample
    }

    fn remember(&mut self, pcm: &[f32]) {
        match pcm.len().checked_sub(HISTORY) {
            Some(older) => self.history.copy_from_slice(&pcm[older..]),
            None => {
                self.history.copy_within(pcm.len().., 0);
                self.history[HISTORY - pcm.len()..].copy_from_slice(pcm);
            }
        }
    }
}

/// Full for 10 ms, then falling to silence at 60 ms (the rate of G.711 Appendix I §2.7).
fn gain(lost: usize) -> f32 {
    match lost {
        ..FADE_FROM => 1.0,
        FADE_FROM..SILENT_FROM => (SILENT_FROM - lost) as f32 / (SILENT_FROM - FADE_FROM) as f32,
        _ => 0.0,
    }
}

/// The distance in samples at which the end of `history` resembles itself most.
fn pitch(history: &[f32; HISTORY]) -> usize {
    let recent = &history[HISTORY - WINDOW..];
    let mut best = (LONGEST_PITCH, 0.0);
    for period in SHORTEST_PITCH..=LONGEST_PITCH {
        let earlier = &history[HISTORY - WINDOW - period..HISTORY - period];
        let likeness = dot(recent, earlier);
        let energy = dot(earlier, earlier).max(SILENCE);
        // Correlation squared over energy orders as the normalised correlation does, without a root.
        let score = likeness * likeness.abs() / energy;
        if score > best.1 {
            best = (period, score);
        }
    }
    best.0
}

/// In eight partial sums, so that the compiler may use vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, _), (b, _)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// 5 ms, a voice of 200 Hz.
const SHORTEST_PITCH: usize = 40;
/// 15 ms, a voice of 67 Hz.
const LONGEST_PITCH: usize = 120;
/// 20 ms, over which likeness is measured; a multiple of eight.
const WINDOW: usize = 160;
/// Enough for the window at the longest pitch, and for two such periods.
const HISTORY: usize = WINDOW + LONGEST_PITCH + 8;
/// 5 ms over which two waveforms are blended.
const BLEND: usize = 40;
/// 10 ms.
const FADE_FROM: usize = 80;
/// 60 ms.
const SILENT_FROM: usize = 480;
/// Energy of the window below which nothing can be told apart: −90 dB of full scale.
const SILENCE: f32 = WINDOW as f32 * 1e-9;
