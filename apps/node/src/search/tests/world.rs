//! Many servers in one process, far from each other; some die, some lie.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use libp2p_core::{Multiaddr, Transport as _};
use libp2p_identity::{Keypair, PeerId};
use rove_base::Entropy;
use rove_irmv::{SearchKey, UserKey};
use tokio::time::{Instant, sleep, timeout};

use super::{
    super::{
        Me, Search, SearchCounts, ShelfLimits, Standing, member,
        network::{Carrier, secured},
        start,
    },
    far::{Far, Machine, Silent},
    liar,
};

/// One way of a link: a round trip takes 50 ms.
const WAY: Duration = Duration::from_millis(25);

pub(super) fn seed(kind: u8, number: usize) -> [u8; 32] {
    let mut seed = [kind; 32];
    seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
    seed
}

pub(super) fn carrier(key: &Keypair, silent: &Silent) -> Carrier {
    let of_streams = silent.clone();
    let far = Machine::new(silent.clone()).map(move |stream, _| Far::new(stream, WAY, of_streams.clone()));
    secured(far, libp2p_noise::Config::new(key).expect("a key for Noise"))
}

/// An address in memory that nobody else has.
pub(super) fn address() -> Multiaddr {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("/memory/{}", NEXT.fetch_add(1, Ordering::Relaxed)).parse().expect("an address")
}

/// Honest servers, and liars among them.
pub(super) struct World {
    servers: Vec<Standing>,
    keys: Vec<UserKey>,
    silent: Vec<Silent>,
    entropy: Entropy,
}

impl World {
    /// `honest` servers that began with three others each, and `lying` ones that are known to forty honest ones each. The
    /// network has had the time to find itself.
    pub(super) async fn new(honest: usize, lying: usize) -> Self {
        let (servers, keys, silent) = (Vec::new(), Vec::new(), Vec::new());
        let mut world = Self { servers, keys, silent, entropy: Entropy::from_number(7) };
        let mut known: Vec<(PeerId, Multiaddr)> = Vec::new();
        for number in 0..honest {
            let keypair = Keypair::ed25519_from_bytes(seed(1, number)).expect("32 bytes");
            let silent = Silent::default();
            let mut swarm = member(&keypair, carrier(&keypair, &silent), ShelfLimits::default());
            let address = address();
            swarm.listen_on(address.clone()).expect("it listens");
            swarm.add_external_address(address.clone());
            let (key, domain) = (UserKey::from_seed(&seed(2, number)), format!("s{number}.example"));
            let addresses = vec![([192, 0, 2, 1], 5_064).into()];
            let me = Me { domain, addresses, key: key.clone() };
            let with = [0, number / 2, number.saturating_sub(1)];
            let with: Vec<_> = with.into_iter().filter_map(|at| known.get(at).cloned()).collect();
            let standing = start(swarm, me, &with, 8);
            known.push((standing.peer, address));
            world.servers.push(standing);
            world.keys.push(key);
            world.silent.push(silent);
        }
        liar::start(lying, &known, &mut world.entropy);
        world.settle().await;
        world
    }

    /// Waits until nobody meets anybody new any more.
    async fn settle(&self) {
        let mut before = 0;
        for _ in 0..60 {
            sleep(Duration::from_secs(1)).await;
            let now = self.counts().await.iter().map(|counts| counts.neighbours).sum();
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// One server's part.
    pub(super) fn search(&self, number: usize) -> &Search {
        &self.servers[number].search
    }

    /// Any of those that live.
    pub(super) fn any(&mut self) -> usize {
        (self.entropy.next_u64() % self.servers.len() as u64) as usize
    }

    pub(super) async fn counts(&self) -> Vec<SearchCounts> {
        let mut all = Vec::new();
        for server in &self.servers {
            all.extend(server.search.counts().await);
        }
        all
    }

    /// Each of `users` is registered somewhere; answers who where. The pointers have had the time to arrive.
    pub(super) async fn publish(&mut self, users: usize) -> Vec<(SearchKey, usize)> {
        let mut where_is = Vec::new();
        for user in 0..users {
            let (key, at) = (SearchKey(seed(3, user)), self.any());
            // Keys as hashes are: not near each other.
            let key = SearchKey(UserKey::from_seed(&key.0).public());
            self.search(at).publish(key);
            where_is.push((key, at));
            if user % 4 == 3 {
                sleep(Duration::from_millis(150)).await;
            }
        }
        sleep(Duration::from_secs(3)).await;
        let kept: usize = self.counts().await.iter().map(|counts| counts.kept).sum();
        println!("each pointer is kept by {:.1} servers", kept as f64 / users.max(1) as f64);
        where_is
    }

    /// Machines lose their power: nobody says anything more, not even that a connection is closed or refused.
    pub(super) fn kill(&mut self, share: f64) -> Vec<usize> {
        let count = (self.servers.len() as f64 * share) as usize;
        let mut dead = Vec::new();
        while dead.len() < count {
            let at = self.any();
            if !dead.contains(&at) {
                dead.push(at);
                self.silent[at].store(true, Ordering::Relaxed);
                self.servers[at].task.abort();
            }
        }
        dead
    }

    /// How long it takes from one server until the pointer to the right one is there; `None` when it does not come.
    pub(super) async fn find(&self, from: usize, key: SearchKey, at: usize) -> Option<Duration> {
        let (began, right) = (Instant::now(), self.keys[at].public());
        let mut found = self.search(from).find(key);
        let wanted = async {
            while let Some(pointer) = found.recv().await {
                if pointer.server == right {
                    return Some(began.elapsed());
                }
            }
            None
        };
        timeout(Duration::from_secs(6), wanted).await.ok().flatten()
    }
}
