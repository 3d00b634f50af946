//! Messages as bytes: version, type, fields.

use super::{
    CallId, CallRequest, Dialled, Identify, Query, Reason, Response, Secret, ToNetwork, ToTerminal,
    code::{Fields, Writer},
    credential,
};
use crate::{Addresses, Forwarding, Generation, Profile, Proof, Services};

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Longer than a frame may be, or shorter than any message is.
    #[error("a frame of a length that none has")]
    Length,
    /// Another version of the protocol.
    #[error("version {0} of the protocol is not spoken")]
    Version(u8),
    /// No message of this direction.
    #[error("message type {0} is not known")]
    Type(u8),
    /// The frame ends inside a field.
    #[error("the frame ends inside a field")]
    Truncated,
    /// A field comes twice, is not known, or belongs to another message.
    #[error("field {0} is not expected")]
    Field(u8),
    /// A field is missing.
    #[error("field {0} is missing")]
    Missing(u8),
    /// A field says what it cannot.
    #[error("field {0} makes no sense")]
    Value(u8),
}

impl From<rove_base::FrameLength> for WireError {
    fn from(_: rove_base::FrameLength) -> Self {
        Self::Length
    }
}

impl WireError {
    /// What the other side is told.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Version(_) => Reason::Version,
            _ => Reason::Protocol,
        }
    }
}

impl ToNetwork {
    /// As a frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Identify(identify) => {
                let writer = Writer::new(kind::IDENTIFY)
                    .put(tag::IMSI, identify.imsi.as_str().as_bytes())
                    .put_if(tag::NAME, identify.name.as_ref().map(|name| name.as_str().as_bytes()));
                identify.call.iter().fold(writer, put_call).done()
            }
            Self::Response(Response::Aka(res)) => Writer::new(kind::RESPONSE).put(tag::RES, res).done(),
            Self::Response(Response::Ed25519(signature)) => {
                Writer::new(kind::RESPONSE).put(tag::SIGNATURE, signature).done()
            }
            Self::SyncFailure { auts } => Writer::new(kind::SYNC_FAILURE).put(tag::AUTS, auts).done(),
            Self::Decline { reason } => with_reason(kind::DECLINE, *reason).done(),
            Self::Prove { proof } => Writer::new(kind::PROVE).put(tag::PROOF, &proof.0).done(),
            Self::Ready => Writer::new(kind::READY).done(),
            Self::Renew => Writer::new(kind::RENEW).done(),
            Self::Moved { imsi, ticket } => Writer::new(kind::MOVED)
                .put(tag::IMSI, imsi.as_str().as_bytes())
                .put(tag::TICKET, ticket.bytes())
                .done(),
            Self::Detach => Writer::new(kind::DETACH).done(),
            Self::CallRequest(call) => put_call(Writer::new(kind::CALL_REQUEST), call).done(),
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// [`WireError`] says what is wrong with it.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let (kind, mut fields) = Fields::open(frame)?;
        let message = match kind {
            kind::IDENTIFY => Self::Identify(Identify {
                imsi: fields.want_text(tag::IMSI)?,
                name: fields.text(tag::NAME)?,
                call: take_call(&mut fields)?,
            }),
            kind::RESPONSE => Self::Response(response(&mut fields)?),
            kind::SYNC_FAILURE => Self::SyncFailure { auts: fields.want_array(tag::AUTS)? },
            kind::DECLINE => Self::Decline { reason: reason(&mut fields)? },
            kind::PROVE => Self::Prove { proof: proof(&mut fields)? },
            kind::READY => Self::Ready,
            kind::RENEW => Self::Renew,
            kind::MOVED => Self::Moved {
                imsi: fields.want_text(tag::IMSI)?,
                ticket: Secret::new(fields.want_array(tag::TICKET)?),
            },
            kind::DETACH => Self::Detach,
            kind::CALL_REQUEST => {
                Self::CallRequest(take_call(&mut fields)?.ok_or(WireError::Missing(tag::CALL_ID))?)
            }
            other => return Err(WireError::Type(other)),
        };
        fields.end()?;
        Ok(message)
    }
}

