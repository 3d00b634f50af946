//! Calls that the operator sees, and ends: BYE to both sides, each as if from the other (RFC 3261 §15.1.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Now;

use super::{CallRecord, SipServer, relay::Relay, services, shared::ClientUse};
use crate::{
    message::{CSeq, HeaderName, Method, Request, Response, Uri, ViaTransport},
    proxy::{Loops, Ours},
    registrar::RegistryStore,
    transaction::Outgoing,
    transport::Hop,
};

/// A call as the operator sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallView<'a> {
    /// What is kept of it. `None` while it rings.
    pub record: Option<&'a CallRecord>,
    /// Its Call-ID.
    pub call_id: &'a str,
    /// The ways to the caller and to the called one, where what they say to each other passes here.
    pub ways: Option<(Hop, Hop)>,
}

/// Why a call does not end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotEnded {
    /// There is none with this Call-ID.
    #[error("there is no such call")]
    Unknown,
    /// What its sides say to each other does not pass here, so that they would not know whom a BYE is from.
    #[error("its requests do not pass here (record_route is off): only its sides can end it")]
    NotHere,
}

/// Both sides of a call that was answered.
#[derive(Clone, Debug)]
pub(super) struct Legs {
    pub(super) caller: Side,
    pub(super) callee: Side,
    /// The caller is not shown.
    hidden: bool,
}

/// One side, as the other one reaches it.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Its From or To, with its tag.
    party: String,
    /// Its Contact.
    target: String,
    /// Proxies beyond this one.
    routes: Vec<String>,
    pub(super) hop: Hop,
    /// The last number that it gave a request.
    number: u32,
}

impl Legs {
    /// What the answer of a branch tells. `None` where it does not say how the sides are reached.
    pub(super) fn of(relay: &Relay, branch: usize, answer: &Response, ours: &Ours) -> Option<Self> {
        let (_, hop) = relay.branches.get(branch)?.stub.as_ref()?;
        let routes = answer.headers.record_routes().ok()?;
        let is_ours = |at: &usize| {
            let route = routes.get(*at).and_then(|route| route.uri.as_sip());
            route.is_some_and(|uri| ours.is_here(uri))
        };
        let mut here = (0..routes.len()).filter(is_ours);
        let first = here.next()?;
        let last = here.next_back().unwrap_or(first);
        let text = |headers: &crate::message::Headers, name| headers.get(&name).map(str::to_owned);
        let asked = &relay.request.headers;
        let caller = Side {
            party: text(asked, HeaderName::From)?,
            target: asked.contact().ok()??.uri.to_string(),
            routes: routes.iter().skip(last.saturating_add(1)).map(ToString::to_string).collect(),
            hop: relay.from,
            number: asked.cseq_number(),
        };
        let callee = Side {
            party: text(&answer.headers, HeaderName::To)?,
            target: answer.headers.contact().ok()??.uri.to_string(),
            routes: routes.iter().take(first).rev().map(ToString::to_string).collect(),
            hop: *hop,
            number: 0,
        };
        let hidden = relay.served.as_ref().is_some_and(|served| served.hidden);
        Some(Self { caller, callee, hidden })
    }

    /// What they take beside themselves.
    pub(super) fn weight(&self) -> usize {
        let side = |side: &Side| {
            let routes = side.routes.iter().map(String::len).fold(0, usize::saturating_add);
            side.party.len().saturating_add(side.target.len()).saturating_add(routes)
        };
        side(&self.caller).saturating_add(side(&self.callee)).saturating_add(size_of::<Self>())
    }

