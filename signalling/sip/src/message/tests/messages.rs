use super::*;

#[test]
fn messages_in_good_order_are_written_as_they_were_read() {
    for text in [INVITE, OK] {
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(written(&message)).unwrap(), text);
    }
}

#[test]
fn requests_are_accepted_in_all_the_ways_they_may_be_written() {
    let cases = [
        ("line ends before it", spoilt("INVITE", "\r\n\r\nINVITE")),
        (
            "compact names",
            spoilt("Via:", "v:").replace("Call-ID", "i").replace("From", "f").replace("To", "t"),
        ),
        ("names in any case", spoilt("CSeq", "cSEQ").replace("Max-Forwards", "MAX-forwards")),
        ("space before the colon", spoilt("Via:", "Via \t :")),
        ("no space after the colon", spoilt("To: ", "To:")),
        ("a folded header", spoilt("1 INVITE", "\r\n 1\r\n\tINVITE")),
        ("a folded From", spoilt(">;tag=a1", ">\r\n ;\r\n tag\r\n =\r\n a1")),
        (
            "a Via with space everywhere",
            spoilt("SIP/2.0/UDP 192.0.2.7:5060;", "SIP / 2.0 / UDP   192.0.2.7 : 5060 ; "),
        ),
        ("an unknown header with anything in it", spoilt("To:", "X-Odd: ;;,\"<>\\\u{1}\r\nTo:")),
        ("an empty unknown header", spoilt("To:", "X-Empty:\r\nTo:")),
        ("an unknown transport", spoilt("/UDP", "/PIGEON")),
        ("an unknown scheme", spoilt("sip:bob@home.example SIP", "http://home.example/~bob?x SIP")),
        ("a telephone number", spoilt("sip:bob@home.example SIP", "tel:+1-201-555-0123;phone-context=x SIP")),
        ("a version in small letters", spoilt("SIP/2.0\r\n", "sip/2.0\r\n")),
        ("no branch, as before RFC 3261", spoilt(";branch=z9hG4bK7", "")),
        ("no tag, as before RFC 3261", spoilt(";tag=a1", "")),
        ("no Max-Forwards, as before RFC 3261", spoilt("Max-Forwards: 70\r\n", "")),
        ("a Max-Forwards that is too large", spoilt("70", "300")),
        ("a sequence number with zeros before it", spoilt("CSeq: 1", "CSeq: 0001")),
        ("bytes after the body", spoilt("v=0", "v=0rubbish")),
        ("no Content-Length", spoilt("Content-Length: 3\r\n", "")),
        (
            "a date of the wrong zone, which nobody asked for",
            spoilt("To:", "Date: Fri, 01 Jan 2010 16:00:00 EST\r\nTo:"),
        ),
        ("two Via in one line", spoilt(";rport", ";rport, SIP/2.0/TCP [2001:db8::1]:5061")),
        ("an unquoted name with a dot and an umlaut", spoilt("\"Alice\"", "Jörg A. Müller")),
    ];
    for (what, text) in cases {
        let read = request(&text);
        assert_eq!(read.body, b"v=0", "{what}");
        assert_eq!(read.headers.cseq(), Ok(CSeq { number: 1, method: Method::Invite }), "{what}");
    }
}

fn assert_refused(cases: Vec<(&str, String, ParseErrorKind, u16)>) {
    for (what, text, kind, status) in cases {
        let error = Message::parse(text.as_bytes()).expect_err(what);
        assert_eq!(error.kind, kind, "{what}");
        assert_eq!(error.rejection.map(|rejection| rejection.status.code()), Some(status), "{what}");
    }
}

