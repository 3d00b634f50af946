//! How good a call shall be.

use core::time::Duration;

use clap::Args;
use rove_phone::Tolerance;
use serde::Deserialize;

/// What a call's way shall be like, on the command line and in the settings file.
#[derive(Args, Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wishes {
    /// Takes a way that reaches this mean opinion score, 1 to 5, where one does, and leaves it for a better one when it does so no
    /// more; `rove call` exits with 1 when the whole call has not reached it.
    #[arg(long, value_name = "MOS", value_parser = mos)]
    pub(crate) min_mos: Option<f64>,
    /// Leaves a way on which more than this share of the other side's packets is lost, in percent, where another is better: 0
    /// to 100; 2 when not given.
    #[arg(long, value_name = "PERCENT", env = "ROVE_MAX_LOSS", value_parser = percent)]
    pub(crate) max_loss: Option<f32>,
    /// Leaves a way that takes longer than this, one way, in ms.
    #[arg(long, value_name = "MS", env = "ROVE_MAX_DELAY")]
    pub(crate) max_delay: Option<u64>,
    /// Leaves a way whose interarrival jitter is more than this, in ms.
    #[arg(long, value_name = "MS", env = "ROVE_MAX_JITTER")]
    pub(crate) max_jitter: Option<u64>,
    /// Leaves a way on which more than this share of bits arrives changed, as 1e-4; seen in protected calls only.
    #[arg(long, value_name = "SHARE", env = "ROVE_MAX_BIT_ERRORS", value_parser = share)]
    pub(crate) max_bit_errors: Option<f32>,
}

impl Wishes {
    /// These, and those of `other` where these say nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            min_mos: self.min_mos.or(other.min_mos),
            max_loss: self.max_loss.or(other.max_loss),
            max_delay: self.max_delay.or(other.max_delay),
            max_jitter: self.max_jitter.or(other.max_jitter),
            max_bit_errors: self.max_bit_errors.or(other.max_bit_errors),
        }
    }

    /// The same for the engine.
    pub(crate) fn tolerance(self) -> Tolerance {
        Tolerance {
            loss: self.max_loss.map(|percent| percent / 100.0),
            mos: self.min_mos.map(|mos| mos as f32),
            delay: self.max_delay.map(Duration::from_millis),
            jitter: self.max_jitter.map(Duration::from_millis),
            bit_errors: self.max_bit_errors,
        }
    }
}

/// A mean opinion score.
fn mos(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (1.0..=5.0).contains(value));
    value.ok_or_else(|| "a MOS is a number from 1 to 5".into())
}

fn percent(text: &str) -> Result<f32, String> {
    let value = text.parse::<f32>().ok().filter(|value| (0.0..=100.0).contains(value));
    value.ok_or_else(|| "a share in percent is a number from 0 to 100".into())
}

fn share(text: &str) -> Result<f32, String> {
    let value = text.parse::<f32>().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "a share is a number from 0 to 1, as 1e-4".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_that_no_call_can_have_is_refused() {
        assert_eq!(mos("4.2"), Ok(4.2));
        for text in ["0.9", "5.1", "-3", "nan", "inf", "good"] {
            assert!(mos(text).is_err(), "{text}");
        }
    }
}
