//! One server in the network: what it publishes, what it seeks.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::StreamExt as _;
use libp2p_core::{Multiaddr, multiaddr::Protocol};
use libp2p_identity::PeerId;
use libp2p_kad::{
    self as kad, GetRecordOk, InboundRequest, PeerRecord, PutRecordError, QueryId, QueryResult, Quorum,
    Record, RecordKey,
};
use libp2p_swarm::{Swarm, SwarmEvent};
use rove_base::UnixTime;
use rove_irmv::{Pointer, SearchKey, UserKey};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

use super::{
    Neighbours, Speech,
    neighbours::ip_of,
    network::{PROTOCOL, without_peer},
};

/// What a server says of itself in its pointers.
pub struct Me {
    /// Its domain.
    pub domain: String,
    /// Where its IRMV protocol is spoken.
    pub addresses: Vec<SocketAddr>,
    /// With what it signs.
    pub key: UserKey,
}

/// Servers that say they have to be asked, as they are found; the end says that there are no more. Dropping it ends the
/// search.
pub type Found = mpsc::Receiver<Pointer>;

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SearchCounts {
    /// Pointers kept now.
    pub kept: usize,
    /// Neighbours known now.
    pub neighbours: usize,
    /// Searches begun.
    pub searches: u64,
    /// Pointers that were brought and not kept.
    pub refused: u64,
    /// Pointers that a search was answered with and that were not believed.
    pub disbelieved: u64,
}

enum Command {
    Publish(SearchKey),
    Withdraw(SearchKey),
    Find(SearchKey, mpsc::Sender<Pointer>),
    Count(oneshot::Sender<SearchCounts>),
}

/// A hold on the server's part in the network; when the last is dropped, it leaves.
#[derive(Clone, Debug)]
pub struct Search(mpsc::UnboundedSender<Command>);

impl Search {
    /// Says to the network that whoever has this key has to be asked for here; again and again, until it is withdrawn.
    pub fn publish(&self, key: SearchKey) {
        let _ = self.0.send(Command::Publish(key));
    }

    /// Says it no more; others forget it within [`Pointer::LONGEST`] seconds.
    pub fn withdraw(&self, key: SearchKey) {
        let _ = self.0.send(Command::Withdraw(key));
    }

    /// Asks the network who has to be asked. What is found ends at once when the server has left.
    #[must_use]
    pub fn find(&self, key: SearchKey) -> Found {
        let (found, receiver) = mpsc::channel(CANDIDATES);
        let _ = self.0.send(Command::Find(key, found));
        receiver
    }

    /// What was counted; `None` when the server has left.
    pub async fn counts(&self) -> Option<SearchCounts> {
        let (answer, receiver) = oneshot::channel();
        self.0.send(Command::Count(answer)).ok()?;
        receiver.await.ok()
    }
}

/// A server that takes part.
#[derive(Debug)]
pub struct Standing {
    /// For whoever publishes and seeks.
    pub search: Search,
    /// Who it is to others.
    pub peer: PeerId,
    /// Its work.
    pub task: JoinHandle<()>,
}

/// Takes part: knows `bootstrap` first, with who is there and where; admits `most` neighbours of one network.
#[must_use]
pub fn start(mut swarm: Swarm<Speech>, me: Me, bootstrap: &[(PeerId, Multiaddr)], most: usize) -> Standing {
    let peer = *swarm.local_peer_id();
    for (known, address) in bootstrap {
        swarm.behaviour_mut().kad.add_address(known, address.clone());
    }
    // Nobody to begin with is no error: others may come.
    let _ = swarm.behaviour_mut().kad.bootstrap();
    let (commands, receiver) = mpsc::unbounded_channel();
    let mut again = interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let member = Member {
        swarm,
        me,
        commands: receiver,
        neighbours: Neighbours::new(most),
        published: BTreeMap::new(),
        brought: HashMap::new(),
        searches: HashMap::new(),
        seen: HashMap::new(),
        counts: SearchCounts::default(),
        budget: AT_ONCE,
        again,
    };
    Standing { search: Search(commands), peer, task: tokio::spawn(member.run()) }
}

