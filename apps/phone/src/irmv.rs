//! A user of an IRMV server, on a real link, with a thread of its own.
//!
//! [`Irmv`] keeps one link to its server open, stays registered there, and asks. What it is told, it tells as
//! [`ClientEvent`]s.

use core::time::Duration;
use std::{
    io,
    path::Path,
    sync::mpsc::{self, Receiver, Sender},
    thread::JoinHandle,
};

use rove_base::{Flow, Instant, Machine as _, Scratch, Step};
use rove_driver::{Streams, Tls, TlsError, certificates};
use rove_io::{clock::Clock, entropy::os_entropy};
use rove_irmv::{PROTOCOL, client::Client};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub use rove_irmv::{
    BadIdentifier, BadInvite, BadWord, Card, Carry, CarryId, Claim, Contact, Identifier, Invite, Listing,
    Name, Number, NumberProof, Proof, Reason, Record, RelayTicket, Stage, Status, Uid, UserKey, Words,
    client::{ClientConfig, ClientEvent, Presence},
};

/// A user that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IrmvError {
    /// A file that cannot be used says which servers are believed.
    #[error(transparent)]
    Trust(#[from] TlsError),
    /// The operating system refused a thread.
    #[error("the registry cannot be asked: {0}")]
    System(#[from] io::Error),
}

/// A user at work. Dropping it leaves without a word.
#[derive(Debug)]
pub struct Irmv {
    orders: UnboundedSender<Order>,
    events: Receiver<ClientEvent>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Register(Box<(UserKey, Presence)>),
    Leave,
    Query(Identifier),
    Watch(Identifier),
    Search(Words),
    List(Words),
    Admit(Name, bool),
    Prove(Box<NumberProof>),
    Speak(Box<(UserKey, Name)>),
    Carry(Carry),
    Lend(Name, CarryId),
}

impl Irmv {
    /// A user of the server that `config` names; `authorities` is a file in PEM with those whose certificates are believed
    /// instead of the system's.
    ///
    /// # Errors
    ///
    /// [`IrmvError`].
    pub fn start(config: ClientConfig, authorities: Option<&Path>) -> Result<Self, IrmvError> {
        Self::with_tls(config, Tls::default().with_quic(authorities, None, PROTOCOL)?)
    }

    /// A user of the server that he was invited to, which is known by its certificate's fingerprint.
    ///
    /// # Errors
    ///
    /// [`IrmvError`].
    pub fn invited(invite: &Invite) -> Result<Self, IrmvError> {
        let (server, further) = (invite.server, Vec::new());
        let config = ClientConfig { server, further, domain: invite.domain.clone() };
        Self::with_tls(config, Tls::default().with_pinned_quic(invite.fingerprint, PROTOCOL))
    }

    fn with_tls(config: ClientConfig, tls: Tls) -> Result<Self, IrmvError> {
        let client = Client::new(config, os_entropy()?);
        let (orders, inbox) = unbounded_channel();
        let (told, events) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let desk = Desk { client, told, clock: Clock::new(), scratch: Scratch::default() };
        let thread = std::thread::Builder::new()
            .name("rove-irmv".into())
            .spawn(move || runtime.block_on(desk.run(tls, inbox)))?;
        Ok(Self { orders, events, thread: Some(thread) })
    }

    /// Registers, and stays registered; again with something else when that has changed.
    pub fn register(&self, key: UserKey, presence: Presence) {
        let _ = self.orders.send(Order::Register(Box::new((key, presence))));
    }

    /// Asks and admits as a user that has registered by another link, which stays as it is: [`ClientEvent::Known`] follows.
    pub fn speak(&self, key: UserKey, name: Name) {
        let _ = self.orders.send(Order::Speak(Box::new((key, name))));
    }

    /// Shows that a number is the user's: before [`Irmv::register`] says it.
    pub fn prove(&self, proof: NumberProof) {
        let _ = self.orders.send(Order::Prove(Box::new(proof)));
    }

    /// Takes the registration back. [`ClientEvent::Left`] follows.
    pub fn leave(&self) {
        let _ = self.orders.send(Order::Leave);
    }

    /// Asks who that is, and where. [`ClientEvent::Answer`] follows.
    pub fn query(&self, identifier: Identifier) {
        let _ = self.orders.send(Order::Query(identifier));
    }

    /// Asks to be told who that is, now and whenever it changes: [`ClientEvent::Seen`].
    pub fn watch(&self, identifier: Identifier) {
        let _ = self.orders.send(Order::Watch(identifier));
    }

    /// Asks who may be found by all of these words. [`ClientEvent::Found`] follows, once or more often.
    pub fn search(&self, words: Words) {
        let _ = self.orders.send(Order::Search(words));
    }

    /// Says by which words anybody may find the user that is registered here, which has to be listed:
    /// [`ClientEvent::Listed`] follows.
    pub fn list(&self, words: Words) {
        let _ = self.orders.send(Order::List(words));
    }

    /// Says whether somebody may see the user that is registered here: [`ClientEvent::Admitted`] follows.
    pub fn admit(&self, whom: Name, may: bool) {
        let _ = self.orders.send(Order::Admit(whom, may));
    }

    /// Says something to another user by way of the servers; lost while there is no link.
    pub fn carry(&self, carry: Carry) {
        let _ = self.orders.send(Order::Carry(carry));
    }

    /// Asks by what relays lend an address for a call with somebody. [`ClientEvent::Lent`] follows.
    pub fn lend(&self, whom: Name, call: CarryId) {
        let _ = self.orders.send(Order::Lend(whom, call));
    }

    /// The next thing that happens, if it does within `patience`.
    #[must_use]
    pub fn next_event(&self, patience: Duration) -> Option<ClientEvent> {
        self.events.recv_timeout(patience).ok()
    }
}

impl Drop for Irmv {
    fn drop(&mut self) {
        let (nowhere, _) = unbounded_channel();
        drop(std::mem::replace(&mut self.orders, nowhere));
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(target: "rove::irmv", "the thread that asks the registry panicked");
        }
    }
}

