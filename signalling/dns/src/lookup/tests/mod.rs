mod order;
mod scripted;
mod trouble;
mod walking;

use core::time::Duration;
use std::net::SocketAddr;

use hickory_proto::rr::RecordType;
use rove_base::Transport;

use super::{LookupError, Query};
use scripted::{Desk, V4, addresses, zone};

fn query(host: &str) -> Query {
    Query { host: host.to_owned(), port: None, transport: None, secure: false }
}

#[test]
fn an_address_and_localhost_stand_for_themselves_and_nobody_is_asked() {
    let cases: &[(&str, Option<u16>, &[&str])] = &[
        ("192.0.2.1", None, &["192.0.2.1:5060"]),
        ("192.0.2.1", Some(5070), &["192.0.2.1:5070"]),
        ("[2001:db8::1]", None, &["[2001:db8::1]:5060"]),
        ("2001:db8::1", Some(1), &["[2001:db8::1]:1"]),
        ("LocalHost.", None, &["[::1]:5060", "127.0.0.1:5060"]),
        ("bob.localhost", Some(7), &["[::1]:7", "127.0.0.1:7"]),
    ];
    for &(host, port, expected) in cases {
        let mut desk = Desk::new(zone(""));
        desk.resolver.sip(desk.now, Query { host: host.to_owned(), port, transport: None, secure: false });
        assert_eq!(addresses(&desk.finish()), expected, "{host}");
        assert_eq!(desk.asked, Vec::<String>::new(), "{host}");
    }
}

#[test]
fn every_way_of_rfc3263_section_4_leads_to_its_candidates() {
    let all = "bob.example NAPTR 10 10 s SIP+D2T _sip._tcp.bob.example
        bob.example NAPTR 20 10 s SIP+D2U _sip._udp.pool.example
        _sip._udp.pool.example SRV 10 0 5080 a.pool.example
        a.pool.example A 192.0.2.1
        a.pool.example AAAA 2001:db8::1
        _sip._udp.bob.example SRV 10 0 5090 a.pool.example
        bob.example A 192.0.2.9";
    let udp = Some(Transport::Udp);
    let without = |left_out: &str| -> String {
        all.lines().filter(|line| !line.contains(left_out)).collect::<Vec<_>>().join("\n")
    };
    type Case<'a> = (&'a str, String, Option<u16>, Option<Transport>, &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        ("NAPTR leads to SRV", all.into(), None, None, &["[2001:db8::1]:5080", "192.0.2.1:5080"]),
        ("a transport skips NAPTR", all.into(), None, udp, &["[2001:db8::1]:5090", "192.0.2.1:5090"]),
        ("a port skips NAPTR and SRV", all.into(), Some(7000), None, &["192.0.2.9:7000"]),
        ("a port and a transport too", all.into(), Some(7000), udp, &["192.0.2.9:7000"]),
        ("no NAPTR: SRV", without("NAPTR"), None, None, &["[2001:db8::1]:5090", "192.0.2.1:5090"]),
        ("only others in NAPTR: SRV", without("D2U"), None, None, &["[2001:db8::1]:5090", "192.0.2.1:5090"]),
        ("NAPTR to no SRV: addresses", without("SRV"), None, None, &["192.0.2.9:5060"]),
    ];
    for (what, records, port, transport, expected) in cases {
        for eager in [true, false] {
            let mut desk = Desk::new(zone(records));
            desk.eager(eager);
            desk.resolver.sip(
                desk.now,
                Query { host: "bob.example".into(), port: *port, transport: *transport, secure: false },
            );
            assert_eq!(addresses(&desk.finish()), *expected, "{what}, eager {eager}");
        }
    }
}

