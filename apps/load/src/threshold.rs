//! Thresholds that decide a run, as k6 has them: `setup_ms.p99<200`, `mos.p5>=4.0`, `failed.rate<0.01`.

use core::{fmt, str::FromStr};

use serde::Serialize;

use crate::stats::Stats;

/// A condition on one figure of the run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Threshold {
    text: String,
    metric: String,
    figure: Figure,
    relation: Relation,
    bound: f64,
}

/// What is taken of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Figure {
    Least,
    Most,
    Mean,
    /// So many percent of the values are no higher.
    Percentile(f64),
    Count,
    /// Share of all calls, 0 to 1.
    Rate,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Relation {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
    Unequal,
}

/// What became of a threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    /// The threshold as it was given.
    pub(crate) threshold: String,
    /// The figure that was measured; `None` when nothing was.
    pub(crate) value: Option<f64>,
    /// Whether it holds. Of what was not measured nothing holds.
    pub(crate) ok: bool,
}

/// Why a threshold cannot be understood.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ThresholdError {
    /// Not of the form.
    #[error(
        "{0} is no threshold: write METRIC.FIGURE, <, <=, >, >=, == or !=, and a number, such as setup_ms.p99<200"
    )]
    Form(String),
    /// A metric that is not measured.
    #[error("{0} is not measured; there are {known}", known = Stats::NAMES.join(", "))]
    Metric(String),
    /// A figure that is not known, or not of this metric.
    #[error("{figure} is no figure of {metric}; there are {known}")]
    Figure {
        /// What was asked for.
        figure: String,
        /// Of what.
        metric: String,
        /// What could be asked for.
        known: &'static str,
    },
}

impl Threshold {
    /// Whether it is about failed calls: then it decides how many may fail, else none may.
    pub(crate) fn is_about_failures(&self) -> bool {
        self.metric == "failed"
    }

    /// Holds the run against it.
    pub(crate) fn judge(&self, stats: &Stats) -> Verdict {
        let value = stats.figure(&self.metric, self.figure);
        let ok = value.is_some_and(|value| self.relation.holds(value, self.bound));
        Verdict { threshold: self.text.clone(), value, ok }
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let form = || ThresholdError::Form(text.to_owned());
        let at = text.find(['<', '>', '=', '!']).ok_or_else(form)?;
        let (left, right) = text.split_at(at);
        let known = RELATIONS.iter().find(|(sign, _)| right.starts_with(sign));
        let &(sign, relation) = known.ok_or_else(form)?;
        let bound: f64 = right.get(sign.len()..).unwrap_or_default().trim().parse().map_err(|_| form())?;
        let (metric, figure) = left.trim().split_once('.').ok_or_else(form)?;
        if !Stats::NAMES.contains(&metric) {
            return Err(ThresholdError::Metric(metric.to_owned()));
        }
        let counted = Stats::COUNTED.contains(&metric);
        let wanted = figure_of(figure).filter(|figure| match figure {
            Figure::Count => true,
            Figure::Rate => counted,
            _ => !counted,
        });
        let figure = wanted.ok_or_else(|| ThresholdError::Figure {
            figure: figure.to_owned(),
            metric: metric.to_owned(),
            known: if counted { "count and rate" } else { "p0 to p100, min, med, avg, max and count" },
        })?;
        Ok(Self { text: text.to_owned(), metric: metric.to_owned(), figure, relation, bound })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threshold, value, ok } = self;
        let word = if *ok { "holds" } else { "missed" };
        match value {
            Some(value) => write!(f, "{word}: {threshold} (it was {value})"),
            None => write!(f, "{word}: {threshold} (nothing was measured)"),
        }
    }
}

fn figure_of(text: &str) -> Option<Figure> {
    Some(match text {
        "min" => Figure::Least,
        "max" => Figure::Most,
        "avg" => Figure::Mean,
        "med" => Figure::Percentile(50.0),
        "count" => Figure::Count,
        "rate" => Figure::Rate,
        other => {
            let percent: f64 = other.strip_prefix('p')?.parse().ok()?;
            Figure::Percentile(Some(percent).filter(|percent| (0.0..=100.0).contains(percent))?)
        }
    })
}

impl Relation {
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
            Self::Equal => (value - bound).abs() < f64::EPSILON,
            Self::Unequal => (value - bound).abs() >= f64::EPSILON,
        }
    }
}

/// The longer signs first.
const RELATIONS: &[(&str, Relation)] = &[
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("==", Relation::Equal),
    ("!=", Relation::Unequal),
    ("<", Relation::Below),
    (">", Relation::Above),
];

#[cfg(test)]
mod tests;
