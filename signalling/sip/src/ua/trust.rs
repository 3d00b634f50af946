//! Who is believed about identities, and what is told of ours (RFC 3323, RFC 3325).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::UaConfig;
use crate::{
    message::{HeaderName, Headers, NameAddr, Uri},
    transport::Hop,
};

/// Whether the next hop belongs to the trust domain.
pub(super) fn is_trusted(config: &UaConfig, hop: &Hop) -> bool {
    config.trusted.contains(&hop.remote.ip().to_canonical())
}

/// Who calls, on the word of the trust domain; outside of it such a word counts nothing (RFC 3325 §5).
pub(super) fn asserted(config: &UaConfig, headers: &Headers, hop: &Hop) -> Option<NameAddr> {
    let value = headers.get(&HeaderName::PAssertedIdentity).filter(|_| is_trusted(config, hop))?;
    // Of a SIP and a tel URI the first will do.
    let end = value.find('>').or_else(|| value.find(',')?.checked_sub(1));
    end.and_then(|end| value.get(..=end)).unwrap_or(value).parse().ok()
}

/// Whether the caller does not want its identity shown (RFC 3323 §4.2, RFC 3325 §9.3).
pub(super) fn is_private(headers: &Headers) -> bool {
    let wishes = headers.all(&HeaderName::Privacy).flat_map(|value| value.split([';', ',']));
    wishes
        .map(str::trim)
        .any(|wish| ["id", "user", "header"].iter().any(|known| wish.eq_ignore_ascii_case(known)))
}

/// Hides who calls (RFC 3323 §4.1). Only the trust domain hears who it is. Networks on the way are asked to hide what a user
/// agent cannot, the way that responses take (`header`); not to come between the two ends (`session`).
pub(super) fn hide(config: &UaConfig, hop: &Hop, from: NameAddr, headers: &mut Headers) -> NameAddr {
    headers.push(HeaderName::Privacy, "id;header");
    if is_trusted(config, hop) {
        let mut asserted = from.clone();
        asserted.params = crate::message::Params::default();
        headers.push(HeaderName::PAssertedIdentity, asserted.to_string());
    }
    match ANONYMOUS.parse::<Uri>() {
        Ok(uri) => NameAddr::new(uri).with_display("Anonymous"),
        Err(_) => from,
    }
}

/// RFC 3323 §4.1.1.3.
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";
