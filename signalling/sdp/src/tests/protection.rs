//! What two sides agree on about the protection of media.

use rove_base::SrtpProfile;

use super::*;
use MediaSecurity::{Never, Optional, Required};

/// A side with these means.
fn side(wanted: MediaSecurity, keys: bool, dtls: bool, seed: u64) -> Local {
    let sdes = if keys { SdesKey::all(&mut Entropy::from_number(seed)) } else { Vec::new() };
    let dtls = dtls.then(|| FINGERPRINT.parse().unwrap());
    let tls_id = dtls.map(|_| TlsId::draw(&mut Entropy::from_number(seed + 90)));
    Local { protection: Protection { wanted, sdes, dtls, tls_id }, ..phone() }
}

/// Offers and answers over the wire; both sides must come to the same.
fn meet(alice: &Local, bob: &Local) -> Result<(SecurityKind, String), Mismatch> {
    let offered = Description::parse(&offer(alice).to_bytes()).unwrap();
    let (answered, at_bob) = answer(&offered, bob)?;
    let answered = Description::parse(&answered.to_bytes()).unwrap();
    assert_eq!(answered.media[0].protocol, offered.media[0].protocol, "RFC 3264 §6.1");
    let at_alice = accept(&offered, &answered, alice).expect("what was answered is accepted");
    match (&at_alice.security, &at_bob.security) {
        (Security::Srtp(a), Security::Srtp(b)) => {
            assert_eq!((a.send(), a.receive()), (b.receive(), b.send()));
        }
        (Security::Dtls(a), Security::Dtls(b)) => {
            assert_eq!(
                (a.role, b.role),
                (DtlsRole::Passive, DtlsRole::Active),
                "the answerer opens (RFC 5763 §5)"
            );
        }
        (a, b) => assert_eq!((a, b), (&Security::Clear, &Security::Clear)),
    }
    Ok((SecurityKind::from(&at_bob.security), offered.media[0].protocol.clone()))
}

#[test]
fn dtls_comes_before_keys_and_keys_before_nothing() {
    use SecurityKind::{Dtls, None, Sdes};
    let profile = |text: &str| Err(Mismatch::Profile(text.into()));
    let cases = [
        ("nothing to protect with", (Optional, false, false), (Optional, true, true), Ok((None, "RTP/AVP"))),
        ("both have all", (Optional, true, true), (Optional, true, true), Ok((Dtls, "RTP/AVP"))),
        ("one has no DTLS", (Optional, true, true), (Optional, true, false), Ok((Sdes, "RTP/AVP"))),
        ("one has nothing", (Optional, true, true), (Optional, false, false), Ok((None, "RTP/AVP"))),
        ("one does not want", (Optional, true, true), (Never, true, true), Ok((None, "RTP/AVP"))),
        ("one never offers", (Never, true, true), (Optional, true, true), Ok((None, "RTP/AVP"))),
        ("demanded, all", (Required, true, true), (Optional, true, true), Ok((Dtls, "RTP/SAVP"))),
        ("demanded, keys", (Required, true, false), (Optional, true, true), Ok((Sdes, "RTP/SAVP"))),
        ("demanded, DTLS", (Required, false, true), (Optional, true, true), Ok((Dtls, "UDP/TLS/RTP/SAVP"))),
        ("demanded by the other", (Optional, true, true), (Required, false, true), Ok((Dtls, "RTP/AVP"))),
        ("demanded and not wanted", (Required, true, true), (Never, true, true), profile("RTP/SAVP")),
        ("DTLS unknown", (Required, false, true), (Optional, true, false), profile("UDP/TLS/RTP/SAVP")),
        ("keys in clear", (Required, true, false), (Optional, false, true), Err(Mismatch::KeysInClear)),
        ("nothing offered", (Optional, false, false), (Required, true, true), Err(Mismatch::NotProtected)),
        (
            "keys only, and none here",
            (Optional, true, false),
            (Required, false, true),
            Err(Mismatch::KeysInClear),
        ),
    ];
    for (what, (a, a_keys, a_dtls), (b, b_keys, b_dtls), expected) in cases {
        let met = meet(&side(a, a_keys, a_dtls, 1), &side(b, b_keys, b_dtls, 2));
        let met = met.as_ref().map(|(kind, profile)| (*kind, profile.as_str())).map_err(Clone::clone);
        assert_eq!(met, expected, "{what}");
    }
}

