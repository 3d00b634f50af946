//! What terminals and servers say to each other.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod carry;
mod lend;
mod reason;

pub use self::{
    carry::{Carry, CarryId, Stage},
    lend::RelayTicket,
    reason::Reason,
};
use self::{
    carry::{put_carry, take_carry},
    lend::{put_ticket, take_ticket},
};
use crate::{
    Claim, Identifier, Name, Record, WireError,
    identifier::is_domain,
    wire::{Reader, put_bytes, put_identifier, put_text},
};

/// One message. `id` is drawn by whoever asks, and comes back with the answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// The first one of whoever has opened the stream.
    Hello {
        /// A server's domain and key; `None` for a terminal.
        server: Option<(String, [u8; 32])>,
    },
    /// The answer to it.
    Welcome {
        /// Whose server this is.
        domain: String,
        /// The key that it signs records with.
        key: [u8; 32],
    },
    /// A terminal says where it is; without contacts, that it is gone.
    Register {
        /// For the answer.
        id: u32,
        /// What it says.
        claim: Claim,
        /// Its signature.
        signature: [u8; 64],
    },
    /// The claim stands, also after a crash.
    Registered {
        /// Of what was asked.
        id: u32,
        /// With the server's signature.
        record: Record,
    },
    /// What was asked for will not be done.
    Refused {
        /// Of what was asked.
        id: u32,
        /// Why.
        reason: Reason,
    },
    /// Who is that, and where?
    Query {
        /// For the answer.
        id: u32,
        /// Whom it is about.
        identifier: Identifier,
        /// Who asks, as its server has seen; nobody in particular when `None`.
        asker: Option<Name>,
    },
    /// The answer to it.
    Answer {
        /// Of what was asked.
        id: u32,
        /// `None` when nobody is there, or not for the asker.
        record: Option<Record>,
    },
    /// A query whose answer is told now, and again whenever it changes, by [`Message::Notify`].
    Subscribe {
        /// For the answers.
        id: u32,
        /// Whom it is about.
        identifier: Identifier,
        /// Who asks, as its server has seen; nobody in particular when `None`.
        asker: Option<Name>,
    },
    /// What it is now.
    Notify {
        /// Of the subscription.
        id: u32,
        /// `None` when nobody is there.
        record: Option<Record>,
    },
    /// No more of these.
    Unsubscribe {
        /// Of the subscription.
        id: u32,
    },
    /// Something for another user, which the servers pass on.
    Carry(Carry),
    /// A user says who may see it.
    Admit {
        /// For the answer.
        id: u32,
        /// The user, who has registered on this stream.
        user: Name,
        /// About whom it is said.
        whom: Name,
        /// Whether it may, from now on.
        may: bool,
    },
    /// So it is, also after a crash.
    Admitted {
        /// Of what was asked.
        id: u32,
    },
    /// By what does a relay lend an address for a call?
    Lend {
        /// For the answer.
        id: u32,
        /// The user, who has registered on this stream.
        user: Name,
        /// Whom the call is with.
        whom: Name,
        /// Which call.
        call: CarryId,
    },
    /// The answer to it.
    Lent {
        /// Of what was asked.
        id: u32,
        /// Without relays where there are none.
        ticket: RelayTicket,
    },
}

