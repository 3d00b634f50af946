//! From the root on, from delegation to delegation (RFC 1034 §5.3.3).
//!
//! What a zone says of zones below it is believed, and nothing else: a referral that does not lead nearer to the name is
//! none, so that a walk ends.

use core::{net::IpAddr, time::Duration};
use std::{collections::BTreeMap, net::SocketAddr};

use hickory_proto::rr::{Name, RecordType};
use rove_base::{Instant, UdpFlow};

use super::{
    exchange::{Exchange, pair_up},
    resolver::Resolver,
    search::Source,
};
use crate::query::{Answer, Outcome, Question, Referral};

/// How far a question has come.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// The zone whose servers are asked.
    pub(crate) zone: Name,
    pub(crate) flows: Vec<UdpFlow>,
    /// Servers that were looked for by name on the way, one for the sake of the other.
    detours: u8,
    /// The address that it waits for, and of which zone that server is.
    pub(crate) awaits: Option<Question>,
    below: Option<Name>,
}

/// What is known of delegations.
#[derive(Debug)]
pub(crate) struct Tree {
    root: Vec<UdpFlow>,
    local: Vec<SocketAddr>,
    port: u16,
    longest: Duration,
    cuts: BTreeMap<Name, (Instant, Vec<UdpFlow>)>,
}

impl Tree {
    pub(crate) fn new(root: &[UdpFlow], longest: Duration) -> Self {
        let mut tree =
            Self { root: Vec::new(), local: Vec::new(), port: PORT, longest, cuts: BTreeMap::new() };
        tree.move_to(root);
        tree
    }

    pub(crate) fn clear(&mut self) {
        self.cuts.clear();
    }

    /// The root is asked by these from now on.
    pub(crate) fn move_to(&mut self, root: &[UdpFlow]) {
        self.clear();
        self.root = root.to_vec();
        self.local = root.iter().map(|flow| flow.local).collect();
        self.port = root.first().map_or(PORT, |flow| flow.remote.port());
    }

    /// The nearest zone above `name` whose servers are known.
    fn nearest(&self, now: Instant, name: &Name) -> Way {
        let above = self.cuts.iter().filter(|(zone, (until, _))| zone.zone_of(name) && *until > now);
        let nearest = above.max_by_key(|(zone, _)| zone.num_labels());
        let (zone, flows) =
            nearest.map_or_else(|| (Name::root(), &self.root), |(zone, (_, flows))| (zone.clone(), flows));
        Way { zone, flows: flows.clone(), detours: 0, awaits: None, below: None }
    }

    /// The servers of a zone at these addresses; none where we have no address of their kind.
    fn flows(&self, addresses: impl Iterator<Item = IpAddr>) -> Vec<UdpFlow> {
        let servers: Vec<_> = addresses.map(|ip| SocketAddr::new(ip, self.port)).collect();
        pair_up(&self.local, &servers)
    }

    fn learn(&mut self, now: Instant, zone: &Name, ttl: Duration, flows: &[UdpFlow]) {
        self.cuts.retain(|_, (until, _)| *until > now);
        if self.cuts.len() < MOST_CUTS {
            self.cuts.insert(zone.clone(), (now + ttl.min(self.longest), flows.to_vec()));
        }
    }
}

impl Resolver {
    /// Where to begin with a question, when delegations are followed.
    pub(super) fn way_to(&self, question: &Question) -> Option<Way> {
        Some(self.tree.as_ref()?.nearest(self.now, &question.name))
    }

    /// Goes on where a server refers to; `false` when that leads nowhere.
    pub(super) fn follow(&mut self, key: u64, server: Option<SocketAddr>, referral: &Referral) -> bool {
        let (Some(tree), Some(exchange)) = (&mut self.tree, self.exchanges.get_mut(&key)) else {
            return false;
        };
        let Some(way) = exchange.way.clone() else { return false };
        let nearer = referral.zone.num_labels() > way.zone.num_labels()
            && way.zone.zone_of(&referral.zone)
            && referral.zone.zone_of(&exchange.question.name);
        if !nearer {
            return false;
        }
        let (question, now) = (exchange.question.clone(), self.now);
        let took = now.since(exchange.started);
        let source = Source { server, zone: Some(crate::query::plain(&way.zone)), took };
        for lookup in self.lookups.values_mut().filter(|lookup| lookup.wants(&question)) {
            lookup.note(&question, referral.to_string(), source.clone());
        }
        let flows = tree.flows(referral.addresses());
        if !flows.is_empty() {
            tree.learn(now, &referral.zone, referral.ttl, &flows);
            exchange.go(Way { zone: referral.zone.clone(), flows, awaits: None, below: None, ..way }, now);
            self.with_exchange(key, Exchange::ask);
            return true;
        }
        let Some((name, _)) = referral.servers.first().filter(|_| way.detours < MOST_DETOURS) else {
            return false;
        };
        let v4 = tree.local.iter().any(SocketAddr::is_ipv4);
        let kind = if v4 { RecordType::A } else { RecordType::AAAA };
        let server = Question { name: name.clone(), kind };
        let patience = self.servers.timeout.saturating_mul(self.servers.attempts);
        let detours = way.detours.saturating_add(1);
        exchange.go(Way { below: Some(referral.zone.clone()), detours, ..way }, now);
        exchange.wait_for(server.clone(), now + patience);
        self.ask(server.clone());
        // Whoever looks for a server because of such a detour has made it, too.
        for exchange in self.exchanges.values_mut().filter(|exchange| exchange.question == server) {
            if let Some(way) = &mut exchange.way {
                way.detours = way.detours.max(detours);
            }
        }
        true
    }

    /// What was asked for may be the address of a server that others wait for.
    pub(super) fn found_server(&mut self, question: &Question, answer: Option<&Answer>) {
        let Some(tree) = &self.tree else { return };
        let records = match answer.map(|answer| &answer.outcome) {
            Some(Outcome::Records(records)) => records.as_slice(),
            _ => &[],
        };
        let flows = tree.flows(records.iter().filter_map(hickory_proto::rr::RData::ip_addr));
        let waits = |exchange: &Exchange| {
            exchange.way.as_ref().is_some_and(|way| way.awaits.as_ref() == Some(question))
        };
        let waiting = self.exchanges.iter().filter(|(_, exchange)| waits(exchange));
        for key in waiting.map(|(key, _)| *key).collect::<Vec<_>>() {
            let flows = flows.clone();
            self.with_exchange(key, |exchange, means| {
                let way = exchange.way.clone().filter(|_| !flows.is_empty());
                let Some((way, zone)) = way.and_then(|way| way.below.clone().map(|zone| (way, zone))) else {
                    return exchange.give_up(means);
                };
                exchange.go(Way { zone, flows, awaits: None, below: None, ..way }, means.now);
                exchange.ask(means)
            });
        }
    }
}

/// Where name servers are.
const PORT: u16 = 53;
/// Delegations that are remembered.
const MOST_CUTS: usize = 64;
/// Servers that are looked for by name, one for the sake of the other.
const MOST_DETOURS: u8 = 3;
