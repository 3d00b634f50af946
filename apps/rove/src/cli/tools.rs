//! The command lines of the demo, and of the tools that need no network: a call over a bad link, and a capture played again.

use core::time::Duration;
use std::path::PathBuf;

use clap::Args;
use rove_phone::{
    CodecId,
    netem::{Jitter, Spread},
    replay::Format,
};

/// How long packets wait before they are played.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct DelayArgs {
    /// A packet waits at least this long before it is played, in ms: 0 to 1000.
    #[arg(long, value_name = "MS")]
    pub(crate) min_playout: Option<u64>,
    /// It waits this long at most, in ms: 0 to 1000.
    #[arg(long, value_name = "MS")]
    pub(crate) max_playout: Option<u64>,
}

/// Who is to be called, and how that is told.
#[derive(Args, Debug)]
pub(crate) struct Examine {
    /// Host name, IP address, user@host or sip: URI.
    pub(crate) target: String,
    /// Writes what was found here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) phone: super::PhoneArgs,
}

#[derive(Args, Debug)]
pub(crate) struct Simulate {
    /// WAV file to say: any rate, channels and bit depth.
    #[arg(long, value_name = "WAV")]
    pub(crate) play: PathBuf,
    /// Where to record what the far end hears: mono, 48 kHz, 16 bit. It begins where the first sample said is played.
    #[arg(long, value_name = "WAV")]
    pub(crate) record: Option<PathBuf>,
    /// Share of the packets that get lost, 0 to 1: each for itself, or in bursts with --burst.
    #[arg(long, value_name = "F", value_parser = share)]
    pub(crate) loss: Option<f64>,
    /// Mean length of a burst of losses, in packets (Gilbert's channel).
    #[arg(long, value_name = "N", requires = "loss", value_parser = burst)]
    pub(crate) burst: Option<f64>,
    /// How the delay varies, in ms: gamma:MEAN adds 0 and more with a long tail (shape 1), uniform:N anything from -N to N,
    /// normal:N has the standard deviation N. Each packet draws for itself, so that packets overtake each other.
    #[arg(long, value_name = "KIND:MS", value_parser = jitter)]
    pub(crate) jitter: Option<Jitter>,
    /// File with the delay of each packet in ms, one per line, nan for a lost one; begins again after its end.
    #[arg(long, value_name = "FILE")]
    pub(crate) delay_trace: Option<PathBuf>,
    /// What each packet takes one way, in ms; jitter, trace and queue come on top. 40, or 0 with --delay-trace.
    #[arg(long, value_name = "MS", value_parser = delay)]
    pub(crate) delay: Option<Duration>,
    /// Rate of the narrowest link on the way, in kb/s of IP packets.
    #[arg(long, value_name = "KBIT", value_parser = kbit)]
    pub(crate) rate: Option<f64>,
    /// How much may wait in front of that link, in ms of its rate; what comes on top is dropped.
    #[arg(long, value_name = "MS", requires = "rate", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub(crate) queue: u64,
    /// Most that may be spent on RTP payload, all redundancy included, in kb/s over the whole call.
    #[arg(long, value_name = "KBIT", value_parser = kbit)]
    pub(crate) bitrate: Option<f64>,
    /// Codec: opus, pcmu, pcma, g722 or l16.
    #[arg(long, value_name = "CODEC", default_value = "opus", value_parser = codec)]
    pub(crate) codec: CodecId,
    /// Duration of one packet in ms: 10 to 60, as the codec has it.
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(10..=60))]
    pub(crate) packet_time: u64,
    /// Says the file so long, in s: cuts it, or begins it again.
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) seconds: Option<f64>,
    /// Decides all that is left to chance: the same number gives the same call, byte by byte.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) bounds: DelayArgs,
    /// Writes the report here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Writes the report with plots here.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// The capture: pcap, pcapng, or records of arrival time (u64, µs), length (u16), both little-endian, and RTP packet.
    pub(crate) capture: PathBuf,
    /// Where to write what was heard: mono, 48 kHz, 16 bit, 480 samples for each row of --csv.
    #[arg(long, value_name = "WAV")]
    pub(crate) wav: Option<PathBuf>,
    /// Where to write what the playout did, one row each 10 ms.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// When the first 10 ms are asked for, in µs after 0.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..10_000))]
    pub(crate) pull_phase_us: u64,
    /// What a payload type is: opus, pcmu, pcma, g722, l16, red, cn or telephone-event; may be repeated. Without it, 111 is
    /// Opus, 63 red, 96 L16, 0, 8, 9 and 13 what RFC 3551 says, 101 telephone-event.
    #[arg(long, value_name = "N=CODEC", value_parser = payload_type)]
    pub(crate) pt: Vec<(u8, Format)>,
    /// The stream to play, by its SSRC, decimal or 0x…; the first one without it.
    #[arg(long, value_name = "N", value_parser = ssrc)]
    pub(crate) ssrc: Option<u32>,
    #[command(flatten)]
    pub(crate) bounds: DelayArgs,
    /// Writes what happened here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

fn number(text: &str, least: f64, most: f64, what: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (least..=most).contains(value));
    value.ok_or_else(|| format!("{what} is a number from {least} to {most}"))
}

fn share(text: &str) -> Result<f64, String> {
    number(text, 0.0, 1.0, "a share")
}

