//! What all calls of an agent share.

use core::fmt;
use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use rove_base::{Entropy, Instant, Transport};

use super::{
    CallId, Event, UaConfig,
    keyring::Keyring,
    refer::NO_SUBSCRIPTION,
    reliable::RELIABLE,
    replaces::REPLACES,
    reply::Reply,
    request::{self, Exchange},
    timer::TIMER,
    trickle::TRICKLE,
};
use crate::{
    dialog::Dialog,
    message::{HeaderName, MAGIC_COOKIE, Method, Request, Response, SipUri, StatusCode, Uri, ViaTransport},
    transaction::{ClientKey, Keyed, Layer, Outgoing, ServerKey},
    transport::{Connections, Hop, is_sips},
};

/// Handed to whoever works on a call.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: UaConfig,
    pub(super) now: Instant,
    pub(super) layer: Layer<ClientUse, ServerUse>,
    pub(super) connections: Connections,
    pub(super) keyed: Keyed,
    pub(super) entropy: Entropy,
    pub(super) events: VecDeque<Event>,
    pub(super) keyring: Keyring,
    buffer: Vec<u8>,
}

/// What a client transaction is for.
#[derive(Debug)]
pub(super) enum ClientUse {
    Invite(Box<Invitation>),
    Cancel,
    Inside(Box<Inside>),
    Exchange(Box<Exchange>),
}

/// A request of ours inside a dialog of a call, for whose answer that waits.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) call: CallId,
    pub(super) purpose: Purpose,
    /// Without Via.
    pub(super) request: Request,
    pub(super) hop: Hop,
    /// How often it was challenged.
    pub(super) challenges: u8,
}

/// What a request inside a dialog is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// To change the session, by UPDATE.
    Change,
    /// To acknowledge a provisional response.
    Prack,
    /// To tell something inside the call.
    Info,
    /// To write to the other end.
    Write,
    /// To have the other end call somebody.
    Refer,
    /// To tell how such a call goes.
    Notify,
}

/// Whose a server transaction is, and the tag of its responses.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerUse {
    pub(super) call: CallId,
    pub(super) tag: LocalTag,
}

impl ServerUse {
    /// Of a transaction that belongs to no call.
    pub(super) const fn of_nobody(tag: LocalTag) -> Self {
        Self { call: CallId(0), tag }
    }
}

/// An INVITE of ours. Outlives the call, since its 2xx may come again, or from another branch of a fork.
#[derive(Debug)]
pub(super) struct Invitation {
    pub(super) call: CallId,
    /// Without its body.
    pub(super) request: Request,
    pub(super) hop: Hop,
    /// The body, and the way of datagrams to take should there be no TCP at the other end, when the INVITE was too
    /// long for them.
    pub(super) spare: Option<(Vec<u8>, Hop)>,
    /// Of an INVITE inside a dialog: that dialog as it was then.
    pub(super) dialog: Option<Dialog>,
    /// Its body, until somebody has accepted.
    pub(super) again: Vec<u8>,
    /// How often it was challenged.
    pub(super) challenges: u8,
    /// Whoever has accepted, and the ACK for that.
    pub(super) accepted: Vec<Accepted>,
}

/// A callee that has accepted an INVITE of ours.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) tag: String,
    pub(super) ack: Outgoing,
}

/// Our tag in a dialog: random, so that only the other end can name it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct LocalTag(u64);

impl LocalTag {
    /// The tag that reads so.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let tag = Self(u64::from_str_radix(text, 16).ok()?);
        (tag.to_string() == text).then_some(tag)
    }
}

impl fmt::Display for LocalTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Context {
    pub(super) fn new(config: UaConfig, mut entropy: Entropy) -> Self {
        let keyed = Keyed::new(&mut entropy);
        Self {
            now: Instant::ZERO,
            layer: Layer::new(&keyed, config.max_transactions),
            connections: Connections::new(config.streams, entropy.fork()),
            config,
            keyed,
            entropy,
            events: VecDeque::new(),
            keyring: Keyring::default(),
            buffer: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(super) fn new_tag(&mut self) -> LocalTag {
        LocalTag(self.entropy.next_u64())
    }

    /// A name no other call has.
    pub(super) fn new_call_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.entropy.next_u64(), self.entropy.next_u64())
    }

