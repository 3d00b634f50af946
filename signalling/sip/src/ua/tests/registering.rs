//! Registrations: bindings kept, refused, moved and taken back (RFC 3261 §10.2, RFC 3608, RFC 5626; RFC 3665 §2).

use core::time::Duration;

use zeroize::Zeroizing;

use super::{peer::*, world::*};
use crate::{
    digest::{Algorithm, Login, Question, Users, Verdict, Verifier, VerifierConfig},
    message::{HeaderName, Method, Request},
    register::{Push, Registering},
    transport::Hop,
    ua::{Event, Failure, RegistrationId},
};
use rove_base::Entropy;

fn wanted(world: &World) -> Registering {
    Registering {
        aor: "<sip:bob@example.com>".parse().unwrap(),
        registrar: "sip:example.com".parse().unwrap(),
        flows: vec![vec![Hop::udp(world.phones[0].address, peer())]],
        route: Vec::new(),
        login: Some(Login { user: "bob".into(), password: Zeroizing::new("zanzibar".into()), realm: None }),
        expires: Duration::from_secs(3_600),
        instance: None,
        contact_params: String::new(),
        push: None,
    }
}

fn register(world: &mut World, wanted: Registering) -> RegistrationId {
    world.with(0, |agent, now| agent.register(now, wanted))
}

fn seconds(time: &Duration) -> u64 {
    time.as_secs()
}

/// Answers a REGISTER with its first contact for so many seconds.
fn grant(world: &mut World, request: &Request, seconds: u32, more: &[(HeaderName, &str)]) {
    let contact = request.headers.contact().unwrap().unwrap();
    let contact = format!("<{}>;expires={seconds}", contact.uri);
    let mut lines = vec![(HeaderName::Contact, contact.as_str())];
    lines.extend_from_slice(more);
    world.reply(request, 200, "registrar", &lines);
}

fn expires(request: &Request) -> Option<u32> {
    request.headers.contact().unwrap().unwrap().params.get("expires").and_then(|text| text.parse().ok())
}

/// RFC 3665 §2.1.
#[test]
fn successful_new_registration_answers_the_challenge_with_sha_256_and_stands() {
    let mut world = World::alone();
    let mut users = Users::new("example.com");
    users.add_password("bob", "zanzibar", &[Algorithm::Sha512_256, Algorithm::Sha256]);
    let mut verifier = Verifier::new(users, VerifierConfig::default(), &mut Entropy::from_number(7));
    let wanted = wanted(&world);
    let id = register(&mut world, wanted);
    let first = world.hear_request(&Method::Register);
    assert_eq!(first.uri.to_string(), "sip:example.com");
    assert_eq!(first.headers.get(&HeaderName::Authorization), None);
    let challenges = verifier.challenges(world.now.mono, peer().ip(), false);
    let lines: Vec<_> = challenges.iter().map(|text| (HeaderName::WwwAuthenticate, text.as_str())).collect();
    world.reply(&first, 401, "registrar", &lines);
    let second = world.hear_request(&Method::Register);
    assert_eq!(second.headers.call_id(), first.headers.call_id());
    assert_eq!(second.headers.cseq().unwrap().number, first.headers.cseq().unwrap().number + 1);
    assert_ne!(second.headers.via().unwrap().branch(), first.headers.via().unwrap().branch());
    let answers: Vec<&str> = second.headers.all(&HeaderName::Authorization).collect();
    assert!(answers[0].contains("SHA-512-256"), "{answers:?}");
    let uri = second.uri.to_string();
    let question = Question {
        answers: &answers,
        method: "REGISTER",
        uri: &uri,
        stands_for: &|_| false,
        body: b"",
        peer: peer().ip(),
    };
    assert_eq!(verifier.check(world.now.mono, &question), Verdict::Is("bob".into()));
    grant(&mut world, &second, 3_600, &[]);
    match world.event(0) {
        Event::Registered { registration, expires, public: None, .. } => {
            assert_eq!((registration, seconds(&expires)), (id, 3_600));
        }
        other => panic!("{other:?}"),
    }
}