fn burst(text: &str) -> Result<f64, String> {
    number(text, 1.0, 10_000.0, "a mean burst")
}

fn kbit(text: &str) -> Result<f64, String> {
    number(text, 1.0, 1_000_000.0, "a rate in kb/s")
}

fn seconds(text: &str) -> Result<f64, String> {
    number(text, 0.01, 1_000_000.0, "a time in s")
}

fn delay(text: &str) -> Result<Duration, String> {
    number(text, 0.0, 60_000.0, "a delay in ms").map(|ms| Duration::from_secs_f64(ms / 1_000.0))
}

fn jitter(text: &str) -> Result<Jitter, String> {
    let unknown = || "a jitter is gamma:MS, uniform:MS or normal:MS".to_owned();
    let (kind, value) = text.split_once(':').ok_or_else(unknown)?;
    let millis = number(value, 0.0, 10_000.0, "a jitter in ms")?;
    let by = Duration::from_secs_f64(millis / 1_000.0);
    Ok(Jitter::independent(match kind {
        "gamma" => Spread::Gamma { mean: by, shape: 1.0 },
        "uniform" => Spread::Uniform { half_width: by },
        "normal" => Spread::Normal { deviation: by },
        _ => return Err(unknown()),
    }))
}

fn codec(text: &str) -> Result<CodecId, String> {
    match Format::named(text) {
        Some(Format::Speech(codec)) => Ok(codec),
        _ => Err("the codecs are opus, pcmu, pcma, g722 and l16".into()),
    }
}

fn payload_type(text: &str) -> Result<(u8, Format), String> {
    let (number, name) = text.split_once('=').ok_or("it reads N=CODEC, as in 96=opus")?;
    let number = number.trim().parse().ok().filter(|number| *number < 128);
    let number = number.ok_or("a payload type is a number from 0 to 127")?;
    let format = Format::named(name.trim());
    Ok((number, format.ok_or("the codecs are opus, pcmu, pcma, g722, l16, red, cn and telephone-event")?))
}

fn ssrc(text: &str) -> Result<u32, String> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = hex.map_or_else(|| text.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
    number.ok_or_else(|| "an SSRC is a number below 2^32, decimal or 0x…".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jitter_names_its_kind_and_milliseconds() {
        let ten = Duration::from_millis(10);
        let cases = [
            ("gamma:10", Spread::Gamma { mean: ten, shape: 1.0 }),
            ("uniform:10", Spread::Uniform { half_width: ten }),
            ("normal:10", Spread::Normal { deviation: ten }),
        ];
        for (text, spread) in cases {
            assert_eq!(jitter(text), Ok(Jitter::independent(spread)), "{text}");
        }
        for text in ["", "gamma", "gamma:", "gamma:-1", "gamma:nan", "gamma:inf", "pareto:10", "10"] {
            assert!(jitter(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_that_cannot_be_are_refused_with_their_range() {
        assert!(share("1.5").unwrap_err().contains("0 to 1"));
        assert!(share("nan").is_err() && burst("0.5").is_err() && kbit("0").is_err() && delay("-1").is_err());
        assert_eq!((share("0.05"), burst("3"), kbit("34")), (Ok(0.05), Ok(3.0), Ok(34.0)));
    }

    #[test]
    fn payload_types_and_sources_are_read() {
        assert_eq!(payload_type("97=opus"), Ok((97, Format::Speech(CodecId::Opus))));
        assert_eq!(payload_type("13=CN"), Ok((13, Format::ComfortNoise)));
        for text in ["97", "128=opus", "x=opus", "97=mp3", "-1=opus"] {
            assert!(payload_type(text).is_err(), "{text}");
        }
        assert_eq!((ssrc("0x1234"), ssrc("4660")), (Ok(0x1234), Ok(0x1234)));
        assert!(ssrc("0x").is_err() && ssrc("4294967296").is_err() && ssrc("one").is_err());
    }
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Writes the report here.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Writes the report with plots here.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Makes all random choices repeatable.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folder for the recordings; a new one in the system's temporary folder when not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// A terminal roams from one network to another in mid-call, instead.
    #[arg(long, group = "roams")]
    pub(crate) roam: bool,
    /// The whole story, instead: a call by name, a roam, a way that gets worse and is left, a conference of three, the end.
    #[arg(long, group = "roams")]
    pub(crate) story: bool,
    /// Two operators' servers, of which three users find each other by name and are one conversation, instead.
    #[arg(long, conflicts_with = "roams")]
    pub(crate) servers: bool,
    /// Its networks are addresses of one loopback interface, also where networks of their own are allowed.
    #[arg(long, requires = "roams")]
    pub(crate) loopback: bool,
    /// Names, calls and sound take IPv6, where networks of their own are allowed.
    #[arg(long, requires = "roams", conflicts_with = "loopback")]
    pub(crate) ipv6: bool,
    /// The terminal gets its addresses by DHCP, with udhcpc or for IPv6 dhclient, where networks of their own are allowed.
    #[arg(long, requires = "roams", conflicts_with = "loopback")]
    pub(crate) dhcp: bool,
    /// Length of the call in s.
    #[arg(long = "for", value_name = "S", default_value_t = 8.0)]
    pub(crate) seconds: f64,
}
