//! An existing Kea as the DHCPv4 server of the pool, by the commands of its hook `lease_cmds`.
//!
//! Kea hands out what is free. So nothing ever is: every address of the pool has a lease for ever whose client is a secret
//! of ours, and only while a stay is bound its lease is that of the stay's token. Who shows no token finds no address.
//! Nothing here sees the DHCP messages themselves: a terminal that holds a token counts as one that asks, its lease comes
//! into being once its binding is durable (DHCP clients repeat themselves until then), is made longer for as long as the
//! stay lasts, and ends with it. Kea has to drop RELEASE and DECLINE, which would free an address behind our back; the settings
//! that do are in `signalling/roam/kea.md`.

use core::{net::Ipv4Addr, time::Duration};
use std::collections::{BTreeMap, BTreeSet};

use rove_base::{Arrival, Entropy, Instant, Machine, Now, Scratch, Step};
use serde_json::{Value, json};

use super::{DamagedRecord, Event, Full, Pool, PoolConfig, PoolConfigError, Token, book::Stage};
use crate::{Addresses, ChangeId, Imsi};

/// The same as a [`Pool`] for the register, with Kea before it.
///
/// Its owner carries what [`KeaPool::command`] says to Kea's control socket, a connection for each, and brings back the
/// answer with [`KeaPool::answered`].
#[derive(Debug)]
pub struct KeaPool {
    pool: Pool,
    subnet: u32,
    entropy: Entropy,
    /// Whose lease each address is to have.
    wanted: BTreeMap<Ipv4Addr, Client>,
    /// Addresses whose lease is not what is wanted; those of terminals first.
    late: BTreeSet<(Rank, Ipv4Addr)>,
    given: BTreeMap<Imsi, Ipv4Addr>,
    /// When leases are made longer, by time and by holder.
    renewals: (BTreeSet<(Instant, Imsi)>, BTreeMap<Imsi, Instant>),
    phase: Phase,
    under_way: Option<Command>,
    /// Kea did not answer, or not well: nothing is asked before this.
    rest_until: Option<Instant>,
    requested: Vec<Imsi>,
    failures: u64,
    now: Now,
}

/// Terminals wait for a lease; nobody waits for the end of one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Rank {
    Terminal,
    Free,
}

/// To whom Kea gives an address.
#[derive(Clone, Copy, Debug)]
enum Client {
    Nobody,
    Terminal { token: Token, secs: u32 },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Kea may still have free addresses and must not serve.
    Closing,
    Filling,
    Opening,
    Serving,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Command {
    Disable,
    Lease(Rank, Ipv4Addr),
    Enable,
}

impl KeaPool {
    /// A pool before `subnet`, Kea's number of the network in which the addresses of `config` are.
    ///
    /// # Errors
    ///
    /// [`PoolConfigError`] names what cannot work; without IPv4 there is [`PoolConfigError::Nothing`] to do for Kea.
    pub fn new(config: PoolConfig, subnet: u32, mut entropy: Entropy) -> Result<Self, PoolConfigError> {
        let config = PoolConfig { v6: None, ..config };
        let wanted: BTreeMap<_, _> =
            config.addresses()?.into_iter().map(|address| (address, Client::Nobody)).collect();
        let late = wanted.keys().map(|address| (Rank::Free, *address)).collect();
        let pool = Pool::new(config, entropy.fork())?;
        Ok(Self {
            pool,
            subnet,
            entropy,
            wanted,
            late,
            given: BTreeMap::new(),
            renewals: (BTreeSet::new(), BTreeMap::new()),
            phase: Phase::Closing,
            under_way: None,
            rest_until: None,
            requested: Vec::new(),
            failures: 0,
            now: Now::default(),
        })
    }

    /// What Kea is to be told next; answered by [`KeaPool::answered`] before there is another.
    pub fn command(&mut self, now: Now) -> Option<String> {
        self.now = now;
        if self.under_way.is_some() || self.rest_until.is_some_and(|until| now.mono < until) {
            return None;
        }
        self.rest_until = None;
        let next = match (self.phase, self.late.first()) {
            (Phase::Closing, _) => Command::Disable,
            (_, Some(&(rank, address))) => Command::Lease(rank, address),
            (Phase::Filling | Phase::Opening, None) => Command::Enable,
            (Phase::Serving, None) => return None,
        };
        if next == Command::Enable {
            self.phase = Phase::Opening;
        }
        self.under_way = Some(next);
        Some(self.text(next))
    }

