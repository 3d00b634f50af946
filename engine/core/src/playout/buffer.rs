//! Samples on their way out: what was played lately, what is in hand, and where their media time jumps.

use super::stretch::{Care, Splice, Stretcher, weight};

/// Samples in one line, oldest first, in memory taken once.
///
/// ```text
///  0 ........... at ............... end ........ spare
///  played, kept  |  in hand         |  invented, to be faded into what comes next
///  as history    |  to be played    |  or played itself when nothing comes
/// ```
pub(super) struct Buffer {
    pcm: Box<[f32]>,
    at: usize,
    end: usize,
    spare: usize,
    history: usize,
    jumps: [Jump; JUMPS],
}

/// A place where the media time of the samples jumps, be it ahead of the next sample to be played or in the history, which
/// may be heard again.
#[derive(Clone, Copy, Debug)]
struct Jump {
    at: usize,
    fade: usize,
    /// Samples that what is heard goes back by; negative when it goes ahead, 0 for no jump.
    back: f64,
}

impl Jump {
    const NONE: Self = Self { at: 0, fade: 0, back: 0.0 };

    /// The part of the jump that still lies ahead of the sample `index`.
    fn left(&self, index: usize) -> f64 {
        match index.checked_sub(self.at) {
            None => self.back,
            Some(into) if into < self.fade => self.back * (1.0 - f64::from(weight(into, self.fade))),
            Some(_) => 0.0,
        }
    }
}

impl Buffer {
    /// Room for `room` samples in hand behind `history` played ones.
    pub(super) fn new(history: usize, room: usize) -> Self {
        let whole = history.saturating_mul(4).saturating_add(room.saturating_mul(2));
        let pcm = core::iter::repeat_n(0.0, whole).collect();
        Self { pcm, at: 0, end: 0, spare: 0, history, jumps: [Jump::NONE; JUMPS] }
    }

