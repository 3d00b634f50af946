//! What the 2xx of a registrar grants (RFC 3261 §10.2.4, RFC 3608, RFC 5626, RFC 5627).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;
use std::net::SocketAddr;

use crate::message::{HeaderName, NameAddr, Response, Uri};

/// What was granted to one of our contacts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Granted {
    /// How long the binding stands. `None`: it does not.
    pub(crate) expires: Option<Duration>,
    /// The route of our requests to others, first hop first (RFC 3608).
    pub(crate) service_route: Vec<NameAddr>,
    /// Our public GRUU (RFC 5627 §4.2).
    pub(crate) gruu: Option<Uri>,
    /// The first hop keeps our flow for requests to us (RFC 5626 §4.2.1).
    pub(crate) outbound: bool,
    /// How often the server wants to hear from us at least (RFC 5626 §4.4).
    pub(crate) flow_timer: Option<Duration>,
    /// The push service by which somebody on the way will wake us (RFC 8599 §4.1.1).
    pub(crate) push: Option<String>,
    /// Where the server saw our request come from (RFC 3581), when it says so.
    pub(crate) seen: Option<SocketAddr>,
}

impl Granted {
    /// Reads a 2xx to a REGISTER that asked for `asked` for the contact `ours`, whose instance and flow are `instance` and
    /// `reg_id`.
    pub(crate) fn read(
        response: &Response,
        ours: &Uri,
        instance: Option<&str>,
        reg_id: usize,
        asked: Duration,
    ) -> Self {
        let headers = &response.headers;
        let contacts = headers.contacts().unwrap_or_default();
        let mine = contacts.iter().find(|contact| {
            let same_instance = instance.is_some_and(|instance| {
                contact.params.text("+sip.instance").is_some_and(|text| text == format!("<{instance}>"))
                    && contact.params.get("reg-id").is_none_or(|id| id.parse() == Ok(reg_id))
            });
            same_instance || contact.uri.equivalent(ours)
        });
        let seconds = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
        let common = headers.expires().ok().flatten();
        let granted = match mine {
            Some(contact) => seconds(contact.params.get("expires")).or(common).map(u64::from),
            None if contacts.is_empty() => common.map(u64::from),
            None => Some(0),
        };
        let expires = granted.map_or(asked, Duration::from_secs);
        let via = headers.via().ok();
        let seen = via.and_then(|via| Some(SocketAddr::new(via.received()?, via.rport()?)));
        Self {
            expires: Some(expires).filter(|expires| !expires.is_zero()),
            service_route: headers.elements(&HeaderName::ServiceRoute, NameAddr::read).unwrap_or_default(),
            gruu: mine.and_then(|contact| contact.params.text("pub-gruu")?.parse().ok()),
            outbound: headers.require().is_ok_and(|tags| tags.contains(&"outbound")),
            flow_timer: "Flow-Timer".parse().ok().and_then(|name| {
                seconds(headers.get(&name)).map(|seconds| Duration::from_secs(seconds.into()))
            }),
            push: push_service(response),
            seen,
        }
    }
}

/// What `+sip.pns` of a Feature-Caps names (RFC 8599 §9.1, RFC 6809 §4.3.2).
fn push_service(response: &Response) -> Option<String> {
    let all = response.headers.all(&HeaderName::FeatureCaps).flat_map(|value| value.split(';'));
    let (_, named) = all
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("+sip.pns"))?;
    let named = named.trim().split(',').next().unwrap_or_default().trim_matches('"');
    (!named.is_empty()).then(|| named.to_owned())
}
