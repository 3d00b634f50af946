//! The command line. Each option can also be given by the environment variable its help names.

pub(crate) mod account;
pub(crate) mod operate;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use account::AccountCommand;
pub(crate) use operate::{CallsCommand, InitArgs};

/// Answers for names, and lets those change them who hold a key; registers users and connects their calls.
///
/// Exit codes: 0 it ended in order, 1 it failed while running, 2 the command line or the configuration is wrong,
/// 3 something is missing on this machine or in use by another program.
#[derive(Debug, Parser)]
#[command(name = "roved", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The configuration, in TOML.
    #[arg(long, value_name = "FILE", env = "ROVED_CONFIG", conflicts_with = "dev")]
    pub(crate) config: Option<PathBuf>,
    /// Runs without a configuration: zone home.example on loopback, with a fresh key.
    #[arg(long)]
    pub(crate) dev: bool,
    /// Addresses to answer at, instead of the configured ones; may be repeated, port 0 lets the system pick one.
    #[arg(long, value_name = "ADDR:PORT", env = "ROVED_DNS_LISTEN", value_delimiter = ',')]
    pub(crate) dns_listen: Vec<SocketAddr>,
    /// Addresses to register users and take calls at, over UDP and TCP, instead of the configured ones; may be repeated.
    #[arg(long, value_name = "ADDR:PORT", env = "ROVED_SIP_LISTEN", value_delimiter = ',')]
    pub(crate) sip_listen: Vec<SocketAddr>,
    /// The journal, instead of the configured one.
    #[arg(long, value_name = "FILE", env = "ROVED_JOURNAL")]
    pub(crate) journal: Option<PathBuf>,
    /// With --dev: where key and journal stay; without it they are gone in the end.
    #[arg(long, value_name = "DIR", env = "ROVED_DIR", requires = "dev")]
    pub(crate) dir: Option<PathBuf>,
    /// Prints one line of JSON on standard output when ready: {"dns":["ADDR:PORT"],"sip":["URI"],...}.
    #[arg(long)]
    pub(crate) ready_json: bool,
    /// How to log: for people, or a line of JSON each.
    #[arg(long, value_enum, value_name = "FORMAT", env = "ROVED_LOG_FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// What to log on standard error, as tracing's filters say it.
    #[arg(long, value_name = "FILTER", env = "ROVED_LOG", default_value = "warn")]
    pub(crate) log: String,
}

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a server for a domain: writes its configuration, and says what to publish and how users come.
    Init(InitArgs),
    /// Lists, shows, ends and moves the calls of the node that runs.
    #[command(subcommand)]
    Calls(CallsCommand),
    /// Has the node that runs take over its configuration and certificates again, with no call lost; what is wrong with
    /// them is said, and changes nothing.
    Reload(ControlArgs),
    /// About configurations.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Adds, changes, shows and removes the accounts of the registry that runs, in its database.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Adds, changes, shows and removes the subscribers of the home that runs.
    #[command(subcommand)]
    Subscriber(Box<SubscriberCommand>),
    /// Prints the counters of the node that runs, in the text format of Prometheus.
    Metrics(ControlArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SubscriberCommand {
    /// A new one.
    Add(SubscriberArgs),
    /// All of one anew, as with add.
    Change(SubscriberArgs),
    /// Some of one: what is not named stays as it is.
    Set(SetArgs),
    /// All of them, or one: who, what it may do, and where it is.
    Show(ShowArgs),
    /// One is none any more; its stay ends.
    Remove(RemoveArgs),
}

/// Which node is meant.
#[derive(Args, Debug)]
pub(crate) struct ControlArgs {
    /// Its control socket.
    #[arg(long, value_name = "SOCKET", env = "ROVED_CONTROL")]
    pub(crate) control: Option<PathBuf>,
    /// Its configuration, which names the socket.
    #[arg(long, value_name = "FILE", env = "ROVED_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct SubscriberArgs {
    /// Its identity.
    pub(crate) imsi: String,
    /// Its host name, below the home's domain.
    pub(crate) name: String,
    /// Its telephone number.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) msisdn: Option<String>,
    /// A file in TOML with k and opc of its SIM, 32 hexadecimal digits each; its owner alone may read it.
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    pub(crate) sim: Option<PathBuf>,
    /// The public half of its key pair, 64 hexadecimal digits, for terminals without a SIM.
    #[arg(long, value_name = "HEX")]
    pub(crate) public_key: Option<String>,
    /// May not be served by other networks.
    #[arg(long)]
    pub(crate) no_roaming: bool,
    /// May have no address.
    #[arg(long)]
    pub(crate) no_packet_data: bool,
    /// Does not see who calls.
    #[arg(long)]
    pub(crate) no_caller_id: bool,
    /// Is not shown to those it calls.
    #[arg(long)]
    pub(crate) hide_caller_id: bool,
    /// May not hold three parties in a call.
    #[arg(long)]
    pub(crate) no_three_way: bool,
    /// Where all its calls go.
    #[arg(long, value_name = "TARGET")]
    pub(crate) forward_always: Option<String>,
    /// Where its calls go while it is in one.
    #[arg(long, value_name = "TARGET")]
    pub(crate) forward_busy: Option<String>,
    /// Where its calls go when nobody answers.
    #[arg(long, value_name = "TARGET")]
    pub(crate) forward_no_answer: Option<String>,
    /// After how many seconds nobody answers.
    #[arg(long, value_name = "S", default_value_t = 20)]
    pub(crate) forward_after: u16,
    /// Networks it may roam to; may be repeated, all partners when not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Vec<String>,
    /// Seconds its addresses may be cached.
    #[arg(long, value_name = "S")]
    pub(crate) ttl: Option<u32>,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

/// What of a subscriber is to be different; `off` takes a forwarding, a number or a time away.
#[derive(Args, Debug)]
pub(crate) struct SetArgs {
    /// Whose.
    pub(crate) imsi: String,
    /// Its host name, below the home's domain.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Its telephone number.
    #[arg(long, value_name = "NUMBER|off")]
    pub(crate) msisdn: Option<String>,
    /// May be served by other networks.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub(crate) roaming: Option<bool>,
    /// May have an address.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub(crate) packet_data: Option<bool>,
    /// Sees who calls.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub(crate) caller_id: Option<bool>,
    /// Is not shown to those it calls.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub(crate) hide_caller_id: Option<bool>,
    /// May hold three parties in a call.
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub(crate) three_way: Option<bool>,
    /// Where all its calls go.
    #[arg(long, value_name = "TARGET|off")]
    pub(crate) forward_always: Option<String>,
    /// Where its calls go that find it busy.
    #[arg(long, value_name = "TARGET|off")]
    pub(crate) forward_busy: Option<String>,
    /// Where its calls go when nobody answers.
    #[arg(long, value_name = "TARGET|off")]
    pub(crate) forward_no_answer: Option<String>,
    /// After how many seconds nobody answers.
    #[arg(long, value_name = "S", default_value_t = 20, requires = "forward_no_answer")]
    pub(crate) forward_after: u16,
    /// Seconds its addresses may be cached.
    #[arg(long, value_name = "S|off")]
    pub(crate) ttl: Option<String>,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(format!("`{other}` is neither yes nor no")),
    }
}

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// Whose; all when not given.
    pub(crate) imsi: Option<String>,
    /// A line of JSON each.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RemoveArgs {
    /// Whose.
    pub(crate) imsi: String,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Reads a configuration and everything it names, and says what is wrong with it.
    Check(CheckArgs),
    /// Prints the DS record of each zone that is signed: what its parent zone needs.
    Ds(CheckArgs),
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE", env = "ROVED_CONFIG")]
    pub(crate) config: PathBuf,
}

