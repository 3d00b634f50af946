//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use rove_phone::{Audio, PhoneConfig};

/// A phone with a window.
///
/// Exit codes: 0 all went well, 1 an order was not carried out, 2 wrong usage, 3 the environment lacks something (a display, a
/// port, a window to order).
#[derive(Debug, Parser)]
#[command(name = "rove-softphone", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// Somebody to call: a sip:, tel: or h323: link, a name or a number. It is put into the window, which may be open already, and
    /// called when its user says so.
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) phone: PhoneArgs,
    #[command(flatten)]
    pub(crate) sound: SoundArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Has the window that is open do something: for keys of the desktop.
    Ctl {
        #[command(subcommand)]
        order: Ctl,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ctl {
    /// Comes to the front.
    Show,
    /// Calls somebody at once.
    Call {
        /// Host name, number or URI.
        target: String,
    },
    /// Lets nobody hear us.
    Mute,
    /// Lets everybody hear us again.
    Unmute,
    /// Mutes, or no longer.
    ToggleMute,
    /// Answers the call that waits longest.
    Answer,
    /// Declines the call that waits longest.
    Decline,
    /// Ends all calls.
    HangUp,
    /// Prints, as JSON, which calls there are.
    Status,
    /// Closes the window.
    Quit,
}

/// How the phone presents itself to the network.
#[derive(Args, Debug, Default)]
pub(crate) struct PhoneArgs {
    /// Address to listen on for SIP; may be repeated. Port 0 lets the system pick. All addresses when not given.
    #[arg(long, value_name = "ADDR:PORT", env = "ROVE_LISTEN", value_delimiter = ',')]
    listen: Vec<SocketAddr>,
    /// Name server to ask, with its port; may be repeated. Those of the settings, else the system's, when not given.
    #[arg(long, value_name = "ADDR:PORT", env = "ROVE_DNS_SERVER", value_delimiter = ',')]
    dns_server: Vec<SocketAddr>,
    /// Who we say we are: a host name or user@host. That of the settings when not given.
    #[arg(long, value_name = "NAME", env = "ROVE_IDENTITY")]
    identity: Option<String>,
}

/// What the phone speaks with and listens to: the sound card where it is built in, else nothing.
#[derive(Args, Debug, Default)]
pub(crate) struct SoundArgs {
    /// Says nothing and throws away what is heard.
    #[arg(long, conflicts_with_all = ["play", "record"])]
    null_audio: bool,
    /// WAV file to say instead of a microphone's sound.
    #[arg(long, value_name = "WAV", env = "ROVE_PLAY")]
    play: Option<PathBuf>,
    /// Says the file again and again.
    #[arg(long, requires = "play")]
    repeat: bool,
    /// WAV file to record what is heard; with several calls a number is put before its ending.
    #[arg(long, value_name = "WAV", env = "ROVE_RECORD")]
    record: Option<PathBuf>,
}

impl Cli {
    /// The phone that the command line describes.
    pub(crate) fn config(&self) -> PhoneConfig {
        let PhoneArgs { listen, dns_server, identity } = &self.phone;
        let usual = PhoneConfig::default();
        PhoneConfig {
            listen: listen.clone(),
            dns_servers: dns_server.clone(),
            identity: identity.clone().unwrap_or(usual.identity),
            audio: self.sound.audio(),
            ..PhoneConfig::default()
        }
    }
}

impl SoundArgs {
    fn audio(&self) -> Audio {
        let Self { null_audio, play, repeat, record } = self;
        if play.is_some() || record.is_some() {
            return Audio::Files { play: play.clone(), repeat: *repeat, record: record.clone() };
        }
        if *null_audio || !cfg!(feature = "sound-card") {
            return Audio::Null;
        }
        Audio::SoundCard { input: None, output: None }
    }

    /// Whether sound is left out because it is not built in.
    pub(crate) const fn is_silent_by_build(&self) -> bool {
        !cfg!(feature = "sound-card") && !self.null_audio && self.play.is_none() && self.record.is_none()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_link_and_an_order_are_told_apart() {
        let link = Cli::try_parse_from(["rove-softphone", "sip:bob@b.example"]).unwrap();
        assert_eq!(link.target.as_deref(), Some("sip:bob@b.example"));
        let order = Cli::try_parse_from(["rove-softphone", "ctl", "toggle-mute"]).unwrap();
        assert!(matches!(order.command, Some(Command::Ctl { order: Ctl::ToggleMute })));
        assert!(Cli::try_parse_from(["rove-softphone", "--null-audio", "--play", "x.wav"]).is_err());
    }
}
