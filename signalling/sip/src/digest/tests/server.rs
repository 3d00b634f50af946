//! A client and a server, and those who only pretend to be the client.

use core::time::Duration;
use std::net::IpAddr;

use rove_base::{Entropy, Instant};

use crate::digest::{
    Algorithm, Answerer, Asking, Login, Question, Refusal, Users, Verdict, Verifier, VerifierConfig,
    nonce::MAX_USED,
};

const REALM: &str = "home.example";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const ASKING: Asking<'_> = Asking { method: "REGISTER", uri: "sip:home.example", body: b"" };

fn verifier(config: VerifierConfig) -> Verifier {
    let mut users = Users::new(REALM);
    users.add_password("bob", "builder", &Algorithm::ALL);
    Verifier::new(users, config, &mut Entropy::from_number(1))
}

fn login(user: &str, password: &str) -> Login {
    Login { user: user.into(), password: password.to_owned().into(), realm: None }
}

fn at(secs: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(secs)
}

fn answerer(verifier: &mut Verifier, user: &str, password: &str) -> Answerer {
    let challenges = verifier.challenges(at(0), PEER, false);
    let challenges: Vec<_> = challenges.iter().map(String::as_str).collect();
    Answerer::choose(&challenges, &login(user, password), &mut Entropy::from_number(2)).unwrap()
}

fn check(verifier: &mut Verifier, now: Instant, peer: IpAddr, answer: &str) -> Verdict {
    let Asking { method, uri, body } = ASKING;
    verifier.check(now, &Question { answers: &[answer], method, uri, stands_for: &|_| false, body, peer })
}

fn bob() -> Verdict {
    Verdict::Is("bob".into())
}

#[test]
fn the_right_password_is_believed_with_every_algorithm_and_each_count_once() {
    for algorithm in Algorithm::ALL {
        for integrity in [false, true] {
            let config = VerifierConfig { algorithms: vec![algorithm], integrity, ..Default::default() };
            let mut verifier = verifier(config);
            let mut client = answerer(&mut verifier, "bob", "builder");
            let first = client.answer(&ASKING);
            let second = client.answer(&ASKING);
            assert_eq!(check(&mut verifier, at(1), PEER, &second), bob());
            assert_eq!(check(&mut verifier, at(1), PEER, &first), bob(), "overtaken on the way");
            for again in [&first, &second] {
                assert_eq!(check(&mut verifier, at(1), PEER, again), Verdict::Refused(Refusal::Stale));
            }
        }
    }
}

#[test]
fn answers_of_others_and_for_other_things_are_refused() {
    let mut verifier = verifier(VerifierConfig::default());
    let right = answerer(&mut verifier, "bob", "builder").answer(&ASKING);
    let wrong = Verdict::Refused(Refusal::Wrong);
    let stale = Verdict::Refused(Refusal::Stale);
    let elsewhere = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 8));
    let cases: &[(&str, String, &Verdict)] = &[
        ("wrong password", answerer(&mut verifier, "bob", "destroyer").answer(&ASKING), &wrong),
        ("unknown user", answerer(&mut verifier, "alice", "builder").answer(&ASKING), &wrong),
        (
            "another method",
            answerer(&mut verifier, "bob", "builder").answer(&Asking { method: "BYE", ..ASKING }),
            &wrong,
        ),
        (
            "another target",
            answerer(&mut verifier, "bob", "builder").answer(&Asking { uri: "sip:x@home.example", ..ASKING }),
            &wrong,
        ),
        ("another realm", right.replace(REALM, "other.example"), &Verdict::Refused(Refusal::Unanswered)),
        ("an algorithm that was not offered", right.replace("SHA-512-256", "MD5"), &wrong),
        ("no count", right.replace(", qop=auth, nc=00000001", ""), &wrong),
        ("not an answer", "Digest nothing".into(), &Verdict::Refused(Refusal::Unanswered)),
    ];
    for (what, answer, expected) in cases {
        assert_eq!(check(&mut verifier, at(1), PEER, answer), **expected, "{what}");
    }
    assert_eq!(check(&mut verifier, at(1), elsewhere, &right), stale, "a nonce made for another peer");
    assert_eq!(check(&mut verifier, at(300), PEER, &right), stale, "a nonce that is too old");
    assert_eq!(check(&mut verifier, at(1), PEER, &right), bob());
}

