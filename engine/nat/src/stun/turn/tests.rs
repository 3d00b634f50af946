#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use proptest::{collection::vec, prelude::*};

use super::*;

/// The sample request with long-term authentication of RFC 5769 §2.4; its user is `マトリックス`, its realm
/// `example.org`, its password `TheMatrIX`.
const SAMPLE: &[u8] = &[
    0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29,
    0xda, 0x41, 0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa, 0xe3,
    0x83, 0x83, 0xe3, 0x82, 0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f,
    0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46,
    0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70,
    0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x08, 0x00, 0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6,
    0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66,
];

fn key() -> LongTermKey {
    LongTermKey::new("マトリックス".as_bytes(), b"example.org", b"TheMatrIX")
}

#[test]
fn the_sample_request_of_rfc5769_2_4_is_sealed_by_its_user() {
    let message = TurnMessage::parse(SAMPLE).unwrap();
    let told = message.attributes();
    assert_eq!((message.method(), told.realm), (Method::Binding, Some(&b"example.org"[..])));
    assert_eq!(told.nonce, Some(&b"f//499k954d6OL34oL9FSTvy64sA"[..]));
    assert!(matches!(message.is_sealed(&key()), Some(Seal::Sha1(_))));
    let other = LongTermKey::new(b"someone", b"example.org", b"TheMatrIX");
    assert!(message.is_sealed(&other).is_none());
}

#[test]
fn what_is_written_is_read_back() {
    let (v4, v6) = (([192, 0, 2, 7], 5_004).into(), ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 9], 40_000).into());
    for (algorithm, newer) in [(Algorithm::Md5, false), (Algorithm::Md5, true), (Algorithm::Sha256, true)] {
        let keys = key();
        let made = keys.by(algorithm).unwrap();
        let seal = if newer { Seal::Sha256(made) } else { Seal::Sha1(made) };
        let mut bytes = b"before".to_vec();
        TurnWriter::new(&mut bytes, Class::Request, Method::Allocate, [9; 12])
            .username(b"me")
            .realm(b"r")
            .nonce(b"nonce")
            .lifetime(600)
            .peer(v4)
            .peer(v6)
            .relayed(v6)
            .mapped(v4)
            .data(b"data!")
            .channel(0x4001)
            .transport(17)
            .family(Family::V6)
            .additional_family(Family::V4)
            .even_port(true)
            .reservation([3; 8])
            .algorithm(algorithm)
            .sealed(seal)
            .fingerprinted();
        let message = TurnMessage::parse(&bytes[6..]).unwrap();
        let told = message.attributes();
        assert_eq!((message.method(), message.transaction()), (Method::Allocate, [9; 12]));
        assert_eq!((told.username, told.lifetime, told.channel), (Some(&b"me"[..]), Some(600), Some(0x4001)));
        assert_eq!(message.peers().collect::<Vec<_>>(), [v4, v6]);
        assert_eq!((told.relayed, told.mapped, told.data), (Some(v6), Some(v4), Some(&b"data!"[..])));
        assert_eq!((told.transport, told.family), (Some(17), Some(Family::V6)));
        assert_eq!((told.additional_family, told.even_port), (Some(Family::V4), Some(true)));
        assert_eq!((told.reservation, told.unknown), (Some([3; 8]), None));
        assert!(message.is_sealed(&keys).is_some() && message.stun.has_fingerprint());
        assert!(message.is_sealed(&LongTermKey::new(b"me", b"r", b"wrong")).is_none());
    }
}

#[test]
fn every_bit_of_a_sealed_message_counts() {
    let keys = key();
    let mut bytes = Vec::new();
    TurnWriter::new(&mut bytes, Class::Request, Method::Refresh, [1; 12])
        .username(b"me")
        .lifetime(0)
        .sealed(Seal::Sha256(keys.by(Algorithm::Md5).unwrap()))
        .done();
    assert!(TurnMessage::parse(&bytes).unwrap().is_sealed(&keys).is_some());
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let believed = TurnMessage::parse(&changed).is_ok_and(|message| message.is_sealed(&keys).is_some());
        assert!(!believed, "bit {bit}");
    }
}

#[test]
fn what_stands_behind_a_seal_does_not_count() {
    let keys = key();
    let mut bytes = Vec::new();
    TurnWriter::new(&mut bytes, Class::Request, Method::CreatePermission, [1; 12])
        .peer(([192, 0, 2, 1], 1).into())
        .sealed(Seal::Sha1(keys.by(Algorithm::Md5).unwrap()))
        .peer(([192, 0, 2, 2], 2).into())
        .lifetime(7)
        .done();
    let message = TurnMessage::parse(&bytes).unwrap();
    assert_eq!(message.peers().count(), 1);
    assert_eq!(message.attributes().lifetime, None);
    assert!(message.is_sealed(&keys).is_some());
}

#[test]
fn methods_of_all_numbers_survive_the_wire() {
    for number in 0..0x1000 {
        let mut bytes = Vec::new();
        TurnWriter::new(&mut bytes, Class::Error, Method::read(number), [2; 12]).error(438).done();
        let message = TurnMessage::parse(&bytes).unwrap();
        assert_eq!((message.method().number(), message.class()), (number, Class::Error));
        assert_eq!(message.attributes().error, Some(438));
    }
}

#[test]
fn messages_of_a_stream_are_told_apart_and_padding_is_none_of_them() {
    let mut stream = Vec::new();
    ChannelData { channel: 0x4001, data: b"hello" }.write(&mut stream, true);
    TurnWriter::new(&mut stream, Class::Indication, Method::Send, [4; 12]).data(b"x").done();
    assert_eq!(frame(&stream), Frame::Of(12));
    assert_eq!(ChannelData::parse(&stream), Some(ChannelData { channel: 0x4001, data: b"hello" }));
    assert_eq!(frame(&stream[12..]), Frame::Of(28));
    let cases: &[(&[u8], Frame)] = &[
        (b"\x40\x01\x00", Frame::Short),
        (b"\x7f\xff\x00\x01", Frame::Of(8)),
        (b"\x80\x01\x00\x00", Frame::Lost),
        (b"\x16\x03\x01\x02", Frame::Lost),
        (b"\x00\x01\x00\x01", Frame::Lost),
    ];
    for (bytes, expected) in cases {
        assert_eq!(frame(bytes), *expected);
    }
    assert_eq!(ChannelData::parse(b"\x40\x01\x00\x05hell"), None);
    assert_eq!(ChannelData::parse(b"\x80\x01\x00\x00"), None);
}

proptest! {
    #[test]
    fn no_bytes_are_believed_that_nobody_sealed(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(!TurnMessage::parse(&bytes).is_ok_and(|message| message.is_sealed(&key()).is_some()));
        let _ = (ChannelData::parse(&bytes), frame(&bytes));
    }
}