    /// Makes a request ready to go along `hop`: with a Via, and over TCP when it is too long for a datagram
    /// (RFC 3261 §18.1.1). Contact stays as it is, so that what follows comes as it would have.
    pub(super) fn prepare(&mut self, request: &mut Request, mut hop: Hop) -> (ClientKey, Outgoing) {
        let key = self.stamp(request, &hop);
        let mut bytes = self.request_bytes(request);
        if hop.transport == Transport::Udp && bytes.len() > MOST_DATAGRAM {
            hop = Hop::toward(Transport::Tcp, hop.local, hop.remote);
            if let Ok(mut via) = request.headers.via() {
                via.transport = ViaTransport::Tcp;
                // Fails only when a Via cannot be read, and this one is ours.
                let _ = request.headers.replace_top_via(&via);
            }
            bytes = self.request_bytes(request);
        }
        (key, Outgoing { hop, bytes })
    }

    /// Puts a Via with a new branch in front of `request`. Over TCP and TLS it says that the stream may be used the
    /// other way round as well (RFC 5923 §5).
    pub(super) fn stamp(&mut self, request: &mut Request, hop: &Hop) -> ClientKey {
        let branch = self.entropy.next_u64();
        let (transport, address) = (ViaTransport::from(hop.transport), Address(hop.local));
        let alias = if matches!(hop.transport, Transport::Tcp | Transport::Tls) { ";alias" } else { "" };
        request.headers.prepend(
            HeaderName::Via,
            format!("SIP/2.0/{transport} {address};branch={MAGIC_COOKIE}{branch:016x};rport{alias}"),
        );
        ClientKey { branch, cancel: false }
    }

    pub(super) fn request_bytes(&mut self, request: &Request) -> Arc<[u8]> {
        self.buffer.clear();
        request.write(&mut self.buffer);
        self.buffer.as_slice().into()
    }

    pub(super) fn response_bytes(&mut self, response: &Response) -> Arc<[u8]> {
        self.buffer.clear();
        response.write(&mut self.buffer);
        self.buffer.as_slice().into()
    }

    /// Adds who we are to a request or its kin.
    pub(super) fn sign_request(&self, request: &mut Request) {
        if !self.config.user_agent.is_empty() {
            request.headers.push(HeaderName::UserAgent, self.config.user_agent.as_str());
        }
    }

    /// Adds who we are to a response.
    pub(super) fn sign_response(&self, response: &mut Response) {
        if !self.config.user_agent.is_empty() {
            response.headers.push(HeaderName::Server, self.config.user_agent.as_str());
        }
    }

    /// Answers without a transaction: the same request will get the same answer (RFC 3261 §8.2.7).
    pub(super) fn answer_statelessly(&mut self, reply: &Reply, key: ServerKey, status: StatusCode) {
        let response = self.plain(reply, key, status);
        self.send_statelessly(reply, response);
    }

    /// An answer whose tag depends on nothing but the request.
    pub(super) fn plain(&self, reply: &Reply, key: ServerKey, status: StatusCode) -> Response {
        let tag = format!("{:016x}", self.keyed.number(&("tag", key)));
        reply.response(status, &tag)
    }

    pub(super) fn send_statelessly(&mut self, reply: &Reply, mut response: Response) {
        self.sign_response(&mut response);
        let bytes = self.response_bytes(&response);
        self.layer.send(reply.hop(), bytes);
    }

