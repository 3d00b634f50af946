use core::time::Duration;
use std::net::SocketAddr;

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata::NS},
};
use proptest::{collection::vec, prelude::*};
use rove_base::{Arrival, Entropy, Flow, Instant, Machine, Now, Scratch, Step};

use super::scripted::{Desk, ONE_WAY, OTHER, OURS, V4, addresses, error, zone};
use crate::{
    lookup::{Event, LookupError, Query, Rcode, Resolver, ResolverConfig},
    wire::rcode,
};

const BOB: &str = "bob.example A 192.0.2.9";

fn desk_with_two_servers() -> Desk {
    let mut desk = Desk::new(zone(BOB));
    desk.configure(|config| {
        config.servers = vec![V4, OTHER];
        config.prefer_v6 = false;
    });
    desk.silent.push(RecordType::AAAA);
    desk
}

#[test]
fn silence_is_asked_again_at_growing_distance_and_given_up_after_7_5_seconds() {
    let mut desk = Desk::new(zone(BOB));
    desk.silent = vec![RecordType::A, RecordType::AAAA, RecordType::PTR];
    desk.resolver.reverse(desk.now, "192.0.2.9".parse().unwrap());
    assert_eq!(error(&desk.finish()), LookupError::Timeout { servers: vec![V4] });
    let times: Vec<_> = desk.asked_at.iter().map(|(_, at)| at.as_millis()).collect();
    assert_eq!(times, [0, 500, 1_500, 3_500, 5_500]);
    assert_eq!(desk.elapsed(), Duration::from_millis(7_500));
}

#[test]
fn the_second_server_is_asked_when_the_first_is_silent_or_fails() {
    let cases: &[(&str, Option<ResponseCode>, Duration)] = &[
        ("silent", None, Duration::from_millis(500)),
        ("SERVFAIL", Some(ResponseCode::ServFail), 2 * ONE_WAY),
        ("REFUSED", Some(ResponseCode::Refused), 2 * ONE_WAY),
    ];
    for &(what, code, delay) in cases {
        let mut desk = desk_with_two_servers();
        desk.meddle = Some(Box::new(move |server, _, _, mut answer| match (server == V4, code) {
            (true, None) => vec![],
            (true, Some(code)) => {
                answer.answers.clear();
                answer.metadata.response_code = code;
                vec![answer]
            }
            _ => vec![answer],
        }));
        desk.resolver.address(desk.now, "bob.example");
        assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"], "{what}");
        let second = desk.asked_at.iter().find(|(server, _)| *server == OTHER).expect("asked");
        assert_eq!(second.1, delay, "{what}");
    }
}

#[test]
fn what_all_servers_say_is_the_error() {
    type Edit = fn(&mut Message);
    let cases: &[(&str, Edit, LookupError)] = &[
        (
            "refused",
            |answer| answer.metadata.response_code = ResponseCode::Refused,
            LookupError::ServerFailure { server: V4, code: Rcode(rcode::REFUSED) },
        ),
        (
            "referral",
            |answer| {
                let name = Name::from_ascii("elsewhere.").unwrap();
                answer.metadata.authoritative = false;
                answer.metadata.response_code = ResponseCode::NoError;
                answer.authorities = vec![Record::from_rdata(name.clone(), 1, RData::NS(NS(name)))];
            },
            LookupError::NotAuthoritative { server: V4 },
        ),
        (
            "no such name",
            |answer| answer.metadata.response_code = ResponseCode::NXDomain,
            LookupError::NoSuchName { name: "bob.example".into() },
        ),
        (
            "no address",
            |answer| answer.metadata.response_code = ResponseCode::NoError,
            LookupError::NoAddress { name: "bob.example".into() },
        ),
    ];
    for (what, edit, expected) in cases {
        let edit = *edit;
        let mut desk = Desk::new(zone(""));
        desk.meddle = Some(Box::new(move |_, _, _, mut answer| {
            edit(&mut answer);
            vec![answer]
        }));
        desk.resolver
            .sip(desk.now, Query { host: "bob.example".into(), port: None, transport: None, secure: false });
        assert_eq!(error(&desk.finish()), *expected, "{what}");
    }
}

#[test]
fn a_target_of_root_means_that_nobody_answers_calls() {
    let mut desk = Desk::new(zone("_sip._udp.bob.example SRV 0 0 0 .\nbob.example A 192.0.2.9"));
    desk.resolver
        .sip(desk.now, Query { host: "bob.example".into(), port: None, transport: None, secure: false });
    assert_eq!(error(&desk.finish()), LookupError::NotOffered { name: "bob.example".into() });
}