impl ToTerminal {
    /// As a frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Challenge { network, query } => {
                let writer = Writer::new(kind::CHALLENGE).put(tag::NETWORK, network.as_str().as_bytes());
                match query {
                    Query::Aka { rand, autn } => writer.put(tag::RAND, rand).put(tag::AUTN, autn),
                    Query::Ed25519 { nonce } => writer.put(tag::NONCE, nonce),
                }
                .done()
            }
            Self::Refused { reason } => with_reason(kind::REFUSED, *reason).done(),
            Self::Assign { addresses, network, generation, name } => Writer::new(kind::ASSIGN)
                .put_if(tag::V4, addresses.v4.map(|v4| v4.octets()).as_ref().map(|v4| v4.as_slice()))
                .put_if(tag::V6, addresses.v6.map(|v6| v6.octets()).as_ref().map(|v6| v6.as_slice()))
                .put(tag::NETWORK, network.as_str().as_bytes())
                .put(tag::GENERATION, &generation.0.to_be_bytes())
                .put(tag::NAME, name.as_str().as_bytes())
                .done(),
            Self::Accept { token, patience } => {
                with_seconds(kind::ACCEPT, *patience).put(tag::TOKEN, token.bytes()).done()
            }
            Self::Bound { lease, ticket } => {
                with_seconds(kind::BOUND, *lease).put(tag::TICKET, ticket.bytes()).done()
            }
            Self::Renewed { lease } => with_seconds(kind::RENEWED, *lease).done(),
            Self::Profile { msisdn, profile } => Writer::new(kind::PROFILE)
                .put_if(tag::MSISDN, msisdn.as_ref().map(|msisdn| msisdn.as_str().as_bytes()))
                .put_profile(profile)
                .done(),
            Self::Detached => Writer::new(kind::DETACHED).done(),
            Self::Ended { reason } => with_reason(kind::ENDED, *reason).done(),
            Self::CallAllowed { id, anonymous } => Writer::new(kind::CALL_ALLOWED)
                .put(tag::CALL_ID, &id.0.to_be_bytes())
                .flag(tag::ANONYMOUS, *anonymous)
                .done(),
            Self::CallRefused { id, reason } => {
                with_reason(kind::CALL_REFUSED, *reason).put(tag::CALL_ID, &id.0.to_be_bytes()).done()
            }
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// [`WireError`] says what is wrong with it.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let (kind, mut fields) = Fields::open(frame)?;
        let message = match kind {
            kind::CHALLENGE => {
                Self::Challenge { network: fields.want_text(tag::NETWORK)?, query: query(&mut fields)? }
            }
            kind::REFUSED => Self::Refused { reason: reason(&mut fields)? },
            kind::ASSIGN => Self::Assign {
                addresses: addresses(&mut fields)?,
                network: fields.want_text(tag::NETWORK)?,
                generation: Generation(u64::from_be_bytes(fields.want_array(tag::GENERATION)?)),
                name: fields.want_text(tag::NAME)?,
            },
            kind::ACCEPT => Self::Accept {
                token: Secret::new(fields.want_array(tag::TOKEN)?),
                patience: seconds(&mut fields)?,
            },
            kind::BOUND => Self::Bound {
                lease: seconds(&mut fields)?,
                ticket: Secret::new(fields.want_array(tag::TICKET)?),
            },
            kind::RENEWED => Self::Renewed { lease: seconds(&mut fields)? },
            kind::PROFILE => {
                Self::Profile { msisdn: fields.text(tag::MSISDN)?, profile: profile(&mut fields)? }
            }
            kind::DETACHED => Self::Detached,
            kind::ENDED => Self::Ended { reason: reason(&mut fields)? },
            kind::CALL_ALLOWED => {
                Self::CallAllowed { id: call_id(&mut fields)?, anonymous: fields.flag(tag::ANONYMOUS)? }
            }
            kind::CALL_REFUSED => {
                Self::CallRefused { id: call_id(&mut fields)?, reason: reason(&mut fields)? }
            }
            other => return Err(WireError::Type(other)),
        };
        fields.end()?;
        Ok(message)
    }
}

