use std::net::SocketAddr;

use rove_base::{Entropy, Flow, StreamId, Transport};

use super::{Copy, Ours, Passage, Target, Tokens};
use crate::{
    message::{HeaderName, Message, Request},
    transaction::Keyed,
    transport::{Hop, LocalAddress},
};

fn tokens() -> Tokens {
    Tokens::new(Keyed::new(&mut Entropy::from_number(1)))
}

fn ours() -> Ours {
    let addresses = vec![
        LocalAddress::udp(addr("192.0.2.1:5060")),
        LocalAddress { transport: Transport::Wss, address: addr("[2001:db8::1]:443") },
    ];
    Ours { addresses, domains: vec!["home.example".parse().unwrap()] }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn invite(uri: &str, lines: &str) -> Request {
    let text = format!(
        "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:a@x.example>;tag=1\r\nTo: <sip:b@home.example>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n{lines}\r\n"
    );
    match Message::parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn routes(request: &Request) -> Vec<String> {
    request.headers.all(&HeaderName::Route).map(str::to_owned).collect()
}

#[test]
fn flows_are_read_back_from_their_tokens_and_every_change_shows() {
    let (one, two) = (addr("192.0.2.1:5060"), addr("198.51.100.7:40000"));
    let six = (addr("[2001:db8::1]:443"), addr("[2001:db8::7]:40000"));
    let hops = [
        Hop::udp(one, two),
        Hop::toward(Transport::Tcp, one, two),
        Hop::stream(StreamId(u64::MAX), Transport::Wss, six.0, six.1),
        Hop::stream(StreamId(7), Transport::Tls, one, two),
    ];
    for hop in hops {
        let token = tokens().flow(&hop);
        assert_eq!(tokens().read_flow(&token), Some(hop), "{token}");
        for at in 0..token.len() {
            let other = if &token[at..=at] == "A" { "B" } else { "A" };
            let forged = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert_eq!(tokens().read_flow(&forged), None, "{forged}");
        }
    }
    let others = Tokens::new(Keyed::new(&mut Entropy::from_number(2)));
    assert_eq!(others.read_flow(&tokens().flow(&hops[0])), None, "another server's");
    assert!(matches!(hops[2].flow, Flow::Stream(_)));
}

#[test]
fn our_routes_are_taken_off_and_those_of_others_stay() {
    let dialog = tokens().dialog("one");
    let flow = Hop::udp(addr("192.0.2.1:5060"), addr("198.51.100.7:40000"));
    let token = tokens().flow(&flow);
    type Case<'a> = (&'a str, String, &'a [&'a str], bool, Option<Hop>, bool);
    let cases: &[Case<'_>] = &[
        ("none", String::new(), &[], false, None, false),
        ("another's", "Route: <sip:192.0.2.5;lr>\r\n".into(), &["<sip:192.0.2.5;lr>"], false, None, false),
        (
            "ours above another's",
            "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.5;lr>\r\n".into(),
            &["<sip:192.0.2.5;lr>"],
            false,
            None,
            false,
        ),
        (
            "ours below another's",
            "Route: <sip:192.0.2.5;lr>\r\nRoute: <sip:192.0.2.1;lr>\r\n".into(),
            &["<sip:192.0.2.5;lr>", "<sip:192.0.2.1;lr>"],
            false,
            None,
            false,
        ),
        ("our domain", "Route: <sip:home.example;lr>\r\n".into(), &[], false, None, false),
        ("a dialog of ours", format!("Route: <sip:192.0.2.1;lr;d={dialog}>\r\n"), &[], true, None, false),
        ("a dialog that is not", "Route: <sip:192.0.2.1;lr;d=00>\r\n".into(), &[], false, None, true),
        (
            "both sides of us, the last with a flow",
            format!("Route: <sip:192.0.2.1;lr;d={dialog}>, <sip:{token}@192.0.2.1;lr;d={dialog}>\r\n"),
            &[],
            true,
            Some(flow),
            false,
        ),
        (
            "a flow that is none",
            format!("Route: <sip:AAAA@192.0.2.1;lr;d={dialog}>\r\n"),
            &[],
            true,
            None,
            true,
        ),
    ];
    for (what, lines, left, inside, flow, forged) in cases {
        let mut request = invite("sip:b@192.0.2.77", lines);
        let routed = ours().preprocess(&mut request, &tokens());
        assert_eq!(routes(&request), *left, "{what}");
        assert_eq!((routed.inside, routed.flow, routed.forged), (*inside, *flow, *forged), "{what}");
        assert_eq!(request.uri.to_string(), "sip:b@192.0.2.77", "{what}");
    }
}

