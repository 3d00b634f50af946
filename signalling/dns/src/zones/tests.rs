use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    fixture::{home, name, zone},
    wire::rtype,
};

fn record(line: &str) -> Record {
    Record::parse(line, &name("home.example"), 60).unwrap()
}

fn find(zone: &Zone, asked: &str, wanted: u16) -> String {
    match zone.find(name(asked).as_wire(), wanted) {
        Found::Nothing => "nothing".to_owned(),
        Found::Contents(contents) => {
            format!("{:?}", contents.sets().map(|set| set.rtype).collect::<Vec<_>>())
        }
        Found::Delegated { cut, servers } => {
            format!("ask {} at {}", servers.rdata.len(), Name::from_wire(cut).unwrap())
        }
    }
}

#[test]
fn a_name_is_found_by_rfc1034_4_3_2() {
    let zone = Zone::new(&home()).unwrap();
    let cases: &[(&str, &str, u16, &str)] = &[
        ("the origin", "home.example", rtype::SOA, "[2, 6, 35]"),
        ("a host", "alice.home.example", rtype::A, "[1, 16, 28]"),
        ("without case", "ALICE.home.Example", rtype::A, "[1, 16, 28]"),
        ("an alias", "www.home.example", rtype::A, "[5]"),
        ("a name that only has names below it", "er.tree.home.example", rtype::A, "[]"),
        ("a name that is not there", "carol.home.example", rtype::A, "nothing"),
        ("below a host", "x.alice.home.example", rtype::A, "nothing"),
        ("a cut", "lab.home.example", rtype::A, "ask 2 at lab.home.example."),
        ("below a cut", "x.y.lab.home.example", rtype::A, "ask 2 at lab.home.example."),
        ("glue is not ours to answer", "ns.lab.home.example", rtype::A, "ask 2 at lab.home.example."),
        ("DS at a cut is ours", "lab.home.example", rtype::DS, "[2]"),
    ];
    for &(what, asked, wanted, expected) in cases {
        assert_eq!(find(&zone, asked, wanted), expected, "{what}");
    }
}

#[test]
fn names_between_come_and_go_with_the_names_below() {
    let mut zone = Zone::new(&home()).unwrap();
    let names = zone.names();
    zone.set(&name("a.b.c.home.example"), Contents::default());
    assert_eq!(zone.names(), names, "nothing set at a new name leaves nothing");
    let mut contents = Contents::default();
    assert!(contents.add(rtype::TXT, 60, Box::from(&b"\x01x"[..])));
    zone.set(&name("a.b.c.home.example"), contents.clone());
    zone.set(&name("b.c.home.example"), contents);
    assert_eq!(zone.names(), names + 3);
    zone.set(&name("b.c.home.example"), Contents::default());
    assert_eq!(zone.names(), names + 3, "b.c stays, for a.b.c is below it");
    zone.set(&name("a.b.c.home.example"), Contents::default());
    assert_eq!(zone.names(), names);
}

#[test]
fn a_cut_that_is_removed_gives_the_names_below_back() {
    let mut zone = Zone::new(&home()).unwrap();
    zone.set(&name("lab.home.example"), Contents::default());
    assert_eq!(find(&zone, "ns.lab.home.example", rtype::A), "[1]");
}

#[test]
fn the_nearest_zone_answers() {
    let configs = [zone("example", &[]), zone("home.example", &[])];
    let zones = Zones::new(&configs).unwrap();
    let nearest = |asked: &str| zones.nearest(name(asked).as_wire()).map(|zone| zone.origin().to_string());
    assert_eq!(nearest("a.home.example"), Some("home.example.".to_owned()));
    assert_eq!(nearest("b.example"), Some("example.".to_owned()));
    assert_eq!(nearest("b.invalid"), None);
}

#[test]
fn configurations_that_make_no_zone_are_refused() {
    let outside = ZoneConfig { records: vec![record("bob.example. A 192.0.2.1")], ..home() };
    let alias = zone("home.example", &["x CNAME y", "x A 192.0.2.1"]);
    let cases: &[(&str, Vec<ZoneConfig>, ZoneError)] = &[
        ("twice", vec![home(), home()], ZoneError::Twice { zone: name("home.example") }),
        (
            "outside",
            vec![outside],
            ZoneError::Outside { name: name("bob.example"), zone: name("home.example") },
        ),
        ("alias", vec![alias], ZoneError::AliasWithOthers { name: name("x.home.example") }),
    ];
    for (what, configs, expected) in cases {
        assert_eq!(Zones::new(configs).unwrap_err(), *expected, "{what}");
    }
}

