//! Challenges, and the answers to them.

use core::time::Duration;
use std::{net::IpAddr, sync::OnceLock};

use rove_base::{Entropy, Instant};
use rove_sip::digest::{
    Algorithm, Answerer, Asking, Challenge, Credentials, Login, Question, Refusal, Users, Verdict, Verifier,
    VerifierConfig,
};

/// A challenge or an answer that is read is written so that it reads the same; a challenge is answered with what it
/// asks for; no bytes stand for a password, and none beside a right answer take from it that it is right, once.
///
/// The first line is a header's value, the second a method and a Request-URI, the rest a body.
///
/// # Panics
///
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    let (value, rest) = line(bytes);
    let (request, body) = line(rest);
    let (Ok(value), Ok(request)) = (core::str::from_utf8(value), core::str::from_utf8(request)) else {
        return;
    };
    let (method, uri) = request.split_once(' ').unwrap_or(("REGISTER", "sip:home.example"));
    let asking = Asking { method, uri, body };
    if let Some(challenge) = Challenge::parse(value) {
        assert_eq!(Challenge::parse(&challenge.to_string()).as_ref(), Some(&challenge));
        answered(value, &challenge, &asking);
    }
    if let Some(credentials) = Credentials::parse(value) {
        assert_eq!(Credentials::parse(&credentials.to_string()).as_ref(), Some(&credentials));
    }
    // It takes ten times as long: one input in eight.
    let sum = bytes.iter().fold(3_u8, |sum, byte| sum.rotate_left(3) ^ byte);
    if sum % 8 == 0 {
        verified(value, &asking);
    }
}

/// The answer names what was asked, and tells of the password nothing but its proof.
fn answered(value: &str, challenge: &Challenge, asking: &Asking<'_>) {
    let mut entropy = Entropy::from_number(5);
    let mut answerer =
        Answerer::choose(&[value], &login(), &mut entropy).expect("what is read can be answered");
    for count in 1..=2 {
        let written = answerer.answer(asking);
        assert!(!written.contains(PASSWORD) && !written.contains(['\r', '\n']));
        let answer = Credentials::parse(&written).expect("what was written is read");
        assert_eq!((&answer.realm, &answer.nonce, answer.uri.as_str()), {
            (&challenge.realm, &challenge.nonce, asking.uri)
        });
        assert_eq!((answer.algorithm, answer.opaque), (challenge.algorithm, challenge.opaque.clone()));
        let asked = challenge.qop.auth || challenge.qop.auth_int;
        assert_eq!(answer.qop.map(|qop| qop.count), asked.then_some(count));
    }
}

fn verified(value: &str, asking: &Asking<'_>) {
    let mut verifier = Verifier::new(users().clone(), config(), &mut Entropy::from_number(1));
    let challenges = verifier.challenges(Instant::ZERO, PEER, false);
    let challenges: Vec<_> = challenges.iter().map(String::as_str).collect();
    let alone = judge(&mut verifier, &[value], asking);
    assert!(matches!(alone, Verdict::Refused(_)), "{alone:?}");
    let mut client = Answerer::choose(&challenges, &login(), &mut Entropy::from_number(2)).expect("our own");
    let genuine = client.answer(asking);
    // The first answer for our realm is the one that counts.
    let ours = Credentials::parse(value).is_some_and(|answer| answer.realm == REALM);
    let right = Verdict::Is(USER.to_owned());
    let expected = if ours { alone } else { right.clone() };
    assert_eq!(judge(&mut verifier, &[value, &genuine], asking), expected);
    let other = Asking { method: "REFER ", ..*asking };
    assert_eq!(judge(&mut verifier, &[&genuine], &other), Verdict::Refused(Refusal::Wrong));
    let again = if ours { right } else { Verdict::Refused(Refusal::Stale) };
    assert_eq!(judge(&mut verifier, &[&genuine, value], asking), again);
}

fn judge(verifier: &mut Verifier, answers: &[&str], asking: &Asking<'_>) -> Verdict {
    let &Asking { method, uri, body } = asking;
    let now = Instant::ZERO + Duration::from_secs(1);
    verifier.check(now, &Question { answers, method, uri, stands_for: &|_| false, body, peer: PEER })
}

fn users() -> &'static Users {
    static USERS: OnceLock<Users> = OnceLock::new();
    USERS.get_or_init(|| {
        let mut users = Users::new(REALM);
        users.add_password(USER, PASSWORD, &Algorithm::ALL);
        users
    })
}

fn config() -> VerifierConfig {
    VerifierConfig { algorithms: Algorithm::ALL.to_vec(), integrity: true, ..VerifierConfig::default() }
}

fn login() -> Login {
    Login { user: USER.to_owned(), password: PASSWORD.to_owned().into(), realm: None }
}

/// Up to the first line end, and what comes after.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let rest = &bytes[end..];
    (&bytes[..end], rest.strip_prefix(b"\r\n").or(rest.get(1..)).unwrap_or_default())
}

const REALM: &str = "home.example";
const USER: &str = "bob";
/// No input of a fuzzer's holds it.
const PASSWORD: &str = "7d1c2b4e-0c55-45f2-a9ce-6e9d1f5b1b07";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
