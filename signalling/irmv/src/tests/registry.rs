//! The store under many users, against a plain map; and what a registration costs.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use rove_base::{Entropy, Transport, UnixTime};

use crate::{
    Claim, Conflict, Contact, Face, Identifier, News, Proof, Record, Registry, RegistryLimits, Shelf,
    Signatures, Status, UserKey, Way, Ways, server::ServerConfig,
};

fn record(user: u8, name: u8, sequence: u64, expires: u64) -> Record {
    let key = UserKey::from_seed(&[user; 32]);
    let claim = Claim {
        key: key.public(),
        sequence,
        expires: UnixTime::from_secs(expires),
        status: Status::Online,
        listed: false,
        name: format!("user{name}@a.example").parse().unwrap(),
        number: None,
        fixed: None,
        contacts: vec![Contact { transport: Transport::Udp, address: "192.0.2.1:5060".parse().unwrap() }],
    };
    Record::attest(claim, [0; 64], (Proof::Nothing, Proof::Nothing), &UserKey::from_seed(&[99; 32]))
}

fn registry() -> Registry {
    let limits = RegistryLimits { records: 12, ..RegistryLimits::default() };
    let key = UserKey::from_seed(&[99; 32]);
    let mut registry = Registry::new(limits, &key, &mut Entropy::from_number(1));
    registry.listen(Face::Native);
    registry.listen(Face::Sip);
    registry.speaking(&key, &ServerConfig::open("a.example"))
}

/// A shelf in memory, which can fail.
#[derive(Default)]
struct Drawer {
    kept: BTreeMap<u32, [u8; Signatures::LEN]>,
    full_at: Option<usize>,
}

impl Shelf for Drawer {
    fn put(&mut self, place: u32, signatures: &[u8; Signatures::LEN]) -> bool {
        let fits = self.full_at.is_none_or(|most| self.kept.len() < most);
        if fits {
            self.kept.insert(place, *signatures);
        }
        fits
    }

    fn get(&self, place: u32) -> Option<[u8; Signatures::LEN]> {
        self.kept.get(&place).copied()
    }
}

/// Forgets what has ended, and tells how many users' own records that were.
fn expire(registry: &mut Registry, wall: u64) -> usize {
    registry.expire(UnixTime::from_secs(wall));
    core::iter::from_fn(|| registry.news(Face::Native)).filter(|news| matches!(news, News::Ended(_))).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_holds_what_a_plain_map_would(
        steps in vec((0_u8..16, 0_u8..16, 1_u64..40, 1_u64..9_000), 1..60), shelf in any::<bool>()
    ) {
        let (mut registry, mut model, mut wall) = (registry(), BTreeMap::<u8, (u8, u64, u64)>::new(), 1_u64);
        if shelf {
            registry = registry.with_shelf(Box::new(Drawer::default()));
        }
        for (user, name, sequence, lasts) in steps {
            let new = record(user, name, sequence, wall + lasts);
            let old = model.get(&user).is_some_and(|(_, before, _)| *before >= sequence);
            let taken = model.iter().any(|(other, (have, ..))| *other != user && *have == name);
            let expected = if old {
                Err(Conflict::Old)
            } else if taken {
                Err(Conflict::Taken)
            } else if !model.contains_key(&user) && model.len() >= 12 {
                Err(Conflict::Full)
            } else {
                let due = model.get(&user).map_or(0, |(_, _, due)| *due).max(wall + lasts);
                model.insert(user, (name, sequence, due));
                Ok(())
            };
            prop_assert_eq!(registry.put(&new), expected);
            wall += lasts / 3;
            let gone = expire(&mut registry, wall);
            let before = model.len();
            model.retain(|_, (_, _, due)| *due > wall);
            prop_assert_eq!(gone, before - model.len());
            prop_assert_eq!(registry.len(), model.len());
            for (user, (name, sequence, _)) in &model {
                let uid = UserKey::from_seed(&[*user; 32]).uid();
                let found = registry.find(&Identifier::Uid(uid)).unwrap();
                prop_assert_eq!(found.claim.sequence, *sequence);
                let name = Identifier::Name(format!("user{name}@a.example").parse().unwrap());
                prop_assert_eq!(registry.find(&name), Some(found));
            }
        }
        let end = expire(&mut registry, wall + 10_000);
        prop_assert_eq!((end, registry.is_empty(), registry.deadline()), (model.len(), true, None));
    }
}

#[test]
fn a_record_whose_signatures_lie_elsewhere_is_sent_as_it_was_put_there() {
    let mut registry = registry().with_shelf(Box::new(Drawer::default()));
    let wall = UnixTime::from_secs(START);
    for (user, name, sequence) in [(1, 1, 1), (2, 2, 1), (1, 3, 2), (2, 2, 3)] {
        let put = record(user, name, sequence, START + 60);
        registry.put(&put).unwrap();
        let name = Identifier::Name(put.claim.name.clone());
        assert_eq!(registry.find(&name), Some(put.clone()));
        assert_eq!(registry.present(&name, wall), Some(put.clone()));
        assert_eq!(registry.stored(&name, wall), Some(&*put.to_stored()));
    }
    assert_eq!(registry.iter().count(), 2);
    // What the server says itself for whoever has come by another face is whole as well.
    registry.set_ways(b"bob@a.example", &ways(&[60])).unwrap();
    let bob = registry.present(&Identifier::Name("bob@a.example".parse().unwrap()), wall).unwrap();
    assert_eq!(bob.verify(None, wall), Ok(()));
}

