//! The file with a phone's figures for Prometheus.

use core::time::Duration;
use std::{path::PathBuf, time::Instant};

use rove_phone::{Metrics, PhoneEvent};

use crate::{cli::figures::Figures, failure::Failure, files};

/// Counts, and writes what was counted once a second. Where no file is wanted it does nothing.
pub(crate) struct Sheet {
    path: Option<PathBuf>,
    metrics: Metrics,
    due: Instant,
}

impl Sheet {
    /// Refuses what could not be written later.
    pub(crate) fn new(args: &Figures) -> Result<Self, Failure> {
        files::check_output(args.prometheus.as_deref(), "the file of figures", &[])?;
        Ok(Self { path: args.prometheus.clone(), metrics: Metrics::default(), due: Instant::now() })
    }

    pub(crate) fn event(&mut self, event: &PhoneEvent) {
        if self.path.is_some() {
            self.metrics.event(event);
        }
    }

    /// Time passed. A disk that is full ends no call: what cannot be written now may be in a second.
    pub(crate) fn turn(&mut self) {
        let now = Instant::now();
        if self.due <= now {
            self.due = now + EACH;
            if let Err(error) = self.write() {
                tracing::warn!(%error, "the figures cannot be written");
            }
        }
    }

    /// The last time.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        rove_io::write_whole(path, &self.metrics.text())
            .map_err(|error| Failure::environment(format!("{} cannot be written: {error}", path.display())))
    }
}

const EACH: Duration = Duration::from_secs(1);
