//! Words on who calls, signed and checked.
#![allow(clippy::indexing_slicing, clippy::type_complexity, reason = "a test that panics fails")]

use p256::ecdsa::{SigningKey, signature::Signer as _};

use super::*;

/// What is signed in the example of RFC 8225, appendix A. Its key and signature are left out: they do not fit together.
const RFC_SIGNED: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9.eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19";
const INFO: &str = "https://cert.example.org/passport.cer";

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn public() -> Vec<u8> {
    key().verifying_key().to_sec1_point(false).as_bytes().to_vec()
}

/// A token of ours.
fn sign(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature: Signature = key().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

const HEADER: &str = r#"{"alg":"ES256","typ":"passport","x5u":"https://cert.example.org/passport.cer"}"#;
const CLAIMS: &str =
    r#"{"dest":{"tn":["12155551213"],"uri":["sip:bob@h.example"]},"iat":1000,"orig":{"tn":"12155551212"}}"#;

fn check(header: &str, claims: &str, orig: &str, dest: &str, now: u64) -> Result<Passport, IdentityError> {
    let value = format!("{};info=<{INFO}>", sign(header, claims));
    verify(&Identity::parse(&value)?, &uri(orig), &uri(dest), &public(), now)
}

#[test]
fn the_claims_of_rfc_8225_are_believed_for_a_minute_when_they_are_signed() {
    let signature: Signature = key().sign(RFC_SIGNED.as_bytes());
    let token = format!("{RFC_SIGNED}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
    let value = format!("{token};info=<{INFO}>;alg=ES256");
    let identity = Identity::parse(&value).unwrap();
    let (caller, callee) = (uri("tel:+1-215-555-1212"), uri("sip:alice@example.com"));
    let at = |now| verify(&identity, &caller, &callee, &public(), now);
    let passport = at(1_471_375_418).unwrap();
    assert_eq!((passport.orig.as_str(), passport.issued_at), ("12155551212", 1_471_375_418));
    assert!(at(1_471_375_478).is_ok() && at(1_471_375_358).is_ok());
    assert_eq!(at(1_471_375_479), Err(IdentityError::Stale));
    assert_eq!(at(1_471_375_357), Err(IdentityError::Stale));
}

#[test]
fn a_word_counts_for_its_caller_and_its_callee_alone() {
    let shaken = HEADER.replace("\"typ\"", "\"ppt\":\"shaken\",\"typ\"");
    let (alice, bob) = ("tel:12155551212", "sip:bob@h.example");
    let sip = "sip:+12155551212@a.example;user=phone";
    let cases: &[(&str, &str, &str, &str, Result<(), IdentityError>)] = &[
        ("numbers", HEADER, "tel:+12155551212", "tel:+1(215)555-1213", Ok(())),
        ("numbers in SIP URIs", HEADER, sip, "sip:12155551213@b.example", Ok(())),
        ("a URI as destination", HEADER, alice, "sip:bob@H.example", Ok(())),
        ("shaken", &shaken, alice, bob, Ok(())),
        ("another caller", HEADER, "tel:12155551219", bob, Err(IdentityError::Origin)),
        ("no number", HEADER, "sip:alice@h.example", bob, Err(IdentityError::Origin)),
        ("another callee", HEADER, alice, "sip:eve@h.example", Err(IdentityError::Destination)),
    ];
    for (what, header, orig, dest, expected) in cases {
        assert_eq!(check(header, CLAIMS, orig, dest, 1_000).map(drop), *expected, "{what}");
    }
    let attested = CLAIMS.replace("{\"dest\"", "{\"attest\":\"A\",\"dest\"");
    let passport = check(&shaken, &attested, alice, bob, 1_000).unwrap();
    assert_eq!(passport.attestation.as_deref(), Some("A"));
}

#[test]
fn tokens_that_say_something_else_are_refused() {
    let changed = |from, to| (HEADER.replace(from, to), CLAIMS.to_owned());
    let kind = changed("\"typ\"", "\"ppt\":\"rph\",\"typ\"");
    let cases = [
        ("no signature at all", changed("ES256", "none"), IdentityError::Algorithm),
        ("another kind", kind, IdentityError::Extension),
        ("another certificate", changed("cert.", "evil."), IdentityError::Info),
        ("no passport", changed("passport\"", "jwt\""), IdentityError::Malformed("not a passport")),
        (
            "no time",
            (HEADER.into(), CLAIMS.replace("iat", "exp")),
            IdentityError::Malformed("no time of issue"),
        ),
        ("no JSON", (HEADER.into(), "{".into()), IdentityError::Malformed("JSON")),
    ];
    for (what, (header, claims), expected) in cases {
        let read = check(&header, &claims, "tel:12155551212", "sip:bob@h.example", 1_000);
        assert_eq!(read.map(drop), Err(expected), "{what}");
    }
}

#[test]
fn one_changed_bit_anywhere_is_noticed() {
    let token = sign(HEADER, CLAIMS);
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let value = format!("{};info=<{INFO}>", String::from_utf8(changed).unwrap());
        let read = Identity::parse(&value).and_then(|identity| {
            verify(&identity, &uri("tel:12155551212"), &uri("sip:bob@h.example"), &public(), 1_000)
        });
        assert!(read.is_err(), "at {place}");
    }
    let identity = format!("{token};info=<{INFO}>");
    let identity = Identity::parse(&identity).unwrap();
    let other = SigningKey::from_slice(&[8; 32]).unwrap().verifying_key().to_sec1_point(true);
    let verify =
        |key: &[u8]| verify(&identity, &uri("tel:12155551212"), &uri("sip:bob@h.example"), key, 1_000);
    assert_eq!(verify(other.as_bytes()), Err(IdentityError::Signature));
    assert_eq!(verify(&[4; 65]), Err(IdentityError::Key));
    assert_eq!(verify(&[]), Err(IdentityError::Key));
}

#[test]
fn headers_without_token_or_certificate_are_malformed() {
    for value in ["", ";info=<x>", "a.b.c", "a.b.c;alg=ES256"] {
        assert!(matches!(Identity::parse(value), Err(IdentityError::Malformed(_))), "{value}");
    }
    for value in ["a.b;info=<x>", "..sig;info=<x>", "a;info=<x>"] {
        let identity = Identity::parse(value).unwrap();
        let read = verify(&identity, &uri("tel:1"), &uri("tel:2"), &public(), 0);
        assert!(matches!(read, Err(IdentityError::Malformed(_))), "{value}: {read:?}");
    }
    let statuses = [IdentityError::Stale, IdentityError::Info, IdentityError::Key, IdentityError::Signature];
    assert_eq!(statuses.map(IdentityError::status), [403, 436, 437, 438]);
}
