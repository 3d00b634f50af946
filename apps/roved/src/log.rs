//! What is said on standard error.

use std::io::IsTerminal as _;

use crate::{
    cli::{Cli, LogFormat},
    failure::Failure,
};

/// As the command line wants it, from now on.
pub(crate) fn to_stderr(cli: &Cli) -> Result<(), Failure> {
    let filter = cli
        .log
        .parse::<tracing_subscriber::EnvFilter>()
        .map_err(|error| Failure::usage(format!("--log {}: {error}", cli.log)))?;
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match cli.log_format {
        LogFormat::Text => log.with_ansi(colours).init(),
        // What is logged of a call names it: call_id stands beside the message.
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
