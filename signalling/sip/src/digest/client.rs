//! The client's side: answers a challenge (RFC 7616 §3.4, RFC 3261 §22.1, RFC 8760 §2.4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use rove_base::Entropy;
use zeroize::Zeroizing;

use super::{Challenge, Credentials, HashedSecret, Qop, algorithm::Hex};

/// Who we are, to one realm or to any.
#[derive(Clone)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// The realm it is for. `None` shows it to any that asks.
    pub realm: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// The request that is to be authorised.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its Request-URI.
    pub uri: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

/// A challenge that was chosen and can be answered again and again, each time with the next count.
#[derive(Clone, Debug)]
pub struct Answerer {
    challenge: Challenge,
    secret: HashedSecret,
    username: String,
    cnonce: String,
    count: u32,
}

impl Answerer {
    /// Chooses the strongest of `challenges` (values of WWW-Authenticate or Proxy-Authenticate) that `login` may answer:
    /// MD5 only when nothing else is offered for that realm. `None` when there is none.
    #[must_use]
    pub fn choose(challenges: &[&str], login: &Login, entropy: &mut Entropy) -> Option<Self> {
        let fits = |challenge: &Challenge| login.realm.as_ref().is_none_or(|realm| *realm == challenge.realm);
        let offers = challenges.iter().take(MAX_CHALLENGES).filter_map(|text| Challenge::parse(text));
        // Of equals the topmost, which the server prefers.
        let challenge = offers
            .filter(fits)
            .reduce(|best, next| if next.algorithm > best.algorithm { next } else { best })?;
        let secret = HashedSecret::new(challenge.algorithm, &login.user, &challenge.realm, &login.password);
        let mut random = [0; 12];
        entropy.fill(&mut random);
        let username = if challenge.userhash {
            let hidden = challenge.algorithm.hash(&[login.user.as_bytes(), challenge.realm.as_bytes()]);
            hidden.as_str().to_owned()
        } else {
            login.user.clone()
        };
        Some(Self { challenge, secret, username, cnonce: Hex::of(&random).as_str().to_owned(), count: 0 })
    }

    /// The realm that was chosen.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.challenge.realm
    }

    /// The nonce it is answered with.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.challenge.nonce
    }

    /// Whether the server says that only the nonce was too old, so that the same password may be tried again.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.challenge.stale
    }

    /// The value of Authorization or Proxy-Authorization for this request.
    pub fn answer(&mut self, asking: &Asking<'_>) -> String {
        self.count = self.count.saturating_add(1);
        let challenge = &self.challenge;
        let qops = challenge.qop;
        let qop = (qops.auth || qops.auth_int).then(|| Qop {
            integrity: !qops.auth,
            cnonce: self.cnonce.clone(),
            count: self.count,
        });
        let mut credentials = Credentials {
            username: self.username.clone(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: asking.uri.to_owned(),
            response: String::new(),
            algorithm: challenge.algorithm,
            session: challenge.session,
            qop,
            opaque: challenge.opaque.clone(),
            userhash: challenge.userhash,
        };
        let proof = self.secret.proof(&credentials, asking.method, asking.body);
        proof.as_str().clone_into(&mut credentials.response);
        credentials.to_string()
    }
}

/// Challenges of one response that are looked at.
const MAX_CHALLENGES: usize = 16;
