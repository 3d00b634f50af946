//! From the question to what becomes of the call.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Now;

use super::{CONSULT_TIME, ConsultId, Consultation, Grant, Treatment, Why, caller_of};
use crate::{
    message::{HeaderName, Reason, StatusCode, Token, Uri},
    registrar::{Aor, Ask, RegistryStore},
    server::{Asked, Event, SipServer, shared::RelayId},
};

impl<R: RegistryStore> SipServer<R> {
    /// Asks what becomes of a call.
    pub(in crate::server) fn consult(&mut self, id: RelayId) {
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let caller = caller_of(relay.request.headers.from().ok());
        let Some(served) = &mut relay.served else { return };
        served.until = Some(self.core.now.mono.later(CONSULT_TIME));
        let (callee, forwarded) = (relay.request.uri.clone(), super::divert::forwardings(&relay.request));
        let caller = caller.unwrap_or_else(|| callee.clone());
        let consultation = Consultation {
            id: ConsultId(id.0),
            others: self.calls.of(&caller),
            caller,
            proved: relay.user.clone(),
            from: relay.from.remote,
            over: relay.from.transport,
            callee,
            forwarded: u8::try_from(forwarded).unwrap_or(u8::MAX),
        };
        self.core.tell(Event::Consult(Box::new(consultation)));
        self.settle(id);
    }

    /// What becomes of a call, in answer to [`Event::Consult`].
    pub fn treated(&mut self, now: Now, id: ConsultId, treatment: Treatment) {
        self.at(now);
        let id = RelayId(id.0);
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let waits = relay.served.as_mut().and_then(|served| served.until.take()).is_some();
        if !waits {
            return;
        }
        match treatment {
            Treatment::Granted(grant) => self.granted(id, *grant),
            Treatment::Refused { status, causes } => self.refuse_relay(id, status, &causes),
        }
    }

    /// A refusal of ours, with its causes.
    pub(in crate::server) fn refuse_relay(&mut self, id: RelayId, status: StatusCode, causes: &[Reason]) {
        let Some(relay) = self.relays.get(&id) else { return };
        let mut response = self.core.plain(&relay.reply, relay.key, status);
        if let Some(text) = causes.iter().find_map(Reason::text) {
            response.reason = text.into_owned();
        }
        for cause in causes {
            response.headers.push(HeaderName::Reason, cause.to_string());
        }
        self.finish(id, &response);
    }

    fn granted(&mut self, id: RelayId, grant: Grant) {
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let Some(served) = &mut relay.served else { return };
        if served.stranger && !grant.vouched {
            return self.refuse_relay(id, StatusCode::FORBIDDEN, &[]);
        }
        // Whoever vouches does so once: what follows a forwarding is the forwarding one's call.
        served.stranger = false;
        served.hidden |= grant.hidden;
        served.identity = served.identity.take().or_else(|| grant.identity.clone());
        if let Some(to) = &grant.always {
            let to = to.clone();
            return self.divert(id, &to, Why::Always);
        }
        if let Some(instead) = &grant.instead {
            served.called.get_or_insert_with(|| relay.request.uri.to_string());
            relay.request.uri = instead.clone();
        }
        if !matches!(relay.request.uri, Uri::Sip(_)) {
            return self.refuse_relay(id, StatusCode::NOT_FOUND, &unallocated());
        }
        served.grant = Some(Box::new(grant));
        self.seek(id);
    }

    /// Looks for where the called one is.
    fn seek(&mut self, id: RelayId) {
        let Some(relay) = self.relays.get_mut(&id) else { return };
        let flow = relay.served.as_ref().and_then(|served| served.flow);
        let uri = relay.request.uri.as_sip();
        let routed = relay.request.headers.get(&HeaderName::Route).is_some();
        let here = uri.filter(|uri| !routed && flow.is_none() && self.core.ours.is_here(uri));
        let Some(uri) = here.cloned() else { return self.relay_to_uri(id, flow) };
        let gruu = self.gruus.read(&uri);
        let aor = gruu.as_ref().map_or_else(|| Aor::of(&uri), |gruu| gruu.aor.clone());
        relay.gruu = gruu;
        let ask = self.core.next_ask();
        self.asked.insert(ask, Asked::Relay(id));
        self.store.ask(self.core.now, ask, Ask::Find(aor));
        self.answers();
    }
}

/// A number or name that leads nowhere (ITU-T Q.850, cause 1).
fn unallocated() -> Vec<Reason> {
    vec![Reason::new(Token::known("Q.850"), 1)]
}
