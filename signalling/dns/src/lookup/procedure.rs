//! The procedure of RFC 3263 §4 as a pure function: from what is known so far to what to ask next, or to the result.
//!
//! It is run again whenever something new is known, so that no state of a half-done search has to be kept.

mod service;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use hickory_proto::rr::{
    Name, RData, RecordType,
    rdata::{NAPTR, SRV},
};
use rove_base::{Entropy, Transport};

use super::{Candidate, LookupError, number, order, search::literal};
use crate::query::{MAX_ALIASES, Outcome, Question, parse_name, plain};

/// What one look-up is after.
#[derive(Clone, Debug)]
pub(crate) enum Goal {
    /// Where to send a SIP request for this host.
    Sip { host: Name, port: Option<u16>, wish: Wish },
    /// Where to send a SIP request for this telephone number, which stands below that name.
    Number { number: String, name: Name, wish: Wish },
    /// Where a service of a domain is (RFC 2782), or at that port of the domain's own address.
    Service { name: Name, domain: Name, port: u16, transport: Transport },
    /// The addresses of a host.
    Address(Name),
    /// The names of an address.
    Reverse(IpAddr),
}

/// In what SIP may be spoken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// What the URI names.
    pub(crate) transport: Option<Transport>,
    /// Whether it has to be secure.
    pub(crate) secure: bool,
    /// What we speak, best first.
    pub(crate) spoken: &'static [Transport],
}

impl Wish {
    /// In what, when nothing but an address is known (RFC 3263 §4.1).
    pub(crate) fn plain(self) -> Transport {
        self.transport.unwrap_or(if self.secure { Transport::Tls } else { Transport::Udp })
    }

    /// The port, when none is known (RFC 3261 §19.1.2, RFC 7118 §5).
    pub(crate) const fn port(transport: Transport) -> u16 {
        match transport {
            Transport::Tls => 5_061,
            Transport::Ws => 80,
            Transport::Wss => 443,
            _ => 5_060,
        }
    }

    /// What of it we cannot do.
    pub(crate) fn impossible(self) -> Option<Transport> {
        Some(self.plain()).filter(|plain| !self.allows(*plain))
    }

    fn allows(self, transport: Transport) -> bool {
        self.spoken.contains(&transport)
            && (!self.secure || transport.is_secure())
            && self.transport.is_none_or(|named| named == transport)
    }

    fn allowed(self) -> Vec<Transport> {
        self.spoken.iter().copied().filter(|transport| self.allows(*transport)).collect()
    }

    /// The SRV names to ask for without NAPTR (RFC 3263 §4.1); WebSockets have none.
    fn services(self, host: &Name) -> Vec<(Name, Transport)> {
        let named = |transport| Some((service_name(host, transport)?, transport));
        self.allowed().into_iter().filter_map(named).collect()
    }
}

/// What is known about the questions asked so far; an error is knowledge too.
pub(crate) type Facts = HashMap<Question, Result<Outcome, LookupError>>;

/// How far the facts lead.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Progress {
    /// These questions are open; there are `found` addresses already.
    Need { open: Vec<Question>, found: usize },
    /// Done.
    Found(Vec<Candidate>),
    /// There is no way.
    Failed(LookupError),
}

/// How results are put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taste {
    /// IPv6 addresses before IPv4 ones.
    pub(crate) prefer_v6: bool,
    /// Do without the addresses that have not come yet, if there are others.
    pub(crate) hurry: bool,
}

/// The questions whose answers any search for `goal` is likely to need, to be asked all at once.
pub(crate) fn likely_questions(goal: &Goal) -> Vec<Question> {
    match goal {
        Goal::Sip { host, port: None, wish } => {
            let mut likely = Vec::with_capacity(6);
            if wish.transport.is_none() {
                likely.push(question(host, RecordType::NAPTR));
            }
            let services = wish.services(host).into_iter();
            likely.extend(services.map(|(name, _)| Question { name, kind: RecordType::SRV }));
            likely.extend(ADDRESS_KINDS.map(|kind| question(host, kind)));
            likely
        }
        _ => Vec::new(),
    }
}

/// One step of the procedure.
pub(crate) fn evaluate(goal: &Goal, facts: &Facts, taste: Taste, entropy: &mut Entropy) -> Progress {
    match goal {
        Goal::Sip { host, port: Some(port), wish } => {
            addresses(&[Target::new(host, *port, wish.plain())], facts, taste)
        }
        Goal::Sip { host, port: None, wish } => sip(host, *wish, facts, taste, entropy),
        Goal::Number { number, name, wish } => match said(number, name, facts) {
            Ok(uri) => called(&uri, *wish, facts, taste, entropy),
            Err(progress) => progress,
        },
        Goal::Service { name, domain, port, transport } => {
            service::found(name, Target::new(domain, *port, *transport), facts, taste, entropy)
        }
        Goal::Address(host) => addresses(&[Target::new(host, 0, Transport::Udp)], facts, taste),
        Goal::Reverse(ip) => reverse(*ip, facts),
    }
}

