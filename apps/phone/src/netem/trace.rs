//! Delays that were recorded or computed elsewhere: one per datagram.

use core::time::Duration;
use std::sync::Arc;

/// One delay per datagram, in the order of sending; after the last one it begins again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DelayTrace(Arc<[Option<Duration>]>);

/// What is wrong with the text of a [`DelayTrace`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A line is neither a delay nor `nan`.
    #[error(
        "line {line}: `{text}` is no delay: one number of ms from 0 to 60000 per line, or nan for a lost packet"
    )]
    Line {
        /// Its number, counted from 1.
        line: usize,
        /// What stands there, or the beginning of it.
        text: String,
    },
    /// There is none.
    #[error("it holds no delays")]
    Nothing,
}

impl DelayTrace {
    /// Reads one value per line: milliseconds, or `nan` for a datagram that gets lost. Empty lines and those that begin with
    /// `#` count for nothing.
    ///
    /// # Errors
    ///
    /// [`TraceError`] with the line.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let values = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        Self::new(values.map(|(line, text)| delay(line, text)).collect::<Result<Vec<_>, _>>()?)
    }

    /// These delays; `None` gets lost.
    ///
    /// # Errors
    ///
    /// [`TraceError::Nothing`] when there are none.
    pub fn new(delays: Vec<Option<Duration>>) -> Result<Self, TraceError> {
        if delays.is_empty() { Err(TraceError::Nothing) } else { Ok(Self(delays.into())) }
    }

    /// How many there are; never zero.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The delay of the datagram with this number, counted from 0; `None` when it gets lost.
    #[must_use]
    pub fn at(&self, number: u64) -> Option<Duration> {
        let index = number % self.0.len().max(1) as u64;
        self.0.get(usize::try_from(index).unwrap_or(0)).copied().flatten()
    }
}

fn delay(line: usize, text: &str) -> Result<Option<Duration>, TraceError> {
    let wrong = || TraceError::Line { line, text: text.chars().take(40).collect() };
    let millis: f64 = text.parse().map_err(|_| wrong())?;
    if millis.is_nan() {
        return Ok(None);
    }
    if !(0.0..=LONGEST_MS).contains(&millis) {
        return Err(wrong());
    }
    Ok(Some(Duration::from_secs_f64(millis / 1_000.0)))
}

/// A minute on the way is not a voice call any more, in ms.
const LONGEST_MS: f64 = 60_000.0;
