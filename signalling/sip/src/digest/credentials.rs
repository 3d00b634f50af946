//! What a client answers (RFC 7616 §3.4, RFC 3261 §20.7).
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

/// The value of an Authorization or Proxy-Authorization. Holds no secret: what it holds went over the wire.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credentials {
    /// Who; a hash of the name where `userhash` says so.
    pub username: String,
    /// What for.
    pub realm: String,
    /// The server's nonce.
    pub nonce: String,
    /// The Request-URI, as the client wrote it.
    pub uri: String,
    /// The proof, in hexadecimal.
    pub response: String,
    /// By which algorithm; MD5 when none was named.
    pub algorithm: Algorithm,
    /// The variant that hashes nonces into the secret.
    pub session: bool,
    /// The protection, with the client's nonce and its count. `None` as in RFC 2069.
    pub qop: Option<Qop>,
    /// As the challenge had it.
    pub opaque: Option<String>,
    /// Whether the user's name is hashed.
    pub userhash: bool,
}

/// How an answer is protected against being used again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Qop {
    /// `auth-int` rather than `auth`.
    pub integrity: bool,
    /// The client's nonce.
    pub cnonce: String,
    /// How often the client has used the server's nonce, this time included.
    pub count: u32,
}

impl Qop {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        if self.integrity { "auth-int" } else { "auth" }
    }
}

impl Credentials {
    /// Reads them. `None` when the scheme, the algorithm or the protection is unknown, or a part is missing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts: [Option<String>; 5] = [const { None }; 5];
        let (mut opaque, mut algorithm, mut userhash) = (None, (Algorithm::Md5, false), false);
        let (mut qop, mut cnonce, mut count) = (None, None, None);
        read(text, |name, value| {
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
            if let Some(slot) = PARTS.iter().position(|part| is(part)).and_then(|at| parts.get_mut(at)) {
                *slot = Some(value.into_owned());
            } else if is("opaque") {
                opaque = Some(value.into_owned());
            } else if is("algorithm") {
                algorithm = Algorithm::parse(&value)?;
            } else if is("userhash") {
                userhash = value.eq_ignore_ascii_case("true");
            } else if is("cnonce") {
                cnonce = Some(value.into_owned());
            } else if is("nc") {
                count = Some(u32::from_str_radix(&value, 16).ok().filter(|_| value.len() == 8)?);
            } else if is("qop") {
                let integrity = value.eq_ignore_ascii_case("auth-int");
                (integrity || value.eq_ignore_ascii_case("auth")).then_some(())?;
                qop = Some(integrity);
            }
            Some(())
        })?;
        let [Some(username), Some(realm), Some(nonce), Some(uri), Some(response)] = parts else {
            return None;
        };
        let qop = match qop {
            Some(integrity) => Some(Qop { integrity, cnonce: cnonce?, count: count? }),
            None => None,
        };
        let (algorithm, session) = algorithm;
        Some(Self { username, realm, nonce, uri, response, algorithm, session, qop, opaque, userhash })
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::with_capacity(320);
        push_quoted(&mut out, "username", &self.username);
        push_quoted(&mut out, "realm", &self.realm);
        push_quoted(&mut out, "nonce", &self.nonce);
        push_quoted(&mut out, "uri", &self.uri);
        push_quoted(&mut out, "response", &self.response);
        let session = if self.session { "-sess" } else { "" };
        push_token(&mut out, "algorithm", &format!("{}{session}", self.algorithm));
        if let Some(qop) = &self.qop {
            push_quoted(&mut out, "cnonce", &qop.cnonce);
            push_token(&mut out, "qop", qop.as_str());
            push_token(&mut out, "nc", &format!("{:08x}", qop.count));
        }
        if let Some(opaque) = &self.opaque {
            push_quoted(&mut out, "opaque", opaque);
        }
        if self.userhash {
            push_token(&mut out, "userhash", "true");
        }
        f.write_str(&out)
    }
}

/// The parts without which there is nothing to check.
const PARTS: [&str; 5] = ["username", "realm", "nonce", "uri", "response"];