#[test]
fn a_client_takes_the_strongest_and_md5_only_alone() {
    let ask = |algorithm: &str, realm: &str| {
        format!("Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\", algorithm={algorithm}")
    };
    let chosen = |offers: &[String], realm: Option<&str>| {
        let login = Login { realm: realm.map(str::to_owned), ..login("bob", "builder") };
        let offers: Vec<_> = offers.iter().map(String::as_str).collect();
        let mut client = Answerer::choose(&offers, &login, &mut Entropy::from_number(3))?;
        client
            .answer(&ASKING)
            .split("algorithm=")
            .nth(1)
            .map(|rest| rest.split(',').next().unwrap().to_owned())
    };
    let (md5, sha256, sha512) = (ask("MD5", "r"), ask("SHA-256", "r"), ask("SHA-512-256", "r"));
    type Case<'a> = (&'a str, Vec<String>, Option<&'a str>, Option<&'a str>);
    let cases: &[Case<'_>] = &[
        ("weakest on top", vec![md5.clone(), sha256.clone()], None, Some("SHA-256")),
        ("strongest on top", vec![sha512, sha256, md5.clone()], None, Some("SHA-512-256")),
        ("unknown ones are passed over", vec![ask("SHA-3", "r"), md5.clone()], None, Some("MD5")),
        ("a realm we have no password for", vec![md5.clone()], Some("s"), None),
        ("only our realm's strongest counts", vec![ask("SHA-256", "s"), md5], Some("r"), Some("MD5")),
        ("nothing known", vec![ask("SHA-3", "r")], None, None),
    ];
    for (what, offers, realm, expected) in cases {
        assert_eq!(chosen(offers, *realm).as_deref(), *expected, "{what}");
    }
}

#[test]
fn a_hidden_name_is_found() {
    let mut verifier = verifier(VerifierConfig::default());
    let challenges: Vec<_> =
        verifier.challenges(at(0), PEER, false).iter().map(|text| format!("{text}, userhash=true")).collect();
    let challenges: Vec<_> = challenges.iter().map(String::as_str).collect();
    let mut client =
        Answerer::choose(&challenges, &login("bob", "builder"), &mut Entropy::from_number(2)).unwrap();
    let answer = client.answer(&ASKING);
    assert!(!answer.contains("bob"), "{answer}");
    assert_eq!(check(&mut verifier, at(1), PEER, &answer), bob());
}

#[test]
fn unknown_users_and_wrong_passwords_see_the_same_bytes() {
    let mut verifier = verifier(VerifierConfig::default());
    let shape = |challenges: Vec<String>| {
        let nonce = |text: &str| text.split("nonce=\"").nth(1).unwrap()[..64].to_owned();
        challenges.iter().map(|text| text.replace(&nonce(text), "NONCE")).collect::<Vec<_>>()
    };
    let mut seen = Vec::new();
    for (user, password) in [("bob", "wrong"), ("nobody", "wrong"), ("nobody", "builder")] {
        let answer = answerer(&mut verifier, user, password).answer(&ASKING);
        let Verdict::Refused(refusal) = check(&mut verifier, at(400), PEER, &answer) else { panic!() };
        seen.push(shape(verifier.challenges(at(400), PEER, refusal == Refusal::Stale)));
    }
    assert!(seen.iter().all(|shape| *shape == seen[0]), "{seen:#?}");
    assert_eq!(seen[0].len(), 2, "no MD5 unless configured");
    assert!(seen[0][0].contains("SHA-512-256") && seen[0][1].contains("SHA-256"));
}

#[test]
fn memory_is_bounded_and_what_was_forgotten_is_stale() {
    let mut verifier = verifier(VerifierConfig { algorithms: vec![Algorithm::Md5], ..Default::default() });
    let first = answerer(&mut verifier, "bob", "builder").answer(&ASKING);
    assert_eq!(check(&mut verifier, at(1), PEER, &first), bob());
    for _ in 0..MAX_USED {
        let answer = answerer(&mut verifier, "bob", "builder").answer(&ASKING);
        assert_eq!(check(&mut verifier, at(1), PEER, &answer), bob());
    }
    assert_eq!(check(&mut verifier, at(1), PEER, &first), Verdict::Refused(Refusal::Stale));
    assert!(format!("{verifier:?}").contains(&format!("Nonces({} used)", MAX_USED - MAX_USED / 8 + 1)));
}

#[test]
fn each_of_two_realms_hears_the_proof_of_its_own_password_and_passes_over_the_other() {
    let mut worlds = ["one.example", "two.example"].map(|realm| {
        let mut users = Users::new(realm);
        users.add_password("bob", realm, &Algorithm::ALL);
        Verifier::new(users, VerifierConfig::default(), &mut Entropy::from_number(3))
    });
    let all: Vec<String> = worlds.iter_mut().flat_map(|one| one.challenges(at(0), PEER, false)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let answers = ["one.example", "two.example"].map(|realm| {
        let login = Login { realm: Some(realm.to_owned()), ..login("bob", realm) };
        let mut answerer = Answerer::choose(&all, &login, &mut Entropy::from_number(4)).unwrap();
        assert_eq!(answerer.realm(), realm);
        answerer.answer(&ASKING)
    });
    // Both stand in the request, in whatever order; each server takes its own.
    let [one, two] = [&answers[0], &answers[1]].map(String::as_str);
    for (verifier, order) in worlds.iter_mut().zip([[two, one], [one, two]]) {
        let Asking { method, uri, body } = ASKING;
        let question = Question { answers: &order, method, uri, stands_for: &|_| false, body, peer: PEER };
        assert_eq!(verifier.check(at(1), &question), bob(), "{}", verifier.realm());
    }
}
