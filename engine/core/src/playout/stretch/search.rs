//! Where a signal resembles itself: at 4 kHz over all places and periods, then around the best at full rate.

use super::{Care, Quality, floor::Floor};

/// What is to be done to a signal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Samples before this have been played.
    pub from: usize,
    /// How far the content may jump.
    pub most: usize,
    /// Back, to hear something twice, instead of on.
    pub lengthen: bool,
}

/// Where and how to join.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub at: usize,
    /// Samples from one piece to the other.
    pub lag: usize,
    pub fade: usize,
    pub quality: Quality,
}

/// Scratch memory of the search.
#[derive(Debug)]
pub(super) struct Search {
    /// Samples per sample at 4 kHz.
    step: usize,
    /// The span at 4 kHz.
    coarse: [f32; COARSE],
    /// Sums of squares of all samples before each of `coarse`.
    squares: [f32; COARSE + 1],
    /// Mean squares of blocks of 2 ms of the span, at full rate.
    power: [f32; BLOCKS],
}

/// The part of a signal that is searched.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Where it begins.
    origin: usize,
    /// Whole blocks in it.
    blocks: usize,
    /// Blocks over which likeness is measured.
    window: usize,
}

impl Search {
    pub(super) fn new(ms: usize) -> Self {
        Self {
            step: (ms / 4).max(1),
            coarse: [0.0; COARSE],
            squares: [0.0; COARSE + 1],
            power: [0.0; BLOCKS],
        }
    }

    /// The best place to join `pcm`.
    pub(super) fn find(&mut self, pcm: &[f32], span: Span, floor: &Floor, care: Care) -> Option<Place> {
        let frame = self.frame(pcm, span)?;
        self.look(pcm, frame);
        let quiet = floor.quiet();
        if let Some(place) = self.pause(pcm, span, frame, quiet) {
            return Some(place);
        }
        let place = self.likeness(pcm, span, frame, quiet)?;
        let enough = match care {
            Care::Inaudible => INAUDIBLE,
            Care::Similar(least) => least,
            Care::AnyRate => f32::NEG_INFINITY,
        };
        (place.quality.quiet || place.quality.similarity >= enough).then_some(place)
    }

    fn block(&self) -> usize {
        self.step.saturating_mul(BLOCK).max(1)
    }

    fn frame(&self, pcm: &[f32], span: Span) -> Option<Frame> {
        let block = self.block();
        let hand = pcm.len().checked_sub(span.from)?;
        let (lo, hi) = if span.lengthen {
            let hand = hand.min(block.saturating_mul(AHEAD));
            let hi = span.from.saturating_add(hand);
            (span.from.saturating_sub(block.saturating_mul(BLOCKS.saturating_sub(AHEAD))), hi)
        } else {
            (span.from, pcm.len())
        };
        let blocks = whole(hi.saturating_sub(lo), block).min(BLOCKS);
        let origin = if span.lengthen { hi.saturating_sub(blocks.saturating_mul(block)) } else { lo };
        // A window of 10 ms, or of half of what is there.
        let window = WINDOW.min(blocks / 2);
        (window > 0).then_some(Frame { origin, blocks, window })
    }

    /// Takes the frame down to 4 kHz.
    fn look(&mut self, pcm: &[f32], frame: Frame) {
        let all = pcm.get(frame.origin..).unwrap_or(&[]);
        let scale = 1.0 / float(self.step);
        let parts = all.chunks_exact(self.step).take(frame.blocks.saturating_mul(BLOCK));
        for (coarse, part) in self.coarse.iter_mut().zip(parts) {
            *coarse = part.iter().sum::<f32>() * scale;
        }
        let mut before = self.coarse.first().copied().unwrap_or(0.0);
        let mut sum = 0.0;
        for i in 0..frame.blocks.saturating_mul(BLOCK) {
            let next = self.coarse.get(i.saturating_add(1)).copied().unwrap_or(0.0);
            let Some(here) = self.coarse.get_mut(i) else { break };
            let smooth = 0.25 * (before + next) + 0.5 * *here;
            before = *here;
            *here = smooth;
            sum += smooth * smooth;
            if let Some(square) = self.squares.get_mut(i.saturating_add(1)) {
                *square = sum;
            }
        }
        let block = self.block();
        let scale = 1.0 / float(block);
        for (power, part) in self.power.iter_mut().zip(all.chunks_exact(block)).take(frame.blocks) {
            *power = dot(part, part) * scale;
        }
    }