#[test]
fn broken_request_lines_are_refused_with_their_flaw_and_status() {
    use ParseErrorKind as Kind;
    let line = |uri: &str| spoilt("sip:bob@home.example SIP/2.0", uri);
    let brackets = Kind::RequestUri(SyntaxError::Character("a URI"));
    let long = format!("sip:{}@x SIP/2.0", "b".repeat(MAX_URI));
    assert_refused(vec![
        ("two spaces", line(" sip:bob@x SIP/2.0"), Kind::StartLine, 400),
        ("a space in the URI", line("sip:bob@x; lr SIP/2.0"), Kind::StartLine, 400),
        ("a space at its end", line("sip:bob@x SIP/2.0 "), Kind::StartLine, 400),
        ("another version", line("sip:bob@x SIP/7.0"), Kind::Version, 505),
        ("angle brackets", line("<sip:bob@x> SIP/2.0"), brackets, 400),
        ("IPv6 without brackets", line("sip:2001:db8::1 SIP/2.0"), Kind::RequestUri(SyntaxError::Host), 400),
        ("headers in the URI", line("sip:bob@x?Route=%3Csip:y%3E SIP/2.0"), Kind::UriHeaders, 400),
        ("a URI without end", line(&long), Kind::UriTooLong, 414),
        ("another method than CSeq", spoilt("1 INVITE", "1 BYE"), Kind::MethodMismatch, 400),
        ("the same with an unknown method", spoilt("INVITE sip", "JUMP sip"), Kind::MethodMismatch, 501),
    ]);
}

#[test]
fn broken_header_lines_and_bodies_are_refused_with_their_flaw_and_status() {
    use ParseErrorKind as Kind;
    let length = |text: &str| spoilt("Length: 3", text);
    let number = SyntaxError::Expected("a number");
    let malformed = HeaderError::Malformed { name: HeaderName::ContentLength, error: number };
    let short = |declared| Kind::BodyTooShort { declared, have: 3 };
    let many = "X: y\r\n".repeat(MAX_HEADERS) + "To:";
    assert_refused(vec![
        ("no empty line", INVITE.replace("\r\n\r\nv=0", ""), Kind::Unfinished, 400),
        ("a lone line feed", spoilt("70\r\n", "70\n"), Kind::LineEnd, 400),
        ("a line feed more", spoilt("70\r\n", "70\r\n\n"), Kind::LineEnd, 400),
        ("a lone carriage return", spoilt("70\r\n", "70\rX: y\r\n"), Kind::LineEnd, 400),
        ("no colon", spoilt("Max-Forwards: 70", "Max-Forwards 70"), Kind::HeaderLine, 400),
        ("a space in a name", spoilt("Max-Forwards:", "Max Forwards:"), Kind::HeaderLine, 400),
        ("a first header that goes on", spoilt("Via:", " X: y\r\nVia:"), Kind::HeaderLine, 400),
        ("a hundred headers more", spoilt("To:", &many), Kind::TooManyHeaders, 400),
        ("a negative length", length("Length: -3"), malformed.into(), 400),
        ("a length beyond the end", length("Length: 4"), short(4), 400),
        ("a length beyond 64 bits", length("Length: 99999999999999999999"), short(u64::MAX), 400),
    ]);
}

#[test]
fn broken_header_values_are_refused_with_their_flaw() {
    use SyntaxError::{BareUri, Expected, Range, TooMany, UnclosedQuote};
    let vias = format!("Via: SIP/2.0/UDP h{}\r\nTo:", ",SIP/2.0/UDP h".repeat(100));
    let params = format!("{}To:", "To: <sip:a@x>".to_owned() + &";a".repeat(65) + "\r\nX-");
    let cases = [
        ("empty parameters", HeaderName::Via, ";branch=z9hG4bK7", ";;,;", Expected("a parameter name")),
        ("more Via than anyone can follow", HeaderName::Via, "To:", &vias, TooMany("elements")),
        ("more parameters than anyone needs", HeaderName::To, "To:", &params, TooMany("parameters")),
        ("a quotation mark missing", HeaderName::From, "\"Alice\"", "\"Alice", UnclosedQuote),
        ("a comma in a name", HeaderName::From, "\"Alice\"", "Liddell, Alice", Expected("a URI scheme")),
        ("a URI that needs brackets", HeaderName::Contact, "<sip:alice@192.0.2.7>", "sip:a@x?b=c", BareUri),
        ("a Call-ID of two words", HeaderName::CallId, "1@192", "1 @192", Expected("one word")),
        (
            "a number beyond 32 bits",
            HeaderName::CSeq,
            "CSeq: 1",
            "CSeq: 4294967296",
            Range("sequence number"),
        ),
    ];
    for (what, name, old, new, error) in cases {
        let kind = HeaderError::Malformed { name, error }.into();
        assert_refused(vec![(what, spoilt(old, new), kind, 400)]);
    }
}