struct Member {
    swarm: Swarm<Speech>,
    me: Me,
    commands: mpsc::UnboundedReceiver<Command>,
    neighbours: Neighbours,
    /// What is published.
    published: BTreeMap<SearchKey, Due>,
    /// Pointers on their way to those who are to keep them.
    brought: HashMap<QueryId, SearchKey>,
    searches: HashMap<QueryId, Sought>,
    /// From where those who are connected are seen.
    seen: HashMap<PeerId, Option<IpAddr>>,
    counts: SearchCounts,
    /// What may be published before the next second.
    budget: usize,
    again: Interval,
}

/// When something is published again.
#[derive(Clone, Copy)]
struct Due {
    at: Instant,
    /// How often in a row too few took it.
    missed: u32,
}

struct Sought {
    key: SearchKey,
    found: mpsc::Sender<Pointer>,
    /// Servers that were told of already.
    told: Vec<[u8; 32]>,
}

impl Member {
    async fn run(mut self) {
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.heard(event),
                command = self.commands.recv() => match command {
                    Some(command) => self.told(command),
                    None => return,
                },
                _ = self.again.tick() => self.do_again(),
            }
        }
    }

    fn told(&mut self, command: Command) {
        match command {
            Command::Publish(key) => {
                self.published.insert(key, Due { at: Instant::now(), missed: 0 });
                self.publish(key);
            }
            Command::Withdraw(key) => {
                self.published.remove(&key);
                self.swarm.behaviour_mut().kad.remove_record(&RecordKey::new(&key.0));
            }
            Command::Find(key, found) => {
                let query = self.swarm.behaviour_mut().kad.get_record(RecordKey::new(&key.0));
                self.searches.insert(query, Sought { key, found, told: Vec::new() });
                self.counts.searches += 1;
            }
            Command::Count(answer) => {
                let neighbours = self.neighbours_now();
                let kept = self.swarm.behaviour_mut().kad.store_mut().len();
                let _ = answer.send(SearchCounts { kept, neighbours, ..self.counts });
            }
        }
    }

    /// Publishes it, or leaves it for the next second.
    fn publish(&mut self, key: SearchKey) {
        let Some(left) = self.budget.checked_sub(1) else { return };
        self.budget = left;
        if let Some(due) = self.published.get_mut(&key) {
            due.at = Instant::now() + PUBLISH;
        }
        let expires = UnixTime::from_secs(wall().as_secs() + Pointer::LONGEST);
        let pointer = Pointer::sign(key, &self.me.domain, &self.me.addresses, expires, &self.me.key);
        let mut record = Record::new(RecordKey::new(&key.0), pointer.encode());
        record.expires = Some((Instant::now() + Duration::from_secs(Pointer::LONGEST)).into_std());
        match self.swarm.behaviour_mut().kad.put_record(record, Quorum::N(ENOUGH)) {
            Ok(query) => drop(self.brought.insert(query, key)),
            // A shelf that is full keeps none of our own either; the next time may do.
            Err(_) => self.missed(key),
        }
    }

    /// As many as asked for have a pointer, or fewer, or nobody was reached in time: then it is brought again soon.
    fn kept(&mut self, query: QueryId, result: &kad::PutRecordResult) {
        let Some(key) = self.brought.remove(&query) else { return };
        let by = match result {
            Ok(_) => ENOUGH.get(),
            Err(PutRecordError::QuorumFailed { success, .. } | PutRecordError::Timeout { success, .. }) => {
                success.len()
            }
        };
        // A small network has no more to offer.
        let enough = ENOUGH.get().min(self.neighbours_now() / 2);
        if by < enough {
            self.missed(key);
        } else if let Some(due) = self.published.get_mut(&key) {
            due.missed = 0;
        }
    }

    fn missed(&mut self, key: SearchKey) {
        if let Some(due) = self.published.get_mut(&key) {
            let wait = AGAIN.saturating_mul(2_u32.saturating_pow(due.missed.saturating_add(1))).min(PUBLISH);
            *due = Due { at: Instant::now() + wait, missed: due.missed.saturating_add(1) };
        }
    }

    fn neighbours_now(&mut self) -> usize {
        self.swarm.behaviour_mut().kad.kbuckets().map(|bucket| bucket.num_entries()).sum()
    }

    /// What is due again, a few at a time; what is out of date goes; who has nobody asks those it began with.
    fn do_again(&mut self) {
        let now = Instant::now();
        self.budget = AT_ONCE;
        let due = self.published.iter().filter(|(_, due)| due.at <= now).map(|(key, _)| *key);
        due.take(AT_ONCE).collect::<Vec<_>>().into_iter().for_each(|key| self.publish(key));
        self.swarm.behaviour_mut().kad.store_mut().sweep(wall());
    }

    fn heard(&mut self, event: SwarmEvent<super::network::SpeechEvent>) {
        use super::network::SpeechEvent;
        match event {
            SwarmEvent::Behaviour(SpeechEvent::Kad(event)) => self.heard_kad(event),
            SwarmEvent::Behaviour(SpeechEvent::Identify(libp2p_identify::Event::Received {
                peer_id,
                info,
                ..
            })) => {
                self.met(peer_id, &info);
            }
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                self.seen.insert(peer_id, ip_of(endpoint.get_remote_address()));
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.seen.remove(&peer_id);
            }
            _ => {}
        }
    }

    /// A neighbour says where it takes connections: believed for the address that it is seen at.
    fn met(&mut self, peer: PeerId, info: &libp2p_identify::Info) {
        if !info.protocols.contains(&PROTOCOL) {
            return;
        }
        let Some(seen) = self.seen.get(&peer) else { return };
        if let Some(address) = info.listen_addrs.iter().find(|address| is_at(address, *seen)) {
            self.take_in(peer, address.clone());
        }
    }

    fn take_in(&mut self, peer: PeerId, address: Multiaddr) {
        if self.neighbours.admits(peer, &address) {
            let _ = self.swarm.behaviour_mut().kad.add_address(&peer, without_peer(address));
        }
    }

    fn heard_kad(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest {
                request: InboundRequest::PutRecord { source, record: Some(record), .. },
            } => {
                let kept = self.swarm.behaviour_mut().kad.store_mut().keep(&record, source, wall());
                self.counts.refused += u64::from(kept.is_err());
            }
            kad::Event::RoutablePeer { peer, address }
            | kad::Event::PendingRoutablePeer { peer, address } => {
                self.take_in(peer, address);
            }
            kad::Event::RoutingUpdated { old_peer: Some(old), .. } => self.neighbours.left(&old),
            kad::Event::OutboundQueryProgressed { id, result: QueryResult::PutRecord(result), .. } => {
                self.kept(id, &result);
            }
            kad::Event::OutboundQueryProgressed {
                id, result: QueryResult::GetRecord(result), step, ..
            } => {
                let goes_on = match result {
                    Ok(GetRecordOk::FoundRecord(record)) => self.found(id, &record),
                    _ => true,
                };
                if !goes_on && let Some(mut query) = self.swarm.behaviour_mut().kad.query_mut(&id) {
                    query.finish();
                }
                if step.last || !goes_on {
                    self.searches.remove(&id);
                }
            }
            _ => {}
        }
    }

    /// Somebody answers a search; whether more is wanted.
    fn found(&mut self, id: QueryId, answer: &PeerRecord) -> bool {
        let Some(sought) = self.searches.get_mut(&id) else { return false };
        let Ok(pointers) = Pointer::decode_all(&answer.record.value) else {
            self.counts.disbelieved += 1;
            return true;
        };
        for pointer in pointers {
            if sought.told.contains(&pointer.server) {
                continue;
            }
            if pointer.verify(sought.key, wall()).is_err() {
                self.counts.disbelieved += 1;
                continue;
            }
            sought.told.push(pointer.server);
            // More than whoever asks can look at is left out: those who flood a search do not end it.
            let _ = sought.found.try_send(pointer);
        }
        !sought.found.is_closed()
    }
}

/// Whether an address is of the host that is seen at `seen`. All of this machine's own addresses are one host.
fn is_at(address: &Multiaddr, seen: Option<IpAddr>) -> bool {
    let says = ip_of(address);
    says == seen || says.is_some_and(|ip| ip.is_loopback()) && seen.is_some_and(|ip| ip.is_loopback())
}

fn wall() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// The address of a server as the network writes it.
#[must_use]
pub fn multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

/// Pointers that may wait for whoever seeks.
const CANDIDATES: usize = 64;
/// How often what is due is looked for.
const AGAIN: Duration = Duration::from_secs(1);
/// Of the twenty nearest, those that have to say that they keep a pointer.
const ENOUGH: NonZeroUsize = NonZeroUsize::new(10).expect("ten");
/// How often each pointer is published.
const PUBLISH: Duration = Duration::from_secs(200);
/// Pointers published in a second, at most.
const AT_ONCE: usize = 64;