    fn text(&mut self, command: Command) -> String {
        match command {
            Command::Disable => json!({"command": "dhcp-disable"}).to_string(),
            Command::Enable => json!({"command": "dhcp-enable"}).to_string(),
            Command::Lease(_, address) => {
                let client = self.wanted.get(&address).copied().unwrap_or(Client::Nobody);
                let mut secret = [0; 22];
                self.entropy.fill(&mut secret);
                let (mut hardware, hidden) =
                    secret.split_first_chunk::<6>().map_or(([0; 6], &[][..]), |(a, b)| (*a, b));
                // An address of one host that nobody was sold (IEEE 802-2014 §8.2).
                if let Some(first) = hardware.first_mut() {
                    *first = (*first & 0xfc) | 2;
                }
                let (id, secs) = match &client {
                    Client::Nobody => (hidden, u32::MAX),
                    Client::Terminal { token, secs } => (&token.0[..], *secs),
                };
                json!({
                    "command": "lease4-update",
                    "arguments": {
                        "subnet-id": self.subnet,
                        "ip-address": address.to_string(),
                        "hw-address": colons(&hardware),
                        "client-id": colons(id),
                        "valid-lft": secs,
                        "force-create": true,
                    },
                })
                .to_string()
            }
        }
    }

    /// What Kea said to the last command; `None` when it could not be reached.
    pub fn answered(&mut self, now: Now, answer: Option<&[u8]>) {
        self.now = now;
        let Some(command) = self.under_way.take() else { return };
        if !answer.is_some_and(is_success) {
            self.failures = self.failures.saturating_add(1);
            // Kea may have been started again, and know nothing any more.
            self.start_over();
            self.rest_until = Some(now.mono.later(PAUSE));
            return;
        }
        match command {
            Command::Disable => self.phase = Phase::Filling,
            Command::Enable => self.phase = Phase::Serving,
            Command::Lease(rank, address) => {
                self.late.remove(&(rank, address));
            }
        }
    }

    /// Kea was started again: what it is to know is told anew, and until then it serves nobody.
    pub fn start_over(&mut self) {
        self.phase = Phase::Closing;
        self.late = self.wanted.iter().map(|(address, client)| (rank(client), *address)).collect();
    }

    /// Whether Kea serves, and has no free address.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.phase == Phase::Serving
    }