    /// Samples in hand.
    pub(super) const fn hand(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// Invented samples behind them.
    pub(super) const fn spare(&self) -> usize {
        self.spare
    }

    /// How much later than by their number the samples in hand end, seen from the next one to be played: the sum of
    /// the jumps ahead of it.
    pub(super) fn jump(&self) -> f64 {
        self.jumps.iter().map(|jump| jump.left(self.at.saturating_sub(1))).sum()
    }

    /// Copies as much as there is, and as fits, into the front of `out`; answers how much that was.
    pub(super) fn play(&mut self, out: &mut [f32]) -> usize {
        let count = self.hand().min(out.len());
        let end = self.at.saturating_add(count);
        if let (Some(from), Some(to)) = (self.pcm.get(self.at..end), out.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.at = end;
        count
    }

    /// Lets `write` put up to `room` samples behind those in hand, of which the first `skip` are then left out; what
    /// was invented before is faded into the rest. `write` answers how many samples it wrote; so does this, without `skip`.
    pub(super) fn append(
        &mut self,
        room: usize,
        skip: usize,
        write: impl FnOnce(&mut [f32]) -> usize,
    ) -> usize {
        self.make_room(room.saturating_add(self.spare));
        let spare = core::mem::take(&mut self.spare);
        let from = self.end.saturating_add(spare);
        let Some(place) = self.pcm.get_mut(from..from.saturating_add(room)) else { return 0 };
        let wrote = write(place).min(room);
        let skip = skip.min(wrote);
        let count = wrote.saturating_sub(skip);
        let fade = spare.min(count);
        let fresh = from.saturating_add(skip);
        for into in 0..fade {
            let old = self.pcm.get(self.end.saturating_add(into)).copied().unwrap_or(0.0);
            if let Some(sample) = self.pcm.get_mut(fresh.saturating_add(into)) {
                *sample = old + (*sample - old) * share(into, fade);
            }
        }
        self.pcm.copy_within(fresh..fresh.saturating_add(count), self.end);
        self.end = self.end.saturating_add(count);
        count
    }

    /// Shows `see` the last `count` samples in hand.
    pub(super) fn show(&self, count: usize, see: impl FnOnce(&[f32])) {
        see(self.pcm.get(self.end.saturating_sub(count)..self.end).unwrap_or(&[]));
    }

    /// Lets `write` fill `samples` and `more` behind those in hand: the first are in hand from now on, the others spare.
    pub(super) fn invent(&mut self, samples: usize, more: usize, write: impl FnOnce(&mut [f32])) {
        let lacking = samples.saturating_add(more).saturating_sub(self.spare);
        self.make_room(samples.saturating_add(more).saturating_add(self.spare));
        let from = self.end.saturating_add(self.spare);
        if lacking > 0
            && let Some(place) = self.pcm.get_mut(from..from.saturating_add(lacking))
        {
            write(place);
            self.spare = self.spare.saturating_add(lacking);
        }
        let samples = samples.min(self.spare);
        self.end = self.end.saturating_add(samples);
        self.spare = self.spare.saturating_sub(samples);
    }

    /// Leaves out all that is in hand; it is faded into what comes next. Answers how much that was.
    pub(super) fn fold(&mut self, fade: usize) -> usize {
        let hand = self.hand();
        self.spare = hand.saturating_add(self.spare).min(fade);
        self.end = self.at;
        self.jumps = [Jump::NONE; JUMPS];
        hand
    }

    /// Takes up to `most` samples out; answers how many.
    pub(super) fn shorten(&mut self, stretcher: &mut Stretcher, most: usize, care: Care) -> usize {
        if !self.prepare() {
            return 0;
        }
        let Some(splice) = stretcher.shorten(&mut self.pcm, self.end, self.at, most, care) else { return 0 };
        let Splice { at, fade, samples, .. } = splice;
        self.end = self.end.saturating_sub(samples);
        for jump in self.jumps.iter_mut().filter(|jump| jump.at > at) {
            // Jumps in what was taken out are jumped over together with it.
            jump.at = jump.at.saturating_sub(samples).max(at);
        }
        self.note(Jump { at, fade, back: -float(samples) });
        samples
    }

    /// Puts up to `most` samples in; answers how many.
    pub(super) fn lengthen(&mut self, stretcher: &mut Stretcher, most: usize, care: Care) -> usize {
        if !self.prepare() {
            return 0;
        }
        self.make_room(most);
        let Some(splice) = stretcher.lengthen(&mut self.pcm, self.end, self.at, most, care) else { return 0 };
        let Splice { at, fade, samples, .. } = splice;
        self.end = self.end.saturating_add(samples);
        let mut back = float(samples);
        // As they were: what is noted on the way has its place already.
        let before = self.jumps;
        for (i, jump) in before.iter().enumerate().filter(|(_, jump)| jump.back != 0.0) {
            let again = Jump { at: jump.at.saturating_add(samples), ..*jump };
            if jump.at >= at {
                if let Some(place) = self.jumps.get_mut(i) {
                    *place = again;
                }
            } else if jump.at.saturating_add(samples) >= at {
                // It lies in what is heard again, and so is jumped again.
                back -= jump.back;
                self.note(again);
            }
        }
        self.note(Jump { at, fade, back });
        samples
    }

    /// Forgets jumps that are long past, and what is invented and not played; whether there is place for more jumps.
    fn prepare(&mut self) -> bool {
        self.spare = 0;
        let kept = self.at.saturating_sub(self.history);
        for jump in &mut self.jumps {
            if jump.at.saturating_add(jump.fade) < kept {
                jump.back = 0.0;
            }
        }
        self.jumps.iter().filter(|jump| jump.back == 0.0).count() > JUMPS / 2
    }

    fn note(&mut self, new: Jump) {
        if let Some(free) = self.jumps.iter_mut().find(|jump| jump.back == 0.0) {
            *free = new;
        }
    }

    /// Moves everything to the front of the memory when `room` samples do not fit behind.
    fn make_room(&mut self, room: usize) {
        let last = self.end.saturating_add(self.spare);
        if last.saturating_add(room) <= self.pcm.len() {
            return;
        }
        let from = self.at.saturating_sub(self.history);
        self.pcm.copy_within(from..last, 0);
        self.at = self.at.saturating_sub(from);
        self.end = self.end.saturating_sub(from);
        for jump in &mut self.jumps {
            match jump.at.checked_sub(from) {
                Some(at) => jump.at = at,
                // It is too long ago to be heard again.
                None => jump.back = 0.0,
            }
        }
    }
}

fn float(samples: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousand samples")]
    let samples = samples as f64;
    samples
}

fn share(into: usize, fade: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a fade has far fewer samples than an f32 has integers")]
    let share = (into as f32 + 1.0) / (fade as f32 + 1.0);
    share
}

/// Jumps within history and samples in hand, at most.
const JUMPS: usize = 32;
