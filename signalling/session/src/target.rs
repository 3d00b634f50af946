//! What a person dials.

use core::fmt;
use std::net::IpAddr;

use rove_base::Transport;
use rove_sip::message::{Host, SipUri, Uri};

/// Somebody to call: a host name, an IP address, `user@host`, a `sip:` or `sips:` URI, or a telephone number with `+` and
/// country code, also as a `tel:` URI.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    uri: SipUri,
    transport: Option<Transport>,
    /// `+` and digits, while nobody knows yet where that is called.
    number: Option<String>,
    text: String,
}

impl Target {
    /// Understands what was dialled.
    ///
    /// # Errors
    ///
    /// [`TargetError`] says what cannot be dialled and how it should look.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        if let Some(scheme) = scheme_of(text) {
            return match scheme.to_ascii_lowercase().as_str() {
                "sip" | "sips" => Self::from_uri(text, text),
                "tel" => Self::from_number(text, text.get(4..).unwrap_or_default()),
                other => Err(TargetError::Scheme { scheme: other.to_owned() }),
            };
        }
        if is_number(text) {
            return Self::from_number(text, text);
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            let uri = if ip.is_ipv6() { format!("sip:[{ip}]") } else { format!("sip:{ip}") };
            return Self::from_uri(text, &uri);
        }
        Self::from_uri(text, &format!("sip:{text}"))
    }

    /// A number: its URI is one of the name that it is looked up by, until it is known better.
    fn from_number(text: &str, number: &str) -> Result<Self, TargetError> {
        let number = number.split(';').next().unwrap_or_default();
        let digits: String = number.chars().filter(|char| !"-.() ".contains(*char)).collect();
        let plain = digits.strip_prefix('+').unwrap_or_default();
        if !(3..=15).contains(&plain.len()) || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TargetError::Number { number: number.to_owned() });
        }
        let labels: Vec<String> = plain.chars().rev().map(String::from).collect();
        let uri = format!("sip:{digits}@{}.e164.arpa;user=phone", labels.join("."));
        Ok(Self { number: Some(digits), ..Self::from_uri(text, &uri)? })
    }

    /// The number that was dialled, `+` and digits, while nobody knows yet where it is called.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }

    /// The same number at this URI.
    ///
    /// # Errors
    ///
    /// [`TargetError`] when that cannot be called.
    pub(crate) fn found_at(&self, uri: &str) -> Result<Self, TargetError> {
        Self::from_uri(&self.text, uri)
    }

    /// A number as the users of `domain` dial it; anything else as it is.
    pub(crate) fn in_domain(&self, domain: &Host) -> Self {
        let Some(number) = &self.number else { return self.clone() };
        let mut uri = SipUri::new(domain.clone()).with_user(number);
        uri.params.set("user", Some("phone"));
        Self { uri, number: None, ..self.clone() }
    }

    fn from_uri(text: &str, uri: &str) -> Result<Self, TargetError> {
        let bad = |why: String| TargetError::Malformed { text: text.to_owned(), why };
        let uri = match uri.parse::<Uri>() {
            Ok(Uri::Sip(uri)) => uri,
            Ok(_) => return Err(bad("only sip: URIs can be called".into())),
            Err(error) => return Err(bad(error.to_string())),
        };
        let named = uri.params.get("transport");
        let transport = match (named, uri.transport()) {
            (None, _) => None,
            (Some(_), Some(transport)) => Some(transport),
            (Some(other), None) => return Err(bad(format!("there is no transport {other} for it"))),
        };
        Ok(Self { uri, transport, number: None, text: text.to_owned() })
    }

    /// The URI an INVITE to it carries.
    #[must_use]
    pub const fn uri(&self) -> &SipUri {
        &self.uri
    }

    /// The name or address to look up.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.uri.host {
            Host::Domain(name) => name.as_str().to_owned(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        }
    }

    /// The name whose certificate is expected; `None` when an address was dialled.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        matches!(self.uri.host, Host::Domain(_)).then(|| self.host())
    }

    /// The transport that the URI asks for (RFC 3261 §19.1.1); `None` leaves it to the look-up.
    #[must_use]
    pub const fn transport(&self) -> Option<Transport> {
        self.transport
    }

    /// Whether every hop has to be secure: a `sips:` URI (RFC 5630 §3.1.1).
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.uri.secure
    }

    /// The same over `transport`, unless the URI names one or asks for security.
    #[must_use]
    pub fn or_over(self, transport: Option<Transport>) -> Self {
        match (self.transport, transport) {
            (None, Some(transport)) if !self.uri.secure => {
                Self { uri: self.uri.over(transport), transport: Some(transport), ..self }
            }
            _ => self,
        }
    }

    /// The port, when one was dialled.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.uri.port
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why something cannot be dialled.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Nothing was dialled.
    #[error("nothing to dial: give a host name, an IP address or a sip: URI")]
    Empty,
    /// A scheme that cannot be called.
    #[error("{scheme}: cannot be called; use a host name, an IP address or a sip: URI")]
    Scheme {
        /// The scheme, in lower case.
        scheme: String,
    },
    /// A telephone number.
    #[error(
        "{number} is no telephone number with + and country code; write it as +46 70 123 45 67, or use the host name of the phone"
    )]
    Number {
        /// What was dialled.
        number: String,
    },
    /// Not a name, address or URI.
    #[error("{text} cannot be dialled: {why}; use a host name, an IP address or a sip: URI")]
    Malformed {
        /// What was dialled.
        text: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The scheme of a URI; `None` for `host`, `host:port`, `user@host` and IPv6 addresses.
fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-'));
    let is_port = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    let is_address = text.parse::<IpAddr>().is_ok();
    (is_scheme && !is_port && !is_address || scheme.eq_ignore_ascii_case("tel")).then_some(scheme)
}