impl Message {
    /// The frame, without its length.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(320);
        let start = |out: &mut Vec<u8>, kind: u8, id: u32| {
            out.push(kind);
            out.extend_from_slice(&id.to_be_bytes());
        };
        match self {
            Self::Hello { server } => {
                put_greeting(&mut out, kind::HELLO, server.as_ref().map(|(domain, key)| (&**domain, key)));
            }
            Self::Welcome { domain, key } => put_greeting(&mut out, kind::WELCOME, Some((domain, key))),
            Self::Register { id, claim, signature } => {
                start(&mut out, kind::REGISTER, *id);
                out.extend_from_slice(signature);
                out.extend_from_slice(&claim.encode());
            }
            Self::Registered { id, record } => {
                start(&mut out, kind::REGISTERED, *id);
                out.extend_from_slice(&record.encode());
            }
            Self::Refused { id, reason } => {
                start(&mut out, kind::REFUSED, *id);
                out.push(reason.code());
            }
            Self::Query { id, identifier, asker } => {
                start(&mut out, kind::QUERY, *id);
                put_asked(&mut out, identifier, asker.as_ref());
            }
            Self::Answer { id, record } => {
                start(&mut out, kind::ANSWER, *id);
                put_record(&mut out, record.as_ref());
            }
            Self::Subscribe { id, identifier, asker } => {
                start(&mut out, kind::SUBSCRIBE, *id);
                put_asked(&mut out, identifier, asker.as_ref());
            }
            Self::Notify { id, record } => {
                start(&mut out, kind::NOTIFY, *id);
                put_record(&mut out, record.as_ref());
            }
            Self::Admit { id, user, whom, may } => {
                start(&mut out, kind::ADMIT, *id);
                [user, whom].iter().for_each(|name| put_text(&mut out, name.as_str()));
                out.push((*may).into());
            }
            Self::Admitted { id } => start(&mut out, kind::ADMITTED, *id),
            Self::Lend { id, user, whom, call } => {
                start(&mut out, kind::LEND, *id);
                [user, whom].iter().for_each(|name| put_text(&mut out, name.as_str()));
                out.extend_from_slice(&call.0);
            }
            Self::Lent { id, ticket } => {
                start(&mut out, kind::LENT, *id);
                put_ticket(&mut out, ticket);
            }
            Self::Unsubscribe { id } => start(&mut out, kind::UNSUBSCRIBE, *id),
            Self::Carry(carry) => put_carry(&mut out, carry),
        }
        out
    }

    /// Reads a frame. No signature is verified.
    ///
    /// # Errors
    ///
    /// [`WireError`] says what is wrong with it.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(frame);
        let kind = reader.u8("kind")?;
        if kind == kind::HELLO || kind == kind::WELCOME {
            return greeting(kind, &mut reader);
        }
        if kind == kind::CARRY {
            return take_carry(&mut reader).map(Self::Carry);
        }
        let id = reader.u32("id")?;
        let message = match kind {
            kind::REGISTER => {
                let signature = reader.array("signature")?;
                Self::Register { id, claim: Claim::decode(core::mem::take(&mut reader.0))?, signature }
            }
            kind::REGISTERED => {
                Self::Registered { id, record: Record::decode(core::mem::take(&mut reader.0))? }
            }
            kind::REFUSED => {
                let reason = Reason::from_code(reader.u8("reason")?).ok_or(WireError::Value("reason"))?;
                Self::Refused { id, reason }
            }
            kind::QUERY => {
                Self::Query { id, identifier: reader.identifier()?, asker: reader.name_or_nothing()? }
            }
            kind::ANSWER => Self::Answer { id, record: take_record(&mut reader)? },
            kind::SUBSCRIBE => {
                Self::Subscribe { id, identifier: reader.identifier()?, asker: reader.name_or_nothing()? }
            }
            kind::NOTIFY => Self::Notify { id, record: take_record(&mut reader)? },
            kind::ADMIT => {
                let (user, whom) = (reader.name()?, reader.name()?);
                let may = match reader.u8("may")? {
                    may @ 0..=1 => may == 1,
                    _ => return Err(WireError::Value("may")),
                };
                Self::Admit { id, user, whom, may }
            }
            kind::ADMITTED => Self::Admitted { id },
            kind::LEND => {
                let (user, whom) = (reader.name()?, reader.name()?);
                Self::Lend { id, user, whom, call: CarryId(reader.array("conversation")?) }
            }
            kind::LENT => Self::Lent { id, ticket: take_ticket(&mut reader)? },
            kind::UNSUBSCRIBE => Self::Unsubscribe { id },
            other => return Err(WireError::Kind(other)),
        };
        reader.end()?;
        Ok(message)
    }

    /// What it is called in traces.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Welcome { .. } => "welcome",
            Self::Register { .. } => "register",
            Self::Registered { .. } => "registered",
            Self::Refused { .. } => "refused",
            Self::Query { .. } => "query",
            Self::Answer { .. } => "answer",
            Self::Subscribe { .. } => "subscribe",
            Self::Notify { .. } => "notify",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::Admit { .. } => "admit",
            Self::Admitted { .. } => "admitted",
            Self::Lend { .. } => "lend",
            Self::Lent { .. } => "lent",
            Self::Carry(carry) => match carry.stage {
                Stage::SetUp => "set-up",
                Stage::Alert => "alert",
                Stage::Accept => "accept",
                Stage::Refuse => "refuse",
                Stage::End => "end",
                Stage::Text => "text",
            },
        }
    }
}

