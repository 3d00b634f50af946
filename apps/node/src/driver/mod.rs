//! The loop that carries the steps of a node's roles to sockets, streams, timers and the one journal.
//!
//! ```text
//!  UDP batches ─┐                       ┌─▶ UDP batches
//!  streams ─────┼─▶ role.handle ─ poll ─┼─▶ streams
//!  journal ─────┘                       └─▶ journal
//! ```

mod access;
mod control;
mod elsewhere;
mod keeper;
mod orders;
mod outside;
mod role;
mod searching;

use core::time::Duration;
use std::{io, sync::Arc};

use futures_util::future::select_all;

use rove_base::{Arrival, Flow, Instant, Now, Scratch, Step, Ticket};
use rove_dns::server::Piece;
use rove_driver::{Alarm, Listener, Sockets, StreamBounds, StreamEvent, Streams, Tls};
use rove_io::{clock::Clock, journal::Outcome, net::UdpSocket};
use tokio::sync::{Notify, mpsc};

use self::access::Link;
use crate::{
    config::NodeConfig,
    irmv::{Keeping, Kept},
    operate::Reload,
    shared::Shared,
};

pub(crate) use access::{Access, Router};
pub(crate) use control::{Asker, Control, Reply};
pub(crate) use keeper::Keeper;
pub(crate) use outside::Outside;
pub use role::Unreadable;
pub(crate) use role::{Role, eventless};
pub use searching::SearchError;
pub(crate) use searching::{Searching, Seek, Sought};

/// A role and where it listens.
pub(crate) struct Place {
    pub(crate) role: Box<dyn Role>,
    pub(crate) sockets: Vec<UdpSocket>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) tls: Tls,
    pub(crate) bounds: StreamBounds,
    /// The link that its terminals are on.
    pub(crate) access: Access,
    /// Where its operator asks.
    pub(crate) control: Option<Control>,
    /// The program that it asks.
    pub(crate) outside: Option<Outside>,
    /// Its database.
    pub(crate) keeping: Option<Keeping>,
}

impl Place {
    /// A role that speaks with the other roles alone.
    pub(crate) fn without_sockets(role: Box<dyn Role>) -> Self {
        Self::listening(role, Vec::new(), Vec::new())
    }

    /// A role with where it listens, and nothing else.
    pub(crate) fn listening(role: Box<dyn Role>, sockets: Vec<UdpSocket>, listeners: Vec<Listener>) -> Self {
        let (tls, bounds, access) = (Tls::default(), StreamBounds::default(), Access::default());
        let (control, outside, keeping) = (None, None, None);
        Self { role, sockets, listeners, tls, bounds, access, control, outside, keeping }
    }
}

/// Roles with everything that carries their steps.
pub(crate) struct Driver {
    pub(crate) places: Vec<Place>,
    pub(crate) keeper: Option<Keeper>,
    pub(crate) clock: Clock,
    pub(crate) stop: Arc<Notify>,
    /// Files are to be read again.
    pub(crate) reload: Arc<Notify>,
    /// Where its operator asks, and this program itself.
    pub(crate) control: Control,
    /// Asks the relay, which has a thread of its own.
    pub(crate) relay: Option<Asker>,
    /// As it was read last.
    pub(crate) config: Reload,
    /// Its part in the search network.
    pub(crate) searching: Option<Searching>,
    /// What it shares with other nodes of its domain.
    pub(crate) shared: Option<Shared>,
}

/// Runs the roles until they are told to stop.
pub(crate) async fn run(driver: Driver) {
    let Driver { places, keeper, clock, stop, reload, mut control, relay, config, mut searching, mut shared } =
        driver;
    if let Err(error) = control.watch() {
        return tracing::error!(target: "rove::node", %error, "the control socket cannot be watched");
    }
    let mut control = Some(control);
    let (told, mut answers) = mpsc::unbounded_channel();
    let seats = match places.into_iter().map(Seat::new).collect::<io::Result<Vec<_>>>() {
        Ok(seats) => seats,
        Err(error) => return tracing::error!(target: "rove::node", %error, "the sockets cannot be watched"),
    };
    let mut alarm = Alarm::default();
    let scratch = Scratch::with_capacity(SCRATCH_BYTES);
    let mut desk = Desk { seats, clock, keeper, scratch, relay, config, told, broken: false };
    desk.seats.iter_mut().for_each(|seat| seat.role.start(clock.now()));
    loop {
        let wake = desk.drain();
        desk.seek(searching.as_ref());
        desk.share(shared.as_ref());
        let wake = Instant::earliest(wake, desk.rewrite_on());
        // More is to be done at once: whoever else has something comes first, but nobody waits for him.
        let due = wake.is_some_and(|at| at <= clock.now().mono);
        let seats = &mut desk.seats;
        tokio::select! {
            () = stop.notified() => return desk.leave(),
            () = reload.notified() => desk.reload_for_nobody(),
            (line, reply) = Control::next(&mut control) => desk.order(line, reply),
            Some((seat, id, answer)) = answers.recv() => desk.answered(seat, id, &answer),
            (seat, news) = any(seats) => desk.happened(seat, news),
            sought = Searching::found(&mut searching) => desk.sought(&sought),
            record = Shared::heard(&mut shared) => desk.heard_elsewhere(&record),
            outcome = Keeper::outcome(&mut desk.keeper) => desk.journal_said(outcome),
            () = pause(&mut alarm, due, wake.map(|at| clock.std_instant(at))) => {
                let now = clock.now();
                seats.iter_mut().for_each(|seat| seat.role.tick(now));
            }
        }
    }
}

