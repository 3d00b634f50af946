//! Beginning a server, and what its operator does to it, on the command line.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, Subcommand};

use super::ControlArgs;

#[derive(Args, Clone, Debug)]
pub(crate) struct InitArgs {
    /// The domain: names in it belong to this server.
    pub(crate) domain: String,
    /// Where configuration, certificate and journal go; a folder with the domain's name when not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The address to listen at and to publish; the one that the way out leads from when not given.
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<IpAddr>,
    /// Answers for the domain's zone as well.
    #[arg(long)]
    pub(crate) dns: bool,
    /// The domain's certificates in PEM, its own first; one that nobody has signed is made when not given.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// Their private key in PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
}

impl InitArgs {
    /// What is to be said about the certificate.
    pub(crate) const fn hint(&self) -> &'static str {
        match self.certificate {
            Some(_) => "Renewed certificates are taken over by: roved reload",
            None => {
                "The certificate is signed by nobody: invited users know it by its fingerprint, other domains' servers and \
                 phones that speak SIP over TLS do not. Bring one of an authority by --certificate and --key, or put it in \
                 the place of certificate.pem and key.pem, and say: roved reload"
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum CallsCommand {
    /// All calls that the node knows: a line each.
    List(ListArgs),
    /// One of them.
    Show(CallArgs),
    /// Ends one: both sides are told, or it is said why they cannot be.
    Hangup(CallArgs),
    /// Takes its media another way, or says why that cannot be.
    Move(CallArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// A line of JSON each.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

#[derive(Args, Debug)]
pub(crate) struct CallArgs {
    /// Its id, or what no other id begins with.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}
