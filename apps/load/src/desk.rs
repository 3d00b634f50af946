//! The desk: one loop's worth of signalling, with its sockets and streams, and the mills that carry the media.
//!
//! It drives the same switchboard as a phone does, so that every message goes through real transactions and dialogs.

mod open;

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
};

use rove_base::{Arrival, Entropy, Flow, Instant, Machine as _, MediaPlan, Now, Scratch, Step};
use rove_driver::{Sockets, StreamEvent, Streams, address_toward};
use rove_io::{clock::Clock, net::UdpSocket};
use rove_phone::netem::Impairments;
use rove_session::{
    AccountId, AccountNews, CallId, ErrandId, ErrandNews, Event, MediaFact, MediaPorts, Progress, Record,
    Switchboard,
};
use rove_sip::transport::LocalAddress;
use tokio::sync::Notify;

pub(crate) use self::open::{DeskConfig, Opening};
use crate::{
    mill::{Grist, Lease, Mill, News, Pool},
    voice::Voice,
};

/// What the desk tells whoever runs it.
#[derive(Debug)]
pub(crate) enum Told {
    /// Somebody calls.
    Incoming(CallId),
    /// A call stands.
    Answered(CallId),
    /// A call is over, and so are its media.
    Ended(CallId, Box<Record>),
    /// Something became of a message.
    Errand(ErrandId, ErrandNews),
    /// Something became of an account.
    Account(AccountId, AccountNews),
    /// A look-up is done, well or with an error.
    LookedUp(rove_dns::lookup::LookupId, Result<usize, String>),
    /// So late the mill's slots of a second began, in ms.
    Late(Vec<f64>),
}

/// Signalling and media of all calls of this program.
pub(crate) struct Desk {
    pub(crate) board: Switchboard,
    pub(crate) clock: Clock,
    sockets: Sockets,
    streams: Streams,
    scratch: Scratch,
    entropy: Entropy,
    /// What becomes of packets that come in, and what it is drawn from.
    impairments: Option<Impairments>,
    chance: Entropy,
    sip: Vec<SocketAddr>,
    streams_at: Vec<LocalAddress>,
    mills: Vec<Mill>,
    /// The ports of each mill; one pool where there is none.
    pools: Vec<Pool>,
    /// Where nobody listens, because there are no media.
    unheard: Vec<(UdpSocket, UdpSocket)>,
    voice: Voice,
    /// The ports that a call has, and whose they are.
    leases: HashMap<CallId, (usize, Lease)>,
    /// Which mill has it.
    running: HashMap<CallId, usize>,
    next_mill: usize,
    news: Arc<Notify>,
    /// What each call came to send and to receive is of no interest: there are no media at all.
    silent: bool,
}

/// What woke the loop from outside.
pub(crate) enum Woken {
    Socket(usize),
    Stream(StreamEvent),
}

impl Desk {
    /// Notified when a mill has news.
    pub(crate) fn news(&self) -> Arc<Notify> {
        Arc::clone(&self.news)
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    /// The addresses its SIP listens on.
    pub(crate) fn sip(&self) -> &[SocketAddr] {
        &self.sip
    }

    /// What else it listens for, by the names of transports.
    pub(crate) fn streams_at(&self) -> BTreeMap<String, SocketAddr> {
        self.streams_at.iter().map(|local| (local.transport.to_string(), local.address)).collect()
    }

    /// Waits for the network.
    pub(crate) async fn arrival(&mut self) -> Woken {
        let Self { sockets, streams, .. } = self;
        tokio::select! {
            index = sockets.readable() => Woken::Socket(index),
            event = streams.next() => Woken::Stream(event),
        }
    }

    /// Hands what arrived to the switchboard.
    pub(crate) fn receive(&mut self, woken: Woken) {
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
            Woken::Stream(event) => self.board.handle(now, event.arrival()),
        }
    }

    /// Does all that the switchboard asks, and tells what happened. Answers when to come back.
    pub(crate) fn drain(&mut self, told: &mut Vec<Told>) -> Option<Instant> {
        self.board.tick(self.clock.now());
        self.take_news(told);
        let wake = loop {
            match self.board.poll(&mut self.scratch) {
                Step::Send(transmit) => match transmit.flow {
                    Flow::Udp(_) => self.sockets.push(transmit, &self.scratch),
                    Flow::Stream(stream) => self.streams.send(stream, self.scratch.get(transmit.range)),
                },
                Step::Connect(connect) => self.streams.connect(connect),
                Step::Close(stream) => self.streams.close(stream),
                // There is no journal.
                Step::Append(_) => {}
                Step::Event(event) => self.event(event, told),
                Step::Wait(wake) => break wake,
            }
        };
        self.sockets.flush(&self.scratch);
        self.streams.read_on();
        self.scratch.clear();
        wake
    }

    /// Lets the last words leave.
    pub(crate) async fn leave(self) {
        self.streams.finish(LAST_WORDS).await;
    }

