//! Registrations of an agent: REGISTER and its answers, carried to and from their flows (RFC 3261 §10.2, RFC 5626 §4.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod binding;

use core::time::Duration;
use std::{collections::BTreeMap, net::SocketAddr};

use rove_base::Instant;

use super::{
    Event, Failure, RegistrationId, UserAgent,
    context::{self, Context},
    request::{Exchange, Outcome, Purpose, is_temporary},
};
use crate::{
    message::{CSeq, HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri},
    register::{Due, Flow, Granted, Registering},
    transport::Hop,
};

/// All registrations of one agent.
#[derive(Debug, Default)]
pub(super) struct Registrations {
    standing: BTreeMap<u64, Registration>,
    last: u64,
}

/// One address of record at one registrar.
#[derive(Debug)]
struct Registration {
    wanted: Registering,
    expires: Duration,
    flows: Vec<Binding>,
    leaving: bool,
}

/// One flow, and what its REGISTERs have in common.
#[derive(Debug)]
struct Binding {
    flow: Flow,
    call_id: String,
    tag: String,
    number: u32,
    /// The way it takes, once one has worked.
    hop: Option<Hop>,
    /// Where the registrar sees us, when that is another address than ours.
    public: Option<SocketAddr>,
    /// The contact before, which is to go.
    former: Option<Uri>,
    /// When a NAT on the way is reminded of us, and how often.
    ping: Option<(Instant, Duration)>,
}

impl UserAgent {
    /// Registers an address of record, and keeps it registered. [`Event::Registered`] tells each time that it stands
    /// anew, [`Event::RegistrationFailed`] each time that it does not.
    pub fn register(&mut self, now: rove_base::Now, wanted: Registering) -> RegistrationId {
        self.at(now);
        self.registrations.last = self.registrations.last.saturating_add(1);
        let id = self.registrations.last;
        if let Some(login) = &wanted.login {
            let hops: Vec<Hop> = wanted.flows.iter().flatten().copied().collect();
            self.cx.keyring.add(wanted.aor.uri.clone(), login.clone(), &hops);
        }
        let cx = &mut self.cx;
        let flows = wanted.flows.iter().take(MAX_FLOWS).map(|_| Binding::new(cx)).collect();
        let mut registration = Registration { expires: wanted.expires, wanted, flows, leaving: false };
        for flow in 0..registration.flows.len() {
            registration.ask(cx, id, flow);
        }
        self.registrations.standing.insert(id, registration);
        RegistrationId(id)
    }

    /// Registers anew at once: this phone was woken, or its owner doubts that the binding stands (RFC 8599 §4.1.3).
    pub fn reregister(&mut self, now: rove_base::Now, registration: RegistrationId) {
        self.at(now);
        let id = registration.0;
        let Some(one) = self.registrations.standing.get_mut(&id) else { return };
        for flow in 0..one.flows.len() {
            if one.flows.get_mut(flow).map_or(Due::Nothing, |binding| binding.flow.again()) == Due::Register {
                one.ask(&mut self.cx, id, flow);
            }
        }
    }

    /// Takes a registration back. [`Event::Unregistered`] follows, at the latest when the registrar has not answered for
    /// 32 s.
    pub fn unregister(&mut self, now: rove_base::Now, registration: RegistrationId) {
        self.at(now);
        let id = registration.0;
        let Some(one) = self.registrations.standing.get_mut(&id) else { return };
        one.leaving = true;
        for flow in 0..one.flows.len() {
            if one.flows.get_mut(flow).map_or(Due::Nothing, |binding| binding.flow.leave()) == Due::Register {
                one.ask(&mut self.cx, id, flow);
            }
        }
        self.clear_registration(id);
    }

    /// What has become of a REGISTER.
    pub(super) fn on_registration(&mut self, id: u64, flow: usize, outcome: Outcome) {
        if let Some(one) = self.registrations.standing.get_mut(&id) {
            one.outcome(&mut self.cx, id, flow, outcome);
            self.clear_registration(id);
        }
    }

    /// The way of flows along `is_dead` has broken.
    pub(super) fn flows_broke(&mut self, is_dead: impl Fn(&Hop) -> bool) {
        for one in self.registrations.standing.values_mut() {
            for binding in &mut one.flows {
                if binding.hop.as_ref().is_some_and(&is_dead) {
                    binding.broke(self.cx.now);
                }
            }
        }
    }

    pub(super) fn tick_registrations(&mut self) {
        let now = self.cx.now;
        let due: Vec<u64> = self.registrations.due(now);
        for id in due {
            let Some(one) = self.registrations.standing.get_mut(&id) else { continue };
            for flow in 0..one.flows.len() {
                let Some(binding) = one.flows.get_mut(flow) else { continue };
                binding.ping(&mut self.cx);
                if binding.flow.tick(now) == Due::Register {
                    one.ask(&mut self.cx, id, flow);
                }
            }
        }
    }

