//! The settings file, and what comes of flags, environment and file together.

mod outside;

use core::time::Duration;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use rove_phone::{Audio, CodecId, MediaSecurity, PhoneConfig, PlayoutConfig, SipAccount, Tolerance};
use serde::Deserialize;

pub(crate) use self::outside::TurnUri;
use crate::{
    cli::{
        AudioArgs, Codec, PhoneArgs, Srtp,
        account::AccountSettings,
        dns_address,
        tools::DelayArgs,
        transport::{Spoken, TransportArgs},
        wishes::Wishes,
    },
    failure::Failure,
    files,
};

/// Somebody with whom calls shall be of another quality than with others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contact {
    address: String,
    quality: Wishes,
}

impl Contact {
    fn tolerance(&self, flags: Wishes, usual: Wishes) -> (String, Tolerance) {
        (self.address.clone(), flags.or(self.quality).or(usual).tolerance())
    }
}

/// What the settings file may say. An unknown key is an error that names file, line and key.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    listen: Option<Vec<SocketAddr>>,
    dns_server: Option<Vec<String>>,
    stun: Option<String>,
    turn: Option<Vec<TurnUri>>,
    pvdpn: Option<Vec<TurnUri>>,
    media_address: Option<Vec<std::net::IpAddr>>,
    identity: Option<String>,
    anonymous: Option<bool>,
    codec: Option<Vec<Codec>>,
    packet_time: Option<u64>,
    srtp: Option<Srtp>,
    min_playout: Option<u64>,
    max_playout: Option<u64>,
    /// How good calls shall be,
    #[serde(default)]
    quality: Wishes,
    /// and those with somebody.
    #[serde(default)]
    contact: Vec<Contact>,
    ring_for: Option<u64>,
    transport: Option<Spoken>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_ca: Option<PathBuf>,
    play: Option<PathBuf>,
    record: Option<PathBuf>,
    /// Server that takes updates.
    pub(crate) update_server: Option<String>,
    /// File with the TSIG key.
    pub(crate) key_file: Option<PathBuf>,
    #[serde(default)]
    account: Vec<AccountSettings>,
}

