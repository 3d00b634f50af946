//! The options of `rove attach` and `rove detach`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Attach {
    /// Where the network takes terminals in.
    pub(crate) at: SocketAddr,
    /// The SIM: a file in TOML with imsi, k and opc, or imsi and seed (of an Ed25519 key pair), in hexadecimal digits; its
    /// owner alone may read it.
    #[arg(long, value_name = "FILE", env = "ROVE_SIM")]
    pub(crate) sim: PathBuf,
    /// The network that is expected there; whoever is trusted and says so when not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,
    /// A file with authorities whose certificates of networks are believed, in PEM; may be repeated.
    #[arg(long, value_name = "FILE", env = "ROVE_AUTHORITY", required = true, value_delimiter = ',')]
    pub(crate) authority: Vec<PathBuf>,
    /// The address is asked for by DHCP, with the token that is printed; without it, it is used as told.
    #[arg(long)]
    pub(crate) dhcp: bool,
    /// Prints each event as a line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Detach {
    /// The SIM of the `rove attach` that is to leave.
    #[arg(long, value_name = "FILE", env = "ROVE_SIM")]
    pub(crate) sim: PathBuf,
}

/// A place in a network that is taken for a call.
#[derive(Args, Debug, Default)]
pub(crate) struct ForCall {
    /// Attaches for the call where this network takes terminals in, calls from the address that it gives, and leaves again.
    #[arg(long, value_name = "ADDR:PORT", requires_all = ["sim", "authority"])]
    pub(crate) attach: Option<SocketAddr>,
    /// The SIM for that, as `rove attach` reads it.
    #[arg(long, value_name = "FILE", requires = "attach")]
    pub(crate) sim: Option<PathBuf>,
    /// A file with authorities whose certificates of networks are believed, in PEM; may be repeated.
    #[arg(long, value_name = "FILE", requires = "attach", value_delimiter = ',')]
    pub(crate) authority: Vec<PathBuf>,
}
