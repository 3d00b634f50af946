//! Route information in a request: which of it is ours (RFC 3261 §16.4, RFC 5626 §5.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use rove_base::Transport;

use super::Tokens;
use crate::{
    message::{HeaderName, Host, NameAddr, Request, SipUri, Uri},
    transport::{Hop, LocalAddress},
};

/// What names this proxy.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) addresses: Vec<LocalAddress>,
    pub(crate) domains: Vec<Host>,
}

/// What the routes of a request said to us.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Routed {
    /// Whether it belongs to a dialog that was let through.
    pub(crate) inside: bool,
    /// The flow it has to take.
    pub(crate) flow: Option<Hop>,
    /// A route of ours is not as we wrote it.
    pub(crate) forged: bool,
    /// Whether there was a route of ours.
    pub(crate) routed: bool,
    /// The caller of its dialog is not shown to the called one.
    pub(crate) hidden: bool,
}

/// What a Record-Route says of its side and its dialog.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// Only that flow leads there.
    pub(crate) bound: bool,
    /// The caller is not shown to the called one.
    pub(crate) hidden: bool,
}

impl Ours {
    /// Whether a URI leads here: to one of our addresses or domains.
    pub(crate) fn is_here(&self, uri: &SipUri) -> bool {
        if uri.port.is_none_or(|port| port == 5060 || port == 5061) && self.domains.contains(&uri.host) {
            return true;
        }
        self.is_address(uri)
    }

    /// Whether a URI names one of our addresses.
    pub(crate) fn is_address(&self, uri: &SipUri) -> bool {
        let Some(ip) = uri.host.ip() else { return false };
        let secure = uri.secure || matches!(uri.transport(), Some(Transport::Tls));
        let port = uri.port.unwrap_or(if secure { 5061 } else { 5060 });
        self.addresses.iter().any(|ours| ours.address.ip() == ip && ours.address.port() == port)
    }

    /// Takes our routes off a request and tells what they said.
    pub(crate) fn preprocess(&self, request: &mut Request, tokens: &Tokens) -> Routed {
        let mut routed = Routed::default();
        if request.headers.get(&HeaderName::Route).is_none() {
            return routed;
        }
        let Ok(mut routes) = request.headers.routes() else { return routed };
        let call_id = request.headers.call_id().unwrap_or_default().to_owned();
        // A strict router has put our Record-Route into the Request-URI (§16.4).
        if let Uri::Sip(uri) = &request.uri
            && uri.params.has(DIALOG)
            && self.is_here(uri)
            && let Some(last) = routes.pop()
        {
            self.note(&request.uri, &call_id, tokens, &mut routed);
            request.uri = last.uri;
        }
        let ours = |route: &NameAddr| route.uri.as_sip().is_some_and(|uri| self.is_here(uri));
        let count = routes.iter().take(MAX_OWN_ROUTES).take_while(|route| ours(route)).count();
        for route in routes.drain(..count) {
            self.note(&route.uri, &call_id, tokens, &mut routed);
        }
        request.headers.remove(&HeaderName::Route);
        for route in routes {
            request.headers.push(HeaderName::Route, route.to_string());
        }
        routed
    }

    fn note(&self, uri: &Uri, call_id: &str, tokens: &Tokens, routed: &mut Routed) {
        let Some(uri) = uri.as_sip() else { return };
        routed.routed = true;
        let dialog = uri.params.get(DIALOG);
        if let Some(token) = dialog {
            let ours = token == tokens.dialog(call_id);
            routed.inside |= ours;
            routed.forged |= !ours;
            routed.hidden |= ours && uri.params.has(HIDDEN);
        }
        // The last of two routes is the side that the request goes to.
        routed.flow = None;
        if let Some(user) = uri.user() {
            match tokens.read_flow(user) {
                Some(flow) => routed.flow = Some(flow),
                // Who routes by a domain may put a user there; who has our dialog token may not.
                None => routed.forged |= dialog.is_some() || uri.params.has("ob"),
            }
        }
    }

    /// The Record-Route of one side (§16.6 step 4): `hop` is the way to that side.
    pub(crate) fn record(&self, hop: &Hop, call_id: &str, tokens: &Tokens, marks: Marks) -> String {
        let Marks { bound, hidden } = marks;
        let mut uri = SipUri::at(hop.local).over(hop.transport);
        if bound {
            uri = uri.with_user(&tokens.flow(hop));
        }
        uri.params.set("lr", None);
        uri.params.set(DIALOG, Some(&tokens.dialog(call_id)));
        if hidden {
            uri.params.set(HIDDEN, None);
        }
        format!("<{uri}>")
    }
}

/// The parameter that shows that a dialog was let through.
const DIALOG: &str = "d";
/// The parameter of a dialog whose caller is not shown.
const HIDDEN: &str = "h";
/// Routes of ours that one request may have: two for each time that it came through.
const MAX_OWN_ROUTES: usize = 8;
