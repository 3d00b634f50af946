//! What the zones say to a question (RFC 1034 §4.3.2, RFC 2308, RFC 8482), signed where the zone is and the asker
//! wants it (RFC 4035 §3.1).

use rove_base::UnixTime;

use super::{
    answer::{Answer, Section},
    request::Request,
    signers::Signers,
};
use crate::{
    dnssec::{Signer, nsec},
    wire::{Name, Question, class, rcode, rtype, suffixes},
    zones::{Contents, Found, RrSet, Zone, Zones, rdata},
};

/// Fills in `answer`.
pub(super) fn answer(
    zones: &Zones,
    signers: &mut Signers,
    now: UnixTime,
    request: &Request<'_>,
    answer: &mut Answer<'_>,
) {
    let question = &request.question;
    if request.edns.is_some_and(|edns| edns.version > 0) {
        return answer.set_rcode(rcode::BADVERS);
    }
    let name = question.name.as_wire();
    match nearest(zones, name, question.rtype) {
        Some(zone) if question.class == class::IN => {
            let signer = signers.of(zone.origin());
            let edns = request.edns.filter(|_| signer.is_some());
            let signed = edns.is_some_and(|edns| edns.wants_dnssec);
            let compact = edns.is_some_and(|edns| edns.compact);
            let mut speaker = Speaker { zone, signer, signed, compact, now, answer };
            if !speaker.look_up(name, question.rtype) {
                answer.truncate();
            }
        }
        _ => answer.set_rcode(rcode::REFUSED),
    }
}

/// The zone that answers. DS belongs to the upper side of a cut, when that is here too (RFC 4035 §3.1.4.1).
fn nearest<'z>(zones: &'z Zones, name: &[u8], wanted: u16) -> Option<&'z Zone> {
    let upper = || zones.nearest(suffixes(name).nth(1)?);
    let above = if wanted == rtype::DS { upper() } else { None };
    above.or_else(|| zones.nearest(name))
}

/// Whether a whole zone is asked for, or what changed in it.
pub(super) fn is_transfer(question: &Question) -> bool {
    question.class == class::IN && matches!(question.rtype, rtype::AXFR | rtype::IXFR)
}

/// Speaks for one zone.
struct Speaker<'z, 's, 'a, 'm> {
    zone: &'z Zone,
    /// `None`: the zone is not signed.
    signer: Option<&'s mut Signer>,
    /// Whether signatures are wanted and can be had.
    signed: bool,
    /// Whether the asker knows "no such name" by its NSEC record, whatever the RCODE.
    compact: bool,
    now: UnixTime,
    answer: &'a mut Answer<'m>,
}

