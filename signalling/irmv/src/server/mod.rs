//! A server: terminals register with it and ask it; what it does not know it asks the server that does.
//!
//! Nothing is acknowledged, and nothing shows, before it is durable.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod accounts;
mod asks;
mod carry;
mod config;
mod contacts;
mod directory;
mod federation;
mod journal;
mod lend;
mod link;
mod numbers;
mod query;
mod register;
mod seek;
mod watch;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use rove_base::{Arrival, Entropy, Instant, Machine, Now, Outbox, Scratch, Step, StreamId, Ticket};

use self::{
    accounts::Dismissals,
    asks::{Answer, Asks},
    contacts::Contacts,
    directory::Directory,
    federation::Peers,
    link::{Link, Part, Who},
    numbers::Numbers,
    query::Strangers,
    register::Held,
    watch::Watches,
};
pub use self::{
    config::{Account, ServerConfig, ServerLimits},
    seek::keys,
};
use crate::{
    CarryId, Face, Message, Name, News, Number, NumberProof, Reason, Record, Registry, SearchKey,
    SharedRegistry, Uid, UserKey, WireError, Words,
};

/// What a server tells its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// Somebody is there; durable, and acknowledged.
    Registered {
        /// Who.
        record: Box<Record>,
        /// Seen from where.
        from: SocketAddr,
    },
    /// Somebody has left, or was not heard of for too long.
    Left {
        /// Who.
        name: Name,
    },
    /// Anybody may find somebody by these words now, and by no others; durable, and acknowledged.
    Listed {
        /// Whom.
        name: Name,
        /// By what; by nothing any more when there are none.
        words: Words,
    },
    /// Whether this proof holds is to be found out: [`Server::verified`] answers.
    Verify {
        /// Which verification.
        number: u64,
        /// What was shown.
        proof: Box<NumberProof>,
    },
    /// Whoever was registered by a name before its account became another is not any more, as [`Server::set_account`] has
    /// said that it will be.
    Dismissed {
        /// By which.
        name: Name,
        /// Whether that is durable; otherwise the journal has failed, and may say after a restart that it still is.
        kept: bool,
    },
    /// Something was refused.
    Refused {
        /// Whom.
        from: SocketAddr,
        /// Why.
        reason: Reason,
    },
    /// Where the server of this domain is, is to be found out; [`Server::resolved`] answers.
    Resolve {
        /// Which domain.
        domain: String,
    },
    /// Who has to be asked for whoever has this key, is to be found out: [`Server::pointed`] answers, and in the end
    /// [`Server::sought`].
    Seek {
        /// Which search.
        seek: u64,
        /// For whom.
        key: SearchKey,
    },
    /// The link with another server stands, or is gone.
    Peer {
        /// Whose.
        domain: String,
        /// Whether it stands.
        up: bool,
    },
    /// A user wants an address of a relay for a call; [`Server::lent`] answers.
    Lend {
        /// For the answer.
        stream: StreamId,
        /// For the answer.
        id: u32,
        /// Who: registered, and on this stream.
        user: Name,
        /// Whom the call is with.
        whom: Name,
        /// Which call.
        call: CarryId,
    },
    /// Somebody sends what makes no sense; its stream is closed.
    Malformed {
        /// Who.
        from: SocketAddr,
        /// What is wrong with it.
        error: WireError,
    },
}

/// The machine of a server.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    key: UserKey,
    now: Now,
    registry: SharedRegistry,
    links: BTreeMap<StreamId, Link>,
    /// On which stream a user is there.
    homes: BTreeMap<Uid, StreamId>,
    /// What waits for the journal, oldest first.
    held: VecDeque<Held>,
    next_ticket: u64,
    /// Nothing can be kept any more.
    broken: bool,
    peers: Peers,
    asks: Asks,
    watches: Watches,
    contacts: Contacts,
    /// Whose numbers are, as the operator says.
    numbers: BTreeMap<Number, Name>,
    /// Whose they are, as users have shown.
    numbers_shown: Numbers,
    strangers: Strangers,
    searchers: Strangers,
    directory: Directory,
    dismissals: Dismissals,
    outbox: Outbox<ServerEvent>,
}

impl Server {
    /// A server that knows nobody yet, and signs with `key`.
    #[must_use]
    pub fn new(config: ServerConfig, key: UserKey, mut entropy: Entropy) -> Self {
        let registry = Registry::new(config.limits.registry, &key, &mut entropy);
        let registry = registry.speaking(&key, &config);
        Self::on(SharedRegistry::new(registry), config, key)
    }

    /// The same on a registry that other faces stand on as well; it has to speak with `key`.
    #[must_use]
    pub fn on(registry: SharedRegistry, config: ServerConfig, key: UserKey) -> Self {
        registry.lock().listen(Face::Native);
        let numbers = config.numbers();
        Self {
            config,
            key,
            now: Now::default(),
            registry,
            links: BTreeMap::new(),
            homes: BTreeMap::new(),
            held: VecDeque::new(),
            next_ticket: 0,
            broken: false,
            peers: Peers::default(),
            asks: Asks::default(),
            watches: Watches::default(),
            contacts: Contacts::default(),
            numbers,
            numbers_shown: Numbers::default(),
            strangers: Strangers::default(),
            searchers: Strangers::default(),
            directory: Directory::default(),
            dismissals: Dismissals::default(),
            outbox: Outbox::default(),
        }
    }

    /// All that is known.
    #[must_use]
    pub const fn registry(&self) -> &SharedRegistry {
        &self.registry
    }

