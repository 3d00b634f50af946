//! An answer being written.

use super::request::{Edns, Request};
use crate::{
    wire::{Header, rcode, rtype, suffixes},
    zones::RrSet,
};

/// The sections after the question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Section {
    Answer,
    Authority,
    Additional,
}

/// A message that starts as a copy of the request's header and question and never grows beyond its limit.
#[derive(Debug)]
pub(super) struct Answer<'m> {
    message: &'m mut Vec<u8>,
    question_end: usize,
    question: &'m [u8],
    limit: usize,
    flags: u16,
    rcode: u16,
    counts: [u16; 3],
}

impl<'m> Answer<'m> {
    /// An empty answer to `request` of at most `limit` bytes, signature included.
    pub(super) fn new(message: &'m mut Vec<u8>, request: &'m Request<'_>, limit: usize) -> Self {
        message.clear();
        message.extend_from_slice(request.bytes.get(..request.question_end).unwrap_or_default());
        let edns_room = if request.edns.is_some() { OPT_LEN } else { 0 };
        Self {
            message,
            question_end: request.question_end,
            question: request.question.name.as_wire(),
            limit: limit.saturating_sub(request.signature_room()).saturating_sub(edns_room),
            flags: answer_flags(request.header),
            rcode: rcode::NOERROR,
            counts: [0; 3],
        }
    }

    /// An empty message with header and question as in `head`, of at most `limit` bytes without a signature.
    pub(super) fn following(
        message: &'m mut Vec<u8>,
        head: &[u8],
        question: &'m [u8],
        flags: u16,
        limit: usize,
    ) -> Self {
        message.clear();
        message.extend_from_slice(head);
        let flags = answer_flags(Header { id: 0, flags, counts: [0; 4] });
        let (question_end, rcode) = (head.len(), rcode::NOERROR);
        Self { message, question_end, question, limit, flags, rcode, counts: [0; 3] }
    }

    pub(super) const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Drops all records.
    pub(super) fn restart(&mut self) {
        self.message.truncate(self.question_end);
        self.counts = [0; 3];
    }

    pub(super) const fn set_rcode(&mut self, rcode: u16) {
        self.rcode = rcode;
    }

    pub(super) const fn set_authoritative(&mut self) {
        self.flags |= Header::AA;
    }

    /// Drops all records and says that they did not fit; the client comes back over a stream (RFC 2181 §9).
    pub(super) fn truncate(&mut self) {
        self.message.truncate(self.question_end);
        self.counts = [0; 3];
        self.flags |= Header::TC;
    }

    /// Writes a whole set. `false`, and nothing is written, when it does not fit.
    #[must_use]
    pub(super) fn push(&mut self, section: Section, owner: &[u8], set: &RrSet) -> bool {
        let (start, counts) = (self.message.len(), self.counts);
        let fits = set.rdata.iter().all(|rdata| self.push_one(section, owner, set.rtype, set.ttl, rdata));
        if !fits {
            self.message.truncate(start);
            self.counts = counts;
        }
        fits
    }

    /// Writes one record. `false`, and nothing is written, when it does not fit.
    #[must_use]
    pub(super) fn push_one(
        &mut self,
        section: Section,
        owner: &[u8],
        rtype: u16,
        ttl: u32,
        rdata: &[u8],
    ) -> bool {
        let start = self.message.len();
        self.push_name(owner);
        self.message.extend_from_slice(&rtype.to_be_bytes());
        self.message.extend_from_slice(&crate::wire::class::IN.to_be_bytes());
        self.message.extend_from_slice(&ttl.to_be_bytes());
        self.message.extend_from_slice(&u16::try_from(rdata.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.message.extend_from_slice(rdata);
        let [answer, authority, additional] = &mut self.counts;
        let count = match section {
            Section::Answer => answer,
            Section::Authority => authority,
            Section::Additional => additional,
        };
        if self.message.len() > self.limit || *count == u16::MAX {
            self.message.truncate(start);
            return false;
        }
        *count = count.saturating_add(1);
        true
    }

    /// Writes a name, its longest common ending with the question as a pointer (RFC 1035 §4.1.4).
    fn push_name(&mut self, name: &[u8]) {
        let position = |suffix: &[u8]| {
            let at = self.question.len().checked_sub(suffix.len())?;
            let common = self.question.get(at..) == Some(suffix) && is_boundary(self.question, at);
            (common && suffix.len() > 1).then_some(at)
        };
        let found = suffixes(name)
            .find_map(|suffix| Some((name.len().checked_sub(suffix.len())?, position(suffix)?)));
        let pointer = found.and_then(|(own, at)| {
            let target = u16::try_from(at.checked_add(Header::LEN)?).ok()?;
            Some((name.get(..own)?, 0xc000 | target))
        });
        match pointer {
            Some((own, pointer)) => {
                self.message.extend_from_slice(own);
                self.message.extend_from_slice(&pointer.to_be_bytes());
            }
            None => self.message.extend_from_slice(name),
        }
    }

    /// Writes the OPT record when the request had one, and the header.
    pub(super) fn finish(self, edns: Option<Edns>, udp_payload_max: u16) {
        let Self { message, mut counts, flags, rcode, .. } = self;
        if let Some(edns) = edns {
            let dnssec = if edns.wants_dnssec { 0x80 } else { 0 };
            let [_, extended] = (rcode >> 4).to_be_bytes();
            message.push(0);
            message.extend_from_slice(&rtype::OPT.to_be_bytes());
            message.extend_from_slice(&udp_payload_max.to_be_bytes());
            message.extend_from_slice(&[extended, 0, dnssec, 0, 0, 0]);
            let [.., additional] = &mut counts;
            *additional = additional.saturating_add(1);
        }
        write_header(message, flags | (rcode & 0x0f), [1, counts[0], counts[1], counts[2]]);
    }
}

/// Writes an answer that is nothing but a header.
pub(super) fn bare(message: &mut Vec<u8>, header: Header, rcode: u16) {
    message.clear();
    message.extend_from_slice(&header.id.to_be_bytes());
    message.resize(Header::LEN, 0);
    write_header(message, answer_flags(header) | (rcode & 0x0f), [0; 4]);
}

/// Fills in everything but the id, which stands.
fn write_header(message: &mut [u8], flags: u16, counts: [u16; 4]) {
    if let Some((header, _)) = message.split_first_chunk_mut::<{ Header::LEN }>() {
        let [_, _, f0, f1, rest @ ..] = header;
        [*f0, *f1] = flags.to_be_bytes();
        rest.copy_from_slice(counts.map(u16::to_be_bytes).as_flattened());
    }
}

/// QR set, OPCODE and RD copied (RFC 1035 §4.1.1).
fn answer_flags(header: Header) -> u16 {
    Header::QR | (header.flags & (OPCODE | Header::RD))
}

/// Whether a label of `name` starts at `at`.
fn is_boundary(name: &[u8], at: usize) -> bool {
    suffixes(name).any(|suffix| name.len().checked_sub(suffix.len()) == Some(at))
}

const OPCODE: u16 = 0x7800;
/// Bytes of an OPT record without options.
const OPT_LEN: usize = 11;
