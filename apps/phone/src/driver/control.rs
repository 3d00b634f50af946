//! What the control thread owns, and what it does with each step of the switchboard.

mod addresses;
mod conference;
mod media;
mod publish;

use core::time::Duration;
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, mpsc},
};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Scratch, Step, StreamId};
use rove_driver::{Listener, Sockets, StreamEvent, Streams, Tls};
use rove_io::{clock::Clock, entropy::os_entropy, net::UdpSocket};
use rove_session::{CallId, Config, Event, MediaFact, Progress, Switchboard, Target};
use rove_sip::{
    message::NameAddr,
    transport::{Limits, LocalAddress},
};
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender},
};

use self::{conference::Floor, publish::dns_sockets};
use super::{
    Command,
    listening::{self, Listening},
    media::{Media, Seen},
};
use crate::{Audio, CallReport, PhoneConfig, PhoneEvent, StartError};

/// A phone whose sockets are open but not watched yet.
pub(crate) struct Control {
    board: Switchboard,
    sockets: Vec<UdpSocket>,
    listeners: Vec<Listener>,
    tls: Tls,
    sip: Vec<SocketAddr>,
    sip_streams: Vec<LocalAddress>,
    media: Media,
    media_news: Arc<Notify>,
    events: mpsc::Sender<PhoneEvent>,
    clock: Clock,
}

impl Control {
    /// Opens everything a phone needs.
    pub(crate) fn open(config: PhoneConfig, events: mpsc::Sender<PhoneEvent>) -> Result<Self, StartError> {
        let clock = Clock::new();
        let mut entropy = match config.seed {
            Some(seed) => Entropy::from_number(seed),
            None => os_entropy().map_err(|error| StartError::System { what: "no randomness", error })?,
        };
        let identity = Target::parse(&config.identity).map_err(StartError::Identity)?;
        let tls = Tls::new(config.tls_ca.as_deref(), config.tls_certificate.as_ref())?;
        let listening = Listening::open(&config)?;
        let (sip, sip_streams) = (listening.datagrams(), listening.streams());
        let Listening { mut sockets, listeners } = listening;
        let servers = if config.dns_servers.is_empty() {
            listening::system_name_servers()
        } else {
            config.dns_servers.clone()
        };
        let dns_sockets = dns_sockets(&servers)?;
        let dns = dns_sockets.iter().map(UdpSocket::local_addr).collect();
        sockets.extend(dns_sockets);
        let media_news = Arc::new(Notify::new());
        let media = Media::new(&config, clock, entropy.fork(), tls.clone(), Arc::clone(&media_news))?;
        let mut board = Switchboard::new(
            Config {
                identity: NameAddr::new(identity.uri().clone()),
                anonymous: config.anonymous,
                user_agent: concat!("rove/", env!("CARGO_PKG_VERSION")).into(),
                sip: sip.clone(),
                sip_streams: sip_streams.clone(),
                streams: Limits { total: config.most_streams, ..Limits::default() },
                dns,
                dns_servers: servers,
                dns_walk: config.dns_walk,
                codecs: config.codecs,
                packet_time: config.packet_time,
                media_security: config.media_security,
                // Asked before a call is offered or answered.
                stun_server: None,
                ring_for: config.ring_for,
                cname: cname(&mut entropy),
                follow_transfers: config.follow_transfers,
                most_calls: config.most_calls,
                disclosure: config.disclosure,
                most_watchers: config.most_watchers,
                most_requests: config.most_requests,
                most_ringing: config.most_ringing,
            },
            entropy,
        );
        if let Audio::Room { seats } = config.audio {
            board.be_focus(seats);
        }
        Ok(Self { board, sockets, listeners, tls, sip, sip_streams, media, media_news, events, clock })
    }

    /// The addresses SIP listens on.
    pub(crate) fn sip_addresses(&self) -> Vec<SocketAddr> {
        self.sip.clone()
    }

    /// The addresses it listens on for streams.
    pub(crate) fn sip_streams(&self) -> Vec<LocalAddress> {
        self.sip_streams.clone()
    }

    pub(super) fn media_news(&self) -> Arc<Notify> {
        Arc::clone(&self.media_news)
    }

    /// Begins to watch the sockets; must be called on the runtime.
    pub(super) fn take_up(self) -> io::Result<Desk> {
        let mut streams = Streams::new(self.tls);
        self.listeners.into_iter().try_for_each(|listener| streams.accept_from(listener))?;
        Ok(Desk {
            board: self.board,
            sockets: Sockets::new(self.sockets)?,
            streams,
            sip: self.sip,
            media: self.media,
            events: self.events,
            clock: self.clock,
            scratch: Scratch::with_capacity(64 * 1024),
            registered: false,
            closing: None,
            seen: tokio::sync::mpsc::unbounded_channel(),
            from: None,
            floor: Floor::default(),
            leaves_from: HashMap::new(),
            present: None,
        })
    }
}

