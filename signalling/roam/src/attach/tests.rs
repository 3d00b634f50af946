#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{Addresses, Cause, Forwarding, Generation, Profile, Proof, Services};

fn from_terminals() -> Vec<ToNetwork> {
    let imsi = "262011234567890".parse().unwrap();
    let call = CallRequest { id: CallId(7), dialled: "+41791234567".parse().unwrap(), third: true };
    vec![
        ToNetwork::Identify(Identify { imsi, name: None, call: None }),
        ToNetwork::Identify(Identify {
            imsi,
            name: "t1.home.example".parse().ok(),
            call: Some(call.clone()),
        }),
        ToNetwork::Response(Response::Aka([1, 2, 3, 4, 5, 6, 7, 8].into_iter().collect())),
        ToNetwork::Response(Response::Ed25519([5; 64])),
        ToNetwork::SyncFailure { auts: [3; 14] },
        ToNetwork::Decline { reason: Reason::Distrusted },
        ToNetwork::Prove { proof: Proof(vec![1; 32]) },
        ToNetwork::Ready,
        ToNetwork::Renew,
        ToNetwork::Moved { imsi, ticket: Secret::new([4; 16]) },
        ToNetwork::Detach,
        ToNetwork::CallRequest(CallRequest { third: false, ..call }),
    ]
}

fn from_networks() -> Vec<ToTerminal> {
    let network: crate::NetworkName = "visited.example".parse().unwrap();
    let addresses = Addresses { v4: Some([10, 1, 0, 1].into()), v6: "2001:db8::1".parse().ok() };
    let longest = "x".repeat(255);
    let forwarding = Forwarding {
        always: Some(longest.clone()),
        busy: Some(longest.clone()),
        no_answer: Some((longest, 20)),
    };
    let services = Services { roaming: true, three_way: true, ..Services::default() };
    vec![
        ToTerminal::Challenge {
            network: network.clone(),
            query: Query::Aka { rand: [1; 16], autn: [2; 16] },
        },
        ToTerminal::Challenge { network: network.clone(), query: Query::Ed25519 { nonce: [3; 32] } },
        ToTerminal::Refused { reason: Reason::Home(Cause::NoAgreement) },
        ToTerminal::Refused { reason: Reason::Other(200) },
        ToTerminal::Assign {
            addresses,
            network,
            generation: Generation(u64::MAX),
            name: "t1.home.example".parse().unwrap(),
        },
        ToTerminal::Accept { token: Secret::new([5; 16]), patience: 30 },
        ToTerminal::Bound { lease: 30, ticket: Secret::new([6; 16]) },
        ToTerminal::Renewed { lease: 30 },
        ToTerminal::Profile { msisdn: "41791234567".parse().ok(), profile: Profile { services, forwarding } },
        ToTerminal::Profile { msisdn: None, profile: Profile::default() },
        ToTerminal::Detached,
        ToTerminal::Ended { reason: Reason::ServedElsewhere },
        ToTerminal::CallAllowed { id: CallId(7), anonymous: true },
        ToTerminal::CallRefused { id: CallId(8), reason: Reason::ServiceNotGranted },
    ]
}

#[test]
fn every_message_reads_as_it_was_written_and_fits_a_frame() {
    for message in from_terminals() {
        let frame = message.encode();
        assert!(frame.len() <= Frames::MAX);
        assert_eq!(ToNetwork::decode(&frame), Ok(message));
    }
    for message in from_networks() {
        let frame = message.encode();
        assert!(frame.len() <= Frames::MAX);
        assert_eq!(ToTerminal::decode(&frame), Ok(message));
    }
}

#[test]
fn the_bytes_of_a_message_are_those_of_the_specification() {
    let identify =
        ToNetwork::Identify(Identify { imsi: "262011234567890".parse().unwrap(), name: None, call: None });
    let frame = Frames::frame(&identify.encode());
    assert_eq!(frame, [&[0, 20, 1, 1, 1, 0, 15][..], b"262011234567890"].concat());
    let refused = ToTerminal::Refused { reason: Reason::Home(Cause::NoAgreement) };
    assert_eq!(Frames::frame(&refused.encode()), [0, 6, 1, 65, 9, 0, 1, 3]);
}

