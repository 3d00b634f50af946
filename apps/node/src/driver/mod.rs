//! The loop that carries a role's steps to sockets, streams, timers and the journal.
//!
//! ```text
//!  UDP batches ─┐                       ┌─▶ UDP batches
//!  streams ─────┼─▶ role.handle ─ poll ─┼─▶ streams
//!  journal ─────┘                       └─▶ journal
//! ```

mod keeper;

use std::{future::poll_fn, io, sync::Arc, task::Poll};

use rove_base::{Arrival, Flow, Instant, Machine, Now, Scratch, Step, Ticket};
use rove_dns::update::ReplayError;
use rove_driver::{Listener, Sockets, StreamEvent, Streams, Tls};
use rove_io::{clock::Clock, journal::Outcome, net::UdpSocket};
use tokio::sync::Notify;

pub(crate) use keeper::Keeper;

/// A machine that is one of a node's roles.
pub(crate) trait Role: for<'a> Machine<Input<'a> = Arrival<'a>> {
    /// First byte of its records in the node's journal.
    const TAG: u8;

    /// Repeats what a record of the journal says; `false` when it is about something that is not configured any more.
    fn replay(&mut self, record: &[u8]) -> Result<bool, ReplayError>;

    /// Records that say the same as all it asked for so far, in fewer words; `None` while some of them wait.
    fn snapshot(&self) -> Option<Vec<Vec<u8>>>;

    /// Nothing can be made durable any more.
    fn journal_failed(&mut self, now: Now);

    /// Tells the log.
    fn note(&mut self, now: Now, event: Self::Event);
}

/// A role with everything that carries its steps.
pub(crate) struct Driver<R> {
    role: R,
    ears: Vec<(UdpSocket, Listener)>,
    keeper: Option<Keeper>,
    stop: Arc<Notify>,
}

impl<R: Role> Driver<R> {
    pub(crate) fn new(
        role: R,
        ears: Vec<(UdpSocket, Listener)>,
        keeper: Option<Keeper>,
        stop: Arc<Notify>,
    ) -> Self {
        Self { role, ears, keeper, stop }
    }
}

/// Runs the role until it is told to stop.
pub(crate) async fn run<R: Role>(driver: Driver<R>) {
    let Driver { role, ears, keeper, stop } = driver;
    let (sockets, streams) = match watch(ears) {
        Ok(parts) => parts,
        Err(error) => return tracing::error!(target: "rove::node", %error, "the sockets cannot be watched"),
    };
    let clock = Clock::new();
    let scratch = Scratch::with_capacity(SCRATCH_BYTES);
    let mut desk = Desk { role, clock, sockets, streams, keeper, scratch };
    loop {
        let wake = desk.drain();
        tokio::select! {
            () = stop.notified() => return,
            index = desk.sockets.readable() => desk.receive(index),
            event = desk.streams.next() => desk.stream_event(&event),
            outcome = Keeper::outcome(&mut desk.keeper) => desk.journal_said(outcome),
            () = sleep_until(clock, wake) => desk.role.tick(clock.now()),
        }
    }
}

/// Watches what a role listens on; must be called on the runtime.
fn watch(ears: Vec<(UdpSocket, Listener)>) -> io::Result<(Sockets, Streams)> {
    let (sockets, listeners): (Vec<_>, Vec<_>) = ears.into_iter().unzip();
    let mut streams = Streams::new(Tls::default());
    listeners.into_iter().try_for_each(|listener| streams.accept_from(listener))?;
    Ok((Sockets::new(sockets)?, streams))
}

struct Desk<R> {
    role: R,
    clock: Clock,
    sockets: Sockets,
    streams: Streams,
    keeper: Option<Keeper>,
    scratch: Scratch,
}

impl<R: Role> Desk<R> {
    /// Does what the role wants done, and answers when it wants to be woken.
    fn drain(&mut self) -> Option<Instant> {
        let wake = loop {
            match self.role.poll(&mut self.scratch) {
                Step::Send(transmit) => match transmit.flow {
                    Flow::Udp(_) => self.sockets.push(transmit, &self.scratch),
                    Flow::Stream(stream) => self.streams.send(stream, self.scratch.get(transmit.range)),
                },
                Step::Append(append) => self.append(append.ticket, append.range),
                Step::Close(stream) => self.streams.close(stream),
                Step::Event(event) => self.role.note(self.clock.now(), event),
                Step::Connect(connect) => self.streams.connect(connect),
                Step::Wait(until) => break until,
            }
        };
        self.sockets.flush(&self.scratch);
        self.streams.read_on();
        self.scratch.clear();
        wake
    }

    fn append(&mut self, ticket: Ticket, range: rove_base::Span) {
        let kept = match &mut self.keeper {
            Some(keeper) => keeper.append(R::TAG, ticket, self.scratch.get(range)),
            None => false,
        };
        if !kept {
            self.role.journal_failed(self.clock.now());
        }
    }

    fn receive(&mut self, index: usize) {
        let Self { role, clock, sockets, .. } = self;
        let clock = *clock;
        sockets.receive(index, clock, |received| {
            let flow = Flow::Udp(received.flow);
            if !received.truncated {
                role.handle(clock.now(), Arrival::Datagram { flow, bytes: received.bytes });
            }
        });
    }

    fn stream_event(&mut self, event: &StreamEvent) {
        self.role.handle(self.clock.now(), event.arrival());
    }

    fn journal_said(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Durable(ticket) => {
                self.role.handle(self.clock.now(), Arrival::Durable { ticket });
                self.compact();
            }
            Outcome::Failed(error) => {
                tracing::error!(target: "rove::journal", %error, "nothing can be changed until the node is started again");
                self.role.journal_failed(self.clock.now());
            }
        }
    }

    /// Writes the journal anew when it has become long and nothing waits for it.
    fn compact(&mut self) {
        if let Some(keeper) = self.keeper.as_mut().filter(|keeper| keeper.is_long())
            && let Some(records) = self.role.snapshot()
        {
            keeper.rewrite(R::TAG, records);
        }
    }
}

async fn sleep_until(clock: Clock, wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(clock.std_instant(at).into()).await,
        None => poll_fn(|_| Poll::Pending).await,
    }
}

/// Room for the answers of one batch of usual size.
const SCRATCH_BYTES: usize = 64 * 1_024;