    /// The BYE that `to` gets, as if `from` had sent it.
    fn bye(&self, call_id: &str, from: &Side, to: &Side) -> Option<Request> {
        let mut request = Request::new(Method::Bye, to.target.parse::<Uri>().ok()?);
        let headers = &mut request.headers;
        to.routes.iter().for_each(|route| headers.push(HeaderName::Route, route.as_str()));
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, from.party.as_str());
        headers.push(HeaderName::To, to.party.as_str());
        headers.push(HeaderName::CallId, call_id);
        let number = from.number.saturating_add(1);
        headers.push(HeaderName::CSeq, CSeq { number, method: Method::Bye }.to_string());
        headers.push(HeaderName::Reason, "SIP;cause=200;text=\"ended by the operator\"");
        Some(request)
    }

    /// To the called one, and to the caller.
    fn byes(&self, call_id: &str) -> impl Iterator<Item = (Request, Hop)> {
        let mut forth = self.bye(call_id, &self.caller, &self.callee);
        if let Some(request) = forth.as_mut().filter(|_| self.hidden) {
            services::hide(&mut request.headers);
        }
        let back = self.bye(call_id, &self.callee, &self.caller);
        let forth = forth.map(|request| (request, self.callee.hop));
        forth.into_iter().chain(back.map(|request| (request, self.caller.hop)))
    }
}

impl Side {
    /// It has sent a request inside of the call.
    pub(super) fn sent(&mut self, request: &Request, hop: Hop) {
        self.number = self.number.max(request.headers.cseq_number());
        if !matches!(request.method, Method::Invite | Method::Update) {
            return;
        }
        if let Ok(Some(contact)) = request.headers.contact() {
            let target = contact.uri.to_string();
            // What is kept does not grow without bound in a call.
            if target.len() <= MOST_TARGET {
                (self.target, self.hop) = (target, hop);
            }
        }
    }
}

impl<R: RegistryStore> SipServer<R> {
    /// The calls that are up, and those that ring.
    pub fn calls(&self) -> impl Iterator<Item = CallView<'_>> {
        let ringing = self.relays.values().filter(|relay| relay.begins_call() && !relay.fork.is_over());
        let ringing = ringing.filter_map(|relay| {
            let call_id = relay.request.headers.call_id().ok()?;
            Some(CallView { record: None, call_id, ways: None })
        });
        self.calls.all().chain(ringing)
    }

    /// How many calls are up.
    #[must_use]
    pub fn calls_up(&self) -> usize {
        self.calls.len()
    }

    /// Ends a call: one that is up by BYE to both sides, one that rings by CANCEL and 487.
    ///
    /// # Errors
    ///
    /// [`NotEnded`] says why it goes on.
    pub fn hang_up(&mut self, now: Now, call_id: &str) -> Result<(), NotEnded> {
        self.at(now);
        let ringing = self.relays.iter().find(|(_, relay)| {
            relay.begins_call() && relay.request.headers.call_id() == Ok(call_id) && !relay.fork.is_over()
        });
        if let Some((id, _)) = ringing {
            let id = *id;
            if let Some(relay) = self.relays.get_mut(&id) {
                relay.cancelled = true;
                relay.fork.close();
            }
            self.cancel_pending(id);
            self.advance(id);
            return Ok(());
        }
        let legs = self.calls.end(&mut self.core, call_id)?;
        for (request, hop) in legs.byes(call_id) {
            self.send_bye(request, hop);
        }
        Ok(())
    }

    /// Ends all calls of one who proved to make them; how many there were.
    pub fn hang_up_user(&mut self, now: Now, user: &str) -> usize {
        let theirs = |record: &&CallRecord| record.user.as_deref() == Some(user);
        let records = self.calls.all().filter_map(|call| call.record);
        let all: Vec<String> = records.filter(theirs).map(|record| record.call_id.clone()).collect();
        all.iter().filter(|call_id| self.hang_up(now, call_id).is_ok()).count()
    }

    fn send_bye(&mut self, mut request: Request, hop: Hop) {
        let key = self.core.next_key();
        let branch = Loops::branch(key.branch, self.core.loops.mark(&request));
        let rport = if hop.transport.is_reliable() { "" } else { ";rport" };
        let via =
            format!("SIP/2.0/{} {};branch={branch}{rport}", ViaTransport::from(hop.transport), hop.local);
        request.headers.prepend(HeaderName::Via, via);
        let outgoing = Outgoing { hop, bytes: self.core.request_bytes(&request) };
        // What is answered changes nothing any more, as with a CANCEL.
        self.core.layer.request(self.core.now.mono, key, outgoing, ClientUse::Cancel);
    }
}

/// Bytes of a new Contact in a call.
const MOST_TARGET: usize = 512;
