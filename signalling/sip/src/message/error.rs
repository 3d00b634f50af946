//! What can be wrong with a message, and what may be answered to it.

use super::{HeaderName, Headers, Method, Response, StatusCode};

/// Why a header value, a URI or a part of them does not follow the grammar (RFC 3261 §25.1).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// What the grammar asks for is not there.
    #[error("{0} expected")]
    Expected(&'static str),
    /// Text follows what should be the end.
    #[error("unexpected text after {0}")]
    Trailing(&'static str),
    /// A quoted string has no end.
    #[error("quotation mark missing")]
    UnclosedQuote,
    /// A percent sign without two hexadecimal digits, or a character that has to be escaped.
    #[error("illegal character in {0}")]
    Character(&'static str),
    /// Neither a host name nor an address; IPv6 addresses stand in brackets.
    #[error("bad host")]
    Host,
    /// Not 1 to 65 535.
    #[error("bad port")]
    Port,
    /// A number that does not fit what it stands for.
    #[error("{0} out of range")]
    Range(&'static str),
    /// More parts than a message may have.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// What may stand once stands twice.
    #[error("repeated {0}")]
    Repeated(&'static str),
    /// A URI with a comma, question mark or semicolon stands in angle brackets (RFC 3261 §20.10).
    #[error("URI without angle brackets")]
    BareUri,
    /// A protocol other than SIP/2.0 in a Via.
    #[error("bad protocol")]
    Protocol,
}

/// Why a header cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It is not there.
    #[error("missing {0}")]
    Missing(HeaderName),
    /// It may stand once only.
    #[error("repeated {0}")]
    Repeated(HeaderName),
    /// It is there and does not follow its grammar.
    #[error("bad {name}: {error}")]
    Malformed {
        /// Which header.
        name: HeaderName,
        /// What is wrong with it.
        error: SyntaxError,
    },
}

/// Why bytes are not a SIP message that can be worked with.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing but line ends: a keep-alive (RFC 5626 §3.5.1), or an empty datagram.
    #[error("no message")]
    Empty,
    /// Longer than [`MAX_MESSAGE`](super::MAX_MESSAGE) bytes.
    #[error("message too long")]
    TooLong,
    /// The head is not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// No empty line ends the head.
    #[error("missing empty line")]
    Unfinished,
    /// A carriage return or line feed that stands alone.
    #[error("bad line end")]
    LineEnd,
    /// Neither a request line nor a status line.
    #[error("bad start line")]
    StartLine,
    /// A version other than SIP/2.0.
    #[error("SIP version not supported")]
    Version,
    /// The Request-URI does not follow its grammar.
    #[error("bad Request-URI: {0}")]
    RequestUri(SyntaxError),
    /// The Request-URI is longer than [`MAX_URI`](super::MAX_URI) bytes.
    #[error("Request-URI too long")]
    UriTooLong,
    /// The Request-URI carries headers, which it may not (RFC 3261 §19.1.1).
    #[error("headers in Request-URI")]
    UriHeaders,
    /// Not 100 to 699.
    #[error("bad status code")]
    StatusCode,
    /// A line of the head that is no header.
    #[error("bad header line")]
    HeaderLine,
    /// More than [`MAX_HEADERS`](super::MAX_HEADERS).
    #[error("too many headers")]
    TooManyHeaders,
    /// A header without which the message is of no use.
    #[error("{0}")]
    Header(#[from] HeaderError),
    /// Content-Length promises more bytes than there are.
    #[error("body shorter than Content-Length")]
    BodyTooShort {
        /// Bytes promised.
        declared: u64,
        /// Bytes there.
        have: usize,
    },
    /// The method of CSeq is not the method of the request.
    #[error("CSeq is of another method")]
    MethodMismatch,
}

/// A message that cannot be worked with, and what may be answered to it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// How to refuse it. `None` when nothing may be answered: it is a response, an ACK, or nothing like a request.
    pub rejection: Option<Box<Rejection>>,
}

/// The answer that a malformed request deserves, made of what could be read of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// The method as it was read.
    pub method: Method,
    /// 400, 413, 414, 501 or 505.
    pub status: StatusCode,
    /// The reason phrase, which names the flaw (RFC 3261 §21.4.1).
    pub reason: String,
    /// What a response copies from its request (RFC 3261 §8.2.6.2) as far as it is there: all Via, the first From, To,
    /// Call-ID and CSeq, as they were received. The topmost Via may be malformed; then only the way the request came
    /// is left to answer.
    pub headers: Headers,
}

impl Rejection {
    /// The response, without a tag on its To.
    #[must_use]
    pub fn response(&self) -> Response {
        Response {
            status: self.status,
            reason: self.reason.clone(),
            headers: self.headers.clone(),
            body: Vec::new(),
        }
    }
}
