//! By delegation: whom the root refers to is asked, and what leads nowhere is not followed.

use core::time::Duration;

use hickory_proto::{
    op::Message,
    rr::{Name, RData, Record, rdata::NS},
};

use super::scripted::{Desk, OTHER, V4, addresses, error, zone};
use crate::lookup::{Event, LookupError};

const BOB: &str =
    "bob.home.example A 192.0.2.9\nns.home.example A 192.0.2.54\nhost.other.example A 192.0.2.54";

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{text}.")).unwrap()
}

/// Makes `answer` refer to a server of `zone`, with its address or without.
fn refer(answer: &mut Message, zone: &str, server: &str, glue: Option<[u8; 4]>) {
    answer.answers.clear();
    answer.metadata.authoritative = false;
    answer.metadata.response_code = hickory_proto::op::ResponseCode::NoError;
    answer.authorities = vec![Record::from_rdata(name(zone), 60, RData::NS(NS(name(server))))];
    let glue = glue.map(|ip| Record::from_rdata(name(server), 60, RData::from(std::net::IpAddr::from(ip))));
    answer.additionals = glue.into_iter().collect();
}

/// Makes an answer to a name a referral.
type Edit = fn(&mut Message, &str);

/// A root at V4 that refers by `edit`, and all that is known at OTHER.
fn desk(edit: Edit) -> Desk {
    let mut desk = Desk::new(zone(BOB));
    desk.configure(|config| {
        (config.walk, config.eager, config.prefer_v6) = (true, false, false);
        config.timeout = Duration::from_millis(500);
    });
    desk.silent.push(hickory_proto::rr::RecordType::AAAA);
    desk.meddle = Some(Box::new(move |server, _, query, mut answer| {
        assert!(!query.metadata.recursion_desired, "whoever walks asks for no recursion");
        if server == V4 {
            edit(&mut answer, &query.queries[0].name.to_ascii());
        }
        vec![answer]
    }));
    desk
}

fn steps(event: &Event) -> Vec<(String, Option<std::net::SocketAddr>)> {
    let (Event::Found { steps, .. } | Event::Failed { steps, .. }) = event else { panic!("{event:?}") };
    steps
        .iter()
        .filter(|step| step.question.ends_with(" A"))
        .map(|step| (format!("{} {}", step.zone.as_deref().unwrap_or("-"), step.question), step.server))
        .collect()
}

#[test]
fn a_referral_is_followed_to_the_servers_that_it_names_and_remembered() {
    let mut desk = desk(|answer, _| refer(answer, "home.example", "ns.home.example", Some([192, 0, 2, 54])));
    desk.resolver.address(desk.now, "bob.home.example");
    let event = desk.finish();
    assert_eq!(addresses(&event), ["192.0.2.9:0"]);
    let asked = "bob.home.example A";
    let way = [(format!(". {asked}"), Some(V4)), (format!("home.example {asked}"), Some(OTHER))];
    assert_eq!(steps(&event), way);
    desk.resolver.address(desk.now, "ns.home.example");
    let event = desk.finish();
    let direct = [("home.example ns.home.example A".to_owned(), Some(OTHER))];
    assert_eq!(steps(&event), direct, "the root is not asked again");
}

#[test]
fn a_server_without_an_address_beside_it_is_looked_for_first() {
    let mut desk = desk(|answer, asked| match asked {
        "bob.home.example." => refer(answer, "home.example", "host.other.example", None),
        _ => refer(answer, "other.example", "ns.other.example", Some([192, 0, 2, 54])),
    });
    desk.resolver.address(desk.now, "bob.home.example");
    let event = desk.finish();
    assert_eq!(addresses(&event), ["192.0.2.9:0"]);
    assert_eq!(steps(&event).last().unwrap().1, Some(OTHER));
}

#[test]
fn what_leads_nowhere_ends_in_an_error_and_in_time() {
    let cases: &[(&str, Edit)] = &[
        ("another name's zone", |answer, _| {
            refer(answer, "else.example", "ns.else.example", Some([192, 0, 2, 54]));
        }),
        ("the root itself", |answer, _| refer(answer, "", "ns.home.example", Some([192, 0, 2, 53]))),
        ("a server inside of its own zone", |answer, _| {
            refer(answer, "home.example", "ns.home.example", None);
        }),
        ("a server that waits for the other", |answer, asked| match asked {
            "b.example." => refer(answer, "b.example", "a.example", None),
            "a.example." => refer(answer, "a.example", "b.example", None),
            _ => refer(answer, "home.example", "a.example", None),
        }),
    ];
    for (what, edit) in cases {
        let mut desk = desk(*edit);
        desk.resolver.address(desk.now, "bob.home.example");
        let event = desk.finish();
        let why = error(&event);
        assert!(
            matches!(why, LookupError::NotAuthoritative { .. } | LookupError::Timeout { .. }),
            "{what}: {why:?}"
        );
        assert!(desk.elapsed() < Duration::from_secs(60), "{what}: {:?}", desk.elapsed());
    }
}
