//! A terminal that attaches to networks, on real streams, with a thread of its own.
//!
//! [`Attachment`] keeps a stay until it is ended: signs of life, coming back after a lost stream, and the way home when a
//! challenge is old. What it is told, it tells as [`TerminalEvent`]s.

use core::time::Duration;
use std::{
    io,
    net::IpAddr,
    sync::mpsc::{self, Receiver, Sender},
    thread::JoinHandle,
};

use rove_base::{Flow, Instant, Machine as _, Scratch, Step};
use rove_driver::{StreamEvent, Streams, Tls, TlsError, Trust};
use rove_io::{clock::Clock, entropy::os_entropy};
use rove_roam::attach::{CallId, CallRequest, terminal::Terminal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub use rove_roam::{
    Addresses, BindClaim, HostName, IdentityError, Imsi, NetworkName, Proof,
    aka::{AkaKeys, TerminalKey, Usim},
    attach::{
        Answer, Credential, DialledError, Query, Reason, SimCredential,
        terminal::{Access, TerminalConfig, TerminalEvent},
    },
};

/// A terminal that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoamingError {
    /// Nobody, or a file that cannot be used, says which networks are believed.
    #[error(transparent)]
    Trust(#[from] TlsError),
    /// The operating system refused a thread.
    #[error("the terminal cannot be started: {0}")]
    System(#[from] io::Error),
}

/// A terminal at work. Dropping it leaves without a word.
#[derive(Debug)]
pub struct Attachment {
    orders: UnboundedSender<Order>,
    events: Receiver<TerminalEvent>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Attach(Access),
    AttachFor(Access, CallRequest),
    Detach,
    Ready,
}

impl Attachment {
    /// Starts a terminal that is nowhere yet. `authorities` are files in PEM with those whose certificates of networks
    /// are believed.
    ///
    /// # Errors
    ///
    /// [`RoamingError`].
    pub fn start(
        config: TerminalConfig,
        credential: Box<dyn Credential>,
        authorities: Vec<std::path::PathBuf>,
    ) -> Result<Self, RoamingError> {
        let trust = Trust { authorities, pinned: Vec::new() };
        let tls = Tls::default().with_peers(&trust, None)?;
        let terminal = Terminal::new(config, credential, os_entropy()?);
        let (orders, inbox) = unbounded_channel();
        let (told, events) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let desk = Desk { terminal, told, clock: Clock::new(), scratch: Scratch::default() };
        let thread = std::thread::Builder::new()
            .name("rove-terminal".into())
            .spawn(move || runtime.block_on(desk.run(tls, inbox)))?;
        Ok(Self { orders, events, thread: Some(thread) })
    }

    /// Attaches to a network; a stay elsewhere ends when this one stands.
    pub fn attach(&self, access: Access) {
        let _ = self.orders.send(Order::Attach(access));
    }

    /// The same for the sake of a call to `dialled`: [`TerminalEvent::CallAllowed`] or
    /// [`TerminalEvent::CallRefused`] follows when the stay stands.
    ///
    /// # Errors
    ///
    /// [`DialledError`].
    pub fn attach_for(&self, access: Access, dialled: &str) -> Result<(), DialledError> {
        let call = CallRequest { id: CallId(1), dialled: dialled.parse()?, third: false };
        let _ = self.orders.send(Order::AttachFor(access, call));
        Ok(())
    }

    /// Ends the stay. [`TerminalEvent::Detached`] follows.
    pub fn detach(&self) {
        let _ = self.orders.send(Order::Detach);
    }

    /// The addresses are in use, where another way than DHCP has set them.
    pub fn ready(&self) {
        let _ = self.orders.send(Order::Ready);
    }

    /// The next thing that happens, if it does within `patience`.
    #[must_use]
    pub fn next_event(&self, patience: Duration) -> Option<TerminalEvent> {
        self.events.recv_timeout(patience).ok()
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let (nowhere, _) = unbounded_channel();
        drop(std::mem::replace(&mut self.orders, nowhere));
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(target: "rove::terminal", "the terminal's thread panicked");
        }
    }
}

struct Desk {
    terminal: Terminal,
    told: Sender<TerminalEvent>,
    clock: Clock,
    scratch: Scratch,
}

impl Desk {
    async fn run(mut self, tls: Tls, mut inbox: UnboundedReceiver<Order>) {
        let mut streams = Streams::new(tls);
        loop {
            let wake = self.drain(&mut streams);
            let clock = self.clock;
            tokio::select! {
                order = inbox.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return streams.finish(LAST_WORDS).await,
                },
                event = streams.next() => self.happened(&event),
                () = sleep_until(clock, wake) => self.terminal.tick(clock.now()),
            }
        }
    }

    fn obey(&mut self, order: Order) {
        let now = self.clock.now();
        match order {
            Order::Attach(access) => self.terminal.attach(now, access),
            Order::AttachFor(access, call) => self.terminal.attach_for(now, access, call),
            Order::Detach => self.terminal.detach(now),
            Order::Ready => self.terminal.ready(now),
        }
    }

    fn happened(&mut self, event: &StreamEvent) {
        self.terminal.handle(self.clock.now(), event.arrival());
    }

    fn drain(&mut self, streams: &mut Streams) -> Option<Instant> {
        self.scratch.clear();
        loop {
            match self.terminal.poll(&mut self.scratch) {
                Step::Send(transmit) => {
                    if let Flow::Stream(stream) = transmit.flow {
                        streams.send(stream, self.scratch.get(transmit.range));
                    }
                }
                Step::Connect(connect) => streams.connect(connect),
                Step::Close(stream) => streams.close(stream),
                Step::Event(event) => drop(self.told.send(event)),
                Step::Append(_) => {}
                Step::Wait(until) => {
                    streams.read_on();
                    return until;
                }
            }
        }
    }
}

async fn sleep_until(clock: Clock, wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(clock.std_instant(at).into()).await,
        None => std::future::pending().await,
    }
}

/// The address of a stay that calls are made from: IPv4 where there is one.
#[must_use]
pub fn first_address(addresses: &Addresses) -> Option<IpAddr> {
    addresses.v4.map(IpAddr::V4).or_else(|| addresses.v6.map(IpAddr::V6))
}

/// How long a farewell may take to leave.
const LAST_WORDS: Duration = Duration::from_secs(1);
