//! The command lines of what is done outside of calls.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rove_phone::{Disclosure, package};

#[derive(Args, Debug)]
pub(crate) struct Message {
    /// Host name, IP address, user@host or sip: URI.
    pub(crate) target: String,
    /// What to say.
    pub(crate) text: String,
    /// Account to send with, by its address in the settings file; the one of the target's domain, else the first, when not
    /// given.
    #[arg(long = "account", value_name = "ADDRESS")]
    pub(crate) with: Option<String>,
    /// Writes what became of it here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) account: super::account::AccountArgs,
    #[command(flatten)]
    pub(crate) phone: super::PhoneArgs,
}

#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// Host name, IP address, user@host or sip: URI.
    pub(crate) target: String,
    /// What to watch.
    #[arg(long, value_enum, default_value_t = Package::Presence)]
    pub(crate) event: Package,
    /// Stop after this many seconds; without it, Ctrl-C does.
    #[arg(long = "for", value_name = "S")]
    pub(crate) seconds: Option<f64>,
    /// Stop after this many states.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: Option<u32>,
    /// How long is asked for at a time, in s; it is asked for again before that is over.
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u32).range(30..=86_400))]
    pub(crate) every: u32,
    /// Account to watch with, by its address in the settings file; the one of the target's domain, else the first, when not
    /// given.
    #[arg(long = "account", value_name = "ADDRESS")]
    pub(crate) with: Option<String>,
    /// Writes all states here when leaving.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) account: super::account::AccountArgs,
    #[command(flatten)]
    pub(crate) phone: super::PhoneArgs,
}

/// An event package.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Package {
    /// Whether somebody can be reached (RFC 3856).
    Presence,
    /// Which calls somebody has (RFC 4235).
    Dialog,
    /// Who is in a conference (RFC 4575).
    Conference,
}

impl Package {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Presence => package::PRESENCE,
            Self::Dialog => package::DIALOG,
            Self::Conference => package::CONFERENCE,
        }
    }
}

/// What others may know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Tell {
    /// Nothing.
    Nothing,
    /// Whether calls are taken, and that there are calls.
    State,
    /// With whom as well.
    Everything,
}

impl Tell {
    pub(crate) const fn disclosure(self) -> Disclosure {
        match self {
            Self::Nothing => Disclosure::Nothing,
            Self::State => Disclosure::State,
            Self::Everything => Disclosure::Everything,
        }
    }
}