/// The URI that a number stands for, as soon as that is known.
pub(crate) fn uri_of(goal: &Goal, facts: &Facts) -> Option<String> {
    let Goal::Number { number, name, .. } = goal else { return None };
    said(number, name, facts).ok()
}

/// The URI that the records of a number make of it.
fn said(number: &str, name: &Name, facts: &Facts) -> Result<String, Progress> {
    match follow(question(name, RecordType::NAPTR), facts) {
        Known::Open(open) => Err(Progress::Need { open: vec![open], found: 0 }),
        Known::Lost(error) => Err(Progress::Failed(error)),
        Known::Is(Err(error)) => Err(Progress::Failed(error.clone())),
        Known::Is(Ok(outcome)) => {
            let records: &[RData] = if let Outcome::Records(records) = outcome { records } else { &[] };
            let none = || Progress::Failed(LookupError::NoSuchNumber { number: number.to_owned() });
            number::uri(naptr_of(records), number).ok_or_else(none)
        }
    }
}

/// Where a URI is called.
fn called(uri: &str, wish: Wish, facts: &Facts, taste: Taste, entropy: &mut Entropy) -> Progress {
    let bad = || Progress::Failed(LookupError::BadName { name: uri.to_owned() });
    let Some(place) = number::place(uri) else { return bad() };
    let wish = Wish { transport: place.transport, secure: place.secure, ..wish };
    if let Some(transport) = wish.impossible() {
        return Progress::Failed(LookupError::Unsupported { transport });
    }
    if let Some(addresses) = literal(&place.host, taste.prefer_v6) {
        let transport = wish.plain();
        let port = place.port.unwrap_or(Wish::port(transport));
        let one =
            |ip: IpAddr| Candidate { address: SocketAddr::new(ip, port), transport, name: ip.to_string() };
        return Progress::Found(addresses.into_iter().map(one).collect());
    }
    let Some(host) = parse_name(&place.host) else { return bad() };
    evaluate(&Goal::Sip { host, port: place.port, wish }, facts, taste, entropy)
}

/// A host to be looked up, and how it is reached.
#[derive(Clone, Debug)]
struct Target {
    host: Name,
    port: u16,
    transport: Transport,
}

impl Target {
    fn new(host: &Name, port: u16, transport: Transport) -> Self {
        Self { host: host.clone(), port, transport }
    }
}

fn sip(host: &Name, wish: Wish, facts: &Facts, taste: Taste, entropy: &mut Entropy) -> Progress {
    let mut services = Vec::new();
    if wish.transport.is_none() {
        match follow(question(host, RecordType::NAPTR), facts) {
            Known::Open(open) => return Progress::Need { open: vec![open], found: 0 },
            Known::Is(Ok(Outcome::Records(records))) => {
                services = order::sip_services(naptr_of(records), &wish.allowed());
            }
            // A server that stumbles over NAPTR says nothing about the kinds that everyone has.
            Known::Is(_) | Known::Lost(_) => {}
        }
    }
    // The domain's choice is followed to its end; ours ends with the first that there is.
    let chosen = !services.is_empty();
    if !chosen {
        services = wish.services(host);
    }
    let mut groups: Vec<(Transport, Vec<&SRV>)> = Vec::new();
    for (service, transport) in services {
        match follow(question(&service, RecordType::SRV), facts) {
            Known::Open(open) => return Progress::Need { open: vec![open], found: 0 },
            Known::Is(Ok(Outcome::Records(records))) => {
                groups.push((transport, srv_of(records).collect()));
                if !chosen {
                    break;
                }
            }
            Known::Is(_) | Known::Lost(_) => {}
        }
    }
    if groups.iter().all(|(_, targets)| targets.is_empty()) {
        let plain = wish.plain();
        return addresses(&[Target::new(host, Wish::port(plain), plain)], facts, taste);
    }
    let mut left = MAX_TARGETS;
    for (_, targets) in &mut groups {
        targets.retain(|srv| !srv.target.is_root());
        // The weights are drawn once, when all is known: the order of asking does not matter.
        targets.sort_by_key(|srv| srv.priority);
        targets.truncate(left);
        left = left.saturating_sub(targets.len());
    }
    let unordered = flat(&groups);
    if unordered.is_empty() {
        return Progress::Failed(LookupError::NotOffered { name: plain(host) });
    }
    match addresses(&unordered, facts, taste) {
        Progress::Found(_) => {
            for (_, targets) in &mut groups {
                *targets = order::by_weight(core::mem::take(targets), entropy);
            }
            addresses(&flat(&groups), facts, taste)
        }
        other => other,
    }
}

fn flat(groups: &[(Transport, Vec<&SRV>)]) -> Vec<Target> {
    let target = |transport: Transport| move |srv: &&SRV| Target::new(&srv.target, srv.port, transport);
    groups.iter().flat_map(|(transport, targets)| targets.iter().map(target(*transport))).collect()
}

