//! Certificates that are for numbers, as an authority gives them.
#![allow(clippy::indexing_slicing, reason = "a test that panics fails")]

use super::*;

/// Tag, length and value.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(value.len()).unwrap()], value].concat()
}

fn one(number: &str) -> Vec<u8> {
    der(0xa2, &der(IA5, number.as_bytes()))
}

fn range(first: &str, count: &[u8]) -> Vec<u8> {
    der(0xa1, &der(SEQUENCE, &[der(IA5, first.as_bytes()), der(INTEGER, count)].concat()))
}

fn code(code: &str) -> Vec<u8> {
    der(0xa0, &der(IA5, code.as_bytes()))
}

struct Authority {
    folder: tempfile::TempDir,
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    fn believed(&self) -> NumberAuthorities {
        NumberAuthorities::read(&self.folder.path().join("ca.pem"), vec!["709J".into()]).unwrap()
    }

    /// A certificate for these entries; for none at all without any.
    fn give(&self, entries: &[Vec<u8>], key: &rcgen::KeyPair) -> Vec<Vec<u8>> {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        if !entries.is_empty() {
            let list = der(SEQUENCE, &entries.concat());
            let oid = [1, 3, 6, 1, 5, 5, 7, 1, 26];
            params.custom_extensions.push(rcgen::CustomExtension::from_oid_content(&oid, list));
        }
        vec![params.signed_by(key, &self.issuer).unwrap().der().to_vec()]
    }
}

const NOW: rove_base::UnixTime = rove_base::UnixTime::from_secs(1_780_000_000);

#[test]
fn a_certificate_speaks_for_the_numbers_that_its_authority_has_given_it_alone() {
    let (authority, key) = (Authority::new(), rcgen::KeyPair::generate().unwrap());
    let believed = authority.believed();
    let chain =
        authority.give(&[one("46701234567"), range("46708000000", &[0x27, 0x10]), code("000X")], &key);
    for (number, expected) in [
        (46_701_234_567, true),
        (46_701_234_568, false),
        (46_708_000_000, true),
        (46_708_009_999, true),
        (46_708_010_000, false),
        (46_707_999_999, false),
        (467_080_000_001, false),
    ] {
        let found = believed.key_for(number, &chain, NOW);
        assert_eq!(found.is_ok(), expected, "{number}");
        match found {
            Ok(point) => assert!(key.public_key_raw() == point),
            Err(error) => assert_eq!(error, NotForNumber::Scope),
        }
    }
}

#[test]
fn a_networks_code_speaks_for_all_numbers_where_the_operator_believes_it() {
    let (authority, key) = (Authority::new(), rcgen::KeyPair::generate().unwrap());
    let believed = authority.believed();
    assert!(believed.key_for(46_701_234_567, &authority.give(&[code("709J")], &key), NOW).is_ok());
    let other = authority.give(&[code("709K")], &key);
    assert_eq!(believed.key_for(46_701_234_567, &other, NOW), Err(NotForNumber::Scope));
    let without = authority.give(&[], &key);
    assert_eq!(believed.key_for(46_701_234_567, &without, NOW), Err(NotForNumber::Scope));
}

#[test]
fn another_authority_another_day_or_another_kind_of_key_is_not_believed() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (believed, key) = (authority.believed(), rcgen::KeyPair::generate().unwrap());
    let chain = other.give(&[one("46701234567")], &key);
    assert_eq!(believed.key_for(46_701_234_567, &chain, NOW), Err(NotForNumber::Chain));
    let chain = authority.give(&[one("46701234567")], &key);
    let past = rove_base::UnixTime::from_secs(0);
    assert_eq!(believed.key_for(46_701_234_567, &chain, past), Err(NotForNumber::Chain));
    assert_eq!(believed.key_for(46_701_234_567, &[], NOW), Err(NotForNumber::Chain));
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let chain = authority.give(&[one("46701234567")], &ed25519);
    assert_eq!(believed.key_for(46_701_234_567, &chain, NOW), Err(NotForNumber::Key));
}

#[test]
fn a_list_that_makes_no_sense_is_for_nobody() {
    let good = der(SEQUENCE, &one("46701234567"));
    assert_eq!(entries(&good), Some(vec![Entry::Numbers { first: 46_701_234_567, count: 1 }]));
    for len in 0..good.len() {
        assert_eq!(entries(&good[..len]), None, "{len}");
    }
    for bad in
        [one("0123"), one("+46701"), one("1234567890123456"), der(0xa3, b""), range("46701", &[0xff; 9])]
    {
        assert_eq!(entries(&der(SEQUENCE, &bad)), None, "{bad:?}");
    }
    let beyond = entries(&der(SEQUENCE, &range("990", &[0x10, 0]))).unwrap();
    assert_eq!(beyond, [Entry::Numbers { first: 990, count: 10 }], "numbers of as many digits alone");
}
