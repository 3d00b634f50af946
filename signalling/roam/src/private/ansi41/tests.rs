use proptest::{collection::vec, prelude::*};

use super::{package::*, *};
use crate::{
    Addresses, BindClaim, CancelReason, Forwarding, Generation, Imsi, Profile, Proof, Resynchronisation,
    Services, Subscription, VisitedNetwork, private::ber::Writer,
};

fn imsi() -> Imsi {
    "001010000000001".parse().unwrap()
}

fn visited() -> VisitedNetwork {
    VisitedNetwork { vlr: "33600000002".parse().unwrap(), network: "visited.example".parse().unwrap() }
}

fn round_trip(operation: &Operation) -> Result<Operation, BerError> {
    let mut out = Vec::new();
    parameters::write(operation, &mut Writer::new(&mut out));
    let VisitedNetwork { vlr, network } = visited();
    parameters::read(parameters::code(Kind::of(operation)), &out, vlr, &network)
}

#[test]
fn a_query_is_written_as_t1_114_says() {
    let mut out = Vec::new();
    query(&mut out, 0x0102_0304, 28, |_| ());
    let expected: &[&[u8]] = &[
        &[0xe2, 21, 0xc7, 4, 1, 2, 3, 4], // QueryWithPermission, transaction
        &[0xe8, 13, 0xe9, 11, 0xcf, 1, 1, 0xd1, 2, 9, 28], // Invoke (last) 1 of AuthenticationRequest
        &[0xf2, 0],
    ];
    let mut expected = expected.concat();
    expected[1] = u8::try_from(expected.len() - 2).unwrap();
    expected[9] = u8::try_from(expected.len() - 10).unwrap();
    expected[11] = u8::try_from(expected.len() - 12).unwrap();
    assert_eq!(out, expected);
    let read = Package::Query { origin: 0x0102_0304, invoke: 1, operation: 28, parameters: &[] };
    assert_eq!(Package::parse(&out), Ok(read));
}

#[test]
fn answers_read_back() {
    let mut out = Vec::new();
    response(&mut out, (7, 1), None, |out| out.value(crate::private::ber::Tag::context(5), b"x"));
    let answer = Answer::Result(&[0x85, 1, b'x']);
    assert_eq!(Package::parse(&out), Ok(Package::Response { destination: 7, answer }));
    out.clear();
    response(&mut out, (7, 1), Some(0x85), |_| ());
    assert_eq!(
        Package::parse(&out),
        Ok(Package::Response { destination: 7, answer: Answer::Error(0x85, &[]) })
    );
    out.clear();
    reject(&mut out, (7, 1), (2, 2));
    assert_eq!(Package::parse(&out), Ok(Package::Response { destination: 7, answer: Answer::Reject }));
}

#[test]
fn every_cause_reads_back() {
    for cause in crate::private::REFUSALS {
        let mut out = Vec::new();
        parameters::write_error(cause, &mut Writer::new(&mut out));
        assert_eq!(parameters::read_error(parameters::error_code(cause), &out), cause);
    }
}

#[test]
fn a_question_without_the_private_parameter_lacks_something() {
    let VisitedNetwork { vlr, network } = visited();
    for code in OPERATIONS {
        assert!(
            matches!(parameters::read(code, &[0x89, 0], vlr, &network), Err(BerError::Missing(_))),
            "{code}"
        );
    }
}

fn services(bits: u8) -> Services {
    let on = |bit: u8| bits & (1 << bit) != 0;
    let [roaming, packet_data, caller_id, caller_id_restricted, three_way] = [0, 1, 2, 3, 4].map(on);
    Services { roaming, packet_data, caller_id, caller_id_restricted, three_way }
}

prop_compose! {
    fn any_operation()(
        kind in 0..9,
        generation: u64,
        addresses: (Option<[u8; 4]>, Option<[u8; 16]>),
        proof in vec(any::<u8>(), 1..=64),
        lease: u32,
        count in 1..=5_u8,
        bits in 0..32_u8,
        flag: bool,
        texts in vec(proptest::option::of("[a-z0-9:.@]{1,40}"), 3),
        number in proptest::option::of("[0-9]{1,15}"),
    ) -> Operation {
        let (imsi, visited, generation) = (imsi(), visited(), Generation(generation));
        let name = || "t1.home.example".parse().unwrap();
        let resynchronisation = flag.then_some(Resynchronisation { rand: [1; 16], auts: [2; 14] });
        let reason = if flag { CancelReason::SubscriptionWithdrawn } else { CancelReason::UpdateProcedure };
        let forwarding = Forwarding {
            always: texts[0].clone(),
            busy: texts[1].clone(),
            no_answer: texts[2].clone().map(|to| (to, u16::from(bits))),
        };
        match kind {
            0 => Operation::SendAuthenticationInfo { imsi, visited, count, resynchronisation, eps: None },
            1 => Operation::UpdateLocation { imsi, visited },
            2 => {
                let profile = Profile { services: services(bits), forwarding };
                let msisdn = number.map(|number| number.parse().unwrap());
                let subscription = Subscription { msisdn, name: flag.then(name), profile };
                Operation::InsertSubscriberData { imsi, subscription }
            }
            3 => Operation::DeleteSubscriberData { imsi, services: services(bits) },
            4 => {
                let addresses = Addresses { v4: addresses.0.map(Into::into), v6: addresses.1.map(Into::into) };
                let claim = BindClaim { imsi, generation, name: name(), addresses, network: visited.network };
                Operation::Bind { claim, proof: Proof(proof), lease }
            }
            5 => Operation::CancelLocation { imsi, reason, generation },
            6 => Operation::PurgeMs { imsi, visited, generation },
            7 => Operation::RestoreData { imsi },
            _ => Operation::Reset { hlr: "491770000001".parse().unwrap() },
        }
    }
}

proptest! {
    #[test]
    fn any_operation_comes_through(operation in any_operation()) {
        prop_assert_eq!(round_trip(&operation), Ok(operation));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200), code in prop::sample::select(OPERATIONS.to_vec())) {
        let _ = Package::parse(&bytes);
        let VisitedNetwork { vlr, network } = visited();
        let mut private = vec![0xbf, 0xff, 0x00, 0x81, u8::try_from(bytes.len()).unwrap()];
        private.extend_from_slice(&bytes);
        for bytes in [&bytes, &private] {
            let _ = parameters::read(code, bytes, vlr, &network);
            let _ = parameters::read_outcome(Kind::SendAuthenticationInfo, bytes);
            let _ = parameters::read_error(code, bytes);
        }
    }
}
