#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

use proptest::prelude::*;
use rove_base::UnixTime;

use super::*;
use crate::{
    Addresses, Forwarding, Generation, Services,
    aka::{AkaKeys, BindingSecret},
};

fn subscriber(n: u32) -> Subscriber {
    let credential = if n.is_multiple_of(2) {
        Credential::Aka { keys: AkaKeys::new([1; 16], [2; 16]), amf: [0x80, 0] }
    } else {
        Credential::Ed25519 { public_key: [7; 32] }
    };
    let forwarding = Forwarding {
        always: n.is_multiple_of(3).then(|| "a.example".to_owned()),
        busy: n.is_multiple_of(5).then(|| "b.example".to_owned()),
        no_answer: n.is_multiple_of(7).then(|| ("c.example".to_owned(), 20)),
    };
    let services = Services { roaming: true, packet_data: n.is_multiple_of(2), ..Services::default() };
    let only = || Networks::Only(vec!["a.example".parse().unwrap(), "b.example".parse().unwrap()]);
    Subscriber {
        imsi: format!("00101{n:010}").parse().unwrap(),
        msisdn: n.is_multiple_of(2).then(|| format!("49{n}").parse().unwrap()),
        name: format!("t{n}.home.example").parse().unwrap(),
        credential,
        profile: Profile { services, forwarding },
        networks: if n.is_multiple_of(3) { only() } else { Networks::All },
        gives_name: n.is_multiple_of(2),
        ttl: n.is_multiple_of(3).then_some(60),
    }
}

fn stay(generation: u64, bound: bool) -> Stay {
    let v4 = Some([10, 0, 0, u8::try_from(generation % 200).unwrap()].into());
    let addresses = Addresses { v4, v6: Some("2001:db8::1".parse().unwrap()) };
    let binding = Binding { addresses, until: UnixTime::from_secs(77), digest: [5; 32] };
    Stay {
        generation: Generation(generation),
        network: "a.example".parse().unwrap(),
        vlr: "4412".parse().unwrap(),
        binding: bound.then_some(binding),
        prove_by: UnixTime::from_secs(99),
        secrets: vec![BindingSecret::from_bytes(&[8; 32])],
    }
}

fn all_kinds() -> Vec<Record> {
    let (imsi, generation) = (subscriber(1).imsi, Generation(4));
    let entry = Entry {
        subscriber: subscriber(6),
        reserved: 1_000,
        serving: Some(stay(3, true)),
        arriving: Some(stay(4, false)),
    };
    vec![
        Record::Counters { newest: generation, floor: 77 },
        Record::Subscriber(Box::new(subscriber(1))),
        Record::Subscriber(Box::new(subscriber(210))),
        Record::Whole(Box::new(entry)),
        Record::Reserved { imsi, reserved: 2_000 },
        Record::Located { imsi, stay: stay(4, false) },
        Record::Bound { imsi, generation, binding: stay(4, true).binding.unwrap() },
        Record::Renewed { imsi, generation, until: UnixTime::from_secs(5) },
        Record::Unbound { imsi, generation },
        Record::Left { imsi, generation },
        Record::Removed(imsi),
    ]
}

#[test]
fn every_record_reads_back_alone_and_with_others() {
    for record in all_kinds() {
        assert_eq!(decode(&encode(std::slice::from_ref(&record))), Ok(vec![record]));
    }
    assert_eq!(decode(&encode(&all_kinds())), Ok(all_kinds()));
}

#[test]
fn a_record_cut_anywhere_is_an_error_or_fewer_records() {
    let whole = encode(&all_kinds());
    for length in 0..whole.len() {
        let cut = decode(&whole[..length]);
        assert!(cut.is_err() || cut.is_ok_and(|records| records.len() < all_kinds().len()), "{length}");
    }
    assert_eq!(decode(&[9]), Err(ReplayError::Version(9)));
    assert_eq!(decode(&[1, 77]), Err(ReplayError::Kind(77)));
}

#[test]
fn names_numbers_and_addresses_lead_to_their_owner_and_to_nobody_when_they_are_given_up() {
    let mut database = Database::default();
    let two = subscriber(2);
    let address = |n: u8| core::net::IpAddr::from([10, 0, 0, n]);
    database.apply(Record::Subscriber(Box::new(two.clone())));
    database.apply(Record::Located { imsi: two.imsi, stay: stay(3, false) });
    assert_eq!(database.owner(address(3)), None);
    let bound = |generation| {
        let binding = stay(generation, true).binding.unwrap();
        Record::Bound { imsi: two.imsi, generation: Generation(generation), binding }
    };
    database.apply(bound(3));
    assert_eq!(database.owner(address(3)), Some(two.imsi));
    database.apply(Record::Located { imsi: two.imsi, stay: stay(4, false) });
    assert_eq!(database.owner(address(3)), Some(two.imsi), "an arrival takes nothing away");
    database.apply(bound(4));
    assert_eq!((database.owner(address(3)), database.owner(address(4))), (None, Some(two.imsi)));
    let mut renamed = two.clone();
    renamed.name = "other.home.example".parse().unwrap();
    renamed.msisdn = None;
    database.apply(Record::Subscriber(Box::new(renamed.clone())));
    assert!(database.by_name(&two.name).is_none() && database.by_number(two.msisdn.unwrap()).is_none());
    assert_eq!(database.by_name(&renamed.name).unwrap().addresses().len(), 2, "whereabouts stay");
    database.apply(Record::Removed(two.imsi));
    assert_eq!((database.owner(address(4)), database.len()), (None, 0));
    assert_eq!(database.newest, Generation(4), "remembered beyond the subscriber");
}

#[test]
fn no_secret_is_in_what_debug_prints() {
    let printed = format!("{:?}{:?}", subscriber(2), stay(1, false));
    assert!(printed.contains("Aka(..)") && printed.contains("BindingSecret(..)"), "{printed}");
    assert!(!printed.contains("1, 1, 1") && !printed.contains("8, 8, 8"), "{printed}");
}

proptest! {
    #[test]
    fn any_bytes_are_records_that_read_back_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(records) = decode(&bytes) {
            prop_assert_eq!(decode(&encode(&records)), Ok(records));
        }
    }
}
