//! The standards' own examples.

use aes::{Aes128, cipher::KeyInit};

use super::{
    super::{
        MasterKey, Profile, SrtpContext,
        cipher::{Session, keystream},
    },
    bytes, protect_rtcp, protect_rtp,
};

#[test]
fn the_key_stream_is_that_of_rfc3711_b2() {
    let aes = Aes128::new_from_slice(&bytes("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
    let salt = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_0000;
    let mut stream = vec![0; 0xff02 * 16];
    keystream(&aes, salt, &mut stream);
    let begin =
        "e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab 41e95b3bb0a2e8dd477901e4fca894c0";
    let end =
        "ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae 6a2cc3787889374fbeb4c81b17ba6c44";
    assert_eq!(stream[..48], bytes(begin));
    assert_eq!(stream[0xfeff * 16..][..48], bytes(end));
}

#[test]
fn session_keys_are_derived_as_in_rfc3711_b3() {
    let key = bytes("e1f97a0d3e018be0d64fa32c06de4139");
    let salt = bytes("0ec675ad498afeebb6960b3aabe6");
    let master = MasterKey::new(Profile::AesCm128HmacSha1_80, &key, &salt).unwrap();
    let auth = "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef7227098\
                6371c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2";
    let cases = [
        ("encryption", 0, "c61e7a93744f39ee10734afe3ff7a087"),
        ("authentication", 1, auth),
        ("salt", 2, "30cbbc08863d8c85d49db34a9ae1"),
    ];
    for (what, label, expected) in cases {
        let mut derived = vec![0xff; bytes(expected).len()];
        master.derive(label, &mut derived);
        assert_eq!(derived, bytes(expected), "{what}");
    }
}

/// A context whose session keys are those of RFC 7714 §16 and §17, where nothing is derived.
fn rfc7714(profile: Profile) -> SrtpContext {
    let mut salt = [0; 14];
    salt[..12].copy_from_slice(b"Quid pro quo");
    let key = std::array::from_fn(|i| i as u8);
    let session = || Session::new(profile, &key, &[0; 20], &salt, 16).unwrap();
    SrtpContext::with_sessions(profile, session(), session())
}

const RTP: &str = "8040f17b8041f8d35501a0b2\
                   47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";

#[test]
fn rtp_is_protected_as_in_rfc7714_16() {
    let cases = [
        (
            "16.1.1 and 16.1.2",
            Profile::AeadAes128Gcm,
            "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833\
             899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            "16.2.1 and 16.2.2",
            Profile::AeadAes256Gcm,
            "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b\
             7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ];
    for (clause, profile, expected) in cases {
        let mut packet = protect_rtp(&mut rfc7714(profile), &bytes(RTP));
        assert_eq!(packet, bytes(expected), "{clause}");
        let len = rfc7714(profile).unprotect_rtp(&mut packet).unwrap();
        assert_eq!(packet[..len], bytes(RTP), "{clause}");
    }
}

const RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61\
                    deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

#[test]
fn rtcp_is_protected_as_in_rfc7714_17() {
    let cases = [
        (
            "17.1",
            Profile::AeadAes128Gcm,
            "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9\
             275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
        ),
        (
            "17.2",
            Profile::AeadAes256Gcm,
            "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b\
             6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
        ),
    ];
    for (clause, profile, expected) in cases {
        let mut context = rfc7714(profile);
        context.start_at(0x4d61_7273, 0, 0x5d3);
        let mut packet = protect_rtcp(&mut context, &bytes(RTCP));
        assert_eq!(packet, bytes(expected), "{clause}");
        let len = context.unprotect_rtcp(&mut packet).unwrap();
        assert_eq!(packet[..len], bytes(RTCP), "{clause}");
    }
}

#[test]
fn rtcp_that_is_only_tagged_is_accepted_as_in_rfc7714_17_3() {
    let tagged = bytes(RTCP).into_iter().chain(bytes("841dd9683dd78ec92ae58790125f62b3000005d4"));
    let tagged = tagged.collect::<Vec<_>>();
    let mut context = rfc7714(Profile::AeadAes128Gcm);
    for at in 0..tagged.len() {
        let mut forged = tagged.clone();
        forged[at] ^= 1;
        context.unprotect_rtcp(&mut forged).unwrap_err();
    }
    let mut packet = tagged;
    let len = context.unprotect_rtcp(&mut packet).unwrap();
    assert_eq!(packet[..len], bytes(RTCP));
}

/// The packets with which libsrtp tests itself: RFC 3711 has none.
#[test]
fn counter_mode_makes_the_packets_that_libsrtp_makes() {
    let key = bytes("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let profile = Profile::AesCm128HmacSha1_80;
    let mut context = SrtpContext::new(profile, &MasterKey::from_joined(profile, &key).unwrap()).unwrap();

    let rtp = bytes("800f1234decafbadcafebabe abababababababababababababababab");
    let expected = bytes("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");
    assert_eq!(protect_rtp(&mut context, &rtp), expected);

    let rtcp = bytes("81c8000bcafebabe abababababababababababababababab");
    let second = bytes("81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798");
    protect_rtcp(&mut context, &rtcp);
    assert_eq!(protect_rtcp(&mut context, &rtcp), second);
}
