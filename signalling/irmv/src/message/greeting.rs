//! How either side says who it is.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::{Message, PROTOCOL, kind};
use crate::{
    WireError,
    identifier::is_domain,
    wire::{Reader, put_text},
};

pub(super) fn greeting(kind: u8, reader: &mut Reader<'_>) -> Result<Message, WireError> {
    if reader.u8("protocol")? != PROTOCOL {
        return Err(WireError::Value("protocol"));
    }
    let domain = reader.text("domain")?;
    if kind == kind::HELLO && domain.is_empty() {
        reader.end()?;
        return Ok(Message::Hello { server: None });
    }
    if !is_domain(domain) || domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(WireError::Value("domain"));
    }
    let (domain, key) = (domain.to_owned(), reader.array("key")?);
    reader.end()?;
    Ok(match kind {
        kind::HELLO => Message::Hello { server: Some((domain, key)) },
        _ => Message::Welcome { domain, key },
    })
}

/// Who says it; a terminal says nothing of itself.
pub(super) fn put_greeting(out: &mut Vec<u8>, kind: u8, server: Option<(&str, &[u8; 32])>) {
    out.extend_from_slice(&[kind, PROTOCOL]);
    put_text(out, server.map_or("", |(domain, _)| domain));
    if let Some((_, key)) = server {
        out.extend_from_slice(key);
    }
}
