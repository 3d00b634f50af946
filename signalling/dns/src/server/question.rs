//! What the zones say to a question (RFC 1034 §4.3.2, RFC 2308, RFC 8482).

use super::{
    answer::{Answer, Section},
    request::Request,
};
use crate::{
    wire::{Name, Question, class, rcode, rtype},
    zones::{Contents, Found, RrSet, Zone, Zones, rdata},
};

/// Fills in `answer`.
pub(super) fn answer(zones: &Zones, request: &Request<'_>, answer: &mut Answer<'_>) {
    let question = &request.question;
    if request.edns.is_some_and(|edns| edns.version > 0) {
        return answer.set_rcode(rcode::BADVERS);
    }
    let name = question.name.as_wire();
    match zones.nearest(name) {
        Some(zone) if question.class == class::IN => {
            if !look_up(zone, name, question.rtype, answer) {
                answer.truncate();
            }
        }
        _ => answer.set_rcode(rcode::REFUSED),
    }
}

/// Whether a whole zone is asked for, or what changed in it.
pub(super) fn is_transfer(question: &Question) -> bool {
    question.class == class::IN && matches!(question.rtype, rtype::AXFR | rtype::IXFR)
}

/// `false` when what must be said does not fit.
fn look_up(zone: &Zone, name: &[u8], wanted: u16, answer: &mut Answer<'_>) -> bool {
    let mut alias: Option<Name> = None;
    for _ in 0..MAX_ALIASES {
        let owner = alias.as_ref().map_or(name, Name::as_wire);
        let contents = match zone.find(owner, wanted) {
            Found::Contents(contents) => contents,
            Found::Delegated { .. } if alias.is_some() => return true,
            Found::Delegated { cut, servers } => return refer(zone, cut, servers, answer),
            Found::Nothing => {
                answer.set_authoritative();
                answer.set_rcode(rcode::NXDOMAIN);
                return deny(zone, answer);
            }
        };
        answer.set_authoritative();
        if let Some(set) = choose(contents, wanted) {
            return answer.push(Section::Answer, owner, set) && {
                add_addresses(zone, set, answer);
                true
            };
        }
        let Some((set, target)) = contents.cname() else { return deny(zone, answer) };
        if !answer.push(Section::Answer, owner, set) {
            return false;
        }
        match rdata::target(rtype::CNAME, target).filter(|target| target.is_within(zone.origin())) {
            Some(target) => alias = Some(target),
            None => return true,
        }
    }
    true
}

/// The set that answers; for ANY one of them (RFC 8482 §4.1).
fn choose(contents: &Contents, wanted: u16) -> Option<&RrSet> {
    if wanted == rtype::ANY { contents.sets().next() } else { contents.get(wanted) }
}

/// "No such name", or "no such set", for so long (RFC 2308 §5).
fn deny(zone: &Zone, answer: &mut Answer<'_>) -> bool {
    let Some((set, soa)) = zone.soa() else { return true };
    let ttl = rdata::soa_minimum(soa).map_or(set.ttl, |minimum| minimum.min(set.ttl));
    answer.push_one(Section::Authority, zone.origin().as_wire(), rtype::SOA, ttl, soa)
}

/// "Ask them." Addresses of servers within the zone are part of it (RFC 9471).
fn refer(zone: &Zone, cut: &[u8], servers: &RrSet, answer: &mut Answer<'_>) -> bool {
    answer.push(Section::Authority, cut, servers)
        && targets(servers)
            .all(|server| address_sets(zone, &server).all(|set| push_extra(answer, &server, set)))
}

/// Saves the asker the next questions: servers and their addresses, where this zone knows them and they fit.
fn add_addresses(zone: &Zone, set: &RrSet, answer: &mut Answer<'_>) {
    for target in targets(set).take(MAX_EXTRAS) {
        let services = if set.rtype == rtype::NAPTR { visible(zone, &target, rtype::SRV) } else { None };
        if let Some(services) = services {
            if !push_extra(answer, &target, services) {
                return;
            }
            for host in targets(services).take(MAX_EXTRAS) {
                let _fits = address_sets(zone, &host).all(|set| push_extra(answer, &host, set));
            }
        }
        let _fits = address_sets(zone, &target).all(|set| push_extra(answer, &target, set));
    }
}

fn push_extra(answer: &mut Answer<'_>, owner: &Name, set: &RrSet) -> bool {
    answer.push(Section::Additional, owner.as_wire(), set)
}

/// The names that records of a kind that needs addresses point to.
fn targets(set: &RrSet) -> impl Iterator<Item = Name> {
    let points = matches!(set.rtype, rtype::NS | rtype::MX | rtype::SRV | rtype::NAPTR);
    set.rdata.iter().filter(move |_| points).filter_map(|data| rdata::target(set.rtype, data))
}

fn address_sets<'z>(zone: &'z Zone, name: &Name) -> impl Iterator<Item = &'z RrSet> {
    [visible(zone, name, rtype::A), visible(zone, name, rtype::AAAA)].into_iter().flatten()
}

fn visible<'z>(zone: &'z Zone, name: &Name, rtype: u16) -> Option<&'z RrSet> {
    zone.at(name.as_wire())?.get(rtype)
}

/// Aliases followed in one answer.
const MAX_ALIASES: usize = 8;
/// Targets whose addresses are added to one answer.
const MAX_EXTRAS: usize = 16;
