//! All that goes on between the two media ports beside media: connectivity first, where it was agreed on, then keys.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod lent;
mod relink;
#[cfg(test)]
mod tests;

pub use lent::Lent;
pub use relink::Relink;

use std::collections::VecDeque;

use rove_base::{
    Candidate, Dscp, Entropy, Flow, Instant, Machine, MediaPlan, Now, RouteKind, Scratch, Security, SrtpKeys,
    Step, Transmit, UdpFlow,
};

use crate::{
    dtls::{Dtls, DtlsEvent, DtlsFailure, Flows, Identity},
    ice::{Ice, IceEvent, Wish},
};

/// The way of one call to its peer, and the keys for it. Its driver tells STUN, DTLS and media apart (RFC 7983) and hands
/// it the first two.
#[derive(Debug)]
pub struct Link {
    now: Instant,
    ice: Option<Ice>,
    dtls: Option<Dtls>,
    /// Addresses that relays lend.
    lent: Vec<Lent>,
    events: VecDeque<LinkEvent>,
}

/// What can happen to a [`Link`].
#[derive(Clone, Debug)]
pub enum LinkInput<'a> {
    /// A datagram that looks like STUN came.
    Stun {
        /// Which way.
        flow: UdpFlow,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// A datagram that looks like DTLS came.
    Dtls {
        /// Which way.
        flow: UdpFlow,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// The peer told another candidate; `None`: there will be no more (RFC 8838).
    Candidate(Option<Candidate>),
    /// The call is over.
    Close,
}

/// What a [`Link`] tells.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LinkEvent {
    /// Another candidate of ours, for the peer to be told; `None`: there will be no more.
    Candidate(Option<Candidate>),
    /// Media goes this way from now on.
    Selected(UdpFlow),
    /// Media can go this way as well, and what kind of way it is.
    Spare(UdpFlow, RouteKind),
    /// Media cannot go this way any more, or it is the one selected.
    SpareGone(UdpFlow),
    /// Media is protected with these keys from now on.
    Secured(SrtpKeys),
    /// There is no way, or no keys: no media.
    Failed(LinkFailure),
    /// The peer said goodbye in the media path.
    Closed,
}

/// Why there is no media.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkFailure {
    /// No pair of candidates works.
    #[error("no way leads to the peer")]
    NoWay,
    /// The peer does not answer any more (RFC 7675).
    #[error("the peer does not consent to be sent to any more")]
    ConsentLost,
    /// No keys were agreed on.
    #[error(transparent)]
    Dtls(#[from] DtlsFailure),
}

impl Link {
    /// The link that `plan` asks for; `None` when there is nothing but media between the ports.
    ///
    /// # Errors
    ///
    /// [`NoIdentity`] when keys are to be agreed on and `identity` is `None`.
    pub fn new(
        now: Now,
        plan: &MediaPlan,
        identity: Option<&Identity>,
        mut entropy: Entropy,
    ) -> Result<Option<Self>, NoIdentity> {
        let told = plan.routes().first().map(|route| route.rtp);
        let dtls = match (plan.security(), identity, told) {
            (Security::Dtls(dtls), Some(identity), Some(told)) => {
                let flows = if plan.ice().is_some() { Flows::Checked } else { Flows::Told(told) };
                Some(Dtls::new(identity.clone(), *dtls, flows, entropy.fork()))
            }
            (Security::Dtls(_), _, _) => return Err(NoIdentity),
            _ => None,
        };
        let ice = plan.ice().map(|ice| Ice::new(now.mono, ice, entropy.fork()));
        if dtls.is_none() && ice.is_none() {
            return Ok(None);
        }
        let mut link = Self { now: now.mono, ice, dtls, lent: Vec::new(), events: VecDeque::new() };
        if let (None, Some(dtls), Some(told)) = (&link.ice, &mut link.dtls, told) {
            dtls.start(now.mono, told);
        }
        Ok(Some(link))
    }

    /// Whether media that comes by `flow` may be the peer's: connectivity was proven there, or was never asked for.
    #[must_use]
    pub fn hears(&self, flow: &UdpFlow) -> bool {
        self.ice.as_ref().is_none_or(|ice| ice.hears(flow))
    }

    /// Of the ways that work, one that is good enough for `wish` is taken, where this end decides.
    pub fn wish(&mut self, wish: Wish) {
        self.ice.iter_mut().for_each(|ice| ice.wish(wish));
    }

    /// What kind of way a flow is, where ways are checked; straight, where they are not.
    #[must_use]
    pub fn kind(&self, flow: UdpFlow) -> RouteKind {
        self.ice.as_ref().map_or(RouteKind::Direct, |ice| ice.kind(flow))
    }