impl Settings {
    /// Reads `path`; without one there are no settings.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("the settings file {} cannot be read: {error}", path.display()))
        })?;
        toml::from_str(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    }

    /// The phone that flags, environment and file describe together.
    pub(crate) fn phone(&self, args: &PhoneArgs) -> Result<PhoneConfig, Failure> {
        let default = PhoneConfig::default();
        let seconds = args.ring_for.or(self.ring_for).map(Duration::from_secs);
        let millis = |flag: Option<u64>, file: Option<u64>, default: Duration| {
            flag.or(file).map_or(default, Duration::from_millis)
        };
        let (least, most) = bounds(DelayArgs {
            min_playout: args.min_playout.or(self.min_playout),
            max_playout: args.max_playout.or(self.max_playout),
        })?;
        let relays = first(&args.ways.turn, self.turn.as_deref(), Vec::new());
        let dedicated = first(&args.ways.pvdpn, self.pvdpn.as_deref(), Vec::new());
        let relays = relays.iter().map(TurnUri::find).chain(dedicated.iter().map(TurnUri::find_dedicated));
        let mut config = PhoneConfig {
            identity: args.identity.clone().or_else(|| self.identity.clone()).unwrap_or(default.identity),
            anonymous: args.anonymous || self.anonymous.unwrap_or(default.anonymous),
            sip_port: default.sip_port,
            listen: first(&args.listen, self.listen.as_deref(), default.listen),
            dns_servers: first(&args.dns_server, self.dns_servers()?.as_deref(), default.dns_servers),
            stun_server: args
                .stun
                .as_deref()
                .or(self.stun.as_deref())
                .map(outside::stun_server)
                .transpose()?,
            turn_servers: relays.collect::<Result<_, _>>()?,
            media_addresses: first(&args.ways.media_address, self.media_address.as_deref(), Vec::new()),
            tolerance: args.wishes.or(self.quality).tolerance(),
            tolerances: self.contact.iter().map(|one| one.tolerance(args.wishes, self.quality)).collect(),
            codecs: first(&codecs(&args.codec), self.codec.as_deref().map(codecs).as_deref(), default.codecs),
            packet_time: millis(args.packet_time, self.packet_time, default.packet_time),
            media_security: args.srtp.or(self.srtp).map_or(default.media_security, |srtp| match srtp {
                Srtp::Off => MediaSecurity::Never,
                Srtp::Optional => MediaSecurity::Optional,
                Srtp::Required => MediaSecurity::Required,
            }),
            min_delay: least,
            max_delay: most,
            ring_for: seconds.unwrap_or(default.ring_for),
            most_calls: default.most_calls,
            audio: default.audio,
            seed: args.seed,
            ..default
        };
        args.transport.or(&self.transports()).apply(&mut config)?;
        let packet = config.packet_time.as_millis();
        if !(10..=60).contains(&packet) || !packet.is_multiple_of(10) {
            return Err(Failure::usage(format!(
                "a packet time of {packet} ms cannot be: use 10, 20, 30, 40, 50 or 60"
            )));
        }
        let ring = config.ring_for.as_secs();
        if !(1..=3_600).contains(&ring) {
            return Err(Failure::usage(format!("a call cannot ring for {ring} s: use 1 to 3600")));
        }
        Ok(config)
    }

    /// The accounts at SIP servers.
    pub(crate) fn accounts(&self) -> Result<Vec<SipAccount>, Failure> {
        self.account.iter().map(AccountSettings::account).collect()
    }

    /// What the phone speaks with.
    pub(crate) fn audio(&self, args: &AudioArgs) -> Result<Audio, Failure> {
        if args.sound_card {
            return Ok(Audio::SoundCard { input: args.input.clone(), output: args.output.clone() });
        }
        let play = args.play.clone().or_else(|| self.play.clone());
        let record = args.record.clone().or_else(|| self.record.clone());
        if play.is_none() && record.is_none() {
            return Ok(Audio::Null);
        }
        if let (Some(play), Some(record)) = (&play, &record)
            && files::is_same_file(play, record)
        {
            return Err(Failure::usage(format!(
                "{} cannot be played and recorded to at once: give --record another file",
                play.display()
            )));
        }
        Ok(Audio::Files { play, repeat: args.repeat, record })
    }

    fn transports(&self) -> TransportArgs {
        TransportArgs {
            transport: self.transport,
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            tls_ca: self.tls_ca.clone(),
        }
    }

    fn dns_servers(&self) -> Result<Option<Vec<SocketAddr>>, Failure> {
        let parse =
            |text: &String| dns_address(text).map_err(|why| Failure::usage(format!("dns_server: {why}")));
        self.dns_server.as_ref().map(|servers| servers.iter().map(parse).collect()).transpose()
    }
}

/// The least and the most a packet waits before it is played; as it is by default where nothing is said.
pub(crate) fn bounds(args: DelayArgs) -> Result<(Duration, Duration), Failure> {
    let usual = u64::try_from(PlayoutConfig::default().most.as_millis()).unwrap_or(LONGEST_DELAY_MS);
    let least = args.min_playout.unwrap_or(0);
    let most = args.max_playout.unwrap_or(usual.max(least));
    if let Some(delay) = [least, most].into_iter().find(|delay| *delay > LONGEST_DELAY_MS) {
        return Err(Failure::usage(format!(
            "a playout delay of {delay} ms cannot be: use 0 to {LONGEST_DELAY_MS}"
        )));
    }
    if least > most {
        return Err(Failure::usage(format!(
            "packets cannot wait {least} ms at least and {most} ms at most: the least is above the most"
        )));
    }
    Ok((Duration::from_millis(least), Duration::from_millis(most)))
}

fn first<T: Clone>(flags: &[T], file: Option<&[T]>, default: Vec<T>) -> Vec<T> {
    match (flags, file) {
        ([], None) => default,
        ([], Some(file)) => file.to_vec(),
        (flags, _) => flags.to_vec(),
    }
}

fn codecs(names: &[Codec]) -> Vec<CodecId> {
    names
        .iter()
        .map(|codec| match codec {
            Codec::Opus => CodecId::Opus,
            Codec::G722 => CodecId::G722,
            Codec::Pcmu => CodecId::Pcmu,
            Codec::Pcma => CodecId::Pcma,
        })
        .collect()
}