#[test]
fn aliases_in_a_circle_end_in_an_error() {
    let circles = ["a.example CNAME b.example\nb.example CNAME a.example", "a.example CNAME a.example"];
    for records in circles {
        for limit in [1, 20] {
            let mut desk = Desk::new(zone(records));
            desk.alias_limit = limit;
            desk.resolver.address(desk.now, "a.example");
            assert_eq!(
                error(&desk.finish()),
                LookupError::AliasLoop { name: "a.example".into() },
                "{records}"
            );
        }
    }
}

#[test]
fn forged_answers_are_ignored_and_the_real_one_counts() {
    type Forge = fn(&mut Message);
    let forgeries: &[(&str, Forge)] = &[
        ("another id", |answer| answer.metadata.id = answer.metadata.id.wrapping_add(1)),
        ("another name", |answer| {
            answer.queries[0].set_name(Name::from_ascii("eve.example.").unwrap());
        }),
        ("another type", |answer| {
            answer.queries[0].set_query_type(RecordType::TXT);
        }),
        ("a query", |answer| answer.metadata.message_type = hickory_proto::op::MessageType::Query),
        ("no question", |answer| answer.queries.clear()),
    ];
    for (what, forge) in forgeries {
        let forge = *forge;
        let mut desk = Desk::new(zone(BOB));
        desk.meddle = Some(Box::new(move |_, _, _, answer| {
            let mut forged = answer.clone();
            for record in &mut forged.answers {
                record.data = core::net::IpAddr::from([6, 6, 6, 6]).into();
            }
            forge(&mut forged);
            vec![forged, answer]
        }));
        desk.resolver.address(desk.now, "bob.example");
        assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"], "{what}");
    }
}

/// What a resolver that asks from `from` does next when nobody is there according to an answer that takes this way.
fn after_an_answer(from: SocketAddr, way: Flow) -> Step<Event> {
    let mut resolver = Resolver::new(ResolverConfig::new(vec![V4], vec![from]), Entropy::from_number(1));
    resolver.address(Now::default(), "bob.example");
    let mut scratch = Scratch::default();
    let Step::Send(first) = resolver.poll(&mut scratch) else { panic!("asks") };
    let mut answer = Message::from_vec(scratch.get(first.range)).unwrap();
    answer.metadata.message_type = hickory_proto::op::MessageType::Response;
    answer.metadata.response_code = ResponseCode::NXDomain;
    let bytes = answer.to_vec().unwrap();
    while !matches!(resolver.poll(&mut scratch), Step::Wait(_)) {}
    resolver.handle(Now::default(), Arrival::Datagram { flow: way, bytes: &bytes });
    resolver.poll(&mut scratch)
}

#[test]
fn an_answer_from_another_address_or_to_another_one_is_ignored() {
    let ignored = Step::Wait(Some(Instant::ZERO + Duration::from_millis(500)));
    let elsewhere = SocketAddr::new(OTHER.ip(), OURS.port());
    for way in [Flow::udp(OURS, OTHER), Flow::udp(elsewhere, V4)] {
        assert_eq!(after_an_answer(OURS, way), ignored);
    }
}

#[test]
fn who_asks_from_the_unspecified_address_hears_the_answer_at_one_of_its_own() {
    let anywhere = SocketAddr::new(core::net::Ipv4Addr::UNSPECIFIED.into(), OURS.port());
    let asked_again = Step::Wait(Some(Instant::ZERO + Duration::from_millis(500)));
    assert_ne!(after_an_answer(anywhere, Flow::udp(OURS, V4)), asked_again);
    assert_eq!(after_an_answer(anywhere, Flow::udp(OURS, OTHER)), asked_again);
}

#[test]
fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let mut desk = Desk::new(zone(BOB));
    desk.meddle = Some(Box::new(|_, tcp, _, mut answer| {
        if !tcp {
            answer.metadata.truncation = true;
            answer.answers.clear();
        }
        vec![answer]
    }));
    desk.resolver.address(desk.now, "bob.example");
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"]);
    assert_eq!(desk.closed.len(), 2, "both streams are closed");
}

#[test]
fn a_server_that_truncates_and_takes_no_stream_is_left_for_the_next() {
    let mut desk = desk_with_two_servers();
    desk.refuse_streams = true;
    desk.meddle = Some(Box::new(|server, _, _, mut answer| {
        answer.metadata.truncation = server == V4;
        vec![answer]
    }));
    desk.resolver.address(desk.now, "bob.example");
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"]);
}

