//! A codec at another sample rate than its own, so that a device goes on at its rate when the codec changes in a call.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_codecs::{CodecError, Decoder, Encoder, Tuning};

/// Converts between two rates of which one is a whole multiple of the other: a windowed sinc in phases. Delays by
/// [`TAPS`] / 2 samples of the lower rate.
///
/// # Realtime
///
/// Only [`Converter::new`] allocates.
struct Converter {
    up: usize,
    down: usize,
    /// The filter of each phase, the newest sample's tap last.
    phases: Box<[f32]>,
    /// Taps of a phase.
    taps: usize,
    /// The last samples, and behind them the block that is being converted.
    line: Box<[f32]>,
}

impl Converter {
    /// `None` when neither rate is a multiple of the other.
    fn new(from: u32, to: u32) -> Option<Self> {
        let [from, to] = [usize::try_from(from).ok()?, usize::try_from(to).ok()?];
        let (up, down) = match (to.checked_rem(from)?, from.checked_rem(to)?) {
            (0, _) => (to.checked_div(from)?, 1),
            (_, 0) => (1, from.checked_div(to)?),
            _ => return None,
        };
        let factor = up.max(down);
        let length = TAPS.checked_mul(factor)?;
        let filter = filter(length, factor);
        let taps = length.checked_div(up)?;
        let mut phases = Vec::with_capacity(length);
        for phase in 0..up {
            let of_phase = filter.iter().skip(phase).step_by(up).rev();
            // Each phase lets a constant through as it is.
            let sum: f32 = of_phase.clone().sum();
            phases.extend(of_phase.map(|tap| tap / sum));
        }
        Some(Self { up, down, taps, phases: phases.into(), line: vec![0.0; taps.checked_add(BLOCK)?].into() })
    }

    const fn kept(&self) -> usize {
        self.taps.saturating_sub(self.down)
    }

    /// So many samples come of `count`.
    fn converted(&self, count: usize) -> usize {
        count.saturating_mul(self.up).checked_div(self.down).unwrap_or(0)
    }

    /// Converts `pcm`, a multiple of the factor, into the front of `out`.
    fn run(&mut self, pcm: &[f32], out: &mut [f32]) {
        let (kept, block) = (self.kept(), BLOCK.saturating_sub(BLOCK.checked_rem(self.down).unwrap_or(0)));
        let per_block = self.converted(block).max(1);
        for (pcm, out) in pcm.chunks(block.max(1)).zip(out.chunks_mut(per_block)) {
            let end = kept.saturating_add(pcm.len());
            if let Some(room) = self.line.get_mut(kept..end) {
                room.copy_from_slice(pcm);
            }
            let windows = self.line.windows(self.taps).step_by(self.down);
            for (window, out) in windows.zip(out.chunks_mut(self.up)) {
                for (taps, out) in self.phases.chunks_exact(self.taps).zip(out) {
                    *out = window.iter().zip(taps).map(|(sample, tap)| sample * tap).sum();
                }
            }
            self.line.copy_within(pcm.len()..end, 0);
        }
    }

    fn reset(&mut self) {
        self.line.fill(0.0);
    }

    /// Samples of the higher rate by which it delays.
    const fn delay(&self) -> usize {
        TAPS.saturating_mul(if self.up > self.down { self.up } else { self.down }) / 2
    }
}

/// A low-pass of `length` taps that ends a little below the lower rate's half.
fn filter(length: usize, factor: usize) -> Vec<f32> {
    use core::f64::consts::PI;
    #[expect(clippy::cast_precision_loss, reason = "some hundred taps")]
    let (length_f, factor) = (length as f64, factor as f64);
    let tap = |index: usize| {
        #[expect(clippy::cast_precision_loss, reason = "some hundred taps")]
        let at = index as f64 - (length_f - 1.0) / 2.0;
        let x = PI * at * EDGE / factor;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        let turn = PI * (at / length_f + 0.5);
        let window = 0.42 - 0.5 * (2.0 * turn).cos() + 0.08 * (4.0 * turn).cos();
        (sinc * window) as f32
    };
    (0..length).map(tap).collect()
}

/// A decoder whose samples come at another rate.
pub(super) struct RatedDecoder {
    inner: Box<dyn Decoder>,
    converter: Converter,
    scratch: Box<[f32]>,
    rate: u32,
}

