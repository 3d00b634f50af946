//! What a call was like, second by second.

use std::collections::VecDeque;

use rove_phone::Quality;

/// Seconds that are kept of a call.
pub const SECONDS: usize = 120;

/// One second of a call; what was not measured is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// Conversational quality, 1 to 5.
    pub mos: Option<f32>,
    /// Packets lost, in percent.
    pub loss_percent: Option<f32>,
    /// Interarrival jitter, in ms.
    pub jitter_ms: Option<f32>,
    /// Mouth to ear, in ms.
    pub delay_ms: Option<f32>,
}

impl Second {
    /// What the engine says of it.
    #[must_use]
    pub fn of(quality: &Quality) -> Self {
        Self {
            mos: quality.mos,
            loss_percent: quality.interval_loss.map(|share| share * 100.0),
            jitter_ms: quality.jitter.map(|time| time.as_secs_f32() * 1_000.0),
            delay_ms: quality.mouth_to_ear.map(|time| time.as_secs_f32() * 1_000.0),
        }
    }
}

/// The last [`SECONDS`] of a call.
#[derive(Clone, Debug, Default)]
pub struct Series {
    seconds: VecDeque<Second>,
    dropped: u64,
}

impl Series {
    /// One more second.
    pub fn push(&mut self, second: Second) {
        if self.seconds.len() == SECONDS {
            self.seconds.pop_front();
            self.dropped += 1;
        }
        self.seconds.push_back(second);
    }

    /// The oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Second> {
        self.seconds.iter()
    }

    /// The latest one; `None` before the first.
    #[must_use]
    pub fn last(&self) -> Option<Second> {
        self.seconds.back().copied()
    }

    /// Seconds since the first, those that are no longer kept included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.dropped + self.seconds.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_call_keeps_its_last_seconds_and_counts_them_all() {
        let mut series = Series::default();
        assert_eq!(series.last(), None);
        for second in 0..SECONDS + 5 {
            series.push(Second { loss_percent: Some(second as f32), ..Second::default() });
        }
        assert_eq!(series.iter().len(), SECONDS);
        assert_eq!(series.iter().next().unwrap().loss_percent, Some(5.0));
        assert_eq!(series.count(), SECONDS as u64 + 5);
    }
}
