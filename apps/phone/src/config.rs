//! How a phone is set up.

use core::time::Duration;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use rove_base::{CodecId, Transport};
use rove_core::reroute::Tolerance;
use rove_driver::Certificate;
use rove_io::device::Ports;
use rove_session::{Disclosure, MediaSecurity};

use crate::turn::TurnServer;

/// Settings of a phone. Every field has a default that works on a host with a name server in its `resolv.conf`.
#[derive(Clone, Debug)]
pub struct PhoneConfig {
    /// Who calls, as a host name, `user@host` or `sip:` URI; peers see it.
    pub identity: String,
    /// Whether who is called is kept from learning who calls: `identity` and accounts are not told, nor what program this
    /// is (RFC 3323). The address that calls come from stays, since media and answers go there.
    pub anonymous: bool,
    /// Addresses to listen on for SIP over UDP, and TCP; port 0 lets the system pick. Empty: all addresses of this host, with
    /// `sip_port`.
    pub listen: Vec<SocketAddr>,
    /// The port that goes with an empty `listen`; 0 lets the system pick.
    pub sip_port: u16,
    /// Whether to listen for TCP where UDP is listened for.
    pub sip_tcp: bool,
    /// Addresses to listen on for SIP over TLS, by convention on port 5061.
    pub sip_tls: Vec<SocketAddr>,
    /// Addresses to listen on for SIP in WebSockets (RFC 7118).
    pub sip_ws: Vec<SocketAddr>,
    /// Addresses to listen on for SIP in secure WebSockets.
    pub sip_wss: Vec<SocketAddr>,
    /// What is shown to whoever opens a secure stream here; without it none can be listened for.
    pub tls_certificate: Option<Certificate>,
    /// A file in PEM with the authorities to trust; those of the system when `None`.
    pub tls_ca: Option<PathBuf>,
    /// In what to call, where a target does not say; `None` leaves it to the domain (RFC 3263).
    pub transport: Option<Transport>,
    /// More streams than this at once make the idle ones give way.
    pub most_streams: usize,
    /// Name servers to ask, best first; empty for those of the system.
    pub dns_servers: Vec<SocketAddr>,
    /// Those are servers of the root: names are found by following delegations from there.
    pub dns_walk: bool,
    /// Who is asked, before each call, how the world sees its media port (RFC 8489), so that the other side can be told;
    /// `None`: nobody. Where no answer comes within 0.6 s, the call goes on without.
    pub stun_server: Option<SocketAddr>,
    /// Who lends each call an address, by way of which media goes where no other way leads to the other side (RFC 8656).
    /// Where none is lent within 1.5 s, or 3 s where only servers that are reached by TCP or TLS are left, the call goes on without.
    pub turn_servers: Vec<TurnServer>,
    /// Addresses of this host that media may leave from as well, beside the one that leads to the other side: a call that
    /// checks its ways (RFC 8445) moves there when the way that it has gets worse.
    pub media_addresses: Vec<IpAddr>,
    /// The same with the addresses of all interfaces that are up, where `listen` says no address.
    pub every_interface: bool,
    /// How bad the way of a call may be before it is left for a better one.
    pub tolerance: Tolerance,
    /// The same for calls with somebody, by what is dialled or how who calls names himself, without `sip:`.
    pub tolerances: Vec<(String, Tolerance)>,
    /// Codecs in order of preference.
    pub codecs: Vec<CodecId>,
    /// Duration of one media packet: a multiple of 10 ms, 10 to 60 ms.
    pub packet_time: Duration,
    /// Whether media have to be encrypted. Keys go with the signalling only where that is encrypted itself.
    pub media_security: MediaSecurity,
    /// How long a packet waits at least before it is played.
    pub min_delay: Duration,
    /// How long it waits at most; equal to `min_delay`, the delay is fixed, else it follows the path's jitter.
    pub max_delay: Duration,
    /// How long a call may ring.
    pub ring_for: Duration,
    /// More calls than this at once are answered busy.
    pub most_calls: usize,
    /// What others may know of this phone: nothing can be watched unless said.
    pub disclosure: Disclosure,
    /// More subscriptions of others than this at once are refused.
    pub most_watchers: usize,
    /// More requests of one address than this in a second are refused; 0 for any number. Whoever comes by a proxy comes from
    /// its address.
    pub most_requests: u32,
    /// More calls of one address than this that wait for an answer are refused.
    pub most_ringing: usize,
    /// Whether this phone calls whom the other side of a call hands it over to.
    pub follow_transfers: bool,
    /// What speaks and listens.
    pub audio: Audio,
    /// Sound cards and files run only while the owner of the phone says so ([`Phone::let_sound`](crate::Phone::let_sound)), at first
    /// not: for platforms that give sound to a program and take it back.
    pub owns_sound: bool,
    /// Makes all random choices repeatable. For tests only: tags and identifiers become predictable.
    pub seed: Option<u64>,
}

/// What a phone speaks with and listens to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Audio {
    /// Says nothing and throws away what it hears.
    #[default]
    Null,
    /// Plays a WAV file and records what it hears into another.
    Files {
        /// What to say: any common WAV. Silence when `None` and after its end.
        play: Option<PathBuf>,
        /// Whether `play` starts again at its end.
        repeat: bool,
        /// Where to record: mono, 16 bit, at the codec's rate. With several calls, a number is put before the ending.
        record: Option<PathBuf>,
    },
    /// Nothing of its own: the calls that are made one conversation hear each other, and who calls is told so at once. For
    /// servers of conferences.
    Room {
        /// How many may hear each other.
        seats: usize,
    },
    /// The owner's own threads: each call has a place among `ports`, under `first` and its number, where its sound is pushed
    /// and pulled.
    Ports {
        /// The places.
        ports: Arc<Ports>,
        /// What is added to a call's number, so that several phones can share the places.
        first: u64,
        /// Samples per second, mono, that are pushed and pulled.
        rate: u32,
    },
    /// The sound card; needs the feature `sound-card`.
    SoundCard {
        /// The microphone by name; the system's choice when `None`.
        input: Option<String>,
        /// The loudspeaker by name; the system's choice when `None`.
        output: Option<String>,
    },
}

impl Default for PhoneConfig {
    fn default() -> Self {
        Self {
            identity: "anonymous@anonymous.invalid".into(),
            anonymous: false,
            listen: Vec::new(),
            sip_port: 0,
            sip_tcp: true,
            sip_tls: Vec::new(),
            sip_ws: Vec::new(),
            sip_wss: Vec::new(),
            tls_certificate: None,
            tls_ca: None,
            transport: None,
            most_streams: 512,
            dns_servers: Vec::new(),
            dns_walk: false,
            stun_server: None,
            turn_servers: Vec::new(),
            media_addresses: Vec::new(),
            every_interface: true,
            tolerance: Tolerance::default(),
            tolerances: Vec::new(),
            codecs: vec![CodecId::Opus, CodecId::G722, CodecId::Pcmu, CodecId::Pcma],
            packet_time: Duration::from_millis(20),
            media_security: MediaSecurity::Optional,
            min_delay: Duration::ZERO,
            max_delay: Duration::from_millis(400),
            ring_for: Duration::from_secs(60),
            most_calls: 100,
            disclosure: Disclosure::Nothing,
            most_watchers: 100,
            most_requests: 5_000,
            most_ringing: 100,
            follow_transfers: true,
            audio: Audio::Null,
            owns_sound: false,
            seed: None,
        }
    }
}