impl RatedDecoder {
    pub(super) fn new(inner: Box<dyn Decoder>, rate: u32) -> Option<Self> {
        let converter = Converter::new(inner.sample_rate(), rate)?;
        let longest = usize::try_from(inner.sample_rate() / LONGEST_PER_SECOND).ok()?;
        Some(Self { inner, converter, scratch: vec![0.0; longest].into(), rate })
    }

    /// Fills `out` with what `fill` makes at the codec's own rate.
    fn filled(&mut self, out: &mut [f32], mut fill: impl FnMut(&mut dyn Decoder, &mut [f32])) {
        let Self { inner, converter, scratch, .. } = self;
        let per_scratch = converter.converted(scratch.len()).max(1);
        for out in out.chunks_mut(per_scratch) {
            let own = out.len().saturating_mul(converter.down).checked_div(converter.up).unwrap_or(0);
            let (whole, rest) = out.split_at_mut(converter.converted(own).min(out.len()));
            if let Some(scratch) = scratch.get_mut(..own) {
                fill(inner.as_mut(), scratch);
                converter.run(scratch, whole);
            }
            rest.fill(0.0);
        }
    }
}

impl Decoder for RatedDecoder {
    fn sample_rate(&self) -> u32 {
        self.rate
    }

    fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        self.inner.duration(payload).map(|own| self.converter.converted(own))
    }

    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let need = self.duration(payload)?;
        let have = out.len();
        let out = out.get_mut(..need).ok_or(CodecError::OutputTooSmall { need, have })?;
        let own = self.inner.decode(payload, &mut self.scratch)?;
        self.converter.run(self.scratch.get(..own).unwrap_or_default(), out);
        Ok(need)
    }

    fn conceal(&mut self, out: &mut [f32]) {
        self.filled(out, |inner, own| inner.conceal(own));
    }

    fn reach(&mut self, payload: &[u8]) -> usize {
        let own = self.inner.reach(payload);
        self.converter.converted(own)
    }

    fn recover(&mut self, from: &[u8], back: usize, out: &mut [f32]) -> bool {
        let Converter { up, down, .. } = self.converter;
        let back = back.saturating_mul(down).checked_div(up).unwrap_or(0);
        let mut recovered = false;
        self.filled(out, |inner, own| recovered = inner.recover(from, back, own));
        recovered
    }

    fn makes_noise(&self) -> bool {
        self.inner.makes_noise()
    }

    fn reset(&mut self) {
        self.inner.reset();
        self.converter.reset();
    }
}

/// An encoder that takes samples at another rate.
pub(super) struct RatedEncoder {
    inner: Box<dyn Encoder>,
    converter: Converter,
    scratch: Box<[f32]>,
    rate: u32,
}

impl RatedEncoder {
    pub(super) fn new(inner: Box<dyn Encoder>, rate: u32) -> Option<Self> {
        let converter = Converter::new(rate, inner.sample_rate())?;
        let longest = usize::try_from(inner.sample_rate() / LONGEST_PER_SECOND).ok()?;
        Some(Self { inner, converter, scratch: vec![0.0; longest].into(), rate })
    }
}

impl Encoder for RatedEncoder {
    fn sample_rate(&self) -> u32 {
        self.rate
    }

    fn lookahead(&self) -> usize {
        let Converter { up, down, .. } = self.converter;
        let own = self.inner.lookahead().saturating_mul(down).checked_div(up).unwrap_or(0);
        let delay = self.converter.delay().checked_div(up).unwrap_or(0);
        own.saturating_add(delay)
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        let own = self.converter.converted(pcm.len());
        let unknown = CodecError::FrameLength { samples: pcm.len() };
        let scratch = self.scratch.get_mut(..own).ok_or(unknown)?;
        self.converter.run(pcm, scratch);
        self.inner.encode(scratch, out)
    }

    fn tune(&mut self, tuning: Tuning) -> Result<(), CodecError> {
        self.inner.tune(tuning)
    }
}

/// Taps per sample of the lower rate.
const TAPS: usize = 24;
/// Where the filter ends, as a share of the lower rate's half.
const EDGE: f64 = 0.9;
/// Samples that are converted at once; a multiple of all factors between the codecs' rates.
const BLOCK: usize = 480;
/// No payload here is longer than 120 ms (RFC 6716 §3.2.5), in parts of a second.
const LONGEST_PER_SECOND: u32 = 8;

#[cfg(test)]
mod tests;