/// The head of an answer, before a record of so many bytes, and what it is filled up with behind that.
pub(crate) fn answer_around(id: u32, record: usize) -> ([u8; 7], &'static [u8]) {
    let mut head = [0; 7];
    let parts =
        [&[kind::ANSWER][..], &id.to_be_bytes(), &u16::try_from(record).unwrap_or(u16::MAX).to_be_bytes()];
    for (to, from) in head.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    (head, filling(record))
}

/// So many bytes more, that nobody who sees the size knows whether somebody is there.
fn filling(record: usize) -> &'static [u8] {
    let size = if record <= USUAL { USUAL } else { LARGEST };
    NOTHING.get(..size.saturating_sub(record)).unwrap_or_default()
}

/// About whom, and who asks.
fn put_asked(out: &mut Vec<u8>, identifier: &Identifier, asker: Option<&Name>) {
    put_identifier(out, identifier);
    put_text(out, asker.map_or("", Name::as_str));
}

fn put_record(out: &mut Vec<u8>, record: Option<&Record>) {
    let bytes = record.map(Record::encode).unwrap_or_default();
    put_bytes(out, &bytes);
    out.extend_from_slice(filling(bytes.len()));
}

fn take_record(reader: &mut Reader<'_>) -> Result<Option<Record>, WireError> {
    let bytes = reader.bytes("record")?;
    if core::mem::take(&mut reader.0) != filling(bytes.len()) {
        return Err(WireError::Value("filling"));
    }
    if bytes.is_empty() { Ok(None) } else { Record::decode(bytes).map(Some) }
}

fn put_greeting(out: &mut Vec<u8>, kind: u8, server: Option<(&str, &[u8; 32])>) {
    out.extend_from_slice(&[kind, PROTOCOL]);
    put_text(out, server.map_or("", |(domain, _)| domain));
    if let Some((_, key)) = server {
        out.extend_from_slice(key);
    }
}

fn greeting(kind: u8, reader: &mut Reader<'_>) -> Result<Message, WireError> {
    if reader.u8("protocol")? != PROTOCOL {
        return Err(WireError::Value("protocol"));
    }
    let domain = reader.text("domain")?;
    if kind == kind::HELLO && domain.is_empty() {
        reader.end()?;
        return Ok(Message::Hello { server: None });
    }
    if !is_domain(domain) || domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(WireError::Value("domain"));
    }
    let (domain, key) = (domain.to_owned(), reader.array("key")?);
    reader.end()?;
    Ok(match kind {
        kind::HELLO => Message::Hello { server: Some((domain, key)) },
        _ => Message::Welcome { domain, key },
    })
}

/// Bytes that a record is filled up to: nearly all are shorter.
const USUAL: usize = 320;
/// Those of the longest: of a user with the longest name, by number and fixed address, at four places.
const LARGEST: usize = 580;
const NOTHING: [u8; LARGEST] = [0; LARGEST];

/// The version that is spoken.
const PROTOCOL: u8 = 1;

/// Kinds of messages.
mod kind {
    pub(super) const HELLO: u8 = 1;
    pub(super) const WELCOME: u8 = 2;
    pub(super) const REGISTER: u8 = 3;
    pub(super) const REGISTERED: u8 = 4;
    pub(super) const REFUSED: u8 = 5;
    pub(super) const QUERY: u8 = 6;
    pub(super) const ANSWER: u8 = 7;
    pub(super) const SUBSCRIBE: u8 = 8;
    pub(super) const NOTIFY: u8 = 9;
    pub(super) const UNSUBSCRIBE: u8 = 10;
    pub(super) const CARRY: u8 = 11;
    pub(super) const ADMIT: u8 = 12;
    pub(super) const ADMITTED: u8 = 13;
    pub(super) const LEND: u8 = 14;
    pub(super) const LENT: u8 = 15;
}
