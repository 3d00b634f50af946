//! The whole phone without threads, sockets or clock: one [`Machine`] that whoever owns it drives.
//!
//! Signalling, streams, rings and playout are those of the real phone; only the driver differs. So a call, or a world of
//! calls, runs as fast as the machine can compute and repeats itself exactly from its seed.
//!
//! ```
//! use rove_phone::virtual_time::{Machine, Now, Scratch, Step, VirtualConfig, VirtualPhone};
//!
//! let mut phone = VirtualPhone::new(VirtualConfig::at([192, 0, 2, 1].into()), 1);
//! phone.dial(Now::default(), "192.0.2.2:5060").unwrap();
//! let mut scratch = Scratch::default();
//! let invite = loop {
//!     if let Step::Send(transmit) = phone.poll(&mut scratch) {
//!         break scratch.get(transmit.range);
//!     }
//! };
//! assert!(invite.starts_with(b"INVITE sip:192.0.2.2:5060 SIP/2.0"));
//! ```

mod board;
mod call;
mod owner;

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
};

pub use rove_base::{Arrival, Flow, Instant, Machine, Now, Scratch, Step, Transmit, UdpFlow};
use rove_base::{CodecId, Entropy, MediaPlan, Nested, Quality};
use rove_codecs::CodecError;
use rove_core::{
    reroute::Rerouted,
    stream::{StreamError, StreamEvent},
};
use rove_session::{
    CallId, Event, MediaFact, MediaPorts, MediaSecurity, Progress, Registration, Switchboard,
};

use self::call::VirtualCall;
use crate::{CallReport, DnsRegistration, PhoneEvent};

/// Settings of a phone in virtual time.
#[derive(Clone, Debug)]
pub struct VirtualConfig {
    /// Its address.
    pub ip: IpAddr,
    /// The port its SIP listens on.
    pub sip_port: u16,
    /// Who it says it is.
    pub identity: String,
    /// Name servers to ask.
    pub dns_servers: Vec<SocketAddr>,
    /// Codecs in order of preference.
    pub codecs: Vec<CodecId>,
    /// Duration of one media packet.
    pub packet_time: Duration,
    /// Whether media have to be encrypted.
    pub media_security: MediaSecurity,
    /// How long a packet waits at least before it is played.
    pub min_delay: Duration,
    /// How long it waits at most; equal to `min_delay`, the delay is fixed, else it follows the path's jitter.
    pub max_delay: Duration,
    /// How long a call may ring.
    pub ring_for: Duration,
    /// Whether [`VirtualPhone::heard`] keeps what was heard; an hour of it takes 115 MB for G.711.
    pub keep_heard: bool,
    /// What it says in every call.
    pub voice: Voice,
}

impl VirtualConfig {
    /// A phone at `ip` with the standard port and all codecs.
    #[must_use]
    pub fn at(ip: IpAddr) -> Self {
        Self {
            ip,
            sip_port: 5060,
            identity: "anonymous@anonymous.invalid".into(),
            dns_servers: Vec::new(),
            codecs: vec![CodecId::Opus, CodecId::Pcmu, CodecId::Pcma],
            packet_time: Duration::from_millis(20),
            media_security: MediaSecurity::Optional,
            min_delay: Duration::ZERO,
            max_delay: Duration::from_millis(400),
            ring_for: Duration::from_secs(60),
            keep_heard: true,
            voice: Voice::Silence,
        }
    }
}

/// What a phone in virtual time says.
#[derive(Clone, Debug, Default)]
pub enum Voice {
    /// Nothing.
    #[default]
    Silence,
    /// A sine at half scale; whole numbers of hertz join without a click each second.
    Tone {
        /// Its frequency.
        hertz: f32,
    },
    /// These samples, then silence.
    Samples {
        /// Samples per second.
        rate: u32,
        /// Mono, −1 to 1.
        pcm: Vec<f32>,
    },
}

/// A phone that is told the time. Its events are those of the real one.
pub struct VirtualPhone {
    config: VirtualConfig,
    board: Switchboard,
    calls: BTreeMap<CallId, Ports>,
    heard: BTreeMap<CallId, Vec<f32>>,
    events: VecDeque<PhoneEvent>,
    entropy: Entropy,
    next_port: u16,
    now: Now,
}

/// The media of one call: first ports, then a stream on them, then what it left.
struct Ports {
    rtp: SocketAddr,
    rtcp: SocketAddr,
    running: Option<Box<VirtualCall>>,
    samples: Vec<Quality>,
    rerouted: Vec<Rerouted>,
}