#[test]
fn what_cannot_be_protected_and_has_to_be_is_known_before() {
    for (wanted, keys, dtls, possible) in [
        (Required, false, false, false),
        (Required, true, false, true),
        (Required, false, true, true),
        (Optional, false, false, true),
    ] {
        assert_eq!(
            side(wanted, keys, dtls, 1).protection.is_possible(),
            possible,
            "{wanted:?} {keys} {dtls}"
        );
    }
}

const KEY: &str = "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";

#[test]
fn the_first_key_that_can_be_used_is_taken_under_its_tag() {
    let bob = side(Optional, true, false, 2);
    let cases: [(&str, &[&str], Result<u32, Mismatch>); 6] = [
        ("unknown ciphers are passed over", &["1 F8_128_HMAC_SHA1_80", "5 AES_CM_128_HMAC_SHA1_32"], Ok(5)),
        ("the offerer's order counts", &["2 AES_CM_128_HMAC_SHA1_32", "1 AES_CM_128_HMAC_SHA1_80"], Ok(2)),
        ("no cipher in common", &["1 F8_128_HMAC_SHA1_80"], Err(Mismatch::Keys(CryptoError::Suite))),
        ("a key of another length", &["1 AEAD_AES_128_GCM"], Err(Mismatch::Keys(CryptoError::Length))),
        ("no key at all", &[], Err(Mismatch::Profile("RTP/SAVP".into()))),
        ("a cut line", &["1"], Err(Mismatch::Keys(CryptoError::Grammar))),
    ];
    for (what, keys, expected) in cases {
        let lines: Vec<_> = keys.iter().map(|key| format!("a=crypto:{key} {KEY}")).collect();
        let lines: Vec<_> =
            ["m=audio 9000 RTP/SAVP 0"].into_iter().chain(lines.iter().map(String::as_str)).collect();
        let answered = answer(&theirs(&lines), &bob).map(|(answered, agreed)| {
            assert_eq!(SecurityKind::from(&agreed.security), SecurityKind::Sdes, "{what}");
            let keys: Vec<_> = answered.media[0].attributes("crypto").collect();
            assert_eq!(keys.len(), 1, "{what}");
            keys[0].parse::<Crypto>().unwrap().tag
        });
        assert_eq!(answered, expected, "{what}");
    }
}

#[test]
fn an_answer_s_key_must_go_with_one_that_was_offered() {
    let alice = side(Optional, true, false, 1);
    let offered = offer(&alice);
    let own = offered.media[0].attribute("crypto").unwrap().to_owned();
    let sha80 = format!("3 AES_CM_128_HMAC_SHA1_80 {KEY}");
    let cases = [
        ("it does", vec![sha80.clone()], Ok(SecurityKind::Sdes)),
        ("none: best effort goes without", vec![], Ok(SecurityKind::None)),
        ("another tag", vec![format!("4 AES_CM_128_HMAC_SHA1_80 {KEY}")], Err(Mismatch::KeyChoice)),
        ("a tag nobody offered", vec![format!("9 AES_CM_128_HMAC_SHA1_80 {KEY}")], Err(Mismatch::KeyChoice)),
        ("two", vec![sha80.clone(), sha80.clone()], Err(Mismatch::KeyChoice)),
        ("our own key, sent back", vec![own], Err(Mismatch::KeyChoice)),
        (
            "a parameter that was not offered",
            vec![format!("{sha80} UNENCRYPTED_SRTP")],
            Err(Mismatch::Keys(CryptoError::Parameter)),
        ),
    ];
    for (what, keys, expected) in cases {
        let lines: Vec<_> = keys.iter().map(|key| format!("a=crypto:{key}")).collect();
        let head = ["m=audio 9000 RTP/AVP 0", "a=rtcp-mux"];
        let lines: Vec<_> = head.into_iter().chain(lines.iter().map(String::as_str)).collect();
        let agreed =
            accept(&offered, &theirs(&lines), &alice).map(|agreed| SecurityKind::from(&agreed.security));
        assert_eq!(agreed, expected, "{what}");
    }
    let demanding = side(Required, true, false, 1);
    let bare = theirs(&["m=audio 9000 RTP/AVP 0"]);
    assert_eq!(accept(&offer(&demanding), &bare, &demanding), Err(Mismatch::NotProtected));
    let bare = theirs(&["m=audio 9000 RTP/SAVP 0"]);
    assert_eq!(accept(&offer(&demanding), &bare, &demanding), Err(Mismatch::NotProtected));
}

