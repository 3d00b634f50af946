//! The command line, and what of it may also stand in the environment.

pub(crate) mod account;
pub(crate) mod contacts;
pub(crate) mod figures;
pub(crate) mod find;
pub(crate) mod irmv;
pub(crate) mod lookup;
pub(crate) mod outside;
pub(crate) mod roaming;
pub(crate) mod together;
pub(crate) mod tools;
pub(crate) mod transport;
pub(crate) mod ways;
pub(crate) mod wishes;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::tools::Demo;

/// A phone that calls names.
///
/// Exit codes: 0 all went well, 1 a call failed or missed its threshold, 2 wrong usage or configuration, 3 the
/// environment lacks something (a port, a device, a permission).
#[derive(Debug, Parser)]
#[command(name = "rove", version, propagate_version = true)]
pub(crate) struct Cli {
    /// Settings in TOML; flags and environment go first. `apps/rove/rove.example.toml` has all of them.
    #[arg(long, global = true, value_name = "FILE", env = "ROVE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// What to log to standard error, e.g. `info` or `rove=debug`.
    #[arg(long, global = true, value_name = "FILTER", env = "ROVE_LOG", default_value = "warn")]
    pub(crate) log: String,
    /// Takes the end of standard input for Ctrl-C: a child does not outlive whoever started it.
    #[arg(long, global = true, hide = true)]
    pub(crate) until_stdin_closes: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Calls a name over real sockets on this machine and reports how it went; needs nothing else.
    Demo(Demo),
    /// Calls somebody by host name, IP address, sip: or sips: URI.
    Call(Call),
    /// Waits for calls and answers them.
    Answer(Answer),
    /// Publishes this phone's address under a host name until it is stopped.
    Register(Register),
    /// Shows where a call to a name would go.
    Lookup(lookup::Lookup),
    /// Finds people by words that they want to be found by, at one IRMV server and all that it knows.
    Find(find::Find),
    /// Says who may find --irmv-as at its IRMV server: --irmv-admit, --irmv-dismiss.
    Contacts(contacts::Contacts),
    /// Sends a message to somebody.
    Message(outside::Message),
    /// Watches whether somebody can be reached, which calls they have, or who is in a conference.
    Watch(outside::Watch),
    /// Takes a place in a network under the home's name, until it is ended.
    Attach(roaming::Attach),
    /// Ends the `rove attach` that runs with a SIM.
    Detach(roaming::Detach),
    /// Finds why a call does not connect, and says what to do.
    Doctor(tools::Examine),
    /// Lists the sound devices.
    Devices,
    /// Tells what a call will sound like on a link that loses, delays and holds back packets; needs no network.
    Simulate(tools::Simulate),
    /// Plays a captured call again and tells what happened in it; needs no network.
    Replay(tools::Replay),
    /// Runs the demo's own name server.
    #[command(hide = true)]
    DemoNode,
}

/// How this phone presents itself to the network.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PhoneArgs {
    /// Address to listen on for SIP; may be repeated. Port 0 lets the system pick. All addresses when not given.
    #[arg(long, value_name = "ADDR:PORT", env = "ROVE_LISTEN", value_delimiter = ',')]
    pub(crate) listen: Vec<SocketAddr>,
    /// Name server to ask, with port if it is not 53; may be repeated. The system's when not given.
    #[arg(long, value_name = "ADDR[:PORT]", env = "ROVE_DNS_SERVER", value_delimiter = ',', value_parser = dns_address)]
    pub(crate) dns_server: Vec<SocketAddr>,
    /// STUN server that tells how the world sees this host, with port if it is not 3478: a name or an address.
    #[arg(long = "stun", value_name = "SERVER[:PORT]", env = "ROVE_STUN")]
    pub(crate) stun: Option<String>,
    #[command(flatten)]
    pub(crate) ways: ways::Ways,
    #[command(flatten)]
    pub(crate) wishes: wishes::Wishes,
    /// Who we say we are: a host name or user@host.
    #[arg(long, value_name = "NAME", env = "ROVE_IDENTITY")]
    pub(crate) identity: Option<String>,
    /// Hides from who is called who calls: no name, no account, no program; the address stays.
    #[arg(long, env = "ROVE_ANONYMOUS")]
    pub(crate) anonymous: bool,
    /// Codec to offer; repeat or separate by commas, best first.
    #[arg(long, value_name = "CODEC", env = "ROVE_CODEC", value_delimiter = ',')]
    pub(crate) codec: Vec<Codec>,
    /// Duration of one media packet in ms: 10 to 60.
    #[arg(long, value_name = "MS", env = "ROVE_PACKET_TIME")]
    pub(crate) packet_time: Option<u64>,
    /// Whether sound is encrypted: never, where the other side can, or there is no call. Keys go with the signalling only
    /// over TLS.
    #[arg(long, value_enum, value_name = "WHEN", env = "ROVE_SRTP")]
    pub(crate) srtp: Option<Srtp>,
    /// A packet waits at least this long before it is played, in ms: 0 to 1000.
    #[arg(long, value_name = "MS", env = "ROVE_MIN_PLAYOUT")]
    pub(crate) min_playout: Option<u64>,
    /// It waits this long at most, in ms: 0 to 1000.
    #[arg(long, value_name = "MS", env = "ROVE_MAX_PLAYOUT")]
    pub(crate) max_playout: Option<u64>,
    /// How long a call may ring, in s: 1 to 3600.
    #[arg(long, value_name = "S", env = "ROVE_RING_FOR")]
    pub(crate) ring_for: Option<u64>,
    /// Makes all random choices repeatable; for tests only.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) transport: transport::TransportArgs,
}