impl Writer {
    fn put_profile(self, profile: &Profile) -> Self {
        let Services { roaming, packet_data, caller_id, caller_id_restricted, three_way } = profile.services;
        let bits = [roaming, packet_data, caller_id, caller_id_restricted, three_way];
        let services = (0_u32..).zip(bits).fold(0_u16, |all, (bit, set)| all | (u16::from(set) << bit));
        let Forwarding { always, busy, no_answer } = &profile.forwarding;
        let late = no_answer.as_ref().filter(|(to, _)| is_target(to)).map(|(to, after)| {
            let mut value = after.to_be_bytes().to_vec();
            value.extend_from_slice(to.as_bytes());
            value
        });
        let target = |to: &Option<String>| to.clone().filter(|to| is_target(to)).map(String::into_bytes);
        self.put(tag::SERVICES, &services.to_be_bytes())
            .put_if(tag::ALWAYS, target(always).as_deref())
            .put_if(tag::BUSY, target(busy).as_deref())
            .put_if(tag::NO_ANSWER, late.as_deref())
    }
}

fn with_reason(kind: u8, reason: Reason) -> Writer {
    Writer::new(kind).put(tag::REASON, &[reason.code()])
}

fn with_seconds(kind: u8, seconds: u16) -> Writer {
    Writer::new(kind).put(tag::SECONDS, &seconds.to_be_bytes())
}

fn put_call(writer: Writer, call: &CallRequest) -> Writer {
    writer
        .put(tag::CALL_ID, &call.id.0.to_be_bytes())
        .put(tag::DIALLED, call.dialled.as_str().as_bytes())
        .flag(tag::THIRD, call.third)
}

fn take_call(fields: &mut Fields<'_>) -> Result<Option<CallRequest>, WireError> {
    let Some(id) = fields.array(tag::CALL_ID)? else { return Ok(None) };
    let dialled: Dialled = fields.want_text(tag::DIALLED)?;
    let id = CallId(u32::from_be_bytes(id));
    Ok(Some(CallRequest { id, dialled, third: fields.flag(tag::THIRD)? }))
}

fn response(fields: &mut Fields<'_>) -> Result<Response, WireError> {
    if let Some(signature) = fields.array(tag::SIGNATURE)? {
        return Ok(Response::Ed25519(signature));
    }
    let res = fields.take(tag::RES).ok_or(WireError::Missing(tag::RES))?;
    credential::res(res).map(Response::Aka).ok_or(WireError::Value(tag::RES))
}

fn query(fields: &mut Fields<'_>) -> Result<Query, WireError> {
    if let Some(nonce) = fields.array(tag::NONCE)? {
        return Ok(Query::Ed25519 { nonce });
    }
    Ok(Query::Aka { rand: fields.want_array(tag::RAND)?, autn: fields.want_array(tag::AUTN)? })
}

fn proof(fields: &mut Fields<'_>) -> Result<Proof, WireError> {
    let proof = fields.take(tag::PROOF).ok_or(WireError::Missing(tag::PROOF))?;
    let fits = [32, 64].contains(&proof.len());
    if fits { Ok(Proof(proof.to_vec())) } else { Err(WireError::Value(tag::PROOF)) }
}

fn addresses(fields: &mut Fields<'_>) -> Result<Addresses, WireError> {
    let v4 = fields.array::<4>(tag::V4)?.map(Into::into);
    let v6 = fields.array::<16>(tag::V6)?.map(Into::into);
    if v4.is_none() && v6.is_none() { Err(WireError::Missing(tag::V4)) } else { Ok(Addresses { v4, v6 }) }
}

