//! Keys for media, agreed on in the media path: DTLS 1.2 (RFC 6347) with use_srtp (RFC 5764), and nothing else of it.
//!
//! ```text
//!  hello without cookie ──▶ doorman ──▶ challenge, and nothing is remembered
//!  hello with cookie    ──▶ doorman ──▶ association (server)         connect ──▶ association (client)
//!  all else             ──▶ association ──▶ inbox: rivals of one number stay beside each other
//!                                              └──▶ fingerprint and signature tell the genuine one ──▶ keys
//! ```
//!
//! Only what the profile of RFC 8827 §6.5 needs is spoken: ephemeral keys on P-256, AES-GCM, certificates with ECDSA or,
//! of the peer, RSA. No resumption, no renegotiation, no application data. What is not protected is believed only once
//! the peer's certificate has signed for it: a stranger's ClientHello, alert, or record leaves the handshake that is
//! going on as it is.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod association;
mod client;
mod der;
mod doorman;
mod flight;
mod identity;
mod inbox;
mod message;
mod record;
mod secrets;
mod server;
mod verify;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use rove_base::{DtlsPlan, DtlsRole, Entropy, Instant, SrtpKeys, UdpFlow};

use self::{
    association::{Association, Event},
    doorman::{Doorman, Greeting},
};

pub use identity::Identity;

/// The handshakes of one call. At most one ends well.
pub struct Dtls {
    identity: Identity,
    plan: DtlsPlan,
    entropy: Entropy,
    doorman: Doorman,
    flows: Flows,
    associations: Vec<(UdpFlow, Association)>,
    datagrams: VecDeque<(UdpFlow, Vec<u8>)>,
    events: VecDeque<DtlsEvent>,
    /// By then keys must be agreed on. `None`: they are, or it has failed.
    deadline: Option<Instant>,
    /// Why the last association came to nothing.
    complaint: Option<DtlsFailure>,
}

/// Between which addresses handshakes may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flows {
    /// Whoever drives this lets pass only what comes from the peer; it is one handshake, wherever it comes from.
    Checked,
    /// Any may come to this port, and one comes, as signalling says, from here. Each has a handshake of its own, and
    /// the certificate tells which is the peer's.
    Told(UdpFlow),
}

/// What a [`Dtls`] tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DtlsEvent {
    /// Keys are agreed on with the peer at the other end of `flow`.
    Secured {
        /// Where the peer is.
        flow: UdpFlow,
        /// With which media is protected.
        keys: SrtpKeys,
    },
    /// There will be no keys.
    Failed(DtlsFailure),
    /// The peer said goodbye (RFC 5246 §7.2.1).
    Closed,
}

/// Why no keys were agreed on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DtlsFailure {
    /// The peer did not answer in time.
    #[error("the handshake was not answered in time")]
    Timeout,
    /// A certificate came, and it is not the one that signalling told of.
    #[error("the peer's certificate is not the one that signalling told of")]
    Fingerprint,
    /// No cipher suite, curve, signature scheme or SRTP profile that both know.
    #[error("the two sides have no cipher suite or SRTP profile in common")]
    NothingInCommon,
    /// The peer said so, with this description (RFC 5246 §7.2.2).
    #[error("the peer gave up with alert {0}")]
    Alert(u8),
}

impl Dtls {
    /// Ready to go; [`Dtls::start`] begins.
    #[must_use]
    pub fn new(identity: Identity, plan: DtlsPlan, flows: Flows, mut entropy: Entropy) -> Self {
        let doorman = Doorman::new(&mut entropy);
        Self {
            identity,
            plan,
            entropy,
            doorman,
            flows,
            associations: Vec::new(),
            datagrams: VecDeque::new(),
            events: VecDeque::new(),
            deadline: None,
            complaint: None,
        }
    }

    /// Begins over `flow`, by speaking or by listening. Begun already, it goes on over `flow`.
    pub fn start(&mut self, now: Instant, flow: UdpFlow) {
        if self.flows == Flows::Checked
            && let Some((over, _)) = self.associations.first_mut()
        {
            *over = flow;
            return;
        }
        if self.deadline.is_some() || !self.associations.is_empty() {
            return;
        }
        self.deadline = Some(now + PATIENCE);
        if self.plan.role == DtlsRole::Active {
            let entropy = self.entropy.fork();
            let association =
                Association::connect(now, self.identity.clone(), self.plan.fingerprint, entropy);
            self.associations.push((flow, association));
            self.collect();
        }
    }