/// What the phone speaks with and listens to.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AudioArgs {
    /// WAV file to say; silence without it and after its end.
    #[arg(long, value_name = "WAV", env = "ROVE_PLAY")]
    pub(crate) play: Option<PathBuf>,
    /// Says the file again and again.
    #[arg(long, requires = "play")]
    pub(crate) repeat: bool,
    /// WAV file to record what is heard; with several calls a number is put before its ending.
    #[arg(long, value_name = "WAV", env = "ROVE_RECORD")]
    pub(crate) record: Option<PathBuf>,
    /// Uses the sound card instead of files.
    #[arg(long, conflicts_with_all = ["play", "record"])]
    pub(crate) sound_card: bool,
    /// Microphone by name (see `rove devices`).
    #[arg(long, value_name = "NAME", requires = "sound_card")]
    pub(crate) input: Option<String>,
    /// Loudspeaker by name (see `rove devices`).
    #[arg(long, value_name = "NAME", requires = "sound_card")]
    pub(crate) output: Option<String>,
}

/// How a name is published.
#[derive(Args, Clone, Debug)]
pub(crate) struct PublishArgs {
    /// Server that takes updates for the name's zone; the first --dns-server when not given.
    #[arg(long, value_name = "ADDR[:PORT]", env = "ROVE_UPDATE_SERVER", value_parser = dns_address)]
    pub(crate) update_server: Option<SocketAddr>,
    /// File with the TSIG key, as nsupdate reads it.
    #[arg(long, value_name = "FILE", env = "ROVE_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Address to publish; may be repeated. The one that leads to the server when not given.
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Vec<std::net::IpAddr>,
    /// How long others may remember the address, in s.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) ttl: u32,
}

#[derive(Args, Debug)]
pub(crate) struct Call {
    /// Host name, IP address, user@host, sip: URI or telephone number with + and country code.
    pub(crate) target: String,
    /// Hang up after this many seconds of talk; without it, Ctrl-C does.
    #[arg(long = "for", value_name = "S")]
    pub(crate) seconds: Option<f64>,
    /// Keys to press once the call is up: 0-9, *, #, A-D; a comma waits for a second.
    #[arg(long, value_name = "KEYS", value_parser = keys)]
    pub(crate) keys: Option<String>,
    /// Tell keys by SIP INFO instead of in the sound's stream.
    #[arg(long, requires = "keys")]
    pub(crate) keys_by_info: bool,
    /// Hand the other side over to this host name, IP address, user@host or sip: URI instead of hanging up.
    #[arg(long, value_name = "TARGET")]
    pub(crate) transfer: Option<String>,
    #[command(flatten)]
    pub(crate) together: together::Together,
    /// Account to call with, by its address in the settings file; the one of the target's domain, else the first, when not
    /// given.
    #[arg(long = "account", value_name = "ADDRESS")]
    pub(crate) with: Option<String>,
    /// Calls to make, one after the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    /// Writes the report here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) audio: AudioArgs,
    #[command(flatten)]
    pub(crate) account: account::AccountArgs,
    #[command(flatten)]
    pub(crate) irmv: irmv::IrmvArgs,
    #[command(flatten)]
    pub(crate) stay: roaming::ForCall,
    #[command(flatten)]
    pub(crate) figures: figures::Figures,
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
}

