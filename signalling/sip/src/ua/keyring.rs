//! Passwords, and who may be shown a proof of them (RFC 3261 §22).
//!
//! A challenge is answered only inside a request of ours that waits for its response, only to a hop that is known to be
//! the server's, and only for the one realm that was told or seen first: whoever we call cannot ask for a proof by
//! challenging a BYE, nor from behind our proxy in a realm of its own.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::SocketAddr;

use rove_base::{Entropy, Transport};

use super::{
    context::{ClientUse, Context, Invitation},
    request::MAX_CHALLENGES,
};
use crate::{
    digest::{Answerer, Asking, Login},
    message::{CSeq, HeaderName, Headers, Request, Response, StatusCode, Uri},
    transaction::ClientKey,
    transport::Hop,
};

/// The passwords of an agent.
#[derive(Debug, Default)]
pub(super) struct Keyring {
    entries: Vec<Entry>,
}

/// One password, the address of record it is for, and what it was shown to.
#[derive(Debug)]
struct Entry {
    aor: Uri,
    login: Login,
    trusted: Vec<(Transport, SocketAddr)>,
    held: Vec<Held>,
}

/// A challenge that was answered, and is answered ahead in later requests along the same way.
#[derive(Debug)]
struct Held {
    proxy: bool,
    remote: (Transport, SocketAddr),
    answerer: Answerer,
}

impl Keyring {
    /// Takes a password for requests from `aor` along `hops`; replaces the one it had.
    pub(super) fn add(&mut self, aor: Uri, login: Login, hops: &[Hop]) {
        self.remove(&aor);
        let trusted = hops.iter().map(place).collect();
        self.entries.push(Entry { aor, login, trusted, held: Vec::new() });
    }

    /// Forgets the password of `aor`.
    pub(super) fn remove(&mut self, aor: &Uri) {
        self.entries.retain(|entry| !same_aor(&entry.aor, aor));
    }

    /// Puts the answers to challenges that were met on this way before into a request.
    pub(super) fn authorise(&mut self, request: &mut Request, hop: &Hop) {
        let Some(entry) = self.entry(request) else { return };
        request.headers.remove(&HeaderName::Authorization);
        request.headers.remove(&HeaderName::ProxyAuthorization);
        for held in entry.held.iter_mut().filter(|held| held.remote == place(hop)) {
            held.sign(request);
        }
    }

    /// Answers the challenges of a response to `request`, which went along `hop` and has `met` so many before. `false`:
    /// nobody there may be answered, or the answer was given already and was wrong; one given ahead, with a nonce of
    /// before, is none to this challenge. The caller sends the request again, with the next number in CSeq.
    pub(super) fn challenged(
        &mut self,
        request: &mut Request,
        response: &Response,
        hop: &Hop,
        met: u8,
        entropy: &mut Entropy,
    ) -> bool {
        let Some((proxy, asks, answers)) = names(response.status) else { return false };
        let Some(entry) = self.entry(request).filter(|entry| entry.trusts(hop)) else { return false };
        if entry.login.realm.is_none() && !proxy && !is_at_home(&entry.aor, &request.uri) {
            return false;
        }
        let challenges: Vec<&str> = response.headers.all(&asks).collect();
        let Some(answerer) = Answerer::choose(&challenges, &entry.login, entropy) else { return false };
        let again = was_answered(&request.headers, &answers, "realm", answerer.realm());
        let ahead = met == 0 && !was_answered(&request.headers, &answers, "nonce", answerer.nonce());
        if again && !ahead && !answerer.is_stale() {
            return false;
        }
        entry.login.realm = Some(answerer.realm().to_owned());
        let remote = place(hop);
        entry.held.retain(|held| held.proxy != proxy || held.remote != remote);
        if entry.held.len() >= MAX_HELD {
            entry.held.remove(0);
        }
        request.headers.remove(&answers);
        let mut held = Held { proxy, remote, answerer };
        held.sign(request);
        entry.held.push(held);
        true
    }

    fn entry(&mut self, request: &Request) -> Option<&mut Entry> {
        let from = request.headers.from().ok()?;
        self.entries.iter_mut().find(|entry| same_aor(&entry.aor, &from.uri))
    }
}

