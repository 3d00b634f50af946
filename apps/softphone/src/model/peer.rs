//! Who is at the other end.

/// Somebody, as a header or what was dialled says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Peer {
    /// The name it gives itself; empty where it gives none.
    pub name: String,
    /// Where it is called, without `sip:` and parameters.
    pub address: String,
}

impl Peer {
    /// Reads a From header (RFC 3261 §20.20) or a target; what cannot be read is all address.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        let Some((name, rest)) = text.rsplit_once('<') else {
            return Self { name: String::new(), address: bare(text.split(';').next().unwrap_or(text)) };
        };
        let address = rest.split('>').next().unwrap_or(rest);
        let name = name.trim().trim_matches('"').replace("\\\"", "\"");
        Self { name: one_line(&name), address: bare(address) }
    }

    /// What to call it by.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }

    /// Whether it is called at `address`.
    #[must_use]
    pub fn is_at(&self, address: &str) -> bool {
        !self.address.is_empty() && self.address.eq_ignore_ascii_case(&bare(address))
    }
}

/// An address without its scheme and parameters. `sips:` stays: it is another promise.
fn bare(address: &str) -> String {
    let address = address.trim();
    let without = ["sip:", "tel:"].iter().find_map(|scheme| {
        let head = address.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &address[scheme.len()..])
    });
    let address = without.unwrap_or(address);
    one_line(address.split([';', '?']).next().unwrap_or(address))
}

/// What others say of themselves may try to look like something else: no control characters, and no end in sight.
fn one_line(text: &str) -> String {
    text.chars().filter(|char| !char.is_control() && !is_formatting(*char)).take(LONGEST).collect()
}

/// Characters that turn the direction of the text around them.
const fn is_formatting(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters of a name or address that are kept.
const LONGEST: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_read_with_and_without_a_name() {
        let cases = [
            ("\"Bob B\" <sip:bob@b.example;user=ip>;tag=7", "Bob B", "bob@b.example"),
            ("<sip:bob@b.example>;tag=7", "", "bob@b.example"),
            ("sip:bob@b.example;tag=7", "", "bob@b.example"),
            ("Bob <SIPS:bob@b.example>", "Bob", "SIPS:bob@b.example"),
            ("tel:+46701234567", "", "+46701234567"),
            ("bob.home.example", "", "bob.home.example"),
            ("\"\u{202e}evil\n\" <sip:x@y>", "evil", "x@y"),
        ];
        for (text, name, address) in cases {
            let peer = Peer::read(text);
            assert_eq!((peer.name.as_str(), peer.address.as_str()), (name, address), "{text}");
        }
    }

    #[test]
    fn somebody_is_known_by_address_however_it_is_written() {
        let peer = Peer::read("<sip:Bob@b.example>;tag=1");
        assert!(peer.is_at("sip:bob@B.example;transport=tcp"));
        assert!(!peer.is_at("bob@c.example"));
        assert!(!Peer::default().is_at(""), "nobody is at no address");
    }
}
