//! Bytes as messages: start line, header lines, body (RFC 3261 §7, §18.3).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::borrow::Cow;

use super::{
    COPIED, HeaderError, HeaderName, Headers, Message, Method, NameAddr, ParseError, ParseErrorKind,
    Rejection, Request, Response, StatusCode, Uri, lex::split_once,
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
        let silent = |kind| ParseError { kind, rejection: None };
        let bytes = skip_line_ends(datagram);
        if bytes.is_empty() {
            return Err(silent(ParseErrorKind::Empty));
        }
        let (head, rest) = split_head(bytes.get(..MAX_MESSAGE).unwrap_or(bytes));
        let head = core::str::from_utf8(head).map_or_else(|_| String::from_utf8_lossy(head), Cow::Borrowed);
        let (start, lines) = head.split_once("\r\n").unwrap_or((&head, ""));
        let (headers, flaw) = read_headers(lines);
        let flaw = if bytes.len() > MAX_MESSAGE {
            Some(ParseErrorKind::TooLong)
        } else if matches!(head, Cow::Owned(_)) {
            Some(ParseErrorKind::Encoding)
        } else {
            rest.is_none().then_some(ParseErrorKind::Unfinished).or(flaw)
        };
        let rest = rest.unwrap_or_default();
        if start.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("SIP/")) {
            return read_response(start, headers, rest, flaw).map(Self::Response).map_err(silent);
        }
        let mut request = Draft { start, headers };
        match request.read(rest, flaw) {
            Ok(request) => Ok(Self::Request(request)),
            Err(kind) => Err(ParseError { rejection: request.rejection(&kind).map(Box::new), kind }),
        }
    }
}

/// A request that is being read: what is left of it when a flaw shows makes the rejection.
struct Draft<'a> {
    start: &'a str,
    headers: Headers,
}

impl Draft<'_> {
    fn read(&mut self, rest: &[u8], flaw: Option<ParseErrorKind>) -> Result<Request, ParseErrorKind> {
        let [method, uri, version] = self.line().ok_or(ParseErrorKind::StartLine)?;
        if !is_version(version) {
            return Err(ParseErrorKind::StartLine);
        }
        if !version.eq_ignore_ascii_case(VERSION) {
            return Err(ParseErrorKind::Version);
        }
        let method: Method = method.parse().map_err(|_| ParseErrorKind::StartLine)?;
        if let Some(flaw) = flaw {
            return Err(flaw);
        }
        if uri.len() > MAX_URI {
            return Err(ParseErrorKind::UriTooLong);
        }
        let uri: Uri = uri.parse().map_err(ParseErrorKind::RequestUri)?;
        if uri.as_sip().is_some_and(|uri| uri.headers().next().is_some()) {
            return Err(ParseErrorKind::UriHeaders);
        }
        check(&self.headers, Some(&method))?;
        let body = body(&self.headers, rest)?.to_vec();
        Ok(Request { method, uri, headers: core::mem::take(&mut self.headers), body })
    }

    /// The three words of a request line; one space between them and none elsewhere.
    fn line(&self) -> Option<[&str; 3]> {
        let (method, rest) = split_once(self.start, b' ')?;
        let (uri, version) = split_once(rest, b' ')?;
        (!uri.is_empty() && !version.contains(' ')).then_some([method, uri, version])
    }

    /// How to refuse it: if it looks like a request, is not an ACK, and says to whom an answer would go.
    fn rejection(&self, kind: &ParseErrorKind) -> Option<Rejection> {
        let words = self.start.trim_end_matches(' ');
        let method: Method = words.split(' ').next()?.parse().ok()?;
        if method == Method::Ack || !is_version(words.rsplit(' ').next()?) {
            return None;
        }
        self.headers.get(&HeaderName::Via)?;
        let mut headers = Headers::new();
        for name in COPIED {
            match name {
                HeaderName::Via => headers.copy(&name, &self.headers),
                _ => self.headers.get(&name).into_iter().for_each(|value| headers.push(name.clone(), value)),
            }
        }
        let (status, named) = match kind {
            ParseErrorKind::Version => (StatusCode::VERSION_NOT_SUPPORTED, false),
            ParseErrorKind::UriTooLong => (StatusCode::REQUEST_URI_TOO_LONG, false),
            ParseErrorKind::TooLong | ParseErrorKind::TooManyHeaders => {
                (StatusCode::MESSAGE_TOO_LARGE, false)
            }
            ParseErrorKind::MethodMismatch if matches!(method, Method::Other(_)) => {
                (StatusCode::NOT_IMPLEMENTED, false)
            }
            _ => (StatusCode::BAD_REQUEST, true),
        };
        let reason = if named { kind.to_string() } else { status.default_reason().to_owned() };
        Some(Rejection { method, status, reason, headers })
    }
}

