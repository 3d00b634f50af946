//! The address pool of a visited network: who may have which address, and the servers that hand them out.
//!
//! ```text
//!  register ── reserve, grant ──▶ Pool ◀── datagrams ── terminals (DHCPv4, DHCPv6)
//!           ◀── Requested ──────      ── OFFER ───────▶
//!           ── bound, refused ──▶     ── ACK, NAK ────▶
//! ```
//!
//! An address is free, reserved for an authenticated subscriber, bound, or at rest: at least a minute, and at least as
//! long as a resolver may remember its last name. A subscriber has one address of each family. Who shows no token that
//! the register granted gets nothing, leaves no state behind, and so cannot starve those who do.

mod advertise;
mod book;
mod config;
mod dhcp4;
mod dhcp6;
mod event;
pub mod kea;
mod record;
mod replay;
mod shelf;
mod token;

use core::{net::IpAddr, time::Duration};
use std::collections::{BTreeMap, VecDeque};

use rove_base::{Arrival, Dscp, Entropy, Flow, Instant, Machine, Now, Scratch, Step, Transmit, UdpFlow};

use self::{
    book::{Book, Holding, Stage},
    record::Entry,
    shelf::{Rest, Shelf},
};
pub use self::{
    config::{MAX_ADDRESSES, PoolConfig, PoolConfigError, Range4, V4Config, V6Config},
    event::{Counters, Event, Full, Occupancy},
    record::DamagedRecord,
    token::Token,
};
use crate::{Addresses, Change, ChangeId, Imsi};

/// Addresses of a visited network, and the DHCP servers before them.
///
/// Its owner is the register: it reserves, grants tokens and, once a binding is durable and its name visible, lets the
/// waiting answer out.
#[derive(Debug)]
pub struct Pool {
    now: Now,
    config: PoolConfig,
    v4: Option<Shelf>,
    v6: Option<Shelf>,
    book: Book,
    entropy: Entropy,
    counters: Counters,
    steps: VecDeque<Pending>,
    next_change: u64,
    opening: Option<ChangeId>,
    renewals: BTreeMap<ChangeId, Renewal>,
    found: replay::Found,
}

#[derive(Debug)]
enum Pending {
    Send(UdpFlow, Vec<u8>),
    Event(Event),
}

/// A longer lease on its way into the journal.
#[derive(Clone, Copy, Debug)]
struct Renewal {
    holder: Imsi,
    until: Instant,
    lease: u32,
}

impl Pool {
    /// A pool in which all is free. What a journal knows is told with [`Pool::replay`] and [`Pool::replayed`], before
    /// anything else.
    ///
    /// # Errors
    ///
    /// [`PoolConfigError`] names what cannot work.
    pub fn new(config: PoolConfig, mut entropy: Entropy) -> Result<Self, PoolConfigError> {
        let addresses = config.addresses()?;
        let v4 = config.v4.is_some().then(|| Shelf::queue(addresses, &mut entropy));
        let v6 = config.v6.as_ref().map(|v6| Shelf::drawn(v6.prefix));
        Ok(Self {
            now: Now::default(),
            config,
            v4,
            v6,
            book: Book::default(),
            entropy,
            counters: Counters::default(),
            steps: VecDeque::new(),
            next_change: 0,
            opening: None,
            renewals: BTreeMap::new(),
            found: replay::Found::new(),
        })
    }

    /// Puts an address of each family aside for `holder`. Who has a reservation keeps it; who has a lease begins a new
    /// stay, with other addresses.
    ///
    /// # Errors
    ///
    /// [`Full`] when a family has no address to give.
    pub fn reserve(&mut self, now: Now, holder: Imsi) -> Result<Addresses, Full> {
        self.advance(now);
        let until = self.now.mono.later(self.config.patience);
        match self.book.get(holder).map(|holding| (holding.stage, holding.addresses)) {
            Some((Stage::Reserved, addresses)) => {
                self.book.extend(holder, Stage::Reserved, until, 0);
                return Ok(addresses);
            }
            Some((Stage::Bound, _)) => self.lay_down(holder),
            None => {}
        }
        let taken = self.take(holder);
        if let Ok(addresses) = taken {
            self.book.reserve(holder, addresses, until);
        } else {
            self.counters.starved = self.counters.starved.saturating_add(1);
        }
        self.open_more();
        taken
    }

