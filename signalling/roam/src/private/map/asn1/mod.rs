//! The ASN.1 of MAP (3GPP TS 29.002 §17.7) as far as it is spoken here, and that of the private extension
//! (`signalling/roam/extension.md`), as types of rasn, which knows the basic encoding rules.
//!
//! rasn refuses a SEQUENCE that holds more than its type names, while nearly every SEQUENCE of MAP ends in "...": such a
//! type here ends in [`Rest`], so that what a later release adds is passed over. Fields that nobody here reads are
//! [`Skipped`]. An ENUMERATED is its number and a name of an object its octets, since numbers and names of others are no
//! reason to refuse a message. How long a field must be is judged where it becomes a noun.
//!
//! The names are those of the standard; where one is left out, nothing was changed but the fields' own types.

use rasn::{
    AsnType, Decode, Decoder, Encode, Encoder,
    error::{BerDecodeErrorKind, CodecDecodeError, DecodeError, DecodeErrorKind},
    types::{Class, Constraints, Identifier, Tag},
};
use zeroize::Zeroizing;

mod extension;
mod standard;

pub(crate) use rasn::types::{Any, BitString};

pub(crate) use self::{extension::*, standard::*};

use crate::private::ber::{self, BerError, Writer};

/// Reads one value; what stands behind it is not looked at.
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub(crate) fn read<T: Decode>(bytes: &[u8]) -> Result<T, BerError> {
    rasn::ber::decode(bytes).map_err(|error| fault(&error))
}

/// Writes one value.
pub(crate) fn write<T: Encode>(value: &T, out: &mut Writer<'_>) {
    let bytes = rasn::ber::encode(value);
    // No type here has a constraint that a value could break.
    debug_assert!(bytes.is_ok());
    out.raw(&bytes.unwrap_or_default());
}

/// The innermost reason.
fn fault(error: &DecodeError) -> BerError {
    match error.kind.as_ref() {
        DecodeErrorKind::FieldError { nested, .. } => match nested.kind.as_ref() {
            // The SEQUENCE ends where the field should begin.
            DecodeErrorKind::Incomplete { needed } if *needed == rasn::de::Needed::new(1) => {
                BerError::Missing(ber::Tag::SEQUENCE)
            }
            _ => fault(nested),
        },
        DecodeErrorKind::CodecSpecific { inner: CodecDecodeError::Ber(kind) } => match kind {
            BerDecodeErrorKind::MismatchedTag { expected, .. } => BerError::Missing(tag(*expected)),
            BerDecodeErrorKind::UnexpectedEndOfContents => BerError::Missing(ber::Tag::SEQUENCE),
            _ => BerError::Form,
        },
        DecodeErrorKind::Incomplete { .. } => BerError::Truncated,
        DecodeErrorKind::ExceedsMaxParseDepth => BerError::Depth,
        DecodeErrorKind::IntegerOverflow { .. } => BerError::Value(ber::Tag::INTEGER),
        _ => BerError::Form,
    }
}

/// A tag as this crate names it, primitive.
fn tag(tag: Tag) -> ber::Tag {
    match tag.class {
        Class::Context => ber::Tag::long(tag.value),
        _ => ber::Tag(tag.value & 0x1f),
    }
}

/// An OCTET STRING, or what is one but for its tag. Wiped, since some are keys.
#[derive(Clone, Default)]
pub(crate) struct Octets(pub Zeroizing<Vec<u8>>);

impl Octets {
    pub(crate) fn new(octets: impl AsRef<[u8]>) -> Self {
        Self(Zeroizing::new(octets.as_ref().to_vec()))
    }
}

impl AsnType for Octets {
    const TAG: Tag = Tag::OCTET_STRING;
}

impl Decode for Octets {
    fn decode_with_tag_and_constraints<D: Decoder>(
        decoder: &mut D,
        tag: Tag,
        constraints: &Constraints,
    ) -> Result<Self, D::Error> {
        let octets: Vec<u8> = decoder.decode_octet_string(tag, constraints)?;
        Ok(Self(Zeroizing::new(octets)))
    }
}

impl Encode for Octets {
    fn encode_with_tag_and_constraints<'b, E: Encoder<'b>>(
        &self,
        encoder: &mut E,
        tag: Tag,
        constraints: &Constraints,
        identifier: Identifier,
    ) -> Result<(), E::Error> {
        encoder.encode_octet_string(tag, constraints, &self.0, identifier).map(drop)
    }
}

/// One value that nobody here reads or writes.
#[derive(Clone, Default)]
pub(crate) struct Skipped;

impl AsnType for Skipped {
    const TAG: Tag = Tag::EOC;
}

impl Decode for Skipped {
    fn decode_with_tag_and_constraints<D: Decoder>(
        decoder: &mut D,
        tag: Tag,
        _: &Constraints,
    ) -> Result<Self, D::Error> {
        decoder.decode_any(tag).map(|_| Self)
    }
}

impl Encode for Skipped {
    fn encode_with_tag_and_constraints<'b, E: Encoder<'b>>(
        &self,
        _: &mut E,
        _: Tag,
        _: &Constraints,
        _: Identifier,
    ) -> Result<(), E::Error> {
        Ok(())
    }
}

/// All that follows in a SEQUENCE: "...".
#[derive(Clone, Default)]
pub(crate) struct Rest;

impl AsnType for Rest {
    const TAG: Tag = Tag::EOC;
}

impl Decode for Rest {
    fn decode_with_tag_and_constraints<D: Decoder>(
        decoder: &mut D,
        _: Tag,
        _: &Constraints,
    ) -> Result<Self, D::Error> {
        while decoder.decode_optional::<Skipped>()?.is_some() {}
        Ok(Self)
    }
}

impl Encode for Rest {
    fn encode_with_tag_and_constraints<'b, E: Encoder<'b>>(
        &self,
        _: &mut E,
        _: Tag,
        _: &Constraints,
        _: Identifier,
    ) -> Result<(), E::Error> {
        Ok(())
    }
}
