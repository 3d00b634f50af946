use proptest::{collection::vec, prelude::*};
use zeroize::Zeroizing;

use super::*;
use crate::wire::rtype;

fn key(name: &str, byte: u8) -> TsigKey {
    TsigKey::new(name, Zeroizing::new(vec![byte; 32])).unwrap()
}

/// A query for `a.example. A` with id 0x1234.
fn query() -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(b"\x01a\x07example\x00\x00\x01\x00\x01");
    message
}

const NOON: UnixTime = UnixTime::from_secs(1_700_000_000);

#[test]
fn what_is_signed_verifies_and_names_key_and_time() {
    let mut message = query();
    let mac = sign(&mut message, &key("update.example", 1), NOON, None);
    let keys = [key("other.example", 2), key("Update.Example.", 1)];
    let verified = verify(&message, &keys, NOON, None).unwrap();
    assert_eq!((verified.index, verified.time, verified.mac), (1, NOON, mac));
    assert_eq!(verified.key.to_string(), "update.example.");
}

#[test]
fn each_check_of_rfc8945_5_2_has_its_own_refusal() {
    let right = || key("k.example", 1);
    let signed = || {
        let mut message = query();
        sign(&mut message, &right(), NOON, None);
        message
    };
    let flipped = |at: usize| {
        let mut message = signed();
        message[at] ^= 1;
        message
    };
    let last = signed().len() - 1;
    let mac_at = query().len() + right().name().as_wire().len() + 10 + key::ALGORITHM.len() + 10;
    let at = UnixTime::from_secs;
    let soon = |by| at(NOON.as_secs() + by);
    let cut = |len: u8| {
        let mut message = signed();
        let gone = 32 - usize::from(len);
        message.drain(mac_at + usize::from(len)..mac_at + 32);
        message[mac_at - 1] = len;
        let rdlength_at = mac_at - 10 - key::ALGORITHM.len() - 1;
        message[rdlength_at] -= u8::try_from(gone).unwrap();
        message
    };
    type Case = (&'static str, Vec<u8>, TsigKey, UnixTime, Option<u16>);
    let cases: &[Case] = &[
        ("another key name", signed(), key("x.example", 1), NOON, Some(code::BADKEY)),
        ("another secret", signed(), key("k.example", 2), NOON, Some(code::BADSIG)),
        ("a changed question", flipped(13), right(), NOON, Some(code::BADSIG)),
        ("a changed signature", flipped(mac_at), right(), NOON, Some(code::BADSIG)),
        ("a changed time", flipped(mac_at - 6), right(), NOON, Some(code::BADSIG)),
        ("a changed original id", flipped(mac_at + 32), right(), NOON, Some(code::BADSIG)),
        ("301 s later", signed(), right(), soon(301), Some(code::BADTIME)),
        ("301 s earlier", signed(), right(), at(NOON.as_secs() - 301), Some(code::BADTIME)),
        ("a signature cut to 31 bytes", cut(31), right(), NOON, Some(code::BADTRUNC)),
        ("a signature cut below half", cut(15), right(), NOON, None),
        ("a changed class", flipped(mac_at - 10 - 13 - 8), right(), NOON, None),
        ("a byte too many", [signed(), vec![0]].concat(), right(), NOON, None),
        ("cut short", signed()[..last].to_vec(), right(), NOON, None),
        ("not signed", query(), right(), NOON, None),
    ];
    for (what, message, key, now, expected) in cases {
        let refused = verify(message, core::slice::from_ref(key), *now, None).unwrap_err();
        assert_eq!(refused.code(), *expected, "{what}: {refused}");
    }
    assert!(verify(&signed(), &[right()], soon(300), None).is_ok(), "300 s later is within the fudge");
    let mut lenient = query();
    let fields = record::Fields { time: NOON.as_secs(), fudge: u16::MAX, error: 0, other: None };
    sign_fields(&mut lenient, &right(), &fields, None);
    let refused = verify(&lenient, &[right()], soon(3_601), None).unwrap_err();
    assert_eq!(refused.code(), Some(code::BADTIME), "nobody may allow himself more than an hour");
}

#[test]
fn an_id_rewritten_on_the_way_does_no_harm() {
    let mut message = query();
    sign(&mut message, &key("k.example", 1), NOON, None);
    message[0] ^= 0xff;
    assert!(verify(&message, &[key("k.example", 1)], NOON, None).is_ok());
}

#[test]
fn an_answer_is_bound_to_its_request() {
    let key = key("k.example", 1);
    let mut request = query();
    let mac = sign(&mut request, &key, NOON, None);
    let mut answer = query();
    answer[2] |= 0x80;
    sign(&mut answer, &key, NOON, Some(mac.as_bytes()));
    let keys = [key];
    assert!(verify(&answer, &keys, NOON, Some(mac.as_bytes())).is_ok());
    let other = [9; 32];
    assert!(matches!(verify(&answer, &keys, NOON, Some(&other)), Err(TsigError::BadMac { .. })));
    assert!(matches!(verify(&answer, &keys, NOON, None), Err(TsigError::BadMac { .. })));
}

#[test]
fn refusals_reach_the_client_as_what_they_are() {
    let key = key("k.example", 1);
    let mut request = query();
    let mac = sign(&mut request, &key, NOON, None);
    let found = Signature::find(&request).unwrap().unwrap();
    let later = UnixTime::from_secs(NOON.as_secs() + 5_000);
    let keys = [key.clone()];

    let mut answer = query();
    sign_refusal(&mut answer, &key, &found, later, code::BADTIME);
    let told = verify(&answer, &keys, NOON, Some(mac.as_bytes()));
    assert_eq!(told, Err(TsigError::Answered { code: code::BADTIME, signed: true }));
    assert_eq!(Signature::find(&answer).unwrap().unwrap().other, record_time(later));

    let mut answer = query();
    refuse(&mut answer, &found, later, code::BADKEY);
    let told = verify(&answer, &keys, NOON, Some(mac.as_bytes()));
    assert_eq!(told, Err(TsigError::Answered { code: code::BADKEY, signed: false }));
}

fn record_time(time: UnixTime) -> Vec<u8> {
    time.as_secs().to_be_bytes()[2..].to_vec()
}

#[test]
fn a_signature_anywhere_but_last_is_malformed() {
    let key = key("k.example", 1);
    let mut message = query();
    sign(&mut message, &key, NOON, None);
    sign(&mut message, &key, NOON, None);
    assert!(matches!(Signature::find(&message), Err(TsigError::Malformed(_))));

    let mut message = query();
    sign(&mut message, &key, NOON, None);
    (message[7], message[11]) = (1, 0);
    assert!(matches!(Signature::find(&message), Err(TsigError::Malformed(_))), "in the answer section");
}

#[test]
fn a_repeat_is_refused_and_a_full_memory_refuses_what_it_forgot() {
    let mut guard = ReplayGuard::default();
    let seen = |secs: u64, byte: u8| Verified {
        key: "k.example".parse().unwrap(),
        index: 0,
        time: UnixTime::from_secs(secs),
        fudge: 300,
        mac: Mac([byte; 32]),
    };
    let soon = UnixTime::from_secs(20);
    assert_eq!(guard.admit(&seen(10, 1), soon), Ok(()));
    assert_eq!(guard.admit(&seen(10, 1), soon), Err(TsigError::Replayed));
    assert_eq!(guard.admit(&seen(10, 2), soon), Ok(()), "another message of the same second");
    assert_eq!(guard.admit(&seen(9, 3), soon), Ok(()), "overtaken on the way");
    for secs in 100..280_000_u64 {
        assert_eq!(guard.admit(&seen(secs, 1), UnixTime::from_secs(5_000)), Ok(()));
    }
    assert_eq!(guard.len(), 262_144);
    assert!(matches!(guard.admit(&seen(10, 1), soon), Err(TsigError::BadTime { .. })), "long forgotten");
    assert_eq!(guard.admit(&seen(287_000, 1), UnixTime::from_secs(287_000)), Ok(()));
    assert!(guard.len() < 1_000 && guard.iter_after(None).all(|(time, _)| time.as_secs() >= 287_000 - 7_200));
    assert!(
        matches!(guard.admit(&seen(279_000, 9), soon), Err(TsigError::BadTime { .. })),
        "a clock set back"
    );
}

#[test]
fn key_files_are_read_as_bind_writes_them_and_written_back() {
    let text = "key \"update.home.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=\";\n};\n";
    let key = TsigKey::from_key_file(text).unwrap();
    assert_eq!(key.name().to_string(), "update.home.example.");
    assert_eq!(key.to_key_file().as_str(), text);
    assert!(!format!("{key:?}").contains("c2Vj"), "a key does not show its secret");

    let cases: &[(&str, String, KeyError)] = &[
        ("an older hash", text.replace("sha256", "md5"), KeyError::Algorithm("hmac-md5".to_owned())),
        ("no secret", text.replace("secret", "x"), KeyError::File("secret")),
        ("no base64", text.replace("c2Vj", "%%%%"), KeyError::Base64),
        (
            "a short secret",
            text.replace("IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=", ""),
            KeyError::ShortSecret { have: 6 },
        ),
    ];
    for (what, text, expected) in cases {
        assert_eq!(TsigKey::from_key_file(text).unwrap_err(), *expected, "{what}");
    }
}

#[test]
fn a_key_touches_only_what_it_is_allowed() {
    let name = |text: &str| text.parse().unwrap();
    let key = key("k.example", 1);
    assert!(!key.may_touch(&name("home.example"), rtype::A));
    let key = key.allowing(name("bob.home.example"));
    assert!(key.may_touch(&name("bob.home.example"), rtype::A));
    assert!(key.may_touch(&name("_sip._udp.bob.home.example"), rtype::SRV));
    assert!(!key.may_touch(&name("alice.home.example"), rtype::A));
}

#[test]
fn a_scope_names_types_and_names_alone_or_the_key_itself() {
    let name = |text: &str| text.parse().unwrap();
    let addresses = || Scope::below(name("home.example")).types([rtype::A, rtype::AAAA]);
    let only = Scope { names: ScopeNames::Exactly(name("x.home.example")), types: None };
    let own = Scope { names: ScopeNames::Own, types: Some(vec![rtype::TXT]) };
    let key = key("k.home.example", 1).allowing_only(addresses()).allowing_only(only).allowing_only(own);
    let cases: &[(&str, u16, bool, bool)] = &[
        ("bob.home.example", rtype::A, true, true),
        ("bob.home.example", rtype::SRV, false, true),
        ("x.home.example", rtype::SRV, true, true),
        ("y.x.home.example", rtype::SRV, false, true),
        ("k.home.example", rtype::TXT, true, true),
        ("y.k.home.example", rtype::TXT, false, true),
        ("home.example", rtype::NS, false, true),
        ("example", rtype::A, false, false),
    ];
    for &(at, rtype, may, something) in cases {
        assert_eq!(key.may_touch(&name(at), rtype), may, "{at} {rtype}");
        assert_eq!(key.may_touch_something_at(&name(at)), something, "{at}");
    }
}

proptest! {
    #[test]
    fn finding_and_verifying_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = verify(&bytes, &[key("k.example", 1)], NOON, None);
    }

    #[test]
    fn any_change_of_a_signed_message_but_its_id_is_noticed(at in 2..119_usize, bit in 0..8_u8) {
        let mut message = query();
        sign(&mut message, &key("k.example", 1), NOON, None);
        prop_assume!(at < message.len());
        message[at] ^= 1 << bit;
        // Letter case of names outside the signed bytes carries no meaning.
        let verified = verify(&message, &[key("k.example", 1)], NOON, None);
        let start = query().len();
        prop_assert!(verified.is_err() || (at >= start && bit == 5));
    }
}

#[test]
fn the_record_type_is_the_one_of_rfc8945() {
    let mut message = query();
    sign(&mut message, &key("k.example", 1), NOON, None);
    let name_end = query().len() + b"\x01k\x07example\x00".len();
    assert_eq!(message[name_end..name_end + 2], rtype::TSIG.to_be_bytes());
}
