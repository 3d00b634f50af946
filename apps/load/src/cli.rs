//! What is said on the command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use rove_base::{CodecId, Transport};
use rove_driver::Certificate;
use rove_phone::netem::Impairments;
use rove_session::MediaSecurity;

use crate::{impair, report::Wanted, schedule::parse_time, threshold::Threshold};

/// The headless load generator: calls by schedule with real media both ways.
///
/// Calls begin when the schedule says, whether or not those before were answered; latencies count from that moment. Exit codes
/// are SIPp's: 0 all calls succeeded (or as many as a threshold on `failed` allows) and all thresholds hold; 1 a call failed
/// or a threshold was missed; 97 stopped before the plan was done; 99 no call at all; 255 nothing could be run.
#[derive(Debug, Parser)]
#[command(name = "rove-load", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Calls a target by schedule; each call stands for --hold with media both ways.
    Call(CallArgs),
    /// Answers whoever calls, with media both ways, and counts.
    Answer(AnswerArgs),
    /// Registers addresses of record at a server by schedule.
    Register(RegisterArgs),
    /// Sends messages by schedule.
    Message(MessageArgs),
    /// Looks a name up by schedule.
    Lookup(LookupArgs),
    /// Plays a scenario over UDP, without media: SIPp's XML, TOML of our own, or `uac` or `uas`.
    Scenario(ScenarioArgs),
}

#[derive(Args, Debug)]
pub(crate) struct CallArgs {
    /// Whom to call: a host name, an address, `user@host` or a `sip:` URI; {COLUMN} stands for a column of --users, {number}
    /// for the number of the call.
    pub(crate) target: String,
    /// How long each call stands.
    #[arg(long, default_value = "10s", value_parser = time)]
    pub(crate) hold: Duration,
    #[command(flatten)]
    pub(crate) media: MediaArgs,
    #[command(flatten)]
    pub(crate) arrivals: ArrivalArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Args, Debug)]
pub(crate) struct AnswerArgs {
    /// How long a call rings before it is answered.
    #[arg(long, default_value = "0s", value_parser = time)]
    pub(crate) after: Duration,
    /// How long to answer; without it, until Ctrl-C or the end of standard input with --until-stdin-closes.
    #[arg(long = "for", value_parser = time)]
    pub(crate) length: Option<Duration>,
    /// Ends after so many calls.
    #[arg(long)]
    pub(crate) calls: Option<u64>,
    /// Ends when standard input does.
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
    #[command(flatten)]
    pub(crate) media: MediaArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RegisterArgs {
    /// The registrar: a host name, an address or a `sip:` URI.
    pub(crate) server: String,
    /// The address of record, `user@domain`, with columns in braces.
    #[arg(long)]
    pub(crate) address: String,
    /// Its password, with columns in braces.
    #[arg(long)]
    pub(crate) password: Option<String>,
    #[command(flatten)]
    pub(crate) arrivals: ArrivalArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Args, Debug)]
