//! The methods of requests.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};

use super::{SyntaxError, Token, lex::is_token};

/// What a request asks for (RFC 3261 §7.1). Case counts: `invite` is an unknown method.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// Start or change a session (RFC 3261 §13).
    Invite,
    /// Acknowledge a final response to INVITE (RFC 3261 §13, §17.1.1.3).
    Ack,
    /// End a session (RFC 3261 §15).
    Bye,
    /// Give up a pending request (RFC 3261 §9).
    Cancel,
    /// Ask what the other side can do (RFC 3261 §11).
    Options,
    /// Bind a contact to an address of record (RFC 3261 §10).
    Register,
    /// Acknowledge a provisional response (RFC 3262).
    Prack,
    /// Ask for events (RFC 6665).
    Subscribe,
    /// Report an event (RFC 6665).
    Notify,
    /// Publish event state (RFC 3903).
    Publish,
    /// Application information within a session (RFC 6086).
    Info,
    /// Ask the other side to contact a third (RFC 3515).
    Refer,
    /// An instant message (RFC 3428).
    Message,
    /// Change a session before it is answered (RFC 3311).
    Update,
    /// Any other, kept as it was.
    Other(Token),
}

impl Method {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Prack => "PRACK",
            Self::Subscribe => "SUBSCRIBE",
            Self::Notify => "NOTIFY",
            Self::Publish => "PUBLISH",
            Self::Info => "INFO",
            Self::Refer => "REFER",
            Self::Message => "MESSAGE",
            Self::Update => "UPDATE",
            Self::Other(token) => token.as_str(),
        }
    }
}

impl Method {
    /// Whether `text` is a method, known or not.
    pub(crate) fn is_valid(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(is_token)
    }
}

impl FromStr for Method {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Ok(match text {
            "INVITE" => Self::Invite,
            "ACK" => Self::Ack,
            "BYE" => Self::Bye,
            "CANCEL" => Self::Cancel,
            "OPTIONS" => Self::Options,
            "REGISTER" => Self::Register,
            "PRACK" => Self::Prack,
            "SUBSCRIBE" => Self::Subscribe,
            "NOTIFY" => Self::Notify,
            "PUBLISH" => Self::Publish,
            "INFO" => Self::Info,
            "REFER" => Self::Refer,
            "MESSAGE" => Self::Message,
            "UPDATE" => Self::Update,
            other => Self::Other(Token::new(other).ok_or(SyntaxError::Expected("a method"))?),
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
