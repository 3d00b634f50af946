//! Names that DHCP clients give themselves: the host name option and the full name option (RFC 4702).

/// Option 81.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct FullName {
    flags: u8,
    /// Without a dot at the end; empty when the client leaves it to the server.
    pub(super) name: String,
}

impl FullName {
    /// `None` when it is no name at all.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[flags, _, _, ref name @ ..] = bytes else { return None };
        let name = if flags & ENCODED == 0 {
            text(name).or(name.is_empty().then(String::new))?
        } else {
            labels(name)?
        };
        Some(Self { flags, name })
    }

    /// What the server says to it: the server takes care of the forward name, and of the reverse one (RFC 4702 §4).
    pub(super) fn answer(&self) -> Vec<u8> {
        let overridden = if self.flags & SERVER_UPDATES == 0 { OVERRIDE } else { 0 };
        let mut out = vec![SERVER_UPDATES | overridden | (self.flags & ENCODED), 255, 255];
        if self.flags & ENCODED == 0 {
            out.extend_from_slice(self.name.as_bytes());
            return out;
        }
        for label in self.name.split('.').filter(|label| !label.is_empty()) {
            out.push(u8::try_from(label.len()).unwrap_or(0));
            out.extend_from_slice(label.as_bytes());
        }
        if self.name.contains('.') {
            out.push(0);
        }
        out
    }
}

/// A name as text: lower case, without a dot or zero bytes at the end. `None` for what no host name has in it.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let name = core::str::from_utf8(bytes).ok()?.trim_end_matches('\0');
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!name.is_empty() && name.len() <= LONGEST && name.bytes().all(plain)).then_some(name)
}

/// Labels with their lengths before them; a name without its last, empty label is a partial one (RFC 4702 §2.3.1).
pub(in crate::pool) fn labels(mut bytes: &[u8]) -> Option<String> {
    let mut name = String::new();
    while let Some((&len, rest)) = bytes.split_first().filter(|(len, _)| **len != 0) {
        let (label, rest) = rest.split_at_checked(usize::from(len)).filter(|_| len < 64)?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(core::str::from_utf8(label).ok().filter(|label| !label.contains('.'))?);
        bytes = rest;
    }
    if name.is_empty() { Some(name) } else { text(name.as_bytes()) }
}

/// RFC 1035 §2.3.4.
const LONGEST: usize = 253;
/// S: the server updates the forward name.
const SERVER_UPDATES: u8 = 1;
/// O: the server does as it likes.
const OVERRIDE: u8 = 2;
/// E: labels on the wire, not text.
const ENCODED: u8 = 4;
