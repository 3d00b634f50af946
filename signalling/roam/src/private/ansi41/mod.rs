//! ANSI-41 (TIA-41) over the TCAP of ANSI T1.114, on the same SCCP, M3UA and streams as MAP. Experimental: no foreign
//! implementation has spoken with it.
//!
//! AUTHREQ, REGNOT, QUALREQ, QUALDIR, REGCANC and MSINACT carry what [`crate::Operation`] says. Each is a transaction of
//! one question and one answer; what is inserted before a registration is answered is a transaction of its own.

pub mod package;
pub mod parameters;

use std::collections::VecDeque;

use rove_base::{Arrival, Entropy, Instant, Machine, Now, Scratch, Step};

use self::package::{Answer, Package, PackageError};
use super::{
    DialogueId, PartnerId, PrivateNetwork, Told,
    ber::BerError,
    carrier::{Carrier, Origin, Route},
    known::Known,
    link::News,
    map::{Kind, MapConfig},
    pending::{self, Asking, Pending},
    sccp::{Address, Whole},
};
use crate::{Cause, Operation, Outcome};

/// What this node is called, and whom it knows; the same as for MAP.
pub type Ansi41Config = MapConfig;

/// The adapter. Bounded as that of MAP is.
#[derive(Debug)]
pub struct Ansi41 {
    carrier: Carrier,
    user: User,
}

#[derive(Debug)]
struct User {
    known: Known,
    pending: Pending<Way>,
    told: VecDeque<Told>,
    /// A package while it is written.
    package: Vec<u8>,
}

/// Where an answer goes: the route, the partner's name for the transaction, and the number of its component.
#[derive(Clone, Copy, Debug)]
struct Way {
    route: Route,
    theirs: u32,
    invoke: u8,
}

type Asked = pending::Asked<Way>;

impl Ansi41 {
    /// Randomness is for the times at which streams are opened again.
    #[must_use]
    pub fn new(config: Ansi41Config, entropy: Entropy) -> Self {
        let MapConfig { network, title, point_code, partners } = config;
        let known = Known::new(title, &partners);
        let (pending, told, package) = (Pending::default(), VecDeque::new(), Vec::new());
        let user = User { known, pending, told, package };
        Self { carrier: Carrier::new(network, &title, point_code, partners, entropy), user }
    }

    fn settle(&mut self, now: Now) {
        self.carrier.tick(now);
        while let Some(news) = self.carrier.news() {
            self.user.news(news);
        }
        while let Some(asking) = self.user.pending.expired(now.mono) {
            self.user.answered(asking.peer, asking.id, Err(Cause::NoAnswer));
        }
    }
}

impl Machine for Ansi41 {
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
        Step::Wait(Instant::earliest(Some(self.carrier.wake()), self.user.pending.wake()))
    }
}

impl PrivateNetwork for Ansi41 {
    fn ask(&mut self, now: Now, partner: PartnerId, id: DialogueId, operation: Operation) {
        let asked = match self.user.known.place(partner) {
            Some(peer) => self.user.ask(now.mono, &mut self.carrier, peer, id, &operation),
            None => Err(Cause::NoAnswer),
        };
        let result = match (asked, operation) {
            (Ok(()), Operation::Reset { .. }) => Ok(Outcome::Done),
            (Ok(()), _) => return,
            (Err(cause), _) => Err(cause),
        };
        self.user.told.push_back(Told::Answered { partner, id, result });
    }

    fn answer(&mut self, _now: Now, partner: PartnerId, id: DialogueId, result: Result<Outcome, Cause>) {
        self.user.answer(&mut self.carrier, partner, id, &result);
    }

    fn knows(&self, network: &str) -> bool {
        self.user.known.has(network)
    }
}

impl User {
    fn ask(
        &mut self,
        now: Instant,
        carrier: &mut Carrier,
        peer: usize,
        id: DialogueId,
        operation: &Operation,
    ) -> Result<(), Cause> {
        let kind = Kind::of(operation);
        let stream = carrier.current(peer).ok_or(Cause::NoAnswer)?;
        let (_, title, _) = self.known.at(peer).ok_or(Cause::NoAnswer)?;
        let (ours, theirs) = kind.subsystems();
        let route = Route {
            to: Origin { peer, stream },
            called: Address::new(*title, theirs),
            calling: Address::new(self.known.title, ours),
        };
        let name = self.pending.name();
        self.package.clear();
        package::query(&mut self.package, name, parameters::code(kind), |out| {
            parameters::write(operation, out);
        });
        if kind == Kind::Reset {
            return if carrier.send(&route, &self.package) { Ok(()) } else { Err(Cause::NoAnswer) };
        }
        if self.pending.is_full() {
            return Err(Cause::Overload);
        }
        if !carrier.send(&route, &self.package) {
            return Err(Cause::UnexpectedDataValue);
        }
        self.pending.ask(now, name, Asking { peer, id, kind, imsi: None });
        Ok(())
    }

