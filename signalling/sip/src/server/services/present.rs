//! Who calls, as the called one is told: hidden, or vouched for (RFC 3323, RFC 3325).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::Served;
use crate::message::{HeaderName, Headers, Host, NameAddr, Request, Uri};

impl Served {
    /// Makes of a copy what its receiver may see: a network that believes this one and keeps what it is told in confidence,
    /// a user of this server, or anybody else.
    pub(in crate::server) fn present(&self, request: &mut Request, confidant: bool) {
        let headers = &mut request.headers;
        headers.remove(&HeaderName::PPreferredIdentity);
        if !self.trusted {
            headers.remove(&HeaderName::PAssertedIdentity);
        }
        let asked = self.hidden || wants_privacy(headers);
        if !confidant && (asked || !self.user) {
            headers.remove(&HeaderName::PAssertedIdentity);
        } else if let Some(identity) = &self.identity {
            let identity = NameAddr::new(identity.clone());
            headers.set(HeaderName::PAssertedIdentity, identity.to_string());
        }
        if self.hidden {
            hide(headers);
        }
    }
}

/// Takes the caller's name out of a request, but for the tag, which is no name, and for the host in Contact, where what the
/// other side says inside the call must come.
pub(in crate::server) fn hide(headers: &mut Headers) {
    for name in [
        HeaderName::CallInfo,
        HeaderName::Organization,
        HeaderName::ReplyTo,
        HeaderName::Subject,
        HeaderName::UserAgent,
    ] {
        headers.remove(&name);
    }
    hide_contact(headers);
    let Ok(from) = headers.from() else { return };
    let Ok(uri) = ANONYMOUS.parse::<Uri>() else { return };
    let nobody = NameAddr { display: Some("Anonymous".into()), uri, params: from.params };
    headers.set(HeaderName::From, nobody.to_string());
    headers.set(HeaderName::Privacy, "id");
    if let Ok(name) = "Remote-Party-ID".parse::<HeaderName>() {
        headers.remove(&name);
    }
}

/// Takes the user and the display name out of Contact, and what else it says of its owner, but for how it is reached.
pub(in crate::server) fn hide_contact(headers: &mut Headers) {
    let Ok(Some(mut contact)) = headers.contact() else { return };
    let Uri::Sip(uri) = &mut contact.uri else { return };
    // A GRUU is opaque already, and means nothing without its user.
    if uri.user().is_some() && uri.params.get("gr").is_none() {
        *uri = uri.clone().with_user("anonymous");
    }
    contact.display = None;
    contact.params.remove("+sip.instance");
    headers.set(HeaderName::Contact, contact.to_string());
}

/// Whether the caller itself asks for it (RFC 3323 §4.2, RFC 3325 §9.3).
fn wants_privacy(headers: &Headers) -> bool {
    let words = headers.all(&HeaderName::Privacy).flat_map(|line| line.split([';', ',']));
    words
        .map(str::trim)
        .any(|word| ["id", "user", "header", "session"].iter().any(|wish| word.eq_ignore_ascii_case(wish)))
}

/// Whether a request inside a call goes to a caller who is hidden.
pub(in crate::server) fn is_anonymous(request: &Request) -> bool {
    let written = request.headers.get(&HeaderName::To).is_some_and(|to| to.contains(NOBODYS));
    let to = written.then(|| request.headers.to().ok()).flatten();
    to.is_some_and(|to| matches!(to.uri.as_sip().map(|uri| &uri.host), Some(Host::Domain(host)) if host.as_str() == NOBODYS))
}

const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";
/// The domain of that.
const NOBODYS: &str = "anonymous.invalid";