#[test]
fn a_server_from_before_edns_is_asked_without_it() {
    let mut desk = Desk::new(zone(BOB));
    desk.meddle = Some(Box::new(|_, _, query, mut answer| {
        if query.edns.is_some() {
            answer = Message::error_msg(query.metadata.id, query.metadata.op_code, ResponseCode::FormErr);
        }
        vec![answer]
    }));
    desk.resolver.address(desk.now, "bob.example");
    assert_eq!(addresses(&desk.finish()), ["192.0.2.9:0"]);
}

#[test]
fn a_late_answer_to_the_first_try_is_good_enough() {
    let mut desk = Desk::new(zone("9.2.0.192.in-addr.arpa PTR bob.example"));
    let mut first: Option<Message> = None;
    desk.meddle = Some(Box::new(move |_, _, _, answer| match first.take() {
        None => {
            first = Some(answer);
            vec![]
        }
        Some(early) => vec![early],
    }));
    desk.resolver.reverse(desk.now, "192.0.2.9".parse().unwrap());
    assert!(matches!(desk.finish(), Event::Found { .. }));
    assert_eq!(desk.elapsed(), Duration::from_millis(500) + 2 * ONE_WAY);
}

#[test]
fn too_many_look_ups_at_once_are_refused_and_the_rest_go_on() {
    let mut desk = Desk::new(zone(BOB));
    let ids: Vec<_> = (0..257).map(|n| desk.resolver.address(desk.now, &format!("h{n}.example"))).collect();
    assert_eq!(desk.finish(), Event::Failed { id: ids[256], error: LookupError::Overload, steps: vec![] });
    assert_eq!(error(&desk.finish()), LookupError::NoSuchName { name: "h0.example".into() });
}

#[test]
fn after_a_move_the_open_questions_are_asked_from_the_new_address() {
    let mut desk = Desk::new(zone("9.2.0.192.in-addr.arpa PTR bob.example"));
    desk.silent.push(RecordType::PTR);
    desk.resolver.reverse(desk.now, "192.0.2.9".parse().unwrap());
    desk.wait(Duration::from_millis(400));
    desk.silent.clear();
    desk.resolver.rebind(desk.now, &[OURS], &[OTHER]);
    assert!(matches!(desk.finish(), Event::Found { .. }));
    assert_eq!(desk.asked_at, [(V4, Duration::ZERO), (OTHER, Duration::from_millis(400))]);
}

#[test]
fn one_answer_that_a_name_does_not_exist_is_enough() {
    let mut desk = Desk::new(zone(""));
    desk.silent.push(RecordType::AAAA);
    desk.resolver.address(desk.now, "bob.example");
    assert_eq!(error(&desk.finish()), LookupError::NoSuchName { name: "bob.example".into() });
    assert_eq!(desk.elapsed(), 2 * ONE_WAY);
}

proptest! {
    #[test]
    fn no_answer_makes_the_resolver_panic_or_turn_for_ever(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..12), keep in 2_usize..600, rounds in 1_usize..6,
    ) {
        let mut resolver = Resolver::new(ResolverConfig::new(vec![V4], vec![OURS]), Entropy::from_number(1));
        resolver.sip(Now::default(), Query { host: "bob.example".into(), port: None, transport: None, secure: false });
        let mut scratch = Scratch::default();
        for _ in 0..rounds {
            let mut asked = Vec::new();
            for step in 0.. {
                prop_assert!(step < 100, "the drain ends");
                match resolver.poll(&mut scratch) {
                    Step::Send(transmit) => asked.push(scratch.get(transmit.range).to_vec()),
                    Step::Wait(_) => break,
                    _ => {}
                }
            }
            for mut bytes in asked {
                let extra = Record::from_rdata(Name::root(), 1, core::net::IpAddr::from([192, 0, 2, 1]).into());
                if let Ok(mut answer) = Message::from_vec(&bytes) {
                    answer.metadata.message_type = hickory_proto::op::MessageType::Response;
                    answer.add_answer(extra);
                    bytes = answer.to_vec().unwrap();
                }
                for (index, value) in &changes {
                    // The ID stays, else nothing would be read.
                    let at = 2 + index.index(bytes.len() - 2);
                    bytes[at] = *value;
                }
                let bytes = &bytes[..keep.min(bytes.len())];
                resolver.handle(Now::default(), Arrival::Datagram { flow: Flow::udp(OURS, V4), bytes });
            }
        }
    }
}