impl VirtualPhone {
    /// A phone that does nothing yet. Equal seeds make equal phones.
    #[must_use]
    pub fn new(config: VirtualConfig, seed: u64) -> Self {
        let mut entropy = Entropy::from_number(seed);
        let board = board::board(&config, &mut entropy);
        Self {
            config,
            board,
            calls: BTreeMap::new(),
            heard: BTreeMap::new(),
            events: VecDeque::new(),
            entropy,
            next_port: FIRST_MEDIA_PORT,
            now: Now::default(),
        }
    }

    /// Its address.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.config.ip
    }

    /// Whether its SIP takes streams at `address`: TCP at its port, TLS at the next one.
    #[must_use]
    pub fn listens(&self, address: SocketAddr) -> bool {
        let ports = [Some(self.config.sip_port), self.config.sip_port.checked_add(1)];
        address.ip() == self.config.ip && ports.contains(&Some(address.port()))
    }

    /// Publishes a name for this phone's address; no addresses mean its own, no port its own as well.
    pub fn register(&mut self, now: Now, wanted: DnsRegistration) {
        let addresses = if wanted.addresses.is_empty() { vec![self.config.ip] } else { wanted.addresses };
        let registration = Registration {
            name: wanted.name,
            addresses,
            sip_port: wanted.port.unwrap_or(self.config.sip_port),
            server: wanted.server,
            key: wanted.key,
            ttl: wanted.ttl,
        };
        self.board.register(now, SocketAddr::new(self.config.ip, UPDATE_PORT), registration);
    }

    /// Withdraws it.
    pub fn unregister(&mut self, now: Now) {
        self.board.unregister(now);
    }

    /// What was heard in a call, at its codec's rate; empty when it is not kept.
    #[must_use]
    pub fn heard(&self, call: CallId) -> &[f32] {
        let running = self.calls.get(&call).and_then(|ports| ports.running.as_ref());
        running.map_or_else(|| self.heard.get(&call).map_or(&[][..], Vec::as_slice), |call| call.heard())
    }

    fn on_board(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::OpenMedia { call, .. } => {
                let fact = MediaFact::Opened(self.open(call));
                self.board.media(now, call, fact);
            }
            Event::StartMedia { call, plan } => self.start(call, &plan),
            Event::ChangeMedia { call, plan } => {
                if let Some(running) = self.calls.get_mut(&call).and_then(|ports| ports.running.as_mut()) {
                    // What cannot be done leaves the media as they were.
                    let _ = running.change(now, &plan);
                }
            }
            Event::StopMedia { call } => {
                if let Some(running) = self.calls.get_mut(&call).and_then(|ports| ports.running.as_mut()) {
                    running.hang_up(now);
                }
            }
            Event::Call { call, progress } => {
                let over = matches!(progress, Progress::Ended { .. });
                self.events.push_back(PhoneEvent::Call { call, progress });
                if over {
                    self.conclude(call);
                }
            }
            Event::LookedUp { id, found, steps } => {
                self.events.push_back(PhoneEvent::LookedUp { id, found, steps });
            }
            Event::FindRoute { whose, .. } => {
                let local = SocketAddr::new(self.config.ip, self.config.sip_port);
                self.board.routed(now, whose, Ok(local));
            }
            Event::Errand { id, news } => self.events.push_back(PhoneEvent::Errand { id, news }),
            Event::Watched { package, by } => self.events.push_back(PhoneEvent::Watched { package, by }),
            Event::Message { call, from, kind, body } => {
                self.events.push_back(PhoneEvent::Message { call, from, kind, body });
            }
            Event::Registered { name } => self.events.push_back(PhoneEvent::Registered { name }),
            Event::Unregistered { name } => self.events.push_back(PhoneEvent::Unregistered { name }),
            Event::RegistrationFailed(error) => self.events.push_back(PhoneEvent::RegistrationFailed(error)),
            _ => {}
        }
    }

    /// The next step of any call's media; when none has one, the instant at which the first will.
    fn poll_media(&mut self, out: &mut Scratch) -> Nested<(CallId, StreamEvent), PhoneEvent> {
        let mut wake = None;
        let mut ended = None;
        for (&id, ports) in &mut self.calls {
            let Some(call) = &mut ports.running else { continue };
            match call.poll(out).nested() {
                Nested::Wait(None) if call.has_ended() => ended = Some(id),
                Nested::Wait(at) => wake = Instant::earliest(wake, at),
                Nested::Event(event) => return Nested::Event((id, event)),
                Nested::Pass(step) => return Nested::Pass(step),
            }
        }
        if let Some(id) = ended {
            self.finish(id);
            return Nested::Wait(Some(self.now.mono));
        }
        Nested::Wait(wake)
    }

    fn on_media(&mut self, call: CallId, event: StreamEvent) {
        let fact = match event {
            StreamEvent::FirstAudio { at } => MediaFact::FirstAudio(at),
            StreamEvent::Quality(quality) => {
                if let Some(ports) = self.calls.get_mut(&call) {
                    ports.samples.push(quality);
                }
                self.events.push_back(PhoneEvent::Quality { call, quality });
                MediaFact::Quality(quality)
            }
            StreamEvent::Digit(digit) => return self.events.push_back(PhoneEvent::Digit { call, digit }),
            StreamEvent::SendingStopped(why) => {
                return self.events.push_back(PhoneEvent::SendingStopped { call, why });
            }
            StreamEvent::Switched(switched) => {
                return self.events.push_back(PhoneEvent::Switched { call, switched });
            }
            StreamEvent::Rerouted(rerouted) => {
                if let Some(ports) = self.calls.get_mut(&call) {
                    ports.rerouted.push(rerouted);
                }
                return self.events.push_back(PhoneEvent::Rerouted { call, rerouted });
            }
            _ => return,
        };
        self.board.media(self.now, call, fact);
    }

    fn open(&mut self, call: CallId) -> MediaPorts {
        let port = self.next_port;
        self.next_port = port.checked_add(2).unwrap_or(FIRST_MEDIA_PORT);
        let (rtp, rtcp) = (SocketAddr::new(self.config.ip, port), SocketAddr::new(self.config.ip, port + 1));
        self.calls
            .insert(call, Ports { rtp, rtcp, running: None, samples: Vec::new(), rerouted: Vec::new() });
        MediaPorts::plain(rtp, rtcp, SocketAddr::new(self.config.ip, self.config.sip_port))
    }

    fn start(&mut self, call: CallId, plan: &MediaPlan) {
        let Some(ports) = self.calls.get_mut(&call) else { return };
        match VirtualCall::new(self.now, plan, &self.config, self.entropy.fork()) {
            Ok(running) => ports.running = Some(Box::new(running)),
            Err(failure) => self.board.media(self.now, call, MediaFact::Failed(failure.to_string())),
        }
    }

    /// Takes the last word of a stream that has said goodbye.
    fn finish(&mut self, call: CallId) {
        let Some(running) = self.calls.get_mut(&call).and_then(|ports| ports.running.take()) else { return };
        let (summary, heard) = running.finish();
        self.heard.insert(call, heard);
        self.board.media(self.now, call, MediaFact::Quality(summary));
        self.conclude(call);
    }

    /// Reports a call whose signalling and media are both over.
    fn conclude(&mut self, call: CallId) {
        if self.calls.get(&call).is_some_and(|ports| ports.running.is_some()) {
            return;
        }
        let Some(record) = self.board.forget(call) else { return };
        let (samples, rerouted) =
            self.calls.remove(&call).map(|ports| (ports.samples, ports.rerouted)).unwrap_or_default();
        let report = CallReport::new(&record, &samples, &rerouted);
        self.events.push_back(PhoneEvent::Ended { call, report: Box::new(report) });
    }
}

