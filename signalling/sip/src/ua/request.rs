//! Requests of ours outside of calls: challenges answered, other addresses tried, redirections followed
//! (RFC 3261 §8.1, RFC 3263 §4.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::{collections::VecDeque, net::SocketAddr};

use rove_base::Transport;

use super::{
    CallId, Event, Failure, OptionsId, RequestId,
    context::{ClientUse, Context, LocalTag},
};
use crate::{
    message::{CSeq, HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri, ViaTransport},
    transaction::Outgoing,
    transport::{Hop, is_sips},
};

/// A request to be made outside of any dialog.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// The ways it may take, best first: the next one is tried where one leads nowhere.
    pub hops: Vec<Hop>,
    /// What is asked for; neither INVITE, ACK nor CANCEL.
    pub method: Method,
    /// Of whom: the Request-URI.
    pub uri: Uri,
    /// Who asks; the tag is added.
    pub from: NameAddr,
    /// Who is asked, for people.
    pub to: NameAddr,
    /// More headers, none of those that the agent writes itself. Route leads over a proxy.
    pub headers: Vec<(HeaderName, String)>,
    /// The kind of body, and the body.
    pub content: Option<(String, Vec<u8>)>,
}

/// A request of ours on its way, from the first try to the last.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) purpose: Purpose,
    /// Without Via.
    request: Request,
    pub(super) hop: Hop,
    others: VecDeque<Hop>,
    challenges: u8,
    redirected: Vec<Uri>,
    /// Goes as a datagram whatever its length: there is no TCP at the other end (RFC 3261 §18.1.1).
    short: bool,
}

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    Owner(RequestId),
    /// A question of the owner's what somebody can do.
    Options(OptionsId),
    /// The call whose BYE it is; `None` when no call waits for it.
    Bye(Option<CallId>),
    /// A flow of a registration, by their numbers.
    Registration(u64, usize),
    /// A subscription, by its number.
    Subscription(u64),
    /// A published state, by its number.
    Publication(u64),
    /// A notification in a subscription of a peer, by its number.
    Notification(u64),
}

/// What came of a request of ours.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) purpose: Purpose,
    /// The way that was taken last.
    pub(super) hop: Hop,
    /// As it was sent last, without Via.
    pub(super) request: Request,
    pub(super) result: Result<Response, Failure>,
}

impl Outcome {
    /// The number in CSeq that was used last.
    pub(super) fn number(&self) -> u32 {
        self.request.headers.cseq().map_or(0, |cseq| cseq.number)
    }
}

impl Exchange {
    /// A request without Via, with all other headers in place, along the first of `hops`. `None` without any.
    pub(super) fn new(purpose: Purpose, request: Request, hops: Vec<Hop>) -> Option<Self> {
        let mut others = VecDeque::from(hops);
        others.truncate(MAX_HOPS);
        let hop = others.pop_front()?;
        Some(Self { purpose, request, hop, others, challenges: 0, redirected: Vec::new(), short: false })
    }

    fn outcome(self, result: Result<Response, Failure>) -> Outcome {
        Outcome { purpose: self.purpose, hop: self.hop, request: self.request, result }
    }

    /// Makes it the next request: another number in CSeq (RFC 3261 §8.1.3.4, §22.2).
    fn renumber(&mut self) {
        let Ok(CSeq { number, method }) = self.request.headers.cseq() else { return };
        let next = CSeq { number: number.saturating_add(1), method };
        self.request.headers.set(HeaderName::CSeq, next.to_string());
    }

    /// Goes to the next address, if there is one.
    fn fail_over(&mut self) -> bool {
        let Some(next) = self.others.pop_front() else { return false };
        self.hop = next;
        true
    }

    /// Follows the first contact of a 3xx that is an address, is not as weak as a URI without TLS where TLS is asked
    /// for, and was not visited (RFC 3261 §8.1.3.4). The way to a host name is for whoever can look it up.
    fn redirect(&mut self, response: &Response) -> bool {
        if matches!(self.purpose, Purpose::Bye(_)) || self.redirected.len() >= MAX_REDIRECTIONS {
            return false;
        }
        let contacts = response.headers.contacts().unwrap_or_default();
        let secure = is_sips(&self.request.uri);
        for contact in contacts {
            let mut uri = contact.uri;
            if uri == self.request.uri || self.redirected.contains(&uri) || secure && !is_sips(&uri) {
                continue;
            }
            let Some(hop) = toward(&uri, &self.hop) else { continue };
            if let Uri::Sip(sip) = &mut uri {
                sip.clear_headers();
            }
            self.redirected.push(core::mem::replace(&mut self.request.uri, uri));
            self.request.headers.remove(&HeaderName::Route);
            (self.hop, self.others) = (hop, VecDeque::new());
            return true;
        }
        false
    }
}

impl Context {
    /// A request with the headers that each has, without Via.
    pub(super) fn outside(&mut self, outgoing: OutgoingRequest) -> Request {
        let tag = self.new_tag();
        self.outside_tagged(tag, outgoing)
    }

