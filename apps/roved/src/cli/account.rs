//! Accounts of a registry, on the command line.

use clap::{Args, Subcommand};

use super::{ControlArgs, yes_or_no};

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// A new one, at work at once.
    Add(AddAccountArgs),
    /// Some of one: what is not named stays as it is.
    Set(SetAccountArgs),
    /// All of them, or one: whose key it is, what it may do, and whether it is there.
    Show(ShowAccountArgs),
    /// One is none any more; whoever is registered by it is not, either.
    Remove(RemoveAccountArgs),
}

#[derive(Args, Debug)]
pub(crate) struct AddAccountArgs {
    /// Its name, user@domain.
    pub(crate) name: String,
    /// The unique id of the key that signs for it, as `rove register` shows it; of whoever registers first when not given,
    /// and then for good.
    #[arg(long, value_name = "UID")]
    pub(crate) uid: Option<String>,
    /// The telephone number that this server vouches for, + and digits.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) number: Option<String>,
    /// Anybody may find it.
    #[arg(long)]
    pub(crate) listed: bool,
    /// Whom it admits, user@domain, beside those of whom its terminal says so; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) contact: Vec<String>,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

/// What of an account is to be different; `off` takes a key, a number or all contacts away.
#[derive(Args, Debug)]
pub(crate) struct SetAccountArgs {
    /// Whose.
    pub(crate) name: String,
    /// The unique id of its key; whoever is registered by another key is so no more. `off` where the key is lost: whoever
    /// registers next has the account. Of a key that somebody else has now, name the one that takes its place.
    #[arg(long, value_name = "UID|off")]
    pub(crate) uid: Option<String>,
    /// The telephone number that this server vouches for.
    #[arg(long, value_name = "NUMBER|off")]
    pub(crate) number: Option<String>,
    /// Anybody may find it.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub(crate) listed: Option<bool>,
    /// Whom it admits, instead of those it did; may be repeated.
    #[arg(long, value_name = "NAME|off")]
    pub(crate) contact: Vec<String>,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ShowAccountArgs {
    /// Whose; all when not given.
    pub(crate) name: Option<String>,
    /// A line of JSON each.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RemoveAccountArgs {
    /// Whose.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}