/// Lets other tasks run, or waits as long as there is nothing to do.
async fn pause(alarm: &mut Alarm, due: bool, until: Option<std::time::Instant>) {
    if due {
        return tokio::task::yield_now().await;
    }
    alarm.until(until).await;
}

/// What happens first at any seat.
async fn any(seats: &mut [Seat]) -> (usize, News) {
    if seats.is_empty() {
        return std::future::pending().await;
    }
    let (news, seat, _) = select_all(seats.iter_mut().map(|seat| Box::pin(seat.next()))).await;
    (seat, news)
}

/// A role at work.
struct Seat {
    role: Box<dyn Role>,
    sockets: Sockets,
    streams: Streams,
    link: Link,
    control: Option<Control>,
    outside: Option<Outside>,
    keeping: Option<Keeping>,
}

/// What happens at a seat.
enum News {
    /// A socket has something.
    Datagrams(usize),
    Stream(StreamEvent),
    /// A DHCP server's socket has something.
    Access(usize),
    /// The operator asks something.
    Order(String, Reply),
    /// The program that was asked has answered.
    Outside(Option<Vec<u8>>),
    Kept(Kept),
}

impl Seat {
    /// Must be called on the runtime.
    fn new(place: Place) -> io::Result<Self> {
        let Place { role, sockets, listeners, tls, bounds, access, mut control, outside, keeping } = place;
        let mut streams = Streams::within(bounds, tls);
        listeners.into_iter().try_for_each(|listener| streams.accept_from(listener))?;
        if let Some(control) = &mut control {
            control.watch()?;
        }
        let (sockets, link) = (Sockets::new(sockets)?, Link::new(access)?);
        Ok(Self { role, sockets, streams, link, control, outside, keeping })
    }

    /// May be dropped and asked again.
    async fn next(&mut self) -> News {
        tokio::select! {
            index = self.sockets.readable() => News::Datagrams(index),
            event = self.streams.next() => News::Stream(event),
            server = self.link.readable() => News::Access(server),
            (line, reply) = Control::next(&mut self.control) => News::Order(line, reply),
            answer = Outside::answer(&mut self.outside) => News::Outside(answer),
            kept = Keeping::next(&mut self.keeping) => News::Kept(kept),
        }
    }

    fn reload(&mut self, config: &NodeConfig) {
        if let Some(tls) = self.role.reload(config) {
            self.streams.set_tls(tls);
        }
    }
}

struct Desk {
    relay: Option<Asker>,
    config: Reload,
    /// Where answers go to what roles have asked of the node; each stream asks once.
    told: mpsc::UnboundedSender<(usize, u64, String)>,
    /// Nothing can be kept any more.
    broken: bool,
    seats: Vec<Seat>,
    clock: Clock,
    keeper: Option<Keeper>,
    scratch: Scratch,
}

