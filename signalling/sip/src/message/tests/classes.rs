//! A message of our own for every class of RFC 4475 and RFC 5118, under the name that the standards give it.

use super::*;

/// A class, a message of it, and what must hold of what is read.
type Accepted = (&'static str, String, fn(&Message) -> bool);

fn assert_understood(cases: Vec<Accepted>) {
    for (class, text, holds) in cases {
        let read = Message::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{class}: {error}"));
        assert!(holds(&read), "{class}: {read:?}");
        assert_eq!(
            Message::parse(&written(&read)).map(|again| written(&again)),
            Ok(written(&read)),
            "{class}"
        );
    }
}

fn uri(message: &Message) -> &Uri {
    let Message::Request(request) = message else { panic!("{message:?}") };
    &request.uri
}

fn contact(message: &Message) -> NameAddr {
    message.headers().contact().unwrap().unwrap()
}

fn place(message: &Message) -> (String, Option<u16>) {
    let uri = uri(message).as_sip().unwrap();
    (uri.host.to_string(), uri.port)
}

fn toward(uri: &str) -> String {
    spoilt("sip:bob@home.example SIP", &format!("{uri} SIP"))
}

fn contacting(contact: &str) -> String {
    spoilt("<sip:alice@192.0.2.7>", contact)
}

fn via(via: &str) -> String {
    spoilt("SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK7;rport", via)
}

#[test]
fn the_syntax_that_is_valid_is_understood() {
    assert_understood(vec![
        (
            "wsinv",
            spoilt("Max-Forwards: 70", "MAX-forwards :\r\n\t 0070")
                .replace("From", "f")
                .replace("Call-ID:", "i  :"),
            |m| m.headers().max_forwards() == Ok(Some(70)) && m.headers().call_id() == Ok("1@192.0.2.7"),
        ),
        ("intmeth", INVITE.replace("INVITE", "!hop-1.*_%`'~+"), |m| {
            m.headers().cseq().unwrap().method.as_str() == "!hop-1.*_%`'~+"
        }),
        ("esc01", toward("sip:b%6Fb%2541@home.example;x=%2520"), |m| {
            uri(m).as_sip().unwrap().user_bytes().as_deref() == Some(b"bob%41")
                && uri(m).to_string().ends_with("x=%2520")
        }),
        ("escnull", contacting("<sip:%00a@x>, <sip:%00@x>"), |m| {
            let users = m
                .headers()
                .contacts()
                .unwrap()
                .into_iter()
                .map(|contact| contact.uri.as_sip().unwrap().user_bytes());
            users.eq([Some(b"\0a".to_vec()), Some(b"\0".to_vec())])
        }),
        ("esc02", INVITE.replace("INVITE", "INV%49TE").replace("Content-Type", "Content%2DType"), |m| {
            m.headers().content_type() == Ok(None)
                && m.headers().get(&"content%2dtype".parse().unwrap()).is_some()
        }),
    ]);
}

#[test]
fn the_syntax_that_is_valid_and_odd_is_understood() {
    assert_understood(vec![
        ("lwsdisp", spoilt("\"Alice\" <", "Alice<"), |m| {
            m.headers().from().unwrap().display.as_deref() == Some("Alice")
        }),
        ("longreq", spoilt("1@192", &"1".repeat(9_000)), |m| m.headers().call_id().unwrap().len() > 9_000),
        (
            "dblreq",
            format!("{INVITE}{INVITE}"),
            |m| matches!(m, Message::Request(request) if request.body == b"v=0"),
        ),
        ("semiuri", toward("sip:bob;day=tuesday%40home@home.example"), |m| {
            let uri = uri(m).as_sip().unwrap();
            uri.user() == Some("bob;day=tuesday%40home") && uri.params == UriParams::new()
        }),
        (
            "transports",
            via("SIP/2.0/UDP a, SIP/2.0/SCTP b, SIP/2.0/TLS c, SIP/2.0/PIGEON d, SIP/2.0/TCP e"),
            |m| {
                m.headers().vias().unwrap().iter().map(|via| via.transport.as_str().len()).eq([3, 4, 3, 6, 3])
            },
        ),
        (
            "mpart01",
            spoilt("application/sdp", "multipart/mixed;boundary=b")
                .replace("3\r\n\r\nv=0", "25\r\n\r\n--b\r\n\r\n\0\n\r\u{1}plain\r\n--b--\r\n"),
            |m| {
                let Message::Request(request) = m else { return false };
                Part::read(&request.headers, &request.body).unwrap().parts[0].body == b"\0\n\r\x01plain"
            },
        ),
        (
            "unreason",
            OK.replace("200 OK", "200 = 2**3 * 5² но так"),
            |m| matches!(m, Message::Response(response) if response.reason == "= 2**3 * 5² но так"),
        ),
        (
            "noreason",
            OK.replace("200 OK", "100 "),
            |m| matches!(m, Message::Response(response) if response.reason.is_empty()),
        ),
    ]);
}

#[test]
fn what_only_its_meaning_makes_unusable_is_left_to_its_user() {
    assert_understood(vec![
        ("badbranch", via("SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK"), |m| {
            m.headers().via().unwrap().unique_branch().is_none()
        }),
        ("unkscm", toward("nobody:knows"), |m| uri(m).scheme() == "nobody"),
        ("novelsc", toward("soap.beep://192.0.2.7:3002"), |m| {
            uri(m).to_string() == "soap.beep://192.0.2.7:3002"
        }),
        ("unksm2", spoilt("<sip:bob@home.example>", "<isbn:2983792873>"), |m| {
            m.headers().to().unwrap().uri.scheme() == "isbn"
        }),
        ("bext01", spoilt("To:", "Require: nobodyDoesThis\r\nProxy-Require: nobody\r\nTo:"), |m| {
            m.headers().require() == Ok(vec!["nobodyDoesThis"])
                && m.headers().tokens(&HeaderName::ProxyRequire) == Ok(vec!["nobody"])
        }),
        ("invut", spoilt("application/sdp", "application/unheard-of"), |m| {
            m.headers().content_type().unwrap().unwrap().is("application", "unheard-of")
        }),
        ("regaut01", spoilt("To:", "Authorization: Odd opaque=\"x\", y=z\r\nTo:"), |m| {
            m.headers().credentials(false).unwrap()[0].is("odd")
        }),
        ("bcast", OK.replace("192.0.2.7:5060", "255.255.255.255"), |m| {
            m.headers().via().unwrap().host.to_string() == "255.255.255.255"
        }),
        ("zeromf", spoilt("70", "0"), |m| m.headers().max_forwards() == Ok(Some(0))),
        ("cparam01", contacting("sip:alice@x;unheardof"), |m| contact(m).params.has("unheardof")),
        ("cparam02", contacting("<sip:alice@x;unheardof>"), |m| {
            !contact(m).params.has("unheardof") && contact(m).uri.as_sip().unwrap().params.has("unheardof")
        }),
        ("regescrt", contacting("<sip:alice@x?Route=%3Csip:p%3E>"), |m| {
            contact(m).uri.to_string() == "sip:alice@x?Route=%3Csip:p%3E"
        }),
        ("sdp01", spoilt("To:", "Accept: text/unheard-of\r\nTo:"), |m| {
            m.headers().get(&HeaderName::Accept) == Some("text/unheard-of")
        }),
        (
            "inv2543",
            spoilt(";branch=z9hG4bK7;rport", "")
                .replace("Max-Forwards: 70\r\n", "")
                .replace(";tag=a1", "")
                .replace("Content-Length: 3\r\n", ""),
            |m| {
                m.headers().from().unwrap().tag().is_none()
                    && matches!(m, Message::Request(request) if request.body == b"v=0")
            },
        ),
        ("baddate", spoilt("To:", "Date: Someday, 32 Foo 2010 25:00:00 EST\r\nTo:"), |m| {
            m.headers().get(&HeaderName::Date).is_some()
        }),
    ]);
}

#[test]
fn ipv6_is_understood_everywhere() {
    let received = |m: &Message| m.headers().via().unwrap().received();
    assert!(received(&Message::parse(OK.as_bytes()).unwrap()).is_some());
    assert_understood(vec![
        ("ipv6-good", toward("sip:bob@[2001:db8::10]"), |m| place(m) == ("[2001:db8::10]".into(), None)),
        ("port-ambiguous", toward("sip:bob@[2001:db8::10:5070]"), |m| {
            place(m) == ("[2001:db8::10:5070]".into(), None)
        }),
        ("port-unambiguous", toward("sip:bob@[2001:db8::10]:5070"), |m| {
            place(m) == ("[2001:db8::10]".into(), Some(5070))
        }),
        ("via-received-param-with-delim", via("SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:2]"), |m| {
            m.headers().via().unwrap().received() == "2001:db8::9:2".parse().ok()
        }),
        ("via-received-param-no-delim", via("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:2"), |m| {
            m.headers().via().unwrap().received() == "2001:db8::9:2".parse().ok()
        }),
        (
            "ipv6-in-sdp",
            spoilt("3\r\n\r\nv=0", "23\r\n\r\nc=IN IP6 2001:db8::7\r\n\r\n"),
            |m| matches!(m, Message::Request(request) if request.body.starts_with(b"c=IN IP6")),
        ),
        (
            "mult-ip-in-header",
            via("SIP/2.0/UDP [2001:db8::9:1];received=192.0.2.9, SIP/2.0/UDP 192.0.2.7"),
            |m| m.headers().vias().unwrap()[0].received() == "192.0.2.9".parse().ok(),
        ),
        (
            "mult-ip-in-sdp",
            spoilt("3\r\n\r\nv=0", "42\r\n\r\nc=IN IP4 192.0.2.7\r\nc=IN IP6 2001:db8::7\r\n"),
            |m| matches!(m, Message::Request(request) if request.body.len() == 42),
        ),
        ("ipv4-mapped-ipv6", via("SIP/2.0/UDP [::ffff:192.0.2.10]:19823"), |m| {
            m.headers().via().unwrap().host.to_string() == "[::ffff:192.0.2.10]"
        }),
        ("ipv6-bug-abnf-3-colons", toward("sip:bob@[2001:db8:::192.0.2.1]"), |m| {
            place(m).0 == "[2001:db8::c000:201]"
        }),
        ("ipv6-correct-abnf-2-colons", toward("sip:bob@[2001:db8::192.0.2.1]"), |m| {
            place(m).0 == "[2001:db8::c000:201]"
        }),
    ]);
}

#[test]
fn what_is_invalid_is_refused_as_the_standards_recommend() {
    let repeated = [
        "Call-ID: 2@x\r\n",
        "To: <sip:c@x>\r\n",
        "From: <sip:d@x>;tag=2\r\n",
        "CSeq: 2 INVITE\r\n",
        "Max-Forwards: 8\r\n",
    ];
    let cases = [
        ("badinv01", via("SIP/2.0/UDP 192.0.2.7;;,;,,"), Some(400)),
        ("clerr", spoilt("Length: 3", "Length: 9999"), Some(400)),
        ("ncl", spoilt("Length: 3", "Length: -999"), Some(400)),
        ("scalar02", spoilt("CSeq: 1", "CSeq: 36893488147419103232"), Some(400)),
        ("scalarlg", OK.replace("CSeq: 1", "CSeq: 9292394834772304023312"), None),
        ("quotbal", spoilt("<sip:bob@home.example>", "\"Bob <sip:bob@home.example>"), Some(400)),
        ("ltgtruri", toward("<sip:bob@home.example>"), Some(400)),
        ("lwsruri", toward("sip:bob@home.example; lr"), Some(400)),
        ("lwsstart", spoilt("INVITE sip:", "INVITE  sip:"), Some(400)),
        ("trws", spoilt("SIP/2.0\r\nVia", "SIP/2.0  \r\nVia"), Some(400)),
        ("escruri", toward("sip:bob@home.example?Route=%3Csip:p%3E"), Some(400)),
        ("regbadct", contacting("sip:alice@x?Route=%3Csip:p%3E"), Some(400)),
        ("badaspec", spoilt("<sip:bob@home.example>", "\"Bob\" < sip:bob@home.example >"), Some(400)),
        ("baddn", spoilt("\"Alice\"", "Alice, Liddell"), Some(400)),
        ("badvers", spoilt("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"), Some(505)),
        ("mismatch01", spoilt("1 INVITE", "1 OPTIONS"), Some(400)),
        ("mismatch02", spoilt("INVITE sip", "JUMP sip"), Some(501)),
        ("bigcode", OK.replace("200 OK", "4294967301 better"), None),
        (
            "insuf",
            spoilt("From: \"Alice\" <sip:alice@visited.example>;tag=a1\r\n", "")
                .replace("Call-ID: 1@192.0.2.7\r\n", ""),
            Some(400),
        ),
        ("multi01", spoilt("Contact", &(repeated.concat() + "Contact")), Some(400)),
        ("mcl01", spoilt("Content-Length: 3", "Content-Length: 3\r\nContent-Length: 5"), Some(400)),
        ("ipv6-bad", toward("sip:bob@2001:db8::10"), Some(400)),
    ];
    for (class, text, status) in cases {
        let refused = Message::parse(text.as_bytes()).expect_err(class);
        assert_eq!(
            refused.rejection.map(|rejection| rejection.status.code()),
            status,
            "{class}: {}",
            refused.kind
        );
    }
}
