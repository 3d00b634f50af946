//! The options of `rove find`.

use std::path::PathBuf;

use clap::Args;

use super::PhoneArgs;

#[derive(Args, Debug)]
pub(crate) struct Find {
    /// What all of them have said of themselves: a city, a language, a trade; up to eight words.
    #[arg(required = true)]
    pub(crate) word: Vec<String>,
    /// Writes the result here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) irmv: super::irmv::IrmvArgs,
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
}
