//! Questions of others: begun, handed to the owner, answered.

use rove_base::Instant;

use super::{
    User,
    argument::{self, Around},
    asking::subject,
    dialogues::{Dialogue, Inner, Role},
    kind::{Kind, context_spoken},
    outcome,
};
use crate::{
    Cause, Operation, Outcome,
    private::{
        DialogueId, PartnerId, Told,
        ber::{BerError, Writer},
        carrier::{Carrier, Route},
        tcap::{
            self, AbortCause, ApplicationContext, Component, Components, Dialogue as Portion, Outgoing,
            Problem, TcapError, TransactionId,
        },
    },
};

/// How a question is answered before the owner hears of it.
enum Refusal {
    Reject(Problem),
    Error(Cause),
}

impl User {
    /// The other end begins a dialogue.
    pub(super) fn begun(
        &mut self,
        now: Instant,
        carrier: &mut Carrier,
        route: Route,
        theirs: TransactionId,
        portion: Option<Portion>,
        mut components: Components<'_>,
    ) -> Result<(), TcapError> {
        let context = match portion {
            Some(Portion::Request(Some(context))) => context,
            Some(Portion::Request(None)) => return self.refuse(carrier, &route, theirs, None),
            _ => {
                self.abort(carrier, &route, theirs, AbortCause::Incorrect);
                return Err(TcapError::Dialogue);
            }
        };
        if let Err(instead) = context_spoken(context) {
            return self.refuse(carrier, &route, theirs, instead);
        }
        let Ok(Some(Component::Invoke { id: invoke, operation, argument })) = components.take() else {
            self.abort(carrier, &route, theirs, AbortCause::Incorrect);
            return Err(TcapError::Component);
        };
        match self.read(Some(context), &route, None, operation, argument) {
            Ok(operation) => {
                self.take(now, carrier, route, theirs, (invoke, context), operation);
                Ok(())
            }
            Err(refusal) => {
                self.message.clear();
                let answer = refusal.component(invoke);
                let parameter = |out: &mut Writer<'_>| refusal.parameter(out);
                tcap::end(&mut self.message, theirs, Some(context), &answer(&parameter));
                carrier.send(&route, &self.message);
                Err(TcapError::Component)
            }
        }
    }

    /// Keeps the dialogue and tells the owner.
    fn take(
        &mut self,
        now: Instant,
        carrier: &mut Carrier,
        route: Route,
        theirs: TransactionId,
        (invoke, context): (u8, ApplicationContext),
        operation: Operation,
    ) {
        let kind = Kind::of(&operation);
        let partner = self.id(route.to.peer);
        let dialogue = Dialogue {
            route,
            theirs: Some(theirs),
            kind,
            imsi: subject(&operation),
            role: Role::Asked { invoke, accept: Some(context) },
            inner: None,
            invokes: 0,
        };
        let id = match kind {
            // Nobody waits for an answer.
            Kind::Reset => UNANSWERED,
            _ => match self.dialogues.insert(now, dialogue) {
                Some(name) => outer(name),
                None => return self.abort(carrier, &route, theirs, AbortCause::ResourceLimitation),
            },
        };
        self.told.push_back(Told::Asked { partner, id, operation });
    }

    fn refuse(
        &mut self,
        carrier: &mut Carrier,
        route: &Route,
        theirs: TransactionId,
        instead: Option<ApplicationContext>,
    ) -> Result<(), TcapError> {
        self.message.clear();
        tcap::refuse(&mut self.message, theirs, instead);
        carrier.send(route, &self.message);
        Err(TcapError::Dialogue)
    }

    /// The other end asks in the middle of a dialogue of ours.
    pub(super) fn asked_inside(
        &mut self,
        carrier: &mut Carrier,
        name: u32,
        invoke: u8,
        operation: u8,
        argument: &[u8],
    ) -> Result<(), TcapError> {
        let Some(dialogue) = self.dialogues.get(name) else { return Ok(()) };
        let (route, imsi, kind) = (dialogue.route, dialogue.imsi, dialogue.kind);
        let fits = kind.takes_subscriber_data()
            && matches!(dialogue.role, Role::Asking(_))
            && dialogue.inner.is_none()
            && operation == Kind::InsertSubscriberData.code();
        let read = if fits {
            self.read(None, &route, imsi, operation, argument)
        } else {
            Err(Refusal::Reject(Problem::UnrecognizedOperation))
        };
        match read {
            Ok(operation) => {
                if let Some(dialogue) = self.dialogues.get(name) {
                    dialogue.inner = Some(Inner::Asked { invoke });
                }
                let (partner, id) = (self.id(route.to.peer), inner(name, invoke));
                self.told.push_back(Told::Asked { partner, id, operation });
                Ok(())
            }
            Err(refusal) => {
                let answer = refusal.component(invoke);
                let parameter = |out: &mut Writer<'_>| refusal.parameter(out);
                self.go_on(carrier, name, &answer(&parameter));
                Err(TcapError::Component)
            }
        }
    }

