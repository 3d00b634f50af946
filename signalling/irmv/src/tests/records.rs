//! What is written reads back, and nothing else does.

use std::net::{IpAddr, SocketAddr};

use proptest::{collection::vec, option, prelude::*, sample::select};
use rove_base::{Transport, UnixTime};

use crate::{
    Carry, CarryId, Claim, Contact, Distrust, Frames, Identifier, Message, Number, Proof, Reason, Record,
    Stage, Status, Uid, UserKey,
};

fn claims() -> impl Strategy<Value = Claim> {
    let contact = (select(vec![Transport::Udp, Transport::Tcp, Transport::Tls]), any::<SocketAddr>());
    let contact = contact.prop_map(|(transport, address)| Contact {
        transport,
        address: SocketAddr::new(address.ip(), address.port()),
    });
    let status = select(vec![Status::Offline, Status::Online, Status::Idle, Status::Busy]);
    let number = option::of((100_u64..1_000_000).prop_map(|digits| Number::new(digits).unwrap()));
    let name = "[a-z0-9._+-]{1,20}@[a-z0-9]{1,10}\\.example";
    let fields = (
        any::<u64>(),
        any::<u32>(),
        (status, any::<bool>()),
        name,
        number,
        option::of(any::<IpAddr>()),
        vec(contact, 0..5),
    );
    fields.prop_map(|(sequence, expires, (status, listed), name, number, fixed, contacts)| Claim {
        key: UserKey::from_seed(&[3; 32]).public(),
        sequence,
        expires: UnixTime::from_secs(expires.into()),
        status,
        listed,
        name: name.parse().unwrap(),
        number,
        fixed,
        contacts,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_claim_is_written_in_one_way_and_reads_back(claim in claims()) {
        let bytes = claim.encode();
        prop_assert_eq!(Claim::decode(&bytes), Ok(claim.clone()));
        prop_assert!(Claim::decode(&bytes[..bytes.len() - 1]).is_err());
        prop_assert!(Claim::decode(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn whatever_comes_in_is_a_message_or_an_error_and_a_message_is_written_as_it_was_read(
        bytes in vec(any::<u8>(), 0..300),
    ) {
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }

    #[test]
    fn a_stream_may_be_cut_anywhere(cuts in vec(1_usize..40, 1..40)) {
        let message = Message::Query { id: 7, identifier: "bob@b.example".parse().unwrap(), asker: None };
        let all = Frames::frame(&message.encode()).repeat(5);
        let (mut frames, mut rest, mut seen) = (Frames::default(), &all[..], 0);
        for cut in cuts.into_iter().chain([1_000]) {
            let (mut piece, left) = rest.split_at(cut.min(rest.len()));
            rest = left;
            while let Some(frame) = frames.next(&mut piece).unwrap() {
                prop_assert_eq!(Message::decode(&frame), Ok(message.clone()));
                seen += 1;
            }
        }
        prop_assert_eq!(seen, 5);
    }
}

fn record() -> (Record, UserKey) {
    let (user, server) = (UserKey::from_seed(&[1; 32]), UserKey::from_seed(&[2; 32]));
    let claim = Claim {
        key: user.public(),
        sequence: 5,
        expires: UnixTime::from_secs(1_000),
        status: Status::Busy,
        listed: true,
        name: "alice@a.example".parse().unwrap(),
        number: Some("+46701234567".parse().unwrap()),
        fixed: Some("2001:db8::1".parse().unwrap()),
        contacts: vec![Contact { transport: Transport::Tls, address: "192.0.2.1:5061".parse().unwrap() }],
    };
    let signature = claim.sign(&user);
    (Record::attest(claim, signature, (Proof::Attested, Proof::Routable), &server), server)
}

#[test]
fn every_message_reads_back() {
    let (record, server) = record();
    let name = record.claim.name.clone();
    let identifier = |text: &str| text.parse::<Identifier>().unwrap();
    let messages = [
        Message::Hello { server: None },
        Message::Hello { server: Some(("a.example".into(), server.public())) },
        Message::Welcome { domain: "b.example".into(), key: server.public() },
        Message::Register { id: 1, claim: record.claim.clone(), signature: record.signature },
        Message::Registered { id: 2, record: record.clone() },
        Message::Refused { id: 3, reason: Reason::Broken },
        Message::Query {
            id: 4,
            identifier: identifier("+46701234567"),
            asker: Some("a@b.example".parse().unwrap()),
        },
        Message::Query { id: 4, identifier: identifier("2001:db8::1"), asker: None },
        Message::Query { id: 4, identifier: Identifier::Uid(record.claim.uid()), asker: None },
        Message::Answer { id: 5, record: Some(record.clone()) },
        Message::Answer { id: 5, record: None },
        Message::Subscribe { id: 6, identifier: identifier("alice@a.example"), asker: None },
        Message::Notify { id: 7, record: Some(record) },
        Message::Unsubscribe { id: 8 },
        Message::Carry(Carry {
            id: CarryId([9; 16]),
            from: name.clone(),
            to: name,
            stage: Stage::Text,
            body: b"hello".to_vec(),
        }),
    ];
    for message in messages {
        assert_eq!(Message::decode(&message.encode()), Ok(message));
    }
}

#[test]
fn whatever_is_changed_in_a_record_is_not_believed() {
    let (record, server) = record();
    let wall = UnixTime::from_secs(999);
    assert_eq!(record.verify(Some(&server.public()), wall), Ok(()));
    assert_eq!(record.verify(None, UnixTime::from_secs(1_000)), Err(Distrust::Expired));
    assert_eq!(record.verify(Some(&[7; 32]), wall), Err(Distrust::Server));
    let bytes = record.encode();
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 1;
        let believed =
            Record::decode(&bent).is_ok_and(|record| record.verify(Some(&server.public()), wall).is_ok());
        assert!(!believed, "byte {at}");
    }
}

#[test]
fn a_unique_id_is_the_same_as_text() {
    let uid = Uid::of(&UserKey::from_seed(&[1; 32]).public());
    let text = uid.to_string();
    assert_eq!((text.len(), text.parse()), (52, Ok(uid)));
    assert_eq!(text.to_uppercase().parse(), Ok(uid));
    let zeros = "a".repeat(52);
    assert_eq!(zeros.parse(), Ok(Uid([0; 32])));
    assert!(format!("{}b", "a".repeat(51)).parse::<Uid>().is_err(), "bits left over");
    assert!("a1".repeat(26).parse::<Uid>().is_err());
}

#[test]
fn identifiers_are_told_apart_by_their_looks() {
    let kinds = [
        ("Alice@A.Example", "alice@a.example"),
        ("+46701234567", "+46701234567"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
    ];
    for (text, told) in kinds {
        assert_eq!(text.parse::<Identifier>().unwrap().to_string(), told);
    }
    for text in [
        "",
        "alice",
        "alice@",
        "@a.example",
        "a b@a.example",
        "a@-x.example",
        "+0123",
        "+12",
        "+1234567890123456",
    ] {
        assert!(text.parse::<Identifier>().is_err(), "{text}");
    }
}