pub(crate) struct MessageArgs {
    /// Whom for.
    pub(crate) target: String,
    /// What it says, with columns in braces.
    #[arg(long, default_value = "message {number}")]
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) arrivals: ArrivalArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Args, Debug)]
pub(crate) struct LookupArgs {
    /// What to look up, with columns in braces.
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) arrivals: ArrivalArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ScenarioArgs {
    /// The file; SIPp's elements send, recv, pause, timewait and nop are known, and another one is named.
    pub(crate) file: PathBuf,
    /// The address to call, with its port; without it, who calls is answered.
    pub(crate) target: Option<SocketAddr>,
    /// What `[service]` stands for, with columns in braces; `[field0]` and so on are the columns of --users.
    #[arg(long, default_value = "service")]
    pub(crate) service: String,
    /// How long a pause without a length takes.
    #[arg(long, default_value = "0s", value_parser = time)]
    pub(crate) hold: Duration,
    /// Ends when standard input does.
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
    #[command(flatten)]
    pub(crate) arrivals: ArrivalArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// When calls begin.
#[derive(Args, Debug)]
pub(crate) struct ArrivalArgs {
    /// Calls a second: 10, ramp:1..50/30s, steps:10x30s,20x30s, or each of them after poisson:.
    #[arg(long, default_value = "1")]
    pub(crate) rate: String,
    /// How long calls begin, where the schedule does not say.
    #[arg(long = "for", default_value = "10s", value_parser = time)]
    pub(crate) length: Duration,
    /// So many calls and no more.
    #[arg(long)]
    pub(crate) calls: Option<u64>,
    /// A CSV file of users, whose first row names the columns; calls take the rows in turn.
    #[arg(long)]
    pub(crate) users: Option<PathBuf>,
}

/// What calls say.
#[derive(Args, Debug)]
pub(crate) struct MediaArgs {
    /// Codecs in order of preference: pcmu, pcma, g722, opus.
    #[arg(long = "codec", value_delimiter = ',', default_value = "pcmu", value_parser = codec)]
    pub(crate) codecs: Vec<CodecId>,
    /// A WAV file that every call says again and again; without it, a sound in the rhythm of speech.
    #[arg(long)]
    pub(crate) play: Option<PathBuf>,
    /// Threads that carry media.
    #[arg(long, default_value_t = 1)]
    pub(crate) media_threads: usize,
    /// A bad link for all that comes in, drawn from --seed: loss=PERCENT, burst=PACKETS, delay=TIME, jitter=TIME,
    /// duplicate=PERCENT, with commas between.
    #[arg(long, value_parser = impair::parse)]
    pub(crate) impair: Option<Impairments>,
    /// SRTP by keys of the signalling, which has to be in TLS or WSS for that (RFC 4568).
    #[arg(long, value_enum, default_value_t)]
    pub(crate) srtp: Srtp,
    /// No media at all: signalling alone.
    #[arg(long)]
    pub(crate) no_media: bool,
}

/// What every run has.
#[derive(Args, Debug)]
pub(crate) struct CommonArgs {
    /// Where SIP listens, over UDP and TCP; with a certificate, over TLS and secure WebSockets on the next two ports, and for plain
    /// WebSockets on the third.
    #[arg(long, default_value = "0.0.0.0:0")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// Who calls.
    #[arg(long, default_value = "load@rove.invalid")]
    pub(crate) from: String,
    /// In what to speak SIP, where the target does not say.
    #[arg(long, value_parser = transport)]
    pub(crate) transport: Option<Transport>,
    /// More at once than this are dropped as arrivals, or refused as busy; as many as sockets allow unless said.
    #[arg(long)]
    pub(crate) most: Option<usize>,
    /// How long a call may ring.
    #[arg(long, default_value = "60s", value_parser = time)]
    pub(crate) ring_for: Duration,
    /// A name server; several may be given.
    #[arg(long)]
    pub(crate) dns_server: Vec<SocketAddr>,
    /// What the times of poisson arrivals and the chances of --impair are drawn from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// A condition that fails the run, such as `setup_ms.p99<200`, `mos.p5>=4.0` or `failed.rate<0.01`; several may be given.
    #[arg(long)]
    pub(crate) threshold: Vec<Threshold>,
    /// The generator itself was the limit when it was later than this once in a hundred times.
    #[arg(long, default_value = "10ms", value_parser = time)]
    pub(crate) late_bound: Duration,
    /// Runs a plan that this machine cannot.
    #[arg(long)]
    pub(crate) force: bool,
    /// The summary as JSON; - for standard output.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// A JSON object per call.
    #[arg(long)]
    pub(crate) jsonl: Option<PathBuf>,
    /// A page with plots, in one file.
    #[arg(long)]
    pub(crate) html: Option<PathBuf>,
    /// Figures for Prometheus: a file that is written each second, or an address to ask at.
    #[arg(long)]
    pub(crate) prometheus: Option<String>,
    /// Says nothing on standard error but what went wrong.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// What secure streams need.
#[derive(Args, Clone, Debug)]
pub(crate) struct TlsArgs {
    /// Certificates in PEM to show to whoever opens a secure stream here, our own first.
    #[arg(long, requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Their private key in PEM.
    #[arg(long, requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Authorities in PEM to trust instead of the system's.
    #[arg(long)]
    pub(crate) tls_ca: Option<PathBuf>,
}

impl TlsArgs {
    /// What is shown to others.
    pub(crate) fn certificate(&self) -> Option<Certificate> {
        let (chain, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(Certificate { chain, key })
    }
}

/// Whether media are protected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Srtp {
    /// They go as they are.
    #[default]
    Off,
    /// Where the other side can.
    Optional,
    /// Or there is no call.
    Required,
}

impl Srtp {
    /// What the session is told of it.
    pub(crate) const fn security(self) -> MediaSecurity {
        match self {
            Self::Off => MediaSecurity::Never,
            Self::Optional => MediaSecurity::Optional,
            Self::Required => MediaSecurity::Required,
        }
    }
}

impl CommonArgs {
    /// Where figures go.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            jsonl: self.jsonl.clone(),
            json: self.json.clone(),
            html: self.html.clone(),
            prometheus: self.prometheus.clone(),
            quiet: self.quiet,
        }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    parse_time(text).map_err(|error| error.to_string())
}

fn codec(text: &str) -> Result<CodecId, String> {
    match text.to_ascii_lowercase().as_str() {
        "pcmu" => Ok(CodecId::Pcmu),
        "pcma" => Ok(CodecId::Pcma),
        "g722" => Ok(CodecId::G722),
        "opus" => Ok(CodecId::Opus),
        _ => Err("use pcmu, pcma, g722 or opus".into()),
    }
}

fn transport(text: &str) -> Result<Transport, String> {
    match text.to_ascii_lowercase().as_str() {
        "udp" => Ok(Transport::Udp),
        "tcp" => Ok(Transport::Tcp),
        "tls" => Ok(Transport::Tls),
        "ws" => Ok(Transport::Ws),
        "wss" => Ok(Transport::Wss),
        _ => Err("use udp, tcp, tls, ws or wss".into()),
    }
}
