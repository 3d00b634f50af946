//! The whole phone without threads, sockets or clock: whoever owns it hands in time and datagrams.
//!
//! Signalling, streams, rings and playout are those of the real phone; only the driver differs. So a call, or a world of
//! calls, runs as fast as the machine can compute and repeats itself exactly from its seed.
//!
//! ```
//! use rove_phone::virtual_time::{Now, Scratch, VirtualConfig, VirtualPhone};
//!
//! let mut phone = VirtualPhone::new(VirtualConfig::at([192, 0, 2, 1].into()), 1);
//! let mut scratch = Scratch::default();
//! let call = phone.dial(Now::default(), "192.0.2.2:5060").unwrap();
//! let mut invites = 0;
//! phone.drain(Now::default(), &mut scratch, &mut |_flow, _bytes| invites += 1);
//! assert_eq!((call.0, invites), (1, 1));
//! ```

mod call;

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
};

use rove_base::{Arrival, CodecId, Entropy, Flow, Machine, MediaPlan, Quality, Step, Transmit};
pub use rove_base::{Instant, Now, Scratch, UdpFlow};
use rove_session::{
    CallId, Config, Event, MediaFact, MediaPorts, Progress, Registration, Switchboard, Target, TargetError,
};
use rove_sip::message::{NameAddr, SipUri, StatusCode};

use self::call::VirtualCall;
use crate::{CallReport, PhoneEvent};

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
    /// How long a packet waits before it is played.
    pub playout_delay: Duration,
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
            playout_delay: Duration::from_millis(40),
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

/// A phone that is told the time.
pub struct VirtualPhone {
    config: VirtualConfig,
    board: Switchboard,
    calls: BTreeMap<CallId, Ports>,
    finished: BTreeMap<CallId, Vec<f32>>,
    events: VecDeque<PhoneEvent>,
    entropy: Entropy,
    next_port: u16,
}

/// The media of one call: first ports, then a stream on them.
struct Ports {
    rtp: SocketAddr,
    rtcp: SocketAddr,
    running: Option<Box<VirtualCall>>,
    /// The engine's words of each second, once the media has stopped.
    samples: Vec<Quality>,
}

impl VirtualPhone {
    /// A phone that does nothing yet. Equal seeds make equal phones.
    #[must_use]
    pub fn new(config: VirtualConfig, seed: u64) -> Self {
        let mut entropy = Entropy::from_number(seed);
        let own = SipUri::at(SocketAddr::new(config.ip, config.sip_port));
        let identity = Target::parse(&config.identity).map_or(own, |target| target.uri().clone());
        let board = Switchboard::new(
            Config {
                identity: NameAddr::new(identity),
                user_agent: concat!("rove/", env!("CARGO_PKG_VERSION")).into(),
                sip: vec![SocketAddr::new(config.ip, config.sip_port)],
                dns: vec![SocketAddr::new(config.ip, DNS_PORT)],
                dns_servers: config.dns_servers.clone(),
                codecs: config.codecs.clone(),
                packet_time: config.packet_time,
                ring_for: config.ring_for,
                cname: format!("{:016x}", entropy.next_u64()),
                most_calls: MOST_CALLS,
            },
            entropy.fork(),
        );
        Self {
            config,
            board,
            calls: BTreeMap::new(),
            finished: BTreeMap::new(),
            events: VecDeque::new(),
            entropy,
            next_port: FIRST_MEDIA_PORT,
        }
    }

