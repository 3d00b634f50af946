//! Percent escapes of URIs (RFC 3261 §19.1.2), decoded once and never again.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt::Write as _;

/// The bytes that `text` stands for. May hold any byte, zero included, and need not be UTF-8.
#[must_use]
pub fn unescape(text: &str) -> Vec<u8> {
    units(text).map(|unit| unit.byte).collect()
}

/// Escapes all bytes of `text` but those that `keep` takes.
pub(crate) fn escape(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii() && keep(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The value of a header as it stands in a URI (RFC 3261 §19.1.1).
pub(crate) fn escape_header(value: &str) -> String {
    escape(value, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
}

/// Whether two escaped texts mean the same: an escaped character equals itself unescaped, unless it is reserved
/// (RFC 3261 §19.1.4).
pub(crate) fn equivalent(a: &str, b: &str, ignore_case: bool) -> bool {
    if ignore_case && !a.contains('%') && !b.contains('%') {
        return a.eq_ignore_ascii_case(b);
    }
    let fold = |unit: Unit| match ignore_case {
        true => Unit { byte: unit.byte.to_ascii_lowercase(), ..unit },
        false => unit,
    };
    units(a).map(fold).eq(units(b).map(fold))
}

/// Whether every percent sign of `text` starts an escape, and `keep` takes all its other bytes.
pub(crate) fn is_escaped(text: &str, keep: impl Fn(u8) -> bool) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| !keep(*byte)) {
        match rest.get(at..) {
            Some([b'%', a, b, after @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest = after,
            _ => return false,
        }
    }
    true
}

/// The unreserved characters (RFC 3261 §25.1).
pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

const fn is_reserved(byte: u8) -> bool {
    matches!(byte, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',')
}

/// One character of an escaped text; `escaped` only where that makes a difference.
#[derive(Eq, PartialEq)]
struct Unit {
    byte: u8,
    escaped: bool,
}

fn units(text: &str) -> impl Iterator<Item = Unit> + '_ {
    let mut rest = text.as_bytes();
    core::iter::from_fn(move || {
        let (&byte, after) = rest.split_first()?;
        if byte == b'%'
            && let Some((digits, after)) = after.split_first_chunk::<2>()
            && let Some(byte) = hexadecimal(*digits)
        {
            rest = after;
            return Some(Unit { byte, escaped: is_reserved(byte) });
        }
        rest = after;
        Some(Unit { byte, escaped: false })
    })
}

fn hexadecimal(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from((high? << 4) | low?).ok()
}
