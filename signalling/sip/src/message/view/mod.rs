//! A message as it lies in its datagram: looked into without a copy or an allocation (RFC 3261 §7, §18.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod address;
mod check;
mod host;
mod lines;
mod params;
mod refusal;
mod routing;
mod uri;
mod values;
mod via;

use std::borrow::Cow;

use super::{
    HeaderError, HeaderName, Headers, MAX_MESSAGE, Method, ParseError, ParseErrorKind, StatusCode,
    lex::{split_once, unfold},
};

pub use address::NameAddrView;
pub(crate) use address::tag;
pub use host::HostView;
pub use params::{ParamsView, UriParamsView};
pub use routing::Routing;
pub use uri::{SipUriView, TelUriView, UriView};
pub use values::CSeqView;
pub use via::ViaView;

pub use lines::HeaderTable;
pub(crate) use lines::{Entry, Lines, MAX_HEAD};
pub(crate) use params::{is_paramchar, next_param};
pub(crate) use uri::is_user_char;
pub(crate) use values::{number, word};
pub(crate) use via::unique;

/// A message whose lines, start line, encoding and length are in good order. What stands in its headers is read when it
/// is asked for; [`check`](Self::check) asks for all that a message needs.
///
/// # Realtime
///
/// Neither reading a datagram that is a message nor looking into one allocates, but for unfolding a folded value.
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'a> {
    head: &'a str,
    start: StartView<'a>,
    table: &'a HeaderTable,
    body: &'a [u8],
}

/// The first line of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StartView<'a> {
    /// Of a request.
    Request {
        /// What it asks for; a token.
        method: &'a str,
        /// Of whom, as it stands there.
        uri: &'a str,
    },
    /// Of a response.
    Response {
        /// What became of the request.
        status: StatusCode,
        /// The same for people; may be empty.
        reason: &'a str,
    },
}

impl<'a> MessageView<'a> {
    /// Looks at the message of one datagram. `table` is room that may have been used before.
    ///
    /// Line ends before it are skipped. Bytes after the body that Content-Length counts are ignored; without
    /// Content-Length the body goes to the end (RFC 3261 §18.3).
    ///
    /// # Errors
    ///
    /// [`ParseError`] says what is wrong and how to refuse it.
    pub fn parse(datagram: &'a [u8], table: &'a mut HeaderTable) -> Result<Self, ParseError> {
        let bytes = skip_line_ends(datagram);
        if bytes.is_empty() {
            return Err(ParseError { kind: ParseErrorKind::Empty, rejection: None });
        }
        let lines = Lines::find(bytes, table);
        let rest = lines.body.and_then(|body| bytes.get(body..));
        let (end, flaw) = (lines.start, lines.flaw);
        let head = bytes.get(..lines.head).unwrap_or_default();
        let Ok(head) = core::str::from_utf8(head) else { return Err(refusal::of_broken_text(head)) };
        let line = head.get(..end).unwrap_or_default();
        let flaw = if bytes.len() > MAX_MESSAGE {
            Some(ParseErrorKind::TooLong)
        } else {
            rest.is_none().then_some(ParseErrorKind::Unfinished).or(flaw)
        };
        let found = StartView::read(line).and_then(|start| {
            flaw.map_or(Ok(()), Err)?;
            Ok((start, body(head, table, rest.unwrap_or_default())?))
        });
        match found {
            Ok((start, body)) => Ok(Self { head, start, table, body }),
            Err(kind) => Err(refusal::refuse(head, line, table, kind)),
        }
    }

    /// The first line.
    #[must_use]
    pub const fn start(&self) -> StartView<'a> {
        self.start
    }

    /// What a request asks for; `None` for a response.
    #[must_use]
    pub const fn method(&self) -> Option<&'a str> {
        match self.start {
            StartView::Request { method, .. } => Some(method),
            StartView::Response { .. } => None,
        }
    }

    /// The body that Content-Length counts.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Number of headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.entries().len()
    }

    /// Whether it has no headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.entries().is_empty()
    }

    /// All headers in order: the name as it stands there, and the value without folds.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let head = self.head;
        self.table.entries().iter().map(move |entry| (name(head, entry), value(head, entry)))
    }

    /// The first value of `name`, without folds.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<Cow<'a, str>> {
        self.all(name).next()
    }

    /// All values of `name` in order, one for each header, without folds.
    pub fn all<'s>(&'s self, name: &'s HeaderName) -> impl Iterator<Item = Cow<'a, str>> + use<'a, 's> {
        self.raw(name).map(unfold)
    }

    /// All values of `name` as they lie there.
    pub(crate) fn raw<'s>(&'s self, name: &'s HeaderName) -> impl Iterator<Item = &'a str> + use<'a, 's> {
        let known = HeaderName::of(name.id()).is_some();
        let first = usize::from(if known { self.table.place(name) } else { 0 });
        let entries = self.table.entries().get(first..).unwrap_or_default();
        let head = self.head;
        let same = move |entry: &&Entry| {
            entry.id == name.id() && (known || self::name(head, entry).eq_ignore_ascii_case(name.as_str()))
        };
        entries.iter().filter(same).map(move |entry| raw(head, entry))
    }

    /// How to refuse it for a flaw that showed later, [`ParseError::rejection`] included.
    #[must_use]
    pub fn refuse(&self, kind: ParseErrorKind) -> ParseError {
        let start = split_once(self.head, b'\r').map_or(self.head, |(start, _)| start);
        refusal::refuse(self.head, start, self.table, kind)
    }

    pub(crate) const fn parts(&self) -> (&'a str, &'a HeaderTable) {
        (self.head, self.table)
    }
}