impl<'z> Speaker<'z, '_, '_, '_> {
    /// `false` when what must be said does not fit.
    fn look_up(&mut self, name: &[u8], wanted: u16) -> bool {
        let mut alias: Option<Name> = None;
        for _ in 0..MAX_ALIASES {
            let owner = alias.as_ref().map_or(name, Name::as_wire);
            let contents = match self.zone.find(owner, wanted) {
                Found::Contents(contents) => contents,
                Found::Delegated { .. } if alias.is_some() => return true,
                Found::Delegated { cut, servers } => return self.refer(cut, servers),
                Found::Nothing => return self.deny_name(owner),
            };
            self.answer.set_authoritative();
            if let Some(done) = self.ask_signer(owner, contents, wanted) {
                return done;
            }
            if let Some(set) = choose(contents, wanted) {
                return self.push(Section::Answer, owner, set) && {
                    self.add_addresses(set);
                    true
                };
            }
            let Some((set, target)) = contents.cname() else { return self.deny_type(owner, Some(contents)) };
            if !self.push(Section::Answer, owner, set) {
                return false;
            }
            match rdata::target(rtype::CNAME, target).filter(|target| target.is_within(self.zone.origin())) {
                Some(target) => alias = Some(target),
                None => return true,
            }
        }
        true
    }

    /// What a signed zone has that stands in no set of it: its keys, and what it says of what is not there.
    fn ask_signer(&mut self, owner: &[u8], contents: &Contents, wanted: u16) -> Option<bool> {
        let signer = self.signer.as_deref()?;
        if wanted == rtype::DNSKEY && owner == signer.zone().as_wire() {
            let keys = signer.keys().clone();
            return Some(self.push(Section::Answer, owner, &keys));
        }
        let denies = wanted == rtype::NSEC && self.signed;
        denies.then(|| self.push_nsec(Section::Answer, owner, Some(contents)))
    }

    /// Writes a set, and its signature where that is wanted.
    #[must_use]
    fn push(&mut self, section: Section, owner: &[u8], set: &RrSet) -> bool {
        let RrSet { rtype, ttl, rdata } = set;
        self.answer.push(section, owner, set)
            && self.push_signature(section, owner, (*rtype, *ttl), rdata.iter().map(|one| &**one))
    }

    #[must_use]
    fn push_signature<'r>(
        &mut self,
        section: Section,
        owner: &[u8],
        (rtype, ttl): (u16, u32),
        records: impl Iterator<Item = &'r [u8]>,
    ) -> bool {
        let (true, Some(signer)) = (self.signed, self.signer.as_deref_mut()) else { return true };
        let Some(rrsig) = signer.sign(self.now, owner, rtype, ttl, records) else { return false };
        self.answer.push_one(section, owner, rtype::RRSIG, ttl, &rrsig)
    }

    /// "No such name": where it must be signed, of the name itself (RFC 9824 §3.1).
    fn deny_name(&mut self, owner: &[u8]) -> bool {
        self.answer.set_authoritative();
        if !self.signed || self.compact {
            self.answer.set_rcode(rcode::NXDOMAIN);
        }
        self.deny_type(owner, None)
    }

    /// "No such name", or "no such set", for so long (RFC 2308 §5).
    fn deny_type(&mut self, owner: &[u8], contents: Option<&Contents>) -> bool {
        let Some((ttl, soa)) = self.negative() else { return true };
        let origin = self.zone.origin().as_wire();
        self.answer.push_one(Section::Authority, origin, rtype::SOA, ttl, soa)
            && self.push_signature(Section::Authority, origin, (rtype::SOA, ttl), core::iter::once(soa))
            && (!self.signed || self.push_nsec(Section::Authority, owner, contents))
    }

    /// What is not there may be cached for so long; and the SOA contents that say so.
    fn negative(&self) -> Option<(u32, &'z [u8])> {
        let (set, soa) = self.zone.soa()?;
        Some((rdata::soa_minimum(soa).map_or(set.ttl, |minimum| minimum.min(set.ttl)), soa))
    }

    fn push_nsec(&mut self, section: Section, owner: &[u8], contents: Option<&Contents>) -> bool {
        let Some((ttl, _)) = self.negative() else { return true };
        let mut types: Option<Vec<u16>> =
            contents.map(|contents| contents.sets().map(|set| set.rtype).collect());
        if owner == self.zone.origin().as_wire() {
            types.iter_mut().for_each(|types| types.push(rtype::DNSKEY));
        }
        let denial = nsec(owner, types.as_deref());
        self.answer.push_one(section, owner, rtype::NSEC, ttl, &denial)
            && self.push_signature(section, owner, (rtype::NSEC, ttl), core::iter::once(&*denial))
    }

    /// "Ask them." Addresses of servers within the zone are part of it (RFC 9471); so is, where it is signed, who they
    /// are, or that they are nobody in particular (RFC 4035 §3.1.4).
    fn refer(&mut self, cut: &[u8], servers: &RrSet) -> bool {
        let zone = self.zone;
        if !self.answer.push(Section::Authority, cut, servers) {
            return false;
        }
        if self.signed {
            let held = zone.at(cut).and_then(|contents| contents.get(rtype::DS));
            let told = match held {
                Some(ds) => self.push(Section::Authority, cut, ds),
                None => self.push_cut_nsec(cut),
            };
            if !told {
                return false;
            }
        }
        targets(servers)
            .all(|server| address_sets(zone, &server).all(|set| push_extra(self.answer, &server, set)))
    }

    /// A cut owns NS, and no DS; whatever lies at it besides is not ours to list.
    fn push_cut_nsec(&mut self, cut: &[u8]) -> bool {
        let Some((ttl, _)) = self.negative() else { return true };
        let denial = nsec(cut, Some(&[rtype::NS]));
        self.answer.push_one(Section::Authority, cut, rtype::NSEC, ttl, &denial)
            && self.push_signature(Section::Authority, cut, (rtype::NSEC, ttl), core::iter::once(&*denial))
    }

    /// Saves the asker the next questions: servers and their addresses, where this zone knows them and they fit.
    fn add_addresses(&mut self, set: &RrSet) {
        let zone = self.zone;
        for target in targets(set).take(MAX_EXTRAS) {
            let services = if set.rtype == rtype::NAPTR { visible(zone, &target, rtype::SRV) } else { None };
            if let Some(services) = services {
                if !self.push_addition(&target, services) {
                    return;
                }
                for host in targets(services).take(MAX_EXTRAS) {
                    let _fits = address_sets(zone, &host).all(|set| self.push_addition(&host, set));
                }
            }
            let _fits = address_sets(zone, &target).all(|set| self.push_addition(&target, set));
        }
    }

    /// What lies below a cut has no signature of ours.
    fn push_addition(&mut self, owner: &Name, set: &RrSet) -> bool {
        let delegated = matches!(self.zone.find(owner.as_wire(), set.rtype), Found::Delegated { .. });
        if delegated {
            return push_extra(self.answer, owner, set);
        }
        self.push(Section::Additional, owner.as_wire(), set)
    }
}

/// The set that answers; for ANY one of them (RFC 8482 §4.1).
fn choose(contents: &Contents, wanted: u16) -> Option<&RrSet> {
    if wanted == rtype::ANY { contents.sets().next() } else { contents.get(wanted) }
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
