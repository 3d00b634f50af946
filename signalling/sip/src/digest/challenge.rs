//! What a server asks (RFC 7616 §3.3, RFC 3261 §20.44).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use super::{
    Algorithm,
    params::{push_quoted, push_token, read},
};

/// One challenge: the value of a WWW-Authenticate or Proxy-Authenticate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Challenge {
    /// What the password is for.
    pub realm: String,
    /// The server's nonce.
    pub nonce: String,
    /// Handed back as it came.
    pub opaque: Option<String>,
    /// The algorithm; MD5 when none was named.
    pub algorithm: Algorithm,
    /// The variant that hashes nonces into the secret.
    pub session: bool,
    /// Which protections are offered.
    pub qop: Qops,
    /// Whether the answer before was right but for the age of its nonce.
    pub stale: bool,
    /// Whether the user's name may be hashed.
    pub userhash: bool,
}

/// Which qualities of protection a challenge offers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Qops {
    /// `auth`.
    pub auth: bool,
    /// `auth-int`: the body counts too.
    pub auth_int: bool,
}

impl Challenge {
    /// Reads one. `None` when its scheme or algorithm is unknown, or it lacks realm or nonce.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut challenge = Self {
            realm: String::new(),
            nonce: String::new(),
            opaque: None,
            algorithm: Algorithm::Md5,
            session: false,
            qop: Qops::default(),
            stale: false,
            userhash: false,
        };
        let (mut has_realm, mut has_nonce) = (false, false);
        read(text, |name, value| {
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
            if is("realm") {
                (challenge.realm, has_realm) = (value.into_owned(), true);
            } else if is("nonce") {
                (challenge.nonce, has_nonce) = (value.into_owned(), true);
            } else if is("opaque") {
                challenge.opaque = Some(value.into_owned());
            } else if is("algorithm") {
                (challenge.algorithm, challenge.session) = Algorithm::parse(&value)?;
            } else if is("qop") {
                let has = |wanted: &str| value.split(',').any(|q| q.trim().eq_ignore_ascii_case(wanted));
                challenge.qop = Qops { auth: has("auth"), auth_int: has("auth-int") };
                // One that offers only what is not known cannot be answered.
                (challenge.qop.auth || challenge.qop.auth_int).then_some(())?;
            } else if is("stale") {
                challenge.stale = value.eq_ignore_ascii_case("true");
            } else if is("userhash") {
                challenge.userhash = value.eq_ignore_ascii_case("true");
            }
            Some(())
        })?;
        (has_realm && has_nonce).then_some(challenge)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::with_capacity(160);
        push_quoted(&mut out, "realm", &self.realm);
        push_quoted(&mut out, "nonce", &self.nonce);
        if let Some(opaque) = &self.opaque {
            push_quoted(&mut out, "opaque", opaque);
        }
        let session = if self.session { "-sess" } else { "" };
        push_token(&mut out, "algorithm", &format!("{}{session}", self.algorithm));
        match (self.qop.auth, self.qop.auth_int) {
            (true, true) => push_quoted(&mut out, "qop", "auth,auth-int"),
            (true, false) => push_quoted(&mut out, "qop", "auth"),
            (false, true) => push_quoted(&mut out, "qop", "auth-int"),
            (false, false) => {}
        }
        if self.stale {
            push_token(&mut out, "stale", "true");
        }
        if self.userhash {
            push_token(&mut out, "userhash", "true");
        }
        f.write_str(&out)
    }
}
