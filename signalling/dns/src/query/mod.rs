//! What a client asks a name server, and how it reads the answer (RFC 1035 §4, RFC 2308, RFC 6891).
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod referral;
#[cfg(test)]
mod tests;

use core::{fmt, time::Duration};
use std::net::IpAddr;

use hickory_proto::{
    op::{Edns, Header, Message, MessageType, OpCode, Query},
    rr::{DNSClass, Name, RData, Record, RecordType},
    serialize::binary::{BinDecodable, BinDecoder},
};

use crate::wire::rcode;

pub(crate) use referral::Referral;

/// How a server says that a request failed: one of [`crate::wire::rcode`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Rcode(pub u16);

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
            "NXRRSET", "NOTAUTH", "NOTZONE",
        ];
        match known.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}

/// One question of class IN.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Question {
    pub(crate) name: Name,
    pub(crate) kind: RecordType,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", plain(&self.name), self.kind)
    }
}

/// What a server made of a question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Reply {
    /// It has an answer, if only that there is none.
    Answer(Box<Answer>),
    /// It does not fit a datagram: ask again over TCP (RFC 1035 §4.2.1).
    Truncated,
    /// It says no.
    Failure(Rcode),
    /// It knows only who would know.
    Referral(Box<Referral>),
}

/// What is now known about a question, and for how long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// How long it may be kept; zero means: not at all.
    pub(crate) ttl: Duration,
    /// Addresses of the targets that the records name, from the additional section.
    pub(crate) additional: Vec<(Name, IpAddr)>,
    /// The zone whose SOA came with it, in either section.
    pub(crate) zone: Option<Name>,
    /// Whether the server speaks for the zone (AA).
    pub(crate) authoritative: bool,
}

/// The answer proper.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// At least one record of the kind asked for.
    Records(Vec<RData>),
    /// The name is an alias of one that the message says nothing about.
    Alias(Name),
    /// The name exists, the kind does not.
    NoData,
    /// The name does not exist.
    NoSuchName,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(records) => {
                for (index, data) in records.iter().enumerate() {
                    write!(f, "{}{data}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Alias(name) => write!(f, "alias of {}", plain(name)),
            Self::NoData => f.write_str("no such record"),
            Self::NoSuchName => f.write_str("no such name"),
        }
    }
}

/// The message is not an answer to the question.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("not a response to a query")]
    NotAResponse,
    #[error("answers another question")]
    OtherQuestion,
    #[error("malformed")]
    Malformed,
    #[error("an alias chain longer than {MAX_ALIASES}, or a circle")]
    AliasChain,
}

/// A host or service name as a client writes it: with or without the final dot, never empty, IDNA where needed.
pub(crate) fn parse_name(text: &str) -> Option<Name> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty() || text.starts_with('.') || text.contains("..") {
        return None;
    }
    let mut name = Name::from_str_relaxed(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// A name without the final dot, as people write it.
pub(crate) fn plain(name: &Name) -> String {
    let mut text = name.to_ascii();
    if text.len() > 1 && text.ends_with('.') {
        text.pop();
    }
    text
}

/// A query as sent: with recursion desired or not, and with EDNS room for [`UDP_PAYLOAD`] bytes.
pub(crate) fn write_query(id: u16, question: &Question, edns: bool, recursion: bool) -> Option<Vec<u8>> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = recursion;
    message.add_query(Query::query(question.name.clone(), question.kind));
    if edns {
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_PAYLOAD);
        message.set_edns(edns);
    }
    message.to_vec().ok()
}

/// The ID of a message, when it has one.
pub(crate) fn message_id(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk::<2>().map(|id| u16::from_be_bytes(*id))
}

/// Reads the answer to `question`. The caller has matched the ID and both addresses.
pub(crate) fn read_reply(question: &Question, bytes: &[u8]) -> Result<Reply, ReadError> {
    let mut decoder = BinDecoder::new(bytes);
    let header = Header::read(&mut decoder).map_err(|_| ReadError::Malformed)?;
    if header.metadata.message_type != MessageType::Response || header.metadata.op_code != OpCode::Query {
        return Err(ReadError::NotAResponse);
    }
    let code = Rcode(u16::from(header.metadata.response_code.low()));
    match header.counts.queries {
        // A server that could not read the question may leave it out.
        0 if code != Rcode(rcode::NOERROR) => return Ok(Reply::Failure(code)),
        1 => {}
        _ => return Err(ReadError::OtherQuestion),
    }
    let asked = Query::read(&mut decoder).map_err(|_| ReadError::Malformed)?;
    if asked.name != question.name || asked.query_type != question.kind || asked.query_class != DNSClass::IN {
        return Err(ReadError::OtherQuestion);
    }
    if header.metadata.truncation {
        return Ok(Reply::Truncated);
    }
    let message = Message::from_vec(bytes).map_err(|_| ReadError::Malformed)?;
    match Rcode(u16::from(message.metadata.response_code)) {
        Rcode(rcode::NOERROR) | Rcode(rcode::NXDOMAIN) => read_answer(question, &message),
        code => Ok(Reply::Failure(code)),
    }
}

