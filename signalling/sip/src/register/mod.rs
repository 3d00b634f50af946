//! What a client keeps up at a registrar (RFC 3261 §10.2): bindings refreshed before they expire, over one flow or over
//! several at once (RFC 5626), with backoff where the server is not there.
//!
//! `Flow` is told what became of its REGISTER and answers what to do next; it knows neither messages nor bytes.
//! `Granted` reads what a 2xx grants.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod flow;
mod granted;

#[cfg(test)]
mod tests;

use core::time::Duration;

use crate::{
    digest::Login,
    message::{NameAddr, SipUri, Uri},
    transport::Hop,
};

pub(crate) use flow::{Due, Flow};
pub(crate) use granted::Granted;

/// What is to be registered where.
#[derive(Clone, Debug)]
pub struct Registering {
    /// Our address of record.
    pub aor: NameAddr,
    /// The registrar: a URI of the domain, without a user.
    pub registrar: Uri,
    /// One element for each flow: the ways it may take, best first. More than one asks for outbound (RFC 5626).
    pub flows: Vec<Vec<Hop>>,
    /// Proxies on the way to the registrar.
    pub route: Vec<NameAddr>,
    /// The password, shown to the hops of `flows` only.
    pub login: Option<Login>,
    /// How long a binding is asked for, in whole seconds.
    pub expires: Duration,
    /// Names this phone for ever: a URN, such as `urn:uuid:…` (RFC 5626 §4.1). Asks for a GRUU (RFC 5627).
    pub instance: Option<String>,
    /// More parameters of Contact, such as those of RFC 3840, each with its semicolon.
    pub contact_params: String,
    /// How this phone is woken when it sleeps.
    pub push: Option<Push>,
}

/// A push service, by which a server wakes a phone that sleeps (RFC 8599 §4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Push {
    /// The service, as IANA knows it: `apns`, `fcm`, `webpush`.
    pub provider: String,
    /// What the service knows this phone by.
    pub prid: String,
    /// What else the service wants to know.
    pub param: Option<String>,
}

impl Push {
    /// Puts it into the URI of a Contact (RFC 8599 §4.1).
    pub(crate) fn put_into(&self, uri: &mut SipUri) {
        uri.params.set("pn-provider", Some(&self.provider));
        uri.params.set("pn-prid", Some(&self.prid));
        if let Some(param) = &self.param {
            uri.params.set("pn-param", Some(param));
        }
    }
}
