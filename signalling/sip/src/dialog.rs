//! A dialog: what both ends of a call remember of each other (RFC 3261 §12).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

use rove_base::Transport;

use crate::{
    message::{
        CSeq, HeaderError, HeaderName, Method, NameAddr, Request, Response, SipUri, Uri, ViaTransport,
    },
    transport::{Hop, LocalAddress, local_toward},
};

/// One end of a dialog.
#[derive(Clone, Debug)]
pub struct Dialog {
    call_id: String,
    /// From of our requests, with our tag.
    local: String,
    /// To of our requests, with the tag of the other end.
    remote: String,
    /// Empty when the other end follows RFC 2543 and has none.
    remote_tag: String,
    local_number: u32,
    remote_number: Option<u32>,
    routes: Vec<NameAddr>,
    target: Uri,
    hop: Hop,
}

impl Dialog {
    /// The caller's end, made by a response that a callee has tagged (RFC 3261 §12.1.2). A response without Contact
    /// leaves the address that was called as the target.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when a header it is made of cannot be read.
    pub fn of_caller(invite: &Request, response: &Response, hop: Hop) -> Result<Self, HeaderError> {
        let headers = &response.headers;
        let mut routes = headers.record_routes()?;
        routes.reverse();
        Ok(Self {
            call_id: headers.call_id()?.to_owned(),
            local: text(invite, &HeaderName::From)?,
            remote: headers.get(&HeaderName::To).ok_or(HeaderError::Missing(HeaderName::To))?.to_owned(),
            remote_tag: headers.to()?.tag().unwrap_or_default().to_owned(),
            local_number: invite.headers.cseq()?.number,
            remote_number: None,
            routes,
            target: headers.contact()?.map_or_else(|| invite.uri.clone(), |contact| contact.uri),
            hop,
        })
    }

    /// The callee's end, made by the INVITE; `local_tag` is the one its responses carry (RFC 3261 §12.1.1). A caller that
    /// follows RFC 2543, having no tag, may have no Contact either, and is then reached at the address it calls from.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when a header it is made of cannot be read, or Contact is missing.
    pub fn of_callee(invite: &Request, local_tag: &str, hop: Hop) -> Result<Self, HeaderError> {
        let headers = &invite.headers;
        let from = headers.from()?;
        let old = || from.tag().is_none().then(|| from.clone());
        let contact = headers.contact()?.or_else(old).ok_or(HeaderError::Missing(HeaderName::Contact))?;
        Ok(Self {
            call_id: headers.call_id()?.to_owned(),
            local: format!("{};tag={local_tag}", text(invite, &HeaderName::To)?),
            remote: text(invite, &HeaderName::From)?,
            remote_tag: from.tag().unwrap_or_default().to_owned(),
            local_number: 0,
            remote_number: Some(headers.cseq()?.number),
            routes: headers.record_routes()?,
            target: contact.uri,
            hop,
        })
    }

    /// A subscriber's end, made by a NOTIFY that is here before the answer to SUBSCRIBE (RFC 6665 §4.4.1). `None` when
    /// a header it is made of cannot be read.
    pub(crate) fn of_subscriber(
        from: &NameAddr,
        tag: &impl ToString,
        notify: &Request,
        hop: Hop,
    ) -> Option<Self> {
        let headers = &notify.headers;
        Some(Self {
            call_id: headers.call_id().ok()?.to_owned(),
            local: from.clone().with_tag(&tag.to_string()).to_string(),
            remote: text(notify, &HeaderName::From).ok()?,
            remote_tag: headers.from().ok()?.tag()?.to_owned(),
            local_number: 1,
            remote_number: None,
            routes: headers.record_routes().ok()?,
            target: headers.contact().ok()??.uri,
            hop,
        })
    }

    /// Whether a request of the other end with this Call-ID and From tag belongs here (RFC 3261 §12.2.2). Our own tag
    /// has led here.
    #[must_use]
    pub fn is_with(&self, call_id: &str, remote_tag: &str) -> bool {
        self.call_id == call_id && self.remote_tag == remote_tag
    }

    /// Takes note of the number of a request of the other end. `false` when a later one has been seen
    /// (RFC 3261 §12.2.2).
    #[must_use]
    pub fn in_order(&mut self, number: u32) -> bool {
        let in_order = self.remote_number.is_none_or(|last| last <= number);
        if in_order {
            self.remote_number = Some(number);
        }
        in_order
    }

    /// The other end wants to be reached at `target` from now on (RFC 3261 §12.2.1.2, §12.2.2).
    pub fn refresh_target(&mut self, target: Uri) {
        self.target = target;
    }

    /// The next request of ours, without Via (RFC 3261 §12.2.1.1).
    pub fn request(&mut self, method: Method) -> Request {
        let number = self.next_number();
        self.numbered(method, number)
    }

    /// Makes `request`, which was made here, the next one of ours: it goes out again (RFC 3261 §12.2.1.1, §22.2).
    pub fn renumber(&mut self, request: &mut Request) {
        let (number, method) = (self.next_number(), request.method.clone());
        request.headers.set(HeaderName::CSeq, CSeq { number, method }.to_string());
    }

    const fn next_number(&mut self) -> u32 {
        self.local_number = self.local_number.saturating_add(1);
        self.local_number
    }

    /// The ACK for the 2xx that answered our INVITE, without Via (RFC 3261 §13.2.2.4).
    #[must_use]
    pub fn ack(&self) -> Request {
        self.numbered(Method::Ack, self.local_number)
    }

