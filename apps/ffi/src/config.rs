//! How a phone and its accounts are set up, in terms that every language has.

use core::time::Duration;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use rove_phone::{Audio, MediaSecurity, PhoneConfig, Ports, Push, SipAccount, Target, Tolerance};

use crate::error::RoveError;

/// Settings of a phone; what is `None`, empty or 0 is as the phone has it.
#[derive(Clone, Debug, Default, uniffi::Record)]
pub struct Config {
    /// Who calls: a host name, `user@host` or `sip:` URI, which peers see.
    #[uniffi(default = None)]
    pub identity: Option<String>,
    /// Addresses with ports to listen on for SIP over UDP and TCP; none: all of this host.
    #[uniffi(default = [])]
    pub listen: Vec<String>,
    /// The port that goes with an empty `listen`; 0 lets the system pick.
    #[uniffi(default = 0)]
    pub sip_port: u16,
    /// Name servers with ports, best first; none: those of the system. Android has none in a file: give them there.
    #[uniffi(default = [])]
    pub dns_servers: Vec<String>,
    /// Who is asked how the world sees a port, with its port.
    #[uniffi(default = None)]
    pub stun_server: Option<String>,
    /// A file in PEM with the authorities to trust; none: those of the system.
    #[uniffi(default = None)]
    pub authorities: Option<String>,
    /// Media are encrypted, or there is no call.
    #[uniffi(default = false)]
    pub must_encrypt: bool,
    /// What the phone speaks with and listens to.
    #[uniffi(default = None)]
    pub sound: Option<Sound>,
    /// The app owns the sound session: cards and files run between `audio_session_activated(true)` and `(false)` only.
    #[uniffi(default = false)]
    pub owns_session: bool,
    /// How bad the way of a call may be before it is left for a better one.
    #[uniffi(default = None)]
    pub threshold: Option<Threshold>,
    /// How long a call may ring, in seconds; 0: a minute.
    #[uniffi(default = 0)]
    pub ring_for_s: u32,
    /// More calls than this at once are answered busy; 0: a hundred.
    #[uniffi(default = 0)]
    pub most_calls: u32,
}

/// What a phone speaks with and listens to.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Sound {
    /// Says nothing and throws away what it hears.
    Silence,
    /// Plays a WAV file and records what it hears into another.
    Files {
        /// What to say.
        play: Option<String>,
        /// Where to record.
        record: Option<String>,
    },
    /// The platform's sound card, by names or its own choice; only in builds with the feature `sound-card`.
    Card {
        /// The microphone.
        input: Option<String>,
        /// The loudspeaker.
        output: Option<String>,
    },
    /// The program pushes and pulls PCM through the C interface, so many samples per second, mono.
    Pcm {
        /// Samples per second.
        rate: u32,
    },
}

/// What a user puts up with; what is `None` does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, uniffi::Record)]
pub struct Threshold {
    /// The share of packets that may be lost, in percent.
    #[uniffi(default = None)]
    pub loss_percent: Option<f64>,
    /// The mean opinion score that is wanted, 1 to 4.5.
    #[uniffi(default = None)]
    pub mos: Option<f64>,
    /// How long the network may take one way, in ms.
    #[uniffi(default = None)]
    pub delay_ms: Option<f64>,
    /// Interarrival jitter (RFC 3550 §6.4.1), in ms.
    #[uniffi(default = None)]
    pub jitter_ms: Option<f64>,
}

/// An account at a SIP server.
#[derive(Clone, uniffi::Record)]
pub struct Account {
    /// The address of record, `alice@example.com`.
    pub address: String,
    /// The user it logs in as; none: that of the address.
    #[uniffi(default = None)]
    pub user: Option<String>,
    /// Its password.
    #[uniffi(default = None)]
    pub password: Option<String>,
    /// The server, where it is not found by the address.
    #[uniffi(default = None)]
    pub server: Option<String>,
    /// How long a registration is asked for, in seconds; 0: an hour.
    #[uniffi(default = 0)]
    pub expires_s: u32,
    /// How this phone is woken when it sleeps (RFC 8599).
    #[uniffi(default = None)]
    pub push: Option<PushService>,
}

/// How a phone that sleeps is woken: goes as `pn-provider`, `pn-prid` and `pn-param` into REGISTER (RFC 8599 §4.1).
#[derive(Clone, uniffi::Record)]
pub struct PushService {
    /// The service, as IANA knows it: `apns`, `fcm`, `webpush`.
    pub provider: String,
    /// What the service knows this phone by: its device token.
    pub prid: String,
    /// What else the service wants to know.
    #[uniffi(default = None)]
    pub param: Option<String>,
}