/// A proof of a number, as a network hands it out: the value of an Identity header (RFC 8224 §4) on the first line of a file,
/// then, in PEM, the certificate that it is verified with, and those between that and an authority.
///
/// # Errors
///
/// [`IrmvError`] names the file.
pub fn read_number_proof(path: &Path, user: Name, number: Number) -> Result<NumberProof, IrmvError> {
    let certificates = certificates(path)?;
    let text = std::fs::read_to_string(path)?;
    let identity = text.lines().next().unwrap_or_default().trim().to_owned();
    Ok(NumberProof { user, number, identity, certificates })
}

struct Desk {
    client: Client,
    told: Sender<ClientEvent>,
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
                event = streams.next() => self.client.handle(clock.now(), event.arrival()),
                () = sleep_until(clock, wake) => self.client.tick(clock.now()),
            }
        }
    }

    fn obey(&mut self, order: Order) {
        let now = self.clock.now();
        match order {
            Order::Register(user) => {
                let (key, presence) = *user;
                self.client.register(now, key, presence);
            }
            Order::Leave => self.client.leave(now),
            Order::Query(identifier) => _ = self.client.query(now, identifier),
            Order::Watch(identifier) => _ = self.client.watch(now, identifier),
            Order::Search(words) => _ = self.client.search(now, words),
            Order::List(words) => self.client.list(now, words),
            Order::Speak(user) => {
                let (key, name) = *user;
                self.client.speak(now, key, name);
            }
            Order::Prove(proof) => self.client.prove(*proof),
            Order::Admit(whom, may) => _ = self.client.admit(now, whom, may),
            Order::Carry(carry) => _ = self.client.carry(now, carry),
            Order::Lend(whom, call) => _ = self.client.lend(now, whom, call),
        }
    }

    fn drain(&mut self, streams: &mut Streams) -> Option<Instant> {
        self.scratch.clear();
        loop {
            match self.client.poll(&mut self.scratch) {
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

/// How long the last word may take to leave.
const LAST_WORDS: Duration = Duration::from_secs(1);
