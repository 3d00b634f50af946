//! Via: one hop of the way a request took (RFC 3261 §20.42, RFC 3581).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};
use std::net::{IpAddr, SocketAddr};

use super::{Host, Params, SyntaxError, Token, ViaView, lex::Cursor, view::unique};

/// What a hop was sent over.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ViaTransport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// SCTP (RFC 4168).
    Sctp,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
    /// Any other.
    Other(Token),
}

impl ViaTransport {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Sctp => "SCTP",
            Self::Ws => "WS",
            Self::Wss => "WSS",
            Self::Other(token) => token.as_str(),
        }
    }

    /// Whether it repeats what is lost by itself, so that transactions need not (RFC 3261 §17).
    #[must_use]
    pub const fn is_reliable(&self) -> bool {
        !matches!(self, Self::Udp | Self::Other(_))
    }

    /// The port to assume where none is given (RFC 3261 §18.1.1).
    #[must_use]
    pub const fn default_port(&self) -> u16 {
        match self {
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
            _ => 5060,
        }
    }
}

impl FromStr for ViaTransport {
    type Err = SyntaxError;

    /// Case does not count.
    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let known = [Self::Udp, Self::Tcp, Self::Tls, Self::Sctp, Self::Ws, Self::Wss];
        match known.into_iter().find(|transport| transport.as_str().eq_ignore_ascii_case(text)) {
            Some(transport) => Ok(transport),
            None => Token::new(text).map(Self::Other).ok_or(SyntaxError::Expected("a transport")),
        }
    }
}

impl fmt::Display for ViaTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One Via.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Via {
    /// Over what the request was sent.
    pub transport: ViaTransport,
    /// Where its sender says that it is.
    pub host: Host,
    /// `None` means the transport's default.
    pub port: Option<u16>,
    /// Its parameters.
    pub params: Params,
}

impl Via {
    /// The Via of a client at `sent_by` that wants the response where the request comes from (RFC 3581 §3).
    #[must_use]
    pub fn new(transport: ViaTransport, sent_by: SocketAddr, branch: &str) -> Self {
        let mut params = Params::default();
        params.set("branch", Some(branch));
        params.set("rport", None);
        Self { transport, host: sent_by.into(), port: Some(sent_by.port()), params }
    }

    /// The transaction's name.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch")
    }

    /// The branch when it is unique as RFC 3261 §8.1.1.7 demands: it starts with the cookie and goes on after it.
    #[must_use]
    pub fn unique_branch(&self) -> Option<&str> {
        unique(self.branch()?)
    }

    /// Where the request came from, as its receiver saw it (RFC 3261 §18.2.1). IPv6 addresses may stand in brackets
    /// (RFC 5118 §4.5).
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.get("received")?;
        text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).parse().ok()
    }

    /// Whether the sender wants the response at the port the request came from (RFC 3581 §4).
    #[must_use]
    pub fn wants_rport(&self) -> bool {
        self.params.has("rport")
    }

    /// The port the request came from, as its receiver saw it (RFC 3581 §4).
    #[must_use]
    pub fn rport(&self) -> Option<u16> {
        self.params.get("rport")?.parse().ok()
    }

    /// The port of sent-by, or the transport's default.
    #[must_use]
    pub fn sent_by_port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.transport.default_port())
    }

    /// Notes where the request came from: `received` when sent-by is a name or another address, or when `rport` was
    /// asked for; `rport` when asked for (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn note_source(&mut self, source: SocketAddr) {
        let wants_rport = self.wants_rport();
        if wants_rport {
            self.params.set("rport", Some(&source.port().to_string()));
        }
        if wants_rport || self.host.ip() != Some(source.ip()) {
            self.params.set("received", Some(&source.ip().to_string()));
        } else {
            self.params.remove("received");
        }
    }

    /// Reads one element of a Via header.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        ViaView::read(cursor)?.try_into()
    }
}

impl TryFrom<ViaView<'_>> for Via {
    type Error = SyntaxError;

    fn try_from(view: ViaView<'_>) -> Result<Self, SyntaxError> {
        let transport = view.transport.parse()?;
        Ok(Self { transport, host: view.host.into(), port: view.port, params: view.params.into() })
    }
}

impl FromStr for Via {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let read = Self::read(&mut cursor)?;
        cursor.finish("a Via")?;
        Ok(read)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}

/// How a branch starts that is unique across space and time (RFC 3261 §8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";
