//! Changes of the owner's own: when they show, what they build on, what survives.

use core::net::IpAddr;

use super::*;
use crate::{
    tsig::TsigKey,
    update::{OwnSet, UpdateError, reverse_name},
};

fn at(name_text: &str, address: &str) -> [OwnSet; 2] {
    OwnSet::addresses(&name(name_text), 5, &[address.parse().unwrap()])
}

fn back(address: &str, target: Option<&str>) -> OwnSet {
    OwnSet::ptr(address.parse().unwrap(), 5, target.map(name).as_ref())
}

#[test]
fn an_own_change_over_two_zones_shows_whole_when_it_is_committed_and_not_before() {
    let mut bench = Bench::new();
    let [a, aaaa] = OwnSet::addresses(
        &name("bob.home.example"),
        5,
        &["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
    );
    let sets = [a, aaaa, back("192.0.2.7", Some("bob.home.example"))];
    let (record, token) = bench.server.stage_own(&sets).unwrap();
    assert_eq!(bench.addresses("bob.home.example"), Vec::<String>::new());
    assert_eq!(
        show(&bench.ask("7.2.0.192.in-addr.arpa", rtype::PTR)),
        "aa NXDomain [] [2.0.192.in-addr.arpa. SOA] []"
    );
    bench.events.clear();
    bench.server.commit_own(bench.now, token);
    bench.drain();
    assert_eq!(bench.addresses("bob.home.example"), ["192.0.2.7"]);
    assert_eq!(bench.ask("bob.home.example", rtype::AAAA).answers[0].ttl, 5);
    assert_eq!(
        show(&bench.ask("7.2.0.192.in-addr.arpa", rtype::PTR)),
        "aa NoError [7.2.0.192.in-addr.arpa. PTR] [] []"
    );
    let zones: Vec<_> = bench.events.iter().filter_map(updated).collect();
    assert_eq!(zones, ["home.example.", "2.0.192.in-addr.arpa."]);

    let mut again = Bench::new();
    assert_eq!(again.server.replay(&record), Ok(true));
    for zone in bench.server.zones().iter() {
        assert_eq!(again.server.zones().get(zone.origin()).unwrap().records(), zone.records());
    }
    bench.server.commit_own(bench.now, token);
    assert_eq!(bench.drain(), None, "a second time does no harm");
}

fn updated(event: &Event) -> Option<String> {
    match event {
        Event::Updated { key: None, zone, .. } => Some(zone.to_string()),
        _ => None,
    }
}

#[test]
fn own_changes_and_signed_updates_build_on_each_other_in_order() {
    let mut bench = Bench::new();
    bench.datagram(&update(1).add("bob A 192.0.2.1").signed(&key(), NOON).0);
    let (_, own) = bench.server.stage_own(&at("bob.home.example", "192.0.2.2")).unwrap();
    bench.datagram(&update(2).add("bob 5 A 192.0.2.3").signed(&key(), NOON).0);
    let tickets: Vec<_> = bench.records.iter().map(|(ticket, _)| ticket.0).collect();
    assert_eq!((tickets, own.ticket().0), (vec![1, 3], 2), "one sequence for all");
    assert_eq!(bench.durable(1).len(), 1);
    assert_eq!(bench.addresses("bob.home.example"), ["192.0.2.1"]);
    bench.server.commit_own(bench.now, own);
    bench.drain();
    assert_eq!(bench.addresses("bob.home.example"), ["192.0.2.2"]);
    assert_eq!(bench.durable(3).len(), 1);
    assert_eq!(bench.addresses("bob.home.example"), ["192.0.2.2", "192.0.2.3"]);
    assert_eq!(bench.server.zones().get(&name("home.example")).unwrap().serial(), 4);

    let (_, own) = bench.server.stage_own(&at("carol.home.example", "192.0.2.4")).unwrap();
    bench.durable(own.ticket().0);
    assert_eq!(bench.addresses("carol.home.example"), ["192.0.2.4"], "its ticket serves as well");
}

#[test]
fn an_abandoned_change_leaves_what_was_built_on_it_as_if_it_had_never_been() {
    let mut bench = Bench::new();
    let (_, first) = bench.server.stage_own(&at("bob.home.example", "192.0.2.2")).unwrap();
    let (_, gone) = bench.server.stage_own(&at("carol.home.example", "192.0.2.9")).unwrap();
    bench.datagram(&update(2).add("carol 5 A 192.0.2.3").add("bob A 192.0.2.3").signed(&key(), NOON).0);
    bench.server.abandon_own(gone);
    bench.server.commit_own(bench.now, first);
    bench.server.commit_own(bench.now, gone);
    assert_eq!(bench.addresses("carol.home.example"), Vec::<String>::new());
    bench.durable(3);
    assert_eq!(bench.addresses("carol.home.example"), ["192.0.2.3"]);
    assert_eq!(bench.addresses("bob.home.example"), ["192.0.2.2", "192.0.2.3"]);
    bench.server.abandon_own(first);
    assert_eq!(bench.addresses("bob.home.example").len(), 2, "what is visible stays");
}

#[test]
fn own_changes_that_cannot_be_are_refused_and_change_nothing() {
    let one = |name_text: &str, rtype: u16, rdata: &[u8]| {
        vec![OwnSet { name: name(name_text), rtype, ttl: 5, rdata: vec![rdata.into()] }]
    };
    let a = [192, 0, 2, 1];
    let cases: &[(&str, Vec<OwnSet>, &str)] = &[
        ("no zone of ours", one("bob.example.net", rtype::A, &a), "not our zone"),
        ("below a delegation", one("x.lab.home.example", rtype::A, &a), "not our zone"),
        ("the zone's SOA", one("home.example", rtype::SOA, &a), "malformed"),
        ("the zone's NS", one("home.example", rtype::NS, &a), "malformed"),
        ("a meta type", one("bob.home.example", rtype::TSIG, &a), "malformed"),
        ("beside an alias", one("www.home.example", rtype::A, &a), "alias"),
        ("an alias beside others", one("alice.home.example", rtype::CNAME, &[0]), "alias"),
    ];
    let mut bench = Bench::new();
    for (what, sets, cause) in cases {
        let sets = [at("bob.home.example", "192.0.2.7").to_vec(), sets.clone()].concat();
        assert_eq!(bench.server.stage_own(&sets).unwrap_err().cause(), *cause, "{what}");
    }
    assert_eq!(bench.server.counts().of("not our zone"), 2);
    assert_eq!(
        bench.server.zones().get(&name("home.example")).unwrap().latest(&name("bob.home.example")),
        None
    );
    let (record, token) = bench.server.stage_own(&at("alice.home.example", "192.0.2.1")[..1]).unwrap();
    bench.server.commit_own(bench.now, token);
    assert_eq!(bench.ask("alice.home.example", rtype::A).answers[0].ttl, 5, "another TTL is a change");
    assert!(record.len() > 10);
    let (record, token) = bench.server.stage_own(&at("alice.home.example", "192.0.2.1")[..1]).unwrap();
    bench.server.abandon_own(token);
    assert_eq!(record.len(), 3, "nothing new");
    let zero = OwnSet { ttl: 0, ..at("dan.home.example", "192.0.2.7")[0].clone() };
    let (_, token) = bench.server.stage_own(&[zero]).unwrap();
    bench.server.commit_own(bench.now, token);
    assert_eq!(bench.ask("dan.home.example", rtype::A).answers[0].ttl, 1, "never 0");
    bench.server.journal_failed(bench.now);
    assert_eq!(bench.server.stage_own(&[]), Err(UpdateError::NoJournal));
}

#[test]
fn addresses_have_the_names_of_rfc1035_and_rfc3596() {
    let reverse = |text: &str| reverse_name(text.parse::<IpAddr>().unwrap()).to_string();
    assert_eq!(reverse("192.0.2.17"), "17.2.0.192.in-addr.arpa.");
    assert_eq!(
        reverse("4321:0:1:2:3:4:567:89ab"),
        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa."
    );
}

#[test]
fn a_key_for_addresses_cannot_touch_services_nor_delete_a_name_that_has_them() {
    let mut config = config();
    let scope = tsig::Scope::below(name("home.example")).types([rtype::A, rtype::AAAA]);
    let addresses = TsigKey::from_base64("addresses", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=").unwrap();
    let addresses = addresses.allowing_only(scope);
    config.keys.push(addresses.clone());
    let mut bench = Bench::new();
    bench.server = Server::new(config).unwrap();
    let mut sent = |message: Message| bench.datagram(&message.signed(&addresses, NOON).0);
    assert_eq!(sent(update(1).add("bob A 192.0.2.7").delete("alice.home.example", rtype::A)), None);
    sent(update(2).add("_sip._udp.bob SRV 0 0 5060 bob"));
    sent(update(3).delete("alice.home.example", rtype::ANY));
    sent(update(4).add("bob.example. A 192.0.2.7"));
    assert_eq!(sent(update(5).delete("ns.home.example", rtype::ANY)), None, "it has addresses alone");
    let rcodes: Vec<u8> = bench.durable(5).iter().map(|answer| answer[3] & 0x0f).collect();
    assert_eq!(rcodes.map_u16(), [0, rcode::REFUSED, rcode::REFUSED, rcode::NOTZONE, 0]);
    let counted: Vec<_> = bench.server.counts().iter().collect();
    assert_eq!(counted, [("name of another zone", 1), ("type out of scope", 2)]);
}

trait MapU16 {
    fn map_u16(&self) -> Vec<u16>;
}

impl MapU16 for Vec<u8> {
    fn map_u16(&self) -> Vec<u16> {
        self.iter().map(|&byte| u16::from(byte)).collect()
    }
}
