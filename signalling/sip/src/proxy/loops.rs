//! Branches that show a proxy its own handwriting, and with it a loop (RFC 3261 §16.6 step 8, RFC 5393 §4).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::SocketAddr;

use super::Ours;
use crate::{
    message::{HeaderName, MAGIC_COOKIE, Request, Via},
    transaction::Keyed,
};

/// Makes branches and finds loops.
#[derive(Clone, Debug)]
pub(crate) struct Loops(Keyed);

impl Loops {
    pub(crate) const fn new(keyed: Keyed) -> Self {
        Self(keyed)
    }

    /// A number that stands for all by which a request is routed: the same again here is a loop, another is a spiral. The
    /// tag of To does not count, so that ACK and CANCEL have that of their INVITE.
    pub(crate) fn mark(&self, request: &Request) -> u64 {
        let headers = &request.headers;
        let from =
            headers.get(&HeaderName::From).and_then(|from| from.split_once("tag=").map(|(_, tag)| tag));
        let routes: Vec<&str> = headers.all(&HeaderName::Route).collect();
        let number = headers.cseq().map_or(0, |cseq| cseq.number);
        let required: Vec<&str> = headers.all(&HeaderName::ProxyRequire).collect();
        let call_id = headers.call_id().ok();
        self.0.number(&("loop", request.uri.to_string(), call_id, number, from, routes, required))
    }

    /// The branch of a copy whose transaction is `number`.
    pub(crate) fn branch(number: u64, mark: u64) -> String {
        format!("{MAGIC_COOKIE}{number:016x}.{mark:016x}")
    }

    /// The transaction that a branch of ours names.
    pub(crate) fn number(branch: &str) -> Option<u64> {
        let (number, mark) = branch.strip_prefix(MAGIC_COOKIE)?.split_once('.')?;
        if number.len() != 16 || mark.len() != 16 {
            return None;
        }
        u64::from_str_radix(number, 16).ok()
    }

    /// Whether a request has been here before, routed by the same.
    pub(crate) fn is_loop(vias: &[Via], mark: u64, ours: &Ours) -> bool {
        let here = |via: &Via| {
            via.host.ip().is_some_and(|ip| {
                let address = SocketAddr::new(ip, via.sent_by_port());
                ours.addresses.iter().any(|one| one.address == address)
            })
        };
        let mark = format!(".{mark:016x}");
        vias.iter().any(|via| via.branch().is_some_and(|branch| branch.ends_with(&mark)) && here(via))
    }
}
