//! The dialogue portion (ITU-T Q.773 §4.2.3): which application context the two ends mean.

use super::{
    super::ber::{BerError, Reader, Tag, Writer, unsigned},
    TcapError,
};

/// An application context of MAP (3GPP TS 29.002 §17.1.6): `0.4.0.0.1.0.name.version`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ApplicationContext {
    /// Which.
    pub name: u8,
    /// Of which MAP: 3, where there is no other.
    pub version: u8,
}

/// What a dialogue portion says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialogue {
    /// AARQ: this is what is to be talked about. `None` for a context that is not one of MAP's.
    Request(Option<ApplicationContext>),
    /// AARE: so be it.
    Accept(ApplicationContext),
    /// AARE: no. The context is the one that could be talked about instead.
    Refuse(Option<ApplicationContext>),
    /// ABRT: the user or the provider ended it.
    Abort,
}

impl ApplicationContext {
    /// Version 3 of context `name`.
    #[must_use]
    pub const fn v3(name: u8) -> Self {
        Self { name, version: 3 }
    }

    const fn oid(self) -> [u8; 7] {
        [0x04, 0x00, 0x00, 0x01, 0x00, self.name, self.version]
    }

    fn from_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            [0x04, 0x00, 0x00, 0x01, 0x00, name, version] => Some(Self { name: *name, version: *version }),
            _ => None,
        }
    }
}

impl Dialogue {
    /// Writes the whole portion.
    pub fn write(self, out: &mut Writer<'_>) {
        out.nest(super::tags::DIALOGUE_PORTION, |out| {
            out.nest(Tag::EXTERNAL, |out| {
                out.value(Tag::OID, DIALOGUE_AS_ID);
                out.nest(SINGLE_ASN1_TYPE, |out| self.apdu(out));
            });
        });
    }

    fn apdu(self, out: &mut Writer<'_>) {
        let context = |out: &mut Writer<'_>, context: ApplicationContext| {
            out.value(PROTOCOL_VERSION, VERSION_1);
            out.nest(CONTEXT_NAME, |out| out.value(Tag::OID, &context.oid()));
        };
        match self {
            Self::Request(name) => out.nest(AARQ, |out| context(out, name.unwrap_or(NO_CONTEXT))),
            Self::Accept(name) => out.nest(AARE, |out| {
                context(out, name);
                result(out, ACCEPTED, DIAGNOSTIC_NULL);
            }),
            Self::Refuse(name) => out.nest(AARE, |out| {
                context(out, name.unwrap_or(NO_CONTEXT));
                result(out, REJECT_PERMANENT, CONTEXT_NOT_SUPPORTED);
            }),
            Self::Abort => out.nest(ABRT, |out| out.unsigned(ABORT_SOURCE, 0)),
        }
    }

    /// Reads the contents of a portion.
    ///
    /// # Errors
    ///
    /// [`TcapError::Dialogue`] when it is another than the structured one.
    pub fn read(portion: &[u8]) -> Result<Self, TcapError> {
        let mut external = Reader::new(Reader::new(portion).expect(Tag::EXTERNAL)?);
        if external.expect(Tag::OID)? != DIALOGUE_AS_ID {
            return Err(TcapError::Dialogue);
        }
        let mut apdu = Reader::new(external.expect(SINGLE_ASN1_TYPE)?);
        let (tag, fields) = apdu.take()?.ok_or(TcapError::Dialogue)?;
        let mut fields = Reader::new(fields);
        let context = |fields: &mut Reader<'_>| -> Result<_, BerError> {
            let oid = Reader::new(fields.need(CONTEXT_NAME)?).expect(Tag::OID)?;
            Ok(ApplicationContext::from_oid(oid))
        };
        match tag {
            AARQ => Ok(Self::Request(context(&mut fields)?)),
            AARE => {
                let name = context(&mut fields)?;
                let result = Reader::new(fields.need(RESULT)?).expect(Tag::INTEGER)?;
                match (unsigned(Tag::INTEGER, result)?, name) {
                    (0, Some(name)) => Ok(Self::Accept(name)),
                    _ => Ok(Self::Refuse(name)),
                }
            }
            ABRT => Ok(Self::Abort),
            _ => Err(TcapError::Dialogue),
        }
    }
}

/// Result and result-source-diagnostic (by the dialogue-service-user).
fn result(out: &mut Writer<'_>, result: u64, diagnostic: u64) {
    out.nest(RESULT, |out| out.unsigned(Tag::INTEGER, result));
    out.nest(DIAGNOSTIC, |out| out.nest(Tag::constructed(1), |out| out.unsigned(Tag::INTEGER, diagnostic)));
}

/// dialogue-as-id: 0.0.17.773.1.1.1.
const DIALOGUE_AS_ID: &[u8] = &[0x00, 0x11, 0x86, 0x05, 0x01, 0x01, 0x01];
/// What stands for a context that has no name of MAP's.
const NO_CONTEXT: ApplicationContext = ApplicationContext { name: 0, version: 0 };

const SINGLE_ASN1_TYPE: Tag = Tag::constructed(0);
const AARQ: Tag = Tag(0x60);
const AARE: Tag = Tag(0x61);
const ABRT: Tag = Tag(0x64);
const PROTOCOL_VERSION: Tag = Tag::context(0);
/// BIT STRING: bit 0.
const VERSION_1: &[u8] = &[0x07, 0x80];
const CONTEXT_NAME: Tag = Tag::constructed(1);
const RESULT: Tag = Tag::constructed(2);
const DIAGNOSTIC: Tag = Tag::constructed(3);
const ABORT_SOURCE: Tag = Tag::context(0);
const ACCEPTED: u64 = 0;
const REJECT_PERMANENT: u64 = 1;
const DIAGNOSTIC_NULL: u64 = 0;
const CONTEXT_NOT_SUPPORTED: u64 = 2;