#[test]
fn what_is_wrong_with_a_frame_is_said() {
    let cases: [(&str, &[u8], WireError); 11] = [
        ("nothing", &[], WireError::Length),
        ("a version alone", &[1], WireError::Length),
        ("another version", &[2, 6], WireError::Version(2)),
        ("another direction", &[1, 64], WireError::Type(64)),
        ("a field without its value", &[1, 6, 1, 0, 3, b'2'], WireError::Truncated),
        ("half a field's head", &[1, 6, 1, 0], WireError::Truncated),
        ("a field twice", &[1, 9, 5, 0, 0, 5, 0, 0], WireError::Field(5)),
        ("a field of another message", &[1, 9, 5, 0, 0], WireError::Field(5)),
        ("a field nobody knows", &[1, 9, 100, 0, 0], WireError::Field(100)),
        ("a field missing", &[1, 1], WireError::Missing(1)),
        ("a field with nonsense", &[1, 4, 9, 0, 2, 1, 1], WireError::Value(9)),
    ];
    for (what, frame, error) in cases {
        assert_eq!(ToNetwork::decode(frame), Err(error), "{what}");
    }
    let later = [1, 9, 0x80, 0, 1, 7];
    assert_eq!(ToNetwork::decode(&later), Ok(ToNetwork::Detach), "what may be passed over is");
}

#[test]
fn reasons_have_one_number_each() {
    for code in 0..=u8::MAX {
        assert_eq!(Reason::from_code(code).code(), code);
    }
}

#[test]
fn frames_come_out_whole_however_the_stream_is_cut() {
    let messages = from_terminals();
    let stream: Vec<u8> = messages.iter().flat_map(|message| Frames::frame(&message.encode())).collect();
    for size in 1..40 {
        let mut frames = Frames::default();
        let mut read = Vec::new();
        for mut bytes in stream.chunks(size) {
            while let Some(frame) = frames.next(&mut bytes).unwrap() {
                read.push(ToNetwork::decode(&frame).unwrap());
            }
        }
        assert_eq!(read, messages, "cut each {size} bytes");
    }
}

#[test]
fn a_frame_that_is_too_long_or_too_short_ends_the_stream() {
    for length in [0_u16, 1, 2_049, u16::MAX] {
        let bytes = length.to_be_bytes();
        assert_eq!(Frames::default().next(&mut bytes.as_slice()), Err(rove_base::FrameLength), "{length}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_written_the_same(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = ToNetwork::decode(&bytes) {
            prop_assert_eq!(ToNetwork::decode(&message.encode()), Ok(message));
        }
        if let Ok(message) = ToTerminal::decode(&bytes) {
            prop_assert_eq!(ToTerminal::decode(&message.encode()), Ok(message));
        }
    }

    #[test]
    fn a_flipped_bit_never_panics(which in 0_usize..14, at in 0_usize..900, bit in 0_u8..8) {
        let mut frame = from_networks()[which].encode();
        let length = frame.len();
        frame[at % length] ^= 1 << bit;
        if let Ok(message) = ToTerminal::decode(&frame) {
            prop_assert_eq!(ToTerminal::decode(&message.encode()), Ok(message));
        }
    }
}

/// The reason that stands behind this one in the enum; who adds one has to add it here.
const fn next(reason: Reason) -> Option<Reason> {
    Some(match reason {
        Reason::Home(_) => Reason::AuthenticationFailed,
        Reason::AuthenticationFailed => Reason::Distrusted,
        Reason::Distrusted => Reason::Protocol,
        Reason::Protocol => Reason::Version,
        Reason::Version => Reason::Timeout,
        Reason::Timeout => Reason::Superseded,
        Reason::Superseded => Reason::ServedElsewhere,
        Reason::ServedElsewhere => Reason::Withdrawn,
        Reason::Withdrawn => Reason::ServiceNotGranted,
        Reason::ServiceNotGranted => Reason::Expired,
        Reason::Expired => Reason::Released,
        Reason::Released => Reason::Lost,
        Reason::Lost => Reason::Detached,
        Reason::Detached => Reason::UnknownTicket,
        Reason::UnknownTicket | Reason::Other(_) => return None,
    })
}

#[test]
fn every_reason_and_every_cause_has_a_number_and_words_of_its_own() {
    let first = Reason::Home(Cause::ALL[0]);
    let mut own: Vec<Reason> = core::iter::successors(Some(first), |reason| next(*reason)).skip(1).collect();
    own.extend(Cause::ALL.map(Reason::Home));
    let all: Vec<Reason> = Reason::all().collect();
    assert_eq!(all.len(), own.len());
    for reason in &own {
        assert!(all.contains(reason), "{reason:?} has no number");
        assert_eq!(Reason::from_code(reason.code()), *reason);
    }
    let words: std::collections::HashSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), all.len(), "a counter's label says one thing");
}