#[test]
fn who_opens_the_dtls_connection_is_told_by_both() {
    use DtlsRole::{Active, Passive};
    let bob = side(Optional, false, true, 2);
    let print = format!("a=fingerprint:{FINGERPRINT}");
    let offered = |setup: Option<&str>| {
        let setup = setup.map(|setup| format!("a=setup:{setup}"));
        let head = ["m=audio 9000 UDP/TLS/RTP/SAVPF 0", "a=rtcp-mux", &print];
        let lines: Vec<_> = head.into_iter().chain(setup.as_deref()).collect();
        theirs(&lines)
    };
    let cases = [
        (Some("actpass"), Ok((Active, "active"))),
        (Some("active"), Ok((Passive, "passive"))),
        (Some("passive"), Ok((Active, "active"))),
        (Some("ACTPASS"), Ok((Active, "active"))),
        (None, Ok((Passive, "passive"))),
        (Some("holdconn"), Err(Mismatch::Setup)),
        (Some("whatever"), Err(Mismatch::Setup)),
    ];
    for (setup, expected) in cases {
        let met = answer(&offered(setup), &bob).map(|(answered, agreed)| match agreed.security {
            Security::Dtls(DtlsPlan { role, .. }) => {
                (role, answered.media[0].attribute("setup").unwrap().to_owned())
            }
            other => panic!("{other:?}"),
        });
        let met = met.as_ref().map(|(role, setup)| (*role, setup.as_str())).map_err(Clone::clone);
        assert_eq!(met, expected, "{setup:?}");
    }
    let cases = [
        (Some("active"), Ok(Passive)),
        (Some("passive"), Ok(Active)),
        (None, Ok(Active)),
        (Some("actpass"), Err(Mismatch::Setup)),
        (Some("holdconn"), Err(Mismatch::Setup)),
    ];
    for (setup, expected) in cases {
        let met = accept(&offer(&bob), &offered(setup), &bob).map(|agreed| match agreed.security {
            Security::Dtls(DtlsPlan { role, .. }) => role,
            other => panic!("{other:?}"),
        });
        assert_eq!(met, expected, "{setup:?}");
    }
}

#[test]
fn dtls_needs_a_fingerprint_that_is_trusted_and_rtcp_on_its_port() {
    let bob = side(Optional, true, true, 2);
    let print = format!("a=fingerprint:{FINGERPRINT}");
    let weak = format!("a=fingerprint:sha-1 {}", ["AB"; 20].join(":"));
    let strong = format!("a=fingerprint:sha-512 {}", ["AB"; 64].join(":"));
    let dtls = "m=audio 9000 UDP/TLS/RTP/SAVP 0";
    let cases = [
        ("a weak hash", vec![dtls, "a=rtcp-mux", &weak], Err(Mismatch::Fingerprint)),
        ("one that is not the common one", vec![dtls, "a=rtcp-mux", &strong], Err(Mismatch::Fingerprint)),
        ("no fingerprint", vec![dtls, "a=rtcp-mux"], Err(Mismatch::Profile("UDP/TLS/RTP/SAVP".into()))),
        ("RTCP elsewhere", vec![dtls, &print], Err(Mismatch::RtcpMux)),
        ("among others", vec![dtls, "a=rtcp-mux", &weak, &strong, &print], Ok(())),
        ("RTCP that may share only", vec![dtls, "a=rtcp-mux-only", &print], Ok(())),
    ];
    for (what, lines, expected) in cases {
        let met = answer(&theirs(&lines), &bob).map(|(answered, agreed)| {
            assert!(answered.media[0].attribute("rtcp-mux").is_some(), "{what}");
            let Security::Dtls(plan) = agreed.security else { panic!("{what}: {:?}", agreed.security) };
            assert_eq!(plan.fingerprint.to_string(), FINGERPRINT, "{what}");
        });
        assert_eq!(met, expected, "{what}");
    }
    let key = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}");
    let fallback = theirs(&["m=audio 9000 RTP/SAVP 0", &print, &key]);
    assert_eq!(
        SecurityKind::from(&answer(&fallback, &bob).unwrap().1.security),
        SecurityKind::Sdes,
        "keys do without"
    );
    let alice = side(Optional, false, true, 1);
    let bare = theirs(&["m=audio 9000 RTP/AVP 0", &print]);
    assert_eq!(accept(&offer(&alice), &bare, &alice), Err(Mismatch::RtcpMux));
}

#[test]
fn of_two_streams_the_protected_one_is_taken() {
    let key = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}");
    let offered = theirs(&["m=audio 9000 RTP/AVP 0", "m=audio 9002 RTP/SAVP 0", &key]);
    let (answered, agreed) = answer(&offered, &side(Optional, true, false, 2)).unwrap();
    assert_eq!(agreed.remote_rtp.port(), 9_002);
    assert_eq!(answered.media.iter().map(|media| media.port).collect::<Vec<_>>(), [0, 40_000]);
    let (_, agreed) = answer(&offered, &side(Optional, false, false, 2)).unwrap();
    assert_eq!(agreed.remote_rtp.port(), 9_000, "without keys of its own, the other one");
}

