//! The store under many users, against a plain map; and what a registration costs.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use rove_base::{Entropy, Transport, UnixTime};

use crate::{Claim, Conflict, Contact, Identifier, Proof, Record, Registry, RegistryLimits, Status, UserKey};

fn record(user: u8, name: u8, sequence: u64, expires: u64) -> Record {
    let key = UserKey::from_seed(&[user; 32]);
    let claim = Claim {
        key: key.public(),
        sequence,
        expires: UnixTime::from_secs(expires),
        status: Status::Online,
        name: format!("user{name}@a.example").parse().unwrap(),
        number: None,
        fixed: None,
        contacts: vec![Contact { transport: Transport::Udp, address: "192.0.2.1:5060".parse().unwrap() }],
    };
    Record::attest(claim, [0; 64], (Proof::Nothing, Proof::Nothing), &UserKey::from_seed(&[99; 32]))
}

fn registry() -> Registry {
    let limits = RegistryLimits { records: 12, ..RegistryLimits::default() };
    Registry::new(limits, &UserKey::from_seed(&[99; 32]), &mut Entropy::from_number(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_holds_what_a_plain_map_would(steps in vec((0_u8..16, 0_u8..16, 1_u64..40, 1_u64..9_000), 1..60)) {
        let (mut registry, mut model, mut wall) = (registry(), BTreeMap::<u8, (u8, u64, u64)>::new(), 1_u64);
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
            let gone = registry.expire(UnixTime::from_secs(wall)).len();
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
        let end = registry.expire(UnixTime::from_secs(wall + 10_000)).len();
        prop_assert_eq!((end, registry.is_empty(), registry.deadline()), (model.len(), true, None));
    }
}

#[test]
fn a_registration_with_one_contact_is_kept_in_less_than_a_quarter_of_a_kilobyte() {
    let stored = record(1, 1, 1, 100).to_stored().len();
    assert!(stored < 256, "{stored}");
}
