//! What is answered to a request that cannot be worked with (RFC 3261 §8.2, §21.4.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::super::{COPIED, HeaderName, Headers, Method, ParseError, ParseErrorKind, Rejection, StatusCode};
use super::{HeaderTable, Lines, MAX_HEAD, is_version, value};

/// The refusal of a head that is not UTF-8.
pub(super) fn of_broken_text(head: &[u8]) -> ParseError {
    let text = String::from_utf8_lossy(head);
    let text = text.get(..text.floor_char_boundary(MAX_HEAD)).unwrap_or_default();
    let mut table = HeaderTable::new();
    let start = Lines::find(text.as_bytes(), &mut table).start;
    refuse(text, text.get(..start).unwrap_or_default(), &table, ParseErrorKind::Encoding)
}

/// The refusal of what starts with this line.
pub(super) fn refuse(head: &str, start: &str, table: &HeaderTable, kind: ParseErrorKind) -> ParseError {
    ParseError { rejection: rejection(head, start, table, &kind).map(Box::new), kind }
}

/// How to refuse it: if it looks like a request, is not an ACK, and says to whom an answer would go.
fn rejection(head: &str, start: &str, table: &HeaderTable, kind: &ParseErrorKind) -> Option<Rejection> {
    if start.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("SIP/")) {
        return None;
    }
    let words = start.trim_end_matches(' ');
    let method: Method = words.split(' ').next()?.parse().ok()?;
    if method == Method::Ack || !is_version(words.rsplit(' ').next()?) {
        return None;
    }
    table.first(&HeaderName::Via)?;
    let mut headers = Headers::new();
    for name in COPIED {
        let all = table.entries().iter().filter(|entry| entry.id == name.id());
        let count = if name == HeaderName::Via { usize::MAX } else { 1 };
        all.take(count).for_each(|entry| headers.push(name.clone(), value(head, entry)));
    }
    let (status, named) = match kind {
        ParseErrorKind::Version => (StatusCode::VERSION_NOT_SUPPORTED, false),
        ParseErrorKind::UriTooLong => (StatusCode::REQUEST_URI_TOO_LONG, false),
        ParseErrorKind::TooLong => (StatusCode::REQUEST_ENTITY_TOO_LARGE, false),
        ParseErrorKind::MethodMismatch if matches!(method, Method::Other(_)) => {
            (StatusCode::NOT_IMPLEMENTED, false)
        }
        _ => (StatusCode::BAD_REQUEST, true),
    };
    let reason = if named { kind.to_string() } else { status.default_reason().to_owned() };
    Some(Rejection { method, status, reason, headers })
}