    /// Its address.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.config.ip
    }

    /// Calls somebody.
    ///
    /// # Errors
    ///
    /// [`TargetError`] when the target cannot be dialled.
    pub fn dial(&mut self, now: Now, target: &str) -> Result<CallId, TargetError> {
        Ok(self.board.dial(now, Target::parse(target)?))
    }

    /// Picks up.
    pub fn answer(&mut self, now: Now, call: CallId) {
        self.board.answer(now, call);
    }

    /// Refuses with `status`.
    pub fn decline(&mut self, now: Now, call: CallId, status: StatusCode) {
        self.board.decline(now, call, status);
    }

    /// Hangs up.
    pub fn hang_up(&mut self, now: Now, call: CallId) {
        self.board.hang_up(now, call);
    }

    /// Publishes a name for this phone's address.
    pub fn register(&mut self, now: Now, registration: Registration) {
        self.board.register(now, SocketAddr::new(self.config.ip, UPDATE_PORT), registration);
    }

    /// Withdraws it.
    pub fn unregister(&mut self, now: Now) {
        self.board.unregister(now);
    }

    /// What happened since the last call.
    pub fn next_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front()
    }

    /// What was heard in a call, at its codec's rate; empty when it is not kept.
    #[must_use]
    pub fn heard(&self, call: CallId) -> &[f32] {
        let running = self.calls.get(&call).and_then(|ports| ports.running.as_ref());
        running.map_or_else(|| self.finished.get(&call).map_or(&[][..], Vec::as_slice), |call| call.heard())
    }

    /// Hands in a datagram that arrived at `arrived`.
    pub fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], arrived: Instant) {
        let media = self.calls.values_mut().find(|ports| ports.rtp == flow.local || ports.rtcp == flow.local);
        match media {
            Some(ports) => {
                if let Some(call) = &mut ports.running {
                    call.receive(now, flow, bytes, arrived);
                }
            }
            None => self.board.handle(now, Arrival::Datagram { flow: Flow::Udp(flow), bytes }),
        }
    }

    /// Hands in anything else: streams.
    pub fn arrive(&mut self, now: Now, arrival: Arrival<'_>) {
        self.board.handle(now, arrival);
    }

    /// Says what time it is. Must be called no later than the instant that [`VirtualPhone::drain`] gave.
    pub fn tick(&mut self, now: Now) {
        self.board.tick(now);
        for call in self.calls.values_mut().filter_map(|ports| ports.running.as_mut()) {
            call.tick(now);
        }
    }

    /// Does all there is to do; `send` gets each datagram and the way it goes; `scratch` is cleared first. Answers when to come back.
    pub fn drain(
        &mut self,
        now: Now,
        scratch: &mut Scratch,
        send: &mut dyn FnMut(UdpFlow, &[u8]),
    ) -> Option<Instant> {
        scratch.clear();
        let board = loop {
            match self.board.poll(scratch) {
                Step::Send(transmit) => hand_out(transmit, scratch, send),
                Step::Event(event) => self.on_board(now, event, scratch, send),
                Step::Wait(wake) => break wake,
                // Streams and journals belong to the owner's world; a phone without them falls back to datagrams.
                Step::Connect(_) | Step::Close(_) | Step::Append(_) => {}
            }
        };
        let mut wake = board;
        let mut news = Vec::new();
        for (&id, ports) in &mut self.calls {
            if let Some(call) = &mut ports.running {
                wake = Instant::earliest(wake, call.drain(scratch, send, &mut |fact| news.push((id, fact))));
            }
        }
        for (call, fact) in news {
            if let MediaFact::Quality(quality) = fact {
                self.events.push_back(PhoneEvent::Quality { call, quality });
            }
            self.board.media(now, call, fact);
        }
        wake
    }

    fn on_board(
        &mut self,
        now: Now,
        event: Event,
        scratch: &mut Scratch,
        send: &mut dyn FnMut(UdpFlow, &[u8]),
    ) {
        match event {
            Event::OpenMedia { call, .. } => {
                let fact = MediaFact::Opened(self.open(call));
                self.board.media(now, call, fact);
            }
            Event::StartMedia { call, plan } => {
                if let Err(why) = self.start(now, call, &plan) {
                    self.board.media(now, call, MediaFact::Unavailable(why));
                    self.board.hang_up(now, call);
                }
            }
            Event::StopMedia { call } => self.stop(now, call, scratch, send),
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
            Event::Registered { name } => self.events.push_back(PhoneEvent::Registered { name }),
            Event::Unregistered { name } => self.events.push_back(PhoneEvent::Unregistered { name }),
            Event::RegistrationFailed(error) => self.events.push_back(PhoneEvent::RegistrationFailed(error)),
            _ => {}
        }
    }

    fn open(&mut self, call: CallId) -> MediaPorts {
        let port = self.next_port;
        self.next_port = port.checked_add(2).unwrap_or(FIRST_MEDIA_PORT);
        let (rtp, rtcp) = (SocketAddr::new(self.config.ip, port), SocketAddr::new(self.config.ip, port + 1));
        self.calls.insert(call, Ports { rtp, rtcp, running: None, samples: Vec::new() });
        MediaPorts { rtp, rtcp, signalling: SocketAddr::new(self.config.ip, self.config.sip_port) }
    }

    fn start(&mut self, now: Now, call: CallId, plan: &MediaPlan) -> Result<(), String> {
        let ports = self.calls.get_mut(&call).ok_or("no ports were opened")?;
        let running = VirtualCall::new(now, plan, &self.config, self.entropy.fork())?;
        ports.running = Some(Box::new(running));
        Ok(())
    }

    fn stop(&mut self, now: Now, call: CallId, scratch: &mut Scratch, send: &mut dyn FnMut(UdpFlow, &[u8])) {
        let Some(ports) = self.calls.get_mut(&call) else { return };
        let Some(running) = ports.running.take() else { return };
        let (summary, samples, heard) = running.finish(now, scratch, send);
        ports.samples = samples;
        self.finished.insert(call, heard);
        self.board.media(now, call, MediaFact::Quality(summary));
    }

    fn conclude(&mut self, call: CallId) {
        let samples = self.calls.remove(&call).map_or_else(Vec::new, |ports| ports.samples);
        if let Some(record) = self.board.forget(call) {
            let report = CallReport::new(&record, &samples, Vec::new(), Vec::new());
            self.events.push_back(PhoneEvent::Ended { call, report: Box::new(report) });
        }
    }
}

/// Gives a datagram away. Streams belong to the owner's world; a phone without them makes do with datagrams.
fn hand_out(transmit: Transmit, scratch: &Scratch, send: &mut dyn FnMut(UdpFlow, &[u8])) {
    if let Flow::Udp(flow) = transmit.flow {
        send(flow, scratch.get(transmit.range));
    }
}

/// Where its DNS queries leave from.
const DNS_PORT: u16 = 40_053;
/// Where its DNS updates leave from.
const UPDATE_PORT: u16 = 40_054;
const FIRST_MEDIA_PORT: u16 = 16_384;
const MOST_CALLS: usize = 1_000;
