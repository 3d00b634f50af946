//! The examples of the standards.

use crate::digest::{Algorithm, Challenge, Credentials, HashedSecret, Qop};

/// RFC 7616 §3.9. Its SHA-512-256 example was printed with truncated SHA-512, which is another function; the values
/// here were computed with OpenSSL from the same input.
#[test]
fn proofs_are_those_of_rfc_7616() {
    let mufasa = (
        "Mufasa",
        "http-auth@example.org",
        "Circle of Life",
        "/dir/index.html",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    );
    let jason = (
        "J\u{e4}s\u{f8}n Doe",
        "api@example.org",
        "Secret, or not?",
        "/doe.json",
        "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm",
    );
    let cases = [
        (Algorithm::Md5, mufasa, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, mufasa, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        (Algorithm::Sha512_256, jason, "7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c"),
    ];
    for (algorithm, (user, realm, password, uri, nonce, cnonce), expected) in cases {
        let credentials = Credentials {
            username: user.into(),
            realm: realm.into(),
            nonce: nonce.into(),
            uri: uri.into(),
            response: String::new(),
            algorithm,
            session: false,
            qop: Some(Qop { integrity: false, cnonce: cnonce.into(), count: 1 }),
            opaque: None,
            userhash: false,
        };
        let secret = HashedSecret::new(algorithm, user, realm, password);
        assert_eq!(secret.proof(&credentials, "GET", b"").as_str(), expected, "{algorithm}");
    }
}

/// RFC 7616 §3.9.2 with erratum 4897.
#[test]
fn names_are_hidden_as_in_rfc_7616() {
    let hidden = Algorithm::Sha512_256.hash(&["J\u{e4}s\u{f8}n Doe".as_bytes(), b"api@example.org"]);
    assert_eq!(hidden.as_str(), "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
}

/// RFC 2069 as RFC 2617 §3.2.2.1 keeps it, and the session variant, computed with OpenSSL.
#[test]
fn the_other_forms_of_the_proof() {
    let mut credentials = Credentials {
        username: "bob".into(),
        realm: "biloxi.com".into(),
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093".into(),
        uri: "sip:bob@biloxi.com".into(),
        response: String::new(),
        algorithm: Algorithm::Md5,
        session: false,
        qop: None,
        opaque: None,
        userhash: false,
    };
    let secret = HashedSecret::new(Algorithm::Md5, "bob", "biloxi.com", "zanzibar");
    let proof = |credentials: &Credentials| secret.proof(credentials, "INVITE", b"v=0").as_str().to_owned();
    assert_eq!(proof(&credentials), "bf57e4e0d0bffc0fbaedce64d59add5e");
    credentials.qop = Some(Qop { integrity: false, cnonce: "0a4f113b".into(), count: 1 });
    assert_eq!(proof(&credentials), "89eb0059246c02b2f6ee02c7961d5ea3");
    credentials.session = true;
    assert_eq!(proof(&credentials), "e4e4ea61d186d07a92c9e1f6919902e9");
    credentials.session = false;
    credentials.qop = Some(Qop { integrity: true, cnonce: "0a4f113b".into(), count: 1 });
    assert_eq!(proof(&credentials), "b1c81b2ae89822a39dca670743286f7d");
}

#[test]
fn challenges_and_answers_read_back_as_they_were_written() {
    let challenge = "Digest realm=\"a \\\"b\\\" \\\\ c\", nonce=\"xyz\", opaque=\"o\", algorithm=SHA-256, \
                     qop=\"auth,auth-int\", stale=true, userhash=true";
    let read = Challenge::parse(challenge).unwrap();
    assert_eq!((read.realm.as_str(), read.algorithm), ("a \"b\" \\ c", Algorithm::Sha256));
    assert_eq!(read.to_string(), challenge);
    let answer = "Digest username=\"bob\", realm=\"r\", nonce=\"n\", uri=\"sip:r\", response=\"00ff\", \
                  algorithm=SHA-512-256-sess, cnonce=\"c\", qop=auth-int, nc=0000000f, opaque=\"o\", userhash=true";
    let read = Credentials::parse(answer).unwrap();
    assert_eq!(read.qop, Some(Qop { integrity: true, cnonce: "c".into(), count: 15 }));
    assert_eq!((read.algorithm, read.session), (Algorithm::Sha512_256, true));
    assert_eq!(read.to_string(), answer);
}

#[test]
fn what_is_not_understood_is_no_challenge() {
    let cases = [
        ("another scheme", "Basic realm=\"r\", nonce=\"n\""),
        ("no nonce", "Digest realm=\"r\""),
        ("no realm", "Digest nonce=\"n\""),
        ("unknown algorithm", "Digest realm=\"r\", nonce=\"n\", algorithm=ROT13"),
        ("unknown protection alone", "Digest realm=\"r\", nonce=\"n\", qop=\"auth-sometimes\""),
        ("a parameter twice", "Digest realm=\"r\", realm=\"s\", nonce=\"n\""),
        ("no end of a string", "Digest realm=\"r, nonce=n"),
        ("nothing after a comma", "Digest realm=\"r\", nonce=\"n\","),
    ];
    for (what, text) in cases {
        assert_eq!(Challenge::parse(text), None, "{what}");
    }
    assert!(Challenge::parse("digest  realm = \"r\" ,nonce=n,more=1").is_some(), "space and unknown parts");
}

#[test]
fn secrets_do_not_show_themselves() {
    let secret = HashedSecret::new(Algorithm::Sha256, "bob", "r", "hunter2");
    assert_eq!(format!("{secret:?}"), "HashedSecret(SHA-256)");
    assert!(HashedSecret::from_hex(Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec").is_ok());
    let error = HashedSecret::from_hex(Algorithm::Sha256, "8ca5").unwrap_err();
    assert_eq!(error.to_string(), "not a hash of SHA-256: it takes 64 hexadecimal digits");
}
