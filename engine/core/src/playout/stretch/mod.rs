//! Time-scale modification of speech: a pitch period more or less, joined where nobody hears it.
//!
//! A waveform that resembles itself a pitch period later can be cut there: two pieces that fit are faded into each
//! other, and what lay between them is left out, or is heard twice. Where to cut is searched over a span of sound and
//! over all periods of a voice at once, first at 4 kHz, then at full rate (`search.rs`); what is quiet enough for any
//! cut is known from the noise floor (`floor.rs`). Nothing is cut where nothing fits, so onsets stay as they are.
//!
//! ```text
//! shorten   ──────p╲                    lengthen   ────────────q╲
//!                   ╲  (left out)                  (heard again)╱ ╲
//!               p+k  ╲──────────▶                  ╱ q−k       ╱   ▶
//! ```

mod floor;
mod search;

#[cfg(test)]
mod tests;

use self::{
    floor::Floor,
    search::{INAUDIBLE, Place, Search, Span, float},
};

/// Takes pitch periods out of speech, or puts them in.
#[derive(Debug)]
pub struct Stretcher {
    /// Samples per millisecond.
    ms: usize,
    search: Search,
    floor: Floor,
}

/// How well the pieces must fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Care {
    /// Only where it cannot be heard: in a similarity of at least 0.9, or at the noise floor.
    Inaudible,
    /// In at least this similarity, or at the noise floor.
    Similar(f32),
    /// Wherever it fits best: a buffer that runs dry or over is worse.
    AnyRate,
}

/// How well the pieces fit that were joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// 1 for pieces that are alike, 0 for such as have nothing in common, less for opposites: one minus the energy
    /// of their difference over the sum of their energies.
    pub similarity: f32,
    /// Both pieces are at the noise floor.
    pub quiet: bool,
}

/// Where the content of a signal jumps, in samples of the result.
///
/// Before `at` nothing has changed. Over the next `fade` samples what comes `samples` later (after
/// [`Stretcher::shorten`]) or earlier (after [`Stretcher::lengthen`]) is faded in; from there on it is heard alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Splice {
    /// The first sample that is a mixture.
    pub at: usize,
    /// How many are.
    pub fade: usize,
    /// How far the content jumps; by so much the signal is shorter or longer now.
    pub samples: usize,
    /// How well the pieces fit.
    pub quality: Quality,
}

impl Splice {
    /// The share of what is faded in at the sample `index` of the result, from 0 to 1.
    #[must_use]
    pub fn weight(&self, index: usize) -> f32 {
        match index.checked_sub(self.at) {
            None => 0.0,
            Some(into) if into < self.fade => weight(into, self.fade),
            Some(_) => 1.0,
        }
    }
}

