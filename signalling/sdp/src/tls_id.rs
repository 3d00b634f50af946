//! Which DTLS association a description is about: the attribute `tls-id` (RFC 8842 §5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt;

use rove_base::Entropy;

/// What one side calls an association: the same as long as it goes on, another for another one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsId(String);

impl TlsId {
    /// A new one: 120 random bits, the least there may be (RFC 8842 §4).
    #[must_use]
    pub fn draw(entropy: &mut Entropy) -> Self {
        let mut bytes = [0; LEAST];
        entropy.fill(&mut bytes);
        let char = |byte: u8| ALPHABET.get(usize::from(byte & 63)).copied().map_or('A', char::from);
        Self(bytes.into_iter().map(char).collect())
    }

    /// Reads the value of the attribute. `None` when it does not follow the grammar.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
        ((LEAST..=MOST).contains(&text.len()) && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for TlsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters of a name.
const LEAST: usize = 20;
const MOST: usize = 255;
/// Six bits each.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_drawn_as_the_grammar_has_it_and_never_twice() {
        let mut entropy = Entropy::from_number(1);
        let all: Vec<TlsId> = (0..100).map(|_| TlsId::draw(&mut entropy)).collect();
        for (place, id) in all.iter().enumerate() {
            assert_eq!(TlsId::read(&id.to_string()).as_ref(), Some(id));
            assert!(!all.iter().take(place).any(|other| other == id));
        }
        for text in ["", "short", &"a".repeat(256), "abcdefghijklmnopqrs tu", "abcdefghijklmnopqrsü"] {
            assert_eq!(TlsId::read(text), None, "{text}");
        }
    }
}
