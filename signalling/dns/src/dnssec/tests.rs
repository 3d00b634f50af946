use p256::ecdsa::{Signature, VerifyingKey, signature::hazmat::PrehashVerifier as _};
use rove_base::{Entropy, UnixTime};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::{fixture::name, wire::rtype};

const NOON: UnixTime = UnixTime::from_secs(1_700_000_000);

/// The key and the signature of RFC 6605 §6.1.
const FILE: &str = "Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\n\
                    PrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=\n";

#[test]
fn the_key_of_rfc6605_has_its_tag_and_its_ds() {
    let key = ZoneKey::from_file(FILE).unwrap();
    assert_eq!(key.tag(), 55_648);
    assert_eq!(
        key.ds(&name("example.net")),
        "example.net. IN DS 55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17"
    );
    assert_eq!(ZoneKey::from_file(&key.to_file()).unwrap().tag(), 55_648);
    assert_eq!(
        ZoneKey::from_file("Algorithm: 8 (RSA)\n").unwrap_err(),
        ZoneKeyError::Algorithm("8 (RSA)".into())
    );
    assert_eq!(ZoneKey::from_file("Algorithm: 13\n").unwrap_err(), ZoneKeyError::File("PrivateKey"));
    assert_eq!(ZoneKey::from_file("Algorithm: 13\nPrivateKey: AAAA\n").unwrap_err(), ZoneKeyError::Secret);
    assert!(!format!("{key:?}").contains("GU6S"), "a key does not show its secret");
}

#[test]
fn a_signature_verifies_over_the_canonical_set_in_any_order_and_is_made_once_an_hour() {
    let key = ZoneKey::draw(&mut Entropy::from_number(1));
    let point = [&[4][..], &key.dnskey()[4..]].concat();
    let mut signer = Signer::new(name("home.example"), key, 60);
    let owner = name("www.home.example");
    let (a, b) = (b"\x03NS1\x07Example\x00".as_slice(), b"\x03aaa\x00".as_slice());
    let mut sign = |now, records: [&[u8]; 2]| {
        signer.sign(now, owner.as_wire(), rtype::NS, 5, records.into_iter()).unwrap()
    };
    let rrsig = sign(NOON, [a, b]);
    let (fields, signature) = rrsig.split_at(rrsig.len() - 64);
    let mut data = fields.to_vec();
    for lowered in [b"\x03aaa\x00".as_slice(), b"\x03ns1\x07example\x00"] {
        data.extend_from_slice(owner.as_wire());
        data.extend_from_slice(&[0, 2, 0, 1, 0, 0, 0, 5, 0, u8::try_from(lowered.len()).unwrap()]);
        data.extend_from_slice(lowered);
    }
    let verifier = VerifyingKey::from_sec1_bytes(&point).unwrap();
    let signature = Signature::from_slice(signature).unwrap();
    assert!(verifier.verify_prehash(&Sha256::digest(&data), &signature).is_ok());
    assert_eq!(fields[3], 3, "labels");
    assert_eq!(sign(NOON, [b, a]), rrsig);
    let later = UnixTime::from_secs(NOON.as_secs() + 3_600);
    assert_ne!(sign(later, [a, b])[8..16], rrsig[8..16], "the times move on");
    let until = u32::from_be_bytes(rrsig[8..12].try_into().unwrap());
    assert!(u64::from(until) - NOON.as_secs() >= 3 * 3_600, "good for hours");
}

#[test]
fn what_is_not_there_is_denied_for_itself_alone() {
    let host = name("a.home.example");
    let none = nsec(host.as_wire(), None);
    let next = [&[1, 0], host.as_wire()].concat();
    assert_eq!(none[..next.len()], next);
    let mut bits = [0; 17];
    (bits[5], bits[16]) = (3, 0x80);
    assert_eq!(none[next.len()..], [&[0, 17], &bits[..]].concat(), "RRSIG, NSEC, NXNAME");
    let some = nsec(host.as_wire(), Some(&[rtype::A, rtype::AAAA, 257]));
    assert_eq!(some[next.len()..], [0, 6, 0x40, 0, 0, 8, 0, 3, 1, 1, 0x40]);
    let long: String = format!("{0}.{0}.{0}.{1}.", "x".repeat(63), "x".repeat(61));
    let long = name(&long);
    let next = nsec(long.as_wire(), None);
    assert_eq!(next[..64], [&[63][..], "x".repeat(62).as_bytes(), b"y"].concat());
}