impl Stretcher {
    /// For speech of `rate` samples a second; meant for 8 000 to 48 000.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let ms = usize::try_from(rate / 1_000).unwrap_or(0).clamp(8, 192);
        Self { ms, search: Search::new(ms), floor: Floor::new(ms) }
    }

    /// Whether `pcm` is quiet: at the noise floor, or so far below the voice that nothing is said.
    #[must_use]
    pub fn is_quiet(&self, pcm: &[f32]) -> bool {
        search::dot(pcm, pcm) <= self.floor.pause() * float(pcm.len())
    }

    /// Learns the noise floor from decoded samples, each handed in once. Without it only what is all but digital
    /// silence counts as quiet.
    ///
    /// # Realtime
    ///
    /// No allocation; linear in the length of `pcm`.
    pub fn heard(&mut self, pcm: &[f32]) {
        self.floor.heard(pcm);
    }

    /// Forgets the noise floor: another voice begins.
    pub fn reset(&mut self) {
        self.floor = Floor::new(self.ms);
    }

    /// Takes up to `most` samples out of `pcm[from..len]` and moves the rest up; the result has [`Splice::samples`]
    /// fewer than `len`. In speech whole pitch periods go, of up to 20 ms together; at the noise floor any length.
    /// `None`, with `pcm` untouched, where nothing fits as `care` asks or there is too little in hand: a period of
    /// 2.5 ms and a fade of 5 ms are the least, 30 ms let most voices pass.
    ///
    /// # Realtime
    ///
    /// No allocation; the search is bounded, the move is linear in `len`.
    pub fn shorten(
        &mut self,
        pcm: &mut [f32],
        len: usize,
        from: usize,
        most: usize,
        care: Care,
    ) -> Option<Splice> {
        let heard = pcm.get_mut(..len)?;
        let span = Span { from, most, lengthen: false };
        let place = self.search.find(heard, span, &self.floor, care)?;
        Some(cut(heard, place))
    }

    /// Puts up to `most` samples more into `pcm[..len]`, which must have room for them behind `len`, at or after
    /// `from`: something is heard twice, which may have been played before `from`. The result has
    /// [`Splice::samples`] more than `len`. `None`, with `pcm` untouched, where nothing fits as `care` asks, less than
    /// 2 ms are in hand, or there is no history: a period and 10 ms.
    ///
    /// # Realtime
    ///
    /// As [`Stretcher::shorten`].
    pub fn lengthen(
        &mut self,
        pcm: &mut [f32],
        len: usize,
        from: usize,
        most: usize,
        care: Care,
    ) -> Option<Splice> {
        let most = most.min(pcm.len().checked_sub(len)?);
        let span = Span { from, most, lengthen: true };
        let place = self.search.find(pcm.get(..len)?, span, &self.floor, care)?;
        Some(repeat(pcm, len, place))
    }
}

/// Fades from `place.at` into what comes `place.lag` later.
fn cut(pcm: &mut [f32], place: Place) -> Splice {
    let Place { at, lag, fade, quality } = place;
    for into in 0..fade {
        let here = at.saturating_add(into);
        let (Some(&old), Some(&new)) = (pcm.get(here), pcm.get(here.saturating_add(lag))) else { break };
        if let Some(sample) = pcm.get_mut(here) {
            *sample = mix(old, new, weight(into, fade), quality);
        }
    }
    let to = at.saturating_add(fade);
    if let Some(rest) = pcm.get_mut(to..)
        && lag <= rest.len()
    {
        rest.copy_within(lag.., 0);
    }
    Splice { at, fade, samples: lag, quality }
}

/// Fades from `place.at` into what came `place.lag` earlier.
fn repeat(pcm: &mut [f32], len: usize, place: Place) -> Splice {
    let Place { at, lag, fade, quality } = place;
    // The rest moves to where it will stay; the gap of `lag` samples and the fade are written below.
    if len.saturating_add(lag) <= pcm.len() && at <= len {
        pcm.copy_within(at..len, at.saturating_add(lag));
    }
    for into in 0..fade.max(lag) {
        let here = at.saturating_add(into);
        // What came earlier is still in place, or, past the place itself, has moved by as much.
        let earlier = if into < lag { here.saturating_sub(lag) } else { here };
        let Some(&new) = pcm.get(earlier) else { break };
        let old = if into < fade { pcm.get(here.saturating_add(lag)).copied().unwrap_or(new) } else { new };
        let weight = if into < fade { weight(into, fade) } else { 1.0 };
        if let Some(sample) = pcm.get_mut(here) {
            *sample = mix(old, new, weight, quality);
        }
    }
    Splice { at, fade, samples: lag, quality }
}

/// A fade at equal amplitude for pieces that are alike, at equal power for such as have nothing in common.
fn mix(old: f32, new: f32, weight: f32, quality: Quality) -> f32 {
    let unlike = 1.0 - (quality.similarity / INAUDIBLE).clamp(0.0, 1.0);
    let power = 1.0 - 2.0 * unlike * weight * (1.0 - weight);
    (old + weight * (new - old)) / power.sqrt()
}

/// Rises from just above 0 to just below 1, smoothly: 3x² − 2x³.
pub(super) fn weight(into: usize, fade: usize) -> f32 {
    let along = (float(into) + 1.0) / (float(fade) + 1.0);
    along * along * (3.0 - 2.0 * along)
}
