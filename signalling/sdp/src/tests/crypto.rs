//! Keys in descriptions.

use rove_base::{Entropy, SrtpProfile};

use super::*;

/// 30 bytes: a key of 16 and a salt of 14.
const SHORT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
/// 28 bytes, padded: a key of 16 and a salt of 12.
const GCM: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==";

#[test]
fn keys_of_all_four_ciphers_are_read_and_written() {
    let long: Vec<u8> = (0..44).collect();
    let gcm256 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis=";
    let cases = [
        ("AES_CM_128_HMAC_SHA1_80", SHORT, SrtpProfile::AesCm128HmacSha1_80, 30),
        ("AES_CM_128_HMAC_SHA1_32", SHORT, SrtpProfile::AesCm128HmacSha1_32, 30),
        ("AEAD_AES_128_GCM", GCM, SrtpProfile::AeadAes128Gcm, 28),
        ("AEAD_AES_256_GCM", gcm256, SrtpProfile::AeadAes256Gcm, 44),
    ];
    for (name, key, profile, len) in cases {
        let text = format!("7 {name} inline:{key}");
        let crypto: Crypto = text.parse().expect(name);
        assert_eq!((crypto.tag, crypto.key.profile()), (7, profile), "{name}");
        assert_eq!(crypto.key.joined(), &long[..len], "{name}");
        assert_eq!(crypto.line(), format!("crypto:{text}"));
        let unpadded = text.trim_end_matches('=');
        assert_eq!(unpadded.parse::<Crypto>().as_ref(), Ok(&crypto), "{name} without padding");
    }
}

#[test]
fn what_may_follow_a_key_is_tolerated_or_refused_by_name() {
    use CryptoError::{Grammar, Identifier, Length, Lifetime, Parameter, Suite};
    let suite = "AES_CM_128_HMAC_SHA1_80";
    let cases = [
        ("a lifetime as a power", format!("1 {suite} inline:{SHORT}|2^31"), None),
        ("a lifetime as a number", format!("1 {suite} inline:{SHORT}|1000000"), None),
        ("the cipher in small letters", format!("1 {} inline:{SHORT}", suite.to_lowercase()), None),
        ("spaces", format!(" 1  {suite}   inline:{SHORT} "), None),
        ("a hint about the window", format!("1 {suite} inline:{SHORT} WSH=128"), None),
        ("what may be passed over", format!("1 {suite} inline:{SHORT} -X=1"), None),
        ("a key identifier", format!("1 {suite} inline:{SHORT}|1:4"), Some(Identifier)),
        ("a lifetime and an identifier", format!("1 {suite} inline:{SHORT}|2^20|1:4"), Some(Identifier)),
        ("two keys", format!("1 {suite} inline:{SHORT}|1:4;inline:{SHORT}|2:4"), Some(Identifier)),
        ("no encryption", format!("1 {suite} inline:{SHORT} UNENCRYPTED_SRTP"), Some(Parameter)),
        ("no encryption of RTCP", format!("1 {suite} inline:{SHORT} UNENCRYPTED_SRTCP"), Some(Parameter)),
        ("no authentication", format!("1 {suite} inline:{SHORT} UNAUTHENTICATED_SRTP"), Some(Parameter)),
        ("keys derived again", format!("1 {suite} inline:{SHORT} KDR=3"), Some(Parameter)),
        ("error correction", format!("1 {suite} inline:{SHORT} FEC_ORDER=FEC_SRTP"), Some(Parameter)),
        ("something new", format!("1 {suite} inline:{SHORT} WSH=64 NEW"), Some(Parameter)),
        ("a window that is no number", format!("1 {suite} inline:{SHORT} WSH=x"), Some(Parameter)),
        ("another cipher", format!("1 F8_128_HMAC_SHA1_80 inline:{SHORT}"), Some(Suite)),
        ("another method", format!("1 {suite} uri:{SHORT}"), Some(Grammar)),
        ("a key too short", format!("1 {suite} inline:{GCM}"), Some(Length)),
        ("a key too long", format!("1 {suite} inline:{SHORT}{SHORT}"), Some(Length)),
        ("no base64", format!("1 {suite} inline:{}", "!".repeat(40)), Some(Grammar)),
        ("a lifetime of nothing", format!("1 {suite} inline:{SHORT}|0"), Some(Lifetime)),
        ("a lifetime beyond the index", format!("1 {suite} inline:{SHORT}|2^49"), Some(Lifetime)),
        ("a lifetime that is no number", format!("1 {suite} inline:{SHORT}|x"), Some(Grammar)),
        ("no tag", format!("{suite} inline:{SHORT}"), Some(Grammar)),
        ("a tag too long", format!("1234567890 {suite} inline:{SHORT}"), Some(Grammar)),
        ("no key", format!("1 {suite}"), Some(Grammar)),
        ("nothing", String::new(), Some(Grammar)),
    ];
    for (what, text, error) in cases {
        assert_eq!(text.parse::<Crypto>().err(), error, "{what}");
    }
}

#[test]
fn new_keys_are_of_all_ciphers_and_all_different() {
    let mut entropy = Entropy::from_number(1);
    let (mine, yours) = (SdesKey::all(&mut entropy), SdesKey::all(&mut entropy));
    let lens = [28, 44, 30, 30];
    assert!(mine.iter().map(|key| key.joined().len()).eq(lens));
    for (at, key) in mine.iter().enumerate() {
        assert!(yours.iter().chain(&mine[at + 1..]).all(|other| other.joined()[..16] != key.joined()[..16]));
    }
}

#[test]
fn keys_and_passwords_are_never_printed() {
    let mut local = phone();
    local.protection.sdes = SdesKey::all(&mut Entropy::from_number(1));
    local.ice = Some(ice("pass"));
    let mut session = Session::default();
    let offer = session.offer(&local);
    let text = offer.to_string();
    let keys: Vec<_> =
        text.lines().filter_map(|line| line.split("inline:").nth(1)).map(str::to_owned).collect();
    assert_eq!(keys.len(), 4);
    let (_, agreed) = answer(&offer, &Local { protection: sdes(2), ..phone() }).unwrap();
    let fragment = TrickleFragment { pwd: PWD.into(), ..TrickleFragment::default() };
    let old = theirs(&["m=audio 9 RTP/AVP 0", "k=clear:topsecret", "a=crypto:1 X inline:topsecret"]);
    let printed = format!("{local:?} {session:?} {offer:?} {agreed:?} {fragment:?} {old:?}");
    assert!(!printed.contains("topsecret") && !printed.contains(PWD), "{printed}");
    for key in keys {
        assert!(!printed.contains(&key), "{printed}");
    }
    let bytes: Vec<String> = local.protection.sdes.iter().map(|key| format!("{:?}", key.joined())).collect();
    assert!(bytes.iter().all(|bytes| !printed.contains(bytes.trim_matches(['[', ']']))), "{printed}");
}
