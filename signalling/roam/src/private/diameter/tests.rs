mod neighbours;

use proptest::{collection::vec, prelude::*};

use super::{avp::*, *};
use crate::{
    Addresses, BindClaim, CancelReason, Challenge, EpsVector, Forwarding, Generation, Profile, Proof,
    Quintuplet, Resynchronisation, Services, VisitedNetwork,
};

fn imsi() -> Imsi {
    "001010000000001".parse().unwrap()
}

fn visited() -> VisitedNetwork {
    VisitedNetwork { vlr: "33600000002".parse().unwrap(), network: "visited.example".parse().unwrap() }
}

fn asker() -> Asker {
    Asker { plmn: "00102".parse().unwrap(), title: visited().vlr }
}

fn round_trip(operation: &Operation) -> Result<Operation, AvpError> {
    let mut out = Vec::new();
    question::write(operation, asker(), &mut Writer::new(&mut out));
    let VisitedNetwork { vlr, network } = visited();
    question::read(question::command(Kind::of(operation)), Avps::new(&out), vlr, &network)
}

#[test]
fn a_message_is_written_as_rfc_6733_says() {
    let mut out = Vec::new();
    let header = Header { flags: REQUEST, command: 280, application: 0, hop: 0x0102_0304, end: 0x0506_0708 };
    message::write(&mut out, header, |out| out.value(codes::ORIGIN_HOST, b"a.b.c"));
    let expected: &[&[u8]] = &[
        &[1, 0, 0, 36, 0x80, 0, 1, 24],        // version, length, R, DWR
        &[0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], // application, hop by hop, end to end
        &[0, 0, 1, 8, 0x40, 0, 0, 13],         // Origin-Host, M, length without padding
        &[b'a', b'.', b'b', b'.', b'c', 0, 0, 0],
    ];
    assert_eq!(out, expected.concat());
    let read = Message::parse(&out).unwrap();
    assert_eq!(read.header, header);
    assert_eq!(read.avps.find(codes::ORIGIN_HOST), Ok(Some(&b"a.b.c"[..])));
}

#[test]
fn a_pair_of_a_vendor_is_told_from_the_same_number_of_another() {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.number(codes::GENERATION, 1);
    writer.number(Code::of_3gpp(2), 2);
    writer.number(Code::base(2), 3);
    let avps = Avps::new(&out);
    let found = [codes::GENERATION, Code::of_3gpp(2), Code::base(2)].map(|code| avps.number(code).unwrap());
    assert_eq!(found, [Some(1), Some(2), Some(3)]);
    assert_eq!(out[4] & 0xe0, 0x80, "ours may be passed over");
    assert_eq!(out[20] & 0xe0, 0xc0);
}

#[test]
fn what_is_cut_short_or_counts_wrong_is_refused_by_name() {
    let cases: &[(&str, &[u8], AvpError)] = &[
        ("half a header", &[0, 0, 0, 1, 0x40, 0, 0], AvpError::Truncated),
        ("beyond the end", &[0, 0, 0, 1, 0x40, 0, 0, 9], AvpError::Truncated),
        ("shorter than its header", &[0, 0, 0, 1, 0x40, 0, 0, 7], AvpError::Length(7)),
        ("a vendor's, too", &[0, 0, 0, 1, 0xc0, 0, 0, 8], AvpError::Length(8)),
    ];
    for &(what, bytes, expected) in cases {
        assert_eq!(Avps::new(bytes).take(), Err(expected), "{what}");
    }
    assert_eq!(message::length(&[2]), Err(message::MessageError::Version(2)));
    assert_eq!(message::length(&[1, 0, 0]), Ok(None));
    assert_eq!(
        message::length(&[1, 0, 0, 22]),
        Err(message::MessageError::Length(22)),
        "no multiple of four"
    );
    assert_eq!(message::length(&[1, 0, 0, 16]), Err(message::MessageError::Length(16)));
    assert_eq!(message::length(&[1, 0xff, 0, 0]), Err(message::MessageError::Length(0xff_0000)));
}