impl Desk {
    /// The node ends: roles say so to whom it concerns.
    fn leave(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.role.leave());
        self.drain();
    }

    /// Does what the roles want done, and answers when one wants to be woken.
    fn drain(&mut self) -> Option<Instant> {
        let mut wake = None;
        for index in 0..self.seats.len() {
            wake = Instant::earliest(wake, self.drain_seat(index));
        }
        self.scratch.clear();
        wake
    }

    fn drain_seat(&mut self, index: usize) -> Option<Instant> {
        let now = self.clock.now();
        let until = loop {
            let seat = self.seats.get_mut(index)?;
            match seat.role.poll(now, &mut self.scratch) {
                Step::Send(transmit) => match transmit.flow {
                    Flow::Udp(flow) => {
                        if !seat.link.send(flow, self.scratch.get(transmit.range)) {
                            seat.sockets.push(transmit, &self.scratch);
                        }
                    }
                    Flow::Stream(stream) => seat.streams.send(stream, self.scratch.get(transmit.range)),
                },
                Step::Append(append) => self.append(index, append.ticket, append.range),
                Step::Close(stream) => seat.streams.close(stream),
                Step::Connect(connect) => seat.streams.connect(connect),
                Step::Event(never) => match never {},
                Step::Wait(_) if seat.role.is_resting() => seat.sockets.flush(&self.scratch),
                Step::Wait(until) => {
                    if !self.ask_the_others(index, now) {
                        break until;
                    }
                }
            }
        };
        let seat = self.seats.get_mut(index)?;
        seat.sockets.flush(&self.scratch);
        seat.streams.read_on();
        for stream in seat.role.sending() {
            seat.role.waits(stream, seat.streams.waiting(stream));
        }
        if let Some(outside) = &seat.outside
            && let Some(question) = seat.role.outside(now)
        {
            outside.ask(question);
        }
        until
    }

    /// Carries what one role wants to know to the others, and what they know back; `false` when it wants nothing.
    fn ask_the_others(&mut self, index: usize, now: Now) -> bool {
        if let Some((id, line)) = self.seats.get_mut(index).and_then(|seat| seat.role.asks()) {
            self.ask(index, id, line);
            return true;
        }
        let question = self.seats.get_mut(index).and_then(|seat| seat.role.question());
        let Some(question) = question else { return false };
        let answer = self.seats.iter_mut().find_map(|seat| seat.role.answer(now, &question));
        if let Some(seat) = self.seats.get_mut(index) {
            seat.role.learned(now, question, answer);
        }
        true
    }

    fn append(&mut self, index: usize, ticket: Ticket, range: rove_base::Span) {
        let Some(Seat { role, .. }) = self.seats.get_mut(index) else { return };
        let kept = match &mut self.keeper {
            Some(keeper) => keeper.append(index, role.tag(), ticket, self.scratch.get(range)),
            None => false,
        };
        if !kept {
            role.journal_failed(self.clock.now());
        }
    }

    fn happened(&mut self, index: usize, news: News) {
        let clock = self.clock;
        let Some(Seat { role, sockets, link, .. }) = self.seats.get_mut(index) else { return };
        match news {
            News::Datagrams(socket) => {
                let now = clock.now();
                for _ in 0..BATCHES {
                    let full = sockets.receive_batch(socket, clock, |received| {
                        let flow = Flow::Udp(received.flow);
                        if !received.truncated {
                            role.handle(now, Arrival::Datagram { flow, bytes: received.bytes });
                        }
                    });
                    if !full {
                        break;
                    }
                }
            }
            News::Access(server) => link.receive(server, |flow, bytes| {
                role.handle(clock.now(), Arrival::Datagram { flow: Flow::Udp(flow), bytes });
            }),
            News::Stream(event) => role.handle(clock.now(), event.arrival()),
            News::Order(line, reply) => role.order(clock.now(), &line, reply),
            News::Outside(answer) => role.outside_said(clock.now(), answer.as_deref()),
            News::Kept(kept) => role.kept(clock.now(), &kept),
        }
    }

    fn journal_said(&mut self, outcome: Outcome) {
        let now = self.clock.now();
        match outcome {
            Outcome::Durable(ticket) => {
                let waiting = self.keeper.as_mut().map(|keeper| keeper.durable(ticket)).unwrap_or_default();
                for (seat, ticket) in waiting {
                    if let Some(seat) = self.seats.get_mut(seat) {
                        seat.role.handle(now, Arrival::Durable { ticket });
                    }
                }
                self.compact();
            }
            Outcome::Failed(error) => {
                tracing::error!(target: "rove::journal", %error, "nothing can be changed until the node is started again");
                self.broken = true;
                self.seats.iter_mut().for_each(|seat| seat.role.journal_failed(now));
            }
        }
    }

    /// Begins to write the journal anew when it has become long.
    fn compact(&mut self) {
        let Some(keeper) = self.keeper.as_mut().filter(|keeper| keeper.is_long()) else { return };
        let mut all = Vec::new();
        for Seat { role, .. } in &mut self.seats {
            let Some(records) = role.begin_snapshot() else { return };
            all.push((role.tag(), records));
        }
        keeper.begin_rewrite();
        all.into_iter().for_each(|(tag, records)| keeper.rewrite_with(tag, records));
    }

    /// Writes a piece of the journal anew. Answers when the next may come.
    fn rewrite_on(&mut self) -> Option<Instant> {
        let keeper = self.keeper.as_mut().filter(|keeper| keeper.is_rewriting())?;
        let next = self.clock.now().mono.later(BETWEEN_PIECES);
        if !keeper.takes_more() {
            return Some(next);
        }
        for Seat { role, .. } in &mut self.seats {
            match role.continue_snapshot() {
                Piece::Records(records) => {
                    keeper.rewrite_with(role.tag(), records);
                    return Some(next);
                }
                Piece::Later => return Some(next),
                Piece::End => {}
            }
        }
        keeper.end_rewrite();
        None
    }
}

/// Between two pieces of a journal that is being written anew.
const BETWEEN_PIECES: Duration = Duration::from_millis(1);
/// Batches of datagrams taken from one socket before anything is done with them.
const BATCHES: usize = 4;
/// Room for the answers of one batch of usual size.
const SCRATCH_BYTES: usize = 64 * 1_024;
