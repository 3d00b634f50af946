use proptest::{collection::vec, prelude::*};
use rove_base::Instant;

use super::{reassembly::MAX_PENDING, *};

fn address(title: &str, subsystem: u8) -> Address {
    Address::new(title.parse().unwrap(), subsystem)
}

fn messages(data: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let (called, calling) = (address("4915100000001", address::HLR), address("33600000002", address::VLR));
    assert!(write(&called, &calling, data, 0x0a_0b_0c, |message| messages.push(message.to_vec())));
    messages
}

#[test]
fn an_address_is_written_as_q713_says() {
    let octets = address("4915100000001", address::HLR).to_octets();
    assert_eq!(octets.as_slice(), [0x12, 6, 0, 0x11, 4, 0x94, 0x51, 0x01, 0, 0, 0, 0x01]);
    let even = address("491510000000", address::VLR).to_octets();
    assert_eq!(even.as_slice()[..6], [0x12, 7, 0, 0x12, 4, 0x94]);
    assert_eq!(Address::parse(&octets), Ok(address("4915100000001", address::HLR)));
    let with_point_code = [0x13, 0xff, 0x3f, 6, 0, 0x12, 4, 0x94];
    assert_eq!(Address::parse(&with_point_code), Ok(address("49", address::HLR)));
    assert_eq!(Address::parse(&[0x42, 6]), Ok(Address { title: None, subsystem: 6 }));
    assert_eq!(Address::parse(&[0x10, 6, 0, 0x12, 4, 0x94]), Err(SccpError::Address), "no subsystem");
    assert_eq!(Address::parse(&[0x06, 6, 4]), Err(SccpError::Address), "form 1");
}

#[test]
fn what_fits_goes_in_one_message_and_the_rest_in_segments() {
    let cases: &[(usize, usize)] = &[(0, 1), (1, 1), (237, 1), (238, 2), (228 * 2 + 1, 3), (228 * 16, 16)];
    for &(len, count) in cases {
        let data: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let messages = messages(&data);
        assert_eq!(messages.len(), count, "{len} bytes");
        assert!(messages.iter().all(|message| message.len() <= MAX_MESSAGE));
        let mut reassembly = Reassembly::default();
        let mut whole = None;
        for message in &messages {
            assert!(whole.is_none());
            whole = reassembly.take(Instant::ZERO, Message::parse(message).unwrap()).unwrap();
        }
        let whole = whole.unwrap();
        assert_eq!((whole.called, whole.calling), (address("4915100000001", 6), address("33600000002", 7)));
        assert_eq!(*whole.data, *data, "{len} bytes");
    }
    let (called, calling) = (address("1", 6), address("2", 7));
    assert!(!write(&called, &calling, &[0; 5_000], 0, |_| panic!("nothing may be emitted")));
}

#[test]
fn segments_out_of_order_too_many_or_too_late_are_refused() {
    let data = [7; 700];
    let messages = messages(&data);
    let parse = |index: usize| Message::parse(&messages[index]).unwrap();
    let mut reassembly = Reassembly::default();
    assert_eq!(reassembly.take(Instant::ZERO, parse(0)), Ok(None));
    assert_eq!(reassembly.take(Instant::ZERO, parse(2)), Err(SccpError::Segment));
    assert_eq!(reassembly.take(Instant::ZERO, parse(1)), Err(SccpError::Segment), "all of it is forgotten");
    for reference in 0..u32::try_from(MAX_PENDING).unwrap() {
        let mut first = parse(0);
        first.segment = first.segment.map(|segment| Segment { reference, ..segment });
        assert_eq!(reassembly.take(Instant::ZERO, first), Ok(None));
    }
    assert_eq!(reassembly.take(Instant::ZERO, parse(0)), Err(SccpError::TooMany));
    let later = Instant::ZERO.later(PATIENCE_AND_MORE);
    assert_eq!(reassembly.take(later, parse(0)), Ok(None), "what was too late has made room");
}

#[test]
fn what_the_network_brings_back_says_why() {
    let mut message = messages(b"x").remove(0);
    message[..2].copy_from_slice(&[UDTS, 1]);
    assert_eq!(Message::parse(&message).unwrap().returned, Some(1));
    message[..2].copy_from_slice(&[UDT, 2]);
    assert_eq!(Message::parse(&message), Err(SccpError::Class(2)));
}

#[test]
fn long_unitdata_is_read() {
    let (called, calling) = (address("49", 6).to_octets(), address("33", 7).to_octets());
    let mut message = vec![LUDT, 0x81, 15];
    let first = u16::try_from(8 - 1).unwrap();
    let second = first + 1 + u16::try_from(called.len()).unwrap() - 2;
    let third = second + 1 + u16::try_from(calling.len()).unwrap() - 2;
    for pointer in [first, second, third, 0] {
        message.extend_from_slice(&pointer.to_le_bytes());
    }
    for part in [&called, &calling] {
        message.push(u8::try_from(part.len()).unwrap());
        message.extend_from_slice(part);
    }
    message.extend_from_slice(&300_u16.to_le_bytes());
    message.extend_from_slice(&[9; 300]);
    let read = Message::parse(&message).unwrap();
    assert_eq!((read.called, read.calling, read.data), (address("49", 6), address("33", 7), &[9; 300][..]));
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in vec(any::<u8>(), 0..300), kind in prop::sample::select(vec![UDT, UDTS, XUDT, XUDTS, LUDT])) {
        let _ = Message::parse(&bytes);
        let mut bytes = bytes;
        bytes.insert(0, kind);
        if let Ok(message) = Message::parse(&bytes) {
            prop_assert!(message.data.len() < bytes.len());
            let _ = Reassembly::default().take(Instant::ZERO, message);
        }
    }
}

const PATIENCE_AND_MORE: core::time::Duration = core::time::Duration::from_secs(11);