#[derive(Args, Debug)]
pub(crate) struct Answer {
    /// What to do with a call.
    #[arg(long, value_enum, default_value_t = Policy::Answer, env = "ROVE_POLICY")]
    pub(crate) policy: Policy,
    /// Pick up only after this many seconds of ringing.
    #[arg(long, value_name = "S", env = "ROVE_AFTER")]
    pub(crate) after: Option<f64>,
    /// Send every caller to this host name, IP address, user@host or sip: URI instead.
    #[arg(long, value_name = "TARGET", env = "ROVE_FORWARD")]
    pub(crate) forward: Option<String>,
    /// Hold the call that is up while a newer one is talked with, and go on with it afterwards.
    #[arg(long)]
    pub(crate) call_waiting: bool,
    /// Make one conversation of all calls that are up: each hears all others.
    #[arg(long, conflicts_with = "call_waiting")]
    pub(crate) conference: bool,
    /// Writes each line of standard input to all calls that are up.
    #[arg(long)]
    pub(crate) chat: bool,
    /// Command to run (by sh) for each event, which it is told as a line of JSON on standard input.
    #[arg(long, value_name = "CMD", env = "ROVE_ON_EVENT")]
    pub(crate) on_event: Option<String>,
    /// Publish this host name while waiting, or register this sip:user@domain; with --irmv-server, this user@domain there.
    #[arg(long, value_name = "NAME", env = "ROVE_REGISTER")]
    pub(crate) register: Option<String>,
    /// Leave after this many calls.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) calls: Option<u32>,
    /// Hang up after this many seconds of talk.
    #[arg(long = "for", value_name = "S")]
    pub(crate) seconds: Option<f64>,
    /// More calls than this at once are answered busy.
    #[arg(long, value_name = "N", default_value_t = 100, env = "ROVE_MOST_CALLS")]
    pub(crate) most_calls: usize,
    /// More calls of one address than this that wait for an answer are refused; half of --most-calls when not given.
    #[arg(long, value_name = "N", env = "ROVE_MOST_RINGING")]
    pub(crate) most_ringing: Option<usize>,
    /// More requests of one address than this in a second are refused; 0 for any number.
    #[arg(long, value_name = "N", default_value_t = 5_000, env = "ROVE_MOST_REQUESTS")]
    pub(crate) most_requests: u32,
    /// What others may know of this phone: nothing, whether it can be reached and has calls, or with whom as well.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = outside::Tell::State, env = "ROVE_TELL")]
    pub(crate) tell: outside::Tell,
    /// Publish that at the SIP server of --register, too.
    #[arg(long, requires = "register")]
    pub(crate) publish_state: bool,
    /// More subscriptions of others than this at once are refused.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) most_watchers: usize,
    /// Writes the report here when leaving.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Prints one line of JSON on standard output when ready: {"sip":["ADDR:PORT"],"streams":[{"transport":...,"address":...}],"name":...}.
    #[arg(long)]
    pub(crate) ready_json: bool,
    #[command(flatten)]
    pub(crate) publish: PublishArgs,
    #[command(flatten)]
    pub(crate) audio: AudioArgs,
    #[command(flatten)]
    pub(crate) account: account::AccountArgs,
    #[command(flatten)]
    pub(crate) irmv: irmv::IrmvArgs,
    #[command(flatten)]
    pub(crate) figures: figures::Figures,
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
}

#[derive(Args, Debug)]
pub(crate) struct Register {
    /// Host name to publish, or sip:user@domain to register; user@domain at an IRMV server.
    pub(crate) name: String,
    /// Where; by the looks of the name when not given.
    #[arg(long, value_enum)]
    pub(crate) via: Option<Via>,
    /// Port that the phone's SIP listens on.
    #[arg(long, value_name = "PORT", default_value_t = 5060)]
    pub(crate) port: u16,
    #[command(flatten)]
    pub(crate) publish: PublishArgs,
    #[command(flatten)]
    pub(crate) account: account::AccountArgs,
    #[command(flatten)]
    pub(crate) irmv: irmv::IrmvArgs,
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
}

/// A codec by its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Codec {
    Opus,
    G722,
    Pcmu,
    Pcma,
}

/// What to do with a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Policy {
    /// Pick up at once.
    Answer,
    /// Refuse as busy.
    Busy,
    /// Refuse as declined.
    Decline,
    /// Let it ring.
    Ring,
}

/// Whether sound is encrypted (SRTP).
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Srtp {
    /// Never.
    Off,
    /// Where the other side can.
    Optional,
    /// Always, or there is no call.
    Required,
}

/// Where a name is published.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Via {
    /// In the DNS, by RFC 2136 update.
    Dns,
    /// At a SIP registrar.
    Sip,
    /// At an IRMV server.
    Irmv,
}

/// An address whose port is 53 unless said.
pub(crate) fn dns_address(text: &str) -> Result<SocketAddr, String> {
    text.parse::<SocketAddr>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(|ip| SocketAddr::new(ip, 53)))
        .map_err(|_| format!("`{text}` is not an IP address, with or without a port"))
}

/// Keys of a telephone, and commas.
fn keys(text: &str) -> Result<String, String> {
    let known = |key: char| matches!(key, '0'..='9' | '*' | '#' | ',' | 'A'..='D' | 'a'..='d');
    match text.chars().find(|&key| !known(key)) {
        Some(key) => Err(format!("`{key}` is not a key: use 0 to 9, *, #, A to D, and commas to wait")),
        None => Ok(text.to_ascii_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_name_server_listens_on_port_53_unless_said() {
        assert_eq!(dns_address("192.0.2.1").unwrap().port(), 53);
        assert_eq!(dns_address("[2001:db8::1]:5300").unwrap().port(), 5300);
        assert!(dns_address("ns.example").unwrap_err().contains("ns.example"));
    }
}