impl Machine for VirtualPhone {
    type Input<'a> = Arrival<'a>;
    type Event = PhoneEvent;

    fn handle(&mut self, now: Now, arrival: Arrival<'_>) {
        self.now = now;
        if let Arrival::Datagram { flow: Flow::Udp(flow), bytes } = arrival
            && let Some(ports) =
                self.calls.values_mut().find(|ports| ports.rtp == flow.local || ports.rtcp == flow.local)
        {
            if let Some(call) = &mut ports.running {
                call.receive(now, flow, bytes);
            }
            return;
        }
        self.board.handle(now, arrival);
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.board.tick(now);
        for call in self.calls.values_mut().filter_map(|ports| ports.running.as_mut()) {
            call.tick(now);
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<PhoneEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Step::Event(event);
            }
            let board = match self.board.poll(out).nested() {
                Nested::Pass(step) => return step,
                Nested::Wait(at) => at,
                Nested::Event(event) => {
                    self.on_board(event);
                    continue;
                }
            };
            match self.poll_media(out) {
                Nested::Pass(step) => return step,
                Nested::Event((call, event)) => self.on_media(call, event),
                Nested::Wait(media) if self.events.is_empty() => {
                    return Step::Wait(Instant::earliest(board, media));
                }
                Nested::Wait(_) => {}
            }
        }
    }
}

/// Why a call's media cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MediaFailure {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Where its DNS queries leave from.
const DNS_PORT: u16 = 40_053;
/// Where its DNS updates leave from.
const UPDATE_PORT: u16 = 40_054;
const FIRST_MEDIA_PORT: u16 = 16_384;
const MOST_CALLS: usize = 1_000;
