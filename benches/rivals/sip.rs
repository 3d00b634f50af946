//! What each SIP parser makes of messages that the standards call valid.

/// An ordinary INVITE with a session description, 0.6 kB.
pub const INVITE: &str = "INVITE sip:bob@home.example SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport\r\n\
    Max-Forwards: 70\r\n\
    From: \"Alice\" <sip:alice@home.example>;tag=1928301774\r\n\
    To: <sip:bob@home.example>\r\n\
    Call-ID: a84b4c76e66710@192.0.2.1\r\n\
    CSeq: 314159 INVITE\r\n\
    Contact: <sip:alice@192.0.2.1:5060>\r\n\
    Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 115\r\n\
    \r\n\
    v=0\r\n\
    o=- 1 1 IN IP4 192.0.2.1\r\n\
    s=-\r\n\
    c=IN IP4 192.0.2.1\r\n\
    t=0 0\r\n\
    m=audio 40000 RTP/AVP 96\r\n\
    a=rtpmap:96 opus/48000/2\r\n";

/// Whether the parser that does the work accepts `message` and can read its To.
#[must_use]
pub fn ours(message: &str) -> bool {
    let Ok(rove_sip::message::Message::Request(request)) =
        rove_sip::message::Message::parse(message.as_bytes())
    else {
        return false;
    };
    request.headers.to().is_ok() && request.headers.cseq().is_ok()
}

/// Whether a look without a copy finds what routing needs of `message`.
#[must_use]
pub fn view(message: &str, table: &mut rove_sip::message::HeaderTable) -> bool {
    let view = rove_sip::message::MessageView::parse(message.as_bytes(), table);
    view.is_ok_and(|view| view.routing().is_ok())
}

/// Whether rsipstack accepts `message` and can read its To.
#[must_use]
pub fn rsipstack(message: &str) -> bool {
    use rsipstack::sip::{Request, prelude::*};
    let Ok(request) = Request::try_from(message.as_bytes()) else { return false };
    request.to_header().is_ok_and(|to| to.typed().is_ok())
        && request.cseq_header().is_ok_and(|cseq| cseq.typed().is_ok())
}

/// Whether rsip accepts `message` and can read its To.
#[must_use]
pub fn rsip(message: &str) -> bool {
    use rsip::prelude::{HeadersExt, ToTypedHeader};
    let Ok(request) = rsip::Request::try_from(message.as_bytes()) else { return false };
    request.to_header().is_ok_and(|to| to.typed().is_ok())
        && request.cseq_header().is_ok_and(|cseq| cseq.typed().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The INVITE with one line put in another's place.
    fn with(line: &str, other: &str) -> String {
        assert!(INVITE.contains(line), "{line}");
        INVITE.replacen(line, other, 1)
    }

    #[test]
    fn all_read_an_ordinary_invite() {
        assert!(ours(INVITE));
        assert!(view(INVITE, &mut rove_sip::message::HeaderTable::new()));
        assert!(rsip(INVITE));
        assert!(rsipstack(INVITE));
    }

    #[test]
    fn what_the_standards_call_valid_and_only_our_parser_reads() {
        let cases = [
            ("compact names (RFC 3261 §7.3.3)", with("To: <", "t: <")),
            ("a folded line (RFC 3261 §7.3.1)", with("To: <", "To:\r\n <")),
            ("space before the colon (RFC 3261 §7.3.1)", with("To: <", "To : <")),
            (
                "a method of an extension (RFC 3261 §7.1)",
                with("INVITE sip:", "NEWMETHOD sip:").replacen("314159 INVITE", "314159 NEWMETHOD", 1),
            ),
            (
                "an IPv6 reference (RFC 5118 §4.1)",
                with("To: <sip:bob@home.example>", "To: <sip:bob@[2001:db8::9]>"),
            ),
        ];
        let rsip_reads: Vec<&str> =
            cases.iter().filter(|(_, message)| rsip(message)).map(|(what, _)| *what).collect();
        let refused: Vec<&str> =
            cases.iter().filter(|(_, message)| !ours(message)).map(|(what, _)| *what).collect();
        assert_eq!((refused, rsip_reads), (Vec::new(), Vec::new()));
    }
}
