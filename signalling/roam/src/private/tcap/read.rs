//! Messages as they come.

use super::{
    super::ber::{Reader, Tag, unsigned},
    AbortCause, Dialogue, Problem, TcapError, TransactionId, tags,
};

/// One message.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A transaction begins.
    Begin {
        /// The sender's name for it.
        origin: TransactionId,
        /// The application context it is in; `None` in MAP version 1.
        dialogue: Option<Dialogue>,
        /// What is asked.
        components: Components<'a>,
    },
    /// It goes on.
    Continue {
        /// The sender's name for it.
        origin: TransactionId,
        /// The receiver's name for it.
        destination: TransactionId,
        /// In the first message back.
        dialogue: Option<Dialogue>,
        /// What is asked and answered.
        components: Components<'a>,
    },
    /// It ends in order.
    End {
        /// The receiver's name for it.
        destination: TransactionId,
        /// When this is also the first message back.
        dialogue: Option<Dialogue>,
        /// What is answered.
        components: Components<'a>,
    },
    /// It is over.
    Abort {
        /// The receiver's name for it.
        destination: TransactionId,
        /// The transaction layer's reason; `None` when the user ended it.
        cause: Option<AbortCause>,
        /// The user's.
        dialogue: Option<Dialogue>,
    },
}

/// The components of a message, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Components<'a>(Reader<'a>);

/// A question or an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Component<'a> {
    /// A question.
    Invoke {
        /// The asker's name for it, within the transaction.
        id: u8,
        /// What is asked.
        operation: u8,
        /// Its argument with tag and length; empty when there is none.
        argument: &'a [u8],
    },
    /// Done.
    Result {
        /// Of which question.
        id: u8,
        /// What comes back, with tag and length; empty when there is nothing.
        result: &'a [u8],
    },
    /// Not done.
    Error {
        /// Of which question.
        id: u8,
        /// Why not.
        code: u8,
        /// More on that, with tag and length; empty when there is nothing.
        parameter: &'a [u8],
    },
    /// Not understood.
    Reject {
        /// Which component, when it was that far legible.
        id: Option<u8>,
        /// What was wrong with it.
        problem: Problem,
    },
}

impl<'a> Message<'a> {
    /// Reads one message.
    ///
    /// # Errors
    ///
    /// [`TcapError`] says what is wrong with it. Components are looked at by [`Components::take`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, TcapError> {
        let mut outer = Reader::new(bytes);
        let (tag, fields) = outer.take()?.ok_or(super::BerError::Truncated)?;
        let mut fields = Reader::new(fields);
        match tag {
            tags::BEGIN => {
                let origin = TransactionId::read(fields.expect(tags::OTID)?)?;
                let (dialogue, components) = portions(fields)?;
                Ok(Self::Begin { origin, dialogue, components })
            }
            tags::CONTINUE => {
                let origin = TransactionId::read(fields.expect(tags::OTID)?)?;
                let destination = TransactionId::read(fields.expect(tags::DTID)?)?;
                let (dialogue, components) = portions(fields)?;
                Ok(Self::Continue { origin, destination, dialogue, components })
            }
            tags::END => {
                let destination = TransactionId::read(fields.expect(tags::DTID)?)?;
                let (dialogue, components) = portions(fields)?;
                Ok(Self::End { destination, dialogue, components })
            }
            tags::ABORT => {
                let destination = TransactionId::read(fields.expect(tags::DTID)?)?;
                let cause = fields.field(tags::P_ABORT_CAUSE)?;
                let cause = cause.map(|octets| unsigned(tags::P_ABORT_CAUSE, octets)).transpose()?;
                let (dialogue, _) = portions(fields)?;
                Ok(Self::Abort { destination, cause: cause.map(AbortCause::from_code), dialogue })
            }
            other => Err(TcapError::Type(other)),
        }
    }

    /// The name of a transaction that a message which is otherwise not understood would have begun, so that it can be
    /// refused (Q.774 §3.3.3.1).
    #[must_use]
    pub fn origin(bytes: &[u8]) -> Option<TransactionId> {
        let (_, fields) = Reader::new(bytes).take().ok()??;
        TransactionId::read(Reader::new(fields).expect(tags::OTID).ok()?).ok()
    }
}

impl<'a> Components<'a> {
    /// The next component; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`TcapError`] when it is ill-formed; nothing after it can be read then.
    pub fn take(&mut self) -> Result<Option<Component<'a>>, TcapError> {
        let Some((tag, fields)) = self.0.take()? else { return Ok(None) };
        let mut fields = Reader::new(fields);
        if tag == tags::REJECT {
            return reject(fields).map(Some);
        }
        let id = small(fields.expect(Tag::INTEGER)?)?;
        match tag {
            tags::INVOKE => {
                // A linked identifier may stand between; none of these operations is linked.
                let operation = small(fields.need(Tag::INTEGER)?)?;
                Ok(Some(Component::Invoke { id, operation, argument: fields.rest() }))
            }
            tags::RETURN_RESULT_LAST => {
                let result = fields.field(Tag::SEQUENCE)?.unwrap_or_default();
                let mut result = Reader::new(result);
                let _operation = result.field(Tag::INTEGER)?;
                Ok(Some(Component::Result { id, result: result.rest() }))
            }
            tags::RETURN_ERROR => {
                let code = small(fields.expect(Tag::INTEGER)?)?;
                Ok(Some(Component::Error { id, code, parameter: fields.rest() }))
            }
            _ => Err(TcapError::Component),
        }
    }
}

fn reject(mut fields: Reader<'_>) -> Result<Component<'_>, TcapError> {
    let (tag, id) = fields.take()?.ok_or(TcapError::Component)?;
    let id = if tag == Tag::INTEGER { Some(small(id)?) } else { None };
    let (kind, code) = fields.take()?.ok_or(TcapError::Component)?;
    let kind = kind.0.checked_sub(0x80).filter(|&kind| kind <= 3).ok_or(TcapError::Component)?;
    let kind = u8::try_from(kind).unwrap_or_default();
    Ok(Component::Reject { id, problem: Problem::from_code(kind, small(code)?) })
}

/// The dialogue portion and the components, as far as they are there.
fn portions(mut fields: Reader<'_>) -> Result<(Option<Dialogue>, Components<'_>), TcapError> {
    let (mut dialogue, mut components) = (None, Components(Reader::new(&[])));
    while let Some((tag, contents)) = fields.take()? {
        match tag {
            tags::DIALOGUE_PORTION => dialogue = Some(Dialogue::read(contents)?),
            tags::COMPONENT_PORTION => components = Components(Reader::new(contents)),
            _ => {}
        }
    }
    Ok((dialogue, components))
}

/// Invoke identifiers are -128 to 127 and come back as they are, so their octet is taken whatever its sign.
fn small(octets: &[u8]) -> Result<u8, TcapError> {
    match octets {
        [octet] => Ok(*octet),
        _ => Err(TcapError::Component),
    }
}