    /// Sends a component in the middle of a dialogue.
    fn go_on(&mut self, carrier: &mut Carrier, name: u32, component: &Outgoing<'_>) {
        let Some(dialogue) = self.dialogues.get(name) else { return };
        let Some(theirs) = dialogue.theirs else { return };
        self.message.clear();
        tcap::continued(&mut self.message, (TransactionId::new(name), theirs), None, component);
        carrier.send(&dialogue.route, &self.message);
    }

    /// What is asked.
    fn read(
        &self,
        context: Option<ApplicationContext>,
        route: &Route,
        imsi: Option<crate::Imsi>,
        operation: u8,
        argument: &[u8],
    ) -> Result<Operation, Refusal> {
        let unknown = Refusal::Reject(Problem::UnrecognizedOperation);
        let Some(kind) = Kind::from_code(operation) else { return Err(unknown) };
        if context.is_some_and(|context| kind.context() != context) {
            return Err(unknown);
        }
        let Some((_, title, network)) = self.known.at(route.to.peer) else { return Err(unknown) };
        let around = Around { imsi, title: route.called.title.unwrap_or(*title), network };
        argument::read(kind, argument, &around).map_err(|error| match error {
            BerError::Missing(_) => Refusal::Error(Cause::DataMissing),
            BerError::Value(_) => Refusal::Error(Cause::UnexpectedDataValue),
            _ => Refusal::Reject(Problem::MistypedArgument),
        })
    }

    /// The owner answers.
    pub(super) fn answer(
        &mut self,
        carrier: &mut Carrier,
        partner: PartnerId,
        id: DialogueId,
        result: &Result<Outcome, Cause>,
    ) {
        let Some((name, inside)) = name(id) else { return };
        let title = self.known.title;
        let Some(dialogue) = self.dialogues.get(name) else { return };
        if self.known.place(partner) != Some(dialogue.route.to.peer) {
            return;
        }
        let write = |kind: Kind, invoke: u8, send: &mut dyn FnMut(&Outgoing<'_>)| match result {
            Ok(outcome) => {
                let result = |out: &mut Writer<'_>| outcome::write(outcome, &title, out);
                send(&Outgoing::Result { id: invoke, operation: kind.code(), result: &result });
            }
            Err(cause) => {
                let code = outcome::error_code(kind, *cause);
                let parameter = |out: &mut Writer<'_>| outcome::write_error(code, *cause, out);
                send(&Outgoing::Error { id: invoke, code, parameter: &parameter });
            }
        };
        match (inside, dialogue.inner, dialogue.role) {
            (Some(asked), Some(Inner::Asked { invoke }), _) if asked == invoke => {
                dialogue.inner = None;
                write(Kind::InsertSubscriberData, invoke, &mut |component| {
                    self.go_on(carrier, name, component);
                });
            }
            (None, _, Role::Asked { invoke, accept }) => {
                let (kind, route, Some(theirs)) = (dialogue.kind, dialogue.route, dialogue.theirs) else {
                    return;
                };
                self.message.clear();
                write(kind, invoke, &mut |component| tcap::end(&mut self.message, theirs, accept, component));
                carrier.send(&route, &self.message);
                self.over(name, &Err(Cause::NoAnswer));
            }
            _ => {}
        }
    }
}

impl Refusal {
    fn component(&self, invoke: u8) -> impl for<'a> Fn(&'a dyn Fn(&mut Writer<'_>)) -> Outgoing<'a> {
        let (problem, code) = match self {
            Self::Reject(problem) => (Some(*problem), 0),
            Self::Error(cause) => (None, outcome::error_code(Kind::UpdateLocation, *cause)),
        };
        move |parameter| match problem {
            Some(problem) => Outgoing::Reject { id: invoke, problem },
            None => Outgoing::Error { id: invoke, code, parameter },
        }
    }

    fn parameter(&self, out: &mut Writer<'_>) {
        if let Self::Error(cause) = self {
            outcome::write_error(outcome::error_code(Kind::UpdateLocation, *cause), *cause, out);
        }
    }
}

/// The owner's name for the question that began a dialogue.
fn outer(name: u32) -> DialogueId {
    DialogueId(u64::from(name) << 16)
}

/// The owner's name for a question in the middle of one.
fn inner(name: u32, invoke: u8) -> DialogueId {
    DialogueId(u64::from(name) << 16 | INSIDE | u64::from(invoke))
}

/// The dialogue that such a name means, and the number of the question in its middle.
fn name(id: DialogueId) -> Option<(u32, Option<u8>)> {
    let name = u32::try_from(id.0 >> 16).ok()?;
    let invoke = u8::try_from(id.0 & 0xff).ok()?;
    Some((name, (id.0 & INSIDE != 0).then_some(invoke)))
}

const INSIDE: u64 = 0x100;
/// What no dialogue is called.
const UNANSWERED: DialogueId = DialogueId(u64::MAX);