fn read_response(
    start: &str,
    headers: Headers,
    rest: &[u8],
    flaw: Option<ParseErrorKind>,
) -> Result<Response, ParseErrorKind> {
    let (version, line) = start.split_once(' ').ok_or(ParseErrorKind::StartLine)?;
    if !is_version(version) {
        return Err(ParseErrorKind::StartLine);
    }
    if !version.eq_ignore_ascii_case(VERSION) {
        return Err(ParseErrorKind::Version);
    }
    let (code, reason) = line.split_once(' ').unwrap_or((line, ""));
    let digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    let status = code.parse().ok().filter(|_| digits).and_then(StatusCode::new);
    let status = status.ok_or(ParseErrorKind::StatusCode)?;
    if let Some(flaw) = flaw {
        return Err(flaw);
    }
    check(&headers, None)?;
    let body = body(&headers, rest)?.to_vec();
    Ok(Response { status, reason: reason.to_owned(), headers, body })
}

/// Checks the headers without which no transaction can be found, and those that may stand once only.
fn check(headers: &Headers, method: Option<&Method>) -> Result<(), ParseErrorKind> {
    headers.vias()?;
    headers.from()?;
    headers.to()?;
    headers.call_id()?;
    let cseq = headers.cseq()?;
    headers.max_forwards()?;
    headers.elements(&HeaderName::Route, NameAddr::read)?;
    headers.elements(&HeaderName::RecordRoute, NameAddr::read)?;
    headers.contacts()?;
    if headers.all(&HeaderName::ContentType).nth(1).is_some() {
        return Err(HeaderError::Repeated(HeaderName::ContentType).into());
    }
    if method.is_some_and(|method| *method != cseq.method) {
        Err(ParseErrorKind::MethodMismatch)
    } else {
        Ok(())
    }
}

fn body<'a>(headers: &Headers, rest: &'a [u8]) -> Result<&'a [u8], ParseErrorKind> {
    let Some(declared) = headers.content_length()? else { return Ok(rest) };
    let len = usize::try_from(declared).unwrap_or(usize::MAX);
    rest.get(..len).ok_or(ParseErrorKind::BodyTooShort { declared, have: rest.len() })
}

/// Reads header lines, unfolded. Goes on behind a flaw, since the other headers make the rejection.
fn read_headers(text: &str) -> (Headers, Option<ParseErrorKind>) {
    let mut headers = Headers::with_capacity(TYPICAL_HEADERS);
    let mut flaw = None;
    let mut lines = Lines { rest: text };
    while !lines.rest.is_empty() {
        if headers.len() >= MAX_HEADERS {
            return (headers, Some(ParseErrorKind::TooManyHeaders));
        }
        let (line, mut fine) = lines.next();
        let Some((name, value)) = split_once(line, b':') else {
            let empty = line.is_empty() && fine;
            flaw = flaw.or((!empty).then_some(if fine {
                ParseErrorKind::HeaderLine
            } else {
                ParseErrorKind::LineEnd
            }));
            continue;
        };
        let mut value = value.trim_matches(SPACE).to_owned();
        while lines.rest.starts_with(SPACE) {
            let (more, whole) = lines.next();
            fine &= whole;
            if !value.is_empty() {
                value.push(' ');
            }
            value.push_str(more.trim_matches(SPACE));
        }
        match name.trim_end_matches(SPACE).parse::<HeaderName>() {
            Ok(name) if fine => headers.push_line(name, value),
            Ok(_) => flaw = flaw.or(Some(ParseErrorKind::LineEnd)),
            Err(_) => flaw = flaw.or(Some(ParseErrorKind::HeaderLine)),
        }
    }
    (headers, flaw)
}

/// The lines of a head.
struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Lines<'a> {
    /// The next line, and whether it ends as a line must: with a carriage return and a line feed, or, being the last,
    /// with neither.
    fn next(&mut self) -> (&'a str, bool) {
        let (line, ended) = match split_once(self.rest, b'\n') {
            Some((line, rest)) => {
                self.rest = rest;
                (line, true)
            }
            None => (core::mem::take(&mut self.rest), false),
        };
        match split_once(line, b'\r') {
            Some((line, "")) => (line, ended),
            Some(_) => (line, false),
            None => (line, !ended),
        }
    }
}

fn skip_line_ends(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    bytes
}

/// Splits at the empty line. Without one, all is head.
fn split_head(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memmem::find(bytes, b"\r\n\r\n").and_then(|end| bytes.split_at_checked(end)) {
        Some((head, rest)) => (head, rest.get(4..)),
        None => (bytes, None),
    }
}

fn is_version(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((name, version)) = text.split_once('/') else { return false };
    let Some((major, minor)) = version.split_once('.') else { return false };
    name.eq_ignore_ascii_case("SIP") && digits(major) && digits(minor)
}

/// Bytes of a message that is read; what UDP can carry.
pub const MAX_MESSAGE: usize = 65_535;
/// Header lines of a message that is read.
pub const MAX_HEADERS: usize = 100;
/// Bytes of a Request-URI that is read.
pub const MAX_URI: usize = 4_096;
/// Header lines that most messages do not exceed.
const TYPICAL_HEADERS: usize = 16;
const VERSION: &str = "SIP/2.0";
const SPACE: [char; 2] = [' ', '\t'];
