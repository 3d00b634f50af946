//! Forwarding: the request gets another target, and a history that says why (RFC 7044).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::VecDeque;

use rove_base::Instant;

use super::{MOST_FORWARDINGS, Served, Why, is_anonymous};
use crate::{
    message::{HeaderName, NameAddr, Reason, Request, StatusCode, Token, Uri},
    proxy::{Routed, Target},
    registrar::RegistryStore,
    server::{
        SipServer,
        relay::{Cancel, Relay},
        requests::Incoming,
        shared::RelayId,
    },
};

impl<R: RegistryStore> SipServer<R> {
    /// The call goes to `to` now, and whoever knows the subscribers is asked about that one.
    pub(in crate::server) fn divert(&mut self, id: RelayId, to: &Uri, why: Why) {
        let Some(relay) = self.relays.get_mut(&id) else { return };
        if forwardings(&relay.request) >= MOST_FORWARDINGS {
            let causes = [Reason::new(Token::known("SIP"), StatusCode::LOOP_DETECTED.code())];
            return self.refuse_relay(id, why.too_often(), &causes);
        }
        note(&mut relay.request, to, why);
        if let Some(served) = &mut relay.served {
            served.called.get_or_insert_with(|| relay.request.uri.to_string());
            (served.grant, served.flow, served.answer_by, served.unanswered) = (None, None, None, false);
        }
        relay.request.uri = to.clone();
        relay.request.headers.remove(&HeaderName::Route);
        relay.passed.mark = self.core.loops.mark(&relay.request);
        relay.gruu = None;
        relay.fork.reopen(VecDeque::new());
        self.consult(id);
    }

    /// Does what is due with the services of a call; answers whether that was all.
    pub(in crate::server) fn served_timer(&mut self, id: RelayId) -> bool {
        let now = self.core.now.mono;
        let served = self.relays.get_mut(&id).and_then(|relay| relay.served.as_mut());
        let Some(served) = served else { return false };
        if served.until.take_if(|at| *at <= now).is_some() {
            self.refuse_relay(id, StatusCode::SERVICE_UNAVAILABLE, &[]);
            return true;
        }
        if served.answer_by.take_if(|at| *at <= now).is_none() {
            return false;
        }
        served.unanswered = true;
        self.stop_ringing(id);
        true
    }

    /// Nobody has answered in time: what rings is cancelled, and who has said nothing at all is not waited for.
    fn stop_ringing(&mut self, id: RelayId) {
        let Some(relay) = self.relays.get_mut(&id) else { return };
        relay.fork.close();
        let pending: Vec<usize> = relay.fork.pending().collect();
        for branch in pending {
            self.cancel_branch(id, branch);
            if let Some(relay) = self.relays.get_mut(&id)
                && relay.branches.get(branch).is_some_and(|branch| branch.cancel == Cancel::Wanted)
            {
                relay.fork.failed(branch, &relay.request, StatusCode::REQUEST_TERMINATED);
            }
        }
        self.advance(id);
    }

    /// What services have to do with a request: a call's, or those inside of a call whose caller is hidden.
    pub(in crate::server) fn served(
        &self,
        incoming: &Incoming,
        routed: &Routed,
        here: bool,
        consults: bool,
    ) -> Option<Box<Served>> {
        let request = &incoming.request;
        let trusted = self.core.config.trusted.contains(&incoming.hop.remote.ip().to_canonical());
        if consults {
            let from = request.headers.from().ok().and_then(|from| Some(from.uri.as_sip()?.host.clone()));
            let ours = from.is_some_and(|host| self.core.ours.domains.contains(&host));
            let (stranger, flow) = (!here && !ours, routed.flow);
            return Some(Box::new(Served { stranger, flow, trusted, ..Served::default() }));
        }
        let hidden = routed.hidden && !is_anonymous(request);
        hidden.then(|| Box::new(Served { hidden, trusted, ..Served::default() }))
    }
}

impl Served {
    /// The same for who is told to go there itself.
    pub(in crate::server) fn contacts(&self) -> impl Iterator<Item = NameAddr> + '_ {
        self.grant.iter().flat_map(|grant| &grant.places).cloned().map(NameAddr::new)
    }

    /// Where the network has put a user who has registered nothing.
    pub(in crate::server) fn places(&self, breadth: u32) -> VecDeque<Vec<Target>> {
        let places = self.grant.iter().flat_map(|grant| &grant.places);
        places.map(|place| vec![Target::at(place.clone(), None, breadth)]).collect()
    }
}

impl Relay {
    /// Somebody rings: from now on it is counted how long.
    pub(in crate::server) fn expect_an_answer(&mut self, now: Instant) {
        let Some(served) = &mut self.served else { return };
        let wait = served.grant.as_ref().and_then(|grant| Some(grant.no_answer.as_ref()?.1));
        if let Some(wait) = wait
            && served.answer_by.is_none()
            && !served.unanswered
        {
            served.answer_by = Some(now.later(wait));
        }
    }

    /// Where the call goes instead of being answered with `status`.
    pub(in crate::server) fn diversion(&mut self, status: StatusCode) -> Option<(Uri, Why)> {
        let served = self.served.as_mut().filter(|_| !self.cancelled)?;
        let grant = served.grant.as_ref()?;
        let no_answer = || Some((grant.no_answer.as_ref()?.0.clone(), Why::NoAnswer));
        match status.code() {
            _ if served.unanswered => no_answer(),
            486 | 600 => Some((grant.busy.clone()?, Why::Busy)),
            408 | 480 => no_answer(),
            _ => None,
        }
    }
}

/// Nobody is there (ITU-T Q.850, cause 20).
pub(in crate::server) fn absent() -> Reason {
    Reason::new(Token::known("Q.850"), 20)
}

/// How often a request was forwarded, as its history tells.
pub(super) fn forwardings(request: &Request) -> usize {
    let entries = request.headers.all(&HeaderName::HistoryInfo).flat_map(|line| line.split(','));
    entries.filter(|entry| entry.contains(";cause=")).count()
}

/// Adds what happened to the history: whom it was for, unless that stands there, and whom it is for now.
fn note(request: &mut Request, to: &Uri, why: Why) {
    let last = request.headers.all(&HeaderName::HistoryInfo).last();
    let index = last.and_then(|line| line.rsplit_once("index=")).map(|(_, index)| {
        index.chars().take_while(|char| char.is_ascii_digit() || *char == '.').collect::<String>()
    });
    let index =
        index.filter(|index| !index.is_empty() && index.len() <= LONGEST_INDEX).unwrap_or_else(|| {
            let first = NameAddr::new(request.uri.clone());
            request.headers.push(HeaderName::HistoryInfo, format!("{first};index=1"));
            "1".into()
        });
    let mut uri = to.clone();
    let cause = why.cause().to_string();
    match &mut uri {
        Uri::Sip(uri) => uri.params.set("cause", Some(&cause)),
        Uri::Tel(uri) => uri.params.set("cause", Some(&cause)),
        Uri::Other(_) => {}
    }
    let entry = NameAddr::new(uri);
    request.headers.push(HeaderName::HistoryInfo, format!("{entry};index={index}.1;mp={index}"));
}

/// Characters of an index that is gone on with.
const LONGEST_INDEX: usize = 64;
