//! Messages of our own making for each class of trouble, and properties of reading and writing.
#![allow(clippy::indexing_slicing)]

use super::*;

mod classes;
mod extensions;
mod frame;
mod headers;
mod messages;
mod multipart;
mod parts;
mod properties;
mod view;

/// A request in good order, which tests spoil.
const INVITE: &str = "INVITE sip:bob@home.example SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK7;rport\r\n\
    Max-Forwards: 70\r\n\
    From: \"Alice\" <sip:alice@visited.example>;tag=a1\r\n\
    To: <sip:bob@home.example>\r\n\
    Call-ID: 1@192.0.2.7\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:alice@192.0.2.7>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 3\r\n\r\nv=0";

/// A response in good order, which tests spoil.
const OK: &str = "SIP/2.0 200 OK\r\n\
    Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK7;received=192.0.2.7;rport=5060\r\n\
    From: \"Alice\" <sip:alice@visited.example>;tag=a1\r\n\
    To: <sip:bob@home.example>;tag=b1\r\n\
    Call-ID: 1@192.0.2.7\r\n\
    CSeq: 1 INVITE\r\n\
    Content-Length: 0\r\n\r\n";

/// [`INVITE`] with `old` replaced by `new`.
fn spoilt(old: &str, new: &str) -> String {
    assert!(INVITE.contains(old), "{old}");
    INVITE.replacen(old, new, 1)
}

fn request(text: &str) -> Request {
    match Message::parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn written(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.write(&mut out);
    out
}
