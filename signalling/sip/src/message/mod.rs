//! SIP messages: read, looked into, changed and written (RFC 3261 §7, §25).
//!
//! Reading is strict where a mistake could be understood in two ways (line ends, lengths, repeated headers, the request
//! line) and lenient where it could not (unknown names, schemes, methods and parameters are kept as they were).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod auth;
#[cfg(feature = "rsip")]
mod bridge;
mod cseq;
mod disposition;
mod error;
mod escape;
mod event;
mod extensions;
mod frame;
mod header_name;
mod headers;
mod host;
mod identity;
mod lex;
mod media_type;
mod method;
mod multipart;
mod name_addr;
mod params;
mod parse;
mod rack;
mod reason;
mod replaces;
mod session_timer;
mod status;
mod subscription_state;
mod uri;
mod via;
mod view;
mod warning;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use auth::read_scheme;
pub use auth::{Auth, AuthParams};
pub use cseq::CSeq;
pub use disposition::Disposition;
pub use error::{HeaderError, ParseError, ParseErrorKind, Rejection, SyntaxError};
pub(crate) use escape::escape_header;
pub use escape::unescape;
pub use event::Event;
pub use frame::{Frame, FrameError, frame};
pub use header_name::{HeaderName, OtherName};
pub use headers::Headers;
pub use host::{Domain, Host};
pub use identity::Identity;
pub use lex::Token;
pub(crate) use lex::unquote;
pub use media_type::MediaType;
pub use method::Method;
pub use multipart::{MAX_DEPTH, MAX_PARTS, MultipartError, Part};
pub use name_addr::NameAddr;
pub use params::{Params, UriParams};
pub use parse::{MAX_HEADERS, MAX_MESSAGE, MAX_URI};
pub use rack::RAck;
pub use reason::Reason;
pub use replaces::DialogRef;
pub use session_timer::{Refresher, SessionTimer};
pub use status::StatusCode;
pub use subscription_state::{SubscriptionState, Substate};
pub use uri::{OtherUri, SipUri, TelUri, Uri};
pub use via::{MAGIC_COOKIE, Via, ViaTransport};
pub use view::{
    CSeqView, HeaderTable, HostView, MessageView, NameAddrView, ParamsView, Routing, SipUriView, StartView,
    TelUriView, UriParamsView, UriView, ViaView,
};
pub use warning::Warning;

/// A request or a response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Message {
    /// Asks for something.
    Request(Request),
    /// Answers a request.
    Response(Response),
}

impl Message {
    /// Its headers.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }
}

/// A request (RFC 3261 §7.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// What it asks for.
    pub method: Method,
    /// Of whom.
    pub uri: Uri,
    /// Its headers.
    pub headers: Headers,
    /// Its body, of the kind that Content-Type names.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: Method, uri: impl Into<Uri>) -> Self {
        Self { method, uri: uri.into(), headers: Headers::new(), body: Vec::new() }
    }

    /// How much memory it takes beside itself.
    pub(crate) const fn weight(&self) -> usize {
        self.headers.weight().saturating_add(self.body.capacity())
    }

    /// A response with what every response copies from its request: Via, From, To, Call-ID, CSeq, and for 100 also
    /// Timestamp (RFC 3261 §8.2.6). Its To has no tag but the one of the request.
    #[must_use]
    pub fn response(&self, status: StatusCode) -> Response {
        Response { headers: self.copied(status), ..Response::new(status) }
    }

    /// The headers that a response copies.
    pub(crate) fn copied(&self, status: StatusCode) -> Headers {
        let copied = |name: &HeaderName| {
            COPIED.contains(name) || status == StatusCode::TRYING && *name == HeaderName::Timestamp
        };
        let mut headers = Headers::with_room(self.headers.iter().filter(|(name, _)| copied(name)));
        for name in COPIED {
            headers.copy(&name, &self.headers);
        }
        if status == StatusCode::TRYING {
            headers.copy(&HeaderName::Timestamp, &self.headers);
        }
        headers
    }
}

/// A response (RFC 3261 §7.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// What became of the request.
    pub status: StatusCode,
    /// The same for people; may be empty.
    pub reason: String,
    /// Its headers.
    pub headers: Headers,
    /// Its body, of the kind that Content-Type names.
    pub body: Vec<u8>,
}

impl Response {
    /// A response without headers and body, with the usual phrase.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        let reason = status.default_reason().to_owned();
        Self { status, reason, headers: Headers::new(), body: Vec::new() }
    }
}

/// What a response copies from its request (RFC 3261 §8.2.6.2).
const COPIED: [HeaderName; 5] =
    [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