/// A phone at work.
pub(super) struct Desk {
    board: Switchboard,
    sockets: Sockets,
    streams: Streams,
    sip: Vec<SocketAddr>,
    media: Media,
    events: mpsc::Sender<PhoneEvent>,
    clock: Clock,
    scratch: Scratch,
    /// A name is published, or about to be.
    registered: bool,
    closing: Option<Instant>,
    /// Ports of calls, once it is known how the world sees them.
    seen: (UnboundedSender<Seen>, UnboundedReceiver<Seen>),
    /// Where this host is reached, when its owner has said so.
    from: Option<IpAddr>,
    floor: Floor,
    /// The address that each stream leaves from.
    leaves_from: HashMap<StreamId, SocketAddr>,
    /// The addresses of this host, and when that is looked at again.
    present: Option<(Instant, Vec<IpAddr>)>,
}

/// What woke the control thread from outside.
pub(super) enum Woken {
    Socket(usize),
    Stream(StreamEvent),
    Seen(Box<Seen>),
}

impl Desk {
    /// Waits for the network.
    pub(super) async fn arrival(&mut self) -> Woken {
        let Self { sockets, streams, seen: (_, seen), .. } = self;
        tokio::select! {
            Some(seen) = seen.recv() => Woken::Seen(Box::new(seen)),
            index = sockets.readable() => Woken::Socket(index),
            event = streams.next() => Woken::Stream(event),
        }
    }

    /// Hands what arrived to the switchboard.
    pub(super) fn receive(&mut self, woken: Woken) {
        let now = self.clock.now();
        match woken {
            Woken::Socket(index) => {
                let Self { board, sockets, clock, .. } = self;
                sockets.receive(index, *clock, |datagram| {
                    if !datagram.truncated {
                        let flow = Flow::Udp(datagram.flow);
                        board.handle(now, Arrival::Datagram { flow, bytes: datagram.bytes });
                    }
                });
            }
            Woken::Stream(event) => {
                self.note_stream(&event);
                self.board.handle(now, event.arrival());
            }
            Woken::Seen(seen) => {
                if let Some((call, ports)) = self.media.take(*seen) {
                    self.board.media(now, call, MediaFact::Opened(ports));
                }
            }
        }
    }

