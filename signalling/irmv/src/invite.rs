//! What a new user has to know of a server, in one line that can be sent to him.

use core::{fmt, str::FromStr};
use std::net::SocketAddr;

use crate::Name;

/// A server that somebody is invited to: `rove:invite?domain=…&server=…&sha256=…`.
///
/// The fingerprint stands for the certificate, so that it need be of no authority: whoever trusts the line trusts the
/// server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invite {
    /// Its domain, in lower case.
    pub domain: String,
    /// Where it is.
    pub server: SocketAddr,
    /// SHA-256 of its certificate in DER.
    pub fingerprint: [u8; 32],
}

/// A line that invites nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadInvite {
    /// It begins with something else.
    #[error("an invitation begins with {BEGIN}")]
    Scheme,
    /// A part is missing, or is not what it should be.
    #[error("its {0} is missing or wrong")]
    Part(&'static str),
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BEGIN}domain={}&server={}&sha256=", self.domain, self.server)?;
        self.fingerprint.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Invite {
    type Err = BadInvite;

    fn from_str(text: &str) -> Result<Self, BadInvite> {
        let parts = text.trim().strip_prefix(BEGIN).ok_or(BadInvite::Scheme)?;
        let part = |key: &'static str| {
            let mut found = parts.split('&').filter_map(|part| part.strip_prefix(key)?.strip_prefix('='));
            found.next().ok_or(BadInvite::Part(key))
        };
        let domain = part("domain")?.to_ascii_lowercase();
        // A domain is good when it can be part of a name.
        format!("a@{domain}").parse::<Name>().map_err(|_| BadInvite::Part("domain"))?;
        let server = part("server")?.parse().map_err(|_| BadInvite::Part("server"))?;
        let fingerprint = bytes(part("sha256")?).ok_or(BadInvite::Part("sha256"))?;
        Ok(Self { domain, server, fingerprint })
    }
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut all = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, pair) in all.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(all)
}

/// How it begins.
const BEGIN: &str = "rove:invite?";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_read_as_it_was_written() {
        for server in ["192.0.2.1:5064", "[2001:db8::1]:5064"] {
            let (server, domain) = (server.parse().unwrap(), "a.example".to_owned());
            let invite = Invite { domain, server, fingerprint: core::array::from_fn(|at| at as u8 * 7) };
            assert_eq!(invite.to_string().parse(), Ok(invite));
        }
    }

    #[test]
    fn a_line_that_is_cut_or_of_something_else_is_refused_by_its_part() {
        let hex = "ab".repeat(32);
        let cases = [
            ("https://a.example/".to_owned(), BadInvite::Scheme),
            ("rove:invite?domain=a.example".to_owned(), BadInvite::Part("server")),
            (format!("rove:invite?domain=a b&server=192.0.2.1:1&sha256={hex}"), BadInvite::Part("domain")),
            (format!("rove:invite?domain=a.example&server=there&sha256={hex}"), BadInvite::Part("server")),
            (
                format!("rove:invite?domain=a.example&server=192.0.2.1:1&sha256={}", &hex[1..]),
                BadInvite::Part("sha256"),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Invite>(), Err(expected), "{text}");
        }
    }
}