/// Where a node for trying things out takes calls.
pub(crate) const DEV_SIP_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5_060);
/// Where a node for trying things out answers.
pub(crate) const DEV_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5_300);

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn combinations_that_make_no_sense_are_refused() {
        let cases: &[(&[&str], bool)] = &[
            (&["--dev"], true),
            (&["--dev", "--dir", "x", "--dns-listen", "127.0.0.1:0", "--ready-json"], true),
            (&["--config", "x"], true),
            (&["config", "check", "--config", "x"], true),
            (&["init", "a.example", "--dir", "x"], true),
            (&["init"], false),
            (&["init", "a.example", "--certificate", "x"], false),
            (&["calls", "hangup", "x", "--control", "y"], true),
            (&["account", "add", "a@b.example", "--listed", "--control", "y"], true),
            (&["account", "set", "a@b.example", "--listed", "maybe"], false),
            (&["account", "remove"], false),
            (&["reload", "--config", "x"], true),
            (&["--config", "x", "--dev"], false),
            (&["--dir", "x"], false),
            (&["--dns-listen", "nowhere"], false),
            (&["--colour", "blue"], false),
        ];
        for (args, fine) in cases {
            let parsed = Cli::try_parse_from(std::iter::once(&"roved").chain(*args));
            assert_eq!(parsed.is_ok(), *fine, "{args:?}");
        }
    }
}
