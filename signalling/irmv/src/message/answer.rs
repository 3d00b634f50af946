//! How a record lies in an answer: all are as long, whether somebody is there or not.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{
    Record, WireError,
    wire::{Reader, put_bytes},
};

/// The head of an answer, before a record of so many bytes, and what it is filled up with behind that.
pub(crate) fn answer_around(id: u32, record: usize) -> ([u8; 7], &'static [u8]) {
    let mut head = [0; 7];
    let parts = [
        &[super::kind::ANSWER][..],
        &id.to_be_bytes(),
        &u16::try_from(record).unwrap_or(u16::MAX).to_be_bytes(),
    ];
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

pub(super) fn put_record(out: &mut Vec<u8>, record: Option<&Record>) {
    let bytes = record.map(Record::encode).unwrap_or_default();
    put_bytes(out, &bytes);
    out.extend_from_slice(filling(bytes.len()));
}

pub(super) fn take_record(reader: &mut Reader<'_>) -> Result<Option<Record>, WireError> {
    let bytes = reader.bytes("record")?;
    if core::mem::take(&mut reader.0) != filling(bytes.len()) {
        return Err(WireError::Value("filling"));
    }
    if bytes.is_empty() { Ok(None) } else { Record::decode(bytes).map(Some) }
}

/// Bytes that a record is filled up to: nearly all are shorter.
const USUAL: usize = 320;
/// Those of the longest: of a user with the longest name, by number and fixed address, at four places.
const LARGEST: usize = 580;
const NOTHING: [u8; LARGEST] = [0; LARGEST];
