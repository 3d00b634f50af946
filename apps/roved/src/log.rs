//! What is said on standard error.

use std::io::IsTerminal as _;

#[cfg(feature = "log-filters")]
use tracing_subscriber::EnvFilter as Filter;
#[cfg(not(feature = "log-filters"))]
use tracing_subscriber::filter::Targets as Filter;
use tracing_subscriber::{Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    cli::{Cli, LogFormat},
    failure::Failure,
};

/// As the command line wants it, from now on.
pub(crate) fn to_stderr(cli: &Cli) -> Result<(), Failure> {
    let filter =
        cli.log.parse::<Filter>().map_err(|error| Failure::usage(format!("--log {}: {error}", cli.log)))?;
    let colours = std::io::stderr().is_terminal();
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match cli.log_format {
        LogFormat::Text => layer.with_ansi(colours).boxed(),
        // What is logged of a call names it: call_id stands beside the message.
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(layer).init();
    Ok(())
}
