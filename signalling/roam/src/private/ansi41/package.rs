//! Packages and components of TCAP as ANSI has it (ANSI T1.114.3): one question, one answer.

use crate::private::ber::{BerError, Reader, Tag, Writer};

/// A package with one component.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Package<'a> {
    /// QueryWithPermission or QueryWithoutPermission: a question.
    Query {
        /// The asker's name for it.
        origin: u32,
        /// Its number.
        invoke: u8,
        /// What is asked (TIA-41.540-E table 8).
        operation: u8,
        /// The parameters, side by side.
        parameters: &'a [u8],
    },
    /// Response: the answer.
    Response {
        /// Which question.
        destination: u32,
        /// What is answered.
        answer: Answer<'a>,
    },
    /// The other end gave up.
    Abort {
        /// On which question.
        destination: u32,
    },
}

/// What a question is answered with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer<'a> {
    /// Done; with parameters.
    Result(&'a [u8]),
    /// Not done: why, and parameters.
    Error(u8, &'a [u8]),
    /// Not understood.
    Reject,
}

/// Bytes that are no package, or one that is not spoken here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// Not a package at all.
    #[error("no package: {0}")]
    Ber(#[from] BerError),
    /// Not a question, an answer or an abort.
    #[error("package type {0} is not spoken here")]
    Type(Tag),
    /// Transaction identifiers are of four octets each.
    #[error("a transaction identifier that cannot be")]
    TransactionId,
    /// A component that does not belong there.
    #[error("a component that is not spoken here")]
    Component,
}

impl<'a> Package<'a> {
    /// Reads one package.
    ///
    /// # Errors
    ///
    /// [`PackageError`] says what is wrong with it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PackageError> {
        let (tag, fields) = Reader::new(bytes).take()?.ok_or(BerError::Truncated)?;
        let mut fields = Reader::new(fields);
        let id = fields.expect(TRANSACTION_ID)?;
        let id = u32::from_be_bytes(id.try_into().map_err(|_| PackageError::TransactionId)?);
        if tag == ABORT {
            return Ok(Self::Abort { destination: id });
        }
        let mut components = Reader::new(fields.need(COMPONENTS)?);
        let (kind, component) = components.take()?.ok_or(PackageError::Component)?;
        let mut component = Reader::new(component);
        let number = component.expect(COMPONENT_ID)?;
        match tag {
            QUERY | QUERY_WITHOUT_PERMISSION if kind == INVOKE => {
                let &[invoke] = number else { return Err(PackageError::Component) };
                let &[FAMILY, operation] = component.expect(OPERATION)? else {
                    return Err(PackageError::Component);
                };
                let parameters = component.need(PARAMETERS)?;
                Ok(Self::Query { origin: id, invoke, operation, parameters })
            }
            RESPONSE => {
                let mut parameters = || component.field(PARAMETERS).map(Option::unwrap_or_default);
                let answer = match kind {
                    RESULT => Answer::Result(parameters()?),
                    ERROR => match component.expect(ERROR_CODE)? {
                        &[code] => Answer::Error(code, component.field(PARAMETERS)?.unwrap_or_default()),
                        _ => return Err(PackageError::Component),
                    },
                    REJECT => Answer::Reject,
                    _ => return Err(PackageError::Component),
                };
                Ok(Self::Response { destination: id, answer })
            }
            QUERY | QUERY_WITHOUT_PERMISSION => Err(PackageError::Component),
            other => Err(PackageError::Type(other)),
        }
    }
}

/// Writes a question.
pub fn query(out: &mut Vec<u8>, origin: u32, operation: u8, parameters: impl FnOnce(&mut Writer<'_>)) {
    Writer::new(out).nest(QUERY, |out| {
        out.value(TRANSACTION_ID, &origin.to_be_bytes());
        out.nest(COMPONENTS, |out| {
            out.nest(INVOKE, |out| {
                out.value(COMPONENT_ID, &[1]);
                out.value(OPERATION, &[FAMILY, operation]);
                out.nest(PARAMETERS, parameters);
            });
        });
    });
}

/// Writes an answer: the error's code, or none.
pub fn response(
    out: &mut Vec<u8>,
    (destination, invoke): (u32, u8),
    error: Option<u8>,
    parameters: impl FnOnce(&mut Writer<'_>),
) {
    Writer::new(out).nest(RESPONSE, |out| {
        out.value(TRANSACTION_ID, &destination.to_be_bytes());
        out.nest(COMPONENTS, |out| {
            out.nest(if error.is_some() { ERROR } else { RESULT }, |out| {
                out.value(COMPONENT_ID, &[invoke]);
                if let Some(code) = error {
                    out.value(ERROR_CODE, &[code]);
                }
                out.nest(PARAMETERS, parameters);
            });
        });
    });
}

/// Writes that a question was not understood.
pub fn reject(out: &mut Vec<u8>, (destination, invoke): (u32, u8), (kind, specifier): (u8, u8)) {
    Writer::new(out).nest(RESPONSE, |out| {
        out.value(TRANSACTION_ID, &destination.to_be_bytes());
        out.nest(COMPONENTS, |out| {
            out.nest(REJECT, |out| {
                out.value(COMPONENT_ID, &[invoke]);
                out.value(PROBLEM, &[kind, specifier]);
                out.nest(PARAMETERS, |_| ());
            });
        });
    });
}

const QUERY: Tag = Tag(0xe2);
const QUERY_WITHOUT_PERMISSION: Tag = Tag(0xe3);
const RESPONSE: Tag = Tag(0xe4);
const ABORT: Tag = Tag(0xf6);
const TRANSACTION_ID: Tag = Tag(0xc7);
const COMPONENTS: Tag = Tag(0xe8);
const INVOKE: Tag = Tag(0xe9);
const RESULT: Tag = Tag(0xea);
const ERROR: Tag = Tag(0xeb);
const REJECT: Tag = Tag(0xec);
const COMPONENT_ID: Tag = Tag(0xcf);
/// Private TCAP, as all of ANSI-41 is.
const OPERATION: Tag = Tag(0xd1);
const ERROR_CODE: Tag = Tag(0xd4);
const PROBLEM: Tag = Tag(0xd5);
const PARAMETERS: Tag = Tag(0xf2);
/// The family of ANSI-41's operations.
const FAMILY: u8 = 9;
