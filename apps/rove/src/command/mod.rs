//! One file per command.

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod devices;
pub(crate) mod lookup;
pub(crate) mod register;

use core::time::Duration;

/// How long a command looks at events before it looks at Ctrl-C.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// Seconds given by a person; `None` when they make no time.
pub(crate) fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value).ok()
}
