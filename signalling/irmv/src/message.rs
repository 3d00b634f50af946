//! What terminals and servers say to each other.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

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
    },
    /// The answer to it.
    Answer {
        /// Of what was asked.
        id: u32,
        /// `None` when nobody is there.
        record: Option<Record>,
    },
    /// A query whose answer is told now, and again whenever it changes, by [`Message::Notify`].
    Subscribe {
        /// For the answers.
        id: u32,
        /// Whom it is about.
        identifier: Identifier,
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
}

/// Names a conversation between two users; drawn at random by whoever begins it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CarryId(pub [u8; 16]);

/// Something that one user says to another by way of their servers: the steps of a call, or words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Carry {
    /// Which conversation.
    pub id: CarryId,
    /// Who says it; the server of its domain has seen to that.
    pub from: Name,
    /// To whom.
    pub to: Name,
    /// What it is.
    pub stage: Stage,
    /// What no server reads; at most [`Carry::MAX`] bytes.
    pub body: Vec<u8>,
}

impl Carry {
    /// Bytes of the longest body.
    pub const MAX: usize = 6_144;
}

/// What is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// A call is wanted.
    SetUp,
    /// The other user is told.
    Alert,
    /// The other user takes it.
    Accept,
    /// Nothing comes of it.
    Refuse,
    /// It is over.
    End,
    /// Words.
    Text,
}

impl Stage {
    const ALL: [(u8, Self); 6] = [
        (1, Self::SetUp),
        (2, Self::Alert),
        (3, Self::Accept),
        (4, Self::Refuse),
        (5, Self::End),
        (6, Self::Text),
    ];
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// A claim whose signature is not its user's.
    Signature,
    /// A claim that is older than the one that stands.
    Old,
    /// The name is of another domain.
    Domain,
    /// Name, number or address are somebody else's.
    Taken,
    /// It would last longer than is allowed, or is over already.
    Lifetime,
    /// Nothing stands behind the number or the address.
    Unproved,
    /// There is no room for more.
    Full,
    /// The other server cannot be reached, or does not answer.
    Unreachable,
    /// The other server says what is not believed.
    Distrusted,
    /// Nothing can be made durable.
    Broken,
}

impl Reason {
    const ALL: [Self; 10] = [
        Self::Signature,
        Self::Old,
        Self::Domain,
        Self::Taken,
        Self::Lifetime,
        Self::Unproved,
        Self::Full,
        Self::Unreachable,
        Self::Distrusted,
        Self::Broken,
    ];

    /// As it is on the wire, from 1 in the order of its definition.
    fn code(self) -> u8 {
        let place = Self::ALL.iter().position(|one| *one == self).unwrap_or_default();
        u8::try_from(place).unwrap_or_default().saturating_add(1)
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code.checked_sub(1)?)).copied()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "the claim is not signed by its user",
            Self::Old => "a later claim stands",
            Self::Domain => "the name is of another domain",
            Self::Taken => "the name, number or address is somebody else's",
            Self::Lifetime => "it would last too long, or is over already",
            Self::Unproved => "nothing stands behind the number or the address",
            Self::Full => "the server has no room for more",
            Self::Unreachable => "the other server cannot be reached",
            Self::Distrusted => "the other server says what is not believed",
            Self::Broken => "the server cannot keep anything",
        })
    }
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
                out.extend_from_slice(&[kind::HELLO, PROTOCOL]);
                put_text(&mut out, server.as_ref().map_or("", |(domain, _)| domain));
                if let Some((_, key)) = server {
                    out.extend_from_slice(key);
                }
            }
            Self::Welcome { domain, key } => {
                out.extend_from_slice(&[kind::WELCOME, PROTOCOL]);
                put_text(&mut out, domain);
                out.extend_from_slice(key);
            }
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
            Self::Query { id, identifier } => {
                start(&mut out, kind::QUERY, *id);
                put_identifier(&mut out, identifier);
            }
            Self::Answer { id, record } => {
                start(&mut out, kind::ANSWER, *id);
                out.extend(record.iter().flat_map(Record::encode));
            }
            Self::Subscribe { id, identifier } => {
                start(&mut out, kind::SUBSCRIBE, *id);
                put_identifier(&mut out, identifier);
            }
            Self::Notify { id, record } => {
                start(&mut out, kind::NOTIFY, *id);
                out.extend(record.iter().flat_map(Record::encode));
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
        let rest = |reader: &mut Reader<'_>| match core::mem::take(&mut reader.0) {
            [] => Ok(None),
            bytes => Record::decode(bytes).map(Some),
        };
        let message = match kind {
            kind::REGISTER => {
                let signature = reader.array("signature")?;
                Self::Register { id, claim: Claim::decode(core::mem::take(&mut reader.0))?, signature }
            }
            kind::REGISTERED => {
                Self::Registered { id, record: rest(&mut reader)?.ok_or(WireError::Truncated("record"))? }
            }
            kind::REFUSED => {
                let reason = Reason::from_code(reader.u8("reason")?).ok_or(WireError::Value("reason"))?;
                Self::Refused { id, reason }
            }
            kind::QUERY => Self::Query { id, identifier: reader.identifier()? },
            kind::ANSWER => Self::Answer { id, record: rest(&mut reader)? },
            kind::SUBSCRIBE => Self::Subscribe { id, identifier: reader.identifier()? },
            kind::NOTIFY => Self::Notify { id, record: rest(&mut reader)? },
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

fn put_carry(out: &mut Vec<u8>, carry: &Carry) {
    let stage = Stage::ALL.iter().find(|(_, stage)| *stage == carry.stage).map_or(0, |(code, _)| *code);
    out.extend_from_slice(&[kind::CARRY, stage]);
    out.extend_from_slice(&carry.id.0);
    put_text(out, carry.from.as_str());
    put_text(out, carry.to.as_str());
    put_bytes(out, &carry.body);
}

fn take_carry(reader: &mut Reader<'_>) -> Result<Carry, WireError> {
    let code = reader.u8("stage")?;
    let stage = Stage::ALL.iter().find(|(have, _)| *have == code).map(|(_, stage)| *stage);
    let stage = stage.ok_or(WireError::Value("stage"))?;
    let id = CarryId(reader.array("conversation")?);
    let (from, to) = (reader.name()?, reader.name()?);
    let body = reader.bytes("body")?;
    reader.end()?;
    if body.len() > Carry::MAX {
        return Err(WireError::Value("body"));
    }
    Ok(Carry { id, from, to, stage, body: body.to_vec() })
}

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
}