/// RFC 3665 §2.2.
#[test]
fn update_of_contact_list_goes_out_before_the_binding_expires_and_again_after_that() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    register(&mut world, wanted);
    let first = world.hear_request(&Method::Register);
    grant(&mut world, &first, 600, &[]);
    assert!(matches!(world.event(0), Event::Registered { .. }));
    for _ in 0..3 {
        let before = world.now.mono;
        world.run(Duration::from_secs(470));
        world.silence();
        let again = world.await_request(&Method::Register, 98);
        assert!(world.now.mono.since(before) < Duration::from_secs(568), "32 s are left to repeat it");
        assert_eq!(again.headers.call_id(), first.headers.call_id());
        assert_eq!(again.headers.from(), first.headers.from());
        grant(&mut world, &again, 600, &[]);
        world.stray.clear();
        assert!(matches!(world.event(0), Event::Registered { .. }));
    }
}

/// RFC 3665 §2.4.
#[test]
fn cancellation_of_registration_asks_for_zero_seconds_and_is_told() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    let id = register(&mut world, wanted);
    let first = world.hear_request(&Method::Register);
    grant(&mut world, &first, 600, &[]);
    world.event(0);
    world.with(0, |agent, now| agent.unregister(now, id));
    let last = world.hear_request(&Method::Register);
    assert_eq!((expires(&last), last.headers.expires()), (Some(0), Ok(Some(0))));
    world.reply(&last, 200, "registrar", &[]);
    assert_eq!(world.event(0), Event::Unregistered { registration: id });
    world.finish();
}

#[test]
fn a_registration_taken_back_while_it_is_asked_for_is_taken_back_after_that() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    let id = register(&mut world, wanted);
    let first = world.hear_request(&Method::Register);
    world.with(0, |agent, now| agent.unregister(now, id));
    grant(&mut world, &first, 600, &[]);
    let last = world.hear_request(&Method::Register);
    assert_eq!(expires(&last), Some(0));
    world.reply(&last, 200, "registrar", &[]);
    assert_eq!(world.event(0), Event::Unregistered { registration: id });
    world.finish();
}

/// RFC 3665 §2.5.
#[test]
fn unsuccessful_registration_tries_the_password_once_and_gives_up() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    let id = register(&mut world, wanted);
    let challenge =
        "Digest realm=\"example.com\", nonce=\"84f1c1ae6cbe5ua9\", algorithm=SHA-256, qop=\"auth\"";
    for _ in 0..2 {
        let request = world.hear_request(&Method::Register);
        world.reply(&request, 401, "registrar", &[(HeaderName::WwwAuthenticate, challenge)]);
    }
    match world.event(0) {
        Event::RegistrationFailed { registration, failure, retry_in: None, .. } => {
            assert_eq!(registration, id);
            assert!(matches!(failure, Failure::Status { code, .. } if code.code() == 401));
        }
        other => panic!("{other:?}"),
    }
    world.run(Duration::from_secs(4_000));
    assert!(world.stray.is_empty(), "a wrong password is not tried again and again");
}

#[test]
fn a_stale_nonce_is_answered_with_the_new_one() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    register(&mut world, wanted);
    let challenge = |nonce: &str, stale: &str| {
        format!("Digest realm=\"example.com\", nonce=\"{nonce}\", algorithm=SHA-256, qop=\"auth\"{stale}")
    };
    let first = world.hear_request(&Method::Register);
    let (old, new) = (challenge("old", ""), challenge("new", ", stale=true"));
    world.reply(&first, 401, "registrar", &[(HeaderName::WwwAuthenticate, &old)]);
    let second = world.hear_request(&Method::Register);
    world.reply(&second, 401, "registrar", &[(HeaderName::WwwAuthenticate, &new)]);
    let third = world.hear_request(&Method::Register);
    let answer = third.headers.get(&HeaderName::Authorization).unwrap();
    assert!(answer.contains("nonce=\"new\"") && answer.contains("nc=00000001"), "{answer}");
    grant(&mut world, &third, 60, &[]);
    world.event(0);
    world.run(Duration::from_secs(50));
    let refreshed = world.hear_request(&Method::Register);
    let answer = refreshed.headers.get(&HeaderName::Authorization).unwrap();
    assert!(answer.contains("nonce=\"new\"") && answer.contains("nc=00000002"), "answered ahead: {answer}");
}

