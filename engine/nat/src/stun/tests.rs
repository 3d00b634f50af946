#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use proptest::{collection::vec, prelude::*};

use super::*;

/// The sample request of RFC 5769 §2.1, password `VOkJxbRl1RmTxUk/WvJxBt`.
const SAMPLE_REQUEST: &[u8] = &[
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa,
    0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20,
    0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00,
    0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a,
    0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf,
    0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28,
    0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
];

/// The sample IPv4 response of RFC 5769 §2.2, of the same transaction and password.
const SAMPLE_RESPONSE: &[u8] = &[
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa,
    0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f,
    0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 0x00, 0x08, 0x00,
    0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9, 0x2a, 0xf9, 0xba, 0x53,
    0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
];

const SAMPLE_PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

#[test]
fn the_sample_request_of_rfc5769_2_1_is_read_and_authentic() {
    let message = Message::parse(SAMPLE_REQUEST).unwrap();
    assert_eq!((message.class(), message.is_binding()), (Class::Request, true));
    let told = message.attributes();
    assert_eq!(told.username, Some(&b"evtj:h6vY"[..]));
    assert_eq!((told.priority, told.controlled), (Some(0x6e00_01ff), Some(0x932f_f9b1_5126_3b36)));
    assert!(message.has_fingerprint() && message.is_authentic(SAMPLE_PASSWORD));
    assert!(!message.is_authentic("VOkJxbRl1RmTxUk/WvJxBT"));
}

#[test]
fn the_sample_response_of_rfc5769_2_2_is_read_and_authentic() {
    let message = Message::parse(SAMPLE_RESPONSE).unwrap();
    assert_eq!(message.class(), Class::Success);
    assert_eq!(message.attributes().mapped, Some(([192, 0, 2, 1], 32_853).into()));
    assert!(message.has_fingerprint() && message.is_authentic(SAMPLE_PASSWORD));
}

#[test]
fn every_bit_of_a_sealed_message_counts() {
    for bit in 0..SAMPLE_REQUEST.len() * 8 {
        let mut bytes = SAMPLE_REQUEST.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let believed = Message::parse(&bytes)
            .is_ok_and(|message| message.has_fingerprint() && message.is_authentic(SAMPLE_PASSWORD));
        assert!(!believed, "bit {bit}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    let (v4, v6) = (([192, 0, 2, 7], 5_004).into(), ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9], 40_000).into());
    for address in [v4, v6] {
        let bytes = MessageWriter::new(Class::Error, [9; 12])
            .username("them", "us")
            .priority(77)
            .role(true, 0x0123_4567_89ab_cdef)
            .use_candidate()
            .mapped(address)
            .error(487)
            .sealed("secret");
        let message = Message::parse(&bytes).unwrap();
        let told = message.attributes();
        assert_eq!((message.class(), message.transaction()), (Class::Error, [9; 12]));
        assert_eq!((told.username, told.priority), (Some(&b"them:us"[..]), Some(77)));
        assert_eq!((told.controlling, told.use_candidate), (Some(0x0123_4567_89ab_cdef), true));
        assert_eq!((told.mapped, told.error, told.unknown), (Some(address), Some(487), None));
        assert!(message.is_authentic("secret") && message.has_fingerprint());
    }
}

#[test]
fn what_is_no_message_says_why() {
    let whole = SAMPLE_REQUEST;
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.to_vec();
        bytes[at] = byte;
        bytes
    };
    let cases: &[(&str, Vec<u8>, StunError)] = &[
        ("nothing", vec![], StunError::Truncated),
        ("half a header", whole[..19].to_vec(), StunError::Truncated),
        ("another protocol", changed(0, 0x80), StunError::NotStun),
        ("another cookie", changed(5, 0), StunError::NotStun),
        ("cut short", whole[..104].to_vec(), StunError::Length { told: 88, have: 84 }),
        ("an attribute longer than all", changed(23, 0xff), StunError::Attribute(0x8022)),
        ("a priority of three bytes", changed(43, 3), StunError::Attribute(0x0024)),
    ];
    for (what, bytes, why) in cases {
        assert_eq!(Message::parse(bytes).unwrap_err(), *why, "{what}");
    }
}

#[test]
fn attributes_that_must_be_understood_are_told_and_others_passed_over() {
    let bytes = MessageWriter::new(Class::Request, [1; 12]).attribute(0x7fff, b"x").attribute(0xbfff, b"y");
    assert_eq!(Message::parse(&bytes.fingerprinted()).unwrap().attributes().unknown, Some(0x7fff));
}

proptest! {
    #[test]
    fn no_bytes_are_believed_that_nobody_sealed(bytes in vec(any::<u8>(), 0..200), cut in 0_usize..108) {
        prop_assert!(!Message::parse(&bytes).is_ok_and(|message| message.is_authentic("a")));
        prop_assert!(Message::parse(&SAMPLE_REQUEST[..cut]).is_err());
    }
}