    /// What it was told.
    #[must_use]
    pub const fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Other accounts, limits and lifetimes from now on, of the same domain; who is registered stays so until then.
    pub fn reconfigure(&mut self, config: ServerConfig) {
        let domain = core::mem::take(&mut self.config.domain);
        let before = self.config.listed();
        self.config = ServerConfig { domain, ..config };
        self.numbers = self.config.numbers();
        let (after, mut registry) = (self.config.listed(), self.registry.lock());
        before.difference(&after).for_each(|name| registry.list(name, false));
        after.difference(&before).for_each(|name| registry.list(name, true));
    }

    fn say(&mut self, stream: StreamId, message: &Message) {
        self.outbox.frame(stream, &[&message.encode()]);
    }

    fn refuse(&mut self, stream: StreamId, id: u32, reason: Reason) {
        let Some(link) = self.links.get(&stream) else { return };
        let from = link.remote;
        self.outbox.event(ServerEvent::Refused { from, reason });
        self.say(stream, &Message::Refused { id, reason });
    }

    fn heard(&mut self, stream: StreamId, mut bytes: &[u8]) {
        loop {
            let Some(link) = self.links.get_mut(&stream) else { return };
            let message = match link.frames.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(frame)) => Message::decode(&frame),
                Err(error) => Err(error.into()),
            };
            let from = link.remote;
            if let Err(error) = message.and_then(|message| self.told(stream, message)) {
                self.outbox.event(ServerEvent::Malformed { from, error });
                self.outbox.close(stream);
                return self.lost(stream);
            }
        }
    }

    /// One message of a stream. What nobody may say here is an error.
    fn told(&mut self, stream: StreamId, message: Message) -> Result<(), WireError> {
        let Some(part) = self.links.get(&stream).map(Link::part) else { return Ok(()) };
        let out_of_place = Err(WireError::Value("the place of a message"));
        match (part, message) {
            (Part::Stranger, Message::Hello { server }) => return self.greeted(stream, server),
            (Part::Asked, Message::Welcome { domain, key }) => return self.welcomed(stream, &domain, key),
            (Part::Stranger | Part::Asked, _) => return out_of_place,
            (Part::Terminal, Message::Register { id, claim, signature }) => {
                self.register(stream, id, claim, signature);
            }
            (Part::Terminal, Message::Admit { id, user, whom, may }) => {
                self.admit(stream, id, &user, whom, may);
            }
            (Part::Terminal, Message::List { id, card, signature }) => self.list(stream, id, card, signature),
            (Part::Terminal, Message::Speak { id, speaker }) => self.speak(stream, id, speaker),
            (Part::Terminal, Message::Prove { id, proof }) => self.prove(stream, id, proof),
            (Part::Terminal, Message::Lend { id, user, whom, call }) => {
                self.lend(stream, id, user, whom, call);
            }
            (_, Message::Search { id, words, asker }) => self.search(stream, id, words, asker),
            (Part::Peer, Message::Found { id, listings, .. }) => {
                self.answered(stream, id, Ok(Answer::Listings(listings)));
            }
            (_, Message::Query { id, identifier, asker }) => self.query(stream, id, identifier, asker),
            (_, Message::Subscribe { id, identifier, asker }) => {
                self.subscribe(stream, id, identifier, asker);
            }
            (_, Message::Unsubscribe { id }) => self.unsubscribe(stream, id),
            (_, Message::Carry(carry)) => self.carry(stream, carry),
            (Part::Peer, Message::Answer { id, record }) => {
                self.answered(stream, id, Ok(Answer::Record(record.map(Box::new))));
            }
            (Part::Peer, Message::Refused { id, reason }) => self.answered(stream, id, Err(reason)),
            (Part::Peer, Message::Notify { id, record }) => self.notified(stream, id, record.as_ref()),
            _ => return out_of_place,
        }
        Ok(())
    }
}

impl Machine for Server {
    type Input<'a> = Arrival<'a>;
    type Event = ServerEvent;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.now = now;
        match input {
            Arrival::Connected { stream, remote, .. } => self.connected(stream, remote),
            Arrival::Identified { stream, name } => {
                if let Some(link) = self.links.get_mut(&stream) {
                    link.shown = Some(name.to_owned());
                }
            }
            Arrival::Stream { stream, bytes } => self.heard(stream, bytes),
            Arrival::Closed { stream, .. } => {
                self.not_opened(stream);
                self.lost(stream);
            }
            Arrival::Durable { ticket } => self.durable(ticket),
            Arrival::Datagram { .. } => {}
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.registry.lock().expire(now.wall);
        self.hear_news();
        self.give_up_asking();
        self.peers_tick();
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<ServerEvent> {
        self.hear_news();
        if let Some(step) = self.outbox.poll(out) {
            return step;
        }
        let wall = self.registry.lock().deadline().map(|at| {
            let nanos = at.as_nanos().saturating_sub(self.now.wall.as_nanos());
            self.now.mono.later(core::time::Duration::from_nanos(nanos))
        });
        let others = Instant::earliest(self.asks.deadline(), self.peers.deadline());
        Step::Wait(Instant::earliest(wall, others))
    }
}

impl Server {
    /// What time and the other faces have done to those who are watched here.
    fn hear_news(&mut self) {
        loop {
            let news = self.registry.lock().news(Face::Native);
            match news {
                None => return,
                Some(News::Ended(record)) => self.gone(&record),
                Some(News::Changed(name)) => self.changed_elsewhere(&name),
            }
        }
    }

    const fn ticket(&mut self) -> Ticket {
        self.next_ticket = self.next_ticket.saturating_add(1);
        Ticket(self.next_ticket)
    }
}