/// The addresses of all `targets`, in their order, IPv6 or IPv4 first as is the taste.
fn addresses(targets: &[Target], facts: &Facts, taste: Taste) -> Progress {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut open = Vec::new();
    let mut trouble: Option<LookupError> = None;
    for Target { host, port, transport } in targets {
        let mut kinds = ADDRESS_KINDS;
        if !taste.prefer_v6 {
            kinds.reverse();
        }
        for kind in kinds {
            match follow(question(host, kind), facts) {
                Known::Open(question) => open.push(question),
                Known::Lost(error) => worst(&mut trouble, error),
                Known::Is(Err(error)) => worst(&mut trouble, error.clone()),
                Known::Is(Ok(Outcome::NoSuchName)) => {
                    worst(&mut trouble, LookupError::NoSuchName { name: plain(host) });
                }
                Known::Is(Ok(Outcome::Records(records))) => {
                    for ip in records.iter().filter_map(RData::ip_addr) {
                        let address = SocketAddr::new(ip, *port);
                        if candidates.len() < MAX_CANDIDATES
                            && !candidates
                                .iter()
                                .any(|one| one.address == address && one.transport == *transport)
                        {
                            candidates.push(Candidate { address, transport: *transport, name: plain(host) });
                        }
                    }
                }
                Known::Is(Ok(_)) => {}
            }
        }
    }
    open.dedup();
    match (open.is_empty(), candidates.is_empty(), trouble) {
        (_, false, _) if open.is_empty() || taste.hurry => Progress::Found(candidates),
        (false, ..) => Progress::Need { open, found: candidates.len() },
        (true, _, Some(error)) => Progress::Failed(error),
        (true, _, None) => {
            let name = targets.first().map(|target| plain(&target.host)).unwrap_or_default();
            Progress::Failed(LookupError::NoAddress { name })
        }
    }
}

fn reverse(ip: IpAddr, facts: &Facts) -> Progress {
    let name = Name::from(ip);
    match follow(question(&name, RecordType::PTR), facts) {
        Known::Open(open) => Progress::Need { open: vec![open], found: 0 },
        Known::Lost(error) => Progress::Failed(error),
        Known::Is(Err(error)) => Progress::Failed(error.clone()),
        Known::Is(Ok(Outcome::Records(records))) => {
            let names = records.iter().filter_map(|data| match data {
                RData::PTR(ptr) => Some(plain(&ptr.0)),
                _ => None,
            });
            let address = SocketAddr::new(ip, 0);
            let candidates =
                names.take(MAX_CANDIDATES).map(|name| Candidate { address, transport: Transport::Udp, name });
            Progress::Found(candidates.collect())
        }
        Known::Is(Ok(Outcome::NoSuchName)) => {
            Progress::Failed(LookupError::NoSuchName { name: plain(&name) })
        }
        Known::Is(Ok(_)) => Progress::Failed(LookupError::NoAddress { name: plain(&name) }),
    }
}

/// What the facts say about a question once aliases are followed.
enum Known<'a> {
    Open(Question),
    Is(Result<&'a Outcome, &'a LookupError>),
    Lost(LookupError),
}

fn follow(mut question: Question, facts: &Facts) -> Known<'_> {
    let start = question.name.clone();
    for _ in 0..=MAX_ALIASES {
        match facts.get(&question) {
            None => return Known::Open(question),
            Some(Ok(Outcome::Alias(to))) => question.name = to.clone(),
            Some(fact) => return Known::Is(fact.as_ref()),
        }
    }
    Known::Lost(LookupError::AliasLoop { name: plain(&start) })
}

/// Keeps the error that tells the user most: that nobody answered outweighs that a name is missing.
fn worst(kept: &mut Option<LookupError>, new: LookupError) {
    let missing = |error: &LookupError| matches!(error, LookupError::NoSuchName { .. });
    if kept.as_ref().is_none_or(|old| missing(old) && !missing(&new)) {
        *kept = Some(new);
    }
}

fn question(name: &Name, kind: RecordType) -> Question {
    Question { name: name.clone(), kind }
}

/// `None` when the name would become longer than names may be, or the transport has no such name.
fn service_name(host: &Name, transport: Transport) -> Option<Name> {
    let (service, proto) = match transport {
        Transport::Udp => ("_sip", "_udp"),
        Transport::Tcp => ("_sip", "_tcp"),
        Transport::Tls => ("_sips", "_tcp"),
        _ => return None,
    };
    host.prepend_label(proto).and_then(|name| name.prepend_label(service)).ok()
}

fn naptr_of(records: &[RData]) -> Vec<&NAPTR> {
    records
        .iter()
        .filter_map(|data| if let RData::NAPTR(naptr) = data { Some(naptr) } else { None })
        .collect()
}

fn srv_of(records: &[RData]) -> impl Iterator<Item = &SRV> {
    records.iter().filter_map(|data| if let RData::SRV(srv) = data { Some(srv) } else { None })
}

/// IPv6 first; turned round when IPv4 is preferred.
const ADDRESS_KINDS: [RecordType; 2] = [RecordType::AAAA, RecordType::A];
/// SRV targets that are followed.
const MAX_TARGETS: usize = 8;
/// Results of one look-up.
const MAX_CANDIDATES: usize = 32;
