//! The server's side: asks, and checks the answers (RFC 7616 §3.3, §3.4, RFC 3261 §22).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::IpAddr;

use rove_base::{Entropy, Instant};
use subtle::ConstantTimeEq as _;

use super::{
    Algorithm, Challenge, Credentials, HashedSecret, Qops, Users,
    algorithm::Hex,
    nonce::{Nonces, Worth},
};

/// How a server asks.
#[derive(Clone, Debug)]
pub struct VerifierConfig {
    /// Strongest first. MD5 is asked for only when it stands here.
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce may be used.
    pub nonce_lifetime: Duration,
    /// Whether `auth-int` is offered beside `auth`.
    pub integrity: bool,
}

impl Default for VerifierConfig {
    /// SHA-512-256 and SHA-256, five minutes, `auth` alone.
    fn default() -> Self {
        let algorithms = vec![Algorithm::Sha512_256, Algorithm::Sha256];
        Self { algorithms, nonce_lifetime: Duration::from_secs(300), integrity: false }
    }
}

/// What is to be decided.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The values of Authorization (or Proxy-Authorization) of the request.
    pub answers: &'a [&'a str],
    /// Its method.
    pub method: &'a str,
    /// Its Request-URI, as received.
    pub uri: &'a str,
    /// Which URI may stand in the answer instead: a proxy may have changed the one of the request on its way
    /// (RFC 3261 §22.4).
    pub stands_for: &'a dyn Fn(&str) -> bool,
    /// Its body.
    pub body: &'a [u8],
    /// Where it comes from.
    pub peer: IpAddr,
}

/// What became of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is this user.
    Is(String),
    /// It is not shown to be anybody.
    Refused(Refusal),
}

/// Why nobody was recognised. To the peer the first and the third look alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// There was no answer for this realm.
    Unanswered,
    /// The answer was right, but its nonce is too old or its count was used: the same again with a new nonce.
    Stale,
    /// Wrong user, wrong password, or another request's answer.
    Wrong,
}

/// Checks answers against the users of one realm.
#[derive(Debug)]
pub struct Verifier {
    users: Users,
    config: VerifierConfig,
    nonces: Nonces,
    nobody: Vec<HashedSecret>,
}

impl Verifier {
    /// A verifier for `users`; `entropy` makes its nonces unforgeable.
    #[must_use]
    pub fn new(users: Users, mut config: VerifierConfig, entropy: &mut Entropy) -> Self {
        config.algorithms.sort_unstable_by(|a, b| b.cmp(a));
        config.algorithms.dedup();
        let mut key = [0; 32];
        entropy.fill(&mut key);
        let nobody = config.algorithms.iter().map(|&algorithm| users.nobody(algorithm, &key)).collect();
        let nonces = Nonces::new(entropy, config.nonce_lifetime);
        Self { users, config, nonces, nobody }
    }

    /// Other users from now on. Nonces stay good.
    pub fn set_users(&mut self, users: Users) {
        self.users = users;
    }

    /// Whether there is a user of this name.
    #[must_use]
    pub fn has_user(&self, name: &[u8]) -> bool {
        core::str::from_utf8(name).is_ok_and(|name| self.users.has(name))
    }

    /// What the passwords are for.
    #[must_use]
    pub fn realm(&self) -> &str {
        self.users.realm()
    }

    /// The challenges to refuse with, strongest first, one header line each (RFC 8760 §2.4).
    pub fn challenges(&mut self, now: Instant, peer: IpAddr, stale: bool) -> Vec<String> {
        let Self { users, config, nonces, .. } = self;
        let nonce = nonces.make(now, users.realm(), peer);
        let ask = |&algorithm: &Algorithm| {
            let challenge = Challenge {
                realm: users.realm().to_owned(),
                nonce: nonce.clone(),
                opaque: None,
                algorithm,
                session: false,
                qop: Qops { auth: true, auth_int: config.integrity },
                stale,
                userhash: false,
            };
            challenge.to_string()
        };
        config.algorithms.iter().map(ask).collect()
    }

    /// Decides. Takes the same steps for unknown users and wrong passwords.
    pub fn check(&mut self, now: Instant, question: &Question<'_>) -> Verdict {
        let mine = |answer: &Credentials| answer.realm == self.users.realm();
        let answers = question.answers.iter().take(MAX_ANSWERS);
        match answers.filter_map(|text| Credentials::parse(text)).find(mine) {
            Some(answer) => self.judge(now, question, &answer),
            None => Verdict::Refused(Refusal::Unanswered),
        }
    }

    fn judge(&mut self, now: Instant, question: &Question<'_>, answer: &Credentials) -> Verdict {
        let refused = Verdict::Refused(Refusal::Wrong);
        let Some(at) = self.config.algorithms.iter().position(|known| *known == answer.algorithm) else {
            return refused;
        };
        // Without a count nothing tells an answer from its repetition (RFC 3261 §22.4 demands the count).
        let Some(qop) = &answer.qop else { return refused };
        let Some(nobody) = self.nobody.get(at) else { return refused };
        let found = self.users.find(answer.algorithm, &answer.username, answer.userhash);
        let (user, secret) = found.unwrap_or(("", nobody));
        let proof = secret.proof(answer, question.method, question.body);
        let worth = self.nonces.worth(now, &answer.nonce, &answer.realm, question.peer);
        let given = Hex::parse(&answer.response, answer.algorithm).unwrap_or_else(|| Hex::of(&[]));
        let same: bool = proof.as_bytes().ct_eq(given.as_bytes()).into();
        let fits = same_target(&answer.uri, question.uri) || (question.stands_for)(&answer.uri);
        let offered = !qop.integrity || self.config.integrity;
        if !(same && offered && found.is_some() && fits) {
            return refused;
        }
        let user = user.to_owned();
        match worth {
            Worth::Good(number) if self.nonces.use_up(number, qop.count) => Verdict::Is(user),
            _ => Verdict::Refused(Refusal::Stale),
        }
    }
}

/// Whether an answer is for this request (RFC 7616 §3.4.6). A proxy may have changed parameters on the way.
fn same_target(answered: &str, requested: &str) -> bool {
    let parts = [answered, requested].map(|uri| uri.split([';', '?']).next().unwrap_or_default());
    let [a, b] = parts.map(|uri| uri.rsplit_once('@').map_or(("", uri), |(user, host)| (user, host)));
    let host = |text: &str| text.trim_start_matches("sip:").trim_start_matches("sips:").to_ascii_lowercase();
    if a.0.is_empty() != b.0.is_empty() { false } else { a.0 == b.0 && host(a.1) == host(b.1) }
}

/// Answers of one request that are looked at.
const MAX_ANSWERS: usize = 8;