/// The sound of all calls of all phones whose programs push and pull it.
pub(crate) static PORTS: LazyLock<Arc<Ports>> = LazyLock::new(|| Arc::new(Ports::new(MOST_CALLS)));

impl Config {
    /// The same for a phone whose calls' sound is found under `first` and their number.
    pub(crate) fn understood(self, first: u64) -> Result<PhoneConfig, RoveError> {
        let defaults = PhoneConfig::default();
        let addresses = |what: &str, texts: &[String]| {
            texts.iter().map(|text| address(what, text)).collect::<Result<Vec<_>, _>>()
        };
        let ring_for = match self.ring_for_s {
            0 => defaults.ring_for,
            seconds => Duration::from_secs(seconds.into()),
        };
        let most_calls = match self.most_calls {
            0 => defaults.most_calls,
            calls => calls as usize,
        };
        let stun_server = self.stun_server.map(|text| address("stun_server", &text)).transpose()?;
        Ok(PhoneConfig {
            identity: self.identity.unwrap_or(defaults.identity),
            listen: addresses("listen", &self.listen)?,
            sip_port: self.sip_port,
            dns_servers: addresses("dns_servers", &self.dns_servers)?,
            stun_server,
            tls_ca: self.authorities.map(PathBuf::from),
            media_security: if self.must_encrypt { MediaSecurity::Required } else { MediaSecurity::Optional },
            audio: self.sound.unwrap_or(Sound::Silence).understood(first)?,
            owns_sound: self.owns_session,
            tolerance: self.threshold.unwrap_or_default().understood()?,
            ring_for,
            most_calls,
            most_ringing: most_calls,
            ..PhoneConfig::default()
        })
    }
}

impl Sound {
    fn understood(self, first: u64) -> Result<Audio, RoveError> {
        Ok(match self {
            Self::Silence => Audio::Null,
            Self::Files { play, record } => {
                let (play, record) = (play.map(PathBuf::from), record.map(PathBuf::from));
                Audio::Files { play, repeat: true, record }
            }
            Self::Card { input, output } => Audio::SoundCard { input, output },
            Self::Pcm { rate } if (8_000..=192_000).contains(&rate) => {
                Audio::Ports { ports: Arc::clone(&PORTS), first, rate }
            }
            Self::Pcm { rate } => {
                return Err(RoveError::argument(format!(
                    "{rate} samples per second cannot be pushed and pulled: give 8000 to 192000"
                )));
            }
        })
    }
}

impl Threshold {
    fn understood(self) -> Result<Tolerance, RoveError> {
        let Self { loss_percent, mos, delay_ms, jitter_ms } = self;
        let within = |what: &str, value: Option<f64>, least: f64, most: f64| match value {
            Some(value) if !(least..=most).contains(&value) => {
                Err(RoveError::argument(format!("{what} of {value}: give {least} to {most}, or nothing")))
            }
            value => Ok(value),
        };
        let time = |ms: f64| Duration::from_secs_f64(ms / 1_000.0);
        Ok(Tolerance {
            loss: within("loss_percent", loss_percent, 0.0, 100.0)?.map(|percent| (percent / 100.0) as f32),
            mos: within("mos", mos, 1.0, 4.5)?.map(|mos| mos as f32),
            delay: within("delay_ms", delay_ms, 0.0, 10_000.0)?.map(time),
            jitter: within("jitter_ms", jitter_ms, 0.0, 10_000.0)?.map(time),
            ..Tolerance::default()
        })
    }
}

impl Account {
    pub(crate) fn understood(self) -> Result<SipAccount, RoveError> {
        Target::parse(&self.address).map_err(|error| RoveError::argument(format!("address: {error}")))?;
        let mut account = SipAccount::new(self.address);
        account.user = self.user;
        account.password = self.password.map(Into::into);
        account.server = self.server;
        if self.expires_s > 0 {
            account.expires = Duration::from_secs(self.expires_s.into());
        }
        account.push = self.push.map(|PushService { provider, prid, param }| Push { provider, prid, param });
        Ok(account)
    }
}

fn address(what: &str, text: &str) -> Result<SocketAddr, RoveError> {
    let wrong =
        |_| RoveError::argument(format!("{what}: {text:?} is no address with a port, such as 192.0.2.1:53"));
    text.parse().map_err(wrong)
}

/// Calls whose sound is pushed and pulled at once, in one process; for an interpreter that looks at each access few are many.
const MOST_CALLS: usize = if cfg!(miri) { 16 } else { 4_096 };

#[cfg(test)]
mod tests;
