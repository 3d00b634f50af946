//! Messages of our own making for each class of trouble, and properties of reading and writing.

use super::*;

#[test]
fn a_plain_invite_is_read_and_written_as_it_was() {
    let text = "INVITE sip:bob@home.example SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK7;rport\r\n\
        Max-Forwards: 70\r\n\
        From: \"Alice\" <sip:alice@visited.example>;tag=a1\r\n\
        To: <sip:bob@home.example>\r\n\
        Call-ID: 1@192.0.2.7\r\n\
        CSeq: 1 INVITE\r\n\
        Content-Length: 3\r\n\r\nv=0";
    let message = Message::parse(text.as_bytes()).unwrap();
    let Message::Request(request) = &message else { panic!("a request") };
    assert_eq!(request.method, Method::Invite);
    assert_eq!(request.headers.from().unwrap().tag(), Some("a1"));
    assert_eq!(request.headers.via().unwrap().branch(), Some("z9hG4bK7"));
    let mut out = Vec::new();
    message.write(&mut out);
    assert_eq!(String::from_utf8(out).unwrap(), text);
}