#[test]
fn a_challenge_in_another_realm_than_the_first_is_not_answered() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    register(&mut world, wanted);
    for (realm, answered) in [("example.com", true), ("evil.example", false)] {
        let request = world.hear_request(&Method::Register);
        let challenge = format!("Digest realm=\"{realm}\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"");
        world.reply(&request, 401, "registrar", &[(HeaderName::WwwAuthenticate, &challenge)]);
        if !answered {
            world.silence();
        }
    }
    assert!(matches!(world.event(0), Event::RegistrationFailed { retry_in: None, .. }));
}

#[test]
fn a_longer_time_is_asked_for_where_the_registrar_wants_one_and_only_once() {
    let mut world = World::alone();
    let wanted = Registering { expires: Duration::from_secs(60), ..wanted(&world) };
    register(&mut world, wanted);
    let brief = world.hear_request(&Method::Register);
    world.reply(&brief, 423, "registrar", &[(HeaderName::MinExpires, "1800")]);
    let longer = world.hear_request(&Method::Register);
    assert_eq!(expires(&longer), Some(1_800));
    world.reply(&longer, 423, "registrar", &[(HeaderName::MinExpires, "7200")]);
    assert!(matches!(world.event(0), Event::RegistrationFailed { .. }));
}

#[test]
fn an_overloaded_registrar_is_left_alone_as_long_as_it_says() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    register(&mut world, wanted);
    let first = world.hear_request(&Method::Register);
    world.reply(&first, 503, "registrar", &[(HeaderName::RetryAfter, "300")]);
    match world.event(0) {
        Event::RegistrationFailed { retry_in: Some(wait), .. } => assert_eq!(seconds(&wait), 300),
        other => panic!("{other:?}"),
    }
    world.run(Duration::from_secs(299));
    world.silence();
    world.run(Duration::from_secs(2));
    let again = world.hear_request(&Method::Register);
    grant(&mut world, &again, 600, &[]);
    assert!(matches!(world.event(0), Event::Registered { .. }));
}

#[test]
fn a_registrar_that_is_away_is_tried_again_with_growing_waits() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    register(&mut world, wanted);
    let mut waits = Vec::new();
    for _ in 0..8 {
        match world.event(0) {
            Event::RegistrationFailed { failure: Failure::Timeout, retry_in: Some(wait), .. } => {
                waits.push(seconds(&wait));
            }
            other => panic!("{other:?}"),
        }
        world.run(Duration::from_secs(waits[waits.len() - 1]));
    }
    for (number, wait) in waits.iter().enumerate() {
        let most = (30_u64 << number).min(1_800);
        assert!((most / 2..=most).contains(wait), "{waits:?}");
    }
}

#[test]
fn the_next_address_is_tried_where_the_first_is_silent_and_kept_after_that() {
    let mut world = World::alone();
    let first = "192.0.2.66:5060".parse().unwrap();
    let local = world.phones[0].address;
    let flows = vec![vec![Hop::udp(local, first), Hop::udp(local, peer())]];
    let wanted = Registering { flows, ..wanted(&world) };
    register(&mut world, wanted);
    world.run_ms(31_900);
    assert!(world.stray.drain(..).all(|(flow, _)| flow.remote == first));
    let request = world.await_request(&Method::Register, 2);
    grant(&mut world, &request, 600, &[]);
    match world.event(0) {
        Event::Registered { hop, .. } => assert_eq!(hop.remote, peer()),
        other => panic!("{other:?}"),
    }
    world.stray.clear();
    for _ in 0..600 {
        world.run(Duration::from_secs(1));
        if let Some((flow, _)) = world.stray.first() {
            assert_eq!(flow.remote, peer(), "the refresh goes where the first has worked");
            return;
        }
    }
    panic!("it is not refreshed");
}