#[test]
fn every_cause_reads_back() {
    for cause in crate::private::REFUSALS {
        let mut out = Vec::new();
        answer::write_refusal(cause, &mut Writer::new(&mut out));
        assert_eq!(answer::read_refusal(Avps::new(&out)), Ok(Some(cause)));
    }
}

#[test]
fn a_network_code_stands_in_three_octets() {
    let plmn = |plmn: &str| {
        let mut out = Vec::new();
        let asker = Asker { plmn: plmn.parse().unwrap(), title: visited().vlr };
        let operation = Operation::RestoreData { imsi: imsi() };
        question::write(&operation, asker, &mut Writer::new(&mut out));
        Avps::new(&out).fixed::<3>(codes::VISITED_PLMN_ID).unwrap()
    };
    assert_eq!(plmn("26201"), [0x62, 0xf2, 0x10], "as 3GPP TS 24.008 figure 10.5.13 has it");
    assert_eq!(plmn("310410"), [0x13, 0x00, 0x14]);
}

#[test]
fn what_a_foreign_node_says_without_our_pairs_is_understood() {
    let read = |command, write: &dyn Fn(&mut Writer<'_>)| {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.value(codes::USER_NAME, imsi().as_str().as_bytes());
        write(&mut writer);
        question::read(command, Avps::new(&out), visited().vlr, &visited().network)
    };
    let imsi = imsi();
    let update = read(316, &|out| out.number(codes::RAT_TYPE, 1_004));
    assert_eq!(update, Ok(Operation::UpdateLocation { imsi, visited: visited() }));
    let cancel = read(317, &|out| out.number(codes::CANCELLATION_TYPE, 2));
    let reason = CancelReason::SubscriptionWithdrawn;
    assert_eq!(cancel, Ok(Operation::CancelLocation { imsi, reason, generation: Generation(u64::MAX) }));
    let inserted = read(319, &|out| {
        out.nest(codes::SUBSCRIPTION_DATA, |out| {
            out.number(codes::SUBSCRIBER_STATUS, 0);
            out.value(codes::MSISDN, &[0x94, 0x71, 0xf7]);
        });
    });
    let Ok(Operation::InsertSubscriberData { subscription, .. }) = inserted else { panic!("{inserted:?}") };
    assert_eq!(subscription.msisdn, Some("49177".parse().unwrap()));
    assert!(subscription.profile.services.roaming && subscription.profile.services.packet_data);
    let vectors = read(318, &|out| out.value(codes::VISITED_PLMN_ID, &[0, 0xf1, 0x20]));
    assert_eq!(vectors, Err(AvpError::Missing(codes::REQUESTED_UTRAN_INFO)), "no vectors are asked for");
}

fn services() -> impl Strategy<Value = Services> {
    any::<[bool; 5]>().prop_map(|[roaming, packet_data, caller_id, caller_id_restricted, three_way]| {
        Services { roaming, packet_data, caller_id, caller_id_restricted, three_way }
    })
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let target = || proptest::option::of("[a-z:@.0-9]{1,40}");
    let seconds = any::<u16>();
    (
        proptest::option::of("[0-9]{1,15}"),
        proptest::option::of("[a-z]{1,9}\\.example"),
        services(),
        target(),
        target(),
        target(),
        seconds,
    )
        .prop_map(|(msisdn, name, services, always, busy, no_answer, seconds)| {
            let no_answer = no_answer.map(|target| (target, seconds));
            let forwarding = Forwarding { always, busy, no_answer };
            let msisdn = msisdn.map(|number| number.parse().unwrap());
            let name = name.map(|name| name.parse().unwrap());
            Subscription { msisdn, name, profile: Profile { services, forwarding } }
        })
}

