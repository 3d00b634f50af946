//! Cuts a stream of samples, which comes in pieces of any length, into frames of one length, which may change.

/// Holds samples until they make a frame. Bounded: when nobody takes the frames, the oldest samples go.
#[derive(Debug)]
pub struct Framer {
    samples: Box<[f32]>,
    start: usize,
    end: usize,
    frame: usize,
}

impl Framer {
    /// Cuts frames of `frame` samples, one at least, and holds `capacity`, one frame at least. The only allocation.
    #[must_use]
    pub fn new(frame: usize, capacity: usize) -> Self {
        let frame = frame.max(1);
        Self { samples: core::iter::repeat_n(0.0, capacity.max(frame)).collect(), start: 0, end: 0, frame }
    }

    /// Takes in `pcm`; answers how many samples, from the oldest on, were given up to make room.
    #[must_use]
    pub fn push(&mut self, pcm: &[f32]) -> usize {
        self.take(pcm.len(), |room, skipped| {
            if let Some(pcm) = pcm.get(skipped..) {
                room.copy_from_slice(pcm);
            }
        })
    }

    /// Takes in `samples` samples of silence; answers like [`Framer::push`].
    #[must_use]
    pub fn push_silence(&mut self, samples: usize) -> usize {
        self.take(samples, |room, _| room.fill(0.0))
    }

    /// The oldest frame, if a whole one is there. It is gone with the next call.
    pub fn next_frame(&mut self) -> Option<&[f32]> {
        let end = self.start + self.frame;
        if end > self.end {
            return None;
        }
        let start = core::mem::replace(&mut self.start, end);
        self.samples.get(start..end)
    }

    /// Samples that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether no sample waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.end == self.start
    }

    /// Cuts frames of `frame` samples from now on; one at least, and no more than it can hold.
    pub fn set_frame(&mut self, frame: usize) {
        self.frame = frame.clamp(1, self.samples.len().max(1));
    }

    /// Samples per frame.
    #[must_use]
    pub const fn frame_samples(&self) -> usize {
        self.frame
    }

    /// Makes room for `count` samples, or the last of them that can fit, and has it filled.
    fn take(&mut self, count: usize, fill: impl FnOnce(&mut [f32], usize)) -> usize {
        let capacity = self.samples.len();
        let (held, kept) = (self.len(), count.min(capacity));
        let evicted = (held + kept).saturating_sub(capacity);
        self.start += evicted;
        if self.end + kept > capacity {
            self.samples.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let end = self.end + kept;
        if let Some(room) = self.samples.get_mut(self.end..end) {
            fill(room, count - kept);
        }
        self.end = end;
        evicted + (count - kept)
    }
}