#[test]
fn headers_that_must_stand_once_are_refused_when_missing_or_repeated() {
    let lines = [
        "From: \"Alice\" <sip:alice@visited.example>;tag=a1\r\n",
        "To: <sip:bob@home.example>\r\n",
        "Call-ID: 1@192.0.2.7\r\n",
        "CSeq: 1 INVITE\r\n",
    ];
    for line in lines {
        let name: HeaderName = line.split(':').next().unwrap().parse().unwrap();
        let missing = Message::parse(spoilt(line, "").as_bytes()).unwrap_err();
        assert_eq!(missing.kind, HeaderError::Missing(name.clone()).into());
        assert!(!missing.rejection.unwrap().headers.iter().any(|(have, _)| *have == name));
    }
    for line in lines.into_iter().chain([
        "Max-Forwards: 70\r\n",
        "Content-Length: 3\r\n",
        "Content-Type: application/sdp\r\n",
    ]) {
        let name: HeaderName = line.split(':').next().unwrap().parse().unwrap();
        let repeated = Message::parse(spoilt(line, &line.repeat(2)).as_bytes()).unwrap_err();
        assert_eq!(repeated.kind, HeaderError::Repeated(name).into());
    }
}

#[test]
fn a_rejection_carries_what_its_response_needs() {
    let text = spoilt("Content-Length: 3", "Content-Length: 99")
        .replace(";rport", ", SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK8");
    let rejection = Message::parse(text.as_bytes()).unwrap_err().rejection.unwrap();
    let mut out = Vec::new();
    rejection.response().write(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "SIP/2.0 400 body shorter than Content-Length\r\n\
         Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK7, SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK8\r\n\
         From: \"Alice\" <sip:alice@visited.example>;tag=a1\r\n\
         To: <sip:bob@home.example>\r\nCall-ID: 1@192.0.2.7\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn what_is_no_request_gets_no_answer() {
    let response = |old: &str, new: &str| OK.replacen(old, new, 1);
    let cases = [
        ("nothing", String::new(), ParseErrorKind::Empty),
        ("a keep-alive", "\r\n\r\n".into(), ParseErrorKind::Empty),
        (
            "a request of another protocol",
            "GET / HTTP/1.1\r\nVia: 1.1 x\r\n\r\n".into(),
            ParseErrorKind::StartLine,
        ),
        ("words", "hello\r\n\r\n".into(), ParseErrorKind::StartLine),
        ("an ACK", spoilt("INVITE sip", "ACK sip"), ParseErrorKind::MethodMismatch),
        ("no Via", INVITE.replace("Via:", "X:"), HeaderError::Missing(HeaderName::Via).into()),
        ("a code of four digits", response("200", "2000"), ParseErrorKind::StatusCode),
        ("a code that wraps to one that is fine", response("200", "4294967496"), ParseErrorKind::StatusCode),
        ("a code below 100", response("200", "099"), ParseErrorKind::StatusCode),
        ("a code above 699", response("200", "700"), ParseErrorKind::StatusCode),
        ("a signed code", response("200", "+20"), ParseErrorKind::StatusCode),
        ("a response of another version", response("SIP/2.0 200", "SIP/3.0 200"), ParseErrorKind::Version),
        ("a response without To", response("To:", "X:"), HeaderError::Missing(HeaderName::To).into()),
        (
            "a response cut short",
            response("Length: 0", "Length: 1"),
            ParseErrorKind::BodyTooShort { declared: 1, have: 0 },
        ),
    ];
    for (what, text, kind) in cases {
        assert_eq!(Message::parse(text.as_bytes()), Err(ParseError { kind, rejection: None }), "{what}");
    }
}

#[test]
fn text_that_is_not_utf8_and_messages_beyond_udp_are_refused() {
    let latin1: Vec<u8> = INVITE.bytes().map(|byte| if byte == b'7' { 0xe9 } else { byte }).collect();
    assert_eq!(Message::parse(&latin1).unwrap_err().kind, ParseErrorKind::Encoding);
    let mut binary = spoilt("v=0", "").into_bytes();
    binary.extend([0xff, 0x00, 0xfe]);
    assert!(Message::parse(&binary).is_ok(), "a body is any bytes");
    let long = spoilt("v=0", &"v".repeat(MAX_MESSAGE));
    let error = Message::parse(long.as_bytes()).unwrap_err();
    assert_eq!(
        (error.kind, error.rejection.unwrap().status),
        (ParseErrorKind::TooLong, StatusCode::REQUEST_ENTITY_TOO_LARGE)
    );
}

#[test]
fn the_phrase_of_a_response_may_be_anything_or_missing() {
    for (phrase, reason) in [(" OK", "OK"), (" ", ""), ("", ""), (" = 2**3 * 5**2 да", "= 2**3 * 5**2 да")]
    {
        let text = OK.replacen(" OK", phrase, 1);
        let Ok(Message::Response(response)) = Message::parse(text.as_bytes()) else { panic!("{phrase}") };
        assert_eq!(response.reason, reason);
    }
}

#[test]
fn a_response_takes_over_what_the_standard_says() {
    let request = request(&spoilt("To:", "Timestamp: 54\r\nTo:").replace(";rport", ", SIP/2.0/UDP h2"));
    let names = |status| {
        let response = request.response(status);
        response.headers.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(StatusCode::RINGING), "Via From To Call-ID CSeq");
    assert_eq!(names(StatusCode::TRYING), "Via From To Call-ID CSeq Timestamp");
    assert_eq!(request.response(StatusCode::OK).headers.vias().unwrap().len(), 2);
}

#[test]
fn nothing_put_into_a_message_can_forge_a_header() {
    let mut request =
        Request::new(Method::Options, SipUri::new("home.example".parse().unwrap()).with_user("a\r\nX: y b"));
    request.headers.push(HeaderName::Subject, " hello\r\nX: y ");
    request.headers.set(HeaderName::Subject, "again\r\nX: y");
    request.headers.prepend(HeaderName::Subject, "first\nX: y");
    let alice: Uri = "sip:alice@x".parse().unwrap();
    let from = NameAddr::new(alice).with_display("Al\r\nX: \"ice\\").with_tag("t\r\nX: y");
    request.headers.push(HeaderName::From, from.to_string());
    let mut out = Vec::new();
    request.write(&mut out);
    let mut response = Response::new(StatusCode::OK);
    response.reason = "fine\r\nX: y".into();
    response.write(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.split("\r\n").all(|line| !line.starts_with("X:")), "{text}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
    let read: NameAddr = request.headers.get(&HeaderName::From).unwrap().parse().unwrap();
    assert_eq!(read.display.as_deref(), Some("Al  X: \"ice\\"));
}

#[test]
fn every_code_has_a_phrase_and_only_codes_of_three_digits_exist() {
    let cases = [(100, "Trying"), (199, "Session Progress"), (486, "Busy Here"), (499, "Request Failure")];
    for (code, phrase) in cases {
        assert_eq!(StatusCode::new(code).unwrap().default_reason(), phrase);
    }
    assert_eq!((StatusCode::new(99), StatusCode::new(700)), (None, None));
    assert!((100..700).all(|code| !StatusCode::new(code).unwrap().default_reason().is_empty()));
}
