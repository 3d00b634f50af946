//! A request as far as every kind of it is alike.

use super::cookie::Cookie;
use crate::{
    tsig::{Signature, TsigError},
    wire::{Header, Question, Reader, WireError, rcode, rtype},
};

/// A request whose sections could be walked to the end.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) header: Header,
    pub(super) bytes: &'a [u8],
    pub(super) question: Question,
    /// Where the question section ends.
    pub(super) question_end: usize,
    pub(super) edns: Option<Edns>,
    pub(super) signature: Option<Signature>,
}

/// What the OPT record says (RFC 6891 §6.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Edns {
    /// Largest datagram the peer takes.
    pub(super) payload: u16,
    pub(super) version: u8,
    /// The DO bit, to be copied (RFC 3225 §3).
    pub(super) wants_dnssec: bool,
    /// Whether "no such name" may be said with signatures in few words (RFC 9824 §5.1).
    pub(super) compact: bool,
    pub(super) cookie: Option<Cookie>,
}

/// A request that gets no further than its header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum RequestError {
    Wire(WireError),
    /// Not exactly one question.
    Questions,
    /// More than one OPT record, or a misplaced one (RFC 6891 §6.1.1).
    Opt,
    Signature(TsigError),
    Opcode,
}

impl RequestError {
    pub(super) const fn rcode(&self) -> u16 {
        match self {
            Self::Opcode => rcode::NOTIMP,
            _ => rcode::FORMERR,
        }
    }

    /// A word for the cause, to count it by.
    pub(super) const fn cause(&self) -> &'static str {
        match self {
            Self::Wire(_) | Self::Questions | Self::Opt => "malformed",
            Self::Signature(error) => error.cause(),
            Self::Opcode => "not supported",
        }
    }
}

impl From<WireError> for RequestError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl<'a> Request<'a> {
    pub(super) fn parse(header: Header, bytes: &'a [u8]) -> Result<Self, RequestError> {
        let [questions, answers, authorities, additional] = header.counts;
        if questions != 1 {
            return Err(RequestError::Questions);
        }
        let mut reader = Reader::starting_at(bytes, Header::LEN);
        let question = reader.question()?;
        let question_end = reader.position();
        for _ in 0..u32::from(answers).saturating_add(u32::from(authorities)) {
            if reader.record()?.rtype == rtype::OPT {
                return Err(RequestError::Opt);
            }
        }
        let (mut edns, mut signed) = (None, false);
        for _ in 0..additional {
            let record = reader.record()?;
            signed |= record.rtype == rtype::TSIG;
            if record.rtype == rtype::OPT {
                let [_, version, flags, _] = record.ttl.to_be_bytes();
                let cookie = cookie(bytes.get(record.rdata.clone()).unwrap_or_default())?;
                let (wants_dnssec, compact) = (flags & 0x80 != 0, flags & 0x40 != 0);
                let found = Edns { payload: record.class, version, wants_dnssec, compact, cookie };
                if edns.replace(found).is_some() || record.name.as_wire() != [0] {
                    return Err(RequestError::Opt);
                }
            }
        }
        reader.finish()?;
        let signature = if signed { Signature::find(bytes).map_err(RequestError::Signature)? } else { None };
        Ok(Self { header, bytes, question, question_end, edns, signature })
    }

    /// Bytes an answer's signature will need.
    pub(super) fn signature_room(&self) -> usize {
        self.signature.as_ref().map_or(0, |signature| {
            let names = signature.key.as_wire().len().saturating_add(signature.algorithm.as_wire().len());
            names.saturating_add(SIGNATURE_FIELDS)
        })
    }
}

/// The cookie among the options of an OPT record; those with another meaning are stepped over.
fn cookie(options: &[u8]) -> Result<Option<Cookie>, RequestError> {
    let mut reader = Reader::new(options);
    while reader.position() < options.len() {
        let code = reader.u16("option")?;
        let len = usize::from(reader.u16("option")?);
        let contents = reader.bytes(len, "option")?;
        if code == COOKIE {
            return Cookie::parse(contents).map(Some).ok_or(RequestError::Opt);
        }
    }
    Ok(None)
}

/// The number of the option that carries cookies (RFC 7873 §4).
pub(super) const COOKIE: u16 = 10;
/// The fixed fields of a TSIG record, its MAC, and the time sent with BADTIME.
const SIGNATURE_FIELDS: usize = 10 + 16 + 32 + 6;
