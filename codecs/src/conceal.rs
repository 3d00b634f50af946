//! Packet loss concealment for waveform codecs: the last pitch period goes on, and fades.
//!
//! In the spirit of ITU-T G.711 Appendix I (pitch search, waveform repetition with overlap, attenuation from 10 ms on),
//! but without its delay of 3.75 ms: the seam at the start is levelled in the synthetic part alone. At higher rates than
//! 8 kHz the pitch is sought at 8 kHz and then refined.

#[cfg(test)]
mod tests;

/// Remembers what was played last and continues it.
#[derive(Debug)]
pub(crate) struct Concealer {
    /// The rate in units of 8 kHz.
    scale: usize,
    /// The samples played last, newest at the end.
    history: Box<[f32]>,
    /// One pitch period that can be repeated without a step.
    cycle: Box<[f32]>,
    period: usize,
    /// How much higher the last sample played was than the cycle's beginning expects.
    step: f32,
    /// Samples concealed since something was last heard.
    lost: usize,
}

impl Concealer {
    /// For `sample_rate`, a multiple of 8 kHz.
    pub(crate) fn new(sample_rate: u32) -> Self {
        let scale = (sample_rate / BASE_RATE).max(1) as usize;
        let silence = |samples: usize| vec![0.0; samples * scale].into_boxed_slice();
        let (history, cycle) = (silence(HISTORY), silence(LONGEST_PITCH));
        Self { scale, history, cycle, period: LONGEST_PITCH * scale, step: 0.0, lost: 0 }
    }

    /// Forgets the past.
    pub(crate) fn reset(&mut self) {
        self.history.fill(0.0);
        self.cycle.fill(0.0);
        (self.step, self.lost) = (0.0, 0);
    }

    /// Takes note of decoded samples. The first ones after a loss are blended with the continuation before them.
    pub(crate) fn heard(&mut self, pcm: &mut [f32]) {
        if self.lost > 0 {
            let blend = pcm.len().min(BLEND * self.scale);
            for (i, sample) in pcm.iter_mut().take(blend).enumerate() {
                let weight = (i + 1) as f32 / (blend + 1) as f32;
                *sample = *sample * weight + self.synthetic() * (1.0 - weight);
            }
            self.lost = 0;
        }
        self.remember(pcm);
    }

    /// Continues what was heard last.
    pub(crate) fn conceal(&mut self, out: &mut [f32]) {
        if self.lost == 0 {
            self.begin();
        }
        for sample in out.iter_mut() {
            *sample = self.synthetic();
        }
        self.remember(out);
    }

    /// The last samples played, as many as `N`.
    pub(crate) fn last<const N: usize>(&self) -> [f32; N] {
        self.history.last_chunk().copied().unwrap_or([0.0; N])
    }

    fn begin(&mut self) {
        let period = pitch(&self.history, self.scale);
        let end = self.history.len();
        let (start, before) = (end - period, end - 2 * period);
        self.cycle[..period].copy_from_slice(&self.history[start..]);
        // The last quarter turns into what came before the period, so that its end meets its own beginning.
        let quarter = period / 4;
        for i in 0..quarter {
            let at = period - quarter + i;
            let weight = (i + 1) as f32 / quarter as f32;
            self.cycle[at] = self.history[start + at] * (1.0 - weight) + self.history[before + at] * weight;
        }
        self.step = self.history[end - 1] - self.history[start - 1];
        self.period = period;
    }

    fn synthetic(&mut self) -> f32 {
        let levelled = self.step * (1.0 - self.lost as f32 / (BLEND * self.scale) as f32).max(0.0);
        let sample = (self.cycle[self.lost % self.period] + levelled) * gain(self.lost, self.scale);
        self.lost += 1;
        sample
    }

    fn remember(&mut self, pcm: &[f32]) {
        let room = self.history.len();
        match pcm.len().checked_sub(room) {
            Some(older) => self.history.copy_from_slice(&pcm[older..]),
            None => {
                self.history.copy_within(pcm.len().., 0);
                self.history[room - pcm.len()..].copy_from_slice(pcm);
            }
        }
    }
}

/// Full for 10 ms, then falling to silence at 60 ms (the rate of G.711 Appendix I §2.7).
fn gain(lost: usize, scale: usize) -> f32 {
    let (from, until) = (FADE_FROM * scale, SILENT_FROM * scale);
    if lost < from {
        1.0
    } else if lost < until {
        (until - lost) as f32 / (until - from) as f32
    } else {
        0.0
    }
}

/// The distance in samples at which the end of `history` resembles itself most.
fn pitch(history: &[f32], scale: usize) -> usize {
    if scale == 1 {
        return most_alike(history, WINDOW, SHORTEST_PITCH..=LONGEST_PITCH).unwrap_or(LONGEST_PITCH);
    }
    let mut coarse = [0.0; HISTORY];
    for (mean, samples) in coarse.iter_mut().zip(history.chunks_exact(scale)) {
        *mean = samples.iter().sum::<f32>() / scale as f32;
    }
    let longest = LONGEST_PITCH * scale;
    let Some(near) = most_alike(&coarse, WINDOW, SHORTEST_PITCH..=LONGEST_PITCH) else { return longest };
    let about = near * scale;
    let around = (about - scale).max(SHORTEST_PITCH * scale)..=(about + scale).min(longest);
    most_alike(history, WINDOW * scale, around).unwrap_or(about)
}

/// Which of `periods` it is; `None` when nothing is alike, as in silence.
fn most_alike(history: &[f32], window: usize, periods: core::ops::RangeInclusive<usize>) -> Option<usize> {
    let end = history.len();
    let recent = &history[end - window..];
    let mut best = (None, 0.0);
    for period in periods {
        let earlier = &history[end - window - period..end - period];
        let likeness = dot(recent, earlier);
        let energy = dot(earlier, earlier).max(SILENCE * window as f32);
        // Correlation squared over energy orders as the normalised correlation does, without a root.
        let score = likeness * likeness.abs() / energy;
        if score > best.1 {
            best = (Some(period), score);
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

/// The rate that the lengths below count at.
const BASE_RATE: u32 = 8_000;
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
/// Mean square below which nothing can be told apart: −90 dB of full scale.
const SILENCE: f32 = 1e-9;