    fn clear_registration(&mut self, id: u64) {
        let over = |one: &Registration| one.leaving && one.flows.iter().all(|binding| binding.flow.is_over());
        if self.registrations.standing.get(&id).is_some_and(over)
            && let Some(gone) = self.registrations.standing.remove(&id)
        {
            self.cx.keyring.remove(&gone.wanted.aor.uri);
            self.cx.tell(Event::Unregistered { registration: RegistrationId(id) });
        }
    }
}

impl Registrations {
    fn due(&self, now: Instant) -> Vec<u64> {
        let due = self.standing.iter().filter(|(_, one)| one.deadline().is_some_and(|at| at <= now));
        due.map(|(id, _)| *id).collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.standing.values().filter_map(Registration::deadline).min()
    }

    /// Whether no answer to a REGISTER that takes a binding back is waited for.
    pub(super) fn is_idle(&self) -> bool {
        self.standing.values().all(|one| !one.leaving)
    }
}

impl Registration {
    fn deadline(&self) -> Option<Instant> {
        self.flows.iter().filter_map(Binding::deadline).min()
    }

    fn uses_outbound(&self) -> bool {
        self.flows.len() > 1 && self.wanted.instance.is_some()
    }

    /// Sends the REGISTER of one flow.
    fn ask(&mut self, cx: &mut Context, id: u64, flow: usize) {
        let Some(hop) = self.hops(flow).first().copied() else { return };
        let Some(binding) = self.flows.get(flow) else { return };
        let request = self.request(cx, binding, flow, &hop);
        let hops = self.hops(flow);
        if let Some(binding) = self.flows.get_mut(flow) {
            binding.number = binding.number.saturating_add(1);
        }
        if let Some(exchange) = Exchange::new(Purpose::Registration(id, flow), request, hops) {
            cx.start(exchange);
        }
    }

    /// The ways a flow may take, the one that has worked first.
    fn hops(&self, flow: usize) -> Vec<Hop> {
        let known = self.flows.get(flow).and_then(|binding| binding.hop);
        let all = self.wanted.flows.get(flow).into_iter().flatten().copied();
        known.into_iter().chain(all.filter(|hop| Some(*hop) != known)).collect()
    }