impl<'a> StartView<'a> {
    /// Reads a first line; one space stands between its words and none elsewhere.
    fn read(line: &'a str) -> Result<Self, ParseErrorKind> {
        if line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("SIP/")) {
            return Self::read_status(line);
        }
        let (method, rest) = split_once(line, b' ').ok_or(ParseErrorKind::StartLine)?;
        let (uri, version) = split_once(rest, b' ').ok_or(ParseErrorKind::StartLine)?;
        if uri.is_empty() {
            return Err(ParseErrorKind::StartLine);
        }
        check_version(version)?;
        if !Method::is_valid(method) {
            return Err(ParseErrorKind::StartLine);
        }
        Ok(Self::Request { method, uri })
    }

    fn read_status(line: &'a str) -> Result<Self, ParseErrorKind> {
        let (version, line) = split_once(line, b' ').ok_or(ParseErrorKind::StartLine)?;
        check_version(version)?;
        let (code, reason) = split_once(line, b' ').unwrap_or((line, ""));
        let digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
        let status = code.parse().ok().filter(|_| digits).and_then(StatusCode::new);
        Ok(Self::Response { status: status.ok_or(ParseErrorKind::StatusCode)?, reason })
    }
}

fn body<'a>(head: &str, table: &HeaderTable, rest: &'a [u8]) -> Result<&'a [u8], ParseErrorKind> {
    let Some(declared) = content_length(head.as_bytes(), table)? else { return Ok(rest) };
    let len = usize::try_from(declared).unwrap_or(usize::MAX);
    rest.get(..len).ok_or(ParseErrorKind::BodyTooShort { declared, have: rest.len() })
}

/// Content-Length in bytes; numbers beyond 64 bits count as the largest. `None` when it is not there.
pub(crate) fn content_length(head: &[u8], table: &HeaderTable) -> Result<Option<u64>, HeaderError> {
    let name = HeaderName::ContentLength;
    let Some(entry) = table.first(&name) else { return Ok(None) };
    if table.is_repeated(&name) {
        return Err(HeaderError::Repeated(name));
    }
    let value = head.get(usize::from(entry.value)..usize::from(entry.end)).unwrap_or_default();
    number(&name, core::str::from_utf8(value).unwrap_or_default()).map(Some)
}

/// All headers of a head.
pub(crate) fn headers_of(head: &str, table: &HeaderTable) -> Headers {
    Headers::of(head, table.entries())
}

/// The name of a header as it stands there.
pub(crate) fn name<'a>(head: &'a str, entry: &Entry) -> &'a str {
    let rest = head.get(usize::from(entry.start)..).unwrap_or_default();
    split_once(rest, b':').map_or("", |(name, _)| name.trim_ascii_end())
}

/// The value of a header as it stands there, folds included.
pub(crate) fn raw<'a>(head: &'a str, entry: &Entry) -> &'a str {
    head.get(usize::from(entry.value)..usize::from(entry.end)).unwrap_or_default()
}

/// The value of a header without folds.
pub(crate) fn value<'a>(head: &'a str, entry: &Entry) -> Cow<'a, str> {
    if entry.folded { unfold(raw(head, entry)) } else { Cow::Borrowed(raw(head, entry)) }
}

fn skip_line_ends(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    bytes
}

fn check_version(text: &str) -> Result<(), ParseErrorKind> {
    if text.eq_ignore_ascii_case(VERSION) {
        Ok(())
    } else if is_version(text) {
        Err(ParseErrorKind::Version)
    } else {
        Err(ParseErrorKind::StartLine)
    }
}

/// Whether it is `SIP/` and two numbers.
fn is_version(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((name, version)) = text.split_once('/') else { return false };
    let Some((major, minor)) = version.split_once('.') else { return false };
    name.eq_ignore_ascii_case("SIP") && digits(major) && digits(minor)
}

const VERSION: &str = "SIP/2.0";
