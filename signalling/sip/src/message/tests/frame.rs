use super::*;

#[test]
fn messages_are_cut_out_of_a_stream_wherever_it_is_cut() {
    let stream = format!("\r\n{INVITE}\r\n\r\n{OK}");
    let first = INVITE.len() + 2;
    for end in 0..stream.len() {
        let expected = if end < first { Frame::More } else { Frame::Whole(first) };
        assert_eq!(frame(&stream.as_bytes()[..end]), expected, "{end}");
    }
    assert_eq!(frame(&stream.as_bytes()[first..]), Frame::Whole(OK.len() + 4));
    assert_eq!(frame(b"\r\n\r\n"), Frame::More);
}

#[test]
fn a_stream_whose_messages_have_no_end_is_given_up() {
    let bad = |error| Frame::Bad(error);
    let length = |text: &str| spoilt("Content-Length: 3", text);
    let malformed =
        HeaderError::Malformed { name: HeaderName::ContentLength, error: SyntaxError::Expected("a number") };
    let repeated = HeaderError::Repeated(HeaderName::ContentLength);
    let cases = [
        ("no length", length("X: 3"), bad(FrameError::NoLength)),
        ("a negative length", length("l: -3"), bad(malformed.into())),
        ("two lengths", length("l: 3\r\nl: 3"), bad(repeated.into())),
        ("a body beyond the limit", length("l: 65536"), bad(FrameError::TooLong)),
        ("a length beyond 64 bits", length("l: 99999999999999999999"), bad(FrameError::TooLong)),
        ("a folded length", length("l:\r\n 3"), Frame::Whole(length("l:\r\n 3").len())),
        ("a head of 64 KiB", "INVITE sip:bob".repeat(5_000), bad(FrameError::Head)),
        ("a head that may end yet", "INVITE sip:bob".repeat(4_000), Frame::More),
    ];
    for (what, text, expected) in cases {
        assert_eq!(frame(text.as_bytes()), expected, "{what}");
    }
}
