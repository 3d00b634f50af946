//! Messages to and from those of the rsip package.
//!
//! Both directions may fail: rsip knows no methods of extensions and no IPv6 references, and reads some values in ways of
//! its own; and what rsip holds was not checked. Bodies are passed on as they are. Names of headers become long ones, the
//! phrase of a response is lost on the way to rsip, which keeps none.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Message, ParseError, Request, Response};

impl TryFrom<&Request> for rsip::Request {
    type Error = rsip::Error;

    fn try_from(request: &Request) -> Result<Self, rsip::Error> {
        let mut head = Vec::new();
        let bare = Request { body: Vec::new(), ..request.clone() };
        bare.write(&mut head);
        let read = Self::try_from(head)?;
        Ok(Self {
            headers: with_length(read.headers, request.body.len()),
            body: request.body.clone(),
            ..read
        })
    }
}

impl TryFrom<&Response> for rsip::Response {
    type Error = rsip::Error;

    fn try_from(response: &Response) -> Result<Self, rsip::Error> {
        let mut head = Vec::new();
        let bare = Response { body: Vec::new(), ..response.clone() };
        bare.write(&mut head);
        let read = Self::try_from(head)?;
        Ok(Self {
            headers: with_length(read.headers, response.body.len()),
            body: response.body.clone(),
            ..read
        })
    }
}

impl TryFrom<&Message> for rsip::SipMessage {
    type Error = rsip::Error;

    fn try_from(message: &Message) -> Result<Self, rsip::Error> {
        Ok(match message {
            Message::Request(request) => Self::Request(request.try_into()?),
            Message::Response(response) => Self::Response(response.try_into()?),
        })
    }
}

impl TryFrom<&rsip::Request> for Request {
    type Error = ParseError;

    fn try_from(request: &rsip::Request) -> Result<Self, ParseError> {
        let start = format!("{} {} {}", request.method, request.uri, request.version);
        match parse(&start, &request.headers, &request.body)? {
            Message::Request(request) => Ok(request),
            Message::Response(_) => Err(not_one()),
        }
    }
}

impl TryFrom<&rsip::Response> for Response {
    type Error = ParseError;

    fn try_from(response: &rsip::Response) -> Result<Self, ParseError> {
        let code = response.status_code.code();
        let reason = super::StatusCode::new(code).map_or("", super::StatusCode::default_reason);
        let start = format!("{} {code} {reason}", response.version);
        match parse(&start, &response.headers, &response.body)? {
            Message::Response(response) => Ok(response),
            Message::Request(_) => Err(not_one()),
        }
    }
}

impl TryFrom<&rsip::SipMessage> for Message {
    type Error = ParseError;

    fn try_from(message: &rsip::SipMessage) -> Result<Self, ParseError> {
        Ok(match message {
            rsip::SipMessage::Request(request) => Self::Request(request.try_into()?),
            rsip::SipMessage::Response(response) => Self::Response(response.try_into()?),
        })
    }
}

/// Reads what rsip would write, but for the body, which rsip writes as text.
fn parse(start: &str, headers: &rsip::Headers, body: &[u8]) -> Result<Message, ParseError> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(start.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for header in headers.iter().filter(|header| !matches!(header, rsip::Header::ContentLength(_))) {
        bytes.extend_from_slice(header.to_string().as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    Message::parse(&bytes)
}

fn with_length(headers: rsip::Headers, len: usize) -> rsip::Headers {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    let headers = headers.into_iter().map(|header| match header {
        rsip::Header::ContentLength(_) => rsip::headers::ContentLength::from(len).into(),
        other => other,
    });
    headers.collect::<Vec<_>>().into()
}

/// A start line of the other kind, which the formats above do not make.
fn not_one() -> ParseError {
    ParseError { kind: super::ParseErrorKind::StartLine, rejection: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{HeaderName, Headers, Method};

    const INVITE: &str = "INVITE sip:bob@home.example;transport=udp SIP/2.0\r\n\
        v: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK7;rport\r\n\
        Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@visited.example>;tag=a1\r\nTo: <sip:bob@home.example>\r\n\
        Call-ID: 1@192.0.2.7\r\nCSeq: 1 INVITE\r\nX-Odd: a;b=\"c\"\r\nSubject:\r\n folded\r\n\
        Content-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\n";

    fn invite() -> Request {
        let bytes = [INVITE.as_bytes(), b"\xff\0\xfe"].concat();
        let Ok(Message::Request(request)) = Message::parse(&bytes) else {
            panic!("the invite is well formed")
        };
        request
    }

    #[test]
    fn a_request_goes_to_rsip_and_back_with_headers_and_bytes() {
        let request = invite();
        let there: rsip::Request = (&request).try_into().unwrap();
        assert_eq!((there.method, there.body.as_slice()), (rsip::Method::Invite, &b"\xff\0\xfe"[..]));
        let back: Request = (&there).try_into().unwrap();
        assert_eq!((back.method, &back.body), (Method::Invite, &request.body));
        assert!(back.uri.equivalent(&request.uri), "rsip writes the transport in capitals");
        let sorted = |headers: &Headers| {
            let mut all: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&back.headers), sorted(&request.headers));
    }

    #[test]
    fn a_response_goes_to_rsip_and_back() {
        let mut response = invite().response(super::super::StatusCode::BUSY_HERE);
        response.headers.push(HeaderName::RetryAfter, "5");
        let there: rsip::SipMessage = (&Message::Response(response.clone())).try_into().unwrap();
        let Ok(Message::Response(back)) = Message::try_from(&there) else { panic!("{there:?}") };
        assert_eq!((back.status, back.reason), (response.status, response.reason));
        assert_eq!(back.headers.vias(), response.headers.vias());
        assert_eq!(back.headers.retry_after(), Ok(Some(5)));
    }

    #[test]
    fn what_rsip_does_not_know_is_an_error_not_another_message() {
        let mut request = invite();
        request.method = "JUMP".parse().unwrap();
        assert!(rsip::Request::try_from(&request).is_err());
        let there: rsip::Request = (&invite()).try_into().unwrap();
        let without =
            there.headers.iter().filter(|header| !matches!(header, rsip::Header::CallId(_))).cloned();
        let unusable = rsip::Request { headers: without.collect::<Vec<_>>().into(), ..there };
        assert!(Request::try_from(&unusable).is_err());
    }
}
