//! `Digest name=value, name="value"`: how challenges and credentials are written (RFC 3261 §25.1).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::borrow::Cow;

use crate::message::{read_scheme, unquote};

/// Calls `each` with every parameter of a value whose scheme is Digest; values without quotes and escapes. `None` for
/// another scheme, for what is not well formed or names a parameter twice, and where `each` says so.
pub(super) fn read<'a>(text: &'a str, mut each: impl FnMut(&str, Cow<'a, str>) -> Option<()>) -> Option<()> {
    let mut fine = true;
    read_scheme(text, "Digest", |name, value| fine = fine && each(name, unquote(value)).is_some())?;
    fine.then_some(())
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
