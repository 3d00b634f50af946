//! Who asks for a zone, and what he is given.

use rove_base::Flow;

use super::{
    Transfers,
    feed::{Feed, Source},
    history::Steps,
};
use crate::{
    server::{
        Peer, Refusal,
        answer::{Answer, Section},
        request::Request,
    },
    tsig::Verified,
    wire::{Reader, rcode, rtype},
    zones::{Record, Zone, rdata},
};

/// What comes of asking for a zone.
pub(in crate::server) enum Asked {
    /// All is in the answer that was written.
    Answered,
    /// The messages follow one by one.
    Running,
    /// Not him, or not now.
    Refused(Refusal),
}

impl Transfers {
    /// Deals with a question for AXFR or IXFR of `zone`. `answer` is for what fits one message.
    pub(in crate::server) fn ask(
        &mut self,
        zone: &mut Zone,
        from: Peer,
        request: &Request<'_>,
        signer: Option<&Verified>,
        answer: &mut Answer<'_>,
    ) -> Asked {
        let origin = zone.origin().clone();
        if *origin.as_wire() != *request.question.name.as_wire()
            || !self.is_permitted(&origin, from, signer.map(|signer| &signer.key))
        {
            answer.set_rcode(rcode::REFUSED);
            return Asked::Refused(Refusal::Transfer { zone: request.question.name.to_name() });
        }
        answer.set_authoritative();
        let given = match (request.question.rtype, from.flow) {
            (rtype::IXFR, flow) => self.missed(zone, flow, request, answer),
            (_, Flow::Stream(_)) => Given::Whole,
            // A datagram cannot carry it (RFC 5936 §4.2).
            (_, Flow::Udp(_)) => {
                answer.set_rcode(rcode::FORMERR);
                Given::Nothing
            }
        };
        if matches!(given, Given::Nothing) {
            return Asked::Answered;
        }
        if !self.feeds.has_room_for(from) {
            answer.set_rcode(rcode::SERVFAIL);
            return Asked::Refused(Refusal::TransferBusy);
        }
        let source = match given {
            Given::Steps(steps) => Source::Steps(steps),
            _ => Source::whole(zone),
        };
        self.feeds.start(Feed::new(from, request, signer, source));
        Asked::Running
    }

    /// What the other server missed.
    fn missed(&self, zone: &Zone, flow: Flow, request: &Request<'_>, answer: &mut Answer<'_>) -> Given {
        let Some(theirs) = serial_of(request) else {
            answer.set_rcode(rcode::FORMERR);
            return Given::Nothing;
        };
        let Some((set, soa)) = zone.soa() else { return Given::Nothing };
        let news = is_later(zone.serial(), theirs);
        let history = self.histories.get(zone.origin()).filter(|_| news);
        let steps = history.and_then(|history| history.since(theirs));
        let steps = steps.map(|steps| Steps::new(zone.origin().clone(), set.ttl, soa, steps));
        if news && matches!(flow, Flow::Stream(_)) {
            return steps.map_or(Given::Whole, Given::Steps);
        }
        if steps.is_some_and(|mut steps| steps.all(|record| push(answer, &record))) {
            return Given::Nothing;
        }
        answer.restart();
        // "Nothing is new", or "ask by stream". A SOA record fits the smallest datagram, but for names of
        // extraordinary length.
        let _ = answer.push(Section::Answer, zone.origin().as_wire(), set);
        Given::Nothing
    }
}

/// What is given by stream.
enum Given {
    Whole,
    Steps(Steps),
    /// All there is to say is in the answer.
    Nothing,
}

fn push(answer: &mut Answer<'_>, record: &Record) -> bool {
    let Record { name, rtype, ttl, rdata } = record;
    answer.push_one(Section::Answer, name.as_wire(), *rtype, *ttl, rdata)
}

/// The serial that the other server has: of the SOA record in the authority section (RFC 1995 §3).
fn serial_of(request: &Request<'_>) -> Option<u32> {
    let mut reader = Reader::starting_at(request.bytes, request.question_end);
    let [_, answers, authorities, _] = request.header.counts;
    if answers != 0 || authorities != 1 {
        return None;
    }
    let record = reader.record().ok().filter(|record| record.rtype == rtype::SOA)?;
    rdata::soa_serial(request.bytes.get(record.rdata)?)
}

/// Whether `ours` is later than `theirs` on the circle of RFC 1982.
fn is_later(ours: u32, theirs: u32) -> bool {
    (1..=1 << 31).contains(&ours.wrapping_sub(theirs))
}