    fn received(&mut self, now: Now, carrier: &mut Carrier, origin: Origin, whole: &Whole<'_>) {
        let package = Package::parse(&whole.data);
        if whole.returned.is_some() {
            if let Ok(Package::Query { origin: ours, .. }) = package {
                self.over(origin, ours, Err(Cause::NoAnswer));
            }
            return;
        }
        let route = Route { to: origin, called: whole.calling, calling: whole.called };
        let good = match package {
            Ok(Package::Query { origin: theirs, invoke, operation, parameters }) => {
                let way = Way { route, theirs, invoke };
                let asked = Asked { peer: origin.peer, way, kind: Kind::Reset };
                self.asked(now.mono, carrier, asked, operation, parameters)
            }
            Ok(Package::Response { destination, answer }) => self.response(origin, destination, &answer),
            Ok(Package::Abort { destination }) => {
                self.over(origin, destination, Err(Cause::SystemFailure));
                Ok(())
            }
            Err(error) => Err(error),
        };
        if good.is_err() {
            carrier.malformed(origin.peer);
        }
    }

    fn asked(
        &mut self,
        now: Instant,
        carrier: &mut Carrier,
        mut asked: Asked,
        operation: u8,
        parameters: &[u8],
    ) -> Result<(), PackageError> {
        let (peer, way) = (asked.peer, asked.way);
        let Some((partner, title, network)) = self.known.at(peer) else { return Ok(()) };
        let (partner, to) = (*partner, (way.theirs, way.invoke));
        self.package.clear();
        if !OPERATIONS.contains(&operation) {
            package::reject(&mut self.package, to, UNRECOGNIZED_OPERATION);
            carrier.send(&way.route, &self.package);
            return Err(PackageError::Component);
        }
        match parameters::read(operation, parameters, *title, network) {
            Ok(operation) => {
                asked.kind = Kind::of(&operation);
                let answers = asked.kind != Kind::Reset;
                let id = if answers { self.pending.asked(now, asked) } else { Some(UNANSWERED) };
                match id {
                    Some(id) => self.told.push_back(Told::Asked { partner, id, operation }),
                    None => self.refuse(carrier, &asked, Cause::Overload),
                }
                Ok(())
            }
            Err(error) => {
                let cause = match error {
                    BerError::Missing(_) => Cause::DataMissing,
                    _ => Cause::UnexpectedDataValue,
                };
                self.refuse(carrier, &asked, cause);
                Err(error.into())
            }
        }
    }

    fn refuse(&mut self, carrier: &mut Carrier, asked: &Asked, cause: Cause) {
        self.package.clear();
        let Way { route, theirs, invoke } = asked.way;
        let (to, code) = ((theirs, invoke), parameters::error_code(cause));
        package::response(&mut self.package, to, Some(code), |out| parameters::write_error(cause, out));
        carrier.send(&route, &self.package);
    }

    fn response(&mut self, origin: Origin, ours: u32, answer: &Answer<'_>) -> Result<(), PackageError> {
        let Some(asking) = self.pending.get(ours).filter(|asking| asking.peer == origin.peer) else {
            return Ok(());
        };
        let (result, good) = match *answer {
            Answer::Result(parameters) => match parameters::read_outcome(asking.kind, parameters) {
                Ok(outcome) => (Ok(outcome), Ok(())),
                Err(error) => (Err(Cause::SystemFailure), Err(error.into())),
            },
            Answer::Error(code, parameters) => (Err(parameters::read_error(code, parameters)), Ok(())),
            Answer::Reject => (Err(Cause::NotSupported), Ok(())),
        };
        self.over(origin, ours, result);
        good
    }

    /// A question of ours is answered.
    fn over(&mut self, origin: Origin, ours: u32, result: Result<Outcome, Cause>) {
        if let Some(asking) = self.pending.take(ours, origin.peer) {
            self.answered(asking.peer, asking.id, result);
        }
    }

    fn answered(&mut self, peer: usize, id: DialogueId, result: Result<Outcome, Cause>) {
        let partner = self.id(peer);
        self.told.push_back(Told::Answered { partner, id, result });
    }

    fn answer(
        &mut self,
        carrier: &mut Carrier,
        partner: PartnerId,
        id: DialogueId,
        result: &Result<Outcome, Cause>,
    ) {
        let Some(peer) = self.known.place(partner) else { return };
        let Some(asked) = self.pending.answer(id, peer) else { return };
        match result {
            Err(cause) => self.refuse(carrier, &asked, *cause),
            Ok(outcome) => {
                self.package.clear();
                let (title, Way { route, theirs, invoke }) = (self.known.title, asked.way);
                package::response(&mut self.package, (theirs, invoke), None, |out| {
                    parameters::write_outcome(asked.kind, outcome, &title, out);
                });
                carrier.send(&route, &self.package);
            }
        }
    }

    fn id(&self, peer: usize) -> PartnerId {
        self.known.id(peer)
    }

    fn news(&mut self, news: News) {
        match news {
            News::Up(peer) => self.told.push_back(Told::Up(self.id(peer))),
            News::Malformed(peer) => self.told.push_back(Told::Malformed(self.id(peer))),
            News::Down(peer) => {
                self.told.push_back(Told::Down(self.id(peer)));
                for asking in self.pending.forget(peer) {
                    self.answered(peer, asking.id, Err(Cause::NoAnswer));
                }
            }
        }
    }
}

/// What is answered here.
const OPERATIONS: [u8; 7] = [6, 7, 13, 14, 20, 22, 28];
/// T1.114.3 §4.2.4.6: an invoke that names no operation known here.
const UNRECOGNIZED_OPERATION: (u8, u8) = (2, 2);
/// What no question is called.
const UNANSWERED: DialogueId = DialogueId(u64::MAX);

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
