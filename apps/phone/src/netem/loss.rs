//! How datagrams get lost: one by one, or in bursts (Gilbert 1960, Elliott 1963).

use rove_base::Entropy;

/// How datagrams get lost on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// Not at all.
    #[default]
    None,
    /// Each with this probability, whatever became of the others.
    Independent(f64),
    /// In bursts.
    Bursts(GilbertElliott),
}

/// A channel that is either good or bad, and moves from one to the other between two datagrams.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GilbertElliott {
    /// Probability to turn bad, from good.
    pub p: f64,
    /// Probability to turn good, from bad: its inverse is the mean stay in bad, in datagrams.
    pub r: f64,
    /// Probability of loss while good.
    pub loss_good: f64,
    /// Probability of loss while bad.
    pub loss_bad: f64,
}

impl GilbertElliott {
    /// The channel that loses the share `loss` in bursts of `mean_burst` datagrams on average, all of a burst and
    /// nothing between bursts (Gilbert's simple channel).
    #[must_use]
    pub fn bursts(loss: f64, mean_burst: f64) -> Self {
        let r = 1.0 / mean_burst.max(1.0);
        Self { p: (r * loss / (1.0 - loss)).min(1.0), r, loss_good: 0.0, loss_bad: 1.0 }
    }

    /// The share of time in the bad state, in the long run.
    #[must_use]
    pub fn bad_share(&self) -> f64 {
        if self.p + self.r == 0.0 { 0.0 } else { self.p / (self.p + self.r) }
    }

    /// The share of datagrams lost, in the long run.
    #[must_use]
    pub fn loss(&self) -> f64 {
        let bad = self.bad_share();
        bad * self.loss_bad + (1.0 - bad) * self.loss_good
    }
}

#[derive(Debug)]
pub(super) struct LossSource {
    loss: Loss,
    bad: bool,
}

impl LossSource {
    pub(super) const fn new(loss: Loss) -> Self {
        Self { loss, bad: false }
    }

    /// Whether a datagram that goes along with the others is lost, as they are at the moment.
    pub(super) fn beside(&self, entropy: &mut Entropy) -> bool {
        match self.loss {
            Loss::None => false,
            Loss::Independent(share) => entropy.unit() < share,
            Loss::Bursts(channel) => {
                entropy.unit() < if self.bad { channel.loss_bad } else { channel.loss_good }
            }
        }
    }

    /// Whether the next datagram is lost.
    pub(super) fn next(&mut self, entropy: &mut Entropy) -> bool {
        match self.loss {
            Loss::None => false,
            Loss::Independent(share) => entropy.unit() < share,
            Loss::Bursts(channel) => {
                let turn = if self.bad { channel.r } else { channel.p };
                if entropy.unit() < turn {
                    self.bad = !self.bad;
                }
                let share = if self.bad { channel.loss_bad } else { channel.loss_good };
                entropy.unit() < share
            }
        }
    }
}