#[test]
fn a_record_whose_signatures_cannot_be_kept_is_not_taken() {
    let mut registry = registry().with_shelf(Box::new(Drawer { full_at: Some(1), ..Drawer::default() }));
    registry.put(&record(1, 1, 1, START + 60)).unwrap();
    assert_eq!(registry.put(&record(2, 2, 1, START + 60)), Err(Conflict::Full));
    assert_eq!((registry.len(), registry.iter().count()), (1, 1));
}

#[test]
fn a_registration_with_one_contact_is_kept_in_less_than_a_quarter_of_a_kilobyte() {
    let stored = record(1, 1, 1, 100).to_stored().len();
    assert!(stored < 256, "{stored}");
}

const START: u64 = 1_800_000_000;

fn contact(port: u16) -> Contact {
    Contact { transport: Transport::Udp, address: ([192, 0, 2, 9], port).into() }
}

fn ways(ends: &[u64]) -> Ways {
    let mut ways = Ways::default();
    for (port, end) in (1..).zip(ends) {
        let (until, place) = (UnixTime::from_secs(START + end), Some(contact(port)));
        assert!(ways.push(Way { until, place, words: b"words" }));
    }
    ways
}

#[test]
fn who_has_registered_by_another_face_is_found_by_name_and_then_by_the_id_the_server_speaks_with() {
    let (mut registry, wall) = (registry(), UnixTime::from_secs(START));
    registry.set_ways(b"Bob@a.example", &ways(&[60, 30])).unwrap();
    let name = Identifier::Name("bob@a.example".parse().unwrap());
    let record = registry.present(&name, wall).unwrap();
    assert_eq!(record.verify(None, wall), Ok(()));
    assert_eq!(record.claim.contacts, [contact(1), contact(2)]);
    let uid = Identifier::Uid(record.claim.uid());
    assert_eq!(registry.present(&uid, wall), Some(record.clone()), "said once, and kept");
    // The first way ends, and what is said then is another thing, under the same id.
    let later = UnixTime::from_secs(START + 31);
    registry.expire(later);
    let shorter = registry.present(&uid, later).unwrap();
    assert_eq!(shorter.claim.contacts, [contact(1)]);
    assert!(shorter.claim.sequence > record.claim.sequence && shorter.claim.uid() == record.claim.uid());
    registry.expire(UnixTime::from_secs(START + 61));
    assert!(registry.is_empty() && registry.bytes() == 0 && registry.deadline().is_none());
}

#[test]
fn a_user_that_speaks_for_itself_goes_before_what_another_face_knows_and_leaves_it_where_it_is() {
    let (mut registry, wall) = (registry(), UnixTime::from_secs(START));
    registry.set_ways(b"user1@a.example", &ways(&[600])).unwrap();
    registry.put(&record(1, 1, 1, START + 60)).unwrap();
    assert_eq!(registry.len(), 1, "one user");
    let name = Identifier::Name("user1@a.example".parse().unwrap());
    let own = UserKey::from_seed(&[1; 32]).uid();
    assert_eq!(registry.present(&name, wall).unwrap().claim.uid(), own);
    assert_eq!(registry.ways(b"user1@a.example").count(), 1);
    // It goes by another name, and comes back.
    registry.put(&record(1, 2, 2, START + 60)).unwrap();
    assert_eq!((registry.len(), registry.ways_len()), (2, 1));
    assert_ne!(registry.present(&name, wall).unwrap().claim.uid(), own);
    registry.put(&record(1, 1, 3, START + 60)).unwrap();
    assert_eq!((registry.len(), registry.present(&name, wall).unwrap().claim.uid()), (1, own));
    registry.set_ways(b"user1@a.example", &Ways::default()).unwrap();
    assert_eq!((registry.len(), registry.ways_len()), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ways_are_there_until_they_end_whatever_else_happens(
        steps in vec((0_u8..6, vec(1_u64..6_000, 0..4), any::<bool>(), 1_u64..900), 1..60)
    ) {
        let (mut registry, mut wall) = (registry(), START);
        let (mut model, mut sequence) = (BTreeMap::<u8, Vec<u64>>::new(), 0);
        for (user, ends, speaks, passes) in steps {
            let name = format!("user{user}@a.example");
            if speaks {
                sequence += 1;
                registry.put(&record(user, user, sequence, wall + 1_000)).unwrap();
            } else {
                let ends: Vec<u64> = ends.iter().map(|end| wall - START + end).collect();
                registry.set_ways(name.as_bytes(), &ways(&ends)).unwrap();
                model.insert(user, ends);
            }
            let found = registry.present(&Identifier::Name(name.parse().unwrap()), UnixTime::from_secs(wall));
            let way = model.get(&user).is_some_and(|ends| ends.iter().any(|end| START + end > wall));
            prop_assert!(found.is_some() || !(way || speaks));
            wall += passes;
            registry.expire(UnixTime::from_secs(wall));
            model.values_mut().for_each(|ends| ends.retain(|end| START + end > wall));
            prop_assert_eq!(registry.ways_len(), model.values().map(Vec::len).sum::<usize>());
            for (user, ends) in &model {
                let name = format!("user{user}@a.example");
                let kept: Vec<u64> = registry.ways(name.as_bytes()).map(|way| way.until.as_secs() - START).collect();
                prop_assert_eq!(&kept, ends);
            }
        }
        registry.expire(UnixTime::from_secs(wall + 10_000));
        prop_assert_eq!((registry.len(), registry.bytes(), registry.deadline()), (0, 0, None));
    }
}