    /// The longest jump within a stretch that is quiet all over.
    fn pause(&self, pcm: &[f32], span: Span, frame: Frame, quiet: f32) -> Option<Place> {
        let (mut best, mut run): ((usize, usize), usize) = ((0, 0), 0);
        let block = self.block();
        let hand = span.from.saturating_sub(frame.origin);
        for (i, power) in self.power.iter().take(frame.blocks).enumerate() {
            run = if *power <= quiet { run.saturating_add(1) } else { 0 };
            let end = i.saturating_add(1);
            // To lengthen, the fade must lie in what was not played yet.
            let in_hand = end.saturating_mul(block).saturating_sub(hand) >= block;
            if run > best.0 && (!span.lengthen || in_hand) {
                best = (run, end);
            }
        }
        let (run, end) = best;
        let end = frame.origin.saturating_add(end.saturating_mul(block));
        let start = end.saturating_sub(run.saturating_mul(block));
        let mut fade = block.saturating_mul(WINDOW).min(run.saturating_mul(block) / 3);
        if span.lengthen {
            fade = fade.min(end.saturating_sub(span.from.max(start)));
        }
        let lag = span.most.min(end.saturating_sub(start).saturating_sub(fade));
        if fade < block || lag == 0 {
            return None;
        }
        let at = if span.lengthen { end.saturating_sub(fade) } else { start };
        let similarity = similarity(pcm, at, other(at, lag, span.lengthen), fade);
        Some(Place { at, lag, fade, quality: Quality { similarity, quiet: true } })
    }

    fn likeness(&self, pcm: &[f32], span: Span, frame: Frame, quiet: f32) -> Option<Place> {
        let most = whole(span.most, self.step).min(LONGEST);
        let (window, hand) = (frame.window, span.from.saturating_sub(frame.origin));
        let total = frame.blocks.saturating_mul(BLOCK);
        let loud =
            self.squares.get(total).copied().unwrap_or(0.0) / float(frame.blocks.max(1)) * float(window);
        // Windows must end at least one block into what is in hand.
        let first = if span.lengthen {
            whole(hand, self.block()).saturating_add(2).saturating_sub(window)
        } else {
            0
        };
        let mut best_of = [(f32::NEG_INFINITY, 0_usize); LONGEST + 1];
        for (lag, best) in best_of.iter_mut().enumerate().take(most.saturating_add(1)).skip(SHORTEST) {
            let (a, b) = if span.lengthen {
                let lowest = lag.div_ceil(BLOCK).max(first);
                let a = lowest.saturating_mul(BLOCK);
                (a, a.saturating_sub(lag))
            } else {
                (0, lag)
            };
            self.scan(a, b, total, window, |at, alike, energy| {
                let score = 1.0 - (energy - 2.0 * alike) / (energy + LOUDNESS * loud + NOTHING);
                if score > best.0 {
                    *best = (score, at);
                }
            });
        }
        let (at, lag) = choose(&best_of)?;
        self.refine(pcm, span, frame, at, lag, quiet)
    }

    /// Tells `each` of the windows that begin at `a` and every block after: the place, the sum of products with what
    /// is at `b`, and the energy of both.
    fn scan(&self, a: usize, b: usize, total: usize, window: usize, mut each: impl FnMut(usize, f32, f32)) {
        let (Some(left), Some(right)) = (self.coarse.get(a..total), self.coarse.get(b..total)) else {
            return;
        };
        let ((left, _), (right, _)) = (left.as_chunks::<BLOCK>(), right.as_chunks::<BLOCK>());
        let mut products = [0.0_f32; BLOCKS];
        let mut count: usize = 0;
        for ((product, left), right) in products.iter_mut().zip(left).zip(right) {
            let mut sums = [0.0_f32; 4];
            let ((l, _), (r, _)) = (left.as_chunks::<4>(), right.as_chunks::<4>());
            for (l, r) in l.iter().zip(r) {
                for ((sum, l), r) in sums.iter_mut().zip(l).zip(r) {
                    *sum += l * r;
                }
            }
            *product = sums.iter().sum();
            count = count.saturating_add(1);
        }
        let length = window.saturating_mul(BLOCK);
        let products = products.get(..count).unwrap_or(&[]);
        for (i, parts) in products.windows(window.max(1)).enumerate() {
            let offset = i.saturating_mul(BLOCK);
            let (a, b) = (a.saturating_add(offset), b.saturating_add(offset));
            each(a, parts.iter().sum(), self.energy(a, length) + self.energy(b, length));
        }
    }

    fn energy(&self, at: usize, length: usize) -> f32 {
        let sum = |at: usize| self.squares.get(at).copied().unwrap_or(0.0);
        (sum(at.saturating_add(length)) - sum(at)).max(0.0)
    }