#[test]
fn lines_of_a_master_file_are_read_and_others_refused() {
    type Row = (&'static str, Option<(&'static str, u16, u32, &'static [u8])>);
    let rows: &[Row] = &[
        ("bob 30 IN A 192.0.2.7", Some(("bob.home.example", rtype::A, 30, &[192, 0, 2, 7]))),
        ("bob A 192.0.2.7", Some(("bob.home.example", rtype::A, 60, &[192, 0, 2, 7]))),
        ("@ PTR bob", Some(("home.example", rtype::PTR, 60, b"\x03bob\x04home\x07example\x00"))),
        ("x PTR a.b.", Some(("x.home.example", rtype::PTR, 60, b"\x01a\x01b\x00"))),
        ("bob CH A 192.0.2.7", None),
        ("bob A 192.0.2.777", None),
        ("bob NONSENSE 1", None),
        ("$INCLUDE /etc/passwd", None),
        ("a A 192.0.2.1\nb A 192.0.2.2", None),
        ("", None),
    ];
    for (line, expected) in rows {
        let read = Record::parse(line, &name("home.example"), 60).ok();
        let expected = expected.map(|(owner, rtype, ttl, rdata)| Record {
            name: name(owner),
            rtype,
            ttl,
            rdata: rdata.into(),
        });
        assert_eq!(read, expected, "{line}");
    }
}

#[test]
fn contents_compare_names_without_case_and_numbers_with() {
    let srv = |port: u16, host: &[u8]| [&[0, 10, 0, 0][..], &port.to_be_bytes(), host].concat();
    let lower = srv(0x4141, b"\x01a\x00");
    assert!(rdata::same(rtype::SRV, &lower, &srv(0x4141, b"\x01A\x00")));
    assert!(!rdata::same(rtype::SRV, &lower, &srv(0x6161, b"\x01a\x00")), "a port is no letter");
    assert!(!rdata::same(rtype::TXT, b"\x01a", b"\x01A"));
    let naptr = record("@ NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _SIP._udp.alice");
    assert_eq!(rdata::target(rtype::NAPTR, &naptr.rdata), Some(name("_sip._udp.alice.home.example")));
}

proptest! {
    #[test]
    fn taking_contents_apart_never_panics(rtype in 0..60_u16, a in vec(any::<u8>(), 0..40), b in vec(any::<u8>(), 0..40)) {
        let _ = rdata::same(rtype, &a, &b);
        let _ = rdata::target(rtype, &a);
        let _ = (rdata::soa_serial(&a), rdata::soa_minimum(&a), rdata::soa_with_serial(&a, 7));
        let _ = rdata::uncompress(&a, &(0..b.len()), rtype);
    }

    /// However names come and go while a walk goes on, it tells what was there when it began, each name once.
    #[test]
    fn a_walk_sees_the_zone_as_it_was(
        before in vec(0..40_u8, 0..40),
        steps in vec((0..40_u8, any::<bool>(), any::<bool>()), 0..200),
    ) {
        let mut zone = Zone::new(&zone("home.example", &[])).unwrap();
        let owner = |n: u8| name(&format!("h{}.t{}.home.example", n, n % 3));
        let owning = |text: u8| {
            let mut contents = Contents::default();
            assert!(contents.add(rtype::TXT, 60, Box::from([1, text].as_slice())));
            contents
        };
        before.iter().for_each(|&n| zone.set(&owner(n), owning(n)));
        let expected = zone.records();
        let (first, second) = (zone.begin_walk(), zone.begin_walk());
        let (mut seen, mut changes) = (Vec::new(), 0_u8);
        for (n, there, goes_on) in steps {
            if goes_on && let Walked::Name(name, contents) = zone.walk(first) {
                seen.extend(contents.records(&name));
            }
            changes = changes.wrapping_add(1);
            zone.set(&owner(n), if there { owning(changes) } else { Contents::default() });
        }
        for walk in [first, second] {
            loop {
                match zone.walk(walk) {
                    Walked::Name(name, contents) => seen.extend(contents.records(&name)),
                    Walked::Nothing => {}
                    Walked::End => break,
                }
            }
            zone.end_walk(walk);
            let order = |records: &mut Vec<Record>| records.sort_by(|a, b| (&a.name, a.rtype).cmp(&(&b.name, b.rtype)));
            order(&mut seen);
            let mut expected = expected.clone();
            order(&mut expected);
            prop_assert_eq!(&seen, &expected);
            seen.clear();
        }
    }

    /// However names come and go, only names with contents and the names above them exist.
    #[test]
    fn a_zone_holds_what_was_set_last(steps in vec((0..4_usize, 0..4_usize, any::<bool>()), 0..40)) {
        let mut zone = Zone::new(&zone("home.example", &[])).unwrap();
        let mut model = std::collections::BTreeMap::new();
        let labels = ["a", "b", "a.b", "x.a.b"];
        for (low, high, there) in steps {
            let owner = name(&format!("{}.{}.home.example", labels[low], labels[high]));
            let mut contents = Contents::default();
            if there {
                prop_assert!(contents.add(rtype::NS, 60, Box::from(&b"\x01x\x00"[..])));
            }
            model.insert(owner.clone(), there);
            zone.set(&owner, contents);
        }
        for (owner, there) in &model {
            let held = zone.at(owner.as_wire());
            prop_assert_eq!(held.is_some_and(|contents| !contents.is_empty()), *there, "{}", owner);
            let below = model.iter().any(|(name, there)| *there && name != owner && name.is_within(owner));
            prop_assert_eq!(held.is_some(), *there || below, "{}", owner);
        }
        let cuts = model.values().filter(|there| **there).count();
        prop_assert_eq!(zone.records().iter().filter(|r| r.rtype == rtype::NS).count(), cuts + 1);
    }
}
