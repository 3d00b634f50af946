//! The options of `rove lookup`.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::Args;

use super::{PhoneArgs, dns_address};

#[derive(Args, Debug)]
pub(crate) struct Lookup {
    /// Host name, IP address, user@host, sip: URI or telephone number with + and country code.
    #[arg(required_unless_present = "reverse")]
    pub(crate) target: Option<String>,
    /// Shows the names of this address instead.
    #[arg(long, value_name = "ADDR", conflicts_with = "target")]
    pub(crate) reverse: Option<IpAddr>,
    /// Server of the root, with port if it is not 53; may be repeated. Names are found from there on by delegation, and
    /// no other server is asked.
    #[arg(long, value_name = "ADDR[:PORT]", value_delimiter = ',', value_parser = dns_address, conflicts_with = "dns_server")]
    pub(crate) root: Vec<SocketAddr>,
    /// Shows each question: who answered, as server of which zone, what, and how long that took.
    #[arg(long)]
    pub(crate) trace: bool,
    /// Writes the result here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) irmv: super::irmv::IrmvArgs,
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
}