impl Entry {
    /// Whether whoever is at the other end of `hop` is the server that the password is for: one that was named so, or
    /// the host of an address of record that is an address itself. Where datagrams may go, so may the stream that a request
    /// takes which is too long for them (RFC 3261 §18.1.1).
    fn trusts(&self, hop: &Hop) -> bool {
        let host = self.aor.as_sip().and_then(|aor| aor.host.ip());
        let stands_in =
            hop.transport == Transport::Tcp && self.trusted.contains(&(Transport::Udp, hop.remote));
        self.trusted.contains(&place(hop)) || stands_in || host == Some(hop.remote.ip())
    }
}

impl Held {
    fn sign(&mut self, request: &mut Request) {
        let name = if self.proxy { HeaderName::ProxyAuthorization } else { HeaderName::Authorization };
        let uri = request.uri.to_string();
        let asking = Asking { method: request.method.as_str(), uri: &uri, body: &request.body };
        let value = self.answerer.answer(&asking);
        request.headers.push(name, value);
    }
}

impl Context {
    /// Sends an INVITE again whose challenge can be answered, or whose session was to be too short, with the next number
    /// and another branch (RFC 3261 §22.2, RFC 4028 §7.3). `None` when that is of no use.
    pub(super) fn invite_again(&mut self, key: ClientKey, response: &Response) -> Option<ClientKey> {
        let Some(ClientUse::Invite(invitation)) = self.layer.client_user(key) else { return None };
        let (call, hop, met) = (invitation.call, invitation.hop, invitation.challenges);
        let mut request = invitation.request.clone();
        request.body.clone_from(&invitation.again);
        request.headers.remove(&HeaderName::Via);
        let CSeq { number, method } = request.headers.cseq().ok()?;
        let mut challenges = met;
        if let Some(least) = super::timer::demanded(&request.headers, response) {
            super::timer::propose(&self.config, &mut request.headers, Some(least));
        } else if met >= MAX_CHALLENGES
            || !self.keyring.challenged(&mut request, response, &hop, met, &mut self.entropy)
        {
            return None;
        } else {
            challenges = met.saturating_add(1);
        }
        let next = CSeq { number: number.saturating_add(1), method };
        request.headers.set(HeaderName::CSeq, next.to_string());
        let (again, outgoing) = self.prepare(&mut request, hop);
        let (wanted, hop, body) = (hop, outgoing.hop, core::mem::take(&mut request.body));
        // The answer to a challenge makes it longer, perhaps too long for a datagram.
        let spare = (hop.transport != wanted.transport).then(|| (body.clone(), wanted));
        let invitation = Invitation {
            call,
            request,
            hop,
            spare,
            dialog: None,
            again: body,
            challenges,
            accepted: Vec::new(),
        };
        self.layer.invite(self.now, again, outgoing, ClientUse::Invite(Box::new(invitation)));
        Some(again)
    }
}

/// Whether two URIs are of the same address of record: user and host, whatever port and parameters (RFC 3261 §10.3).
pub(super) fn same_aor(a: &Uri, b: &Uri) -> bool {
    match (a.as_sip(), b.as_sip()) {
        (Some(a), Some(b)) => a.user_bytes() == b.user_bytes() && a.host == b.host,
        _ => a == b,
    }
}

/// Whether a request is for the domain of an address of record itself.
fn is_at_home(aor: &Uri, uri: &Uri) -> bool {
    matches!((aor.as_sip(), uri.as_sip()), (Some(aor), Some(uri)) if aor.host == uri.host)
}

/// Whose challenge a status brings, in which header, and where the answer goes (RFC 3261 §22.2, §22.3).
fn names(status: StatusCode) -> Option<(bool, HeaderName, HeaderName)> {
    match status.code() {
        401 => Some((false, HeaderName::WwwAuthenticate, HeaderName::Authorization)),
        407 => Some((true, HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization)),
        _ => None,
    }
}

/// Whether a proof is there that has `value` as its `part`.
fn was_answered(headers: &Headers, name: &HeaderName, part: &str, value: &str) -> bool {
    headers.all(name).any(|proof| proof.contains(&format!("{part}=\"{value}\"")))
}

const fn place(hop: &Hop) -> (Transport, SocketAddr) {
    (hop.transport, hop.remote)
}

/// Challenges whose answers are kept for one password.
const MAX_HELD: usize = 8;
