//! Figures for who watches many phones.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Figures for Prometheus: a file that is written anew each second and at the end, as the textfile collector of its node
    /// exporter reads it.
    #[arg(long, value_name = "FILE", env = "ROVE_PROMETHEUS")]
    pub(crate) prometheus: Option<PathBuf>,
}