    /// The same with this tag of ours.
    pub(super) fn outside_tagged(&mut self, tag: LocalTag, outgoing: OutgoingRequest) -> Request {
        let OutgoingRequest { method, mut uri, from, mut to, headers: more, content, .. } = outgoing;
        if let Uri::Sip(sip) = &mut uri {
            sip.clear_headers();
        }
        to.params.remove("tag");
        let mut request = Request::new(method.clone(), uri);
        let headers = &mut request.headers;
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, from.with_tag(&tag.to_string()).to_string());
        headers.push(HeaderName::To, to.to_string());
        headers.push(HeaderName::CallId, self.new_call_id());
        headers.push(HeaderName::CSeq, CSeq { number: 1, method }.to_string());
        more.into_iter().for_each(|(name, value)| headers.push(name, value));
        if let Some((kind, body)) = content {
            headers.push(HeaderName::ContentType, kind);
            request.body = body;
        }
        self.sign_request(&mut request);
        request
    }

    /// Sends it on its way; the answer is told to whoever waits for it.
    pub(super) fn start(&mut self, mut exchange: Exchange) {
        let hop = exchange.hop;
        self.keyring.authorise(&mut exchange.request, &hop);
        self.send_exchange(exchange);
    }

    fn send_exchange(&mut self, exchange: Exchange) {
        let hop = exchange.hop;
        let mut request = exchange.request.clone();
        let (key, outgoing) = if exchange.short {
            let key = self.stamp(&mut request, &hop);
            (key, Outgoing { hop, bytes: self.request_bytes(&request) })
        } else {
            self.prepare(&mut request, hop)
        };
        self.layer.request(self.now, key, outgoing, ClientUse::Exchange(Box::new(exchange)));
    }

    /// A final response has come. `None`: the request is on its way again.
    pub(super) fn responded(&mut self, mut exchange: Exchange, response: Response) -> Option<Outcome> {
        let status = response.status;
        let hop = exchange.hop;
        let again = match status.code() {
            401 | 407 if exchange.challenges < MAX_CHALLENGES => {
                let met = exchange.challenges;
                exchange.challenges = met.saturating_add(1);
                self.keyring.challenged(&mut exchange.request, &response, &hop, met, &mut self.entropy)
            }
            503 => return self.failed_over(exchange, Ok(response)),
            300..=399 => exchange.redirect(&response),
            _ => false,
        };
        if !again {
            return Some(exchange.outcome(Ok(response)));
        }
        exchange.renumber();
        if status.is_redirect() {
            self.start(exchange);
        } else {
            self.send_exchange(exchange);
        }
        None
    }

    /// Nobody has answered, or there is no way. `None`: the request is on its way to the next address.
    pub(super) fn unanswered(&mut self, mut exchange: Exchange, failure: Failure) -> Option<Outcome> {
        if failure == Failure::Transport && exchange.hop.transport == Transport::Udp && !exchange.short {
            exchange.short = true;
            self.send_exchange(exchange);
            return None;
        }
        exchange.short = false;
        self.failed_over(exchange, Err(failure))
    }

    fn failed_over(&mut self, mut exchange: Exchange, result: Result<Response, Failure>) -> Option<Outcome> {
        if !exchange.fail_over() {
            return Some(exchange.outcome(result));
        }
        self.start(exchange);
        None
    }

    /// Tells the owner of a request what came of it.
    pub(super) fn tell_outcome(&mut self, request: RequestId, result: Result<Response, Failure>) {
        self.tell(match result {
            Ok(response) => Event::Responded { request, response },
            Err(failure) => Event::RequestFailed { request, failure },
        });
    }
}

/// The way to a URI that names an address, from the side that `from` leaves on.
pub(super) fn toward(uri: &Uri, from: &Hop) -> Option<Hop> {
    let sip = uri.as_sip()?;
    let ip = sip.host.ip().filter(|ip| !ip.is_unspecified() && !ip.is_multicast())?;
    if ip.is_ipv4() != from.local.is_ipv4() {
        return None;
    }
    let transport = sip.transport().unwrap_or(Transport::Udp);
    let port = sip.port.unwrap_or_else(|| ViaTransport::from(transport).default_port());
    Some(Hop::toward(transport, from.local, SocketAddr::new(ip, port)))
}

/// Whether trying again later may help: the server is overloaded, under repair, or not reachable.
pub(super) const fn is_temporary(status: StatusCode) -> bool {
    matches!(status.code(), 408 | 430 | 439 | 480 | 500..=599)
}

/// Addresses that are tried for one request.
const MAX_HOPS: usize = 8;
/// Times that one request follows a redirection.
const MAX_REDIRECTIONS: usize = 5;
/// Challenges that one request meets: a proxy's and a server's, each of which may find its nonce too old once.
pub(super) const MAX_CHALLENGES: u8 = 4;