    /// The best lag at full rate around `lag`, a place and a lag at 4 kHz.
    fn refine(
        &self,
        pcm: &[f32],
        span: Span,
        frame: Frame,
        at: usize,
        lag: usize,
        quiet: f32,
    ) -> Option<Place> {
        let start = frame.origin.saturating_add(at.saturating_mul(self.step));
        let window = frame.window.saturating_mul(self.block());
        let middle = lag.saturating_mul(self.step);
        let likeness = |lag: usize| {
            let fits = lag > 0
                && lag <= span.most
                && if span.lengthen {
                    lag <= start
                } else {
                    start.saturating_add(lag).saturating_add(window) <= pcm.len()
                };
            fits.then(|| similarity(pcm, start, other(start, lag, span.lengthen), window))
        };
        let mut best = (likeness(middle)?, middle);
        let mut width = self.step;
        while width > 1 {
            let stride = (width / 4).max(1);
            let (low, high) = (best.1.saturating_sub(width), best.1.saturating_add(width));
            for lag in (low..=high).step_by(stride) {
                if let Some(score) = likeness(lag).filter(|score| *score > best.0) {
                    best = (score, lag);
                }
            }
            width = if stride == 1 { 1 } else { stride };
        }
        let (similarity, lag) = best;
        let end = start.saturating_add(window);
        let room = if span.lengthen { end.saturating_sub(start.max(span.from)) } else { window };
        // What fits well is faded where the window is centred, in a short time; what does not, over all of it.
        let short = if similarity >= INAUDIBLE { self.block().saturating_mul(SHORT_FADE) } else { room };
        let cut = (room.saturating_sub(short)) / 2;
        let fade = room.saturating_sub(cut.saturating_mul(2));
        let at = end.saturating_sub(fade).saturating_sub(cut);
        let silent = |at: usize| {
            pcm.get(at..at.saturating_add(fade)).is_some_and(|part| dot(part, part) <= quiet * float(fade))
        };
        let quiet = silent(at) && silent(other(at, lag, span.lengthen));
        Some(Place { at, lag, fade, quality: Quality { similarity, quiet } })
    }
}

/// Of the best place for each lag the best of all: longer lags are preferred a little, but only where they are a
/// period, not on the slope towards one. Where there is no period, as in a ramp, the best lag is taken as it is.
fn choose(best_of: &[(f32, usize)]) -> Option<(usize, usize)> {
    let score = |lag: usize| best_of.get(lag).map_or(f32::NEG_INFINITY, |best| best.0);
    let (mut period, mut any) = ((f32::NEG_INFINITY, None), (f32::NEG_INFINITY, None));
    for (lag, &(here, at)) in best_of.iter().enumerate() {
        let (before, after) = (score(lag.saturating_sub(1)), score(lag.saturating_add(1)));
        let peak = before.is_finite() && after.is_finite() && here >= before.max(after);
        let worth = here + LONGER * float(lag);
        if worth > any.0 {
            any = (worth, Some((at, lag)));
        }
        if (peak || here > ALIKE) && worth > period.0 {
            period = (worth, Some((at, lag)));
        }
    }
    period.1.or(any.1)
}

const fn other(at: usize, lag: usize, lengthen: bool) -> usize {
    if lengthen { at.saturating_sub(lag) } else { at.saturating_add(lag) }
}

/// One minus the energy of the difference over the sum of the energies; 1 for two silences.
fn similarity(pcm: &[f32], a: usize, b: usize, len: usize) -> f32 {
    let piece = |at: usize| pcm.get(at..at.saturating_add(len)).unwrap_or(&[]);
    let (a, b) = (piece(a), piece(b));
    let energy = dot(a, a) + dot(b, b);
    if energy <= NOTHING { 1.0 } else { 2.0 * dot(a, b) / energy }
}

/// In sixteen partial sums, so that the compiler may use vectors.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [0.0_f32; 16];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// How often `part`, which is not 0, fits.
fn whole(all: usize, part: usize) -> usize {
    all.checked_div(part).unwrap_or(0)
}

pub(super) fn float(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

/// Samples of a block at 4 kHz: 2 ms.
const BLOCK: usize = 8;
/// Blocks of the longest span: 64 ms.
const BLOCKS: usize = 32;
const COARSE: usize = BLOCKS * BLOCK;
/// Blocks over which likeness is measured, and pieces are faded: 10 ms.
const WINDOW: usize = 5;
/// Blocks over which pieces are faded that fit well: 6 ms.
const SHORT_FADE: usize = 3;
/// Blocks of what is in hand that are looked at to lengthen: 20 ms.
const AHEAD: usize = 10;
/// 2.5 ms at 4 kHz: a voice of 400 Hz.
const SHORTEST: usize = 10;
/// 20 ms at 4 kHz: a voice of 50 Hz, or several periods of a higher one.
const LONGEST: usize = 80;
/// Likeness from which a join is not heard.
pub(super) const INAUDIBLE: f32 = 0.9;
/// Likeness from which it does not matter whether a lag is the best.
const ALIKE: f32 = 0.998;
/// By this share of the span's loudness a difference counts less.
const LOUDNESS: f32 = 1.0;
/// What a longer jump is worth, in likeness per quarter of a millisecond.
const LONGER: f32 = 0.001;
/// Energy of which nothing can be said.
const NOTHING: f32 = 1e-12;
