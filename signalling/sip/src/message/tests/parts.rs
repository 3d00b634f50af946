use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn uris_are_written_as_they_were_read() {
    let cases = [
        "sip:alice@atlanta.example",
        "sip:alice:secret@atlanta.example;transport=tcp",
        "sips:alice@atlanta.example:5061?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.example;user=phone",
        "sip:atlanta.example;method=REGISTER?to=alice%40atlanta.example",
        "sip:alice;day=tuesday@atlanta.example",
        "sip:192.0.2.4",
        "sip:[2001:db8::1]:5070;lr",
        "sip:a@host.example.;maddr=[2001:db8::2]",
        "sip:%00@host.example",
        "tel:+1-201-555-0123",
        "tel:7042;phone-context=example.com",
        "urn:service:sos",
        "soap.beep://192.0.2.103:3002",
    ];
    for text in cases {
        assert_eq!(uri(text).to_string(), text);
    }
}

#[test]
fn what_is_no_uri_is_refused() {
    let cases = [
        ("", SyntaxError::Expected("a URI scheme")),
        ("alice", SyntaxError::Expected("a URI scheme")),
        ("1sip:alice@x", SyntaxError::Expected("a URI scheme")),
        ("sip:", SyntaxError::Host),
        ("sip:@x", SyntaxError::Expected("a user")),
        ("sip:a@", SyntaxError::Host),
        ("sip:a@x@y", SyntaxError::Trailing("a host")),
        ("sip:a b@x", SyntaxError::Character("a URI")),
        ("sip:a%2@x", SyntaxError::Character("the user of a URI")),
        ("sip:a%zz@x", SyntaxError::Character("the user of a URI")),
        ("sip:a[@x", SyntaxError::Character("the user of a URI")),
        ("sip:a:<@x", SyntaxError::Character("a URI")),
        ("sip:ä@x", SyntaxError::Character("a URI")),
        ("sip:x:", SyntaxError::Expected("a port")),
        ("sip:x:0", SyntaxError::Port),
        ("sip:x:65536", SyntaxError::Port),
        ("sip:x:5060x", SyntaxError::Trailing("a host")),
        ("sip:2001:db8::1", SyntaxError::Host),
        ("sip:[2001:db8::1", SyntaxError::Host),
        ("sip:[2001:db8::g]", SyntaxError::Host),
        ("sip:-x.example", SyntaxError::Host),
        ("sip:x..example", SyntaxError::Host),
        ("sip:1.2.3.4.5", SyntaxError::Host),
        ("sip:256.1.1.1", SyntaxError::Host),
        ("sip:x;", SyntaxError::Expected("a URI parameter")),
        ("sip:x;;lr", SyntaxError::Expected("a URI parameter")),
        ("sip:x;lr=", SyntaxError::Expected("a URI parameter")),
        ("sip:x;a,b", SyntaxError::Character("a URI parameter")),
        ("sip:x?a", SyntaxError::Expected("a URI header")),
        ("sip:x?a=%", SyntaxError::Character("a URI header")),
        ("tel:", SyntaxError::Expected("a telephone number")),
        ("tel:+-", SyntaxError::Expected("a telephone number")),
        ("urn:", SyntaxError::Expected("more than a URI scheme")),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<Uri>(), Err(error), "{text}");
    }
}

