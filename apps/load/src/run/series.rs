//! The run second by second, for plots and for whoever watches.

use serde::Serialize;

/// What happened in one second.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Second {
    /// Its end, in s from the beginning.
    pub(crate) at_s: f64,
    /// Calls that began.
    pub(crate) begun: u64,
    /// Calls that came to stand.
    pub(crate) answered: u64,
    /// Calls that failed.
    pub(crate) failed: u64,
    /// Arrivals for which there was no room.
    pub(crate) dropped: u64,
    /// Calls under way at its end.
    pub(crate) active: u64,
    /// Half of the calls that came to stand took no longer, from the intended beginning.
    pub(crate) setup_p50_ms: Option<f64>,
    /// 99 of 100.
    pub(crate) setup_p99_ms: Option<f64>,
    /// The lowest of the calls that ended.
    pub(crate) least_mos: Option<f64>,
}

/// All seconds, and the one that is under way.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) seconds: Vec<Second>,
    pub(crate) current: Second,
    setups: Vec<f64>,
}

impl Series {
    /// A call came to stand.
    pub(crate) fn answered(&mut self, setup_ms: f64) {
        self.current.answered += 1;
        self.setups.push(setup_ms);
    }

    /// A call has ended.
    pub(crate) fn ended(&mut self, failed: bool, mos: Option<f64>) {
        self.current.failed += u64::from(failed);
        self.current.least_mos = match (self.current.least_mos, mos) {
            (Some(least), Some(mos)) => Some(least.min(mos)),
            (least, mos) => least.or(mos),
        };
    }

    /// The second is over.
    pub(crate) fn close(&mut self, at_s: f64, active: u64) -> &Second {
        self.setups.sort_unstable_by(f64::total_cmp);
        let rank = |percent: usize| {
            let place = (self.setups.len() * percent).div_ceil(100).saturating_sub(1);
            self.setups.get(place).copied()
        };
        let (p50, p99) = (rank(50), rank(99));
        let second = Second {
            at_s,
            active,
            setup_p50_ms: p50,
            setup_p99_ms: p99,
            ..std::mem::take(&mut self.current)
        };
        self.setups.clear();
        self.seconds.push(second);
        self.seconds.last().unwrap_or(&self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_knows_its_own_calls_only() {
        let mut series = Series::default();
        (1..=100).for_each(|n| series.answered(f64::from(n)));
        series.ended(true, None);
        series.ended(false, Some(4.2));
        series.ended(false, Some(3.9));
        let first = series.close(1.0, 7).clone();
        assert_eq!((first.answered, first.failed, first.active), (100, 1, 7));
        assert_eq!(
            (first.setup_p50_ms, first.setup_p99_ms, first.least_mos),
            (Some(50.0), Some(99.0), Some(3.9))
        );
        let second = series.close(2.0, 0);
        assert_eq!((second.answered, second.setup_p99_ms, second.least_mos), (0, None, None));
    }
}