/// With more, people no longer talk to each other.
const LONGEST_DELAY_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rove.toml");
        std::fs::write(&path, "identity = \"a.example\"\nring_fro = 3\n").unwrap();
        let error = Settings::read(Some(&path)).unwrap_err().to_string();
        for part in ["rove.toml", "line 2", "ring_fro"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let file = Settings { srtp: Some(Srtp::Required), ..Settings::default() };
        let settings = Settings { ring_for: Some(7), packet_time: Some(40), ..file };
        let args = PhoneArgs { packet_time: Some(30), ..PhoneArgs::default() };
        let phone = settings.phone(&args).unwrap();
        assert_eq!(phone.media_security, MediaSecurity::Required);
        let off = PhoneArgs { srtp: Some(Srtp::Off), ..PhoneArgs::default() };
        assert_eq!(settings.phone(&off).unwrap().media_security, MediaSecurity::Never);
        assert_eq!((phone.ring_for.as_secs(), phone.packet_time.as_millis()), (7, 30));
        assert_eq!(phone.max_delay, PhoneConfig::default().max_delay);
    }

    #[test]
    fn a_time_that_cannot_be_is_refused_with_its_range() {
        let phone = |max_playout, ring_for| {
            let settings = Settings { max_playout, ..Settings::default() };
            settings.phone(&PhoneArgs { ring_for, ..PhoneArgs::default() }).map_err(|error| error.to_string())
        };
        for (delay, ring) in [(0, 1), (1_000, 3_600)] {
            assert!(phone(Some(delay), Some(ring)).is_ok(), "{delay} {ring}");
        }
        assert!(phone(Some(1_001), None).unwrap_err().contains("0 to 1000"));
        assert!(phone(Some(u64::MAX), None).unwrap_err().contains("0 to 1000"));
        for ring in [0, 3_601, u64::MAX] {
            assert!(phone(None, Some(ring)).unwrap_err().contains("1 to 3600"), "{ring}");
        }
    }

    #[test]
    fn a_wait_keeps_to_its_bounds() {
        let wait = |min_playout, max_playout| {
            let settings = Settings { max_playout, ..Settings::default() };
            let phone = settings.phone(&PhoneArgs { min_playout, ..PhoneArgs::default() });
            let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap();
            phone.map(|phone| (ms(phone.min_delay), ms(phone.max_delay))).map_err(|error| error.to_string())
        };
        let usual = u64::try_from(PhoneConfig::default().max_delay.as_millis()).unwrap();
        let cases = [
            (None, None, (0, usual)),
            (Some(200), None, (200, usual)),
            (Some(900), None, (900, 900)),
            (None, Some(5), (0, 5)),
            (Some(60), Some(60), (60, 60)),
        ];
        for (least, most, bounds) in cases {
            assert_eq!(wait(least, most), Ok(bounds), "{least:?} {most:?}");
        }
        assert!(wait(Some(50), Some(49)).unwrap_err().contains("above the most"));
    }

    #[test]
    fn a_recording_does_not_overwrite_what_is_played() {
        let dir = tempfile::tempdir().unwrap();
        let play = dir.path().join("speech.wav");
        std::fs::write(&play, "").unwrap();
        let audio = |record: PathBuf| {
            let settings = Settings { play: Some(play.clone()), ..Settings::default() };
            settings.audio(&AudioArgs { record: Some(record), ..AudioArgs::default() })
        };
        let error = audio(dir.path().join("./speech.wav")).unwrap_err().to_string();
        assert!(error.contains("speech.wav") && error.contains("--record"), "{error}");
        assert!(audio(dir.path().join("heard.wav")).is_ok());
    }

    #[test]
    fn the_example_that_comes_with_the_program_is_valid() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("rove.example.toml");
        let phone = Settings::read(Some(&example)).unwrap().phone(&PhoneArgs::default()).unwrap();
        assert_eq!(phone.dns_servers, [SocketAddr::from(([192, 0, 2, 53], 53))]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Settings::read(Some(Path::new("no/such.toml"))).unwrap_err().to_string();
        assert!(error.contains("no/such.toml"), "{error}");
    }
}