#[test]
fn service_route_and_gruu_are_told() {
    let mut world = World::alone();
    let instance = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    let wanted = Registering { instance: Some(instance.into()), ..wanted(&world) };
    register(&mut world, wanted);
    let request = world.hear_request(&Method::Register);
    let contact = request.headers.contact().unwrap().unwrap();
    assert_eq!(contact.params.text("+sip.instance").as_deref(), Some(format!("<{instance}>").as_str()));
    let answer = format!("{contact};expires=600;pub-gruu=\"sip:bob@example.com;gr={instance}\"");
    let route = "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>";
    world.reply(
        &request,
        200,
        "registrar",
        &[(HeaderName::Contact, &answer), (HeaderName::ServiceRoute, route)],
    );
    match world.event(0) {
        Event::Registered { route, gruu, .. } => {
            assert_eq!(route.len(), 2);
            assert_eq!(gruu.unwrap().to_string(), format!("sip:bob@example.com;gr={instance}"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_push_service_is_told_in_the_contact_and_a_phone_that_is_woken_registers_anew() {
    let mut world = World::alone();
    let push = Push { provider: "fcm".into(), prid: "c2:APA91/x y".into(), param: Some("proj@1".into()) };
    let wanted = Registering { push: Some(push), ..wanted(&world) };
    let id = register(&mut world, wanted);
    let request = world.hear_request(&Method::Register);
    let contact = request.headers.contact().unwrap().unwrap();
    let told = contact.uri.to_string();
    assert_eq!(told, "sip:bob@192.0.2.1:5060;pn-provider=fcm;pn-prid=c2:APA91/x%20y;pn-param=proj%401");
    grant(&mut world, &request, 600, &[(HeaderName::FeatureCaps, "*;+sip.pns=\"fcm\";+sip.pnsreg=\"121\"")]);
    match world.event(0) {
        Event::Registered { push, .. } => assert_eq!(push.as_deref(), Some("fcm")),
        other => panic!("{other:?}"),
    }
    world.with(0, |agent, now| agent.reregister(now, id));
    let again = world.hear_request(&Method::Register);
    assert_eq!(again.headers.contact().unwrap().unwrap().uri.to_string(), told);
    grant(&mut world, &again, 600, &[]);
    assert!(matches!(world.event(0), Event::Registered { push: None, .. }), "nobody wakes it any more");
}

#[test]
fn behind_a_nat_the_public_address_is_registered_in_place_of_the_private_one_and_kept_open() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    register(&mut world, wanted);
    let request = world.hear_request(&Method::Register);
    let seen_at = |request: &Request| {
        let via = request.headers.get(&HeaderName::Via).unwrap();
        via.replace(";rport", ";rport=40000;received=203.0.113.9")
    };
    let mut natted = request.clone();
    natted.headers.set(HeaderName::Via, seen_at(&request));
    grant(&mut world, &natted, 600, &[]);
    let again = world.hear_request(&Method::Register);
    let contacts = again.headers.contacts().unwrap();
    assert_eq!(contacts[0].uri.to_string(), "sip:bob@203.0.113.9:40000");
    assert_eq!(contacts[1].uri.to_string(), "sip:bob@192.0.2.1:5060");
    assert_eq!(contacts[1].params.get("expires"), Some("0"));
    natted = again.clone();
    natted.headers.set(HeaderName::Via, seen_at(&again));
    grant(&mut world, &natted, 600, &[]);
    match world.event(0) {
        Event::Registered { public, .. } => assert_eq!(public, Some("203.0.113.9:40000".parse().unwrap())),
        other => panic!("{other:?}"),
    }
    world.run(Duration::from_secs(30));
    assert_eq!(world.stray.remove(0).1, "\r\n\r\n", "the NAT is reminded");
}

#[test]
fn two_flows_ask_for_outbound_with_an_instance_and_a_number_each() {
    let mut world = World::alone();
    let local = world.phones[0].address;
    let edges =
        ["192.0.2.81:5060", "192.0.2.82:5060"].map(|edge| vec![Hop::udp(local, edge.parse().unwrap())]);
    let wanted = Registering {
        flows: edges.to_vec(),
        instance: Some("urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF".into()),
        ..wanted(&world)
    };
    register(&mut world, wanted);
    for id in ["1", "2"] {
        let request = world.hear_request(&Method::Register);
        let contact = request.headers.contact().unwrap().unwrap();
        assert_eq!(contact.params.get("reg-id"), Some(id));
        assert!(contact.uri.as_sip().unwrap().params.has("ob"));
        assert!(request.headers.supported().unwrap().contains(&"outbound"));
    }
}

#[test]
fn a_registrar_that_does_not_list_our_contact_has_not_registered_us() {
    let mut world = World::alone();
    let wanted = wanted(&world);
    register(&mut world, wanted);
    let request = world.hear_request(&Method::Register);
    let other = "<sip:bob@192.0.2.200>;expires=600";
    world.reply(&request, 200, "registrar", &[(HeaderName::Contact, other)]);
    assert!(matches!(world.event(0), Event::RegistrationFailed { failure: Failure::NotBound, .. }));
}
