use super::*;

/// [`INVITE`] as an old proxy may have written it: compact, spaced and folded.
const ODD: &str = "INVITE sip:bob@home.example SIP/2.0\r\n\
    v : SIP / 2.0 / UDP\r\n 192.0.2.7 : 5060 ;\r\n\tbranch = z9hG4bK7 ; rport\r\n\
    max-FORWARDS:\r\n  70 \r\n \r\n\
    f: \"Alice\r\n Liddell\" <sip:alice@visited.example>\r\n ;\r\n tag=a1\r\n\
    t: Bob\r\n\tB. <sip:bob@home.example>\r\n\
    i: 1@192.0.2.7\r\n\
    cseq: 1\r\n\tINVITE\r\n\
    Route: <sip:p1.example;lr>,\r\n <sip:p2.example;lr>\r\n\
    X-Note:   a \r\n  b\r\n\
    l: 3\r\n\r\nv=0";

#[test]
fn what_routing_needs_is_read_from_a_plain_and_from_an_odd_message() {
    for (text, route) in [(INVITE, None), (ODD, Some("p1.example"))] {
        let mut table = HeaderTable::new();
        let view = MessageView::parse(text.as_bytes(), &mut table).unwrap();
        let routing = view.routing().unwrap();
        assert_eq!(view.method(), Some("INVITE"));
        assert_eq!(routing.uri.unwrap().host(), Some((HostView::Domain("home.example"), None)));
        assert_eq!((routing.via.transport, routing.via.port), ("UDP", Some(5060)));
        assert_eq!(routing.via.host.ip(), Some([192, 0, 2, 7].into()));
        assert_eq!(routing.via.unique_branch(), Some("z9hG4bK7"));
        assert!(routing.via.params.has("RPORT") && routing.via.params.get("rport").is_none());
        assert_eq!((routing.call_id, routing.max_forwards), ("1@192.0.2.7", Some(70)));
        assert_eq!(routing.cseq, CSeqView { number: 1, method: "INVITE" });
        assert_eq!((routing.from_tag, routing.to_tag), (Some("a1"), None));
        let host = routing.route.map(|uri| uri.host().unwrap().0);
        assert_eq!(host, route.map(HostView::Domain));
        assert_eq!(view.body(), b"v=0");
    }
}

#[test]
fn folds_are_one_space_when_a_value_is_asked_for_and_nothing_is_copied_without_them() {
    let mut table = HeaderTable::new();
    let view = MessageView::parse(ODD.as_bytes(), &mut table).unwrap();
    assert_eq!(view.get(&"x-note".parse().unwrap()).as_deref(), Some("a b"));
    assert_eq!(view.from().unwrap().display().as_deref(), Some("Alice Liddell"));
    assert_eq!(view.to().unwrap().display().as_deref(), Some("Bob B."));
    let value = view.get(&HeaderName::CallId);
    assert!(matches!(value, Some(std::borrow::Cow::Borrowed("1@192.0.2.7"))));
    assert_eq!(view.headers().map(|(name, _)| name).collect::<String>(), "vmax-FORWARDSfticseqRouteX-Notel");
    let owned = Message::try_from(&view).unwrap();
    let mut values = owned.headers().iter().map(|(_, value)| value);
    assert!(values.all(|value| !value.contains(['\r', '\n'])));
    assert_eq!(
        owned.headers().get(&HeaderName::Via),
        Some("SIP / 2.0 / UDP 192.0.2.7 : 5060 ; branch = z9hG4bK7 ; rport")
    );
}

#[test]
fn a_table_that_was_used_before_shows_nothing_of_it() {
    let mut table = HeaderTable::new();
    MessageView::parse(ODD.as_bytes(), &mut table).unwrap();
    let view = MessageView::parse(OK.as_bytes(), &mut table).unwrap();
    assert_eq!((view.len(), view.is_empty()), (6, false));
    assert_eq!((view.route(), view.max_forwards(), view.method()), (Ok(None), Ok(None), None));
    assert_eq!(view.start(), StartView::Response { status: StatusCode::OK, reason: "OK" });
    assert_eq!(view.to_tag(), Ok(Some("b1")));
}

#[test]
fn a_flaw_that_shows_when_a_header_is_read_is_refused_in_the_same_way() {
    let text = spoilt("branch=z9hG4bK7", "branch=");
    let mut table = HeaderTable::new();
    let view = MessageView::parse(text.as_bytes(), &mut table).unwrap();
    let kind = view.routing().unwrap_err();
    assert_eq!(Err(view.refuse(kind)), Message::parse(text.as_bytes()));
    let repeated = spoilt("Call-ID: ", "i: 2\r\nCall-ID: ");
    let mut table = HeaderTable::new();
    let view = MessageView::parse(repeated.as_bytes(), &mut table).unwrap();
    assert_eq!(view.call_id(), Err(HeaderError::Repeated(HeaderName::CallId)));
}

#[test]
fn every_known_name_is_found_in_any_case_and_no_other() {
    let names = HeaderName::all().collect::<Vec<_>>();
    assert!(names.len() > 80);
    for name in names {
        let text = name.as_str();
        for spelling in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
            assert_eq!(spelling.parse::<HeaderName>().as_ref(), Ok(name), "{spelling}");
        }
        let (mut longer, mut other) =
            (text.to_owned(), text.replacen(|c: char| c.is_ascii_alphabetic(), "~", 1));
        longer.push('x');
        other.make_ascii_lowercase();
        for text in [longer, other] {
            assert!(matches!(text.parse(), Ok(HeaderName::Other(_))), "{text}");
        }
    }
}
