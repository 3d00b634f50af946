//! The copy of a request that goes on (RFC 3261 §16.6).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Loops, Marks, Ours, Target, Tokens};
use crate::{
    message::{HeaderName, Method, NameAddr, Request, SipUri, Uri, ViaTransport},
    transport::Hop,
};

/// How a request came, and what is added on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passage<'a> {
    pub(crate) ours: &'a Ours,
    pub(crate) tokens: &'a Tokens,
    /// The way it came.
    pub(crate) from: Hop,
    /// Whether its sender can be reached that way alone.
    pub(crate) bound: bool,
    /// Whether the requests of its dialog shall pass here too.
    pub(crate) record: bool,
    /// What it is routed by.
    pub(crate) mark: u64,
    /// Whether the caller is not shown to the called one.
    pub(crate) hidden: bool,
}

/// A copy that waits for its way.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    /// Without our Via and Record-Route.
    pub(crate) request: Request,
    /// The way it has to take; else where it goes is a matter of [`Copy::next`].
    pub(crate) flow: Option<Hop>,
}

/// Where and as what a copy leaves.
#[derive(Clone, Debug)]
pub(crate) struct Leave {
    pub(crate) request: Request,
    pub(crate) hop: Hop,
}

impl Copy {
    /// The copy for `target` (steps 1 to 3 and 6).
    pub(crate) fn of(request: &Request, target: &Target) -> Self {
        let mut request = request.clone();
        request.uri = target.uri.clone();
        let hops = request.headers.max_forwards().ok().flatten().map_or(70, |hops| hops.saturating_sub(1));
        request.headers.set(HeaderName::MaxForwards, hops.to_string());
        if target.breadth > 0
            && let Ok(name) = MAX_BREADTH_NAME.parse::<HeaderName>()
        {
            request.headers.set(name, target.breadth.to_string());
        }
        if !target.path.is_empty() {
            let rest: Vec<_> = request.headers.all(&HeaderName::Route).map(str::to_owned).collect();
            request.headers.remove(&HeaderName::Route);
            for route in target.path.iter().map(ToString::to_string).chain(rest) {
                request.headers.push(HeaderName::Route, route);
            }
        }
        let mut copy = Self { request, flow: target.flow };
        copy.give_way_to_strict_router();
        copy
    }

    /// A first route without `lr` wants to be the Request-URI (step 6).
    fn give_way_to_strict_router(&mut self) {
        let Ok(mut routes) = self.request.headers.routes() else { return };
        let strict = |route: &&NameAddr| !route.uri.as_sip().is_some_and(SipUri::is_loose_router);
        if routes.first().filter(strict).is_none() {
            return;
        }
        let first = routes.remove(0);
        routes.push(NameAddr::new(core::mem::replace(&mut self.request.uri, first.uri)));
        self.request.headers.remove(&HeaderName::Route);
        for route in routes {
            self.request.headers.push(HeaderName::Route, route.to_string());
        }
    }

    /// Where it goes next (step 7).
    pub(crate) fn next(&self) -> Uri {
        match self.request.headers.routes() {
            Ok(routes) => {
                routes.into_iter().next().map_or_else(|| self.request.uri.clone(), |route| route.uri)
            }
            Err(_) => self.request.uri.clone(),
        }
    }

    /// Completes it for the way `hop`, as transaction `number` (steps 4 and 8).
    pub(crate) fn leave(self, passage: &Passage<'_>, hop: Hop, number: u64) -> Leave {
        let Passage { ours, tokens, from, bound, record, mark, hidden } = passage;
        let mut request = self.request;
        if *record {
            let call_id = request.headers.call_id().unwrap_or_default().to_owned();
            let to_bound = self.flow.is_some();
            let one_side = !bound && !to_bound && from.transport == hop.transport && from.local == hop.local;
            request.headers.prepend(
                HeaderName::RecordRoute,
                ours.record(from, &call_id, tokens, Marks { bound: *bound, hidden: *hidden }),
            );
            if !one_side {
                let ahead = ours.record(&hop, &call_id, tokens, Marks { bound: to_bound, hidden: *hidden });
                request.headers.prepend(HeaderName::RecordRoute, ahead);
            }
        }
        let transport = ViaTransport::from(hop.transport);
        let address = std::net::SocketAddr::new(hop.local.ip(), hop.local.port());
        let branch = Loops::branch(number, *mark);
        let rport = if hop.transport.is_reliable() { "" } else { ";rport" };
        request
            .headers
            .prepend(HeaderName::Via, format!("SIP/2.0/{transport} {address};branch={branch}{rport}"));
        Leave { request, hop }
    }
}

impl Leave {
    /// Takes another way: Via says so, Record-Route stays, so that what follows comes as it would have.
    pub(crate) fn go_over(&mut self, hop: Hop) {
        if let Ok(mut via) = self.request.headers.via() {
            via.transport = ViaTransport::from(hop.transport);
            via.host = hop.local.into();
            via.port = Some(hop.local.port());
            via.params.remove("rport");
            // Fails only when a Via cannot be read, and this one is ours.
            let _ = self.request.headers.replace_top_via(&via);
        }
        self.hop = hop;
    }

    /// The same without what CANCEL and ACK do not need.
    pub(crate) fn stub(&self) -> Request {
        let mut stub = Request::new(Method::Invite, self.request.uri.clone());
        for (name, value) in self.request.headers.iter() {
            let needed = matches!(
                name,
                HeaderName::From | HeaderName::To | HeaderName::CallId | HeaderName::CSeq | HeaderName::Route
            );
            let first_via = *name == HeaderName::Via && stub.headers.get(&HeaderName::Via).is_none();
            if needed || first_via {
                stub.headers.push(name.clone(), value);
            }
        }
        stub
    }
}

const MAX_BREADTH_NAME: &str = "Max-Breadth";