#[test]
fn each_transport_is_found_by_its_own_records_and_ports() {
    const SPOKEN: &[Transport] =
        &[Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
    let naptr = "bob.example NAPTR 10 20 s SIP+D2U _sip._udp.bob.example
        bob.example NAPTR 10 10 s SIP+D2T _sip._tcp.bob.example
        bob.example NAPTR 10 30 s SIPS+D2T _sips._tcp.bob.example";
    let srv = "_sip._udp.bob.example SRV 10 0 5080 bob.example
        _sip._tcp.bob.example SRV 10 0 5081 bob.example
        _sips._tcp.bob.example SRV 10 0 5082 bob.example";
    let address = "bob.example A 192.0.2.9";
    let both = format!("{naptr}\n{srv}\n{address}");
    let only_srv = format!("{srv}\n{address}");
    let tcp_srv = format!("_sip._tcp.bob.example SRV 10 0 5081 bob.example\n{address}");
    type Case<'a> = (&'a str, &'a str, Option<u16>, Option<Transport>, bool, &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (
            "NAPTR: all, in the domain's order",
            &both,
            None,
            None,
            false,
            &["5081 tcp", "5080 udp", "5082 tls"],
        ),
        ("sips: secure ones alone", &both, None, None, true, &["5082 tls"]),
        ("SRV alone: our order, the first there is", &only_srv, None, None, false, &["5080 udp"]),
        ("SRV alone for TCP", &tcp_srv, None, None, false, &["5081 tcp"]),
        ("a transport: its SRV", &both, None, Some(Transport::Tcp), false, &["5081 tcp"]),
        ("sips without records", address, None, None, true, &["5061 tls"]),
        ("nothing at all", address, None, None, false, &["5060 udp"]),
        ("TCP without records", address, None, Some(Transport::Tcp), false, &["5060 tcp"]),
        ("WebSocket", &both, None, Some(Transport::Ws), false, &["80 ws"]),
        ("secure WebSocket", &both, None, Some(Transport::Wss), true, &["443 wss"]),
        ("a port", &both, Some(7_000), Some(Transport::Tls), false, &["7000 tls"]),
        ("a port, sips", &both, Some(7_000), None, true, &["7000 tls"]),
    ];
    for (what, records, port, transport, secure, expected) in cases {
        for eager in [true, false] {
            let mut desk = Desk::new(zone(records));
            desk.configure(|config| (config.transports, config.eager) = (SPOKEN, eager));
            let host = "bob.example".into();
            desk.resolver.sip(desk.now, Query { host, port: *port, transport: *transport, secure: *secure });
            let found = scripted::candidates(&desk.finish());
            let found: Vec<String> =
                found.iter().map(|one| format!("{} {}", one.address.port(), one.transport)).collect();
            assert_eq!(found, *expected, "{what}, eager {eager}");
        }
    }
    let mut desk = Desk::new(zone(""));
    desk.configure(|config| config.transports = SPOKEN);
    let udp = Query { transport: Some(Transport::Udp), secure: true, ..query("192.0.2.9") };
    desk.resolver.sip(desk.now, udp);
    assert_eq!(scripted::error(&desk.finish()), LookupError::Unsupported { transport: Transport::Udp });
}

#[test]
fn a_call_by_name_is_found_in_one_round_trip() {
    let mut desk = Desk::new(zone(
        "_sip._udp.bob.example SRV 10 0 5090 bob.example
        bob.example A 192.0.2.9",
    ));
    desk.resolver.sip(desk.now, query("bob.example"));
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:5090"]);
    assert_eq!(desk.elapsed(), 2 * scripted::ONE_WAY);
}

#[test]
fn names_are_compared_without_case_and_a_final_dot_is_allowed() {
    let mut desk = Desk::new(zone("Bob.Example A 192.0.2.9"));
    desk.resolver.address(desk.now, "bOB.example.");
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"]);
}

#[test]
fn both_families_are_asked_together_and_come_in_the_order_of_the_taste() {
    let records = "bob.example A 192.0.2.9\nbob.example AAAA 2001:db8::9";
    for (prefer_v6, expected) in
        [(true, ["[2001:db8::9]:0", "192.0.2.9:0"]), (false, ["192.0.2.9:0", "[2001:db8::9]:0"])]
    {
        let mut desk = Desk::new(zone(records));
        desk.configure(|config| config.prefer_v6 = prefer_v6);
        desk.resolver.address(desk.now, "bob.example");
        assert_eq!(addresses(&desk.finish()), expected);
        assert_eq!(desk.elapsed(), 2 * scripted::ONE_WAY);
    }
}

#[test]
fn an_address_that_does_not_come_holds_the_other_up_for_200_ms_only() {
    let mut desk = Desk::new(zone("bob.example A 192.0.2.9"));
    desk.silent.push(RecordType::AAAA);
    desk.resolver.address(desk.now, "bob.example");
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"]);
    assert_eq!(desk.elapsed(), 2 * scripted::ONE_WAY + Duration::from_millis(200));
}

#[test]
fn aliases_are_followed_inside_an_answer_and_across_answers() {
    let mut desk = Desk::new(zone(
        "www.example CNAME web.example
        web.example CNAME web.elsewhere
        web.elsewhere A 192.0.2.4",
    ));
    desk.alias_limit = 1;
    desk.resolver.address(desk.now, "www.example");
    let event = desk.finish();
    assert_eq!(addresses(&event), ["192.0.2.4:0"]);
}

#[test]
fn a_reverse_look_up_finds_every_name() {
    let mut desk = Desk::new(zone(
        "9.2.0.192.in-addr.arpa PTR bob.example
        9.2.0.192.in-addr.arpa PTR robert.example",
    ));
    desk.resolver.reverse(desk.now, "192.0.2.9".parse().unwrap());
    let names: Vec<_> = scripted::candidates(&desk.finish()).into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["bob.example", "robert.example"]);
}

