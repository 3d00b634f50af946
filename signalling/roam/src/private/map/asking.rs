//! Questions of ours: begun, answered by the other end or by time.

use rove_base::Now;

use super::{
    User, argument,
    dialogues::{Dialogue, Inner, Role},
    kind::Kind,
    outcome,
};
use crate::{
    Cause, E164, Imsi, Operation, Outcome,
    private::{
        DialogueId, PartnerId,
        ber::Writer,
        carrier::{Carrier, Origin, Route},
        sccp::Address,
        tcap::{
            self, AbortCause, Component, Components, Dialogue as Portion, Outgoing, Problem, TcapError,
            TransactionId,
        },
    },
};

impl User {
    pub(super) fn ask(
        &mut self,
        now: Now,
        carrier: &mut Carrier,
        partner: PartnerId,
        id: DialogueId,
        operation: &Operation,
    ) {
        let result = match self.known.place(partner) {
            Some(peer) => self.try_ask(now, carrier, peer, id, operation),
            None => Err(Cause::NoAnswer),
        };
        let result = match result {
            Ok(()) if Kind::of(operation) != Kind::Reset => return,
            result => result.map(|()| Outcome::Done),
        };
        self.told.push_back(super::Told::Answered { partner, id, result });
    }

    /// `Ok` when the question is on its way.
    fn try_ask(
        &mut self,
        now: Now,
        carrier: &mut Carrier,
        peer: usize,
        id: DialogueId,
        operation: &Operation,
    ) -> Result<(), Cause> {
        let kind = Kind::of(operation);
        if let Operation::InsertSubscriberData { imsi, .. } = operation
            && let Some(name) = self.dialogues.open_for(peer, *imsi)
            && self.ask_inside(now, carrier, name, id, operation)
        {
            return Ok(());
        }
        let stream = carrier.current(peer).ok_or(Cause::NoAnswer)?;
        let (_, title, _) = self.known.at(peer).ok_or(Cause::NoAnswer)?;
        let (ours, theirs) = kind.subsystems();
        let own = calling_title(operation).unwrap_or(self.known.title);
        let route = Route {
            to: Origin { peer, stream },
            called: Address::new(*title, theirs),
            calling: Address::new(own, ours),
        };
        let dialogue = Dialogue {
            route,
            theirs: None,
            kind,
            imsi: subject(operation),
            role: Role::Asking(id),
            inner: None,
            invokes: FIRST_INVOKE,
        };
        let name = match kind {
            // Nobody answers it, so nothing is kept of it.
            Kind::Reset => u32::MAX,
            _ => self.dialogues.insert(now.mono, dialogue).ok_or(Cause::Overload)?,
        };
        self.message.clear();
        let argument = |out: &mut Writer<'_>| argument::write(operation, &self.known.title, false, out);
        let invoke = Outgoing::Invoke { id: FIRST_INVOKE, operation: kind.code(), argument: &argument };
        tcap::begin(&mut self.message, TransactionId::new(name), kind.context(), &invoke);
        if carrier.send(&route, &self.message) {
            return Ok(());
        }
        if kind != Kind::Reset {
            self.dialogues.remove(name);
        }
        Err(Cause::UnexpectedDataValue)
    }

    /// Asks in the middle of a dialogue that the other end has begun; `false` when that cannot be.
    fn ask_inside(
        &mut self,
        now: Now,
        carrier: &mut Carrier,
        name: u32,
        id: DialogueId,
        operation: &Operation,
    ) -> bool {
        let title = self.known.title;
        let Some(dialogue) = self.dialogues.get(name) else { return false };
        let (Role::Asked { accept, .. }, Some(theirs), None) =
            (&mut dialogue.role, dialogue.theirs, dialogue.inner)
        else {
            return false;
        };
        let invoke = dialogue.invokes.wrapping_add(1);
        let kind = Kind::of(operation);
        let argument = |out: &mut Writer<'_>| argument::write(operation, &title, true, out);
        let component = Outgoing::Invoke { id: invoke, operation: kind.code(), argument: &argument };
        self.message.clear();
        tcap::continued(&mut self.message, (TransactionId::new(name), theirs), *accept, &component);
        if !carrier.send(&dialogue.route, &self.message) {
            return false;
        }
        *accept = None;
        dialogue.invokes = invoke;
        dialogue.inner = Some(Inner::Asking { id, invoke });
        self.dialogues.asked_inside(now.mono, name, invoke);
        true
    }

    /// The other end goes on.
    pub(super) fn continued(
        &mut self,
        carrier: &mut Carrier,
        route: Route,
        (theirs, ours): (TransactionId, TransactionId),
        mut components: Components<'_>,
    ) -> Result<(), TcapError> {
        let dialogue = ours.ours().and_then(|name| self.dialogues.get(name).map(|dialogue| (name, dialogue)));
        let Some((name, dialogue)) = dialogue.filter(|(_, dialogue)| dialogue.route.to.peer == route.to.peer)
        else {
            self.abort(carrier, &route, theirs, AbortCause::UnrecognizedTransactionId);
            return Ok(());
        };
        dialogue.theirs = Some(theirs);
        dialogue.route = route;
        while let Some(component) = components.take()? {
            match component {
                Component::Invoke { id, operation, argument } => {
                    self.asked_inside(carrier, name, id, operation, argument)?;
                }
                other => self.component(name, &other)?,
            }
        }
        Ok(())
    }

