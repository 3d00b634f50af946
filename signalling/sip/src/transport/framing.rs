//! Messages in a byte stream: where one ends and the next begins (RFC 3261 §18.3, RFC 5626 §3.5.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use memchr::memmem;

use crate::message::{MAX_MESSAGE, StatusCode};

/// Cuts a byte stream into messages and the line ends between them.
///
/// Holds less than [`MAX_MESSAGE`] bytes besides what was pushed last, and looks at each byte of a head twice at most.
#[derive(Debug, Default)]
pub struct Framer {
    bytes: Vec<u8>,
    /// How many of them are done with.
    done: usize,
    /// Bytes after those in which no head ends.
    scanned: usize,
    /// The length of the message at the front, once its head is complete.
    length: Option<usize>,
}

/// What the front of a stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece<'a> {
    /// One whole message.
    Message(&'a [u8]),
    /// An empty line after an empty line: the other end asks whether we are there.
    Ping,
    /// One empty line: the answer to that.
    Pong,
    /// Nobody can tell where this message ends; of the stream nothing more can be understood.
    Unframeable {
        /// The head, or as much of it as there is.
        head: &'a [u8],
        /// How to refuse it.
        status: StatusCode,
    },
}

impl Framer {
    /// Appends what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.done.min(self.bytes.len()));
        self.done = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// How much room it holds.
    pub(super) const fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Gives back room that a long message took and nothing needs any more.
    pub(super) fn tidy(&mut self) {
        if self.bytes.capacity() > ROOM && self.bytes.len().saturating_sub(self.done) < ROOM / 2 {
            self.bytes.drain(..self.done.min(self.bytes.len()));
            self.done = 0;
            self.bytes.shrink_to(ROOM);
        }
    }

    /// Whether a message has begun that has not ended.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.rest().iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// The next piece, once it is complete.
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        let (take, kind) = self.measure()?;
        let start = self.done;
        self.done = start.saturating_add(take);
        self.scanned = 0;
        self.length = None;
        let taken = self.bytes.get(start..self.done).unwrap_or_default();
        Some(match kind {
            Kind::Message => Piece::Message(taken),
            Kind::Ping => Piece::Ping,
            Kind::Pong => Piece::Pong,
            Kind::Unframeable(status) => Piece::Unframeable { head: taken, status },
        })
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.done..).unwrap_or_default()
    }

    /// How many bytes the next piece has, and what it is.
    fn measure(&mut self) -> Option<(usize, Kind)> {
        let rest = self.bytes.get(self.done..).unwrap_or_default();
        match rest {
            [] | [b'\r'] | b"\r\n" | b"\r\n\r" => return None,
            [b'\r', b'\n', b'\r', b'\n', ..] => return Some((4, Kind::Ping)),
            [b'\r', b'\n', ..] => return Some((2, Kind::Pong)),
            _ => {}
        }
        let length = match self.length {
            Some(length) => length,
            None => {
                let from = self.scanned.saturating_sub(END.len().saturating_sub(1));
                let found = memmem::find(rest.get(from..).unwrap_or_default(), END);
                let Some(at) = found else {
                    self.scanned = rest.len();
                    let too_long = rest.len() >= MAX_MESSAGE;
                    return too_long
                        .then_some((rest.len(), Kind::Unframeable(StatusCode::MESSAGE_TOO_LARGE)));
                };
                let head = from.saturating_add(at).saturating_add(END.len());
                if head > MAX_MESSAGE {
                    return Some((head, Kind::Unframeable(StatusCode::MESSAGE_TOO_LARGE)));
                }
                let body = match content_length(rest.get(..head).unwrap_or_default()) {
                    Some(body) if body <= MAX_MESSAGE.saturating_sub(head) => body,
                    Some(_) => return Some((head, Kind::Unframeable(StatusCode::MESSAGE_TOO_LARGE))),
                    None => return Some((head, Kind::Unframeable(StatusCode::BAD_REQUEST))),
                };
                *self.length.insert(head.saturating_add(body))
            }
        };
        (rest.len() >= length).then_some((length, Kind::Message))
    }

    /// Takes one empty line at the very end of what has come: the answer to a ping, for whoever waits for one, and for
    /// others perhaps the first half of a ping. `false` when there is none.
    pub fn take_line_end(&mut self) -> bool {
        let alone = self.rest() == b"\r\n";
        if alone {
            self.done = self.bytes.len();
        }
        alone
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Message,
    Ping,
    Pong,
    Unframeable(StatusCode),
}

/// The body's length by the head. `None` when it is not said, or not in one way only.
fn content_length(head: &[u8]) -> Option<usize> {
    let mut found = None;
    let mut lines = memmem::find_iter(head, b"\r\n").map(|end| end.saturating_add(2)).peekable();
    while let Some(start) = lines.next() {
        let mut line = line_at(head, start, lines.peek().copied());
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let (name, value) = line.split_at_checked(colon)?;
        if !(name.trim_ascii().eq_ignore_ascii_case(b"Content-Length")
            || name.trim_ascii().eq_ignore_ascii_case(b"l"))
        {
            continue;
        }
        let mut value = value.get(1..).unwrap_or_default().trim_ascii();
        while value.is_empty() {
            // A folded line (RFC 3261 §7.3.1).
            let next = lines.next()?;
            line = line_at(head, next, lines.peek().copied());
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                return None;
            }
            value = line.trim_ascii();
        }
        let length = number(value)?;
        if found.is_some_and(|found| found != length) {
            return None;
        }
        found = Some(length);
    }
    found
}

fn line_at(head: &[u8], start: usize, end: Option<usize>) -> &[u8] {
    head.get(start..end.unwrap_or(head.len())).unwrap_or_default()
}

fn number(digits: &[u8]) -> Option<usize> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let text = core::str::from_utf8(digits).ok().filter(|_| plain)?;
    // A number that no memory holds is too long, and not senseless.
    Some(text.parse().unwrap_or(usize::MAX))
}

/// Room that is kept for what may come.
const ROOM: usize = 16 * 1_024;
/// What ends a head.
const END: &[u8] = b"\r\n\r\n";

#[cfg(test)]
mod tests;
