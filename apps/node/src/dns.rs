//! The role that answers for names: an authoritative DNS server that takes signed updates.

mod config;
mod published;

use core::convert::Infallible;
use std::net::SocketAddr;

use rove_base::{Arrival, Entropy, Instant, Machine, Now, Scratch, Step, StreamId};
use rove_dns::{
    server::{Event, Piece, Server},
    zones::Zones,
};
use rove_driver::address_toward;

pub(crate) use config::default_udp_payload;
pub use config::{DnsAllow, DnsConfig, DnsKey, DnsSecondary, DnsZone};
pub(crate) use published::Published;

use crate::{
    config::ConfigError,
    driver::{Role, Unreadable, eventless},
};

/// The server with what only a running program does: it tells its log.
pub(crate) struct DnsRole {
    server: Server,
    /// The zones as configured: what the journal starts from.
    start: Zones,
    refusals: Ration,
    /// Where it listens; empty once secondaries are told.
    listens: Vec<SocketAddr>,
    /// Whoever of the registry is published.
    published: Option<Published>,
}

impl DnsRole {
    /// The role that answers at `listens`.
    pub(crate) fn new(
        config: &DnsConfig,
        listens: Vec<SocketAddr>,
        entropy: Entropy,
    ) -> Result<Self, ConfigError> {
        for record in config.ds_records()? {
            tracing::info!(target: "rove::dns", record, "for the parent zone");
        }
        let config = config.server()?;
        let start = Zones::new(&config.zones)?;
        let server = Server::new(config)?.with_entropy(entropy);
        Ok(Self { server, start, refusals: Ration::default(), listens, published: None })
    }

    /// The same, with the users of a registry that anybody may find.
    pub(crate) fn publishing(mut self, published: Published) -> Self {
        self.published = Some(published);
        self
    }

    /// Tells secondaries, once the journal has been read back.
    fn announce(&mut self, now: Now) {
        let listens = std::mem::take(&mut self.listens);
        if !listens.is_empty() {
            self.server.notify_from(now, |secondary| leave_from(&listens, secondary));
        }
    }
}

/// Which of our addresses a datagram to `remote` leaves from.
pub(crate) fn leave_from(listens: &[SocketAddr], remote: SocketAddr) -> Option<SocketAddr> {
    let mut same = listens.iter().filter(|local| local.is_ipv4() == remote.is_ipv4());
    let local = same.clone().find(|local| local.ip().is_loopback() == remote.ip().is_loopback());
    let local = *local.or_else(|| same.next())?;
    if local.ip().is_unspecified() {
        return Some(SocketAddr::new(address_toward(remote).ok()?, local.port()));
    }
    Some(local)
}

/// Tells the log what the zones tell; `refusals` keeps others from filling it.
pub(crate) fn note(refusals: &mut Ration, now: Now, event: Event) {
    match event {
        Event::Updated { key, zone, names, serial } => {
            let key = key.as_ref().map(tracing::field::display);
            tracing::info!(target: "rove::dns", key, %zone, ?names, serial, "updated");
        }
        Event::Unnotified { zone, secondary, serial } => {
            tracing::warn!(target: "rove::dns", %zone, %secondary, serial, "a secondary does not answer");
        }
        Event::Refused { reason, from } => {
            // Anyone can send what is refused; the log is not theirs to fill.
            if let Some(unsaid) = refusals.admit(now.mono) {
                tracing::warn!(target: "rove::dns", %from, %reason, unsaid, "refused");
            }
        }
        _ => {}
    }
}

impl Role for DnsRole {
    fn tag(&self) -> u8 {
        1
    }

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        self.server.handle(now, input);
    }

    fn tick(&mut self, now: Now) {
        self.server.tick(now);
    }

    fn poll(&mut self, now: Now, out: &mut Scratch) -> Step<Infallible> {
        self.announce(now);
        loop {
            match eventless(self.server.poll(out)) {
                Ok(Step::Wait(until)) if !self.server.is_resting() => {
                    let Self { published, server, .. } = self;
                    let change = published.as_mut().and_then(|published| published.next(now, server, out));
                    return change.map_or(Step::Wait(until), Step::Append);
                }
                Ok(step) => return step,
                Err(event) => note(&mut self.refusals, now, event),
            }
        }
    }

    fn start(&mut self, _: Now) {
        if let Some(published) = &mut self.published {
            published.start(&self.server);
        }
    }

    fn is_resting(&self) -> bool {
        self.server.is_resting()
    }

    fn replay(&mut self, record: &[u8]) -> Result<bool, Unreadable> {
        Ok(self.server.replay(record)?)
    }

    /// All of it comes piece by piece.
    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        None
    }

    fn begin_snapshot(&mut self) -> Option<Vec<Vec<u8>>> {
        self.server.begin_snapshot();
        Some(Vec::new())
    }

    fn continue_snapshot(&mut self) -> Piece {
        self.server.continue_snapshot(&self.start)
    }

    fn sending(&self) -> Vec<StreamId> {
        self.server.transfers().collect()
    }

    fn waits(&mut self, stream: StreamId, bytes: usize) {
        self.server.waits(stream, bytes);
    }

    fn journal_failed(&mut self, now: Now) {
        self.server.journal_failed(now);
    }
}

/// Lets a few things through each second and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Ration {
    second: u64,
    said: u32,
    unsaid: u64,
}

impl Ration {
    /// How many went unsaid since the last that was let through; `None` when this one has to stay unsaid too.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<u64> {
        let second = now.as_nanos() / 1_000_000_000;
        if second != self.second {
            (self.second, self.said) = (second, 0);
        }
        if self.said >= SAID_PER_SECOND {
            self.unsaid += 1;
            return None;
        }
        self.said += 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// Refusals in the log each second.
const SAID_PER_SECOND: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_a_few_refusals_a_second_and_counts_the_rest() {
        let mut ration = Ration::default();
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let said: Vec<_> = (0..100).filter_map(|n| ration.admit(at(n))).collect();
        assert_eq!(said, [0; 5]);
        assert_eq!(ration.admit(at(1_000)), Some(95));
        assert_eq!(ration.admit(at(1_001)), Some(0));
    }
}
