//! `Digest name=value, name="value"`: how challenges and credentials are written (RFC 3261 §25.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::borrow::Cow;

/// Calls `each` with every parameter of a value whose scheme is Digest; values without quotes and escapes. `None` for
/// another scheme, and for what is not well formed or names a parameter twice.
pub(super) fn read<'a>(text: &'a str, mut each: impl FnMut(&str, Cow<'a, str>) -> Option<()>) -> Option<()> {
    let (scheme, mut rest) = text.trim_start_matches(SPACE).split_once(SPACE)?;
    if !scheme.eq_ignore_ascii_case("Digest") {
        return None;
    }
    let mut seen: Vec<&str> = Vec::new();
    loop {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_matches(SPACE);
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) || seen.len() >= MAX_PARAMS {
            return None;
        }
        if seen.iter().any(|seen| seen.eq_ignore_ascii_case(name)) {
            return None;
        }
        seen.push(name);
        let (value, after) = value(after.trim_start_matches(SPACE))?;
        each(name, value)?;
        rest = match after.trim_start_matches(SPACE) {
            "" => return Some(()),
            more => more.strip_prefix(',')?,
        };
    }
}

/// A token, or a quoted string without its quotes and escapes; and what follows it.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let len = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(len)?;
        return (!value.is_empty() && !value.contains('"')).then_some((Cow::Borrowed(value), rest));
    };
    let mut escaped = false;
    let mut plain = true;
    for (at, char) in inner.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => (escaped, plain) = (true, false),
            '"' => {
                let (raw, rest) = inner.split_at_checked(at)?;
                let value = if plain { Cow::Borrowed(raw) } else { Cow::Owned(unescaped(raw)) };
                return Some((value, rest.strip_prefix('"')?));
            }
            _ => {}
        }
    }
    None
}

fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(char) = chars.next() {
        if char == '\\' { out.extend(chars.next()) } else { out.push(char) }
    }
    out
}

/// Appends `, name="value"`, or without the comma to an empty list.
pub(super) fn push_quoted(out: &mut String, name: &str, value: &str) {
    push_name(out, name);
    out.push('"');
    for char in value.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\r' | '\n' => out.push(' '),
            char => out.push(char),
        }
    }
    out.push('"');
}

/// Appends `, name=value`, or without the comma to an empty list.
pub(super) fn push_token(out: &mut String, name: &str, value: &str) {
    push_name(out, name);
    out.push_str(value);
}

fn push_name(out: &mut String, name: &str) {
    out.push_str(if out.is_empty() { "Digest " } else { ", " });
    out.push_str(name);
    out.push('=');
}

const SPACE: [char; 2] = [' ', '\t'];
/// Parameters of one challenge or answer; one with more is not looked at.
const MAX_PARAMS: usize = 32;
