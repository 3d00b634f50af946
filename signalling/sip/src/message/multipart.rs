//! Bodies of several parts (RFC 2046 §5.1, RFC 5621).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::ops::Range;

use super::{
    Disposition, HeaderError, HeaderTable, Headers, MediaType, StatusCode,
    view::{Lines, MAX_HEAD, headers_of},
};

/// A body that is no multipart, or one that is, taken apart to the last level.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part<'a> {
    /// What stands before its body. Those of the message for the outermost part.
    pub headers: Headers,
    /// Its kind; text in US-ASCII where it says none (RFC 2046 §5.2).
    pub media_type: MediaType,
    /// Its bytes, the boundaries of the parts inside included.
    pub body: &'a [u8],
    /// The parts inside, for a multipart.
    pub parts: Vec<Self>,
}

/// Why a body of several parts cannot be taken apart.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MultipartError {
    /// Content-Type does not follow its grammar, or stands twice.
    #[error("{0}")]
    Header(#[from] HeaderError),
    /// A multipart without a boundary, or with one that none may be (RFC 2046 §5.1.1).
    #[error("bad boundary")]
    Boundary,
    /// No line is the boundary.
    #[error("no part in multipart body")]
    NoPart,
    /// The last boundary is missing.
    #[error("multipart body without end")]
    Unfinished,
    /// A line of a part's head that is no header.
    #[error("bad header line in body part")]
    HeaderLine,
    /// Parts within parts deeper than [`MAX_DEPTH`].
    #[error("multipart body too deep")]
    TooDeep,
    /// More parts than [`MAX_PARTS`], on all levels together.
    #[error("too many body parts")]
    TooManyParts,
}

impl MultipartError {
    /// What is answered to a request with such a body.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::TooManyParts => StatusCode::REQUEST_ENTITY_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl<'a> Part<'a> {
    /// Takes the body of a message apart.
    ///
    /// # Errors
    ///
    /// [`MultipartError`] says what is wrong with it.
    pub fn read(headers: &Headers, body: &'a [u8]) -> Result<Self, MultipartError> {
        read(headers.clone(), body, 0, &mut 0)
    }

    /// The first part of this kind, looked for from the outside in. In `multipart/alternative` the last one of a kind is
    /// the best (RFC 2046 §5.1.4).
    #[must_use]
    pub fn find(&self, kind: &str, subtype: &str) -> Option<&Self> {
        if self.media_type.is(kind, subtype) {
            return Some(self);
        }
        let find = |part| Self::find(part, kind, subtype);
        if self.media_type.is("multipart", "alternative") {
            self.parts.iter().rev().find_map(find)
        } else {
            self.parts.iter().find_map(find)
        }
    }

    /// The session description, if there is one.
    #[must_use]
    pub fn sdp(&self) -> Option<&Self> {
        self.find("application", "sdp")
    }

    /// Content-Disposition. `None` when it is not there: `session` for a session description, else `render`
    /// (RFC 3261 §20.11).
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when it is malformed.
    pub fn disposition(&self) -> Result<Option<Disposition>, HeaderError> {
        self.headers.content_disposition()
    }
}

fn read<'a>(
    headers: Headers,
    body: &'a [u8],
    depth: usize,
    count: &mut usize,
) -> Result<Part<'a>, MultipartError> {
    *count = count.saturating_add(1);
    if *count > MAX_PARTS {
        return Err(MultipartError::TooManyParts);
    }
    let media_type = match headers.content_type()? {
        Some(media_type) => media_type,
        None => MediaType::plain_text(),
    };
    let mut parts = Vec::new();
    if media_type.kind.as_str().eq_ignore_ascii_case("multipart") {
        if depth >= MAX_DEPTH {
            return Err(MultipartError::TooDeep);
        }
        let boundary = media_type.params.text("boundary").ok_or(MultipartError::Boundary)?;
        for range in split(body, checked(&boundary)?)? {
            let part = body.get(range).unwrap_or_default();
            let (headers, body) = read_head(part)?;
            parts.push(read(headers, body, depth.saturating_add(1), count)?);
        }
    }
    Ok(Part { headers, media_type, body, parts })
}

/// A boundary that may be one: up to 70 characters, none of them a line end, no space at its end (RFC 2046 §5.1.1).
fn checked(boundary: &str) -> Result<&str, MultipartError> {
    let fine = (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && !boundary.ends_with(' ');
    if fine { Ok(boundary) } else { Err(MultipartError::Boundary) }
}

/// Where the parts between the boundaries lie. What stands before the first and after the last does not count.
fn split(body: &[u8], boundary: &str) -> Result<Vec<Range<usize>>, MultipartError> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut start = None;
    for at in memchr::memmem::find_iter(body, delimiter.as_bytes()) {
        let end = if at == 0 {
            0
        } else {
            // The line end before a boundary belongs to it.
            match at.checked_sub(2) {
                Some(end) if body.get(end..at) == Some(b"\r\n") => end,
                _ => continue,
            }
        };
        let behind = body.get(at.saturating_add(delimiter.len())..).unwrap_or_default();
        let last = behind.starts_with(b"--");
        let padding = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let next = match behind.get(padding..) {
            Some([b'\r', b'\n', ..]) => Some(padding.saturating_add(2)),
            _ => None,
        };
        if !last && next.is_none() {
            continue;
        }
        if let Some(start) = start {
            // A part may be nothing at all: then its line end is that of the boundary before.
            parts.push(start..end.max(start));
            if parts.len() > MAX_PARTS {
                return Err(MultipartError::TooManyParts);
            }
        }
        if last {
            return if parts.is_empty() { Err(MultipartError::NoPart) } else { Ok(parts) };
        }
        let offset = delimiter.len().saturating_add(next.unwrap_or_default());
        start = Some(at.saturating_add(offset));
    }
    Err(if start.is_some() { MultipartError::Unfinished } else { MultipartError::NoPart })
}

/// The headers of a part and what follows them. A part that starts with an empty line has none.
fn read_head(part: &[u8]) -> Result<(Headers, &[u8]), MultipartError> {
    if let Some(body) = part.strip_prefix(b"\r\n") {
        return Ok((Headers::new(), body));
    }
    // The pass over lines takes the first one for a start line, so it is given one that says nothing.
    let head = part.get(..MAX_HEAD).unwrap_or(part);
    let end = memchr::memmem::find(head, b"\r\n\r\n");
    let (head, body) = match end.and_then(|end| part.split_at_checked(end)) {
        Some((head, rest)) => (head, rest.get(4..).unwrap_or_default()),
        None => (part, Default::default()),
    };
    let head = core::str::from_utf8(head).map_err(|_| MultipartError::HeaderLine)?;
    let text = format!("-\r\n{head}\r\n\r\n");
    let mut table = HeaderTable::new();
    let lines = Lines::find(text.as_bytes(), &mut table);
    if lines.flaw.is_some() || lines.body.is_none() {
        return Err(MultipartError::HeaderLine);
    }
    Ok((headers_of(&text, &table), body))
}

impl MediaType {
    /// What a body is of which nothing is said.
    fn plain_text() -> Self {
        let token = super::Token::known;
        Self { kind: token("text"), subtype: token("plain"), params: super::Params::default() }
    }
}

/// How deep parts may lie in parts.
pub const MAX_DEPTH: usize = 8;
/// Parts of one body on all levels together, the whole body counted as one.
pub const MAX_PARTS: usize = 100;
/// Bytes of a boundary (RFC 2046 §5.1.1).
const MAX_BOUNDARY: usize = 70;