    fn take(&mut self, holder: Imsi) -> Result<Addresses, Full> {
        let book = &self.book;
        let taken = |address: IpAddr| book.owner_of(address).is_some();
        let mut addresses = Addresses::default();
        for shelf in self.v4.iter_mut().chain(&mut self.v6) {
            match shelf.take(holder, &mut self.entropy, taken) {
                Some(IpAddr::V4(v4)) => addresses.v4 = Some(v4),
                Some(IpAddr::V6(v6)) => addresses.v6 = Some(v6),
                None => {
                    if let Some(v4) = addresses.v4 {
                        self.lay_to_rest(v4.into(), holder);
                    }
                    return Err(Full);
                }
            }
        }
        Ok(addresses)
    }

    /// From now on `token` opens what is reserved for `holder`, and no other token does.
    pub fn grant(&mut self, now: Now, token: Token, holder: Imsi) {
        self.advance(now);
        self.book.grant(token, holder);
    }

    /// What the journal is to know of a lease of `lease` seconds from `now`; the register writes it together with its
    /// own record. Empty when `holder` has nothing.
    #[must_use]
    pub fn record(&self, now: Now, holder: Imsi, lease: u32) -> Vec<u8> {
        let until = now.later(Duration::from_secs(u64::from(lease))).wall.as_secs().saturating_add(1);
        let mut record = Vec::new();
        if let Some(holding) = self.book.get(holder) {
            holding.entry(holder, until, lease).write(&mut record);
        }
        record
    }

    /// The binding is durable and its name visible: the lease lasts for `lease` seconds from now, and the terminal that
    /// waits is told. Said again, it prolongs.
    pub fn bound(&mut self, now: Now, holder: Imsi, lease: u32) {
        self.advance(now);
        let until = self.now.mono.later(Duration::from_secs(u64::from(lease)));
        self.book.extend(holder, Stage::Bound, until, lease);
        self.ack4(holder);
        self.ack6(holder);
    }

    /// The terminal that waits is refused; its addresses rest.
    pub fn refused(&mut self, now: Now, holder: Imsi) {
        self.advance(now);
        let waiting =
            self.book.get_mut(holder).map(|holding| (holding.waiting4.take(), holding.waiting6.take()));
        let (waiting4, waiting6) = waiting.unwrap_or_default();
        waiting4.iter().for_each(|waiting| self.nak4(waiting));
        waiting6.iter().for_each(|waiting| self.nak6(waiting));
        self.lay_down(holder);
    }

    /// The stay is over: its token opens nothing, its addresses rest.
    pub fn release(&mut self, now: Now, holder: Imsi) {
        self.advance(now);
        self.lay_down(holder);
    }

    /// Whether a change of [`Event::Commit`] is durable.
    pub fn committed(&mut self, now: Now, id: ChangeId, done: bool) {
        self.advance(now);
        if self.opening == Some(id) {
            self.opening = None;
            if let Some(v4) = &mut self.v4 {
                v4.opened(done);
            }
        } else if let Some(renewal) = self.renewals.remove(&id) {
            self.renewed(id, renewal, done);
        }
        self.open_more();
    }

    /// Who has `address`.
    #[must_use]
    pub fn holder_of(&self, address: IpAddr) -> Option<Imsi> {
        self.book.owner_of(address)
    }

    /// What `holder` has.
    #[must_use]
    pub fn addresses_of(&self, holder: Imsi) -> Option<Addresses> {
        self.book.get(holder).map(|holding| holding.addresses)
    }

    /// The IPv4 addresses that it gives out.
    pub fn v4_addresses(&self) -> impl Iterator<Item = core::net::Ipv4Addr> {
        let ranges = self.config.v4.iter().flat_map(|config| &config.ranges);
        ranges
            .flat_map(|range| range.first.to_bits()..=range.last.to_bits())
            .map(core::net::Ipv4Addr::from_bits)
    }

    /// Who has something.
    pub fn holders(&self) -> impl Iterator<Item = Imsi> {
        self.book.iter().map(|(holder, _)| holder)
    }

    /// What opens the addresses of `holder`.
    pub(crate) fn token_of(&self, holder: Imsi) -> Option<Token> {
        self.book.get(holder).and_then(Holding::token)
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// How many addresses are where; goes through all.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        let bound = self.book.iter().filter(|(_, holding)| holding.stage == Stage::Bound).count();
        let shelves = || self.v4.iter().chain(&self.v6);
        Occupancy {
            free: self.v4.as_ref().and_then(Shelf::free).unwrap_or(0),
            reserved: self.book.len().saturating_sub(bound),
            bound,
            resting: shelves().map(|shelf| shelf.resting().count()).sum(),
        }
    }

