//! The token that an attached terminal shows to get its address.

use core::fmt;

/// Sixteen bytes that only the network and the terminal know.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Token(pub [u8; 16]);

impl Token {
    /// Reads a DHCPv4 client identifier (option 61): the token itself or its 32 hexadecimal digits, as they are or after
    /// one byte of type (RFC 2132 §9.14), or an RFC 4361 identifier whose DUID carries it.
    #[must_use]
    pub fn from_client_id(id: &[u8]) -> Option<Self> {
        Self::plain(id).or_else(|| match id.split_first() {
            Some((&(0 | 0xff), rest)) if Self::plain(rest).is_some() => Self::plain(rest),
            Some((0xff, rest)) => Self::from_duid(rest.get(4..)?),
            _ => None,
        })
    }

    /// Reads a DUID of the kind UUID (RFC 6355), or of the kind "by enterprise" (RFC 8415 §11.3) whatever the number.
    #[must_use]
    pub fn from_duid(duid: &[u8]) -> Option<Self> {
        match duid {
            [0, 4, rest @ ..] | [0, 2, _, _, _, _, rest @ ..] => Self::plain(rest),
            _ => None,
        }
    }

    fn plain(bytes: &[u8]) -> Option<Self> {
        if let Ok(token) = bytes.try_into() {
            return Some(Self(token));
        }
        let digits: &[u8; 32] = bytes.try_into().ok()?;
        let mut token = [0; 16];
        let (pairs, _) = digits.as_chunks::<2>();
        for (byte, pair) in token.iter_mut().zip(pairs) {
            let pair = core::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(token))
    }
}

/// A token is a key: it is not for logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
