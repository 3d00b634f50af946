//! What terminals and servers say to each other.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod answer;
mod carry;
mod greeting;
mod kind;
mod lend;
mod listing;
mod name;
mod reason;

pub(crate) use self::answer::answer_around;
use self::{
    answer::{put_record, take_record},
    carry::{put_carry, take_carry},
    greeting::{greeting, put_greeting},
    lend::{put_ticket, take_lend, take_ticket},
    listing::{put_found, take_found, take_sought},
};
pub use self::{
    carry::{Carry, CarryId, Stage},
    lend::RelayTicket,
    reason::Reason,
};
use crate::{
    Card, Claim, Identifier, Listing, Name, NumberProof, Record, Speaker, WireError, Words,
    wire::{Reader, put_identifier, put_text},
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
    /// A user says by which words anybody may find it; it has registered on this stream.
    List {
        /// For the answer.
        id: u32,
        /// What it says.
        card: Card,
        /// Its signature.
        signature: [u8; 64],
    },
    /// So it is, also after a crash.
    Listed {
        /// Of what was asked.
        id: u32,
    },
    /// A user shows that a number is its own.
    Prove {
        /// For the answer.
        id: u32,
        /// By what.
        proof: NumberProof,
    },
    /// It has shown it, and registers with that number in the next minute.
    Proved {
        /// Of what was asked.
        id: u32,
    },
    /// Somebody who may have registered on another stream says that it speaks on this one as well.
    Speak {
        /// For the answer.
        id: u32,
        /// Who, by which key, and when.
        speaker: Speaker,
    },
    /// The server believes it.
    Known {
        /// Of what was asked.
        id: u32,
    },
    /// Who may be found by all of these?
    Search {
        /// For the answers.
        id: u32,
        /// By what: one word at least.
        words: Words,
        /// Who asks, as its server has seen; nobody in particular when `None`.
        asker: Option<Name>,
    },
    /// Some who may; at most [`Listing::TOGETHER`].
    Found {
        /// Of what was asked.
        id: u32,
        /// Whether there is no further answer.
        last: bool,
        /// Who.
        listings: Vec<Listing>,
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

/// What a message begins with.
fn start(out: &mut Vec<u8>, kind: u8, id: u32) {
    out.push(kind);
    out.extend_from_slice(&id.to_be_bytes());
}

impl Message {
    /// The frame, without its length.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(320);
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
            Self::Unsubscribe { id } => start(&mut out, kind::UNSUBSCRIBE, *id),
            Self::Carry(carry) => put_carry(&mut out, carry),
            _ => self.put_further(&mut out),
        }
        out
    }

    /// What a user says and asks beside who is where.
    fn put_further(&self, out: &mut Vec<u8>) {
        match self {
            Self::Admit { id, user, whom, may } => {
                start(out, kind::ADMIT, *id);
                [user, whom].iter().for_each(|name| put_text(out, name.as_str()));
                out.push((*may).into());
            }
            Self::Admitted { id } => start(out, kind::ADMITTED, *id),
            Self::List { id, card, signature } => {
                start(out, kind::LIST, *id);
                out.extend_from_slice(signature);
                out.extend_from_slice(&card.encode());
            }
            Self::Listed { id } => start(out, kind::LISTED, *id),
            Self::Prove { id, proof } => {
                start(out, kind::PROVE, *id);
                proof.put(out);
            }
            Self::Proved { id } => start(out, kind::PROVED, *id),
            Self::Speak { id, speaker } => {
                start(out, kind::SPEAK, *id);
                speaker.put(out);
            }
            Self::Known { id } => start(out, kind::KNOWN, *id),
            Self::Lend { id, user, whom, call } => {
                start(out, kind::LEND, *id);
                [user, whom].iter().for_each(|name| put_text(out, name.as_str()));
                out.extend_from_slice(&call.0);
            }
            Self::Lent { id, ticket } => {
                start(out, kind::LENT, *id);
                put_ticket(out, ticket);
            }
            Self::Search { id, words, asker } => {
                start(out, kind::SEARCH, *id);
                words.put(out);
                put_text(out, asker.as_ref().map_or("", Name::as_str));
            }
            Self::Found { id, last, listings } => {
                start(out, kind::FOUND, *id);
                put_found(out, *last, listings);
            }
            _ => {}
        }
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
                Self::Admit { id, user, whom, may: reader.flag("may")? }
            }
            kind::ADMITTED => Self::Admitted { id },
            kind::LIST => {
                let signature = reader.array("signature")?;
                Self::List { id, card: Card::decode(core::mem::take(&mut reader.0))?, signature }
            }
            kind::LISTED => Self::Listed { id },
            kind::PROVE => Self::Prove { id, proof: NumberProof::take(&mut reader)? },
            kind::PROVED => Self::Proved { id },
            kind::SPEAK => Self::Speak { id, speaker: Speaker::take(&mut reader)? },
            kind::KNOWN => Self::Known { id },
            kind::SEARCH => {
                Self::Search { id, words: take_sought(&mut reader)?, asker: reader.name_or_nothing()? }
            }
            kind::FOUND => {
                let (last, listings) = take_found(&mut reader)?;
                Self::Found { id, last, listings }
            }
            kind::LEND => take_lend(id, &mut reader)?,
            kind::LENT => Self::Lent { id, ticket: take_ticket(&mut reader)? },
            kind::UNSUBSCRIBE => Self::Unsubscribe { id },
            other => return Err(WireError::Kind(other)),
        };
        reader.end()?;
        Ok(message)
    }
}

/// About whom, and who asks.
fn put_asked(out: &mut Vec<u8>, identifier: &Identifier, asker: Option<&Name>) {
    put_identifier(out, identifier);
    put_text(out, asker.map_or("", Name::as_str));
}

/// The version that is spoken.
const PROTOCOL: u8 = 1;
