use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn messages_are_written_as_rfc4666_says() {
    let mut out = Vec::new();
    write(&mut out, Kind::AspUp, &[]);
    assert_eq!(out, [1, 0, 3, 1, 0, 0, 0, 8]);
    out.clear();
    write(&mut out, Kind::Heartbeat, &[(HEARTBEAT_DATA, b"abcde")]);
    assert_eq!(out, [1, 0, 3, 3, 0, 0, 0, 20, 0, 9, 0, 9, b'a', b'b', b'c', b'd', b'e', 0, 0, 0]);
    out.clear();
    write_data(&mut out, (1, 2), b"xyz");
    let expected: &[u8] =
        &[1, 0, 1, 1, 0, 0, 0, 28, 2, 0x10, 0, 19, 0, 0, 0, 1, 0, 0, 0, 2, 3, 0, 0, 0, b'x', b'y', b'z', 0];
    assert_eq!(out, expected);
    let data = Message::parse(&out).unwrap().data().unwrap();
    assert_eq!(data, Data { origin: 1, destination: 2, service: SCCP, user: b"xyz" });
}

#[test]
fn a_length_is_known_with_the_header_and_is_bounded() {
    assert_eq!(length(&[]), Ok(None));
    assert_eq!(length(&[1, 0, 3, 1, 0, 0, 0]), Ok(None));
    assert_eq!(length(b"GET / HTTP"), Err(M3uaError::Version(b'G')));
    assert_eq!(length(&[1, 0, 3, 1, 0, 0, 0, 8, 1]), Ok(Some(8)));
    assert_eq!(length(&[1, 0, 3, 1, 0, 0, 0, 4]), Err(M3uaError::Length(4)));
    assert_eq!(length(&[1, 0, 3, 1, 1, 0, 0, 0]), Err(M3uaError::Length(0x0100_0000)));
}

#[test]
fn what_is_wrong_is_named() {
    type Row<'a> = (&'a str, &'a [u8], Result<Option<Kind>, M3uaError>);
    let cases: &[Row<'_>] = &[
        ("unknown class", &[1, 0, 7, 1, 0, 0, 0, 8], Ok(None)),
        ("a parameter without a length", &[1, 0, 3, 1, 0, 0, 0, 12, 0, 4, 0, 3], Err(M3uaError::Parameter)),
        ("a parameter beyond the end", &[1, 0, 3, 1, 0, 0, 0, 12, 0, 4, 0, 5], Err(M3uaError::Parameter)),
        ("more than its length", &[1, 0, 3, 1, 0, 0, 0, 8, 0, 0, 0, 0], Err(M3uaError::Length(12))),
    ];
    for &(what, bytes, expected) in cases {
        assert_eq!(Message::parse(bytes).map(|message| message.kind), expected, "{what}");
    }
    let empty = Message::parse(&[1, 0, 1, 1, 0, 0, 0, 8]).unwrap();
    assert_eq!(empty.data(), Err(M3uaError::Missing(PROTOCOL_DATA)));
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(parameters in vec(any::<u8>(), 0..64)) {
        let len = u8::try_from(parameters.len() + 8).unwrap();
        let mut bytes = vec![1, 0, 1, 1, 0, 0, 0, len];
        bytes.extend_from_slice(&parameters);
        if let Ok(message) = Message::parse(&bytes) {
            let _ = message.data();
            let _ = message.parameter(HEARTBEAT_DATA);
        }
    }

    #[test]
    fn what_is_written_reads_back(user in vec(any::<u8>(), 0..300), from in any::<u32>(), to in any::<u32>()) {
        let mut out = Vec::new();
        write_data(&mut out, (from, to), &user);
        prop_assert_eq!(length(&out), Ok(Some(out.len())));
        let message = Message::parse(&out).unwrap();
        prop_assert_eq!(message.data().unwrap(), Data { origin: from, destination: to, service: SCCP, user: &user });
    }
}