    /// Takes in a datagram that looks like DTLS.
    pub fn receive(&mut self, now: Instant, flow: UdpFlow, datagram: &[u8]) {
        if self.plan.role == DtlsRole::Passive && Doorman::concerns(datagram) {
            self.greet(now, flow, datagram);
        }
        if let Some((_, association)) =
            self.associations.iter_mut().find(|(over, _)| self.flows == Flows::Checked || *over == flow)
        {
            association.receive(now, datagram);
        }
        self.collect();
    }

    fn greet(&mut self, now: Instant, flow: UdpFlow, datagram: &[u8]) {
        if self.is_secured() {
            return;
        }
        let hello = match self.doorman.greet(flow.remote, datagram) {
            Greeting::Ignore => return,
            Greeting::Challenge(answer) => return self.enqueue(flow, answer),
            Greeting::Welcome(hello) => hello,
        };
        let mine = |over: &UdpFlow| self.flows == Flows::Checked || *over == flow;
        if self.associations.iter_mut().any(|(over, known)| mine(over) && known.answers(now, &hello)) {
            return;
        }
        let entropy = self.entropy.fork();
        match Association::accept(now, self.identity.clone(), self.plan.fingerprint, entropy, &hello) {
            Ok(association) => {
                // Who shows a new cookie from the same address has begun anew.
                let flows = self.flows;
                self.associations.retain(|(over, _)| flows != Flows::Checked && *over != flow);
                self.make_room();
                self.associations.push((flow, association));
            }
            Err(why) => self.complaint = Some(why),
        }
    }

    /// Keeps the number of handshakes bounded: the oldest gives way, but not that of the address signalling told.
    fn make_room(&mut self) {
        if self.associations.len() >= ASSOCIATIONS {
            let told = |over: &UdpFlow| self.flows == Flows::Told(*over);
            let others = self.associations.iter().enumerate().filter(|(_, (over, _))| !told(over));
            let oldest = others.min_by_key(|(_, (_, association))| association.deadline());
            if let Some(index) = oldest.map(|(index, _)| index) {
                self.associations.remove(index);
            }
        }
    }

    /// Reports that it is `now`.
    pub fn tick(&mut self, now: Instant) {
        self.associations.iter_mut().for_each(|(_, association)| association.tick(now));
        self.collect();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.fail();
        }
    }

    fn fail(&mut self) {
        self.deadline = None;
        self.associations.clear();
        self.events.push_back(DtlsEvent::Failed(self.complaint.unwrap_or(DtlsFailure::Timeout)));
    }

    /// Gathers what the associations have to say.
    fn collect(&mut self) {
        let mut secured = None;
        let mut failed = false;
        for (index, (flow, association)) in self.associations.iter_mut().enumerate() {
            while let Some(datagram) = association.next_datagram() {
                if self.datagrams.len() < WAITING {
                    self.datagrams.push_back((*flow, datagram));
                }
            }
            while let Some(event) = association.next_event() {
                match event {
                    Event::Secured(keys) => {
                        secured = Some(index);
                        self.events.push_back(DtlsEvent::Secured { flow: *flow, keys });
                    }
                    Event::Failed(why) => {
                        self.complaint = Some(why);
                        failed = true;
                    }
                    Event::Closed => self.events.push_back(DtlsEvent::Closed),
                }
            }
        }
        if let Some(index) = secured {
            self.deadline = None;
            let kept = self.associations.swap_remove(index);
            self.associations.clear();
            self.associations.push(kept);
        } else if failed && self.plan.role == DtlsRole::Active {
            self.fail();
        }
    }

    /// Whether keys are agreed on.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.associations.iter().any(|(_, association)| association.is_done())
    }

    /// When [`Dtls::tick`] may next matter.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let next = self.associations.iter().filter_map(|(_, association)| association.next_wake()).min();
        Instant::earliest(next, self.deadline)
    }

    /// The next datagram to send.
    pub fn next_datagram(&mut self) -> Option<(UdpFlow, Vec<u8>)> {
        self.datagrams.pop_front()
    }

    /// The next thing to tell.
    pub fn next_event(&mut self) -> Option<DtlsEvent> {
        self.events.pop_front()
    }

    /// Says goodbye.
    pub fn close(&mut self) {
        self.associations.iter_mut().for_each(|(_, association)| association.close());
        self.collect();
    }

    fn enqueue(&mut self, flow: UdpFlow, datagram: Vec<u8>) {
        if self.datagrams.len() < WAITING {
            self.datagrams.push_back((flow, datagram));
        }
    }
}

impl core::fmt::Debug for Dtls {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Dtls").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// Handshakes at once, at most; there is more than one only where strangers can reach the port.
const ASSOCIATIONS: usize = 4;
/// Datagrams that wait to leave, at most.
const WAITING: usize = 160;
/// So long the peer may take from the start to the keys.
const PATIENCE: core::time::Duration = core::time::Duration::from_secs(40);
