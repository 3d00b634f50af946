use super::*;
use crate::message::{Message, StatusCode};

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    From: \"A\" <sip:alice@192.0.2.1>;tag=a\r\nTo: <sip:bob@example.com>\r\nCall-ID: 1\r\nCSeq: 41 INVITE\r\n";

fn hop() -> Hop {
    Hop::udp("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5062".parse().unwrap())
}

fn invite(lines: &str) -> Request {
    match Message::parse(format!("{INVITE}{lines}\r\n").as_bytes()).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a request"),
    }
}

/// The caller's end of a dialog whose 200 had these headers.
fn caller(lines: &[(HeaderName, &str)]) -> Dialog {
    let invite = invite("");
    let mut response = invite.response(StatusCode::OK);
    response.headers.set(HeaderName::To, "<sip:bob@example.com>;tag=b");
    for (name, value) in lines {
        response.headers.push(name.clone(), *value);
    }
    Dialog::of_caller(&invite, &response, hop()).unwrap()
}

#[test]
fn requests_count_on_from_the_invite_and_ack_counts_as_the_invite() {
    let mut dialog = caller(&[(HeaderName::Contact, "<sip:b@192.0.2.9>")]);
    let cseq = |request: &Request| request.headers.get(&HeaderName::CSeq).unwrap().to_owned();
    assert_eq!(cseq(&dialog.ack()), "41 ACK");
    assert_eq!(cseq(&dialog.request(Method::Bye)), "42 BYE");
    assert_eq!(cseq(&dialog.request(Method::Invite)), "43 INVITE");
}

#[test]
fn both_ends_name_each_other() {
    let mut dialog = caller(&[(HeaderName::Contact, "<sip:b@192.0.2.9>")]);
    assert!(dialog.is_with("1", "b") && !dialog.is_with("1", "c") && !dialog.is_with("2", "b"));
    let bye = dialog.request(Method::Bye);
    assert_eq!(bye.headers.get(&HeaderName::From), Some("\"A\" <sip:alice@192.0.2.1>;tag=a"));
    assert_eq!(bye.headers.get(&HeaderName::To), Some("<sip:bob@example.com>;tag=b"));

    let mut dialog = Dialog::of_callee(&invite("Contact: <sip:a@192.0.2.1>\r\n"), "b", hop()).unwrap();
    assert!(dialog.is_with("1", "a"));
    let bye = dialog.request(Method::Bye);
    assert_eq!(bye.headers.get(&HeaderName::From), Some("<sip:bob@example.com>;tag=b"));
    assert_eq!(bye.headers.get(&HeaderName::To), Some("\"A\" <sip:alice@192.0.2.1>;tag=a"));
    assert_eq!(bye.headers.get(&HeaderName::CSeq), Some("1 BYE"));
}

#[test]
fn an_invite_without_contact_makes_no_dialog() {
    let error = Dialog::of_callee(&invite(""), "b", hop()).unwrap_err();
    assert_eq!(error, HeaderError::Missing(HeaderName::Contact));
}

#[test]
fn numbers_of_the_other_end_may_leap_but_not_fall() {
    let mut dialog = Dialog::of_callee(&invite("Contact: <sip:a@192.0.2.1>\r\n"), "b", hop()).unwrap();
    let seen = [42, 42, 50, 49, u32::MAX, 0].map(|number| dialog.in_order(number));
    assert_eq!(seen, [true, true, true, false, true, false]);
    assert!(caller(&[]).in_order(0), "the caller has seen none yet");
}