#[test]
fn uris_are_equivalent_as_in_the_examples_of_rfc_3261_section_19_1_4() {
    let same = [
        ("sip:%61lice@atlanta.example;transport=TCP", "sip:alice@AtLanTa.ExamPle;Transport=tcp"),
        ("sip:carol@chicago.example", "sip:carol@chicago.example;newparam=5"),
        ("sip:carol@chicago.example", "sip:carol@chicago.example;security=on"),
        (
            "sip:biloxi.example;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.example",
            "sip:biloxi.example;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.example",
        ),
        (
            "sip:alice@atlanta.example?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.example?priority=urgent&subject=project%20x",
        ),
        ("sip:a@[2001:db8:0::1]", "sip:a@[2001:DB8::1]"),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
        ("tel:7042;phone-context=A.example;x=1;x", "tel:7042;x=1;phone-context=a.example"),
    ];
    let different = [
        ("SIP:ALICE@AtLanTa.ExamPle;Transport=udp", "sip:alice@AtLanTa.ExamPle;Transport=UDP"),
        ("sip:bob@biloxi.example", "sip:bob@biloxi.example:5060"),
        ("sip:bob@biloxi.example", "sip:bob@biloxi.example;transport=udp"),
        ("sip:bob@biloxi.example", "sip:bob@biloxi.example:6000;transport=tcp"),
        ("sip:carol@chicago.example", "sip:carol@chicago.example?Subject=next%20meeting"),
        ("sip:bob@phone21.example", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.example;security=on", "sip:carol@chicago.example;security=off"),
        ("sip:a@x", "sips:a@x"),
        ("sip:a@x", "sip:a:@x"),
        ("sip:x", "sip:a@x"),
        ("sip:a%2Fb@x", "sip:a/b@x"),
        ("tel:+1201", "tel:1201"),
        ("tel:7042;phone-context=a.example", "tel:7042"),
        ("sip:+1201@x", "tel:+1201"),
    ];
    for (a, b) in same {
        assert!(uri(a).equivalent(&uri(b)) && uri(b).equivalent(&uri(a)), "{a} {b}");
    }
    for (a, b) in different {
        assert!(!uri(a).equivalent(&uri(b)) && !uri(b).equivalent(&uri(a)), "{a} {b}");
    }
}

#[test]
fn uris_are_built_with_the_escapes_they_need() {
    let mut built = SipUri::at("[2001:db8::1]:5070".parse().unwrap()).with_user("bob smith@home");
    built.params.set("lr", None);
    built.params.set("x", Some("a;b"));
    built.params.set("LR", Some("on"));
    assert_eq!(built.to_string(), "sip:bob%20smith%40home@[2001:db8::1]:5070;lr=on;x=a%3Bb");
    assert_eq!(built.user_bytes().as_deref(), Some(&b"bob smith@home"[..]));
    assert_eq!(Uri::from(built.clone()), uri(&built.to_string()));
    built.params.remove("x");
    assert_eq!(built.with_user("").to_string(), "sip:[2001:db8::1]:5070;lr=on");
}

#[test]
fn escapes_are_undone_once_and_keep_every_byte() {
    assert_eq!(unescape("a%2541%00%fF%"), b"a%41\0\xff%");
}

#[test]
fn addresses_are_read_with_and_without_brackets_and_written_with_them() {
    let cases = [
        ("sip:a@x", "<sip:a@x>"),
        ("sip:a@x;tag=1", "<sip:a@x>;tag=1"),
        ("<sip:a@x;lr>;tag=1", "<sip:a@x;lr>;tag=1"),
        ("Alice<sip:a@x>", "\"Alice\" <sip:a@x>"),
        ("Alice B. <sip:a@x>", "\"Alice B.\" <sip:a@x>"),
        ("\"\" <sip:a@x>", "<sip:a@x>"),
        ("\"A \\\"B\\\\\" <sip:a@x> ; q = 0.3", "\"A \\\"B\\\\\" <sip:a@x>;q=0.3"),
        ("\"a,b;c<d>\" <sip:a@x>", "\"a,b;c<d>\" <sip:a@x>"),
        ("<sip:a@x>;note=\"a;b\"", "<sip:a@x>;note=\"a;b\""),
        ("isbn:2983792873", "<isbn:2983792873>"),
    ];
    for (text, written) in cases {
        let read: NameAddr = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.to_string(), written, "{text}");
        assert_eq!(written.parse(), Ok(read), "{text}");
    }
    for text in [
        "",
        "Alice",
        "<sip:a@x",
        "\"Alice\" sip:a@x",
        "<sip:a@x> x",
        "<sip:a@x>;",
        "<sip:a@x>;t=",
        "< sip:a@x >",
        "\"a\nb\" <sip:a@x>",
        "\"a\\\n\" <sip:a@x>",
    ] {
        assert!(text.parse::<NameAddr>().is_err(), "{text}");
    }
}

#[test]
fn the_source_of_a_request_is_noted_in_its_via() {
    let cases = [
        ("the address it says", "192.0.2.7:5060", "SIP/2.0/UDP 192.0.2.7", "SIP/2.0/UDP 192.0.2.7"),
        (
            "another address",
            "203.0.113.9:1024",
            "SIP/2.0/UDP 192.0.2.7",
            "SIP/2.0/UDP 192.0.2.7;received=203.0.113.9",
        ),
        ("a name", "192.0.2.7:5060", "SIP/2.0/UDP pc.example", "SIP/2.0/UDP pc.example;received=192.0.2.7"),
        ("a lie", "192.0.2.7:5060", "SIP/2.0/UDP 192.0.2.7;received=203.0.113.9", "SIP/2.0/UDP 192.0.2.7"),
        (
            "rport asked for",
            "[2001:db8::7]:1024",
            "SIP/2.0/UDP [2001:db8::7];rport;branch=x",
            "SIP/2.0/UDP [2001:db8::7];rport=1024;branch=x;received=2001:db8::7",
        ),
    ];
    for (what, source, received, noted) in cases {
        let mut via: Via = received.parse().unwrap();
        let source: std::net::SocketAddr = source.parse().unwrap();
        via.note_source(source);
        assert_eq!(via.to_string(), noted, "{what}");
        assert!(via.received().is_none_or(|ip| ip == source.ip()), "{what}");
        assert!(via.rport().is_none_or(|port| port == source.port()), "{what}");
    }
}

#[test]
fn a_via_tells_its_transaction_and_its_port() {
    let via: Via = "SIP/2.0/TLS pc.example;branch=z9hG4bK-7;received=[2001:db8::9]".parse().unwrap();
    assert_eq!((via.branch(), via.unique_branch()), (Some("z9hG4bK-7"), Some("z9hG4bK-7")));
    assert_eq!((via.sent_by_port(), via.transport.is_reliable()), (5061, true));
    assert_eq!(via.received(), Some("2001:db8::9".parse().unwrap()));
    for branch in ["", ";branch=z9hG4bK", ";branch=7"] {
        assert_eq!(
            format!("SIP/2.0/UDP h{branch}").parse::<Via>().unwrap().unique_branch(),
            None,
            "{branch}"
        );
    }
    for text in [
        "SIP/2.0/UDP",
        "SIP/2.0 UDP h",
        "HTTP/2.0/UDP h",
        "SIP/1.0/UDP h",
        "SIP/2.0/UDPh",
        "SIP/2.0/UDP h,",
        "",
    ] {
        assert!(text.parse::<Via>().is_err(), "{text}");
    }
}