    /// A terminal wants to keep what it has.
    fn renew(&mut self, holder: Imsi) {
        let Some(holding) = self.book.get(holder).filter(|holding| holding.renewal.is_none()) else { return };
        let lease = holding.lease();
        let until = self.now.mono.later(Duration::from_secs(u64::from(lease)));
        let record = self.record(self.now, holder, lease);
        let id = self.commit(record);
        self.renewals.insert(id, Renewal { holder, until, lease });
        if let Some(holding) = self.book.get_mut(holder) {
            holding.renewal = Some(id);
        }
    }

    fn renewed(&mut self, id: ChangeId, renewal: Renewal, done: bool) {
        let Renewal { holder, until, lease } = renewal;
        let Some(holding) = self.book.get_mut(holder).filter(|holding| holding.renewal == Some(id)) else {
            return;
        };
        holding.renewal = None;
        if done {
            let until = until.max(holding.until());
            self.book.extend(holder, Stage::Bound, until, lease);
            self.ack4(holder);
            self.ack6(holder);
        } else {
            // The client asks again; it still has what it had.
            (holding.waiting4, holding.waiting6) = (None, None);
        }
    }

    /// A stay ends by itself.
    fn leave(&mut self, holder: Imsi, event: Event) {
        self.lay_down(holder);
        self.event(event);
    }

    fn lay_down(&mut self, holder: Imsi) {
        let Some(holding) = self.book.remove(holder) else { return };
        let mut record = Vec::new();
        for address in holding.ips() {
            self.lay_to_rest(address, holder).write(&mut record);
        }
        self.commit(record);
    }

    fn lay_to_rest(&mut self, address: IpAddr, holder: Imsi) -> Entry {
        let end = self.now.later(self.config.rest());
        self.rest(address, Rest { until: end.mono, holder: Some(holder) });
        Entry::Rested { address, holder: Some(holder), until: end.wall.as_secs().saturating_add(1) }
    }

    fn rest(&mut self, address: IpAddr, rest: Rest) {
        let shelf = if address.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        if let Some(shelf) = shelf {
            shelf.rest(address, rest);
        }
    }

    fn open_more(&mut self) {
        if self.opening.is_none()
            && let Some(addresses) = self.v4.as_mut().and_then(Shelf::begin_opening)
        {
            let mut record = Vec::new();
            Entry::Opened(addresses).write(&mut record);
            self.opening = Some(self.commit(record));
        }
    }

    fn commit(&mut self, record: Vec<u8>) -> ChangeId {
        let id = ChangeId(self.next_change);
        self.next_change = self.next_change.wrapping_add(1);
        self.event(Event::Commit(Change { id, record, names: Vec::new() }));
        id
    }

    fn event(&mut self, event: Event) {
        self.steps.push_back(Pending::Event(event));
    }

    fn send(&mut self, flow: UdpFlow, bytes: Vec<u8>) {
        self.steps.push_back(Pending::Send(flow, bytes));
    }

    fn advance(&mut self, now: Now) {
        self.now = Now { mono: self.now.mono.max(now.mono), wall: now.wall };
        while let Some(holder) = self.book.over(self.now.mono) {
            self.leave(holder, Event::Expired { holder });
        }
        for shelf in self.v4.iter_mut().chain(&mut self.v6) {
            shelf.tick(self.now.mono);
        }
        self.open_more();
    }

    fn next_wake(&self) -> Option<Instant> {
        let shelves = self.v4.iter().chain(&self.v6).filter_map(Shelf::next_end).min();
        Instant::earliest(self.book.next_end(), shelves)
    }
}

impl Machine for Pool {
    type Input<'a> = Arrival<'a>;
    type Event = Event;

    /// Datagrams to the DHCP servers; everything else is ignored.
    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.advance(now);
        match input {
            Arrival::Datagram { flow: Flow::Udp(flow), bytes } if flow.remote.is_ipv4() => {
                self.on_dhcp4(flow, bytes);
            }
            Arrival::Datagram { flow: Flow::Udp(flow), bytes } => self.on_dhcp6(flow, bytes),
            _ => {}
        }
    }

    fn tick(&mut self, now: Now) {
        self.advance(now);
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Event> {
        match self.steps.pop_front() {
            Some(Pending::Send(flow, bytes)) => {
                Step::Send(Transmit { flow: Flow::Udp(flow), range: out.push(&bytes), dscp: Dscp::DEFAULT })
            }
            Some(Pending::Event(event)) => Step::Event(event),
            None => Step::Wait(self.next_wake()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