fn profile(fields: &mut Fields<'_>) -> Result<Profile, WireError> {
    let services = u16::from_be_bytes(fields.want_array(tag::SERVICES)?);
    let set = |bit: u32| (services >> bit) & 1 == 1;
    let services = Services {
        roaming: set(0),
        packet_data: set(1),
        caller_id: set(2),
        caller_id_restricted: set(3),
        three_way: set(4),
    };
    let mut target = |tag| fields.take(tag).map(|value| forward_to(tag, value)).transpose();
    let (always, busy) = (target(tag::ALWAYS)?, target(tag::BUSY)?);
    let no_answer = match fields.take(tag::NO_ANSWER).map(|value| value.split_first_chunk::<2>()) {
        None => None,
        Some(None) => return Err(WireError::Value(tag::NO_ANSWER)),
        Some(Some((after, to))) => Some((forward_to(tag::NO_ANSWER, to)?, u16::from_be_bytes(*after))),
    };
    Ok(Profile { services, forwarding: Forwarding { always, busy, no_answer } })
}

fn forward_to(tag: u8, value: &[u8]) -> Result<String, WireError> {
    let text = core::str::from_utf8(value).ok().filter(|text| is_target(text));
    text.map(str::to_owned).ok_or(WireError::Value(tag))
}

/// Where calls can be forwarded to is what can be dialled.
fn is_target(text: &str) -> bool {
    text.parse::<Dialled>().is_ok()
}

fn reason(fields: &mut Fields<'_>) -> Result<Reason, WireError> {
    let [code] = fields.want_array(tag::REASON)?;
    Ok(Reason::from_code(code))
}

fn seconds(fields: &mut Fields<'_>) -> Result<u16, WireError> {
    fields.want_array(tag::SECONDS).map(u16::from_be_bytes)
}

fn call_id(fields: &mut Fields<'_>) -> Result<CallId, WireError> {
    fields.want_array(tag::CALL_ID).map(|id| CallId(u32::from_be_bytes(id)))
}

/// Types of messages; from 64 on the network's.
mod kind {
    pub(super) const IDENTIFY: u8 = 1;
    pub(super) const RESPONSE: u8 = 2;
    pub(super) const SYNC_FAILURE: u8 = 3;
    pub(super) const DECLINE: u8 = 4;
    pub(super) const PROVE: u8 = 5;
    pub(super) const READY: u8 = 6;
    pub(super) const RENEW: u8 = 7;
    pub(super) const MOVED: u8 = 8;
    pub(super) const DETACH: u8 = 9;
    pub(super) const CALL_REQUEST: u8 = 10;
    pub(super) const CHALLENGE: u8 = 64;
    pub(super) const REFUSED: u8 = 65;
    pub(super) const ASSIGN: u8 = 66;
    pub(super) const ACCEPT: u8 = 67;
    pub(super) const BOUND: u8 = 68;
    pub(super) const RENEWED: u8 = 69;
    pub(super) const PROFILE: u8 = 70;
    pub(super) const DETACHED: u8 = 71;
    pub(super) const ENDED: u8 = 72;
    pub(super) const CALL_ALLOWED: u8 = 73;
    pub(super) const CALL_REFUSED: u8 = 74;
}

/// Tags of fields.
mod tag {
    pub(super) const IMSI: u8 = 1;
    pub(super) const NAME: u8 = 2;
    pub(super) const CALL_ID: u8 = 3;
    pub(super) const DIALLED: u8 = 4;
    pub(super) const THIRD: u8 = 5;
    pub(super) const RES: u8 = 6;
    pub(super) const SIGNATURE: u8 = 7;
    pub(super) const AUTS: u8 = 8;
    pub(super) const REASON: u8 = 9;
    pub(super) const PROOF: u8 = 10;
    pub(super) const TICKET: u8 = 11;
    pub(super) const NETWORK: u8 = 12;
    pub(super) const RAND: u8 = 13;
    pub(super) const AUTN: u8 = 14;
    pub(super) const NONCE: u8 = 15;
    pub(super) const V4: u8 = 16;
    pub(super) const V6: u8 = 17;
    pub(super) const GENERATION: u8 = 18;
    pub(super) const TOKEN: u8 = 19;
    pub(super) const SECONDS: u8 = 20;
    pub(super) const MSISDN: u8 = 21;
    pub(super) const SERVICES: u8 = 22;
    pub(super) const ALWAYS: u8 = 23;
    pub(super) const BUSY: u8 = 24;
    pub(super) const NO_ANSWER: u8 = 25;
    pub(super) const ANONYMOUS: u8 = 26;
}
