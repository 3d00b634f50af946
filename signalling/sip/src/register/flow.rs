//! One binding at a registrar, kept up over one flow.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use rove_base::{Entropy, Instant};

/// Where a binding is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// A REGISTER is out.
    Asking,
    /// The binding stands.
    Standing { refresh: Instant },
    /// The server could not be reached, or is overloaded.
    Waiting { again: Instant },
    /// REGISTER with zero is out.
    Leaving,
    /// Nothing more is to be done: withdrawn, or refused for good.
    Over,
}

/// What a flow wants done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub(crate) enum Due {
    Nothing,
    /// Send REGISTER.
    Register,
}

/// One binding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    stage: Stage,
    failures: u32,
    /// Whether a wish for a longer time was followed since the binding stood last.
    longer: bool,
    /// The binding is to go as soon as the REGISTER that is out is answered.
    leave: bool,
    stood: bool,
}

impl Flow {
    /// A flow whose first REGISTER goes out now.
    pub(crate) const fn start() -> Self {
        Self { stage: Stage::Asking, failures: 0, longer: false, leave: false, stood: false }
    }

    /// The binding stands for `expires`.
    pub(crate) fn granted(&mut self, now: Instant, expires: Duration, entropy: &mut Entropy) -> Due {
        if self.leave || self.stage == Stage::Leaving {
            return self.next_leaving();
        }
        (self.failures, self.longer, self.stood) = (0, false, true);
        self.stage = Stage::Standing { refresh: now.later(early(expires, entropy)) };
        Due::Nothing
    }

    /// The registrar wants a longer time (423). `false` when it has said so before, and was obeyed.
    pub(crate) const fn too_brief(&mut self) -> bool {
        let obey = !self.longer && !self.leave;
        self.longer = true;
        obey
    }

    /// It did not work, and may work later: after `least`, which the server named, and by the backoff of RFC 5626 §4.5.
    /// `others` tells whether another flow of the same registration stands. How long it waits; `None` when it was to go.
    pub(crate) fn failed(
        &mut self,
        now: Instant,
        least: Option<Duration>,
        others: bool,
        entropy: &mut Entropy,
    ) -> Option<Duration> {
        (self.longer, self.stood) = (false, false);
        if self.leave || matches!(self.stage, Stage::Leaving | Stage::Over) {
            self.stage = Stage::Over;
            return None;
        }
        let base = if others { BASE_SOME } else { BASE_ALL };
        let upper = base.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        let wait = upper.mul_f64(0.5 + entropy.unit() / 2.0).max(least.unwrap_or_default().min(LONGEST));
        self.failures = self.failures.saturating_add(1);
        self.stage = Stage::Waiting { again: now.later(wait) };
        Some(wait)
    }

    /// It will never work.
    pub(crate) const fn refused(&mut self) {
        (self.stage, self.stood) = (Stage::Over, false);
    }

    /// The way to the server broke under a binding that stood: tries again at once, then by the backoff.
    pub(crate) fn lost(&mut self, now: Instant) {
        if matches!(self.stage, Stage::Standing { .. }) {
            self.stood = false;
            self.stage = Stage::Waiting { again: now };
        }
    }

    /// What we are reached at has changed: registers again.
    pub(crate) fn again(&mut self) -> Due {
        if !matches!(self.stage, Stage::Standing { .. } | Stage::Waiting { .. }) {
            return Due::Nothing;
        }
        self.stage = Stage::Asking;
        Due::Register
    }

    /// Takes the binding back.
    pub(crate) fn leave(&mut self) -> Due {
        match self.stage {
            Stage::Standing { .. } => {
                self.leave = true;
                self.next_leaving()
            }
            Stage::Waiting { .. } => {
                self.stage = Stage::Over;
                Due::Nothing
            }
            Stage::Asking => {
                self.leave = true;
                Due::Nothing
            }
            Stage::Leaving | Stage::Over => Due::Nothing,
        }
    }

    const fn next_leaving(&mut self) -> Due {
        if matches!(self.stage, Stage::Leaving) {
            (self.stage, self.stood) = (Stage::Over, false);
            return Due::Nothing;
        }
        self.stage = Stage::Leaving;
        Due::Register
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) -> Due {
        match self.stage {
            Stage::Standing { refresh: at } | Stage::Waiting { again: at } if at <= now => {
                self.stage = Stage::Asking;
                Due::Register
            }
            _ => Due::Nothing,
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Standing { refresh: at } | Stage::Waiting { again: at } => Some(at),
            Stage::Asking | Stage::Leaving | Stage::Over => None,
        }
    }

    /// Whether the binding stands, as far as we know.
    pub(crate) const fn stands(&self) -> bool {
        self.stood
    }

    /// Whether the REGISTER that goes out takes the binding back.
    pub(crate) const fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Leaving)
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }
}

/// When a binding for `expires` is refreshed: after 80 to 90 % of it, and 32 s before its end at the latest where it is
/// long enough, so that a lost REGISTER can be repeated; not all phones at the same moment.
fn early(expires: Duration, entropy: &mut Entropy) -> Duration {
    let share = expires.mul_f64(0.8 + entropy.unit() / 10.0);
    let room = expires.saturating_sub(TRANSACTION);
    let half = expires.mul_f64(0.5);
    if room < half { half } else { share.min(room) }.max(Duration::from_secs(1))
}

/// What a REGISTER may take to be answered (timer F).
const TRANSACTION: Duration = Duration::from_secs(32);
/// The first wait when no flow stands, and when another does (RFC 5626 §4.5).
const BASE_ALL: Duration = Duration::from_secs(30);
const BASE_SOME: Duration = Duration::from_secs(90);
/// The longest wait (RFC 5626 §4.5).
const LONGEST: Duration = Duration::from_secs(1_800);
