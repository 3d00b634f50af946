//! The samples of one packet on their way out, in memory taken once.

use rove_codecs::Decoder;

/// Holds what was produced last until it has been handed out.
pub(super) struct Frame {
    pcm: Box<[f32]>,
    at: usize,
    end: usize,
    /// What was left out, to be faded into what comes next.
    folded: Box<[f32]>,
    folded_len: usize,
}

impl Frame {
    /// Room for packets of up to `longest` samples.
    pub(super) fn new(longest: usize) -> Self {
        let room = || core::iter::repeat_n(0.0, longest).collect();
        Self { pcm: room(), at: 0, end: 0, folded: room(), folded_len: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// Samples not handed out yet.
    pub(super) const fn len(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// Copies as much as there is, and as fits, into the front of `out`; answers how much that was.
    pub(super) fn hand_out(&mut self, out: &mut [f32]) -> usize {
        let count = self.len().min(out.len());
        let end = self.at.saturating_add(count);
        if let (Some(from), Some(to)) = (self.pcm.get(self.at..end), out.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.at = end;
        count
    }

    /// Decodes `payload`; `None` when the decoder refuses it or makes nothing of it.
    pub(super) fn decode(&mut self, decoder: &mut dyn Decoder, payload: &[u8]) -> Option<usize> {
        let samples = decoder.decode(payload, &mut self.pcm).ok()?.min(self.pcm.len());
        self.hold(samples);
        (samples > 0).then_some(samples)
    }

    /// Lets `decoder` continue for `samples`, which it does in multiples of `quantum`; the excess is not handed out.
    pub(super) fn conceal(&mut self, decoder: &mut dyn Decoder, samples: usize, quantum: usize) -> usize {
        let whole = samples.checked_next_multiple_of(quantum).unwrap_or(samples).min(self.pcm.len());
        if let Some(room) = self.pcm.get_mut(..whole) {
            decoder.conceal(room);
        }
        self.hold(samples.min(whole));
        self.len()
    }

    /// Holds `samples` of silence, or as much of it as fits.
    pub(super) fn silence(&mut self, samples: usize) {
        let samples = samples.min(self.pcm.len());
        if let Some(room) = self.pcm.get_mut(..samples) {
            room.fill(0.0);
        }
        self.hold(samples);
    }

    /// Leaves out the first `samples`.
    pub(super) fn skip(&mut self, samples: usize) {
        self.at = self.at.saturating_add(samples).min(self.end);
    }

    /// Leaves out all that is held, and fades it into what comes next. Answers how much that is.
    pub(super) fn fold(&mut self) -> usize {
        let len = self.len();
        if let (Some(from), Some(to)) = (self.pcm.get(self.at..self.end), self.folded.get_mut(..len)) {
            to.copy_from_slice(from);
            self.folded_len = len;
        }
        self.at = self.end;
        len
    }

    fn hold(&mut self, samples: usize) {
        self.at = 0;
        self.end = samples;
        let len = core::mem::take(&mut self.folded_len).min(samples);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a frame has far fewer samples than an f32 has integers"
        )]
        let step = 1.0 / (len.max(1) as f32);
        let mut weight = 0.0;
        for (new, old) in self.pcm.iter_mut().zip(self.folded.iter()).take(len) {
            *new = old * (1.0 - weight) + *new * weight;
            weight += step;
        }
    }
}