    fn take_news(&mut self, told: &mut Vec<Told>) {
        let now = self.clock.now();
        for mill in 0..self.mills.len() {
            while let Some(news) = self.mills.get(mill).and_then(Mill::next) {
                match news {
                    News::FirstAudio(call, at) => {
                        self.board.media(now, CallId(call), MediaFact::FirstAudio(at));
                    }
                    News::Stopped(call, quality) => {
                        self.running.remove(&CallId(call));
                        self.give_back(CallId(call));
                        self.board.media(now, CallId(call), MediaFact::Quality(*quality));
                        self.conclude(CallId(call), told);
                    }
                    News::Late(late) => told.push(Told::Late(late)),
                }
            }
        }
    }

    fn event(&mut self, event: Event, told: &mut Vec<Told>) {
        let now = self.clock.now();
        match event {
            Event::OpenMedia { call, toward } => {
                let fact = self.open(call, toward).map_or_else(MediaFact::Unavailable, MediaFact::Opened);
                self.board.media(now, call, fact);
            }
            Event::StartMedia { call, plan } => {
                if let Err(why) = self.start(call, &plan) {
                    self.board.media(now, call, MediaFact::Failed(why));
                }
            }
            Event::StopMedia { call } => {
                match self.running.get(&call).and_then(|mill| self.mills.get(*mill)) {
                    Some(mill) => mill.remove(call.0),
                    None => self.give_back(call),
                }
            }
            Event::Call { call, progress } => match progress {
                Progress::Incoming { .. } => told.push(Told::Incoming(call)),
                Progress::Answered { .. } => told.push(Told::Answered(call)),
                Progress::Ended { .. } => self.conclude(call, told),
                _ => {}
            },
            Event::FindRoute { whose, toward } => {
                let local = self.signalling_toward(toward);
                self.board.routed(now, whose, local);
            }
            Event::Errand { id, news } => told.push(Told::Errand(id, news)),
            Event::Account { account, news } => told.push(Told::Account(account, news)),
            Event::LookedUp { id, found, .. } => {
                let found = found.map(|candidates| candidates.len()).map_err(|error| error.to_string());
                told.push(Told::LookedUp(id, found));
            }
            _ => {}
        }
    }

    /// Tells of a call whose signalling and media are both over.
    fn conclude(&mut self, call: CallId, told: &mut Vec<Told>) {
        if !self.running.contains_key(&call)
            && let Some(record) = self.board.forget(call)
        {
            told.push(Told::Ended(call, Box::new(record)));
        }
    }

    fn open(&mut self, call: CallId, toward: SocketAddr) -> Result<MediaPorts, String> {
        let signalling = self.signalling_toward(toward)?;
        self.give_back(call);
        let which = self.next_mill % self.pools.len().max(1);
        self.next_mill = self.next_mill.wrapping_add(1);
        let offered = self.board.record(call).and_then(|record| record.offered);
        let pool = self.pools.get_mut(which).ok_or("there is no media thread")?;
        let (lease, new) = pool.lease(signalling.ip(), offered).map_err(|error| error.to_string())?;
        match (new, self.mills.get(which)) {
            (Some((rtp, rtcp)), Some(mill)) => mill.open(rtp, rtcp),
            (new, _) => self.unheard.extend(new),
        }
        self.leases.insert(call, (which, lease));
        Ok(MediaPorts::plain(lease.rtp, lease.rtcp, signalling))
    }

    fn give_back(&mut self, call: CallId) {
        if let Some((which, lease)) = self.leases.remove(&call) {
            self.pools.get_mut(which).into_iter().for_each(|pool| pool.give_back(&lease));
        }
    }

    fn start(&mut self, call: CallId, plan: &MediaPlan) -> Result<(), String> {
        let (which, lease) = self.leases.get_mut(&call).ok_or("no ports were opened")?;
        if self.silent {
            return Ok(());
        }
        let pool = self.pools.get_mut(*which).ok_or("there is no media thread")?;
        let remote = plan.routes().first().ok_or("the plan leads nowhere")?.rtp.remote;
        pool.claim(lease, remote).map_err(|taken| taken.to_string())?;
        let (mill, pair) = (*which, lease.pair());
        let bad_link = self.impairments.clone().map(|wanted| (wanted, self.chance.fork()));
        let now = self.clock.now();
        let grist = Grist::new((call.0, now), plan, pair, &mut self.voice, bad_link, self.entropy.fork());
        let grist = grist.map_err(|error| error.to_string())?;
        self.mills.get(mill).ok_or("there is no media thread")?.add(grist);
        self.running.insert(call, mill);
        Ok(())
    }

    /// The address of our SIP that `toward` is reached from.
    fn signalling_toward(&self, toward: SocketAddr) -> Result<SocketAddr, String> {
        let sip = self.sip.iter().find(|address| address.is_ipv4() == toward.is_ipv4()).ok_or_else(|| {
            format!("nothing listens on the family of {toward}; give an address of it with --listen")
        })?;
        let ip = match sip.ip() {
            ip if ip.is_unspecified() => {
                address_toward(toward).map_err(|error| format!("no route to {toward}: {error}"))?
            }
            ip => ip,
        };
        Ok(SocketAddr::new(ip, sip.port()))
    }
}

/// How long the last bytes may take to leave.
const LAST_WORDS: core::time::Duration = core::time::Duration::from_millis(300);