/// RFC 3261 §16.12.1.2.
#[test]
fn strict_routers_on_either_side_are_understood() {
    let dialog = tokens().dialog("one");
    let mut request = invite(
        &format!("sip:192.0.2.1;lr;d={dialog}"),
        "Route: <sip:192.0.2.5;lr>\r\nRoute: <sip:b@192.0.2.77>\r\n",
    );
    let routed = ours().preprocess(&mut request, &tokens());
    assert!(routed.inside);
    assert_eq!(
        (request.uri.to_string().as_str(), routes(&request)),
        ("sip:b@192.0.2.77", vec!["<sip:192.0.2.5;lr>".to_owned()])
    );

    let request = invite("sip:b@192.0.2.77", "Route: <sip:192.0.2.6>\r\nRoute: <sip:192.0.2.5;lr>\r\n");
    let copy = Copy::of(&request, &Target::at(request.uri.clone(), None, 0));
    assert_eq!(copy.request.uri.to_string(), "sip:192.0.2.6");
    assert_eq!(routes(&copy.request), ["<sip:192.0.2.5;lr>", "<sip:b@192.0.2.77>"]);
    assert_eq!(copy.request.headers.max_forwards(), Ok(Some(69)));
}

#[test]
fn one_record_route_stands_for_one_side_and_two_where_the_sides_differ() {
    let (here, caller, callee) = (addr("192.0.2.1:5060"), addr("192.0.2.9:5060"), addr("192.0.2.77:5060"));
    let socket =
        Hop::stream(StreamId(1), Transport::Wss, addr("[2001:db8::1]:443"), addr("[2001:db8::7]:4000"));
    let cases: &[(&str, Hop, bool, Option<Hop>, usize)] = &[
        ("both by datagrams", Hop::udp(here, caller), false, None, 1),
        ("another transport ahead", Hop::udp(here, caller), false, Some(socket), 2),
        ("a browser behind", socket, true, None, 2),
        ("a caller behind a translator", Hop::udp(here, caller), true, None, 2),
    ];
    for (what, from, bound, flow, count) in cases {
        let request = invite("sip:b@192.0.2.77", "");
        let passage = Passage {
            ours: &ours(),
            tokens: &tokens(),
            from: *from,
            bound: *bound,
            record: true,
            mark: 1,
            hidden: false,
        };
        let copy = Copy::of(&request, &Target::at(request.uri.clone(), *flow, 0));
        let hop = flow.unwrap_or(Hop::udp(here, callee));
        let leave = copy.leave(&passage, hop, 7);
        let records = leave.request.headers.record_routes().unwrap();
        assert_eq!(records.len(), *count, "{what}");
        for record in &records {
            let uri = record.uri.as_sip().unwrap();
            assert!(uri.is_loose_router() && ours().is_here(uri), "{what}: {uri}");
        }
        let behind = records.last().unwrap().uri.as_sip().unwrap();
        assert_eq!(behind.user().and_then(|user| tokens().read_flow(user)), bound.then_some(*from), "{what}");
        assert!(
            leave.request.headers.via().unwrap().branch().unwrap().starts_with("z9hG4bK0000000000000007.")
        );
    }
}
