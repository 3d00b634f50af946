//! Between a stream and a card: channels and rate.

use std::time::Duration;

use rove_base::Instant;

use super::{Capture, ChunkedResampler, DeviceError, Fixed, Render};

/// Takes what a card hears, in its channels and at its rate.
pub(super) struct CardCapture {
    capture: Box<dyn Capture>,
    resampler: Option<ChunkedResampler>,
    channels: usize,
    rate: u32,
    mono: [f32; PIECE],
}

impl CardCapture {
    pub(super) fn new(
        capture: Box<dyn Capture>,
        stream_rate: u32,
        card_rate: u32,
        channels: u16,
    ) -> Result<Self, DeviceError> {
        let resampler = converter(card_rate, stream_rate, card_rate, Fixed::Input)?;
        Ok(Self {
            capture,
            resampler,
            channels: usize::from(channels.max(1)),
            rate: card_rate,
            mono: [0.0; PIECE],
        })
    }

    /// Takes interleaved samples, heard until `until`.
    ///
    /// # Realtime
    ///
    /// No allocation, lock or system call.
    pub(super) fn heard<T: Copy>(&mut self, until: Instant, interleaved: &[T], to_f32: impl Fn(T) -> f32) {
        let frames = interleaved.len() / self.channels;
        let rate = u64::from(self.rate);
        let mut at = until - Duration::from_nanos(frames as u64 * 1_000_000_000 / rate);
        for piece in interleaved.chunks(self.channels * PIECE) {
            let mut count = 0;
            for (mono, frame) in self.mono.iter_mut().zip(piece.chunks_exact(self.channels)) {
                *mono = frame.iter().map(|&sample| to_f32(sample)).sum::<f32>() / self.channels as f32;
                count += 1;
            }
            let mono = self.mono.get(..count).unwrap_or_default();
            match &mut self.resampler {
                Some(resampler) => resampler.push(mono, |out| self.capture.capture(at, out)),
                None => self.capture.capture(at, mono),
            }
            at += Duration::from_nanos(count as u64 * 1_000_000_000 / rate);
        }
    }
}

/// Makes what a card plays, in its channels and at its rate.
pub(super) struct CardRender {
    render: Box<dyn Render>,
    resampler: Option<ChunkedResampler>,
    /// A converted block of which the card has not taken all.
    block: Vec<f32>,
    taken: usize,
    channels: usize,
}

impl CardRender {
    pub(super) fn new(
        render: Box<dyn Render>,
        stream_rate: u32,
        card_rate: u32,
        channels: u16,
    ) -> Result<Self, DeviceError> {
        let resampler = converter(stream_rate, card_rate, card_rate, Fixed::Output)?;
        let (block, channels) = (vec![0.0; block_samples(card_rate)], usize::from(channels.max(1)));
        Ok(Self { render, resampler, taken: block.len(), block, channels })
    }

    /// Fills interleaved samples, to be played from `now` on.
    ///
    /// # Realtime
    ///
    /// No allocation, lock or system call.
    pub(super) fn play<T>(&mut self, now: Instant, interleaved: &mut [T], from_f32: impl Fn(f32) -> T) {
        let mut frames = interleaved.chunks_mut(self.channels);
        let mut left = frames.len();
        while left > 0 {
            if self.taken >= self.block.len() {
                self.next_block(now);
            }
            let ready = self.block.get(self.taken..).unwrap_or_default();
            let count = ready.len().min(left);
            for (sample, frame) in ready.iter().zip(frames.by_ref().take(count)) {
                frame.iter_mut().for_each(|channel| *channel = from_f32(*sample));
            }
            self.taken += count;
            left -= count.max(1);
        }
    }

    fn next_block(&mut self, now: Instant) {
        self.taken = 0;
        match &mut self.resampler {
            Some(resampler) => {
                let made = resampler.pull(|room| self.render.render(now, room));
                let count = made.len().min(self.block.len());
                if let (Some(to), Some(from)) = (self.block.get_mut(..count), made.get(..count)) {
                    to.copy_from_slice(from);
                }
            }
            None => self.render.render(now, &mut self.block),
        }
    }
}

fn converter(
    from: u32,
    to: u32,
    card_rate: u32,
    fixed: Fixed,
) -> Result<Option<ChunkedResampler>, DeviceError> {
    if from == to {
        return Ok(None);
    }
    let resampler = ChunkedResampler::new(from, to, block_samples(card_rate), fixed)
        .ok_or_else(|| DeviceError::Card(format!("no way from {from} to {to} samples per second")))?;
    Ok(Some(resampler))
}

/// Samples converted at a time: 5 ms at the card's rate.
fn block_samples(card_rate: u32) -> usize {
    (card_rate / 200).max(1) as usize
}

/// Frames mixed at a time.
const PIECE: usize = 512;