    /// The same from refresh to refresh but for its number and time (RFC 3261 §10.2.4).
    fn request(&self, cx: &Context, binding: &Binding, flow: usize, hop: &Hop) -> Request {
        let expires = if binding.flow.is_leaving() { Duration::ZERO } else { self.expires };
        let mut request = Request::new(Method::Register, self.wanted.registrar.clone());
        let headers = &mut request.headers;
        self.wanted.route.iter().for_each(|route| headers.push(HeaderName::Route, route.to_string()));
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, self.wanted.aor.clone().with_tag(&binding.tag).to_string());
        headers.push(HeaderName::To, self.wanted.aor.to_string());
        headers.push(HeaderName::CallId, binding.call_id.as_str());
        let cseq = CSeq { number: binding.number.saturating_add(1), method: Method::Register };
        headers.push(HeaderName::CSeq, cseq.to_string());
        let mut params = self.wanted.contact_params.clone();
        if let Some(instance) = &self.wanted.instance {
            params.push_str(&format!(";+sip.instance=\"<{instance}>\""));
        }
        if self.uses_outbound() {
            params.push_str(&format!(";reg-id={}", flow.saturating_add(1)));
        }
        let contact = self.contact(binding, hop);
        headers.push(HeaderName::Contact, format!("<{contact}>{params};expires={}", expires.as_secs()));
        if let Some(former) = &binding.former {
            headers.push(HeaderName::Contact, format!("<{former}>;expires=0"));
        }
        headers.push(HeaderName::Expires, expires.as_secs().to_string());
        headers.push(
            HeaderName::Supported,
            if self.uses_outbound() { "path, gruu, outbound" } else { "path, gruu" },
        );
        headers.push(HeaderName::Allow, context::ALLOW);
        cx.sign_request(&mut request);
        request
    }

    /// Where the binding leads.
    fn contact(&self, binding: &Binding, hop: &Hop) -> Uri {
        let hop = Hop { local: binding.public.unwrap_or(hop.local), ..*hop };
        let mut uri = context::contact_uri(&self.wanted.aor.uri, &hop, &self.wanted.registrar);
        if self.uses_outbound() {
            uri.params.set("ob", None);
        }
        if let Some(push) = &self.wanted.push {
            push.put_into(&mut uri);
        }
        uri.into()
    }

    fn outcome(&mut self, cx: &mut Context, id: u64, flow: usize, outcome: Outcome) {
        let Some(binding) = self.flows.get_mut(flow) else { return };
        binding.number = binding.number.max(outcome.number());
        match outcome.result {
            Ok(response) if response.status.is_success() => {
                self.granted(cx, id, flow, outcome.hop, &response);
            }
            Ok(response) if response.status == StatusCode::INTERVAL_TOO_BRIEF => {
                self.too_brief(cx, id, flow, &response);
            }
            Ok(response) => {
                let failure = super::caller::refusal(response);
                self.failed(cx, id, flow, failure);
            }
            Err(failure) => self.failed(cx, id, flow, failure),
        }
    }

    fn granted(&mut self, cx: &mut Context, id: u64, flow: usize, hop: Hop, response: &Response) {
        let outbound_wanted = self.uses_outbound();
        let Some(binding) = self.flows.get(flow) else { return };
        let leaving = binding.flow.is_leaving();
        let ours = self.contact(binding, &hop);
        let instance = self.wanted.instance.as_deref();
        let granted = Granted::read(response, &ours, instance, flow.saturating_add(1), self.expires);
        let Some(binding) = self.flows.get_mut(flow) else { return };
        (binding.hop, binding.former) = (Some(hop), None);
        let Some(expires) = granted.expires.or(leaving.then_some(Duration::ZERO)) else {
            return self.failed(cx, id, flow, Failure::NotBound);
        };
        let outbound = outbound_wanted && granted.outbound;
        let moved = !leaving && !outbound && binding.is_elsewhere(&hop, granted.seen);
        let due = binding.flow.granted(cx.now, expires, &mut cx.entropy);
        if due == Due::Register {
            return self.ask(cx, id, flow);
        }
        if moved && binding.flow.again() == Due::Register {
            binding.former = Some(ours);
            binding.public = granted.seen;
            return self.ask(cx, id, flow);
        }
        if leaving {
            binding.ping = None;
            return cx.connections.let_go(&hop);
        }
        binding.keep_open(cx, &hop, outbound, granted.flow_timer);
        let (public, gruu) = (binding.public, granted.gruu);
        let registration = RegistrationId(id);
        let Granted { service_route: route, push, .. } = granted;
        cx.tell(Event::Registered { registration, flow, hop, expires, route, public, gruu, push });
    }

    fn too_brief(&mut self, cx: &mut Context, id: u64, flow: usize, response: &Response) {
        let least = response.headers.get(&HeaderName::MinExpires).and_then(|text| text.parse::<u32>().ok());
        let least = least.map(|seconds| Duration::from_secs(seconds.into()));
        let fits = least.filter(|least| *least > self.expires && *least <= MOST_EXPIRES);
        let obey = self.flows.get_mut(flow).is_some_and(|binding| binding.flow.too_brief());
        match fits {
            Some(least) if obey => {
                self.expires = least;
                self.ask(cx, id, flow);
            }
            _ => {
                let failure = super::caller::refusal(response.clone());
                self.failed(cx, id, flow, failure);
            }
        }
    }

    fn failed(&mut self, cx: &mut Context, id: u64, flow: usize, failure: Failure) {
        let others = self.flows.iter().enumerate().any(|(index, one)| index != flow && one.flow.stands());
        let leaving = self.leaving;
        let Some(binding) = self.flows.get_mut(flow) else { return };
        if let Some(hop) = binding.hop.take() {
            cx.connections.let_go(&hop);
        }
        binding.ping = None;
        let (temporary, least) = match &failure {
            Failure::Status { code, retry_after, .. } => (is_temporary(*code), *retry_after),
            _ => (true, None),
        };
        let least = least.map(|seconds| Duration::from_secs(seconds.into()));
        let retry_in = if temporary {
            binding.flow.failed(cx.now, least, others, &mut cx.entropy)
        } else {
            binding.flow.refused();
            None
        };
        if !leaving {
            let registration = RegistrationId(id);
            cx.tell(Event::RegistrationFailed { registration, flow, failure, retry_in });
        }
    }
}

/// Where one has a name: what the owner knows of an address of record.
impl UserAgent {
    /// Takes a password for requests from `aor`: it is shown to `hops` alone, and to the host of `aor` when that is an
    /// address; only in the realm it is for, or in the first that asks.
    pub fn set_login(&mut self, aor: &NameAddr, login: crate::digest::Login, hops: &[Hop]) {
        self.cx.keyring.add(aor.uri.clone(), login, hops);
    }
}

/// Flows of one registration (RFC 5626 §4.2 asks for two).
const MAX_FLOWS: usize = 4;
/// A registrar that wants a longer time is not obeyed.
const MOST_EXPIRES: Duration = Duration::from_secs(7 * 86_400);
