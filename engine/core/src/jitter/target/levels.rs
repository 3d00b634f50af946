//! The delay of the path without its jitter: the least of the last seconds, and how it drifts.

/// Minima of relative delay over pieces of half a second, newest last in `at` order.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    pieces: [Piece; PIECES],
    /// Pieces begun so far; the newest is `begun` - 1.
    begun: usize,
    drift: f64,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    from: f64,
    /// When the least came.
    at: f64,
    least: f64,
    frames: u32,
}

impl Levels {
    pub(super) const fn new() -> Self {
        let none = Piece { from: 0.0, at: 0.0, least: f64::INFINITY, frames: 0 };
        Self { pieces: [none; PIECES], begun: 0, drift: 0.0 }
    }

    /// Takes in a frame that came at `at` with this relative delay. Answers whether a piece came to its end before it.
    pub(super) fn add(&mut self, at: f64, relative: f64) -> bool {
        let full =
            self.piece(self.newest()).is_none_or(|p| at - p.from >= PIECE_MS && p.frames >= PIECE_FRAMES);
        if full {
            self.begun = self.begun.saturating_add(1);
            let newest = self.newest();
            if let Some(piece) = self.pieces.get_mut(newest % PIECES) {
                *piece = Piece { from: at, at, least: relative, frames: 1 };
            }
            self.drift = self.slope();
        } else if let Some(piece) = self.pieces.get_mut(self.begun.saturating_sub(1) % PIECES) {
            piece.frames = piece.frames.saturating_add(1);
            if relative < piece.least {
                (piece.least, piece.at) = (relative, at);
            }
        }
        full
    }

    /// The number of the newest piece.
    pub(super) const fn newest(&self) -> usize {
        self.begun.saturating_sub(1)
    }

    /// The base now: the least of the last two seconds, carried on by the drift.
    pub(super) fn base(&self, now: f64) -> f64 {
        self.least_of(self.newest().saturating_sub(REACH)..=self.newest(), now)
    }

    /// The base at the time of an earlier piece, for which what came after it counts as well: whichever side was
    /// slower, so that neither a step up nor a step down makes the frames beside it look late.
    pub(super) fn settled(&self, piece: usize, at: f64) -> f64 {
        let before = self.least_of(piece.saturating_sub(REACH)..=piece, at);
        let after = self.least_of(piece..=piece.saturating_add(REACH).min(self.newest()), at);
        before.max(after)
    }

    /// Clock drift, in milliseconds per millisecond: positive when the sender's clock is slow.
    pub(super) const fn drift(&self) -> f64 {
        self.drift
    }

    /// The path is another one from here on.
    pub(super) fn forget(&mut self) {
        *self = Self { drift: self.drift, ..Self::new() };
    }

    fn piece(&self, number: usize) -> Option<&Piece> {
        let kept = self.begun.saturating_sub(PIECES);
        (number >= kept && number < self.begun).then(|| self.pieces.get(number % PIECES)).flatten()
    }

    fn least_of(&self, numbers: core::ops::RangeInclusive<usize>, at: f64) -> f64 {
        numbers
            .filter_map(|number| self.piece(number))
            .map(|piece| piece.least + self.drift * (at - piece.at))
            .fold(f64::INFINITY, f64::min)
    }

    /// Slope of the line through the minima; what it was when they are too few, or lie on no line.
    fn slope(&self) -> f64 {
        let pieces = || (self.begun.saturating_sub(PIECES)..self.newest()).filter_map(|n| self.piece(n));
        let count = pieces().count();
        if count < FIT_PIECES {
            return self.drift;
        }
        let count = count as f64;
        let (at, least) = pieces().fold((0.0, 0.0), |s, p| (s.0 + p.at / count, s.1 + p.least / count));
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for piece in pieces() {
            let (x, y) = (piece.at - at, piece.least - least);
            (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
        }
        let slope = xy / xx.max(1e-9);
        let spread = ((yy - slope * xy) / count).max(0.0).sqrt();
        if spread > FIT_MS { self.drift } else { slope.clamp(-MAX_DRIFT, MAX_DRIFT) }
    }
}

/// 32 s.
const PIECES: usize = 64;
/// 12 s: with less a slope is noise.
const FIT_PIECES: usize = 24;
/// Pieces before the newest one that the base is the least of: two seconds.
pub(super) const REACH: usize = 4;
const PIECE_MS: f64 = 500.0;
const PIECE_FRAMES: u32 = 10;
/// Minima further from a line than this are not drift alone.
const FIT_MS: f64 = 2.0;
/// 1 000 ppm: worse clocks are broken.
const MAX_DRIFT: f64 = 1e-3;
