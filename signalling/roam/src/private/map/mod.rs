//! GSM-MAP version 3 (3GPP TS 29.002) over TCAP, SCCP and M3UA.
//!
//! ```text
//!  Operation ── argument, outcome, profile, extension ── what MAP says, in BER
//!            ── dialogues, asking, asked               ── TCAP's transactions and their times
//!            ── carrier                                ── SCCP, M3UA, the streams to partners
//! ```

pub mod argument;
mod asked;
mod asking;
pub(crate) mod asn1;
mod dialogues;
pub mod extension;
mod kind;
pub mod outcome;
mod profile;

use std::collections::VecDeque;

use rove_base::{Arrival, Entropy, Instant, Machine, Now, Scratch, Step};

use self::dialogues::{Dialogues, Expired};
pub use self::kind::Kind;
use super::{
    DialogueId, Partner, PartnerId, PrivateNetwork, Told,
    carrier::{Carrier, Origin, Route},
    known::Known,
    link::News,
    sccp::Whole,
    tcap,
};
use crate::{Cause, E164, NetworkName, Operation, Outcome};

/// What this node is called, and whom it knows.
#[derive(Clone, Debug)]
pub struct MapConfig {
    /// This network's domain, as its certificate has it. Of two streams between the same two networks, that of the one
    /// whose domain comes first in the alphabet stays.
    pub network: NetworkName,
    /// This node's number, its global title.
    pub title: E164,
    /// This node's signalling point code, 14 bits; made of the number where it is `None`.
    pub point_code: Option<u32>,
    /// The partners there are agreements with.
    pub partners: Vec<Partner>,
}

/// The adapter.
///
/// Bounded whatever partners send: their streams and what they hold, messages in segments, dialogues begun and not yet
/// answered. What is beyond the bounds is refused as the protocol says.
#[derive(Debug)]
pub struct Map {
    carrier: Carrier,
    user: User,
    now: Instant,
}

/// All but the carrier, which is lent to it.
#[derive(Debug)]
struct User {
    known: Known,
    dialogues: Dialogues,
    told: VecDeque<Told>,
    /// A message of TCAP while it is written.
    message: Vec<u8>,
}

impl Map {
    /// Randomness is for the times at which streams are opened again.
    #[must_use]
    pub fn new(config: MapConfig, entropy: Entropy) -> Self {
        let MapConfig { network, title, point_code, partners } = config;
        let known = Known::new(title, &partners);
        let user =
            User { known, dialogues: Dialogues::default(), told: VecDeque::new(), message: Vec::new() };
        Self {
            carrier: Carrier::new(network, &title, point_code, partners, entropy),
            user,
            now: Instant::ZERO,
        }
    }

    /// What the link says of partners, and what time has ended.
    fn settle(&mut self, now: Now) {
        self.now = self.now.max(now.mono);
        self.carrier.tick(now);
        while let Some(news) = self.carrier.news() {
            self.user.news(news);
        }
        while let Some(expired) = self.user.dialogues.expired(now.mono) {
            self.user.expired(&expired);
        }
    }
}

impl Machine for Map {
    type Input<'a> = Arrival<'a>;
    type Event = Told;

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        let user = &mut self.user;
        self.carrier
            .handle(now, input, &mut |carrier, origin, whole| user.received(now, carrier, origin, whole));
        self.settle(now);
    }

    fn tick(&mut self, now: Now) {
        self.settle(now);
    }

    fn poll(&mut self, out: &mut Scratch) -> Step<Told> {
        if let Some(step) = self.carrier.poll(out) {
            return step;
        }
        if let Some(told) = self.user.told.pop_front() {
            return Step::Event(told);
        }
        Step::Wait(Instant::earliest(Some(self.carrier.wake()), self.user.dialogues.wake()))
    }
}

impl PrivateNetwork for Map {
    fn ask(&mut self, now: Now, partner: PartnerId, id: DialogueId, operation: Operation) {
        self.user.ask(now, &mut self.carrier, partner, id, &operation);
    }

    fn answer(&mut self, now: Now, partner: PartnerId, id: DialogueId, result: Result<Outcome, Cause>) {
        let _ = now;
        self.user.answer(&mut self.carrier, partner, id, &result);
    }

    fn knows(&self, network: &str) -> bool {
        self.user.known.has(network)
    }
}

impl User {
    fn received(&mut self, now: Now, carrier: &mut Carrier, origin: Origin, whole: &Whole<'_>) {
        let message = tcap::Message::parse(&whole.data);
        if whole.returned.is_some() {
            if let Ok(tcap::Message::Begin { origin: ours, .. }) = message {
                self.ended(origin, ours, Cause::NoAnswer);
            }
            return;
        }
        let route = Route { to: origin, called: whole.calling, calling: whole.called };
        let result = match message {
            Ok(tcap::Message::Begin { origin: theirs, dialogue, components }) => {
                self.begun(now.mono, carrier, route, theirs, dialogue, components)
            }
            Ok(tcap::Message::Continue { origin: theirs, destination, components, .. }) => {
                self.continued(carrier, route, (theirs, destination), components)
            }
            Ok(tcap::Message::End { destination, dialogue, components }) => {
                self.finished(origin, destination, dialogue, components)
            }
            Ok(tcap::Message::Abort { destination, cause, dialogue }) => {
                self.ended(origin, destination, asking::abort_cause(cause, dialogue));
                Ok(())
            }
            Err(error) => {
                if let Some(theirs) = tcap::Message::origin(&whole.data) {
                    self.abort(carrier, &route, theirs, tcap::AbortCause::BadlyFormatted);
                }
                Err(error)
            }
        };
        if result.is_err() {
            carrier.malformed(origin.peer);
        }
    }

    fn abort(
        &mut self,
        carrier: &mut Carrier,
        route: &Route,
        theirs: tcap::TransactionId,
        cause: tcap::AbortCause,
    ) {
        self.message.clear();
        tcap::abort(&mut self.message, theirs, cause);
        carrier.send(route, &self.message);
    }

    fn id(&self, peer: usize) -> PartnerId {
        self.known.id(peer)
    }

    fn answered(&mut self, peer: usize, id: DialogueId, result: Result<Outcome, Cause>) {
        let partner = self.id(peer);
        self.told.push_back(Told::Answered { partner, id, result });
    }

    fn news(&mut self, news: News) {
        match news {
            News::Up(peer) => self.told.push_back(Told::Up(self.id(peer))),
            News::Malformed(peer) => self.told.push_back(Told::Malformed(self.id(peer))),
            News::Down(peer) => {
                self.told.push_back(Told::Down(self.id(peer)));
                for name in self.dialogues.of(peer) {
                    self.over(name, &Err(Cause::NoAnswer));
                }
            }
        }
    }

    fn expired(&mut self, expired: &Expired) {
        match *expired {
            Expired::Asked { name } => self.over(name, &Err(Cause::NoAnswer)),
            Expired::Asking { name, invoke } => self.out_of_time(name, invoke),
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