    /// Acknowledges the 2xx of the INVITE `key` with the callee `tag`, in `dialog` as it was when that INVITE was its
    /// newest request.
    pub(super) fn acknowledge(&mut self, key: ClientKey, dialog: &Dialog, tag: &str) {
        let hop = dialog.next_hop(&self.config.local);
        let mut ack = dialog.ack();
        if let Some(ClientUse::Invite(invitation)) = self.layer.client_user(key) {
            // Nobody may challenge an ACK: it proves what its INVITE has proved (RFC 3261 §13.2.2.4, §22.1).
            for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
                ack.headers.copy(&name, &invitation.request.headers);
            }
        }
        self.stamp(&mut ack, &hop);
        self.sign_request(&mut ack);
        let bytes = self.request_bytes(&ack);
        self.layer.send(hop, bytes.clone());
        if let Some(ClientUse::Invite(invitation)) = self.layer.client_user(key) {
            invitation.again = Vec::new();
            invitation.accepted.push(Accepted { tag: tag.to_owned(), ack: Outgoing { hop, bytes } });
        }
    }

    /// 503: there is no room for one more transaction, until one of those that only absorb repetitions ends.
    pub(super) fn answer_unavailable(&mut self, reply: &Reply, key: ServerKey) {
        let mut response = self.plain(reply, key, StatusCode::SERVICE_UNAVAILABLE);
        response.headers.push(HeaderName::RetryAfter, "32");
        self.send_statelessly(reply, response);
    }

    /// 503 for who wants too much: not all are to come back at once.
    pub(super) fn answer_crowd(&mut self, reply: &Reply, key: ServerKey) {
        let mut response = self.plain(reply, key, StatusCode::SERVICE_UNAVAILABLE);
        let seconds = (self.entropy.next_u32() % 8).saturating_add(1);
        response.headers.push(HeaderName::RetryAfter, seconds.to_string());
        self.send_statelessly(reply, response);
    }

    /// Sends BYE in `dialog`; the answer is for `call`. `why` is what went wrong (RFC 3326).
    pub(super) fn send_bye(&mut self, dialog: &mut Dialog, call: Option<CallId>, why: Option<&str>) {
        let hop = dialog.next_hop(&self.config.local);
        let mut bye = dialog.request(Method::Bye);
        if let Some(why) = why {
            bye.headers.push(HeaderName::Reason, format!("SIP;cause=408;text=\"{why}\""));
        }
        self.sign_request(&mut bye);
        if let Some(exchange) = Exchange::new(request::Purpose::Bye(call), bye, vec![hop]) {
            self.start(exchange);
        }
    }
}

/// A Contact of ours on the way `hop`, with the user part of `user`; `sips` when the request is for such a URI
/// (RFC 5630 §5.1.1.1).
pub(super) fn contact(user: &Uri, hop: &Hop, request: &Uri) -> String {
    format!("<{}>", contact_uri(user, hop, request))
}

/// The URI of such a Contact.
pub(super) fn contact_uri(user: &Uri, hop: &Hop, request: &Uri) -> SipUri {
    let mut uri = SipUri::at(SocketAddr::new(hop.local.ip(), hop.local.port()));
    uri.secure = is_sips(request) && hop.transport.is_secure();
    if let Some(user) = user.as_sip() {
        uri = uri.with_user_of(user);
    }
    uri.over(hop.transport)
}

/// Host and port as SIP writes them, without the scope of a link-local address.
pub(super) struct Address(pub(super) SocketAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.0.ip(), self.0.port()).fmt(f)
    }
}

/// A longer request does not go into a datagram when the path is not known (RFC 3261 §18.1.1).
const MOST_DATAGRAM: usize = 1_300;
/// What Allow says.
pub(super) const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO, REFER, MESSAGE, SUBSCRIBE, NOTIFY";
/// The extensions we understand: what Supported says.
pub(super) const EXTENSIONS: [&str; 5] = [RELIABLE, TIMER, REPLACES, NO_SUBSCRIPTION, TRICKLE];
/// The one body we understand.
pub(super) const SDP: &str = "application/sdp";