/// `+` and digits, with the separators people write (RFC 3966 §3 visual separators).
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.bytes().filter(u8::is_ascii_digit).count() >= 3
        && digits.bytes().all(|b| b.is_ascii_digit() || b"-() ".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_a_host_can_be_dialled() {
        let cases: &[(&str, &str, &str, Option<u16>)] = &[
            ("a host name", "bob.home.example", "bob.home.example", None),
            ("a host name with port", "bob.home.example:5070", "bob.home.example", Some(5070)),
            ("user at host", "bob@home.example", "home.example", None),
            ("a URI", "sip:bob@home.example:5080;transport=udp", "home.example", Some(5080)),
            ("a URI in capitals", "SIP:bob@home.example", "home.example", None),
            ("IPv4", "192.0.2.7", "192.0.2.7", None),
            ("IPv4 with port", "192.0.2.7:5070", "192.0.2.7", Some(5070)),
            ("bare IPv6", "2001:db8::7", "2001:db8::7", None),
            ("IPv6 with port", "[2001:db8::7]:5070", "2001:db8::7", Some(5070)),
            ("a secure URI", "sips:bob@home.example:5071", "home.example", Some(5071)),
            ("blanks around it", "  bob.home.example ", "bob.home.example", None),
        ];
        for &(what, text, host, port) in cases {
            let target = Target::parse(text).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!((target.host().as_str(), target.port()), (host, port), "{what}");
        }
    }

    #[test]
    fn a_number_can_be_dialled_however_it_is_written() {
        for text in ["+46701234567", "+46 70 123-45 67", "tel:+46-70-1234567", "TEL:+46701234567;foo=bar"] {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.number(), Some("+46701234567"), "{text}");
            let found = target.found_at("sip:t1@home.example").unwrap();
            assert_eq!((found.number(), found.host().as_str()), (None, "home.example"));
            assert_eq!(found.to_string(), text);
            let ours = target.in_domain(&"home.example".parse().unwrap());
            assert_eq!(ours.uri().to_string(), "sip:+46701234567@home.example;user=phone");
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_named() {
        let cases: &[(&str, &str, &str)] = &[
            ("nothing", "  ", "nothing to dial"),
            ("another scheme", "mailto:bob@home.example", "mailto: cannot be called"),
            ("a local number in a tel URI", "tel:030123456;phone-context=+49", "with + and country code"),
            ("a local number", "030 123456", "with + and country code"),
            ("a number too long", "+1234567890123456", "with + and country code"),
            ("an empty label", "bob..example", "cannot be dialled"),
            ("a long label", &format!("{}.example", "b".repeat(64)), "cannot be dialled"),
            ("a secure URI over datagrams", "sips:bob@home.example;transport=udp", "udp"),
            ("a transport of its own", "sip:bob@home.example;transport=pigeon", "pigeon"),
            ("a blank inside", "bob home", "cannot be dialled"),
        ];
        for &(what, text, says) in cases {
            let error = Target::parse(text).expect_err(what).to_string();
            assert!(error.contains(says), "{what}: {error}");
        }
    }
}