#[test]
fn what_was_protected_stays_protected() {
    let (alice, bob) = (side(Optional, true, false, 1), side(Optional, true, false, 2));
    let (mut at_alice, mut at_bob) = (Session::default(), Session::default());
    let offered = at_alice.offer(&alice);
    let (answered, agreed) = at_bob.answer(&offered, &bob).unwrap();
    at_alice.accept(&answered, &alice).unwrap();
    let mut bare = offered;
    bare.media[0].lines.retain(|line| !line.value.starts_with("crypto"));
    assert_eq!(at_bob.answer(&bare, &bob), Err(Mismatch::NotProtected));
    assert_eq!(at_bob.agreed(), Some(&agreed));
    let offered = at_alice.offer(&alice);
    let (mut answered, _) = at_bob.answer(&offered, &bob).unwrap();
    answered.media[0].lines.retain(|line| !line.value.starts_with("crypto"));
    assert_eq!(at_alice.accept(&answered, &alice), Err(Mismatch::NotProtected));
}

#[test]
fn a_dtls_connection_that_stands_keeps_who_opened_it() {
    let (alice, bob) = (side(Optional, false, true, 1), side(Optional, false, true, 2));
    let (mut at_alice, mut at_bob) = (Session::default(), Session::default());
    let offered = at_alice.offer(&alice);
    let (answered, _) = at_bob.answer(&offered, &bob).unwrap();
    at_alice.accept(&answered, &alice).unwrap();
    let offered = at_bob.offer(&bob);
    assert_eq!(offered.media[0].attribute("setup"), Some("actpass"));
    let (answered, _) = at_alice.answer(&offered, &alice).unwrap();
    assert_eq!(answered.media[0].attribute("setup"), Some("passive"), "bob has opened it");
    let agreed = at_bob.accept(&answered, &bob).unwrap();
    assert!(matches!(agreed.security, Security::Dtls(DtlsPlan { role: DtlsRole::Active, .. })));
}

#[test]
fn an_association_keeps_its_name_through_all_offers_and_another_name_is_told_apart() {
    let (alice, bob) = (side(Optional, false, true, 1), side(Optional, false, true, 2));
    let (mut at_alice, mut at_bob) = (Session::default(), Session::default());
    let named = |said: &Description| said.media[0].attribute("tls-id").map(str::to_owned);
    let offered = at_alice.offer(&alice);
    let (answered, _) = at_bob.answer(&offered, &bob).unwrap();
    assert!(named(&offered).is_some() && named(&answered).is_some() && named(&offered) != named(&answered));
    at_alice.accept(&answered, &alice).unwrap();
    let again = at_alice.offer(&alice);
    assert_eq!(named(&again), named(&offered));
    assert!(!at_bob.renews_dtls(&again));
    let (answered_again, _) = at_bob.answer(&again, &bob).unwrap();
    assert_eq!(named(&answered_again), named(&answered));
    at_alice.accept(&answered_again, &alice).unwrap();
    let anew = side(Optional, false, true, 5);
    let renewed = at_alice.offer(&anew);
    assert!(named(&renewed) != named(&offered) && at_bob.renews_dtls(&renewed));
}

#[test]
fn who_does_not_name_an_association_is_answered_without_a_name() {
    let (alice, bob) = (side(Optional, false, true, 1), side(Optional, false, true, 2));
    let mut offered = offer(&alice);
    offered.media[0].lines.retain(|line| !line.value.starts_with("tls-id"));
    let (answered, agreed) = answer(&offered, &bob).unwrap();
    assert_eq!(answered.media[0].attribute("tls-id"), None);
    assert!(matches!(agreed.security, Security::Dtls(_)));
}

#[test]
fn offers_name_all_four_ciphers_in_order() {
    let offered = offer(&side(Optional, true, false, 1));
    let keys: Vec<Crypto> = offered.media[0].attributes("crypto").map(|text| text.parse().unwrap()).collect();
    let profiles: Vec<_> = keys.iter().map(|crypto| (crypto.tag, crypto.key.profile())).collect();
    assert_eq!(
        profiles,
        [
            (1, SrtpProfile::AeadAes128Gcm),
            (2, SrtpProfile::AeadAes256Gcm),
            (3, SrtpProfile::AesCm128HmacSha1_80),
            (4, SrtpProfile::AesCm128HmacSha1_32),
        ]
    );
}
