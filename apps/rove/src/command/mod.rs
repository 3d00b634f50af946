//! One file per command.

pub(crate) mod accounts;
pub(crate) mod answer;
pub(crate) mod attach;
pub(crate) mod call;
mod chat;
pub(crate) mod contacts;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod find;
mod gather;
pub(crate) mod irmv;
pub(crate) mod lookup;
pub(crate) mod message;
pub(crate) mod register;
mod relayed;
pub(crate) mod replay;
mod script;
pub(crate) mod simulate;
mod state;
mod stay;
pub(crate) mod watch;

use core::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rove_phone::PlayoutConfig;

use crate::{cli::tools::DelayArgs, failure::Failure, settings};

/// How long a command looks at events before it looks at Ctrl-C.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// Seconds given by a person; `None` when they make no time.
pub(crate) fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}

/// How a receiver plays that keeps to these bounds.
pub(crate) fn playout(bounds: DelayArgs) -> Result<PlayoutConfig, Failure> {
    let (least, most) = settings::bounds(bounds)?;
    Ok(PlayoutConfig { least, most, ..PlayoutConfig::default() })
}

/// Shows how far a long work is, in ms of `total`, 0 when nobody knows; only on a terminal.
pub(crate) fn progress(total: u64) -> ProgressBar {
    let (bar, template) = match total {
        0 => (ProgressBar::new_spinner(), "{spinner} {pos} ms"),
        total => (ProgressBar::new(total), "{wide_bar} {percent} % {eta}"),
    };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
