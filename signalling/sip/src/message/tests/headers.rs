use super::*;

fn headers(lines: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    lines.iter().for_each(|(name, value)| headers.push(name.parse().unwrap(), *value));
    headers
}

fn text(headers: &Headers) -> String {
    headers.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_list_of_headers_keeps_its_order_while_it_changes() {
    let mut list = headers(&[("X-a", "1"), ("Via", "2"), ("v", "3"), ("x-A", "4")]);
    assert_eq!(text(&list), "X-a=1 Via=2 Via=3 x-A=4");
    assert_eq!(list.all(&"X-A".parse().unwrap()).collect::<Vec<_>>(), ["1", "4"]);
    list.prepend(HeaderName::Via, "0");
    list.prepend(HeaderName::Route, "r");
    list.set("X-A".parse().unwrap(), "5");
    list.set(HeaderName::To, "t");
    assert_eq!(text(&list), "Route=r X-a=5 Via=0 Via=2 Via=3 To=t");
    list.remove(&HeaderName::Via);
    assert_eq!((text(&list).as_str(), list.len()), ("Route=r X-a=5 To=t", 3));
}

#[test]
fn every_name_is_known_by_its_compact_form_too() {
    let pairs = [
        ("i", "Call-ID"),
        ("m", "Contact"),
        ("e", "Content-Encoding"),
        ("l", "Content-Length"),
        ("c", "Content-Type"),
        ("f", "From"),
        ("s", "Subject"),
        ("k", "Supported"),
        ("t", "To"),
        ("v", "Via"),
        ("o", "Event"),
        ("u", "Allow-Events"),
        ("r", "Refer-To"),
        ("b", "Referred-By"),
        ("x", "Session-Expires"),
    ];
    for (compact, long) in pairs {
        let name: HeaderName = compact.to_uppercase().parse().unwrap();
        assert_eq!((name.clone(), name.as_str()), (long.to_lowercase().parse().unwrap(), long));
    }
    for text in ["", "a b", "a:b", "ä"] {
        assert!(text.parse::<HeaderName>().is_err(), "{text}");
    }
}

#[test]
fn headers_are_read_as_what_they_mean() {
    let list = headers(&[
        ("Require", "100rel , timer"),
        ("Require", "x"),
        ("Supported", ""),
        ("Allow", "INVITE,ACK, JUMP"),
        ("Expires", "99999999999999999999"),
        ("Retry-After", "120 (busy);duration=60"),
        ("Warning", "399 host.example \"no \\\"codec\\\"\", 301 x \"y\""),
        ("Content-Type", "Application / SDP;v=1"),
        ("Route", "<sip:p1;lr>,<sip:p2;lr>"),
        ("Route", "<sip:p3>"),
    ]);
    assert_eq!(list.require(), Ok(vec!["100rel", "timer", "x"]));
    assert_eq!(list.supported(), Ok(vec![]));
    let jump: Method = "JUMP".parse().unwrap();
    assert_eq!(list.allow(), Ok(vec![Method::Invite, Method::Ack, jump]));
    assert_eq!((list.expires(), list.retry_after()), (Ok(Some(u32::MAX)), Ok(Some(120))));
    let warning = list.warning().unwrap().unwrap();
    assert_eq!((warning.code, warning.text.as_str()), (399, "no \"codec\""));
    assert_eq!(warning.to_string(), "399 host.example \"no \\\"codec\\\"\"");
    assert!(list.content_type().unwrap().unwrap().is("application", "sdp"));
    let routes: Vec<_> = list.routes().unwrap().iter().map(|route| route.uri.to_string()).collect();
    assert_eq!(routes, ["sip:p1;lr", "sip:p2;lr", "sip:p3"]);
    assert_eq!((list.max_forwards(), list.contact(), list.record_routes()), (Ok(None), Ok(None), Ok(vec![])));
    assert_eq!(list.via(), Err(HeaderError::Missing(HeaderName::Via)));
}

#[test]
fn the_star_of_a_contact_stands_for_all_bindings() {
    let star = headers(&[("Contact", "*")]);
    assert!(star.is_wildcard_contact());
    assert_eq!(star.contacts(), Ok(vec![]));
    let both = headers(&[("Contact", "*"), ("Contact", "<sip:a@x>")]);
    assert!(!both.is_wildcard_contact() && both.contacts().is_err());
}

#[test]
fn the_topmost_via_is_replaced_and_the_others_stay() {
    let mut list = headers(&[("To", "t"), ("Via", "SIP/2.0/UDP a, SIP/2.0/UDP b"), ("Via", "SIP/2.0/UDP c")]);
    let top = "SIP/2.0/UDP z".parse().unwrap();
    list.replace_top_via(&top).unwrap();
    assert_eq!(text(&list), "To=t Via=SIP/2.0/UDP z Via=SIP/2.0/UDP b Via=SIP/2.0/UDP c");
}
