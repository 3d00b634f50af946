//! A pointer is its server's own, for one key, for minutes.

use rove_base::UnixTime;

use crate::{BadPointer, Identifier, Pointer, SearchKey, UserKey, WireError};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn key(of: &str) -> SearchKey {
    SearchKey::of(&of.parse::<Identifier>().unwrap())
}

fn pointer(seed: u8) -> Pointer {
    let addresses = [([192, 0, 2, 1], 5_064).into(), "[2001:db8::1]:5064".parse().unwrap()];
    let expires = UnixTime::from_secs(NOW.as_secs() + Pointer::LONGEST);
    Pointer::sign(key("+46701234567"), "a.example", &addresses, expires, &UserKey::from_seed(&[seed; 32]))
}

#[test]
fn pointers_read_back_one_by_one_and_together() {
    let (one, other) = (pointer(1), pointer(2));
    assert_eq!(Pointer::decode(&one.encode()).unwrap(), one);
    let together = Pointer::encode_all([&one, &other]);
    assert_eq!(Pointer::decode_all(&together).unwrap(), [one.clone(), other]);
    assert_eq!(Pointer::decode_all(&[]).unwrap(), []);
    let nine = one.encode().repeat(Pointer::TOGETHER + 1);
    assert_eq!(Pointer::decode_all(&nine), Err(WireError::Trailing));
    for len in 1..one.encode().len() {
        assert!(Pointer::decode(&one.encode()[..len]).is_err(), "{len}");
    }
}

#[test]
fn no_bit_of_a_pointer_can_be_changed_and_it_is_good_for_its_key_and_time_alone() {
    let one = pointer(1);
    let key = one.key;
    assert_eq!(one.verify(key, NOW), Ok(()));
    let bytes = one.encode();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let believed = Pointer::decode(&changed).is_ok_and(|pointer| pointer.verify(key, NOW).is_ok());
        assert!(!believed, "bit {bit}");
    }
    assert_eq!(one.verify(SearchKey::of(&"+46701234568".parse().unwrap()), NOW), Err(BadPointer::Key));
    assert_eq!(one.verify(key, one.expires), Err(BadPointer::Expiry));
    let early = UnixTime::from_secs(NOW.as_secs() - 1);
    assert_eq!(one.verify(key, early), Err(BadPointer::Expiry), "good for too long");
}

#[test]
fn each_identifier_has_a_key_of_its_own() {
    let uid = UserKey::from_seed(&[1; 32]).uid().to_string();
    let keys = ["+46701234567", "alice@a.example", "192.0.2.1", "2001:db8::1", &uid].map(key);
    for (at, one) in keys.iter().enumerate() {
        assert!(!keys[at + 1..].contains(one));
    }
}
