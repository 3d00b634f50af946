//! How cards and listings lie in a message.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{
    Listing, WireError, Words,
    wire::{Reader, put_bytes},
};

/// Whether that is all, how many, and each with its length.
pub(super) fn put_found(out: &mut Vec<u8>, last: bool, listings: &[Listing]) {
    let listings = listings.get(..Listing::TOGETHER).unwrap_or(listings);
    out.extend_from_slice(&[last.into(), u8::try_from(listings.len()).unwrap_or_default()]);
    listings.iter().for_each(|listing| put_bytes(out, &listing.encode()));
}

pub(super) fn take_found(reader: &mut Reader<'_>) -> Result<(bool, Vec<Listing>), WireError> {
    let last = reader.flag("last")?;
    let count = usize::from(reader.u8("count")?);
    if count > Listing::TOGETHER {
        return Err(WireError::Value("count"));
    }
    let listings = (0..count).map(|_| Listing::decode(reader.bytes("listing")?)).collect::<Result<_, _>>()?;
    Ok((last, listings))
}

/// Words that are sought: one at least.
pub(super) fn take_sought(reader: &mut Reader<'_>) -> Result<Words, WireError> {
    let words = Words::take(reader)?;
    if words.is_empty() { Err(WireError::Value("words")) } else { Ok(words) }
}

impl Listing {
    /// As many fit into one message, however long they are.
    pub const TOGETHER: usize = 10;
}