    /// Media of this end goes by `flow` from now on, one of the spares: consent is asked for there.
    pub fn follow(&mut self, now: Instant, flow: UdpFlow) {
        self.now = self.now.max(now);
        if let Some(ice) = &mut self.ice {
            ice.follow(self.now, flow);
        }
        self.settle();
    }

    /// Carries what one part has to say to the other.
    fn settle(&mut self) {
        if let Some(ice) = &mut self.ice {
            self.lent.iter_mut().for_each(|lent| lent.settle(self.now, ice));
        }
        while let Some(event) = self.ice.as_mut().and_then(Ice::next_event) {
            match event {
                IceEvent::Candidate(candidate) => {
                    self.events.push_back(LinkEvent::Candidate(Some(candidate)));
                }
                IceEvent::Gathered => self.events.push_back(LinkEvent::Candidate(None)),
                IceEvent::Selected(flow) => {
                    if let Some(dtls) = &mut self.dtls {
                        dtls.start(self.now, flow);
                    }
                    self.events.push_back(LinkEvent::Selected(flow));
                }
                IceEvent::Reach(flow) => self.reach(flow),
                IceEvent::Spare(flow, kind) => self.events.push_back(LinkEvent::Spare(flow, kind)),
                IceEvent::SpareGone(flow) => self.events.push_back(LinkEvent::SpareGone(flow)),
                IceEvent::Failed => self.events.push_back(LinkEvent::Failed(LinkFailure::NoWay)),
                IceEvent::ConsentLost => self.events.push_back(LinkEvent::Failed(LinkFailure::ConsentLost)),
            }
        }
        while let Some(event) = self.dtls.as_mut().and_then(Dtls::next_event) {
            match event {
                DtlsEvent::Secured { flow, keys } => {
                    // Without checks the handshake itself has proven where the peer is.
                    if self.ice.is_none() {
                        self.events.push_back(LinkEvent::Selected(flow));
                    }
                    self.events.push_back(LinkEvent::Secured(keys));
                }
                DtlsEvent::Failed(why) => self.events.push_back(LinkEvent::Failed(why.into())),
                DtlsEvent::Closed => self.events.push_back(LinkEvent::Closed),
            }
        }
    }

    fn next_datagram(&mut self) -> Option<(UdpFlow, Vec<u8>)> {
        let checks = self.ice.as_mut().and_then(Ice::next_datagram);
        let keys = checks.or_else(|| self.dtls.as_mut().and_then(Dtls::next_datagram));
        keys.or_else(|| self.lent.iter_mut().find_map(|lent| lent.next_datagram(self.now)))
    }
}

impl Machine for Link {
    type Input<'a> = LinkInput<'a>;
    type Event = LinkEvent;

    fn handle(&mut self, now: Now, input: LinkInput<'_>) {
        self.now = self.now.max(now.mono);
        match input {
            LinkInput::Stun { flow, bytes } => {
                if let Some(ice) = &mut self.ice {
                    ice.receive(self.now, flow, bytes);
                }
            }
            LinkInput::Dtls { flow, bytes } => {
                let heard = self.hears(&flow);
                if let (true, Some(dtls)) = (heard, &mut self.dtls) {
                    dtls.receive(self.now, flow, bytes);
                }
            }
            LinkInput::Candidate(candidate) => match (&mut self.ice, candidate) {
                (Some(ice), Some(candidate)) => ice.add_candidate(candidate),
                (Some(ice), None) => ice.end_of_candidates(),
                (None, _) => {}
            },
            LinkInput::Close => {
                self.lent.iter_mut().for_each(Lent::give_back);
                if let Some(dtls) = &mut self.dtls {
                    dtls.close();
                }
            }
        }
        self.settle();
    }

    fn tick(&mut self, now: Now) {
        self.now = self.now.max(now.mono);
        if let Some(ice) = &mut self.ice {
            ice.tick(self.now);
        }
        if let Some(dtls) = &mut self.dtls {
            dtls.tick(self.now);
        }
        self.settle();
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<LinkEvent> {
        if let Some(event) = self.events.pop_front() {
            return Step::Event(event);
        }
        while let Some((flow, datagram)) = self.next_datagram() {
            // Marked as media is: what the path does to that is what is to be found out (RFC 8445 §7.2.4).
            let range = out.push(&datagram);
            let transmit = Transmit { flow: Flow::Udp(flow), range, dscp: Dscp::EF };
            if let Some(transmit) = self.outward(transmit, out) {
                return Step::Send(transmit);
            }
        }
        let checks = self.ice.as_ref().and_then(Ice::next_wake);
        let keys = self.dtls.as_ref().and_then(Dtls::next_wake);
        let lent = self.lent.iter().filter_map(Lent::next_wake).min();
        Step::Wait(Instant::earliest(Instant::earliest(checks, keys), lent))
    }
}

/// Keys are to be agreed on, and there is no certificate to show.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("keys are to be agreed on and there is no certificate to show")]
pub struct NoIdentity;