#[test]
fn requests_go_to_the_first_router_or_the_target_or_where_the_dialog_was_made() {
    let local = ["0.0.0.0:9", "[2001:db8::1]:5060"].map(|text| LocalAddress::udp(text.parse().unwrap()));
    let cases = [
        ("the target", "<sip:b@192.0.2.9:5066>", "", "192.0.2.1:5060", "192.0.2.9:5066"),
        ("the default port", "<sip:b@192.0.2.9>", "", "192.0.2.1:5060", "192.0.2.9:5060"),
        ("a router", "<sip:b@10.0.0.1>", "<sip:192.0.2.8:7;lr>", "192.0.2.1:5060", "192.0.2.8:7"),
        ("a host name", "<sip:b@host.example>", "", "192.0.2.1:5060", "192.0.2.2:5062"),
        ("another family", "<sip:b@[2001:db8::9]>", "", "[2001:db8::1]:5060", "[2001:db8::9]:5060"),
        ("nowhere", "<sip:b@0.0.0.0>", "", "192.0.2.1:5060", "192.0.2.2:5062"),
        ("everywhere", "<sip:b@224.0.1.75>", "", "192.0.2.1:5060", "192.0.2.2:5062"),
        ("not SIP", "<tel:+15551234>", "", "192.0.2.1:5060", "192.0.2.2:5062"),
    ];
    for (what, contact, route, from, to) in cases {
        let mut lines = vec![(HeaderName::Contact, contact)];
        if !route.is_empty() {
            lines.push((HeaderName::RecordRoute, route));
        }
        let hop = caller(&lines).next_hop(&local);
        assert_eq!((hop.local, hop.remote), (from.parse().unwrap(), to.parse().unwrap()), "{what}");
    }
    let v6 = caller(&[(HeaderName::Contact, "<sip:b@[2001:db8::9]>")]);
    assert_eq!(v6.next_hop(&[]), hop(), "no address of that family to send from");
}

#[test]
fn over_a_stream_requests_go_where_the_target_listens_or_along_the_stream() {
    let local = [LocalAddress::udp("192.0.2.1:5060".parse().unwrap())];
    let came: SocketAddr = "192.0.2.2:40000".parse().unwrap();
    let (tcp, wss) = (Transport::Tcp, Transport::Wss);
    let cases = [
        ("where it listens", tcp, "<sip:b@192.0.2.2:5070;transport=tcp>", tcp, "192.0.2.2:5070", false),
        ("the stream itself", tcp, "<sip:b@192.0.2.2:40000;transport=tcp>", tcp, "192.0.2.2:40000", true),
        ("no transport: its stream", tcp, "<sip:b@192.0.2.2>", tcp, "192.0.2.2:5060", true),
        ("another host", tcp, "<sip:b@192.0.2.9>", Transport::Udp, "192.0.2.9:5060", false),
        (
            "datagrams, as it asks",
            tcp,
            "<sip:b@192.0.2.2;transport=udp>",
            Transport::Udp,
            "192.0.2.2:5060",
            false,
        ),
        ("a secure target", tcp, "<sips:b@192.0.2.9>", Transport::Tls, "192.0.2.9:5061", false),
        ("a browser", wss, "<sip:b@random.invalid;transport=ws>", wss, "192.0.2.2:40000", true),
        ("a client of WebSockets", wss, "<sip:b@192.0.2.2:9;transport=ws>", wss, "192.0.2.2:9", true),
    ];
    for (what, transport, contact, over, to, along) in cases {
        let hop = Hop::stream(rove_base::StreamId(1), transport, "192.0.2.1:5060".parse().unwrap(), came);
        let dialog = Dialog::of_callee(&invite(&format!("Contact: {contact}\r\n")), "b", hop).unwrap();
        let next = dialog.next_hop(&local);
        assert_eq!((next.transport, next.remote), (over, to.parse().unwrap()), "{what}");
        assert_eq!(next.flow == hop.flow, along, "{what}");
    }
}

#[test]
fn a_link_local_peer_keeps_its_scope() {
    let remote = SocketAddr::V6(std::net::SocketAddrV6::new("fe80::2".parse().unwrap(), 5062, 0, 7));
    let hop = Hop::udp("[fe80::1]:5060".parse().unwrap(), remote);
    let dialog = Dialog::of_callee(&invite("Contact: <sip:a@[fe80::2]:5070>\r\n"), "b", hop).unwrap();
    let hop = dialog.next_hop(&[]);
    assert_eq!(
        hop.remote,
        SocketAddr::V6(std::net::SocketAddrV6::new("fe80::2".parse().unwrap(), 5070, 0, 7))
    );
}

#[test]
fn headers_in_a_contact_do_not_reach_the_request_line() {
    let dialog = caller(&[(HeaderName::Contact, "<sip:b@192.0.2.9?Subject=x>")]);
    assert_eq!(dialog.ack().uri.to_string(), "sip:b@192.0.2.9");
}
