//! What users say to each other by way of their servers.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{
    Name, WireError,
    wire::{Reader, put_bytes, put_text},
};

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
    pub(super) const ALL: [(u8, Self); 6] = [
        (1, Self::SetUp),
        (2, Self::Alert),
        (3, Self::Accept),
        (4, Self::Refuse),
        (5, Self::End),
        (6, Self::Text),
    ];
}

pub(super) fn put_carry(out: &mut Vec<u8>, carry: &Carry) {
    let stage = Stage::ALL.iter().find(|(_, stage)| *stage == carry.stage).map_or(0, |(code, _)| *code);
    out.extend_from_slice(&[super::kind::CARRY, stage]);
    out.extend_from_slice(&carry.id.0);
    put_text(out, carry.from.as_str());
    put_text(out, carry.to.as_str());
    put_bytes(out, &carry.body);
}

pub(super) fn take_carry(reader: &mut Reader<'_>) -> Result<Carry, WireError> {
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
