use proptest::{collection::vec, prelude::*};

use super::{DtmfKey, TelephoneEvent};
use crate::CodecError;

#[test]
fn the_payload_is_that_of_rfc_4733_figure_1() {
    let event = TelephoneEvent { event: 11, end: true, volume: 10, duration: 1_600 };
    assert_eq!(event.to_bytes(), [11, 0x80 | 10, 0x06, 0x40]);
    assert_eq!(
        TelephoneEvent::parse(&[11, 0xc0 | 10, 0x06, 0x40, 99]),
        Ok(event),
        "the reserved bit is ignored"
    );
    assert_eq!(event.key().map(DtmfKey::to_char), Some('#'));
    assert_eq!(TelephoneEvent { event: 16, ..event }.key(), None, "flash is no key");
    assert_eq!(TelephoneEvent { volume: 200, ..event }.to_bytes()[1], 0x80 | 63);
}

#[test]
fn what_is_too_short_is_refused() {
    assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), Err(CodecError::Payload { len: 3 }));
    let event = TelephoneEvent::default();
    assert_eq!(event.write(&mut [0; 3]), Err(CodecError::OutputTooSmall { need: 4, have: 3 }));
    assert_eq!(event.write(&mut [9; 6]), Ok(4));
}

#[test]
fn each_key_has_its_number_and_its_place() {
    let keypad = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
    for (keys, row) in keypad.iter().zip([697, 770, 852, 941]) {
        for (&name, column) in keys.iter().zip([1_209, 1_336, 1_477, 1_633]) {
            let key = DtmfKey::from_char(name).unwrap();
            assert_eq!(key.frequencies(), (row, column), "{name}");
            assert_eq!(key.to_char(), name);
            assert_eq!(DtmfKey::from_event(key.event()), Some(key));
        }
    }
    let numbers: Vec<u8> =
        "0123456789*#abcd".chars().map(|c| DtmfKey::from_char(c).unwrap().event()).collect();
    assert_eq!(numbers, (0..16).collect::<Vec<_>>());
    assert_eq!(DtmfKey::from_char('E'), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(payload in vec(any::<u8>(), 0..12)) {
        if let Ok(event) = TelephoneEvent::parse(&payload) {
            let mut out = [0; 4];
            prop_assert_eq!(event.write(&mut out), Ok(4));
            prop_assert_eq!(TelephoneEvent::parse(&out), Ok(event));
        }
    }
}
