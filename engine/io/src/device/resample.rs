//! Sample rate conversion, whole clips and block by block.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, Fft, FixedAsync, FixedSync, Resampler, SincInterpolationParameters, WindowFunction};

/// All of `pcm` at `to` instead of `from` samples per second, without delay. `None` when there is no way between the two
/// rates.
#[must_use]
pub fn resample(pcm: &[f32], from: u32, to: u32) -> Option<Vec<f32>> {
    if from == to {
        return Some(pcm.to_vec());
    }
    let mut resampler = Fft::<f32>::new(
        usize::try_from(from).ok()?,
        usize::try_from(to).ok()?,
        CLIP_CHUNK,
        1,
        FixedSync::Input,
    )
    .ok()?;
    let input = InterleavedSlice::new(pcm, 1, pcm.len()).ok()?;
    Some(resampler.process_all(&input, pcm.len(), None).ok()?.take_data())
}

/// Which side of a [`ChunkedResampler`] always has the same number of samples.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fixed {
    /// What goes in.
    Input,
    /// What comes out.
    Output,
}

/// Converts a stream block by block. Allocates once.
pub struct ChunkedResampler {
    inner: Async<f32>,
    input: Vec<f32>,
    filled: usize,
    output: Vec<f32>,
}

impl ChunkedResampler {
    /// From `from` to `to` samples per second; `chunk` samples on the `fixed` side. `None` when there is no way between
    /// the two rates.
    #[must_use]
    pub fn new(from: u32, to: u32, chunk: usize, fixed: Fixed) -> Option<Self> {
        let ratio = f64::from(to) / f64::from(from);
        let filter = SincInterpolationParameters::new(FILTER_TAPS, WindowFunction::BlackmanHarris2);
        let side = match fixed {
            Fixed::Input => FixedAsync::Input,
            Fixed::Output => FixedAsync::Output,
        };
        let inner = Async::new_sinc(ratio, 1.0, &filter, chunk, 1, side).ok()?;
        let (input, output) = (vec![0.0; inner.input_frames_max()], vec![0.0; inner.output_frames_max()]);
        Some(Self { inner, input, filled: 0, output })
    }

    /// Takes samples and shows each converted block to `emit` as soon as there is one. What is left over waits.
    pub fn push(&mut self, mut pcm: &[f32], mut emit: impl FnMut(&[f32])) {
        while !pcm.is_empty() {
            let wanted = self.inner.input_frames_next();
            let taken = pcm.len().min(wanted.saturating_sub(self.filled));
            let (now, later) = pcm.split_at(taken);
            if let Some(room) = self.input.get_mut(self.filled..self.filled + taken) {
                room.copy_from_slice(now);
            }
            (pcm, self.filled) = (later, self.filled + taken);
            if self.filled >= wanted {
                self.filled = 0;
                emit(self.convert(wanted));
            }
        }
    }

    /// Asks `fill` for as many samples as the next block needs, and answers the block.
    pub fn pull(&mut self, fill: impl FnOnce(&mut [f32])) -> &[f32] {
        let wanted = self.inner.input_frames_next();
        if let Some(room) = self.input.get_mut(..wanted) {
            fill(room);
        }
        self.convert(wanted)
    }

    fn convert(&mut self, wanted: usize) -> &[f32] {
        let room = self.output.len();
        let made = match (
            InterleavedSlice::new(self.input.as_slice(), 1, wanted),
            InterleavedSlice::new_mut(self.output.as_mut_slice(), 1, room),
        ) {
            (Ok(input), Ok(mut output)) => {
                self.inner.process_into_buffer(&input, &mut output, None).map_or(0, |(_, made)| made)
            }
            _ => 0,
        };
        self.output.get(..made).unwrap_or_default()
    }
}

/// Samples of a clip converted at once.
const CLIP_CHUNK: usize = 1_024;

/// Length of the anti-aliasing filter between a card and a stream: 0.7 ms of delay at 48 kHz.
const FILTER_TAPS: usize = 64;