fn read_answer(question: &Question, message: &Message) -> Result<Reply, ReadError> {
    let authoritative = message.metadata.authoritative;
    let (end, alias_ttl) = follow_aliases(question, &message.answers)?;
    let wanted = |record: &&Record| {
        record.name == end && record.record_type() == question.kind && record.dns_class == DNSClass::IN
    };
    let found: Vec<&Record> = message.answers.iter().filter(wanted).take(MAX_RECORDS).collect();
    let soa = message.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) if record.name.zone_of(&end) => Some((&record.name, record.ttl.min(soa.minimum))),
        _ => None,
    });
    let aliased = end != question.name;
    let zone = soa.map(|(name, _)| name.clone());
    let (outcome, ttl, zone) = if !found.is_empty() {
        let ttl = found.iter().map(|record| record.ttl).min().unwrap_or(0).min(alias_ttl);
        let zone = if question.kind == RecordType::SOA { Some(end) } else { zone };
        (Outcome::Records(found.iter().map(|record| record.data.clone()).collect()), ttl, zone)
    } else if Rcode(u16::from(message.metadata.response_code)) == Rcode(rcode::NXDOMAIN) {
        (Outcome::NoSuchName, soa.map_or(0, |(_, ttl)| ttl).min(alias_ttl), zone)
    } else if aliased && soa.is_none() {
        (Outcome::Alias(end), alias_ttl, zone)
    } else if soa.is_none()
        && !authoritative
        && let Some(referral) = Referral::read(message)
    {
        return Ok(Reply::Referral(Box::new(referral)));
    } else {
        (Outcome::NoData, soa.map_or(0, |(_, ttl)| ttl).min(alias_ttl), zone)
    };
    let additional = additional_addresses(&outcome, message);
    let ttl = Duration::from_secs(u64::from(ttl));
    Ok(Reply::Answer(Box::new(Answer { outcome, ttl, additional, zone, authoritative })))
}

/// The name at the end of the CNAME chain that starts at the question's, and the chain's smallest TTL.
fn follow_aliases(question: &Question, answers: &[Record]) -> Result<(Name, u32), ReadError> {
    let mut end = question.name.clone();
    let mut ttl = u32::MAX;
    for _ in 0..=MAX_ALIASES {
        let alias = answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == end => Some((target.0.clone(), record.ttl)),
            _ => None,
        });
        match alias {
            Some((target, its_ttl)) if question.kind != RecordType::CNAME => {
                end = target;
                ttl = ttl.min(its_ttl);
            }
            _ => return Ok((end, ttl)),
        }
    }
    Err(ReadError::AliasChain)
}

fn additional_addresses(outcome: &Outcome, message: &Message) -> Vec<(Name, IpAddr)> {
    let Outcome::Records(records) = outcome else { return Vec::new() };
    let is_target =
        |name: &Name| records.iter().any(|data| matches!(data, RData::SRV(srv) if srv.target == *name));
    let addresses = message.additionals.iter().filter(|record| record.dns_class == DNSClass::IN);
    addresses
        .filter_map(|record| record.data.ip_addr().map(|ip| (record.name.clone(), ip)))
        .filter(|(name, _)| is_target(name))
        .take(MAX_RECORDS)
        .collect()
}

/// Cuts a TCP stream into messages by their two-byte length (RFC 1035 §4.2.2). Holds at most one message.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    buffer: Vec<u8>,
}

impl Framer {
    /// Takes the next bytes; `Some` once the first message is whole. What follows it is dropped.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<&[u8]> {
        let room = MAX_FRAME.saturating_sub(self.buffer.len());
        self.buffer.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        let (length, rest) = self.buffer.split_first_chunk::<2>()?;
        rest.get(..usize::from(u16::from_be_bytes(*length)))
    }
}

/// `message` with its length in front, as it goes over TCP.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let mut framed = Vec::with_capacity(message.len().saturating_add(2));
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message.get(..usize::from(length)).unwrap_or_default());
    framed
}

/// Fits every path without fragments (RFC 9715 §3.2 recommends staying below 1 400).
const UDP_PAYLOAD: u16 = 1_232;
/// Aliases followed from one name.
pub(crate) const MAX_ALIASES: usize = 8;
/// Records of one answer that are looked at.
const MAX_RECORDS: usize = 64;
/// A length and the largest message.
const MAX_FRAME: usize = 2 + 65_535;