    /// The other end has come to an end.
    pub(super) fn finished(
        &mut self,
        origin: Origin,
        ours: TransactionId,
        portion: Option<Portion>,
        mut components: Components<'_>,
    ) -> Result<(), TcapError> {
        let Some(name) = self.of_peer(origin, ours) else { return Ok(()) };
        let result = loop {
            match components.take() {
                Ok(Some(component)) => {
                    if let Err(error) = self.component(name, &component) {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let silent = match portion {
            Some(Portion::Refuse(_)) => Cause::NotSupported,
            _ => Cause::SystemFailure,
        };
        self.over(name, &Err(silent));
        result
    }

    /// The other end, or the network between, has given up.
    pub(super) fn ended(&mut self, origin: Origin, ours: TransactionId, cause: Cause) {
        if let Some(name) = self.of_peer(origin, ours) {
            self.over(name, &Err(cause));
        }
    }

    /// The name of a dialogue, when it is one with the partner that speaks of it.
    fn of_peer(&mut self, origin: Origin, ours: TransactionId) -> Option<u32> {
        let name = ours.ours()?;
        self.dialogues.get(name).filter(|dialogue| dialogue.route.to.peer == origin.peer).map(|_| name)
    }

    /// An answer to one of our questions.
    fn component(&mut self, name: u32, component: &Component<'_>) -> Result<(), TcapError> {
        let (Component::Result { id, .. }
        | Component::Error { id, .. }
        | Component::Reject { id: Some(id), .. }) = *component
        else {
            return Err(TcapError::Component);
        };
        let Some(dialogue) = self.dialogues.get(name) else { return Ok(()) };
        let peer = dialogue.route.to.peer;
        match (dialogue.role, dialogue.inner) {
            (Role::Asking(_), _) if id == FIRST_INVOKE => {
                let result = read(dialogue.kind, component);
                let malformed = matches!(result, Err((_, true)));
                self.over(name, &result.map_err(|(cause, _)| cause));
                if malformed { Err(TcapError::Component) } else { Ok(()) }
            }
            (_, Some(Inner::Asking { id: asked, invoke })) if id == invoke => {
                dialogue.inner = None;
                let result = read(Kind::InsertSubscriberData, component).map_err(|(cause, _)| cause);
                self.answered(peer, asked, result);
                Ok(())
            }
            _ => Err(TcapError::Component),
        }
    }

    /// A dialogue is over: what was asked in it is answered.
    pub(super) fn over(&mut self, name: u32, result: &Result<Outcome, Cause>) {
        let Some(dialogue) = self.dialogues.remove(name) else { return };
        let peer = dialogue.route.to.peer;
        if let Some(Inner::Asking { id, .. }) = dialogue.inner {
            self.answered(peer, id, Err(Cause::NoAnswer));
        }
        if let Role::Asking(id) = dialogue.role {
            self.answered(peer, id, result.clone());
        }
    }

    /// The time of a question is up.
    pub(super) fn out_of_time(&mut self, name: u32, invoke: u8) {
        let Some(dialogue) = self.dialogues.get(name) else { return };
        let peer = dialogue.route.to.peer;
        match (dialogue.role, dialogue.inner) {
            (Role::Asking(_), _) if invoke == FIRST_INVOKE => self.over(name, &Err(Cause::NoAnswer)),
            (_, Some(Inner::Asking { id, invoke: asked })) if asked == invoke => {
                dialogue.inner = None;
                self.answered(peer, id, Err(Cause::NoAnswer));
            }
            _ => {}
        }
    }
}

/// What an answer says; the flag tells that it makes no sense.
fn read(kind: Kind, component: &Component<'_>) -> Result<Outcome, (Cause, bool)> {
    match *component {
        Component::Result { result, .. } => {
            outcome::read(kind, result).map_err(|_| (Cause::SystemFailure, true))
        }
        Component::Error { code, parameter, .. } => Err((outcome::read_error(code, parameter), false)),
        Component::Reject { problem, .. } => Err((reject_cause(problem), false)),
        Component::Invoke { .. } => Err((Cause::SystemFailure, true)),
    }
}

const fn reject_cause(problem: Problem) -> Cause {
    match problem {
        Problem::UnrecognizedOperation => Cause::NotSupported,
        Problem::ResourceLimitation => Cause::Overload,
        Problem::Mistyped | Problem::MistypedArgument => Cause::UnexpectedDataValue,
        Problem::Other { .. } => Cause::SystemFailure,
    }
}

/// What an abort means for what was asked.
pub(super) const fn abort_cause(cause: Option<AbortCause>, portion: Option<Portion>) -> Cause {
    match (cause, portion) {
        (Some(AbortCause::ResourceLimitation), _) => Cause::Overload,
        (Some(AbortCause::UnrecognizedTransactionId), _) => Cause::NoAnswer,
        (_, Some(Portion::Refuse(_))) => Cause::NotSupported,
        _ => Cause::SystemFailure,
    }
}

/// Whom a question is about.
pub(super) const fn subject(operation: &Operation) -> Option<Imsi> {
    match operation {
        Operation::SendAuthenticationInfo { imsi, .. }
        | Operation::UpdateLocation { imsi, .. }
        | Operation::InsertSubscriberData { imsi, .. }
        | Operation::DeleteSubscriberData { imsi, .. }
        | Operation::CancelLocation { imsi, .. }
        | Operation::PurgeMs { imsi, .. }
        | Operation::RestoreData { imsi } => Some(*imsi),
        Operation::Bind { claim, .. } => Some(claim.imsi),
        Operation::Reset { .. } => None,
    }
}

/// The visited node is known by the address it calls from.
const fn calling_title(operation: &Operation) -> Option<E164> {
    match operation {
        Operation::SendAuthenticationInfo { visited, .. }
        | Operation::UpdateLocation { visited, .. }
        | Operation::PurgeMs { visited, .. } => Some(visited.vlr),
        Operation::Reset { hlr } => Some(*hlr),
        _ => None,
    }
}

/// The number of a question that begins a dialogue.
const FIRST_INVOKE: u8 = 1;