    /// How often Kea did not answer, or not well.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.failures
    }

    /// The addresses behind Kea, for what a [`Pool`] can be asked.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// See [`Pool::reserve`]. While Kea does not serve there is nothing to give.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn reserve(&mut self, now: Now, holder: Imsi) -> Result<Addresses, Full> {
        if !self.is_serving() {
            return Err(Full);
        }
        let given = self.pool.reserve(now, holder);
        let before = self.given.get(&holder).copied();
        if before != self.pool.addresses_of(holder).and_then(|addresses| addresses.v4) {
            self.withdraw(holder);
        }
        if let Ok(Addresses { v4: Some(v4), .. }) = given {
            self.given.insert(holder, v4);
        }
        given
    }

    /// See [`Pool::grant`]. Who holds a token counts as one that asks: [`Event::Requested`] follows.
    pub fn grant(&mut self, now: Now, token: Token, holder: Imsi) {
        self.pool.grant(now, token, holder);
        if self.given.contains_key(&holder) && !self.requested.contains(&holder) {
            self.requested.push(holder);
        }
    }

    /// See [`Pool::record`].
    #[must_use]
    pub fn record(&self, now: Now, holder: Imsi, lease: u32) -> Vec<u8> {
        self.pool.record(now, holder, lease)
    }

    /// See [`Pool::bound`]: from now on Kea gives the address to who shows the token.
    pub fn bound(&mut self, now: Now, holder: Imsi, lease: u32) {
        self.pool.bound(now, holder, lease);
        if let (Some(&address), Some(token)) = (self.given.get(&holder), self.pool.token_of(holder)) {
            self.want(address, Client::Terminal { token, secs: lease });
            self.renew_after(now, holder, lease);
        }
    }

    /// Half way through its lease it is made longer: nobody tells us when a terminal asks Kea for that, and a stay that is
    /// over is withdrawn in any case.
    fn renew_after(&mut self, now: Now, holder: Imsi, lease: u32) {
        let half = Duration::from_secs(u64::from(lease.max(2)) / 2);
        self.renew_no_more(holder);
        let (order, at) = (&mut self.renewals.0, now.mono.later(half));
        order.insert((at, holder));
        self.renewals.1.insert(holder, at);
    }

    fn renew_no_more(&mut self, holder: Imsi) {
        if let Some(at) = self.renewals.1.remove(&holder) {
            self.renewals.0.remove(&(at, holder));
        }
    }

    fn renew(&mut self, holder: Imsi) {
        let lease = self.pool.book.get(holder).filter(|holding| holding.stage == Stage::Bound);
        let Some(lease) = lease.map(super::Holding::lease) else { return };
        if let (Some(&address), Some(token)) = (self.given.get(&holder), self.pool.token_of(holder)) {
            self.pool.renew(holder);
            self.want(address, Client::Terminal { token, secs: lease });
            self.renew_after(self.now, holder, lease);
        }
    }

    /// See [`Pool::refused`].
    pub fn refused(&mut self, now: Now, holder: Imsi) {
        self.pool.refused(now, holder);
        self.withdraw(holder);
    }

    /// See [`Pool::release`].
    pub fn release(&mut self, now: Now, holder: Imsi) {
        self.pool.release(now, holder);
        self.withdraw(holder);
    }

    /// See [`Pool::committed`].
    pub fn committed(&mut self, now: Now, id: ChangeId, done: bool) {
        self.pool.committed(now, id, done);
    }

    /// See [`Pool::replay`].
    ///
    /// # Errors
    ///
    /// [`DamagedRecord`].
    pub fn replay(&mut self, now: Now, record: &[u8]) -> Result<(), DamagedRecord> {
        self.pool.replay(now, record)
    }

    /// See [`Pool::replayed`].
    pub fn replayed(&mut self, now: Now) {
        self.pool.replayed(now);
        for (holder, v4, token, secs) in self.pool.bound_v4(now) {
            self.given.insert(holder, v4);
            self.want(v4, Client::Terminal { token, secs });
            self.renew_after(now, holder, secs);
        }
    }

    /// See [`Pool::snapshot`].
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Vec<Vec<u8>> {
        self.pool.snapshot(now)
    }

    fn withdraw(&mut self, holder: Imsi) {
        self.requested.retain(|other| *other != holder);
        self.renew_no_more(holder);
        if let Some(address) = self.given.remove(&holder) {
            self.want(address, Client::Nobody);
        }
    }

    fn want(&mut self, address: Ipv4Addr, client: Client) {
        let Some(wanted) = self.wanted.get_mut(&address) else { return };
        let nothing_new = matches!((&*wanted, &client), (Client::Nobody, Client::Nobody));
        *wanted = client;
        if !nothing_new {
            self.late.remove(&(Rank::Free, address));
            self.late.remove(&(Rank::Terminal, address));
            self.late.insert((rank(&client), address));
            // What is under way is about the past: its answer settles nothing.
            if let Some(Command::Lease(old, under_way)) = &mut self.under_way
                && *under_way == address
            {
                *old = if rank(&client) == Rank::Free { Rank::Terminal } else { Rank::Free };
            }
        }
    }
}

impl Machine for KeaPool {
    type Input<'a> = Arrival<'a>;
    type Event = Event;

    /// Nothing arrives here but time.
    fn handle(&mut self, now: Now, _input: Arrival<'_>) {
        self.tick(now);
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        self.pool.tick(now);
        while let Some(&(_, holder)) = self.renewals.0.first().filter(|(at, _)| *at <= now.mono) {
            self.renew_no_more(holder);
            self.renew(holder);
        }
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        if let Some(holder) = self.requested.pop() {
            return Step::Event(Event::Requested { holder, host_name: None });
        }
        let step = self.pool.poll(out);
        match step {
            Step::Event(Event::Expired { holder } | Event::Released { holder }) => {
                self.withdraw(holder);
                step
            }
            Step::Wait(until) => {
                let renewal = self.renewals.0.first().map(|(at, _)| *at);
                Step::Wait(Instant::earliest(Instant::earliest(until, self.rest_until), renewal))
            }
            other => other,
        }
    }
}

const fn rank(client: &Client) -> Rank {
    match client {
        Client::Nobody => Rank::Free,
        Client::Terminal { .. } => Rank::Terminal,
    }
}

/// An answer is an object, or a list of one, whose `result` is 0.
fn is_success(answer: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return false };
    let answer = answer.as_array().and_then(|list| list.first()).unwrap_or(&answer);
    answer.get("result").and_then(Value::as_i64) == Some(0)
}

/// Bytes as Kea writes them.
fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// After Kea has failed.
const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
