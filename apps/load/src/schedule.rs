//! When calls begin: arrivals by a schedule that nobody's answer can delay (an open loop).
//!
//! A schedule is a list of stretches with a rate each, which may rise or fall evenly. Its integral says how many calls
//! should have begun at an instant; the arrivals are where it passes the whole numbers, or, for Poisson arrivals, the
//! sums of exponential steps. So all shapes are one function, turned round.

use core::time::Duration;

use rove_base::Entropy;

/// One stretch: calls a second at its beginning and at its end, and how long it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    from: f64,
    to: f64,
    seconds: f64,
}

/// A whole schedule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schedule {
    stretches: Vec<Stretch>,
    poisson: bool,
}

/// Why a schedule cannot be understood.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ScheduleError {
    /// Neither of the shapes.
    #[error("{0} is no schedule: use 10 (calls a second), ramp:1..50/30s, steps:10x30s,20x30s or poisson:10")]
    Shape(String),
    /// Not a rate.
    #[error("{0} is no rate: use calls a second, such as 10 or 0.5")]
    Rate(String),
    /// Not a length of time.
    #[error("{0} is no time: use 30s, 500ms, 5m or 1h")]
    Time(String),
}

impl Schedule {
    /// Understands `10`, `ramp:1..50/30s`, `steps:10x30s,20x30s`, and each of them after `poisson:`. What has no length of its
    /// own, a constant rate, takes `length`; after a ramp its last rate goes on until `length` is over.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`] names the part that is not understood.
    pub(crate) fn parse(text: &str, length: Duration) -> Result<Self, ScheduleError> {
        let (poisson, shape) = match text.strip_prefix("poisson:") {
            Some(shape) => (true, shape),
            None => (false, text),
        };
        let stretches = if let Some(ramp) = shape.strip_prefix("ramp:") {
            Self::ramp(ramp, length)?
        } else if let Some(steps) = shape.strip_prefix("steps:") {
            steps.split(',').map(step).collect::<Result<_, _>>()?
        } else if shape.contains(':') {
            return Err(ScheduleError::Shape(text.to_owned()));
        } else {
            let rate = rate(shape.trim_end_matches("/s"))?;
            vec![Stretch { from: rate, to: rate, seconds: length.as_secs_f64() }]
        };
        Ok(Self { stretches, poisson })
    }

    fn ramp(ramp: &str, length: Duration) -> Result<Vec<Stretch>, ScheduleError> {
        let shape = || ScheduleError::Shape(format!("ramp:{ramp}"));
        let (rates, time) = ramp.split_once('/').ok_or_else(shape)?;
        let (from, to) = rates.split_once("..").ok_or_else(shape)?;
        let (from, to, seconds) = (rate(from)?, rate(to)?, parse_time(time)?.as_secs_f64());
        let mut stretches = vec![Stretch { from, to, seconds }];
        let rest = length.as_secs_f64() - seconds;
        if rest > 0.0 {
            stretches.push(Stretch { from: to, to, seconds: rest });
        }
        Ok(stretches)
    }

    /// How long calls begin.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.stretches.iter().map(|stretch| stretch.seconds).sum())
    }

    /// The highest rate it reaches.
    pub(crate) fn peak(&self) -> f64 {
        self.stretches.iter().map(|stretch| stretch.from.max(stretch.to)).fold(0.0, f64::max)
    }

    /// So many calls it makes; for Poisson arrivals, in the mean.
    pub(crate) fn expected(&self) -> f64 {
        self.stretches.iter().map(Stretch::calls).sum()
    }

    /// The most calls that stand at once when each stands for `hold`, as far as rates say: the peak times `hold`, and no
    /// more than there are calls.
    pub(crate) fn concurrent(&self, hold: Duration) -> f64 {
        (self.peak() * hold.as_secs_f64()).min(self.expected()).ceil()
    }

    /// All arrivals, from the beginning of the run.
    pub(crate) fn arrivals(&self, seed: u64) -> Arrivals<'_> {
        let mut entropy = Entropy::from_number(seed);
        let first = if self.poisson { exponential(&mut entropy) } else { 0.0 };
        Arrivals { schedule: self, entropy, next: first }
    }

    /// When the integral of the rate reaches `calls`; `None`: not before the end.
    fn reaches(&self, calls: f64) -> Option<f64> {
        let (mut before, mut began) = (0.0, 0.0);
        for stretch in &self.stretches {
            let here = stretch.calls();
            // The last call of a stretch is the first of the next one.
            if calls < before + here {
                return Some(began + stretch.reaches(calls - before));
            }
            (before, began) = (before + here, began + stretch.seconds);
        }
        None
    }
}

impl Stretch {
    fn calls(&self) -> f64 {
        f64::midpoint(self.from, self.to) * self.seconds
    }

    /// Solves `from·t + slope·t²/2 = calls` for the earlier `t`.
    fn reaches(&self, calls: f64) -> f64 {
        let slope = (self.to - self.from) / self.seconds;
        let root = 2.0_f64.mul_add(slope * calls, self.from * self.from).max(0.0).sqrt();
        // This form loses no digits where the slope is small or zero.
        let sum = self.from + root;
        if sum > 0.0 { 2.0 * calls / sum } else { 0.0 }
    }
}

/// The instants at which calls begin, in order, measured from the beginning of the run.
#[derive(Debug)]
pub(crate) struct Arrivals<'a> {
    schedule: &'a Schedule,
    entropy: Entropy,
    next: f64,
}

impl Iterator for Arrivals<'_> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let at = self.schedule.reaches(self.next)?;
        self.next += if self.schedule.poisson { exponential(&mut self.entropy) } else { 1.0 };
        Some(Duration::from_secs_f64(at))
    }
}

/// A step of a Poisson process of rate 1.
fn exponential(entropy: &mut Entropy) -> f64 {
    -(1.0 - entropy.unit()).ln()
}

fn step(text: &str) -> Result<Stretch, ScheduleError> {
    let (calls, time) = text.split_once('x').ok_or_else(|| ScheduleError::Shape(format!("steps:{text}")))?;
    let rate = rate(calls)?;
    Ok(Stretch { from: rate, to: rate, seconds: parse_time(time)?.as_secs_f64() })
}

fn rate(text: &str) -> Result<f64, ScheduleError> {
    let rate =
        text.trim().parse::<f64>().ok().filter(|rate| rate.is_finite() && (0.0..=MOST_RATE).contains(rate));
    rate.ok_or_else(|| ScheduleError::Rate(text.to_owned()))
}

/// Understands `30s`, `500ms`, `5m`, `1h`; a plain number counts seconds.
pub(crate) fn parse_time(text: &str) -> Result<Duration, ScheduleError> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => f64::NAN,
    };
    let seconds = digits.parse::<f64>().unwrap_or(f64::NAN) * unit;
    let fits = (0.0..=LONGEST).contains(&seconds);
    if fits { Ok(Duration::from_secs_f64(seconds)) } else { Err(ScheduleError::Time(text.to_owned())) }
}

/// More calls a second than any machine makes.
const MOST_RATE: f64 = 1e6;
/// A year, in seconds.
const LONGEST: f64 = 31_536_000.0;

#[cfg(test)]
mod tests;
