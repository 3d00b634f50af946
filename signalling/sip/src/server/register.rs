//! REGISTER: who asks, for whom, and what is answered (RFC 3261 §10.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Asked, Event, SipServer, requests::Incoming, shared::ServerUse};
use crate::{
    digest::Refusal,
    message::{HeaderName, StatusCode},
    registrar::{Answer, Ask, Registration, RegistryStore, read, respond},
    transaction::{Outgoing, ServerKey},
    transport::Hop,
    ua::reply::Reply,
};

/// A REGISTER that waits for the store.
#[derive(Debug)]
pub(super) struct Registering {
    reply: Reply,
    key: ServerKey,
    hop: Hop,
    registration: Registration,
}

impl<R: RegistryStore> SipServer<R> {
    pub(super) fn on_register(&mut self, incoming: Incoming) {
        let user = match &self.verifier {
            None => None,
            Some(_) => match self.prove(&incoming.request, incoming.hop, &HeaderName::Authorization) {
                Ok(user) => Some(user),
                Err(refusal) => return self.ask_who(&incoming, refusal),
            },
        };
        let Incoming { request, hop, reply, key, .. } = incoming;
        let registration = match read(&self.core.config.registrar, self.core.now.mono, &request, hop) {
            Ok(registration) => registration,
            Err(objection) => {
                let mut response = self.core.plain(&reply, key, objection.status);
                if !objection.reason.is_empty() {
                    objection.reason.clone_into(&mut response.reason);
                }
                if let Some((name, value)) = objection.header {
                    response.headers.push(name, value);
                }
                return self.core.answer(&reply, &response);
            }
        };
        // Each user changes its own bindings alone (step 4).
        if user.is_some_and(|user| user.as_bytes() != registration.aor.user()) {
            return self.core.refuse(&reply, key, StatusCode::FORBIDDEN);
        }
        let ask = self.core.next_ask();
        let change = Ask::Change(registration.aor.clone(), registration.change.clone());
        self.asked.insert(ask, Asked::Register(Box::new(Registering { reply, key, hop, registration })));
        self.store.ask(self.core.now, ask, change);
        self.answers();
    }

    fn ask_who(&mut self, incoming: &Incoming, refusal: Refusal) {
        let response = self.challenge(incoming, refusal, StatusCode::UNAUTHORIZED);
        self.core.answer(&incoming.reply, &response);
    }

    pub(super) fn registered(&mut self, registering: Registering, answer: &Answer) {
        let Registering { reply, key, hop, registration } = registering;
        let mut response = self.core.plain(&reply, key, StatusCode::OK);
        let (config, now) = (&self.core.config.registrar, self.core.now);
        respond(&mut response, config, &mut self.gruus, &registration, answer, now);
        if let Answer::Bindings(bindings) = answer
            && !matches!(&registration.change.edits, crate::registrar::Edits::Each(edits) if edits.is_empty())
        {
            let (aor, bindings, from) = (registration.aor.to_string(), bindings.len(), hop.remote);
            self.core.tell(Event::Registered { aor, bindings, from });
        }
        // The same REGISTER again must hear the same, though its CSeq is not new any more.
        let bytes = self.core.response_bytes(&response);
        let outgoing = Outgoing { hop: reply.hop(), bytes };
        let server = ServerUse { relay: None };
        self.core.layer.answered(self.core.now.mono, key, response.status.code(), outgoing, server);
        if matches!(answer, Answer::Bindings(_)) {
            self.bindings_changed(&registration.aor);
        }
    }
}
