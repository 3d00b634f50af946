//! Messages as bytes (RFC 3261 §7).

use std::io::Write as _;

use super::{HeaderName, Headers, Message, Request, Response};

impl Message {
    /// Appends the message as it goes on the wire.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Request(request) => request.write(out),
            Self::Response(response) => response.write(out),
        }
    }
}

impl Request {
    /// Appends the request as it goes on the wire. Content-Length is made to fit the body, and added when it is missing.
    pub fn write(&self, out: &mut Vec<u8>) {
        // Writing to a vector does not fail, here and below.
        let _ = write!(out, "{} {} SIP/2.0\r\n", self.method, self.uri);
        write_rest(&self.headers, &self.body, out);
    }
}

impl Response {
    /// Appends the response as it goes on the wire. Content-Length is made to fit the body, and added when it is
    /// missing. Line ends in the reason become spaces.
    pub fn write(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "SIP/2.0 {} ", self.status);
        out.extend(self.reason.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        out.extend_from_slice(b"\r\n");
        write_rest(&self.headers, &self.body, out);
    }
}

fn write_rest(headers: &Headers, body: &[u8], out: &mut Vec<u8>) {
    let mut counted = false;
    for (name, value) in headers.iter() {
        if *name == HeaderName::ContentLength {
            if !core::mem::replace(&mut counted, true) {
                write_length(body, out);
            }
            continue;
        }
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        write_value(value.as_bytes(), out);
        out.extend_from_slice(b"\r\n");
    }
    if !counted {
        write_length(body, out);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
}

/// What some reader might take for the end of a line, or of all text, becomes a space, but for the quoted pairs that are
/// allowed to be anything (RFC 3261 §25.1). Line ends are in no value.
fn write_value(value: &[u8], out: &mut Vec<u8>) {
    if memchr::memchr3(0, VERTICAL_TAB, FORM_FEED, value).is_none() {
        return out.extend_from_slice(value);
    }
    let start = out.len();
    let mut before = b' ';
    for &byte in value {
        let odd = matches!(byte, 0 | VERTICAL_TAB | FORM_FEED) && before != b'\\';
        out.push(if odd { b' ' } else { byte });
        before = byte;
    }
    // A value has no space around it.
    let blanks = out.iter().skip(start).take_while(|byte| is_blank(**byte)).count();
    out.drain(start..start.saturating_add(blanks));
    while out.len() > start && out.last().is_some_and(|byte| is_blank(*byte)) {
        out.pop();
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const VERTICAL_TAB: u8 = 0x0b;
const FORM_FEED: u8 = 0x0c;

fn write_length(body: &[u8], out: &mut Vec<u8>) {
    let _ = write!(out, "Content-Length: {}\r\n", body.len());
}