#[test]
fn addresses_that_come_with_srv_save_the_question() {
    let mut desk = Desk::new(zone(
        "_sip._udp.bob.example SRV 10 0 5090 host.example
        host.example A 192.0.2.9",
    ));
    desk.with_additional = true;
    desk.resolver.sip(desk.now, Query { transport: Some(Transport::Udp), ..query("bob.example") });
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:5090"]);
    assert!(desk.asked.iter().all(|question| !question.contains("host.example")), "{:?}", desk.asked);
}

#[test]
fn a_positive_answer_is_remembered_for_its_ttl_and_a_negative_one_for_the_soa_minimum() {
    // The scripted zone has a TTL of 60 s and a negative TTL of 5 s.
    let cases: &[(&str, u64, bool)] = &[
        ("bob.example", 59, true),
        ("bob.example", 61, false),
        ("none.example", 4, true),
        ("none.example", 6, false),
    ];
    for &(name, wait, remembered) in cases {
        let mut desk = Desk::new(zone("bob.example A 192.0.2.9\nbob.example AAAA 2001:db8::9"));
        desk.resolver.address(desk.now, name);
        desk.finish();
        desk.asked.clear();
        desk.wait(Duration::from_secs(wait));
        desk.resolver.address(desk.now, name);
        desk.finish();
        assert_eq!(desk.asked.is_empty(), remembered, "{name} after {wait} s");
    }
}

#[test]
fn a_ttl_of_zero_is_never_remembered_and_forget_forgets() {
    for (ttl, forget) in [(0, false), (60, true)] {
        let mut desk = Desk::new(zone("bob.example A 192.0.2.9"));
        desk.ttl = ttl;
        desk.negative_ttl = ttl;
        desk.resolver.address(desk.now, "bob.example");
        desk.finish();
        desk.asked.clear();
        if forget {
            desk.resolver.forget();
        }
        desk.resolver.address(desk.now, "bob.example");
        desk.finish();
        assert_eq!(desk.asked.len(), 2, "ttl {ttl}");
    }
}

#[test]
fn a_cache_of_two_holds_two() {
    let mut desk = Desk::new(zone("a.example A 192.0.2.1\nb.example A 192.0.2.2\nc.example A 192.0.2.3"));
    desk.negative_ttl = desk.ttl;
    desk.configure(|config| config.cache_entries = 2);
    for name in ["a.example", "b.example", "c.example"] {
        desk.resolver.address(desk.now, name);
        desk.finish();
    }
    desk.asked.clear();
    desk.resolver.address(desk.now, "c.example");
    desk.finish();
    assert_eq!(desk.asked.len(), 0, "the newest is there");
    desk.resolver.address(desk.now, "a.example");
    desk.finish();
    assert_eq!(desk.asked.len(), 2, "the oldest is not");
}

#[test]
fn two_look_ups_of_one_name_share_their_questions() {
    let mut desk = Desk::new(zone("bob.example A 192.0.2.9"));
    desk.resolver.address(desk.now, "bob.example");
    desk.resolver.address(desk.now, "bob.example");
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"]);
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"]);
    assert_eq!(desk.asked.len(), 2);
}

#[test]
fn the_trace_names_question_answer_server_and_time() {
    let mut desk = Desk::new(zone("bob.example A 192.0.2.9"));
    desk.resolver.address(desk.now, "bob.example");
    let steps = scripted::steps(&desk.finish());
    let found = steps.iter().find(|step| step.question == "bob.example A").expect("asked for");
    assert_eq!((found.answer.as_str(), found.server), ("192.0.2.9", Some(V4)));
    assert_eq!(found.took, 2 * scripted::ONE_WAY);
}

#[test]
fn what_cannot_be_asked_fails_at_once() {
    let long = "a".repeat(64);
    let cases: &[(&str, Query, LookupError)] = &[
        ("no name", query(""), LookupError::BadName { name: String::new() }),
        ("an empty label", query("a..b"), LookupError::BadName { name: "a..b".into() }),
        ("a label too long", query(&long), LookupError::BadName { name: long.clone() }),
        (
            "TCP",
            Query { transport: Some(Transport::Tcp), ..query("a.example") },
            LookupError::Unsupported { transport: Transport::Tcp },
        ),
    ];
    for (what, query, expected) in cases {
        let mut desk = Desk::new(zone(""));
        desk.resolver.sip(desk.now, query.clone());
        assert_eq!(scripted::error(&desk.finish()), *expected, "{what}");
    }
    let mut desk = Desk::new(zone(""));
    desk.configure(|config| config.local = vec!["[::1]:4000".parse::<SocketAddr>().unwrap()]);
    desk.resolver.address(desk.now, "a.example");
    assert_eq!(scripted::error(&desk.finish()), LookupError::NoServer, "no server of our family");
}