    /// How much memory it takes beside itself, about.
    pub(crate) fn weight(&self) -> usize {
        let texts = [&self.call_id, &self.local, &self.remote, &self.remote_tag].map(String::len);
        let texts = texts.iter().fold(0, |sum: usize, one| sum.saturating_add(*one));
        texts.saturating_add(self.routes.len().saturating_add(1).saturating_mul(URI_BYTES))
    }

    /// Names the call for both ends.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Names the other end; empty when it follows RFC 2543.
    #[must_use]
    pub fn remote_tag(&self) -> &str {
        &self.remote_tag
    }

    /// The other end's address, as it says itself.
    #[must_use]
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// Where the other end wants to be reached.
    #[must_use]
    pub const fn target(&self) -> &Uri {
        &self.target
    }

    /// What the 2xx of our INVITE changes in an early dialog: the routers and the target are those of the 2xx
    /// (RFC 3261 §13.2.2.4). `confirmed` was made of that response.
    pub fn confirm(&mut self, confirmed: Self) {
        self.routes = confirmed.routes;
        self.target = confirmed.target;
    }

    /// From now on this end sends along `hop`: it has moved to another network.
    pub fn move_to(&mut self, hop: Hop) {
        self.hop = hop;
    }

    fn numbered(&self, method: Method, number: u32) -> Request {
        let strict =
            self.routes.first().filter(|first| !first.uri.as_sip().is_some_and(SipUri::is_loose_router));
        let uri = strict.map_or(&self.target, |router| &router.uri).clone();
        let mut request = Request::new(method.clone(), without_headers(uri));
        let headers = &mut request.headers;
        for route in self.routes.iter().skip(usize::from(strict.is_some())) {
            headers.push(HeaderName::Route, route.to_string());
        }
        if strict.is_some() {
            headers.push(HeaderName::Route, format!("<{}>", self.target));
        }
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, self.local.as_str());
        headers.push(HeaderName::To, self.remote.as_str());
        headers.push(HeaderName::CallId, self.call_id.as_str());
        headers.push(HeaderName::CSeq, CSeq { number, method }.to_string());
        request
    }

    /// The way the dialog was made on.
    #[must_use]
    pub const fn hop(&self) -> Hop {
        self.hop
    }

    /// Where our requests go: to the first router, else to the target. A host name, or an address that we cannot
    /// send to, leaves the way the dialog was made on; so does one at the other end of a stream that says nothing of
    /// its transport, since whoever is behind that stream hears it there. `local` are the addresses we may send from.
    #[must_use]
    pub fn next_hop(&self, local: &[LocalAddress]) -> Hop {
        let uri = self.routes.first().map_or(&self.target, |route| &route.uri);
        let Some(uri) = uri.as_sip() else { return self.hop };
        let Some(ip) = uri.host.ip().filter(|ip| is_reachable(*ip)) else { return self.hop };
        let same_host = ip == self.hop.remote.ip();
        if same_host && self.is_reached_by_its_stream(uri.transport()) {
            let port = uri.port.unwrap_or_else(|| default_port(self.hop.transport));
            return Hop { remote: self.at_port(port), ..self.hop };
        }
        let transport = uri.transport().unwrap_or(Transport::Udp);
        let port = uri.port.unwrap_or_else(|| default_port(transport));
        let remote = if same_host { self.at_port(port) } else { SocketAddr::new(ip, port) };
        if transport == self.hop.transport && remote == self.hop.remote {
            return self.hop;
        }
        let same_way = transport == self.hop.transport
            && self.hop.local.is_ipv4() == remote.is_ipv4()
            && !self.hop.local.ip().is_unspecified();
        let local = if same_way { Some(self.hop.local) } else { local_toward(local, transport, remote) };
        local.map_or(self.hop, |local| Hop::toward(transport, local, remote))
    }

    /// Whether a URI of the host at the other end of our stream is best reached along that stream: it names no
    /// transport, or WebSocket, behind which nobody need listen (RFC 7118 §5; `ws` stands for both kinds, §6).
    const fn is_reached_by_its_stream(&self, named: Option<Transport>) -> bool {
        match named {
            None => self.hop.transport.is_reliable(),
            Some(Transport::Ws | Transport::Wss) => {
                matches!(self.hop.transport, Transport::Ws | Transport::Wss)
            }
            Some(_) => false,
        }
    }

    /// The other end, with its scope if it is a link-local address, at another port.
    fn at_port(&self, port: u16) -> SocketAddr {
        let mut remote = self.hop.remote;
        remote.set_port(port);
        remote
    }
}

/// What a URI takes, about.
const URI_BYTES: usize = 256;

fn default_port(transport: Transport) -> u16 {
    ViaTransport::from(transport).default_port()
}

fn text(request: &Request, name: &HeaderName) -> Result<String, HeaderError> {
    request.headers.get(name).map(str::to_owned).ok_or_else(|| HeaderError::Missing(name.clone()))
}

/// What may stand in a Request-URI: no headers (RFC 3261 §19.1.1).
fn without_headers(mut uri: Uri) -> Uri {
    if let Uri::Sip(sip) = &mut uri {
        sip.clear_headers();
    }
    uri
}

fn is_reachable(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(std::net::Ipv4Addr::BROADCAST)
}

#[cfg(test)]
mod tests;