    /// Does what the owner wants.
    pub(super) fn command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Dial { target, account, reply } => {
                let _ = reply.send(match account {
                    Some(account) => self.board.dial_with(now, target, account),
                    None => self.board.dial(now, target),
                });
            }
            Command::LookUp { target, reply } => {
                let _ = reply.send(self.board.look_up(now, &target));
            }
            Command::LookUpNames { address, reply } => {
                let _ = reply.send(self.board.look_up_names(now, address));
            }
            Command::Answer { call } => self.board.answer(now, call),
            Command::Decline { call, status } => self.board.decline(now, call, status),
            Command::HangUp { call } => self.board.hang_up(now, call),
            Command::Forward { call, to } => self.board.forward(now, call, &to),
            Command::Hold { call } => self.board.hold(now, call),
            Command::Resume { call } => self.board.resume(now, call),
            Command::Transfer { call, to } => self.board.transfer(now, call, &to),
            Command::Join { call, other } => self.board.transfer_to(now, call, other),
            Command::Info { call, key, duration } => self.board.send_dtmf(now, call, key, duration),
            Command::Moved => self.board.moved(now),
            Command::Relocate { call } => self.board.relocate(now, call),
            Command::MovedTo(ip) => self.moved_to(ip),
            Command::Register(registration) => self.register(*registration),
            Command::Unregister => self.board.unregister(now),
            Command::SignIn { account, reply } => {
                let _ = reply.send(self.board.sign_in(now, *account));
            }
            Command::SignOut { account } => {
                self.board.sign_out(now, account);
            }
            Command::Woken { account } => self.board.refresh(now, account),
            Command::Begin { target, account, errand, reply } => {
                let _ = reply.send(self.board.begin(now, target, account, *errand));
            }
            Command::Refused { reply } => drop(reply.send(self.board.refused())),
            Command::End { errand } => self.board.end(now, errand),
            Command::Available(available) => self.board.set_available(now, available),
            Command::Press { call, key, duration } => self.media.press(call, key, duration),
            Command::Close => self.close(),
            together => self.together(together),
        }
    }

    /// Lets the last words leave.
    pub(super) async fn leave(self) {
        self.streams.finish(LAST_WORDS).await;
    }

    /// Tells the switchboard the time.
    pub(super) fn tick(&mut self) {
        self.board.tick(self.clock.now());
    }

    /// Does all that the switchboard asks. `None`: the phone is closed; else when to come back.
    pub(super) fn drain(&mut self) -> Option<Option<std::time::Instant>> {
        let wake = loop {
            self.take_media_news();
            match self.board.poll(&mut self.scratch) {
                Step::Send(transmit) => match transmit.flow {
                    Flow::Udp(_) => self.sockets.push(transmit, &self.scratch),
                    Flow::Stream(stream) => self.streams.send(stream, self.scratch.get(transmit.range)),
                },
                Step::Connect(connect) => self.streams.connect(connect),
                Step::Close(stream) => self.streams.close(stream),
                // A phone keeps no journal.
                Step::Append(_) => {}
                Step::Event(event) => self.event(event),
                Step::Wait(wake) => break wake,
            }
        };
        self.sockets.flush(&self.scratch);
        self.streams.read_on();
        self.scratch.clear();
        let now = self.clock.now().mono;
        if self.closing.is_some_and(|until| {
            until <= now || self.board.is_idle() && self.media.is_idle() && !self.registered
        }) {
            return None;
        }
        let wake = Instant::earliest(Instant::earliest(wake, self.closing), self.media.keep_awake());
        let wake = Instant::earliest(wake, self.watch_floor());
        let wake = Instant::earliest(wake, self.watch_addresses());
        Some(wake.map(|at| self.clock.std_instant(at)))
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::OpenMedia { call, toward } => {
                let fact = match self.open_media(call, toward) {
                    Ok(ports) => self.media.ask(call, ports, self.seen.0.clone()).map(MediaFact::Opened),
                    Err(why) => Some(MediaFact::Unavailable(why)),
                };
                if let Some(fact) = fact {
                    self.board.media(self.clock.now(), call, fact);
                }
            }
            Event::StartMedia { call, plan } => self.run_media(call, &plan, true),
            Event::ChangeMedia { call, plan } => self.run_media(call, &plan, false),
            Event::AddCandidates { call, candidates, last } => {
                self.media.add_candidates(call, candidates, last);
            }
            Event::StopMedia { call } => self.media.stop(call),
            Event::Join { calls } => self.join(calls),
            Event::Call { call, progress } => {
                let over = matches!(progress, Progress::Ended { .. });
                let moved = self.moved(call, &progress);
                self.tell(PhoneEvent::Call { call, progress });
                moved.into_iter().for_each(|rerouted| self.rerouted(call, rerouted));
                if over {
                    self.conclude(call);
                }
            }
            Event::LookedUp { id, found, steps } => self.tell(PhoneEvent::LookedUp { id, found, steps }),
            Event::FindRoute { whose, toward } => {
                let local = self.signalling_toward(toward);
                self.board.routed(self.clock.now(), whose, local);
            }
            Event::Errand { id, news } => self.tell(PhoneEvent::Errand { id, news }),
            Event::Watched { package, by } => self.tell(PhoneEvent::Watched { package, by }),
            Event::Account { account, news } => self.tell(PhoneEvent::Account { account, news }),
            Event::Message { call, from, kind, body } => {
                self.tell(PhoneEvent::Message { call, from, kind, body });
            }
            Event::Relay { call, step, body } => self.tell(PhoneEvent::Relay { call, step, body }),
            Event::Registered { name } => self.tell(PhoneEvent::Registered { name }),
            Event::Unregistered { name } => {
                self.registered = false;
                self.tell(PhoneEvent::Unregistered { name });
            }
            Event::RegistrationFailed(error) => {
                self.registered = false;
                self.tell(PhoneEvent::RegistrationFailed(error));
            }
            _ => {}
        }
    }

    /// Reports a call whose signalling and media are both over.
    fn conclude(&mut self, call: CallId) {
        if self.media.is_running(call) {
            return;
        }
        let Some(record) = self.board.forget(call) else { return };
        let left = self.media.forget(call);
        let report = CallReport::new(&record, &left.samples, &left.rerouted);
        let report = report.by(left.route).with(left.recordings, left.played);
        self.tell(PhoneEvent::Ended { call, report: Box::new(report) });
    }

    fn close(&mut self) {
        if self.closing.is_some() {
            return;
        }
        let now = self.clock.now();
        self.closing = Some(now.mono + FAREWELL);
        let running: Vec<CallId> = self.board.running().collect();
        for call in running {
            self.board.hang_up(now, call);
        }
        if self.registered {
            self.board.unregister(now);
        }
        self.board.fall_silent(now);
        for account in self.board.accounts() {
            self.board.sign_out(now, account);
        }
    }

    fn tell(&self, event: PhoneEvent) {
        // The owner may have dropped the receiver; the phone then works on until it is closed.
        let _ = self.events.send(event);
    }
}

/// A canonical name of this run: 96 random bits (RFC 7022 §4.2).
fn cname(entropy: &mut Entropy) -> String {
    format!("{:016x}{:08x}", entropy.next_u64(), entropy.next_u32())
}

/// How long the last bytes may take to leave.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How long leaving may take: a lost BYE is repeated a few times, a lost update as well.
const FAREWELL: Duration = Duration::from_secs(5);
