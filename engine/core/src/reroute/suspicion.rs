//! When the way that packets take is suspected to be worse than it was. A suspicion costs copies for a while and decides
//! nothing, so that it may err.

use core::time::Duration;

use rove_base::Instant;

/// What is wrong with a way, as it seems.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// Nothing comes.
    Silence,
    /// Packets are lost.
    Loss,
    /// Packets come later, or less evenly.
    Delay,
    /// Bits arrive changed.
    BitErrors,
    /// It all together sounds worse than the user wants.
    Quality,
    /// Nothing is: another way costs less, and is as good.
    Cost,
}

impl Cause {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Loss => "loss",
            Self::Delay => "delay",
            Self::BitErrors => "bit_errors",
            Self::Quality => "quality",
            Self::Cost => "cost",
        }
    }
}

/// Sums of evidence (Page's CUSUM): each grows while there is more wrong than there was, and is never below zero.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Suspicion {
    loss: f32,
    /// The share of packets that are lost, over the last ones, and how many of these there are.
    share: f32,
    seen: u16,
    /// Packets lost since the evidence began to grow, and those that came changed.
    lost: u16,
    broken: u16,
    /// In milliseconds.
    delay: f32,
    /// The transit of packets when all is well, in milliseconds; its zero means nothing.
    base: Option<f32>,
    /// How far above it they come, usually.
    usual: f32,
}

impl Suspicion {
    /// What became of the next packet; `limit` is the share of them that may be lost.
    pub(super) fn on_fate(&mut self, lost: bool, limit: f32) -> Option<Cause> {
        self.seen = self.seen.saturating_add(1);
        self.share += (if lost { 1.0 } else { 0.0 } - self.share) / f32::from(self.seen.min(LONG_RUN));
        self.loss = (self.loss + evidence(lost, limit)).max(0.0);
        let growing = self.loss > 0.0;
        self.lost = if growing { self.lost.saturating_add(u16::from(lost)) } else { 0 };
        self.broken = if growing { self.broken } else { 0 };
        // A little too much all the time is no change, and too much all the same.
        let steady = self.seen >= LONG_RUN && self.share > limit;
        (self.loss >= ENOUGH_LOSS || steady).then_some(Cause::Loss)
    }

    /// How long the next packet was on its way, in milliseconds from any zero.
    pub(super) fn on_transit(&mut self, transit: f32) -> Option<Cause> {
        let base = self.base.get_or_insert(transit);
        // It follows what comes sooner at once, and what comes later slowly: clocks drift, and routes get longer.
        *base = if transit < *base { transit } else { *base + DRIFT };
        let above = transit - *base;
        self.delay = (self.delay + (above - self.usual - SLACK).min(MOST_EVIDENCE)).max(0.0);
        if self.delay < ENOUGH_DELAY {
            self.usual += (above.min(MOST_EVIDENCE) - self.usual) / USUAL;
            return None;
        }
        Some(Cause::Delay)
    }

    /// A packet came changed. That it is lost is found out later; that it came so tells more, for no queue that is full does it.
    pub(super) fn on_broken(&mut self) -> Option<Cause> {
        self.loss += CHANGED;
        self.broken = self.broken.saturating_add(1);
        (self.loss >= ENOUGH_LOSS).then_some(Cause::Loss)
    }

    /// Whether most of what is lost came, but changed.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken > 0 && self.broken.saturating_mul(2) >= self.lost
    }

    /// The same, and there is as much evidence as a suspicion needs.
    pub(super) fn is_surely_broken(&self) -> bool {
        self.is_broken() && self.loss >= ENOUGH_LOSS
    }

    /// Whether there is so much evidence of this that it hardly is by chance.
    pub(super) fn is_strong(&self, cause: Cause) -> bool {
        match cause {
            Cause::Delay => self.delay >= MUCH * ENOUGH_DELAY,
            _ => self.loss >= MUCH * ENOUGH_LOSS,
        }
    }

    /// Whether more was lost of late than may be.
    pub(super) fn is_lossy(&self) -> bool {
        self.loss > 0.0
    }

    /// Transits are measured from another zero from now on.
    pub(super) const fn rebase(&mut self) {
        self.base = None;
    }

    /// Packets that are lost so far.
    pub(super) const fn lost(&self) -> u16 {
        self.lost
    }

    /// The way stays: what there is now is what is usual there.
    pub(super) fn accept(&mut self) {
        self.usual = if self.delay >= ENOUGH_DELAY { self.usual + SLACK } else { self.usual };
        (self.loss, self.lost, self.broken, self.delay) = (0.0, 0, 0, 0.0);
    }
}

/// How silent a way is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    last: Instant,
    /// What came last was no media.
    idle: bool,
}

impl Silence {
    pub(super) const fn since(last: Instant) -> Self {
        Self { last, idle: false }
    }

    pub(super) fn broken(&mut self, at: Instant, idle: bool) {
        if at >= self.last {
            (self.last, self.idle) = (at, idle);
        }
    }

    pub(super) const fn last(&self) -> Instant {
        self.last
    }

    /// Whether nothing has come for longer than packets are apart.
    pub(super) fn is_long(&self, now: Instant) -> bool {
        now.since(self.last) >= SILENT
    }

    /// Whether what came last was no media.
    pub(super) const fn is_idle(&self) -> bool {
        self.idle
    }

    /// Whether it is too long for chance, however much is lost.
    pub(super) fn is_sure(&self, now: Instant) -> bool {
        now.since(self.last) >= SILENT_IDLE
    }

    /// When it becomes a suspicion.
    pub(super) fn due(&self) -> Instant {
        self.last + if self.idle { SILENT_IDLE } else { SILENT }
    }
}

/// The logarithm of how much likelier a packet that was lost, or was not, is when [`TOO_MANY`] times as many are lost as may be
/// than when [`FEW`] times as many are.
fn evidence(lost: bool, limit: f32) -> f32 {
    let limit = limit.clamp(LEAST_LIMIT, MOST_LIMIT);
    let (bad, good) = (TOO_MANY * limit, FEW * limit);
    let ratio = if lost { bad / good } else { (1.0 - bad) / (1.0 - good) };
    ratio.ln()
}

const TOO_MANY: f32 = 3.0;
const FEW: f32 = 0.5;
/// What nobody can measure,
const LEAST_LIMIT: f32 = 0.005;
/// and what nobody can have three times.
const MOST_LIMIT: f32 = 0.25;
/// Two that follow each other are not enough, three close together are.
const ENOUGH_LOSS: f32 = 4.3;
/// Evidence in a packet that came changed, beside that of its loss: one is nearly enough.
const CHANGED: f32 = 2.4;
/// So much more evidence is much.
const MUCH: f32 = 2.0;
/// Packets over which a share is meant: five seconds.
const LONG_RUN: u16 = 250;
/// In milliseconds a packet: 1 ms in a second of packets of 20 ms.
const DRIFT: f32 = 0.02;
/// Later than usual by so much is nothing, in milliseconds.
const SLACK: f32 = 10.0;
/// One packet alone is no evidence, in milliseconds.
const MOST_EVIDENCE: f32 = 60.0;
/// In milliseconds.
const ENOUGH_DELAY: f32 = 90.0;
/// Over so many packets what is usual is learned.
const USUAL: f32 = 500.0;
/// While media flows.
const SILENT: Duration = Duration::from_millis(100);
/// Three beats, in a pause.
const SILENT_IDLE: Duration = Duration::from_millis(300);
