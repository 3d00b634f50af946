#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may stop")]

use super::*;

const ID: [u8; 12] = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

/// RFC 5769 §2.2 (the attribute alone) and §2.3.
#[test]
fn mapped_addresses_are_those_of_the_test_vectors() {
    let cases: [(&str, &[u8]); 2] = [
        ("192.0.2.1:32853", b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"),
        (
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
            b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9",
        ),
    ];
    for (source, attribute) in cases {
        let source: SocketAddr = source.parse().unwrap();
        let bytes = answer(ID, source, None);
        assert_eq!(&bytes[20..], attribute, "{source}");
        assert_eq!(parse(&bytes), Some(Stun::Answer { id: ID, mapped: Some(source) }));
    }
}

#[test]
fn a_question_is_known_and_what_it_must_not_ask_is_refused() {
    assert_eq!(parse(&request(ID)), Some(Stun::Request { id: ID, refused: None }));
    let mut strange = request(ID);
    strange.extend_from_slice(b"\x7f\x01\x00\x02ab\0\0");
    strange[3] = 8;
    assert_eq!(parse(&strange), Some(Stun::Request { id: ID, refused: Some(0x7f01) }));
    let refusal = answer(ID, ([192, 0, 2, 1], 1).into(), Some(0x7f01));
    assert_eq!(refusal[..2], FAILURE.to_be_bytes());
    assert_eq!(refusal[20..], *b"\x00\x09\x00\x04\x00\x00\x04\x14\x00\x0a\x00\x04\x7f\x01\x7f\x01");
    assert_eq!(parse(&refusal), Some(Stun::Other));
}

#[test]
fn what_is_no_stun_is_left_alone() {
    let good = request(ID);
    for (what, bytes) in [
        ("SIP", b"OPTIONS sip:b@192.0.2.1 SIP/2.0\r\n\r\n".to_vec()),
        ("short", good[..19].to_vec()),
        ("longer than it says", [&good[..], b"1234"].concat()),
        ("another cookie", [&good[..4], b"abcd", &good[8..]].concat()),
    ] {
        assert_eq!(parse(&bytes), None, "{what}");
    }
}
