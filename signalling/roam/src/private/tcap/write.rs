//! Messages as they go.

use super::{
    super::ber::{Tag, Writer},
    AbortCause, ApplicationContext, Dialogue, Problem, TransactionId, tags,
};

/// A component to be sent; its parameter, with tag and length, is written by a function.
pub enum Outgoing<'a> {
    /// A question.
    Invoke {
        /// Its name within the transaction.
        id: u8,
        /// What is asked.
        operation: u8,
        /// Writes the argument.
        argument: &'a dyn Fn(&mut Writer<'_>),
    },
    /// Done.
    Result {
        /// Of which question.
        id: u8,
        /// What was asked.
        operation: u8,
        /// Writes what comes back; nothing when nothing does.
        result: &'a dyn Fn(&mut Writer<'_>),
    },
    /// Not done.
    Error {
        /// Of which question.
        id: u8,
        /// Why not.
        code: u8,
        /// Writes more on that.
        parameter: &'a dyn Fn(&mut Writer<'_>),
    },
    /// Not understood.
    Reject {
        /// Which component.
        id: u8,
        /// What was wrong with it.
        problem: Problem,
    },
}

/// A transaction begins, in `context`, with a question.
pub fn begin(
    out: &mut Vec<u8>,
    origin: TransactionId,
    context: ApplicationContext,
    component: &Outgoing<'_>,
) {
    Writer::new(out).nest(tags::BEGIN, |out| {
        origin.write(tags::OTID, out);
        Dialogue::Request(Some(context)).write(out);
        component.portion(out);
    });
}

/// It goes on; `context` in the first message back.
pub fn continued(
    out: &mut Vec<u8>,
    (origin, destination): (TransactionId, TransactionId),
    context: Option<ApplicationContext>,
    component: &Outgoing<'_>,
) {
    Writer::new(out).nest(tags::CONTINUE, |out| {
        origin.write(tags::OTID, out);
        destination.write(tags::DTID, out);
        if let Some(context) = context {
            Dialogue::Accept(context).write(out);
        }
        component.portion(out);
    });
}

/// It ends; `context` when this is also the first message back.
pub fn end(
    out: &mut Vec<u8>,
    destination: TransactionId,
    context: Option<ApplicationContext>,
    component: &Outgoing<'_>,
) {
    Writer::new(out).nest(tags::END, |out| {
        destination.write(tags::DTID, out);
        if let Some(context) = context {
            Dialogue::Accept(context).write(out);
        }
        component.portion(out);
    });
}

/// The transaction layer ends it.
pub fn abort(out: &mut Vec<u8>, destination: TransactionId, cause: AbortCause) {
    Writer::new(out).nest(tags::ABORT, |out| {
        destination.write(tags::DTID, out);
        out.value(tags::P_ABORT_CAUSE, &[cause.code()]);
    });
}

/// The user ends it before it began: the application context is not spoken, but `instead` may be.
pub fn refuse(out: &mut Vec<u8>, destination: TransactionId, instead: Option<ApplicationContext>) {
    Writer::new(out).nest(tags::ABORT, |out| {
        destination.write(tags::DTID, out);
        Dialogue::Refuse(instead).write(out);
    });
}

impl Outgoing<'_> {
    fn portion(&self, out: &mut Writer<'_>) {
        out.nest(tags::COMPONENT_PORTION, |out| self.write(out));
    }

    fn write(&self, out: &mut Writer<'_>) {
        match *self {
            Self::Invoke { id, operation, argument } => out.nest(tags::INVOKE, |out| {
                out.value(Tag::INTEGER, &[id]);
                out.value(Tag::INTEGER, &[operation]);
                argument(out);
            }),
            Self::Result { id, operation, result } => out.nest(tags::RETURN_RESULT_LAST, |out| {
                out.value(Tag::INTEGER, &[id]);
                let mut parameter = Vec::new();
                result(&mut Writer::new(&mut parameter));
                if !parameter.is_empty() {
                    out.nest(Tag::SEQUENCE, |out| {
                        out.value(Tag::INTEGER, &[operation]);
                        out.raw(&parameter);
                    });
                }
            }),
            Self::Error { id, code, parameter } => out.nest(tags::RETURN_ERROR, |out| {
                out.value(Tag::INTEGER, &[id]);
                out.value(Tag::INTEGER, &[code]);
                parameter(out);
            }),
            Self::Reject { id, problem } => out.nest(tags::REJECT, |out| {
                let (kind, code) = problem.code();
                out.value(Tag::INTEGER, &[id]);
                out.value(Tag::context(kind), &[code]);
            }),
        }
    }
}
