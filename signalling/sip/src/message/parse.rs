//! Bytes as messages (RFC 3261 §7, §18.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{
    HeaderTable, Headers, Message, MessageView, Method, ParseError, ParseErrorKind, Request, Response,
    StartView,
};

impl Message {
    /// Reads the message of one datagram.
    ///
    /// Line ends before it are skipped. Bytes after the body that Content-Length counts are ignored; without
    /// Content-Length the body goes to the end (RFC 3261 §18.3). Via, From, To, Call-ID and CSeq are there and well
    /// formed in what is answered; CSeq and the request line agree.
    ///
    /// # Errors
    ///
    /// [`ParseError`] says what is wrong and how to refuse it.
    pub fn parse(datagram: &[u8]) -> Result<Self, ParseError> {
        Self::try_from(&MessageView::parse(datagram, &mut HeaderTable::new())?)
    }
}

impl TryFrom<&MessageView<'_>> for Message {
    type Error = ParseError;

    /// Keeps a message that was looked at. Fails with what [`MessageView::check`] finds.
    fn try_from(view: &MessageView<'_>) -> Result<Self, ParseError> {
        owned(view).map_err(|kind| view.refuse(kind))
    }
}

fn owned(view: &MessageView<'_>) -> Result<Message, ParseErrorKind> {
    view.check()?;
    let headers: Headers = view.into();
    let body = view.body().to_vec();
    match view.start() {
        StartView::Request { method, .. } => {
            let method: Method = method.parse().map_err(|_| ParseErrorKind::StartLine)?;
            let uri = view.uri()?.ok_or(ParseErrorKind::StartLine)?.into();
            Ok(Message::Request(Request { method, uri, headers, body }))
        }
        StartView::Response { status, reason } => {
            Ok(Message::Response(Response { status, reason: reason.to_owned(), headers, body }))
        }
    }
}

/// Bytes of a message that is read.
pub const MAX_MESSAGE: usize = 65_536;
/// Header lines of a message that is read.
pub const MAX_HEADERS: usize = 100;
/// Bytes of a Request-URI that is read.
pub const MAX_URI: usize = 4_096;
