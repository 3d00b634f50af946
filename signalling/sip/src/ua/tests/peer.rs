//! A peer written by hand, to say what our own agent never would.

use std::net::SocketAddr;

use super::world::{OFFER, World};
use crate::{
    message::{HeaderName, Message, Method, Request, Response, StatusCode},
    transport::Hop,
    ua::{CallId, OutgoingInvite},
};

pub(super) const PEER: &str = "192.0.2.77:5070";

pub(super) fn peer() -> SocketAddr {
    PEER.parse().unwrap()
}

/// A request as the peer sends it; `lines` are added to the headers every request has.
pub(super) fn request(method: &str, uri: &str, branch: &str, to: &str, cseq: u32, lines: &str) -> String {
    let number = cseq;
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {PEER};branch={branch}\r\nMax-Forwards: 70\r\n\
         From: Carol <sip:carol@{PEER}>;tag=carol\r\nTo: {to}\r\nCall-ID: handmade@{PEER}\r\n\
         CSeq: {number} {method}\r\n{lines}\r\n"
    )
}

/// Phone 0 calls the peer.
pub(super) fn dial(world: &mut World) -> CallId {
    let outgoing = to_peer(world);
    world.with(0, |agent, now| agent.invite(now, outgoing))
}

/// The same with other headers.
pub(super) fn dial_with(world: &mut World, headers: Vec<(HeaderName, String)>) -> CallId {
    let outgoing = OutgoingInvite { headers, ..to_peer(world) };
    world.with(0, |agent, now| agent.invite(now, outgoing))
}

/// The same without showing who calls.
pub(super) fn dial_privately(world: &mut World) -> CallId {
    let outgoing = OutgoingInvite { private: true, ..to_peer(world) };
    world.with(0, |agent, now| agent.invite(now, outgoing))
}

fn to_peer(world: &World) -> OutgoingInvite {
    let hop = Hop::udp(world.phones[0].address, peer());
    OutgoingInvite {
        hop,
        name: None,
        uri: "sip:carol@example.com".parse().unwrap(),
        from: "<sip:bob@192.0.2.1>".parse().unwrap(),
        to: "<sip:carol@example.com>".parse().unwrap(),
        body: OFFER.to_vec(),
        private: false,
        headers: vec![(HeaderName::Subject, "lunch".into())],
    }
}

/// An INVITE without an offer.
pub(super) fn invite(branch: &str, lines: &str) -> String {
    let lines = format!("Contact: <sip:carol@{PEER}>\r\n{lines}");
    request("INVITE", "sip:bob@192.0.2.1", branch, "<sip:bob@192.0.2.1>", 7, &lines)
}

impl World {
    /// One agent, at 192.0.2.1:5060; what it sends elsewhere is the peer's.
    pub(super) fn alone() -> Self {
        Self::new(&["192.0.2.1:5060"])
    }

    /// The peer says this to phone 0.
    pub(super) fn say(&mut self, text: &str) {
        let to = self.phones[0].address;
        self.inject(peer(), to, text.as_bytes());
        self.run_ms(20);
    }

    /// The next message that no phone of this world has received.
    pub(super) fn hear(&mut self) -> Message {
        for _ in 0..40_000 {
            if !self.stray.is_empty() {
                let (_, text) = self.stray.remove(0);
                return Message::parse(text.as_bytes()).unwrap();
            }
            self.run_ms(1);
        }
        panic!("the agent is silent");
    }

    pub(super) fn hear_request(&mut self, method: &Method) -> Request {
        match self.hear() {
            Message::Request(request) if request.method == *method => request,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn hear_request_of_any(&mut self) -> Request {
        match self.hear() {
            Message::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    /// The same, within so many seconds.
    pub(super) fn await_request(&mut self, method: &Method, seconds: u64) -> Request {
        for _ in 0..seconds * 10 {
            if !self.stray.is_empty() {
                break;
            }
            self.run_ms(100);
        }
        self.hear_request(method)
    }

    pub(super) fn hear_response_of_any(&mut self) -> Response {
        match self.hear() {
            Message::Response(response) => response,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn hear_response(&mut self, status: u16) -> Response {
        match self.hear() {
            Message::Response(response) if response.status.code() == status => response,
            other => panic!("{other:?}"),
        }
    }

    /// Says this, and hears a response with this status.
    pub(super) fn ask(&mut self, text: &str, status: u16) -> Response {
        self.say(text);
        self.hear_response(status)
    }

    /// The peer answers a request of phone 0 with a To tag and more headers.
    pub(super) fn reply(&mut self, request: &Request, status: u16, tag: &str, more: &[(HeaderName, &str)]) {
        self.reply_with(request, status, tag, more, b"");
    }

    /// The same with a body.
    pub(super) fn reply_with(
        &mut self,
        request: &Request,
        status: u16,
        tag: &str,
        more: &[(HeaderName, &str)],
        body: &[u8],
    ) {
        let mut response = request.response(StatusCode::new(status).unwrap());
        let to = request.headers.to().unwrap();
        if to.tag().is_none() {
            response.headers.set(HeaderName::To, to.with_tag(tag).to_string());
        }
        for (name, value) in more {
            response.headers.push(name.clone(), *value);
        }
        response.body = body.to_vec();
        let mut bytes = Vec::new();
        response.write(&mut bytes);
        self.say(std::str::from_utf8(&bytes).unwrap());
    }

    /// Nothing that the peer could hear.
    pub(super) fn silence(&mut self) {
        self.run_ms(100);
        assert!(self.stray.is_empty(), "{:?}", self.stray);
    }
}

/// The tag in To.
pub(super) fn to_tag(response: &Response) -> String {
    response.headers.to().unwrap().tag().unwrap().to_owned()
}

/// A request of the callee `tag` inside the dialog that `invite`, a request of ours, has made.
pub(super) fn backwards(invite: &Request, method: &str, tag: &str, number: u32) -> Request {
    let mut request = Request::new(method.parse().unwrap(), invite.uri.clone());
    let headers = &mut request.headers;
    headers.push(HeaderName::Via, format!("SIP/2.0/UDP {PEER};branch=z9hG4bK{method}{tag}{number}"));
    headers.push(HeaderName::MaxForwards, "70");
    let mut from = invite.headers.to().unwrap();
    from.params.remove("tag");
    headers.push(HeaderName::From, from.with_tag(tag).to_string());
    headers.push(HeaderName::To, invite.headers.get(&HeaderName::From).unwrap());
    headers.push(HeaderName::CallId, invite.headers.call_id().unwrap());
    headers.push(HeaderName::CSeq, format!("{number} {method}"));
    headers.push(HeaderName::Contact, format!("<sip:carol@{PEER}>"));
    request
}

/// The bytes of a request as text.
pub(super) fn text(request: &Request) -> String {
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    String::from_utf8(bytes).unwrap()
}