fn operation() -> impl Strategy<Value = Operation> {
    let stale = proptest::option::of((any::<[u8; 16]>(), any::<[u8; 14]>()));
    let claim = (
        any::<u64>(),
        any::<Option<[u8; 4]>>(),
        any::<Option<[u8; 16]>>(),
        vec(any::<u8>(), 1..65),
        any::<u32>(),
    );
    prop_oneof![
        (1_u8..6, stale, proptest::option::of("[0-9]{5,6}")).prop_map(|(count, stale, eps)| {
            Operation::SendAuthenticationInfo {
                imsi: imsi(),
                visited: visited(),
                count,
                resynchronisation: stale.map(|(rand, auts)| Resynchronisation { rand, auts }),
                eps: eps.map(|plmn| plmn.parse().unwrap()),
            }
        }),
        Just(Operation::UpdateLocation { imsi: imsi(), visited: visited() }),
        subscription()
            .prop_map(|subscription| Operation::InsertSubscriberData { imsi: imsi(), subscription }),
        services().prop_map(|services| Operation::DeleteSubscriberData { imsi: imsi(), services }),
        claim.prop_map(|(generation, v4, v6, proof, lease)| Operation::Bind {
            claim: BindClaim {
                imsi: imsi(),
                generation: Generation(generation),
                name: "t1.home.example".parse().unwrap(),
                addresses: Addresses { v4: v4.map(Into::into), v6: v6.map(Into::into) },
                network: visited().network,
            },
            proof: Proof(proof),
            lease,
        }),
        (any::<bool>(), any::<u64>()).prop_map(|(withdrawn, generation)| Operation::CancelLocation {
            imsi: imsi(),
            reason: if withdrawn {
                CancelReason::SubscriptionWithdrawn
            } else {
                CancelReason::UpdateProcedure
            },
            generation: Generation(generation),
        }),
        any::<u64>().prop_map(|generation| Operation::PurgeMs {
            imsi: imsi(),
            visited: visited(),
            generation: Generation(generation),
        }),
        Just(Operation::RestoreData { imsi: imsi() }),
        Just(Operation::Reset { hlr: "491770000001".parse().unwrap() }),
    ]
}

proptest! {
    #[test]
    fn every_question_reads_back(operation in operation()) {
        prop_assert_eq!(round_trip(&operation), Ok(operation));
    }

    #[test]
    fn challenges_read_back(seeds in vec(any::<u8>(), 1..6), kind in 0..3) {
        let challenge = |seed: u8| if kind == 0 {
            Challenge::Ed25519 { nonce: [seed; 32], public_key: [seed ^ 1; 32] }
        } else if kind == 1 {
            Challenge::Eps(Box::new(EpsVector {
                rand: [seed; 16],
                xres: vec![seed; usize::from(seed) % 13 + 4].into(),
                autn: [seed ^ 3; 16],
                kasme: [seed ^ 4; 32].into(),
            }))
        } else {
            Challenge::Aka(Box::new(Quintuplet {
                rand: [seed; 16],
                xres: vec![seed; usize::from(seed) % 13 + 4].into(),
                ck: [seed ^ 1; 16].into(),
                ik: [seed ^ 2; 16].into(),
                autn: [seed ^ 3; 16],
            }))
        };
        let outcome = Outcome::AuthenticationInfo(seeds.into_iter().map(challenge).collect());
        let mut out = Vec::new();
        answer::write(Kind::SendAuthenticationInfo, &outcome, &visited().vlr, &mut Writer::new(&mut out));
        prop_assert_eq!(answer::read(Kind::SendAuthenticationInfo, Avps::new(&out), visited().vlr), Ok(outcome));
    }

    #[test]
    fn nothing_panics_whatever_comes(bytes in vec(any::<u8>(), 0..600), command in 310_u32..325) {
        let _ = Message::parse(&bytes);
        let _ = question::read(command, Avps::new(&bytes), visited().vlr, &visited().network);
        let _ = answer::read(Kind::SendAuthenticationInfo, Avps::new(&bytes), visited().vlr);
        let _ = answer::read_refusal(Avps::new(&bytes));
    }
}
